//! What holding a subject to a formula came to.

use super::settings::Expected;
use crate::diagnosis::Diagnosis;
use std::fmt;

/// The outcome of every group of cases.
#[derive(Clone, Debug)]
pub struct Report {
    /// The formula's id.
    pub formula: &'static str,
    /// The conventions that the subject declares, of the axes that are not at their default.
    pub conventions: Vec<(&'static str, &'static str)>,
    /// The precision, in words.
    pub precision: String,
    /// The groups, in order.
    pub groups: Vec<GroupReport>,
    /// Expected deviations that did not occur.
    pub outlived: Vec<Expected>,
}

/// The outcome of one group.
#[derive(Clone, Debug)]
pub struct GroupReport {
    /// The group's id.
    pub id: &'static str,
    /// What its cases have that others have not.
    pub about: &'static str,
    /// Cases that were run.
    pub cases: usize,
    /// Cases that the subject does not support, each with the reason.
    pub skipped: Vec<(String, String)>,
    /// What it came to.
    pub outcome: Outcome,
}

/// What a group came to.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Every case that was run is within its budget.
    Conforms,
    /// No case was run.
    Skipped,
    /// Some case is not.
    Differs(Box<Difference>),
    /// Some case is not, as is expected.
    DiffersAsExpected(Box<Difference>, Expected),
}

/// What is wrong.
#[derive(Clone, Debug)]
pub struct Difference {
    /// How many cases differ.
    pub differing: usize,
    /// The first number that is further off than a correct implementation can be.
    pub first: First,
    /// What the subject is doing, as far as the catalog knows it.
    pub diagnosis: Diagnosis,
    /// How to see it without this crate.
    pub repro: String,
}

/// A number that is too far off.
#[derive(Clone, Debug)]
pub struct First {
    /// The case's id.
    pub case: String,
    /// Where: "step 2, tensor 1, element 0 of params", or a place in a loss's output.
    pub place: String,
    /// What the subject has.
    pub found: f64,
    /// What is right.
    pub right: f64,
    /// How far a correct implementation can be from it.
    pub allowed: f64,
    /// The distance in ulps of the dtype.
    pub ulps: f64,
    /// What of an optimizer's step is off, where it can be told.
    pub component: Option<&'static str>,
}

impl Report {
    /// Whether nothing differs, other than as expected, and every expected deviation occurs.
    pub fn passes(&self) -> bool {
        self.outlived.is_empty() && !self.groups.iter().any(|g| matches!(g.outcome, Outcome::Differs(_)))
    }

    /// Fails a test with the report, if it does not pass.
    ///
    /// # Panics
    /// If it does not pass.
    #[track_caller]
    pub fn assert(&self) {
        assert!(self.passes(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chosen: Vec<String> =
            self.conventions.iter().map(|(axis, option)| format!("{axis} = {option:?}")).collect();
        let with = if chosen.is_empty() { "" } else { " with " };
        writeln!(f, "{}{with}{} in {}", self.formula, chosen.join(", "), self.precision)?;
        for group in &self.groups {
            write!(f, "{group}")?;
        }
        for expected in &self.outlived {
            writeln!(
                f,
                "the expected deviation {} ({}) no longer occurs: take it out",
                expected.deviation, expected.reason
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for GroupReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.outcome {
            Outcome::Conforms => "conforms",
            Outcome::Skipped => "skipped",
            Outcome::Differs(_) => "DIFFERS",
            Outcome::DiffersAsExpected(..) => "differs as expected",
        };
        writeln!(f, "  {:<18} {word}, {} cases ({})", self.id, self.cases, self.about)?;
        for (case, reason) in &self.skipped {
            writeln!(f, "    {case} is not supported: {reason}")?;
        }
        match &self.outcome {
            Outcome::Differs(difference) => write!(f, "{difference}"),
            Outcome::DiffersAsExpected(difference, expected) => {
                writeln!(f, "    {}\n    the subject {}", expected.reason, difference.diagnosis)
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let First { case, place, found, right, allowed, ulps, component } = &self.first;
        writeln!(f, "    {} of its cases differ; the first is {case}, {place}:", self.differing)?;
        writeln!(f, "      found   {found:e}")?;
        writeln!(f, "      right   {right:e}")?;
        writeln!(f, "      off by  {:e}, {ulps:.1} ulp; rounding explains {allowed:e}", (found - right).abs())?;
        if let Some(component) = component {
            writeln!(f, "      what is off is {component}")?;
        }
        writeln!(f, "    the subject {}", self.diagnosis.to_string().replace('\n', "\n    "))?;
        writeln!(f, "    without this crate:")?;
        self.repro.lines().try_for_each(|line| writeln!(f, "      {line}"))
    }
}
