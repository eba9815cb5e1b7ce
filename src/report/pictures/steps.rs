//! The step of Adam, Lion and Sophia as a function of the gradient.

use super::chart::{Axis, Chart, Curve};
use crate::catalog;
use crate::error::{Error, Result};
use crate::json;
use serde_json::{Value, json};

const POINTS: usize = 301;

/// The state that the step starts from; there is no decay.
#[derive(Clone, Copy, Debug)]
pub struct Parameters {
    /// The momentum that all three start from.
    pub momentum: f64,
    /// Adam's second moment, at least 0.
    pub second_moment: f64,
    /// Sophia's curvature.
    pub curvature: f64,
    /// Sophia's bound on its ratio, above 0.
    pub rho: f64,
    /// Gradients are from minus to plus this.
    pub gradient: f64,
}

impl Default for Parameters {
    /// No momentum, a second moment of 1 and a curvature of 0.4 after many steps, and the bound 1.
    fn default() -> Parameters {
        Parameters { momentum: 0.0, second_moment: 1.0, curvature: 0.4, rho: 1.0, gradient: 20.0 }
    }
}

/// The step in units of the learning rate over the gradient.
///
/// # Errors
/// If a parameter is outside its domain.
pub fn svg(p: &Parameters) -> Result<String> {
    if !(p.gradient > 0.0 && p.gradient <= 1e6) {
        return Err(Error::domain("gradient", p.gradient, "above 0, up to 1e6"));
    }
    let part = |i: usize| 2.0 * i as f64 / (POINTS - 1) as f64 - 1.0;
    let gradients: Vec<f64> = (0..POINTS).map(|i| p.gradient * part(i)).collect();
    let list = |x: f64| Value::from(vec![json::number(x); POINTS]);
    let (m, step) = (list(p.momentum), 100_000);
    let moved = |formula: &str, name: &str, state: Value, more: Value| -> Result<Curve> {
        let mut input = json!({
            "params": [list(0.0)], "gradients": [[gradients]], "lr": 1.0, "state": [state], "weight_decay": 0.0,
        });
        for (field, value) in more.as_object().into_iter().flatten() {
            input[field] = value.clone();
        }
        let output = catalog::evaluate(formula, input)?;
        let steps = json::numbers(&output["steps"][0]["params"]).into_iter().map(|(_, x)| -x);
        Ok(Curve { name: name.into(), points: gradients.iter().copied().zip(steps).collect() })
    };
    let curves = vec![
        moved("adamw", "Adam", json!({ "step": step, "m": m, "v": list(p.second_moment) }), json!({ "beta2": 0.999 }))?,
        moved("lion", "Lion", json!({ "step": step, "m": m }), json!({}))?,
        moved(
            "sophia",
            "Sophia",
            json!({ "step": step, "m": m, "h": list(p.curvature) }),
            json!({ "beta1": 0.9, "rho": json::number(p.rho), "hessians": [[null]] }),
        )?,
    ];
    let steps = || curves.iter().flat_map(|curve| curve.points.iter().map(|(_, step)| *step));
    let (low, high) = (steps().fold(0.0, f64::min), steps().fold(0.0, f64::max));
    let x = Axis::linear("gradient g, in the loss's units per unit of θ", -p.gradient, p.gradient);
    let y = Axis::linear("step against the gradient, in η", 1.1 * low - 0.1, 1.1 * high + 0.1);
    Chart { x, y, curves }.svg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_out_of_their_domain_are_told() {
        assert!(svg(&Parameters::default()).is_ok());
        let wrong = [
            Parameters { momentum: f64::NAN, ..Parameters::default() },
            Parameters { second_moment: -1.0, ..Parameters::default() },
            Parameters { curvature: f64::INFINITY, ..Parameters::default() },
            Parameters { rho: 0.0, ..Parameters::default() },
            Parameters { gradient: 0.0, ..Parameters::default() },
        ];
        for parameters in wrong {
            assert!(svg(&parameters).is_err(), "{parameters:?}");
        }
    }
}
