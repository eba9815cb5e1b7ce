//! The last word on elements: the oracle's step, and the whole budget of each number's dtype.

use super::plan::Stepped;
use super::sieve::{Before, MOST_OUTPUTS};
use crate::budget::Starts;
use crate::comparison::Reference;
use crate::error::Result;
use crate::formula::Formula;
use crate::json;
use crate::number::{Dtype, RunningError};
use serde_json::{Map, Value, json};

/// One element with what the files have after the step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element {
    /// Its place in the flattened tensor.
    pub index: u64,
    pub before: Before,
    /// θ′ and the new moments; only those that the files have count.
    pub after: [f64; MOST_OUTPUTS],
}

/// One number after a step beside the right one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged {
    pub index: u64,
    /// Which of the tensor's outputs.
    pub output: usize,
    pub got: f64,
    pub expected: f64,
    /// The error in parts of the budget.
    pub over_budget: f64,
}

/// What is known of an element that was examined.
pub(super) enum Outcome {
    /// The number that is furthest off.
    Judged(Judged),
    /// It has no right answer: why.
    Unjudged(u64, String),
}

/// The formula's input for some elements as one tensor.
pub(super) fn input(tensor: &Stepped, elements: &[Element]) -> Value {
    let list =
        |of: &dyn Fn(&Element) -> f64| Value::from(elements.iter().map(|x| json::number(of(x))).collect::<Vec<_>>());
    let mut state = json!({ "step": tensor.t - 1 });
    for (i, moment) in tensor.outputs[1..].iter().enumerate() {
        state[moment.name] = list(&|x| x.before.moments[i]);
    }
    let mut input: Map<String, Value> = tensor.hyper.clone();
    input.insert("params".into(), json!([list(&|x| x.before.theta)]));
    input.insert("gradients".into(), json!([[list(&|x| x.before.g)]]));
    input.insert("state".into(), json!([state]));
    if tensor.stepper.takes_estimates() {
        let estimate = if tensor.estimate.is_some() { list(&|x| x.before.estimate) } else { Value::Null };
        input.insert("hessians".into(), json!([[estimate]]));
    }
    Value::Object(input)
}

/// What the files have after the step, in the shape of the formula's output.
pub(super) fn found(tensor: &Stepped, elements: &[Element]) -> Value {
    let mut step = Map::new();
    for (i, output) in tensor.outputs.iter().enumerate().filter(|(_, output)| output.after.is_some()) {
        let values: Vec<Value> = elements.iter().map(|x| json::number(x.after[i])).collect();
        step.insert(output.name.into(), json!([values]));
    }
    json!({ "steps": [step] })
}

/// A dtype's arithmetic: a training step keeps its hyperparameters in f32 or wider.
pub(super) fn arithmetic(dtype: Dtype) -> RunningError {
    let scalar = if dtype == Dtype::F64 { Dtype::F64 } else { Dtype::F32 };
    RunningError { tensor: dtype, scalar }
}

/// Judges elements, in their order.
pub(super) fn judge(formula: &'static Formula, tensor: &Stepped, elements: &[Element]) -> Vec<Outcome> {
    match judge_all(formula, tensor, elements) {
        Ok(judged) => judged.into_iter().map(Outcome::Judged).collect(),
        // one that the oracle refuses must not take the others along
        Err(error) => match elements {
            [] => Vec::new(),
            [one] => vec![Outcome::Unjudged(one.index, error.to_string())],
            many => {
                let (left, right) = many.split_at(many.len() / 2);
                [left, right].into_iter().flat_map(|half| judge(formula, tensor, half)).collect()
            }
        },
    }
}

fn judge_all(formula: &'static Formula, tensor: &Stepped, elements: &[Element]) -> Result<Vec<Judged>> {
    let (input, found) = (input(tensor, elements), found(tensor, elements));
    let nothing = |x: &Element| Judged { index: x.index, output: 0, got: x.after[0], expected: 0.0, over_budget: -1.0 };
    let mut worst: Vec<Judged> = elements.iter().map(nothing).collect();
    let dtype_of = |output: usize| tensor.outputs[output].after.as_ref().map(|(_, dtype)| *dtype);
    let mut dtypes: Vec<Dtype> = (0..tensor.outputs.len()).filter_map(dtype_of).collect();
    dtypes.sort_unstable();
    dtypes.dedup();
    for dtype in dtypes {
        let reference = Reference::of(formula, &input, arithmetic(dtype), Starts::Reported)?;
        for compared in reference.compare(&found) {
            // "/steps/0/params/0/17"
            let mut parts = compared.place.split('/').skip(3);
            let name = parts.next();
            let Some(output) = tensor.outputs.iter().position(|output| name == Some(output.name)) else { continue };
            let Some(element) = parts.nth(1).and_then(|text| text.parse::<usize>().ok()) else { continue };
            if dtype_of(output) != Some(dtype) {
                continue;
            }
            // where nothing is promised, nothing is exceeded; past the range of the dtype that is infinity
            let over_budget = match compared.ratio() {
                Some(ratio) => ratio,
                None if compared.found.is_nan() && !compared.right.is_nan() => f64::INFINITY,
                None => 0.0,
            };
            if over_budget > worst[element].over_budget {
                let (got, expected) = (compared.found, compared.right);
                worst[element] = Judged { output, got, expected, over_budget, ..worst[element] };
            }
        }
    }
    Ok(worst)
}
