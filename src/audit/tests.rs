use super::checkpoint::Tensor;
use super::config::{Optimizer, Step};
use super::exact::{Element, Outcome, judge};
use super::header::Format;
use super::plan::{Output, Stepped, rule_of};
use super::sieve::{Before, Columns, MOST_OUTPUTS, Scale};
use crate::cases::numbers;
use crate::number::Dtype;
use serde_json::{Map, Value, json};

/// A tensor of one dtype that an optimizer steps.
fn stepped(optimizer: &Optimizer, hyper: Value, t: u64, dtype: Dtype) -> Stepped {
    let Value::Object(hyper) = hyper else { panic!("hyperparameters are an object") };
    let (moments, rule) = rule_of(optimizer, &hyper, t).unwrap();
    let output = |name| {
        let stored = Tensor::of(Format::Float(dtype));
        Output { name, before: Some((stored.clone(), dtype)), after: Some((stored, dtype)) }
    };
    let outputs = std::iter::once("params").chain(moments.iter().copied()).map(output).collect();
    Stepped { name: "w".into(), elements: 1, outputs, gradient: None, hyper, t, note: None, rule }
}

/// Numbers of a dtype, many of them tiny, equal or zero.
fn element(id: &str, dtype: Dtype) -> Element {
    let x = numbers(id, 8, 1.0);
    let scales = [1.0, 1e-3, 1e-6, 0.0, 1e2, dtype.smallest(), 1.0, 1.0];
    let scaled = |i: usize| dtype.round(x[i] * scales[(x[i + 4].abs() * 1e4) as usize % scales.len()]);
    let moments = [scaled(2), scaled(3).abs(), 0.0];
    Element { index: 0, before: Before { theta: scaled(0), g: scaled(1), moments }, after: [0.0; MOST_OUTPUTS] }
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
        ("adam-l2", json!({ "lr": 1e-3, "weight_decay": 0.25 })),
        ("adam-l2", json!({ "lr": 1.0, "weight_decay": 0.0 })),
        ("lion", json!({ "lr": 1e-3, "weight_decay": 0.5 })),
        ("lion", json!({ "lr": 1.0, "weight_decay": 0.0, "beta2": 0.0 })),
        ("sgd", json!({ "lr": 0.1 })),
        ("sgd", json!({ "lr": 1.0, "weight_decay": 0.1 })),
        ("sgd", json!({ "lr": 0.1, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.01 })),
        ("sgd", json!({ "lr": 0.1, "momentum": 0.9, "nesterov": true })),
    ];
    let mut told = 0;
    for (k, (optimizer, hyper)) in runs.into_iter().enumerate() {
        let named = Optimizer::of(&Step { optimizer: optimizer.into(), ..Step::default() }).unwrap();
        for dtype in [Dtype::F32, Dtype::Bf16, Dtype::F16] {
            for t in [1, 2, 1000] {
                let tensor = stepped(&named, hyper.clone(), t, dtype);
                let rule = tensor.rule.as_ref().unwrap();
                for case in 0..8 {
                    let mut one = element(&format!("sieve/{k}/{dtype}/{t}/{case}"), dtype);
                    if t == 1 {
                        one.before.moments = [0.0; MOST_OUTPUTS - 1];
                    }
                    let sifted = rule.step(&one.before);
                    for output in 0..tensor.outputs.len() {
                        // as far off as the sieve lets through, in either direction
                        let underflow = if sifted[output].products { 0.5 * dtype.smallest() } else { 0.0 };
                        let most = dtype.unit() * sifted[output].terms + underflow;
                        for off in [most * 0.999_9, -most * 0.999_9, 0.0] {
                            let found = sifted[output].value + off;
                            if sifted[output].off(found, Scale::of(dtype)) > 1.0 || !found.is_finite() {
                                continue;
                            }
                            // the other numbers are right
                            let mut one = one;
                            one.after = sifted.map(|x| x.value);
                            one.after[output] = found;
                            let [Outcome::Judged(judged)] = &judge(named.formula, &tensor, &[one])[..] else {
                                continue;
                            };
                            let is_off = judged.output == output && judged.over_budget > 1.0;
                            assert!(!is_off, "{optimizer} {hyper} {dtype} t = {t}: {judged:?} of {one:?}, {sifted:?}");
                            told += usize::from(off != 0.0);
                        }
                    }
                }
            }
        }
    }
    // most of these numbers are told
    assert!(told > 3_000, "{told}");
}

#[test]
fn no_optimizer_is_without_its_state_names() {
    for optimizer in ["adamw", "adam-l2", "lion", "sgd"] {
        let named = Optimizer::of(&Step { optimizer: optimizer.into(), ..Step::default() }).unwrap();
        let lr = Map::from_iter([("lr".to_string(), json!(0.1))]);
        let (moments, _) = rule_of(&named, &lr, 1).unwrap();
        for moment in moments {
            assert!(named.name_of(moment, "layer.weight").starts_with("layer.weight."), "{optimizer} {moment}");
        }
    }
}

#[test]
fn a_block_is_sifted_as_its_elements_are() {
    let named = Optimizer::of(&Step { optimizer: "adamw".into(), ..Step::default() }).unwrap();
    let tensor = stepped(&named, json!({ "lr": 1e-3, "weight_decay": 0.1 }), 3, Dtype::F32);
    let rule = tensor.rule.as_ref().unwrap();
    let elements: Vec<Element> = (0..37).map(|i| element(&format!("block/{i}"), Dtype::F32)).collect();
    let mut columns = Columns { dtypes: [Some(Dtype::F32), None, Some(Dtype::F32), None], ..Columns::default() };
    for x in &elements {
        columns.gradient.push(x.before.g);
        columns.before[0].push(x.before.theta);
        (0..3).for_each(|i| columns.before[i + 1].push(x.before.moments[i]));
        let sifted = rule.step(&x.before);
        (0..4).for_each(|i| columns.after[i].push(f64::from(sifted[i].value as f32) * (1.0 + 1e-7)));
    }
    let mut off = vec![0.0; elements.len()];
    rule.sift(&columns, &mut off);
    for (i, x) in elements.iter().enumerate() {
        let sifted = rule.step(&x.before);
        let of = |k: usize| sifted[k].off(columns.after[k][i], Scale::of(Dtype::F32));
        assert_eq!(off[i], of(0).max(of(2)), "{x:?}");
    }
    assert!(off.iter().any(|&off| off > 0.0));
}
