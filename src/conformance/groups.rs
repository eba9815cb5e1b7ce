//! The groups of cases that an optimizer is held to. Each shows what ordinary gradients hide.
//!
//! Groups and cases keep their ids and numbers within a minor version of this crate.

use super::case::{Case, Feature, Group as ParameterGroup};
use super::precision::Precision;
use crate::cases;
use crate::formula::Formula;
use serde_json::{Map, Value, json};

/// Cases of one kind.
#[derive(Clone, Debug)]
pub struct CaseGroup {
    /// `late-gradient`
    pub id: &'static str,
    /// What its cases have that others have not.
    pub about: &'static str,
    /// The cases.
    pub cases: Vec<Case>,
}

/// The ids of the groups with what they are about, in the order in which they run.
pub const GROUPS: &[(&str, &str)] = &[
    ("steps", "several steps of a matrix and a vector"),
    ("hyperparameters", "every hyperparameter away from its usual value"),
    ("small-gradients", "gradients so small that ε decides"),
    ("rates", "a rate of its own for every step"),
    ("zero-gradients", "gradients of zero, from the start and later"),
    ("rate-zero", "a rate of zero, which moves no parameter and still moves the state"),
    ("missing-gradients", "a tensor without a gradient in some step"),
    ("late-gradient", "a tensor whose first gradient comes late"),
    ("shapes", "tensors of no elements and of no dimensions"),
    ("fading-gradients", "gradients that shrink to a fourth from step to step, and a short memory"),
    ("same-shapes", "tensors of the same shape"),
    ("sign-flips", "gradients that change their sign from step to step"),
    ("random", "random hyperparameters, shapes and gradients"),
    ("parameter-groups", "tensors with a rate and a decay of their own"),
    ("maximize", "an objective that is maximized"),
    ("resume", "a run that is saved and goes on"),
];

/// The configuration that the cases start from: what most implementations have as their defaults.
pub(super) fn plain(formula: &Formula) -> Map<String, Value> {
    let plain = match formula.id {
        "adamw" => json!({ "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01 }),
        "adam-l2" => json!({ "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0 }),
        "lion" => json!({ "beta1": 0.9, "beta2": 0.99, "weight_decay": 0.0 }),
        "sophia" => json!({
            "beta1": 0.965, "beta2": 0.99, "gamma": 0.01, "rho": 1.0, "eps": 1e-12, "weight_decay": 0.1,
        }),
        "sgd" => json!({ "momentum": 0.0, "dampening": 0.0, "nesterov": false, "weight_decay": 0.0 }),
        _ => json!({}),
    };
    plain.as_object().cloned().unwrap_or_default()
}

/// A rate and a decay so large that in two digits too it shows where the decay enters.
fn decays() -> Value {
    json!({ "lr": 0.5, "weight_decay": 0.5 })
}

/// Hyperparameters away from the plain configuration, each set of which one case has.
fn others(formula: &Formula) -> Vec<Value> {
    match formula.id {
        "adamw" | "adam-l2" => vec![
            json!({ "beta1": 0.8 }),
            json!({ "beta2": 0.95 }),
            json!({ "eps": 1e-3 }),
            json!({ "weight_decay": 0.5 }),
            json!({ "beta1": 0.0, "beta2": 0.9, "weight_decay": 0.1 }),
            json!({ "weight_decay": 0.0 }),
            decays(),
        ],
        "lion" => vec![json!({ "beta1": 0.5 }), json!({ "beta2": 0.75 }), json!({ "weight_decay": 0.5 }), decays()],
        "sophia" => vec![
            json!({ "beta1": 0.8 }),
            json!({ "beta2": 0.75 }),
            json!({ "gamma": 1.5 }),
            json!({ "rho": 0.125 }),
            json!({ "eps": 0.25 }),
            json!({ "weight_decay": 0.5 }),
            // the floor and γh of about a size, which every precision holds
            json!({ "beta2": 0.5, "gamma": 1.0, "eps": 0.25, "rho": 4.0 }),
            decays(),
        ],
        "sgd" => vec![
            json!({ "momentum": 0.9 }),
            json!({ "weight_decay": 0.5 }),
            json!({ "momentum": 0.9, "dampening": 0.25 }),
            json!({ "momentum": 0.9, "nesterov": true, "weight_decay": 0.1 }),
        ],
        _ => Vec::new(),
    }
}

/// What a case of several steps is made of.
struct Recipe {
    shapes: Vec<Vec<usize>>,
    steps: usize,
    size: f64,
}

/// Makes the cases of one formula.
struct Maker<'a> {
    formula: &'a Formula,
    precision: Precision,
    conventions: &'a Map<String, Value>,
}

const RATE: f64 = 0.015_625;
const STEPS: usize = 5;

impl Maker<'_> {
    fn shapes() -> Vec<Vec<usize>> {
        vec![vec![2, 3], vec![4]]
    }

    /// A case with ordinary parameters and gradients of about a size.
    fn case(&self, group: &str, index: usize, recipe: &Recipe) -> Case {
        let id = format!("{}/{group}/{index}", self.formula.id);
        let sizes: Vec<usize> = recipe.shapes.iter().map(|shape| shape.iter().product()).collect();
        let list = |what: &str, size: f64| -> Vec<Vec<f64>> {
            let one = |(i, &n): (usize, &usize)| cases::numbers(&format!("{id}/{what}/{i}"), n, size);
            sizes.iter().enumerate().map(one).collect()
        };
        let gradients: Vec<_> = (0..recipe.steps).map(|k| list(&format!("gradient/{k}"), recipe.size)).collect();
        let mut input = json!({ "params": list("params", 1.0), "gradients": gradients, "lr": RATE });
        if self.formula.id == "sophia" {
            // refreshed every other step, and not positive everywhere
            let estimate = |k: usize| {
                let squares = |x: Vec<f64>| x.iter().map(|x| 4.0 * x * x.abs()).collect::<Vec<_>>();
                let of_tensor = |x: Vec<f64>| if k.is_multiple_of(2) { json!(squares(x)) } else { Value::Null };
                list(&format!("hessian/{k}"), recipe.size).into_iter().map(of_tensor).collect::<Vec<_>>()
            };
            input["hessians"] = (0..recipe.steps).map(estimate).collect();
        }
        let plain = plain(self.formula);
        set(&mut input, &plain);
        if !self.conventions.is_empty() {
            input["conventions"] = self.conventions.clone().into();
        }
        let input = cases::held_in(input, self.precision.tensor());
        Case { id, feature: Feature::None, shapes: recipe.shapes.clone(), input, plain }
    }

    fn ordinary(&self, group: &str, index: usize) -> Case {
        self.case(group, index, &Recipe { shapes: Self::shapes(), steps: STEPS, size: 1.0 })
    }

    fn group(&self, id: &str) -> Vec<Case> {
        match id {
            "steps" => (0..2).map(|i| self.ordinary(id, i)).collect(),
            "hyperparameters" => {
                let with = |(i, hyper): (usize, Value)| {
                    let mut case = self.ordinary(id, i);
                    set(&mut case.input, hyper.as_object().unwrap_or(&Map::new()));
                    case
                };
                others(self.formula).into_iter().enumerate().map(with).collect()
            }
            "small-gradients" => {
                let sizes = [3e-8, 1e-5].into_iter().enumerate();
                let recipe = |size| Recipe { shapes: vec![vec![2], vec![3]], steps: 3, size };
                sizes.map(|(i, size)| self.case(id, i, &recipe(size))).collect()
            }
            "rates" => {
                let mut case = self.ordinary(id, 0);
                case.input["lr"] = (0..STEPS).map(|k| json!(RATE * (1.0 + k as f64 / 4.0))).collect();
                vec![case]
            }
            "zero-gradients" => {
                let mut late = self.ordinary(id, 1);
                for k in [2, 3] {
                    zero(&mut late.input["gradients"][k]);
                }
                let mut always = self.ordinary(id, 0);
                zero(&mut always.input["gradients"]);
                vec![always, late]
            }
            "rate-zero" => {
                let mut case = self.ordinary(id, 0);
                case.input["lr"] = json!([RATE, 0.0, RATE, RATE, 0.0]);
                vec![case]
            }
            "missing-gradients" => {
                let mut case = self.ordinary(id, 0);
                for (k, tensor) in [(1, 0), (3, 1)] {
                    self.leave_out(&mut case, k, tensor);
                }
                vec![case]
            }
            "late-gradient" => {
                let mut case = self.ordinary(id, 0);
                for k in 0..3 {
                    self.leave_out(&mut case, k, 1);
                }
                vec![case]
            }
            "shapes" => {
                let shapes = vec![vec![0], vec![], vec![1, 3]];
                vec![self.case(id, 0, &Recipe { shapes, steps: 3, size: 1.0 })]
            }
            "fading-gradients" => {
                let mut case = self.ordinary(id, 0);
                self.follow_first(&mut case, &[0.25, 0.0625, 0.015_625, 0.003_906_25]);
                // where there is a second moment, it forgets as fast
                for (name, value) in [("beta2", 0.5), ("lr", 0.5)] {
                    if case.input.get(name).is_some() {
                        case.input[name] = json!(value);
                    }
                }
                vec![case]
            }
            "same-shapes" => {
                let shapes = vec![vec![2, 2]; 3];
                vec![self.case(id, 0, &Recipe { shapes, steps: 3, size: 1.0 })]
            }
            "sign-flips" => {
                // of sizes that let the old momentum and the new gradient decide by turns; the second is
                // decided by whether Lion's momentum, 1/100 of the first gradient, is taken before its update
                let factors = [[-0.5, 0.125, -2.0, 0.75], [-0.085, 0.5, -1.0, 0.25]];
                let flipped = |(i, factors): (usize, &[f64; 4])| {
                    let mut case = self.ordinary(id, i);
                    self.follow_first(&mut case, factors);
                    case
                };
                factors.iter().enumerate().map(flipped).collect()
            }
            "random" => (0..8).map(|i| self.random(i)).collect(),
            "parameter-groups" => {
                let mut case = self.ordinary(id, 0);
                let group = |tensor, rate_factor, weight_decay| ParameterGroup {
                    tensors: vec![tensor],
                    rate_factor,
                    weight_decay,
                };
                case.feature = Feature::Groups(vec![group(0, 1.0, 0.25), group(1, 4.0, 0.0)]);
                vec![case]
            }
            "maximize" => vec![Case { feature: Feature::Maximize, ..self.ordinary(id, 0) }],
            "resume" => vec![Case { feature: Feature::Resume(2), ..self.ordinary(id, 0) }],
            _ => Vec::new(),
        }
    }

    /// Makes the gradients of the steps after the first those of the first, times these.
    fn follow_first(&self, case: &mut Case, factors: &[f64]) {
        let first = crate::json::numbers(&case.input["gradients"][0]);
        for (k, factor) in factors.iter().enumerate() {
            for (place, x) in &first {
                if let Some(at) = case.input["gradients"][k + 1].pointer_mut(place) {
                    *at = json!(self.precision.tensor().round(x * factor));
                }
            }
        }
    }

    fn leave_out(&self, case: &mut Case, step: usize, tensor: usize) {
        case.input["gradients"][step][tensor] = Value::Null;
    }

    /// A trajectory of the crate's random cases, under the subject's conventions.
    fn random(&self, index: usize) -> Case {
        let drawn = cases::trajectory(self.formula, index as u64, cases::Conventions::Default);
        let mut input = cases::held_in(drawn, self.precision.tensor());
        if !self.conventions.is_empty() {
            input["conventions"] = self.conventions.clone().into();
        }
        let sizes = input["params"].as_array().map_or(&[][..], |list| list).iter();
        let shapes = sizes.map(|tensor| vec![tensor.as_array().map_or(0, Vec::len)]).collect();
        let id = format!("{}/random/{index}", self.formula.id);
        Case { id, feature: Feature::None, shapes, input, plain: plain(self.formula) }
    }
}

fn set(input: &mut Value, fields: &Map<String, Value>) {
    for (name, value) in fields {
        input[name] = value.clone();
    }
}

fn zero(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(zero),
        Value::Number(_) => *value = json!(0.0),
        _ => {}
    }
}

/// Every group of cases of an optimizer under conventions, with numbers that are exact in a precision.
pub(super) fn groups(formula: &Formula, precision: Precision, conventions: &Map<String, Value>) -> Vec<CaseGroup> {
    let maker = Maker { formula, precision, conventions };
    let all = GROUPS.iter().map(|&(id, about)| CaseGroup { id, about, cases: maker.group(id) });
    all.filter(|group| !group.cases.is_empty()).collect()
}
