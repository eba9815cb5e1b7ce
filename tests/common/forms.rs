//! Forms of a formula as a subject in some precision would compute them: by the graphs, in that
//! precision's arithmetic.
#![allow(dead_code, reason = "every test file uses its own part")]

use gradproof::catalog;
use gradproof::conformance::Precision;
use gradproof::formula::{Defined, Formula};
use gradproof::json;
use gradproof::number::{InDtype, Order, Role, Simulated, evaluate};
use serde_json::Value;
use std::collections::BTreeMap;

/// The textbook, or a mistake as it is defined. `None` outside the formula's domain.
pub fn computed(formula: &Formula, input: &Value, mistake: Option<&str>, precision: Precision) -> Option<Value> {
    let right = catalog::evaluate(formula.id, input.clone()).ok()?;
    let graphs = match mistake {
        None => (formula.textbook)(input, &right).ok()?,
        Some(_) => (formula.definition)(input, &right, mistake).ok()?,
    };
    simulated(&graphs, input, &right, precision)
}

/// The definition without a mistake, which may overflow where the textbook does not.
pub fn defined(formula: &Formula, input: &Value, precision: Precision) -> Option<Value> {
    let right = catalog::evaluate(formula.id, input.clone()).ok()?;
    simulated(&(formula.definition)(input, &right, None).ok()?, input, &right, precision)
}

/// What graphs come to, of several for a place the first; an optimizer's steps start from their own
/// earlier states. Hyperparameters are as narrow as the precision allows.
fn simulated(graphs: &[Defined], input: &Value, right: &Value, precision: Precision) -> Option<Value> {
    let (tensor, scalar) = (precision.tensor(), precision.arithmetic().scalar);
    let arithmetic = InDtype { dtype: tensor, order: Order::Forward };
    let mut known: BTreeMap<&str, f64> = BTreeMap::new();
    for defined in graphs {
        let inputs: Vec<Simulated> = defined
            .inputs
            .iter()
            .map(|given| {
                let before = given.from.as_ref().and_then(|from| known.get(from.as_str())).copied();
                let value = before.unwrap_or(given.value);
                Simulated {
                    value: if given.role == Role::Scalar { scalar.round(value) } else { value },
                    role: given.role,
                }
            })
            .collect();
        for (place, value) in defined.places.iter().zip(evaluate(&defined.graph, &mut { arithmetic }, &inputs)) {
            known.entry(place).or_insert(tensor.round(value.map_or(f64::NAN, |x| x.value)));
        }
    }
    let mut output = right.clone();
    for (place, _) in json::numbers(right) {
        let value = known.get(place.as_str()).copied().or_else(|| earlier(&known, &place, input));
        if let Some(value) = value {
            *output.pointer_mut(&place)? = json::number(value);
        }
    }
    Some(output)
}

/// What a tensor that a step does not move had before.
fn earlier(known: &BTreeMap<&str, f64>, place: &str, input: &Value) -> Option<f64> {
    let (step, rest) = place.strip_prefix("/steps/")?.split_once('/')?;
    let step: usize = step.parse().ok()?;
    let earlier = (0..step).rev().find_map(|k| known.get(format!("/steps/{k}/{rest}").as_str()).copied());
    earlier.or_else(|| Some(input.pointer(&format!("/{rest}")).and_then(Value::as_f64).unwrap_or(0.0)))
}
