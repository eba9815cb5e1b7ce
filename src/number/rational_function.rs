//! Exact rational functions over ℚ.
//!
//! Variables are free; e^x is a product of generators, one for each monomial of x, so that
//! e^(a+b) = e^a e^b holds by construction, and e^(k ln u) = u^k; ln, √, sin and cos are atoms named
//! by their argument. Equality in this form implies equality of the real functions wherever all
//! parts are defined. A difference does not imply that they differ: relations such as
//! ln ab = ln a + ln b are not known here.

use super::atoms::{Atom, GRAIN, Laurent, Monomial, Positives};
use super::{Abstention, Arithmetic, Outcome, Sign, power_by_squaring};
use num_rational::BigRational;
use num_traits::{One, ToPrimitive};
use std::collections::HashMap;

/// A quotient of Laurent polynomials in atoms.
#[derive(Clone, Debug)]
pub struct RationalFunction {
    numerator: Laurent,
    denominator: Laurent,
}

impl RationalFunction {
    fn whole(numerator: Laurent) -> RationalFunction {
        RationalFunction { numerator, denominator: Laurent::one() }
    }

    fn new(numerator: Laurent, denominator: Laurent) -> Outcome<RationalFunction> {
        match denominator.reciprocal() {
            Some(reciprocal) => Ok(RationalFunction::whole(sized(numerator.times(&reciprocal))?)),
            None if numerator.is_zero() => Ok(RationalFunction::whole(Laurent::zero())),
            None => Ok(RationalFunction { numerator, denominator }),
        }
    }

    fn polynomial(&self) -> Option<&Laurent> {
        self.denominator.is_one().then_some(&self.numerator)
    }

    /// Whether the two are the same function, decided by multiplying out.
    pub fn equals(&self, other: &RationalFunction) -> Outcome<bool> {
        if self.denominator == other.denominator {
            return Ok(self.numerator == other.numerator);
        }
        let left = sized(self.numerator.times(&other.denominator))?;
        let right = sized(other.numerator.times(&self.denominator))?;
        Ok(left == right)
    }
}

fn sized(polynomial: Option<Laurent>) -> Outcome<Laurent> {
    polynomial.ok_or_else(|| Abstention::new("a rational function with too many terms to write out"))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Exp,
    Ln,
    Sqrt,
    Sin,
    Cos,
}

/// The field of rational functions, with the atoms named so far and the cell of every condition.
#[derive(Clone, Debug, Default)]
pub struct RationalFunctions {
    atoms: Atom,
    pi: Option<Atom>,
    generators: HashMap<Monomial, Atom>,
    exponents: HashMap<Atom, Monomial>,
    named: Vec<(Function, RationalFunction, Atom)>,
    cell: Vec<Sign>,
    conditions: Vec<RationalFunction>,
    positives: Positives,
}

impl RationalFunctions {
    /// The field, in the cell in which the conditions that come up have these signs, in order.
    /// Conditions past the end of the list are positive.
    pub fn in_cell(cell: Vec<Sign>) -> RationalFunctions {
        RationalFunctions { cell, ..RationalFunctions::default() }
    }

    /// How many different conditions came up.
    pub fn conditions(&self) -> usize {
        self.conditions.len()
    }

    /// From now on this is above zero: what is so by the domain of a variable needs no cell.
    pub fn assume_positive(&mut self, x: &RationalFunction) {
        if let Some(polynomial) = x.polynomial() {
            self.positives.insert(polynomial.clone());
        }
    }

    /// A new free variable.
    pub fn variable(&mut self) -> RationalFunction {
        let atom = self.new_atom();
        RationalFunction::whole(Laurent::term(Monomial::of(atom), BigRational::one()))
    }

    fn new_atom(&mut self) -> Atom {
        self.atoms += 1;
        self.atoms
    }

    fn pi_atom(&mut self) -> Atom {
        if self.pi.is_none() {
            self.pi = Some(self.new_atom());
        }
        self.pi.unwrap_or_default()
    }

    fn named(&mut self, function: Function, argument: &RationalFunction) -> Outcome<RationalFunction> {
        for (f, known, atom) in &self.named {
            if *f == function && known.equals(argument)? {
                return Ok(RationalFunction::whole(Laurent::term(Monomial::of(*atom), BigRational::one())));
            }
        }
        let atom = self.new_atom();
        self.named.push((function, argument.clone(), atom));
        Ok(RationalFunction::whole(Laurent::term(Monomial::of(atom), BigRational::one())))
    }

    fn log_argument(&self, atom: Atom) -> Option<&RationalFunction> {
        self.named.iter().find(|(f, _, a)| *f == Function::Ln && *a == atom).map(|(_, u, _)| u)
    }

    /// e^(c·m) for one term of an exponent.
    fn exponential_of_term(&mut self, m: &Monomial, c: &BigRational) -> Outcome<RationalFunction> {
        if c.is_integer()
            && let Some(u) = m.single().and_then(|atom| self.log_argument(atom)).cloned()
        {
            let k = c.to_integer().to_i64().ok_or_else(|| Abstention::new("a huge exponent"))?;
            return self.power(&u, k);
        }
        let grains = Laurent::grains(c).ok_or_else(|| Abstention::new("an exponent with an unusual denominator"))?;
        let atom = match self.generators.get(m) {
            Some(&atom) => atom,
            None => {
                let atom = self.new_atom();
                self.positives.insert(Laurent::term(Monomial::of(atom), BigRational::one()));
                self.generators.insert(m.clone(), atom);
                self.exponents.insert(atom, m.clone());
                atom
            }
        };
        Ok(RationalFunction::whole(Laurent::term(Monomial::of(atom).power(grains), BigRational::one())))
    }

    /// The exponent, if x is a product of generators.
    fn logarithm_of_exponential(&self, x: &RationalFunction) -> Option<Laurent> {
        let (monomial, coefficient) = x.polynomial()?.as_term()?;
        if !coefficient.is_one() {
            return None;
        }
        let mut exponent = Laurent::zero();
        for &(atom, n) in monomial.powers() {
            let m = self.exponents.get(&atom)?;
            exponent = exponent.plus(&Laurent::term(m.clone(), BigRational::new(n.into(), GRAIN.into())));
        }
        Some(exponent)
    }

    fn cosine_and_sine(&mut self, x: &RationalFunction, want: Function) -> Outcome<RationalFunction> {
        let pi = self.pi_atom();
        let Some(polynomial) = x.polynomial() else { return self.named(want, x) };
        let angle = polynomial.canonical_angle(pi);
        let negated = if want == Function::Cos { angle.negates_cosine } else { angle.negates_sine };
        let value = match angle.exact(pi) {
            Some((cosine, sine)) => {
                let value = if want == Function::Cos { cosine } else { sine };
                RationalFunction::whole(Laurent::constant(BigRational::from_integer(value.into())))
            }
            None => self.named(want, &RationalFunction::whole(angle.rest))?,
        };
        if negated { self.negate(&value) } else { Ok(value) }
    }
}

impl Arithmetic for RationalFunctions {
    type Number = RationalFunction;

    fn name(&self) -> &'static str {
        "rational functions"
    }
    fn constant(&mut self, value: &BigRational) -> Outcome<RationalFunction> {
        Ok(RationalFunction::whole(Laurent::constant(value.clone())))
    }
    fn pi(&mut self) -> Outcome<RationalFunction> {
        let pi = self.pi_atom();
        Ok(RationalFunction::whole(Laurent::term(Monomial::of(pi), BigRational::one())))
    }
    fn negate(&mut self, x: &RationalFunction) -> Outcome<RationalFunction> {
        Ok(RationalFunction { numerator: x.numerator.negated(), denominator: x.denominator.clone() })
    }
    fn sum(&mut self, terms: &[&RationalFunction]) -> Outcome<RationalFunction> {
        let mut sum = RationalFunction::whole(Laurent::zero());
        for term in terms {
            sum = if sum.denominator == term.denominator {
                RationalFunction::new(sum.numerator.plus(&term.numerator), sum.denominator)?
            } else {
                let left = sized(sum.numerator.times(&term.denominator))?;
                let right = sized(term.numerator.times(&sum.denominator))?;
                RationalFunction::new(left.plus(&right), sized(sum.denominator.times(&term.denominator))?)?
            };
        }
        Ok(sum)
    }
    fn product(&mut self, x: &RationalFunction, y: &RationalFunction) -> Outcome<RationalFunction> {
        RationalFunction::new(sized(x.numerator.times(&y.numerator))?, sized(x.denominator.times(&y.denominator))?)
    }
    fn quotient(&mut self, x: &RationalFunction, y: &RationalFunction) -> Outcome<RationalFunction> {
        if y.numerator.is_zero() {
            return Err(Abstention::new("a division by zero"));
        }
        RationalFunction::new(sized(x.numerator.times(&y.denominator))?, sized(x.denominator.times(&y.numerator))?)
    }
    fn power(&mut self, x: &RationalFunction, n: i64) -> Outcome<RationalFunction> {
        power_by_squaring(self, x, n)
    }
    fn exp(&mut self, x: &RationalFunction) -> Outcome<RationalFunction> {
        let Some(polynomial) = x.polynomial().cloned() else { return self.named(Function::Exp, x) };
        let mut result = RationalFunction::whole(Laurent::one());
        for (m, c) in polynomial.terms() {
            let factor = self.exponential_of_term(m, c)?;
            result = self.product(&result, &factor)?;
        }
        Ok(result)
    }
    fn ln(&mut self, x: &RationalFunction) -> Outcome<RationalFunction> {
        if x.numerator.is_zero() {
            return Err(Abstention::new("the logarithm of zero"));
        }
        if x.numerator == x.denominator {
            return Ok(RationalFunction::whole(Laurent::zero()));
        }
        match self.logarithm_of_exponential(x) {
            Some(exponent) => Ok(RationalFunction::whole(exponent)),
            None => self.named(Function::Ln, x),
        }
    }
    fn sqrt(&mut self, x: &RationalFunction) -> Outcome<RationalFunction> {
        if let Some(root) = x.polynomial().and_then(Laurent::as_constant).and_then(|c| super::Exact.sqrt(&c).ok()) {
            return self.constant(&root);
        }
        self.named(Function::Sqrt, x)
    }
    fn sin(&mut self, x: &RationalFunction) -> Outcome<RationalFunction> {
        self.cosine_and_sine(x, Function::Sin)
    }
    fn cos(&mut self, x: &RationalFunction) -> Outcome<RationalFunction> {
        self.cosine_and_sine(x, Function::Cos)
    }
    fn sign(&mut self, x: &RationalFunction) -> Outcome<Sign> {
        if x.numerator.is_zero() {
            return Ok(Sign::Zero);
        }
        if let Some((monomial, constant)) = x.polynomial().and_then(Laurent::as_term)
            && monomial.powers().is_empty()
        {
            return super::Exact.sign(constant);
        }
        // x = n/d has the sign of n·d
        if let Some(sign) = self.positives.sign(&sized(x.numerator.times(&x.denominator))?) {
            return Ok(sign);
        }
        for (i, known) in self.conditions.iter().enumerate() {
            let left = sized(x.numerator.times(&known.denominator))?;
            let right = sized(known.numerator.times(&x.denominator))?;
            if let Some(ratio) = self.positives.ratio(&left, &right) {
                let sign = self.cell.get(i).copied().unwrap_or(Sign::Positive);
                return Ok(if ratio == Sign::Positive { sign } else { sign.opposite() });
            }
        }
        self.conditions.push(x.clone());
        Ok(self.cell.get(self.conditions.len() - 1).copied().unwrap_or(Sign::Positive))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::{Expr, Graph, log_sum_exp, pi, sigmoid, softmax, softplus, sum, variables};
    use crate::number::evaluate_all;

    /// Whether f of two variables is zero as a rational function.
    fn is_zero(f: impl FnOnce(&[Expr]) -> Expr) -> bool {
        let graph = Graph::build(|| vec![f(&variables("x", 2))]);
        let mut field = RationalFunctions::default();
        let inputs: Vec<_> = (0..2).map(|_| field.variable()).collect();
        evaluate_all(&graph, &mut field, &inputs).unwrap()[0].numerator.is_zero()
    }

    #[test]
    fn true_identities_vanish() {
        assert!(is_zero(|x| (x[0] + x[1]).squared() - x[0].squared() - 2 * x[0] * x[1] - x[1].squared()));
        assert!(is_zero(|x| (x[0] + x[1]).exp() - x[0].exp() * x[1].exp()));
        assert!(is_zero(|x| sum(softmax(x)) - 1));
        assert!(is_zero(|x| (x[0] - log_sum_exp(x)).exp() - softmax(x)[0]));
        assert!(is_zero(|x| sigmoid(x[0]) + sigmoid(-x[0]) - 1));
        assert!(is_zero(|x| (x[0] / 2).exp().squared() - x[0].exp()));
        assert!(is_zero(|x| x[0].exp().ln() - x[0]));
        assert!(is_zero(|x| (x[0] / x[0]).sqrt() - 1 + (x[1] - x[1]).sqrt()));
        assert!(is_zero(|x| (pi() - x[0]).cos() + x[0].cos()));
        assert!(is_zero(|x| (pi() * 1 + x[1]).sin() + x[1].sin()));
    }

    #[test]
    fn false_and_unknown_ones_do_not() {
        assert!(!is_zero(|x| (x[0] + x[1]).squared() - x[0].squared() - x[1].squared()));
        assert!(!is_zero(|x| (x[0] * x[1]).exp() - x[0].exp() * x[1].exp()));
        assert!(!is_zero(|x| (4 * x[0] / x[0]).sqrt() + 2));
        assert!(!is_zero(|x| x[0].squared().sqrt() - x[0]));
        // true, but ln ab = ln a + ln b is not known here
        assert!(!is_zero(|x| softplus(x[0]) - softplus(-x[0]) - x[0]));
    }
}
