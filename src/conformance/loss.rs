//! Holding a loss to its formula: its value, and its gradient where the subject gives one.

use super::config::{Config, Unsupported};
use super::inputs::InputGroup;
use super::outputs;
use super::precision::Precision;
use super::report::Report;
use super::settings::Settings;
use crate::cases;
use crate::error::{Error, Result};
use crate::formula::Formula;
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
    let ids: Vec<&str> = GROUPS.iter().map(|(id, _)| *id).collect();
    let settings = settings.resolve(&ids)?;
    let Some(plain) = plain(settings.formula) else {
        return Err(Error::domain("formula", settings.formula.id, "a loss of the catalog"));
    };
    let groups = groups(settings.formula, settings.precision, &settings.chosen());
    outputs::hold(&settings, &groups, &mut |id, input| {
        let found = subject(&LossCase { id, input, plain: &plain })?;
        Ok(found.0.into())
    })
}

/// The groups of cases of a loss.
const GROUPS: &[(&str, &str)] = &[
    ("ordinary", "a batch of ordinary numbers"),
    ("hyperparameters", "every hyperparameter away from its usual value"),
    ("confident", "one class, key or answer far above the others"),
    ("large", "numbers whose exponentials overflow"),
    ("tiny", "vectors so short that a clamp of their norms decides"),
    ("masked", "classes with the logit −∞"),
    ("ignored", "rows that do not count"),
    ("reductions", "the sum, and a number for each row"),
    ("single", "a batch of one row"),
    ("random", "random batches and hyperparameters"),
];

/// The configuration that cases start from; `None` for what is no loss.
fn plain(formula: &Formula) -> Option<Map<String, Value>> {
    let plain = match formula.id {
        "cross-entropy" => json!({ "ignore_index": -100, "reduction": "mean", "label_smoothing": 0.0 }),
        "info-nce" => json!({ "temperature": 0.5 }),
        "info-nce-in-batch" => json!({ "temperature": 0.5, "symmetric": false }),
        "dpo" | "dpo-from-logits" => json!({ "beta": 0.1, "label_smoothing": 0.0 }),
        _ => return None,
    };
    plain.as_object().cloned()
}

/// Random numbers that are the same for the same name.
fn rows(name: &str, n: usize, d: usize, size: f64) -> Vec<Vec<f64>> {
    (0..n).map(|i| cases::numbers(&format!("{name}/{i}"), d, size)).collect()
}

fn cross_entropy(group: &str) -> Vec<Value> {
    let logits = |size: f64| rows("conformance/cross-entropy", 3, 5, size);
    let targets = [1, 4, 0];
    let plain = |z: Vec<Vec<f64>>| json!({ "logits": z, "targets": targets });
    let with = |mut input: Value, name: &str, value: Value| {
        input[name] = value;
        input
    };
    match group {
        "ordinary" => vec![plain(logits(3.0))],
        "hyperparameters" => vec![with(plain(logits(3.0)), "label_smoothing", json!(0.25))],
        "confident" => {
            let mut z = logits(1.0);
            (z[0][1], z[1][0], z[2][0]) = (12.0, 9.0, -15.0);
            vec![plain(z)]
        }
        "large" => {
            let shifted = |z: Vec<Vec<f64>>, by: f64| z.iter().map(|z| z.iter().map(|x| x + by).collect()).collect();
            vec![plain(shifted(logits(3.0), 1000.0)), plain(shifted(logits(3.0), -1000.0))]
        }
        "masked" => {
            let mut input = plain(logits(3.0));
            for (b, v) in [(0, 0), (0, 2), (2, 4)] {
                input["logits"][b][v] = json!("-Infinity");
            }
            vec![input]
        }
        "ignored" => vec![
            with(plain(logits(3.0)), "targets", json!([1, -100, 0])),
            with(plain(logits(3.0)), "targets", json!([-100, -100, -100])),
        ],
        "reductions" => ["sum", "none"].map(|word| with(plain(logits(3.0)), "reduction", json!(word))).to_vec(),
        "single" => vec![json!({ "logits": rows("conformance/one", 1, 4, 2.0), "targets": [2] })],
        _ => Vec::new(),
    }
}

fn info_nce(group: &str) -> Vec<Value> {
    let input = |size: f64, temperature: f64| {
        let negatives: Vec<_> = (0..2).map(|b| rows(&format!("conformance/negatives/{b}"), 3, 4, size)).collect();
        json!({
            "query": rows("conformance/query", 2, 4, size), "positive": rows("conformance/positive", 2, 4, size),
            "negatives": negatives, "temperature": temperature,
        })
    };
    match group {
        "ordinary" => vec![input(1.0, 0.5)],
        "hyperparameters" => vec![input(1.0, 0.0625), input(1.0, 2.0)],
        "confident" => {
            let mut near = input(1.0, 0.125);
            near["positive"] = near["query"].clone();
            vec![near]
        }
        "large" => vec![input(256.0, 0.5)],
        "tiny" => vec![input(1e-9, 0.5), input(1e-5, 0.5)],
        _ => Vec::new(),
    }
}

fn info_nce_in_batch(group: &str) -> Vec<Value> {
    let input = |size: f64, temperature: f64, symmetric: bool| {
        json!({
            "a": rows("conformance/a", 3, 4, size), "b": rows("conformance/b", 3, 4, size),
            "temperature": temperature, "symmetric": symmetric,
        })
    };
    match group {
        "ordinary" => vec![input(1.0, 0.5, false)],
        "hyperparameters" => vec![input(1.0, 0.0625, false), input(1.0, 0.5, true)],
        "large" => vec![input(256.0, 0.5, false)],
        "tiny" => vec![input(1e-9, 0.5, false), input(1e-5, 0.5, false)],
        _ => Vec::new(),
    }
}

fn dpo(group: &str) -> Vec<Value> {
    let input = |spread: f64, beta: f64, label_smoothing: f64| {
        let list = |name: &str| cases::numbers(&format!("conformance/dpo/{name}"), 3, spread);
        json!({
            "policy_chosen": list("pw"), "policy_rejected": list("pl"),
            "reference_chosen": list("rw"), "reference_rejected": list("rl"),
            "beta": beta, "label_smoothing": label_smoothing,
        })
    };
    match group {
        "ordinary" => vec![input(8.0, 0.1, 0.0)],
        "hyperparameters" => vec![input(8.0, 0.5, 0.0), input(8.0, 0.1, 0.125)],
        "confident" => vec![input(64.0, 0.5, 0.0)],
        "large" => vec![input(4096.0, 0.5, 0.0)],
        _ => Vec::new(),
    }
}

/// The inputs of every group, with every hyperparameter as an adapter is told it; `None` for what is no loss.
pub(super) fn inputs(
    formula: &Formula,
    precision: Precision,
    conventions: &Map<String, Value>,
) -> Option<Vec<InputGroup>> {
    let plain = plain(formula)?;
    let mut all = groups(formula, precision, conventions);
    for (_, input) in all.iter_mut().flat_map(|group| &mut group.inputs) {
        for (name, value) in &plain {
            if input.get(name).is_none() {
                input[name] = value.clone();
            }
        }
    }
    Some(all)
}

fn groups(formula: &Formula, precision: Precision, conventions: &Map<String, Value>) -> Vec<InputGroup> {
    let inputs = |id: &str| match (id, formula.id) {
        ("random", _) => (0..8).map(|i| cases::case(formula, i, cases::Conventions::Default)).collect(),
        (_, "cross-entropy") => cross_entropy(id),
        (_, "info-nce") => info_nce(id),
        (_, "info-nce-in-batch") => info_nce_in_batch(id),
        (_, "dpo") => dpo(id),
        _ => Vec::new(),
    };
    let with = |(id, about): &(&'static str, &'static str)| {
        let one = |(i, mut input): (usize, Value)| {
            if !conventions.is_empty() {
                input["conventions"] = conventions.clone().into();
            }
            (format!("{}/{id}/{i}", formula.id), cases::held_in(input, precision.tensor()))
        };
        // what the precision does not hold, or the conventions refuse, is no case
        let usable = |(_, input): &(String, Value)| (formula.evaluate)(input.clone()).is_ok();
        InputGroup { id, about, inputs: inputs(id).into_iter().enumerate().map(one).filter(usable).collect() }
    };
    GROUPS.iter().map(with).filter(|group| !group.inputs.is_empty()).collect()
}
