//! A point at which the enclosures of f64 say nothing, looked at with more and more bits.

use super::search::Tried;
use super::{Pairs, enclosure};
use crate::claim::Relation;
use crate::number::{Abstention, Arithmetic, Deadline, Interval, Intervals, Outcome, Sign, evaluate_until};
use num_rational::BigRational;

/// The precisions that are tried. The last tells apart what agrees to 600 digits.
const BITS: [usize; 3] = [128, 512, 2048];

/// Sides that are both within 2^−100 of zero, as far as the enclosures tell, agree there.
const NEAR_ZERO: f64 = f64::from_bits((1023 - 100) << 52);

/// The points that are worth the time, which a graph of 800 operations takes for all of them.
pub(super) fn affordable(pairs: &Pairs) -> usize {
    (20_000 / pairs.graph.nodes().len().max(1)).min(24)
}

/// The two sides of a pair that certainly breaks the statement.
pub(super) struct Broken {
    /// The position of the left side among the outputs.
    pub left: usize,
    /// The sides and their difference, as the nearest f64 of their ends.
    pub ends: [[f64; 2]; 3],
}

/// Compares every pair at a point.
pub(super) fn try_point(pairs: &Pairs, point: &[BigRational], deadline: Deadline) -> Tried {
    let mut last = Tried::Unclear;
    for bits in BITS {
        last = match at_precision(pairs, point, bits, deadline) {
            Ok(At::Broken(_)) => Tried::Violates,
            Ok(At::Holds) => Tried::Holds(None),
            Ok(At::Outside) => Tried::OutsideAssumptions,
            Ok(At::Open) => Tried::Unclear,
            Err(reason) => Tried::Abstains(reason),
        };
        // what is past the range of f64 is not past that of 128 bits, and what divides by zero goes on doing so
        if !matches!(last, Tried::Unclear) || deadline.has_passed() {
            break;
        }
    }
    last
}

/// The pair that breaks the statement at a point, if one certainly does.
pub(super) fn broken(pairs: &Pairs, point: &[BigRational], deadline: Deadline) -> Option<Broken> {
    BITS.into_iter().find_map(|bits| match at_precision(pairs, point, bits, deadline) {
        Ok(At::Broken(broken)) => Some(broken),
        _ => None,
    })
}

enum At {
    Broken(Broken),
    Holds,
    Open,
    Outside,
}

fn at_precision(pairs: &Pairs, point: &[BigRational], bits: usize, deadline: Deadline) -> Outcome<At> {
    let mut numbers = Intervals { bits };
    let inputs = point.iter().map(|x| numbers.constant(x)).collect::<Outcome<Vec<_>>>()?;
    let outputs = evaluate_until(&pairs.graph, &mut numbers, &inputs, deadline);
    for i in pairs.assumed() {
        match numbers.sign(&outputs[i].clone()?) {
            Ok(Sign::Positive) => {}
            Ok(_) => return Ok(At::Outside),
            Err(_) => return Ok(At::Open),
        }
    }
    if let Some(conditions) = &pairs.kinks {
        for condition in evaluate_until(conditions, &mut numbers, &inputs, deadline) {
            match condition.and_then(|condition| numbers.sign(&condition)) {
                Ok(Sign::Zero) => return Ok(At::Outside),
                Ok(_) => {}
                Err(_) => return Ok(At::Open),
            }
        }
    }
    let mut open = false;
    let mut abstention: Option<Abstention> = None;
    for (l, r) in pairs.sides() {
        // a pair that has no value says nothing of the others
        let (left, right) = match (&outputs[l], &outputs[r]) {
            (Ok(left), Ok(right)) => (left, right),
            (Err(reason), _) | (_, Err(reason)) => {
                abstention = Some(reason.clone());
                continue;
            }
        };
        let minus = numbers.negate(right)?;
        let difference = numbers.sum(&[left, &minus])?;
        match (&pairs.relation, numbers.sign(&difference)) {
            (Relation::AtLeast, Ok(Sign::Negative))
            | (Relation::Greater, Ok(Sign::Negative | Sign::Zero))
            | (Relation::Equal, Ok(Sign::Negative | Sign::Positive)) => {
                let ends = [left, right, &difference].map(Interval::ends_f64);
                return Ok(At::Broken(Broken { left: l, ends }));
            }
            (_, Ok(_)) => {}
            (Relation::Equal, Err(_)) => open |= !agree(left, right, &difference),
            (_, Err(_)) => open = true,
        }
    }
    match abstention {
        Some(reason) => Err(reason),
        None => Ok(if open { At::Open } else { At::Holds }),
    }
}

/// Whether what is not known of the difference is nothing beside the sides.
fn agree(left: &Interval, right: &Interval, difference: &Interval) -> bool {
    let size = |x: &Interval| x.ends_f64().into_iter().fold(0.0, |size: f64, end| size.max(end.abs()));
    let (sides, left_open) = (size(left).max(size(right)), size(difference));
    left_open <= enclosure::WIDEST * sides || sides <= NEAR_ZERO
}
