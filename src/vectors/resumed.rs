//! A run that goes on from a state, as after a checkpoint.

use crate::catalog;
use crate::error::Result;
use crate::formula::Formula;
use serde_json::{Map, Value, json};

/// The input of an optimizer from its step `done` + 1 on: with the parameters and the state that the steps before came
/// to. The rate is one for all steps.
///
/// # Errors
/// If the formula refuses the input.
pub(super) fn input(formula: &Formula, whole: &Value, done: usize) -> Result<Value> {
    let output = catalog::evaluate(formula.id, whole.clone())?;
    let reached = &output["steps"][done - 1];
    let gradients = whole["gradients"].as_array().map_or(&[][..], Vec::as_slice);
    let tensors = whole["params"].as_array().map_or(0, Vec::len);
    let state = (0..tensors).map(|tensor| {
        let steps = gradients[..done].iter().filter(|step| !step[tensor].is_null()).count();
        let moments = reached.as_object().into_iter().flatten().filter(|(name, _)| *name != "params");
        let mut state: Map<String, Value> = Map::from_iter([("step".to_string(), json!(steps))]);
        state.extend(moments.map(|(name, moment)| (name.clone(), moment[tensor].clone())));
        Value::Object(state)
    });
    let mut input = whole.clone();
    input["params"] = reached["params"].clone();
    input["state"] = state.collect();
    for name in ["gradients", "hessians"] {
        input.get_mut(name).and_then(Value::as_array_mut).into_iter().for_each(|steps| drop(steps.drain(..done)));
    }
    Ok(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resumed_run_ends_where_the_whole_one_does() {
        let formula = catalog::formula("adamw").unwrap();
        let whole = json!({
            "params": [[1.0, -2.0], [0.5]], "lr": 0.125,
            "gradients": [[[0.5, 1.0], null], [[0.25, -1.0], [2.0]], [[1.0, 0.0], [1.0]]],
        });
        let resumed = input(formula, &whole, 2).unwrap();
        assert_eq!((&resumed["state"][0]["step"], &resumed["state"][1]["step"]), (&json!(2), &json!(1)));
        let (whole, rest) = (catalog::evaluate("adamw", whole).unwrap(), catalog::evaluate("adamw", resumed).unwrap());
        assert_eq!(rest["steps"], json!([whole["steps"][2]]));
    }
}
