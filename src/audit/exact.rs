//! The last word on elements: the oracle's step, and the whole budget of each number's dtype.

use super::plan::{Output, Stepped};
use super::sieve::{Before, MOST_OUTPUTS};
use super::textbook::Textbooks;
use crate::comparison::Compared;
use crate::formula::Formula;
use crate::json;
use crate::number::{Dtype, RunningError, ulp};
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
    let textbooks = match tensor.textbooks(formula) {
        Ok(textbooks) => textbooks,
        Err(error) => return elements.iter().map(|x| Outcome::Unjudged(x.index, error.to_string())).collect(),
    };
    let judged = |(x, right): (&Element, Right)| Outcome::Judged(judged(textbooks, tensor, x, &right));
    match tensor.stepper.right(elements) {
        Ok(right) => elements.iter().zip(right).map(judged).collect(),
        // one that the oracle refuses must not take the others along
        Err(_) => elements
            .iter()
            .map(|x| match tensor.stepper.right(&[*x]) {
                Ok(right) => judged((x, right[0])),
                Err(_) => Outcome::Unjudged(x.index, refusal(formula, tensor, x)),
            })
            .collect(),
    }
}

/// Why an element has no answer, as the oracle says it of an input.
pub(super) fn refusal(formula: &'static Formula, tensor: &Stepped, x: &Element) -> String {
    let refused = crate::catalog::evaluate(formula.id, input(tensor, &[*x])).err();
    refused.map_or_else(|| "no right answer".to_string(), |error| error.to_string())
}

/// The right θ′ and moments.
pub(super) type Right = [f64; MOST_OUTPUTS];

/// The number of an element that is furthest off.
fn judged(textbooks: &Textbooks, tensor: &Stepped, x: &Element, right: &Right) -> Judged {
    let nothing = Judged { index: x.index, output: 0, got: x.after[0], expected: 0.0, over_budget: -1.0 };
    let mut dtypes: Vec<Dtype> = tensor.outputs.iter().filter_map(Output::dtype).collect();
    dtypes.sort_unstable();
    dtypes.dedup();
    let mut worst = nothing;
    for dtype in dtypes {
        let bounds = textbooks.bounds(&x.before, dtype);
        for (output, _) in tensor.outputs.iter().enumerate().filter(|(_, output)| output.dtype() == Some(dtype)) {
            let (found, right) = (x.after[output], right[output]);
            let bound = bounds[output].filter(|_| right.is_finite()).ok_or_else(String::new);
            // the right value is rounded as well
            let allowed = bound.map(|bound| bound + ulp(right) / 2.0);
            let compared = Compared { place: String::new(), found, right, allowed };
            // where nothing is promised, nothing is exceeded; past the range of the dtype that is infinity
            let over_budget = match compared.ratio() {
                Some(ratio) => ratio,
                None if found.is_nan() && !right.is_nan() => f64::INFINITY,
                None => 0.0,
            };
            if over_budget > worst.over_budget {
                worst = Judged { output, got: found, expected: right, over_budget, ..nothing };
            }
        }
    }
    worst
}
