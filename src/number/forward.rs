//! Forward-mode derivatives over any kind of number: a value with its derivative along one
//! direction. Over numbers with an error bound it encloses what forward duals may come to.

use super::{Abstention, Arithmetic, Outcome, Sign, power_by_squaring};
use num_rational::BigRational;

/// The dual numbers over an arithmetic.
#[derive(Clone, Debug)]
pub struct Forward<A>(pub A);

/// A value and its derivative.
#[derive(Clone, Debug)]
pub struct Tangent<N> {
    /// The value.
    pub value: N,
    /// The derivative along the direction.
    pub slope: N,
}

impl<A: Arithmetic> Forward<A> {
    fn fixed(&mut self, value: A::Number) -> Outcome<Tangent<A::Number>> {
        Ok(Tangent { value, slope: self.0.constant(&num_traits::Zero::zero())? })
    }

    /// f(x) with f′(x) x′
    fn chained(&mut self, value: A::Number, slope: &A::Number, x: &Tangent<A::Number>) -> Outcome<Tangent<A::Number>> {
        Ok(Tangent { value, slope: self.0.product(slope, &x.slope)? })
    }
}

impl<A: Arithmetic> Arithmetic for Forward<A> {
    type Number = Tangent<A::Number>;

    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn constant(&mut self, value: &BigRational) -> Outcome<Self::Number> {
        let value = self.0.constant(value)?;
        self.fixed(value)
    }
    fn pi(&mut self) -> Outcome<Self::Number> {
        let value = self.0.pi()?;
        self.fixed(value)
    }
    fn negate(&mut self, x: &Self::Number) -> Outcome<Self::Number> {
        Ok(Tangent { value: self.0.negate(&x.value)?, slope: self.0.negate(&x.slope)? })
    }
    fn sum(&mut self, terms: &[&Self::Number]) -> Outcome<Self::Number> {
        let values: Vec<_> = terms.iter().map(|t| &t.value).collect();
        let slopes: Vec<_> = terms.iter().map(|t| &t.slope).collect();
        Ok(Tangent { value: self.0.sum(&values)?, slope: self.0.sum(&slopes)? })
    }
    fn product(&mut self, x: &Self::Number, y: &Self::Number) -> Outcome<Self::Number> {
        let (left, right) = (self.0.product(&x.slope, &y.value)?, self.0.product(&x.value, &y.slope)?);
        Ok(Tangent { value: self.0.product(&x.value, &y.value)?, slope: self.0.sum(&[&left, &right])? })
    }
    fn quotient(&mut self, x: &Self::Number, y: &Self::Number) -> Outcome<Self::Number> {
        // (x′y − xy′)/y²
        let (left, right) = (self.0.product(&x.slope, &y.value)?, self.0.product(&x.value, &y.slope)?);
        let minus = self.0.negate(&right)?;
        let (numerator, square) = (self.0.sum(&[&left, &minus])?, self.0.product(&y.value, &y.value)?);
        Ok(Tangent { value: self.0.quotient(&x.value, &y.value)?, slope: self.0.quotient(&numerator, &square)? })
    }
    fn power(&mut self, x: &Self::Number, n: i64) -> Outcome<Self::Number> {
        power_by_squaring(self, x, n)
    }
    fn exp(&mut self, x: &Self::Number) -> Outcome<Self::Number> {
        let value = self.0.exp(&x.value)?;
        self.chained(value.clone(), &value, x)
    }
    fn ln(&mut self, x: &Self::Number) -> Outcome<Self::Number> {
        Ok(Tangent { value: self.0.ln(&x.value)?, slope: self.0.quotient(&x.slope, &x.value)? })
    }
    fn sqrt(&mut self, x: &Self::Number) -> Outcome<Self::Number> {
        let value = self.0.sqrt(&x.value)?;
        let twice = self.0.sum(&[&value, &value])?;
        Ok(Tangent { slope: self.0.quotient(&x.slope, &twice)?, value })
    }
    fn sin(&mut self, x: &Self::Number) -> Outcome<Self::Number> {
        let (value, slope) = (self.0.sin(&x.value)?, self.0.cos(&x.value)?);
        self.chained(value, &slope, x)
    }
    fn cos(&mut self, x: &Self::Number) -> Outcome<Self::Number> {
        let (value, sine) = (self.0.cos(&x.value)?, self.0.sin(&x.value)?);
        let slope = self.0.negate(&sine)?;
        self.chained(value, &slope, x)
    }
    fn maximum(&mut self, _values: &[&Self::Number]) -> Outcome<Self::Number> {
        Err(Abstention::new("the derivative of a maximum is not enclosed"))
    }
    fn sign(&mut self, x: &Self::Number) -> Outcome<Sign> {
        self.0.sign(&x.value)
    }
}
