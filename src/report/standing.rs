//! Where public implementations stand on each convention, as their sources say.

/// An implementation that takes an option.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// The formulas.
    pub formulas: &'static [&'static str],
    /// The axis.
    pub axis: &'static str,
    /// The option.
    pub option: &'static str,
    /// Who, with the version and the file that was read.
    pub who: &'static str,
}

const fn stands(
    formulas: &'static [&'static str],
    axis: &'static str,
    option: &'static str,
    who: &'static str,
) -> Standing {
    Standing { formulas, axis, option, who }
}

const CE: &[&str] = &["cross-entropy"];
const NCE: &[&str] = &["info-nce", "info-nce-in-batch"];
const DPO: &[&str] = &["dpo", "dpo-from-logits"];
const ADAMW: &[&str] = &["adamw"];
const ADAM: &[&str] = &["adamw", "adam-l2"];
const LION: &[&str] = &["lion"];
const SOPHIA: &[&str] = &["sophia"];
const WARMED: &[&str] = &["cosine", "linear", "wsd"];
const COSINE: &[&str] = &["cosine"];
const WSD: &[&str] = &["wsd"];
const LINEAR: &[&str] = &["linear"];
const INVERSE: &[&str] = &["inverse-sqrt"];

/// Every standing that was read.
pub const STANDINGS: &[Standing] = &[
    stands(CE, "all_ignored", "nan", "torch 2.15 nn.functional.cross_entropy with reduction \"mean\"; burn-nn 0.22.1"),
    stands(CE, "smoothing", "uniform", "torch 2.15 nn.functional.cross_entropy; optax 0.2.8 smooth_labels"),
    stands(CE, "smoothing", "others", "fairseq label_smoothed_nll_loss"),
    stands(CE, "denominator", "counted", "torch 2.15 nn.functional.cross_entropy with index targets"),
    stands(CE, "denominator", "rows", "torch 2.15 nn.functional.cross_entropy with class-probability targets"),
    stands(
        NCE,
        "similarity",
        "cosine",
        "openai/CLIP model.py, without ε: a zero vector is NaN; optax 0.2.8, whose ε is 0",
    ),
    stands(NCE, "similarity", "cosine-clamp-each", "torch 2.15 nn.functional.cosine_similarity"),
    stands(NCE, "similarity", "cosine-clamp-product", "older torch (pytorch 02d66971, Distance.cpp)"),
    stands(DPO, "smoothing", "conservative", "eric-mitchell/direct-preference-optimization trainers.py"),
    stands(DPO, "smoothing", "robust", "trl 1.16.0 loss_type \"robust\"; its \"sigmoid\" takes no smoothing"),
    stands(DPO, "reference", "given", "trl 1.16.0; eric-mitchell/direct-preference-optimization"),
    stands(DPO, "reference", "free", "eric-mitchell/direct-preference-optimization reference_free"),
    stands(
        ADAMW,
        "decay",
        "joint",
        "optax 0.2.8 adamw; apple/ml-ademamix; torch 2.15 AdamW, which decays first: the same number in exact arithmetic",
    ),
    stands(ADAMW, "decay", "after", "nikhilvyas/SOAP; the former AdamW of huggingface/transformers"),
    stands(ADAMW, "decay", "proximal", "sail-sg/Adan with its default no_prox = False"),
    stands(ADAMW, "decay", "schedule", "Loshchilov & Hutter's paper, where only the schedule multiplies λ"),
    stands(ADAMW, "decay", "absolute", "optax 0.2.8 adafactor, which adds the decay after the rate"),
    stands(ADAM, "epsilon", "outside", "torch 2.15 optim/adam.py; optax 0.2.8"),
    stands(
        ADAM,
        "epsilon",
        "hat",
        "nikhilvyas/SOAP; MoonshotAI/Moonlight; Adam's paper in its efficient form; TensorFlow and Keras",
    ),
    stands(ADAM, "epsilon", "root", "optax 0.2.8 with eps_root"),
    stands(ADAM, "epsilon", "max", "iShohei220/adopt"),
    stands(ADAM, "bias_correction", "both", "torch 2.15; optax 0.2.8"),
    stands(ADAM, "bias_correction", "none", "BERT's optimizer; oxiglade/mlx-rs @7ba9842"),
    stands(ADAM, "amsgrad", "raw", "torch 2.15 optim/adam.py with amsgrad = True"),
    stands(ADAM, "amsgrad", "corrected", "optax 0.2.8 amsgrad"),
    stands(ADAM, "step_count", "per-tensor", "torch 2.15; burn-optim 0.22.1; tch 0.24.0"),
    stands(ADAM, "step_count", "global", "optax 0.2.8; candle-nn 0.11.1; candle-optimisers 0.10.2; dfdx 0.13.0"),
    stands(LION, "decay", "joint", "google/automl lion; optax 0.2.8; lion-pytorch 0.2.5"),
    stands(LION, "decay", "schedule", "lion-pytorch 0.2.5 with decoupled_weight_decay = True"),
    stands(SOPHIA, "decay", "joint", "Liuhong99/Sophia, which decays first; optax 0.2.8; stanford-crfm/levanter"),
    stands(SOPHIA, "momentum", "raw", "Liuhong99/Sophia sophia.py; pytorch-optimizer 4.1.0"),
    stands(SOPHIA, "momentum", "corrected", "optax 0.2.8; stanford-crfm/levanter"),
    stands(SOPHIA, "floor", "max", "optax 0.2.8; stanford-crfm/levanter; the paper's Algorithm 3"),
    stands(SOPHIA, "floor", "sum", "Liuhong99/Sophia sophia.py, with 1e-15"),
    stands(SOPHIA, "refresh", "before", "the paper's Algorithm 3; pytorch-optimizer 4.1.0"),
    stands(SOPHIA, "refresh", "after", "Liuhong99/Sophia train_sophiag.py; optax 0.2.8; stanford-crfm/levanter"),
    stands(WARMED, "warmup", "s/W", "huggingface/transformers 5.23.0"),
    stands(COSINE, "warmup", "s/W", "the guide; optax 0.2.8 warmup_cosine_decay_schedule; older nanoGPT"),
    stands(COSINE, "warmup", "(s+1)/W", "karpathy/llm.c; burn-optim 0.22.1"),
    stands(COSINE, "warmup", "(s+1)/(W+1)", "karpathy/nanoGPT @3adf61e"),
    stands(COSINE, "after_end", "hold", "karpathy/nanoGPT; optax 0.2.8; timm 1.0.31"),
    stands(
        COSINE,
        "after_end",
        "continue",
        "the guide; huggingface/transformers 5.23.0; torch 2.15 CosineAnnealingLR; burn-optim 0.22.1",
    ),
    stands(COSINE, "after_end", "restart", "torch 2.15 CosineAnnealingWarmRestarts"),
    stands(WSD, "warmup", "(s+1)/W", "karpathy/llm.c; KellerJordan/modded-nanogpt"),
    stands(WSD, "after_end", "hold", "huggingface/transformers 5.23.0 get_wsd_schedule"),
    stands(WSD, "after_end", "continue", "the guide, whose rate falls below zero"),
    stands(WSD, "shape", "linear", "the guide; KellerJordan/modded-nanogpt"),
    stands(WSD, "shape", "cosine", "huggingface/transformers 5.23.0, by default"),
    stands(
        WSD,
        "shape",
        "one-minus-sqrt",
        "karpathy/llm.c; huggingface/transformers 5.23.0 with decay_type = \"1-sqrt\"",
    ),
    stands(LINEAR, "after_end", "hold", "huggingface/transformers 5.23.0, which clamps at 0"),
    stands(INVERSE, "warmup", "s/W", "huggingface/transformers 5.23.0; facebookresearch/fairseq @07665ac"),
    stands(INVERSE, "peak", "max", "huggingface/transformers 5.23.0; facebookresearch/fairseq @07665ac"),
];

/// Who takes an option of a formula's axis.
pub fn who(formula: &str, axis: &str, option: &str) -> Vec<&'static str> {
    let taken = |s: &&Standing| s.formulas.contains(&formula) && s.axis == axis && s.option == option;
    STANDINGS.iter().filter(taken).map(|s| s.who).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    #[test]
    fn every_standing_is_on_an_option_of_the_catalog() {
        for s in STANDINGS {
            for formula in s.formulas {
                let axes = catalog::formula(formula).unwrap().axes;
                let axis = axes.iter().find(|axis| axis.id == s.axis);
                let option = axis.and_then(|axis| axis.options.iter().find(|option| option.id == s.option));
                assert!(option.is_some(), "{formula} {} {}", s.axis, s.option);
            }
        }
    }

    #[test]
    fn every_axis_has_somebody_on_it() {
        for formula in catalog::FORMULAS {
            for axis in formula.axes {
                let taken = axis.options.iter().any(|option| !who(formula.id, axis.id, option.id).is_empty());
                assert!(taken, "{} {}", formula.id, axis.id);
            }
        }
    }
}
