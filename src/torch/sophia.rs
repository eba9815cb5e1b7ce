//! Sophia by tensor operations, in the order of the authors' code (Liuhong99/Sophia, `sophia.py`),
//! with the ratio clamped on both sides in place of sign and magnitude.

use crate::optimizers::sophia::{self as formula, Floor, Hyperparameters, MOMENTS, Momentum, Refresh};
use crate::optimizers::state::{self, Counting};
use crate::torch::error::Result;
use crate::torch::steps::Given;
use crate::torch::{Placement, decay, pointwise, steps};
use serde_json::Value;
use tch::{TchError, Tensor};

/// Runs Sophia.
pub(super) fn evaluate(input: &Value, placement: Placement) -> Result<Value> {
    let problem = state::read(input.clone(), |_: &Hyperparameters| MOMENTS)?;
    formula::check(&problem)?;
    let h = &problem.hyper;
    steps::run(&problem, MOMENTS, Counting::PerTensor, placement, |kept, given| {
        decay::before(h.conventions.decay, h.weight_decay, kept, given)?;
        let m = pointwise::add(&kept.moments[0].f_mul_scalar(h.beta1)?, &given.g, 1.0 - h.beta1)?;
        let old = kept.moments[1].shallow_clone();
        let new = match &h.hessians[given.step][given.tensor] {
            Some(estimate) => pointwise::add(&old.f_mul_scalar(h.beta2)?, &placement.vector(estimate)?, 1.0 - h.beta2)?,
            None => old.shallow_clone(),
        };
        let used = if h.conventions.refresh == Refresh::Before { &new } else { &old };
        let u = direction(h, &m, used, given)?;
        kept.theta = pointwise::add(&kept.theta, &u, -given.eta)?;
        kept.moments = vec![m, new];
        decay::after(h.conventions.decay, h.weight_decay, kept, given)
    })
}

/// clip(m/max(γh, ε), −ρ, ρ)
fn direction(
    h: &Hyperparameters,
    m: &Tensor,
    average: &Tensor,
    given: &Given,
) -> std::result::Result<Tensor, TchError> {
    let scaled = average.f_mul_scalar(h.gamma)?;
    let denominator = match h.conventions.floor {
        Floor::Max => scaled.f_clamp_min(h.eps)?,
        Floor::Sum => scaled.f_add_scalar(h.eps)?,
    };
    let m = match h.conventions.momentum {
        Momentum::Raw => m.shallow_clone(),
        Momentum::Corrected => m.f_div_scalar(1.0 - h.beta1.powf(given.t as f64))?,
    };
    m.f_div(&denominator)?.f_clamp(-h.rho, h.rho)
}
