//! The two sides as enclosures, at random points.

use super::point;
use super::search::{Tried, counterexample_at, try_point};
use super::{Finding, Opinion, Pairs};
use crate::claim::Instance;
use crate::number::{Rounded, Rounding, evaluate, ulps_between};
use num_rational::BigRational;
use rand_chacha::ChaCha8Rng;

/// A case says nothing when the enclosures are wider than this part of the larger side; it is
/// about three decimal digits.
const WIDEST: f64 = 1e-3;

/// Compares the sides of every pair at random points.
pub fn decide(instance: &Instance, cases: usize, rng: &mut ChaCha8Rng) -> Finding {
    let pairs = Pairs::of(instance);
    let mut informative = 0;
    let mut worst: f64 = 0.0;
    let mut reason = None;
    let count = cases_for(cases, pairs.graph.nodes().len());
    for _ in 0..count {
        let x = point::random(&pairs.variables, rng);
        let inputs: Vec<Rounded> = x.iter().map(|&x| Rounded::exact(x)).collect();
        match try_point(&pairs, &inputs) {
            Tried::Violates => {
                let exact: Option<Vec<BigRational>> = x.iter().map(|&x| BigRational::from_float(x)).collect();
                if let Some(found) = exact.and_then(|exact| counterexample_at(&pairs, &exact)) {
                    return Finding { opinion: Opinion::Refutes(found), cases: informative + 1, worst_ulp: None };
                }
            }
            Tried::Holds(distance) => {
                if let Some(distance) = distance {
                    worst = worst.max(distance);
                }
                informative += 1;
            }
            Tried::OutsideAssumptions | Tried::Unclear => {}
            Tried::Abstains(why) => reason = Some(why.to_string()),
        }
    }
    if informative == 0 {
        return Finding::abstains(reason.unwrap_or_else(|| "no point at which the enclosures say anything".into()));
    }
    Finding { opinion: Opinion::Agrees, cases: informative, worst_ulp: Some(worst) }
}

/// Fewer points for large graphs, so that every instance takes about the same time.
pub(super) fn cases_for(cases: usize, nodes: usize) -> usize {
    // a graph of 200 operations gets all cases
    (cases * 200 / nodes.max(200)).max(8).min(cases.max(1))
}

/// Whether two enclosures are narrow enough to say that they agree, and how far they are apart.
pub(super) fn agreement(left: Rounded, right: Rounded) -> Option<f64> {
    let size = left.value.abs().max(right.value.abs());
    let width = left.bound + right.bound;
    (width <= WIDEST * size || width == 0.0).then(|| ulps_between(left.value, right.value))
}

/// Interprets a statement on enclosures.
pub(super) fn enclose(pairs: &Pairs, inputs: &[Rounded]) -> Vec<crate::number::Outcome<Rounded>> {
    evaluate(&pairs.graph, &mut { Rounding::F64 }, inputs)
}
