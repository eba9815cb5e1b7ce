//! Forward-mode autodiff by the crate `num-dual`.
//!
//! Its derivatives are not trustworthy everywhere (√ at 0, powers of tiny numbers), so whoever uses
//! one checks that every part is finite and that the real part agrees with the value in f64.

use super::float::nearest;
use super::{Abstention, Arithmetic, Outcome, Sign};
use num_dual::{DualNum, DualSVec64, HyperDual64};
use num_rational::BigRational;
use std::marker::PhantomData;

/// How many partial derivatives one pass carries. Static vectors of this length are several times
/// faster than dynamic ones of the full length.
pub const TANGENTS: usize = 16;

/// A value with [`TANGENTS`] first derivatives.
pub type Dual = DualSVec64<TANGENTS>;

/// A value with two first derivatives and the mixed second one.
pub type HyperDual = HyperDual64;

/// Any of num-dual's numbers over f64.
#[derive(Clone, Copy, Debug, Default)]
pub struct Duals<D>(PhantomData<D>);

/// Second-order duals.
pub type SecondOrder = Duals<HyperDual>;

impl<D> Duals<D> {
    /// The arithmetic.
    pub fn new() -> Self {
        Duals(PhantomData)
    }
}

impl<D: DualNum<Primitive = f64> + Copy> Arithmetic for Duals<D> {
    type Number = D;

    fn name(&self) -> &'static str {
        "dual numbers"
    }
    fn constant(&mut self, value: &BigRational) -> Outcome<D> {
        nearest(value).map(D::from)
    }
    fn pi(&mut self) -> Outcome<D> {
        Ok(D::from(std::f64::consts::PI))
    }
    fn negate(&mut self, x: &D) -> Outcome<D> {
        Ok(-*x)
    }
    fn sum(&mut self, terms: &[&D]) -> Outcome<D> {
        Ok(terms.iter().copied().copied().sum())
    }
    fn product(&mut self, x: &D, y: &D) -> Outcome<D> {
        Ok(*x * *y)
    }
    fn quotient(&mut self, x: &D, y: &D) -> Outcome<D> {
        Ok(*x / *y)
    }
    fn power(&mut self, x: &D, n: i64) -> Outcome<D> {
        // num-dual also raises to n − 1 and n − 2
        let n = i32::try_from(n).ok().filter(|n| n.unsigned_abs() < 1 << 30);
        let n = n.ok_or_else(|| Abstention::new("a power past the range of num-dual's"))?;
        Ok(x.powi(n))
    }
    fn exp(&mut self, x: &D) -> Outcome<D> {
        Ok(x.exp())
    }
    fn ln(&mut self, x: &D) -> Outcome<D> {
        Ok(x.ln())
    }
    fn sqrt(&mut self, x: &D) -> Outcome<D> {
        Ok(x.sqrt())
    }
    fn sin(&mut self, x: &D) -> Outcome<D> {
        Ok(x.sin())
    }
    fn cos(&mut self, x: &D) -> Outcome<D> {
        Ok(x.cos())
    }
    fn ln_1p(&mut self, x: &D) -> Outcome<D> {
        Ok(x.ln_1p())
    }
    fn exp_m1(&mut self, x: &D) -> Outcome<D> {
        Ok(x.exp_m1())
    }
    fn maximum(&mut self, values: &[&D]) -> Outcome<D> {
        let larger = |a: D, b: &&D| if a.re() >= b.re() { a } else { **b };
        let (first, rest) = values.split_first().ok_or_else(|| Abstention::new("the maximum of nothing"))?;
        Ok(rest.iter().fold(**first, larger))
    }
    fn sign(&mut self, x: &D) -> Outcome<Sign> {
        super::Float.sign(&x.re())
    }
}
