//! The hyperparameters of a case, as an adapter reads them.

use crate::json;
use serde_json::{Map, Value};
use std::fmt;

/// What a subject cannot do, and so is not held to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported(String);

impl Unsupported {
    /// With what it is.
    pub fn new(what: impl Into<String>) -> Unsupported {
        Unsupported(what.into())
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unsupported {}

/// The hyperparameters of a case under the names of the formula's input: `beta1`, `eps`, `weight_decay`,
/// `max_lr`. Every one has a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    values: Map<String, Value>,
    plain: Map<String, Value>,
}

impl Config {
    /// The values that a case sets, beside those of the plain configuration.
    pub(super) fn new(plain: &Map<String, Value>, input: &Value) -> Config {
        let set = |(name, value): (&String, &Value)| (name.clone(), input.get(name).unwrap_or(value).clone());
        Config { values: plain.iter().map(set).collect(), plain: plain.clone() }
    }

    fn value(&self, name: &str) -> Result<&Value, Unsupported> {
        let names = || self.values.keys().cloned().collect::<Vec<_>>().join(", ");
        self.values
            .get(name)
            .ok_or_else(|| Unsupported(format!("there is no hyperparameter {name:?}; there are {}", names())))
    }

    /// A number, such as `beta1`.
    ///
    /// # Errors
    /// If the formula has no such number.
    pub fn number(&self, name: &str) -> Result<f64, Unsupported> {
        let value = self.value(name)?;
        json::real_of(value).ok_or_else(|| Unsupported(format!("{name} is {value}, which is no number")))
    }

    /// A whole number, such as `warmup_steps`.
    ///
    /// # Errors
    /// If the formula has no such number.
    pub fn whole(&self, name: &str) -> Result<u64, Unsupported> {
        let value = self.value(name)?;
        value.as_u64().ok_or_else(|| Unsupported(format!("{name} is {value}, which is no whole number")))
    }

    /// A switch, such as `nesterov`.
    ///
    /// # Errors
    /// If the formula has no such switch.
    pub fn flag(&self, name: &str) -> Result<bool, Unsupported> {
        let value = self.value(name)?;
        value.as_bool().ok_or_else(|| Unsupported(format!("{name} is {value}, which is no switch")))
    }

    /// A word, such as `reduction`.
    ///
    /// # Errors
    /// If the formula has no such word.
    pub fn word(&self, name: &str) -> Result<&str, Unsupported> {
        let value = self.value(name)?;
        value.as_str().ok_or_else(|| Unsupported(format!("{name} is {value}, which is no word")))
    }

    /// Says which hyperparameters the subject has. A case that sets another one away from the plain
    /// configuration is skipped.
    ///
    /// # Errors
    /// If the case sets another one.
    pub fn only(&self, names: &[&str]) -> Result<(), Unsupported> {
        let differs = |(name, value): &(&String, &Value)| {
            !names.contains(&name.as_str()) && self.plain.get(*name) != Some(*value)
        };
        match self.values.iter().find(differs) {
            None => Ok(()),
            Some((name, value)) => Err(Unsupported(format!("{name} = {value}"))),
        }
    }
}
