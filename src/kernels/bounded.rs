//! Vectors of numbers of about 104 bits that know how far from the true number they may be: what
//! [`Wide`](crate::number::Wide) is, lane by lane, with the range of f64 in place of an exponent.
//!
//! What a rounding lost is added to the bound as the number that it is, so that a result that comes out exactly is
//! known to be exact, and its ties are decided. What may underflow makes the bound larger by [`TINY`]; a lane that
//! overflows has a part or a bound that is not finite, and is never decided.

use super::exp::{EXP_ERROR, exp};
use super::lanes::{Lanes, Vector};
use super::pairs::{Pair, fast_two_sum, two_sum};
use super::steps::Coefficient;
use super::two_to;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A number within `error` of hi + lo, where hi = RN(hi + lo), or not known where a part is not finite.
#[derive(Clone, Copy)]
pub(crate) struct Bounded<L: Lanes> {
    pub hi: Vector<L>,
    pub lo: Vector<L>,
    pub error: Vector<L>,
}

/// What a bound is multiplied by where its operations have rounded it: (1 + 2^−48) > (1 + 2^−53)^30.
const UP: f64 = 1.0 + 16.0 * f64::EPSILON;

/// Products above this in size, and the rests of their roundings down to 2^−53 of it, are normal numbers.
const SMALL: f64 = two_to(-900);

/// Above what is lost where numbers below [`SMALL`] underflow: a few times 2^−1074.
const TINY: f64 = two_to(-1000);

/// Exponentials are taken of what is below this in size.
const MOST_EXPONENT: f64 = 620.0;

#[inline(always)]
fn constant<L: Lanes>(like: Vector<L>, x: f64) -> Vector<L> {
    Vector::all(like.0, x)
}

/// `x` where this number is other than 0, and 0 elsewhere.
#[inline(always)]
fn unless_zero<L: Lanes>(number: Vector<L>, x: f64) -> Vector<L> {
    let zero = constant(number, 0.0);
    zero.or_where_not(number.equal(zero), constant(number, x))
}

/// xy, the rest, and a bound on what underflow takes from them.
#[inline(always)]
fn product<L: Lanes>(x: Vector<L>, y: Vector<L>) -> (Vector<L>, Vector<L>, Vector<L>) {
    let hi = x * y;
    let lo = x.fma(y, -hi);
    let small = hi.abs().less(constant(hi, SMALL));
    // zero times a number is zero
    let (zero, tiny) = (constant(hi, 0.0), constant(hi, TINY));
    let lost = zero.or_where_not(x.equal(zero), zero.or_where_not(y.equal(zero), tiny));
    (hi, lo, lost.or_where_not(small, zero))
}

impl<L: Lanes> Bounded<L> {
    /// A number as it is.
    #[inline(always)]
    pub fn exactly(x: Vector<L>) -> Self {
        Bounded { hi: x, lo: constant(x, 0.0), error: constant(x, 0.0) }
    }

    /// A number times 2^`up`, exactly.
    #[inline(always)]
    pub fn raised(x: Vector<L>, up: i32) -> Self {
        Bounded::exactly(x * constant(x, two_to(up)))
    }

    /// A coefficient times 2^`up`.
    #[inline(always)]
    pub fn of(l: L, c: Coefficient, up: i32) -> Self {
        let scale = two_to(up);
        Bounded {
            hi: Vector::all(l, c.hi * scale),
            lo: Vector::all(l, c.lo * scale),
            error: Vector::all(l, c.error * scale),
        }
    }

    /// hi + lo in its form.
    #[inline(always)]
    fn normal(hi: Vector<L>, lo: Vector<L>, error: Vector<L>) -> Self {
        let Pair { hi, lo } = two_sum(hi, lo);
        Bounded { hi, lo, error: error * constant(error, UP) }
    }

    /// √x of a number that is not negative.
    #[inline(always)]
    pub fn sqrt(self) -> Self {
        let root = self.hi.sqrt();
        let (square, rest, _) = product(root, root);
        let left = two_sum((self.hi - square) - rest, self.lo);
        let zero = constant(root, 0.0);
        // the bounds of `Wide::sqrt`, relative to the root: its own of 7·2^−106, and the operand's over √X + √x,
        // where √x ≥ 0
        let own = root * constant(root, 7.0 * two_to(-106));
        let error = own + self.error / root * constant(root, UP);
        let correction = left.hi / (root + root);
        // zero has a root; of what is small the square and its rest are not
        let unknown = constant(root, f64::INFINITY);
        let error = unknown.or_where_not(self.hi.less(constant(root, SMALL)), error);
        let none = (self.hi.abs() + self.error).equal(zero);
        Bounded::normal(root, zero.or_where_not(none, correction), zero.or_where_not(none, error))
    }

    /// e^x within 2^−80 of itself and what the bound adds; not known above e^620, and below e^−620 a number around 0.
    #[inline(always)]
    pub fn exp(self) -> Self {
        let (l, zero) = (self.hi.0, constant(self.hi, 0.0));
        let most = constant(zero, MOST_EXPONENT);
        let inside = self.hi.abs().less(most);
        let d = Pair { hi: self.hi.or_where_not(inside, zero), lo: self.lo.or_where_not(inside, zero) };
        let e = exp(l, d, 0);
        // e^b − 1 ≤ b + b² for b ≤ 1
        let bound = self.error * constant(zero, UP);
        let relative = bound.fma(bound, bound) + constant(zero, EXP_ERROR);
        let error = e.hi * relative * constant(zero, UP);
        let unknown = constant(zero, f64::INFINITY);
        // e^{−620 + 1} < 2^−890
        let below = constant(zero, two_to(-890)).or_where_not(self.hi.less(-most), unknown);
        let outside = below.or_where_not(bound.less(constant(zero, 1.0)), unknown);
        let error = error.or_where_not(bound.less(constant(zero, 1.0)), unknown);
        Bounded {
            hi: e.hi.or_where_not(inside, zero),
            lo: e.lo.or_where_not(inside, zero),
            error: error.or_where_not(inside, outside),
        }
    }

    /// The larger of two numbers.
    #[inline(always)]
    pub fn max(self, other: Self) -> Self {
        let difference = self - other;
        let zero = constant(self.hi, 0.0);
        let below = difference.hi.less(zero);
        // where the difference does not tell, the larger is at most its size above this one
        let open = (difference.hi.abs() + difference.error) * constant(zero, 2.0);
        let told = (difference.error * constant(zero, UP)).less(difference.hi.abs());
        let exactly = difference.error.equal(zero);
        let more = zero.or_where_not(told, zero.or_where_not(exactly, open));
        Bounded {
            hi: other.hi.or_where_not(below, self.hi),
            lo: other.lo.or_where_not(below, self.lo),
            error: other.error.or_where_not(below, self.error) + more,
        }
    }

    /// The smaller of two numbers.
    #[inline(always)]
    pub fn min(self, other: Self) -> Self {
        -(-self).max(-other)
    }

    /// `positive`, 0 or −`positive`, by the sign of this number; 0 within an infinite bound where the bound leaves
    /// the sign open.
    #[inline(always)]
    pub fn sign_of(self, positive: Self) -> Self {
        let zero = constant(self.hi, 0.0);
        let bound = self.error * constant(zero, UP);
        let (above, below) = (bound.less(self.hi), self.hi.less(-bound));
        let none = (self.hi.abs() + self.error).equal(zero);
        let open = zero.or_where_not(none, constant(zero, f64::INFINITY));
        let error = positive.error.or_where_not(above, positive.error.or_where_not(below, open));
        Bounded {
            hi: positive.hi.or_where_not(above, (-positive.hi).or_where_not(below, zero)),
            lo: positive.lo.or_where_not(above, (-positive.lo).or_where_not(below, zero)),
            error,
        }
    }

    /// The f64 nearest to this number times 2^−`raised`, ties to even, and a number that is 0 where the bound
    /// decides it. An exact zero is +0, and an underflow keeps its sign.
    #[inline(always)]
    pub fn nearest(self, raised: i32) -> (Vector<L>, Vector<L>) {
        let zero = constant(self.hi, 0.0);
        // the smallest normal number; from here to twice as much an ulp is the smallest f64
        let least = constant(zero, two_to(-1022 + raised));
        let subnormal = self.hi.abs().less(least);
        let anchor = (-least).or_where_not(self.hi.less(zero), least);
        let anchored = fast_two_sum(anchor, self.hi);
        let rest = two_sum(anchored.lo, self.lo);
        // the parts that are rounded to one number
        let hi = anchored.hi.or_where_not(subnormal, self.hi);
        let lo = rest.hi.or_where_not(subnormal, self.lo);
        let more = rest.lo.abs().or_where_not(subnormal, zero);
        let error = self.error + more;
        // lo ± error is rounded within 2^−53 of the two
        let error = error * constant(zero, UP) + lo.abs() * constant(zero, f64::EPSILON);
        let error = zero.or_where_not((self.error + more).equal(zero), error);
        let (above, below) = (hi + (lo + error), hi + (lo - error));
        let kept = (above - anchor).or_where_not(subnormal, above);
        let signed_zero = (self.hi + zero) * zero;
        let kept = signed_zero.or_where_not(kept.equal(zero), kept);
        (kept * constant(zero, two_to(-raised)), above - below)
    }
}

impl<L: Lanes> Neg for Bounded<L> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Bounded { hi: -self.hi, lo: -self.lo, error: self.error }
    }
}

impl<L: Lanes> Add for Bounded<L> {
    type Output = Self;
    /// As `Wide` adds: every addition is kept exactly but for two residuals, which are the error.
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        let high = two_sum(self.hi, other.hi);
        let low = two_sum(self.lo, other.lo);
        let middle = two_sum(high.lo, low.hi);
        let sum = two_sum(high.hi, middle.hi);
        let rest = two_sum(sum.lo, low.lo);
        let error = (self.error + other.error) + (middle.lo.abs() + rest.lo.abs());
        Bounded::normal(sum.hi, rest.hi, error)
    }
}

impl<L: Lanes> Sub for Bounded<L> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl<L: Lanes> Mul for Bounded<L> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        let (x, y) = (self, other);
        let (hi, rest, lost_0) = product(x.hi, y.hi);
        let (across, across_rest, lost_1) = product(x.hi, y.lo);
        let (back, back_rest, lost_2) = product(x.lo, y.hi);
        let both = two_sum(across, back);
        let lo = two_sum(rest, both.hi);
        // what is left out: the product of the low parts and four residuals
        let (last, _, lost_3) = product(x.lo, y.lo);
        let own = (last.abs() + across_rest.abs()) + (back_rest.abs() + both.lo.abs()) + lo.lo.abs();
        let lost = (lost_0 + lost_1) + (lost_2 + lost_3);
        // XY − xy, where X and Y are the true numbers and |x| ≤ |hi|(1 + 2^−53); where the product of a bound
        // underflows, that is not lost
        let bounds = x.error + y.error;
        let carried = x.hi.abs() * y.error + y.hi.abs() * x.error + x.error * y.error + unless_zero(bounds, TINY);
        Bounded::normal(hi, lo.hi, (carried + own) + lost)
    }
}

impl<L: Lanes> Div for Bounded<L> {
    type Output = Self;
    /// Not known where the divisor may be zero.
    #[inline(always)]
    fn div(self, divisor: Self) -> Self {
        let (x, y) = (self, divisor);
        let first = x.hi / y.hi;
        let (square, rest, _) = product(first, y.hi);
        let left_0 = two_sum((x.hi - square) - rest, x.lo);
        let (across, across_rest, _) = product(first, y.lo);
        let left = two_sum(left_0.hi, -across);
        let second = left.hi / y.hi;
        let (back, back_rest, _) = product(second, y.hi);
        // x = (first + second)·y + what is left, term by term
        let remains = ((left.hi - back) - back_rest).abs() + (second * y.lo).abs();
        let lost = (left_0.lo.abs() + across_rest.abs()) + left.lo.abs();
        // four products of the remainder may underflow, and the quotient itself
        let tiny = unless_zero(x.hi.abs() + x.error, TINY);
        let size = y.hi.abs();
        let own = (remains + lost + tiny) / size + tiny;
        // X/Y − x/y = (X − x − (x/y)(Y − y))/Y, where X and Y are the true numbers
        let up = constant(size, UP);
        let smallest = size * constant(size, 1.0 / UP) - y.error;
        let carried = (x.error + (first.abs() + second.abs()) * y.error * up) / smallest * up;
        let unknown = constant(size, f64::INFINITY);
        let known = constant(size, 0.0).less(smallest);
        Bounded::normal(first, second, (own + carried).or_where_not(known, unknown))
    }
}
