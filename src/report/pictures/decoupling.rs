//! What decoupling changes: AdamW beside Adam with L2 on a quadratic whose two directions are scaled unlike.

use super::chart::{Axis, Chart, Curve};
use crate::catalog;
use crate::error::{Error, Result};
use crate::json;
use serde_json::{Value, json};

/// The most steps that are taken.
const MOST_STEPS: usize = 20_000;

/// The quadratic Σ c_i (θ_i − 1)²/2, seen by mini-batches that err by ±noise in turn, and the optimizers' run.
#[derive(Clone, Copy, Debug)]
pub struct Parameters {
    /// The curvature of the first direction, above 0.
    pub flat: f64,
    /// The curvature of the second.
    pub steep: f64,
    /// How far the minimum of a mini-batch lies from that of all, at least 0.
    pub noise: f64,
    /// λ
    pub weight_decay: f64,
    /// η
    pub lr: f64,
    /// How many steps are taken, 1 to 20000.
    pub steps: usize,
}

impl Default for Parameters {
    /// Curvatures of 0.1 and 10, and a decay that pulls half as hard as the ratio of Adam pushes.
    fn default() -> Parameters {
        Parameters { flat: 0.1, steep: 10.0, noise: 2.0, weight_decay: 0.5, lr: 0.01, steps: 1500 }
    }
}

/// The way of an optimizer from (0, 0), every second step of it, so that a batch and its opposite are both in.
fn trajectory(formula: &str, name: &str, p: &Parameters) -> Result<Curve> {
    let mut theta = [0.0, 0.0];
    let mut state = Value::Null;
    let mut points = vec![(0.0, 0.0)];
    for step in 0..p.steps {
        let error = if step % 2 == 0 { p.noise } else { -p.noise };
        let gradient = [p.flat * (theta[0] - 1.0 + error), p.steep * (theta[1] - 1.0 + error)];
        let mut input = json!({
            "params": [theta.map(json::number)], "gradients": [[gradient.map(json::number)]],
            "lr": json::number(p.lr), "beta2": 0.99, "weight_decay": json::number(p.weight_decay),
        });
        if !state.is_null() {
            input["state"] = state;
        }
        let output = catalog::evaluate(formula, input)?;
        let after = &output["steps"][0];
        state = json!([{ "step": step + 1, "m": after["m"][0], "v": after["v"][0] }]);
        let new: Vec<f64> = json::numbers(&after["params"]).into_iter().map(|(_, x)| x).collect();
        theta = [new[0], new[1]];
        if step % 2 == 1 {
            points.push((theta[0], theta[1]));
        }
    }
    Ok(Curve { name: name.into(), points })
}

/// The ways of both in the plane of the two parameters.
///
/// # Errors
/// If a parameter is outside its domain.
pub fn svg(p: &Parameters) -> Result<String> {
    for (name, curvature) in [("flat", p.flat), ("steep", p.steep)] {
        if !(curvature > 0.0 && curvature <= 1e6) {
            return Err(Error::domain(name, curvature, "above 0, up to 1e6"));
        }
    }
    if !(0.0..=1e6).contains(&p.noise) {
        return Err(Error::domain("noise", p.noise, "0 to 1e6"));
    }
    if !(1..=MOST_STEPS).contains(&p.steps) {
        return Err(Error::domain("steps", p.steps, format!("1 to {MOST_STEPS}")));
    }
    let mut curves = vec![trajectory("adamw", "AdamW", p)?, trajectory("adam-l2", "Adam + L2", p)?];
    let all = || curves.iter().flat_map(|curve| curve.points.iter().flat_map(|(a, b)| [*a, *b]));
    let (low, high) = (all().fold(0.0, f64::min) - 0.05, all().fold(1.0, f64::max) + 0.05);
    if !(low.is_finite() && high.is_finite()) {
        return Err(Error::Overflow { place: "the trajectory".into() });
    }
    curves.push(Curve { name: "both alike".into(), points: vec![(low, low), (high, high)] });
    let x = Axis::linear("θ₁, the flat direction", low, high);
    Chart { x, y: Axis::linear("θ₂, the steep direction", low, high), curves }.svg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adamw_ends_on_the_diagonal_and_l2_does_not() {
        let end = |formula| *trajectory(formula, "", &Parameters::default()).unwrap().points.last().unwrap();
        let (decoupled, coupled) = (end("adamw"), end("adam-l2"));
        assert!((decoupled.0 - decoupled.1).abs() < 1e-3, "{decoupled:?}");
        assert!(coupled.1 - coupled.0 > 0.3, "{coupled:?}");
    }

    #[test]
    fn parameters_out_of_their_domain_are_told() {
        let few = Parameters { steps: 3, ..Parameters::default() };
        assert!(svg(&few).is_ok());
        let wrong = [
            Parameters { flat: 0.0, ..few },
            Parameters { steep: f64::NAN, ..few },
            Parameters { noise: -1.0, ..few },
            Parameters { weight_decay: -1.0, ..few },
            Parameters { lr: f64::INFINITY, ..few },
            Parameters { steps: 0, ..few },
            Parameters { steps: 1_000_000, ..few },
        ];
        for parameters in wrong {
            assert!(svg(&parameters).is_err(), "{parameters:?}");
        }
    }
}
