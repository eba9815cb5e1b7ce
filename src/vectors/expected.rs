//! What an input comes to, and how far from it a correct implementation may be.

use super::{Budgets, Case, Expected, File};
use crate::budget::Starts;
use crate::catalog;
use crate::comparison::{Compared, Reference};
use crate::conformance::Precision;
use crate::error::Result;
use crate::formula::Formula;
use crate::number::ulp;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What the steps of an optimizer start from, in the eyes of whoever compares: a subject goes on from its own
/// state.
pub(super) fn starts(formula: &Formula) -> Starts {
    if formula.has_steps() { Starts::Carried } else { Starts::Reported }
}

/// The right output at an input with its f64 budget.
pub(super) fn reference(formula: &Formula, input: &Value) -> Result<Reference> {
    Reference::of(formula, input, Precision::F64.arithmetic(), starts(formula))
}

/// The numbers of an output beside the right ones. What the textbook says nothing of has not been computed: it is so
/// by convention, or is what an earlier step left, and is as exact as that.
pub(super) fn compared(reference: &Reference, found: &Value) -> Vec<Compared> {
    let mut all = reference.compare(found);
    for one in &mut all {
        if reference.budget.at(&one.place).is_none() {
            one.allowed = earlier(reference, &one.place);
        }
    }
    all
}

/// What is allowed at the last step before this one that moved the number.
fn earlier(reference: &Reference, place: &str) -> std::result::Result<f64, String> {
    let step = place.strip_prefix("/steps/").and_then(|rest| rest.split_once('/'));
    let Some((step, rest)) = step.and_then(|(step, rest)| Some((step.parse::<usize>().ok()?, rest))) else {
        return Ok(0.0);
    };
    let moved = (0..step).rev().find_map(|k| reference.budget.at(&format!("/steps/{k}/{rest}")));
    match moved {
        None => Ok(0.0),
        Some(Err(reason)) => Err(reason.to_string()),
        Some(Ok(promise)) => Ok(promise.bound + promise.enclosure + ulp(promise.value) / 2.0),
    }
}

/// The output with only the steps that are kept.
pub(super) fn kept_of(output: &Value, kept: Option<&[u64]>) -> Value {
    let Some(kept) = kept else { return output.clone() };
    let step = |&k: &u64| usize::try_from(k).ok()?.checked_sub(1).and_then(|k| output["steps"].get(k)).cloned();
    Value::from_iter([("steps".to_string(), kept.iter().filter_map(step).collect::<Value>())])
}

/// The output and its budgets.
pub(super) fn answer(formula: &Formula, input: &Value, kept: Option<&[u64]>) -> Result<(Value, Budgets)> {
    Ok(answer_of(&reference(formula, input)?, kept))
}

/// The output and its budgets, of a reference.
pub(super) fn answer_of(reference: &Reference, kept: Option<&[u64]>) -> (Value, Budgets) {
    let mut widest: BTreeMap<String, Option<f64>> = BTreeMap::new();
    for compared in compared(reference, &reference.right) {
        if !is_kept(&compared.place, kept) {
            continue;
        }
        let allowed = compared.allowed.ok();
        widest
            .entry(output_of(&compared.place))
            .and_modify(|known| *known = known.zip(allowed).map(|(x, y)| x.max(y)))
            .or_insert(allowed);
    }
    let budgets = widest.into_iter().map(|(name, bound)| (name, bound.map(of_two_digits))).collect();
    (kept_of(&reference.right, kept), budgets)
}

/// Whether a place of the whole output is in a step that is kept.
fn is_kept(place: &str, kept: Option<&[u64]>) -> bool {
    let step = place.strip_prefix("/steps/").and_then(|rest| rest.split('/').next()?.parse::<u64>().ok());
    kept.zip(step).is_none_or(|(kept, step)| kept.contains(&(step + 1)))
}

/// "gradient.query" of "/gradient/query/0/1", "params" of "/steps/0/params/1/2".
fn output_of(place: &str) -> String {
    let place = place.strip_prefix("/steps").unwrap_or(place);
    let names: Vec<&str> =
        place.split('/').filter(|part| part.starts_with(|c: char| c.is_ascii_alphabetic())).collect();
    names.join(".")
}

/// The bound in two digits, rounded up: of 1.1 times the bound, two digits are at most 5 % below.
fn of_two_digits(bound: f64) -> f64 {
    let rounded = |x: f64| format!("{x:.1e}").parse::<f64>().unwrap_or(x);
    let nearest = rounded(bound);
    if nearest >= bound { nearest } else { rounded(1.1 * bound) }
}

/// The expected values of a case, derived from its input alone.
fn derive(formula: &Formula, group: &super::Group, case: &Case) -> Result<Case> {
    let mut new = case.clone();
    let kept = case.kept.as_deref();
    match case.result {
        Expected::Valid => {
            let (output, budgets) = answer(formula, &case.whole_input(group), kept)?;
            (new.output, new.budget) = (Some(output), Some(budgets));
        }
        Expected::Acceptable => {
            for one in new.answers.iter_mut().flatten() {
                fill(formula, &case.input_under(group, &one.conventions), kept, one);
            }
        }
        Expected::Invalid => {
            let refused = catalog::evaluate(formula.id, case.whole_input(group)).err();
            new.reason = refused.map(|reason| reason.to_string());
        }
    }
    Ok(new)
}

/// Puts what an input comes to into an answer.
pub(super) fn fill(formula: &Formula, input: &Value, kept: Option<&[u64]>, one: &mut super::Answer) {
    (one.output, one.budget, one.reason) = match answer(formula, input, kept) {
        Ok((output, budgets)) => (Some(output), Some(budgets), None),
        Err(reason) => (None, None, Some(reason.to_string())),
    };
}

/// The file with its expected values derived anew.
pub(super) fn derived(file: &File) -> Result<File> {
    let formula = catalog::formula(&file.formula)?;
    let mut new = file.clone();
    for (group, old) in new.groups.iter_mut().zip(&file.groups) {
        group.cases = old.cases.iter().map(|case| derive(formula, old, case)).collect::<Result<_>>()?;
    }
    Ok(new)
}

/// The numbers of the file's output that a case keeps, at their places in the whole output.
pub(super) fn unkept(found: &Value, kept: Option<&[u64]>) -> Value {
    let Some(kept) = kept else { return found.clone() };
    let last = kept.iter().copied().max().and_then(|k| usize::try_from(k).ok()).unwrap_or(0);
    let mut steps = vec![Value::Object(Map::new()); last];
    for (k, step) in kept.iter().zip(found["steps"].as_array().into_iter().flatten()) {
        if let Some(at) = usize::try_from(*k).ok().and_then(|k| steps.get_mut(k.checked_sub(1)?)) {
            *at = step.clone();
        }
    }
    Value::from_iter([("steps".to_string(), Value::from(steps))])
}
