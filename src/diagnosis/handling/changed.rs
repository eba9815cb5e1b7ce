//! Handlings that the formula itself shows, on an input that is changed for it.

use super::{Handling, Layout, Matrices};
use crate::diagnosis::Around;
use crate::json;
use serde_json::{Value, json};

/// The input on which the formula itself does what a subject with this handling does on `input`;
/// `None` where the input cannot show it.
pub fn input(handling: Handling, input: &Value, around: &Around) -> Option<Value> {
    let mut changed = input.clone();
    match handling {
        Handling::ParametersNotWrittenBack | Handling::FirstTensorOnly => {}
        Handling::Transposed(Matrices::ParametersWritten, _) if around.shapes.is_empty() => return None,
        Handling::Transposed(Matrices::ParametersWritten, _) => {}
        Handling::Transposed(Matrices::ParametersRead, layout) => {
            laid_out(&mut changed["params"], layout, around)?;
        }
        Handling::Transposed(Matrices::Gradients, layout) => {
            for name in ["gradients", "hessians"] {
                for step in changed.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten() {
                    laid_out(step, layout, around)?;
                }
            }
        }
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
        Handling::RateLeftOut => changed["lr"] = json!(1.0),
        Handling::RateSquared => {
            let squared = |rate: &Value| json::real_of(rate).map(|rate| json::number(rate * rate));
            changed["lr"] = match &input["lr"] {
                Value::Array(rates) => rates.iter().map(squared).collect::<Option<Vec<Value>>>()?.into(),
                rate => squared(rate)?,
            };
        }
        Handling::BetasSwapped => {
            changed["beta1"] = input.get("beta2")?.clone();
            changed["beta2"] = input.get("beta1")?.clone();
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
        Handling::StepBehind
        | Handling::RateInMoment
        | Handling::StateShared
        | Handling::MomentsShared
        | Handling::StateLost
        | Handling::StateLostOnSaving
        | Handling::MomentsLostOnSaving
        | Handling::CountLostOnSaving => return None,
    }
    Some(changed)
}

/// Where the output for the changed input has what the subject's output has at a place; `None` where the
/// subject's has the parameters that it began with.
pub fn place(handling: Handling, place: &str, input: &Value, around: &Around) -> Option<String> {
    match handling {
        Handling::ParametersNotWrittenBack => (!is_parameter(place)).then(|| place.to_string()),
        Handling::FirstTensorOnly => (tensor_of(place) == Some(0) || !is_parameter(place)).then(|| place.to_string()),
        Handling::StepsCountedPerTensor => {
            let (step, rest) = place.strip_prefix("/steps/")?.split_once('/')?;
            let tensors = input["params"].as_array()?.len();
            let step: usize = step.parse().ok()?;
            Some(format!("/steps/{}/{rest}", step * tensors + tensors - 1))
        }
        Handling::Transposed(Matrices::ParametersWritten, layout) if is_parameter(place) => {
            let (before, element) = place.rsplit_once('/')?;
            let tensor = tensor_of(place)?;
            let size = input["params"][tensor].as_array()?.len();
            let from = layout.source(around.shapes.get(tensor)?, size, element.parse().ok()?);
            Some(format!("{before}/{from}"))
        }
        _ => Some(place.to_string()),
    }
}

impl Layout {
    /// Which of a matrix's numbers is taken for the element at this place, of a tensor with so many
    /// numbers. What is no matrix, or not the whole of one, is as it is.
    fn source(self, shape: &[usize], size: usize, element: usize) -> usize {
        match (self, shape) {
            (_, &[rows, columns]) if rows * columns != size => element,
            (Layout::ByColumns, &[rows, columns]) => element % columns * rows + element / columns,
            (Layout::Transposed, &[rows, columns]) => element % rows * columns + element / rows,
            _ => element,
        }
    }
}

/// Lays out a list of tensors anew.
fn laid_out(tensors: &mut Value, layout: Layout, around: &Around) -> Option<()> {
    if around.shapes.is_empty() {
        return None;
    }
    for (tensor, shape) in tensors.as_array_mut()?.iter_mut().zip(&around.shapes) {
        let Value::Array(numbers) = tensor else { continue };
        let from = |element: usize| numbers[layout.source(shape, numbers.len(), element)].clone();
        *tensor = (0..numbers.len()).map(from).collect();
    }
    Some(())
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
