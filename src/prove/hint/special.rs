//! Right only at a special value: of a name, of a size, or where two names are equal.

use super::sample::{Point, Sample, near, right_or_wrong, scalars};
use super::{AtSize, Looked};
use crate::claim::Domain;
use crate::judges::Run;
use crate::number::{Float, evaluate};
use num_rational::BigRational;

/// The values that a forgotten name usually stands for, the most usual first.
const SPECIAL: [(i64, i64); 7] = [(1, 1), (2, 1), (1, 2), (-1, 1), (3, 1), (4, 1), (1, 4)];

/// Two names are compared with each other when there are at most this many.
const MOST_NAMES: usize = 12;

/// The sentence, if there is such a value.
pub(super) fn value(looked: &Looked, run: &Run) -> Option<String> {
    name(looked, &SPECIAL, run).or_else(|| equal_names(looked, run))
}

/// Right where a name is zero, which much is.
pub(super) fn zero(looked: &Looked, run: &Run) -> Option<String> {
    name(looked, &[(0, 1)], run)
}

/// Right at the sizes before, which differ in one size alone.
pub(super) fn size(looked: &Looked, held: &[AtSize]) -> Option<String> {
    let before = held.last().filter(|before| before.sizes != looked.at.sizes)?;
    let words =
        |sizes: &[(String, i64)]| sizes.iter().map(|(name, n)| format!("{name} = {n}")).collect::<Vec<_>>().join(", ");
    if held.iter().any(|at| at.sizes == looked.at.sizes) {
        return None;
    }
    Some(format!("right for {} and wrong for {}", words(&before.sizes), words(&looked.at.sizes)))
}

fn name(looked: &Looked, values: &[(i64, i64)], run: &Run) -> Option<String> {
    let variables = &looked.pairs.variables;
    values.iter().find_map(|&(numerator, denominator)| {
        let exact = BigRational::new(numerator.into(), denominator.into());
        let value = numerator as f64 / denominator as f64;
        scalars(variables).filter(|&(i, _)| variables[i].domain.contains(&exact)).find_map(|(position, name)| {
            let fits = right_where(looked, |inputs| inputs[position] = value)
                && wrong_where(looked, run, |inputs| inputs[position] != value);
            fits.then(|| format!("right only for {name} = {exact} (at every point tried)"))
        })
    })
}

fn equal_names(looked: &Looked, run: &Run) -> Option<String> {
    let variables = &looked.pairs.variables;
    let real: Vec<(usize, &str)> = scalars(variables)
        .filter(|&(i, _)| !matches!(variables[i].domain, Domain::Whole(_)))
        .take(MOST_NAMES)
        .collect();
    real.iter().enumerate().find_map(|(k, &(i, a))| {
        real[k + 1..].iter().find_map(|&(j, b)| {
            let same = variables[i].domain == variables[j].domain;
            let fits = same
                && right_where(looked, |inputs| inputs[j] = inputs[i])
                && wrong_where(looked, run, |inputs| inputs[j] != inputs[i]);
            fits.then(|| format!("right only for {a} = {b} (at every point tried)"))
        })
    })
}

/// Whether all pairs agree at the points changed in this way, and do not become trivial there.
fn right_where(looked: &Looked, change: impl Fn(&mut Vec<f64>)) -> bool {
    let Sample { points, .. } = &looked.sample;
    let mut trivial = true;
    let right = |point: &Point| {
        let mut inputs = point.inputs.clone();
        change(&mut inputs);
        let outputs = evaluate(&looked.graph, &mut Float, &inputs);
        looked.pairs.sides().all(|(l, r)| match (&outputs[l], &outputs[r]) {
            (Ok(l), Ok(r)) => {
                trivial &= *l == 0.0 && *r == 0.0;
                l.is_finite() && near(*l, *r)
            }
            _ => false,
        })
    };
    points.iter().all(right) && !trivial
}

/// Whether some pair differs at most of some hundred points of this kind: what is right in a whole region is not
/// right at one value alone, and far out sides may come to the same number.
fn wrong_where(looked: &Looked, run: &Run, of: impl Fn(&[f64]) -> bool) -> bool {
    let points = right_or_wrong(&looked.pairs, &looked.graph, run);
    let right = points.iter().filter(|(inputs, right)| *right && of(inputs)).count();
    right * 4 <= points.len()
}
