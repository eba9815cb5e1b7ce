//! ln and cos of wide numbers.
//!
//! Every kernel is a polynomial in wide arithmetic, which carries the bounds of its argument and of its
//! own roundings, and whose tail of small terms is summed in f64; what is said here is how far the
//! series that is cut off is from the function.

use super::tables::{ODD_RECIPROCALS, PI};
use super::{UP, Wide, power_of_two};

impl Wide {
    /// The same number with a bound that is larger by this.
    fn plus_or_minus(self, error: f64) -> Wide {
        self + Wide::around_zero(error, 0)
    }

    /// π
    pub fn pi() -> Wide {
        Wide::constant(PI)
    }

    /// ln x of a number above zero: within about 2^−102 of its size near 1, and within about 2^−101, or
    /// 2^−104 of its size, elsewhere.
    pub fn ln(self) -> Wide {
        if self.hi <= 0.0 || self.error >= power_of_two(-9) || self.is_faint() {
            return Wide::UNKNOWN;
        }
        let above_one = self - Wide::ONE;
        if above_one.to_f64().abs() < NEAR {
            return ln_1p_near_zero(above_one);
        }
        // one step of Newton's method from an f64 near it, however near: ln x = y + ln(1 + d) where
        // 1 + d = x e^−y
        let y = Wide::from(libm::log(self.hi) + self.exponent as f64 * std::f64::consts::LN_2);
        let d = self * (-y).exp() - Wide::ONE;
        // d − d²/2 + …, whose next term is d³/3 and those after it smaller: below d³/2 together
        let size = d.to_f64().abs() + d.error_f64();
        if size.is_nan() || size > power_of_two(-9) {
            return Wide::UNKNOWN;
        }
        y + (d - (d * d).scaled(-1)).plus_or_minus(size * size * size * 0.5 * UP)
    }

    /// ln(1 + x) of a number above −1, within about 2^−96 of its size.
    pub fn ln_1p(self) -> Wide {
        if self.to_f64().abs() < NEAR && self.error_f64() < power_of_two(-9) {
            ln_1p_near_zero(self)
        } else {
            (Wide::ONE + self).ln()
        }
    }

    /// cos(π p/q) for q ≥ 1, within about 2^−100 of its size. Exact where it is rational, which for
    /// whole p and q is at 0, ±1/2 and ±1 alone (Niven 1956).
    pub fn cos_of_half_turns(p: u64, q: u64) -> Wide {
        let (p, q) = (u128::from(p), u128::from(q));
        // by cos(2π − x) = cos x and cos(π − x) = −cos x into the first quarter of a turn
        let p = p % (2 * q);
        let p = p.min(2 * q - p);
        let (p, negative) = if 2 * p > q { (q - p, true) } else { (p, false) };
        let size = match () {
            () if p == 0 => Wide::ONE,
            () if 2 * p == q => Wide::ZERO,
            () if 3 * p == q => Wide::ONE.scaled(-1),
            // the argument at most π/4
            () if 4 * p <= q => cos_near_zero(half_turns(p, q)),
            // the complement is π(q − 2p)/(2q)
            () => sin_near_zero(half_turns(q - 2 * p, 2 * q)),
        };
        if negative { -size } else { size }
    }
}

/// π p/q
fn half_turns(p: u128, q: u128) -> Wide {
    // both are below 2^66
    let whole = |n: u128| Wide::from_whole(n as i128);
    Wide::pi() * whole(p) / whole(q)
}

/// Below this size ln(1 + x) is a series.
const NEAR: f64 = power_of_two(-7);

/// ln(1 + d) = 2 artanh(w), w = d/(2 + d), for |d| ≤ 2^−6.
fn ln_1p_near_zero(d: Wide) -> Wide {
    let w = d / (d + Wide::from(2.0));
    let square = w * w;
    // 1/9 + w²/11 + w⁴/13 + w⁶/15 in f64: each of its few roundings is within u of at most 2^−3, the
    // terms from w⁸/17 on are below 2^−60, and its slope in w² is below 2^−3
    let x = square.to_f64();
    let tail = [15.0, 13.0, 11.0, 9.0].into_iter().fold(0.0, |sum, n| sum * x + 1.0 / n);
    let mut series = Wide::from(tail).plus_or_minus(power_of_two(-53) + square.error_f64() * power_of_two(-3));
    for &coefficient in ODD_RECIPROCALS.iter().rev() {
        series = series * square + Wide::constant(coefficient);
    }
    ((series * square + Wide::ONE) * w).scaled(1)
}

/// 1 − y²/2! + … for 0 ≤ y ≤ π/4.
fn cos_near_zero(y: Wide) -> Wide {
    alternating(y * y, 0)
}

/// y − y³/3! + … for 0 ≤ y ≤ π/4.
fn sin_near_zero(y: Wide) -> Wide {
    alternating(y * y, 1) * y
}

/// Σ (−z)^k first!/(2k + first)! for 0 ≤ z ≤ 0.62
fn alternating(z: Wide, first: i32) -> Wide {
    // 13 terms after the first; the next, z^14/28! and less, is below 2^−107 and bounds what is left
    let mut sum = Wide::ONE;
    for k in (1..=13).rev() {
        let n = f64::from(2 * k + first);
        sum = Wide::ONE - sum * z / Wide::from(n * (n - 1.0));
    }
    sum.plus_or_minus(power_of_two(-107))
}
