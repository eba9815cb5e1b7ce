//! Somebody's output beside the right one, within what a dtype's rounding explains.

use crate::budget::{Budget, Starts};
use crate::catalog;
use crate::error::Result;
use crate::expression::derivative::with_gradient;
use crate::expression::{Graph, Node};
use crate::formula::{Defined, Formula};
use crate::json;
use crate::number::{Dtype, Float, RunningError, evaluate, ulp};
use serde_json::Value;

/// What an implementation's output at an input is held to.
#[derive(Clone, Debug)]
pub struct Reference {
    /// The right output.
    pub right: Value,
    /// How far from it a correct implementation may be.
    pub budget: Budget,
    textbook: Vec<Defined>,
    starts: Starts,
    dtype: Dtype,
}

/// One number of an output.
#[derive(Clone, Debug)]
pub struct Compared {
    /// Where it stands in the output, as a JSON pointer.
    pub place: String,
    /// What was found.
    pub found: f64,
    /// What is right.
    pub right: f64,
    /// How far a correct implementation may be, or why nothing is promised.
    pub allowed: std::result::Result<f64, String>,
}

impl Compared {
    /// |found − right|; infinite where only one of them is finite, 0 where they are alike.
    pub fn error(&self) -> f64 {
        if self.found == self.right || (self.found.is_nan() && self.right.is_nan()) {
            return 0.0;
        }
        let distance = (self.found - self.right).abs();
        if distance.is_nan() { f64::INFINITY } else { distance }
    }

    /// Whether a digit is promised: the bound is smaller than the value, or nothing may differ.
    pub fn promises_a_digit(&self) -> bool {
        self.allowed.as_ref().is_ok_and(|&allowed| allowed < self.right.abs() || allowed == 0.0)
    }

    /// The error as a part of what is allowed, where anything is.
    pub fn ratio(&self) -> Option<f64> {
        let allowed = *self.allowed.as_ref().ok()?;
        let error = self.error();
        Some(if error == 0.0 { 0.0 } else { error / allowed })
    }

    /// Whether the error is more than a correct implementation can have.
    pub fn exceeds(&self) -> bool {
        self.ratio().is_some_and(|ratio| ratio > 1.0)
    }
}

impl Reference {
    /// The right output of a formula at an input with its budget.
    ///
    /// # Errors
    /// If the input is unusable.
    pub fn of(formula: &Formula, input: &Value, arithmetic: RunningError, starts: Starts) -> Result<Reference> {
        let right = catalog::evaluate(formula.id, input.clone())?;
        let textbook = (formula.textbook)(input, &right)?;
        let budget = Budget::of(&textbook, arithmetic, starts);
        Ok(Reference { right, budget, textbook, starts, dtype: arithmetic.tensor })
    }

    /// Compares the numbers of an output. Only places that `found` has are compared, so that an
    /// implementation may report less.
    pub fn compare(&self, found: &Value) -> Vec<Compared> {
        let compared = json::numbers(found).into_iter().filter_map(|(place, found)| {
            let right = self.right.pointer(&place).and_then(json::real_of)?;
            let allowed = match self.budget.at(&place) {
                None => Err("the textbook algorithm does not say".to_string()),
                Some(Err(reason)) => Err(reason.to_string()),
                Some(Ok(_)) if !right.is_finite() => Err("the right value is past the range".to_string()),
                Some(Ok(promise)) => {
                    // the rounding of the right value, and along a trajectory that of its states
                    let own = if self.starts == Starts::Carried { promise.enclosure } else { 0.0 };
                    Ok(promise.bound + own + ulp(right) / 2.0)
                }
            };
            Some(Compared { place, found, right, allowed })
        });
        compared.collect()
    }

    /// The error that the conditioning of a place explains, where it does not explain this one:
    /// a backward stable algorithm moves every input, and the output, by no more than the relative
    /// roundings on the longest way through it.
    pub fn unexplained(&self, compared: &Compared) -> Option<f64> {
        let at = |defined: &&Defined| defined.places.contains(&compared.place);
        let explained = self.textbook.iter().filter(at).filter_map(|defined| {
            let of = defined.places.iter().position(|p| *p == compared.place)?;
            let roundings = longest_way(&defined.graph, of) * self.dtype.unit();
            let output = roundings * compared.right.abs() + self.dtype.smallest();
            if compared.error() <= output {
                return Some(f64::INFINITY);
            }
            Some(output + roundings * moved_by_inputs(defined, of)?)
        });
        explained.reduce(f64::max).filter(|&explained| compared.error() > explained)
    }
}

/// Σ |x ∂f/∂x| over the inputs of an output.
fn moved_by_inputs(defined: &Defined, of: usize) -> Option<f64> {
    let wrt: Vec<usize> = (0..defined.inputs.len()).collect();
    let outputs = defined.graph.outputs().len();
    let graph = with_gradient(&defined.graph, of, &wrt);
    let values = evaluate(&graph, &mut Float, &defined.values().collect::<Vec<_>>());
    let moved = defined.values().zip(&values[outputs..]).map(|(x, slope)| slope.as_ref().ok().map(|d| (x * d).abs()));
    moved.sum::<Option<f64>>().filter(|x| x.is_finite())
}

/// The roundings on the longest way from an input to an output: a sum of n terms has n − 1.
fn longest_way(graph: &Graph, output: usize) -> f64 {
    let mut ways: Vec<f64> = Vec::with_capacity(graph.nodes().len());
    for node in graph.nodes() {
        let mut longest: f64 = 0.0;
        node.for_each_operand(|x| longest = longest.max(ways[x as usize]));
        let own = match node {
            Node::Variable(_) | Node::Constant(_) | Node::Negation(_) | Node::Maximum(_) | Node::BySign { .. } => 0.0,
            Node::Sum(terms) => (terms.len() - 1) as f64,
            Node::Power(_, n) => f64::from(n.unsigned_abs().max(2).ilog2() + 1),
            _ => 1.0,
        };
        ways.push(longest + own);
    }
    ways[graph.outputs()[output] as usize]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reference(input: &Value, dtype: Dtype) -> Reference {
        let formula = catalog::formula("cross-entropy").unwrap();
        Reference::of(formula, input, RunningError::of(dtype), Starts::Reported).unwrap()
    }

    #[test]
    fn an_error_that_cancellation_brings_is_within_the_budget_but_not_explained() {
        // the textbook's log-sum-exp loses the loss of a target that is 40 above the rest
        let reference = reference(&json!({ "logits": [[40.0, 0.0, 1.0]], "targets": [0] }), Dtype::F64);
        let compared = reference.compare(&json!({ "loss": 0.0 }));
        assert!(!compared[0].exceeds() && !compared[0].promises_a_digit());
        let explained = reference.unexplained(&compared[0]).unwrap();
        assert!(explained < 1e-10 * compared[0].right);
    }

    #[test]
    fn a_wrong_value_exceeds_and_the_right_one_does_not() {
        let reference = reference(&json!({ "logits": [[0.5, 0.0, 1.0]], "targets": [0] }), Dtype::F32);
        let right = reference.right.clone();
        assert!(reference.compare(&right).iter().all(|c| !c.exceeds() && c.error() == 0.0));
        let wrong = reference.compare(&json!({ "loss": right["loss"].as_f64().unwrap() * 1.00001 }));
        assert!(wrong[0].exceeds() && wrong[0].promises_a_digit());
        let missing = reference.compare(&json!({ "loss": "NaN", "gradient": [[0.0, "Infinity"]] }));
        assert!(missing.iter().all(Compared::exceeds));
    }
}
