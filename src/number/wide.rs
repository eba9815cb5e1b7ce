//! Numbers of about 104 bits, without a largest or smallest size that matters, that know how far from
//! the true number they may be.
//!
//! Every operation adds to the bounds of its operands a bound of its own rounding. Where what the
//! rounding lost is itself a number at hand (Knuth's and Dekker's residuals), it is that number, so
//! that a result that comes out exactly is known to be exact: then ties and zeros are decided by what
//! the numbers are. Elsewhere it is derived beside the operation.
//!
//! u is 2^−53. A bound is a sum of at most a dozen products of numbers that are not negative, in f64:
//! each operation loses at most u of it and none underflows, so that the factor [`UP`] makes up for
//! all of them.

mod arithmetic;
mod exponential;
mod functions;
mod tables;

pub(crate) use arithmetic::Wides;

use super::Sign;
use super::error_free::{two_product, two_sum};
use std::iter::Sum;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A number within error·2^exponent of (hi + lo)·2^exponent.
///
/// Either 1 ≤ |hi| < 2, |lo| ≤ u and error ≤ |hi|; or hi and lo are 0, and error is 0 for an exact
/// zero, in [1, 2) for a number around zero, infinite for one of which nothing is known. lo is 0 or at
/// least 2^−300 in size, error 0 or at least 2^−400.
///
/// Of nonzero numbers below 2^(−2^26) only the sign is kept (see [`FAINT`]).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wide {
    hi: f64,
    lo: f64,
    exponent: i64,
    error: f64,
}

/// 1 + 2^−48 > (1 + u)^30: what a bound is multiplied by where its operations have rounded it.
const UP: f64 = 1.0 + 16.0 * f64::EPSILON;

/// Terms that are smaller by more binary places than this go into the error of a sum.
const NEGLIGIBLE: i64 = 300;

/// Numbers from 2 to this power are not known any more.
const LARGEST: i64 = 1 << 24;

/// Nonzero numbers below 2 to this power are faint: known to be nonzero, with their sign, and below
/// 2^(`FAINTEST` + n + 8), where n is how far their exponent is above [`FAINT`]. So a softmax of logits
/// that are a billion apart still has its signs.
const FAINTEST: i64 = -(1 << 26);

/// The exponent that a number gets when it becomes faint.
const FAINT: i64 = -(1 << 58);

/// 2^n for −1022 ≤ n ≤ 1023
const fn power_of_two(n: i64) -> f64 {
    f64::from_bits(((n + 1023) as u64) << 52)
}

/// n with 2^n ≤ |x| < 2^(n+1), for a normal number
fn exponent_of(x: f64) -> i64 {
    ((x.to_bits() >> 52) & 0x7ff) as i64 - 1023
}

impl Wide {
    /// 0
    pub const ZERO: Wide = Wide { hi: 0.0, lo: 0.0, exponent: 0, error: 0.0 };
    /// 1
    pub const ONE: Wide = Wide { hi: 1.0, lo: 0.0, exponent: 0, error: 0.0 };
    /// A number of which nothing is known: what no bound can be given for.
    const UNKNOWN: Wide = Wide { hi: 0.0, lo: 0.0, exponent: 0, error: f64::INFINITY };

    /// 2^n for n of at most 2^24 in size
    pub const fn power_of_two(n: i64) -> Wide {
        Wide { exponent: n, ..Wide::ONE }
    }

    /// A whole number, exactly up to 2^106 in size.
    pub fn from_whole(n: impl Into<i128>) -> Wide {
        let n: i128 = n.into();
        let size = n.unsigned_abs();
        let digit = |place: i64| Wide::from(f64::from((size >> place) as u32)).scaled(place);
        let sum: Wide = [96, 64, 32, 0].map(digit).into_iter().sum();
        if n < 0 { -sum } else { sum }
    }

    /// hi + lo ± error, where hi is RN(hi + lo) and below 2^900 in size, as is the error.
    pub fn known_to(hi: f64, lo: f64, error: f64) -> Wide {
        if hi.abs() < power_of_two(-900) {
            return Wide::around_zero((error + 2.0 * hi.abs()).max(f64::MIN_POSITIVE) * UP, 0);
        }
        Wide::normal(hi, lo, 0, error)
    }

    /// hi, lo and a bound as f64: what [`from_f64s`](Wide::from_f64s) takes. Past 2^±600 the bound is infinite.
    pub fn to_f64s(self) -> [f64; 3] {
        if self.hi == 0.0 {
            return [0.0, 0.0, self.error_f64()];
        }
        if !(-600..=600).contains(&self.exponent) {
            return [0.0, 0.0, f64::INFINITY];
        }
        let scale = power_of_two(self.exponent);
        [self.hi * scale, self.lo * scale, self.error_f64()]
    }

    /// hi + lo ± error, where hi is RN(hi + lo), whatever they are: unknown where one is not finite or past 2^900.
    pub fn from_f64s([hi, lo, error]: [f64; 3]) -> Wide {
        match () {
            () if hi == 0.0 && error == 0.0 => Wide::ZERO,
            () if hi.abs() < power_of_two(900) && lo.is_finite() && error < power_of_two(900) => {
                Wide::known_to(hi, lo, error)
            }
            () => Wide::UNKNOWN,
        }
    }

    /// hi, lo and the exponent, where the number is not 0.
    pub fn parts(self) -> (f64, f64, i64) {
        (self.hi, self.lo, self.exponent)
    }

    /// A bound on the error relative to hi, where the number is not 0.
    pub fn relative_error(self) -> f64 {
        self.error / self.hi.abs() * UP
    }

    /// The sum of two f64 that was rounded once, in lo: hi is RN(hi + lo), of a size from 1e-290 to 1e290.
    fn constant((hi, lo): (f64, f64)) -> Wide {
        // lo is at most half an ulp of hi, u·|hi|, and rounded within u of itself
        let error = if lo == 0.0 { 0.0 } else { power_of_two(-106) * hi.abs() };
        Wide::normal(hi, lo, 0, error)
    }

    /// (hi + lo ± error)·2^exponent with hi = RN(hi + lo) brought to its form. All three are far
    /// from the ends of the range of f64.
    fn normal(hi: f64, lo: f64, exponent: i64, error: f64) -> Wide {
        if hi == 0.0 {
            return Wide::around_zero(error, exponent);
        }
        if error.is_nan() || error > hi.abs() {
            return Wide::around_zero((hi.abs() + lo.abs() + error) * UP, exponent);
        }
        let n = exponent_of(hi);
        let scale = power_of_two(-n);
        let (hi, mut lo, mut error) = (hi * scale, lo * scale, error * scale);
        if lo != 0.0 && lo.abs() < power_of_two(-300) {
            (lo, error) = (0.0, (error + lo.abs()) * UP);
        }
        if error != 0.0 {
            error = error.max(power_of_two(-400));
        }
        Wide { hi, lo, exponent: exponent + n, error }.in_range()
    }

    /// 0 ± error·2^exponent
    fn around_zero(error: f64, exponent: i64) -> Wide {
        if error == 0.0 {
            return Wide::ZERO;
        }
        if error.is_nan() || error.is_infinite() {
            return Wide::UNKNOWN;
        }
        let n = exponent_of(error);
        let exponent = exponent + n;
        if exponent > LARGEST {
            return Wide::UNKNOWN;
        }
        // a larger bound is a bound
        let exponent = exponent.max(FAINTEST / 2);
        Wide { hi: 0.0, lo: 0.0, exponent, error: error * power_of_two(-n) }
    }

    /// What is too large becomes unknown, and what is too small faint.
    fn in_range(self) -> Wide {
        if self.exponent > LARGEST {
            return Wide::UNKNOWN;
        }
        if self.exponent >= FAINTEST {
            return self;
        }
        if self.error * UP >= self.hi.abs() {
            return Wide::around_zero(4.0, FAINTEST / 4);
        }
        // how far a faint number has risen since it became faint; the others become so now
        let risen = self.exponent - FAINT;
        if !(0..=-FAINT / 2).contains(&risen) {
            return Wide { exponent: FAINT, ..self };
        }
        if risen < -FAINTEST / 2 { self } else { Wide::UNKNOWN }
    }

    fn is_faint(self) -> bool {
        self.exponent < FAINTEST
    }

    /// A nonzero number known by its sign alone, that of `of`.
    fn faint(of: f64) -> Wide {
        Wide { hi: 1f64.copysign(of), lo: 0.0, exponent: FAINT, error: 0.0 }
    }

    /// The same number with a bound that is larger by this, in units of 2^exponent.
    fn widened(self, error: f64) -> Wide {
        Wide::normal(self.hi, self.lo, self.exponent, (self.error + error) * UP)
    }

    /// The bound as a number that is not below it; infinite past the range.
    fn error_f64(self) -> f64 {
        if self.error == 0.0 || self.exponent < -600 {
            return if self.error == 0.0 { 0.0 } else { power_of_two(-598) };
        }
        if self.exponent > 600 { f64::INFINITY } else { self.error * power_of_two(self.exponent) }
    }

    /// Whether this is exactly zero.
    pub fn is_zero(self) -> bool {
        self.hi == 0.0 && self.error == 0.0
    }

    /// Whether this is known exactly.
    pub fn is_exact(self) -> bool {
        self.error == 0.0 && !self.is_faint()
    }

    /// The sign of the true number; `None` where the bound leaves it open.
    pub fn sign(self) -> Option<Sign> {
        match () {
            () if self.is_zero() => Some(Sign::Zero),
            // |hi + lo| ≥ |hi|(1 − u)
            () if self.error * UP >= self.hi.abs() => None,
            () if self.hi > 0.0 => Some(Sign::Positive),
            () => Some(Sign::Negative),
        }
    }

    /// |x|, where the sign is known; else a number around zero.
    pub fn abs(self) -> Wide {
        if self.hi < 0.0 { -self } else { self }
    }

    /// The larger of two numbers.
    pub fn max(self, other: Wide) -> Wide {
        let difference = self - other;
        match difference.sign() {
            Some(Sign::Negative) => other,
            Some(Sign::Zero | Sign::Positive) => self,
            // the larger is at most |x − y| above this one
            None => self + Wide::around_zero(2.0 * (difference.hi.abs() + difference.error), difference.exponent),
        }
    }

    /// The smaller of two numbers.
    pub fn min(self, other: Wide) -> Wide {
        -(-self).max(-other)
    }

    /// Whether this is below another number, as far as the two are known.
    pub fn is_below(self, other: Wide) -> bool {
        (self - other).hi < 0.0
    }

    /// Whether this has less than 2^−40 of another number's size: what is left where terms of that
    /// size cancel, and has lost digits that count.
    pub fn is_small_beside(self, other: Wide) -> bool {
        !other.is_zero() && (self.is_zero() || self.exponent < other.exponent - 40)
    }

    /// x·2^n
    pub fn scaled(self, n: i64) -> Wide {
        match () {
            () if self.is_zero() || self.error.is_infinite() => self,
            () if self.hi == 0.0 => Wide::around_zero(self.error, self.exponent + n),
            () => Wide { exponent: self.exponent + n, ..self }.in_range(),
        }
    }

    /// The f64 nearest to the true number, ties to even, if the bound decides it: ±∞ past the range,
    /// and an underflow keeps its sign.
    pub fn nearest(self) -> Option<f64> {
        let [low, high] = self.ends();
        (low.to_bits() == high.to_bits()).then_some(low)
    }

    /// The f64 nearest to the smallest and to the largest number that the true one can be.
    fn ends(self) -> [f64; 2] {
        if self.error == 0.0 {
            return [rounded(self.hi, self.lo, self.exponent); 2];
        }
        if self.error.is_infinite() {
            return [f64::NEG_INFINITY, f64::INFINITY];
        }
        // rounding is monotone: all between the ends goes where both ends go
        let low = rounded(self.hi, (self.lo - self.error).next_down(), self.exponent);
        let high = rounded(self.hi, (self.lo + self.error).next_up(), self.exponent);
        [low, high]
    }

    /// The f64 nearest to hi + lo, whatever the bound; NaN where nothing is known.
    pub fn to_f64(self) -> f64 {
        if self.error.is_infinite() { f64::NAN } else { rounded(self.hi, self.lo, self.exponent) }
    }

    /// √x of a number that is not negative.
    pub fn sqrt(self) -> Wide {
        if self.hi == 0.0 {
            // a true number of at most `error`
            let odd = self.exponent.rem_euclid(2);
            let error = libm::sqrt(self.error * power_of_two(odd)) * UP;
            return Wide::around_zero(error, (self.exponent - odd) / 2);
        }
        if self.hi < 0.0 || self.is_faint() {
            return Wide::UNKNOWN;
        }
        let odd = self.exponent.rem_euclid(2);
        let scale = power_of_two(odd);
        let (hi, lo, error) = (self.hi * scale, self.lo * scale, self.error * scale);
        // 1 ≤ hi < 4. hi − root² is an f64, which both subtractions find exactly
        let root = libm::sqrt(hi);
        let (square, rest) = two_product(root, root);
        let (left, lost) = two_sum((hi - square) - rest, lo);
        let correction = left / (2.0 * root);
        // √(root² + D) = root + D/(2 root) − D²/(8 root³) + …, where D = left + lost. |D| ≤ 2u root + 2u:
        // the square is at most 2u² and a bit; lost, at most 4u², counts half; the quotient, of at most
        // 2u, is rounded by at most 2u²
        let own = if left == 0.0 && lost == 0.0 { 0.0 } else { 7.0 * U2 };
        // |√X − √x| = |X − x|/(√X + √x), and √x ≥ 0
        let carried = error / (2.0 * root - error.min(root)) * UP;
        let (hi, lo) = two_sum(root, correction);
        Wide::normal(hi, lo, (self.exponent - odd) / 2, (own + carried) * UP)
    }

    /// xⁿ for a whole n, by squaring; 1/x^−n where n is negative.
    pub fn powi(self, n: i64) -> Wide {
        let (mut result, mut square) = (Wide::ONE, self);
        let mut left = n.unsigned_abs();
        while left > 0 {
            if left & 1 == 1 {
                result = result * square;
            }
            left >>= 1;
            if left > 0 {
                square = square * square;
            }
        }
        if n < 0 { Wide::ONE / result } else { result }
    }
}

/// u² = 2^−106
const U2: f64 = power_of_two(-106);

/// The f64 nearest to (hi + lo)·2^exponent, ties to even, for any lo.
fn rounded(hi: f64, lo: f64, exponent: i64) -> f64 {
    let (hi, lo) = two_sum(hi, lo);
    let size = exponent_of(hi) + exponent;
    if hi == 0.0 || size >= -1022 {
        return libm::ldexp(hi, exponent.clamp(-5000, 5000) as i32);
    }
    if size < -1076 {
        return 0f64.copysign(hi);
    }
    // a subnormal result is a multiple of 2^−1074, below 2^52 of them: the addition of 2^52 leaves no finer
    // bits
    let quantum = power_of_two(-1074 - exponent);
    let large = (power_of_two(52) * quantum).copysign(hi);
    let multiple = (hi + large) - large;
    // half way between two, lo decides
    let left = hi - multiple;
    let beyond = left.abs() == 0.5 * quantum && left * lo > 0.0;
    let multiple = if beyond { multiple + quantum.copysign(left) } else { multiple };
    libm::ldexp(multiple, exponent as i32).copysign(hi)
}

impl From<f64> for Wide {
    /// A finite number, exactly; any other is unknown.
    fn from(x: f64) -> Wide {
        match () {
            () if !x.is_finite() => Wide::UNKNOWN,
            () if x.abs() < power_of_two(-900) => Wide::normal(x * power_of_two(200), 0.0, -200, 0.0),
            () if x.abs() > power_of_two(900) => Wide::normal(x * power_of_two(-200), 0.0, 200, 0.0),
            () => Wide::normal(x, 0.0, 0, 0.0),
        }
    }
}

impl Neg for Wide {
    type Output = Wide;
    fn neg(self) -> Wide {
        if self.hi == 0.0 { self } else { Wide { hi: -self.hi, lo: -self.lo, ..self } }
    }
}

impl Add for Wide {
    type Output = Wide;
    fn add(self, other: Wide) -> Wide {
        if self.is_zero() || other.is_zero() {
            return if self.is_zero() { other } else { self };
        }
        let (large, small) = if other.exponent > self.exponent { (other, self) } else { (self, other) };
        if large.error.is_infinite() || small.error.is_infinite() {
            return Wide::UNKNOWN;
        }
        if small.is_faint() && large.exponent < FAINTEST / 4 && (!large.is_faint() || large.hi * small.hi < 0.0) {
            // a faint number is below 2^(FAINTEST/2 + 8): it has not risen by more than −FAINTEST/2
            return Wide::around_zero(4.0, FAINTEST / 4);
        }
        let places = large.exponent - small.exponent;
        if places > NEGLIGIBLE {
            // |hi + lo| and the error are both at most 2
            return large.widened(4.0 * power_of_two(-NEGLIGIBLE));
        }
        let scale = power_of_two(-places);
        // the sum of double words (Joldes, Muller and Popescu 2017, algorithm 6, within 3u² and a bit of
        // the true sum), with every addition kept exactly: what is lost are two residuals
        let (sum, rest) = two_sum(large.hi, small.hi * scale);
        let (low, low_rest) = two_sum(large.lo, small.lo * scale);
        let (middle, lost) = two_sum(rest, low);
        let (sum, rest) = two_sum(sum, middle);
        let (rest, lost_too) = two_sum(rest, low_rest);
        let (hi, lo) = two_sum(sum, rest);
        let error = (large.error + small.error * scale + lost.abs() + lost_too.abs()) * UP;
        Wide::normal(hi, lo, large.exponent, error)
    }
}

impl Sub for Wide {
    type Output = Wide;
    fn sub(self, other: Wide) -> Wide {
        self + (-other)
    }
}

impl Mul for Wide {
    type Output = Wide;
    fn mul(self, other: Wide) -> Wide {
        if self.is_zero() || other.is_zero() {
            return Wide::ZERO;
        }
        let (x, y) = (self, other);
        let (product, rest) = two_product(x.hi, y.hi);
        // XY − xy where X, Y are the true numbers
        let carried = ((x.hi.abs() * y.error + y.hi.abs() * x.error) + x.error * y.error) * UP;
        let (rest, own) = match () {
            () if x.lo == 0.0 && y.lo == 0.0 => (rest, 0.0),
            () if x.lo == 0.0 || y.lo == 0.0 => {
                // one word by two: what is lost are two residuals
                let (one, low) = if x.lo == 0.0 { (x.hi, y.lo) } else { (y.hi, x.lo) };
                let (across, lost) = two_product(one, low);
                let (rest, lost_too) = two_sum(rest, across);
                (rest, lost.abs() + lost_too.abs())
            }
            // |x.lo|, |y.lo| ≤ u and |x.hi|, |y.hi| < 2: each product across is at most 2u and rounded by at
            // most u²; their sum, at most 4u, by 2u²; that with the rest of at most 2u, by 4u²; and the
            // product of the low words, at most u², is left out. Together 9u²
            () => (rest + (x.hi * y.lo + x.lo * y.hi), 9.0 * U2),
        };
        let (hi, lo) = two_sum(product, rest);
        Wide::normal(hi, lo, x.exponent + y.exponent, (carried + own) * UP)
    }
}

impl Div for Wide {
    type Output = Wide;
    /// Unknown where the divisor may be zero.
    fn div(self, divisor: Wide) -> Wide {
        let (x, y) = (self, divisor);
        // |y.hi + y.lo| ≥ |y.hi|(1 − u)
        let smallest = y.hi.abs() / UP - y.error;
        if y.hi == 0.0 || smallest <= 0.0 {
            return Wide::UNKNOWN;
        }
        if x.is_zero() {
            return Wide::ZERO;
        }
        if x.error.is_infinite() {
            return Wide::UNKNOWN;
        }
        // x.hi − first·y.hi is an f64, which both subtractions find exactly, as is the same for the second
        let first = x.hi / y.hi;
        let (product, rest) = two_product(first, y.hi);
        let (left, lost_0) = two_sum((x.hi - product) - rest, x.lo);
        let (across, lost_1) = two_product(first, y.lo);
        let (left, lost_2) = two_sum(left, -across);
        let second = left / y.hi;
        let (product, rest) = two_product(second, y.hi);
        // x = (first + second)·y + what is left, term by term
        let left = ((left - product) - rest).abs() + (second * y.lo).abs();
        let own = (left + lost_0.abs() + lost_1.abs() + lost_2.abs()) / y.hi.abs();
        // X/Y − x/y = (X − x − (x/y)(Y − y))/Y where X, Y are the true numbers
        let carried = (x.error + (first.abs() + second.abs()) * y.error * UP) / smallest * UP;
        let (hi, lo) = two_sum(first, second);
        Wide::normal(hi, lo, x.exponent - y.exponent, (own + carried) * UP)
    }
}

impl Sum for Wide {
    fn sum<I: Iterator<Item = Wide>>(terms: I) -> Wide {
        terms.fold(Wide::ZERO, Add::add)
    }
}

/// Σ x_i y_i
pub(crate) fn wide_dot(x: &[f64], y: &[f64]) -> Wide {
    x.iter().zip(y).map(|(&x, &y)| Wide::from(x) * Wide::from(y)).sum()
}

#[cfg(test)]
mod tests;
