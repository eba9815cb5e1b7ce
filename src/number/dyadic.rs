//! Dyadic rationals, whole numbers times powers of two: sums and products of f64 without rounding, for
//! deciding whether two numbers are equal.

use super::Sign;
use dashu_float::FBig;
use dashu_float::round::mode::HalfEven;
use std::cmp::Ordering;
use std::ops::{Add, Mul, Neg, Sub};

/// m·2^e for whole m and e of any size.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dyadic(FBig<HalfEven, 2>);

impl Dyadic {
    /// A finite number; what is not finite counts as 0, and callers have checked for it.
    pub fn of(x: f64) -> Dyadic {
        let exact = FBig::try_from(x).ok().filter(|_| x.is_finite()).unwrap_or(FBig::ZERO);
        // precision 0 is dashu's word for no limit
        Dyadic(exact.with_precision(0).value())
    }

    /// Σ x_i y_i
    pub fn dot(x: &[f64], y: &[f64]) -> Dyadic {
        let products = x.iter().zip(y).map(|(&x, &y)| &Dyadic::of(x) * &Dyadic::of(y));
        products.fold(Dyadic::of(0.0), |sum, product| &sum + &product)
    }

    /// The sign.
    pub fn sign(&self) -> Sign {
        match self.0.cmp(&FBig::ZERO) {
            Ordering::Less => Sign::Negative,
            Ordering::Equal => Sign::Zero,
            Ordering::Greater => Sign::Positive,
        }
    }

    /// Whether this is 0.
    pub fn is_zero(&self) -> bool {
        self.sign() == Sign::Zero
    }
}

impl Neg for &Dyadic {
    type Output = Dyadic;
    fn neg(self) -> Dyadic {
        Dyadic(-self.0.clone())
    }
}

impl Add for &Dyadic {
    type Output = Dyadic;
    fn add(self, other: &Dyadic) -> Dyadic {
        Dyadic(&self.0 + &other.0)
    }
}

impl Sub for &Dyadic {
    type Output = Dyadic;
    fn sub(self, other: &Dyadic) -> Dyadic {
        Dyadic(&self.0 - &other.0)
    }
}

impl Mul for &Dyadic {
    type Output = Dyadic;
    fn mul(self, other: &Dyadic) -> Dyadic {
        Dyadic(&self.0 * &other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_rounded() {
        let of = Dyadic::of;
        // from 2^−2148 to 2^2046
        let (smallest, largest) = (&of(5e-324) * &of(5e-324), &of(f64::MAX) * &of(f64::MAX));
        let sum = &(&largest + &smallest) - &largest;
        assert_eq!(sum, smallest);
        assert_eq!((&sum - &smallest).sign(), Sign::Zero);
        assert_eq!((&(&largest - &smallest) - &largest).sign(), Sign::Negative);
        assert_eq!(Dyadic::dot(&[1e300, 5e-324, -1e300], &[1e300, 1.0, 1e300]), of(5e-324));
    }
}
