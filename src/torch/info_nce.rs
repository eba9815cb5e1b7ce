//! InfoNCE by tensor operations and `log_softmax`; rows may have different numbers of negatives.

use crate::json;
use crate::losses::info_nce::{self as formula, Gradient, Input, Output};
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
    let dimension = input.query[0].len();
    let query = tensors::leaf(placement.matrix(&input.query, dimension)?)?;
    let positive = tensors::leaf(placement.matrix(&input.positive, dimension)?)?;
    let negatives = tensors::leaf(placement.matrix(input.negatives.iter().flatten(), dimension)?)?;
    let temperature = tensors::leaf(placement.number(input.temperature)?)?;
    let counts: Vec<i64> = input.negatives.iter().map(|list| list.len() as i64).collect();

    let kind = input.conventions.similarity;
    let queries = similarity::prepare(&query, kind)?;
    let to_positive = queries.in_pairs(&similarity::prepare(&positive, kind)?)?;
    // each negative beside the query of its row
    let row_of: Vec<i64> = (0..).zip(&counts).flat_map(|(b, &k)| (0..k).map(move |_| b)).collect();
    let of_row = queries.select(&placement.wholes(&row_of)?)?;
    let to_negatives = of_row.in_pairs(&similarity::prepare(&negatives, kind)?)?;

    let losses = losses(&to_positive, &to_negatives, &counts, &temperature)?;
    let loss = Tensor::f_stack(&losses, 0)?.f_mean(None)?;
    let gradients = tensors::gradients(&loss, &[&query, &positive, &negatives, &temperature])?;
    let mut rows = tensors::rows(&gradients[2])?.into_iter();
    Ok(Output {
        loss: tensors::number(&loss)?,
        gradient: Gradient {
            query: tensors::rows(&gradients[0])?,
            positive: tensors::rows(&gradients[1])?,
            negatives: input.negatives.iter().map(|list| rows.by_ref().take(list.len()).collect()).collect(),
            temperature: tensors::number(&gradients[3])?,
        },
    })
}

/// −log_softmax(s/τ) at the positive, row by row.
fn losses(
    to_positive: &Tensor,
    to_negatives: &Tensor,
    counts: &[i64],
    temperature: &Tensor,
) -> std::result::Result<Vec<Tensor>, TchError> {
    let mut start = 0;
    let row = |(b, &k): (i64, &i64)| {
        let s = Tensor::f_cat(&[to_positive.f_narrow(0, b, 1)?, to_negatives.f_narrow(0, start, k)?], 0)?;
        start += k;
        s.f_div(temperature)?.f_log_softmax(0, None)?.f_select(0, 0)?.f_neg()
    };
    (0..).zip(counts).map(row).collect()
}
