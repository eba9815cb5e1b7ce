//! Softmax in f64 without cancellation, and the checks on logits: shared by the losses.

use crate::error::{Error, Result};

/// One row of logits, prepared: exponentials relative to the largest logit.
pub(crate) struct Row<'a> {
    z: &'a [f64],
    largest: f64,
    exponentials: Vec<f64>,
    /// Σ e^{z − max}
    total: f64,
    /// ln Σ e^{z − max}, from the sum without its largest term, 1
    log_total: f64,
}

impl<'a> Row<'a> {
    /// Prepares a row of at least one logit, of which one is finite.
    pub fn of(z: &'a [f64]) -> Row<'a> {
        let at = (0..z.len()).fold(0, |best, i| if z[i] > z[best] { i } else { best });
        let largest = z[at];
        let exponentials: Vec<f64> = z.iter().map(|&z| libm::exp(z - largest)).collect();
        let rest: f64 = exponentials.iter().enumerate().filter(|&(i, _)| i != at).map(|(_, e)| e).sum();
        Row { z, largest, exponentials, total: 1.0 + rest, log_total: libm::log1p(rest) }
    }

    /// p_i
    pub fn p(&self, i: usize) -> f64 {
        self.exponentials[i] / self.total
    }

    /// 1 − p_i, as the sum of the others
    pub fn one_minus_p(&self, i: usize) -> f64 {
        let others: f64 = self.exponentials.iter().enumerate().filter(|&(j, _)| j != i).map(|(_, e)| e).sum();
        // the two sums are rounded apart, and a probability is at most 1
        (others / self.total).min(1.0)
    }

    /// Whether another class than i has a positive probability.
    pub fn has_others(&self, i: usize) -> bool {
        self.z.iter().enumerate().any(|(j, &z)| j != i && z != f64::NEG_INFINITY)
    }

    /// −ln p_i, a sum of two terms that are not negative
    pub fn nll(&self, i: usize) -> f64 {
        (self.largest - self.z[i]) + self.log_total
    }
}

/// The common length of the rows of a matrix that has at least one row and one column.
pub(crate) fn checked_rows(field: &str, rows: &[Vec<f64>]) -> Result<usize> {
    let Some(first) = rows.first() else {
        return Err(Error::shape(field, 0, "at least 1 row"));
    };
    if first.is_empty() {
        return Err(Error::shape(format!("{field}[0]"), 0, "at least 1 number"));
    }
    for (b, row) in rows.iter().enumerate() {
        if row.len() != first.len() {
            return Err(Error::shape(
                format!("{field}[{b}]"),
                row.len(),
                format!("{}, as in the first row", first.len()),
            ));
        }
    }
    Ok(first.len())
}

/// Logits are finite, or −∞ at a class that is not the target, when nothing is smoothed.
pub(crate) fn check_logits(field: &str, z: &[f64], target: Option<usize>, label_smoothing: f64) -> Result<()> {
    for (v, &x) in z.iter().enumerate() {
        let masked = x == f64::NEG_INFINITY;
        if masked && label_smoothing != 0.0 {
            return Err(Error::domain(
                format!("{field}[{v}]"),
                "-Infinity",
                "a finite number where label_smoothing is not 0",
            ));
        }
        if masked && target == Some(v) {
            return Err(Error::domain(format!("{field}[{v}]"), "-Infinity", "a finite number at the target"));
        }
        if !x.is_finite() && !masked {
            return Err(Error::domain(
                format!("{field}[{v}]"),
                x,
                "a finite number, or -Infinity at a class that is not the target",
            ));
        }
    }
    Ok(())
}
