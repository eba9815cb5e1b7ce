//! The steps of the optimizers over flat lists, each new number the f64 nearest to the real one.
//!
//! Three levels: pairs of f64 with a bound that is known before; for the lanes that it leaves open, numbers with a
//! running bound, raised by a power of two so that nothing underflows; and for what is open then the caller, to
//! whom the places are given.

mod adam;
mod lion;
mod sgd;
mod sophia;
mod sums;

pub(crate) use adam::Adam;
pub(crate) use lion::Lion;
pub(crate) use sgd::Sgd;
pub(crate) use sophia::Sophia;

use super::bounded::Bounded;
use super::lanes::{Lanes, Vector};
use super::{Instructions, Kernel, two_to};
use crate::number::Wide;

/// A scalar of a step, within `error` of hi + lo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Coefficient {
    pub hi: f64,
    pub lo: f64,
    pub error: f64,
}

/// Bound on the relative error of a coefficient.
const COEFFICIENT_ERROR: f64 = two_to(-100);

impl Coefficient {
    /// A wide number, if it is 0 or from 2^−300 to 2^300 in size and known within [`COEFFICIENT_ERROR`].
    pub fn of(x: Wide) -> Option<Coefficient> {
        if x.is_zero() {
            return Some(Coefficient { hi: 0.0, lo: 0.0, error: 0.0 });
        }
        let ((hi, lo, exponent), error) = (x.parts(), x.relative_error());
        if hi == 0.0 || !(-300..=300).contains(&exponent) || error.is_nan() || error > COEFFICIENT_ERROR {
            return None;
        }
        let scale = two_to(exponent as i32);
        // a bound that is not 0 stays so
        let error = if error == 0.0 { 0.0 } else { (error * 2.0 * hi.abs()).max(two_to(-400)) };
        Some(Coefficient { hi: hi * scale, lo: lo * scale, error: error * scale })
    }

    /// Its high part in all lanes.
    #[inline(always)]
    fn hi<L: Lanes>(self, l: L) -> Vector<L> {
        Vector::all(l, self.hi)
    }

    /// Its low part in all lanes.
    #[inline(always)]
    fn lo<L: Lanes>(self, l: L) -> Vector<L> {
        Vector::all(l, self.lo)
    }
}

/// New numbers before they are rounded.
#[derive(Clone, Copy)]
pub(crate) struct Unrounded<L: Lanes, const S: usize> {
    /// θ′ and the new moments.
    pub state: [Bounded<L>; S],
    /// Other than 0 where they are not to be had.
    pub doubt: Vector<L>,
}

/// Small numbers are raised by this power of two, and their squares by twice as much.
pub(crate) const RAISED: i32 = 400;

/// The update of vectors of S numbers of a state, of which θ is the first, by G given ones.
pub(crate) trait Rule<const S: usize, const G: usize>: Copy + Send + Sync {
    /// By pairs with bounds that are known before. A bound is never 0, and the low parts need not be below the
    /// high ones.
    fn fast<L: Lanes>(&self, l: L, state: [Vector<L>; S], given: [Vector<L>; G]) -> Unrounded<L, S>;
    /// By numbers with a running bound, each raised by a power of two.
    fn careful<L: Lanes>(&self, l: L, state: [Vector<L>; S], given: [Vector<L>; G]) -> Unrounded<L, S>;
    /// These powers.
    const RAISED: [i32; S];
}

/// Moves every number of a state by a rule, and gives the places that no bound decides: there the state is as it
/// was. All lists are equally long.
pub(crate) fn step<const S: usize, const G: usize, R: Rule<S, G>>(
    instructions: Instructions,
    rule: &R,
    state: &mut [&mut [f64]; S],
    given: &[&[f64]; G],
) -> Vec<usize> {
    let open = run::<FAST, S, G, R>(instructions, rule, state, given);
    if open.is_empty() {
        return open;
    }
    let gathered = |list: &[f64]| open.iter().map(|&i| list[i]).collect::<Vec<_>>();
    let mut moved: [Vec<f64>; S] = std::array::from_fn(|k| gathered(state[k]));
    let beside: [Vec<f64>; G] = std::array::from_fn(|k| gathered(given[k]));
    let mut lists = moved.each_mut().map(Vec::as_mut_slice);
    let left = run::<CAREFUL, S, G, R>(instructions, rule, &mut lists, &beside.each_ref().map(Vec::as_slice));
    for (list, moved) in state.iter_mut().zip(&moved) {
        open.iter().zip(moved).for_each(|(&i, &x)| list[i] = x);
    }
    left.into_iter().map(|i| open[i]).collect()
}

const FAST: bool = true;
const CAREFUL: bool = false;

fn run<const LEVEL: bool, const S: usize, const G: usize, R: Rule<S, G>>(
    instructions: Instructions,
    rule: &R,
    state: &mut [&mut [f64]; S],
    given: &[&[f64]; G],
) -> Vec<usize> {
    let step = Step::<LEVEL, S, G, R> { rule: *rule, state, given };
    if LEVEL == FAST { instructions.run(step) } else { instructions.run_singly(step) }
}

/// Vectors that are moved, and vectors that are read.
type Written<'a, L, const S: usize> = [&'a mut [<L as Lanes>::F]; S];
type Read<'a, L, const G: usize> = [&'a [<L as Lanes>::F]; G];

struct Step<'a, 'b, 'c, const LEVEL: bool, const S: usize, const G: usize, R> {
    rule: R,
    state: &'a mut [&'b mut [f64]; S],
    given: &'a [&'c [f64]; G],
}

impl<const LEVEL: bool, const S: usize, const G: usize, R: Rule<S, G>> Kernel for Step<'_, '_, '_, LEVEL, S, G, R> {
    type Output = Vec<usize>;

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) -> Vec<usize> {
        let (rule, n) = (self.rule, self.state[0].len());
        let mut open = Vec::new();
        let mut state = self.state.each_mut().map(|list| l.split_mut(list));
        let given = self.given.map(|list| l.split(list));
        let vectors = n / L::LANES;
        // what is less than a vector is filled up to one, which comes after the others
        let mut last_state = state.each_ref().map(|(_, rest)| [l.padded(rest, 1.0)]);
        let last_given = given.map(|(_, rest)| [l.padded(rest, 1.0)]);
        for (before, whole) in [(0, true), (vectors, false)] {
            let (state, given): (Written<L, S>, Read<L, G>) = if whole {
                (state.each_mut().map(|(vectors, _)| &mut vectors[..]), given.map(|(vectors, _)| vectors))
            } else {
                (last_state.each_mut().map(|last| &mut last[..]), last_given.each_ref().map(|last| &last[..]))
            };
            for i in 0..if whole { vectors } else { 1 } {
                // loops, since closures are not compiled for these instructions
                let (mut old, mut beside) = ([Vector::all(l, 0.0); S], [Vector::all(l, 0.0); G]);
                for k in 0..S {
                    old[k].1 = state[k][i];
                }
                for k in 0..G {
                    beside[k].1 = given[k][i];
                }
                let (new, doubt) = moved::<LEVEL, S, G, R, L>(l, &rule, old, beside);
                let new = settle(l, old, new, doubt, (before + i) * L::LANES, &mut open);
                for k in 0..S {
                    state[k][i] = new[k].1;
                }
            }
        }
        for ((_, rest), last) in state.iter_mut().zip(&last_state) {
            rest.copy_from_slice(&l.lanes(last[0])[..n % L::LANES]);
        }
        // lanes that were filled up are none of the list's
        while open.last().is_some_and(|&i| i >= n) {
            open.pop();
        }
        open
    }
}

/// The new numbers, and a number other than 0 where they are not decided.
#[inline(always)]
fn moved<const LEVEL: bool, const S: usize, const G: usize, R: Rule<S, G>, L: Lanes>(
    l: L,
    rule: &R,
    old: [Vector<L>; S],
    beside: [Vector<L>; G],
) -> ([Vector<L>; S], Vector<L>) {
    let Unrounded { state, mut doubt } =
        if LEVEL == FAST { rule.fast(l, old, beside) } else { rule.careful(l, old, beside) };
    let mut new = old;
    for k in 0..S {
        let (rounded, open) = if LEVEL == FAST { nearest(state[k]) } else { state[k].nearest(R::RAISED[k]) };
        (new[k], doubt) = (rounded, doubt + open);
    }
    (new, doubt)
}

/// The f64 to which all numbers within the bound round, and a number other than 0 where they are two: one minus the
/// other, so that what is not finite is not decided.
#[inline(always)]
fn nearest<L: Lanes>(x: Bounded<L>) -> (Vector<L>, Vector<L>) {
    let (above, below) = (x.hi + (x.lo + x.error), x.hi + (x.lo - x.error));
    (above, above - below)
}

/// New numbers where there is no doubt; the old ones elsewhere, whose places are noted.
#[inline(always)]
fn settle<L: Lanes, const S: usize>(
    l: L,
    old: [Vector<L>; S],
    new: [Vector<L>; S],
    doubt: Vector<L>,
    at: usize,
    open: &mut Vec<usize>,
) -> [Vector<L>; S] {
    let zero = Vector::all(l, 0.0);
    let decided = doubt.equal(zero);
    if l.all(decided) {
        return new;
    }
    let flags = zero.or_where_not(decided, Vector::all(l, 1.0));
    note(open, at, &l.lanes(flags.1)[..L::LANES]);
    let mut kept = old;
    for k in 0..S {
        kept[k] = new[k].or_where_not(decided, old[k]);
    }
    kept
}

#[cold]
#[inline(never)]
fn note(open: &mut Vec<usize>, at: usize, flags: &[f64]) {
    open.extend(flags.iter().enumerate().filter(|(_, flag)| **flag != 0.0).map(|(lane, _)| at + lane));
}

#[cfg(test)]
mod tests;
