//! Sums of products with coefficients, in pairs with a bound on their absolute error.

use super::Coefficient;
use crate::kernels::bounded::Bounded;
use crate::kernels::lanes::{Lanes, Vector};
use crate::kernels::pairs::{Pair, two_product, two_sum};
use crate::kernels::two_to;

/// Bound on the error of a sum of up to three products, relative to the sum T of their sizes, with what the rounding
/// test itself rounds.
///
/// u is 2^−53. A product's low part is at most 2u of it and rounded by 2u² of it, and its coefficient is within
/// 2^−100. The sums of low parts are at most 2uT, 3uT and 4uT, and rounded by as many u²T; the test adds the bound
/// to a low part of at most 4uT, within 4u²T. All together is below 20u² + 2^−100 < 2^−99.
pub(super) const SUM_ERROR: f64 = two_to(-98);

/// Above what underflows in sums that are not decided by it: those from 2^−690 on.
pub(super) const TINY: f64 = two_to(-750);

/// c·x, with a low part of at most 2^−52 of it.
#[inline(always)]
pub(super) fn term<L: Lanes>(l: L, c: Coefficient, x: Vector<L>) -> Pair<L> {
    let Pair { hi, lo } = two_product(c.hi(l), x);
    Pair { hi, lo: c.lo(l).fma(x, lo) }
}

/// The sum of two products, and of their sizes.
#[inline(always)]
pub(super) fn sum_of_two<L: Lanes>(x: Pair<L>, y: Pair<L>) -> (Pair<L>, Vector<L>) {
    let sum = two_sum(x.hi, y.hi);
    (Pair { hi: sum.hi, lo: sum.lo + (x.lo + y.lo) }, x.hi.abs() + y.hi.abs())
}

/// The sum of three products, and of their sizes.
#[inline(always)]
pub(super) fn sum_of_three<L: Lanes>(x: Pair<L>, y: Pair<L>, z: Pair<L>) -> (Pair<L>, Vector<L>) {
    let first = two_sum(x.hi, y.hi);
    let sum = two_sum(first.hi, z.hi);
    let lo = sum.lo + (first.lo + ((x.lo + y.lo) + z.lo));
    (Pair { hi: sum.hi, lo }, (x.hi.abs() + y.hi.abs()) + z.hi.abs())
}

/// A sum with its bound.
#[inline(always)]
pub(super) fn bounded<L: Lanes>(l: L, (sum, size): (Pair<L>, Vector<L>)) -> Bounded<L> {
    Bounded { hi: sum.hi, lo: sum.lo, error: size.fma(Vector::all(l, SUM_ERROR), Vector::all(l, TINY)) }
}

/// βx + (1 − β)y with its bound, from β and 1 − β.
#[inline(always)]
pub(super) fn average<L: Lanes>(l: L, beta: [Coefficient; 2], x: Vector<L>, y: Vector<L>) -> Bounded<L> {
    bounded(l, sum_of_two(term(l, beta[0], x), term(l, beta[1], y)))
}

/// The same in numbers with a running bound.
#[inline(always)]
pub(super) fn average_carefully<L: Lanes>(l: L, beta: [Coefficient; 2], x: Bounded<L>, y: Bounded<L>) -> Bounded<L> {
    Bounded::of(l, beta[0], 0) * x + Bounded::of(l, beta[1], 0) * y
}
