//! Wide numbers as a kind of number that a graph is interpreted on.

use super::Wide;
use crate::number::{Abstention, Arithmetic, Enclosures, Outcome, Sign};
use num_bigint::{BigInt, Sign as BigSign};
use num_rational::BigRational;

/// Arithmetic on wide numbers. It abstains where nothing is known of a result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wides;

fn known(x: Wide) -> Outcome<Wide> {
    if x.error.is_infinite() {
        return Err(Abstention::new("a number of which the error bound leaves nothing known"));
    }
    Ok(x)
}

/// A whole number of any length, digit by digit.
fn whole(n: &BigInt) -> Wide {
    let size = n.iter_u32_digits().rev().fold(Wide::ZERO, |n, digit| n.scaled(32) + Wide::from(f64::from(digit)));
    if n.sign() == BigSign::Minus { -size } else { size }
}

impl Enclosures for Wides {
    /// Whatever is asked for, it is about 104 bits.
    fn at(_bits: usize) -> Wides {
        Wides
    }
    fn exactly(&self, x: f64) -> Option<Wide> {
        x.is_finite().then(|| Wide::from(x))
    }
    fn ends_f64(x: &Wide) -> [f64; 2] {
        x.ends()
    }
}

impl Arithmetic for Wides {
    type Number = Wide;

    fn name(&self) -> &'static str {
        "numbers of 104 bits with an error bound"
    }
    fn constant(&mut self, value: &BigRational) -> Outcome<Wide> {
        known(whole(value.numer()) / whole(value.denom()))
    }
    fn pi(&mut self) -> Outcome<Wide> {
        Ok(Wide::pi())
    }
    fn negate(&mut self, x: &Wide) -> Outcome<Wide> {
        Ok(-*x)
    }
    fn sum(&mut self, terms: &[&Wide]) -> Outcome<Wide> {
        known(terms.iter().copied().copied().sum())
    }
    fn product(&mut self, x: &Wide, y: &Wide) -> Outcome<Wide> {
        known(*x * *y)
    }
    fn quotient(&mut self, x: &Wide, y: &Wide) -> Outcome<Wide> {
        known(*x / *y)
    }
    fn power(&mut self, x: &Wide, n: i64) -> Outcome<Wide> {
        known(x.powi(n))
    }
    fn exp(&mut self, x: &Wide) -> Outcome<Wide> {
        known(x.exp())
    }
    fn ln(&mut self, x: &Wide) -> Outcome<Wide> {
        known(x.ln())
    }
    fn sqrt(&mut self, x: &Wide) -> Outcome<Wide> {
        known(if x.is_zero() { Wide::ZERO } else { x.sqrt() })
    }
    fn ln_1p(&mut self, x: &Wide) -> Outcome<Wide> {
        known(x.ln_1p())
    }
    fn exp_m1(&mut self, x: &Wide) -> Outcome<Wide> {
        known(x.exp_m1())
    }
    fn maximum(&mut self, values: &[&Wide]) -> Outcome<Wide> {
        let largest = values.iter().copied().copied().reduce(Wide::max);
        known(largest.ok_or_else(|| Abstention::new("the maximum of no values"))?)
    }
    fn sign(&mut self, x: &Wide) -> Outcome<Sign> {
        x.sign().ok_or_else(|| Abstention::new("a sign that the error bound leaves open"))
    }
}
