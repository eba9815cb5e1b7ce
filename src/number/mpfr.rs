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

/// All real numbers from `low` to `high`; both are finite.
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
        let off = (&self.low - nearest).complete_round(self.low.prec(), Round::Nearest).0.abs() / ulp(nearest);
        let distance = 0.5 - off.to_f64();
        (distance > 0.0).then_some(distance)
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
    /// An enclosure, if its ends are in MPFR's range, which ends at 2^(2^62).
    fn between(&self, low: Float, high: Float) -> Outcome<Enclosure> {
        if low.is_finite() && high.is_finite() {
            Ok(Enclosure { low, high })
        } else {
            Err(Abstention::new("a number past MPFR's range"))
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
            all.reduce(|x, y| if y.partial_cmp(&x) == Some(wanted) { y } else { x })
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
