//! The last resort: a row's definition by enclosures of any precision.

use super::Smoothing;
use super::weights::Weights;
use crate::number::{Abstention, Arithmetic, Enclosures, Interval, Intervals, Outcome};
use num_rational::BigRational;
use num_traits::One;

/// q at the target and elsewhere, exactly.
pub(super) fn exact_weights(weights: &Weights) -> [BigRational; 2] {
    let whole = |n: usize| BigRational::from_integer(n.into());
    // a finite number in [0, 1]
    let epsilon = BigRational::from_float(weights.epsilon).unwrap_or_default();
    match weights.smoothing {
        Smoothing::Uniform => {
            let elsewhere = epsilon.clone() / whole(weights.classes);
            [BigRational::one() - epsilon + &elsewhere, elsewhere]
        }
        Smoothing::Others if weights.classes < 2 => [BigRational::one(), BigRational::default()],
        Smoothing::Others => [BigRational::one() - &epsilon, epsilon / whole(weights.classes - 1)],
    }
}

/// (p_i − q_i)/n where all logits are equal: p_i = 1/V.
pub(super) fn uniform_component(weights: &Weights, is_target: bool) -> BigRational {
    let [at_target, elsewhere] = exact_weights(weights);
    let whole = |n: usize| BigRational::from_integer(n.into());
    let q = if is_target { at_target } else { elsewhere };
    (whole(weights.classes).recip() - q) / whole(weights.divisor)
}

/// A row relative to its largest logit.
pub(super) struct EnclosedRow {
    /// z − M, where z is not −∞
    differences: Vec<Option<Interval>>,
    /// Σ e^{z − M}
    total: Interval,
}

impl EnclosedRow {
    pub fn of(z: &[f64], a: &mut Intervals) -> Outcome<EnclosedRow> {
        let exactly = |a: &Intervals, x: f64| a.exactly(x).ok_or_else(|| Abstention::new("a logit that is not finite"));
        let largest = exactly(a, z.iter().copied().fold(f64::NEG_INFINITY, f64::max))?;
        let minus_largest = a.negate(&largest)?;
        let mut differences = Vec::with_capacity(z.len());
        let mut total = a.constant(&BigRational::default())?;
        for &z in z {
            if z == f64::NEG_INFINITY {
                differences.push(None);
                continue;
            }
            let z = exactly(a, z)?;
            let difference = a.sum(&[&z, &minus_largest])?;
            let e = a.exp(&difference)?;
            total = a.sum(&[&total, &e])?;
            differences.push(Some(difference));
        }
        Ok(EnclosedRow { differences, total })
    }

    /// (p_i − q_i)/n
    pub fn component(&self, i: usize, y: usize, weights: &Weights, a: &mut Intervals) -> Outcome<Interval> {
        let Some(difference) = &self.differences[i] else { return a.constant(&BigRational::default()) };
        let e = a.exp(difference)?;
        let p = a.quotient(&e, &self.total)?;
        let [at_target, elsewhere] = exact_weights(weights);
        let minus_q = a.constant(&-(if i == y { at_target } else { elsewhere }))?;
        let difference = a.sum(&[&p, &minus_q])?;
        let divisor = a.constant(&BigRational::from_integer(weights.divisor.into()))?;
        a.quotient(&difference, &divisor)
    }

    /// Σ q_i (ln Σ e^z − z_i)
    pub fn loss(&self, y: usize, weights: &Weights, a: &mut Intervals) -> Outcome<Interval> {
        let log_total = a.ln(&self.total)?;
        let [at_target, elsewhere] = exact_weights(weights);
        let mut loss = a.constant(&BigRational::default())?;
        for (i, difference) in self.differences.iter().enumerate() {
            let q = if i == y { &at_target } else { &elsewhere };
            let Some(difference) = difference.as_ref().filter(|_| *q != BigRational::default()) else { continue };
            let minus = a.negate(difference)?;
            let of_class = a.sum(&[&log_total, &minus])?;
            let q = a.constant(q)?;
            let term = a.product(&q, &of_class)?;
            loss = a.sum(&[&loss, &term])?;
        }
        Ok(loss)
    }

    /// −ln p_y
    pub fn nll(&self, y: usize, a: &mut Intervals) -> Outcome<Interval> {
        let Some(difference) = &self.differences[y] else { return Err(Abstention::new("a target without a logit")) };
        let log_total = a.ln(&self.total)?;
        let minus = a.negate(difference)?;
        a.sum(&[&log_total, &minus])
    }
}
