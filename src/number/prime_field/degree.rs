//! Bounds on the degrees and coefficients of what was computed, for the probability of an error.

use num_rational::BigRational;

/// Bounds on a rational function over ℤ: the degrees of its numerator and denominator, and log₂ of
/// the sums of their coefficients' sizes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Degree {
    pub numerator: f64,
    pub denominator: f64,
    pub numerator_height: f64,
    pub denominator_height: f64,
}

impl Degree {
    pub const CONSTANT: Degree =
        Degree { numerator: 0.0, denominator: 0.0, numerator_height: 0.0, denominator_height: 0.0 };
    pub const VARIABLE: Degree = Degree { numerator: 1.0, ..Degree::CONSTANT };

    pub fn of_constant(value: &BigRational) -> Degree {
        let (numerator, denominator) = (value.numer().bits() as f64, value.denom().bits() as f64);
        Degree { numerator_height: numerator, denominator_height: denominator, ..Degree::CONSTANT }
    }

    pub fn times(self, other: Degree) -> Degree {
        Degree {
            numerator: self.numerator + other.numerator,
            denominator: self.denominator + other.denominator,
            numerator_height: self.numerator_height + other.numerator_height,
            denominator_height: self.denominator_height + other.denominator_height,
        }
    }

    pub fn inverse(self) -> Degree {
        Degree {
            numerator: self.denominator,
            denominator: self.numerator,
            numerator_height: self.denominator_height,
            denominator_height: self.numerator_height,
        }
    }

    pub fn sum(terms: impl Iterator<Item = Degree> + Clone) -> Degree {
        let denominator = terms.clone().map(|t| t.denominator).sum::<f64>();
        let denominator_height = terms.clone().map(|t| t.denominator_height).sum::<f64>();
        let numerator = terms.clone().map(|t| t.numerator + denominator - t.denominator).fold(0.0, larger);
        let largest =
            terms.clone().map(|t| t.numerator_height + denominator_height - t.denominator_height).fold(0.0, larger);
        let numerator_height = largest + libm::log2(terms.count().max(1) as f64);
        Degree { numerator, denominator, numerator_height, denominator_height }
    }

    pub fn plus(self, other: Degree) -> Degree {
        Degree::sum([self, other].into_iter())
    }

    pub fn times_n(self, n: f64) -> Degree {
        let size = n.abs();
        let d = Degree {
            numerator: self.numerator * size,
            denominator: self.denominator * size,
            numerator_height: self.numerator_height * size,
            denominator_height: self.denominator_height * size,
        };
        if n < 0.0 { d.inverse() } else { d }
    }
}

/// The larger bound, where one past the range of f64 is no bound.
fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::INFINITY } else { a.max(b) }
}
