//! Numbers that carry a bound on their rounding error.
//!
//! A [`Rounded`] is an f64 and a bound: the real value lies within `bound` of `value`. With the
//! roundoff of f64 it is an enclosure; started from inputs with a radius, an enclosure over a box;
//! with the roundoff of a narrower dtype, the running error of an algorithm in that dtype, whatever
//! the order in which its sums are taken.
//!
//! Bounds are themselves computed in f64 and rounded up after every operation.

use super::float::nearest;
use super::{Abstention, Arithmetic, Outcome, Sign, power_by_squaring};
use num_rational::BigRational;

/// A value and a bound on its distance from the real number it stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rounded {
    /// The computed value.
    pub value: f64,
    /// |real − value| ≤ bound
    pub bound: f64,
}

impl Rounded {
    /// A number known exactly.
    pub fn exact(value: f64) -> Rounded {
        Rounded { value, bound: 0.0 }
    }

    /// All numbers from `low` to `high`.
    pub fn between(low: f64, high: f64) -> Rounded {
        let value = low * 0.5 + high * 0.5;
        Rounded { value, bound: up((high - value).max(value - low)) }
    }

    /// The smallest real number it can be.
    pub fn low(&self) -> f64 {
        (self.value - self.bound).next_down()
    }

    /// The largest real number it can be.
    pub fn high(&self) -> f64 {
        (self.value + self.bound).next_up()
    }

    /// Whether the real number cannot be zero.
    pub fn excludes_zero(&self) -> bool {
        self.value.abs() > self.bound
    }

    fn checked(self, what: &str) -> Outcome<Rounded> {
        if self.value.is_finite() && self.bound.is_finite() {
            Ok(self)
        } else {
            Err(Abstention::new(format!("{what} leaves the range of f64")))
        }
    }
}

/// Arithmetic on [`Rounded`] numbers at a given unit roundoff.
#[derive(Clone, Copy, Debug)]
pub struct Rounding {
    /// Half the gap above 1: 2⁻⁵³ for f64.
    unit: f64,
    /// The largest error of an elementary function, in ulps. libm states less than 1.
    elementary_ulps: f64,
    /// The smallest positive number of the dtype: what an underflow may lose.
    smallest: f64,
}

impl Rounding {
    /// f64: unit roundoff 2⁻⁵³.
    pub const F64: Rounding = Rounding { unit: f64::EPSILON / 2.0, elementary_ulps: 1.0, smallest: f64::from_bits(1) };

    /// One rounded operation with this result.
    fn rounding(&self, value: f64) -> f64 {
        up(up(self.unit * value.abs()) + self.smallest)
    }

    /// One call of an elementary function with this result. An ulp is at most 2u relative.
    fn elementary(&self, value: f64) -> f64 {
        up(up(2.0 * self.elementary_ulps * self.unit * value.abs()) + self.smallest)
    }
}

fn up(x: f64) -> f64 {
    x.next_up()
}

/// The sum of nonnegative numbers, rounded up.
fn up_sum(terms: impl Iterator<Item = f64>) -> f64 {
    terms.fold(0.0, |sum, x| if x == 0.0 { sum } else { up(sum + x) })
}

impl Arithmetic for Rounding {
    type Number = Rounded;

    fn name(&self) -> &'static str {
        "numbers with an error bound"
    }

    fn constant(&mut self, value: &BigRational) -> Outcome<Rounded> {
        let near = nearest(value)?;
        let exact = BigRational::from_float(near).is_some_and(|x| x == *value);
        Ok(Rounded { value: near, bound: if exact { 0.0 } else { up(2.0 * self.rounding(near)) } })
    }

    fn pi(&mut self) -> Outcome<Rounded> {
        Ok(Rounded { value: std::f64::consts::PI, bound: self.rounding(std::f64::consts::PI) })
    }

    fn negate(&mut self, x: &Rounded) -> Outcome<Rounded> {
        Ok(Rounded { value: -x.value, bound: x.bound })
    }

    fn sum(&mut self, terms: &[&Rounded]) -> Outcome<Rounded> {
        let value: f64 = terms.iter().map(|t| t.value).sum();
        let carried = up_sum(terms.iter().map(|t| t.bound));
        let roundoff = match terms {
            // a single addition is within half an ulp, and exact where it underflows
            [a, b] if a.value == 0.0 || b.value == 0.0 || value == 0.0 => 0.0,
            [_, _] => up(self.unit * value.abs()),
            // any order of n − 1 additions: (n−1)u/(1 − (n−1)u) Σ|x|
            _ => {
                let steps = (terms.len() - 1) as f64 * self.unit;
                up(up(steps / (1.0 - steps)) * up_sum(terms.iter().map(|t| t.value.abs())))
            }
        };
        Rounded { value, bound: up_sum([carried, roundoff].into_iter()) }.checked("a sum")
    }

    fn product(&mut self, x: &Rounded, y: &Rounded) -> Outcome<Rounded> {
        let value = x.value * y.value;
        if x.value == 0.0 && x.bound == 0.0 || y.value == 0.0 && y.bound == 0.0 {
            return Ok(Rounded::exact(0.0));
        }
        let carried =
            up_sum([up(x.value.abs() * y.bound), up(y.value.abs() * x.bound), up(x.bound * y.bound)].into_iter());
        let unit = |n: &Rounded| n.bound == 0.0 && n.value.abs() == 1.0;
        let roundoff = if unit(x) || unit(y) { 0.0 } else { self.rounding(value) };
        Rounded { value, bound: up_sum([carried, roundoff].into_iter()) }.checked("a product")
    }

    fn quotient(&mut self, x: &Rounded, y: &Rounded) -> Outcome<Rounded> {
        let smallest_divisor = (y.value.abs() - y.bound).next_down();
        if !y.excludes_zero() || smallest_divisor <= 0.0 {
            return Err(Abstention::new("a division by a number that may be zero"));
        }
        let value = x.value / y.value;
        let carried = if x.bound == 0.0 && y.bound == 0.0 {
            0.0
        } else {
            up(up_sum([x.bound, up(up(value.abs()) * y.bound)].into_iter()) / smallest_divisor)
        };
        Rounded { value, bound: up_sum([carried, self.rounding(value)].into_iter()) }.checked("a quotient")
    }

    fn power(&mut self, x: &Rounded, n: i64) -> Outcome<Rounded> {
        power_by_squaring(self, x, n)
    }

    fn exp(&mut self, x: &Rounded) -> Outcome<Rounded> {
        let value = libm::exp(x.value);
        if x.value == 0.0 && x.bound == 0.0 {
            return Ok(Rounded::exact(1.0));
        }
        let own = self.elementary(value);
        // e^(x±b) lies within e^x (e^b − 1) of e^x; 4 ulps cover expm1 and the products
        let carried = up((value + own) * libm::expm1(x.bound) * (1.0 + 4.0 * f64::EPSILON));
        Rounded { value, bound: up_sum([carried, own].into_iter()) }.checked("exp")
    }

    fn ln(&mut self, x: &Rounded) -> Outcome<Rounded> {
        let low = (x.value - x.bound).next_down();
        if low <= 0.0 {
            return Err(Abstention::new("the logarithm of a number that may not be positive"));
        }
        if x.value == 1.0 && x.bound == 0.0 {
            return Ok(Rounded::exact(0.0));
        }
        let value = libm::log(x.value);
        let carried = if x.bound == 0.0 { 0.0 } else { up(x.bound / low) };
        Rounded { value, bound: up_sum([carried, self.elementary(value)].into_iter()) }.checked("ln")
    }

    fn sqrt(&mut self, x: &Rounded) -> Outcome<Rounded> {
        if x.value == 0.0 && x.bound == 0.0 {
            return Ok(Rounded::exact(0.0));
        }
        if x.value - x.bound < 0.0 {
            return Err(Abstention::new("the square root of a number that may be negative"));
        }
        let value = x.value.sqrt();
        // |√(x±b) − √x| ≤ b/√x wherever x ± b ≥ 0
        let carried = if x.bound == 0.0 { 0.0 } else { up(x.bound / value.next_down()) };
        Rounded { value, bound: up_sum([carried, self.rounding(value)].into_iter()) }.checked("a square root")
    }

    fn sin(&mut self, x: &Rounded) -> Outcome<Rounded> {
        let value = libm::sin(x.value);
        Rounded { value, bound: up_sum([x.bound, self.elementary(value)].into_iter()) }.checked("sin")
    }

    fn cos(&mut self, x: &Rounded) -> Outcome<Rounded> {
        let value = libm::cos(x.value);
        Rounded { value, bound: up_sum([x.bound, self.elementary(value)].into_iter()) }.checked("cos")
    }

    fn ln_1p(&mut self, x: &Rounded) -> Outcome<Rounded> {
        let low = ((1.0 + x.value).next_down() - x.bound).next_down();
        if low <= 0.0 {
            return Err(Abstention::new("ln(1 + x) of a number that may be −1 or less"));
        }
        let value = libm::log1p(x.value);
        let carried = if x.bound == 0.0 { 0.0 } else { up(x.bound / low) };
        Rounded { value, bound: up_sum([carried, self.elementary(value)].into_iter()) }.checked("ln(1 + x)")
    }

    fn exp_m1(&mut self, x: &Rounded) -> Outcome<Rounded> {
        let value = libm::expm1(x.value);
        let own = self.elementary(value);
        let carried = up((value.abs() + own + 1.0) * libm::expm1(x.bound) * (1.0 + 4.0 * f64::EPSILON));
        Rounded { value, bound: up_sum([carried, own].into_iter()) }.checked("e^x − 1")
    }

    fn maximum(&mut self, values: &[&Rounded]) -> Outcome<Rounded> {
        let value = values.iter().map(|x| x.value).fold(f64::NEG_INFINITY, f64::max);
        // max is 1-Lipschitz in the largest change of an operand
        let bound = values.iter().map(|x| x.bound).fold(0.0, f64::max);
        Rounded { value, bound }.checked("a maximum")
    }

    fn sign(&mut self, x: &Rounded) -> Outcome<Sign> {
        if x.value > x.bound {
            Ok(Sign::Positive)
        } else if -x.value > x.bound {
            Ok(Sign::Negative)
        } else if x.bound == 0.0 {
            Ok(Sign::Zero)
        } else {
            Err(Abstention::new("a sign that the error bound leaves open"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::{Graph, ratio, variable};
    use crate::number::evaluate_all;

    #[test]
    fn a_tenth_is_not_known_exactly_and_a_half_is() {
        let graph = Graph::build(|| vec![ratio(1, 10), ratio(1, 2)]);
        let values = evaluate_all(&graph, &mut { Rounding::F64 }, &[]).unwrap();
        assert!(values[0].bound > 0.0 && values[0].bound < 1e-16);
        assert_eq!(values[1], Rounded::exact(0.5));
    }

    #[test]
    fn cancellation_keeps_the_absolute_bound() {
        // (x + 1) − x at x = 2^60 loses the 1, and the bound says so
        let graph = Graph::build(|| {
            let x = variable("x");
            vec![(x + 1) - x]
        });
        let [difference] = evaluate_all(&graph, &mut { Rounding::F64 }, &[Rounded::exact(2f64.powi(60))]).unwrap()[..]
        else {
            panic!("one output")
        };
        assert!((1.0 - difference.value).abs() <= difference.bound);
        assert!(difference.bound < 1e3);
    }

    #[test]
    fn what_may_be_zero_is_no_divisor_and_has_no_sign() {
        let mut arithmetic = Rounding::F64;
        let open = Rounded { value: 1e-20, bound: 1e-19 };
        assert!(arithmetic.quotient(&Rounded::exact(1.0), &open).is_err());
        assert!(arithmetic.sign(&open).is_err());
        assert!(arithmetic.ln(&open).is_err());
        assert_eq!(arithmetic.sign(&Rounded::exact(0.0)), Ok(Sign::Zero));
    }
}
