//! One run of an optimizer: the parameters that it starts from, and the gradients and rates of its steps.

use super::config::Config;
use serde_json::{Map, Value, json};

/// A tensor's numbers in row-major order, with its shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The sizes of its dimensions; none for a single number.
    pub shape: Vec<usize>,
    /// As many numbers as the product of the sizes.
    pub values: Vec<f64>,
}

/// What a step is given.
#[derive(Clone, Debug, PartialEq)]
pub struct StepInput {
    /// η of this step, for each parameter group.
    pub rates: Vec<f64>,
    /// A gradient for each tensor, or none.
    pub gradients: Vec<Option<Tensor>>,
    /// For Sophia, an estimate of the Hessian's diagonal for each tensor, where it is refreshed.
    pub hessians: Vec<Option<Tensor>>,
}

/// Tensors with a rate and a decay of their own.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Which tensors.
    pub tensors: Vec<usize>,
    /// Their η is that of the step, times this: a power of two.
    pub rate_factor: f64,
    /// Their λ.
    pub weight_decay: f64,
}

/// What a case asks for beyond steps with gradients. A subject without it is not held to it.
#[derive(Clone, Debug, PartialEq)]
pub enum Feature {
    /// Nothing.
    None,
    /// Parameter groups.
    Groups(Vec<Group>),
    /// The objective is maximized: the gradient's opposite is used.
    Maximize,
    /// The optimizer is saved after this many steps, and a new one goes on from what was saved.
    Resume(usize),
}

/// One run of an optimizer.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// `adamw/late-gradient/1`; stable within a minor version of this crate.
    pub id: String,
    /// What is asked for beyond steps.
    pub feature: Feature,
    pub(super) shapes: Vec<Vec<usize>>,
    pub(super) input: Value,
    pub(super) plain: Map<String, Value>,
}

/// Some tensors of a case as an input of the formula.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub tensors: Vec<usize>,
    pub input: Value,
}

impl Case {
    /// The hyperparameters.
    pub fn config(&self) -> Config {
        Config::new(&self.plain, &self.input)
    }

    /// The parameters at the start.
    pub fn params(&self) -> Vec<Tensor> {
        let numbers = self.input["params"].as_array().map_or(&[][..], |list| list);
        let tensor = |(shape, values): (&Vec<usize>, &Value)| tensor(shape, values);
        self.shapes.iter().zip(numbers).map(tensor).collect()
    }

    /// The steps, in order.
    pub fn steps(&self) -> Vec<StepInput> {
        let lists = |name: &str, step: usize| -> Vec<Option<Tensor>> {
            let of_step = self.input.get(name).and_then(|steps| steps.get(step)).and_then(Value::as_array);
            let optional = |(shape, values): (&Vec<usize>, &Value)| (!values.is_null()).then(|| tensor(shape, values));
            of_step.map_or(vec![None; self.shapes.len()], |list| self.shapes.iter().zip(list).map(optional).collect())
        };
        let count = self.input["gradients"].as_array().map_or(0, Vec::len);
        let step = |k: usize| {
            let rate = number(self.input["lr"].get(k).unwrap_or(&self.input["lr"]));
            let rates = match &self.feature {
                Feature::Groups(groups) => groups.iter().map(|group| rate * group.rate_factor).collect(),
                _ => vec![rate],
            };
            StepInput { rates, gradients: lists("gradients", k), hessians: lists("hessians", k) }
        };
        (0..count).map(step).collect()
    }

    /// The inputs of the formula that the case comes to: one, or one for each parameter group.
    pub(super) fn parts(&self) -> Vec<Part> {
        let all = (0..self.shapes.len()).collect();
        match &self.feature {
            Feature::None | Feature::Resume(_) => vec![Part { tensors: all, input: self.input.clone() }],
            Feature::Maximize => {
                let mut input = self.input.clone();
                for (place, x) in crate::json::numbers(&self.input["gradients"]) {
                    if let Some(at) = input["gradients"].pointer_mut(&place) {
                        *at = json!(-x);
                    }
                }
                vec![Part { tensors: all, input }]
            }
            Feature::Groups(groups) => groups.iter().map(|group| self.part_of(group)).collect(),
        }
    }

    fn part_of(&self, group: &Group) -> Part {
        let chosen = |list: &Value| group.tensors.iter().map(|&i| list[i].clone()).collect::<Value>();
        let chosen_each = |steps: &Value| steps.as_array().map_or(&[][..], |s| s).iter().map(chosen).collect::<Value>();
        let mut input = self.input.clone();
        input["params"] = chosen(&self.input["params"]);
        input["gradients"] = chosen_each(&self.input["gradients"]);
        if self.input.get("hessians").is_some() {
            input["hessians"] = chosen_each(&self.input["hessians"]);
        }
        let scaled = |rate: &Value| json!(number(rate) * group.rate_factor);
        input["lr"] = match &self.input["lr"] {
            Value::Array(rates) => rates.iter().map(scaled).collect(),
            rate => scaled(rate),
        };
        input["weight_decay"] = json!(group.weight_decay);
        Part { tensors: group.tensors.clone(), input }
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn tensor(shape: &[usize], values: &Value) -> Tensor {
    let values = values.as_array().map_or(&[][..], |list| list).iter().map(number).collect();
    Tensor { shape: shape.to_vec(), values }
}
