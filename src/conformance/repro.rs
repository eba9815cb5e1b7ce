//! How to see a difference without this crate: the numbers of one element, from the start to the step
//! at which it is off. The optimizers of the catalog act on each element alone.

use crate::formula::Formula;
use serde_json::Value;

/// A place in a trajectory.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Place {
    pub step: usize,
    pub field: String,
    pub tensor: usize,
    pub element: usize,
}

impl Place {
    /// "/steps/0/params/1/2"
    pub fn parse(pointer: &str) -> Option<Place> {
        let mut parts = pointer.strip_prefix("/steps/")?.split('/');
        let step = parts.next()?.parse().ok()?;
        let field = parts.next()?.to_string();
        let (tensor, element) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Place { step, field, tensor, element })
    }

    /// In words, where the tensors of the part have these numbers in the case.
    pub fn describe(&self, tensors: &[usize]) -> String {
        let tensor = tensors.get(self.tensor).copied().unwrap_or(self.tensor);
        format!("step {}, tensor {tensor}, element {} of {}", self.step + 1, self.element, self.field)
    }
}

pub(super) fn number(value: &Value) -> f64 {
    crate::json::real_of(value).unwrap_or(f64::NAN)
}

/// The rate of a step.
pub(super) fn rate(input: &Value, step: usize) -> f64 {
    number(input["lr"].get(step).unwrap_or(&input["lr"]))
}

/// A few lines with everything that the element depends on.
pub(super) fn of_element(formula: &Formula, input: &Value, at: &Place, found: f64, right: f64) -> String {
    let Place { step, tensor, element, .. } = *at;
    let each = |name: &str| -> String {
        let one = |k: usize| match &input[name][k][tensor] {
            Value::Null => "none".to_string(),
            values => format!("{:?}", number(&values[element])),
        };
        (0..=step).map(one).collect::<Vec<_>>().join(", ")
    };
    let rates: Vec<String> = (0..=step).map(|k| format!("{:?}", rate(input, k))).collect();
    let known = ["params", "gradients", "hessians", "lr", "state"];
    let hyper = input.as_object().into_iter().flatten().filter(|(name, _)| !known.contains(&name.as_str()));
    let hyper: Vec<String> = hyper.map(|(name, value)| format!("{name} = {value}")).collect();
    let mut lines = vec![
        format!("{} with {}", formula.name, hyper.join(", ")),
        format!("one parameter, at first {:?}", number(&input["params"][tensor][element])),
        format!("gradients, step by step: {}", each("gradients")),
    ];
    if input.get("hessians").is_some() {
        lines.push(format!("Hessian estimates, step by step: {}", each("hessians")));
    }
    lines.push(format!("rates, step by step: {}", rates.join(", ")));
    lines.push(format!("after step {}, {} must be {right:?} and is {found:?}", step + 1, at.field));
    lines.join("\n")
}
