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

/// Cases per formula and dtype, each computed in four orders: GRADPROOF_CASES, or as many as take a minute
/// or two.
fn case_count() -> u64 {
    let usual = if cfg!(debug_assertions) { 40 } else { 500 };
    std::env::var("GRADPROOF_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

/// The ways of a textbook, each with every place once.
fn ways(textbook: Vec<Defined>) -> Vec<Vec<Defined>> {
    let mut ways: Vec<Vec<Defined>> = Vec::new();
    for defined in textbook {
        let has = |way: &&mut Vec<Defined>| !way.iter().any(|d| d.places.first() == defined.places.first());
        match ways.iter_mut().find(has) {
            Some(way) => way.push(defined),
            None => ways.push(vec![defined]),
        }
    }
    ways
}

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

/// Every way in every order.
fn all_outputs(formula: &Formula, input: &Value, reference: &Reference, dtype: Dtype) -> Vec<Value> {
    let ways = ways((formula.textbook)(input, &reference.right).unwrap());
    let orders =
        |way: &Vec<Defined>| Order::ALL.map(|order| simulated(way, InDtype { dtype, order }, &reference.right));
    ways.iter().flat_map(orders).collect()
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

/// The largest part of its budget that an output reaches at an input, if the input is usable.
fn reached(formula: &Formula, input: &Value, dtype: Dtype, output: &str) -> Option<f64> {
    let reference = Reference::of(formula, input, RunningError::of(dtype), Starts::Reported).ok()?;
    let all = all_outputs(formula, input, &reference, dtype);
    let compared = all.iter().flat_map(|found| reference.compare(found));
    let ratios = compared.filter(|c| output_of(&c.place) == output).filter_map(|c| c.ratio());
    Some(ratios.fold(0.0, f64::max))
}

/// Searches from a case: changes one number of the input at a time and keeps what comes nearer to the
/// budget, until a tenth of it is reached.
fn searched(formula: &Formula, mut input: Value, dtype: Dtype, output: &str) -> f64 {
    let mut best = reached(formula, &input, dtype, output).unwrap_or(0.0);
    let mut draws = 0u64;
    // a generator of Knuth's, of which the upper half is used
    let mut draw = |below: usize| {
        draws = draws.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((draws >> 33) % below as u64) as usize
    };
    for _ in 0..SEARCH {
        if best >= REACHED {
            break;
        }
        let places: Vec<(String, f64)> =
            json::numbers(&input).into_iter().filter(|(place, _)| input.pointer(place).unwrap().is_f64()).collect();
        let (place, x) = &places[draw(places.len())];
        let factor = [0.5, 0.9, 0.99, 1.01, 1.1, 1.5, 2.0][draw(7)];
        let mut changed = input.clone();
        *changed.pointer_mut(place).unwrap() = json::number(x * factor);
        let changed = cases::held_in(changed, dtype);
        if let Some(ratio) = reached(formula, &changed, dtype, output).filter(|&ratio| ratio > best) {
            (best, input) = (ratio, changed);
        }
    }
    best
}

/// A tenth of the bound, so that what is wrong by a few roundings more is seen.
const REACHED: f64 = 0.1;
/// The search takes minutes where the build is not optimized.
const SEARCHES: bool = !cfg!(debug_assertions);
/// Steps of a search that finds less, and from how many cases it starts.
const SEARCH: usize = 500;
const STARTS: usize = 20;

#[test]
fn correct_arithmetic_in_any_order_stays_within_the_budget_and_comes_near_it() {
    for_all_dtypes(|dtype| {
        for formula in catalog::FORMULAS {
            let mut survey = Survey::new(formula.id, "simulated");
            // of every output, the cases with what they reach of its budget
            let mut reached: BTreeMap<String, BTreeMap<u64, f64>> = BTreeMap::new();
            let mut inputs: BTreeMap<u64, Value> = BTreeMap::new();
            for index in 0..case_count() {
                let Some((input, reference)) = case(formula, index, dtype) else { continue };
                for output in all_outputs(formula, &input, &reference, dtype) {
                    for compared in survey.add(index, &input, &reference, &output, dtype) {
                        let ratio = compared.ratio().unwrap_or(0.0);
                        let of_output = reached.entry(output_of(&compared.place).to_string()).or_default();
                        let best = of_output.entry(index).or_default();
                        *best = best.max(ratio);
                    }
                }
                inputs.insert(index, input);
            }
            println!(
                "{} {dtype}: {} outputs, {} numbers, {} without a digit, worst {:.3e} ulp, {:.3} of the budget at {}, \
                 {} not explained by conditioning",
                formula.id,
                survey.cases,
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
            for (output, cases) in reached {
                // from those that come nearest
                let mut cases: Vec<(u64, f64)> = cases.into_iter().collect();
                cases.sort_by(|(_, a), (_, b)| b.total_cmp(a));
                let random = cases.first().map_or(0.0, |(_, ratio)| *ratio);
                let starts = if SEARCHES { STARTS } else { 0 };
                let ratio = cases.iter().take(starts).fold(random, |best, (index, _)| {
                    let search = || searched(formula, inputs[index].clone(), dtype, &output);
                    if best >= REACHED { best } else { best.max(search()) }
                });
                println!("{} {dtype} {output}: {random:.3} at random, {ratio:.3} after a search", formula.id);
                assert!(!SEARCHES || ratio >= REACHED, "{} {dtype}: no case brings {output} past {ratio}", formula.id);
            }
        }
    });
}

/// One thread for each dtype, whose panic is the test's.
fn for_all_dtypes(test: impl Fn(Dtype) + Sync) {
    std::thread::scope(|scope| {
        for dtype in Dtype::STORED {
            let test = &test;
            scope.spawn(move || test(dtype));
        }
    });
}

/// Mistakes that a dtype cannot tell from the right form on any case: with the reason.
const HIDDEN: &[(&str, &str, &[Dtype], &str)] = &[];

#[test]
fn mistakes_and_a_subject_that_returns_zero_exceed_the_budget() {
    for_all_dtypes(|dtype| {
        for formula in catalog::FORMULAS {
            let exceeds = |output: &dyn Fn(&Value, &Reference) -> Option<Value>, conventions: Conventions| {
                (0..(10 * case_count()).min(2_500)).any(|index| {
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
    });
}
