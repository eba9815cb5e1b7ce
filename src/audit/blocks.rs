//! A block of a tensor: read, sifted, and judged where the sieve does not let an element through.
//!
//! What a block comes to depends on the block alone, so that a report does not depend on threads.

use super::error::Result;
use super::exact::{Element, Judged, Outcome, judge};
use super::plan::{Files, Stepped};
use super::report::NotJudged;
use super::sieve::{Before, MOST_OUTPUTS, is_sifted};
use crate::formula::Formula;

/// The elements of a block: its numbers and a few copies stay in a processor's second cache.
pub(super) const BLOCK: u64 = 16_384;

/// How many of a block's elements are examined although it is decided that it differs.
const EXAMINED: usize = 64;

/// How many elements within their budget are kept, to tell forms apart.
const CONFORMING: usize = 8;

/// What a block came to.
#[derive(Default)]
pub(super) struct Found {
    /// The number that is furthest off, of those that were examined.
    pub worst: Option<Judged>,
    /// The element that is furthest off by the sieve, of those that it let through.
    pub sifted: Option<(f64, Element)>,
    /// Elements beyond their budget, the first few as examples.
    pub differing: u64,
    pub examples: Vec<Element>,
    /// A few elements within it.
    pub conforming: Vec<Element>,
    /// Elements that look so and were not examined.
    pub unexamined: u64,
    pub not_judged: Vec<NotJudged>,
}

impl Found {
    /// Joins what a later block came to.
    pub fn join(&mut self, later: Found) {
        self.worst = [self.worst, later.worst].into_iter().flatten().reduce(worse);
        let further = |a: (f64, Element), b: (f64, Element)| if b.0 > a.0 { b } else { a };
        self.sifted = [self.sifted, later.sifted].into_iter().flatten().reduce(further);
        self.differing += later.differing;
        self.unexamined += later.unexamined;
        for one in later.not_judged {
            self.note(one);
        }
        let room = EXAMINED.saturating_sub(self.examples.len());
        self.examples.extend(later.examples.into_iter().take(room));
        let room = CONFORMING.saturating_sub(self.conforming.len());
        self.conforming.extend(later.conforming.into_iter().take(room));
    }

    fn note(&mut self, one: NotJudged) {
        match self.not_judged.iter_mut().find(|known| known.what == one.what) {
            Some(known) => known.count += one.count,
            None => self.not_judged.push(one),
        }
    }

    fn leave(&mut self, what: &str, index: u64) {
        self.note(NotJudged { what: what.into(), count: 1, first: index });
    }
}

/// The one that is further off; of equals the first.
pub(super) fn worse(a: Judged, b: Judged) -> Judged {
    if b.over_budget > a.over_budget { b } else { a }
}

/// The numbers of a block in f64.
#[derive(Default)]
struct Numbers {
    bytes: Vec<u8>,
    gradient: Vec<f64>,
    before: [Vec<f64>; MOST_OUTPUTS],
    after: [Vec<f64>; MOST_OUTPUTS],
}

impl Numbers {
    fn read(files: &Files, tensor: &Stepped, from: u64, count: usize) -> Result<Numbers> {
        let mut numbers = Numbers::default();
        let bytes = &mut numbers.bytes;
        if let Some((gradient, dtype)) = &tensor.gradient {
            files.grads.read(gradient, *dtype, from, count, bytes, &mut numbers.gradient)?;
        }
        for (i, output) in tensor.outputs.iter().enumerate() {
            let (first, second) = match i {
                0 => (Some(&files.before), Some(&files.after)),
                _ => (files.state_before.as_ref(), files.state_after.as_ref()),
            };
            match (first, &output.before) {
                (Some(file), Some((stored, dtype))) => {
                    file.read(stored, *dtype, from, count, bytes, &mut numbers.before[i])?;
                }
                _ => numbers.before[i].resize(count, 0.0),
            }
            if let (Some(file), Some((stored, dtype))) = (second, &output.after) {
                file.read(stored, *dtype, from, count, bytes, &mut numbers.after[i])?;
            }
        }
        Ok(numbers)
    }

    fn element(&self, tensor: &Stepped, from: u64, i: usize) -> Element {
        let moment = |m: usize| self.before.get(m + 1).and_then(|list| list.get(i)).copied().unwrap_or(0.0);
        let before = Before {
            theta: self.before[0][i],
            g: self.gradient.get(i).copied().unwrap_or(0.0),
            moments: [moment(0), moment(1), moment(2)],
        };
        let after = std::array::from_fn(|output| {
            tensor.outputs.get(output).and_then(|_| self.after[output].get(i)).copied().unwrap_or(0.0)
        });
        Element { index: from + i as u64, before, after }
    }
}

/// What a block of a tensor comes to.
pub(super) fn block(formula: &'static Formula, files: &Files, tensor: &Stepped, from: u64) -> Result<Found> {
    let count = BLOCK.min(tensor.elements - from) as usize;
    let numbers = Numbers::read(files, tensor, from, count)?;
    let mut found = Found::default();
    if tensor.gradient.is_none() {
        unmoved(tensor, &numbers, from, count, &mut found);
        return Ok(found);
    }
    // what the sieve does not let through, with how far off it is there
    let mut open: Vec<(f64, Element)> = Vec::new();
    for i in 0..count {
        let element = numbers.element(tensor, from, i);
        if let Some(what) = no_answer(tensor, &element) {
            found.leave(what, element.index);
            continue;
        }
        let off = off(tensor, &element);
        if off <= 1.0 {
            if found.sifted.is_none_or(|(furthest, _)| off > furthest) {
                found.sifted = Some((off, element));
            }
            if found.conforming.len() < CONFORMING {
                found.conforming.push(element);
            }
        } else {
            open.push((off, element));
        }
    }
    // the furthest first; of equals the first
    open.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut rest = open.iter().map(|(_, element)| *element).peekable();
    while rest.peek().is_some() {
        let few: Vec<Element> = rest.by_ref().take(EXAMINED).collect();
        for (outcome, element) in judge(formula, tensor, &few).into_iter().zip(&few) {
            match outcome {
                Outcome::Unjudged(index, why) => found.leave(&why, index),
                Outcome::Judged(judged) => {
                    found.worst = Some(found.worst.map_or(judged, |worst| worse(worst, judged)));
                    if judged.over_budget > 1.0 {
                        found.differing += 1;
                        found.examples.push(*element);
                    } else if found.conforming.len() < CONFORMING {
                        found.conforming.push(*element);
                    }
                }
            }
        }
        if found.differing > 0 {
            found.unexamined = rest.count() as u64;
            break;
        }
    }
    Ok(found)
}

/// How far off an element is by the sieve, at the number where it is furthest.
fn off(tensor: &Stepped, element: &Element) -> f64 {
    let Some(rule) = &tensor.rule else { return f64::INFINITY };
    let sifted = rule.step(&element.before);
    let outputs = tensor.outputs.iter().enumerate();
    let of = |(i, output): (usize, &super::plan::Output)| {
        let (_, dtype) = output.after.as_ref()?;
        let off = if is_sifted(*dtype) { sifted[i].off(element.after[i], *dtype) } else { f64::INFINITY };
        Some(off)
    };
    outputs.filter_map(of).fold(0.0, f64::max)
}

/// Why an element has no right answer, if it has none.
fn no_answer(tensor: &Stepped, element: &Element) -> Option<&'static str> {
    let Before { theta, g, moments } = element.before;
    if !theta.is_finite() {
        return Some("NaN or infinity in the parameter before the step");
    }
    if !g.is_finite() {
        return Some("NaN or infinity in the gradient");
    }
    let moments = || moments.iter().zip(&tensor.outputs[1..]);
    if moments().any(|(moment, _)| !moment.is_finite()) {
        return Some("NaN or infinity in the state before the step");
    }
    let negative = moments().any(|(moment, output)| output.name.starts_with('v') && *moment < 0.0);
    negative.then_some("a negative second moment in the state before the step")
}

/// A tensor without a gradient keeps its parameters and its state to the bit.
fn unmoved(tensor: &Stepped, numbers: &Numbers, from: u64, count: usize, found: &mut Found) {
    for i in 0..count {
        let element = numbers.element(tensor, from, i);
        let mut moved = None;
        for (output, _) in tensor.outputs.iter().enumerate().filter(|(_, output)| output.after.is_some()) {
            let (expected, got) = (numbers.before[output][i], element.after[output]);
            if got != expected && !(got.is_nan() && expected.is_nan()) && moved.is_none() {
                moved = Some(Judged { index: element.index, output, got, expected, over_budget: f64::INFINITY });
            }
        }
        if let Some(moved) = moved {
            found.worst = Some(found.worst.map_or(moved, |worst| worse(worst, moved)));
            found.differing += 1;
            if found.examples.len() < EXAMINED {
                found.examples.push(element);
            }
        }
    }
}
