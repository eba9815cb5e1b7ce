//! A quick look at elements: the step in plain f64, and a part of the budget that is certain.
//!
//! Nearly every element of a right step is told by it. What it does not let through is judged by the
//! oracle and the whole budget, so that a verdict never rests on the sieve alone: it may only let through
//! what the budget allows, and tests hold it to that. Where it is certain that nothing is promised, as where a second
//! moment may be off by all of itself, it lets any number through.
//!
//! Plain f64 tells nothing of numbers that are f64 themselves: those are held to the nearest ones, which the
//! optimizers' steps on flat lists give, and the sieve only says how far they may be off.

mod divisor;
mod rules;
mod sifted;
mod sophia;

pub(super) use divisor::Loss;
pub(super) use rules::{Adam, Lion, Sgd};
pub(super) use sifted::Kept;
use sifted::{OWN_ERROR, Sifted};
pub(super) use sophia::Sophia;

use super::exact::Element;
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
    /// Whether a step without care is one with it wherever no number that it starts from is 0 or ±1.
    fn needs_no_care(&self) -> bool {
        false
    }

    /// θ′ and the new moments, of θ and the moments, g and ĥ.
    fn step<L: Lanes, const CARE: bool>(
        &self,
        l: L,
        state: [Vector<L>; MOST_OUTPUTS],
        given: [Vector<L>; 2],
    ) -> [Sifted<L, CARE>; MOST_OUTPUTS];
}

/// A step of an optimizer that elements are held to.
pub(super) trait Rule: Send + Sync {
    /// Tells of elements how far off they are, at the number where each is furthest, in parts of what is certainly
    /// allowed: at most 1 is within the budget. An element that is left out is less far off than `furthest`, which
    /// becomes that of the furthest so far within the budget.
    fn sift(&self, columns: &Columns, furthest: &mut f64, told: &mut Vec<(usize, f64)>);

    /// What is certain of θ′ and the new moments of one element. Without care where that will do.
    #[cfg(test)]
    fn certain(&self, x: &Before, care: bool) -> [Certain; MOST_OUTPUTS];
}

impl<S: Steps> Rule for S {
    #[cfg(test)]
    fn certain(&self, x: &Before, care: bool) -> [Certain; MOST_OUTPUTS] {
        use crate::kernels::One;
        fn told<const CARE: bool>(x: Sifted<One, CARE>) -> Certain {
            let unpromised = x.unpromised.1 > 0.0;
            Certain { value: x.value.1, terms: x.terms.1, products: x.products.1, unpromised }
        }
        let state = [x.theta, x.moments[0], x.moments[1], x.moments[2]].map(|x| Vector(One, x));
        let given = [x.g, x.estimate].map(|x| Vector(One, x));
        if care || !self.needs_no_care() {
            self.step::<One, true>(One, state, given).map(told)
        } else {
            self.step::<One, false>(One, state, given).map(told)
        }
    }

    fn sift(&self, columns: &Columns, furthest: &mut f64, told: &mut Vec<(usize, f64)>) {
        Instructions::widest().run_singly(Sift { steps: self, columns, furthest, told });
    }
}

/// A [`Sifted`] number of one element.
#[cfg(test)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Certain {
    pub value: f64,
    pub terms: f64,
    pub products: f64,
    pub unpromised: bool,
}

#[cfg(test)]
impl Certain {
    /// How far off a number of a dtype may be for certain.
    pub fn allowed(&self, dtype: Dtype) -> f64 {
        let Scale { unit, underflow } = Scale::of(dtype, false);
        unit * self.terms + underflow * self.products
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
    /// How many moments the optimizer has.
    pub moments: usize,
    /// The dtypes of what the files have after the step.
    pub dtypes: [Option<Dtype>; MOST_OUTPUTS],
    /// The f64 nearest to θ′ and the new moments, where they are known.
    pub nearest: Option<[Vec<f64>; MOST_OUTPUTS]>,
}

impl Columns {
    /// One element, of a list that starts at this place of a tensor.
    pub fn element(&self, from: u64, i: usize) -> Element {
        Element { index: from + i as u64, before: self.before(i), after: self.after.each_ref().map(|list| list[i]) }
    }

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
            _ => Scale { unit: unit - OWN_ERROR, underflow: underflow * (1.0 - OWN_ERROR) },
        }
    }
}

/// The loop of [`Rule::sift`], for whatever vectors the processor has.
struct Sift<'a, S> {
    steps: &'a S,
    columns: &'a Columns,
    furthest: &'a mut f64,
    told: &'a mut Vec<(usize, f64)>,
}

/// Numbers that are off by less than this part of what is certain are not told apart.
const NOT_TOLD_APART: f64 = 1.0 / 1024.0;

/// Below this are only f64, whose products may be 0.
const LEAST: f64 = 1e-100;

impl<S: Steps> Kernel for Sift<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let Columns { gradient, estimate, before, after, moments, dtypes, nearest } = self.columns;
        let scales = dtypes.map(|dtype| dtype.map(|dtype| Scale::of(dtype, nearest.is_some())));
        let n = gradient.len();
        let (gradient, estimate) = (l.split(gradient), l.split(&estimate[..n]));
        let before = before.each_ref().map(|list| l.split(&list[..n]));
        let after = after.each_ref().map(|list| l.split(&list[..n]));
        let nearest = nearest.as_ref().map(|lists| lists.each_ref().map(|list| l.split(&list[..n])));
        let moments = *moments;
        let block = Block { steps: self.steps, gradient, estimate, before, after, moments, scales, nearest };
        let quick = self.steps.needs_no_care() && scales[0].is_some();
        for i in 0..n.div_ceil(L::LANES) {
            // a rest is filled up with zeros, which need care
            if quick && *self.furthest > 0.0 && block.all_are_nearer(l, i, *self.furthest) {
                continue;
            }
            let off = l.lanes(block.off(l, i).1);
            let first = i * L::LANES;
            for (lane, &off) in off[..L::LANES.min(n - first)].iter().enumerate() {
                self.told.push((first + lane, off));
                if off <= 1.0 {
                    *self.furthest = self.furthest.max(off).max(NOT_TOLD_APART);
                }
            }
        }
    }
}

/// A list as vectors, and what is less than a vector.
type List<'a, L> = (&'a [<L as Lanes>::F], &'a [f64]);

/// [`Columns`] as vectors.
struct Block<'a, S, L: Lanes> {
    steps: &'a S,
    gradient: List<'a, L>,
    estimate: List<'a, L>,
    before: [List<'a, L>; MOST_OUTPUTS],
    after: [List<'a, L>; MOST_OUTPUTS],
    moments: usize,
    scales: [Option<Scale>; MOST_OUTPUTS],
    nearest: Option<[List<'a, L>; MOST_OUTPUTS]>,
}

impl<S: Steps, L: Lanes> Block<'_, S, L> {
    /// What the elements of the i-th vector start from: θ and the moments, g and ĥ.
    #[inline(always)]
    fn start(&self, l: L, i: usize) -> ([Vector<L>; MOST_OUTPUTS], [Vector<L>; 2]) {
        let mut state = [Vector::all(l, 0.0); MOST_OUTPUTS];
        // loops, since closures are not compiled for these instructions
        for (state, list) in state.iter_mut().zip(self.before) {
            *state = at(l, list, i);
        }
        (state, [at(l, self.gradient, i), at(l, self.estimate, i)])
    }

    /// What they come to.
    #[inline(always)]
    fn step<const CARE: bool>(
        &self,
        l: L,
        i: usize,
        state: [Vector<L>; MOST_OUTPUTS],
        given: [Vector<L>; 2],
    ) -> [Sifted<L, CARE>; MOST_OUTPUTS] {
        let mut sifted = self.steps.step(l, state, given);
        if let Some(nearest) = self.nearest {
            for (sifted, list) in sifted.iter_mut().zip(nearest) {
                // what is open stays so: a product of 0 with what is not finite is NaN
                sifted.value = at(l, list, i) + sifted.value * Vector::all(l, 0.0);
            }
        }
        sifted
    }

    /// How far off the elements are.
    #[inline(always)]
    fn off(&self, l: L, i: usize) -> Vector<L> {
        let zero = Vector::all(l, 0.0);
        let (state, given) = self.start(l, i);
        let sifted = self.step::<true>(l, i, state, given);
        let mut furthest = Furthest { error: zero, allowed: Vector::all(l, 1.0), within: zero };
        for ((sifted, scale), list) in sifted.iter().zip(self.scales).zip(self.after) {
            if let Some(scale) = scale {
                furthest.join(l, sifted, at(l, list, i), scale);
            }
        }
        furthest.off(l)
    }

    /// Whether all of the elements are certainly less far off than `furthest`, and need no care.
    #[inline(always)]
    fn all_are_nearer(&self, l: L, i: usize, furthest: f64) -> bool {
        let (zero, one) = (Vector::all(l, 0.0), Vector::all(l, 1.0));
        let (state, given) = self.start(l, i);
        let mut smallest = given[0].abs();
        let mut exact = smallest.equal(one);
        for (k, state) in state.iter().enumerate() {
            if k <= self.moments {
                let size = state.abs();
                smallest = smallest.min(size);
                exact = l.or(exact, size.equal(one));
            }
        }
        let mut nearer = Vector::all(l, LEAST).less(smallest);
        let sifted = self.step::<false>(l, i, state, given);
        for ((sifted, scale), list) in sifted.iter().zip(self.scales).zip(self.after) {
            if let Some(Scale { unit, underflow }) = scale {
                let error = (at(l, list, i) - sifted.value).abs();
                let underflow = Vector::all(l, furthest * underflow) * sifted.products;
                let allowed = Vector::all(l, furthest * unit).fma(sifted.terms, underflow);
                // of what is not finite nothing is certain
                nearer = l.and(nearer, error.less(allowed + allowed * zero));
            }
        }
        l.all(l.and(nearer, (zero.or_where_not(exact, one)).equal(one)))
    }
}

/// A vector of a list; what is less than a vector is filled up to one, which comes after the others.
#[inline(always)]
fn at<L: Lanes>(l: L, (whole, rest): List<L>, i: usize) -> Vector<L> {
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
    fn join(&mut self, l: L, sifted: &Sifted<L, true>, found: Vector<L>, scale: Scale) {
        let (zero, one) = (Vector::all(l, 0.0), Vector::all(l, 1.0));
        let error = (found - sifted.value).abs();
        // where nothing is promised but that there is an answer, any number will do
        let any = l.and(zero.less(sifted.unpromised), found.equal(found));
        let any = l.and(any, (sifted.value * zero).equal(zero));
        let error = zero.or_where_not(any, error);
        let allowed = Vector::all(l, scale.unit).fma(sifted.terms, Vector::all(l, scale.underflow) * sifted.products);
        let within = zero.or_where_not(error.less(allowed), zero.or_where_not(error.equal(zero), one));
        // of what is not finite nothing is certain
        let within = within + allowed * zero;
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
