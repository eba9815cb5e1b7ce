//! Somebody's output beside the oracle's, within what a dtype's rounding explains.

use crate::budget::{Budget, Starts};
use crate::catalog;
use crate::error::Result;
use crate::expression::{Graph, Node, derivative::with_gradient};
use crate::formula::{Defined, Formula};
use crate::json;
use crate::number::{Dtype, Float, RunningError, evaluate, nearest, ulp};
use serde_json::Value;

/// One number of an output.
#[derive(Clone, Debug)]
pub struct Compared {
    /// Where it stands in the output, as a JSON pointer.
    pub place: String,
    /// What was found.
    pub found: f64,
    /// The oracle's.
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

/// Compares the numbers of an output in a dtype with the oracle's. Only places that `found` has are
/// compared, so that a subject may report less than the oracle.
///
/// # Errors
/// If the input is unusable.
pub fn compare(
    formula: &Formula,
    input: &Value,
    found: &Value,
    arithmetic: RunningError,
    starts: Starts,
) -> Result<Vec<Compared>> {
    let mut right = catalog::evaluate(formula.id, input.clone())?;
    if arithmetic.tensor == Dtype::F64 && starts == Starts::Reported {
        // within a few ulp the oracle is no judge of an implementation in its own format
        correct(formula, input, &mut right)?;
    }
    let budget = Budget::of(formula, input, &right, arithmetic, starts)?;
    let compared = json::numbers(found).into_iter().filter_map(|(place, found)| {
        let right = right.pointer(&place).and_then(json::real_of)?;
        let allowed = match budget.at(&place) {
            None => Err("the textbook algorithm does not say".to_string()),
            Some(Err(reason)) => Err(reason.to_string()),
            Some(Ok(_)) if !right.is_finite() => Err("the right value is past the range".to_string()),
            Some(Ok(promise)) => {
                // the oracle's own rounding, and along a trajectory that of its states
                let oracle = if starts == Starts::Carried { promise.enclosure } else { 0.0 };
                Ok(promise.bound + oracle + ulp(right) / 2.0)
            }
        };
        Some(Compared { place, found, right, allowed })
    });
    Ok(compared.collect())
}

/// Replaces an oracle's output by the correctly rounded values of the definition, where it has them.
/// An optimizer's steps start from the states in the output.
///
/// # Errors
/// If the input is unusable.
pub fn correct(formula: &Formula, input: &Value, output: &mut Value) -> Result<()> {
    for defined in (formula.definition)(input, &output.clone(), None)? {
        let values = nearest(&defined.graph, &defined.values().collect::<Vec<_>>());
        for (place, value) in defined.places.iter().zip(values) {
            if let (Some(at), Ok(value)) = (output.pointer_mut(place), value) {
                *at = json::number(value);
            }
        }
    }
    Ok(())
}

/// How much of an error at a place a backward stable algorithm could have: every input of the
/// definition moved by the relative roundings on the longest way to the output, and the output by
/// them too. `None` where no derivative has a value.
pub fn explained_by_conditioning(
    formula: &Formula,
    input: &Value,
    output: &Value,
    place: &str,
    dtype: Dtype,
) -> Result<Option<f64>> {
    let all = (formula.textbook)(input, output)?;
    let of_place = |defined: &Defined| {
        let of = defined.places.iter().position(|p| p == place)?;
        let roundings = longest_way(&defined.graph, of) * dtype.unit();
        let wrt: Vec<usize> = (0..defined.inputs.len()).collect();
        let outputs = defined.graph.outputs().len();
        let graph = with_gradient(&defined.graph, of, &wrt);
        let values = evaluate(&graph, &mut Float, &defined.values().collect::<Vec<_>>());
        let value = values[of].as_ref().ok()?.abs();
        let moved = defined.values().zip(&values[outputs..]).map(|(x, slope)| match slope {
            Ok(slope) => Some((x * slope).abs()),
            Err(_) => None,
        });
        let moved: f64 = moved.sum::<Option<f64>>()?;
        Some(roundings * (moved + value)).filter(|x| x.is_finite())
    };
    Ok(all.iter().find_map(of_place))
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
