//! Softmax over similarities in which one candidate is the positive, shared by the contrastive
//! losses.
//!
//! With z = s/τ and p = softmax(z): ℓ = ln Σ e^z − z_+, ∂ℓ/∂s_j = (p_j − [j = +])/τ and
//! ∂ℓ/∂τ = Σ_j p_j (s_+ − s_j)/τ².

use crate::claim::indicator;
use crate::expression::{Expr, log_sum_exp, softmax, sum};
use crate::formula::Wrong;
use crate::losses::shifted::Shifted;

mod structure;
mod table;

pub(super) use table::{Line, Table};

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
