//! A run of a thousand steps: errors that a few steps do not show add up.

use crate::cases;
use crate::formula::Formula;
use serde_json::{Map, Value, json};

/// The steps whose parameters and state are kept.
pub(super) const KEPT: &[u64] = &[1, 2, 3, 10, 30, 100, 300, 999, 1000];

const STEPS: usize = 1000;

/// The input: two tensors, of which the second has no gradient in every seventh step, whose numbers are whole
/// sixteenths and so short in a file. `hyper` are the hyperparameters.
pub(super) fn input(formula: &Formula, hyper: &Map<String, Value>) -> Value {
    let sixteenths = |name: &str, n: usize, size: f64| -> Vec<f64> {
        let drawn = cases::numbers(&format!("vectors/{name}"), n, size);
        // −0 + 0 is +0
        drawn.into_iter().map(|x| libm::rint(16.0 * x) / 16.0 + 0.0).collect()
    };
    let (first, second) = (sixteenths("first", 3 * STEPS, 2.0), sixteenths("second", 2 * STEPS, 2.0));
    let gradients = (0..STEPS).map(|k| {
        let other = if k % 7 == 3 { Value::Null } else { json!(second[2 * k..2 * k + 2]) };
        json!([first[3 * k..3 * k + 3], other])
    });
    let mut input = Value::from(hyper.clone());
    input["params"] = json!([sixteenths("params", 3, 1.0), sixteenths("others", 2, 1.0)]);
    input["gradients"] = gradients.collect();
    // 2^-8
    input["lr"] = json!(0.003_906_25);
    if formula.id == "sophia" {
        let estimate = |k: usize| {
            let squares = |x: &[f64]| json!(x.iter().map(|x| x * x).collect::<Vec<_>>());
            let refreshed = k.is_multiple_of(10);
            let one = |x: &[f64]| if refreshed { squares(x) } else { Value::Null };
            json!([one(&first[3 * k..3 * k + 3]), one(&second[2 * k..2 * k + 2])])
        };
        input["hessians"] = (0..STEPS).map(estimate).collect();
    }
    input
}
