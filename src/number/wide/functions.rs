//! exp, ln and cos of wide numbers.
//!
//! Every kernel is a polynomial in wide arithmetic, which carries the bounds of its argument and of its
//! own roundings, and whose tail of small terms is summed in f64; what is said here is how far the
//! series that is cut off is from the function.

use super::tables::{EXPONENTIALS, LN_2, ODD_RECIPROCALS, PI, RECIPROCALS_OF_FACTORIALS};
use super::{FAINTEST, Wide, power_of_two};

/// e^x = 2^k·(grid + e_m1·grid), where grid = e^(j/64).
struct Reduced {
    k: i64,
    j: i64,
    /// x − k ln 2 − j/64, at most 2^−7 and a bit in size
    rest: Wide,
}

/// Why an argument cannot be reduced.
enum Beyond {
    /// e^x is below any size that is kept.
    Faint,
    /// Nothing is known.
    Unknown,
}

impl Wide {
    /// The same number with a bound that is larger by this.
    fn plus_or_minus(self, error: f64) -> Wide {
        self + Wide::around_zero(error, 0)
    }

    /// x − k ln 2 − j/64 with whole k and j.
    fn reduced(self) -> Result<Reduced, Beyond> {
        if self.exponent > 30 || self.error_f64() > power_of_two(-9) {
            let negative = self.hi < 0.0 && self.error < 0.5 && self.exponent > 30;
            return Err(if negative { Beyond::Faint } else { Beyond::Unknown });
        }
        let x = self.to_f64();
        let turns = libm::rint(x / std::f64::consts::LN_2);
        if turns.abs() >= -(FAINTEST as f64) {
            return Err(if turns < 0.0 { Beyond::Faint } else { Beyond::Unknown });
        }
        // turns has at most 26 bits, so that its product with the first part is an f64. The three parts
        // are within 2^−136 of ln 2
        let [first, second, third] = LN_2.map(Wide::from);
        let wide_turns = Wide::from(turns);
        let mut r = ((self - wide_turns * first) - wide_turns * second) - wide_turns * third;
        if turns != 0.0 {
            r = r + Wide::around_zero(turns.abs(), -136);
        }
        let steps = libm::rint(r.to_f64() * 64.0);
        Ok(Reduced { k: turns as i64, j: steps as i64, rest: r - Wide::from(steps / 64.0) })
    }

    /// e^x, within about 2^−102 of its size.
    pub fn exp(self) -> Wide {
        match self.reduced() {
            Ok(reduced) => {
                let grid = reduced.grid();
                (grid + grid * exp_m1_near_zero(reduced.rest)).scaled(reduced.k)
            }
            Err(Beyond::Faint) => Wide::faint(1.0),
            Err(Beyond::Unknown) => Wide::UNKNOWN,
        }
    }

    /// e^x − 1, within about 2^−98 of its size.
    pub fn exp_m1(self) -> Wide {
        match self.reduced() {
            Ok(reduced) if reduced.k == 0 => {
                let grid = reduced.grid();
                (grid - Wide::ONE) + grid * exp_m1_near_zero(reduced.rest)
            }
            _ => self.exp() - Wide::ONE,
        }
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
        // d − d²/2 + …, whose next term is d³/3 and those after it smaller
        let size = d.to_f64().abs() + d.error_f64();
        if size.is_nan() || size > power_of_two(-9) {
            return Wide::UNKNOWN;
        }
        let rest = Wide::from(size).powi(3);
        y + (d - (d * d).scaled(-1)) + Wide::around_zero(rest.hi * 1.5, rest.exponent)
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

impl Reduced {
    /// e^(j/64); rest is small enough for j to be within the table.
    fn grid(&self) -> Wide {
        usize::try_from(self.j + 24)
            .ok()
            .and_then(|i| EXPONENTIALS.get(i))
            .map_or(Wide::UNKNOWN, |&e| Wide::constant(e))
    }
}

/// π p/q
fn half_turns(p: u128, q: u128) -> Wide {
    // both are below 2^66
    let whole = |n: u128| Wide::from_whole(n as i128);
    Wide::constant(PI) * whole(p) / whole(q)
}

/// e^s − 1 for |s| ≤ 2^−6.
fn exp_m1_near_zero(s: Wide) -> Wide {
    // 1/7! + s/8! + … + s⁵/12! in f64: each of its few roundings is within u of at most 2^−12, the terms
    // from s⁶/13! on are below 2^−68, and its slope is below 2^−15
    let x = s.to_f64();
    let tail = [479_001_600.0, 39_916_800.0, 3_628_800.0, 362_880.0, 40_320.0, 5_040.0];
    let tail = tail.into_iter().fold(0.0, |sum, factorial| sum * x + 1.0 / factorial);
    let mut series = Wide::from(tail).plus_or_minus(power_of_two(-62) + s.error_f64() * power_of_two(-15));
    for &coefficient in RECIPROCALS_OF_FACTORIALS.iter().rev() {
        series = series * s + Wide::constant(coefficient);
    }
    (series * s + Wide::ONE) * s
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
