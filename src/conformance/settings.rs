//! What a subject is held to: a formula, its conventions, its precision, and the deviations it is known
//! to have.

use super::precision::Precision;
use crate::catalog;
use crate::diagnosis::Diagnosis;
use crate::error::{Error, Result};
use crate::formula::Formula;
use serde_json::{Map, Value};

/// A deviation that a subject is known to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// A mistake's id, or that of a group of cases.
    pub deviation: String,
    /// Why it is there, for whoever reads the test.
    pub reason: String,
}

/// What a subject is held to.
#[derive(Clone, Debug)]
pub struct Settings {
    formula: String,
    precision: Precision,
    conventions: Vec<(String, String)>,
    expected: Vec<Expected>,
}

/// Settings that name what the catalog has.
pub(super) struct Resolved {
    pub formula: &'static Formula,
    pub precision: Precision,
    pub conventions: Vec<(&'static str, &'static str)>,
    pub expected: Vec<Expected>,
}

impl Settings {
    /// A formula of the catalog, by its id, under its default conventions in f64.
    pub fn new(formula: impl Into<String>) -> Settings {
        Settings { formula: formula.into(), precision: Precision::F64, conventions: Vec::new(), expected: Vec::new() }
    }

    /// What the subject computes in.
    #[must_use]
    pub fn precision(mut self, precision: Precision) -> Settings {
        self.precision = precision;
        self
    }

    /// A convention that the subject follows: an axis and its option, such as `epsilon` and `hat`.
    #[must_use]
    pub fn convention(mut self, axis: impl Into<String>, option: impl Into<String>) -> Settings {
        self.conventions.push((axis.into(), option.into()));
        self
    }

    /// A defect that the subject is known to have: a mistake's id, or a group of cases that it does not
    /// pass. The tests fail as soon as it no longer occurs.
    #[must_use]
    pub fn expect_deviation(mut self, deviation: impl Into<String>, reason: impl Into<String>) -> Settings {
        self.expected.push(Expected { deviation: deviation.into(), reason: reason.into() });
        self
    }

    /// The deviations that the subject is known to have.
    pub fn expected(&self) -> &[Expected] {
        &self.expected
    }

    /// # Errors
    /// If the catalog has no such formula, axis, option, mistake or group.
    pub(super) fn resolve(&self, groups: &[&str]) -> Result<Resolved> {
        let formula = catalog::formula(&self.formula)?;
        let conventions = formula.chosen(self.conventions.iter().map(|(axis, option)| (axis, option)))?;
        for expected in &self.expected {
            let known = |id: &str| formula.mistakes.iter().any(|m| m.id == id) || groups.contains(&id);
            if !known(&expected.deviation) {
                let mistakes: Vec<&str> = formula.mistakes.iter().map(|m| m.id).collect();
                let allowed = format!("a mistake ({}) or a group ({})", mistakes.join(", "), groups.join(", "));
                return Err(Error::domain("expect_deviation", &expected.deviation, allowed));
            }
        }
        Ok(Resolved { formula, precision: self.precision, conventions, expected: self.expected.clone() })
    }
}

impl Resolved {
    /// The conventions as an input has them.
    pub fn chosen(&self) -> Map<String, Value> {
        self.conventions.iter().map(|&(axis, option)| (axis.to_string(), Value::from(option))).collect()
    }

    /// The expected deviation that a group's difference is.
    pub fn expected_of(&self, group: &str, diagnosis: &Diagnosis) -> Option<Expected> {
        let named = |expected: &&Expected| {
            let mut mistakes = diagnosis.forms.iter().filter_map(|form| form.mistake);
            expected.deviation == group || mistakes.any(|m| m.id == expected.deviation)
        };
        self.expected.iter().find(named).cloned()
    }
}
