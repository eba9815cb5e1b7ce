//! Expressions as numbers: a graph interpreted on them is written out again, with other expressions in the place
//! of its variables, into the graph that is being built.

use super::{Arithmetic, Branches, Outcome, Sign};
use crate::expression::{Expr, by_sign, maximum, pi, rational, sum};
use num_rational::BigRational;

/// Expressions of the graph that this thread is building.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expressions;

impl Arithmetic for Expressions {
    type Number = Expr;

    fn name(&self) -> &'static str {
        "expressions"
    }
    fn constant(&mut self, value: &BigRational) -> Outcome<Expr> {
        Ok(rational(value.clone()))
    }
    fn pi(&mut self) -> Outcome<Expr> {
        Ok(pi())
    }
    fn negate(&mut self, x: &Expr) -> Outcome<Expr> {
        Ok(-*x)
    }
    fn sum(&mut self, terms: &[&Expr]) -> Outcome<Expr> {
        Ok(sum(terms.iter().map(|&&x| x)))
    }
    fn product(&mut self, x: &Expr, y: &Expr) -> Outcome<Expr> {
        Ok(*x * *y)
    }
    fn quotient(&mut self, x: &Expr, y: &Expr) -> Outcome<Expr> {
        Ok(*x / *y)
    }
    fn power(&mut self, x: &Expr, n: i64) -> Outcome<Expr> {
        Ok(x.powi(n))
    }
    fn exp(&mut self, x: &Expr) -> Outcome<Expr> {
        Ok(x.exp())
    }
    fn ln(&mut self, x: &Expr) -> Outcome<Expr> {
        Ok(x.ln())
    }
    fn sqrt(&mut self, x: &Expr) -> Outcome<Expr> {
        Ok(x.sqrt())
    }
    fn sin(&mut self, x: &Expr) -> Outcome<Expr> {
        Ok(x.sin())
    }
    fn cos(&mut self, x: &Expr) -> Outcome<Expr> {
        Ok(x.cos())
    }
    fn ln_1p(&mut self, x: &Expr) -> Outcome<Expr> {
        Ok(x.ln_1p())
    }
    fn exp_m1(&mut self, x: &Expr) -> Outcome<Expr> {
        Ok(x.exp_m1())
    }
    fn maximum(&mut self, values: &[&Expr]) -> Outcome<Expr> {
        Ok(maximum(&values.iter().map(|&&x| x).collect::<Vec<_>>()))
    }
    fn select(&mut self, of: &Expr, branches: Branches<Expr>) -> Outcome<Expr> {
        let [negative, zero, positive] =
            [Sign::Negative, Sign::Zero, Sign::Positive].map(|sign| branches.at(sign).clone());
        Ok(by_sign(*of, negative?, zero?, positive?))
    }
}
