//! What the anchors do not show of the schedules: mistakes are seen, bad input is refused by name, and
//! the ends are exact.

use gradproof::catalog;
use gradproof::expression::{Expr, Graph, variable};
use gradproof::judges::{Judge, Opinion, Run};
use gradproof::number::{Rounded, Rounding, evaluate, ulp};
use gradproof::schedules::warmup::{AfterEnd, Timing, Warmup};
use gradproof::schedules::{cosine, inverse_sqrt, linear, noam, wsd};
use serde_json::{Value, json};

const SCHEDULES: [&str; 5] = ["cosine", "wsd", "linear", "inverse-sqrt", "noam"];

fn anchors(formula: &str) -> Vec<Value> {
    let path = format!("{}/fixtures/anchors/{formula}.json", env!("CARGO_MANIFEST_DIR"));
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file["cases"].as_array().unwrap().clone()
}

#[test]
fn every_mistake_shows_in_some_output_and_is_a_false_statement() {
    let run = Run::new(50, 1);
    for id in SCHEDULES {
        let formula = catalog::formula(id).unwrap();
        for mistake in formula.mistakes {
            let seen = anchors(id).iter().any(|case| {
                let input = case["input"].clone();
                let wrong = (formula.evaluate)(input.clone(), Some(mistake.id)).unwrap();
                wrong != (formula.evaluate)(input, None).unwrap()
            });
            assert!(seen, "{id}: the output of {} is the right one on every anchor", mistake.id);
            let finding = Judge::Search.decide(&(mistake.statement)(), &run, mistake.id);
            assert!(matches!(finding.opinion, Opinion::Refutes(_)), "{id}: {} is not refuted", mistake.id);
        }
    }
}

/// The rate at a step by the definition, as a graph of two rates.
fn defined(formula: &str, input: &Value, s: i64, max: Expr, min: Expr) -> Expr {
    let timing = |warmup_steps: i64, total_steps: i64, warmup: Warmup, after_end: AfterEnd| Timing {
        warmup_steps,
        total_steps,
        warmup,
        after_end,
    };
    match formula {
        "cosine" => {
            let x: cosine::Input = serde_json::from_value(input.clone()).unwrap();
            let timing = timing(x.warmup_steps, x.total_steps, x.conventions.warmup, x.conventions.after_end);
            cosine::at(timing, s, max, min, None)
        }
        "linear" => {
            let x: linear::Input = serde_json::from_value(input.clone()).unwrap();
            let timing = timing(x.warmup_steps, x.total_steps, x.conventions.warmup, x.conventions.after_end);
            linear::at(timing, s, max, min, None)
        }
        "wsd" => {
            let x: wsd::Input = serde_json::from_value(input.clone()).unwrap();
            let timing = timing(x.warmup_steps, x.total_steps, x.conventions.warmup, x.conventions.after_end);
            wsd::at(timing, x.decay_steps, x.conventions.shape, s, max, min, None)
        }
        "inverse-sqrt" => {
            let x: inverse_sqrt::Input = serde_json::from_value(input.clone()).unwrap();
            inverse_sqrt::at(x.conventions, s, x.warmup_steps, max, None)
        }
        _ => {
            let x: noam::Input = serde_json::from_value(input.clone()).unwrap();
            let whole = gradproof::expression::constant;
            let of = noam::Symbols { factor: max, d: whole(x.d_model), w: whole(x.warmup_steps) };
            noam::noam(of, whole(s), None)
        }
    }
}

#[test]
fn the_definitions_enclose_the_anchors() {
    for formula in SCHEDULES {
        let mut narrow = 0;
        for case in anchors(formula) {
            let input = &case["input"];
            let field = |name: &str, default: f64| input.get(name).map_or(default, |x| x.as_f64().unwrap());
            let rates = [field(if formula == "noam" { "factor" } else { "max_lr" }, 1.0), field("min_lr", 0.0)];
            for (s, lr) in input["steps"].as_array().unwrap().iter().zip(case["output"]["lr"].as_array().unwrap()) {
                let (s, lr) = (s.as_i64().unwrap(), lr.as_f64().unwrap());
                let graph = Graph::build(|| vec![defined(formula, input, s, variable("max"), variable("min"))]);
                let inputs = rates.map(Rounded::exact);
                let Ok(enclosure) = evaluate(&graph, &mut { Rounding::F64 }, &inputs).remove(0) else { continue };
                let distance = (enclosure.value - lr).abs();
                assert!(distance <= enclosure.bound + ulp(lr), "{formula}/{} at {s}: {enclosure:?} {lr:e}", case["id"]);
                narrow += u32::from(enclosure.bound <= 1e-9 * lr.abs());
            }
        }
        assert!(narrow > 50, "{formula}: {narrow} enclosures are narrow enough to say something");
    }
}

#[test]
fn bad_input_is_refused_with_the_name_of_the_field() {
    let good = json!({ "steps": [0], "max_lr": 0.1, "total_steps": 10, "warmup_steps": 2 });
    let with = |formula: &str, changes: Value| {
        let mut input = good.clone();
        if formula == "wsd" {
            input["decay_steps"] = json!(3);
        }
        if formula == "inverse-sqrt" {
            input.as_object_mut().unwrap().remove("total_steps");
        }
        if formula == "noam" {
            input = json!({ "steps": [1], "d_model": 4, "warmup_steps": 2 });
        }
        for (key, value) in changes.as_object().unwrap() {
            input[key] = value.clone();
        }
        catalog::evaluate(formula, input)
    };
    for formula in SCHEDULES {
        with(formula, json!({})).unwrap();
    }
    let bad = [
        ("cosine", json!({ "steps": [3, -1] }), "steps[1]: found -1, allowed is a whole number from 0 to 2^53"),
        ("cosine", json!({ "steps": [0.5] }), "steps[0]"),
        ("cosine", json!({ "steps": [9007199254740993_i64] }), "steps[0]"),
        ("cosine", json!({ "max_lr": "Infinity" }), "max_lr: found inf"),
        ("cosine", json!({ "max_lr": "NaN" }), "max_lr: found NaN"),
        ("cosine", json!({ "min_lr": -0.1 }), "min_lr: found -0.1"),
        ("cosine", json!({ "min_lr": 0.2 }), "min_lr: found 0.2, allowed is at most max_lr, which is 0.1"),
        (
            "cosine",
            json!({ "warmup_steps": 10 }),
            "total_steps: found 10, allowed is a whole number above warmup_steps",
        ),
        ("cosine", json!({ "warmup_steps": -1 }), "warmup_steps: found -1"),
        ("cosine", json!({ "total_steps": 0 }), "total_steps: found 0"),
        ("cosine", json!({ "decay_steps": 3 }), "decay_steps"),
        ("cosine", json!({ "conventions": { "shape": "linear" } }), "conventions.shape"),
        ("cosine", json!({ "conventions": { "warmup": "s" } }), "conventions.warmup"),
        ("linear", json!({ "warmup_steps": 10 }), "total_steps: found 10"),
        ("wsd", json!({ "decay_steps": 0 }), "decay_steps: found 0, allowed is a whole number from 1 to 2^53"),
        ("wsd", json!({ "decay_steps": 9 }), "decay_steps: found 9, allowed is at most total_steps − warmup_steps"),
        ("wsd", json!({ "warmup_steps": 10 }), "total_steps: found 10"),
        ("inverse-sqrt", json!({ "warmup_steps": 0 }), "warmup_steps: found 0"),
        ("inverse-sqrt", json!({ "max_lr": -1 }), "max_lr: found -1"),
        ("inverse-sqrt", json!({ "conventions": { "after_end": "hold" } }), "conventions.after_end"),
        ("noam", json!({ "steps": [0] }), "steps[0]: found 0, allowed is a whole number from 1 to 2^53"),
        ("noam", json!({ "d_model": 0 }), "d_model: found 0"),
        ("noam", json!({ "warmup_steps": 0 }), "warmup_steps: found 0"),
        ("noam", json!({ "factor": 0 }), "factor: found 0"),
        ("noam", json!({ "max_lr": 0.1 }), "max_lr"),
        ("noam", json!({ "conventions": { "warmup": "s/W" } }), "conventions.warmup"),
    ];
    for (formula, changes, message) in bad {
        let error = with(formula, changes.clone()).unwrap_err().to_string();
        assert!(error.contains(message), "{formula} {changes}: {error}");
    }
}

#[test]
fn peak_and_end_are_exact_and_zero_is_positive() {
    for (max, min) in [(0.3, 0.1), (1e-310, 3e-322), (1.7e308, 1e-300), (0.1, 0.1), (1e-3, 0.0), (0.0, 0.0)] {
        for after_end in ["hold", "continue", "restart"] {
            for (formula, extra) in [("cosine", None), ("linear", None), ("wsd", Some(7))] {
                let mut input = json!({
                    "steps": [3, 13, 12], "max_lr": max, "min_lr": min, "warmup_steps": 3, "total_steps": 13,
                    "conventions": { "after_end": after_end },
                });
                if let Some(decay_steps) = extra {
                    input["decay_steps"] = json!(decay_steps);
                }
                let output = catalog::evaluate(formula, input).unwrap();
                let end = if after_end == "restart" { max } else { min };
                assert_eq!(output["lr"][0], json!(max), "{formula} {after_end} {max}");
                assert_eq!(output["lr"][1], json!(end), "{formula} {after_end} {max}");
                let last = output["lr"][2].as_f64().unwrap();
                assert!(last.is_sign_positive() && min <= last && last <= max, "{formula} {after_end} {last}");
            }
        }
    }
    // a line that goes on from 0 stays at +0, and one that leaves the range is −∞
    let on = |max: f64, steps: Value| {
        let conventions = json!({ "after_end": "continue" });
        let input = json!({ "steps": steps, "max_lr": max, "total_steps": 2, "conventions": conventions });
        catalog::evaluate("linear", input).unwrap()["lr"].clone()
    };
    assert_eq!(on(0.0, json!([2, 3])).to_string(), "[0.0,0.0]");
    assert_eq!(on(1e308, json!([9007199254740992_i64])), json!(["-Infinity"]));
    assert_eq!(on(1.0, json!([])), json!([]));
}

#[test]
fn a_small_difference_past_the_end_keeps_its_digits() {
    // (max (T − s) + min (s − W))/(T − W) = (3 min − 0.75)/2, with min a little above 1/4
    let min = 0.25 + f64::EPSILON / 4.0;
    let conventions = json!({ "after_end": "continue" });
    let input = json!({ "steps": [3], "max_lr": 0.75, "min_lr": min, "total_steps": 2, "conventions": conventions });
    let lr = catalog::evaluate("linear", input).unwrap()["lr"][0].as_f64().unwrap();
    assert_eq!(lr, 3.0 * f64::EPSILON / 8.0);
}
