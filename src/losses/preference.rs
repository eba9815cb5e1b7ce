//! What DPO is made of, whether it starts from log-probabilities or from logits: the implicit
//! reward, the margin and its loss, as graphs and in f64 without cancellation.
//!
//! r̂ = β (ln π − ln π_ref), h = r̂_w − r̂_l, ℓ = softplus(−h) = −ln σ(h), ∂ℓ/∂h = −σ(−h)
//! (Rafailov et al., *Direct Preference Optimization*, 2023, equations 5 and 7).
//! With labels that are flipped with probability ε there are two losses: the conservative one
//! (Mitchell, *A note on DPO with noisy preferences*, 2023) and the robust, unbiased one
//! (Chowdhury, Kini, Natarajan, *Provably Robust DPO*, 2024).

use crate::domain;
use crate::error::{Error, Result};
use crate::expression::{Expr, absolute, constant, positive_part, sigmoid, softplus};
use crate::formula::{Wrong, axis};
use serde::Deserialize;

axis! {
    /// The loss of a pair whose label is wrong with probability ε.
    Smoothing "smoothing" {
        Conservative "conservative": "(1 − ε) softplus(−h) + ε softplus(h), weight σ(−h) − ε",
        Robust "robust": "((1 − ε) softplus(−h) − ε softplus(h))/(1 − 2ε), weight ((1 − ε)σ(−h) + εσ(h))/(1 − 2ε)",
    }
}
axis! {
    /// Whether the margin subtracts the reference; the rewards always do.
    Reference "reference" {
        Given "given": "h = β ((ln π_w − ln π_ref,w) − (ln π_l − ln π_ref,l))",
        Free "free": "h = β (ln π_w − ln π_l); the rewards still subtract the reference",
    }
}

/// The conventions of DPO.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conventions {
    /// The loss under label noise.
    pub smoothing: Smoothing,
    /// Whether the margin subtracts the reference.
    pub reference: Reference,
}

/// The default β.
pub fn default_beta() -> f64 {
    0.1
}

// ---- definition -------------------------------------------------------------------------------

/// A pair of responses: y_w, the chosen one, and y_l, the rejected one.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// ln π(y_w)
    pub policy_chosen: Expr,
    /// ln π(y_l)
    pub policy_rejected: Expr,
    /// ln π_ref(y_w)
    pub reference_chosen: Expr,
    /// ln π_ref(y_l)
    pub reference_rejected: Expr,
    /// β
    pub beta: Expr,
}

impl Pair {
    /// r̂_w = β (ln π(y_w) − ln π_ref(y_w))
    pub fn reward_chosen(&self) -> Expr {
        self.beta * (self.policy_chosen - self.reference_chosen)
    }

    /// r̂_l = β (ln π(y_l) − ln π_ref(y_l))
    pub fn reward_rejected(&self) -> Expr {
        self.beta * (self.policy_rejected - self.reference_rejected)
    }

    /// h = r̂_w − r̂_l
    pub fn margin(&self, reference: Reference) -> Expr {
        match reference {
            Reference::Given => self.reward_chosen() - self.reward_rejected(),
            Reference::Free => self.beta * (self.policy_chosen - self.policy_rejected),
        }
    }
}

/// ℓ = softplus(−h) = −ln σ(h)
pub fn loss(h: Expr) -> Expr {
    softplus(-h)
}

/// −∂ℓ/∂h = σ(−h) = σ(r̂_l − r̂_w)
pub fn weight(h: Expr) -> Expr {
    sigmoid(-h)
}

/// The loss under label smoothing ε.
pub fn smoothed_loss(h: Expr, epsilon: Expr, smoothing: Smoothing) -> Expr {
    match smoothing {
        Smoothing::Conservative => (1 - epsilon) * loss(h) + epsilon * loss(-h),
        Smoothing::Robust => ((1 - epsilon) * loss(h) - epsilon * loss(-h)) / (1 - 2 * epsilon),
    }
}

/// −∂ℓ/∂h of the loss under label smoothing ε.
pub fn smoothed_weight(h: Expr, epsilon: Expr, smoothing: Smoothing) -> Expr {
    match smoothing {
        Smoothing::Conservative => weight(h) - epsilon,
        Smoothing::Robust => ((1 - epsilon) * weight(h) + epsilon * weight(-h)) / (1 - 2 * epsilon),
    }
}

/// What a pair comes to under both axes.
#[derive(Clone, Copy, Debug)]
pub struct Judged {
    /// ℓ
    pub loss: Expr,
    /// −∂ℓ/∂h
    pub weight: Expr,
    /// r̂_w
    pub reward_chosen: Expr,
    /// r̂_l
    pub reward_rejected: Expr,
    /// −∂ℓ/∂ln π_w = ∂ℓ/∂ln π_l
    pub slope: Expr,
}

impl Pair {
    /// The loss of the pair with all that is reported of it, or a wrong form.
    pub fn judged(&self, epsilon: Expr, conventions: Conventions, wrong: Wrong) -> Judged {
        let Conventions { smoothing, reference } = conventions;
        let margin = self.margin(reference);
        let h = if wrong == Some("chosen-rejected-swapped") { -margin } else { margin };
        let epsilon = if wrong == Some("smoothing-ignored") { constant(0) } else { epsilon };
        let seen = match wrong {
            Some("weight-of-margin") => -h,
            Some("beta-twice") => self.beta * h,
            _ => h,
        };
        let undone = if wrong == Some("robust-undivided") && smoothing == Smoothing::Robust {
            1 - 2 * epsilon
        } else {
            constant(1)
        };
        let loss = smoothed_loss(h, epsilon, smoothing) * undone;
        let weight = smoothed_weight(seen, epsilon, smoothing) * undone;
        let slope = if wrong == Some("beta-missing") { weight } else { self.beta * weight };
        let turned = matches!(wrong, Some("sign" | "chosen-rejected-swapped"));
        let of_reward = |r: Expr| if wrong == Some("reward-without-beta") { r / self.beta } else { r };
        Judged {
            loss,
            weight,
            reward_chosen: of_reward(self.reward_chosen()),
            reward_rejected: of_reward(self.reward_rejected()),
            slope: if turned { -slope } else { slope },
        }
    }
}

/// softplus(−h) as implementations compute it: max(−h, 0) + ln1p(e^{−|h|})
pub fn textbook(h: Expr) -> Expr {
    positive_part(-h) + (-absolute(h)).exp().ln_1p()
}

// ---- in f64 -----------------------------------------------------------------------------------

/// (hi + lo)·2^exponent with |lo| ≤ ulp(hi)/2; the exponent is 0 unless the number is past the
/// range of f64.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extended {
    hi: f64,
    lo: f64,
    exponent: i32,
}

impl Extended {
    /// The f64 nearest to hi + lo, or an infinity.
    pub fn value(self) -> f64 {
        libm::ldexp(self.hi, self.exponent)
    }

    /// −x
    pub fn negated(self) -> Extended {
        Extended { hi: -self.hi, lo: -self.lo, exponent: self.exponent }
    }

    /// c·x
    pub fn times(self, c: f64) -> Extended {
        // where the product leaves the range, both factors give up 2^600 first
        let (c, hi, lo, more) = if (c * self.hi).is_finite() {
            (c, self.hi, self.lo, 0)
        } else {
            let down = libm::ldexp(1.0, -600);
            (c * down, self.hi * down, self.lo * down, 1200)
        };
        let product = c * hi;
        let (hi, lo) = two_sum(product, libm::fma(c, hi, -product) + c * lo);
        let exponent = self.exponent + more;
        let back = libm::ldexp(hi, exponent);
        if back.is_finite() {
            Extended { hi: back, lo: libm::ldexp(lo, exponent), exponent: 0 }
        } else {
            Extended { hi, lo, exponent }
        }
    }
}

/// a + b and what its rounding lost.
pub fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let of_b = sum - a;
    (sum, (a - (sum - of_b)) + (b - of_b))
}

/// The sum of finite numbers without rounding (Shewchuk, *Adaptive Precision Floating-Point
/// Arithmetic*, 1997), so that terms which cancel leave nothing behind.
pub fn exact_sum(terms: &[f64]) -> Extended {
    let sum = exact_sum_in_range(terms);
    if sum.hi.is_finite() {
        return sum;
    }
    // past the range: 2^-64 of each term, of which fewer than 2^64 fit in memory
    let down = libm::ldexp(1.0, -64);
    let scaled: Vec<f64> = terms.iter().map(|x| x * down).collect();
    Extended { exponent: 64, ..exact_sum_in_range(&scaled) }
}

fn exact_sum_in_range(terms: &[f64]) -> Extended {
    // against the sign of the sum so far, which therefore leaves the range only if the whole does
    let (mut positive, mut negative): (Vec<f64>, Vec<f64>) = terms.iter().partition(|x| **x > 0.0);
    let mut parts: Vec<f64> = Vec::new();
    let mut total = 0.0;
    loop {
        let (against, along) =
            if total > 0.0 { (&mut negative, &mut positive) } else { (&mut positive, &mut negative) };
        let next = against.pop().or_else(|| along.pop());
        let Some(mut x) = next else { break };
        total += x;
        if !total.is_finite() {
            return Extended { hi: total, lo: 0.0, exponent: 0 };
        }
        let mut kept = Vec::with_capacity(parts.len() + 1);
        for part in parts {
            let (sum, lost) = two_sum(x, part);
            if lost != 0.0 {
                kept.push(lost);
            }
            x = sum;
        }
        if x != 0.0 {
            kept.push(x);
        }
        parts = kept;
    }
    // from the smallest, parts do not overlap
    let largest = parts.pop().unwrap_or(0.0);
    let (hi, lo) = two_sum(largest, parts.iter().sum());
    Extended { hi: hi + 0.0, lo, exponent: 0 }
}

/// e^x
pub fn exp(x: Extended) -> f64 {
    libm::exp(x.value()) * if x.exponent == 0 { 1.0 + x.lo } else { 1.0 }
}

/// e^{−750} is less than half the smallest f64, 2^−1074.
const LINEAR: f64 = 750.0;

/// softplus(x) = max(x, 0) + ln1p(e^{−|x|}), of which both terms are at least 0; |x| ≤ [`LINEAR`].
fn softplus_f64(x: Extended) -> Extended {
    if x.hi <= 0.0 {
        return Extended { hi: libm::log1p(exp(x)), lo: 0.0, exponent: 0 };
    }
    let (hi, lo) = two_sum(x.hi, libm::log1p(exp(x.negated())) + x.lo);
    Extended { hi, lo, exponent: 0 }
}

/// factor · σ(x), also where σ alone would underflow
fn sigmoid_times(x: Extended, factor: f64) -> f64 {
    if x.value() >= 0.0 {
        return factor / (1.0 + exp(x.negated()));
    }
    // σ(x) is e^x to the last bit here, and e^{x/4} is far from underflow
    if x.value() < -700.0 {
        let quarter = exp(x.times(0.25));
        return factor * quarter * quarter * quarter * quarter;
    }
    let e = exp(x);
    factor * (e / (1.0 + e))
}

/// β, ε and the conventions: what turns margins into losses and weights.
#[derive(Clone, Copy, Debug)]
pub struct Objective {
    /// β
    pub beta: f64,
    /// ε
    pub epsilon: f64,
    /// The choices.
    pub conventions: Conventions,
}

impl Objective {
    /// Checked: β > 0 and ε in [0, 0.5).
    ///
    /// # Errors
    /// If one is outside its domain.
    pub fn new(beta: f64, epsilon: f64, conventions: Conventions) -> Result<Objective> {
        domain::positive("beta", beta)?;
        if !(0.0..0.5).contains(&epsilon) {
            return Err(Error::domain("label_smoothing", epsilon, "a number in [0, 0.5)"));
        }
        Ok(Objective { beta, epsilon, conventions })
    }

    /// The loss of a pair with the margin h.
    ///
    /// A few ulps from the real value; robust, of ε h/(1 − 2ε) where that is larger.
    pub fn loss(&self, h: Extended) -> Extended {
        let epsilon = self.epsilon;
        let robust = self.conventions.smoothing == Smoothing::Robust;
        let total = if robust { 1.0 - 2.0 * epsilon } else { 1.0 };
        if h.value().abs() > LINEAR {
            // softplus is |h| on one side and underflows on the other
            let slope = match (h.hi < 0.0, robust) {
                (true, _) => 1.0 - epsilon,
                (false, false) => epsilon,
                (false, true) => -epsilon,
            };
            let size = if h.hi < 0.0 { h.negated() } else { h };
            return size.times(slope / total);
        }
        let (clean, flipped) = (softplus_f64(h.negated()), softplus_f64(h));
        match self.conventions.smoothing {
            Smoothing::Conservative => plus(clean.times(1.0 - epsilon), flipped.times(epsilon)),
            // softplus(h) = softplus(−h) + h leaves one term that can cancel
            Smoothing::Robust => plus(clean, h.times(-epsilon / total)),
        }
    }

    /// factor · (−∂ℓ/∂h) of a pair with the margin h.
    ///
    /// A few ulps from the real value; conservative, of ε where that is larger than the weight.
    pub fn weight(&self, h: Extended, factor: f64) -> f64 {
        let epsilon = self.epsilon;
        if epsilon == 0.0 {
            return sigmoid_times(h.negated(), factor);
        }
        match self.conventions.smoothing {
            Smoothing::Conservative => factor * (sigmoid_times(h.negated(), 1.0) - epsilon),
            // ((1 − ε)σ(−h) + εσ(h))/(1 − 2ε) with σ(h) = 1 − σ(−h)
            Smoothing::Robust => {
                let constant = epsilon / (1.0 - 2.0 * epsilon);
                factor * (sigmoid_times(h.negated(), 1.0) + constant)
            }
        }
    }
}

/// a + b, both in the range of f64.
fn plus(a: Extended, b: Extended) -> Extended {
    exact_sum(&[a.hi, a.lo, b.hi, b.lo])
}

/// Σ x / n, also where the sum or a term is past the range of f64.
pub fn mean(x: &[Extended]) -> f64 {
    let n = x.len() as f64;
    let exponent = x.iter().map(|x| x.exponent).max().unwrap_or(0);
    let sum = if exponent == 0 {
        exact_sum(&x.iter().flat_map(|x| [x.hi, x.lo]).collect::<Vec<_>>())
    } else {
        exact_sum(&x.iter().map(|x| libm::ldexp(x.hi, x.exponent - exponent)).collect::<Vec<_>>())
    };
    libm::ldexp(sum.hi / n, sum.exponent + exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_keep_what_cancellation_leaves() {
        assert_eq!(exact_sum(&[1e308, 1e-310, -1e308]).value(), 1e-310);
        assert_eq!(exact_sum(&[0.1, -0.3, 0.3, -0.1]).value(), 0.0);
        assert_eq!(exact_sum(&[1e16, 1.0, -1e16, 1e-20]), Extended { hi: 1.0, lo: 1e-20, exponent: 0 });
    }

    #[test]
    fn what_is_past_the_range_comes_back_when_it_is_scaled() {
        let sum = exact_sum(&[1.5e308, 1.5e308, -1e300]);
        assert_eq!(sum.value(), f64::INFINITY);
        assert!((sum.times(0.1).value() - 3e307).abs() <= 1e300);
        let huge = sum.times(1e300);
        assert_eq!(huge.value(), f64::INFINITY);
        assert!((huge.times(1e-308).times(1e-10).value() / 3e290 - 1.0).abs() < 1e-7);
        assert_eq!(mean(&[exact_sum(&[1.5e308, 1.5e308]), exact_sum(&[-1.5e308, -1.5e308])]), 0.0);
    }

    #[test]
    fn a_weight_that_underflows_still_scales() {
        let objective = Objective { beta: 1.0, epsilon: 0.0, conventions: Conventions::default() };
        let h = exact_sum(&[800.0]);
        assert_eq!(objective.weight(h, 1.0), 0.0);
        // e^{690.7755…} = 1e300
        let scaled = objective.weight(h, 1e300);
        assert!((scaled / libm::exp(300.0 * libm::log(10.0) - 800.0) - 1.0).abs() < 1e-12, "{scaled:e}");
    }
}
