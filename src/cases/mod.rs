//! Random inputs of every formula, for holding implementations to the oracle: ordinary ones, ones that
//! cancel, and ones near the ends of a domain.
//!
//! A case is determined by its formula and index, the same on every platform. Cases are stable within
//! a minor version of the crate.

mod draw;
mod losses;
mod optimizers;
mod others;
pub mod regions;
mod simpler;

pub use simpler::simpler;

use crate::catalog;
use crate::formula::Formula;
use crate::number::Dtype;
use draw::Draw;
use serde_json::{Map, Value, json};

/// Attempts at a case that is in its formula's domain. About half are, so one of these is.
const ATTEMPTS: u64 = 1000;

/// How many steps the longest trajectory has.
const LONGEST_TRAJECTORY: usize = 6;

/// Which conventions cases have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conventions {
    /// The first option of every axis.
    Default,
    /// Every axis with any option.
    Any,
}

/// The case of a formula with this index: of an optimizer one step from some state.
///
/// # Panics
/// For a formula that no cases were written for.
pub fn case(formula: &Formula, index: u64, conventions: Conventions) -> Value {
    drawn(formula, index, conventions, |draw, chosen| match formula.id {
        "cross-entropy" => losses::cross_entropy(draw),
        "info-nce" => losses::info_nce(draw),
        "info-nce-in-batch" => losses::info_nce_in_batch(draw),
        "dpo" => losses::dpo(draw),
        "dpo-from-logits" => losses::dpo_from_logits(draw),
        "gauss-newton-bartlett" => others::gauss_newton_bartlett(draw),
        "hutchinson" => others::hutchinson(draw),
        "adamw" | "adam-l2" | "lion" | "sophia" | "sgd" => {
            let from_zero = draw.chance(0.15);
            optimizers::case(formula.id, draw, chosen, 1, !from_zero)
        }
        _ => others::schedule(formula.id, draw),
    })
}

/// Several steps of an optimizer from zero.
///
/// # Panics
/// For a formula that is not an optimizer.
pub fn trajectory(formula: &Formula, index: u64, conventions: Conventions) -> Value {
    drawn(formula, index, conventions, |draw, chosen| {
        let steps = draw.whole(1, LONGEST_TRAJECTORY);
        optimizers::case(formula.id, draw, chosen, steps, false)
    })
}

/// A case of any kind: of an optimizer one step from some state, or several steps from zero.
///
/// # Panics
/// For a formula that no cases were written for.
pub fn any(formula: &Formula, index: u64, conventions: Conventions) -> Value {
    let several = formula.has_steps() && index.is_multiple_of(2);
    if several { trajectory(formula, index, conventions) } else { case(formula, index, conventions) }
}

/// A list of ordinary numbers of about a size, for cases of real size: the same for the same name.
pub fn numbers(name: &str, n: usize, size: f64) -> Vec<f64> {
    Draw::of(name, 0, 0).reals(n, size)
}

/// The first attempt that is in the formula's domain.
fn drawn(
    formula: &Formula,
    index: u64,
    conventions: Conventions,
    draw_case: impl Fn(&mut Draw, &Map<String, Value>) -> Value,
) -> Value {
    for attempt in 0..ATTEMPTS {
        let mut draw = Draw::of(formula.id, index, attempt);
        let mut chosen = Map::new();
        for axis in formula.axes.iter().filter(|_| conventions == Conventions::Any) {
            let option = axis.options[draw.whole(0, axis.options.len() - 1)].id;
            chosen.insert(axis.id.into(), json!(option));
        }
        let mut input = draw_case(&mut draw, &chosen);
        if !chosen.is_empty() {
            input["conventions"] = chosen.into();
        }
        if catalog::evaluate(formula.id, input.clone()).is_ok() {
            return input;
        }
    }
    panic!("no case of {} is in its domain: it needs a line in src/cases/mod.rs", formula.id)
}

/// An input as it is held in a dtype: numbers of tensors rounded, scalar hyperparameters and whole
/// numbers as they are. A temperature is a tensor's number, since it has a gradient.
pub fn held_in(mut input: Value, dtype: Dtype) -> Value {
    for (name, field) in input.as_object_mut().into_iter().flatten() {
        let scalar =
            (field.is_number() && name != "temperature") || ["lr", "max_lr", "min_lr"].contains(&name.as_str());
        if !scalar {
            round(field, dtype);
        }
    }
    input
}

fn round(value: &mut Value, dtype: Dtype) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| round(item, dtype)),
        Value::Object(fields) => fields.values_mut().for_each(|field| round(field, dtype)),
        Value::Number(number) if number.is_f64() => {
            if let Some(x) = number.as_f64() {
                *value = crate::json::number(dtype.round(x));
            }
        }
        _ => {}
    }
}
