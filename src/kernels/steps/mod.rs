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
use sums::{ERROR, one_term};

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

    /// 1
    const ONE: Coefficient = Coefficient { hi: 1.0, lo: 0.0, error: 0.0 };

    fn is_zero(self) -> bool {
        self.hi == 0.0
    }

    /// Whether it is one f64.
    fn is_exact(self) -> bool {
        self.lo == 0.0 && self.error == 0.0
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

/// A new number before it is rounded: within [`ERROR`](sums::ERROR) times `size` of hi + lo. A size is never 0, and
/// infinite where the number is not to be had; the low part need not be below the high one.
#[derive(Clone, Copy)]
pub(crate) struct Estimate<L: Lanes> {
    pub hi: Vector<L>,
    pub lo: Vector<L>,
    pub size: Vector<L>,
}

/// New numbers with a running bound before they are rounded.
#[derive(Clone, Copy)]
pub(crate) struct Unrounded<L: Lanes, const S: usize> {
    /// θ′ and the new moments.
    pub state: [Bounded<L>; S],
    /// Other than 0 where they are not to be had.
    pub doubt: Vector<L>,
}

/// Small numbers are raised by this power of two, and their squares by twice as much.
pub(crate) const RAISED: i32 = 400;

/// What a number is multiplied with where a list of those that are given has a 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AtRest {
    pub kept: Coefficient,
    pub given: usize,
}

/// The update of vectors of S numbers of a state, of which θ is the first, by G given ones.
pub(crate) trait Rule<const S: usize, const G: usize>: Copy + Send + Sync {
    /// By pairs with bounds that are known before.
    fn fast<L: Lanes>(&self, l: L, state: [Vector<L>; S], given: [Vector<L>; G]) -> [Estimate<L>; S];
    /// What becomes of each number of the state where nothing moves it, of θ where the first moment is 0 as well;
    /// `None` where the rule is more than that.
    fn at_rest(&self) -> Option<[AtRest; S]>;
    /// Where an old state has a step at all.
    #[inline(always)]
    fn domain<L: Lanes>(&self, l: L, state: [Vector<L>; S]) -> L::M {
        let zero = Vector::all(l, 0.0);
        // of what is not finite this is not a number
        (state[0] * zero).equal(zero)
    }
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
            let many = if whole { vectors } else { 1 };
            // cut to one length, so that no place is looked up that is not known to be there
            let (mut state, given): (Written<L, S>, Read<L, G>) = if whole {
                (state.each_mut().map(|(vectors, _)| &mut vectors[..many]), given.map(|(vectors, _)| &vectors[..many]))
            } else {
                (last_state.each_mut().map(|last| &mut last[..many]), last_given.each_ref().map(|last| &last[..many]))
            };
            for i in 0..many {
                // loops, since closures are not compiled for these instructions
                let (mut old, mut beside) = ([Vector::all(l, 0.0); S], [Vector::all(l, 0.0); G]);
                for k in 0..S {
                    old[k].1 = state[k][i];
                }
                for k in 0..G {
                    beside[k].1 = given[k][i];
                }
                let mut moved = if LEVEL == FAST {
                    Moved::rounded(l, rule.fast(l, old, beside))
                } else {
                    Moved::carefully::<G, R>(rule.careful(l, old, beside))
                };
                if !l.all(moved.decided()) {
                    if LEVEL == FAST
                        && let Some(at_rest) = rule.at_rest()
                    {
                        moved.rest(at_rest, rule.domain(l, old), old, beside);
                    }
                    moved.keep(old, (before + i) * L::LANES, &mut open);
                }
                for (list, new) in state.iter_mut().zip(moved.state) {
                    list[i] = new.1;
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

/// New numbers, and for each a number other than 0 where it is not decided.
struct Moved<L: Lanes, const S: usize> {
    state: [Vector<L>; S],
    doubts: [Vector<L>; S],
}

impl<L: Lanes, const S: usize> Moved<L, S> {
    #[inline(always)]
    fn rounded(l: L, estimates: [Estimate<L>; S]) -> Self {
        let none = [Vector::all(l, 0.0); S];
        let mut moved = Moved { state: none, doubts: none };
        for (k, estimate) in estimates.into_iter().enumerate() {
            (moved.state[k], moved.doubts[k]) = nearest(estimate);
        }
        moved
    }

    #[inline(always)]
    fn carefully<const G: usize, R: Rule<S, G>>(unrounded: Unrounded<L, S>) -> Self {
        let mut moved = Moved { state: [unrounded.doubt; S], doubts: [unrounded.doubt; S] };
        for k in 0..S {
            let (rounded, open) = unrounded.state[k].nearest(R::RAISED[k]);
            (moved.state[k], moved.doubts[k]) = (rounded, moved.doubts[k] + open);
        }
        moved
    }

    /// Where all numbers are decided.
    #[inline(always)]
    fn decided(&self) -> L::M {
        let mut doubt = self.doubts[0];
        for other in &self.doubts[1..] {
            doubt = doubt + *other;
        }
        doubt.equal(Vector::all(doubt.0, 0.0))
    }

    /// Decides the lanes for which nothing is given: a moment is one product, which a processor rounds rightly however
    /// small it is, and so is θ where the first moment is 0. Whole rows of embeddings are so, and their moments stay
    /// at 0 or fade to the smallest numbers, which no bound decides.
    #[inline(always)]
    fn rest<const G: usize>(&mut self, at_rest: [AtRest; S], domain: L::M, old: [Vector<L>; S], given: [Vector<L>; G]) {
        let l = given[0].0;
        let zero = Vector::all(l, 0.0);
        for (k, AtRest { kept, given: own }) in at_rest.into_iter().enumerate().skip(1) {
            if kept.is_exact() {
                let product = kept.hi(l) * old[k];
                let finite = (product * zero).equal(zero);
                let resting = l.and(l.and(domain, finite), given[own].equal(zero));
                // an exact zero is +0, and what underflows keeps its sign
                let exact = if kept.is_zero() { zero } else { zero.or_where_not(old[k].equal(zero), product) };
                self.decide(k, resting, exact);
            }
        }
        let AtRest { kept, given: own } = at_rest[0];
        let still = l.and(l.and(domain, given[own].equal(zero)), old[1].equal(zero));
        let (rounded, open) = nearest(one_term(l, kept, old[0]));
        let none = old[0].equal(zero);
        self.decide(0, l.and(still, l.or(none, open.equal(zero))), zero.or_where_not(none, rounded));
    }

    #[inline(always)]
    fn decide(&mut self, k: usize, lanes: L::M, number: Vector<L>) {
        self.state[k] = number.or_where_not(lanes, self.state[k]);
        self.doubts[k] = Vector::all(number.0, 0.0).or_where_not(lanes, self.doubts[k]);
    }

    /// Leaves the old numbers where the new ones are not decided, and notes the places.
    #[inline(always)]
    fn keep(&mut self, old: [Vector<L>; S], at: usize, open: &mut Vec<usize>) {
        let (decided, l) = (self.decided(), old[0].0);
        if l.all(decided) {
            return;
        }
        let flags = Vector::all(l, 0.0).or_where_not(decided, Vector::all(l, 1.0));
        note(open, at, &l.lanes(flags.1)[..L::LANES]);
        for (new, old) in self.state.iter_mut().zip(old) {
            *new = new.or_where_not(decided, old);
        }
    }
}

/// The f64 to which all numbers within the bound round, and a number other than 0 where they are two: one minus the
/// other, so that what is not finite is not decided.
#[inline(always)]
fn nearest<L: Lanes>(x: Estimate<L>) -> (Vector<L>, Vector<L>) {
    let error = Vector::all(x.size.0, ERROR);
    let (above, below) = (x.hi + x.size.fma(error, x.lo), x.hi + x.size.fma_from(error, x.lo));
    (above, above - below)
}

#[cold]
#[inline(never)]
fn note(open: &mut Vec<usize>, at: usize, flags: &[f64]) {
    open.extend(flags.iter().enumerate().filter(|(_, flag)| **flag != 0.0).map(|(lane, _)| at + lane));
}

#[cfg(test)]
mod tests;
