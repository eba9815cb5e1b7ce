//! e^x and e^x − 1 of wide numbers, on plain sums of two f64 with an error bound for the whole.
//!
//! x = k ln 2 + j/64 + s with whole k and j and |s| ≤ 2^−6.99, so that e^x = 2^k·e^(j/64)·(1 + p), p = e^s − 1.
//! A sum of two f64 is hi + lo with |lo| ≤ u|hi|, u = 2^−53; bounds are multiples of u² = 2^−106.

use super::tables::{EXPONENTIALS, LN_2, RECIPROCALS_OF_FACTORIALS};
use super::{FAINTEST, U2, UP, Wide, power_of_two};
use crate::number::error_free::{fast_two_sum, two_product, two_sum};

/// Below this size e^x − 1 is x + x²/2.
const TINY: i64 = -60;

/// An argument in its parts.
struct Reduced {
    k: i64,
    j: i64,
    /// s
    rest: (f64, f64),
    /// How far s may be from the true number, at most 2^−9 and a bit.
    error: f64,
}

/// Why an argument cannot be reduced.
enum Beyond {
    /// e^x is below any size that is kept.
    Faint,
    /// Nothing is known.
    Unknown,
}

impl Wide {
    /// e^x, within 6u² of its size.
    pub fn exp(self) -> Wide {
        if self.exponent < TINY || self.is_zero() {
            return Wide::ONE + self.exp_m1();
        }
        let reduced = match self.reduced() {
            Ok(reduced) => reduced,
            Err(Beyond::Faint) => return Wide::faint(1.0),
            Err(Beyond::Unknown) => return Wide::UNKNOWN,
        };
        let (grid, p) = (reduced.grid(), exp_m1_near_zero(reduced.rest));
        // the product is within 8u² of a number below 2^−6.9 of the grid, as is p; the two roundings of the low
        // parts are at most 3.1u², the grid's own is u²: together 4.3u² of the grid, 4.4u² of the result
        let product = times(grid, p);
        let (hi, rest) = fast_two_sum(grid.0, product.0);
        let (hi, lo) = fast_two_sum(hi, rest + (grid.1 + product.1));
        // |e^δ − 1| ≤ δ/(1 − δ), and δ is below 2^−8.9
        let error = (4.4 * U2 + 1.01 * reduced.error) * hi * UP;
        Wide::normal(hi, lo, reduced.k, error)
    }

    /// e^x − 1, within about 2^−98 of its size.
    pub fn exp_m1(self) -> Wide {
        if self.exponent < TINY {
            // (1 + x/2 + x²/6 + …) x, where |x| ≤ 4·2^exponent
            let beyond = Wide::around_zero(4.0, 2 * self.exponent);
            return (Wide::ONE + self.scaled(-1) + beyond) * self;
        }
        match self.reduced() {
            Ok(reduced) if reduced.k == 0 => {
                let (hi, lo) = exp_m1_near_zero(reduced.rest);
                let p = Wide::normal(hi, lo, 0, (8.0 * U2 * hi.abs() + 1.01 * reduced.error) * UP);
                let grid = Wide::constant(reduced.grid());
                (grid - Wide::ONE) + grid * p
            }
            _ => self.exp() - Wide::ONE,
        }
    }

    /// k, j and s of a number that is not below 2^[`TINY`].
    fn reduced(self) -> Result<Reduced, Beyond> {
        if self.exponent > 30 || self.error_f64() > power_of_two(-9) {
            let negative = self.hi < 0.0 && self.error < 0.5 && self.exponent > 30;
            return Err(if negative { Beyond::Faint } else { Beyond::Unknown });
        }
        let scale = power_of_two(self.exponent);
        let (hi, lo) = (self.hi * scale, self.lo * scale);
        let k = libm::rint((hi + lo) / std::f64::consts::LN_2);
        if k.abs() >= -(FAINTEST as f64) {
            return Err(if k < 0.0 { Beyond::Faint } else { Beyond::Unknown });
        }
        // k has at most 26 bits and the first part of ln 2 has 27, so that their product is an f64; hi is between
        // a half and twice of it, or k = 0, so that the difference is one too (Sterbenz)
        let [first, second, third] = LN_2;
        let (product, product_lo) = two_product(k, second);
        let (high, lost) = two_sum(hi - k * first, -product);
        // lo may be as large as 2^−27, what is left of the product as 2^−54
        let (low, lost_too) = two_sum(lost, lo);
        let (low, lost) = two_sum(low, -(product_lo + k * third));
        let (high, rest) = two_sum(high, low);
        let low = rest + (lost + lost_too);
        // the product with the third part rounds by 0.16u², the sum with product_lo by 0.5u², low by 0.4u², and the
        // three parts are within 2^−136 of ln 2, 0.07u² with k: together 1.13u²; nothing where k = 0 and low is exact
        let own = if k == 0.0 { 0.0 } else { 1.13 * U2 };
        let j = libm::rint(high * 64.0);
        // exact, since high is between a half and twice of j/64, or j = 0
        let rest = two_sum(high - j / 64.0, low);
        Ok(Reduced { k: k as i64, j: j as i64, rest, error: (self.error * scale + own) * UP })
    }
}

impl Reduced {
    /// e^(j/64), where |j| ≤ 23 since |k ln 2 − x| is at most half of ln 2 and a bit.
    fn grid(&self) -> (f64, f64) {
        usize::try_from(self.j + 24).ok().and_then(|i| EXPONENTIALS.get(i)).copied().unwrap_or((f64::NAN, f64::NAN))
    }
}

/// The product of two sums, within 8u² of its size: the product of the low parts is left out (u²), and the three
/// others are rounded three times, each at most 2u of the size.
fn times(x: (f64, f64), y: (f64, f64)) -> (f64, f64) {
    let (hi, lo) = two_product(x.0, y.0);
    (hi, lo + (x.0 * y.1 + x.1 * y.0))
}

/// e^s − 1 for |s| ≤ 2^−6.9, within 8u² of the size of s.
fn exp_m1_near_zero(s: (f64, f64)) -> (f64, f64) {
    // 1/7! + s/8! + … + s⁵/12! in f64: each of its few roundings is within u of at most 2^−12, the terms
    // from s⁶/13! on are below 2^−68: within 2^−62, which times s⁷ is 4u² of s
    let x = s.0;
    let tail = [479_001_600.0, 39_916_800.0, 3_628_800.0, 362_880.0, 40_320.0, 5_040.0];
    let tail = tail.into_iter().fold(0.0, |sum, factorial| sum * x + 1.0 / factorial);
    // 1/2 + s/6 + …, each step within 5u² of its coefficient: the coefficient's own rounding, the two of the low
    // parts at most 3.4u², the product's 8u² of at most 2^−8 of it
    let mut series = (tail, 0.0);
    for &coefficient in RECIPROCALS_OF_FACTORIALS.iter().rev() {
        let product = times(s, series);
        let (hi, rest) = fast_two_sum(coefficient.0, product.0);
        series = fast_two_sum(hi, rest + (coefficient.1 + product.1));
    }
    // s²·series, at most 2^−7.9 of s, within 20u² of it: 0.1u² of s; the two roundings of the low parts are 3.3u²
    let product = times(times(s, s), series);
    let (hi, rest) = fast_two_sum(s.0, product.0);
    fast_two_sum(hi, rest + (s.1 + product.1))
}
