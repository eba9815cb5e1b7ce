//! Numbers of 104 bits and without a largest or smallest size, for evaluating a formula as it is
//! written: nothing overflows on the way, and what cancels leaves digits.

use super::error_free::{fast_two_sum, two_product, two_sum};
use std::iter::Sum;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// (hi + lo)·2^exponent with 1 ≤ |hi| < 2 and |lo| at most half an ulp of hi, or zero.
///
/// An operation is within 2^−102 of its result's size; sums, products and quotients of small whole
/// numbers are exact where they fit. A product of two f64 always fits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Wide {
    hi: f64,
    lo: f64,
    exponent: i64,
}

/// Exponents stay below this size, so that sums of some of them fit.
const LARGEST_EXPONENT: i64 = 1 << 58;

/// Terms that are smaller by more binary places than this do not count in a sum.
const NEGLIGIBLE: i64 = 900;

/// ln 2 as a sum of two f64.
const LN_2: (f64, f64) = (std::f64::consts::LN_2, 2.319_046_813_846_299_6e-17);

/// 2^n for −1022 ≤ n ≤ 1023
fn power_of_two(n: i64) -> f64 {
    f64::from_bits(((n + 1023) as u64) << 52)
}

impl Wide {
    /// 0
    pub const ZERO: Wide = Wide { hi: 0.0, lo: 0.0, exponent: 0 };
    /// 1
    pub const ONE: Wide = Wide { hi: 1.0, lo: 0.0, exponent: 0 };

    fn normal(hi: f64, lo: f64, exponent: i64) -> Wide {
        if hi == 0.0 {
            return if lo == 0.0 { Wide::ZERO } else { Wide::normal(lo, 0.0, exponent) };
        }
        let n = ((hi.to_bits() >> 52) & 0x7ff) as i64 - 1023;
        if n == 0 {
            return Wide { hi, lo, exponent: exponent.clamp(-LARGEST_EXPONENT, LARGEST_EXPONENT) };
        }
        if !(-1000..=1000).contains(&n) {
            // in two steps, for subnormal numbers and for the largest
            let step = if n < 0 { 200 } else { -200 };
            return Wide::normal(hi * power_of_two(step), lo * power_of_two(step), exponent - step);
        }
        let scale = power_of_two(-n);
        Wide { hi: hi * scale, lo: lo * scale, exponent: (exponent + n).clamp(-LARGEST_EXPONENT, LARGEST_EXPONENT) }
    }

    /// Whether this is exactly zero.
    pub fn is_zero(self) -> bool {
        self.hi == 0.0
    }

    /// Whether this is below another number.
    pub fn is_below(self, other: Wide) -> bool {
        (self - other).hi < 0.0
    }

    /// Whether this has less than 2^−40 of another number's size: what is left where terms of that
    /// size cancel, and has lost digits that count.
    pub fn is_small_beside(self, other: Wide) -> bool {
        !other.is_zero() && (self.is_zero() || self.exponent < other.exponent - 40)
    }

    /// x·2^n
    fn scaled(self, n: i64) -> Wide {
        Wide::normal(self.hi, self.lo, self.exponent + n)
    }

    /// The nearest f64, ±∞ past its range; an underflow keeps its sign.
    pub fn to_f64(self) -> f64 {
        let mut hi = self.hi;
        if self.exponent < -1022 && self.lo != 0.0 && hi.to_bits() & 1 == 0 {
            // rounded to odd first, so that the bits that go are rounded once
            hi = if (self.lo > 0.0) == (hi > 0.0) {
                f64::from_bits(hi.to_bits() + 1)
            } else {
                f64::from_bits(hi.to_bits() - 1)
            };
        }
        libm::ldexp(hi, self.exponent.clamp(-5000, 5000) as i32)
    }

    /// √x for x ≥ 0
    pub fn sqrt(self) -> Wide {
        if self.is_zero() {
            return self;
        }
        let odd = self.exponent.rem_euclid(2);
        let (hi, lo) = (self.hi * power_of_two(odd), self.lo * power_of_two(odd));
        let root = libm::sqrt(hi);
        let (square, rest) = two_product(root, root);
        let (hi, lo) = fast_two_sum(root, (((hi - square) - rest) + lo) / (2.0 * root));
        Wide::normal(hi, lo, (self.exponent - odd) / 2)
    }

    /// hi/hi, the first 53 bits of a quotient
    fn first_quotient(self, divisor: Wide) -> Wide {
        Wide::normal(self.hi / divisor.hi, 0.0, self.exponent - divisor.exponent)
    }

    /// e^x, within 2^−94 of its size for |x| < 2^20.
    pub fn exp(self) -> Wide {
        if self.exponent > 50 {
            // no power of it is within the range of f64; the sign of what it is multiplied with stays
            return Wide {
                hi: 1.0,
                lo: 0.0,
                exponent: if self.hi < 0.0 { -LARGEST_EXPONENT } else { LARGEST_EXPONENT },
            };
        }
        let ln_2 = Wide::normal(LN_2.0, LN_2.1, 0);
        let turns = libm::round(self.to_f64() / LN_2.0);
        // |r| < 0.35/2^8, of which the series needs 13 terms
        let r = (self - Wide::from(turns) * ln_2).scaled(-8);
        let mut series = Wide::ONE;
        for n in (2..=13).rev() {
            series = Wide::ONE + r * series / Wide::from(f64::from(n));
        }
        // e^2r − 1 = (e^r − 1)(e^r − 1 + 2), which loses nothing of e^r − 1
        let mut minus_1 = r * series;
        for _ in 0..8 {
            minus_1 = minus_1 * (minus_1 + Wide::from(2.0));
        }
        (Wide::ONE + minus_1).scaled(turns as i64)
    }

    /// ln(1 + x) for 0 ≤ x < 2^1000, within 2^−76 of its size.
    pub fn ln_1p(self) -> Wide {
        if self.exponent < -20 {
            // 2 artanh(w), of which the fifth term is below 2^−168
            let w = self / (self + Wide::from(2.0));
            let square = w * w;
            let series = [9.0, 7.0, 5.0, 3.0, 1.0].map(|n| Wide::ONE / Wide::from(n));
            return (series.into_iter().fold(Wide::ZERO, |sum, c| sum * square + c) * w).scaled(1);
        }
        // one step of Newton's method from the f64 value y: u = (1 + x)e^{−y} is 1 + O(2^−52)
        let y = libm::log1p(self.to_f64());
        let u = (Wide::ONE + self) * (-Wide::from(y)).exp() - Wide::ONE;
        Wide::from(y) + u - (u * u).scaled(-1)
    }
}

impl From<f64> for Wide {
    /// A finite number, exactly.
    fn from(x: f64) -> Wide {
        Wide::normal(x, 0.0, 0)
    }
}

impl Neg for Wide {
    type Output = Wide;
    fn neg(self) -> Wide {
        if self.is_zero() { self } else { Wide { hi: -self.hi, lo: -self.lo, ..self } }
    }
}

impl Add for Wide {
    type Output = Wide;
    fn add(self, other: Wide) -> Wide {
        let (large, small) = if self.is_zero() || (!other.is_zero() && other.exponent > self.exponent) {
            (other, self)
        } else {
            (self, other)
        };
        let places = large.exponent - small.exponent;
        if small.is_zero() || places > NEGLIGIBLE {
            return large;
        }
        let scale = power_of_two(-places);
        let (sum, rest) = two_sum(large.hi, small.hi * scale);
        let (low, low_rest) = two_sum(large.lo, small.lo * scale);
        let (sum, rest) = fast_two_sum(sum, rest + low);
        let (hi, lo) = fast_two_sum(sum, rest + low_rest);
        Wide::normal(hi, lo, large.exponent)
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
        let (product, rest) = two_product(self.hi, other.hi);
        let (hi, lo) = fast_two_sum(product, rest + (self.hi * other.lo + self.lo * other.hi));
        Wide::normal(hi, lo, self.exponent + other.exponent)
    }
}

impl Div for Wide {
    type Output = Wide;
    /// The divisor is not zero.
    fn div(self, divisor: Wide) -> Wide {
        let first = self.first_quotient(divisor);
        let left = self - first * divisor;
        let second = left.first_quotient(divisor);
        first + second + (left - second * divisor).first_quotient(divisor)
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
mod tests {
    use super::*;

    fn wide(x: f64) -> Wide {
        Wide::from(x)
    }

    /// |x/right − 1| as a power of two
    fn log2_error(x: Wide, right: Wide) -> f64 {
        libm::log2((x / right - Wide::ONE).to_f64().abs())
    }

    #[test]
    fn f64_in_and_out() {
        for x in [0.0, 1.0, -0.1, 5e-324, -2.5e-310, f64::MAX, f64::MIN_POSITIVE, 1e-300] {
            assert_eq!(wide(x).to_f64(), x);
        }
        assert_eq!((wide(f64::MAX) * wide(2.0)).to_f64(), f64::INFINITY);
        assert!((wide(-5e-324) * wide(0.25)).to_f64().is_sign_negative());
        // 2.5 of the smallest and a little more rounds up once, not down to 2 by way of 2.5
        let smallest = wide(5e-324);
        assert_eq!((smallest * (wide(2.5) + wide(1e-20))).to_f64(), 1.5e-323);
        assert_eq!((smallest * (wide(2.5) - wide(1e-20))).to_f64(), 1e-323);
    }

    #[test]
    fn operations_keep_104_bits() {
        let third = Wide::ONE / wide(3.0);
        assert!(log2_error(third * wide(3.0), Wide::ONE) < -103.0);
        let root = (wide(2e300) * wide(1e300)).sqrt();
        assert!(log2_error(root * root, wide(2e300) * wide(1e300)) < -102.0);
        assert_eq!(wide_dot(&[1e30, 1.0, -1e30], &[1.0, 3.0, 1.0]).to_f64(), 3.0);
    }

    #[test]
    fn exp_and_ln_1p() {
        // e and e^−700 from 40 digits: e = 2.718281828459045 + 2.353602874713526625e−16 − …
        let e = wide(std::f64::consts::E) + wide(1.445_646_891_729_250_2e-16);
        assert!(log2_error(wide(1.0).exp(), e) < -94.0);
        for x in [-700.0, -2000.5, -0.3, -1e-12, 5.0] {
            assert!(log2_error(wide(x).exp() * wide(-x).exp(), Wide::ONE) < -93.0, "{x}");
        }
        for x in [1e-300, 1e-9, 1e-6, 0.5, 1.0, 1e5] {
            let y = wide(x).ln_1p();
            assert_eq!(y.to_f64(), libm::log1p(x));
            assert!(log2_error(y.exp(), Wide::ONE + wide(x)) < -90.0, "{x}");
        }
        assert_eq!(wide(-1e300).exp().to_f64(), 0.0);
        assert!(!wide(-1e300).exp().is_zero());
    }
}
