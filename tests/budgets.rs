//! Budgets: correct arithmetic in a dtype never exceeds them, whatever the order of its sums; and
//! they are tight enough that mistakes do.

mod common;

use gradproof::budget::Starts;
use gradproof::cases::{self, Conventions};
use gradproof::catalog;
use gradproof::comparison::{Compared, compare};
use gradproof::formula::{Defined, Formula};
use gradproof::json;
use gradproof::number::{Dtype, InDtype, Order, RunningError, Simulated, evaluate};
use serde_json::Value;

/// Cases per formula and dtype; all of them where the build is optimized.
const CASES: u64 = if cfg!(debug_assertions) { 200 } else { 10_000 };

/// What graphs come to in a dtype, as an output with the shape of `like`.
fn simulated(defined: &[Defined], arithmetic: InDtype, like: &Value) -> Value {
    let mut output = like.clone();
    for defined in defined {
        let inputs: Vec<Simulated> =
            defined.inputs.iter().map(|given| Simulated { value: given.value, role: given.role }).collect();
        let values = evaluate(&defined.graph, &mut { arithmetic }, &inputs);
        for (place, value) in defined.places.iter().zip(values) {
            let value = value.map_or(f64::NAN, |x| arithmetic.dtype.round(x.value));
            *output.pointer_mut(place).unwrap() = json::number(value);
        }
    }
    output
}

fn failure(formula: &Formula, dtype: Dtype, what: &str, input: &Value, compared: &Compared) -> String {
    format!(
        "{} {dtype} {what}{}: {:e} and not {:e}, off by {:e}, allowed {:?}\n{input}",
        formula.id,
        compared.place,
        compared.found,
        compared.right,
        compared.error(),
        compared.allowed
    )
}

#[test]
fn correct_arithmetic_in_any_order_stays_within_the_budget() {
    for formula in catalog::FORMULAS {
        for dtype in Dtype::STORED {
            let (mut worst, mut where_worst, mut digits, mut none) = (0.0, String::new(), 0u64, 0u64);
            for index in 0..CASES {
                let input = cases::held_in(cases::case(formula, index, Conventions::Any), dtype);
                let Ok(right) = catalog::evaluate(formula.id, input.clone()) else { continue };
                let textbook = (formula.textbook)(&input, &right).unwrap();
                for order in Order::ALL {
                    let output = simulated(&textbook, InDtype { dtype, order }, &right);
                    let compared =
                        compare(formula, &input, &output, RunningError::of(dtype), Starts::Reported).unwrap();
                    for c in &compared {
                        assert!(
                            !c.exceeds(),
                            "{}",
                            failure(formula, dtype, &format!("case {index} {order:?} "), &input, c)
                        );
                        let ratio = c.ratio().unwrap_or(0.0);
                        if ratio > worst {
                            (worst, where_worst) = (ratio, format!("case {index} {order:?} {}", c.place));
                        }
                        if c.promises_a_digit() { digits += 1 } else { none += 1 }
                    }
                }
            }
            println!("{} {dtype}: worst {worst:.3} at {where_worst}; {digits} with digits, {none} without", formula.id);
        }
    }
}
