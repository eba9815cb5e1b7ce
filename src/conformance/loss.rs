//! Holding a loss to its formula: its value, and its gradient where the subject gives one.

mod cases;

pub(super) use cases::inputs;

use super::config::{Config, Unsupported};
use super::outputs;
use super::report::Report;
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::json;
use serde_json::{Map, Value, json};

/// One input of a loss, as an adapter reads it.
#[derive(Clone, Debug)]
pub struct LossCase<'a> {
    /// `cross-entropy/confident/0`; stable within a minor version of this crate.
    pub id: &'a str,
    input: &'a Value,
    plain: &'a Map<String, Value>,
}

/// What a subject gives for a case. What is left out is not compared.
#[derive(Clone, Debug, Default)]
pub struct Found(Map<String, Value>);

impl LossCase<'_> {
    /// The hyperparameters, such as `label_smoothing`, `reduction` and `temperature`.
    pub fn config(&self) -> Config {
        Config::new(self.plain, self.input)
    }

    /// An array by the name of the formula's input: `logits`, `policy_chosen`, `query`.
    fn array(&self, name: &str) -> std::result::Result<&Vec<Value>, Unsupported> {
        let found = name.split('.').try_fold(self.input, |value, part| value.get(part));
        found.and_then(Value::as_array).ok_or_else(|| Unsupported::new(format!("there is no array {name:?}")))
    }

    /// A list of numbers, such as `policy_chosen`.
    ///
    /// # Errors
    /// If the input has no such list.
    pub fn numbers(&self, name: &str) -> std::result::Result<Vec<f64>, Unsupported> {
        Ok(reals(self.array(name)?))
    }

    /// A matrix by its rows, such as `logits` or `chosen.policy_logits`.
    ///
    /// # Errors
    /// If the input has no such matrix.
    pub fn rows(&self, name: &str) -> std::result::Result<Vec<Vec<f64>>, Unsupported> {
        Ok(self.array(name)?.iter().map(|row| row.as_array().map_or_else(Vec::new, |row| reals(row))).collect())
    }

    /// A list of matrices, such as `negatives`.
    ///
    /// # Errors
    /// If the input has no such list.
    pub fn matrices(&self, name: &str) -> std::result::Result<Vec<Vec<Vec<f64>>>, Unsupported> {
        Ok(self.array(name)?.iter().map(rows_of).collect())
    }

    /// A list of whole numbers, such as `targets`.
    ///
    /// # Errors
    /// If the input has no such list.
    pub fn wholes(&self, name: &str) -> std::result::Result<Vec<i64>, Unsupported> {
        Ok(self.array(name)?.iter().filter_map(Value::as_i64).collect())
    }
}

fn rows_of(matrix: &Value) -> Vec<Vec<f64>> {
    let rows = matrix.as_array().into_iter().flatten();
    rows.map(|row| row.as_array().map_or_else(Vec::new, |row| reals(row))).collect()
}

fn reals(list: &[Value]) -> Vec<f64> {
    list.iter().map(|x| json::real_of(x).unwrap_or(f64::NAN)).collect()
}

impl Found {
    /// Nothing yet.
    pub fn new() -> Found {
        Found::default()
    }

    fn with(mut self, place: &str, value: Value) -> Found {
        match place.split_once('.') {
            None => {
                self.0.insert(place.into(), value);
            }
            Some((outer, inner)) => {
                self.0.entry(outer).or_insert_with(|| json!({}))[inner] = value;
            }
        }
        self
    }

    /// A number by the name of the formula's output: `loss`, `gradient.temperature`.
    #[must_use]
    pub fn number(self, name: &str, x: f64) -> Found {
        self.with(name, json::number(x))
    }

    /// A list of numbers: `rewards_chosen`.
    #[must_use]
    pub fn numbers(self, name: &str, x: &[f64]) -> Found {
        self.with(name, list(x))
    }

    /// A matrix by its rows: `gradient` of cross-entropy, `gradient.query`.
    #[must_use]
    pub fn rows(self, name: &str, rows: &[Vec<f64>]) -> Found {
        self.with(name, rows.iter().map(|row| list(row)).collect())
    }

    /// A list of matrices: `gradient.negatives`.
    #[must_use]
    pub fn matrices(self, name: &str, matrices: &[Vec<Vec<f64>>]) -> Found {
        self.with(name, matrices.iter().map(|m| m.iter().map(|row| list(row)).collect::<Value>()).collect())
    }
}

fn list(x: &[f64]) -> Value {
    x.iter().map(|&x| json::number(x)).collect()
}

/// Holds a loss to its formula, as a closure from a case to what the subject gives.
///
/// ```
/// use gradproof::conformance::{self, Found, Settings};
///
/// let report = conformance::loss(&Settings::new("dpo"), |case| {
///     case.config().only(&["beta"])?;
///     let beta = case.config().number("beta")?;
///     let (w, l) = (case.numbers("policy_chosen")?, case.numbers("policy_rejected")?);
///     let (rw, rl) = (case.numbers("reference_chosen")?, case.numbers("reference_rejected")?);
///     let h: Vec<f64> = (0..w.len()).map(|i| beta * ((w[i] - l[i]) - (rw[i] - rl[i]))).collect();
///     let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
///     let loss = h.iter().map(|&h| softplus(-h)).sum::<f64>() / h.len() as f64;
///     Ok(Found::new().number("loss", loss))
/// })?;
/// report.assert();
/// # Ok::<(), gradproof::error::Error>(())
/// ```
///
/// # Errors
/// If the settings name what the catalog does not have.
pub fn loss(
    settings: &Settings,
    mut subject: impl FnMut(&LossCase<'_>) -> std::result::Result<Found, Unsupported>,
) -> Result<Report> {
    let ids: Vec<&str> = cases::GROUPS.iter().map(|(id, _)| *id).collect();
    let settings = settings.resolve(&ids)?;
    let Some(plain) = cases::plain(settings.formula) else {
        return Err(Error::domain("formula", settings.formula.id, "a loss of the catalog"));
    };
    let groups = cases::groups(settings.formula, settings.precision, &settings.chosen());
    outputs::hold(&settings, &groups, &mut |id, input| {
        let found = subject(&LossCase { id, input, plain: &plain })?;
        Ok(found.0.into())
    })
}
