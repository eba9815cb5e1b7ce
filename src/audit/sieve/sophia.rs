//! Sophia's step on vectors.

use super::divisor::{Divisor, Loss};
use super::rules::{Decayed, bias, weights};
use super::sifted::{Kept, OWN_ERROR, Scalar, Sifted, average, product, scaled};
use super::{MOST_OUTPUTS, Steps};
use crate::kernels::{Lanes, Vector};
use crate::optimizers::sophia::{Floor, Hyperparameters, Momentum, Refresh};

/// Sophia.
pub(in crate::audit) struct Sophia {
    beta1: [Scalar; 2],
    beta2: [Scalar; 2],
    /// 1/(1 − β1^t), or 1
    correction: f64,
    gamma: Scalar,
    rho: f64,
    eps: f64,
    eta: f64,
    floor: Floor,
    refresh: Refresh,
    /// Whether an estimate was made.
    estimated: bool,
    decayed: Decayed,
    /// What θ′ may lose.
    loss: Loss,
    /// What ε loses where it meets a tensor.
    eps_loss: f64,
}

impl Sophia {
    pub fn new(h: &Hyperparameters, eta: f64, t: u64, estimated: bool, kept: Kept, loss: Loss) -> Sophia {
        let correction = match h.conventions.momentum {
            Momentum::Raw => 1.0,
            Momentum::Corrected => 1.0 / bias(h.beta1, t),
        };
        Sophia {
            beta1: weights(h.beta1, kept),
            beta2: weights(h.beta2, kept),
            correction,
            gamma: Scalar::kept(h.gamma, kept),
            rho: h.rho,
            eps: h.eps,
            eta,
            floor: h.conventions.floor,
            refresh: h.conventions.refresh,
            estimated,
            decayed: Decayed::of(h.conventions.decay, eta, h.weight_decay, kept),
            loss,
            eps_loss: loss.of_scalar(h.eps),
        }
    }
}

/// 2^−8: what is left of a sum that cancels further, plain f64 knows only roughly.
const CANCELLED: f64 = 1.0 / 256.0;

/// 2^−20: a ratio as near to ρ may be clipped or not.
const NEAR: f64 = 1.0 / (1u64 << 20) as f64;

impl Steps for Sophia {
    #[inline(always)]
    fn step<L: Lanes, const CARE: bool>(
        &self,
        l: L,
        state: [Vector<L>; MOST_OUTPUTS],
        given: [Vector<L>; 2],
    ) -> [Sifted<L, CARE>; MOST_OUTPUTS] {
        let ([theta, m, h, _], [g, estimate]) = (state, given);
        let zero = Vector::all(l, 0.0);
        let new_m = average(self.beta1, m, Sifted::given(g));
        let new_h = if self.estimated { average(self.beta2, h, Sifted::given(estimate)) } else { Sifted::given(h) };
        let used = if self.refresh == Refresh::Before { new_h } else { Sifted::given(h) };

        let eps = Vector::all(l, self.eps);
        let curved: Sifted<L, CARE> = scaled(self.gamma, used.value);
        let curved = curved.with_those_of(used, Vector::all(l, self.gamma.value));
        let curvature = curved.value;
        let divisor = Divisor::new(curvature, self.loss.error(curved));
        let divisor = match self.floor {
            Floor::Max => divisor.or_larger(self.eps, self.eps_loss),
            Floor::Sum => divisor.plus(self.eps, self.eps_loss),
        };
        let denominator = divisor.value;
        let factor = Vector::all(l, self.correction) / denominator;
        let unclipped = self.loss.quotient(new_m, factor, divisor, 1.0);
        let ratio = unclipped.value;
        let rho = Vector::all(l, self.rho);
        let (eta, clipped) = (Vector::all(l, self.eta), ratio.min(rho).max(-rho));

        // unclipped as a quotient is; where it is clipped, the product of the rate and ρ is rounded, but for those by 1
        let value = eta * clipped;
        let exact = self.eta == 1.0 || self.rho == 1.0;
        let at_end = value.abs() * Vector::all(l, if exact { 0.0 } else { 1.0 });
        let moved = product(eta, ratio).with_those_of(unclipped, eta);
        // so it is as well where what it may be off by leaves open whether it is clipped
        let inside = (ratio.abs() - self.loss.error(unclipped)).less(rho);
        let moved = Sifted {
            value,
            terms: moved.terms.or_where_not(inside, at_end),
            products: moved.products.or_where_not(inside, zero),
            ..moved
        };
        let new_theta = self.decayed.step(theta, moved);

        let cancelled = Vector::all(l, CANCELLED);
        let least = cancelled * (curvature.abs() + eps);
        let rough = match self.floor {
            Floor::Max => denominator.equal(zero),
            Floor::Sum => denominator.abs().less(least),
        };
        let mut told = new_theta.open_where(rough).open_where(denominator.equal(zero));
        if self.estimated && self.refresh == Refresh::Before {
            let size =
                h.abs() * Vector::all(l, self.beta2[0].value) + estimate.abs() * Vector::all(l, self.beta2[1].value);
            told = told.open_where(used.value.abs().less(cancelled * size));
        }
        let near = Vector::all(l, NEAR) * rho;
        told = told.open_where((ratio.abs() - rho).abs().less(near));
        // the sign of the momentum, where it is clipped
        told = told.open_where(new_m.value.abs().less(new_m.terms * Vector::all(l, OWN_ERROR)));
        [told, new_m, new_h, Sifted::open(l)]
    }
}
