//! Second moments near the smallest number of their dtype: what the sieve holds to be certain, and how much it tells.

use super::*;
use crate::audit::exact::{arithmetic, found, input};
use crate::audit::textbook::Textbooks;
use crate::budget::Starts;
use crate::comparison::Reference;
use crate::formula::Formula;

const NARROW: [Dtype; 3] = [Dtype::F32, Dtype::Bf16, Dtype::F16];

/// An element whose second moment and squared gradient are some of the smallest numbers of a dtype, or none.
fn near_smallest(id: &str, dtype: Dtype) -> Element {
    let x = numbers(id, 12, 1.0);
    let few = |i: usize| dtype.smallest() * (8.0 * x[i] * x[i]).round();
    let root = dtype.smallest().sqrt();
    let among = |i: usize, of: &[f64]| of[(x[i].abs() * 1e4) as usize % of.len()];
    let first = |i: usize, by: usize| dtype.round(x[i] * root * among(by, &[1.0, 4.0, 0.25, 0.0, 16.0]));
    let estimate = few(5) * x[7].signum();
    let before = Before { theta: dtype.round(x[0]), g: first(1, 8), estimate, moments: [first(2, 9), few(3), few(4)] };
    Element { index: 0, before, after: [0.0; MOST_OUTPUTS] }
}

/// The runs of every optimizer, with others in which nothing but such a moment is divided by.
fn all_runs() -> Vec<(&'static str, Value)> {
    let mut all = runs();
    all.extend([
        ("adamw", json!({ "lr": 1e-3, "eps": 0.0, "weight_decay": 0.1 })),
        ("adamw", json!({ "lr": 1e-3, "beta2": 0.5, "eps": 0.0, "conventions": { "bias_correction": "none" } })),
        ("adamw", json!({ "lr": 1e-3, "eps": 0.0, "conventions": { "epsilon": "root", "decay": "proximal" } })),
        ("adamw", json!({ "lr": 1e-3, "eps": 1e-4, "conventions": { "epsilon": "max", "decay": "after" } })),
        ("adamw", json!({ "lr": 1e-3, "eps": 0.0, "conventions": { "epsilon": "hat", "amsgrad": "raw" } })),
        ("adamw", json!({ "lr": 1e-3, "eps": 1e-6, "conventions": { "amsgrad": "corrected" } })),
        ("adam-l2", json!({ "lr": 1e-3, "eps": 0.0, "weight_decay": 0.0 })),
        ("adam-l2", json!({ "lr": 1e-3, "eps": 1e-8, "weight_decay": 1e-3 })),
        ("sophia", json!({ "lr": 1e-3, "eps": 0.0 })),
        ("sophia", json!({ "lr": 1e-3, "rho": 100.0, "gamma": 4.0, "eps": 1e-7 })),
        ("sophia", json!({ "lr": 0.1, "rho": 1.0, "gamma": 0.3, "eps": 1e-6, "conventions": { "floor": "sum" } })),
    ]);
    all
}

fn named(optimizer: &str) -> Optimizer {
    Optimizer::of(&Step { optimizer: optimizer.into(), ..Step::default() }).unwrap()
}

/// Elements of either kind, from zeros at the first step.
fn elements(id: &str, dtype: Dtype, t: u64, count: usize) -> Vec<Element> {
    let one = |i: usize| {
        let id = format!("few digits/{id}/{dtype}/{t}/{i}");
        let mut x = if i.is_multiple_of(3) { element(&id, dtype) } else { near_smallest(&id, dtype) };
        if t == 1 && i.is_multiple_of(2) {
            x.before.moments = [0.0; MOST_OUTPUTS - 1];
        }
        x
    };
    (0..count).map(one).collect()
}

#[test]
fn what_is_certain_is_within_the_budget() {
    let cases = if cfg!(debug_assertions) { 60 } else { 600 };
    for (k, (optimizer, hyper)) in all_runs().into_iter().enumerate() {
        let named = named(optimizer);
        let mut unpromised = 0;
        for (dtype, t) in NARROW.into_iter().flat_map(|dtype| [1, 2, 6, 1000].map(|t| (dtype, t))) {
            let tensor = stepped(&named, hyper.clone(), t, dtype);
            let textbooks = Textbooks::of(named.formula, &tensor).unwrap();
            for x in elements(&k.to_string(), dtype, t, cases) {
                let bounds = textbooks.bounds(&x.before, dtype);
                let certain = tensor.rule.certain(&x.before, true);
                for output in 0..tensor.outputs.len() {
                    let Certain { value, unpromised: none, .. } = certain[output];
                    if !value.is_finite() {
                        continue;
                    }
                    let place = || format!("{optimizer} {hyper} {dtype} t = {t}, output {output} of {x:?}");
                    let part = certain[output].allowed(dtype);
                    let bound = bounds[output];
                    assert!(!none || bound.is_none(), "{}: {bound:?} is promised", place());
                    assert!(bound.is_none_or(|most| part <= most), "{}: {part:e} of {bound:?}", place());
                    unpromised += usize::from(none);
                }
            }
        }
        let divides = optimizer.starts_with("adam") && hyper["eps"].as_f64().is_none_or(|eps| eps < 1e-6);
        assert!(!divides || unpromised > cases / 10, "{optimizer} {hyper}: {unpromised}");
    }
}

/// A step of AdamW or Adam as a dtype's kernels do it, operation by operation.
fn in_dtype(tensor: &Stepped, x: &Before, dtype: Dtype) -> [f64; MOST_OUTPUTS] {
    let hyper = |name: &str| tensor.hyper[name].as_f64().unwrap();
    let [lr, eps, decay] = ["lr", "eps", "weight_decay"].map(hyper);
    let (beta1, beta2, t) = (0.9, 0.95, tensor.t as i32);
    let r = |x: f64| dtype.round(x);
    let theta = r(x.theta * (1.0 - lr * decay));
    let m = r(x.moments[0] + (1.0 - beta1) * (x.g - x.moments[0]));
    let v = r(r(x.moments[1] * beta2) + (1.0 - beta2) * x.g * x.g);
    let divisor = r(r(r(v.sqrt()) / (1.0 - f64::powi(beta2, t)).sqrt()) + eps);
    let theta = r(theta - lr / (1.0 - f64::powi(beta1, t)) * (m / divisor));
    [theta, m, v, 0.0]
}

#[test]
fn nearly_all_of_a_right_step_is_told_where_second_moments_have_few_digits() {
    for (optimizer, eps, size) in
        [("adamw", 1e-8, 1.0), ("adamw", 0.0, 8.0), ("adam-l2", 1e-8, 0.25), ("adamw", 1e-8, 0.1)]
    {
        for dtype in NARROW {
            let hyper = json!({ "lr": 1e-3, "beta1": 0.9, "beta2": 0.95, "eps": eps, "weight_decay": 0.0 });
            let tensor = stepped(&named(optimizer), hyper, 6, dtype);
            let root = dtype.smallest().sqrt();
            let (mut open, mut unpromised, mut tried) = (0, 0, 0);
            for case in 0..400 {
                let x = numbers(&format!("told/{case}"), 4, 1.0);
                let [g, m] = [1, 2].map(|i| dtype.round(4.0 * size * root * x[i]));
                let v = dtype.round(16.0 * size * size * dtype.smallest() * x[3].abs());
                let before = Before { theta: dtype.round(0.02 * x[0]), g, estimate: 0.0, moments: [m, v, 0.0] };
                let after = in_dtype(&tensor, &before, dtype);
                if after.iter().any(|x| x.is_nan()) {
                    continue;
                }
                let x = Element { index: 0, before, after };
                tried += 1;
                unpromised += usize::from(tensor.rule.certain(&before, true)[0].unpromised);
                open += usize::from(!is_let_through(&tensor, &x));
            }
            assert!(50 * open <= tried, "{optimizer} ε = {eps} {dtype} {size}: {open} of {tried} are open");
            assert!(unpromised > 0 || (dtype, eps) != (Dtype::F16, 1e-8), "{optimizer} {dtype}: of {tried}");
        }
    }
}

#[test]
fn where_nothing_is_promised_any_number_will_do_but_nan() {
    let hyper = json!({ "lr": 1e-3, "eps": 1e-8, "weight_decay": 0.25 });
    for optimizer in ["adamw", "adam-l2", "sophia"] {
        let named = named(optimizer);
        let tensor = stepped(&named, hyper.clone(), 6, Dtype::F16);
        let mut elements: Vec<Element> = (0..200)
            .map(|i| near_smallest(&format!("any number/{i}"), Dtype::F16))
            .filter(|x| {
                let theta = tensor.rule.certain(&x.before, true)[0];
                theta.unpromised && theta.value.is_finite()
            })
            .take(20)
            .collect();
        assert!(elements.len() > 10, "{optimizer}: {}", elements.len());
        let odd = [f64::INFINITY, f64::NEG_INFINITY, 60000.0, f64::NAN];
        for (i, x) in elements.iter_mut().enumerate() {
            x.index = i as u64;
            x.after = tensor.rule.certain(&x.before, true).map(|certain| certain.value);
            x.after[0] = odd[i % 4];
        }
        let found = of_columns(named.formula, &tensor, columns(&tensor, &elements));
        let differing: Vec<u64> = found.examples.iter().map(|x| x.index).collect();
        let expected: Vec<u64> = elements.iter().filter(|x| x.after[0].is_nan()).map(|x| x.index).collect();
        assert_eq!((differing, found.unexamined), (expected, 0), "{optimizer}");
        for x in &elements {
            assert_eq!(is_let_through(&tensor, x), !x.after[0].is_nan(), "{optimizer} {x:?}");
        }
    }
    // but not where plain f64 knows too little, as of a gradient that λθ nearly cancels, also where θ′ is all there is
    let mut tensor = stepped(&named("adam-l2"), hyper, 6, Dtype::F16);
    tensor.outputs[1..].iter_mut().for_each(|output| output.after = None);
    let g = 2f64.powi(-13) - 0.25;
    let before = Before { theta: 1.0, g, estimate: 0.0, moments: [0.0; MOST_OUTPUTS - 1] };
    let x = Element { index: 0, before, after: [1.0, 0.0, 0.0, 0.0] };
    assert!(tensor.rule.certain(&before, true)[0].unpromised && !is_let_through(&tensor, &x));
}

/// The number of an element that is furthest off, by what conformance to a formula is held to.
fn by_reference(formula: &'static Formula, tensor: &Stepped, x: &Element) -> Option<Judged> {
    let input = input(tensor, &[*x]);
    let mut dtypes: Vec<Dtype> = tensor.outputs.iter().filter_map(Output::dtype).collect();
    dtypes.sort_unstable();
    dtypes.dedup();
    let mut worst = Judged { index: x.index, output: 0, got: x.after[0], expected: 0.0, over_budget: -1.0 };
    for dtype in dtypes {
        let reference = Reference::of(formula, &input, arithmetic(dtype), Starts::Reported).ok()?;
        for compared in reference.compare(&found(tensor, &[*x])) {
            let name = compared.place.split('/').nth(3);
            let output = tensor.outputs.iter().position(|output| name == Some(output.name)).unwrap();
            let over_budget = match compared.ratio() {
                Some(ratio) => ratio,
                None if compared.found.is_nan() => f64::INFINITY,
                None => 0.0,
            };
            if tensor.outputs[output].dtype() == Some(dtype) && over_budget > worst.over_budget {
                worst = Judged { output, got: compared.found, expected: compared.right, over_budget, ..worst };
            }
        }
    }
    Some(worst)
}

#[test]
fn elements_are_judged_as_conformance_to_the_formula_is() {
    let (mut judged, mut refused) = (0, 0);
    for (k, (optimizer, hyper)) in all_runs().into_iter().enumerate() {
        let named = named(optimizer);
        let dtype = [Dtype::F32, Dtype::Bf16, Dtype::F16, Dtype::F64][k % 4];
        for t in [1, 2, 6] {
            let mut tensor = stepped(&named, hyper.clone(), t, dtype);
            // the parameters may be of another dtype than the moments
            if t == 6 && tensor.outputs.len() > 1 {
                tensor.outputs[1].after = Some((Tensor::of(Format::Float(Dtype::F32)), Dtype::F32));
            }
            let all: Vec<Element> = elements(&format!("judged/{k}"), dtype, t, 18)
                .into_iter()
                .enumerate()
                .map(|(i, mut x)| {
                    x.index = i as u64;
                    x.after = tensor.rule.certain(&x.before, true).map(|x| dtype.round(x.value * (1.0 + dtype.unit())));
                    if i.is_multiple_of(4) { disturbed(x, &tensor, dtype, k + 7 * i) } else { x }
                })
                .collect();
            for (x, outcome) in all.iter().zip(judge(named.formula, &tensor, &all)) {
                let place = format!("{optimizer} {hyper} {dtype} t = {t}: {x:?}");
                match (outcome, by_reference(named.formula, &tensor, x)) {
                    (Outcome::Judged(told), Some(right)) => {
                        let numbers = |x: Judged| [x.got, x.expected, x.over_budget].map(f64::to_bits);
                        assert_eq!((told.index, told.output), (right.index, right.output), "{place}");
                        assert_eq!(numbers(told), numbers(right), "{place}: {told:?} {right:?}");
                        judged += 1;
                    }
                    (Outcome::Unjudged(index, why), None) => {
                        let error = crate::catalog::evaluate(named.formula.id, input(&tensor, &[*x])).unwrap_err();
                        assert_eq!((index, why), (x.index, error.to_string()), "{place}");
                        refused += 1;
                    }
                    (_, right) => panic!("{place}: {right:?}"),
                }
            }
        }
    }
    assert!(judged > 500 && refused > 20, "{judged} judged, {refused} refused");
}
