//! Softmax over similarities in which one candidate is the positive, shared by the contrastive
//! losses.
//!
//! With z = s/τ and p = softmax(z): ℓ = ln Σ e^z − z_+, ∂ℓ/∂s_j = (p_j − [j = +])/τ and
//! ∂ℓ/∂τ = Σ_j p_j (s_+ − s_j)/τ².

use crate::claim::indicator;
use crate::expression::{Expr, log_sum_exp, maximum, softmax, sum};
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

/// Max-shifted, as implementations compute it: M + ln Σ e^{z − M} − z_+
pub fn textbook(s: &[Expr], positive: usize, tau: Expr) -> Expr {
    let z = logits(s, tau);
    shifted(&z, positive, maximum(&z))
}

/// The textbook algorithm with any shift.
pub fn shifted(z: &[Expr], positive: usize, shift: Expr) -> Expr {
    sum(z.iter().map(|&z| (z - shift).exp())).ln() - (z[positive] - shift)
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

// ---- oracle -----------------------------------------------------------------------------------

/// One row of similarities, contrasted.
#[derive(Clone, Debug)]
pub(super) struct Contrast {
    /// ℓ, a sum of two terms that are not negative
    pub loss: Wide,
    /// ∂ℓ/∂z_j = p_j, for j other than the positive, for which it is minus the sum of the others
    pub p: Vec<Wide>,
    /// ∂z_j/∂s_j, which is 1/τ
    pub slopes: Vec<Wide>,
    /// ∂ℓ/∂τ
    pub d_temperature: Wide,
}

impl Contrast {
    /// Of one or more similarities. `wrong` selects a wrong form.
    pub fn of(s: &[Wide], positive: usize, tau: f64, wrong: Option<&str>) -> Contrast {
        let tau = Wide::from(tau);
        let one_over = Wide::ONE / tau;
        // z_j, ∂z_j/∂s_j and ∂z_j/∂τ
        let logit = |(j, &s): (usize, &Wide)| match wrong {
            Some("temperature-multiplied") => (s * tau, tau, s),
            Some("temperature-on-negatives-only") if j == positive => (s, Wide::ONE, Wide::ZERO),
            _ => (s / tau, one_over, -(s / (tau * tau))),
        };
        let logits: Vec<(Wide, Wide, Wide)> = s.iter().enumerate().map(logit).collect();
        let counts = |j: usize| wrong != Some("positive-missing-from-denominator") || j != positive || s.len() == 1;
        let counted: Vec<usize> = (0..s.len()).filter(|&j| counts(j)).collect();
        let z = |j: usize| logits[j].0;
        let largest = counted.iter().fold(counted[0], |best, &j| if z(best).is_below(z(j)) { j } else { best });
        let exponential = |j: usize| if counts(j) { (z(j) - z(largest)).exp() } else { Wide::ZERO };
        let exponentials: Vec<Wide> = (0..s.len()).map(exponential).collect();
        let rest: Wide = (0..s.len()).filter(|&j| j != largest).map(|j| exponentials[j]).sum();
        let total = Wide::ONE + rest;
        let p: Vec<Wide> = exponentials.iter().map(|&e| e / total).collect();
        let slope = |&(_, slope, _): &(Wide, Wide, Wide)| match wrong {
            Some("gradient-without-1-over-tau") => Wide::ONE,
            _ => slope,
        };
        let moved: Wide =
            (0..s.len()).filter(|&j| j != positive).map(|j| p[j] * (logits[j].2 - logits[positive].2)).sum();
        Contrast {
            loss: (z(largest) - z(positive)) + rest.ln_1p(),
            slopes: logits.iter().map(slope).collect(),
            d_temperature: if wrong == Some("temperature-gradient-sign") { -moved } else { moved },
            p,
        }
    }

    /// 1 − p_+, as the sum of the others.
    pub fn others(&self, positive: usize) -> Wide {
        (0..self.p.len()).filter(|&j| j != positive).map(|j| self.p[j]).sum()
    }
}
