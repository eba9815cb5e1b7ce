//! Holding what a subject gives at single inputs, of a loss or a schedule, to the formula.

use super::config::Unsupported;
use super::inputs::InputGroup;
use super::precision::Precision;
use super::report::{Difference, First, GroupReport, Outcome, Report};
use super::settings::{Expected, Resolved};
use crate::budget::Starts;
use crate::cases;
use crate::comparison::{Compared, Reference};
use crate::diagnosis::{Diagnosis, Observed, diagnose};
use crate::error::Result;
use crate::formula::Formula;
use serde_json::{Map, Value};

impl InputGroup {
    /// The groups with these ids, of which `inputs` gives the inputs, under conventions and with numbers
    /// that are exact in a precision. A group without an input is left out.
    pub fn all(
        formula: &Formula,
        precision: Precision,
        conventions: &Map<String, Value>,
        groups: &[(&'static str, &'static str)],
        inputs: impl Fn(&str) -> Vec<Value>,
    ) -> Vec<InputGroup> {
        let group = |&(id, about): &(&'static str, &'static str)| {
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
        groups.iter().map(group).filter(|group| !group.inputs.is_empty()).collect()
    }
}

/// A subject as a closure from an input to an output.
pub(super) type Subject<'a> = &'a mut dyn FnMut(&str, &Value) -> std::result::Result<Value, Unsupported>;

/// Holds a subject to every group.
pub(super) fn hold(settings: &Resolved, groups: &[InputGroup], subject: Subject<'_>) -> Result<Report> {
    let groups: Vec<GroupReport> =
        groups.iter().map(|group| hold_group(settings, group, subject)).collect::<Result<_>>()?;
    Ok(Report::new(settings, groups))
}

fn hold_group(settings: &Resolved, group: &InputGroup, subject: Subject<'_>) -> Result<GroupReport> {
    let arithmetic = settings.precision.arithmetic();
    let (mut skipped, mut observed, mut differing) = (Vec::new(), Vec::new(), Vec::new());
    for (id, input) in &group.inputs {
        let found = match subject(id, input) {
            Ok(found) => found,
            Err(reason) => {
                skipped.push((id.clone(), reason.to_string()));
                continue;
            }
        };
        let reference = Reference::of(settings.formula, input, arithmetic, Starts::Reported)?;
        let exceeding = reference.compare(&found).into_iter().find(Compared::exceeds);
        let one = Observed::new(input.clone(), found);
        match exceeding {
            Some(first) => differing.push((id.clone(), one, first)),
            None => observed.push(one),
        }
    }
    let cases = group.inputs.len() - skipped.len();
    let outcome = match differing.first() {
        None if cases == 0 => Outcome::Skipped,
        None => Outcome::Conforms,
        Some((id, one, first)) => {
            // what differs tells forms apart soonest
            let all: Vec<Observed> = differing.iter().map(|(_, one, _)| one.clone()).chain(observed).collect();
            let diagnosis = diagnose(settings.formula, &settings.conventions, &all, arithmetic);
            let expected = settings.expected_of(group.id, &diagnosis);
            let difference = Box::new(difference(settings, id, &one.input, first, differing.len(), diagnosis));
            match expected {
                Some(expected) => Outcome::DiffersAsExpected(difference, expected),
                None => Outcome::Differs(difference),
            }
        }
    };
    Ok(GroupReport { id: group.id, about: group.about, cases, skipped, outcome })
}

fn difference(
    settings: &Resolved,
    id: &str,
    input: &Value,
    first: &Compared,
    differing: usize,
    diagnosis: Diagnosis,
) -> Difference {
    let Compared { place, found, right, allowed } = first;
    let repro = format!(
        "{}, {}\ninput {input}\n{} must be {right:?} and is {found:?}",
        settings.formula.name,
        settings.formula.equation,
        place.trim_start_matches('/')
    );
    Difference {
        differing,
        first: First {
            case: id.to_string(),
            place: place.trim_start_matches('/').to_string(),
            found: *found,
            right: *right,
            allowed: allowed.clone().unwrap_or(f64::NAN),
            ulps: settings.precision.tensor().ulps_between(*found, *right),
            component: None,
        },
        diagnosis,
        repro,
    }
}

impl Report {
    /// The report of groups, with the expected deviations that did not occur in them.
    pub(super) fn new(settings: &Resolved, groups: Vec<GroupReport>) -> Report {
        let occurs = |expected: &Expected| {
            groups.iter().any(|g| matches!(&g.outcome, Outcome::DiffersAsExpected(_, e) if e == expected))
        };
        let outlived = settings.expected.iter().filter(|e| !occurs(e)).cloned().collect();
        let (formula, precision) = (settings.formula.id, settings.precision.to_string());
        Report { formula, conventions: settings.conventions.clone(), precision, groups, outlived }
    }
}
