//! The oracle's numbers are the f64 nearest to the real values of the definitions.

use gradproof::cases::{self, Conventions};
use gradproof::catalog;
use gradproof::number::nearest;
use serde_json::{Value, json};

/// Cases per formula; about half have a mean over several rows.
const CASES: u64 = 400;

fn number(value: &Value) -> Option<f64> {
    match value.as_str() {
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        Some(_) => None,
        None => value.as_f64(),
    }
}

/// Holds every output that the definition has against its nearest f64, by enclosures on the definition's graph.
fn assert_exact(id: &str, name: &str, input: &Value) -> usize {
    let formula = catalog::formula(id).unwrap();
    let output = catalog::evaluate(id, input.clone()).unwrap_or_else(|e| panic!("{id} {name}: {e}"));
    let mut held = 0;
    for defined in (formula.definition)(input, &output, None).unwrap() {
        let values: Vec<f64> = defined.values().collect();
        let right = nearest(&defined.graph, &values);
        for (place, right) in defined.places.iter().zip(right) {
            let found = number(output.pointer(place).unwrap()).unwrap();
            let right = right.unwrap_or_else(|reason| panic!("{id} {name}{place}: {reason}"));
            assert_eq!(found.to_bits(), right.to_bits(), "{id} {name}{place}: {found:e} and not {right:e}");
            held += 1;
        }
    }
    held
}

#[test]
fn cross_entropy_is_correctly_rounded_under_every_convention() {
    let formula = catalog::formula("cross-entropy").unwrap();
    let mut held = 0;
    for index in 0..CASES {
        let input = cases::case(formula, index, Conventions::Any);
        held += assert_exact("cross-entropy", &format!("case {index}"), &input);
    }
    assert!(held > 10 * CASES as usize);
}

/// A batch of one row.
fn row(z: &[f64], target: usize, epsilon: f64) -> Value {
    let z: Value = z.iter().map(|&z| gradproof::json::number(z)).collect();
    json!({ "logits": [z], "targets": [target], "label_smoothing": epsilon })
}
