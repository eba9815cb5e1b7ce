//! Softmax as implementations compute it, shared by the losses: shifted by the largest logit before
//! its exponentials, with the gradient backward through log-softmax.
//!
//! The shift M is a constant in derivatives: p does not depend on it.

use crate::expression::{Expr, maximum, sum};

/// A row of logits after the shift.
#[derive(Clone, Debug)]
pub struct Shifted {
    exponentials: Vec<Expr>,
    total: Expr,
    ln_p: Vec<Expr>,
}

impl Shifted {
    /// Shifted by the largest logit.
    pub fn of(z: &[Expr]) -> Shifted {
        Shifted::by(z, maximum(z))
    }

    /// Shifted by any number M, which changes nothing.
    pub fn by(z: &[Expr], shift: Expr) -> Shifted {
        let differences: Vec<Expr> = z.iter().map(|&z| z - shift).collect();
        let exponentials: Vec<Expr> = differences.iter().map(|x| x.exp()).collect();
        let total = sum(exponentials.iter().copied());
        let ln_total = total.ln();
        Shifted { exponentials, total, ln_p: differences.iter().map(|&x| x - ln_total).collect() }
    }

    /// ln p_i = (z_i − M) − ln Σ e^{z − M}
    pub fn ln_p(&self, i: usize) -> Expr {
        self.ln_p[i]
    }

    /// p_i = e^{z_i − M} / Σ e^{z − M}
    pub fn p(&self, i: usize) -> Expr {
        self.exponentials[i] / self.total
    }

    /// How many logits there are.
    pub fn classes(&self) -> usize {
        self.ln_p.len()
    }

    /// Backward through log-softmax: G_i − e^{ln p_i} Σ G, where G_i = ∂ℓ/∂ln p_i (ATen,
    /// `log_softmax_backward_data`).
    pub fn backward(&self, g: &[Expr]) -> Vec<Expr> {
        let total = sum(g.iter().copied());
        self.ln_p.iter().zip(g).map(|(&ln_p, &g)| g - ln_p.exp() * total).collect()
    }
}
