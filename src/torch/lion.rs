//! Lion by tensor operations, in the order of the authors' code (google/automl, `lion_pytorch.py`).

use crate::optimizers::lion::{self as formula, Hyperparameters, MOMENTS};
use crate::optimizers::state::{self, Counting};
use crate::torch::error::Result;
use crate::torch::{Placement, decay, pointwise, steps};
use serde_json::Value;

/// Runs Lion.
pub(super) fn evaluate(input: &Value, placement: Placement) -> Result<Value> {
    let problem = state::read(input.clone(), |_: &Hyperparameters| MOMENTS)?;
    formula::check(&problem)?;
    let h = problem.hyper;
    steps::run(&problem, MOMENTS, Counting::PerTensor, placement, |kept, given| {
        decay::before(h.conventions.decay, h.weight_decay, kept, given)?;
        let m = &kept.moments[0];
        let u = pointwise::add(&m.f_mul_scalar(h.beta1)?, &given.g, 1.0 - h.beta1)?.f_sign()?;
        kept.theta = pointwise::add(&kept.theta, &u, -given.eta)?;
        kept.moments[0] = pointwise::add(&m.f_mul_scalar(h.beta2)?, &given.g, 1.0 - h.beta2)?;
        decay::after(h.conventions.decay, h.weight_decay, kept, given)
    })
}
