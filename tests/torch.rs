//! libtorch, live, on this machine's processor.

mod common;

use common::{Anchor, anchors, pairs};
use gradproof::budget::Starts;
use gradproof::catalog;
use gradproof::comparison::{Compared, Reference};
use gradproof::formula::Formula;
use gradproof::losses::cross_entropy::hessian_matrix;
use gradproof::number::{Dtype, RunningError};
use gradproof::report::surveys;
use gradproof::torch::placement::{self, Placement};
use gradproof::torch::{self, Error, Plan};
use serde_json::{Value, json};
use tch::{Device, Kind};

fn cpu(kind: Kind) -> Placement {
    Placement { device: Device::Cpu, kind }
}

/// What this module does not compute.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("cross-entropy", "all_ignored = \"zero\""),
    ("hutchinson", "hessian"),
    ("cosine", "the formula"),
    ("wsd", "the formula"),
    ("linear", "the formula"),
    ("inverse-sqrt", "the formula"),
    ("noam", "the formula"),
];

/// The places at which an output is further from an anchor's than rounding explains.
fn differences(formula: &Formula, anchor: &Anchor, output: &Value) -> Vec<String> {
    let reference = Reference::of(formula, &anchor.input, RunningError::of(Dtype::F64), Starts::Carried).unwrap();
    let exceeds = |c: &Compared| c.exceeds().then(|| format!("{}: {:e} and not {:e}", c.place, c.found, c.right));
    reference.compare(output).iter().filter_map(exceeds).collect()
}

#[test]
fn f64_agrees_with_the_anchors() {
    let mut failures = Vec::new();
    for formula in catalog::FORMULAS {
        let (mut compared, mut unsupported) = (0, 0);
        for anchor in anchors(formula) {
            match torch::evaluate(formula.id, &anchor.input, cpu(Kind::Double)) {
                Ok(output) => {
                    compared += 1;
                    let found = differences(formula, &anchor, &output);
                    if !found.is_empty() {
                        failures.push(format!("{}\n  {}", anchor.id, found.join("\n  ")));
                    }
                }
                Err(Error::Unsupported { formula, what, .. }) => {
                    unsupported += 1;
                    let expected = UNSUPPORTED.contains(&(formula.as_str(), what.as_str()));
                    assert!(expected, "{}: {what} is not computed", anchor.id);
                }
                Err(e) => failures.push(format!("{}: {e}", anchor.id)),
            }
        }
        println!("{}: {compared} compared, {unsupported} not computed", formula.id);
        let only_some = ["cross-entropy", "hutchinson"].contains(&formula.id);
        assert!(compared == 0 || unsupported == 0 || only_some, "{}: {unsupported} not computed", formula.id);
        assert!(compared > 0 || UNSUPPORTED.contains(&(formula.id, "the formula")), "{}: none", formula.id);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Cases per formula, way and dtype: GRADPROOF_CASES, or as many as take a minute. The recordings in
/// fixtures/torch have 10,000.
fn cases() -> u64 {
    let usual = if cfg!(debug_assertions) { 200 } else { 1_000 };
    std::env::var("GRADPROOF_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

#[test]
fn no_budget_is_exceeded_on_random_cases() {
    for dtype in Dtype::STORED {
        let plan = Plan { device: "cpu".into(), dtype, cases: cases(), kept: 0, large: false };
        let recording = torch::record(&plan, |_| ()).unwrap();
        println!("{}", surveys::markdown(std::slice::from_ref(&recording)));
        assert_eq!(recording.surveys.len(), 15);
        for survey in &recording.surveys {
            assert_eq!(survey.exceeded, 0, "{} ({}) {dtype}: {:?}", survey.formula, survey.way, survey.excesses);
            // two thirds of hutchinson's and cross-entropy's cases are libtorch's at least
            assert!(survey.cases * 2 > cases(), "{} ({}) {dtype}: {}", survey.formula, survey.way, survey.cases);
        }
    }
}

/// A dtype: its name, its kind, the binary digits of its significand, the exponent of its smallest
/// number.
type Format = (&'static str, Kind, i32, i32);
const F32: Format = ("f32", Kind::Float, 24, -149);
const BF16: Format = ("bf16", Kind::BFloat16, 8, -133);
const F16: Format = ("f16", Kind::Half, 11, -24);

/// Whether a number is one of the dtype: a multiple of its last digit's value.
fn is_of(x: f64, (_, _, digits, smallest): Format) -> bool {
    if x == 0.0 || !x.is_finite() {
        return true;
    }
    let exponent = ((x.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    let last = (exponent - digits + 1).max(smallest);
    // a power of two in the range of f64
    (x / 2f64.powi(last)).fract() == 0.0
}

fn all_numbers(output: &Value) -> Vec<f64> {
    pairs(output, output).into_iter().map(|(_, x, _)| x).collect()
}

#[test]
fn every_dtype_gives_its_own_numbers() {
    for format in [F32, BF16, F16] {
        let (name, kind, ..) = format;
        for formula in catalog::FORMULAS {
            let mut finer = false;
            for anchor in anchors(formula) {
                let output = match torch::evaluate(formula.id, &anchor.input, cpu(kind)) {
                    Ok(output) => output,
                    Err(Error::Unsupported { .. }) => continue,
                    Err(e) => panic!("{} in {name}: {e}", anchor.id),
                };
                // the shape too
                pairs(&output, &anchor.output);
                for x in all_numbers(&output) {
                    assert!(is_of(x, format), "{} in {name}: {x:e} is not a number of {name}", anchor.id);
                }
                finer |= all_numbers(&anchor.output).into_iter().any(|x| !is_of(x, format));
            }
            let computed = !UNSUPPORTED.contains(&(formula.id, "the formula"));
            assert!(finer || !computed, "{}: no right number is finer than {name}, so nothing is shown", formula.id);
        }
    }
}

/// Three steps of two tensors, one of which gets no gradient in one step.
fn steps(hyperparameters: Value) -> Value {
    let mut input = json!({
        "params": [[0.5, -1.25, 2.0], [3.0, -0.0625]],
        "gradients": [
            [[0.1, -0.2, 0.3], [1.5, -2.5]],
            [[-0.4, 0.05, 0.7], null],
            [[0.2, 0.6, -0.9], [-0.3, 0.8]],
        ],
        "lr": [0.01, 0.02, 0.005],
    });
    for (field, value) in hyperparameters.as_object().unwrap() {
        input[field] = value.clone();
    }
    input
}

#[test]
fn libtorch_s_own_optimizers_agree_with_the_tensor_operations() {
    let cases = [
        ("sgd", json!({})),
        ("sgd", json!({ "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1 })),
        ("sgd", json!({ "momentum": 0.9, "nesterov": true })),
        ("adam-l2", json!({})),
        ("adam-l2", json!({ "conventions": { "amsgrad": "raw" } })),
        ("adamw", json!({})),
        ("adamw", json!({ "conventions": { "amsgrad": "raw" } })),
    ];
    for (formula, hyperparameters) in cases {
        let input = steps(hyperparameters);
        let own = torch::native(formula, &input, cpu(Kind::Double)).unwrap();
        let ours = torch::evaluate(formula, &input, cpu(Kind::Double)).unwrap();
        assert_eq!(own["steps"].as_array().unwrap().len(), 3);
        for (step, (own, ours)) in
            own["steps"].as_array().unwrap().iter().zip(ours["steps"].as_array().unwrap()).enumerate()
        {
            assert_eq!(own.as_object().unwrap().keys().collect::<Vec<_>>(), ["params"]);
            for (place, own, ours) in pairs(&own["params"], &ours["params"]) {
                // about 15 roundings a step, of terms of at most 3
                let budget = 3.0 * 15.0 * f64::EPSILON / 2.0 * 3.0;
                assert!((own - ours).abs() <= budget, "{formula}, step {step}{place}: {own:e} and {ours:e}");
            }
        }
    }
}

/// Where both do the same operations: SGD, and Adam with β1 = 0, whose m′ is g either way. The C++
/// optimizers scale in place, which rounds a factor to bf16 or f16 first, so the factors here are
/// numbers of every dtype; rates and λ are not.
#[test]
fn the_operations_round_as_libtorch_s_own_in_every_dtype() {
    // 64 elements fill whole vector registers; in a rest libtorch's add rounds bf16 and f16 twice
    let numbers = |seed: u64| (0..64).map(|i| ((i * 37 + seed * 53) % 101) as f64 / 97.0 - 0.5).collect::<Vec<f64>>();
    let problem = json!({
        "params": [numbers(1)],
        "gradients": [[numbers(2)], [numbers(3)], [numbers(4)]],
        "lr": [0.01, 0.02, 0.005],
    });
    let cases = [
        ("sgd", json!({ "momentum": 0.875, "dampening": 0.3, "weight_decay": 0.1 })),
        ("sgd", json!({ "momentum": 0.875, "nesterov": true })),
        ("adamw", json!({ "beta1": 0.0, "beta2": 0.9375, "eps": 1e-3, "weight_decay": 0.0 })),
        ("adam-l2", json!({ "beta1": 0.0, "beta2": 0.9375, "eps": 1e-3, "conventions": { "amsgrad": "raw" } })),
    ];
    for (formula, hyperparameters) in cases {
        let mut input = problem.clone();
        input.as_object_mut().unwrap().extend(hyperparameters.as_object().unwrap().clone());
        for kind in [Kind::Double, Kind::Float, Kind::BFloat16, Kind::Half] {
            let own = torch::native(formula, &input, cpu(kind)).unwrap();
            let ours = torch::evaluate(formula, &input, cpu(kind)).unwrap();
            for step in 0..3 {
                let (own, ours) = (&own["steps"][step]["params"], &ours["steps"][step]["params"]);
                let differ = pairs(own, ours).iter().filter(|(_, own, ours)| own != ours).count();
                assert_eq!(differ, 0, "{formula} in {kind:?}, step {step}: {differ} of 64 parameters differ");
            }
        }
    }
}

/// What sets the C++ optimizers apart from PyTorch's in bf16, where 1 − ηλ = 0.998 becomes 0.99609375.
#[test]
fn libtorch_s_own_adamw_rounds_its_decay_to_the_dtype() {
    let input = json!({ "params": [[-0.251953125]], "gradients": [[[0.0]]], "lr": 0.02, "weight_decay": 0.1 });
    let theta = |output: Value| output["steps"][0]["params"][0][0].as_f64().unwrap();
    let own = theta(torch::native("adamw", &input, cpu(Kind::BFloat16)).unwrap());
    let ours = theta(torch::evaluate("adamw", &input, cpu(Kind::BFloat16)).unwrap());
    // 0.2514…, of which the neighbours in bf16 are 0.25 and 0.251953125
    assert_eq!((own, ours), (-0.25, -0.251953125));
}

#[test]
fn what_libtorch_s_own_optimizers_cannot_run_is_said() {
    let refused = |formula: &str, input: Value| torch::native(formula, &input, cpu(Kind::Double)).unwrap_err();
    let state = json!([{ "step": 1, "buf": [0.0, 0.0, 0.0] }, { "step": 1, "buf": [0.0, 0.0] }]);
    let unsupported = [
        (refused("sgd", steps(json!({ "state": state }))), "state"),
        (refused("adamw", steps(json!({ "conventions": { "decay": "after" } }))), "conventions.decay"),
        (refused("adamw", steps(json!({ "conventions": { "epsilon": "hat" } }))), "conventions.epsilon"),
        (
            refused("adam-l2", steps(json!({ "conventions": { "bias_correction": "none" } }))),
            "conventions.bias_correction",
        ),
        (refused("adam-l2", steps(json!({ "conventions": { "amsgrad": "corrected" } }))), "conventions.amsgrad"),
        (refused("adamw", steps(json!({ "conventions": { "step_count": "global" } }))), "conventions.step_count"),
        (refused("lion", steps(json!({}))), "libtorch's own optimizer"),
    ];
    for (error, expected) in unsupported {
        assert!(matches!(&error, Error::Unsupported { what, .. } if what == expected), "{expected}: {error}");
    }
    assert!(matches!(refused("adamw", steps(json!({ "beta1": 1.0 }))), Error::Input(_)));
}

#[test]
fn two_backward_passes_give_the_hessian_of_cross_entropy() {
    let logits = [0.3, -1.2, 2.5, 0.0];
    let hessian = hessian_matrix(&logits).unwrap();
    for target in 0..4 {
        for probe in [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [1.0, -1.0, -1.0, 1.0], [0.3, 2.0, -0.7, 1.1]] {
            let found = torch::hessian_vector_product(&logits, target, &probe, cpu(Kind::Double)).unwrap();
            for i in 0..4 {
                let right: f64 = (0..4).map(|j| hessian[(i, j)] * probe[j]).sum();
                // p within 10 roundings, in products with a probe of at most 2 that are summed
                assert!((found[i] - right).abs() <= 4.0 * 2.0 * 10.0 * f64::EPSILON, "{i}: {} and {right}", found[i]);
            }
        }
    }
    let f32 = torch::hessian_vector_product(&logits, 0, &[1.0, 0.0, 0.0, 0.0], cpu(Kind::Float)).unwrap();
    assert!(f32.iter().all(|&x| is_of(x, F32)) && f32.iter().any(|&x| x != 0.0));
    let errors = [
        torch::hessian_vector_product(&logits, 4, &[1.0; 4], cpu(Kind::Double)).unwrap_err().to_string(),
        torch::hessian_vector_product(&logits, 0, &[1.0; 3], cpu(Kind::Double)).unwrap_err().to_string(),
        torch::hessian_vector_product(&[f64::NAN], 0, &[1.0], cpu(Kind::Double)).unwrap_err().to_string(),
    ];
    assert!(errors[0].contains("target") && errors[1].contains("probe") && errors[2].contains("logits"), "{errors:?}");
}

/// The draws of the estimator's labels are all here, since libtorch has one generator.
#[test]
fn labels_are_drawn_from_the_model() {
    // softmax(ln 3, 0) = (3/4, 1/4)
    let (features, weights) = (vec![vec![1.0]; 4000], vec![vec![3f64.ln(), 0.0]]);
    for kind in [Kind::Double, Kind::Float, Kind::BFloat16, Kind::Half] {
        let draw = |seed| torch::sample_labels(&features, &weights, seed, cpu(kind)).unwrap();
        let labels = draw(1);
        assert!(labels.len() == 4000 && labels.iter().all(|y| [0, 1].contains(y)));
        assert_eq!(labels, draw(1), "the same seed");
        assert_ne!(labels, draw(2), "another seed");
        let second = labels.iter().filter(|&&y| y == 1).count() as f64;
        // 5 standard deviations of √(4000 · 3/16), exceeded by 6e-7 of seeds
        assert!((second - 1000.0).abs() <= 5.0 * 27.4, "{second} of 4000 in {kind:?}");
    }
    let empty = torch::sample_labels(&[], &weights, 1, cpu(Kind::Double)).unwrap_err();
    assert!(matches!(empty, Error::Input(_)), "{empty}");
}

#[test]
fn bad_input_is_refused_as_by_the_oracle() {
    let same = |formula: &str, input: Value| {
        let Err(right) = catalog::evaluate(formula, input.clone()) else { return 0 };
        let found = torch::evaluate(formula, &input, cpu(Kind::Double));
        let message = found.map_or_else(|e| e.to_string(), |output| format!("no error, but {output}"));
        assert_eq!(message, right.to_string(), "{formula}: {input}");
        1
    };
    for formula in catalog::FORMULAS.iter().filter(|f| !UNSUPPORTED.contains(&(f.id, "the formula"))) {
        let input = anchors(formula).remove(0).input;
        let mut refused = same(formula.id, json!([])) + same(formula.id, json!({}));
        for field in input.as_object().unwrap().keys() {
            let without: Value = input
                .as_object()
                .unwrap()
                .iter()
                .filter(|(k, _)| *k != field)
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect();
            refused += same(formula.id, without);
            for wrong in [json!(null), json!(-1.0), json!("NaN"), json!([]), json!([["NaN"]]), json!([[]])] {
                let mut input = input.clone();
                input[field] = wrong;
                refused += same(formula.id, input);
            }
        }
        let mut unknown = input.clone();
        unknown["unknown"] = json!(1);
        assert_eq!(same(formula.id, unknown), 1);
        assert!(refused > 5, "{}: only {refused} were refused", formula.id);
    }
    let unknown = torch::evaluate("adamax", &json!({}), cpu(Kind::Double)).unwrap_err();
    assert_eq!(unknown.to_string(), catalog::evaluate("adamax", json!({})).unwrap_err().to_string());
    let ignored = json!({ "logits": [[1.0, 2.0]], "targets": [-100] });
    assert_eq!(same("cross-entropy", ignored), 1);
}

#[test]
fn devices_and_dtypes_by_their_words() {
    assert_eq!(Placement::parse("cpu", "f64").unwrap(), cpu(Kind::Double));
    for (word, kind) in [("f32", Kind::Float), ("bf16", Kind::BFloat16), ("f16", Kind::Half)] {
        assert_eq!(placement::kind(word).unwrap(), kind);
    }
    for word in ["gpu", "cuda:", "cuda:-1", "cuda:x", "CPU", ""] {
        let error = placement::device(word).unwrap_err();
        assert!(matches!(error, Error::UnknownDevice { .. }), "{error}");
        assert!(error.to_string().contains("cpu, cuda") && error.to_string().contains(&format!("{word:?}")), "{error}");
    }
    // more than any machine has
    let absent = placement::device("cuda:4096").unwrap_err();
    assert!(matches!(absent, Error::NoSuchDevice { index: 4096, .. }), "{absent}");
    if tch::Cuda::device_count() == 0 {
        let message = placement::device("cuda").unwrap_err().to_string();
        assert!(message.contains("cuda:0") && message.contains("0 CUDA devices"), "{message}");
    }
    let dtype = placement::kind("fp8").unwrap_err();
    assert!(dtype.to_string().contains("\"fp8\"") && dtype.to_string().contains("f64, f32, bf16, f16"), "{dtype}");
}

#[test]
fn the_loaded_libtorch_is_known() {
    let libtorch = placement::libtorch();
    assert!(libtorch.version.starts_with("2.11."), "{libtorch:?}");
    assert!(libtorch.path.is_some_and(|path| path.ends_with("libtorch_cpu.so")));
    placement::require_version().unwrap();
    assert!(!placement::device_name(Device::Cpu).is_empty());
    println!("{}, {}", placement::device_name(Device::Cpu), libtorch.version);
}
