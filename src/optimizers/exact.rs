//! Sums of products that keep their digits: in f64 where no digits are lost, and in exact rational
//! numbers, rounded once, where terms cancel or leave the range.

use crate::expression::{Expr, by_sign, ratio};
use num_rational::BigRational;
use num_traits::{ToPrimitive, Zero};

/// Where the terms are together at most this much larger than their sum, an f64 sum of n terms is
/// within 16n ulps; beyond it, exact arithmetic is worth its time.
const MOST_CANCELLED: f64 = 16.0;

/// 2^−900: products above it have lost nothing that matters to underflow.
const SMALLEST: f64 = f64::from_bits((1023 - 900) << 52);

/// A finite f64 as the rational number that it is; what is not finite counts as 0, and callers
/// have checked for it.
pub fn rational(x: f64) -> BigRational {
    BigRational::from_float(x).unwrap_or_default()
}

/// The f64 nearest to x, ties to even: infinite past the range, and with its sign where it underflows.
pub fn nearest(x: &BigRational) -> f64 {
    x.to_f64().unwrap_or_default()
}

/// Σ x_i y_i as a rational number.
pub fn dot_exactly(x: &[f64], y: &[f64]) -> BigRational {
    x.iter().zip(y).fold(BigRational::zero(), |sum, (&x, &y)| sum + rational(x) * rational(y))
}

/// Σ x_i y_i, within 16n ulps for n finite terms.
pub fn dot(x: &[f64], y: &[f64]) -> f64 {
    dot_in_f64(x, y).unwrap_or_else(|| nearest(&dot_exactly(x, y)))
}

/// Σ x_i y_i where f64 arithmetic loses no more than a few digits.
pub fn dot_in_f64(x: &[f64], y: &[f64]) -> Option<f64> {
    let (mut sum, mut size, mut in_range) = (0.0, 0.0, true);
    for (&x, &y) in x.iter().zip(y) {
        let product: f64 = x * y;
        in_range &= product.abs() > SMALLEST || x == 0.0 || y == 0.0;
        sum += product;
        size += product.abs();
    }
    kept(sum, size).filter(|_| in_range)
}

/// The sum, if it is exactly 0 or its terms have neither cancelled nor left the range.
fn kept(sum: f64, size: f64) -> Option<f64> {
    // an exact zero is +0
    let digits = size == 0.0 || (size <= MOST_CANCELLED * sum.abs() && size.is_finite());
    digits.then_some(sum + 0.0)
}

/// β x + (1 − β) y, the moving average, as a graph.
pub fn average(beta: Expr, x: Expr, y: Expr) -> Expr {
    beta * x + (1 - beta) * y
}

/// x + w(y − x), or y − (y − x)(1 − w) from w = 1/2 on (ATen, `lerp`), which takes the weight as a
/// number of the tensors' dtype.
pub fn lerp(x: Expr, y: Expr, weight: Expr, one: Expr) -> Expr {
    let from_y = y - (y - x) * (one - one * weight);
    by_sign(weight - ratio(1, 2), x + weight * (y - x), from_y, from_y)
}

/// β x + (1 − β) y in f64, within 32 ulps, for β in [0, 1].
pub fn average_f64(beta: f64, x: f64, y: f64) -> f64 {
    average_in_f64(beta, x, y).unwrap_or_else(|| nearest(&average_exactly(beta, x, y)))
}

/// β x + (1 − β) y as a rational number.
pub fn average_exactly(beta: f64, x: f64, y: f64) -> BigRational {
    let beta = rational(beta);
    // y + β(x − y)
    let y = rational(y);
    beta * (rational(x) - &y) + y
}

/// The sign of β x + (1 − β) y as a real number: −1, 0 or 1.
pub fn sign_of_average(beta: f64, x: f64, y: f64) -> f64 {
    match average_in_f64(beta, x, y) {
        Some(average) => f64::from(i8::from(average > 0.0) - i8::from(average < 0.0)),
        None => {
            let exact = average_exactly(beta, x, y);
            let zero = BigRational::zero();
            f64::from(i8::from(exact > zero) - i8::from(exact < zero))
        }
    }
}

/// β x + (1 − β) y where f64 arithmetic keeps its digits. 1 − β is rounded by at most half an ulp.
fn average_in_f64(beta: f64, x: f64, y: f64) -> Option<f64> {
    let (a, b) = (beta * x, (1.0 - beta) * y);
    let in_range = |product: f64, factor: f64, of: f64| product.abs() > SMALLEST || factor == 0.0 || of == 0.0;
    kept(a + b, a.abs() + b.abs()).filter(|_| in_range(a, beta, x) && in_range(b, 1.0 - beta, y))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_those_of_the_real_numbers() {
        // 0.9·0.1 − 0.1·0.9 is 0 in decimals; of the f64 that the decimals stand for it is 2.5e-17
        assert_eq!(sign_of_average(0.9, 0.1, -0.9), 1.0);
        assert_eq!(sign_of_average(0.9, -0.1, 0.9), -1.0);
        // f64 arithmetic gives 0 for these
        assert_eq!(sign_of_average(0.9, 1.19, -10.71), 1.0);
        assert_eq!(sign_of_average(0.9, -1.89, 17.01), -1.0);
        assert_eq!(sign_of_average(0.5, 0.9, -0.9), 0.0);
        assert_eq!(sign_of_average(0.5, f64::MIN_POSITIVE, -f64::MIN_POSITIVE.next_down()), 1.0);
        // far below the smallest f64
        assert_eq!(sign_of_average(1e-300, -5e-324, 0.0), -1.0);
        assert_eq!(sign_of_average(0.9, 0.0, -0.0), 0.0);
    }

    #[test]
    fn averages_are_rounded_once_where_terms_cancel_or_leave_the_range() {
        assert_eq!(average_f64(0.5, 1.0 + f64::EPSILON, -1.0), f64::EPSILON / 2.0);
        assert_eq!(average_f64(0.1, f64::MAX, f64::MAX), f64::MAX);
        assert_eq!(average_f64(0.25, 5e-324, 5e-324), 5e-324);
        let underflow = average_f64(0.25, -5e-324, 0.0);
        assert!(underflow == 0.0 && underflow.is_sign_negative());
        assert!(average_f64(0.9, -0.0, 0.0).is_sign_positive());
    }

    #[test]
    fn sums_survive_what_f64_does_not() {
        assert_eq!(dot(&[1e16, 1.0, -1e16], &[1.0, 1.0, 1.0]), 1.0);
        assert_eq!(dot(&[1e300, -1e300, 3.0], &[1e10, 1e10, 1.0]), 3.0);
        assert_eq!(dot(&[1e-200, 1.0], &[1e-200, 0.0]), 0.0);
        assert_eq!(dot(&[1e-160, -1e-160], &[1e-160, 1e-160]), 0.0);
        assert_eq!(dot(&[1e300], &[1e300]), f64::INFINITY);
    }
}
