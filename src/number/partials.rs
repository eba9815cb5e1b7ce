//! Forward-mode derivatives along every variable at once: dual numbers x + Σ x_i ε_i with ε_i ε_j = 0, of which
//! only the x_i that are not zero are kept. A number that depends on few variables costs little, however many
//! there are: all derivatives of a sum over V variables take time in V and not in V².

use super::{Abstention, Arithmetic, Outcome, Sign};
use num_rational::BigRational;
use num_traits::One;

/// These dual numbers over an arithmetic.
#[derive(Debug)]
pub(crate) struct Partials<'a, A>(pub &'a mut A);

/// A value and its derivatives.
#[derive(Clone, Debug)]
pub(crate) struct Partial<N> {
    /// The value.
    pub value: N,
    /// The variables on which it depends, in ascending order, with the derivative along each.
    pub slopes: Vec<(usize, N)>,
}

impl<A: Arithmetic> Partials<'_, A> {
    /// The variable with this index.
    pub fn variable(&mut self, index: usize, value: A::Number) -> Outcome<Partial<A::Number>> {
        Ok(Partial { value, slopes: vec![(index, self.0.constant(&BigRational::one())?)] })
    }

    /// Σ c x′ over some numbers with their factors.
    fn combined(&mut self, terms: &[(&Partial<A::Number>, &A::Number)]) -> Outcome<Vec<(usize, A::Number)>> {
        let mut all = Vec::new();
        for (x, factor) in terms {
            for (index, slope) in &x.slopes {
                all.push((*index, self.0.product(factor, slope)?));
            }
        }
        self.gathered(all)
    }

    /// Derivatives in ascending order, those along the same variable added up.
    fn gathered(&mut self, mut all: Vec<(usize, A::Number)>) -> Outcome<Vec<(usize, A::Number)>> {
        all.sort_by_key(|(index, _)| *index);
        if all.windows(2).all(|pair| pair[0].0 < pair[1].0) {
            return Ok(all);
        }
        let of_one_variable = |same: &[(usize, A::Number)]| {
            let slopes: Vec<&A::Number> = same.iter().map(|(_, slope)| slope).collect();
            let slope = if let [only] = slopes[..] { only.clone() } else { self.0.sum(&slopes)? };
            Ok((same[0].0, slope))
        };
        all.chunk_by(|a, b| a.0 == b.0).map(of_one_variable).collect()
    }

    /// f(x) with f′(x) x′
    fn chained(&mut self, value: A::Number, slope: &A::Number, x: &Partial<A::Number>) -> Outcome<Partial<A::Number>> {
        Ok(Partial { value, slopes: self.combined(&[(x, slope)])? })
    }

    /// 1/x
    fn reciprocal(&mut self, x: &A::Number) -> Outcome<A::Number> {
        let one = self.0.constant(&BigRational::one())?;
        self.0.quotient(&one, x)
    }
}

impl<A: Arithmetic> Arithmetic for Partials<'_, A> {
    type Number = Partial<A::Number>;

    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn constant(&mut self, value: &BigRational) -> Outcome<Self::Number> {
        Ok(Partial { value: self.0.constant(value)?, slopes: Vec::new() })
    }
    fn pi(&mut self) -> Outcome<Self::Number> {
        Ok(Partial { value: self.0.pi()?, slopes: Vec::new() })
    }
    fn negate(&mut self, x: &Self::Number) -> Outcome<Self::Number> {
        let slopes = x.slopes.iter().map(|(index, slope)| Ok((*index, self.0.negate(slope)?)));
        let slopes = slopes.collect::<Outcome<_>>()?;
        Ok(Partial { value: self.0.negate(&x.value)?, slopes })
    }
    fn sum(&mut self, terms: &[&Self::Number]) -> Outcome<Self::Number> {
        let values: Vec<_> = terms.iter().map(|x| &x.value).collect();
        let slopes = terms.iter().flat_map(|x| x.slopes.iter().cloned()).collect();
        Ok(Partial { value: self.0.sum(&values)?, slopes: self.gathered(slopes)? })
    }
    fn product(&mut self, x: &Self::Number, y: &Self::Number) -> Outcome<Self::Number> {
        let value = self.0.product(&x.value, &y.value)?;
        Ok(Partial { value, slopes: self.combined(&[(x, &y.value), (y, &x.value)])? })
    }
    fn quotient(&mut self, x: &Self::Number, y: &Self::Number) -> Outcome<Self::Number> {
        // (x′ − (x/y) y′)/y
        let value = self.0.quotient(&x.value, &y.value)?;
        let by_x = self.reciprocal(&y.value)?;
        let product = self.0.product(&value, &by_x)?;
        let by_y = self.0.negate(&product)?;
        Ok(Partial { value, slopes: self.combined(&[(x, &by_x), (y, &by_y)])? })
    }
    fn power(&mut self, x: &Self::Number, n: i64) -> Outcome<Self::Number> {
        // n x^(n−1) x′, where n is neither 0 nor 1
        let value = self.0.power(&x.value, n)?;
        let factor = self.0.constant(&BigRational::from_integer(n.into()))?;
        let lower = if n == 2 { x.value.clone() } else { self.0.power(&x.value, n.saturating_sub(1))? };
        let slope = self.0.product(&factor, &lower)?;
        self.chained(value, &slope, x)
    }
    fn exp(&mut self, x: &Self::Number) -> Outcome<Self::Number> {
        let value = self.0.exp(&x.value)?;
        self.chained(value.clone(), &value, x)
    }
    fn ln(&mut self, x: &Self::Number) -> Outcome<Self::Number> {
        let (value, slope) = (self.0.ln(&x.value)?, self.reciprocal(&x.value)?);
        self.chained(value, &slope, x)
    }
    fn sqrt(&mut self, x: &Self::Number) -> Outcome<Self::Number> {
        let value = self.0.sqrt(&x.value)?;
        let twice = self.0.sum(&[&value, &value])?;
        let slope = self.reciprocal(&twice)?;
        self.chained(value, &slope, x)
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
    fn ln_1p(&mut self, x: &Self::Number) -> Outcome<Self::Number> {
        let one = self.0.constant(&BigRational::one())?;
        let above_one = self.0.sum(&[&one, &x.value])?;
        let (value, slope) = (self.0.ln_1p(&x.value)?, self.reciprocal(&above_one)?);
        self.chained(value, &slope, x)
    }
    fn exp_m1(&mut self, x: &Self::Number) -> Outcome<Self::Number> {
        let (value, slope) = (self.0.exp_m1(&x.value)?, self.0.exp(&x.value)?);
        self.chained(value, &slope, x)
    }
    fn maximum(&mut self, _values: &[&Self::Number]) -> Outcome<Self::Number> {
        Err(Abstention::new("the derivative of a maximum is not enclosed"))
    }
    fn sign(&mut self, x: &Self::Number) -> Outcome<Sign> {
        self.0.sign(&x.value)
    }
}
