//! The oracle against values that this crate did not make: fixtures/anchors, from mpmath, PyTorch
//! and optax, each with the script that wrote it.

use gradproof::catalog;
use gradproof::number::{ulp, ulps_between};
use serde_json::Value;

/// What the oracle promises where the forms that do not cancel apply.
const ULPS: f64 = 1e5;

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(x) => x.as_f64(),
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

/// The largest term behind an output in which terms still cancel: 1e5 ulp of it are allowed. The
/// place is like ".steps[2].params[0][1]".
fn largest_term(formula: &str, place: &str, case: &Value) -> f64 {
    let field = place.trim_start_matches('.').split(['.', '[']).next().unwrap();
    let at = |value: &Value, index: &[usize]| index.iter().fold(value.clone(), |v, &i| v[i].clone());
    let indices: Vec<usize> = place.split(['[', ']']).filter_map(|part| part.parse().ok()).collect();
    match (formula, field) {
        // p and the target's weight
        ("cross-entropy", "gradient") => 1.0,
        // σ(−h) and ε, where smoothing is conservative; the gradient is β/B times their difference
        ("dpo", "weight" | "gradient") if case["input"]["conventions"]["smoothing"] != "robust" => {
            let input = |field: &str, default| number(&case["input"][field]).unwrap_or(default);
            let pairs = case["input"]["policy_chosen"].as_array().unwrap().len() as f64;
            let factor = if field == "gradient" { input("beta", 0.1) / pairs } else { 1.0 };
            factor * input("label_smoothing", 0.0)
        }
        // the parameter before the step, the gradient and the moment before it
        (_, "steps") => {
            let moment = place.split('.').nth(2).unwrap().split('[').next().unwrap();
            let [step, tensor, element] = indices[..] else { return 0.0 };
            let before = match step {
                0 if moment == "params" => at(&case["input"]["params"], &[tensor, element]),
                0 => at(&case["input"]["state"][tensor][moment], &[element]),
                _ => at(&case["output"]["steps"][step - 1][moment], &[tensor, element]),
            };
            let gradient = at(&case["input"]["gradients"], &[step, tensor, element]);
            let moved = if moment == "params" { 0.0 } else { number(&gradient).unwrap_or(0.0).abs() };
            number(&before).unwrap_or(0.0).abs().max(moved)
        }
        _ => 0.0,
    }
}

/// Every pair of numbers at the same place, with the place; panics where the shapes differ.
fn pairs(place: String, found: &Value, right: &Value, out: &mut Vec<(String, f64, f64)>) {
    match (found, right) {
        (Value::Array(f), Value::Array(r)) => {
            assert_eq!(f.len(), r.len(), "{place}: another length");
            for (i, (f, r)) in f.iter().zip(r).enumerate() {
                pairs(format!("{place}[{i}]"), f, r, out);
            }
        }
        (Value::Object(f), Value::Object(r)) => {
            let keys =
                |o: &serde_json::Map<String, Value>| o.keys().cloned().collect::<std::collections::BTreeSet<_>>();
            assert_eq!(keys(f), keys(r), "{place}: other fields");
            for (key, f) in f {
                pairs(format!("{place}.{key}"), f, &r[key], out);
            }
        }
        (Value::Null, Value::Null) => {}
        _ => match (number(found), number(right)) {
            (Some(f), Some(r)) => out.push((place, f, r)),
            _ => panic!("{place}: found {found}, right is {right}"),
        },
    }
}

fn read(file: &str) -> Value {
    let path = format!("{}/fixtures/anchors/{file}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn every_formula_agrees_with_mpmath() {
    let only = std::env::var("FORMULA").ok();
    for formula in catalog::FORMULAS.iter().filter(|f| only.as_ref().is_none_or(|id| id == f.id)) {
        let anchors = read(formula.id);
        let mut worst = (0.0, String::new());
        let mut failures = Vec::new();
        for case in anchors["cases"].as_array().unwrap() {
            let id = format!("{}/{}", formula.id, case["id"].as_str().unwrap());
            let output = match catalog::evaluate(formula.id, case["input"].clone()) {
                Ok(output) => output,
                Err(e) => {
                    failures.push(format!("{id}: {e}"));
                    continue;
                }
            };
            let mut all = Vec::new();
            pairs(String::new(), &output, &case["output"], &mut all);
            for (place, found, right) in all {
                let scale = largest_term(formula.id, &place, case).max(right.abs());
                let distance = ulps_between(found, right) * (ulp(right) / ulp(scale)).min(1.0);
                if distance > ULPS {
                    failures.push(format!("{id}{place}: {found:e} and not {right:e}, {distance:e} ulp"));
                } else if distance > worst.0 {
                    worst = (distance, format!("{id}{place}"));
                }
            }
        }
        println!("{}: worst {} ulp at {}", formula.id, worst.0, worst.1);
        assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), formula.id, failures.join("\n"));
    }
}
