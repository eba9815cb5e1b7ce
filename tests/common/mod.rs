//! The anchors: inputs with outputs that this crate did not make.
#![allow(dead_code, reason = "every test file uses its own part")]

use gradproof::formula::Formula;
use serde_json::Value;

/// One input with its output.
pub struct Anchor {
    pub id: String,
    pub input: Value,
    pub output: Value,
}

/// A file of fixtures/anchors.
pub fn read(file: &str) -> Value {
    let path = format!("{}/fixtures/anchors/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| {
        panic!("{path}: {e}; a formula has its anchors there: add its cases to fixtures/anchors/cases.py and run generate.py")
    });
    serde_json::from_str(&text).unwrap()
}

/// The anchors of a formula, from mpmath.
pub fn anchors(formula: &Formula) -> Vec<Anchor> {
    let cases = read(formula.id);
    let anchor = |case: &Value| Anchor {
        id: format!("{}/{}", formula.id, case["id"].as_str().unwrap()),
        input: case["input"].clone(),
        output: case["output"].clone(),
    };
    cases["cases"].as_array().unwrap().iter().map(anchor).collect()
}

/// A number of an input or output.
pub use gradproof::json::real_of as number;

/// Every pair of numbers at the same place, with the place as a JSON pointer; panics where the
/// shapes differ.
pub fn pairs(found: &Value, right: &Value) -> Vec<(String, f64, f64)> {
    fn collect(place: String, found: &Value, right: &Value, out: &mut Vec<(String, f64, f64)>) {
        match (found, right) {
            (Value::Array(f), Value::Array(r)) => {
                assert_eq!(f.len(), r.len(), "{place}: another length");
                f.iter().zip(r).enumerate().for_each(|(i, (f, r))| collect(format!("{place}/{i}"), f, r, out));
            }
            (Value::Object(f), Value::Object(r)) => {
                let keys =
                    |o: &serde_json::Map<String, Value>| o.keys().cloned().collect::<std::collections::BTreeSet<_>>();
                assert_eq!(keys(f), keys(r), "{place}: other fields");
                f.iter().for_each(|(key, f)| collect(format!("{place}/{key}"), f, &r[key], out));
            }
            _ => match (number(found), number(right)) {
                (Some(f), Some(r)) => out.push((place, f, r)),
                _ => assert_eq!(found, right, "{place}"),
            },
        }
    }
    let mut out = Vec::new();
    collect(String::new(), found, right, &mut out);
    out
}

/// Holds a text to its snapshot in the folder `snapshots`.
pub fn assert_snapshot(name: &str, description: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(description);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
