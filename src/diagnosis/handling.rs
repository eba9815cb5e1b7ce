//! What a subject may do around an optimizer's formula: how it treats steps, rates, states and tensors.
//!
//! Each is told by the trajectory it leads to: the input is changed so that the formula itself comes to
//! it, or the outputs are.

use crate::json;
use serde_json::{Value, json};

/// A way of treating steps, rates, states or tensors other than the formula's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// Parameters keep the values that they began with.
    ParametersNotWrittenBack,
    /// The step counter goes up once for each tensor that has a gradient.
    StepsCountedPerTensor,
    /// The step counter is one ahead.
    StepAhead,
    /// A tensor without a gradient is treated as one with a gradient of zeros.
    MissingGradientAsZero,
    /// Every step uses the first step's rate.
    FirstRateKept,
    /// Every step's rate is taken of the step after.
    RateOfNextStep,
    /// The first step does nothing.
    FirstStepSkipped,
    /// Only the first tensor is updated.
    FirstTensorOnly,
    /// Gradients have the opposite sign.
    GradientNegated,
}

impl Handling {
    /// All of them.
    pub const ALL: [Handling; 9] = [
        Handling::ParametersNotWrittenBack,
        Handling::StepsCountedPerTensor,
        Handling::StepAhead,
        Handling::MissingGradientAsZero,
        Handling::FirstRateKept,
        Handling::RateOfNextStep,
        Handling::FirstStepSkipped,
        Handling::FirstTensorOnly,
        Handling::GradientNegated,
    ];

    /// What it is, after "is AdamW, but".
    pub fn meaning(self) -> &'static str {
        match self {
            Handling::ParametersNotWrittenBack => "parameters are never written back",
            Handling::StepsCountedPerTensor => {
                "the step counter goes up once for every tensor and not once for a step, \
                 so that the bias correction fades too early"
            }
            Handling::StepAhead => "the step counter is one ahead",
            Handling::MissingGradientAsZero => {
                "a tensor without a gradient is stepped as if its gradient were zero, which decays it and its state"
            }
            Handling::FirstRateKept => "the rate of the first step is kept in every step",
            Handling::RateOfNextStep => "each step uses the rate of the step after it",
            Handling::FirstStepSkipped => "the first step does nothing",
            Handling::FirstTensorOnly => "only the first tensor is updated",
            Handling::GradientNegated => "gradients are taken with the opposite sign",
        }
    }

    /// The input on which the formula itself does what a subject with this handling does on `input`;
    /// `None` where the input cannot show it.
    pub fn input(self, input: &Value) -> Option<Value> {
        let mut changed = input.clone();
        match self {
            Handling::ParametersNotWrittenBack | Handling::FirstTensorOnly => {}
            Handling::StepsCountedPerTensor => return one_tensor_at_a_time(input),
            Handling::StepAhead => changed["state"] = one_ahead(input)?,
            Handling::MissingGradientAsZero => {
                let params = input["params"].as_array()?.clone();
                for step in changed["gradients"].as_array_mut()? {
                    for (gradient, params) in step.as_array_mut()?.iter_mut().zip(&params) {
                        if gradient.is_null() {
                            *gradient = vec![0.0; params.as_array()?.len()].into();
                        }
                    }
                }
            }
            Handling::FirstRateKept => changed["lr"] = input["lr"].get(0)?.clone(),
            Handling::RateOfNextStep => {
                let rates = changed["lr"].as_array_mut()?;
                rates.rotate_left(1);
                let next = rates.len().checked_sub(2)?;
                let last = rates.get(next)?.clone();
                *rates.last_mut()? = last;
            }
            Handling::FirstStepSkipped => {
                let first = changed["gradients"].as_array_mut()?.first_mut()?;
                first.as_array_mut()?.iter_mut().for_each(|gradient| *gradient = Value::Null);
            }
            Handling::GradientNegated => {
                for (place, x) in json::numbers(&input["gradients"]) {
                    *changed["gradients"].pointer_mut(&place)? = json::number(-x);
                }
            }
        }
        Some(changed)
    }

    /// Where the output for the changed input has what the subject's output has at a place; `None`
    /// where the subject's has the parameters that it began with.
    pub fn place(self, place: &str, input: &Value) -> Option<String> {
        match self {
            Handling::ParametersNotWrittenBack => (!is_parameter(place)).then(|| place.to_string()),
            Handling::FirstTensorOnly => {
                (tensor_of(place) == Some(0) || !is_parameter(place)).then(|| place.to_string())
            }
            Handling::StepsCountedPerTensor => {
                let (step, rest) = place.strip_prefix("/steps/")?.split_once('/')?;
                let tensors = input["params"].as_array()?.len();
                let step: usize = step.parse().ok()?;
                Some(format!("/steps/{}/{rest}", step * tensors + tensors - 1))
            }
            _ => Some(place.to_string()),
        }
    }
}

/// "/steps/0/params/1/2"
fn is_parameter(place: &str) -> bool {
    place.split('/').nth(3) == Some("params")
}

fn tensor_of(place: &str) -> Option<usize> {
    place.split('/').nth(4)?.parse().ok()
}

/// Every step as one step for each tensor, with one counter for all.
fn one_tensor_at_a_time(input: &Value) -> Option<Value> {
    let tensors = input["params"].as_array()?.len();
    let mut changed = input.clone();
    let each = |list: &Value| -> Option<Value> {
        let mut all = Vec::new();
        for step in list.as_array()? {
            for tensor in 0..tensors {
                all.push((0..tensors).map(|i| if i == tensor { step[i].clone() } else { Value::Null }).collect());
            }
        }
        Some(Value::Array(all))
    };
    changed["gradients"] = each(&input["gradients"])?;
    if input.get("hessians").is_some() {
        changed["hessians"] = each(&input["hessians"])?;
    }
    if let Some(rates) = input["lr"].as_array() {
        changed["lr"] = rates.iter().flat_map(|rate| vec![rate.clone(); tensors]).collect();
    }
    changed["conventions"] = input.get("conventions").cloned().unwrap_or_else(|| json!({}));
    changed["conventions"]["step_count"] = "global".into();
    Some(changed)
}

/// The state of zeros after one step.
fn one_ahead(input: &Value) -> Option<Value> {
    if input.get("state").is_some() {
        return None;
    }
    let amsgrad = input["conventions"].get("amsgrad").is_some_and(|option| option != "off");
    let names: &[&str] = match (input.get("rho"), input.get("eps"), input.get("beta1"), amsgrad) {
        (Some(_), ..) => &["m", "h"],
        (_, Some(_), _, false) => &["m", "v"],
        (_, Some(_), _, true) => &["m", "v", "v_max"],
        (_, _, Some(_), _) => &["m"],
        _ => &["buf"],
    };
    let params = input["params"].as_array()?;
    let states = params.iter().map(|params| {
        let zeros = vec![0.0; params.as_array().map_or(0, Vec::len)];
        let mut state = json!({ "step": 1 });
        names.iter().for_each(|&name| state[name] = zeros.clone().into());
        state
    });
    Some(states.collect())
}
