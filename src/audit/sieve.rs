//! A quick look at elements: the step in plain f64, and a part of the budget that is certain.
//!
//! Nearly every element of a right step is told by it. What it does not let through is judged by the
//! oracle and the whole budget, so that a verdict never rests on the sieve alone: it may only let through
//! what the budget allows, and a test holds it to that.
//!
//! Plain f64 tells nothing of numbers that are f64 themselves: those are held to the nearest ones, which the
//! optimizers' steps on flat lists give, and the sieve only says how far they may be off.

mod rules;
mod sifted;
mod sophia;

pub(super) use rules::{Adam, Lion, Sgd};
pub(super) use sifted::Kept;
use sifted::{OWN_ERROR, Sifted};
pub(super) use sophia::Sophia;

use crate::kernels::{Instructions, Kernel, Lanes, Vector};
use crate::number::Dtype;

/// The most numbers that a step changes: θ and its moments.
pub(super) const MOST_OUTPUTS: usize = 4;

/// One element before a step, with its gradient.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    pub theta: f64,
    pub g: f64,
    /// ĥ; 0 where none was made.
    pub estimate: f64,
    pub moments: [f64; MOST_OUTPUTS - 1],
}

/// A step of an optimizer on vectors of elements.
trait Steps: Send + Sync {
    /// θ′ and the new moments, of θ and the moments, g and ĥ.
    fn step<L: Lanes>(
        &self,
        l: L,
        state: [Vector<L>; MOST_OUTPUTS],
        given: [Vector<L>; 2],
    ) -> [Sifted<L>; MOST_OUTPUTS];
}

/// A step of an optimizer that elements are held to.
pub(super) trait Rule: Send + Sync {
    /// How far off every element of a block is, at the number where it is furthest, in parts of what is certainly
    /// allowed: at most 1 is within the budget.
    fn sift(&self, columns: &Columns, off: &mut [f64]);

    /// What is certain of θ′ and the new moments of one element: the value, the terms, and whether products are among
    /// them.
    #[cfg(test)]
    fn certain(&self, x: &Before) -> [(f64, f64, bool); MOST_OUTPUTS];
}

impl<S: Steps> Rule for S {
    #[cfg(test)]
    fn certain(&self, x: &Before) -> [(f64, f64, bool); MOST_OUTPUTS] {
        use crate::kernels::One;
        let state = [x.theta, x.moments[0], x.moments[1], x.moments[2]].map(|x| Vector(One, x));
        self.step(One, state, [x.g, x.estimate].map(|x| Vector(One, x)))
            .map(|x| (x.value.1, x.terms.1, x.products.1 > 0.0))
    }

    fn sift(&self, columns: &Columns, off: &mut [f64]) {
        Instructions::widest().run_singly(Sift { steps: self, columns, off });
    }
}

/// The numbers of a block, each list as long as the block.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub gradient: Vec<f64>,
    /// ĥ; zeros where none was made.
    pub estimate: Vec<f64>,
    /// θ and the moments; zeros where a state is missing.
    pub before: [Vec<f64>; MOST_OUTPUTS],
    /// θ′ and the new moments; anything where the files have none.
    pub after: [Vec<f64>; MOST_OUTPUTS],
    /// The dtypes of what the files have after the step.
    pub dtypes: [Option<Dtype>; MOST_OUTPUTS],
    /// The f64 nearest to θ′ and the new moments, where they are known.
    pub nearest: Option<[Vec<f64>; MOST_OUTPUTS]>,
}

impl Columns {
    /// What one element starts from.
    pub fn before(&self, i: usize) -> Before {
        let [theta, m, v, v_max] = &self.before;
        Before { theta: theta[i], g: self.gradient[i], estimate: self.estimate[i], moments: [m[i], v[i], v_max[i]] }
    }
}

/// What a dtype may lose.
#[derive(Clone, Copy, Debug)]
struct Scale {
    /// Of every term.
    unit: f64,
    /// Half of the smallest number.
    underflow: f64,
}

impl Scale {
    /// That of a dtype, where numbers are held to plain f64 or to the nearest one.
    fn of(dtype: Dtype, nearest: bool) -> Scale {
        let (unit, underflow) = (dtype.unit(), 0.5 * dtype.smallest());
        match dtype.stored() {
            // the sizes of terms are known as plain f64 knows them; underflow is left to the budget
            _ if nearest => Scale { unit: unit * (1.0 - 4.0 * OWN_ERROR), underflow: 0.0 },
            Dtype::F64 => Scale { unit: f64::NAN, underflow: 0.0 },
            _ => Scale { unit: unit - OWN_ERROR, underflow },
        }
    }
}

/// The loop of [`Rule::sift`], for whatever vectors the processor has.
struct Sift<'a, S> {
    steps: &'a S,
    columns: &'a Columns,
    off: &'a mut [f64],
}

impl<S: Steps> Kernel for Sift<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let Columns { gradient, estimate, before, after, dtypes, nearest } = self.columns;
        let scales = dtypes.map(|dtype| dtype.map(|dtype| Scale::of(dtype, nearest.is_some())));
        let n = self.off.len();
        let (off, last_off) = l.split_mut(self.off);
        let (gradient, estimate) = (l.split(&gradient[..n]), l.split(&estimate[..n]));
        let before = before.each_ref().map(|list| l.split(&list[..n]));
        let after = after.each_ref().map(|list| l.split(&list[..n]));
        let nearest = nearest.as_ref().map(|lists| lists.each_ref().map(|list| l.split(&list[..n])));
        let zero = Vector::all(l, 0.0);
        let vectors = n / L::LANES;
        for i in 0..vectors + usize::from(n % L::LANES > 0) {
            let (mut state, mut found, mut right) = ([zero; MOST_OUTPUTS], [zero; MOST_OUTPUTS], [zero; MOST_OUTPUTS]);
            // loops, since closures are not compiled for these instructions
            for k in 0..MOST_OUTPUTS {
                state[k] = at(l, before[k], i);
                found[k] = at(l, after[k], i);
            }
            let mut sifted = self.steps.step(l, state, [at(l, gradient, i), at(l, estimate, i)]);
            if let Some(nearest) = &nearest {
                for k in 0..MOST_OUTPUTS {
                    right[k] = at(l, nearest[k], i);
                    // what is open stays so
                    sifted[k].value = right[k] + (sifted[k].value - sifted[k].value);
                }
            }
            let mut furthest = Furthest { error: zero, allowed: Vector::all(l, 1.0), within: zero };
            for k in 0..MOST_OUTPUTS {
                if let Some(scale) = scales[k] {
                    furthest.join(l, &sifted[k], found[k], scale);
                }
            }
            let furthest = furthest.off(l);
            if i < vectors {
                off[i] = furthest.1;
            } else {
                last_off.copy_from_slice(&l.lanes(furthest.1)[..n % L::LANES]);
            }
        }
    }
}

/// A vector of a list; what is less than a vector is filled up to one, which comes after the others.
#[inline(always)]
fn at<L: Lanes>(l: L, (whole, rest): (&[L::F], &[f64]), i: usize) -> Vector<L> {
    Vector(l, if i < whole.len() { whole[i] } else { l.padded(rest, 0.0) })
}

/// The numbers of elements that are furthest off.
#[derive(Clone, Copy)]
struct Furthest<L: Lanes> {
    error: Vector<L>,
    allowed: Vector<L>,
    /// 0 where every number so far is within what is allowed.
    within: Vector<L>,
}

impl<L: Lanes> Furthest<L> {
    #[inline(always)]
    fn join(&mut self, l: L, sifted: &Sifted<L>, found: Vector<L>, scale: Scale) {
        let (zero, one) = (Vector::all(l, 0.0), Vector::all(l, 1.0));
        let error = (found - sifted.value).abs();
        let allowed = Vector::all(l, scale.unit).fma(sifted.terms, Vector::all(l, scale.underflow) * sifted.products);
        // with NaN nothing is certain
        let within = zero.or_where_not(error.less(allowed), zero.or_where_not(error.equal(zero), one));
        let within = within + (allowed - allowed);
        self.within = self.within + within;
        // which one it is, is only for show: products may underflow
        let further = (self.error * allowed).less(error * self.allowed);
        self.error = error.or_where_not(further, self.error);
        self.allowed = allowed.or_where_not(further, self.allowed);
    }

    /// How far off, in parts of what is allowed; infinite where that is more than all and not known.
    #[inline(always)]
    fn off(self, l: L) -> Vector<L> {
        let (zero, one) = (Vector::all(l, 0.0), Vector::all(l, 1.0));
        let off = self.error / self.allowed;
        let off = zero.or_where_not(self.error.equal(zero), off);
        let inside = off.min(one);
        let outside = off.or_where_not(one.less(off), Vector::all(l, f64::INFINITY));
        inside.or_where_not(self.within.equal(zero), outside)
    }
}
