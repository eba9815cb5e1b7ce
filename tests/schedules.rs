//! What the anchors do not show of the schedules: bad input is refused by name, and the ends are exact.

use gradproof::catalog;
use serde_json::{Value, json};

const SCHEDULES: [&str; 5] = ["cosine", "wsd", "linear", "inverse-sqrt", "noam"];

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
