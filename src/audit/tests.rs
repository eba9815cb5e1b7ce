use super::checkpoint::Tensor;
use super::config::{Optimizer, Step};
use super::exact::{Element, Outcome, judge};
use super::header::Format;
use super::plan::{Output, Stepped};
use super::sieve::{Before, Columns, MOST_OUTPUTS};
use super::stepper::Stepper;
use crate::cases::numbers;
use crate::number::Dtype;
use serde_json::{Map, Value, json};

/// A tensor of one dtype that an optimizer steps.
fn stepped(optimizer: &Optimizer, hyper: Value, t: u64, dtype: Dtype) -> Stepped {
    let Value::Object(hyper) = hyper else { panic!("hyperparameters are an object") };
    let stepper = Stepper::new(optimizer, &hyper, t, optimizer.takes_estimates()).unwrap();
    let output = |name| {
        let stored = Tensor::of(Format::Float(dtype));
        Output { name, before: Some((stored.clone(), dtype)), after: Some((stored, dtype)) }
    };
    let outputs: Vec<Output> = std::iter::once("params").chain(stepper.moments().iter().copied()).map(output).collect();
    let rule = stepper.rule(Stepped::kept(&outputs));
    let estimate = optimizer.takes_estimates().then(|| (Tensor::of(Format::Float(dtype)), dtype));
    Stepped { name: "w".into(), elements: 1, outputs, gradient: None, estimate, hyper, t, note: None, stepper, rule }
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
    columns.nearest = if tensor.has_f64() { tensor.stepper.nearest(&columns) } else { None };
    columns
}

/// How far off elements are by the sieve.
fn sifted(tensor: &Stepped, elements: &[Element]) -> Vec<f64> {
    let mut off = vec![f64::NAN; elements.len()];
    tensor.rule.sift(&columns(tensor, elements), &mut off);
    off
}

#[test]
fn the_sieve_lets_through_nothing_that_the_budget_does_not_allow() {
    let runs = [
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
    ];
    for (k, (optimizer, hyper)) in runs.into_iter().enumerate() {
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
                    let certain = tensor.rule.certain(&one.before);
                    let right = nearest.unwrap_or(certain.map(|(value, ..)| value));
                    for output in 0..tensor.outputs.len() {
                        // as far off as the sieve lets through, in either direction
                        let (_, terms, products) = certain[output];
                        let underflow = if products && !tensor.has_f64() { 0.5 * dtype.smallest() } else { 0.0 };
                        let most = dtype.unit() * terms + underflow;
                        for off in [most * 0.999_9, -most * 0.999_9, 0.0] {
                            // the other numbers are right
                            one.after = right;
                            one.after[output] += off;
                            tried += usize::from(off != 0.0);
                            if !one.after.iter().take(tensor.outputs.len()).all(|x| x.is_finite())
                                || sifted(&tensor, &[one])[0] > 1.0
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
fn a_block_is_sifted_as_its_elements_are() {
    let named = Optimizer::of(&Step { optimizer: "adamw".into(), ..Step::default() }).unwrap();
    for dtype in [Dtype::F32, Dtype::F64] {
        let tensor = stepped(&named, json!({ "lr": 1e-3, "weight_decay": 0.1 }), 3, dtype);
        // more than two vectors of any width, and a rest
        let mut elements: Vec<Element> = (0..37).map(|i| element(&format!("block/{i}"), dtype)).collect();
        for x in &mut elements {
            let off = 1.0 + 0.8 * dtype.unit();
            x.after = tensor.rule.certain(&x.before).map(|(value, ..)| dtype.round(value * off));
        }
        elements[5].after[1] = f64::NAN;
        elements[6].before.g = f64::INFINITY;
        elements[7].before.moments[1] = -1.0;
        elements[8].after[2] *= 1.01;
        let off = sifted(&tensor, &elements);
        for (i, x) in elements.iter().enumerate() {
            assert_eq!(off[i], sifted(&tensor, &[*x])[0], "{dtype} {x:?}");
            assert_eq!(off[i] > 1.0, (5..=8).contains(&i), "{dtype} {i}: {} {x:?}", off[i]);
        }
        assert!(off.iter().any(|&off| off > 0.0 && off <= 1.0), "{off:?}");
        // one that has no answer does not hide those of others
        assert!(off[8].is_finite() && off[5..8].iter().all(|&off| off == f64::INFINITY), "{off:?}");
    }
}
