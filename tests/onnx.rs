//! The node tests of the package onnx 1.22.0, an independent basis: f32 outputs of ONNX's reference code, held to
//! the budgets of f32.
//!
//! Confirmed are ONNX's Adam, Momentum and Nesterov, and its softmax cross-entropy without class weights with its
//! log-probabilities. ONNX's Adam is Adam with L2; its ε is added to √v′ and not to √v̂, and at its step 0, which is
//! the one that is tested, nothing is corrected. Its Momentum has L2 and leaves the first gradient undampened.
//! Adagrad, class weights, and a negative log-likelihood of scores that are no logarithms of probabilities have no
//! formula here.

use gradproof::budget::Starts;
use gradproof::catalog;
use gradproof::comparison::Reference;
use gradproof::number::{Dtype, RunningError};
use serde_json::{Value, json};

fn cases() -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/onnx/cases.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Holds an output to a formula; gives how many numbers were compared.
fn confirmed(name: &Value, formula: &str, input: &Value, found: &Value) -> usize {
    let formula = catalog::formula(formula).unwrap();
    let reference = Reference::of(formula, input, RunningError::of(Dtype::F32), Starts::Reported).unwrap();
    let compared = reference.compare(found);
    for one in &compared {
        assert!(!one.exceeds(), "{name}: {one:?}");
    }
    compared.iter().filter(|one| one.allowed.is_ok()).count()
}

/// The input of the formula that an optimizer of ONNX is, at its step 0.
fn step(case: &Value) -> (&'static str, Value) {
    let of = |attribute: &str| case["attributes"][attribute].clone();
    assert_eq!(case["count"], 0);
    // ONNX's count is 0 while the state is not
    let state = |i: usize| {
        let moments =
            case["state"].as_object().unwrap().iter().map(|(name, tensors)| (name.clone(), tensors[i].clone()));
        moments.chain([("step".to_string(), json!(1))]).collect::<serde_json::Map<_, _>>()
    };
    let tensors = case["params"].as_array().unwrap().len();
    let mut input = json!({
        "params": case["params"], "gradients": [case["gradients"]], "lr": case["rate"],
        "state": (0..tensors).map(state).collect::<Vec<_>>(), "weight_decay": of("norm_coefficient"),
    });
    if case["state"].get("v").is_some() {
        input["beta1"] = of("alpha");
        input["beta2"] = of("beta");
        input["eps"] = of("epsilon");
        input["conventions"] = json!({ "bias_correction": "none" });
        return ("adam-l2", input);
    }
    input["momentum"] = of("alpha");
    input["nesterov"] = json!(of("mode") == "nesterov");
    ("sgd", input)
}

#[test]
fn the_optimizers_of_onnx_are_confirmed() {
    let cases = cases();
    let mut compared = 0;
    for case in cases["optimizers"].as_array().unwrap() {
        let (formula, input) = step(case);
        compared += confirmed(&case["name"], formula, &input, &json!({ "steps": [case["expected"]] }));
    }
    // 5 cases: 2 + 3 parameters by Adam with two moments, 2 + 3 + 2 by SGD with one
    assert_eq!(compared, 5 * 3 + 7 * 2);
}

#[test]
fn a_wrong_form_of_an_optimizer_is_not_confirmed() {
    let cases = cases();
    for case in cases["optimizers"].as_array().unwrap() {
        let (formula, mut input) = step(case);
        input["weight_decay"] = json!(0.0);
        let formula = catalog::formula(formula).unwrap();
        let reference = Reference::of(formula, &input, RunningError::of(Dtype::F32), Starts::Reported).unwrap();
        let compared = reference.compare(&json!({ "steps": [case["expected"]] }));
        assert!(compared.iter().any(|one| one.exceeds()), "{}", case["name"]);
    }
}

#[test]
fn the_cross_entropy_of_onnx_is_confirmed() {
    let cases = cases();
    let (mut compared, mut probabilities) = (0, 0);
    for case in cases["cross_entropy"].as_array().unwrap() {
        let mut input = json!({
            "logits": case["logits"], "targets": case["targets"], "reduction": case["reduction"],
        });
        if !case["ignore_index"].is_null() {
            input["ignore_index"] = case["ignore_index"].clone();
        }
        let expected = if case["reduction"] == "none" { case["expected"].clone() } else { case["expected"][0].clone() };
        compared += confirmed(&case["name"], "cross-entropy", &input, &json!({ "loss": expected }));
        // −ln p_v is the loss of a row whose target is v
        let Some(rows) = case.get("log_probabilities").and_then(Value::as_array) else { continue };
        for v in 0..rows[0].as_array().unwrap().len() {
            let input = json!({ "logits": case["logits"], "targets": vec![v; rows.len()], "reduction": "none" });
            let losses: Vec<f64> = rows.iter().map(|row| -row[v].as_f64().unwrap()).collect();
            probabilities += confirmed(&case["name"], "cross-entropy", &input, &json!({ "loss": losses }));
        }
    }
    assert!(compared > 150 && probabilities > 700, "{compared} losses, {probabilities} log-probabilities");
}
