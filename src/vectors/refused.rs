//! Inputs that must be refused: a good one with one thing wrong.

use super::notes;
use crate::catalog;
use crate::formula::Formula;
use crate::json;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// An input with what is wrong with it.
pub(super) struct Refused {
    pub comment: String,
    pub flag: &'static str,
    pub input: Value,
    pub reason: String,
}

/// Every way to spoil a good input that the formula refuses, once for each reason.
pub(super) fn inputs(formula: &Formula, good: &Value) -> Vec<Refused> {
    let mut reasons = BTreeSet::new();
    let refused = spoiled(good).into_iter().filter_map(|(comment, input)| {
        let error = catalog::evaluate(formula.id, input.clone()).err()?;
        let flag = notes::refusal(&error)?;
        let reason = error.to_string();
        reasons.insert(reason.clone()).then_some(Refused { comment, flag, input, reason })
    });
    refused.collect()
}

/// A good input with one thing changed, which may leave it good.
fn spoiled(good: &Value) -> Vec<(String, Value)> {
    let fields: Map<String, Value> = good.as_object().cloned().unwrap_or_default();
    let mut all = Vec::new();
    for (name, value) in &fields {
        let pointer = format!("/{name}");
        match value {
            Value::Number(_) => scalars(good, &pointer, &mut all),
            Value::Array(_) => lists(good, &pointer, &mut all),
            Value::Object(parts) if name != "conventions" => {
                for part in parts.keys() {
                    lists(good, &format!("{pointer}/{part}"), &mut all);
                }
            }
            _ => {}
        }
    }
    together(&fields, &mut all);
    all
}

fn with(good: &Value, pointer: &str, value: Value) -> Value {
    let mut input = good.clone();
    if let Some(at) = input.pointer_mut(pointer) {
        *at = value;
    }
    input
}

fn named(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

/// A hyperparameter past either end of what it may be, or no number.
fn scalars(good: &Value, pointer: &str, all: &mut Vec<(String, Value)>) {
    for wrong in [json!(-1.0), json!(-1), json!(0.0), json!(0), json!(1.0), json!(1.5), json!("NaN"), json!("Infinity")]
    {
        let same_sort = good.pointer(pointer).is_some_and(|now| now.is_f64() != wrong.is_i64());
        if same_sort {
            all.push((format!("{} is {wrong}", named(pointer)), with(good, pointer, wrong)));
        }
    }
}

/// A list whose first number is none, or too large, or which is too short, or empty, or zero all over.
fn lists(good: &Value, pointer: &str, all: &mut Vec<(String, Value)>) {
    let Some(list) = good.pointer(pointer) else { return };
    let name = named(pointer);
    if let Some((place, _)) = json::numbers(list).first() {
        let first = format!("{pointer}{place}");
        let whole = good.pointer(&first).is_some_and(|x| x.is_i64() || x.is_u64());
        let wrong = if whole { [json!(-1), json!(1000)] } else { [json!("NaN"), json!("Infinity")] };
        for wrong in wrong {
            all.push((format!("the first number of {name} is {wrong}"), with(good, &first, wrong)));
        }
        if !whole {
            all.push((format!("the first number of {name} is 1e200"), with(good, &first, json!(1e200))));
        }
    }
    let mut shorter = list.clone();
    if shorter.as_array_mut().is_some_and(|items| items.pop().is_some()) {
        all.push((format!("{name} is one shorter"), with(good, pointer, shorter)));
    }
    let mut narrower = list.clone();
    if narrower.get_mut(0).and_then(Value::as_array_mut).is_some_and(|items| items.pop().is_some()) {
        all.push((format!("the first part of {name} is one shorter"), with(good, pointer, narrower)));
    }
    all.push((format!("{name} is empty"), with(good, pointer, json!([]))));
    let zeros = zeroed(list);
    all.push((format!("{name} is zero all over"), with(good, pointer, zeros)));
}

fn zeroed(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(zeroed).collect(),
        Value::Number(_) => json!(0.0),
        _ => value.clone(),
    }
}

/// What is wrong only together.
fn together(fields: &Map<String, Value>, all: &mut Vec<(String, Value)>) {
    let mut both = |comment: &str, changes: &[(&str, Value)]| {
        if changes.iter().all(|(name, _)| fields.contains_key(*name)) {
            let mut input = fields.clone();
            changes.iter().for_each(|(name, value)| input[*name] = value.clone());
            all.push((comment.into(), input.into()));
        }
    };
    let of = |name: &str| fields.get(name).cloned().unwrap_or_default();
    both(
        "eps is 0 and every gradient is 0",
        &[("eps", json!(0.0)), ("gradients", zeroed(&of("gradients"))), ("weight_decay", json!(0.0))],
    );
    both(
        "eps is 0 and so is every estimate of the Hessian",
        &[("eps", json!(0.0)), ("hessians", zeroed(&of("hessians")))],
    );
    both("the warm-up takes the whole run", &[("warmup_steps", of("total_steps"))]);
    both("the decay takes more than the run", &[("decay_steps", of("total_steps"))]);
    both("max_lr is below min_lr", &[("max_lr", of("min_lr")), ("min_lr", json!(0.5))]);
    both("Nesterov's momentum without momentum", &[("nesterov", json!(true)), ("momentum", json!(0.0))]);
    both("Nesterov's momentum with dampening", &[("nesterov", json!(true)), ("dampening", json!(0.25))]);
}
