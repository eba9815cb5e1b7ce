//! The inputs of the groups of cases, for whoever keeps them as data.

use super::case::Feature;
use super::groups;
use super::loss;
use super::precision::Precision;
use super::schedule;
use crate::formula::Formula;
use serde_json::{Map, Value};

/// Inputs of one kind, each with its id.
#[derive(Clone, Debug)]
pub struct InputGroup {
    /// `late-gradient`
    pub id: &'static str,
    /// What its inputs have that others have not.
    pub about: &'static str,
    /// `adamw/late-gradient/0` with the formula's input.
    pub inputs: Vec<(String, Value)>,
}

/// Every group of inputs that the kit holds a formula to under conventions, with tensors that a precision holds
/// exactly; none for a formula that the kit does not know. What asks for more than steps with gradients, such as
/// parameter groups, is left out.
pub fn inputs(formula: &Formula, precision: Precision, conventions: &Map<String, Value>) -> Vec<InputGroup> {
    if !formula.has_steps() {
        let of_loss = loss::inputs(formula, precision, conventions);
        return of_loss.or_else(|| schedule::inputs(formula, conventions)).unwrap_or_default();
    }
    let groups = groups::groups(formula, precision, conventions).into_iter().map(|group| {
        let plain = group.cases.into_iter().filter(|case| case.feature == Feature::None);
        InputGroup { id: group.id, about: group.about, inputs: plain.map(|case| (case.id, case.input)).collect() }
    });
    groups.filter(|group| !group.inputs.is_empty()).collect()
}
