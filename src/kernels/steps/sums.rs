//! Sums of products with coefficients, in pairs with a bound on their absolute error.

use super::{Coefficient, Estimate};
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
pub(super) const ERROR: f64 = two_to(-98);

/// Added to every size, so that what underflows is below the bound: [`ERROR`] times this is 2^−748, and what underflows
/// in a sum of three products is below 2^−1071.
pub(super) const TINY: f64 = two_to(-650);

/// c·x, with a low part of at most 2^−52 of it.
#[inline(always)]
pub(super) fn term<L: Lanes>(l: L, c: Coefficient, x: Vector<L>) -> Pair<L> {
    let Pair { hi, lo } = two_product(c.hi(l), x);
    Pair { hi, lo: c.lo(l).fma(x, lo) }
}

/// The sum of the sizes of coefficients times numbers, by products where additions are what a processor waits for.
#[inline(always)]
pub(super) fn sizes<L: Lanes, const N: usize>(l: L, terms: [(Coefficient, Vector<L>); N]) -> Vector<L> {
    let mut sum = Vector::all(l, TINY);
    for (c, x) in terms {
        sum = Vector::all(l, c.hi.abs()).fma(x.abs(), sum);
    }
    sum
}

/// The sum of two pairs, as a pair.
#[inline(always)]
pub(super) fn sum_of_two<L: Lanes>(x: Pair<L>, y: Pair<L>) -> Pair<L> {
    let sum = two_sum(x.hi, y.hi);
    Pair { hi: sum.hi, lo: sum.lo + (x.lo + y.lo) }
}

/// The sum of three pairs, as a pair.
#[inline(always)]
pub(super) fn sum_of_three<L: Lanes>(x: Pair<L>, y: Pair<L>, z: Pair<L>) -> Pair<L> {
    let first = two_sum(x.hi, y.hi);
    let sum = two_sum(first.hi, z.hi);
    Pair { hi: sum.hi, lo: sum.lo + (first.lo + ((x.lo + y.lo) + z.lo)) }
}

/// One product.
#[inline(always)]
pub(super) fn one_term<L: Lanes>(l: L, c: Coefficient, x: Vector<L>) -> Estimate<L> {
    let Pair { hi, lo } = term(l, c, x);
    Estimate { hi, lo, size: sizes(l, [(c, x)]) }
}

/// The sum of two products.
#[inline(always)]
pub(super) fn two_terms<L: Lanes>(l: L, c: [Coefficient; 2], x: [Vector<L>; 2]) -> Estimate<L> {
    let Pair { hi, lo } = sum_of_two(term(l, c[0], x[0]), term(l, c[1], x[1]));
    Estimate { hi, lo, size: sizes(l, [(c[0], x[0]), (c[1], x[1])]) }
}

/// The sum of three products.
#[inline(always)]
pub(super) fn three_terms<L: Lanes>(l: L, c: [Coefficient; 3], x: [Vector<L>; 3]) -> Estimate<L> {
    let Pair { hi, lo } = sum_of_three(term(l, c[0], x[0]), term(l, c[1], x[1]), term(l, c[2], x[2]));
    Estimate { hi, lo, size: sizes(l, [(c[0], x[0]), (c[1], x[1]), (c[2], x[2])]) }
}

/// βx + (1 − β)y in numbers with a running bound, from β and 1 − β.
#[inline(always)]
pub(super) fn average_carefully<L: Lanes>(l: L, beta: [Coefficient; 2], x: Bounded<L>, y: Bounded<L>) -> Bounded<L> {
    Bounded::of(l, beta[0], 0) * x + Bounded::of(l, beta[1], 0) * y
}
