//! The oracle against values that this crate did not make: fixtures/anchors, from mpmath, PyTorch,
//! optax and the guide's listings, each with the script that wrote it.

mod common;

use common::{anchors, pairs, read};
use gradproof::catalog;
use gradproof::number::ulps_between;
use serde_json::Value;

/// Two f64 implementations of ordinary inputs, each within a few hundred ulp.
const RELATIVE: f64 = 1e-12;

#[test]
fn the_oracle_is_mpmath_s_answer_to_the_bit() {
    for formula in catalog::FORMULAS {
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
                let same = found.to_bits() == right.to_bits() || found.is_nan() && right.is_nan();
                if !same {
                    failures.push(format!("{}{place}: {found:e} and not {right:e}", anchor.id));
                }
            }
        }
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
