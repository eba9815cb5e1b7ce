//! Bad input: a typed error that names the field, what was found and what is allowed; never a panic,
//! never a silent NaN.

mod common;

use common::{anchors, number};
use gradproof::catalog;
use gradproof::formula::Formula;
use gradproof::json;
use serde_json::{Value, json};

fn error(formula: &Formula, input: &Value) -> String {
    match catalog::evaluate(formula.id, input.clone()) {
        Err(e) => e.to_string(),
        Ok(output) => panic!("{} accepts {input} and gives {output}", formula.id),
    }
}

/// The first anchor under the default conventions.
fn good(formula: &Formula) -> Value {
    let anchor = anchors(formula).into_iter().find(|a| a.input.get("conventions").is_none()).unwrap();
    assert!(catalog::evaluate(formula.id, anchor.input.clone()).is_ok());
    anchor.input
}

#[test]
fn what_is_not_an_object_is_refused() {
    for formula in catalog::FORMULAS {
        for input in [json!(null), json!([]), json!(1), json!("x")] {
            assert!(error(formula, &input).contains("expected a JSON object"), "{}", formula.id);
        }
    }
}

#[test]
fn unknown_fields_axes_and_options_are_refused_by_name() {
    for formula in catalog::FORMULAS {
        let mut input = good(formula);
        input["bogus"] = json!(1);
        assert!(error(formula, &input).contains("bogus"), "{}", formula.id);
        let mut input = good(formula);
        input["conventions"] = json!({ "bogus": "x" });
        assert!(error(formula, &input).contains("bogus"), "{}", formula.id);
        for axis in formula.axes {
            let mut input = good(formula);
            input["conventions"] = json!({ axis.id: "bogus" });
            let message = error(formula, &input);
            assert!(message.contains("bogus") && message.contains(axis.id), "{}: {message}", formula.id);
            assert!(message.contains(axis.options[0].id), "{}: {message} names no option", formula.id);
        }
    }
}

#[test]
fn a_missing_field_has_a_default_or_is_named() {
    for formula in catalog::FORMULAS {
        let input = good(formula);
        for field in input.as_object().unwrap().keys() {
            let mut without = input.clone();
            without.as_object_mut().unwrap().remove(field);
            if let Err(e) = catalog::evaluate(formula.id, without) {
                assert!(e.to_string().contains(field.as_str()), "{}: {e} does not name {field}", formula.id);
            }
        }
    }
}

/// The places of all numbers in a value, as JSON pointers.
fn numbers(place: String, value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Number(_) => out.push(place),
        Value::Array(list) => list.iter().enumerate().for_each(|(i, v)| numbers(format!("{place}/{i}"), v, out)),
        Value::Object(o) => o.iter().for_each(|(k, v)| numbers(format!("{place}/{k}"), v, out)),
        _ => {}
    }
}

#[test]
fn no_number_may_be_nan_or_infinite_or_a_word() {
    for formula in catalog::FORMULAS {
        let input = good(formula);
        let mut places = Vec::new();
        numbers(String::new(), &input, &mut places);
        for place in places {
            for wrong in [json!("NaN"), json!("Infinity"), json!("x"), json!([]), json!({}), json!(true)] {
                let mut bad = input.clone();
                *bad.pointer_mut(&place).unwrap() = wrong.clone();
                let message = error(formula, &bad);
                let field = place.split('/').nth(1).unwrap();
                assert!(message.contains(field), "{} {place} = {wrong}: {message} does not name it", formula.id);
            }
        }
    }
}

#[test]
fn a_list_of_another_length_is_refused_or_leaves_no_nan() {
    fn lists(place: String, value: &Value, out: &mut Vec<String>) {
        if let Value::Array(list) = value {
            out.push(place.clone());
            list.iter().enumerate().for_each(|(i, v)| lists(format!("{place}/{i}"), v, out));
        }
        if let Value::Object(object) = value {
            object.iter().for_each(|(k, v)| lists(format!("{place}/{k}"), v, out));
        }
    }
    for formula in catalog::FORMULAS {
        let input = good(formula);
        let mut places = Vec::new();
        lists(String::new(), &input, &mut places);
        for place in places {
            let mut bad = input.clone();
            let list = bad.pointer_mut(&place).unwrap().as_array_mut().unwrap();
            if list.pop().is_none() {
                continue;
            }
            match catalog::evaluate(formula.id, bad) {
                Err(e) => {
                    let field = place.split('/').nth(1).unwrap();
                    let named = e.to_string().contains(field) || e.to_string().contains("found length");
                    assert!(named, "{} {place}: {e}", formula.id);
                }
                Ok(output) => {
                    let mut all = Vec::new();
                    numbers(String::new(), &output, &mut all);
                    let finite = all.iter().all(|p| number(output.pointer(p).unwrap()).unwrap().is_finite());
                    assert!(finite, "{} {place}: {output}", formula.id);
                }
            }
        }
    }
}

/// Every rule of a domain, each with an input that breaks it and words that the message must have.
fn rules() -> Vec<(&'static str, Value, &'static [&'static str])> {
    let adam = |field: &str, value: Value| {
        let mut input = json!({ "params": [[1.0]], "gradients": [[[1.0]]], "lr": 0.1 });
        input[field] = value;
        input
    };
    let ce = |logits: Value, targets: Value| json!({ "logits": logits, "targets": targets });
    let mut all: Vec<(&str, Value, &[&str])> = vec![
        ("cross-entropy", ce(json!([]), json!([])), &["logits", "length 0", "at least 1 row"]),
        ("cross-entropy", ce(json!([[]]), json!([0])), &["logits[0]", "length 0"]),
        (
            "cross-entropy",
            ce(json!([[1, 2], [1]]), json!([0, 0])),
            &["logits[1]", "length 1", "2, as in the first row"],
        ),
        ("cross-entropy", ce(json!([[1, 2]]), json!([0, 1])), &["targets", "length 2", "1"]),
        ("cross-entropy", ce(json!([[1, 2]]), json!([2])), &["targets[0]", "found 2", "0 to 1", "-100"]),
        ("cross-entropy", ce(json!([[1, 2]]), json!([-1])), &["targets[0]", "found -1"]),
        ("cross-entropy", ce(json!([[1, 2]]), json!([0.5])), &["targets[0]", "0.5", "whole number"]),
        ("cross-entropy", ce(json!([["-Infinity", 0]]), json!([0])), &["logits[0][0]", "-Infinity", "target"]),
        ("cross-entropy", ce(json!([[1, 2]]), json!([-100])), &["targets", "all_ignored"]),
        (
            "cross-entropy",
            json!({ "logits": [["-Infinity", 0]], "targets": [1], "label_smoothing": 0.1 }),
            &["logits[0][0]", "label_smoothing"],
        ),
        (
            "cross-entropy",
            json!({ "logits": [[0]], "targets": [0], "label_smoothing": 1.5 }),
            &["label_smoothing", "1.5", "[0, 1]"],
        ),
        (
            "cross-entropy",
            json!({ "logits": [[0]], "targets": [0], "label_smoothing": -0.1 }),
            &["label_smoothing", "-0.1"],
        ),
        (
            "cross-entropy",
            json!({ "logits": [[0]], "targets": [0], "reduction": "max" }),
            &["reduction", "max", "mean"],
        ),
        (
            "cross-entropy",
            json!({ "logits": [[0]], "targets": [0], "conventions": { "smoothing": "others" } }),
            &["smoothing", "2 classes"],
        ),
    ];
    for formula in ["adamw", "adam-l2"] {
        all.extend([
            (formula, adam("beta1", json!(1)), &["beta1", "found 1", "[0, 1)"][..]),
            (formula, adam("beta2", json!(-0.1)), &["beta2", "-0.1"]),
            (formula, adam("eps", json!(-1)), &["eps", "-1", "at least 0"]),
            (formula, adam("weight_decay", json!(-1)), &["weight_decay", "-1"]),
            (formula, adam("lr", json!(-0.5)), &["lr", "-0.5"]),
            (formula, adam("lr", json!([0.1, 0.1])), &["lr", "length 2", "1, as gradients has steps"]),
            (formula, adam("params", json!([])), &["params", "length 0"]),
            (formula, adam("gradients", json!([])), &["gradients", "length 0", "at least 1 step"]),
            (formula, adam("gradients", json!([[[1.0, 2.0]]])), &["gradients[0][0]", "length 2", "params[0]"]),
            (formula, adam("gradients", json!([[[1.0], null]])), &["gradients[0]", "length 2", "tensors"]),
            (formula, adam("state", json!([{ "step": 1, "m": [0.0] }])), &["state[0]", "v is missing"]),
            (formula, adam("state", json!([{ "step": -1, "m": [0.0], "v": [0.0] }])), &["state[0].step", "-1"]),
            (formula, adam("state", json!([{ "step": 0, "m": [0.0], "v": [-1.0] }])), &["state[0].v[0]", "-1"]),
            (
                formula,
                adam("state", json!([{ "step": 0, "m": [0.0], "v": [0.0], "w": [0.0] }])),
                &["state[0].w", "unknown"],
            ),
            (formula, adam("state", json!([{ "step": 0, "m": [0.0, 0.0], "v": [0.0] }])), &["state[0].m", "length 2"]),
            (formula, adam("state", json!([])), &["state", "length 0", "1, as params"]),
            (
                formula,
                json!({ "params": [[1.0]], "gradients": [[[0.0]]], "lr": 0.1, "eps": 0, "weight_decay": 0 }),
                &["steps[0].params[0][0]", "division by zero"],
            ),
            (
                formula,
                json!({ "params": [[1.0]], "gradients": [[[1e200]]], "lr": 0.1 }),
                &["steps[0].v[0][0]", "past the range"],
            ),
        ]);
    }
    all.extend([
        (
            "adamw",
            json!({ "params": [[1.0]], "gradients": [[[1.0]]], "lr": 0, "conventions": { "decay": "schedule" } }),
            &["lr[0]", "above 0"][..],
        ),
        ("sgd", adam("momentum", json!(1.5)), &["momentum", "1.5", "[0, 1]"]),
        ("sgd", adam("dampening", json!(-1)), &["dampening", "-1"]),
        ("sgd", adam("nesterov", json!(true)), &["nesterov", "momentum 0"]),
        ("sgd", adam("nesterov", json!(1)), &["nesterov", "expected a boolean"]),
    ]);
    all.extend(rules_of_the_other_optimizers());
    all.extend(rules_of_the_other_losses());
    all
}

fn rules_of_the_other_optimizers() -> Vec<(&'static str, Value, &'static [&'static str])> {
    let lion = |field: &str, value: Value| {
        let mut input = json!({ "params": [[1.0]], "gradients": [[[1.0]]], "lr": 0.1 });
        input[field] = value;
        input
    };
    let sophia = |field: &str, value: Value| {
        let mut input = lion(field, value);
        if field != "hessians" {
            input["hessians"] = json!([[[1.0]]]);
        }
        input
    };
    let gnb = |features: Value, weights: Value, labels: Value| json!({ "features": features, "weights": weights, "labels": labels });
    vec![
        ("lion", lion("beta1", json!(1.0)), &["beta1", "[0, 1)"]),
        ("lion", lion("beta2", json!("NaN")), &["beta2", "NaN"]),
        ("lion", lion("weight_decay", json!(-0.1)), &["weight_decay", "-0.1"]),
        ("lion", lion("eps", json!(0.1)), &["eps", "unknown field"]),
        ("lion", lion("state", json!([{ "step": 0, "m": ["Infinity"] }])), &["state[0].m[0]", "inf"]),
        ("lion", lion("state", json!([{ "step": 0, "m": [0], "v": [0] }])), &["state[0].v", "unknown"]),
        ("sophia", sophia("rho", json!(0)), &["rho", "above 0"]),
        ("sophia", sophia("gamma", json!(-1)), &["gamma", "above 0"]),
        ("sophia", sophia("eps", json!(-1)), &["eps", "at least 0"]),
        ("sophia", sophia("beta1", json!(1.5)), &["beta1", "1.5"]),
        ("sophia", sophia("hessians", json!([])), &["hessians", "length 0", "1"]),
        ("sophia", sophia("hessians", json!([[null, null]])), &["hessians[0]", "length 2"]),
        ("sophia", sophia("hessians", json!([[[1.0, 2.0]]])), &["hessians[0][0]", "length 2"]),
        ("sophia", sophia("hessians", json!([[["NaN"]]])), &["hessians[0][0][0]", "NaN"]),
        (
            "sophia",
            json!({ "params": [[1]], "gradients": [[[1]]], "lr": 1, "hessians": [[null]], "eps": 0 }),
            &["steps[0].params[0][0]", "division by zero", "max(γh, ε) is 0"],
        ),
        ("gauss-newton-bartlett", gnb(json!([]), json!([[1]]), json!([])), &["features", "length 0"]),
        ("gauss-newton-bartlett", gnb(json!([[1]]), json!([[1], [2]]), json!([0])), &["weights", "length 2"]),
        ("gauss-newton-bartlett", gnb(json!([[1]]), json!([[1, 2]]), json!([2])), &["labels[0]", "0 to 1"]),
        ("gauss-newton-bartlett", gnb(json!([[1]]), json!([[1, 2]]), json!([0, 1])), &["labels", "length 2"]),
        ("gauss-newton-bartlett", gnb(json!([["NaN"]]), json!([[1]]), json!([0])), &["features[0][0]", "NaN"]),
        ("hutchinson", json!({ "hessian": [[1, 2]], "probe": [1, 2] }), &["hessian[0]", "length 2", "1"]),
        ("hutchinson", json!({ "hessian": [[1]], "probe": [1, 2] }), &["probe", "length 2", "1"]),
        ("hutchinson", json!({ "hessian": [["Infinity"]], "probe": [1] }), &["hessian[0][0]", "inf"]),
        ("hutchinson", json!({ "hessian": [], "probe": [] }), &["hessian", "length 0"]),
    ]
}

fn rules_of_the_other_losses() -> Vec<(&'static str, Value, &'static [&'static str])> {
    let dpo = |field: &str, value: Value| {
        let mut input = json!({ "policy_chosen": [-1], "policy_rejected": [-2], "reference_chosen": [-1],
                                "reference_rejected": [-1] });
        input[field] = value;
        input
    };
    let side =
        |logits: Value, tokens: Value| json!({ "policy_logits": logits, "reference_logits": logits, "tokens": tokens });
    let pair = |chosen: Value| json!({ "chosen": chosen, "rejected": side(json!([[1, 2]]), json!([0])) });
    vec![
        ("dpo", dpo("policy_chosen", json!([])), &["policy_chosen", "length 0", "at least 1 pair"]),
        ("dpo", dpo("policy_rejected", json!([1, 2])), &["policy_rejected", "length 2", "1"]),
        ("dpo", dpo("reference_chosen", json!(["-Infinity"])), &["reference_chosen[0]", "-inf", "finite"]),
        ("dpo", dpo("beta", json!(0)), &["beta", "found 0", "above 0"]),
        ("dpo", dpo("label_smoothing", json!(0.5)), &["label_smoothing", "0.5", "[0, 0.5)"]),
        ("dpo", dpo("conventions", json!({ "reference": "none" })), &["conventions.reference", "none", "free"]),
        ("dpo-from-logits", pair(side(json!([[1, 2]]), json!([]))), &["chosen.tokens", "length 0"]),
        ("dpo-from-logits", pair(side(json!([[1, 2]]), json!([2]))), &["chosen.tokens[0]", "found 2", "0 to 1"]),
        ("dpo-from-logits", pair(side(json!([[1, 2], [1, 2]]), json!([0]))), &["chosen.policy_logits", "length 2"]),
        (
            "dpo-from-logits",
            pair(side(json!([["-Infinity", 2]]), json!([0]))),
            &["chosen.policy_logits[0][0]", "target"],
        ),
        (
            "dpo-from-logits",
            pair(side(json!([[1, 2, 3]]), json!([0]))),
            &["rejected.policy_logits[0]", "length 2", "3"],
        ),
        ("dpo-from-logits", pair(json!({ "tokens": [0] })), &["chosen", "policy_logits"]),
        (
            "info-nce",
            json!({ "query": [[0, 0]], "positive": [[1, 0]], "negatives": [[]] }),
            &["query[0]", "division by zero", "cosine"],
        ),
        (
            "info-nce",
            json!({ "query": [[1]], "positive": [[1]], "negatives": [[]], "temperature": 0 }),
            &["temperature", "above 0"],
        ),
        (
            "info-nce",
            json!({ "query": [[1]], "positive": [[1]], "negatives": [[[1, 2]]] }),
            &["negatives[0][0]", "length 2", "1"],
        ),
        ("info-nce-in-batch", json!({ "a": [[1], [2]], "b": [[1]] }), &["b", "length 1", "2"]),
        ("info-nce-in-batch", json!({ "a": [[1]], "b": [[0]] }), &["b[0]", "division by zero"]),
    ]
}

#[test]
fn every_rule_is_named_when_it_is_broken() {
    for (id, input, words) in rules() {
        let message = error(catalog::formula(id).unwrap(), &input);
        for word in words {
            assert!(message.contains(word), "{id} {input}: {message:?} does not say {word:?}");
        }
    }
}

#[test]
fn texts_that_are_not_json_are_refused() {
    for text in ["", "{", "{\"logits\": [[1, 2]", "[1e400]", "{\"a\": 1, \"a\": 2}", "nonsense", "{} {}"] {
        assert!(json::parse(text).unwrap_err().to_string().contains("not JSON"), "{text}");
    }
    // depth is limited, so that no text can exhaust the stack
    assert!(json::parse(&"[".repeat(100_000)).is_err());
}

#[test]
fn an_unknown_formula_is_refused_with_the_known_ones() {
    let message = catalog::evaluate("adam", json!({})).unwrap_err().to_string();
    assert!(message.contains("\"adam\"") && message.contains("adamw"), "{message}");
}

/// The typed entry checks what the JSON entry checks.
#[test]
fn a_typed_problem_of_wrong_shapes_is_refused() {
    use gradproof::optimizers::adamw::{self, Hyperparameters};
    use gradproof::optimizers::state::Problem;
    let hyper = Hyperparameters::default();
    let good = || Problem::from_zero(vec![vec![1.0]], vec![vec![Some(vec![0.5])]], 0.1, hyper, hyper.moments());
    assert!(adamw::oracle(&good()).is_ok());
    let mut all: [_; 6] = std::array::from_fn(|_| good());
    all[0].rates.clear();
    all[1].gradients[0].clear();
    all[2].state.clear();
    all[3].state[0].moments.pop();
    all[4].state[0].moments[1].clear();
    all[5].params[0][0] = f64::NAN;
    let words = ["lr", "gradients[0]", "state", "state[0]", "state[0].v", "params[0][0]"];
    for (problem, word) in all.iter().zip(words) {
        let message = adamw::oracle(problem).unwrap_err().to_string();
        assert!(message.starts_with(word), "{message} does not name {word}");
    }
}

/// A list is no object, and an object no word, whatever a reader of structs would make of them.
#[test]
fn lists_are_no_objects_and_objects_no_words() {
    for formula in catalog::FORMULAS {
        let mut input = good(formula);
        for wrong in [json!([]), json!(["x"]), json!("x"), json!(null), json!(1)] {
            input["conventions"] = wrong;
            assert!(error(formula, &input).contains("conventions"), "{}", formula.id);
        }
        if let Some(axis) = formula.axes.first() {
            input["conventions"] = json!({ axis.id: { axis.options[0].id: null } });
            assert!(error(formula, &input).contains(axis.id), "{}", formula.id);
        }
    }
    let list = json!({ "logits": [[1, 2]], "targets": [0], "reduction": { "sum": null } });
    assert!(error(catalog::formula("cross-entropy").unwrap(), &list).contains("reduction"));
    let side = json!([[[0, 1]], [[0, 1]], [0]]);
    let pair = json!({ "chosen": side, "rejected": side });
    assert!(error(catalog::formula("dpo-from-logits").unwrap(), &pair).contains("chosen"));
}

/// Results within the range are finite, also where a term on the way is not.
#[test]
fn terms_past_the_range_do_not_spoil_a_result_within_it() {
    let run = |id: &str, input: Value| catalog::evaluate(id, input).unwrap();
    let theta = |output: Value| output["steps"][0]["params"][0][0].as_f64().unwrap();
    let input = json!({ "params": [[1e308]], "gradients": [[[0]]], "lr": 1e-10, "weight_decay": 1e10 });
    assert!(theta(run("adamw", input)).abs() < 1e293);
    let input = json!({ "params": [[1e308]], "gradients": [[[0]]], "lr": 1e-300, "weight_decay": 1e300 });
    assert!(theta(run("lion", input)).abs() < 1e293);
    let input = json!({ "params": [[0]], "gradients": [[[1.5e308]]], "lr": 1e-308, "momentum": 1, "nesterov": true });
    assert!((theta(run("sgd", input)) + 3.0).abs() < 1e-12);
}

fn has_negative_zero(output: &Value) -> bool {
    let mut places = Vec::new();
    numbers(String::new(), output, &mut places);
    places.iter().filter_map(|p| number(output.pointer(p)?)).any(|x| x == 0.0 && x.is_sign_negative())
}

/// An exact zero is +0, whatever the signs of the zeros that went in.
#[test]
fn exact_zeros_are_positive() {
    let zero = json!({ "params": [[-0.0]], "gradients": [[[-0.0]]], "lr": 2, "weight_decay": 1.5 });
    for decay in ["joint", "after", "proximal", "schedule", "absolute"] {
        for id in ["adamw", "lion"] {
            let mut input = zero.clone();
            input["conventions"] = json!({ "decay": decay });
            let output = catalog::evaluate(id, input).unwrap();
            assert!(!has_negative_zero(&output), "{id} {decay}: {output}");
        }
    }
    let idle = json!({ "params": [[-0.0], [1]], "gradients": [[null, [1]]], "lr": 1 });
    for id in ["adamw", "adam-l2", "lion", "sgd"] {
        assert!(!has_negative_zero(&catalog::evaluate(id, idle.clone()).unwrap()), "{id}");
    }
}
