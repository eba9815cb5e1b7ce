//! Where it is wrong: at a kink, at the boundary of a domain, or on one side of a number.

use super::Looked;
use super::sample::{right_or_wrong, scalars};
use crate::claim::Domain;
use crate::expression::Node;
use crate::judges::{Counterexample, Run};
use crate::number::{Exact, evaluate_nodes};
use num_rational::BigRational;
use num_traits::Zero;

/// Right at all points that were drawn, so that the counterexample is a special point.
pub(super) fn kink_or_boundary(looked: &Looked, counterexample: &Counterexample) -> Option<String> {
    let value = |name: &str| {
        let text = &counterexample.point.iter().find(|(variable, _)| variable == name)?.1;
        text.parse::<BigRational>().ok()
    };
    let variables = &looked.pairs.variables;
    // a variable that the statement does not use has no coordinate
    let point: Vec<BigRational> = variables.iter().map(|v| value(&v.name).unwrap_or_default()).collect();
    let exact = evaluate_nodes(&looked.graph, &mut Exact, &point);
    let kink = looked.graph.nodes().iter().find_map(|node| match node {
        Node::BySign { of, .. } if matches!(&exact[*of as usize], Ok(x) if x.is_zero()) => Some(*of),
        _ => None,
    });
    if let Some(condition) = kink {
        let condition = looked.written(condition).unwrap_or_else(|| "a condition".into());
        return Some(format!("right away from the kink and wrong at it: where {condition} = 0"));
    }
    let at_end = variables.iter().zip(&point).find(|(variable, value)| match variable.domain {
        Domain::NonNegative => value.is_zero(),
        Domain::Within(low, high) => {
            [low, high].iter().any(|&end| BigRational::from_float(end).as_ref() == Some(value))
        }
        _ => false,
    });
    if let Some((variable, value)) = at_end {
        return Some(format!("right inside the domain and wrong at its boundary: where {} = {value}", variable.name));
    }
    None
}

/// A region with fewer of the points says nothing: they may be there by chance.
const FEWEST: usize = 20;

/// Right exactly on one side of 0 or 1 of a name, or of another name.
pub(super) fn region(looked: &Looked, run: &Run) -> Option<String> {
    let points = right_or_wrong(&looked.pairs, &looked.graph, run);
    let right = points.iter().filter(|(_, right)| *right).count();
    if right < FEWEST || points.len() - right < FEWEST {
        return None;
    }
    let parted = |above: &dyn Fn(&[f64]) -> bool| {
        let same = points.iter().all(|(inputs, right)| above(inputs) == *right);
        let opposite = points.iter().all(|(inputs, right)| above(inputs) != *right);
        same.then_some(true).or(opposite.then_some(false))
    };
    let names: Vec<(usize, &str)> = scalars(&looked.pairs.variables).collect();
    for &(i, name) in &names {
        for bound in [0.0, 1.0] {
            if let Some(above) = parted(&|inputs| inputs[i] > bound) {
                let [good, bad] = if above { [">", "<"] } else { ["<", ">"] };
                return Some(format!(
                    "right where {name} {good} {bound} and wrong where {name} {bad} {bound} (at every point tried)"
                ));
            }
        }
    }
    for (k, &(i, a)) in names.iter().enumerate() {
        for &(j, b) in &names[k + 1..] {
            if let Some(above) = parted(&|inputs| inputs[i] > inputs[j]) {
                let [good, bad] = if above { [">", "<"] } else { ["<", ">"] };
                return Some(format!(
                    "right where {a} {good} {b} and wrong where {a} {bad} {b} (at every point tried)"
                ));
            }
        }
    }
    None
}
