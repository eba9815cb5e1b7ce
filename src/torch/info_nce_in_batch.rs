//! InfoNCE with in-batch negatives: one matrix product, and cross-entropy with the diagonal as the
//! target.

use crate::json;
use crate::losses::info_nce_in_batch::{self as formula, Gradient, Input, Output};
use crate::torch::error::Result;
use crate::torch::{Placement, similarity, tensors};
use serde_json::Value;
use tch::{TchError, Tensor};

/// Evaluates a batch.
pub(super) fn evaluate(input: &Value, placement: Placement) -> Result<Value> {
    let input: Input = json::read(input.clone())?;
    formula::validate(&input)?;
    Ok(json::write(&batch(&input, placement)?))
}

fn batch(input: &Input, placement: Placement) -> std::result::Result<Output, TchError> {
    let (pairs, dimension) = (input.a.len(), input.a[0].len());
    let a = tensors::leaf(placement.matrix(&input.a, dimension)?)?;
    let b = tensors::leaf(placement.matrix(&input.b, dimension)?)?;
    let temperature = tensors::leaf(placement.number(input.temperature)?)?;

    let kind = input.conventions.similarity;
    let s = similarity::prepare(&a, kind)?.in_a_table(&similarity::prepare(&b, kind)?)?.f_div(&temperature)?;
    let diagonal = placement.wholes(&(0..pairs as i64).collect::<Vec<_>>())?;
    let over_rows = |s: &Tensor| s.f_cross_entropy_loss(&diagonal, None::<&Tensor>, tch::Reduction::Mean, -100, 0.0);
    let loss = match input.symmetric {
        false => over_rows(&s)?,
        true => over_rows(&s)?.f_add(&over_rows(&s.f_transpose(0, 1)?)?)?.f_div_scalar(2.0)?,
    };
    let gradients = tensors::gradients(&loss, &[&a, &b, &temperature])?;
    Ok(Output {
        loss: tensors::number(&loss)?,
        gradient: Gradient {
            a: tensors::rows(&gradients[0])?,
            b: tensors::rows(&gradients[1])?,
            temperature: tensors::number(&gradients[2])?,
        },
    })
}
