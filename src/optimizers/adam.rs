//! Adam's direction: the moments and the ratio that AdamW and Adam + L2 share
//! (Kingma & Ba 2015, Algorithm 1).
//!
//! m′ = β1 m + (1 − β1) g,  v′ = β2 v + (1 − β2) g²,
//! u = (m′/(1 − β1^t)) / (√(v′/(1 − β2^t)) + ε).

use crate::domain;
use crate::error::{Error, Result};
use crate::expression::{Expr, constant, larger};
use crate::formula::{Numbers, Wrong, axis};
use crate::kernels;
use crate::kernels::{Coefficient, two_to};
use crate::number::{Dyadic, Wide};
use crate::optimizers::average::{average_wide, lerp, weights};
use crate::optimizers::element::Element;
use crate::optimizers::state::Counting;
use serde::Deserialize;

axis! {
    /// Where ε enters.
    Epsilon "epsilon" {
        Outside "outside": "√v̂ + ε",
        Hat "hat": "√v̂ + ε/√(1 − β2^t), the paper's efficient form",
        Root "root": "√(v̂ + ε)",
        Max "max": "max(√v̂, ε)",
    }
}
axis! {
    /// Whether the zero start of the moments is corrected.
    BiasCorrection "bias_correction" {
        Both "both": "m′/(1 − β1^t) and v′/(1 − β2^t)",
        None "none": "m′ and v′ as they are; hat is then outside",
    }
}
axis! {
    /// The maximum over past second moments (Reddi et al. 2018).
    Amsgrad "amsgrad" {
        Off "off": "no maximum",
        Raw "raw": "v̂ = max(v_max, v′)/(1 − β2^t), v_max′ = max(v_max, v′), as PyTorch's",
        Corrected "corrected": "v̂ = max(v_max, v′/(1 − β2^t)) = v_max′, as optax's",
    }
}
axis! {
    /// How t is counted.
    StepCount "step_count" {
        PerTensor "per-tensor": "each tensor counts the steps in which it got a gradient",
        Global "global": "one count for all, from the largest step in state, of every entry of gradients",
    }
}

impl StepCount {
    /// The same for the machinery of steps.
    pub fn counting(self) -> Counting {
        match self {
            StepCount::PerTensor => Counting::PerTensor,
            StepCount::Global => Counting::Global,
        }
    }
}

/// Adam's choices.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Choices {
    /// Where ε enters.
    pub epsilon: Epsilon,
    /// Whether the moments are corrected.
    pub bias_correction: BiasCorrection,
    /// The maximum over past second moments.
    pub amsgrad: Amsgrad,
}

/// The names of the moments.
pub fn moments(amsgrad: Amsgrad) -> &'static [&'static str] {
    if amsgrad == Amsgrad::Off { &["m", "v"] } else { &["m", "v", "v_max"] }
}

// ---- definition -------------------------------------------------------------------------------

/// What the direction is computed from, for one parameter.
#[derive(Clone, Copy, Debug)]
pub struct Symbols {
    /// g
    pub g: Expr,
    /// m
    pub m: Expr,
    /// v
    pub v: Expr,
    /// The maximum so far, with AMSGrad.
    pub v_max: Expr,
    /// β1
    pub beta1: Expr,
    /// β2
    pub beta2: Expr,
    /// ε
    pub eps: Expr,
    /// t
    pub t: i64,
}

/// The direction and the new moments.
#[derive(Clone, Copy, Debug)]
pub struct Direction {
    /// u
    pub u: Expr,
    /// m′
    pub m: Expr,
    /// v′
    pub v: Expr,
    /// v_max′
    pub v_max: Expr,
}

/// 1 − β^t
pub fn bias(beta: Expr, t: i64) -> Expr {
    1 - beta.powi(t)
}

/// u, m′ and v′ as graphs.
pub fn direction(x: &Symbols, choices: Choices, wrong: Wrong) -> Direction {
    let (beta1, beta2) = if wrong == Some("betas-swapped") { (x.beta2, x.beta1) } else { (x.beta1, x.beta2) };
    let (m, v) = if wrong == Some("moments-not-kept") { (constant(0), constant(0)) } else { (x.m, x.v) };
    let m = beta1 * m + (1 - beta1) * x.g;
    let v = beta2 * v + (1 - beta2) * x.g.squared();
    let t = counted(x.t, wrong);
    let (bias1, bias2) = match choices.bias_correction {
        BiasCorrection::Both => (bias(beta1, t), bias(beta2, t)),
        BiasCorrection::None => (constant(1), constant(1)),
    };
    let (m_hat, v_hat) = match wrong {
        Some("bias-multiplied") => (m * bias1, v * bias2),
        _ => (m / bias1, v / bias2),
    };
    let (v_hat, v_max) = match choices.amsgrad {
        Amsgrad::Off => (v_hat, x.v_max),
        Amsgrad::Raw => (larger(x.v_max, v) / bias2, larger(x.v_max, v)),
        Amsgrad::Corrected => (larger(x.v_max, v_hat), larger(x.v_max, v_hat)),
    };
    let denominator = match choices.epsilon {
        Epsilon::Outside => v_hat.sqrt() + x.eps,
        Epsilon::Hat => v_hat.sqrt() + x.eps / bias2.sqrt(),
        Epsilon::Root => (v_hat + x.eps).sqrt(),
        Epsilon::Max => larger(v_hat.sqrt(), x.eps),
    };
    let v_max = if wrong == Some("v-max-not-kept") { x.v_max } else { v_max };
    Direction { u: m_hat / denominator, m, v, v_max }
}

/// The count that goes into the bias correction.
fn counted(t: i64, wrong: Wrong) -> i64 {
    match wrong {
        Some("step-late") => t.saturating_add(1),
        Some("step-early") => t - 1,
        Some("bias-power-missing") => 1,
        _ => t,
    }
}

impl Symbols {
    /// An element's numbers; v_max only where it is kept.
    pub fn of(x: &Element, hyper: Hyper, numbers: &Numbers) -> Symbols {
        let [m, v, v_max] = x.moments;
        Symbols {
            g: numbers.number("g", x.g),
            m: numbers.number("m", m),
            v: numbers.number("v", v),
            v_max: numbers.number("v_max", v_max),
            beta1: numbers.scalar("beta1", hyper.beta1),
            beta2: numbers.scalar("beta2", hyper.beta2),
            eps: numbers.scalar("eps", hyper.eps),
            t: i64::try_from(x.t).unwrap_or(i64::MAX),
        }
    }
}

impl Direction {
    /// The new moments, in the order of their names.
    pub fn moments(&self) -> Vec<Expr> {
        vec![self.m, self.v, self.v_max]
    }
}

// ---- textbook ---------------------------------------------------------------------------------

/// How implementations go that do not compute the definition as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// PyTorch's Python: m′ by `lerp`, then the rate times the quotient m′/denominator.
    Lerp,
    /// libtorch's C++ and fused kernels: m′ as two products, then the rate times m′, divided.
    Products,
}

/// ηu and the new moments, with the corrections folded into scalars: η/(1 − β1^t) is one rate, and
/// √v̂ is √v′/√(1 − β2^t). `one` is the number 1 in the dtype of tensors.
pub fn textbook(x: &Symbols, choices: Choices, eta: Expr, way: Way, one: Expr) -> (Expr, Vec<Expr>) {
    let Symbols { g, beta1, beta2, eps, .. } = *x;
    let (m, v) = match way {
        Way::Lerp => (lerp(x.m, g, 1 - beta1, one), x.v * beta2 + (1 - beta2) * g * g),
        Way::Products => (x.m * beta1 + g * (1 - beta1), x.v * beta2 + (1 - beta2) * (g * g)),
    };
    let (bias1, bias2) = match choices.bias_correction {
        BiasCorrection::Both => (bias(beta1, x.t), bias(beta2, x.t)),
        BiasCorrection::None => (constant(1), constant(1)),
    };
    let largest = match choices.amsgrad {
        Amsgrad::Off => v,
        Amsgrad::Raw => larger(x.v_max, v),
        Amsgrad::Corrected => larger(x.v_max, v / bias2),
    };
    // v_max holds the corrected maximum under that option
    let correction = if choices.amsgrad == Amsgrad::Corrected { constant(1) } else { bias2 };
    let root = largest.sqrt() / correction.sqrt();
    let (rate, denominator) = match choices.epsilon {
        Epsilon::Outside => (eta / bias1, root + eps),
        // the paper's efficient form
        Epsilon::Hat if choices.amsgrad != Amsgrad::Corrected => (eta * bias2.sqrt() / bias1, largest.sqrt() + eps),
        Epsilon::Hat => (eta / bias1, root + eps / bias2.sqrt()),
        Epsilon::Root => (eta / bias1, (largest / correction + eps).sqrt()),
        Epsilon::Max => (eta / bias1, larger(root, eps)),
    };
    let moved = match way {
        Way::Lerp => rate * (m / denominator),
        Way::Products => rate * m / denominator,
    };
    (
        moved,
        Direction { u: moved, m, v, v_max: if choices.amsgrad == Amsgrad::Off { x.v_max } else { largest } }.moments(),
    )
}

// ---- oracle -----------------------------------------------------------------------------------

/// Adam's hyperparameters.
#[derive(Clone, Copy, Debug)]
pub struct Hyper {
    /// β1 in [0, 1)
    pub beta1: f64,
    /// β2 in [0, 1)
    pub beta2: f64,
    /// ε ≥ 0
    pub eps: f64,
}

impl Hyper {
    /// Checks the domains.
    pub fn check(&self) -> Result<()> {
        domain::decay_rate("beta1", self.beta1)?;
        domain::decay_rate("beta2", self.beta2)?;
        domain::non_negative("eps", self.eps)?;
        Ok(())
    }
}

/// 1 − β^t for β in [0, 1).
pub(crate) fn bias_wide(x: f64, t: u64) -> Wide {
    let beta = Wide::from(x);
    let power = beta.powi(i64::try_from(t).unwrap_or(i64::MAX));
    if power.is_exact() {
        return Wide::ONE - power;
    }
    // 1 − e^(t ln β), which keeps its digits where β^t is near 1 and where it is far below
    let exponent = Wide::from_whole(t) * beta.ln();
    let bias = -exponent.exp_m1();
    if bias.relative_error() <= BIAS_ERROR || exponent.to_f64() < -200.0 {
        return bias;
    }
    // between them, for as many steps as there are until β^t is far below, by longer numbers
    let [nearest, rest] = Dyadic::one_minus_power(x, t);
    Wide::known_to(nearest, rest, two_to(-105) * nearest)
}

/// 2^−103: what the loops over vectors take of a step's scalars is within 2^−100, after a root and a quotient.
const BIAS_ERROR: f64 = two_to(-103);

/// 1 − β1^t and 1 − β2^t, or 1 where they do not correct.
pub(crate) fn biases_wide(hyper: Hyper, choices: Choices, t: u64) -> [Wide; 2] {
    match choices.bias_correction {
        BiasCorrection::Both => [hyper.beta1, hyper.beta2].map(|beta| bias_wide(beta, t)),
        BiasCorrection::None => [Wide::ONE; 2],
    }
}

/// u and the moments [m′, v′, v_max′] as wide numbers, from the gradient g.
///
/// # Errors
/// If the denominator is zero.
pub(crate) fn direction_wide(
    x: &Element,
    g: Wide,
    hyper: Hyper,
    choices: Choices,
    [bias1, bias2]: [Wide; 2],
) -> Result<(Wide, [Wide; 3])> {
    let Hyper { beta1, beta2, eps } = hyper;
    let (eps, [m, v, v_max]) = (Wide::from(eps), x.moments.map(Wide::from));
    let corrected = choices.bias_correction == BiasCorrection::Both;
    let m = average_wide(beta1, m, g);
    let v = average_wide(beta2, v, g * g);
    // from zero the corrections undo the averages: m̂ = g and √v̂ = |g| exactly, so that u is ±1 where ε = 0
    let from_zero = corrected && x.t == 1 && x.moments == [0.0; 3];
    let (m_hat, v_hat) = if from_zero { (g, g * g) } else { (m / bias1, v / bias2) };
    let (v_hat, v_max) = match choices.amsgrad {
        Amsgrad::Off => (v_hat, v_max),
        Amsgrad::Raw if from_zero => (v_hat, v),
        Amsgrad::Raw => (v_max.max(v) / bias2, v_max.max(v)),
        Amsgrad::Corrected => (v_max.max(v_hat), v_max.max(v_hat)),
    };
    let root = if from_zero { g.abs() } else { v_hat.sqrt() };
    let denominator = match choices.epsilon {
        Epsilon::Outside => root + eps,
        Epsilon::Hat => root + eps / bias2.sqrt(),
        Epsilon::Root if eps.is_zero() => root,
        Epsilon::Root => (v_hat + eps).sqrt(),
        Epsilon::Max => root.max(eps),
    };
    if denominator.is_zero() {
        return Err(Error::zero(x.place.of("params"), "√v̂ + ε is 0"));
    }
    Ok((m_hat / denominator, [m, v, v_max]))
}

/// The same for the loops over vectors, with what the decay beside the gradient leaves of θ and how far u moves it,
/// and λ in the gradient; `None` where ε or a maximum enters in another way, or a scalar is out of their range.
pub(crate) fn rule<const L2: bool>(
    hyper: Hyper,
    choices: Choices,
    [bias1, bias2]: [Wide; 2],
    [kept, moved]: [Wide; 2],
    lambda: Wide,
) -> Option<kernels::Adam<L2>> {
    // m̂/(√v̂ + ε) = (√bias2/bias1) m′/(√v′ + ε√bias2)
    let root = bias2.sqrt();
    let eps = match (choices.amsgrad, choices.epsilon) {
        (Amsgrad::Off, Epsilon::Outside) => Wide::from(hyper.eps) * root,
        (Amsgrad::Off, Epsilon::Hat) => Wide::from(hyper.eps),
        _ => return None,
    };
    Some(kernels::Adam {
        beta1: weights(hyper.beta1)?,
        beta2: weights(hyper.beta2)?,
        lambda: [Coefficient::of(lambda)?, Coefficient::of((Wide::ONE - Wide::from(hyper.beta1)) * lambda)?],
        eps: Coefficient::of(eps)?,
        kept: Coefficient::of(kept)?,
        moved: Coefficient::of(moved * root / bias1)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_loops_over_vectors() {
        let choices =
            Choices { epsilon: Epsilon::Outside, bias_correction: BiasCorrection::Both, amsgrad: Amsgrad::Off };
        for (beta1, beta2) in [(0.9, 0.999), (0.9, 0.95), (0.95, 0.98), (0.99, 0.5), (0.999, 0.9999)] {
            let hyper = Hyper { beta1, beta2, eps: 1e-8 };
            for t in (1..500).chain([1000, 5000, 1_000_000]) {
                let biases = biases_wide(hyper, choices, t);
                let by_logarithm = |beta: f64| -(Wide::from_whole(t) * Wide::from(beta).ln()).exp_m1();
                for (bias, beta) in biases.into_iter().zip([beta1, beta2]) {
                    let off = bias - by_logarithm(beta);
                    assert!(off.sign().is_none() || off.is_zero(), "1 − {beta}^{t}: {off:?} apart");
                }
                let kept_and_moved = [1.0 - 1e-4, 1e-3].map(Wide::from);
                let rule = rule::<false>(hyper, choices, biases, kept_and_moved, Wide::ZERO);
                assert!(rule.is_some(), "β1 = {beta1}, β2 = {beta2}, t = {t}: {biases:?}");
            }
        }
    }
}
