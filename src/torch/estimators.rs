//! Sophia's estimators of a Hessian's diagonal, by autograd: the squared gradient on sampled labels
//! and the Hessian-vector product by two backward passes.

use crate::json;
use crate::losses::cross_entropy;
use crate::optimizers::{gauss_newton_bartlett, hutchinson};
use crate::torch::error::{Error, Result};
use crate::torch::{Placement, tensors};
use serde_json::{Value, json};
use tch::{Kind, TchError, Tensor};

// ---- Gauss-Newton-Bartlett --------------------------------------------------------------------

/// Evaluates the estimate, and its expectation over labels drawn from the model.
pub(super) fn gauss_newton_bartlett(input: &Value, placement: Placement) -> Result<Value> {
    let input: gauss_newton_bartlett::Input = json::read(input.clone())?;
    gauss_newton_bartlett::validated(&input)?;
    let batch = input.labels.len() as f64;
    let features = placement.matrix(&input.features, input.weights.len())?;
    let weights = tensors::leaf(placement.matrix(&input.weights, input.weights[0].len())?)?;
    let logits = features.f_matmul(&weights)?;
    let labels = placement.wholes(&input.labels)?;
    let loss = logits.f_cross_entropy_loss(&labels, None::<&Tensor>, tch::Reduction::Mean, -100, 0.0)?;
    let gradient = &tensors::gradients(&loss, &[&weights])?[0];
    let estimate = gradient.f_square()?.f_mul_scalar(batch)?;
    let diagonal = gauss_newton_diagonal(&features, &logits)?.f_div_scalar(batch)?;
    Ok(json!({ "estimate": as_json(&estimate)?, "gauss_newton_diagonal": as_json(&diagonal)? }))
}

/// Σ_b x_bi² p_bv (1 − p_bv)
fn gauss_newton_diagonal(features: &Tensor, logits: &Tensor) -> std::result::Result<Tensor, TchError> {
    let p = logits.f_detach()?.f_softmax(-1, None)?;
    let variance = p.f_mul(&p.f_neg()?.f_add_scalar(1.0)?)?;
    features.f_square()?.f_transpose(0, 1)?.f_matmul(&variance)
}

fn as_json(matrix: &Tensor) -> std::result::Result<Value, TchError> {
    let rows = tensors::rows(matrix)?;
    Ok(rows.into_iter().map(|row| row.into_iter().map(json::number).collect::<Value>()).collect())
}

/// One label per row of `features` (`[B][d]`), drawn by libtorch's `multinomial` from softmax(x W)
/// with `weights` (`[d][V]`). The seed is set for all of libtorch, whose generator is one per device:
/// a draw on another thread at the same time may come between.
///
/// # Errors
/// If a shape disagrees or a number is not finite.
pub fn sample_labels(features: &[Vec<f64>], weights: &[Vec<f64>], seed: u64, placement: Placement) -> Result<Vec<i64>> {
    let labels = vec![0; features.len()];
    let (features, weights, conventions) = (features.to_vec(), weights.to_vec(), Default::default());
    let input = gauss_newton_bartlett::Input { features, weights, labels, conventions };
    gauss_newton_bartlett::validated(&input)?;
    let features = placement.matrix(&input.features, input.weights.len())?;
    let logits = features.f_matmul(&placement.matrix(&input.weights, input.weights[0].len())?)?;
    // the bits of the seed, as libtorch takes them
    tch::manual_seed(seed.cast_signed());
    let drawn = logits.f_softmax(-1, None)?.f_multinomial(1, true)?.f_reshape([-1])?;
    Ok(Vec::<i64>::try_from(&drawn.f_to_kind(Kind::Int64)?)?)
}

// ---- Hutchinson -------------------------------------------------------------------------------

/// Evaluates u ∘ (H u), with H u from two backward passes through the quadratic form ½ xᵀHx, whose
/// Hessian is H where H is symmetric.
pub(super) fn hutchinson(input: &Value, placement: Placement) -> Result<Value> {
    let input: hutchinson::Input = json::read(input.clone())?;
    hutchinson::check(&input)?;
    let n = input.probe.len();
    if (0..n).any(|i| (0..i).any(|j| input.hessian[i][j] != input.hessian[j][i])) {
        let reason = "a matrix that is not symmetric is the Hessian of no function to differentiate";
        return Err(Error::unsupported("hutchinson", "hessian", reason));
    }
    let hessian = placement.matrix(&input.hessian, n)?;
    let probe = placement.vector(&input.probe)?;
    // the second derivative is the same at every x
    let x = tensors::leaf(probe.f_zeros_like()?)?;
    let form = x.f_dot(&hessian.f_mv(&x)?)?.f_div_scalar(2.0)?;
    let product = double_backward(&form, &x, &probe)?;
    let estimate = tensors::numbers(&probe.f_mul(&product)?)?;
    Ok(json!({ "estimate": estimate.into_iter().map(json::number).collect::<Vec<_>>() }))
}

/// H u of the cross-entropy of one row with respect to its logits, by two backward passes: the
/// Hessian-vector product that Sophia-H needs.
///
/// # Errors
/// If a logit or a number of the probe is not finite, the target is none of the classes, or the
/// probe has another length than the logits.
pub fn hessian_vector_product(logits: &[f64], target: usize, probe: &[f64], placement: Placement) -> Result<Vec<f64>> {
    cross_entropy::hessian_matrix(logits)?;
    crate::domain::same_length("probe", probe.len(), logits.len(), "logits has classes")?;
    crate::domain::all_finite("probe", probe)?;
    if target >= logits.len() {
        let allowed = format!("a class from 0 to {}", logits.len() - 1);
        return Err(crate::error::Error::domain("target", target, allowed).into());
    }
    let z = tensors::leaf(placement.vector(logits)?)?;
    let target = placement.wholes(&[target as i64])?.f_reshape([0i64; 0])?;
    let loss = z.f_cross_entropy_loss(&target, None::<&Tensor>, tch::Reduction::Mean, -100, 0.0)?;
    Ok(tensors::numbers(&double_backward(&loss, &z, &placement.vector(probe)?)?)?)
}

/// ∇(∇ℓ · u)
fn double_backward(loss: &Tensor, x: &Tensor, probe: &Tensor) -> std::result::Result<Tensor, TchError> {
    let gradient = &Tensor::f_run_backward(&[loss], &[x], true, true)?[0];
    let along = gradient.f_dot(probe)?;
    Ok(tensors::gradients(&along, &[x])?.remove(0))
}
