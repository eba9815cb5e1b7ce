//! DPO from logits as implementations compute it.

use super::{Algorithm, Input, Tokens, at_input, validated_pair};
use crate::claim::indicator;
use crate::error::Result;
use crate::expression::{Expr, maximum, sum};
use crate::formula::Defined;
use crate::json;
use crate::losses::preference::{self, Derivative, Margin};
use crate::losses::shifted::Shifted;
use serde_json::Value;

/// ln π(y) as implementations compute it: log-softmax of each row, shifted by the number that `shift`
/// gives for it, gathered at the tokens and summed.
pub fn textbook_log_probability(
    logits: &[Vec<Expr>],
    tokens: &[usize],
    shift: impl Fn(usize, &[Expr]) -> Expr,
) -> Expr {
    let row = |(t, (z, &y)): (usize, (&Vec<Expr>, &usize))| Shifted::by(z, shift(t, z)).ln_p(y);
    sum(logits.iter().zip(tokens).enumerate().map(row))
}

/// slope · ∂ln π(y)/∂z: backward through the gather and log-softmax, or slope · ([v = y_t] − p_v)
pub fn textbook_gradient(
    logits: &[Vec<Expr>],
    tokens: &[usize],
    slope: Expr,
    derivative: Derivative,
    shift: impl Fn(usize, &[Expr]) -> Expr,
) -> Vec<Vec<Expr>> {
    let row = |(t, (z, &y)): (usize, (&Vec<Expr>, &usize))| {
        let softmax = Shifted::by(z, shift(t, z));
        let one_hot = (0..z.len()).map(|v| indicator(v == y));
        match derivative {
            Derivative::Autograd => softmax.backward(&one_hot.map(|hot| hot * slope).collect::<Vec<_>>()),
            Derivative::Closed => one_hot.enumerate().map(|(v, hot)| slope * (hot - softmax.p(v))).collect(),
        }
    };
    logits.iter().zip(tokens).enumerate().map(row).collect()
}

/// One way at an input.
pub(super) fn one_way(input: &Input, tokens: &Tokens, (margin, derivative): (Margin, Derivative)) -> Defined {
    let largest = |_, z: &[Expr]| maximum(z);
    let algorithm = Algorithm {
        log_probability: &|logits, tokens| textbook_log_probability(logits, tokens, largest),
        gradient: &|logits, tokens, slope| textbook_gradient(logits, tokens, slope, derivative, largest),
        judged: &|pair, epsilon, numbers| {
            pair.textbook((margin, derivative), epsilon, input.conventions, 1, numbers.one())
        },
    };
    at_input(input, tokens, &algorithm)
}

/// The three orders of a margin over max-shifted log-probabilities, each with the gradient of autograd
/// and in closed form.
pub(super) fn textbook(input: &Value, _output: &Value) -> Result<Vec<Defined>> {
    let input: Input = json::read(input.clone())?;
    let tokens = validated_pair(&input)?;
    Ok(preference::ways(input.conventions.reference).into_iter().map(|way| one_way(&input, &tokens, way)).collect())
}
