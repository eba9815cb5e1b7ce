//! Budgets: correct arithmetic in a dtype never exceeds them, whatever the order of its sums; they are
//! tight enough to be reached; and mistakes exceed them.

mod common;

use gradproof::budget::Starts;
use gradproof::cases::{self, Conventions};
use gradproof::catalog;
use gradproof::comparison::Reference;
use gradproof::formula::{Defined, Formula};
use gradproof::json;
use gradproof::number::{Dtype, InDtype, Order, RunningError, Simulated, evaluate};
use gradproof::survey::Survey;
use serde_json::Value;
use std::collections::BTreeMap;

/// Cases per formula and dtype; the full number where the build is optimized.
const CASES: u64 = if cfg!(debug_assertions) { 60 } else { 10_000 };

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

/// The case with this index as a dtype holds it, unless rounding has moved it out of its domain.
fn case(formula: &Formula, index: u64, dtype: Dtype) -> Option<(Value, Reference)> {
    let input = cases::held_in(cases::case(formula, index, Conventions::Any), dtype);
    let reference = Reference::of(formula, &input, RunningError::of(dtype), Starts::Reported).ok()?;
    Some((input, reference))
}

/// What a place is an output of: "/gradient/0/1" of "gradient", "/steps/0/m/1/2" of "m".
fn output_of(place: &str) -> &str {
    let mut parts = place.split('/').skip(1);
    match parts.next() {
        Some("steps") => parts.nth(1).unwrap(),
        first => first.unwrap(),
    }
}

#[test]
fn correct_arithmetic_in_any_order_stays_within_the_budget_and_comes_near_it() {
    for formula in catalog::FORMULAS {
        for dtype in Dtype::STORED {
            let mut survey = Survey::new(formula.id, "simulated");
            let mut nearest_to_budget: BTreeMap<String, f64> = BTreeMap::new();
            for index in 0..CASES {
                let Some((input, reference)) = case(formula, index, dtype) else { continue };
                let textbook = (formula.textbook)(&input, &reference.right).unwrap();
                for order in Order::ALL {
                    let output = simulated(&textbook, InDtype { dtype, order }, &reference.right);
                    for compared in survey.add(index, &input, &reference, &output, dtype) {
                        let ratio = nearest_to_budget.entry(output_of(&compared.place).to_string()).or_default();
                        *ratio = ratio.max(compared.ratio().unwrap_or(0.0));
                    }
                }
            }
            println!(
                "{} {dtype}: {} cases, {} numbers, {} without a digit, worst {:.3e} ulp, {:.3} of the budget at {}, \
                 {} not explained by conditioning",
                formula.id,
                survey.cases / Order::ALL.len() as u64,
                survey.numbers,
                survey.without_digit,
                survey.worst_ulps.value,
                survey.worst_ratio.value,
                survey.worst_ratio.at,
                survey.unexplained
            );
            assert_eq!(survey.exceeded, 0, "{} {dtype} exceeds its budget: {:?}", formula.id, survey.excesses);
            // the half formats have 2 or 3 digits to begin with
            if [Dtype::F64, Dtype::F32].contains(&dtype) {
                assert!(survey.without_digit * 4 < survey.numbers, "{} {dtype} promises little", formula.id);
            }
            for (output, ratio) in nearest_to_budget {
                // a tenth of the bound, so that what is wrong by a few roundings more is seen
                assert!(ratio >= 0.1, "{} {dtype}: no case brings {output} past {ratio} of its budget", formula.id);
            }
        }
    }
}

/// Mistakes that a dtype cannot tell from the right form on any case: with the reason.
const HIDDEN: &[(&str, &str, &[Dtype], &str)] = &[];

#[test]
fn mistakes_and_a_subject_that_returns_zero_exceed_the_budget() {
    for formula in catalog::FORMULAS {
        for dtype in Dtype::STORED {
            let exceeds = |output: &dyn Fn(&Value, &Reference) -> Option<Value>, conventions: Conventions| {
                (0..10 * CASES).any(|index| {
                    let input = cases::held_in(cases::case(formula, index, conventions), dtype);
                    let Ok(reference) = Reference::of(formula, &input, RunningError::of(dtype), Starts::Reported)
                    else {
                        return false;
                    };
                    let output = output(&input, &reference);
                    output.is_some_and(|output| reference.compare(&output).iter().any(|c| c.exceeds()))
                })
            };
            let zero = |_: &Value, reference: &Reference| {
                let mut output = reference.right.clone();
                json::numbers(&reference.right).into_iter().for_each(|(place, _)| {
                    *output.pointer_mut(&place).unwrap() = Value::from(0.0);
                });
                Some(output)
            };
            assert!(exceeds(&zero, Conventions::Default), "{} {dtype}: 0 is accepted everywhere", formula.id);
            for mistake in formula.mistakes {
                let wrong = |input: &Value, reference: &Reference| {
                    let defined = (formula.definition)(input, &reference.right, Some(mistake.id)).ok()?;
                    Some(simulated(&defined, InDtype { dtype, order: Order::Forward }, &reference.right))
                };
                let seen = exceeds(&wrong, Conventions::Any);
                let hidden = HIDDEN
                    .iter()
                    .any(|(f, m, dtypes, _)| *f == formula.id && *m == mistake.id && dtypes.contains(&dtype));
                assert_eq!(seen, !hidden, "{} {dtype}: the mistake {} (seen: {seen})", formula.id, mistake.id);
            }
        }
    }
}
