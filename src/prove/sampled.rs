//! What a few points say of a statement before it is judged.

use crate::claim::Instance;
use crate::judges::point;
use crate::number::{Rounded, Rounding, evaluate_part};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Points at which something is to be 0, or outside the assumptions, to be so everywhere.
const POINTS: usize = 12;

/// Points that are tried for one within the assumptions.
const MOST_POINTS: usize = 4000;

/// Some points of a statement.
pub(super) fn points(instance: &Instance, count: usize) -> impl Iterator<Item = Vec<Rounded>> {
    // the same at every call: what is told of a text does not change from run to run
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    (0..count).map(move |_| {
        point::random(&instance.variables, &mut rng).into_iter().map(Rounded::exact).collect::<Vec<Rounded>>()
    })
}

/// Of the outputs from one on, the first that is 0 at every point where it has a value.
pub(super) fn zero_everywhere(instance: &Instance, first: usize) -> Option<usize> {
    let wanted: Vec<usize> = (first..instance.graph.outputs().len()).collect();
    let mut zero = vec![0usize; wanted.len()];
    let mut other = vec![false; wanted.len()];
    for inputs in points(instance, POINTS) {
        let values = evaluate_part(&instance.graph, &mut { Rounding::F64 }, &inputs, &wanted);
        for (i, value) in values.iter().enumerate() {
            match value {
                Ok(x) if x.excludes_zero() => other[i] = true,
                Ok(_) => zero[i] += 1,
                Err(_) => {}
            }
        }
        if other.iter().all(|&other| other) {
            return None;
        }
    }
    (0..wanted.len()).find(|&i| !other[i] && zero[i] > 0)
}

/// Whether some point is within the assumptions, as far as points tell.
pub(super) fn meets_its_assumptions(instance: &Instance) -> bool {
    let assumed: Vec<usize> = (0..instance.assumptions).collect();
    if assumed.is_empty() {
        return true;
    }
    points(instance, MOST_POINTS).any(|inputs| {
        let values = evaluate_part(&instance.graph, &mut { Rounding::F64 }, &inputs, &assumed);
        values.iter().all(|value| matches!(value, Ok(x) if x.low() > 0.0))
    })
}
