//! Right once two names are swapped on the right side.

use super::sample::{Point, arrays, near, scalars};
use super::{Looked, confirmed};
use crate::expression::{Expr, variable_at};
use crate::judges::Run;
use crate::number::{Expressions, Float, evaluate};

/// Names that are tried, at most.
const MOST_NAMES: usize = 16;

/// The sentence, if there are such names.
pub(super) fn hint(looked: &Looked, run: &Run) -> Option<String> {
    swaps(looked).into_iter().find_map(|(a, b, swaps)| {
        let swapped = |position: usize| {
            swaps.iter().find_map(|&(i, j)| match position {
                p if p == i => Some(j),
                p if p == j => Some(i),
                _ => None,
            })
        };
        let places: Vec<usize> = (0..looked.pairs.variables.len()).map(|i| swapped(i).unwrap_or(i)).collect();
        let right = |point: &Point| {
            let inputs: Vec<f64> = places.iter().map(|&i| point.inputs[i]).collect();
            let outputs = evaluate(&looked.graph, &mut Float, &inputs);
            let mut sides = looked.pairs.sides().zip(&point.sides);
            sides.all(|((_, r), &(left, _))| matches!(outputs[r], Ok(right) if near(left, right)))
        };
        if !looked.sample.points.iter().all(right) {
            return None;
        }
        let mut again: Option<Vec<Expr>> = None;
        let right_sides: Vec<usize> = looked.pairs.sides().map(|(_, r)| r).collect();
        let amended = looked.amended(|_, k, _| {
            if again.is_none() {
                let inputs: Vec<Expr> = places.iter().map(|&i| variable_at(i)).collect();
                let outputs = evaluate(&looked.graph, &mut Expressions, &inputs);
                again = outputs.into_iter().collect::<Result<_, _>>().ok();
            }
            again.as_ref().map(|outputs| outputs[right_sides[k]])
        })?;
        let sure = confirmed(&[amended], run)?;
        let [_, side] = looked.sides();
        Some(format!("right once {a} and {b} are swapped in {side}{sure}"))
    })
}

/// Two names, and the pairs of positions that change places.
type Swap<'a> = (&'a str, &'a str, Vec<(usize, usize)>);

fn swaps<'a>(looked: &'a Looked) -> Vec<Swap<'a>> {
    let variables = &looked.pairs.variables;
    let mut all = Vec::new();
    let names: Vec<(usize, &str)> = scalars(variables).take(MOST_NAMES).collect();
    for (k, &(i, a)) in names.iter().enumerate() {
        for &(j, b) in &names[k + 1..] {
            if variables[i].domain == variables[j].domain {
                all.push((a, b, vec![(i, j)]));
            }
        }
    }
    let arrays = arrays(variables);
    for (k, (a, of_a)) in arrays.iter().enumerate().take(MOST_NAMES) {
        for (b, of_b) in &arrays[k + 1..] {
            let alike = of_a.len() == of_b.len()
                && of_a.iter().zip(of_b).all(|((p, i), (q, j))| p == q && variables[*i].domain == variables[*j].domain);
            if alike {
                all.push((a, b, of_a.iter().zip(of_b).map(|((_, i), (_, j))| (*i, *j)).collect()));
            }
        }
    }
    all
}
