//! How often libtorch's errors have which size, dtype by dtype.

use super::chart::{Axis, Chart, Curve};
use crate::catalog;
use crate::error::{Error, Result};
use crate::json;
use crate::number::Dtype;
use crate::recording::{Recording, Way};

/// Errors below a hundredth of an ulp are counted with those of a hundredth.
const LEAST: i32 = -2;
/// Errors of more than this many powers of ten of an ulp have no digit left in any dtype.
const MOST: i32 = 16;
/// Bins to a power of ten.
const BINS: i32 = 2;

/// The errors of a recording's numbers, in ulps of its dtype; of an optimizer those of the first step, which starts
/// from the same state as the oracle's.
fn ulps(recording: &Recording, formula: Option<&str>) -> Result<Vec<f64>> {
    let dtype: Dtype = recording.dtype()?.stored();
    let mut errors = Vec::new();
    let wanted = |id: &str| formula.is_none_or(|formula| formula == id);
    for case in recording.cases.iter().filter(|case| case.way == Way::Operators && wanted(&case.formula)) {
        let right = catalog::evaluate(&case.formula, case.input.clone())?;
        for (place, found) in json::numbers(&case.output) {
            if place.starts_with("/steps/") && !place.starts_with("/steps/0/") {
                continue;
            }
            if let Some(right) = right.pointer(&place).and_then(json::real_of)
                && right.is_finite()
            {
                errors.push(dtype.ulps_between(found, right));
            }
        }
    }
    Ok(errors)
}

/// A share of less than this, in per cent, is drawn as this: no number, or one in ten thousand.
const FLOOR: f64 = 0.01;

/// The share of numbers in every bin, in per cent, as steps.
fn histogram(errors: &[f64]) -> Vec<(f64, f64)> {
    let bins = (MOST - LEAST) * BINS;
    let mut counts = vec![0u64; bins as usize];
    for error in errors {
        let place = ((error.log10() - f64::from(LEAST)) * f64::from(BINS)).floor();
        // an error of 0 has the logarithm −∞ and goes to the first bin
        let bin = if place.is_nan() { f64::from(bins - 1) } else { place.clamp(0.0, f64::from(bins - 1)) };
        counts[bin as usize] += 1;
    }
    let edge = |bin: usize| 10f64.powf(f64::from(LEAST) + bin as f64 / f64::from(BINS));
    let share = |count: u64| 100.0 * count as f64 / errors.len().max(1) as f64;
    counts.iter().enumerate().flat_map(|(i, &n)| [(edge(i), share(n)), (edge(i + 1), share(n))]).collect()
}

/// The histograms of recordings, of one formula or of all.
///
/// # Errors
/// If no recording has a case of the formula.
pub fn svg(recordings: &[Recording], formula: Option<&str>) -> Result<String> {
    if let Some(id) = formula {
        catalog::formula(id)?;
    }
    let mut curves = Vec::new();
    for recording in recordings {
        let errors = ulps(recording, formula)?;
        if errors.is_empty() {
            let found = formula.unwrap_or("any").to_string();
            return Err(Error::domain("formula", found, "one that was recorded"));
        }
        let name = format!("{} ({} numbers)", recording.setting.dtype, errors.len());
        curves.push(Curve { name, points: histogram(&errors) });
    }
    curves.iter_mut().flat_map(|curve| &mut curve.points).for_each(|(_, share)| *share = share.max(FLOOR));
    let x = Axis::log("error, in ulps of the dtype (0 counts as 0.01)", 10f64.powi(LEAST), 10f64.powi(MOST));
    Chart { x, y: Axis::log("share of the numbers, in % (none counts as 0.01)", FLOOR, 100.0), curves }.svg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_in_a_bin() {
        let points = histogram(&[0.0, 0.5, 0.5, 1e4, 1e300, f64::INFINITY, f64::NAN, 3.0]);
        let total: f64 = points.iter().step_by(2).map(|(_, share)| share).sum();
        assert!((total - 100.0).abs() < 1e-9);
        assert_eq!(points[0], (0.01, 12.5));
        assert_eq!(points.last().unwrap().1, 37.5);
    }
}
