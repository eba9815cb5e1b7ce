//! Optimizers written out as a textbook has them, in f32 and in bf16, every operation rounded: never
//! failed, on any configuration. They share no code with this crate.

use gradproof::budget::Starts;
use gradproof::cases::{self, Conventions};
use gradproof::catalog;
use gradproof::comparison::{Compared, Reference};
use gradproof::conformance::Precision;
use serde_json::{Value, json};

/// Random configurations: GRADPROOF_CASES, or as many as take seconds.
fn case_count() -> u64 {
    let usual = if cfg!(debug_assertions) { 200 } else { 10_000 };
    std::env::var("GRADPROOF_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

/// Rounding to the format of the tensors.
type Round = fn(f32) -> f32;

fn in_f32(x: f32) -> f32 {
    x
}

fn in_bf16(x: f32) -> f32 {
    half::bf16::from_f32(x).to_f32()
}

/// A parameter with its moments and the number of its steps.
#[derive(Clone, Default)]
struct Parameter {
    theta: f32,
    m: f32,
    v: f32,
    t: i32,
}

/// An optimizer's hyperparameters by their names.
struct Hyper<'a>(&'a Value);

impl Hyper<'_> {
    fn get(&self, name: &str) -> f32 {
        self.0[name].as_f64().unwrap() as f32
    }
}

/// Loshchilov & Hutter, Algorithm 2, with the decay first.
fn adamw(p: &mut Parameter, g: f32, rate: f32, hyper: &Hyper, round: Round) {
    let (beta1, beta2, eps, decay) =
        (hyper.get("beta1"), hyper.get("beta2"), hyper.get("eps"), hyper.get("weight_decay"));
    p.t += 1;
    p.m = round(round(beta1 * p.m) + round((1.0 - beta1) * g));
    p.v = round(round(beta2 * p.v) + round((1.0 - beta2) * round(g * g)));
    let m_hat = round(p.m / (1.0 - beta1.powi(p.t)));
    let v_hat = round(p.v / (1.0 - beta2.powi(p.t)));
    p.theta = round(p.theta - round(rate * decay * p.theta));
    let direction = round(m_hat / round(round(v_hat.sqrt()) + eps));
    p.theta = round(p.theta - round(rate * direction));
}

/// Chen et al., Algorithm 2.
fn lion(p: &mut Parameter, g: f32, rate: f32, hyper: &Hyper, round: Round) {
    let (beta1, beta2, decay) = (hyper.get("beta1"), hyper.get("beta2"), hyper.get("weight_decay"));
    let c = round(round(beta1 * p.m) + round((1.0 - beta1) * g));
    let sign = if c > 0.0 {
        1.0
    } else if c < 0.0 {
        -1.0
    } else {
        0.0
    };
    p.theta = round(p.theta - round(rate * round(sign + round(decay * p.theta))));
    p.m = round(round(beta2 * p.m) + round((1.0 - beta2) * g));
}

type Update = fn(&mut Parameter, f32, f32, &Hyper, Round);

/// All steps of an input.
fn run(input: &Value, update: Update, round: Round) -> Value {
    let reals =
        |list: &Value| -> Vec<f32> { list.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect() };
    let start = |tensor: &Value| -> Vec<Parameter> {
        reals(tensor).into_iter().map(|theta| Parameter { theta, ..Parameter::default() }).collect()
    };
    let mut tensors: Vec<Vec<Parameter>> = input["params"].as_array().unwrap().iter().map(start).collect();
    let mut steps = Vec::new();
    for (k, gradients) in input["gradients"].as_array().unwrap().iter().enumerate() {
        let rate = input["lr"].get(k).unwrap_or(&input["lr"]).as_f64().unwrap() as f32;
        for (tensor, gradient) in tensors.iter_mut().zip(gradients.as_array().unwrap()) {
            if !gradient.is_null() {
                let moved = tensor.iter_mut().zip(reals(gradient));
                moved.for_each(|(p, g)| update(p, g, rate, &Hyper(input), round));
            }
        }
        let thetas = |tensor: &Vec<Parameter>| tensor.iter().map(|p| gradproof::json::number(p.theta.into())).collect();
        steps.push(json!({ "params": tensors.iter().map(thetas).collect::<Vec<Value>>() }));
    }
    json!({ "steps": steps })
}

/// Holds an optimizer to its budget on random configurations.
fn hold(id: &str, update: Update) {
    let formula = catalog::formula(id).unwrap();
    for (precision, round) in [(Precision::F32, in_f32 as Round), (Precision::Bf16, in_bf16)] {
        let (mut numbers, mut promised) = (0, 0);
        for index in 0..case_count() {
            let drawn = cases::trajectory(formula, index, Conventions::Default);
            let input = cases::held_in(drawn, precision.tensor());
            // the rounding of the input may have made a denominator 0
            let reference = Reference::of(formula, &input, precision.arithmetic(), Starts::Carried);
            let Ok(reference) = reference else { continue };
            let compared = reference.compare(&run(&input, update, round));
            if let Some(worst) = compared.iter().find(|c| c.exceeds()) {
                panic!("{id} in {precision}, configuration {index}: {worst:?}\n{input}");
            }
            numbers += compared.len();
            promised += compared.iter().filter(|c| Compared::promises_a_digit(c)).count();
        }
        println!("{id} in {precision}: {numbers} numbers, a digit promised of {promised}");
        assert!(numbers > 0 && promised * 2 > numbers, "{id} in {precision}: {promised} of {numbers}");
    }
}

#[test]
fn adamw_of_the_textbook_is_never_failed() {
    hold("adamw", adamw);
}

#[test]
fn lion_of_the_textbook_is_never_failed() {
    hold("lion", lion);
}
