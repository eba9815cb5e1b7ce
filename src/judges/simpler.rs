//! Simpler points around one at which a statement is false.

use super::point::simple_values;
use crate::claim::{Domain, Variable};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

/// Rounds of lowering every coordinate; the first does nearly all.
const ROUNDS: usize = 3;

/// Fractions whose denominators are larger are not simple.
const LARGEST_DENOMINATOR: i64 = 1000;

/// Replaces every coordinate by the simplest value that keeps the statement false.
pub(super) fn simplest(
    mut point: Vec<BigRational>,
    variables: &[Variable],
    mut is_false: impl FnMut(&[BigRational]) -> bool,
) -> Vec<BigRational> {
    for _ in 0..ROUNDS {
        let before = point.clone();
        for (i, variable) in variables.iter().enumerate() {
            for candidate in candidates(&point[i], variable.domain) {
                if candidate == point[i] {
                    break;
                }
                let kept = std::mem::replace(&mut point[i], candidate);
                if is_false(&point) {
                    break;
                }
                point[i] = kept;
            }
        }
        if point == before {
            break;
        }
    }
    point
}

/// The values of the search, and then the fractions that come ever nearer.
fn candidates(x: &BigRational, domain: Domain) -> Vec<BigRational> {
    let mut all = simple_values(domain);
    all.extend(convergents(x).into_iter().filter(|c| domain.contains(c)));
    all
}

/// The convergents of the continued fraction of x, up to x itself.
fn convergents(x: &BigRational) -> Vec<BigRational> {
    let (mut before, mut last) = ((BigInt::zero(), BigInt::one()), (BigInt::one(), BigInt::zero()));
    let mut rest = x.clone();
    let mut all = Vec::new();
    loop {
        let whole = rest.floor().to_integer();
        let next = (&whole * &last.0 + &before.0, &whole * &last.1 + &before.1);
        if next.1 > BigInt::from(LARGEST_DENOMINATOR) {
            return all;
        }
        all.push(BigRational::new(next.0.clone(), next.1.clone()));
        (before, last) = (last, next);
        let fraction = rest - BigRational::from_integer(whole);
        if !fraction.is_positive() {
            return all;
        }
        rest = fraction.recip();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fraction(n: i64, d: i64) -> BigRational {
        BigRational::new(n.into(), d.into())
    }

    #[test]
    fn convergents_come_nearer() {
        assert_eq!(convergents(&fraction(355, 113)), [fraction(3, 1), fraction(22, 7), fraction(355, 113)]);
        assert_eq!(convergents(&fraction(-1, 3)), [fraction(-1, 1), fraction(0, 1), fraction(-1, 3)]);
    }

    #[test]
    fn the_simplest_point_that_is_left_is_kept() {
        let x = Variable { name: "x".into(), domain: Domain::Real };
        let above = |bound: BigRational| move |point: &[BigRational]| point[0] > bound;
        let start = || vec![BigRational::from_float(std::f64::consts::PI).unwrap()];
        let simplest = |bound| simplest(start(), std::slice::from_ref(&x), above(bound));
        assert_eq!(simplest(fraction(5, 2)), [fraction(3, 1)]);
        assert_eq!(simplest(fraction(1, 2)), [fraction(1, 1)]);
        assert_eq!(simplest(fraction(31415, 10000)), [fraction(10, 1)]);
    }
}
