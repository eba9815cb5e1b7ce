//! What a temperature does to the gradient of InfoNCE.

use super::chart::{Axis, Chart, Curve};
use crate::catalog;
use crate::error::{Error, Result};
use crate::json;
use serde_json::{Value, json};

const POINTS: usize = 121;

/// What is shown.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// The similarity of the positive.
    pub positive: f64,
    /// The similarities of the negatives, 1 to 5 of them.
    pub negatives: Vec<f64>,
    /// The least temperature, above 0.
    pub low: f64,
    /// The largest.
    pub high: f64,
}

impl Default for Parameters {
    /// A positive of 0.6 below the hardest of four negatives.
    fn default() -> Parameters {
        Parameters { positive: 0.6, negatives: vec![0.7, 0.5, 0.2, -0.2], low: 0.01, high: 10.0 }
    }
}

/// |∂ℓ/∂s_j| over the temperature, for the positive and every negative.
///
/// # Errors
/// If a parameter is outside its domain.
pub fn svg(p: &Parameters) -> Result<String> {
    if p.negatives.is_empty() || p.negatives.len() > 5 {
        return Err(Error::shape("negatives", p.negatives.len(), "1 to 5 similarities"));
    }
    if !(p.low > 0.0 && p.low < p.high && p.high.is_finite()) {
        return Err(Error::domain("temperatures", format!("{:e} to {:e}", p.low, p.high), "0 < low < high"));
    }
    let temperatures: Vec<f64> =
        (0..POINTS).map(|i| p.low * (p.high / p.low).powf(i as f64 / (POINTS - 1) as f64)).collect();
    let mut curves: Vec<Curve> = Vec::new();
    for &temperature in &temperatures {
        // vectors of one component and their products: the similarities are the numbers themselves
        let negatives: Vec<Value> = p.negatives.iter().map(|s| json!([json::number(*s)])).collect();
        let output = catalog::evaluate(
            "info-nce",
            json!({
                "query": [[1.0]], "positive": [[json::number(p.positive)]], "negatives": [negatives],
                "temperature": json::number(temperature), "conventions": { "similarity": "dot" },
            }),
        )?;
        let slope = |of: &Value| json::numbers(of).into_iter().map(|(_, slope)| slope.abs()).collect::<Vec<f64>>();
        let gradient = &output["gradient"];
        let slopes = slope(&gradient["positive"]).into_iter().chain(slope(&gradient["negatives"]));
        for (i, slope) in slopes.enumerate() {
            if curves.len() == i {
                let name = match i {
                    0 => format!("positive, s = {}", p.positive),
                    _ => format!("negative, s = {}", p.negatives[i - 1]),
                };
                curves.push(Curve { name, points: Vec::new() });
            }
            curves[i].points.push((temperature, slope));
        }
    }
    let slopes = || curves.iter().flat_map(|curve| curve.points.iter().map(|(_, slope)| *slope));
    // six powers of ten are what a picture shows
    let high = 1.5 * slopes().fold(f64::MIN_POSITIVE, f64::max);
    let low = slopes().filter(|s| *s > 0.0).fold(high / 10.0, f64::min).max(1e-6 * high);
    curves.iter_mut().flat_map(|curve| &mut curve.points).filter(|(_, s)| *s < low).for_each(|(_, s)| *s = f64::NAN);
    let x = Axis::log("temperature τ", p.low, p.high);
    Chart { x, y: Axis::log("|∂ℓ/∂s_j|, in nats", low, high), curves }.svg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_out_of_their_domain_are_told() {
        assert!(svg(&Parameters::default()).is_ok());
        let wrong = [
            Parameters { negatives: vec![], ..Parameters::default() },
            Parameters { negatives: vec![0.1; 6], ..Parameters::default() },
            Parameters { low: 0.0, ..Parameters::default() },
            Parameters { high: 0.001, ..Parameters::default() },
            Parameters { positive: f64::NAN, ..Parameters::default() },
        ];
        for parameters in wrong {
            assert!(svg(&parameters).is_err(), "{parameters:?}");
        }
    }
}
