//! The oracle against values that this crate did not make: fixtures/anchors, from mpmath, PyTorch,
//! optax and the guide's listings, each with the script that wrote it.

mod common;

use common::{ROUNDED, anchors, number, pairs, read};
use gradproof::catalog;
use gradproof::formula::Formula;
use gradproof::number::{ulp, ulps_between};
use serde_json::Value;

/// What the oracle promises where it is not yet correctly rounded, of the value or of its largest term.
const ULPS: f64 = 1e5;

/// Two f64 implementations of ordinary inputs, each within a few hundred ulp.
const RELATIVE: f64 = 1e-12;

/// The largest term behind an output in which terms still cancel: the promise is about that.
fn largest_term(formula: &Formula, place: &str, input: &Value) -> f64 {
    let parts: Vec<&str> = place.split('/').skip(1).collect();
    match (formula.id, parts[0]) {
        // σ(−h) and ε, where smoothing is conservative; the gradient is β/B times their difference
        ("dpo", "weight" | "gradient") if input["conventions"]["smoothing"] != "robust" => {
            let field = |name: &str, default| number(&input[name]).unwrap_or(default);
            let pairs = input["policy_chosen"].as_array().unwrap().len() as f64;
            let factor = if parts[0] == "gradient" { field("beta", 0.1) / pairs } else { 1.0 };
            factor * field("label_smoothing", 0.0)
        }
        _ => 0.0,
    }
}

#[test]
fn the_oracle_agrees_with_mpmath() {
    for formula in catalog::FORMULAS {
        let mut worst = (0.0, String::new());
        let most = if ROUNDED.contains(&formula.id) { 0.0 } else { ULPS };
        let mut failures = Vec::new();
        for anchor in anchors(formula) {
            let output = match catalog::evaluate(formula.id, anchor.input.clone()) {
                Ok(output) => output,
                Err(e) => {
                    failures.push(format!("{}: {e}", anchor.id));
                    continue;
                }
            };
            for (place, found, right) in pairs(&output, &anchor.output) {
                let zeros = right == 0.0 && found == 0.0;
                if zeros && right.is_sign_negative() != found.is_sign_negative() {
                    failures.push(format!("{}{place}: {found:?} and not {right:?}", anchor.id));
                }
                let scale = largest_term(formula, &place, &anchor.input).max(right.abs());
                let distance = ulps_between(found, right) * (ulp(right) / ulp(scale)).min(1.0);
                if distance > most {
                    failures.push(format!("{}{place}: {found:e} and not {right:e}, {distance:e} ulp", anchor.id));
                } else if distance > worst.0 {
                    worst = (distance, format!("{}{place}", anchor.id));
                }
            }
        }
        println!("{}: worst {} ulp at {}", formula.id, worst.0, worst.1);
        assert!(failures.is_empty(), "{} in {}:\n{}", failures.len(), formula.id, failures.join("\n"));
    }
}

/// The part of an output that the other one has too: a listing gives less than the contract.
fn shared(found: &Value, right: &Value) -> Value {
    match (found, right) {
        (Value::Object(f), Value::Object(r)) => {
            r.iter().filter_map(|(k, r)| Some((k.clone(), shared(f.get(k)?, r)))).collect()
        }
        _ => found.clone(),
    }
}

#[test]
fn the_oracle_agrees_with_pytorch_optax_and_the_guide_s_listings() {
    for file in ["torch", "optax", "guide"] {
        let recorded = read(file);
        for case in recorded["cases"].as_array().unwrap() {
            let formula = case["formula"].as_str().unwrap();
            if catalog::formula(formula).is_err() {
                continue;
            }
            let place = format!("{file} {formula}/{}", case["id"].as_str().unwrap());
            let output = catalog::evaluate(formula, case["input"].clone()).unwrap_or_else(|e| panic!("{place}: {e}"));
            for (at, found, right) in pairs(&shared(&output, &case["output"]), &case["output"]) {
                let size = found.abs().max(right.abs()).max(f64::MIN_POSITIVE);
                let same = ulps_between(found, right) == 0.0;
                assert!(same || (found - right).abs() <= RELATIVE * size, "{place}{at}: {found:e} and not {right:e}");
            }
        }
    }
}
