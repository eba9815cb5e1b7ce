//! The two sides as enclosures: over a whole box of values, or at random points.

use super::point;
use super::search::{self, Tried, counterexample_at, try_point};
use super::{Finding, Opinion, Pairs, Run, Strength, precise, simpler};
use crate::claim::{Domain, Instance, Relation};
use crate::number::{Deadline, Rounded, Rounding, evaluate, ulps_between};
use num_rational::BigRational;
use rand_chacha::ChaCha8Rng;

/// A case says nothing when the enclosures are wider than this part of the larger side: of 16 digits
/// ten are left.
pub(super) const WIDEST: f64 = 1e-10;

/// More boxes are not tried: about a second for a graph of 100 operations.
const MOST_BOXES: u64 = 100_000;

/// Proves an inequality over a box, or compares the sides of every pair at random points.
pub fn decide(instance: &Instance, run: &Run, rng: &mut ChaCha8Rng) -> Finding {
    let pairs = Pairs::of(instance);
    if let Some(boxes) = proved_over_box(&pairs, run.deadline) {
        return Finding::of(Opinion::Proves { strength: Strength::OverTheBox, condition: None }, boxes);
    }
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
    if informative == 0
        && run.more_bits
        && let Some(finding) = in_more_bits(&pairs, run, rng)
    {
        return finding;
    }
    if informative == 0 {
        return Finding::abstains(reason.unwrap_or_else(|| "no point at which the enclosures say anything".into()));
    }
    Finding { opinion: Opinion::Agrees, cases: informative, worst_ulp: Some(worst) }
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
                return Some(Finding { opinion: Opinion::Refutes(found), cases: held + 1, worst_ulp: None });
            }
            Tried::Holds(_) => held += 1,
            _ => {}
        }
    }
    // so few points say little of an inequality that holds at them
    let says = held > 0 && pairs.relation == Relation::Equal;
    says.then_some(Finding { opinion: Opinion::Agrees, cases: held, worst_ulp: None })
}

/// The boxes that prove an inequality over all values of its variables, if it has bounds for each
/// and no more boxes are needed than [`MOST_BOXES`].
fn proved_over_box(pairs: &Pairs, deadline: Deadline) -> Option<u64> {
    let bounds = |v: &crate::claim::Variable| match v.domain {
        Domain::Between(low, high) | Domain::Within(low, high) => Some((low, high)),
        _ => None,
    };
    if pairs.assumptions > 0 || !matches!(pairs.relation, Relation::AtLeast | Relation::Greater) {
        return None;
    }
    let whole: Vec<(f64, f64)> = pairs.variables.iter().map(bounds).collect::<Option<_>>()?;
    let mut open = vec![whole];
    let mut boxes = 0;
    while let Some(cell) = open.pop() {
        boxes += 1;
        let inputs: Vec<Rounded> = cell.iter().map(|&(low, high)| Rounded::between(low, high)).collect();
        match try_point(pairs, &inputs) {
            Tried::Holds(_) => continue,
            Tried::Violates => return None,
            _ if boxes > MOST_BOXES || deadline.has_passed() => return None,
            _ => {}
        }
        let widest = (0..cell.len()).max_by(|&i, &j| width(cell[i]).total_cmp(&width(cell[j])))?;
        let (low, high) = cell[widest];
        let middle = low * 0.5 + high * 0.5;
        if middle <= low || middle >= high {
            return None;
        }
        for half in [(low, middle), (middle, high)] {
            let mut finer = cell.clone();
            finer[widest] = half;
            open.push(finer);
        }
    }
    Some(boxes)
}

fn width((low, high): (f64, f64)) -> f64 {
    high - low
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::{constant, ratio, sigmoid};

    fn over(low: f64, high: f64, bound: (i64, i64)) -> Option<u64> {
        let instance = Instance::greater("x in a box", |inputs| {
            let x = inputs.declare("x", Domain::Between(low, high));
            vec![(ratio(bound.0, bound.1), sigmoid(x) * sigmoid(-x)), (sigmoid(x), constant(0))]
        });
        proved_over_box(&Pairs::of(&instance), Deadline::NEVER)
    }

    #[test]
    fn an_inequality_is_proved_over_a_box_and_a_false_one_is_not() {
        assert!(over(-20.0, 20.0, (26, 100)).is_some_and(|boxes| boxes > 1));
        // touched at 0, where the product is 1/4
        assert_eq!(over(-20.0, 20.0, (25, 100)), None);
        assert_eq!(over(-20.0, 20.0, (24, 100)), None);
        assert!(over(3.0, 20.0, (24, 100)).is_some());
    }
}
