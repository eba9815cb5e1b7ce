//! SGD by tensor operations, in the order of PyTorch's `torch.optim.sgd._single_tensor_sgd` (2.11).

use crate::optimizers::sgd::{Hyperparameters, MOMENTS};
use crate::optimizers::state::{self, Counting};
use crate::torch::error::Result;
use crate::torch::{Placement, pointwise, steps};
use serde_json::Value;

/// Runs SGD.
pub(super) fn evaluate(input: &Value, placement: Placement) -> Result<Value> {
    let problem = state::read(input.clone(), |_: &Hyperparameters| MOMENTS)?;
    let h = &problem.hyper;
    h.check()?;
    steps::run(&problem, MOMENTS, Counting::PerTensor, placement, |kept, given| {
        let g = match h.weight_decay {
            0.0 => given.g.shallow_clone(),
            lambda => pointwise::add(&given.g, &kept.theta, lambda)?,
        };
        let buf = match given.first || h.momentum == 0.0 {
            true => g.shallow_clone(),
            false => pointwise::add(&kept.moments[0].f_mul_scalar(h.momentum)?, &g, 1.0 - h.dampening)?,
        };
        let moved = if h.nesterov { pointwise::add(&g, &buf, h.momentum)? } else { buf.shallow_clone() };
        kept.theta = pointwise::add(&kept.theta, &moved, -given.eta)?;
        kept.moments[0] = buf;
        Ok(())
    })
}
