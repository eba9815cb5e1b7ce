//! What an audit came to, for a program and for a reader; and how the reports of shares are joined.

use super::error::{Error, Result};
use crate::json;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// What an audit came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Every tensor of the share.
    pub tensors: Vec<TensorReport>,
    /// What was run.
    pub run: RunReport,
}

/// What one tensor came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorReport {
    /// The parameter's name.
    pub name: String,
    /// The dtype of the parameter after the step.
    pub dtype: String,
    /// How many elements it has.
    pub elements: u64,
    /// Whether every element is within what rounding explains.
    pub verdict: Verdict,
    /// The element that is furthest off in parts of its budget; none where nothing was judged.
    pub worst: Option<Worst>,
    /// What was done in place of the step, where it differs; the reason, where it was skipped.
    pub diagnosis: Option<String>,
    /// How many elements are beyond their budget.
    pub differing: Differing,
    /// Elements that have no right answer: NaN, infinity, or a value outside its domain before the step.
    pub not_judged: Vec<NotJudged>,
}

/// The verdict on a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Every number is within the budget of its dtype.
    Conforms,
    /// Some number is not.
    Differs,
    /// Nothing could be judged.
    Skipped,
}

/// The element that is furthest off.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worst {
    /// `params`, or a moment.
    pub output: String,
    /// Its place in the flattened tensor.
    pub index: u64,
    /// What the file has.
    #[serde(with = "json::real")]
    pub got: f64,
    /// What is right.
    #[serde(with = "json::real")]
    pub expected: f64,
    /// The error in parts of the budget: more than 1 is no rounding.
    #[serde(with = "json::real")]
    pub over_budget: f64,
}

/// How many elements are beyond their budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Differing {
    /// Elements for which that is certain.
    pub count: u64,
    /// Elements that look so, and were not examined since others had decided.
    pub unexamined: u64,
}

/// Elements that have no right answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotJudged {
    /// What stands where: "NaN or infinity in the gradient".
    pub what: String,
    /// How many.
    pub count: u64,
    /// The first, in the flattened tensor.
    pub first: u64,
}

/// What was run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunReport {
    /// The version of this crate.
    pub version: String,
    /// The formula.
    pub optimizer: String,
    /// The step, its hyperparameters, groups and files, as they were given.
    pub configuration: Value,
    /// The share of the tensors; null for all of them.
    pub partition: Option<Partition>,
    /// How many tensors the checkpoint has, in all shares.
    pub tensors: u64,
    /// How many elements were looked at.
    pub elements: u64,
    /// The time it took; of joined reports the sum.
    pub seconds: f64,
}

/// A share of the tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// Which share, from 1.
    pub share: u64,
    /// Of how many.
    pub of: u64,
}

impl std::str::FromStr for Partition {
    type Err = Error;

    /// Reads `2/8`.
    fn from_str(text: &str) -> Result<Partition> {
        let wrong = || Error::config("partition", text, "K/N with whole numbers 1 ≤ K ≤ N");
        let (share, of) = text.split_once('/').ok_or_else(wrong)?;
        let [share, of] = [share, of].map(|x| x.parse::<u64>().map_err(|_| wrong()));
        let (share, of) = (share?, of?);
        if share == 0 || share > of { Err(wrong()) } else { Ok(Partition { share, of }) }
    }
}

impl Report {
    /// Whether no tensor differs.
    pub fn conforms(&self) -> bool {
        self.tensors.iter().all(|tensor| tensor.verdict != Verdict::Differs)
    }

    /// Reads a report that was written as JSON.
    ///
    /// # Errors
    /// If the text is no report.
    pub fn parse(text: &str) -> Result<Report> {
        Ok(json::read(json::parse(text)?)?)
    }

    /// Joins the reports of all shares of an audit.
    ///
    /// # Errors
    /// If they are of different audits, a share is missing or doubled, or a tensor is in two of them.
    pub fn merge(reports: Vec<Report>) -> Result<Report> {
        let wrong = |problem: String| Err(Error::Merge(problem));
        let mut reports = reports.into_iter();
        let Some(mut whole) = reports.next() else { return wrong("there are none".into()) };
        let mut shares: BTreeSet<u64> = whole.run.partition.iter().map(|p| p.share).collect();
        let Some(first) = whole.run.partition.take() else {
            return wrong("the first is of no share; it is whole".into());
        };
        for (i, report) in reports.enumerate() {
            let (i, run) = (i + 2, report.run);
            let Some(partition) = run.partition else { return wrong(format!("number {i} is of no share")) };
            if partition.of != first.of {
                return wrong(format!("number {i} is one of {} shares, the first of {}", partition.of, first.of));
            }
            if !shares.insert(partition.share) {
                return wrong(format!("share {} is there twice", partition.share));
            }
            for (what, own, other) in [
                ("version", &Value::from(whole.run.version.clone()), &Value::from(run.version.clone())),
                ("configuration", &whole.run.configuration, &run.configuration),
                ("number of tensors", &Value::from(whole.run.tensors), &Value::from(run.tensors)),
            ] {
                if own != other {
                    return wrong(format!("number {i} has the {what} {other}, the first {own}"));
                }
            }
            whole.tensors.extend(report.tensors);
            whole.run.elements = whole.run.elements.saturating_add(run.elements);
            whole.run.seconds += run.seconds;
        }
        let missing: Vec<String> =
            (1..=first.of).filter(|k| !shares.contains(k)).take(20).map(|k| k.to_string()).collect();
        if !missing.is_empty() {
            return wrong(format!("of {} shares these are missing: {}", first.of, missing.join(", ")));
        }
        whole.tensors.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(twice) = whole.tensors.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return wrong(format!("the tensor {:?} is in two of them", twice[0].name));
        }
        if whole.tensors.len() as u64 != whole.run.tensors {
            return wrong(format!("they have {} tensors of {}", whole.tensors.len(), whole.run.tensors));
        }
        Ok(whole)
    }
}
