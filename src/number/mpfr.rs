//! Enclosures by MPFR (crate `rug`): intervals whose ends MPFR rounds outward. They judge this crate's
//! own arithmetic and share nothing with it.

use super::{Abstention, Arithmetic, Branches, Enclosures, Outcome, Sign, ulp};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive};
use rug::float::Round::{self, Down, Up};
use rug::integer::Order;
use rug::ops::{CompleteRound, Pow};
use rug::{Float, Integer};
use std::cmp::Ordering;

/// All real numbers from `low` to `high`. An end is infinite where the number may leave MPFR's range.
#[derive(Clone, Debug)]
pub struct Enclosure {
    low: Float,
    high: Float,
}

impl Enclosure {
    fn is_point(&self) -> bool {
        self.low == self.high
    }

    fn is_negative(&self) -> bool {
        self.high < 0
    }

    fn is_positive(&self) -> bool {
        self.low > 0
    }

    /// How far the number is from the middle between two f64, in ulp: from 0 to 1/2. A number that is
    /// exactly on the middle, or past the range of f64, has no such distance.
    pub fn from_the_middle(&self) -> Option<f64> {
        let nearest = self.low.to_f64();
        if !nearest.is_finite() || nearest == 0.0 {
            return None;
        }
        let off = Float::with_val(self.low.prec(), &self.low - nearest).abs() / ulp(nearest);
        let distance: Float = 0.5 - off;
        (distance > 0).then(|| distance.to_f64())
    }
}

/// Arithmetic on enclosures at a precision.
#[derive(Clone, Copy, Debug)]
pub struct Mpfr {
    bits: u32,
}

/// The ends of the four combinations of two enclosures' ends.
fn corners<'a>(x: &'a Enclosure, y: &'a Enclosure) -> [(&'a Float, &'a Float); 4] {
    [(&x.low, &y.low), (&x.low, &y.high), (&x.high, &y.low), (&x.high, &y.high)]
}

impl Mpfr {
    /// An enclosure, if its ends say something: MPFR's range is by default up to 2^(2^30), and past it
    /// differences and quotients have none.
    fn between(&self, low: Float, high: Float) -> Outcome<Enclosure> {
        if low.is_nan() || high.is_nan() {
            Err(Abstention::new("a number past MPFR's range"))
        } else {
            Ok(Enclosure { low, high })
        }
    }

    /// What lies between a number rounded down and the next one above: the number, where it was exact.
    fn around(&self, (low, rounded): (Float, Ordering)) -> Outcome<Enclosure> {
        let mut high = low.clone();
        if rounded != Ordering::Equal {
            high.next_up();
        }
        self.between(low, high)
    }

    /// An increasing function.
    fn increasing(&self, x: &Enclosure, f: impl Fn(&Float, Round) -> (Float, Ordering)) -> Outcome<Enclosure> {
        let low = f(&x.low, Down);
        if x.is_point() { self.around(low) } else { self.between(low.0, f(&x.high, Up).0) }
    }

    /// The smallest and the largest of an operation on the ends of two enclosures, of which it is
    /// monotone in each.
    fn of_corners(
        &self,
        corners: [(&Float, &Float); 4],
        f: impl Fn(&Float, &Float, Round) -> (Float, Ordering),
    ) -> Outcome<Enclosure> {
        let extreme = |round: Round, wanted: Ordering| {
            let all = corners.iter().map(|(a, b)| f(a, b, round).0);
            all.reduce(|x, y| if y.is_nan() || y.partial_cmp(&x) == Some(wanted) { y } else { x })
        };
        match (extreme(Down, Ordering::Less), extreme(Up, Ordering::Greater)) {
            (Some(low), Some(high)) => self.between(low, high),
            _ => Err(Abstention::new("no ends")),
        }
    }

    fn whole(&self, n: &BigInt) -> Outcome<Enclosure> {
        let size = Integer::from_digits(&n.magnitude().to_u64_digits(), Order::Lsf);
        let n = if n.is_negative() { -size } else { size };
        self.around(Float::with_val_round(self.bits, &n, Down))
    }

    fn magnitude(&self, x: &Enclosure) -> Enclosure {
        if x.is_negative() {
            Enclosure {
                low: (-&x.high).complete_round(self.bits.max(x.high.prec()), Down).0,
                high: x.low.clone().abs(),
            }
        } else if x.low >= 0 {
            x.clone()
        } else {
            let size = x.low.clone().abs();
            Enclosure { low: Float::new(self.bits), high: if size > x.high { size } else { x.high.clone() } }
        }
    }

    /// A function that moves by no more than its argument, with values from −1 to 1.
    fn wave(&self, x: &Enclosure, f: impl Fn(&Float, Round) -> (Float, Ordering)) -> Outcome<Enclosure> {
        if x.is_point() {
            return self.around(f(&x.low, Down));
        }
        let (width, _) = (&x.high - &x.low).complete_round(self.bits, Up);
        let (low, _) = (&f(&x.low, Down).0 - &width).complete_round(self.bits, Down);
        let (high, _) = (&f(&x.low, Up).0 + &width).complete_round(self.bits, Up);
        self.between(low.max(&Float::with_val(self.bits, -1)), high.min(&Float::with_val(self.bits, 1)))
    }
}

impl Enclosures for Mpfr {
    fn at(bits: usize) -> Mpfr {
        Mpfr { bits: bits as u32 }
    }

    fn exactly(&self, x: f64) -> Option<Enclosure> {
        let exact = Float::with_val(f64::MANTISSA_DIGITS, x);
        x.is_finite().then(|| Enclosure { low: exact.clone(), high: exact })
    }

    fn ends_f64(x: &Enclosure) -> [f64; 2] {
        // a zero of MPFR's has the sign of the rounding that made it
        [&x.low, &x.high].map(|end| if end.is_zero() { 0.0 } else { end.to_f64() })
    }
}

impl Arithmetic for Mpfr {
    type Number = Enclosure;

    fn name(&self) -> &'static str {
        "enclosures by MPFR"
    }

    fn constant(&mut self, value: &BigRational) -> Outcome<Enclosure> {
        let numerator = match value.numer().to_i64() {
            Some(n) => self.around(Float::with_val_round(self.bits, n, Down))?,
            None => self.whole(value.numer())?,
        };
        if value.is_integer() {
            return Ok(numerator);
        }
        let denominator = self.whole(value.denom())?;
        self.quotient(&numerator, &denominator)
    }

    fn pi(&mut self) -> Outcome<Enclosure> {
        self.around(Float::with_val_round(self.bits, rug::float::Constant::Pi, Down))
    }

    fn negate(&mut self, x: &Enclosure) -> Outcome<Enclosure> {
        Ok(Enclosure { low: -x.high.clone(), high: -x.low.clone() })
    }

    fn sum(&mut self, terms: &[&Enclosure]) -> Outcome<Enclosure> {
        let low = Float::with_val_round(self.bits, Float::sum(terms.iter().map(|x| &x.low)), Down);
        if terms.iter().all(|x| x.is_point()) {
            return self.around(low);
        }
        let (high, _) = Float::with_val_round(self.bits, Float::sum(terms.iter().map(|x| &x.high)), Up);
        self.between(low.0, high)
    }

    fn product(&mut self, x: &Enclosure, y: &Enclosure) -> Outcome<Enclosure> {
        let times = |a: &Float, b: &Float, round| (a * b).complete_round(self.bits, round);
        if x.is_point() && y.is_point() {
            self.around(times(&x.low, &y.low, Down))
        } else if x.low >= 0 && y.low >= 0 {
            self.between(times(&x.low, &y.low, Down).0, times(&x.high, &y.high, Up).0)
        } else {
            self.of_corners(corners(x, y), times)
        }
    }

    fn quotient(&mut self, x: &Enclosure, y: &Enclosure) -> Outcome<Enclosure> {
        if !y.is_negative() && !y.is_positive() {
            return Err(Abstention::new("a division by a number that may be zero"));
        }
        let over = |a: &Float, b: &Float, round| (a / b).complete_round(self.bits, round);
        if x.is_point() && y.is_point() {
            self.around(over(&x.low, &y.low, Down))
        } else if x.low >= 0 && y.is_positive() {
            self.between(over(&x.low, &y.high, Down).0, over(&x.high, &y.low, Up).0)
        } else {
            self.of_corners(corners(x, y), over)
        }
    }

    fn power(&mut self, x: &Enclosure, n: i64) -> Outcome<Enclosure> {
        let exponent = Integer::from(n.unsigned_abs());
        // an even power increases with the size, an odd one with the number
        let base = if n % 2 == 0 { self.magnitude(x) } else { x.clone() };
        let power = self.increasing(&base, |x, round| x.pow(&exponent).complete_round(self.bits, round))?;
        if n > 0 {
            return Ok(power);
        }
        let one = self.constant(&num_traits::One::one())?;
        self.quotient(&one, &power)
    }

    fn exp(&mut self, x: &Enclosure) -> Outcome<Enclosure> {
        self.increasing(x, |x, round| x.exp_ref().complete_round(self.bits, round))
    }

    fn ln(&mut self, x: &Enclosure) -> Outcome<Enclosure> {
        if !x.is_positive() {
            return Err(Abstention::new("the logarithm of a number that may not be positive"));
        }
        self.increasing(x, |x, round| x.ln_ref().complete_round(self.bits, round))
    }

    fn sqrt(&mut self, x: &Enclosure) -> Outcome<Enclosure> {
        if x.low < 0 {
            return Err(Abstention::new("the square root of a number that may be negative"));
        }
        self.increasing(x, |x, round| x.sqrt_ref().complete_round(self.bits, round))
    }

    fn sin(&mut self, x: &Enclosure) -> Outcome<Enclosure> {
        self.wave(x, |x, round| x.sin_ref().complete_round(self.bits, round))
    }

    fn cos(&mut self, x: &Enclosure) -> Outcome<Enclosure> {
        self.wave(x, |x, round| x.cos_ref().complete_round(self.bits, round))
    }

    fn ln_1p(&mut self, x: &Enclosure) -> Outcome<Enclosure> {
        if x.low <= -1 {
            return Err(Abstention::new("ln(1 + x) of a number that may be −1 or less"));
        }
        self.increasing(x, |x, round| x.ln_1p_ref().complete_round(self.bits, round))
    }

    fn exp_m1(&mut self, x: &Enclosure) -> Outcome<Enclosure> {
        self.increasing(x, |x, round| x.exp_m1_ref().complete_round(self.bits, round))
    }

    fn maximum(&mut self, values: &[&Enclosure]) -> Outcome<Enclosure> {
        let larger = |x: Float, y: Float| if y > x { y } else { x };
        let low = values.iter().map(|x| x.low.clone()).reduce(larger);
        let high = values.iter().map(|x| x.high.clone()).reduce(larger);
        low.zip(high)
            .map(|(low, high)| Enclosure { low, high })
            .ok_or_else(|| Abstention::new("the maximum of no values"))
    }

    fn sign(&mut self, x: &Enclosure) -> Outcome<Sign> {
        match (x.low.cmp0(), x.high.cmp0()) {
            (Some(Ordering::Greater), _) => Ok(Sign::Positive),
            (_, Some(Ordering::Less)) => Ok(Sign::Negative),
            (Some(Ordering::Equal), Some(Ordering::Equal)) => Ok(Sign::Zero),
            _ => Err(Abstention::new("a sign that the precision leaves open")),
        }
    }

    /// Where the sign is open, whatever the value could be: at a kink the branches meet.
    fn select(&mut self, of: &Enclosure, branches: Branches<Enclosure>) -> Outcome<Enclosure> {
        if let Ok(sign) = self.sign(of) {
            return branches.at(sign).clone();
        }
        let possible =
            [(of.low < 0).then_some(Sign::Negative), Some(Sign::Zero), (of.high > 0).then_some(Sign::Positive)];
        let values = possible.into_iter().flatten().map(|sign| branches.at(sign).clone());
        let hull = values.reduce(|x, y| {
            let (x, y) = (x?, y?);
            let low = if y.low < x.low { y.low } else { x.low };
            let high = if y.high > x.high { y.high } else { x.high };
            Ok(Enclosure { low, high })
        });
        hull.unwrap_or_else(|| Err(self.cannot("a sign")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::{Expr, Graph, absolute, constant, maximum, pi, ratio, sign, variable};
    use crate::number::{By, decide, evaluate_all};

    fn ends(formula: impl FnOnce() -> Expr) -> [f64; 2] {
        let graph = Graph::build(|| vec![formula()]);
        Mpfr::ends_f64(&evaluate_all(&graph, &mut Mpfr::at(128), &[]).unwrap()[0])
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
        assert_eq!(ends(|| constant(-1_000_000).exp() * constant(1_000_000).exp()), [1.0; 2]);
        // sin and cos of what is no point
        let [low, high] = ends(|| (pi() - ratio(355, 113)).sin());
        assert!(low <= high && (low + 2.667_641_894e-7).abs() < 1e-15);
    }

    #[test]
    fn enclosures_hold_what_is_between_their_ends() {
        let mut mpfr = Mpfr::at(64);
        let of = |low: i32, high: i32| Enclosure { low: Float::with_val(64, low), high: Float::with_val(64, high) };
        let (x, y) = (of(-1, 2), of(-3, -2));
        assert_eq!(Mpfr::ends_f64(&mpfr.product(&x, &y).unwrap()), [-6.0, 3.0]);
        assert_eq!(Mpfr::ends_f64(&mpfr.quotient(&x, &y).unwrap()), [-1.0, 0.5]);
        assert_eq!(Mpfr::ends_f64(&mpfr.sum(&[&x, &y]).unwrap()), [-4.0, 0.0]);
        assert_eq!(Mpfr::ends_f64(&mpfr.power(&x, 2).unwrap()), [0.0, 4.0]);
        assert_eq!(Mpfr::ends_f64(&mpfr.power(&x, 3).unwrap()), [-1.0, 8.0]);
        assert_eq!(Mpfr::ends_f64(&mpfr.power(&y, -1).unwrap()), [-0.5, -1.0 / 3.0]);
        assert_eq!(Mpfr::ends_f64(&mpfr.maximum(&[&x, &y]).unwrap()), [-1.0, 2.0]);
        assert!(mpfr.quotient(&y, &x).is_err() && mpfr.sign(&x).is_err());
        assert!(mpfr.sqrt(&x).is_err() && mpfr.ln(&x).is_err() && mpfr.ln_1p(&x).is_err());
    }

    #[test]
    fn every_operation_rounds_outward() {
        let graph = Graph::build(|| {
            let (x, y, third) = (variable("x"), variable("y"), ratio(1, 3));
            // above 0, below 0, and around 0
            let (a, b, c) = (x * third, y * third, x * 3 / 3 - x);
            let mut all =
                vec![a + 100, b - 100, a + b, x + y + third, a - c, pi() * a, -b, maximum(&[a, b]), absolute(c) + a];
            for (p, q) in [(x, y), (a, a), (a, b), (b, a), (b, b), (c, a), (c, b), (a, c), (c, c)] {
                all.extend([p * q, p + q]);
            }
            for (p, q) in [(x, y), (a, b), (b, a), (b, b), (c, b), (a, a)] {
                all.push(p / q);
            }
            for p in [x, y, a, b, c] {
                all.extend([p.exp(), p.exp_m1(), p.ln_1p(), p.sin(), p.cos(), p.powi(2), p.powi(3), p.powi(4)]);
            }
            for p in [x, a] {
                all.extend([p.ln(), p.sqrt(), p.powi(-1), p.powi(-2)]);
            }
            all.extend([b.powi(-1), b.powi(-2), b.powi(-3)]);
            all
        });
        let at = |bits: usize, k: i32| {
            let mut arithmetic = Mpfr::at(bits);
            let moved = 1e-3 * f64::from(k);
            let inputs = [0.3 + moved, -0.7 - 0.3 * moved].map(|x| arithmetic.exactly(x).unwrap());
            evaluate_all(&graph, &mut arithmetic, &inputs).unwrap()
        };
        // one wrong rounding of two shows at some inputs only
        for k in 0..200 {
            for (i, (wide, narrow)) in at(20, k).into_iter().zip(at(400, k)).enumerate() {
                let rounded = wide.low < wide.high || narrow.is_point();
                let holds = wide.low <= narrow.low && narrow.high <= wide.high && rounded;
                assert!(holds, "output {i} at input {k}: {wide:?} around {narrow:?}");
            }
        }
    }

    #[test]
    fn what_leaves_the_range_is_refused_or_underflows_with_its_sign() {
        let graph = Graph::build(|| {
            let x = variable("x");
            vec![x.exp(), (-x).exp(), -(-x).exp(), x.exp() / x.exp()]
        });
        let values = decide::<Mpfr>(&graph, &[1e308]);
        assert!(values[0].as_ref().is_ok_and(|x| x.value == f64::INFINITY));
        assert!(values[3].is_err());
        let sign_of = |i: usize| values[i].as_ref().map(|x| (x.value == 0.0, x.value.is_sign_negative()));
        assert_eq!(sign_of(1), Ok((true, false)));
        // −e^−10^308 is below MPFR's range: it lies between the largest negative number and 0
        assert_eq!(values[2].as_ref().map(|x| x.by), Ok(By::RuleForZeros));
        let small = decide::<Mpfr>(&graph, &[1e6]);
        assert!(small[2].as_ref().is_ok_and(|x| x.value == 0.0 && x.value.is_sign_negative()));
        assert!(small[0].as_ref().is_ok_and(|x| x.value == f64::INFINITY));
    }

    #[test]
    fn at_a_kink_the_branches_meet() {
        let graph = Graph::build(|| {
            let x = variable("x");
            let nothing = x.exp().ln() - x;
            vec![1 + absolute(nothing), sign(nothing)]
        });
        let values = decide::<Mpfr>(&graph, &[0.7]);
        assert_eq!(values[0].as_ref().map(|x| x.value), Ok(1.0));
        // a jump has no value between its branches
        assert!(values[1].is_err());
    }

    #[test]
    fn the_distance_from_the_middle_of_two_f64() {
        let of = |x: &str| {
            let point = Float::with_val(128, Float::parse(x).unwrap());
            Enclosure { low: point.clone(), high: point }.from_the_middle()
        };
        // 1 + 2^−53 + 10^−30
        let near = of("1.00000000000000011102230246251665404236316680908203125").unwrap();
        assert!((near / (1e-30 / f64::EPSILON) - 1.0).abs() < 1e-6, "{near:e}");
        assert_eq!(of("1.5"), Some(0.5));
        // 1 + 2^−53
        assert_eq!(of("1.00000000000000011102230246251565404236316680908203125"), None);
        assert_eq!(of("1e400"), None);
    }
}
