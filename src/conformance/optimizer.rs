//! Holding an optimizer to its formula.

use super::case::{Case, Feature, Part};
use super::component::component;
use super::config::Unsupported;
use super::groups::{self, CaseGroup, GROUPS};
use super::report::{Difference, First, GroupReport, Outcome, Report};
use super::repro;
use super::settings::{Resolved, Settings};
use super::subject::{self, Optimizer, Trajectory};
use crate::budget::Starts;
use crate::comparison::{Compared, Reference};
use crate::diagnosis::{Around, Observed, diagnose};
use crate::error::{Error, Result};
use crate::json;
use serde_json::{Map, Value};

/// The names of moments that a subject may show.
const MOMENTS: [&str; 5] = ["m", "v", "v_max", "h", "buf"];

/// Holds an optimizer to its formula.
///
/// # Errors
/// If the settings name what the catalog does not have.
pub fn optimizer<S: Optimizer>(settings: &Settings) -> Result<Report> {
    trajectory(settings, |case| subject::drive::<S>(case, &MOMENTS))
}

/// Holds an optimizer to one group of cases.
///
/// # Errors
/// If the settings name what the catalog does not have, or there is no such group.
pub fn optimizer_group<S: Optimizer>(settings: &Settings, group: &str) -> Result<Report> {
    run(settings, Some(group), &mut |case| subject::drive::<S>(case, &MOMENTS))
}

/// Holds an optimizer to its formula, as a closure from a case to the parameters after every step.
///
/// ```
/// use gradproof::conformance::{self, Feature, Settings, Unsupported};
///
/// // plain gradient descent, which has none of the features and no momentum
/// let report = conformance::trajectory(&Settings::new("sgd"), |case| {
///     case.config().only(&["weight_decay"])?;
///     if case.feature != Feature::None {
///         return Err(Unsupported::new("groups, maximization, resuming"));
///     }
///     let decay = case.config().number("weight_decay")?;
///     let mut params: Vec<Vec<f64>> = case.params().into_iter().map(|tensor| tensor.values).collect();
///     let mut steps = Vec::new();
///     for step in case.steps() {
///         for (params, gradient) in params.iter_mut().zip(&step.gradients) {
///             let Some(gradient) = gradient else { continue };
///             for (theta, g) in params.iter_mut().zip(&gradient.values) {
///                 *theta -= step.rates[0] * (g + decay * *theta);
///             }
///         }
///         steps.push(params.clone());
///     }
///     Ok(steps.into())
/// })?;
/// report.assert();
/// # Ok::<(), gradproof::error::Error>(())
/// ```
///
/// # Errors
/// If the settings name what the catalog does not have.
pub fn trajectory(
    settings: &Settings,
    mut subject: impl FnMut(&Case) -> std::result::Result<Trajectory, Unsupported>,
) -> Result<Report> {
    run(settings, None, &mut subject)
}

/// A subject as a closure.
type Run<'a> = &'a mut dyn FnMut(&Case) -> std::result::Result<Trajectory, Unsupported>;

fn run(settings: &Settings, only: Option<&str>, subject: Run<'_>) -> Result<Report> {
    let ids: Vec<&str> = GROUPS.iter().map(|(id, _)| *id).collect();
    let settings = settings.resolve(&ids)?;
    if let Some(id) = only.filter(|id| !ids.contains(id)) {
        return Err(Error::domain("group", id, ids.join(", ")));
    }
    if !settings.formula.has_steps() {
        return Err(Error::domain("formula", settings.formula.id, "an optimizer of the catalog"));
    }
    let groups = groups::groups(settings.formula, settings.precision, &settings.chosen());
    let chosen = groups.iter().filter(|group| only.is_none_or(|id| id == group.id));
    let groups: Vec<GroupReport> = chosen.map(|group| hold(&settings, group, subject)).collect::<Result<_>>()?;
    let mut report = Report::new(&settings, groups);
    if only.is_some() {
        // one group alone cannot tell that a deviation is gone
        report.outlived.clear();
    }
    Ok(report)
}

/// A case that differs from the right trajectory.
struct Differing<'a> {
    case: &'a Case,
    part: Part,
    observed: Observed,
    right: Value,
    /// Every number that is too far off, in order.
    exceeding: Vec<Compared>,
}

fn hold(settings: &Resolved, group: &CaseGroup, subject: Run<'_>) -> Result<GroupReport> {
    let (mut skipped, mut conforming, mut differing) = (Vec::new(), Vec::new(), Vec::new());
    for case in &group.cases {
        let trajectory = match subject(case) {
            Ok(trajectory) => trajectory,
            Err(reason) => {
                skipped.push((case.id.clone(), reason.to_string()));
                continue;
            }
        };
        for part in case.parts() {
            let reference =
                Reference::of(settings.formula, &part.input, settings.precision.arithmetic(), Starts::Carried)?;
            let found = shown(case, &part, &trajectory, &reference.right)?;
            let exceeding: Vec<Compared> = reference.compare(&found).into_iter().filter(Compared::exceeds).collect();
            let one = Observed { input: part.input.clone(), found, around: around(case, &part) };
            if exceeding.is_empty() {
                conforming.push(one);
            } else {
                differing.push(Differing { case, part, observed: one, right: reference.right, exceeding });
            }
        }
    }
    let cases = group.cases.len() - skipped.len();
    let outcome = match differing.first() {
        None if cases == 0 => Outcome::Skipped,
        None => Outcome::Conforms,
        Some(first) => {
            // what differs tells forms apart soonest
            let observed: Vec<Observed> = differing.iter().map(|d| d.observed.clone()).chain(conforming).collect();
            let difference = difference(settings, first, differing.len(), &observed);
            match settings.expected_of(group.id, &difference.diagnosis) {
                Some(expected) => Outcome::DiffersAsExpected(Box::new(difference), expected),
                None => Outcome::Differs(Box::new(difference)),
            }
        }
    };
    Ok(GroupReport { id: group.id, about: group.about, cases, skipped, outcome })
}

/// A subject's numbers for a part of a case, in the shape of the formula's output.
fn shown(case: &Case, part: &Part, trajectory: &Trajectory, right: &Value) -> Result<Value> {
    let steps = right["steps"].as_array().map_or(0, Vec::len);
    let all = std::iter::once(("params", &trajectory.params));
    let all = all.chain(trajectory.moments.iter().map(|(name, list)| (name.as_str(), list)));
    let mut found: Vec<Map<String, Value>> = vec![Map::new(); steps];
    for (name, list) in all.filter(|(name, _)| right["steps"][0].get(name).is_some()) {
        if list.len() != steps {
            let field = format!("{}: the subject's {name}", case.id);
            return Err(Error::shape(field, list.len(), format!("{steps}, one for every step")));
        }
        for (k, tensors) in list.iter().enumerate() {
            let mut chosen = Vec::new();
            for &tensor in &part.tensors {
                let expected: usize = case.shapes[tensor].iter().product();
                let values = tensors.get(tensor).map_or(&[][..], |values| values);
                if values.len() != expected {
                    let field = format!("{}: the subject's {name}[{tensor}] after step {}", case.id, k + 1);
                    return Err(Error::shape(field, values.len(), expected.to_string()));
                }
                chosen.push(values.iter().map(|&x| json::number(x)).collect::<Value>());
            }
            found[k].insert(name.into(), chosen.into());
        }
    }
    Ok(Value::from_iter([("steps".to_string(), found.into_iter().map(Value::from).collect::<Value>())]))
}

/// What handlings are about.
fn around(case: &Case, part: &Part) -> Around {
    let resumed_at = if let Feature::Resume(step) = case.feature { Some(step) } else { None };
    Around { shapes: part.tensors.iter().map(|&tensor| case.shapes[tensor].clone()).collect(), resumed_at }
}

fn difference(settings: &Resolved, first: &Differing<'_>, differing: usize, observed: &[Observed]) -> Difference {
    let diagnosis = diagnose(settings.formula, &settings.conventions, observed, settings.precision.arithmetic());
    let Differing { case, part, observed, right, exceeding } = first;
    let Compared { ref place, found, right: expected, ref allowed } = exceeding[0];
    let at = repro::Place::parse(place).unwrap_or_default();
    Difference {
        differing,
        first: First {
            case: case.id.clone(),
            place: at.describe(&part.tensors),
            found,
            right: expected,
            allowed: allowed.clone().unwrap_or(f64::NAN),
            ulps: settings.precision.tensor().ulps_between(found, expected),
            component: Some(component(&part.input, &at, exceeding, &observed.found, right)),
        },
        diagnosis,
        repro: repro::of_element(settings.formula, &part.input, &at, found, expected),
    }
}
