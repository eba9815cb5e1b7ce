//! A block of a tensor: read, sifted, and judged where the sieve does not let an element through.
//!
//! What a block comes to depends on the block alone, so that a report does not depend on threads.

use super::checkpoint::{Checkpoint, Tensor};
use super::decode;
use super::error::Result;
use super::exact::{Element, Judged, Outcome, judge, refusal};
use super::plan::{Files, Stepped};
use super::report::NotJudged;
use super::sieve::{Before, Columns, MOST_OUTPUTS};
use crate::formula::Formula;
use crate::number::Dtype;
use std::ops::Range;

/// The elements of a block, which is read at once: fewer make the calls of the system dear.
pub(super) const BLOCK: u64 = 16384;

/// So many are made f64 and sifted at once: their ten lists of numbers stay near a processor.
const CHUNK: usize = 512;

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

/// A list of a block as it is in a file; zeros where no file has it.
#[derive(Default)]
struct Stored {
    bytes: Vec<u8>,
    dtype: Option<Dtype>,
    /// Whether what it was made into last were zeros.
    kept_zeros: bool,
}

impl Stored {
    fn read(&mut self, from: Option<(&Checkpoint, &(Tensor, Dtype))>, at: u64, count: usize) -> Result<()> {
        self.dtype = from.map(|(_, (_, dtype))| *dtype);
        match from {
            Some((file, (tensor, dtype))) => file.read(tensor, *dtype, at, count, &mut self.bytes),
            None => Ok(()),
        }
    }

    /// The numbers of a part of the block, in place of what `out` held.
    fn decode(&mut self, part: Range<usize>, out: &mut Vec<f64>) {
        match self.dtype {
            Some(dtype) => {
                self.kept_zeros = false;
                let size = decode::size(dtype);
                decode::decode(dtype, &self.bytes[part.start * size..part.end * size], out);
            }
            None => {
                // zeros are left as they are
                if !self.kept_zeros {
                    out.clear();
                }
                out.resize(part.len(), 0.0);
                self.kept_zeros = true;
            }
        }
    }
}

/// What a thread reads a block into, and uses again for the next.
#[derive(Default)]
pub(super) struct Buffers {
    gradient: Stored,
    estimate: Stored,
    before: [Stored; MOST_OUTPUTS],
    after: [Stored; MOST_OUTPUTS],
    columns: Columns,
    told: Vec<(usize, f64)>,
}

impl Buffers {
    fn read(&mut self, files: &Files, tensor: &Stepped, from: u64, count: usize) -> Result<()> {
        self.gradient.read(tensor.gradient.as_ref().map(|stored| (&files.grads, stored)), from, count)?;
        self.estimate.read(files.hessians.as_ref().zip(tensor.estimate.as_ref()), from, count)?;
        for i in 0..MOST_OUTPUTS {
            let output = tensor.outputs.get(i);
            let (first, second) = match i {
                0 => (Some(&files.before), Some(&files.after)),
                _ => (files.state_before.as_ref(), files.state_after.as_ref()),
            };
            self.before[i].read(first.zip(output.and_then(|output| output.before.as_ref())), from, count)?;
            self.after[i].read(second.zip(output.and_then(|output| output.after.as_ref())), from, count)?;
        }
        self.columns.moments = tensor.outputs.len() - 1;
        self.columns.dtypes = self.after.each_ref().map(|stored| stored.dtype);
        Ok(())
    }

    fn decode(&mut self, part: Range<usize>) {
        self.gradient.decode(part.clone(), &mut self.columns.gradient);
        self.estimate.decode(part.clone(), &mut self.columns.estimate);
        for i in 0..MOST_OUTPUTS {
            self.before[i].decode(part.clone(), &mut self.columns.before[i]);
            self.after[i].decode(part.clone(), &mut self.columns.after[i]);
        }
    }
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
    let mut block = Tally::default();
    for start in (0..count).step_by(CHUNK) {
        buffers.decode(start..count.min(start + CHUNK));
        let from = from + start as u64;
        match tensor.gradient {
            Some(_) => block.step(formula, tensor, &mut buffers.columns, from, &mut buffers.told),
            None => block.keep(tensor, &buffers.columns, from),
        }
    }
    Ok(block.judged(formula, tensor))
}

/// What the parts of a block have come to.
#[derive(Default)]
struct Tally {
    found: Found,
    /// How far off the furthest is of those that the sieve lets through.
    furthest: f64,
    /// What it does not let through, with how far off it is there.
    open: Vec<(f64, Element)>,
    /// What the oracle says of a step that divides by 0, once there is one.
    no_divisor: Option<String>,
}

impl Tally {
    /// Elements that were stepped. `told` is used for what the sieve tells of them.
    fn step(
        &mut self,
        formula: &'static Formula,
        tensor: &Stepped,
        columns: &mut Columns,
        from: u64,
        told: &mut Vec<(usize, f64)>,
    ) {
        columns.nearest = if tensor.has_f64() { tensor.stepper.nearest(columns) } else { None };
        told.clear();
        tensor.rule.sift(columns, &mut self.furthest, told);
        let found = &mut self.found;
        for &(i, off) in told.iter() {
            if off <= 1.0 && found.conforming.len() >= CONFORMING && found.sifted.is_some_and(|(most, _)| off <= most) {
                continue;
            }
            let element = columns.element(from, i);
            if off > 1.0 {
                match no_answer(tensor, &element) {
                    Some(what) => found.leave(what, element.index),
                    None if tensor.stepper.divides_by_zero(&element.before) => {
                        let what = self.no_divisor.get_or_insert_with(|| refusal(formula, tensor, &element));
                        found.leave(what, element.index);
                    }
                    None => self.open.push((off, element)),
                }
                continue;
            }
            if found.conforming.len() < CONFORMING {
                found.conforming.push(element);
            }
            if found.sifted.is_none_or(|(most, _)| off > most) {
                found.sifted = Some((off, element));
            }
        }
    }

    /// A tensor without a gradient keeps its parameters and its state to the bit.
    fn keep(&mut self, tensor: &Stepped, columns: &Columns, from: u64) {
        for i in 0..columns.gradient.len() {
            let moved =
                (0..tensor.outputs.len()).filter(|&output| columns.dtypes[output].is_some()).find_map(|output| {
                    let (expected, got) = (columns.before[output][i], columns.after[output][i]);
                    let kept = got == expected || (got.is_nan() && expected.is_nan());
                    let moved = Judged { index: from + i as u64, output, got, expected, over_budget: f64::INFINITY };
                    (!kept).then_some(moved)
                });
            let found = &mut self.found;
            if let Some(moved) = moved {
                found.worst = Some(found.worst.map_or(moved, |worst| worse(worst, moved)));
                found.differing += 1;
                if found.examples.len() < EXAMINED {
                    found.examples.push(columns.element(from, i));
                }
            }
        }
    }

    /// What is open, judged by the oracle and the whole budget, until it is known that the block differs.
    fn judged(self, formula: &'static Formula, tensor: &Stepped) -> Found {
        let Tally { mut found, mut open, .. } = self;
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
}

/// What elements at hand come to.
#[cfg(test)]
pub(super) fn of_columns(formula: &'static Formula, tensor: &Stepped, mut columns: Columns) -> Found {
    let mut block = Tally::default();
    block.step(formula, tensor, &mut columns, 0, &mut Vec::new());
    block.judged(formula, tensor)
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
