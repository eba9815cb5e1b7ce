//! How much a pair counts in DPO's gradient, by its margin.

use super::chart::{Axis, Chart, Curve};
use crate::catalog;
use crate::error::{Error, Result};
use crate::json;
use serde_json::json;

const POINTS: usize = 201;

/// What is shown.
#[derive(Clone, Copy, Debug)]
pub struct Parameters {
    /// The smoothing of the two smoothed forms, above 0 and below 0.5.
    pub label_smoothing: f64,
    /// The margins are from minus to plus this.
    pub margin: f64,
}

impl Default for Parameters {
    /// Smoothing by 0.1, margins up to 6.
    fn default() -> Parameters {
        Parameters { label_smoothing: 0.1, margin: 6.0 }
    }
}

/// The weight over the margin: without smoothing, conservative and robust.
///
/// # Errors
/// If a parameter is outside its domain.
pub fn svg(p: &Parameters) -> Result<String> {
    if !(p.margin > 0.0 && p.margin <= 1e6) {
        return Err(Error::domain("margin", p.margin, "above 0, up to 1e6"));
    }
    let part = |i: usize| 2.0 * i as f64 / (POINTS - 1) as f64 - 1.0;
    let margins: Vec<f64> = (0..POINTS).map(|i| p.margin * part(i)).collect();
    let zeros = vec![0.0; POINTS];
    let weight = |name: &str, smoothing: f64, form: &str| -> Result<Curve> {
        let output = catalog::evaluate(
            "dpo",
            json!({
                "policy_chosen": margins, "policy_rejected": zeros, "reference_chosen": zeros,
                "reference_rejected": zeros, "beta": 1.0, "label_smoothing": json::number(smoothing),
                "conventions": { "smoothing": form },
            }),
        )?;
        let weights = json::numbers(&output["weight"]).into_iter().map(|(_, weight)| weight);
        Ok(Curve { name: name.into(), points: margins.iter().copied().zip(weights).collect() })
    };
    let epsilon = p.label_smoothing;
    let curves = vec![
        weight("σ(−h)", 0.0, "conservative")?,
        weight(&format!("conservative, ε = {epsilon}"), epsilon, "conservative")?,
        weight(&format!("robust, ε = {epsilon}"), epsilon, "robust")?,
    ];
    let weights = || curves.iter().flat_map(|curve| curve.points.iter().map(|(_, w)| *w));
    let (low, high) = (weights().fold(0.0, f64::min), weights().fold(1.0, f64::max));
    let x = Axis::linear("margin h = r̂_w − r̂_l, in nats", -p.margin, p.margin);
    Chart { x, y: Axis::linear("weight of the pair", low, high), curves }.svg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_out_of_their_domain_are_told() {
        assert!(svg(&Parameters::default()).is_ok());
        for wrong in [0.5, -0.1, f64::NAN] {
            let told = svg(&Parameters { label_smoothing: wrong, ..Parameters::default() }).unwrap_err().to_string();
            assert!(told.contains("label_smoothing"), "{told}");
        }
        for wrong in [0.0, -1.0, f64::INFINITY, f64::NAN] {
            assert!(svg(&Parameters { margin: wrong, ..Parameters::default() }).is_err());
        }
    }
}
