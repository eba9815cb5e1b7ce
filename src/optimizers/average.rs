//! The moving average β x + (1 − β) y, which every optimizer's moments are.

use crate::expression::{Expr, by_sign, ratio};
use crate::kernels::Coefficient;
use crate::number::{Sign, Wide};
use num_rational::BigRational;
use num_traits::Signed;

/// β x + (1 − β) y as a graph.
pub fn average(beta: Expr, x: Expr, y: Expr) -> Expr {
    beta * x + (1 - beta) * y
}

/// x + w(y − x), or y − (y − x)(1 − w) from w = 1/2 on (ATen, `lerp`), which takes the weight as a
/// number of the tensors' dtype.
pub fn lerp(x: Expr, y: Expr, weight: Expr, one: Expr) -> Expr {
    let from_y = y - (y - x) * (one - one * weight);
    by_sign(weight - ratio(1, 2), x + weight * (y - x), from_y, from_y)
}

/// β x + (1 − β) y as a wide number.
pub(crate) fn average_wide(beta: f64, x: Wide, y: Wide) -> Wide {
    let beta = Wide::from(beta);
    beta * x + (Wide::ONE - beta) * y
}

/// β and 1 − β for the loops over vectors, if they are in their range.
pub(crate) fn weights(beta: f64) -> Option<[Coefficient; 2]> {
    let beta = Wide::from(beta);
    Some([Coefficient::of(beta)?, Coefficient::of(Wide::ONE - beta)?])
}

/// A finite f64 as the rational number that it is; what is not finite counts as 0, and callers
/// have checked for it.
pub fn rational(x: f64) -> BigRational {
    BigRational::from_float(x).unwrap_or_default()
}

/// β x + (1 − β) y as a rational number.
pub fn average_exactly(beta: f64, x: f64, y: f64) -> BigRational {
    let beta = rational(beta);
    // y + β(x − y)
    let y = rational(y);
    beta * (rational(x) - &y) + y
}

/// The sign of a rational number.
pub fn sign_of(x: &BigRational) -> Sign {
    match () {
        () if x.is_positive() => Sign::Positive,
        () if x.is_negative() => Sign::Negative,
        () => Sign::Zero,
    }
}

/// The sign of β x + (1 − β) y as a real number.
pub fn sign_of_average(beta: f64, x: f64, y: f64) -> Sign {
    let average = average_wide(beta, Wide::from(x), Wide::from(y));
    average.sign().unwrap_or_else(|| sign_of(&average_exactly(beta, x, y)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_those_of_the_real_numbers() {
        use Sign::*;
        // 0.9·0.1 − 0.1·0.9 is 0 in decimals; of the f64 that the decimals stand for it is 2.5e-17
        assert_eq!(sign_of_average(0.9, 0.1, -0.9), Positive);
        assert_eq!(sign_of_average(0.9, -0.1, 0.9), Negative);
        // f64 arithmetic gives 0 for these
        assert_eq!(sign_of_average(0.9, 1.19, -10.71), Positive);
        assert_eq!(sign_of_average(0.9, -1.89, 17.01), Negative);
        assert_eq!(sign_of_average(0.5, 0.9, -0.9), Zero);
        assert_eq!(sign_of_average(0.5, f64::MIN_POSITIVE, -f64::MIN_POSITIVE.next_down()), Positive);
        // far below the smallest f64
        assert_eq!(sign_of_average(1e-300, -5e-324, 0.0), Negative);
        assert_eq!(sign_of_average(0.9, 0.0, -0.0), Zero);
        // 1 − β has more than 53 digits, and the average is 0 as a rational number
        let beta = 0.3 * f64::EPSILON;
        let exactly = |x, y| sign_of(&average_exactly(beta, x, y));
        for (x, y) in [(1.0, -beta), (-1.0, beta), (1.0, -beta.next_up()), (1.0, -beta.next_down())] {
            assert_eq!(sign_of_average(beta, x, y), exactly(x, y));
        }
    }

    #[test]
    fn averages_are_exact_where_they_fit() {
        let average = |beta, x, y| average_wide(beta, Wide::from(x), Wide::from(y)).nearest();
        assert_eq!(average(0.5, 1.0 + f64::EPSILON, -1.0), Some(f64::EPSILON / 2.0));
        assert_eq!(average(0.1, f64::MAX, f64::MAX), Some(f64::MAX));
        assert_eq!(average(0.25, 5e-324, 5e-324), Some(5e-324));
        let underflow = average(0.25, -5e-324, 0.0).unwrap();
        assert!(underflow == 0.0 && underflow.is_sign_negative());
        assert!(average(0.9, -0.0, 0.0).unwrap().is_sign_positive());
    }
}
