//! Cross-entropy by `cross_entropy_loss`.
//!
//! The perplexity is exp of a second loss, without smoothing. Under the convention smoothing =
//! "others" the target is given as probabilities, with rows of zeros where it is ignored.

use crate::json;
use crate::losses::cross_entropy::{self as formula, AllIgnored, Denominator, Input, Output, Reduction, Smoothing};
use crate::torch::error::{Error, Result};
use crate::torch::{Placement, tensors};
use serde_json::Value;
use tch::{TchError, Tensor};

/// Evaluates a batch.
pub(super) fn evaluate(input: &Value, placement: Placement) -> Result<Value> {
    let input: Input = json::read(input.clone())?;
    let targets = formula::validated(&input)?;
    if targets.iter().all(Option::is_none) && input.conventions.all_ignored != AllIgnored::Nan {
        // the error, or what libtorch has no word for
        input.conventions.all_ignored.outcome(input.ignore_index, input.reduction)?;
        let reason = "libtorch's mean over no row is NaN";
        return Err(Error::unsupported("cross-entropy", "all_ignored = \"zero\"", reason));
    }
    let output = batch(&input, &targets, placement)?;
    Ok(formula::write(&input, &output))
}

fn batch(input: &Input, targets: &[Option<usize>], placement: Placement) -> std::result::Result<Output, TchError> {
    let logits = tensors::leaf(placement.matrix(&input.logits, input.logits[0].len())?)?;
    let loss = loss(input, targets, &logits, placement)?;
    let gradient = tensors::gradients(&loss.f_sum(None)?, &[&logits])?;
    let mean = by_class(input, 0.0, &logits, tch::Reduction::Mean, placement)?;
    Ok(Output {
        loss: tensors::numbers(&loss)?,
        perplexity: tensors::number(&mean.f_exp()?)?,
        gradient: tensors::rows(&gradient[0])?,
    })
}

/// The reduced loss, or one per row.
fn loss(
    input: &Input,
    targets: &[Option<usize>],
    logits: &Tensor,
    placement: Placement,
) -> std::result::Result<Tensor, TchError> {
    let epsilon = input.label_smoothing;
    let others = epsilon > 0.0 && input.conventions.smoothing == Smoothing::Others;
    let over = |reduction| match others {
        true => by_probability(input, targets, logits, reduction, placement),
        false => by_class(input, epsilon, logits, reduction, placement),
    };
    let mean_of = |count: usize| over(tch::Reduction::Sum)?.f_div_scalar(count as f64);
    match (input.reduction, input.conventions.denominator) {
        (Reduction::None, _) => over(tch::Reduction::None),
        (Reduction::Sum, _) => over(tch::Reduction::Sum),
        (Reduction::Mean, Denominator::Rows) => mean_of(targets.len()),
        // libtorch's mean over probabilities counts every row
        (Reduction::Mean, Denominator::Counted) if others => mean_of(targets.iter().flatten().count()),
        (Reduction::Mean, Denominator::Counted) => over(tch::Reduction::Mean),
    }
}

fn by_class(
    input: &Input,
    epsilon: f64,
    logits: &Tensor,
    reduction: tch::Reduction,
    placement: Placement,
) -> std::result::Result<Tensor, TchError> {
    let targets = placement.wholes(&input.targets)?;
    logits.f_cross_entropy_loss(&targets, None::<&Tensor>, reduction, input.ignore_index, epsilon)
}

fn by_probability(
    input: &Input,
    targets: &[Option<usize>],
    logits: &Tensor,
    reduction: tch::Reduction,
    placement: Placement,
) -> std::result::Result<Tensor, TchError> {
    let (classes, epsilon) = (input.logits[0].len(), input.label_smoothing);
    let elsewhere = epsilon / (classes as f64 - 1.0);
    let weights = |y: &Option<usize>| match y {
        Some(y) => (0..classes).map(|i| if i == *y { 1.0 - epsilon } else { elsewhere }).collect(),
        None => vec![0.0; classes],
    };
    let weights = placement.matrix(&targets.iter().map(weights).collect::<Vec<_>>(), classes)?;
    logits.f_cross_entropy_loss(&weights, None::<&Tensor>, reduction, -100, 0.0)
}
