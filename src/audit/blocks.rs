//! A block of a tensor: read, sifted, and judged where the sieve does not let an element through.
//!
//! What a block comes to depends on the block alone, so that a report does not depend on threads.

use super::error::Result;
use super::exact::{Element, Judged, Outcome, judge};
use super::plan::{Files, Stepped};
use super::report::NotJudged;
use super::sieve::{Before, Columns, MOST_OUTPUTS};
use crate::formula::Formula;

/// The elements of a block: its ten lists of numbers stay in a processor's second cache.
pub(super) const BLOCK: u64 = 4096;

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

/// What a thread reads a block into, and uses again for the next.
#[derive(Default)]
pub(super) struct Buffers {
    bytes: Vec<u8>,
    columns: Columns,
    off: Vec<f64>,
}

impl Buffers {
    fn read(&mut self, files: &Files, tensor: &Stepped, from: u64, count: usize) -> Result<()> {
        let Buffers { bytes, columns, .. } = self;
        match &tensor.gradient {
            Some((stored, dtype)) => files.grads.read(stored, *dtype, from, count, bytes, &mut columns.gradient)?,
            None => zeros(&mut columns.gradient, count),
        }
        match (&files.hessians, &tensor.estimate) {
            (Some(file), Some((stored, dtype))) => {
                file.read(stored, *dtype, from, count, bytes, &mut columns.estimate)?;
            }
            _ => zeros(&mut columns.estimate, count),
        }
        for i in 0..MOST_OUTPUTS {
            let output = tensor.outputs.get(i);
            let (first, second) = match i {
                0 => (Some(&files.before), Some(&files.after)),
                _ => (files.state_before.as_ref(), files.state_after.as_ref()),
            };
            match (first, output.and_then(|output| output.before.as_ref())) {
                (Some(file), Some((stored, dtype))) => {
                    file.read(stored, *dtype, from, count, bytes, &mut columns.before[i])?;
                }
                _ => zeros(&mut columns.before[i], count),
            }
            columns.dtypes[i] = None;
            match (second, output.and_then(|output| output.after.as_ref())) {
                (Some(file), Some((stored, dtype))) => {
                    file.read(stored, *dtype, from, count, bytes, &mut columns.after[i])?;
                    columns.dtypes[i] = Some(*dtype);
                }
                _ => zeros(&mut columns.after[i], count),
            }
        }
        Ok(())
    }

    fn element(&self, from: u64, i: usize) -> Element {
        let after = self.columns.after.each_ref().map(|list| list[i]);
        Element { index: from + i as u64, before: self.columns.before(i), after }
    }
}

fn zeros(list: &mut Vec<f64>, count: usize) {
    list.clear();
    list.resize(count, 0.0);
}

/// What a block of a tensor comes to.
pub(super) fn block(
    formula: &'static Formula,
    files: &Files,
    tensor: &Stepped,
    from: u64,
    buffers: &mut Buffers,
) -> Result<Found> {
    let count = BLOCK.min(tensor.elements - from) as usize;
    buffers.read(files, tensor, from, count)?;
    if tensor.gradient.is_none() {
        return Ok(unmoved(tensor, buffers, from, count));
    }
    Ok(stepped(formula, tensor, from, count, buffers))
}

/// What the elements of a block come to that were stepped.
fn stepped(formula: &'static Formula, tensor: &Stepped, from: u64, count: usize, buffers: &mut Buffers) -> Found {
    let mut found = Found::default();
    buffers.off.clear();
    buffers.off.resize(count, f64::INFINITY);
    buffers.columns.nearest = if tensor.has_f64() { tensor.stepper.nearest(&buffers.columns) } else { None };
    tensor.rule.sift(&buffers.columns, &mut buffers.off);
    // what the sieve does not let through, with how far off it is there
    let mut open: Vec<(f64, Element)> = Vec::new();
    let mut furthest = (0, -1.0);
    for (i, &off) in buffers.off.iter().enumerate() {
        if off > 1.0 {
            let element = buffers.element(from, i);
            match no_answer(tensor, &element) {
                Some(what) => found.leave(what, element.index),
                None => open.push((off, element)),
            }
        } else if off > furthest.1 {
            furthest = (i, off);
        }
    }
    if furthest.1 >= 0.0 {
        found.sifted = Some((furthest.1, buffers.element(from, furthest.0)));
        let told = buffers.off.iter().enumerate().filter(|(_, off)| **off <= 1.0);
        found.conforming.extend(told.take(CONFORMING).map(|(i, _)| buffers.element(from, i)));
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
    found
}

/// What elements at hand come to.
#[cfg(test)]
pub(super) fn of_columns(formula: &'static Formula, tensor: &Stepped, columns: Columns) -> Found {
    let count = columns.gradient.len();
    stepped(formula, tensor, 0, count, &mut Buffers { columns, ..Buffers::default() })
}

/// Why an element has no right answer, if it has none.
fn no_answer(tensor: &Stepped, element: &Element) -> Option<&'static str> {
    let Before { theta, g, estimate, moments } = element.before;
    if !theta.is_finite() {
        return Some("NaN or infinity in the parameter before the step");
    }
    if !g.is_finite() {
        return Some("NaN or infinity in the gradient");
    }
    if !estimate.is_finite() {
        return Some("NaN or infinity in the estimate of the Hessian");
    }
    let moments = || moments.iter().zip(&tensor.outputs[1..]);
    if moments().any(|(moment, _)| !moment.is_finite()) {
        return Some("NaN or infinity in the state before the step");
    }
    let negative = moments().any(|(moment, output)| output.name.starts_with('v') && *moment < 0.0);
    negative.then_some("a negative second moment in the state before the step")
}

/// A tensor without a gradient keeps its parameters and its state to the bit.
fn unmoved(tensor: &Stepped, buffers: &Buffers, from: u64, count: usize) -> Found {
    let (columns, mut found) = (&buffers.columns, Found::default());
    for i in 0..count {
        let moved = (0..tensor.outputs.len()).filter(|&output| columns.dtypes[output].is_some()).find_map(|output| {
            let (expected, got) = (columns.before[output][i], columns.after[output][i]);
            let kept = got == expected || (got.is_nan() && expected.is_nan());
            let moved = Judged { index: from + i as u64, output, got, expected, over_budget: f64::INFINITY };
            (!kept).then_some(moved)
        });
        if let Some(moved) = moved {
            found.worst = Some(found.worst.map_or(moved, |worst| worse(worst, moved)));
            found.differing += 1;
            if found.examples.len() < EXAMINED {
                found.examples.push(buffers.element(from, i));
            }
        }
    }
    found
}
