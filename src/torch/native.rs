//! libtorch's own C++ optimizers, from a zero state: what they make of the same input.
//!
//! Their state can neither be set nor read through the bindings, so an input with a `state` is not
//! run, and only the parameters after each step are reported.
//!
//! In bf16 and f16 on a CPU they are not PyTorch's optimizers: where they scale in place (1 − ηλ, β1,
//! β2, μ), the factor is rounded to the dtype before it multiplies, so that in bf16 a decay of
//! ηλ = 0.001 is none and one of 0.002 is twice as large.

use crate::optimizers::adam::{Amsgrad, BiasCorrection, Choices, Epsilon, Hyper, StepCount};
use crate::optimizers::decay::Decay;
use crate::optimizers::state::{self, Problem, Step};
use crate::optimizers::{adam_l2, adamw, sgd};
use crate::torch::error::{Error, Result};
use crate::torch::{Placement, tensors};
use serde_json::Value;
use tch::{COptimizer, TchError, Tensor};

/// Runs `sgd`, `adam-l2` or `adamw` by libtorch's own optimizer: `{"steps": [{"params": ..}]}`.
///
/// # Errors
/// If the input is unusable, has a `state`, or asks for a convention that libtorch's optimizer does
/// not have.
pub fn native(formula: &str, input: &Value, placement: Placement) -> Result<Value> {
    match formula {
        "sgd" => {
            let problem = read(formula, input, |_: &sgd::Hyperparameters| sgd::MOMENTS)?;
            let h = &problem.hyper;
            h.check()?;
            let optimizer = COptimizer::sgd(problem.rates[0], h.momentum, h.dampening, h.weight_decay, h.nesterov)?;
            run(&problem, optimizer, placement)
        }
        "adam-l2" => {
            let problem = read(formula, input, adam_l2::Hyperparameters::moments)?;
            adam_l2::check(&problem)?;
            let h = problem.hyper;
            let amsgrad = amsgrad(formula, h.conventions.choices(), h.conventions.step_count)?;
            let Hyper { beta1, beta2, eps } = h.adam();
            let optimizer = COptimizer::adam(problem.rates[0], beta1, beta2, h.weight_decay, eps, amsgrad)?;
            run(&problem, optimizer, placement)
        }
        "adamw" => {
            let problem = read(formula, input, adamw::Hyperparameters::moments)?;
            adamw::check(&problem)?;
            let h = problem.hyper;
            if h.conventions.decay != Decay::Joint {
                return Err(no_such_convention(formula, "decay"));
            }
            let amsgrad = amsgrad(formula, h.conventions.choices(), h.conventions.step_count)?;
            let Hyper { beta1, beta2, eps } = h.adam();
            let optimizer = COptimizer::adamw(problem.rates[0], beta1, beta2, h.weight_decay, eps, amsgrad)?;
            run(&problem, optimizer, placement)
        }
        other => {
            let formula = crate::catalog::formula(other)?;
            let reason = "the optimizers that libtorch has and this crate too are sgd, adam-l2 and adamw";
            Err(Error::unsupported(formula.id, "libtorch's own optimizer", reason))
        }
    }
}

fn read<H: serde::de::DeserializeOwned>(
    formula: &str,
    input: &Value,
    moments: impl Fn(&H) -> &'static [&'static str],
) -> Result<Problem<H>> {
    if input.get("state").is_some_and(|state| !state.is_null()) {
        return Err(Error::unsupported(formula, "state", "libtorch's own optimizers always start from zero"));
    }
    Ok(state::read(input.clone(), moments)?)
}

/// Whether to take the maximum; any other convention than PyTorch's is one that libtorch lacks.
fn amsgrad(formula: &str, choices: Choices, step_count: StepCount) -> Result<bool> {
    if choices.epsilon != Epsilon::Outside {
        return Err(no_such_convention(formula, "epsilon"));
    }
    if choices.bias_correction != BiasCorrection::Both {
        return Err(no_such_convention(formula, "bias_correction"));
    }
    if step_count != StepCount::PerTensor {
        return Err(no_such_convention(formula, "step_count"));
    }
    match choices.amsgrad {
        Amsgrad::Off => Ok(false),
        Amsgrad::Raw => Ok(true),
        Amsgrad::Corrected => Err(no_such_convention(formula, "amsgrad")),
    }
}

fn no_such_convention(formula: &str, axis: &str) -> Error {
    Error::unsupported(formula, format!("conventions.{axis}"), "libtorch's own optimizer has another one")
}

fn run<H>(problem: &Problem<H>, mut optimizer: COptimizer, placement: Placement) -> Result<Value> {
    let leaf = |theta: &Vec<f64>| tensors::leaf(placement.vector(theta)?);
    let params: Vec<Tensor> = problem.params.iter().map(leaf).collect::<std::result::Result<_, _>>()?;
    for theta in &params {
        optimizer.add_parameters(theta, 0)?;
    }
    let mut steps = Vec::with_capacity(problem.gradients.len());
    for (gradients, &rate) in problem.gradients.iter().zip(&problem.rates) {
        optimizer.set_learning_rate(rate)?;
        // from here on no tensor has a gradient, and one that gets none is left alone
        optimizer.zero_grad()?;
        for (theta, gradient) in params.iter().zip(gradients) {
            if let Some(gradient) = gradient {
                give_gradient(theta, &placement.vector(gradient)?)?;
            }
        }
        optimizer.step()?;
        let params = params.iter().map(tensors::numbers).collect::<std::result::Result<_, _>>()?;
        steps.push(Step { params, state: Vec::new() });
    }
    Ok(state::write(&steps, &[]))
}

/// The gradient of Σ g θ with respect to θ is g, exactly.
fn give_gradient(theta: &Tensor, gradient: &Tensor) -> std::result::Result<(), TchError> {
    theta.f_mul(gradient)?.f_sum(None)?.f_backward()
}
