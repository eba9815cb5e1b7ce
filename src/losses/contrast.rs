//! Softmax over similarities in which one candidate is the positive, shared by the contrastive
//! losses.
//!
//! With z = s/τ and p = softmax(z): ℓ = ln Σ e^z − z_+, ∂ℓ/∂s_j = (p_j − [j = +])/τ and
//! ∂ℓ/∂τ = Σ_j p_j (s_+ − s_j)/τ².

use crate::claim::indicator;
use crate::expression::{Expr, log_sum_exp, softmax, sum};
use crate::formula::Wrong;
use crate::losses::shifted::Shifted;
use crate::number::Wide;

// ---- definition -------------------------------------------------------------------------------

/// s/τ
pub fn logits(s: &[Expr], tau: Expr) -> Vec<Expr> {
    s.iter().map(|&s| s / tau).collect()
}

/// ℓ = −ln( e^{s_+/τ} / Σ_j e^{s_j/τ} )
pub fn contrast(s: &[Expr], positive: usize, tau: Expr) -> Expr {
    -softmax(&logits(s, tau))[positive].ln()
}

/// The same as cross-entropy writes it: ln Σ_j e^{s_j/τ} − s_+/τ
pub fn contrast_as_difference(s: &[Expr], positive: usize, tau: Expr) -> Expr {
    let z = logits(s, tau);
    log_sum_exp(&z) - z[positive]
}

/// ℓ, or a wrong form of it.
pub fn loss(s: &[Expr], positive: usize, tau: Expr, wrong: Wrong) -> Expr {
    match wrong {
        Some("temperature-multiplied") => contrast(s, positive, 1 / tau),
        Some("temperature-on-negatives-only") => {
            let mut z = logits(s, tau);
            z[positive] = s[positive];
            log_sum_exp(&z) - z[positive]
        }
        Some("positive-missing-from-denominator") if s.len() > 1 => {
            let mut z = logits(s, tau);
            let own = z.remove(positive);
            log_sum_exp(&z) - own
        }
        _ => contrast(s, positive, tau),
    }
}

/// ∂ℓ/∂s_j = (p_j − [j = +])/τ
pub fn similarity_weights(s: &[Expr], positive: usize, tau: Expr) -> Vec<Expr> {
    let p = softmax(&logits(s, tau));
    p.into_iter().enumerate().map(|(j, p)| (p - indicator(j == positive)) / tau).collect()
}

/// ∂ℓ/∂τ = Σ_j p_j (s_+ − s_j)/τ²
pub fn temperature_gradient(s: &[Expr], positive: usize, tau: Expr) -> Expr {
    let p = softmax(&logits(s, tau));
    sum(p.into_iter().zip(s).map(|(p, &s_j)| p * (s[positive] - s_j))) / tau.squared()
}

// ---- textbook ---------------------------------------------------------------------------------

/// One row of similarities, contrasted as implementations do it.
#[derive(Clone, Debug)]
pub struct Contrasted {
    /// ℓ = −ln p_+, max-shifted
    pub loss: Expr,
    /// ∂ℓ/∂s_j, times the share of the row
    pub d_s: Vec<Expr>,
    /// The terms of ∂ℓ/∂τ, times the share of the row
    pub d_tau: Vec<Expr>,
}

/// The cross-entropy of s/τ, whose share of the mean is `share`; the shift is what `shift` makes of the
/// row. With `closed` the derivatives are the closed forms, else those of autograd.
pub fn textbook(
    s: &[Expr],
    positive: usize,
    tau: Expr,
    share: Expr,
    closed: bool,
    shift: impl Fn(&[Expr]) -> Expr,
) -> Contrasted {
    let z = logits(s, tau);
    let softmax = Shifted::by(&z, shift(&z));
    let one_hot = (0..s.len()).map(|j| indicator(j == positive));
    let (d_s, d_tau) = if closed {
        let d_s = one_hot.enumerate().map(|(j, hot)| (softmax.p(j) - hot) / tau * share).collect();
        let of_tau = |(j, &s_j): (usize, &Expr)| softmax.p(j) * (s[positive] - s_j) / tau.squared() * share;
        (d_s, s.iter().enumerate().map(of_tau).collect())
    } else {
        let d_z = softmax.backward(&one_hot.map(|hot| -(hot * share)).collect::<Vec<_>>());
        let of_tau = |(&d, &z): (&Expr, &Expr)| -(d * (z / tau));
        (d_z.iter().map(|&d| d / tau).collect(), d_z.iter().zip(&z).map(of_tau).collect())
    };
    Contrasted { loss: -softmax.ln_p(positive), d_s, d_tau }
}

// ---- oracle -----------------------------------------------------------------------------------

/// One row of similarities, contrasted.
#[derive(Clone, Debug)]
pub(super) struct Contrast {
    /// ℓ, a sum of two terms that are not negative
    pub loss: Wide,
    /// ∂ℓ/∂z_j = p_j, for j other than the positive, for which it is minus the sum of the others
    pub p: Vec<Wide>,
    /// ∂z_j/∂s_j, which is 1/τ
    pub slope: Wide,
    /// ∂ℓ/∂τ
    pub d_temperature: Wide,
}

impl Contrast {
    /// Of one or more similarities.
    pub fn of(s: &[Wide], positive: usize, tau: f64) -> Contrast {
        let tau = Wide::from(tau);
        let z: Vec<Wide> = s.iter().map(|&s| s / tau).collect();
        let largest = (0..z.len()).fold(0, |best, j| if z[best].is_below(z[j]) { j } else { best });
        let exponentials: Vec<Wide> = z.iter().map(|&z_j| (z_j - z[largest]).exp()).collect();
        let rest: Wide = (0..z.len()).filter(|&j| j != largest).map(|j| exponentials[j]).sum();
        let total = Wide::ONE + rest;
        let p: Vec<Wide> = exponentials.iter().map(|&e| e / total).collect();
        // ∂z_j/∂τ = −s_j/τ²
        let cooled = |j: usize| -(s[j] / (tau * tau));
        Contrast {
            loss: (z[largest] - z[positive]) + rest.ln_1p(),
            slope: Wide::ONE / tau,
            d_temperature: (0..z.len()).map(|j| p[j] * (cooled(j) - cooled(positive))).sum(),
            p,
        }
    }

    /// 1 − p_+, as the sum of the others.
    pub fn others(&self, positive: usize) -> Wide {
        (0..self.p.len()).filter(|&j| j != positive).map(|j| self.p[j]).sum()
    }
}
