//! Decoupled weight decay, before or after the move along the direction. As in PyTorch, the factor
//! is a scalar in f64, and nothing is done where λ is 0.

use crate::optimizers::decay::Decay;
use crate::torch::steps::{Given, Kept};
use tch::TchError;

/// The decay before the move.
pub(super) fn before(decay: Decay, lambda: f64, kept: &mut Kept, given: &Given) -> Result<(), TchError> {
    let factor = match decay {
        Decay::Joint => 1.0 - given.eta * lambda,
        Decay::Schedule => 1.0 - lambda * (given.eta / given.eta_1),
        Decay::Absolute => 1.0 - lambda,
        Decay::After | Decay::Proximal => return Ok(()),
    };
    if lambda != 0.0 {
        kept.theta = kept.theta.f_mul_scalar(factor)?;
    }
    Ok(())
}

/// The decay after the move.
pub(super) fn after(decay: Decay, lambda: f64, kept: &mut Kept, given: &Given) -> Result<(), TchError> {
    if lambda == 0.0 {
        return Ok(());
    }
    match decay {
        Decay::After => kept.theta = kept.theta.f_mul_scalar(1.0 - given.eta * lambda)?,
        Decay::Proximal => kept.theta = kept.theta.f_div_scalar(1.0 + given.eta * lambda)?,
        Decay::Joint | Decay::Schedule | Decay::Absolute => {}
    }
    Ok(())
}
