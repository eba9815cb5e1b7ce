//! Learning-rate schedules over the steps of a run.

use super::chart::{Axis, Chart, Curve};
use crate::catalog;
use crate::error::{Error, Result};
use serde_json::{Map, Value, json};

/// More points than a picture shows.
const POINTS: u64 = 400;

/// One run.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// The largest rate.
    pub peak: f64,
    /// The rate at the end.
    pub min: f64,
    /// Steps of warm-up.
    pub warmup: u64,
    /// Steps of the run.
    pub total: u64,
    /// Steps of WSD's decay.
    pub decay: u64,
    /// The last step that is shown.
    pub until: u64,
}

impl Default for Parameters {
    /// A run of 1000 steps with 100 of warm-up and 200 of decay.
    fn default() -> Parameters {
        Parameters { peak: 3e-4, min: 3e-5, warmup: 100, total: 1000, decay: 200, until: 1000 }
    }
}

/// A schedule under conventions.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What is said of it.
    pub name: String,
    /// The formula's id.
    pub formula: String,
    /// Its conventions, an axis with its option each.
    pub conventions: Vec<(String, String)>,
}

impl Shown {
    /// A schedule under conventions.
    pub fn new(name: &str, formula: &str, conventions: &[(&str, &str)]) -> Shown {
        let conventions = conventions.iter().map(|(axis, option)| (axis.to_string(), option.to_string())).collect();
        Shown { name: name.into(), formula: formula.into(), conventions }
    }
}

/// The steps that are shown: all of them where they are few.
fn steps(until: u64) -> Vec<u64> {
    let parts = until.clamp(1, POINTS);
    (0..=parts).map(|i| (u128::from(until) * u128::from(i) / u128::from(parts)) as u64).collect()
}

fn curve(of: &Shown, p: &Parameters) -> Result<Curve> {
    let mut shown = steps(p.until);
    let conventions: Map<String, Value> = of.conventions.iter().map(|(a, o)| (a.clone(), o.as_str().into())).collect();
    let mut input = json!({ "steps": shown, "conventions": conventions, "warmup_steps": p.warmup });
    match of.formula.as_str() {
        "cosine" | "linear" => {
            input["max_lr"] = p.peak.into();
            input["min_lr"] = p.min.into();
            input["total_steps"] = p.total.into();
        }
        "wsd" => {
            input["max_lr"] = p.peak.into();
            input["min_lr"] = p.min.into();
            input["total_steps"] = p.total.into();
            input["decay_steps"] = p.decay.into();
        }
        "inverse-sqrt" => input["max_lr"] = p.peak.into(),
        "noam" => {
            // its steps count from 1; a width of 1 and this factor make the peak the one that is asked for
            shown.retain(|&s| s > 0);
            input["steps"] = json!(shown);
            input["d_model"] = 1.into();
            input["factor"] = (p.peak * (p.warmup as f64).sqrt()).into();
        }
        other => {
            return Err(Error::domain("formula", other, "cosine, wsd, linear, inverse-sqrt or noam"));
        }
    }
    let output = catalog::evaluate(&of.formula, input)?;
    let rates: Vec<f64> = crate::json::numbers(&output["lr"]).into_iter().map(|(_, rate)| rate).collect();
    Ok(Curve { name: of.name.clone(), points: shown.into_iter().map(|s| s as f64).zip(rates).collect() })
}

/// The rates of schedules over the steps of one run.
///
/// # Errors
/// If a schedule refuses the run, or there are none or more than 6.
pub fn svg(shown: &[Shown], p: &Parameters) -> Result<String> {
    if shown.is_empty() || shown.len() > 6 {
        return Err(Error::shape("formula", shown.len(), "1 to 6 schedules"));
    }
    let curves = shown.iter().map(|of| curve(of, p)).collect::<Result<Vec<_>>>()?;
    let rates = || curves.iter().flat_map(|curve| curve.points.iter().map(|(_, rate)| *rate));
    let (low, high) = (rates().fold(0.0, f64::min), rates().fold(0.0, f64::max));
    let x = Axis::linear("step", 0.0, p.until as f64);
    Chart { x, y: Axis::linear("learning rate", low, 1.05 * high), curves }.svg()
}

/// The schedules of the catalog on one run.
pub fn all() -> Result<String> {
    let shown = [
        Shown::new("cosine", "cosine", &[]),
        Shown::new("linear", "linear", &[]),
        Shown::new("WSD", "wsd", &[]),
        Shown::new("WSD, 1 − √p", "wsd", &[("shape", "one-minus-sqrt")]),
        Shown::new("inverse square root", "inverse-sqrt", &[]),
    ];
    svg(&shown, &Parameters::default())
}

/// Where conventions differ at the end: a run of 100 steps, seen until step 200.
pub fn after_the_end() -> Result<String> {
    let shown = [
        Shown::new("cosine, hold", "cosine", &[]),
        Shown::new("cosine, continue", "cosine", &[("after_end", "continue")]),
        Shown::new("cosine, restart", "cosine", &[("after_end", "restart")]),
        Shown::new("WSD, continue", "wsd", &[("after_end", "continue")]),
    ];
    svg(&shown, &Parameters { warmup: 10, total: 100, decay: 40, until: 200, ..Parameters::default() })
}

/// Where conventions differ at the start: the first steps of a warm-up over 5.
pub fn warmup() -> Result<String> {
    let shown = ["s/W", "(s+1)/W", "(s+1)/(W+1)"].map(|option| Shown::new(option, "cosine", &[("warmup", option)]));
    svg(&shown, &Parameters { warmup: 5, total: 40, until: 10, ..Parameters::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_the_oracles() {
        let p = Parameters { warmup: 2, total: 6, decay: 2, until: 6, ..Parameters::default() };
        let curve = curve(&Shown::new("x", "wsd", &[]), &p).unwrap();
        assert_eq!(curve.points[0], (0.0, 0.0));
        assert_eq!(curve.points[3], (3.0, 3e-4));
        assert_eq!(curve.points[6], (6.0, 3e-5));
    }

    #[test]
    fn noam_peaks_where_it_is_told_to() {
        let p = Parameters { warmup: 50, ..Parameters::default() };
        let curve = curve(&Shown::new("x", "noam", &[]), &p).unwrap();
        let peak = curve.points.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
        assert!((peak - 3e-4).abs() < 1e-12 && curve.points[0].0 > 0.0);
    }

    #[test]
    fn a_wrong_run_is_told_by_its_field() {
        let told = |p: &Parameters| all_of("cosine", p).unwrap_err().to_string();
        fn all_of(formula: &str, p: &Parameters) -> Result<String> {
            svg(&[Shown::new("x", formula, &[])], p)
        }
        assert!(told(&Parameters { total: 100, ..Parameters::default() }).contains("total_steps"));
        assert!(told(&Parameters { peak: f64::NAN, ..Parameters::default() }).contains("max_lr"));
        assert!(all_of("softmax", &Parameters::default()).unwrap_err().to_string().contains("softmax"));
        assert!(svg(&[], &Parameters::default()).is_err());
        assert!(svg(&[Shown::new("x", "cosine", &[("warmup", "x")])], &Parameters::default()).is_err());
        assert!(all_of("cosine", &Parameters { until: u64::MAX, ..Parameters::default() }).is_err());
    }
}
