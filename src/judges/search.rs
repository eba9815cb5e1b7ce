//! The search for a counterexample: small fractions first, then simpler ones around what was found.

use super::enclosure::{agreement, enclose};
use super::point::simple_values;
use super::{Counterexample, Finding, Opinion, Pairs, Run, precise, simpler};
use crate::claim::{Instance, Relation};
use crate::expression::Node;
use crate::number::{
    Abstention, Arithmetic, Deadline, Exact, Outcome, Rounded, Rounding, Sign, evaluate, evaluate_part,
};
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
pub fn decide(instance: &Instance, run: &Run, rng: &mut ChaCha8Rng) -> Finding {
    let pairs = Pairs::of(instance);
    let values: Vec<Vec<BigRational>> = pairs.variables.iter().map(|v| simple_values(v.domain)).collect();
    let enclosed: Vec<Vec<Rounded>> = match values.iter().map(|list| list.iter().map(enclosed).collect()).collect() {
        Ok(enclosed) => enclosed,
        Err(reason) => return Finding::abstains(format!("{reason}")),
    };
    let mut lookup =
        Lookup { pairs: &pairs, enclosed: &enclosed, deadline: run.deadline, looked_at: 0, open: Vec::new(), held: 0 };
    let scale = super::enclosure::cases_for(ORDERED, pairs.graph.nodes().len());
    let mut ordered = simplest_first(&values, scale);
    let mut found = ordered.find(|place| lookup.violates(place));
    if found.is_none() && !values.is_empty() {
        let tries = super::enclosure::cases_for(RANDOM, pairs.graph.nodes().len());
        found = (0..tries)
            .map(|_| values.iter().map(|list| rng.next_u32() as usize % list.len()).collect::<Vec<_>>())
            .find(|place| lookup.violates(place));
    }
    let at =
        |place: &[usize]| -> Vec<BigRational> { place.iter().zip(&values).map(|(&i, list)| list[i].clone()).collect() };
    let Some(place) = found else {
        return in_more_bits(&pairs, &lookup, at, run);
    };
    let place = if run.simplest { simplified(place, |place| lookup.violates(place)) } else { place };
    let point = at(&place);
    let looked_at = lookup.looked_at;
    match counterexample_at(&pairs, &point, run.deadline) {
        Some(counterexample) => Finding::of(Opinion::Refutes(counterexample), looked_at),
        None => Finding::abstains("a counterexample that could not be written down"),
    }
}

/// The places that f64 leaves open, looked at with more bits.
fn in_more_bits(pairs: &Pairs, lookup: &Lookup, at: impl Fn(&[usize]) -> Vec<BigRational>, run: &Run) -> Finding {
    let mut held = 0;
    let open = if run.more_bits { &lookup.open[..] } else { &[] };
    for (i, place) in open.iter().enumerate() {
        let point = at(place);
        let mut tried = precise::try_point(pairs, &point, run.deadline);
        // what agrees to 30 digits may still differ; some points are looked at with all bits
        if matches!(tried, Tried::Holds(_)) && i < precise::affordable(pairs) / 6 {
            let broken = precise::broken(pairs, &point, run.deadline);
            tried = if broken.is_some() { Tried::Violates } else { tried };
        }
        match tried {
            Tried::Violates => {
                let is_false = |point: &[BigRational]| {
                    !run.deadline.has_passed() && precise::broken(pairs, point, run.deadline).is_some()
                };
                let point = if run.simplest { simpler::simplest(point, &pairs.variables, is_false) } else { point };
                if let Some(found) = counterexample_at(pairs, &point, run.deadline) {
                    return Finding::of(Opinion::Refutes(found), lookup.looked_at + held + 1);
                }
            }
            Tried::Holds(_) => held += 1,
            _ => {}
        }
    }
    match if lookup.looked_at > 0 { lookup.looked_at } else { held } {
        0 => Finding::abstains("no point at which the enclosures say anything"),
        looked_at => Finding::of(Opinion::Agrees, looked_at),
    }
}

struct Lookup<'a> {
    pairs: &'a Pairs,
    enclosed: &'a [Vec<Rounded>],
    deadline: Deadline,
    looked_at: u64,
    /// Places at which f64 says nothing, as many as are worth the time, and some where it sees no difference.
    open: Vec<Vec<usize>>,
    /// How many of these are of the latter.
    held: usize,
}

impl Lookup<'_> {
    fn violates(&mut self, place: &[usize]) -> bool {
        if self.deadline.has_passed() {
            return false;
        }
        let inputs: Vec<Rounded> = place.iter().zip(self.enclosed).map(|(&i, list)| list[i]).collect();
        match try_point(self.pairs, &inputs) {
            Tried::Violates => true,
            Tried::Holds(_) => {
                self.looked_at += 1;
                // sides that agree to the last bit may still differ
                if self.pairs.relation == Relation::Equal && self.held < precise::affordable(self.pairs) / 6 {
                    self.held += 1;
                    self.open.push(place.to_vec());
                }
                false
            }
            Tried::Unclear | Tried::Abstains(_) => {
                if self.open.len() - self.held < precise::affordable(self.pairs) {
                    self.open.push(place.to_vec());
                }
                false
            }
            Tried::OutsideAssumptions => false,
        }
    }
}

fn enclosed(value: &BigRational) -> Outcome<Rounded> {
    Rounding::F64.clone().constant(value)
}

/// Index vectors in the order of their sum, and in lexicographic order for each, at most `most`.
fn simplest_first(values: &[Vec<BigRational>], most: usize) -> impl Iterator<Item = Vec<usize>> {
    let most_at: Vec<usize> = values.iter().map(|list| list.len() - 1).collect();
    let largest: usize = most_at.iter().sum();
    let with_sum = move |total: usize| {
        let most_at = most_at.clone();
        let mut first = vec![0; most_at.len()];
        fill(&mut first, &most_at, total);
        std::iter::successors(Some(first), move |place| next_with_same_sum(place, &most_at))
    };
    (0..=largest).flat_map(with_sum).take(most)
}

/// Gives the last places as much of the total as they take, which is the first vector in lexicographic order.
fn fill(place: &mut [usize], most_at: &[usize], mut total: usize) {
    for (index, most) in place.iter_mut().zip(most_at).rev() {
        *index = total.min(*most);
        total -= *index;
    }
}

fn next_with_same_sum(place: &[usize], most_at: &[usize]) -> Option<Vec<usize>> {
    let mut after: usize = 0;
    for i in (0..place.len()).rev() {
        if after > 0 && place[i] < most_at[i] {
            let mut next = place.to_vec();
            next[i] += 1;
            fill(&mut next[i + 1..], &most_at[i + 1..], after - 1);
            return Some(next);
        }
        after += place[i];
    }
    None
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

/// Whether the statement is certainly false at a point.
pub(super) fn is_false(pairs: &Pairs, point: &[BigRational], deadline: Deadline) -> bool {
    in_f64(pairs, point).is_some() || precise::broken(pairs, point, deadline).is_some()
}

/// The counterexample at a point, if the statement is false there: with the sides as exact
/// fractions where they are rational, and as decimals otherwise.
pub(super) fn counterexample_at(pairs: &Pairs, point: &[BigRational], deadline: Deadline) -> Option<Counterexample> {
    let (l, [left, right]) = in_f64(pairs, point).or_else(|| {
        let precise::Broken { left, ends: [l, r, difference] } = precise::broken(pairs, point, deadline)?;
        let [l, r, difference] = [l, r, difference].map(|[low, high]| Rounded::between(low, high));
        let (left_text, mut right_text) = (decimal(l), decimal(r));
        if left_text == right_text {
            // too near each other for 15 digits
            right_text = format!("{left_text} less {}", decimal(difference));
        }
        Some((left, [left_text, right_text]))
    })?;
    let exact = evaluate_part(&pairs.graph, &mut Exact, point, &[l, l + 1]);
    let written = |exact: &Outcome<BigRational>, otherwise: String| match exact {
        Ok(fraction) if fraction.to_string().len() <= LONGEST => fraction.to_string(),
        _ => otherwise,
    };
    let used = |i: usize| pairs.graph.nodes().contains(&Node::Variable(i));
    let coordinates = pairs.variables.iter().zip(point).enumerate().filter(|&(i, _)| used(i));
    Some(Counterexample {
        point: coordinates.map(|(_, (variable, value))| (variable.name.clone(), value.to_string())).collect(),
        left: written(&exact[0], left),
        right: written(&exact[1], right),
    })
}

/// The position of the left side of a pair that certainly breaks the statement, as far as f64 tells, with decimals
/// of both sides.
fn in_f64(pairs: &Pairs, point: &[BigRational]) -> Option<(usize, [String; 2])> {
    let inputs: Vec<Rounded> = point.iter().map(enclosed).collect::<Outcome<_>>().ok()?;
    if !matches!(try_point(pairs, &inputs), Tried::Violates) {
        return None;
    }
    let rounded = enclose(pairs, &inputs);
    pairs.sides().find_map(|(l, r)| match (&rounded[l], &rounded[r]) {
        (Ok(left), Ok(right)) if violation(&pairs.relation, *left, *right) == Some(true) => {
            Some((l, [decimal(*left), decimal(*right)]))
        }
        _ => None,
    })
}

/// The digits that the enclosure vouches for, at most 15.
fn decimal(x: Rounded) -> String {
    if !x.value.is_finite() || !x.bound.is_finite() {
        return "past the range of f64".into();
    }
    let size = x.value.abs().max(f64::MIN_POSITIVE);
    let digits = if x.bound == 0.0 { 15.0 } else { libm::log10(size / x.bound).floor() };
    format!("{:.*e}", digits.clamp(1.0, 15.0) as usize - 1, x.value)
}
