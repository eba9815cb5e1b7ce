//! Computations of real size, compared in full: a batch of logits over a vocabulary, and a step of
//! AdamW over millions of parameters.

use crate::budget::Starts;
use crate::cases;
use crate::catalog;
use crate::comparison::Reference;
use crate::json;
use crate::number::{Dtype, RunningError, evaluate, ulp};
use crate::optimizers::adamw::{self, Hyperparameters};
use crate::optimizers::state::{Problem, TensorState};
use crate::recording::{Element, Large};
use crate::survey::Worst;
use crate::torch;
use crate::torch::error::Result;
use crate::torch::steps::{Given, Kept};
use crate::torch::{Placement, adam, tensors};
use rayon::prelude::*;
use serde_json::{Value, json};

/// Rows and classes: the vocabulary of Qwen 2.
const LOGITS: (usize, usize) = (4, 151_936);
/// Parameters of one tensor.
const PARAMETERS: usize = 10_000_000;
/// The rate, and the steps that were made before.
const RATE: f64 = 1e-3;
const STEP: u64 = 9;
/// Parameters that are compared at once.
const BLOCK: usize = 1 << 14;
/// Elements that are kept: those with the largest part of their budget.
const KEPT: usize = 5;

/// What was compared so far.
struct Tally {
    numbers: u64,
    exceeded: u64,
    worst_ulps: Worst,
    worst_ratio: Worst,
    elements: Vec<(f64, Element)>,
}

impl Tally {
    fn new() -> Tally {
        Tally {
            numbers: 0,
            exceeded: 0,
            worst_ulps: Worst::default(),
            worst_ratio: Worst::default(),
            elements: Vec::new(),
        }
    }

    /// One number, with `allowed` where anything is promised; `element` describes it if it is kept.
    fn add(&mut self, dtype: Dtype, (found, right): (f64, f64), allowed: Option<f64>, element: impl Fn() -> Element) {
        self.numbers += 1;
        let Some(allowed) = allowed else { return };
        let ratio = if found == right { 0.0 } else { (found - right).abs() / allowed };
        self.exceeded += u64::from(ratio.is_nan() || ratio > 1.0);
        let ulps = dtype.ulps_between(found, right);
        let least = self.elements.last().map_or(0.0, |(least, _)| *least);
        if ulps > self.worst_ulps.value && allowed < right.abs() {
            self.worst_ulps = Worst { value: ulps, at: element().place };
        }
        if ratio > self.worst_ratio.value {
            self.worst_ratio = Worst { value: ratio, at: element().place };
        }
        if self.elements.len() < KEPT || ratio > least {
            self.keep(ratio, element());
        }
    }

    fn keep(&mut self, ratio: f64, element: Element) {
        self.elements.push((ratio, element));
        self.elements.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        self.elements.truncate(KEPT);
    }

    fn merge(mut self, other: Tally) -> Tally {
        self.numbers += other.numbers;
        self.exceeded += other.exceeded;
        if other.worst_ulps.value > self.worst_ulps.value {
            self.worst_ulps = other.worst_ulps;
        }
        if other.worst_ratio.value > self.worst_ratio.value {
            self.worst_ratio = other.worst_ratio;
        }
        other.elements.into_iter().for_each(|(ratio, element)| self.keep(ratio, element));
        self
    }

    fn large(self, formula: &str, size: String, checksum: u32) -> Large {
        Large {
            formula: formula.into(),
            size,
            numbers: self.numbers,
            checksum: format!("crc32 {checksum:08x}"),
            worst_ulps: self.worst_ulps,
            worst_ratio: self.worst_ratio,
            exceeded: self.exceeded,
            worst_elements: self.elements.into_iter().map(|(_, element)| element).collect(),
        }
    }
}

/// The checksum of numbers: CRC-32 of their f64 bits, little-endian.
fn checksum<'a>(numbers: impl IntoIterator<Item = &'a f64>) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    numbers.into_iter().for_each(|x| hasher.update(&x.to_le_bytes()));
    hasher.finalize()
}

/// Cross-entropy of 4 rows over 151,936 classes, with its gradient.
pub(super) fn cross_entropy(placement: Placement, dtype: Dtype) -> Result<Large> {
    let (rows, classes) = LOGITS;
    let round = |x: f64| json::number(dtype.round(x));
    let logits: Vec<Value> = (0..rows)
        .map(|row| cases::numbers(&format!("logits {row}"), classes, 6.0).into_iter().map(round).collect())
        .collect();
    let targets: Vec<usize> = (0..rows).map(|row| row * 37_951 + 11).collect();
    let input = json!({ "logits": logits, "targets": targets });
    let found = torch::evaluate("cross-entropy", &input, placement)?;
    let formula = catalog::formula("cross-entropy")?;
    let reference = Reference::of(formula, &input, RunningError::of(dtype), Starts::Reported)?;
    let mut tally = Tally::new();
    let compared = reference.compare(&found);
    for one in &compared {
        let element = || Element { place: one.place.clone(), input: Value::Null, found: one.found, right: one.right };
        tally.add(dtype, (one.found, one.right), one.allowed.as_ref().ok().copied(), element);
    }
    let sum = checksum(compared.iter().map(|one| &one.found));
    Ok(tally.large(formula.id, format!("{rows} × {classes} logits"), sum))
}

/// One step of AdamW over ten million parameters, from a state at step 9.
pub(super) fn adamw(placement: Placement, dtype: Dtype) -> Result<Large> {
    let hyper = Hyperparameters::default();
    let list = |name: &str, size: f64| -> Vec<f64> {
        cases::numbers(name, PARAMETERS, size).into_iter().map(|x| dtype.round(x)).collect()
    };
    let (theta, g, m) = (list("theta", 1.0), list("g", 0.1), list("m", 0.1));
    let v: Vec<f64> = cases::numbers("v", PARAMETERS, 0.1).into_iter().map(|x| dtype.round(x * x)).collect();
    let problem = |at: std::ops::Range<usize>| Problem {
        params: vec![theta[at.clone()].to_vec()],
        gradients: vec![vec![Some(g[at.clone()].to_vec())]],
        rates: vec![RATE],
        state: vec![TensorState { step: STEP, moments: vec![m[at.clone()].to_vec(), v[at].to_vec()] }],
        hyper,
    };
    let mut kept =
        Kept { theta: placement.vector(&theta)?, moments: vec![placement.vector(&m)?, placement.vector(&v)?] };
    let given =
        Given { g: placement.vector(&g)?, t: STEP + 1, first: false, eta: RATE, eta_1: RATE, step: 0, tensor: 0 };
    adam::adamw_step(hyper, &mut kept, &given)?;
    let found = [&kept.theta, &kept.moments[0], &kept.moments[1]].map(tensors::numbers);
    let found = found.into_iter().collect::<std::result::Result<Vec<_>, _>>()?;
    // one element's graph serves for all of them: only its numbers change
    let one = json!({
        "params": [[1.0]], "gradients": [[[1.0]]], "lr": RATE,
        "state": [{ "step": STEP, "m": [1.0], "v": [1.0] }],
    });
    let template = (catalog::formula("adamw")?.textbook)(&one, &Value::Null)?;
    let arithmetic = RunningError::of(dtype);
    let block = |first: usize| -> Result<Tally> {
        let at = first..PARAMETERS.min(first + BLOCK);
        let right = adamw::oracle(&problem(at.clone()))?;
        let right = [&right[0].params[0], &right[0].state[0].moments[0], &right[0].state[0].moments[1]];
        let mut tally = Tally::new();
        for i in at {
            let mut bounds: [Option<f64>; 3] = [Some(0.0); 3];
            for defined in &template {
                let value = |name: &String, given: f64| match name.as_str() {
                    "theta" => theta[i],
                    "g" => g[i],
                    "m" => m[i],
                    "v" => v[i],
                    _ => given,
                };
                let names = defined.graph.variables().iter().zip(&defined.inputs);
                let inputs: Vec<_> =
                    names.map(|(name, given)| arithmetic.given(value(name, given.value), given.role)).collect();
                for (bound, output) in bounds.iter_mut().zip(evaluate(&defined.graph, &mut { arithmetic }, &inputs)) {
                    *bound = bound.zip(output.ok()).map(|(worst, x)| worst.max(x.bound));
                }
            }
            for (k, name) in ["params", "m", "v"].into_iter().enumerate() {
                let (found, right) = (found[k][i], right[k][i - first]);
                let element = || Element {
                    place: format!("/steps/0/{name}/0/{i}"),
                    input: json!({ "theta": theta[i], "g": g[i], "m": m[i], "v": v[i] }),
                    found,
                    right,
                };
                tally.add(dtype, (found, right), bounds[k].map(|bound| bound + ulp(right) / 2.0), element);
            }
        }
        Ok(tally)
    };
    let blocks: Vec<usize> = (0..PARAMETERS).step_by(BLOCK).collect();
    let tally = blocks.into_par_iter().map(block).try_reduce(Tally::new, |a, b| Ok(a.merge(b)))?;
    Ok(tally.large("adamw", format!("{PARAMETERS} parameters"), checksum(found.iter().flatten())))
}
