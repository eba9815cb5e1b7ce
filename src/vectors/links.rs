//! Where to read about a formula, a convention, and who made a mistake.

use crate::diagnosis::Handling;

/// A page about a formula: the paper, or the code that its source names.
pub(super) fn of_formula(id: &str) -> &'static str {
    match id {
        "cross-entropy" => "https://www.deeplearningbook.org/contents/mlp.html",
        "info-nce" => "https://arxiv.org/abs/1807.03748",
        "info-nce-in-batch" => "https://arxiv.org/abs/2103.00020",
        "dpo" | "dpo-from-logits" => "https://arxiv.org/abs/2305.18290",
        "adamw" => "https://arxiv.org/abs/1711.05101",
        "adam-l2" => "https://arxiv.org/abs/1412.6980",
        "lion" => "https://arxiv.org/abs/2302.06675",
        "sophia" | "gauss-newton-bartlett" | "hutchinson" => "https://arxiv.org/abs/2305.14342",
        "sgd" => "https://proceedings.mlr.press/v28/sutskever13.html",
        "cosine" => "https://arxiv.org/abs/1608.03983",
        "wsd" => "https://arxiv.org/abs/2404.06395",
        "inverse-sqrt" => "https://github.com/facebookresearch/fairseq",
        "linear" => "https://github.com/huggingface/transformers",
        "noam" => "https://arxiv.org/abs/1706.03762",
        _ => "",
    }
}

/// Where people met a convention; `None` where the formula's own page is the place.
pub(super) fn of_axis(id: &str) -> Option<&'static str> {
    Some(match id {
        "all_ignored" => "https://github.com/pytorch/pytorch/issues/70348",
        "denominator" => "https://github.com/huggingface/transformers/pull/34191",
        "decay" => "https://github.com/huggingface/transformers/issues/14539",
        "epsilon" => "https://github.com/tensorflow/tensorflow/issues/35102",
        "bias_correction" => "https://github.com/ml-explore/mlx/pull/1640",
        "amsgrad" => "https://github.com/pytorch/pytorch/issues/142323",
        "step_count" => "https://github.com/huggingface/candle/commit/00eba4a",
        "momentum" | "floor" | "refresh" => "https://github.com/Liuhong99/Sophia/issues/34",
        "warmup" => "https://github.com/pytorch/torchtitan/issues/1213",
        "after_end" => "https://github.com/tracel-ai/burn/issues/5128",
        "peak" => "https://github.com/huggingface/transformers/issues/44908",
        _ => return None,
    })
}

/// Where a handling was met.
pub(super) fn of_handling(handling: Handling) -> Option<&'static str> {
    Some(match handling {
        Handling::ParametersNotWrittenBack => "https://github.com/raskr/rust-autograd/issues/16",
        Handling::StepsCountedPerTensor | Handling::MissingGradientAsZero => {
            "https://github.com/huggingface/candle/commit/00eba4a"
        }
        Handling::StepAhead => "https://github.com/tracel-ai/burn/issues/614",
        Handling::RateOfNextStep => "https://github.com/tracel-ai/burn/issues/1198",
        Handling::FirstStepSkipped => "https://github.com/pytorch/torchtitan/issues/1213",
        _ => return None,
    })
}

/// The page that a mistake's source names: "tracel-ai/burn #614", "FluxML/Optimisers.jl PR #129",
/// "Wireless4024/candle lion.rs @59d7912".
pub(super) fn of_source(source: &str) -> Option<String> {
    let source = source.replace("bitsandbytes #", "bitsandbytes-foundation/bitsandbytes #");
    let words: Vec<&str> = source.split([' ', ',', ';', ':']).collect();
    let is_repository = |word: &str| word.split('/').count() == 2 && !word.ends_with(".py");
    let at = words.iter().position(|word| is_repository(word))?;
    let number = words[at + 1..].iter().find(|word| word.starts_with(['#', '@']))?;
    let kind = match (number.starts_with('@'), words[at + 1]) {
        (true, _) => "commit",
        (false, "PR") => "pull",
        (false, _) => "issues",
    };
    Some(format!("https://github.com/{}/{kind}/{}", words[at], &number[1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    #[test]
    fn a_source_that_names_a_thread_or_a_commit_has_its_page() {
        let page = |source| of_source(source).unwrap_or_default();
        assert_eq!(page("tracel-ai/burn #614 and others"), "https://github.com/tracel-ai/burn/issues/614");
        assert_eq!(page("FluxML/Optimisers.jl PR #129, caught"), "https://github.com/FluxML/Optimisers.jl/pull/129");
        assert_eq!(
            page("x; Wireless4024/candle lion.rs @59d7912 has it"),
            "https://github.com/Wireless4024/candle/commit/59d7912"
        );
        assert_eq!(of_source("a slip in hand derivations"), None);
        assert_eq!(of_source("differs from torch/optim/sgd.py, which clones"), None);
    }

    #[test]
    fn every_formula_has_a_page() {
        for formula in catalog::FORMULAS {
            assert!(of_formula(formula.id).starts_with("https://"), "{} needs a line in links.rs", formula.id);
        }
    }
}
