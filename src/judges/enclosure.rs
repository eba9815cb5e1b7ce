//! The two sides as enclosures: over a whole box of values, or at random points.

use super::boxes::{self, Covered};
use super::point;
use super::search::{self, Tried, counterexample_at, try_point};
use super::{Finding, Opinion, Pairs, Run, Strength, precise, simpler};
use crate::claim::{Instance, Relation};
use crate::number::{Deadline, Rounded, Rounding, evaluate, ulps_between};
use num_rational::BigRational;
use rand_chacha::ChaCha8Rng;

/// A case says nothing when the enclosures are wider than this part of the larger side: of 16 digits
/// ten are left.
pub(super) const WIDEST: f64 = 1e-10;

/// Proves an inequality over a box, or compares the sides of every pair at random points.
pub fn decide(instance: &Instance, run: &Run, rng: &mut ChaCha8Rng) -> Finding {
    let pairs = Pairs::of(instance);
    let part = match boxes::cover(&pairs, run.deadline) {
        Some(Covered::Everywhere(boxes)) => {
            return Finding::of(Opinion::Proves { strength: Strength::OverTheBox, condition: None }, boxes);
        }
        Some(Covered::Part(part)) => Some(part),
        None => None,
    };
    let mut informative = 0;
    let mut worst: f64 = 0.0;
    let mut reason = None;
    let count = cases_for(run.cases, pairs.graph.nodes().len());
    for _ in 0..count {
        if run.deadline.has_passed() {
            reason = Some(Deadline::REASON.into());
            break;
        }
        let x = point::random(&pairs.variables, rng);
        let inputs: Vec<Rounded> = x.iter().map(|&x| Rounded::exact(x)).collect();
        match try_point(&pairs, &inputs) {
            Tried::Violates => {
                let exact: Option<Vec<BigRational>> = x.iter().map(|&x| BigRational::from_float(x)).collect();
                let is_false =
                    |point: &[BigRational]| !run.deadline.has_passed() && search::is_false(&pairs, point, run.deadline);
                let simplified = |exact| simpler::simplest(exact, &pairs.variables, is_false);
                let simple = if run.simplest { exact.map(simplified) } else { exact };
                if let Some(found) = simple.and_then(|point| counterexample_at(&pairs, &point, run.deadline)) {
                    return Finding {
                        opinion: Opinion::Refutes(found),
                        cases: informative + 1,
                        worst_ulp: None,
                        part: None,
                    };
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
    if informative == 0
        && run.more_bits
        && let Some(finding) = in_more_bits(&pairs, run, rng)
    {
        return finding;
    }
    if informative == 0 {
        return Finding::abstains(reason.unwrap_or_else(|| "no point at which the enclosures say anything".into()));
    }
    Finding { opinion: Opinion::Agrees, cases: informative, worst_ulp: Some(worst), part }
}

/// Random points, where those of f64 say nothing.
fn in_more_bits(pairs: &Pairs, run: &Run, rng: &mut ChaCha8Rng) -> Option<Finding> {
    let mut held = 0;
    for _ in 0..precise::affordable(pairs) {
        let x = point::random(&pairs.variables, rng);
        let exact: Vec<BigRational> = x.iter().map(|&x| BigRational::from_float(x)).collect::<Option<_>>()?;
        match precise::try_point(pairs, &exact, run.deadline) {
            Tried::Violates => {
                let found = counterexample_at(pairs, &exact, run.deadline)?;
                return Some(Finding {
                    opinion: Opinion::Refutes(found),
                    cases: held + 1,
                    worst_ulp: None,
                    part: None,
                });
            }
            Tried::Holds(_) => held += 1,
            _ => {}
        }
    }
    // so few points say little of an inequality that holds at them
    let says = held > 0 && pairs.relation == Relation::Equal;
    says.then_some(Finding { opinion: Opinion::Agrees, cases: held, worst_ulp: None, part: None })
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
