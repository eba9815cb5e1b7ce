//! The search for a counterexample: small fractions first, then simpler ones around what was found.

use super::enclosure::{agreement, enclose};
use super::point::simple_values;
use super::{Counterexample, Finding, Opinion, Pairs};
use crate::claim::{Instance, Relation};
use crate::expression::Node;
use crate::number::{Abstention, Arithmetic, Exact, Outcome, Rounded, Rounding, Sign, evaluate};
use num_rational::BigRational;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// Points tried in the order of simplicity, and then at random: together about 0.1 s for a graph
/// of 200 operations.
const ORDERED: usize = 1500;
const RANDOM: usize = 1500;

/// Fractions with more characters are written as decimals.
const LONGEST: usize = 30;

/// What a point says of a statement.
pub(super) enum Tried {
    /// Every pair is as it should be, as far as the enclosures tell; with the distance of equals.
    Holds(Option<f64>),
    /// Some pair is not, for certain.
    Violates,
    /// The enclosures are too wide.
    Unclear,
    /// An assumption is not met.
    OutsideAssumptions,
    /// The statement has no value there.
    Abstains(Abstention),
}

/// Looks for a point at which the statement is false.
pub fn decide(instance: &Instance, rng: &mut ChaCha8Rng) -> Finding {
    let pairs = Pairs::of(instance);
    let values: Vec<Vec<BigRational>> = pairs.variables.iter().map(|v| simple_values(v.domain)).collect();
    let enclosed: Vec<Vec<Rounded>> = match values.iter().map(|list| list.iter().map(enclosed).collect()).collect() {
        Ok(enclosed) => enclosed,
        Err(reason) => return Finding::abstains(format!("{reason}")),
    };
    let mut lookup = Lookup { pairs: &pairs, enclosed: &enclosed, looked_at: 0 };
    let scale = super::enclosure::cases_for(ORDERED, pairs.graph.nodes().len());
    let mut ordered = simplest_first(&values, scale);
    let mut found = ordered.find(|place| lookup.violates(place));
    if found.is_none() && !values.is_empty() {
        let tries = super::enclosure::cases_for(RANDOM, pairs.graph.nodes().len());
        found = (0..tries)
            .map(|_| values.iter().map(|list| rng.next_u32() as usize % list.len()).collect::<Vec<_>>())
            .find(|place| lookup.violates(place));
    }
    let Some(place) = found else {
        let looked_at = lookup.looked_at;
        return match looked_at {
            0 => Finding::abstains("no point at which the enclosures say anything"),
            _ => Finding::of(Opinion::Agrees, looked_at),
        };
    };
    let place = simplified(place, |place| lookup.violates(place));
    let point: Vec<BigRational> = place.iter().zip(&values).map(|(&i, list)| list[i].clone()).collect();
    let looked_at = lookup.looked_at;
    match counterexample_at(&pairs, &point) {
        Some(counterexample) => Finding::of(Opinion::Refutes(counterexample), looked_at),
        None => Finding::abstains("a counterexample that could not be written down"),
    }
}

struct Lookup<'a> {
    pairs: &'a Pairs,
    enclosed: &'a [Vec<Rounded>],
    looked_at: u64,
}

impl Lookup<'_> {
    fn violates(&mut self, place: &[usize]) -> bool {
        let inputs: Vec<Rounded> = place.iter().zip(self.enclosed).map(|(&i, list)| list[i]).collect();
        match try_point(self.pairs, &inputs) {
            Tried::Violates => true,
            Tried::Holds(_) => {
                self.looked_at += 1;
                false
            }
            _ => false,
        }
    }
}

fn enclosed(value: &BigRational) -> Outcome<Rounded> {
    Rounding::F64.clone().constant(value)
}

/// Index vectors in the order of their sum, at most `most`.
fn simplest_first(values: &[Vec<BigRational>], most: usize) -> Box<dyn Iterator<Item = Vec<usize>> + '_> {
    if values.is_empty() {
        return Box::new(std::iter::once(Vec::new()));
    }
    let largest: usize = values.iter().map(|list| list.len() - 1).sum();
    Box::new((0..=largest).flat_map(|total| with_sum(values, total)).take(most))
}

/// The index vectors with this sum.
fn with_sum(values: &[Vec<BigRational>], total: usize) -> Box<dyn Iterator<Item = Vec<usize>> + '_> {
    let Some((first, rest)) = values.split_first() else {
        return if total == 0 { Box::new(std::iter::once(Vec::new())) } else { Box::new(std::iter::empty()) };
    };
    let most_left: usize = rest.iter().map(|list| list.len() - 1).sum();
    let range = total.saturating_sub(most_left)..=total.min(first.len() - 1);
    Box::new(range.flat_map(move |i| {
        with_sum(rest, total - i).map(move |tail| {
            let mut place = vec![i];
            place.extend(tail);
            place
        })
    }))
}

/// Lowers every index as far as the statement stays false.
fn simplified(mut place: Vec<usize>, mut violates: impl FnMut(&[usize]) -> bool) -> Vec<usize> {
    loop {
        let before = place.clone();
        for i in 0..place.len() {
            for simpler in 0..place[i] {
                let kept = std::mem::replace(&mut place[i], simpler);
                if violates(&place) {
                    break;
                }
                place[i] = kept;
            }
        }
        if place == before {
            return place;
        }
    }
}

/// Compares every pair at a point.
pub(super) fn try_point(pairs: &Pairs, inputs: &[Rounded]) -> Tried {
    let outputs = enclose(pairs, inputs);
    for i in pairs.assumed() {
        match &outputs[i] {
            Err(reason) => return Tried::Abstains(reason.clone()),
            Ok(condition) => match Rounding::F64.clone().sign(condition) {
                Ok(Sign::Positive) => {}
                Ok(_) => return Tried::OutsideAssumptions,
                Err(reason) => return Tried::Abstains(reason),
            },
        }
    }
    if let Some(conditions) = &pairs.kinks {
        let at_kink = |condition: &Outcome<Rounded>| !matches!(condition, Ok(x) if x.excludes_zero());
        if evaluate(conditions, &mut { Rounding::F64 }, inputs).iter().any(at_kink) {
            return Tried::OutsideAssumptions;
        }
    }
    let mut unclear = false;
    let mut worst: Option<f64> = None;
    for (l, r) in pairs.sides() {
        let (left, right) = match (&outputs[l], &outputs[r]) {
            (Ok(left), Ok(right)) => (*left, *right),
            (Err(reason), _) | (_, Err(reason)) => return Tried::Abstains(reason.clone()),
        };
        match violation(&pairs.relation, left, right) {
            Some(true) => return Tried::Violates,
            Some(false) => {}
            None => unclear = true,
        }
        if pairs.relation == Relation::Equal {
            match agreement(left, right) {
                Some(distance) => worst = Some(worst.unwrap_or(0.0).max(distance)),
                None => unclear = true,
            }
        }
    }
    if unclear { Tried::Unclear } else { Tried::Holds(worst) }
}

/// Whether a pair certainly breaks the relation (true), certainly does not or, for equals, cannot
/// be told from equal (false), or neither.
fn violation(relation: &Relation, left: Rounded, right: Rounded) -> Option<bool> {
    let minus = Rounded { value: -right.value, bound: right.bound };
    let difference = Rounding::F64.clone().sum(&[&left, &minus]).ok()?;
    match relation {
        Relation::AtLeast => decided(difference.value < -difference.bound, difference.value >= difference.bound),
        Relation::Greater => {
            let equal = difference.value == 0.0 && difference.bound == 0.0;
            decided(difference.value < -difference.bound || equal, difference.value > difference.bound)
        }
        _ => Some(difference.excludes_zero()),
    }
}

/// True where the first is known, false where the second is.
fn decided(breaks: bool, holds: bool) -> Option<bool> {
    if breaks { Some(true) } else { holds.then_some(false) }
}

/// The counterexample at a point, if the statement is false there: with the sides as exact
/// fractions where they are rational, and as decimals otherwise.
pub(super) fn counterexample_at(pairs: &Pairs, point: &[BigRational]) -> Option<Counterexample> {
    let inputs: Vec<Rounded> = point.iter().map(enclosed).collect::<Outcome<_>>().ok()?;
    if !matches!(try_point(pairs, &inputs), Tried::Violates) {
        return None;
    }
    let rounded = enclose(pairs, &inputs);
    let exact = evaluate(&pairs.graph, &mut Exact, point);
    let (l, r) = pairs.sides().find(|&(l, r)| match (&rounded[l], &rounded[r]) {
        (Ok(left), Ok(right)) => violation(&pairs.relation, *left, *right) == Some(true),
        _ => false,
    })?;
    let written = |i: usize| match (&exact[i], &rounded[i]) {
        (Ok(fraction), _) if fraction.to_string().len() <= LONGEST => fraction.to_string(),
        (_, Ok(enclosure)) => decimal(*enclosure),
        (_, Err(reason)) => reason.to_string(),
    };
    let used = |i: usize| pairs.graph.nodes().contains(&Node::Variable(i));
    let coordinates = pairs.variables.iter().zip(point).enumerate().filter(|&(i, _)| used(i));
    Some(Counterexample {
        point: coordinates.map(|(_, (variable, value))| (variable.name.clone(), value.to_string())).collect(),
        left: written(l),
        right: written(r),
    })
}

/// The digits that the enclosure vouches for, at most 15.
fn decimal(x: Rounded) -> String {
    let size = x.value.abs().max(f64::MIN_POSITIVE);
    let digits = if x.bound == 0.0 { 15.0 } else { libm::log10(size / x.bound).floor() };
    format!("{:.*e}", digits.clamp(1.0, 15.0) as usize - 1, x.value)
}
