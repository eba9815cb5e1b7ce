//! The checks on rows of logits, shared by the losses.

use crate::error::{Error, Result};

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
