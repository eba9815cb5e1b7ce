//! The interview questions of the guide that the catalog started from: what its answers come to.

/// A question with the guide's answer, part by part.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// "Q1"
    pub id: &'static str,
    /// The question, translated.
    pub asked: &'static str,
    /// The question in the guide's words.
    pub original: &'static str,
    /// The answer as it should be given, from what was decided.
    pub answer: &'static str,
    /// What the guide's answer says.
    pub parts: &'static [Part],
    /// The pictures that belong to it.
    pub pictures: &'static [&'static str],
}

/// A part of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// What the guide says, translated.
    pub said: &'static str,
    /// The claims that decide it: those as it was said, then their amendments. None where it is outside.
    pub claims: &'static [&'static str],
    /// What comes out of it, with the numbers.
    pub comes_to: &'static str,
}

const fn part(said: &'static str, claims: &'static [&'static str], comes_to: &'static str) -> Part {
    Part { said, claims, comes_to }
}

/// The five questions.
pub const QUESTIONS: &[Question] = &[
    Question {
        id: "Q1",
        asked: "Derive the gradient of the cross-entropy loss with respect to the logits by hand.",
        original: "手推 Cross-Entropy Loss 对 logits 的梯度",
        answer: "ℓ = ln Σ e^z − z_y, so ∂ℓ/∂z_i = p_i − [i = y]: the log-sum-exp has the softmax as its derivative, the \
                 target's logit has 1. The gradient sums to zero. At the target it is −(1 − p_y) and depends on p_y \
                 alone, not on how uncertain the prediction is.",
        parts: &[
            part(
                "The gradient is p_i − 𝟙[i = y].",
                &["cross-entropy/gradient", "cross-entropy/gradient-sums-to-zero"],
                "True, for every V: the sum of the other exponentials is one free variable in the proof.",
            ),
            part(
                "At the target class: the more uncertain the model, the larger the gradient.",
                &["cross-entropy/uncertainty", "cross-entropy/target-gradient"],
                "False as it is said. The uniform prediction over three classes is the most uncertain one, and its \
                 |gradient| of 2/3 is less than the 0.788 of a prediction that favours a wrong class. What grows the \
                 gradient is a small p_y.",
            ),
            part(
                "At the other classes the gradient is the predicted probability: the more wrongly confident, the larger.",
                &["cross-entropy/other-gradient"],
                "True: ∂p_i/∂z_i = p_i(1 − p_i) > 0.",
            ),
        ],
        pictures: &["gap"],
    },
    Question {
        id: "Q2",
        asked: "What is the difference between AdamW and Adam with L2 regularization, and why is AdamW better?",
        original: "AdamW 和 Adam + L2 正则有什么区别？为什么 AdamW 更好？",
        answer: "L2 adds λθ to the gradient, so that Adam divides it by √v̂ as it divides the gradient: parameters with \
                 large gradients are decayed less. AdamW takes −ηλθ beside the ratio, so that the decay of a step depends \
                 neither on the gradient nor on the moments. The decay belongs into the same step as the ratio (or before \
                 it); taken after it, it differs by η²λu. That AdamW is better is an empirical finding, and no theorem.",
        parts: &[
            part(
                "Adam + L2 adds the decay to the gradient, g ← g + λθ, which then passes through the adaptive scaling.",
                &["across/l2-is-decay-for-adam", "across/without-decay-they-agree", "across/l2-is-decay-for-sgd"],
                "The two are not the same for Adam, with a counterexample; for plain SGD they are.",
            ),
            part(
                "Where gradients are large the decay is weakened.",
                &["adam-l2/decay-is-rescaled"],
                "True where past gradients dominate √v̂: the decay's part of a step is −η(1 − β1)λθ/((1 − β1^t)(√v̂ + ε)).",
            ),
            part(
                "Where gradients are small the decay is strengthened.",
                &["adam-l2/small-gradients-decay-more", "adam-l2/zero-gradient"],
                "False without a bound: at g = 0 the first step is η whatever λ and θ, a constant shrink in place of a \
                 proportional one. With η = ε = 1/10 and λ = θ = 1 that is 1/11, less than AdamW's 1/10.",
            ),
            part(
                "AdamW updates first, and then takes θ ← θ − ηλθ.",
                &["adamw/decay-after", "adamw/decay-after-differs", "adamw/decay-first"],
                "False: that differs from its formula, and from the guide's own code, by exactly η²λu. Decaying first is \
                 the formula.",
            ),
            part(
                "So all parameters are regularized uniformly.",
                &["adamw/decoupling", "adamw/uniform-across-groups", "adamw/uniform-decay"],
                "True of one group of parameters: each shrinks by ηλ of itself. False across groups, where biases and norms \
                 usually have no decay.",
            ),
            part(
                "Loshchilov & Hutter (2019) proved it significantly better for language models.",
                &[],
                "Outside: the paper is empirical and about image classification; it proves no superiority.",
            ),
        ],
        pictures: &["decoupling"],
    },
    Question {
        id: "Q3",
        asked: "What does the temperature τ of the InfoNCE loss do?",
        original: "InfoNCE Loss 的温度参数 τ 有什么作用？",
        answer: "It scales similarities: the loss depends on s/τ alone. A small τ gives the hardest negatives a larger share \
                 of the gradient. Its size, Σ|∂ℓ/∂s_j| = 2(1 − p_0)/τ, grows without bound only where a negative is at \
                 least as similar as the positive; where the positive is the most similar it vanishes. A large τ makes all \
                 weights equal and the gradient small.",
        parts: &[
            part(
                "Small τ: a sharp distribution, and more weight on hard negatives.",
                &["info-nce/hard-negative-share", "info-nce/hard-negative-share-falls"],
                "True: the share of the hardest negative falls as τ rises.",
            ),
            part(
                "Small τ: gradients may be unstable; they may explode.",
                &[
                    "info-nce/small-temperature-explodes",
                    "info-nce/gradient-size",
                    "info-nce/small-temperature-hard",
                    "info-nce/small-temperature-easy",
                ],
                "Only where the positive is not the most similar: there the size goes as 2/τ. Otherwise it goes to 0, so \
                 that \"smaller τ, larger gradient\" is false: with s = (1, 0) it is 0.477 at τ = 1/2 and 0.538 at τ = 1.",
            ),
            part(
                "Large τ: a smooth distribution, with nearly equal weights on all negatives; stable, and slow.",
                &["info-nce/large-temperature"],
                "True as a limit: the weights become equal, ℓ → ln(K + 1), and the gradient goes to 0.",
            ),
            part(
                "It can be learned, as in CLIP.",
                &["info-nce/temperature-gradient", "info-nce/logit-scale-gradient"],
                "Its gradient is Σ p_j (s_0 − s_j)/τ²; CLIP learns u = −ln τ. Where CLIP starts is a fact about a program \
                 and outside.",
            ),
        ],
        pictures: &["info-nce-weights"],
    },
    Question {
        id: "Q4",
        asked: "What memory does Lion save over AdamW, and why does it work?",
        original: "LION 比 AdamW 省了哪些内存？为什么能 work？",
        answer: "Lion keeps one moment where AdamW keeps two: half of the optimizer's state. It is a third only where an fp32 \
                 master copy counts as state (12 bytes become 8) or the parameters are counted too. Its step is the sign of \
                 an interpolation, so that it is −η, 0 or η beside the decay, and multiplying the gradients of all steps \
                 by a constant changes nothing. Why it trains well is not a question of mathematics.",
        parts: &[
            part(
                "Lion keeps m alone and saves about a third of the optimizer's state.",
                &[
                    "lion/memory-third",
                    "lion/memory-half",
                    "lion/memory-third-with-master",
                    "lion/memory-beside-parameters",
                ],
                "False as it is said, and against the guide's own section 2.2: one of two moments is 1/2. A third needs the \
                 fp32 master copy in the count.",
            ),
            part(
                "Every parameter moves by the same amount.",
                &["lion/same-size-with-decay", "lion/update-size", "lion/update-beside-decay"],
                "Without decay the step is −η, 0 or η, and 0 where the interpolation is 0. With decay it is not: \
                 |θ′ − θ| = η|λθ ± 1|.",
            ),
            part(
                "The sign normalizes the gradient implicitly.",
                &["lion/gradient-normalization", "lion/scale-invariance"],
                "True of a factor that all steps share. False of one step: a larger first gradient outvotes a later one \
                 through the momentum.",
            ),
            part(
                "It is like signSGD with a smoothing momentum.",
                &["lion/sign-sgd-with-momentum", "lion/sign-sgd-with-equal-betas"],
                "Only with β1 = β2. Otherwise the sign is of an average that weighs the newest gradient more.",
            ),
            part(
                "It needs a smaller rate and a larger weight decay.",
                &["lion/weight-decay-scales"],
                "A recommendation, and outside; what is proved is that a rate k times smaller with a decay k times larger \
                 shrinks alike.",
            ),
        ],
        pictures: &["steps"],
    },
    Question {
        id: "Q5",
        asked: "What is the central difference between the cosine and the WSD schedule, and when is which one right?",
        original: "Cosine 和 WSD 学习率调度的核心区别？什么场景选哪个？",
        answer: "WSD's rate does not depend on the length of the run until its decay begins, and the cosine's does from the \
                 first step after the warm-up. So a WSD run can be lengthened at any step of its plateau, and a cosine run \
                 cannot. Both reach their lowest rate at step T, which is after the last trained step.",
        parts: &[
            part(
                "Cosine decays smoothly from the peak to the minimum.",
                &["cosine/ends", "cosine/flat-ends", "cosine/ends-within-the-run", "cosine/last-step"],
                "True between steps W and T; the minimum belongs to step T, and the last trained step is T − 1.",
            ),
            part(
                "Its rate falls throughout training.",
                &["cosine/decreasing-throughout", "cosine/decreasing"],
                "False in the warm-up, where it rises; true from there on.",
            ),
            part(
                "WSD stays at the peak and decays quickly at the end.",
                &["wsd/ends", "wsd/steps-at-the-peak"],
                "True: T − D − W + 1 steps are at the peak, from W to T − D inclusive.",
            ),
            part(
                "WSD can stop at any time: every checkpoint of the plateau is usable.",
                &["wsd/lengthened-at-any-step", "wsd/prefix"],
                "Its core is proved: two runs with the same W and D are equal up to the earlier decay. It is false once the \
                 decay has begun. Whether such a checkpoint is near the optimum is outside.",
            ),
            part(
                "Cosine needs the number of steps beforehand.",
                &["cosine/prefix", "cosine/needs-its-end"],
                "True: runs of different lengths differ from the first step after the warm-up. That it makes better use of \
                 every step is outside.",
            ),
        ],
        pictures: &["schedules"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;
    use crate::claim::{Source, Verdict};
    use std::collections::BTreeSet;

    #[test]
    fn every_claim_that_the_guides_answers_make_is_in_its_question() {
        let claims = catalog::claims();
        let guide = Source::guide("", "").document;
        for question in QUESTIONS {
            let used: BTreeSet<&str> = question.parts.iter().flat_map(|part| part.claims.iter().copied()).collect();
            for id in &used {
                assert!(claims.iter().any(|claim| claim.id == *id), "{}: no claim {id}", question.id);
            }
            let of_question = |source: &Source| source.document == guide && source.section.ends_with(question.id);
            for claim in claims.iter().filter(|claim| claim.source.as_ref().is_some_and(of_question)) {
                assert!(used.contains(claim.id), "{} lacks {}", question.id, claim.id);
            }
        }
    }

    #[test]
    fn what_is_refuted_stands_with_its_amendment() {
        let claims = catalog::claims();
        let find = |id: &str| claims.iter().find(|claim| claim.id == id).unwrap();
        for part in QUESTIONS.iter().flat_map(|question| question.parts) {
            for id in part.claims.iter().filter(|id| find(id).expected == Verdict::Refuted) {
                let amended = part.claims.iter().any(|other| find(other).amends == Some(id));
                assert!(amended, "{id} stands without its amendment");
            }
        }
    }
}
