//! Enclosures of any precision: an interval whose ends are rounded outward, in pure Rust
//! (crate `dashu-float`, whose operations and functions are correctly rounded in every mode).

use super::{Abstention, Arithmetic, Enclosures, Outcome, Sign};
use dashu_float::FBig;
use dashu_float::round::mode::{Down, HalfEven, Up};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive};

type Low = FBig<Down, 2>;
type High = FBig<Up, 2>;
type Nearest = FBig<HalfEven, 2>;

/// All real numbers from `low` to `high`.
#[derive(Clone, Debug)]
pub struct Interval {
    low: Low,
    high: High,
}

impl Interval {
    /// The f64 that every number of the interval rounds to, ties to even; ±∞ past the range.
    pub fn nearest_f64(&self) -> Option<f64> {
        let [low, high] = self.ends_f64();
        (low.to_bits() == high.to_bits()).then_some(low)
    }

    /// The f64 nearest to the ends: +0 for an end that is 0, −0 for one below it that underflows.
    pub fn ends_f64(&self) -> [f64; 2] {
        [nearest_f64(self.low.clone().with_rounding()), nearest_f64(self.high.clone().with_rounding())]
    }

    /// Whether the interval is the one number 0.
    pub fn is_zero(&self) -> bool {
        self.low == Low::ZERO && self.high == High::ZERO
    }

    fn is_negative(&self) -> bool {
        self.high < High::ZERO
    }

    fn is_positive(&self) -> bool {
        self.low > Low::ZERO
    }
}

/// The f64 nearest to a number, ties to even.
fn nearest_f64(x: Nearest) -> f64 {
    let smallest = Nearest::ONE >> 1074;
    let size = if x < Nearest::ZERO { -x.clone() } else { x.clone() };
    if x == Nearest::ZERO {
        return 0.0;
    }
    if size >= smallest {
        return x.to_f64().value();
    }
    // dashu rounds what is below the smallest f64 to one bit before it rounds that to 0 or the smallest
    let rounded = if size << 1 > smallest { f64::from_bits(1) } else { 0.0 };
    if x < Nearest::ZERO { -rounded } else { rounded }
}

/// Arithmetic on enclosures at a precision.
#[derive(Clone, Copy, Debug)]
pub struct Intervals {
    /// The bits of both ends.
    pub bits: usize,
}

/// The exponential is not taken of what is larger than this: its result is past any use.
const LARGEST_EXPONENT: f64 = 1e12;

/// Nor are numbers kept whose binary exponent is larger: products of a few of them are still far from the range
/// of the exponents.
const LARGEST_BINARY_EXPONENT: isize = 1 << 56;

/// The size of the binary exponent of what a number is at most.
fn exponent(x: &Interval) -> isize {
    fn of<R: dashu_float::round::Round>(x: &FBig<R, 2>) -> isize {
        let repr = x.repr();
        repr.exponent().saturating_add_unsigned(repr.digits()).saturating_abs()
    }
    of(&x.low).max(of(&x.high))
}

/// A number, unless its exponent is past any use.
fn of_moderate_exponent(x: Interval) -> Outcome<Interval> {
    if exponent(&x) > LARGEST_BINARY_EXPONENT {
        return Err(Abstention::new("a number whose exponent is past any use"));
    }
    Ok(x)
}

impl Intervals {
    fn between(&self, low: Low, high: High) -> Interval {
        Interval { low: low.with_precision(self.bits).value(), high: high.with_precision(self.bits).value() }
    }

    fn whole(&self, n: i64) -> Interval {
        self.between(Low::from(n), High::from(n))
    }

    /// The size of a whole number of any length.
    fn size_of(&self, n: &BigInt) -> Interval {
        let digits = n.iter_u32_digits().rev();
        digits.fold(self.whole(0), |n, digit| {
            let base = 1i64 << u32::BITS;
            let low = n.low * Low::from(base) + Low::from(digit);
            self.between(low, n.high * High::from(base) + High::from(digit))
        })
    }

    /// The smallest and the largest of some numbers, each rounded outward.
    fn hull(&self, candidates: impl IntoIterator<Item = (Low, High)>) -> Interval {
        let all = candidates.into_iter().reduce(|(low, high), (l, h)| (low.min(l), high.max(h)));
        let (low, high) = all.unwrap_or((Low::ZERO, High::ZERO));
        self.between(low, high)
    }

    fn magnitude(&self, x: &Interval) -> Interval {
        if x.is_negative() {
            self.between(-x.high.clone().with_rounding::<Down>(), -x.low.clone().with_rounding::<Up>())
        } else if x.low >= Low::ZERO {
            x.clone()
        } else {
            let high = x.high.clone().max(-x.low.clone().with_rounding::<Up>());
            self.between(Low::ZERO, high)
        }
    }

    /// Whether x² is lost beside x at this precision. There the series of dashu's functions do not
    /// settle, and two terms enclose them.
    fn is_tiny(&self, x: &Interval) -> bool {
        self.magnitude(x).high <= High::ONE >> self.bits as isize
    }

    fn nth_power(&self, x: &Interval, n: u64) -> Interval {
        // ends of one sign, so that powers of the ends are the ends of the powers
        let base = if n.is_multiple_of(2) { self.magnitude(x) } else { x.clone() };
        let raised = |x: &Interval| {
            let mut result = self.whole(1);
            for bit in (0..u64::BITS - n.leading_zeros()).rev() {
                result = self.between(&result.low * &result.low, &result.high * &result.high);
                if n >> bit & 1 == 1 {
                    result = self.between(&result.low * &x.low, &result.high * &x.high);
                }
            }
            result
        };
        if base.low >= Low::ZERO {
            return raised(&base);
        }
        // an odd power of what may be negative is monotone: each end by the power of its size
        let end = |size: Interval, negative: bool| {
            let power = raised(&size);
            if negative {
                (-power.high.with_rounding::<Down>(), -power.low.with_rounding::<Up>())
            } else {
                (power.low, power.high)
            }
        };
        let of_low = self.between(-base.low.clone(), -base.low.clone().with_rounding::<Up>());
        let (low, _) = end(of_low, true);
        let negative = base.high < High::ZERO;
        let size = if negative { -base.high.clone() } else { base.high.clone() };
        let (_, high) = end(self.between(size.clone().with_rounding::<Down>(), size), negative);
        self.between(low, high)
    }

    /// A function that moves by no more than its argument, with values from −1 to 1.
    fn wave(&self, x: &Interval, low: impl Fn(&Low) -> Low, high: impl Fn(&High) -> High) -> Interval {
        let width = (&x.high - x.low.clone().with_rounding::<Up>()).with_precision(self.bits).value();
        let below = low(&x.low) - width.clone().with_rounding::<Down>();
        let above = high(&x.low.clone().with_rounding::<Up>()) + width;
        self.between(below.max(Low::from(-1)), above.min(High::from(1)))
    }
}

impl Enclosures for Intervals {
    fn at(bits: usize) -> Intervals {
        Intervals { bits }
    }

    fn exactly(&self, x: f64) -> Option<Interval> {
        let (low, high) = (Low::try_from(x).ok()?, High::try_from(x).ok()?);
        x.is_finite().then(|| self.between(low, high))
    }

    fn ends_f64(interval: &Interval) -> [f64; 2] {
        interval.ends_f64()
    }
}

impl Arithmetic for Intervals {
    type Number = Interval;

    fn name(&self) -> &'static str {
        "enclosures of any precision"
    }

    fn constant(&mut self, value: &BigRational) -> Outcome<Interval> {
        if let (Some(numerator), true) = (value.to_integer().to_i64(), value.is_integer()) {
            return Ok(self.whole(numerator));
        }
        let (numerator, denominator) = (self.size_of(value.numer()), self.size_of(value.denom()));
        let quotient = self.quotient(&numerator, &denominator)?;
        if value.is_negative() { self.negate(&quotient) } else { Ok(quotient) }
    }

    fn pi(&mut self) -> Outcome<Interval> {
        Ok(self.between(Low::pi(self.bits), High::pi(self.bits)))
    }

    fn negate(&mut self, x: &Interval) -> Outcome<Interval> {
        Ok(self.between(-x.high.clone().with_rounding::<Down>(), -x.low.clone().with_rounding::<Up>()))
    }

    fn sum(&mut self, terms: &[&Interval]) -> Outcome<Interval> {
        let mut total = self.whole(0);
        for x in terms {
            total = self.between(&total.low + &x.low, &total.high + &x.high);
        }
        Ok(total)
    }

    fn product(&mut self, x: &Interval, y: &Interval) -> Outcome<Interval> {
        if x.is_zero() || y.is_zero() {
            return Ok(self.whole(0));
        }
        let ends = |x: &Interval| {
            [
                (x.low.clone(), x.low.clone().with_rounding::<Up>()),
                (x.high.clone().with_rounding::<Down>(), x.high.clone()),
            ]
        };
        let (x, y) = (ends(x), ends(y));
        of_moderate_exponent(self.hull(x.iter().flat_map(|(xl, xh)| y.iter().map(move |(yl, yh)| (xl * yl, xh * yh)))))
    }

    fn quotient(&mut self, x: &Interval, y: &Interval) -> Outcome<Interval> {
        if !y.is_negative() && !y.is_positive() {
            return Err(Abstention::new("a division by a number that may be zero"));
        }
        let ends = |x: &Interval| {
            [
                (x.low.clone(), x.low.clone().with_rounding::<Up>()),
                (x.high.clone().with_rounding::<Down>(), x.high.clone()),
            ]
        };
        let (x, y) = (ends(x), ends(y));
        of_moderate_exponent(self.hull(x.iter().flat_map(|(xl, xh)| y.iter().map(move |(yl, yh)| (xl / yl, xh / yh)))))
    }

    fn power(&mut self, x: &Interval, n: i64) -> Outcome<Interval> {
        if (exponent(x).unsigned_abs() as u64 + 1).saturating_mul(n.unsigned_abs()) > LARGEST_BINARY_EXPONENT as u64 {
            return Err(Abstention::new("a power past any use"));
        }
        let power = self.nth_power(x, n.unsigned_abs());
        if n < 0 { self.quotient(&self.whole(1), &power) } else { Ok(power) }
    }

    fn exp(&mut self, x: &Interval) -> Outcome<Interval> {
        if x.high.to_f64().value() > LARGEST_EXPONENT {
            return Err(Abstention::new("the exponential of a number past 1e12"));
        }
        let least = Low::from(-(LARGEST_EXPONENT as i64));
        let low = if x.low < least { Low::ZERO } else { x.low.exp() };
        let high = x.high.clone().max(least.with_rounding::<Up>()).with_precision(self.bits).value().exp();
        Ok(self.between(low, high))
    }

    fn ln(&mut self, x: &Interval) -> Outcome<Interval> {
        if !x.is_positive() {
            return Err(Abstention::new("the logarithm of a number that may not be positive"));
        }
        Ok(self.between(x.low.ln(), x.high.ln()))
    }

    fn sqrt(&mut self, x: &Interval) -> Outcome<Interval> {
        if x.is_negative() {
            return Err(Abstention::new("the square root of a negative number"));
        }
        if x.low < Low::ZERO {
            return Err(Abstention::new("the square root of a number that may be negative"));
        }
        Ok(self.between(x.low.sqrt(), x.high.sqrt()))
    }

    fn sin(&mut self, x: &Interval) -> Outcome<Interval> {
        Ok(self.wave(x, Low::sin, High::sin))
    }

    fn cos(&mut self, x: &Interval) -> Outcome<Interval> {
        Ok(self.wave(x, Low::cos, High::cos))
    }

    fn ln_1p(&mut self, x: &Interval) -> Outcome<Interval> {
        if x.low <= Low::from(-1) {
            return Err(Abstention::new("ln(1 + x) of a number that may be −1 or less"));
        }
        if self.is_tiny(x) {
            // x/(1 + x) ≤ ln(1 + x) ≤ x
            let one = self.whole(1);
            let shifted = self.sum(&[&one, x])?;
            let least = self.quotient(x, &shifted)?.low;
            return Ok(self.between(least, x.high.clone()));
        }
        Ok(self.between(x.low.ln_1p(), x.high.ln_1p()))
    }

    fn exp_m1(&mut self, x: &Interval) -> Outcome<Interval> {
        if self.magnitude(x).high.to_f64().value() > LARGEST_EXPONENT {
            return Err(Abstention::new("the exponential of a number past 1e12"));
        }
        if self.is_tiny(x) {
            // x ≤ e^x − 1 ≤ x/(1 − x)
            let (one, minus) = (self.whole(1), self.negate(x)?);
            let shifted = self.sum(&[&one, &minus])?;
            let most = self.quotient(x, &shifted)?.high;
            return Ok(self.between(x.low.clone(), most));
        }
        Ok(self.between(x.low.exp_m1(), x.high.exp_m1()))
    }

    fn maximum(&mut self, values: &[&Interval]) -> Outcome<Interval> {
        let ends = values.iter().map(|x| (x.low.clone(), x.high.clone()));
        let all = ends.reduce(|(low, high), (l, h)| (low.max(l), high.max(h)));
        let (low, high) = all.ok_or_else(|| Abstention::new("the maximum of no values"))?;
        Ok(self.between(low, high))
    }

    fn sign(&mut self, x: &Interval) -> Outcome<Sign> {
        if x.is_positive() {
            Ok(Sign::Positive)
        } else if x.is_negative() {
            Ok(Sign::Negative)
        } else if x.is_zero() {
            Ok(Sign::Zero)
        } else {
            Err(Abstention::new("a sign that the precision leaves open"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::{Expr, Graph, constant, pi, ratio};
    use crate::number::evaluate_all;

    fn ends(formula: impl FnOnce() -> Expr) -> [f64; 2] {
        let graph = Graph::build(|| vec![formula()]);
        evaluate_all(&graph, &mut Intervals { bits: 128 }, &[]).unwrap()[0].ends_f64()
    }

    #[test]
    fn known_values_are_enclosed() {
        assert_eq!(ends(|| constant(1).exp()), [std::f64::consts::E; 2]);
        assert_eq!(ends(|| pi().cos()), [-1.0; 2]);
        assert_eq!(ends(|| constant(2).sqrt().powi(2)), [2.0; 2]);
        assert_eq!(ends(|| ratio(-1, 3).powi(3)), [-1.0 / 27.0; 2]);
        assert_eq!(ends(|| ratio(-1, 3).powi(-2)), [9.0; 2]);
        assert_eq!(ends(|| constant(2).ln()), [std::f64::consts::LN_2; 2]);
        assert_eq!(ends(|| ratio(1, 10) * 3), [0.3; 2]);
        // what no f64 keeps: e^−10^6 · e^10^6
        assert_eq!(ends(|| constant(-1_000_000).exp() * constant(1_000_000).exp()), [1.0; 2]);
    }

    #[test]
    fn what_is_below_the_smallest_f64_is_rounded_once() {
        let smallest = f64::from_bits(1);
        for (numerator, right) in [(1, 0.0), (2, 0.0), (3, smallest), (4, smallest), (5, smallest), (6, 2.0 * smallest)]
        {
            for sign in [1, -1] {
                let [low, high] = ends(|| sign * ratio(numerator, 4) * constant(2).powi(-1074));
                assert_eq!([low.abs(), high.abs()], [right; 2], "{numerator}/4");
                assert!(low.is_sign_negative() == (sign < 0) && high.is_sign_negative() == (sign < 0));
            }
        }
        let mut arithmetic = Intervals { bits: 64 };
        let one = arithmetic.exactly(1.0).unwrap();
        let minus = arithmetic.negate(&one).unwrap();
        let zero = arithmetic.sum(&[&one, &minus]).unwrap().nearest_f64();
        assert!(zero.is_some_and(|zero| zero == 0.0 && zero.is_sign_positive()));
    }

    #[test]
    fn functions_of_tiny_numbers_are_enclosed() {
        // 1 and the square of e^−10^11 are too far apart for any precision
        for bits in [128, 4096] {
            for function in [Expr::ln_1p, Expr::exp_m1] {
                for sign in [1, -1] {
                    let graph = Graph::build(|| {
                        let x = sign * constant(-100_000_000_000).exp();
                        vec![function(x) / x, function(constant(0))]
                    });
                    let values = evaluate_all(&graph, &mut Intervals { bits }, &[]).unwrap();
                    assert_eq!(values[0].ends_f64(), [1.0; 2]);
                    assert_eq!(values[1].ends_f64(), [0.0; 2]);
                }
            }
        }
    }

    #[test]
    fn width_is_kept_where_a_number_is_not_known() {
        // an interval that is not a point, and wave functions around an extremum
        let [low, high] = ends(|| (pi() - ratio(355, 113)).sin());
        assert!(low <= high && (low + 2.667_641_894e-7).abs() < 1e-15);
        let mut arithmetic = Intervals { bits: 64 };
        let around_zero = arithmetic.between(Low::from(-1), High::from(2));
        let square = arithmetic.power(&around_zero, 2).unwrap();
        assert_eq!(square.ends_f64(), [0.0, 4.0]);
        let cube = arithmetic.power(&around_zero, 3).unwrap();
        assert_eq!(cube.ends_f64(), [-1.0, 8.0]);
        assert!(arithmetic.quotient(&square, &around_zero).is_err());
        assert!(arithmetic.sign(&around_zero).is_err());
        assert!(arithmetic.sqrt(&around_zero).is_err());
    }
}
