//! Several tensors and their steps on a device: what every optimizer shares around its update rule.

use crate::optimizers::state::{self, Counting, Problem, TensorState};
use crate::torch::error::Result;
use crate::torch::{Placement, tensors};
use serde_json::Value;
use tch::{TchError, Tensor};

/// One tensor's parameters and moments.
pub(super) struct Kept {
    /// θ
    pub theta: Tensor,
    /// In the order of the formula's names.
    pub moments: Vec<Tensor>,
}

/// What else an update rule sees.
pub(super) struct Given {
    /// g
    pub g: Tensor,
    /// t, counted from 1.
    pub t: u64,
    /// Whether this is the tensor's first step.
    pub first: bool,
    /// η
    pub eta: f64,
    /// η_1, the rate of the input's first step.
    pub eta_1: f64,
    /// The step.
    pub step: usize,
    /// The tensor.
    pub tensor: usize,
}

/// Runs every step, in which `update` moves one tensor.
pub(super) fn run<H>(
    problem: &Problem<H>,
    names: &[&'static str],
    counting: Counting,
    placement: Placement,
    update: impl Fn(&mut Kept, &Given) -> std::result::Result<(), TchError>,
) -> Result<Value> {
    let mut counts: Vec<u64> = problem.state.iter().map(|s| s.step).collect();
    let most = counts.iter().copied().max().unwrap_or(0);
    let start = |(theta, state): (&Vec<f64>, &TensorState)| {
        let moments = state.moments.iter().map(|m| placement.vector(m)).collect::<std::result::Result<_, _>>()?;
        Ok(Kept { theta: placement.vector(theta)?, moments })
    };
    let mut kept: Vec<Kept> =
        problem.params.iter().zip(&problem.state).map(start).collect::<std::result::Result<_, TchError>>()?;
    let mut steps = Vec::with_capacity(problem.gradients.len());
    for (step, gradients) in problem.gradients.iter().enumerate() {
        for (tensor, gradient) in gradients.iter().enumerate() {
            let Some(gradient) = gradient else { continue };
            let first = counts[tensor] == 0;
            counts[tensor] += 1;
            let t = if counting == Counting::Global { most + step as u64 + 1 } else { counts[tensor] };
            let (eta, eta_1) = (problem.rates[step], problem.rates[0]);
            let g = placement.vector(gradient)?;
            update(&mut kept[tensor], &Given { g, t, first, eta, eta_1, step, tensor })?;
        }
        steps.push(reported(&kept, &counts)?);
    }
    Ok(state::write(&steps, names))
}

fn reported(kept: &[Kept], counts: &[u64]) -> std::result::Result<state::Step, TchError> {
    let moments = |kept: &Kept| kept.moments.iter().map(tensors::numbers).collect::<std::result::Result<Vec<_>, _>>();
    let params = kept.iter().map(|k| tensors::numbers(&k.theta)).collect::<std::result::Result<_, _>>()?;
    let state = |(k, &step): (&Kept, &u64)| Ok(TensorState { step, moments: moments(k)? });
    let state = kept.iter().zip(counts).map(state).collect::<std::result::Result<_, TchError>>()?;
    Ok(state::Step { params, state })
}
