//! Plain f64, with elementary functions that are the same on every platform (crate `libm`).

use super::{Abstention, Arithmetic, Outcome, Sign, power_by_squaring};
use num_rational::BigRational;
use num_traits::ToPrimitive;

/// f64, rounded to nearest after every operation; sums run from left to right.
#[derive(Clone, Copy, Debug, Default)]
pub struct Float;

/// The f64 nearest to an exact rational.
pub(super) fn nearest(value: &BigRational) -> Outcome<f64> {
    value.to_f64().filter(|x| x.is_finite()).ok_or_else(|| Abstention::new("a constant past the range of f64"))
}

impl Arithmetic for Float {
    type Number = f64;

    fn name(&self) -> &'static str {
        "f64"
    }
    fn constant(&mut self, value: &BigRational) -> Outcome<f64> {
        nearest(value)
    }
    fn pi(&mut self) -> Outcome<f64> {
        Ok(std::f64::consts::PI)
    }
    fn negate(&mut self, x: &f64) -> Outcome<f64> {
        Ok(-x)
    }
    fn sum(&mut self, terms: &[&f64]) -> Outcome<f64> {
        Ok(terms.iter().copied().sum())
    }
    fn product(&mut self, x: &f64, y: &f64) -> Outcome<f64> {
        Ok(x * y)
    }
    fn quotient(&mut self, x: &f64, y: &f64) -> Outcome<f64> {
        Ok(x / y)
    }
    fn power(&mut self, x: &f64, n: i64) -> Outcome<f64> {
        power_by_squaring(self, x, n)
    }
    fn exp(&mut self, x: &f64) -> Outcome<f64> {
        Ok(libm::exp(*x))
    }
    fn ln(&mut self, x: &f64) -> Outcome<f64> {
        Ok(libm::log(*x))
    }
    fn sqrt(&mut self, x: &f64) -> Outcome<f64> {
        Ok(x.sqrt())
    }
    fn sin(&mut self, x: &f64) -> Outcome<f64> {
        Ok(libm::sin(*x))
    }
    fn cos(&mut self, x: &f64) -> Outcome<f64> {
        Ok(libm::cos(*x))
    }
    fn ln_1p(&mut self, x: &f64) -> Outcome<f64> {
        Ok(libm::log1p(*x))
    }
    fn exp_m1(&mut self, x: &f64) -> Outcome<f64> {
        Ok(libm::expm1(*x))
    }
    fn maximum(&mut self, values: &[&f64]) -> Outcome<f64> {
        Ok(values.iter().copied().copied().fold(f64::NEG_INFINITY, f64::max))
    }
    fn sign(&mut self, x: &f64) -> Outcome<Sign> {
        match x.partial_cmp(&0.0) {
            Some(std::cmp::Ordering::Less) => Ok(Sign::Negative),
            Some(std::cmp::Ordering::Equal) => Ok(Sign::Zero),
            Some(std::cmp::Ordering::Greater) => Ok(Sign::Positive),
            None => Err(Abstention::new("the sign of NaN")),
        }
    }
}
