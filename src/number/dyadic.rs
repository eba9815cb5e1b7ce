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

    /// 1 − β^t for β in (0, 1) and t of at least 1, as the nearest f64 and the f64 nearest to the rest: within 2^−105
    /// of itself, where β^t is not below 2^−300.
    pub fn one_minus_power(beta: f64, t: u64) -> [f64; 2] {
        // each product is within 2^−256 of itself, so that β^t is within 2^−191 for any t, and no less than 2^−53 is
        // left of 1
        let of = |x: f64| FBig::<HalfEven, 2>::try_from(x).unwrap_or(FBig::ZERO).with_precision(256).value();
        let (mut power, mut square, mut left) = (of(1.0), of(beta), t);
        while left > 0 {
            if left & 1 == 1 {
                power *= &square;
            }
            left >>= 1;
            if left > 0 {
                square = &square * &square;
            }
        }
        let whole = of(1.0) - power;
        let nearest = whole.to_f64().value();
        [nearest, (whole - of(nearest)).to_f64().value()]
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
    fn powers_from_one() {
        let one_minus = Dyadic::one_minus_power;
        assert_eq!(one_minus(0.5, 3), [0.875, 0.0]);
        assert_eq!(one_minus(0.5, 60), [1.0, -(0.5f64.powi(60))]);
        // (1 − 2^−53)² = 1 − 2^−52 + 2^−106
        assert_eq!(one_minus(1.0 - 0.5f64.powi(53), 2), [0.5f64.powi(52), -(0.5f64.powi(106))]);
    }

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
