//! Sums of f64 without rounding, as numbers of twice the digits that may be past the range of f64.

use super::error_free::two_sum;

/// (hi + lo)·2^exponent with |lo| ≤ ulp(hi)/2; the exponent is 0 unless the number is past the
/// range of f64.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extended {
    pub(crate) hi: f64,
    pub(crate) lo: f64,
    pub(crate) exponent: i32,
}

impl Extended {
    /// The f64 nearest to hi + lo, or an infinity.
    pub fn value(self) -> f64 {
        libm::ldexp(self.hi, self.exponent)
    }

    /// e^x
    pub fn exp(self) -> f64 {
        libm::exp(self.value()) * if self.exponent == 0 { 1.0 + self.lo } else { 1.0 }
    }

    /// −x
    pub fn negated(self) -> Extended {
        Extended { hi: -self.hi, lo: -self.lo, exponent: self.exponent }
    }

    /// c·x
    pub fn times(self, c: f64) -> Extended {
        // where the product leaves the range, both factors give up 2^600 first
        let (c, hi, lo, more) = if (c * self.hi).is_finite() {
            (c, self.hi, self.lo, 0)
        } else {
            let down = libm::ldexp(1.0, -600);
            (c * down, self.hi * down, self.lo * down, 1200)
        };
        let product = c * hi;
        let (hi, lo) = two_sum(product, libm::fma(c, hi, -product) + c * lo);
        let exponent = self.exponent + more;
        let back = libm::ldexp(hi, exponent);
        if back.is_finite() {
            Extended { hi: back, lo: libm::ldexp(lo, exponent), exponent: 0 }
        } else {
            Extended { hi, lo, exponent }
        }
    }
}

/// The sum of finite numbers without rounding (Shewchuk, *Adaptive Precision Floating-Point
/// Arithmetic*, 1997), so that terms which cancel leave nothing behind.
pub fn exact_sum(terms: &[f64]) -> Extended {
    let sum = exact_sum_in_range(terms);
    if sum.hi.is_finite() {
        return sum;
    }
    // past the range: 2^-64 of each term, of which fewer than 2^64 fit in memory
    let down = libm::ldexp(1.0, -64);
    let scaled: Vec<f64> = terms.iter().map(|x| x * down).collect();
    Extended { exponent: 64, ..exact_sum_in_range(&scaled) }
}

fn exact_sum_in_range(terms: &[f64]) -> Extended {
    // against the sign of the sum so far, which therefore leaves the range only if the whole does
    let (mut positive, mut negative): (Vec<f64>, Vec<f64>) = terms.iter().partition(|x| **x > 0.0);
    let mut parts: Vec<f64> = Vec::new();
    let mut total = 0.0;
    loop {
        let (against, along) =
            if total > 0.0 { (&mut negative, &mut positive) } else { (&mut positive, &mut negative) };
        let next = against.pop().or_else(|| along.pop());
        let Some(mut x) = next else { break };
        total += x;
        if !total.is_finite() {
            return Extended { hi: total, lo: 0.0, exponent: 0 };
        }
        let mut kept = Vec::with_capacity(parts.len() + 1);
        for part in parts {
            let (sum, lost) = two_sum(x, part);
            if lost != 0.0 {
                kept.push(lost);
            }
            x = sum;
        }
        if x != 0.0 {
            kept.push(x);
        }
        parts = kept;
    }
    // from the smallest, parts do not overlap
    let largest = parts.pop().unwrap_or(0.0);
    let (hi, lo) = two_sum(largest, parts.iter().sum());
    Extended { hi: hi + 0.0, lo, exponent: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_keep_what_cancellation_leaves() {
        assert_eq!(exact_sum(&[1e308, 1e-310, -1e308]).value(), 1e-310);
        assert_eq!(exact_sum(&[0.1, -0.3, 0.3, -0.1]).value(), 0.0);
        assert_eq!(exact_sum(&[1e16, 1.0, -1e16, 1e-20]), Extended { hi: 1.0, lo: 1e-20, exponent: 0 });
    }

    #[test]
    fn what_is_past_the_range_comes_back_when_it_is_scaled() {
        let sum = exact_sum(&[1.5e308, 1.5e308, -1e300]);
        assert_eq!(sum.value(), f64::INFINITY);
        assert!((sum.times(0.1).value() - 3e307).abs() <= 1e300);
        let huge = sum.times(1e300);
        assert_eq!(huge.value(), f64::INFINITY);
        assert!((huge.times(1e-308).times(1e-10).value() / 3e290 - 1.0).abs() < 1e-7);
    }
}
