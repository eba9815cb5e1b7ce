//! The cases that a loss is held to. Each group shows what ordinary numbers hide.

use crate::cases;
use crate::conformance::inputs::InputGroup;
use crate::conformance::precision::Precision;
use crate::formula::Formula;
use crate::json;
use serde_json::{Map, Value, json};

/// The groups of cases of a loss.
pub const GROUPS: &[(&str, &str)] = &[
    ("ordinary", "a batch of ordinary numbers"),
    ("hyperparameters", "every hyperparameter away from its usual value"),
    ("confident", "one class, key or answer far above the others"),
    ("large", "numbers whose exponentials overflow"),
    ("tiny", "vectors so short that a clamp of their norms decides"),
    ("masked", "classes with the logit −∞"),
    ("ignored", "rows that do not count"),
    ("reductions", "the sum, and a number for each row"),
    ("single", "a batch of one row"),
    ("random", "random batches and hyperparameters"),
];

/// The configuration that cases start from; `None` for what is no loss.
pub fn plain(formula: &Formula) -> Option<Map<String, Value>> {
    let plain = match formula.id {
        "cross-entropy" => json!({ "ignore_index": -100, "reduction": "mean", "label_smoothing": 0.0 }),
        "info-nce" => json!({ "temperature": 0.5 }),
        "info-nce-in-batch" => json!({ "temperature": 0.5, "symmetric": false }),
        "dpo" | "dpo-from-logits" => json!({ "beta": 0.1, "label_smoothing": 0.0 }),
        _ => return None,
    };
    plain.as_object().cloned()
}

/// Random numbers that are the same for the same name.
fn rows(name: &str, n: usize, d: usize, size: f64) -> Vec<Vec<f64>> {
    (0..n).map(|i| cases::numbers(&format!("{name}/{i}"), d, size)).collect()
}

fn cross_entropy(group: &str) -> Vec<Value> {
    let logits = |size: f64| rows("conformance/cross-entropy", 3, 5, size);
    let targets = [1, 4, 0];
    let plain = |z: Vec<Vec<f64>>| json!({ "logits": z, "targets": targets });
    let with = |mut input: Value, name: &str, value: Value| {
        input[name] = value;
        input
    };
    match group {
        "ordinary" => vec![plain(logits(3.0))],
        "hyperparameters" => vec![with(plain(logits(3.0)), "label_smoothing", json!(0.25))],
        "confident" => {
            let mut z = logits(1.0);
            (z[0][1], z[1][0], z[2][0]) = (12.0, 9.0, -15.0);
            vec![plain(z)]
        }
        "large" => {
            let shifted = |z: Vec<Vec<f64>>, by: f64| z.iter().map(|z| z.iter().map(|x| x + by).collect()).collect();
            vec![plain(shifted(logits(3.0), 1000.0)), plain(shifted(logits(3.0), -1000.0))]
        }
        "masked" => {
            let mut input = plain(logits(3.0));
            for (b, v) in [(0, 0), (0, 2), (2, 4)] {
                input["logits"][b][v] = json!("-Infinity");
            }
            vec![input]
        }
        "ignored" => vec![
            with(plain(logits(3.0)), "targets", json!([1, -100, 0])),
            with(plain(logits(3.0)), "targets", json!([-100, -100, -100])),
            with(with(plain(logits(3.0)), "targets", json!([1, -100, 0])), "label_smoothing", json!(0.25)),
        ],
        "reductions" => ["sum", "none"].map(|word| with(plain(logits(3.0)), "reduction", json!(word))).to_vec(),
        "single" => vec![json!({ "logits": rows("conformance/one", 1, 4, 2.0), "targets": [2] })],
        _ => Vec::new(),
    }
}

fn info_nce(group: &str) -> Vec<Value> {
    let input = |size: f64, temperature: f64| {
        let negatives: Vec<_> = (0..2).map(|b| rows(&format!("conformance/negatives/{b}"), 3, 4, size)).collect();
        json!({
            "query": rows("conformance/query", 2, 4, size), "positive": rows("conformance/positive", 2, 4, size),
            "negatives": negatives, "temperature": temperature,
        })
    };
    match group {
        "ordinary" => vec![input(1.0, 0.5)],
        "hyperparameters" => vec![input(1.0, 0.0625), input(1.0, 2.0)],
        "confident" => {
            let mut near = input(1.0, 0.125);
            near["positive"] = near["query"].clone();
            vec![near]
        }
        "large" => vec![input(256.0, 0.5)],
        "tiny" => vec![input(1e-9, 0.5), input(1e-5, 0.5)],
        _ => Vec::new(),
    }
}

fn info_nce_in_batch(group: &str) -> Vec<Value> {
    let input = |size: f64, temperature: f64, symmetric: bool| {
        json!({
            "a": rows("conformance/a", 3, 4, size), "b": rows("conformance/b", 3, 4, size),
            "temperature": temperature, "symmetric": symmetric,
        })
    };
    match group {
        "ordinary" => vec![input(1.0, 0.5, false)],
        // the last two so that two digits show it: rows and columns are unlike each other, and 1/τ is far from 1
        "hyperparameters" => {
            let unlike = |a: Value, b: Value, temperature: f64| json!({ "a": a, "b": b, "temperature": temperature, "symmetric": true });
            let by_sign = unlike(json!([[1.0], [-1.0]]), json!([[1.0], [1.0]]), 0.5);
            let by_angle = unlike(json!([[1.0, 0.0], [0.0, 1.0]]), json!([[1.0, 0.0], [0.875, 0.5]]), 4.0);
            vec![input(1.0, 0.0625, false), input(1.0, 0.5, true), by_sign, by_angle]
        }
        "large" => vec![input(256.0, 0.5, false)],
        "tiny" => vec![input(1e-9, 0.5, false), input(1e-5, 0.5, false)],
        _ => Vec::new(),
    }
}

fn dpo(group: &str) -> Vec<Value> {
    let input = |spread: f64, beta: f64, label_smoothing: f64| {
        let list = |name: &str| cases::numbers(&format!("conformance/dpo/{name}"), 3, spread);
        json!({
            "policy_chosen": list("pw"), "policy_rejected": list("pl"),
            "reference_chosen": list("rw"), "reference_rejected": list("rl"),
            "beta": beta, "label_smoothing": label_smoothing,
        })
    };
    match group {
        "ordinary" => vec![input(8.0, 0.1, 0.0)],
        "hyperparameters" => vec![input(8.0, 0.5, 0.0), input(8.0, 0.1, 0.125)],
        "confident" => vec![input(64.0, 0.5, 0.0)],
        "large" => vec![input(4096.0, 0.5, 0.0)],
        _ => Vec::new(),
    }
}

fn dpo_from_logits(group: &str) -> Vec<Value> {
    let side = |name: &str, tokens: &[usize], size: f64| {
        let of = |model: &str| rows(&format!("conformance/dpo-from-logits/{name}/{model}"), tokens.len(), 4, size);
        json!({ "policy_logits": of("policy"), "reference_logits": of("reference"), "tokens": tokens })
    };
    // responses of different lengths, so that a mean over their tokens is not their sum
    let input = |size: f64, beta: f64, label_smoothing: f64| {
        json!({
            "chosen": side("chosen", &[1, 3, 0], size), "rejected": side("rejected", &[2, 1], size),
            "beta": beta, "label_smoothing": label_smoothing,
        })
    };
    match group {
        "ordinary" => vec![input(3.0, 0.1, 0.0)],
        "hyperparameters" => vec![input(3.0, 0.5, 0.0), input(3.0, 0.1, 0.125)],
        "confident" => {
            let mut one = input(2.0, 0.5, 0.0);
            (one["chosen"]["policy_logits"][0][1], one["rejected"]["policy_logits"][0][2]) =
                (json!(12.0), json!(-15.0));
            vec![one]
        }
        "large" => {
            let mut shifted = input(3.0, 0.1, 0.0);
            for (side, by) in [("chosen", 1000.0), ("rejected", -1000.0)] {
                for model in ["policy_logits", "reference_logits"] {
                    for (place, z) in json::numbers(&shifted[side][model].clone()) {
                        if let Some(at) = shifted[side][model].pointer_mut(&place) {
                            *at = json!(z + by);
                        }
                    }
                }
            }
            vec![shifted]
        }
        "masked" => {
            let mut one = input(3.0, 0.1, 0.0);
            for (side, t, v) in [("chosen", 0, 0), ("chosen", 2, 3), ("rejected", 1, 2)] {
                for model in ["policy_logits", "reference_logits"] {
                    one[side][model][t][v] = json!("-Infinity");
                }
            }
            vec![one]
        }
        "single" => vec![json!({
            "chosen": side("one", &[1], 2.0), "rejected": side("other", &[3], 2.0), "beta": 0.1, "label_smoothing": 0.0,
        })],
        _ => Vec::new(),
    }
}

/// The inputs of every group, with every hyperparameter as an adapter is told it; `None` for what is no loss.
pub fn inputs(formula: &Formula, precision: Precision, conventions: &Map<String, Value>) -> Option<Vec<InputGroup>> {
    let plain = plain(formula)?;
    let mut all = groups(formula, precision, conventions);
    for (_, input) in all.iter_mut().flat_map(|group| &mut group.inputs) {
        for (name, value) in &plain {
            if input.get(name).is_none() {
                input[name] = value.clone();
            }
        }
    }
    Some(all)
}

/// Every group of cases of a loss.
pub fn groups(formula: &Formula, precision: Precision, conventions: &Map<String, Value>) -> Vec<InputGroup> {
    InputGroup::all(formula, precision, conventions, GROUPS, |id| match (id, formula.id) {
        ("random", _) => (0..8).map(|i| cases::case(formula, i, cases::Conventions::Default)).collect(),
        (_, "cross-entropy") => cross_entropy(id),
        (_, "info-nce") => info_nce(id),
        (_, "info-nce-in-batch") => info_nce_in_batch(id),
        (_, "dpo") => dpo(id),
        (_, "dpo-from-logits") => dpo_from_logits(id),
        _ => Vec::new(),
    })
}
