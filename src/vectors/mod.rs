//! Golden vectors: inputs with their right outputs, as data that every language reads.
//!
//! A file holds the vectors of one formula, in groups by hyperparameters and conventions. A case is `valid`
//! (one answer), `acceptable` (conventions are left open, and each has its answer) or `invalid` (the input must
//! be refused). Flags name what whoever fails a case may be doing; the file's notes explain them. Every number
//! is the f64 of its decimal. `fixtures/vectors/schema.json` describes the form.
//!
//! ```
//! use gradproof::{catalog, vectors};
//!
//! let file = vectors::of(catalog::formula("hutchinson")?)?;
//! let (group, case) = file.cases().next().unwrap();
//! assert_eq!(case.output, Some(catalog::evaluate("hutchinson", case.whole_input(group))?));
//! # Ok::<(), gradproof::error::Error>(())
//! ```

mod by_hand;
mod check;
mod choice;
mod expected;
mod links;
mod long_run;
mod notes;
mod refused;
mod results;
mod resumed;
mod shown;
mod text;

pub use check::{CaseReport, Outcome, Report, Settings, Worst, check};
pub use choice::of;
pub use results::{Given, Results};
pub use text::tidy;

use crate::catalog;
use crate::error::{Error, Result};
use crate::json;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The version of the form of the files: another one is not read.
pub const FORMAT: u64 = 1;

/// The vectors of a formula.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// [`FORMAT`].
    pub format: u64,
    /// The formula's id.
    pub formula: String,
    /// Its name in the field's words.
    pub name: String,
    /// Its equation.
    pub equation: String,
    /// Where the equation is from.
    pub source: String,
    /// A page about the formula.
    pub link: String,
    /// The fields of an input, with shapes and defaults.
    pub input: String,
    /// What an input may be.
    pub domain: String,
    /// The fields of an output, with shapes.
    pub output: String,
    /// What every flag means.
    pub notes: BTreeMap<String, Note>,
    /// The cases.
    pub groups: Vec<Group>,
}

/// What a flag means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// What sort of thing it is.
    pub kind: Kind,
    /// What whoever fails the case does.
    pub meaning: String,
    /// Who did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Where to read about it.
    pub link: String,
}

/// What sort of thing a flag names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A wrong form of the formula: whoever has it fails the case.
    Mistake,
    /// A wrong way of treating steps, rates, states and tensors: whoever has it fails the case.
    Handling,
    /// An axis of legitimate choices, between which the case tells.
    Convention,
    /// A sort of input that must be refused.
    Refusal,
}

/// Cases with the same hyperparameters under the same conventions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The scalars of the input that its cases share.
    pub hyperparameters: Map<String, Value>,
    /// The axes that are not at their default, each with its option.
    pub conventions: BTreeMap<String, String>,
    /// The cases.
    pub cases: Vec<Case>,
}

/// What an input must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expected {
    /// To one answer.
    Valid,
    /// To one of several, by convention.
    Acceptable,
    /// To none: it is refused.
    Invalid,
}

impl Expected {
    /// Its word in the files.
    pub fn word(self) -> &'static str {
        match self {
            Expected::Valid => "valid",
            Expected::Acceptable => "acceptable",
            Expected::Invalid => "invalid",
        }
    }
}

/// One input with what it must come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// `adamw/late-gradient/0`
    pub id: String,
    /// What the case is about.
    pub comment: String,
    /// What it tells of whoever fails it.
    pub flags: Vec<String>,
    /// What the input must come to.
    pub result: Expected,
    /// The input, without the hyperparameters and conventions of the group.
    pub input: Map<String, Value>,
    /// Of a long run the steps, from 1, whose parameters and state the output has; without it, every step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Vec<u64>>,
    /// The answer of a valid case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// How far from the output a correct implementation in f64 may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budgets>,
    /// The answers of an acceptable case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<Vec<Answer>>,
    /// Why an invalid case is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// By output, such as "params" or "gradient.query", how far from each of its numbers a correct implementation
/// in f64 may be at most; `None` where nothing is promised.
pub type Budgets = BTreeMap<String, Option<f64>>;

/// The answer under a convention.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// `epsilon=hat`
    pub id: String,
    /// The axis with its option, beside the conventions of the group.
    pub conventions: BTreeMap<String, String>,
    /// The output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// How far from the output a correct implementation in f64 may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budgets>,
    /// Why the input is refused, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Case {
    /// The input as the formula takes it.
    pub fn whole_input(&self, group: &Group) -> Value {
        self.input_under(group, &BTreeMap::new())
    }

    /// The input under the conventions of the group and others beside them.
    pub fn input_under(&self, group: &Group, others: &BTreeMap<String, String>) -> Value {
        let fields = group.hyperparameters.iter().chain(&self.input);
        let mut input: Map<String, Value> = fields.map(|(name, value)| (name.clone(), value.clone())).collect();
        let chosen = group.conventions.iter().chain(others);
        let chosen: Map<String, Value> = chosen.map(|(axis, option)| (axis.clone(), option.clone().into())).collect();
        if !chosen.is_empty() {
            input.insert("conventions".into(), chosen.into());
        }
        input.into()
    }

    /// Whether the fields that the result needs are there, and no others.
    fn has_its_fields(&self) -> bool {
        let there = (self.output.is_some(), self.budget.is_some(), self.answers.is_some(), self.reason.is_some());
        match self.result {
            Expected::Valid => there == (true, true, false, false),
            Expected::Acceptable => {
                let one_of_two =
                    |a: &Answer| a.output.is_some() == a.budget.is_some() && a.output.is_some() != a.reason.is_some();
                there == (false, false, true, false) && self.answers.iter().flatten().all(one_of_two)
            }
            Expected::Invalid => there == (false, false, false, true),
        }
    }
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// If the text is not one.
    pub fn parse(text: &str) -> Result<File> {
        let file: File = json::read(json::parse(text)?)?;
        if file.format != FORMAT {
            return Err(Error::domain("format", file.format, FORMAT.to_string()));
        }
        catalog::formula(&file.formula)?;
        let mut ids = BTreeSet::new();
        for (_, case) in file.cases() {
            let wrong = |problem: String| Error::Structure { field: case.id.clone(), problem };
            if !ids.insert(&case.id) {
                return Err(wrong("this id is given twice".into()));
            }
            if !case.has_its_fields() {
                return Err(wrong(format!("these are not the fields of a case that is {}", case.result.word())));
            }
            if let Some(flag) = case.flags.iter().find(|flag| !file.notes.contains_key(*flag)) {
                return Err(wrong(format!("the flag {flag} has no note")));
            }
        }
        Ok(file)
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        tidy(&json::write(self))
    }

    /// Every case with its group.
    pub fn cases(&self) -> impl Iterator<Item = (&Group, &Case)> {
        self.groups.iter().flat_map(|group| group.cases.iter().map(move |case| (group, case)))
    }

    /// The same file with every expected value derived anew from the inputs in it.
    ///
    /// # Errors
    /// If a valid case's input is refused.
    pub fn derived_anew(&self) -> Result<File> {
        expected::derived(self)
    }

    /// The file with fewer cases, and the notes that are left to need.
    pub fn only(&self, wanted: impl Fn(&Group, &Case) -> bool) -> File {
        let mut file = self.clone();
        for group in &mut file.groups {
            let whole = group.clone();
            group.cases.retain(|case| wanted(&whole, case));
        }
        file.groups.retain(|group| !group.cases.is_empty());
        let flags: BTreeSet<String> = file.cases().flat_map(|(_, case)| case.flags.clone()).collect();
        file.notes.retain(|flag, _| flags.contains(flag));
        file
    }
}
