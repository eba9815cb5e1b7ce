//! Cross-entropy as implementations compute it.

use super::{Batch, Conventions, Denominator, Reduced, Reduction, Smoothing, at_input};
use crate::claim::indicator;
use crate::error::Result;
use crate::expression::{Expr, constant, maximum, sum};
use crate::formula::Defined;
use crate::losses::shifted::Shifted;
use serde_json::Value;

/// How an implementation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// PyTorch's `cross_entropy`: −ln p_y and Σ −ln p are reduced apart and then weighed; the gradient
    /// goes backward through log-softmax.
    Autograd,
    /// The target weights q as a tensor: Σ q (−ln p), with the gradient p − q.
    Weights,
}

/// The ways at an input.
pub(super) fn textbook(input: &Value, _output: &Value) -> Result<Vec<Defined>> {
    let ways = [Way::Autograd, Way::Weights];
    let defined = ways.map(|way| at_input(input, |batch, numbers| batch.textbook(way, numbers.one(), maximum)));
    Ok(defined.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// A row that counts.
struct Row {
    y: usize,
    softmax: Shifted,
}

impl Row {
    fn nll(&self) -> Expr {
        -self.softmax.ln_p(self.y)
    }

    /// Σ −ln p
    fn of_all_classes(&self) -> Expr {
        sum((0..self.softmax.classes()).map(|i| -self.softmax.ln_p(i)))
    }

    /// Σ q (−ln p)
    fn weighted(&self, q: &[Expr]) -> Expr {
        sum(q.iter().enumerate().map(|(i, &q)| q * -self.softmax.ln_p(i)))
    }

    /// q, with the one-hot target as a tensor
    fn weights(&self, epsilon: Expr, conventions: Conventions, one: Expr) -> Vec<Expr> {
        let v = self.softmax.classes() as i64;
        let weight = |i: usize| {
            let target = indicator(i == self.y) * one * (1 - epsilon);
            match conventions.smoothing {
                Smoothing::Uniform => target + epsilon / v,
                Smoothing::Others if i == self.y => target,
                Smoothing::Others => epsilon / (v - 1),
            }
        };
        (0..self.softmax.classes()).map(weight).collect()
    }
}

impl Batch {
    /// The loss with its gradient one way. `one` is the number 1 in the dtype of tensors; `shift` gives
    /// the M of a row.
    pub fn textbook(&self, way: Way, one: Expr, shift: impl Fn(&[Expr]) -> Expr) -> Reduced {
        let row = |(z, y): (&Vec<Expr>, &Option<usize>)| y.map(|y| Row { y, softmax: Shifted::by(z, shift(z)) });
        let rows: Vec<Option<Row>> = self.logits.iter().zip(&self.targets).map(row).collect();
        let counted = || rows.iter().flatten();
        let n = match (self.reduction, self.conventions.denominator) {
            (Reduction::Mean, Denominator::Counted) => counted().count(),
            (Reduction::Mean, Denominator::Rows) => rows.len(),
            _ => 1,
        } as i64;
        let reduced = |of: &dyn Fn(&Row) -> Expr| -> Vec<Expr> {
            match self.reduction {
                Reduction::None => rows.iter().map(|row| row.as_ref().map_or(constant(0), of)).collect(),
                _ => vec![sum(counted().map(of)) / n],
            }
        };
        let gradient = |(row, z): (&Option<Row>, &Vec<Expr>)| match row {
            Some(row) => self.textbook_gradient(row, way, one, n),
            None => vec![constant(0); z.len()],
        };
        let nll = sum(counted().map(Row::nll));
        Reduced {
            loss: match (way, self.conventions.smoothing) {
                (Way::Autograd, Smoothing::Uniform) => {
                    let nll = reduced(&Row::nll);
                    let smooth = reduced(&Row::of_all_classes);
                    let classes = counted().map(|row| row.softmax.classes()).max().unwrap_or(1);
                    let share = self.epsilon / classes as i64;
                    nll.iter().zip(smooth).map(|(&nll, smooth)| (1 - self.epsilon) * nll + share * smooth).collect()
                }
                _ => reduced(&|row| row.weighted(&row.weights(self.epsilon, self.conventions, one))),
            },
            perplexity: (nll / counted().count() as i64).exp(),
            gradient: rows.iter().zip(&self.logits).map(gradient).collect(),
        }
    }

    fn textbook_gradient(&self, row: &Row, way: Way, one: Expr, n: i64) -> Vec<Expr> {
        let q = row.weights(self.epsilon, self.conventions, one);
        let classes = 0..row.softmax.classes();
        match (way, self.conventions.smoothing) {
            (Way::Weights, _) => classes.map(|i| (row.softmax.p(i) - q[i]) / n).collect(),
            (Way::Autograd, Smoothing::Others) => {
                row.softmax.backward(&q.iter().map(|&q| -(q * (one / n))).collect::<Vec<_>>())
            }
            (Way::Autograd, Smoothing::Uniform) => {
                let share = self.epsilon / row.softmax.classes() as i64;
                let of_nll = |i: usize| indicator(i == row.y) * (one * (1 - self.epsilon) / n);
                let g = classes.map(|i| -of_nll(i) + -(one * share / n));
                row.softmax.backward(&g.collect::<Vec<_>>())
            }
        }
    }
}
