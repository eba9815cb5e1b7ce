//! Inputs that are simpler than one that shows something: with fewer rows, steps, tensors or classes, and
//! numbers with fewer digits. All of them are in the formula's domain.

use crate::catalog;
use crate::formula::Formula;
use crate::json;
use serde_json::{Value, json};

/// Places that have one index in common, `#`, and others, `*`, which may be anything: what is left out
/// together.
type Dimension = &'static [&'static str];

const CLASSIFIED: &[Dimension] = &[&["/logits/#", "/targets/#"], &["/logits/*/#"]];
const CONTRASTED: &[Dimension] = &[
    &["/query/#", "/positive/#", "/negatives/#"],
    &["/negatives/*/#"],
    &["/query/*/#", "/positive/*/#", "/negatives/*/*/#"],
];
const IN_BATCH: &[Dimension] = &[&["/a/#", "/b/#"], &["/a/*/#", "/b/*/#"]];
const PAIRS: &[Dimension] =
    &[&["/policy_chosen/#", "/policy_rejected/#", "/reference_chosen/#", "/reference_rejected/#"]];
const RESPONSES: &[Dimension] = &[
    &["/chosen/policy_logits/#", "/chosen/reference_logits/#", "/chosen/tokens/#"],
    &["/rejected/policy_logits/#", "/rejected/reference_logits/#", "/rejected/tokens/#"],
    &[
        "/chosen/policy_logits/*/#",
        "/chosen/reference_logits/*/#",
        "/rejected/policy_logits/*/#",
        "/rejected/reference_logits/*/#",
    ],
];
const STEPPED: &[Dimension] = &[
    &["/gradients/#", "/hessians/#", "/lr/#"],
    &["/params/#", "/gradients/*/#", "/hessians/*/#", "/state/#"],
    &["/params/*/#", "/gradients/*/*/#", "/hessians/*/*/#", "/state/*/*/#"],
];
const SCHEDULED: &[Dimension] = &[&["/steps/#"]];
const LABELLED: &[Dimension] = &[&["/features/#", "/labels/#"], &["/features/*/#", "/weights/#"], &["/weights/*/#"]];
const PROBED: &[Dimension] = &[&["/hessian/#", "/hessian/*/#", "/probe/#"]];

fn dimensions(formula: &Formula) -> &'static [Dimension] {
    match formula.id {
        "cross-entropy" => CLASSIFIED,
        "info-nce" => CONTRASTED,
        "info-nce-in-batch" => IN_BATCH,
        "dpo" => PAIRS,
        "dpo-from-logits" => RESPONSES,
        "gauss-newton-bartlett" => LABELLED,
        "hutchinson" => PROBED,
        _ if formula.has_steps() => STEPPED,
        _ => SCHEDULED,
    }
}

/// Inputs that are simpler than this one, the simplest first. Going from an input to a simpler one comes to
/// an end.
pub fn simpler<'a>(formula: &'static Formula, input: &'a Value) -> impl Iterator<Item = Value> + use<'a> {
    let fewer = dimensions(formula).iter().flat_map(move |dimension| fewer(input, dimension));
    let candidates = fewer.chain(without(input)).chain(numbers(input));
    candidates.filter(|input| catalog::evaluate(formula.id, input.clone()).is_ok())
}

/// The lists at the places of a pattern, up to its `#`.
fn lists<'a>(value: &'a mut Value, pattern: &str, found: &mut Vec<&'a mut Vec<Value>>) {
    let Some((first, rest)) = pattern.trim_start_matches('/').split_once('/') else {
        if let Value::Array(list) = value {
            found.push(list);
        }
        return;
    };
    match value {
        Value::Array(items) if first == "*" => items.iter_mut().for_each(|item| lists(item, rest, found)),
        Value::Object(fields) => {
            let chosen = fields.iter_mut().filter(|(name, _)| first == "*" || *name == first);
            chosen.for_each(|(_, item)| lists(item, rest, found));
        }
        _ => {}
    }
}

/// With the first half of a dimension, and without one of its indices.
fn fewer(input: &Value, dimension: Dimension) -> Vec<Value> {
    let changed = |change: &dyn Fn(&mut Vec<Value>)| {
        let mut changed = input.clone();
        for pattern in dimension {
            let mut found = Vec::new();
            lists(&mut changed, pattern, &mut found);
            found.into_iter().for_each(change);
        }
        changed
    };
    let longest = std::cell::Cell::new(0);
    changed(&|list| longest.set(longest.get().max(list.len())));
    let length = longest.get();
    let half = (length > 2).then(|| changed(&|list| list.truncate(length / 2)));
    let one_less = (0..length).rev().map(|index| {
        changed(&|list| {
            if index < list.len() {
                list.remove(index);
            }
        })
    });
    half.into_iter().chain(one_less).collect()
}

/// Without the state, and without one convention.
fn without(input: &Value) -> Vec<Value> {
    let removed = |place: &str, name: &str| {
        let mut changed = input.clone();
        let fields = changed.pointer_mut(place)?.as_object_mut()?;
        fields.remove(name)?;
        Some(changed)
    };
    let axes = input.get("conventions").and_then(Value::as_object);
    let axes = axes.into_iter().flat_map(|axes| axes.keys()).filter_map(|axis| removed("/conventions", axis));
    removed("", "state").into_iter().chain(axes).collect()
}

/// With one number that is simpler.
fn numbers(input: &Value) -> impl Iterator<Item = Value> {
    json::numbers(input).into_iter().flat_map(move |(place, x)| {
        let is_whole = input.pointer(&place).is_some_and(|value| value.is_u64() || value.is_i64());
        let of = |x: f64| if is_whole { json!(x as i64) } else { json::number(x) };
        let with = |x: f64| {
            let mut changed = input.clone();
            *changed.pointer_mut(&place)? = of(x);
            Some(changed)
        };
        // -Infinity masks a class, and an ignored row has a negative target
        let all = if x.is_finite() { simpler_numbers(x) } else { Vec::new() };
        all.into_iter().filter(|y| !is_whole || y.fract() == 0.0).filter_map(with).collect::<Vec<_>>()
    })
}

/// How complicated a number is: the bits that it takes to say it.
fn complexity(x: f64) -> u32 {
    if x == 0.0 {
        return 0;
    }
    let mantissa = x.to_bits() & ((1 << 52) - 1);
    let digits = 53 - mantissa.trailing_zeros().min(52);
    let exponent = (x.abs().to_bits() >> 52) as i64 - 1023;
    digits + exponent.unsigned_abs() as u32 + u32::from(x < 0.0)
}

/// Numbers that are less complicated, the least first.
fn simpler_numbers(x: f64) -> Vec<f64> {
    let bits = complexity(x);
    // fewer binary digits, by half and by one
    let kept = |digits: u32| f64::from_bits(x.to_bits() >> (52 - digits.min(52)) << (52 - digits.min(52)));
    let digits = 52 - (x.to_bits() & ((1 << 52) - 1)).trailing_zeros().min(52);
    let mut all =
        vec![0.0, 1.0, x.abs(), x.trunc(), kept(digits / 2), kept(digits.saturating_sub(1)), x / 2.0, x * 2.0];
    all.retain(|&y| complexity(y) < bits);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::{Conventions, case};
    use crate::catalog::{FORMULAS, formula};

    /// The input that no simpler one is like.
    fn simplest(formula: &'static Formula, mut input: Value, is_like: impl Fn(&Value) -> bool) -> Value {
        assert!(is_like(&input));
        loop {
            let Some(next) = simpler(formula, &input).find(&is_like) else { return input };
            input = next;
        }
    }

    #[test]
    fn every_formula_comes_down_to_an_input_of_one_small_size() {
        for formula in FORMULAS {
            for index in 0..2 {
                let input = case(formula, index, Conventions::Any);
                let simplest = simplest(formula, input, |_| true);
                let numbers = json::numbers(&simplest);
                assert!(numbers.len() <= 12, "{}: {simplest}", formula.id);
                assert!(numbers.iter().all(|(_, x)| complexity(*x) <= 2), "{}: {simplest}", formula.id);
                assert!(catalog::evaluate(formula.id, simplest).is_ok());
            }
        }
    }

    #[test]
    fn what_is_looked_for_is_kept() {
        let has_large = |input: &Value| json::numbers(&input["logits"]).iter().any(|(_, z)| *z >= 3.0);
        let formula = formula("cross-entropy").unwrap();
        let input = json!({
            "logits": [[0.1, 0.2, 7.3], [1.25, -0.5, 0.0]], "targets": [0, 1], "label_smoothing": 0.1,
        });
        let simplest = simplest(formula, input, has_large);
        assert_eq!(simplest, json!({ "logits": [[4.0]], "targets": [0], "label_smoothing": 0.0 }));
    }

    #[test]
    fn a_trajectory_loses_steps_and_tensors_and_keeps_the_gradient_that_matters() {
        let has_small =
            |input: &Value| json::numbers(&input["gradients"]).iter().any(|(_, g)| *g != 0.0 && g.abs() < 0.1);
        let formula = formula("adamw").unwrap();
        let input = json!({
            "params": [[1.5, 2.5], [0.3]], "gradients": [[[1.0, 0.01], null], [[0.7, 1.0], [0.9]]], "lr": [0.1, 0.2],
        });
        let simplest = simplest(formula, input, has_small);
        assert_eq!(simplest["params"], json!([[0.0]]));
        assert_eq!(simplest["gradients"].as_array().map(Vec::len), Some(1));
    }
}
