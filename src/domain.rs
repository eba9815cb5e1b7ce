//! Checks of single numbers against their domains.

use crate::error::{Error, Result};

fn check(holds: bool, field: &str, x: f64, allowed: &str) -> Result<f64> {
    if holds { Ok(x) } else { Err(Error::domain(field, x, allowed)) }
}

/// A finite number.
pub fn finite(field: &str, x: f64) -> Result<f64> {
    check(x.is_finite(), field, x, "a finite number")
}

/// A finite number of at least 0.
pub fn non_negative(field: &str, x: f64) -> Result<f64> {
    check(x.is_finite() && x >= 0.0, field, x, "a finite number of at least 0")
}

/// A finite number above 0.
pub fn positive(field: &str, x: f64) -> Result<f64> {
    check(x.is_finite() && x > 0.0, field, x, "a finite number above 0")
}

/// A number in [0, 1).
pub fn decay_rate(field: &str, x: f64) -> Result<f64> {
    check((0.0..1.0).contains(&x), field, x, "a number in [0, 1)")
}

/// A number in [0, 1].
pub fn fraction(field: &str, x: f64) -> Result<f64> {
    check((0.0..=1.0).contains(&x), field, x, "a number in [0, 1]")
}

/// A list of finite numbers.
pub fn all_finite(field: &str, x: &[f64]) -> Result<()> {
    x.iter().enumerate().try_for_each(|(i, &x)| finite(&format!("{field}[{i}]"), x).map(|_| ()))
}

/// Another list has this length.
pub fn same_length(field: &str, found: usize, wanted: usize, like: &str) -> Result<()> {
    if found == wanted { Ok(()) } else { Err(Error::shape(field, found, format!("{wanted}, as {like}"))) }
}
