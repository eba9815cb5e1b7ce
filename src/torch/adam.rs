//! AdamW and Adam with L2 by tensor operations, in the order of PyTorch's
//! `torch.optim.adam._single_tensor_adam` (2.11).

use crate::optimizers::adam::{Amsgrad, BiasCorrection, Choices, Epsilon, Hyper};
use crate::optimizers::{adam_l2, adamw, state};
use crate::torch::error::Result;
use crate::torch::steps::{self, Given, Kept};
use crate::torch::{Placement, decay, pointwise};
use serde_json::Value;
use tch::{TchError, Tensor};

/// Runs AdamW.
pub(super) fn adamw(input: &Value, placement: Placement) -> Result<Value> {
    let problem = state::read(input.clone(), adamw::Hyperparameters::moments)?;
    adamw::check(&problem)?;
    let h = problem.hyper;
    steps::run(&problem, h.moments(), h.conventions.step_count.counting(), placement, |kept, given| {
        adamw_step(h, kept, given)
    })
}

/// Moves one tensor by a step of AdamW.
pub(super) fn adamw_step(
    h: adamw::Hyperparameters,
    kept: &mut Kept,
    given: &Given,
) -> std::result::Result<(), TchError> {
    let c = h.conventions;
    decay::before(c.decay, h.weight_decay, kept, given)?;
    step(kept, &given.g, given, h.adam(), c.choices())?;
    decay::after(c.decay, h.weight_decay, kept, given)
}

/// Runs Adam with L2.
pub(super) fn adam_l2(input: &Value, placement: Placement) -> Result<Value> {
    let problem = state::read(input.clone(), adam_l2::Hyperparameters::moments)?;
    adam_l2::check(&problem)?;
    let h = problem.hyper;
    let c = h.conventions;
    steps::run(&problem, h.moments(), c.step_count.counting(), placement, |kept, given| {
        let g = match h.weight_decay {
            0.0 => given.g.shallow_clone(),
            lambda => pointwise::add(&given.g, &kept.theta, lambda)?,
        };
        step(kept, &g, given, h.adam(), c.choices())
    })
}

/// Moves one tensor along Adam's direction.
fn step(
    kept: &mut Kept,
    g: &Tensor,
    given: &Given,
    hyper: Hyper,
    choices: Choices,
) -> std::result::Result<(), TchError> {
    let Hyper { beta1, beta2, eps } = hyper;
    let m = kept.moments[0].f_lerp(g, 1.0 - beta1)?;
    let v = pointwise::addcmul(&kept.moments[1].f_mul_scalar(beta2)?, g, g, 1.0 - beta2)?;
    let t = given.t as f64;
    let (bias1, bias2) = match choices.bias_correction {
        BiasCorrection::Both => (1.0 - beta1.powf(t), 1.0 - beta2.powf(t)),
        BiasCorrection::None => (1.0, 1.0),
    };
    // what the root is of, and what it is still divided by
    let (squares, divisor) = match choices.amsgrad {
        Amsgrad::Off => (v.shallow_clone(), bias2),
        Amsgrad::Raw => (kept.moments[2].f_maximum(&v)?, bias2),
        Amsgrad::Corrected => (kept.moments[2].f_maximum(&v.f_div_scalar(bias2)?)?, 1.0),
    };
    let root = squares.f_sqrt()?.f_div_scalar(divisor.sqrt())?;
    let denominator = match choices.epsilon {
        Epsilon::Outside => root.f_add_scalar(eps)?,
        Epsilon::Hat => root.f_add_scalar(eps / bias2.sqrt())?,
        Epsilon::Root => squares.f_div_scalar(divisor)?.f_add_scalar(eps)?.f_sqrt()?,
        Epsilon::Max => root.f_clamp_min(eps)?,
    };
    kept.theta = pointwise::addcdiv(&kept.theta, &m, &denominator, -(given.eta / bias1))?;
    kept.moments[0] = m;
    kept.moments[1] = v;
    if choices.amsgrad != Amsgrad::Off {
        kept.moments[2] = squares;
    }
    Ok(())
}
