mod few_digits;
mod no_answer;

use super::blocks::of_columns;
use super::checkpoint::Tensor;
use super::config::{Optimizer, Step};
use super::exact::{Element, Judged, Outcome, judge};
use super::header::Format;
use super::plan::{Output, Stepped};
use super::sieve::{Before, Certain, Columns, MOST_OUTPUTS};
use super::stepper::Stepper;
use crate::cases::numbers;
use crate::number::Dtype;
use serde_json::{Map, Value, json};
use std::sync::OnceLock;

/// A tensor of one dtype that an optimizer steps.
fn stepped(optimizer: &Optimizer, hyper: Value, t: u64, dtype: Dtype) -> Stepped {
    let Value::Object(hyper) = hyper else { panic!("hyperparameters are an object") };
    let stepper = Stepper::new(optimizer, &hyper, t, optimizer.takes_estimates()).unwrap();
    let output = |name| {
        let stored = Tensor::of(Format::Float(dtype));
        Output { name, before: Some((stored.clone(), dtype)), after: Some((stored, dtype)) }
    };
    let outputs: Vec<Output> = std::iter::once("params").chain(stepper.moments().iter().copied()).map(output).collect();
    let rule = stepper.rule(Stepped::kept(&outputs), Some(dtype));
    let estimate = optimizer.takes_estimates().then(|| (Tensor::of(Format::Float(dtype)), dtype));
    let (name, gradient, note, written) = ("w".into(), None, None, OnceLock::new());
    Stepped { name, elements: 1, outputs, gradient, estimate, hyper, t, note, stepper, rule, written }
}

/// Numbers of a dtype, many of them tiny, equal or zero.
fn element(id: &str, dtype: Dtype) -> Element {
    let x = numbers(id, 12, 1.0);
    let scales = [1.0, 1e-3, 1e-6, 0.0, 1e2, dtype.smallest(), 1.0, 1.0];
    let scaled = |i: usize| dtype.round(x[i] * scales[(x[i + 6].abs() * 1e4) as usize % scales.len()]);
    let moments = [scaled(2), scaled(3).abs(), scaled(4).abs()];
    Element {
        index: 0,
        before: Before { theta: scaled(0), g: scaled(1), estimate: scaled(5), moments },
        after: [0.0; MOST_OUTPUTS],
    }
}

/// The elements of a block, of a tensor all of whose numbers the files have.
fn columns(tensor: &Stepped, elements: &[Element]) -> Columns {
    let mut columns = Columns::default();
    for x in elements {
        let Before { theta, g, estimate, moments: [m, v, v_max] } = x.before;
        columns.gradient.push(g);
        columns.estimate.push(estimate);
        columns.before.iter_mut().zip([theta, m, v, v_max]).for_each(|(list, x)| list.push(x));
        columns.after.iter_mut().zip(x.after).for_each(|(list, x)| list.push(x));
    }
    for (dtype, output) in columns.dtypes.iter_mut().zip(&tensor.outputs) {
        *dtype = output.after.as_ref().map(|(_, dtype)| *dtype);
    }
    columns.moments = tensor.outputs.len() - 1;
    columns.nearest = if tensor.has_f64() { tensor.stepper.nearest(&columns) } else { None };
    columns
}

/// How far off elements are by the sieve, each by itself.
fn sifted(tensor: &Stepped, elements: &[Element]) -> Vec<f64> {
    let alone = |x: &Element| {
        let mut told = Vec::new();
        tensor.rule.sift(&columns(tensor, &[*x]), &mut 0.0, &mut told);
        told[0].1
    };
    elements.iter().map(alone).collect()
}

/// Whether the sieve lets an element through, at the first look or with care.
fn is_let_through(tensor: &Stepped, element: &Element) -> bool {
    // as many as fill a vector
    let columns = columns(tensor, &[*element; 8]);
    let [mut quickly, mut carefully] = [Vec::new(), Vec::new()];
    tensor.rule.sift(&columns, &mut 1.0, &mut quickly);
    tensor.rule.sift(&columns, &mut 0.0, &mut carefully);
    // where several vectors hold them, the later ones may be passed over
    assert!(!carefully.is_empty());
    let through = |told: &[(usize, f64)]| told.iter().all(|(_, off)| *off <= 1.0);
    assert!(through(&quickly) <= through(&carefully), "without care {element:?} is let through");
    through(&carefully)
}

/// Every optimizer under its conventions, with hyperparameters at which a shortcut could be wrong.
fn runs() -> Vec<(&'static str, Value)> {
    vec![
        ("adamw", json!({ "lr": 1e-3, "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "weight_decay": 0.1 })),
        ("adamw", json!({ "lr": 0.5, "beta1": 0.0, "beta2": 0.5, "eps": 1e-3, "weight_decay": 0.0 })),
        ("adamw", json!({ "lr": 1e-2, "conventions": { "epsilon": "hat" } })),
        ("adamw", json!({ "lr": 1e-2, "conventions": { "epsilon": "root" }, "eps": 1e-4 })),
        ("adamw", json!({ "lr": 1e-2, "conventions": { "epsilon": "max" }, "eps": 1e-2 })),
        ("adamw", json!({ "lr": 1e-2, "conventions": { "bias_correction": "none" } })),
        ("adamw", json!({ "lr": 0.25, "weight_decay": 0.5, "conventions": { "decay": "after" } })),
        ("adamw", json!({ "lr": 1e-2, "conventions": { "decay": "proximal" } })),
        ("adamw", json!({ "lr": 1e-2, "conventions": { "decay": "schedule" } })),
        ("adamw", json!({ "lr": 1e-2, "conventions": { "decay": "absolute" } })),
        ("adamw", json!({ "lr": 1e-2, "conventions": { "amsgrad": "raw" } })),
        ("adamw", json!({ "lr": 1e-2, "conventions": { "amsgrad": "corrected", "epsilon": "hat" } })),
        ("adam-l2", json!({ "lr": 1e-3, "weight_decay": 0.25 })),
        ("adam-l2", json!({ "lr": 1.0, "weight_decay": 0.0 })),
        ("adam-l2", json!({ "lr": 1e-3, "weight_decay": 0.1, "conventions": { "amsgrad": "raw" } })),
        ("lion", json!({ "lr": 1e-3, "weight_decay": 0.5 })),
        ("lion", json!({ "lr": 1.0, "weight_decay": 0.0, "beta2": 0.0 })),
        ("lion", json!({ "lr": 1e-3, "weight_decay": 0.5, "conventions": { "decay": "after" } })),
        ("sophia", json!({ "lr": 1e-3 })),
        ("sophia", json!({ "lr": 0.5, "rho": 1.0, "gamma": 0.01, "eps": 0.125, "weight_decay": 0.0 })),
        ("sophia", json!({ "lr": 1e-2, "rho": 2.0, "conventions": { "floor": "sum", "refresh": "after" } })),
        ("sophia", json!({ "lr": 1e-2, "conventions": { "momentum": "corrected", "decay": "after" } })),
        ("sgd", json!({ "lr": 0.1 })),
        ("sgd", json!({ "lr": 1.0, "weight_decay": 0.1 })),
        ("sgd", json!({ "lr": 0.1, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.01 })),
        ("sgd", json!({ "lr": 0.1, "momentum": 0.9, "nesterov": true })),
        ("adamw", json!({ "lr": 1e30, "eps": 0.0, "weight_decay": 1e-3 })),
        ("lion", json!({ "lr": 1e30 })),
        ("sgd", json!({ "lr": 1e30, "momentum": 0.9 })),
    ]
}

#[test]
fn the_sieve_lets_through_nothing_that_the_budget_does_not_allow() {
    for (k, (optimizer, hyper)) in runs().into_iter().enumerate() {
        let named = Optimizer::of(&Step { optimizer: optimizer.into(), ..Step::default() }).unwrap();
        for dtype in [Dtype::F32, Dtype::Bf16, Dtype::F16, Dtype::F64] {
            let (mut told, mut tried) = (0, 0);
            for t in [1, 2, 1000] {
                let tensor = stepped(&named, hyper.clone(), t, dtype);
                // with the machine's usual load this takes seconds; what is optimized takes more cases
                for case in 0..if cfg!(debug_assertions) { 6 } else { 60 } {
                    let mut one = element(&format!("sieve/{k}/{dtype}/{t}/{case}"), dtype);
                    if t == 1 {
                        one.before.moments = [0.0; MOST_OUTPUTS - 1];
                    }
                    let nearest = columns(&tensor, &[one]).nearest.map(|lists| lists.map(|list| list[0]));
                    let certain = tensor.rule.certain(&one.before, true);
                    let right = nearest.unwrap_or(certain.map(|certain| certain.value));
                    for output in 0..tensor.outputs.len() {
                        // as far off as the sieve lets through, in either direction
                        let Certain { terms, products, unpromised, .. } = certain[output];
                        let underflow = if tensor.has_f64() { 0.0 } else { 0.5 * dtype.smallest() * products };
                        let most = if unpromised { dtype.largest() } else { dtype.unit() * terms + underflow };
                        for off in [most * 0.999_9, -most * 0.999_9, 0.0] {
                            // the other numbers are right
                            one.after = right;
                            one.after[output] = within(right[output] + off, right[output], most);
                            tried += usize::from(off != 0.0);
                            if !one.after.iter().take(tensor.outputs.len()).all(|x| x.is_finite())
                                || !is_let_through(&tensor, &one)
                            {
                                continue;
                            }
                            let [Outcome::Judged(judged)] = &judge(named.formula, &tensor, &[one])[..] else {
                                continue;
                            };
                            let is_off = judged.output == output && judged.over_budget > 1.0;
                            assert!(!is_off, "{optimizer} {hyper} {dtype} t = {t}: {judged:?} of {one:?}, {certain:?}");
                            told += usize::from(off != 0.0);
                        }
                    }
                }
            }
            // most of these numbers are told
            assert!(2 * told > tried, "{optimizer} {hyper} {dtype}: {told} of {tried}");
        }
    }
}

/// The number, or its neighbour where rounding took it further from the right one than it may be.
fn within(x: f64, right: f64, most: f64) -> f64 {
    match () {
        () if x - right > most => x.next_down(),
        () if right - x > most => x.next_up(),
        () => x,
    }
}

/// With an odd number in one of the places that its optimizer has.
fn disturbed(mut x: Element, tensor: &Stepped, dtype: Dtype, how: usize) -> Element {
    let [smallest, largest] = [dtype.smallest(), dtype.largest()];
    let odd = [0.0, smallest, -smallest, largest, -largest, f64::INFINITY, f64::NAN, 1.0, -1.0][how / 5 % 9];
    match how % 5 {
        0 => x.before.theta = odd,
        1 => x.before.g = odd,
        2 if tensor.estimate.is_some() => x.before.estimate = odd,
        place => x.before.moments[place % (tensor.outputs.len() - 1)] = odd,
    }
    x
}

#[test]
fn a_block_comes_to_what_its_elements_come_to_one_by_one() {
    let (mut differing, mut let_through) = (0, 0);
    for (k, (optimizer, hyper)) in runs().into_iter().enumerate() {
        let named = Optimizer::of(&Step { optimizer: optimizer.into(), ..Step::default() }).unwrap();
        for dtype in [Dtype::F32, Dtype::Bf16, Dtype::F16, Dtype::F64] {
            for t in [1, 3, 1000] {
                let tensor = stepped(&named, hyper.clone(), t, dtype);
                // fewer than are examined where some differ
                let mut elements: Vec<Element> = (0..54)
                    .map(|i| {
                        let x = element(&format!("one by one/{k}/{dtype}/{t}/{i}"), dtype);
                        let mut x = Element { index: i, ..x };
                        // what the files do not have is 0
                        x.before.moments[tensor.outputs.len() - 1..].fill(0.0);
                        if tensor.estimate.is_none() {
                            x.before.estimate = 0.0;
                        }
                        if i % 3 == 0 { disturbed(x, &tensor, dtype, i as usize / 3 + 18 * (k % 3)) } else { x }
                    })
                    .collect();
                let nearest = columns(&tensor, &elements).nearest;
                for (i, x) in elements.iter_mut().enumerate() {
                    let certain = tensor.rule.certain(&x.before, true);
                    x.after = std::array::from_fn(|output| {
                        let Certain { value, terms, products, .. } = certain[output];
                        let right = nearest.as_ref().map_or(value, |lists| lists[output][i]);
                        let underflow = 0.5 * dtype.smallest() * products;
                        // right, just inside of what is certain, about at the budget's end, or far off
                        let parts =
                            [0.0, 0.5, 0.999, -0.999, 0.0, 1.001, -1.5, 0.0, 3.0, 0.0, -30.0][(7 * i + output) % 11];
                        right + parts * (dtype.unit() * terms + underflow)
                    });
                    match i {
                        20 => x.after[0] = f64::INFINITY,
                        31 => x.after[1] = f64::NAN,
                        _ => {}
                    }
                }
                // as one tensor, and without the half of the elements that are most likely to be off
                for kept in [54, 19, 5] {
                    let elements = &elements[..kept];
                    let place = format!("{optimizer} {hyper} {dtype} t = {t}");
                    let found = of_columns(named.formula, &tensor, columns(&tensor, elements));
                    let outcomes: Vec<Outcome> =
                        elements.iter().flat_map(|x| judge(named.formula, &tensor, &[*x])).collect();
                    let judged: Vec<&Judged> = outcomes
                        .iter()
                        .filter_map(|outcome| match outcome {
                            Outcome::Judged(judged) => Some(judged),
                            Outcome::Unjudged(..) => None,
                        })
                        .collect();
                    let off = judged.iter().filter(|judged| judged.over_budget > 1.0).count() as u64;
                    let lost = judged.iter().filter(|judged| {
                        let x = elements[judged.index as usize];
                        judged.over_budget > 1.0 && is_let_through(&tensor, &x)
                    });
                    let lost = || lost.map(|judged| (judged, elements[judged.index as usize])).collect::<Vec<_>>();
                    assert_eq!((found.differing, found.unexamined), (off, 0), "{place}: {:?}", lost());
                    let unjudged: u64 = found.not_judged.iter().map(|one| one.count).sum();
                    assert_eq!(unjudged, (outcomes.len() - judged.len()) as u64, "{place}: {:?}", found.not_judged);
                    let worst = judged.iter().map(|judged| judged.over_budget).fold(-1.0, f64::max);
                    let told = found.worst.map_or(-1.0, |worst| worst.over_budget);
                    if off > 0 {
                        assert_eq!(told, worst, "{place}: {:?}", found.worst);
                    } else {
                        assert!(told <= worst, "{place}: {told} in place of at most {worst}");
                    }
                    differing += off;
                    let_through += u64::from(found.sifted.is_some());
                }
            }
        }
    }
    assert!(differing > 1000 && let_through > 500, "{differing} differ, {let_through} blocks let some through");
}

#[test]
fn no_optimizer_is_without_its_state_names() {
    for optimizer in ["adamw", "adam-l2", "lion", "sophia", "sgd"] {
        let named = Optimizer::of(&Step { optimizer: optimizer.into(), ..Step::default() }).unwrap();
        let lr = Map::from_iter([("lr".to_string(), json!(0.1))]);
        for moment in Stepper::new(&named, &lr, 1, false).unwrap().moments() {
            assert!(named.name_of(moment, "layer.weight").starts_with("layer.weight."), "{optimizer} {moment}");
        }
    }
}

#[test]
fn a_step_without_care_is_one_with_it() {
    let mut tried = 0;
    for (k, (optimizer, hyper)) in runs().into_iter().enumerate() {
        let named = Optimizer::of(&Step { optimizer: optimizer.into(), ..Step::default() }).unwrap();
        let tensor = stepped(&named, hyper.clone(), 7, Dtype::F32);
        for case in 0..50 {
            let x: Vec<f64> = numbers(&format!("care/{k}/{case}"), 6, 1.0).into_iter().map(|x| 0.7 * x).collect();
            if x.iter().any(|x| *x == 0.0 || x.abs() == 1.0) {
                continue;
            }
            let moments = [x[2], x[3].abs(), x[4].abs()];
            let before = Before { theta: x[0], g: x[1], estimate: x[5], moments };
            let [careful, careless] = [true, false].map(|care| tensor.rule.certain(&before, care));
            for output in 0..tensor.outputs.len() {
                // a sum of the same terms in another order
                let (x, other) = (careful[output], careless[output]);
                let alike = |x: f64, y: f64| (x - y).abs() <= 8.0 * f64::EPSILON * x;
                // which knows nothing of what a divisor is off by
                let terms = if output == 0 { other.terms <= x.terms } else { alike(x.terms, other.terms) };
                let products = if output == 0 { other.products <= x.products } else { other.products == x.products };
                assert!(x.value == other.value && terms && products, "{optimizer} {hyper}: {careful:?} {careless:?}");
                assert!(!other.unpromised);
                tried += usize::from(x.terms > 0.0);
            }
        }
    }
    assert!(tried > 1000, "{tried}");
}

#[test]
fn without_care_nothing_more_is_let_through() {
    let adamw = json!({ "lr": 0.25, "beta1": 0.5, "beta2": 0.5, "eps": 0.5, "weight_decay": 0.1,
        "conventions": { "bias_correction": "none" } });
    let lion = json!({ "lr": 0.25, "beta1": 0.5, "beta2": 0.75, "weight_decay": 0.1 });
    for (optimizer, hyper) in [("adamw", adamw), ("lion", lion)] {
        let named = Optimizer::of(&Step { optimizer: optimizer.into(), ..Step::default() }).unwrap();
        let tensor = stepped(&named, hyper, 7, Dtype::F32);
        let ordinary = [0.7, 0.3, -0.2, 0.6];
        // of θ, g, m and v one is 0 or ±1; the first moment cancels; the divisor is 1
        let mut starts = vec![ordinary, [0.7, 0.25, -0.25, 0.6], [0.7, 0.5, -0.2, 0.25], [0.7, 0.3, -0.2, -0.6]];
        for place in 0..4 {
            starts.extend(
                [0.0, 1.0, -1.0].map(|odd| std::array::from_fn(|i| if i == place { odd } else { ordinary[i] })),
            );
        }
        let mut quickly = 0;
        for [theta, g, m, v] in starts {
            let before = Before { theta, g, estimate: 0.0, moments: [m, v, 0.0] };
            let careful = tensor.rule.certain(&before, true);
            let careless = tensor.rule.certain(&before, false);
            for (output, Certain { terms, .. }) in careless.into_iter().enumerate().take(tensor.outputs.len()) {
                // as far off as a step without care would let through
                let mut x = Element { index: 0, before, after: careful.map(|certain| certain.value) };
                let terms = if terms > 0.0 { terms } else { 1.0 };
                x.after[output] += 0.999 * Dtype::F32.unit() * terms;
                quickly += usize::from(is_let_through(&tensor, &x));
            }
        }
        assert!(quickly > 0, "{optimizer}");
    }
}

#[test]
fn a_block_is_sifted_as_its_elements_are() {
    let named = Optimizer::of(&Step { optimizer: "adamw".into(), ..Step::default() }).unwrap();
    for dtype in [Dtype::F32, Dtype::F64] {
        let tensor = stepped(&named, json!({ "lr": 1e-3, "weight_decay": 0.1 }), 3, dtype);
        // more than two vectors of any width, and a rest
        let mut elements: Vec<Element> = (0..37).map(|i| element(&format!("block/{i}"), dtype)).collect();
        for x in &mut elements {
            let off = 1.0 + 0.8 * dtype.unit();
            x.after = tensor.rule.certain(&x.before, true).map(|certain| dtype.round(certain.value * off));
        }
        elements[5].after[1] = f64::NAN;
        elements[6].before.g = f64::INFINITY;
        elements[7].before.moments[1] = -1.0;
        elements[8].after[1] += 1.0;
        let (mut furthest, mut told) = (0.0, Vec::new());
        tensor.rule.sift(&columns(&tensor, &elements), &mut furthest, &mut told);
        let one_by_one = sifted(&tensor, &elements);
        let mut off = vec![0.0; elements.len()];
        for &(i, x) in &told {
            assert_eq!(x, one_by_one[i], "{dtype} {:?}", elements[i]);
            off[i] = x;
        }
        for (i, &alone) in one_by_one.iter().enumerate() {
            assert_eq!(alone > 1.0, (5..=8).contains(&i), "{dtype} {i}: {alone} {:?}", elements[i]);
            // what is not told of is not the furthest
            assert!(off[i] == alone || alone < furthest, "{dtype} {i}: {alone} beside {furthest}");
        }
        assert_eq!(furthest, one_by_one.iter().copied().filter(|&off| off <= 1.0).fold(0.0, f64::max), "{dtype}");
        assert!(off.iter().any(|&off| off > 0.0 && off <= 1.0), "{off:?}");
        // one that has no answer does not hide those of others
        assert!(off[8].is_finite(), "{off:?}");
    }
}
