//! Exact rational numbers: for counts, and for the sides of a counterexample.

use super::{Abstention, Arithmetic, Outcome, Sign};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

/// ℚ. Transcendental functions have values only at the points where these are rational.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exact;

/// Values with more bits than this are given up, so that no power or chain of products can exhaust the memory
/// or, by the greatest common divisors that keep a fraction in lowest terms, the time.
const LARGEST_BITS: u64 = 1 << 16;

fn bits(x: &BigRational) -> u64 {
    x.numer().bits() + x.denom().bits()
}

fn too_large() -> Abstention {
    Abstention::new("a fraction too large to write out")
}

impl Arithmetic for Exact {
    type Number = BigRational;

    fn name(&self) -> &'static str {
        "exact rationals"
    }
    fn constant(&mut self, value: &BigRational) -> Outcome<BigRational> {
        Ok(value.clone())
    }
    fn negate(&mut self, x: &BigRational) -> Outcome<BigRational> {
        Ok(-x)
    }
    fn sum(&mut self, terms: &[&BigRational]) -> Outcome<BigRational> {
        let mut total = BigRational::zero();
        for term in terms {
            if bits(&total) + bits(term) > LARGEST_BITS {
                return Err(too_large());
            }
            total += *term;
        }
        Ok(total)
    }
    fn product(&mut self, x: &BigRational, y: &BigRational) -> Outcome<BigRational> {
        if bits(x) + bits(y) > LARGEST_BITS { Err(too_large()) } else { Ok(x * y) }
    }
    fn quotient(&mut self, x: &BigRational, y: &BigRational) -> Outcome<BigRational> {
        if y.is_zero() {
            Err(Abstention::new("a division by zero"))
        } else if bits(x) + bits(y) > LARGEST_BITS {
            Err(too_large())
        } else {
            Ok(x / y)
        }
    }
    fn power(&mut self, x: &BigRational, n: i64) -> Outcome<BigRational> {
        if x.is_zero() && n < 0 {
            return Err(Abstention::new("a division by zero"));
        }
        if bits(x).saturating_mul(n.unsigned_abs()) > LARGEST_BITS {
            return Err(Abstention::new("a power too large to write out"));
        }
        let n = i32::try_from(n).map_err(|_| Abstention::new("a power too large to write out"))?;
        Ok(x.pow(n))
    }
    fn exp(&mut self, x: &BigRational) -> Outcome<BigRational> {
        if x.is_zero() {
            Ok(BigRational::one())
        } else {
            Err(Abstention::new("e^x is irrational for a rational x ≠ 0"))
        }
    }
    fn ln(&mut self, x: &BigRational) -> Outcome<BigRational> {
        if x.is_one() {
            Ok(BigRational::zero())
        } else {
            Err(Abstention::new("ln x is irrational or undefined for a rational x ≠ 1"))
        }
    }
    fn sqrt(&mut self, x: &BigRational) -> Outcome<BigRational> {
        let root = |n: &BigInt| {
            let r = n.sqrt();
            (&r * &r == *n).then_some(r)
        };
        if x.is_negative() {
            return Err(Abstention::new("the square root of a negative number"));
        }
        match (root(x.numer()), root(x.denom())) {
            (Some(n), Some(d)) => Ok(BigRational::new(n, d)),
            _ => Err(Abstention::new("an irrational square root")),
        }
    }
    fn maximum(&mut self, values: &[&BigRational]) -> Outcome<BigRational> {
        values.iter().copied().max().cloned().ok_or_else(|| Abstention::new("the maximum of nothing"))
    }
    fn sign(&mut self, x: &BigRational) -> Outcome<Sign> {
        Ok(if x.is_zero() {
            Sign::Zero
        } else if x.is_positive() {
            Sign::Positive
        } else {
            Sign::Negative
        })
    }
}
