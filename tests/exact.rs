//! One right answer: every number of the oracle is the f64 nearest to the definition's real value at the
//! given inputs, ties to even, by enclosures of the definition's own graph.

mod common;
#[path = "exact/cross_entropy.rs"]
mod cross_entropy;
#[path = "exact/losses.rs"]
mod losses;

use common::number;
use gradproof::cases::{Conventions, case};
use gradproof::catalog;
use gradproof::formula::Defined;
use gradproof::number::{Abstention, Outcome, nearest};
use serde_json::{Value, json};

/// Random cases of each formula: enough that every combination of two options of its axes appears.
const CASES: u64 = 150;

/// The places of a definition with the nearest f64, where it has one: not where an exponential in it is
/// past any use.
fn rounded(defined: Vec<Defined>) -> Vec<(String, Outcome<f64>)> {
    let of = |defined: Defined| {
        let values = nearest(&defined.graph, &defined.values().collect::<Vec<_>>());
        defined.places.into_iter().zip(values)
    };
    defined.into_iter().flat_map(of).collect()
}

/// Holds every output at an input to the definition, bit for bit, or to the textbook, which is equal to it,
/// where that has no value; gives how many there were.
fn hold(id: &str, input: &Value) -> usize {
    let output = catalog::evaluate(id, input.clone()).unwrap_or_else(|e| panic!("{id} {input}: {e}"));
    let formula = catalog::formula(id).unwrap();
    let defined = rounded((formula.definition)(input, &output, None).unwrap());
    let textbook = match defined.iter().all(|(_, right)| right.is_ok()) {
        true => Vec::new(),
        false => rounded((formula.textbook)(input, &output).unwrap()),
    };
    for (place, right) in &defined {
        let found = number(output.pointer(place).unwrap()).unwrap();
        let by_textbook =
            || textbook.iter().filter(|(other, _)| other == place).find_map(|(_, right)| right.clone().ok());
        // a perplexity, exp of more than 1e12, is past the range
        let past = |reason: &Abstention| place == "/perplexity" && reason.to_string().contains("past 1e12");
        let right = match right {
            Ok(right) => *right,
            Err(reason) => by_textbook()
                .or(past(reason).then_some(f64::INFINITY))
                .unwrap_or_else(|| panic!("{id} {input} {place}: {reason}, found {found:e}")),
        };
        // what 4096 bits do not tell from 0 has no sign there, and may be an underflow that has one
        let unsigned = right.to_bits() == 0 && found == 0.0;
        assert!(unsigned || found.to_bits() == right.to_bits(), "{id} {input} {place}: {found:e} and not {right:e}");
    }
    defined.len()
}

#[test]
fn random_cases_under_every_convention_are_correctly_rounded() {
    for formula in catalog::FORMULAS {
        let id = formula.id;
        let held: usize = (0..CASES).map(|i| hold(id, &case(formula, i, Conventions::Any))).sum();
        assert!(held >= CASES as usize, "{id}: {held} numbers");
    }
}

/// Every combination of one number of each list.
fn product<const N: usize>(lists: [&[f64]; N]) -> Vec<[f64; N]> {
    let mut all = vec![[0.0; N]];
    for (i, list) in lists.iter().enumerate() {
        let with = |x: &[f64; N], value: f64| {
            let mut x = *x;
            x[i] = value;
            x
        };
        all = all.iter().flat_map(|x| list.iter().map(move |&value| with(x, value))).collect();
    }
    all
}

/// One step of an optimizer, whose elements are rows of θ, g and the moments by these names.
fn one_step<const N: usize>(elements: &[[f64; N]], names: &[&str], done: u64, rest: Value) -> Value {
    let column = |i: usize| elements.iter().map(|x| x[i]).collect::<Vec<_>>();
    let mut state = json!({ "step": done });
    for (i, name) in names.iter().enumerate() {
        state[name] = json!(column(i + 2));
    }
    let mut input = json!({ "params": [column(0)], "gradients": [[column(1)]], "lr": 1e-3, "state": [state] });
    for (name, value) in rest.as_object().unwrap() {
        input[name] = value.clone();
    }
    input
}

const SMALLEST: f64 = f64::from_bits(1);

#[test]
fn adam_is_correctly_rounded_at_every_age_and_size() {
    let elements = product([
        &[0.0, -1.7, 1e-310],
        &[0.0, 3e-3, -SMALLEST, 1e-170],
        &[0.0, -0.02, 3e-160],
        &[0.0, SMALLEST, 1e-310, 4e-5, 1e300],
    ]);
    // where ε = 0, v′ is not 0
    let nonzero: Vec<_> = elements.iter().copied().filter(|[_, g, _, v]| *g != 0.0 || *v != 0.0).collect();
    let forms = ["outside", "hat", "root", "max"];
    let mut kinds = forms.iter().cycle();
    for done in [0, 1, 2, 9, 999, 999_999, (1 << 53) - 1] {
        for beta2 in [0.0, 0.9, 0.999, 0.9999, 0.999999] {
            for eps in [1e-8, 0.0] {
                let epsilon = kinds.next().unwrap();
                let elements = if eps == 0.0 && beta2 > 0.0 {
                    nonzero.clone()
                } else if eps == 0.0 {
                    elements.iter().copied().filter(|[_, g, ..]| *g != 0.0).collect()
                } else {
                    elements.clone()
                };
                let hyper = json!({ "beta2": beta2, "eps": eps, "conventions": { "epsilon": epsilon } });
                // every fifth, beginning elsewhere each time: all of them over the whole test
                let some: Vec<_> = elements.iter().copied().skip(done as usize % 5).step_by(5).collect();
                let input = one_step(&some, &["m", "v"], done, hyper);
                hold("adamw", &input);
                hold("adam-l2", &input);
            }
        }
    }
}

#[test]
fn updates_that_come_to_zero_or_to_a_tie_are_exact() {
    // at a first step with ε = 0, u is the sign of g
    let first = json!({ "eps": 0.0, "lr": 0.25, "weight_decay": 0.0 });
    let elements =
        [[0.25, 3.0, 0.0, 0.0], [0.1, 0.7, 0.0, 0.0], [1.0, -SMALLEST, 0.0, 0.0], [-0.25, -1e-200, 0.0, 0.0]];
    for id in ["adamw", "adam-l2"] {
        let input = one_step(&elements, &["m", "v"], 0, first.clone());
        let output = catalog::evaluate(id, input).unwrap();
        assert_eq!(output["steps"][0]["params"], json!([[0.0, 0.1 - 0.25, 1.25, 0.0]]), "{id}");
    }
    // 1 − 2^−54 is half way between 1 − 2^−53 and 1, which is even
    let tie = json!({ "eps": 0.0, "lr": 2f64.powi(-54), "weight_decay": 0.0 });
    let output = catalog::evaluate("adamw", one_step(&[[1.0, 0.3, 0.0, 0.0]], &["m", "v"], 0, tie)).unwrap();
    assert_eq!(output["steps"][0]["params"], json!([[1.0]]));
    // a term that is 400 binary places below decides which side of half way it is
    let beside = |decay: f64| json!({ "lr": 2f64.powi(-54), "weight_decay": decay });
    for (decay, right) in [(0.0, 1.0), (2f64.powi(-400), 1f64.next_down())] {
        let output = catalog::evaluate("sgd", one_step(&[[1.0, 1.0, 0.0]], &["buf"], 3, beside(decay))).unwrap();
        assert_eq!(output["steps"][0]["params"], json!([[right]]));
    }
    // λθ is below the smallest f64, and its sign alone moves θ
    let decayed = json!({ "eps": 0.0, "lr": 0.5, "weight_decay": 1e-200 });
    let elements = [[1e-200, 0.0, 0.0, 0.0], [-1e-200, 0.0, 0.0, 0.0]];
    let output = catalog::evaluate("adam-l2", one_step(&elements, &["m", "v"], 0, decayed)).unwrap();
    assert_eq!(output["steps"][0]["params"], json!([[-0.5, 0.5]]));
    for (id, moment) in [("lion", "m"), ("sgd", "buf")] {
        for (theta, g) in [(0.5, 1.0), (-0.5, -1.0), (SMALLEST, 0.0), (0.0, 0.0), (0.5, 0.0)] {
            hold(id, &one_step(&[[theta, g, 0.0]], &[moment], 3, json!({ "lr": 0.5 })));
            hold(id, &one_step(&[[theta, g, 0.0]], &[moment], 3, json!({ "lr": 0.5, "weight_decay": 2.0 })));
        }
    }
}

#[test]
fn lion_has_the_sign_of_the_real_number() {
    let beta1 = 0.9;
    let elements: Vec<[f64; 3]> = product([&[0.0, 0.3], &[0.1, 1.19, 1e-310, 7e300]])
        .into_iter()
        .flat_map(|[theta, m]| {
            // c = 0 within rounding, and its neighbours
            let g = -(beta1 * m) / (1.0 - beta1);
            [g.next_down(), g, g.next_up(), -9.0 * m].map(|g| [theta, g, m])
        })
        .filter(|x| x.iter().all(|x| x.is_finite()))
        .collect();
    for decay in ["joint", "after", "proximal", "schedule", "absolute"] {
        let hyper = json!({ "beta1": beta1, "weight_decay": 0.1, "conventions": { "decay": decay } });
        hold("lion", &one_step(&elements, &["m"], 7, hyper));
    }
}

#[test]
fn sophia_is_correctly_rounded_where_its_denominator_is_small() {
    let elements =
        product([&[0.4, -1e-310], &[0.0, -2e-3, 1e-170], &[0.0, 0.03], &[0.0, -1e-12, SMALLEST, 1e-9, 1e150]]);
    let estimates: Vec<f64> = (0..elements.len()).map(|i| [1e-3, -1e-12, 0.0, 1e-300][i % 4]).collect();
    for momentum in ["raw", "corrected"] {
        for floor in ["max", "sum"] {
            for refresh in ["before", "after"] {
                let hyper = json!({
                    "hessians": [[estimates]], "gamma": 0.05, "rho": 1.0, "eps": 3e-12,
                    "conventions": { "momentum": momentum, "floor": floor, "refresh": refresh },
                });
                hold("sophia", &one_step(&elements, &["m", "h"], 4, hyper));
            }
        }
    }
}

#[test]
fn schedules_are_correctly_rounded_at_every_step() {
    let last = 1i64 << 53;
    let mut kinds = ["s/W", "(s+1)/W", "(s+1)/(W+1)"].into_iter().cycle();
    for (warmup, total) in [(0, 1), (0, 3), (1, 7), (5, 53), (12, 96)] {
        let mut steps: Vec<i64> = (0..=total + total / 2).collect();
        steps.extend([last - 1, last]);
        for (max, min) in [(1e-3, 1e-4), (0.3, 0.0), (SMALLEST, 0.0), (1.7e308, 1e-300)] {
            for after_end in ["hold", "continue", "restart"] {
                let mut input = json!({
                    "steps": steps, "max_lr": max, "min_lr": min, "warmup_steps": warmup, "total_steps": total,
                    "conventions": { "after_end": after_end, "warmup": kinds.next() },
                });
                hold("cosine", &input);
                hold("linear", &input);
                input["decay_steps"] = json!(total - warmup);
                for shape in ["linear", "cosine", "one-minus-sqrt"] {
                    input["conventions"]["shape"] = json!(shape);
                    hold("wsd", &input);
                }
            }
            let warmup = warmup.max(1);
            for peak in ["max", "base"] {
                let conventions = json!({ "peak": peak });
                hold(
                    "inverse-sqrt",
                    &json!({ "steps": steps, "max_lr": max, "warmup_steps": warmup, "conventions": conventions }),
                );
            }
            hold("noam", &json!({ "steps": steps[1..], "d_model": 512, "warmup_steps": warmup, "factor": max }));
        }
    }
}

#[test]
fn schedules_are_correctly_rounded_in_the_longest_runs() {
    let last = 1i64 << 53;
    for total in [last, last - 1] {
        let steps = [0, 1, 2, total / 3, total / 2, total - 2, total - 1, total, last];
        let input = json!({ "steps": steps, "max_lr": 0.1, "min_lr": 1e-5, "total_steps": total, "warmup_steps": 1 });
        hold("cosine", &input);
        hold("linear", &input);
        for shape in ["linear", "cosine", "one-minus-sqrt"] {
            let mut input = input.clone();
            input["decay_steps"] = json!(total - 1);
            input["conventions"] = json!({ "shape": shape });
            hold("wsd", &input);
        }
        hold("inverse-sqrt", &json!({ "steps": steps, "max_lr": 0.1, "warmup_steps": total - 1 }));
        hold("noam", &json!({ "steps": steps[1..], "d_model": total, "warmup_steps": total - 1 }));
    }
}
