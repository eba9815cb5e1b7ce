//! Somebody's results held to the vectors: which cases they conform on, under which conventions, by how much
//! they miss the others, and what they are in fact doing.

use super::expected;
use super::results::{self, Given, Results};
use super::{Answer, Case, Expected, File, Group};
use crate::cases;
use crate::catalog;
use crate::comparison::{Compared, Reference};
use crate::conformance::Precision;
use crate::diagnosis::{Diagnosis, Observed, diagnose};
use crate::error::{Error, Result};
use crate::formula::Formula;
use crate::json;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What the results are held to.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What was computed in.
    pub precision: Precision,
    /// The conventions that were followed, by axis, where they are not the default. What is acceptable with an
    /// axis left open must follow them too.
    pub conventions: BTreeMap<String, String>,
}

/// What the results came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// The formula's id.
    pub formula: String,
    /// What was computed in.
    pub precision: Precision,
    /// Every case.
    pub cases: Vec<CaseReport>,
    /// By axis, the options that agree with every case which leaves it open, where any such case was given.
    pub axes: BTreeMap<String, Vec<String>>,
    /// What was in fact computed, where a case of a few steps differs.
    pub diagnosis: Option<Diagnosis>,
}

/// What a case came to.
#[derive(Clone, Debug, Serialize)]
pub struct CaseReport {
    /// The case's id.
    pub id: String,
    /// What it came to.
    pub outcome: Outcome,
    /// Why, in words, where it does not conform.
    pub reason: Option<String>,
    /// Of a case that leaves an axis open, the ids of the answers that agree.
    pub answers: Vec<String>,
    /// Numbers that were compared.
    pub numbers: usize,
    /// Those of which the precision promises no digit.
    pub without_digit: usize,
    /// The number that is furthest off, as a part of what is allowed.
    pub worst: Option<Worst>,
}

/// What a case came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every number is within its budget, or the input was refused as it must be.
    Conforms,
    /// A number is not, or an input was refused that has an answer, or one taken that has none.
    Differs,
    /// The results have nothing for it.
    NotGiven,
    /// Under these conventions or in this precision the formula refuses the input.
    NoCase,
}

/// A number beside the right one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Worst {
    /// Where it stands in the output, as a JSON pointer.
    pub place: String,
    /// What was found.
    #[serde(with = "json::real")]
    pub found: f64,
    /// What is right.
    #[serde(with = "json::real")]
    pub right: f64,
    /// How far a correct implementation can be from it.
    #[serde(with = "json::real")]
    pub allowed: f64,
    /// The distance in ulps of the dtype.
    #[serde(with = "json::real")]
    pub ulps: f64,
}

impl Report {
    /// How many cases came to this.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.cases.iter().filter(|case| case.outcome == outcome).count()
    }

    /// The axes of which no option agrees with every case.
    pub fn torn(&self) -> impl Iterator<Item = &str> {
        self.axes.iter().filter(|(_, options)| options.is_empty()).map(|(axis, _)| axis.as_str())
    }

    /// Whether something was given and nothing differs.
    pub fn conforms(&self) -> bool {
        self.count(Outcome::Conforms) > 0 && self.count(Outcome::Differs) == 0 && self.torn().next().is_none()
    }
}

/// Holds results to the vectors of a file.
///
/// # Errors
/// If a result belongs to no case, or has another structure than the answer.
pub fn check(file: &File, results: &Results, settings: &Settings) -> Result<Report> {
    let formula = catalog::formula(&file.formula)?;
    let known: BTreeMap<&str, ()> = file.cases().map(|(_, case)| (case.id.as_str(), ())).collect();
    if let Some(lost) = results.0.keys().find(|id| !known.contains_key(id.as_str())) {
        let problem = format!("there is no such case among the vectors of {}", file.formula);
        return Err(Error::Structure { field: lost.clone(), problem });
    }
    let mut checker = Checker {
        formula,
        settings,
        declared: formula.chosen(&settings.conventions)?,
        observed: Vec::new(),
        axes: BTreeMap::new(),
    };
    let mut cases = Vec::new();
    for (group, case) in file.cases() {
        cases.push(match results.0.get(&case.id) {
            None => CaseReport::new(case, Outcome::NotGiven, None),
            Some(given) => checker.case(group, case, given)?,
        });
    }
    let Checker { declared, mut observed, axes, .. } = checker;
    // what differs tells forms apart soonest
    observed.sort_by_key(|(differs, _)| !differs);
    let any = observed.first().is_some_and(|(differs, _)| *differs);
    let observed: Vec<Observed> = observed.into_iter().map(|(_, one)| one).collect();
    let diagnosis = any.then(|| diagnose(formula, &declared, &observed, settings.precision.arithmetic()));
    Ok(Report { formula: file.formula.clone(), precision: settings.precision, cases, axes, diagnosis })
}

/// The longest trajectory that a diagnosis goes through: it goes through it under every form.
const DIAGNOSED: usize = 20;

struct Checker<'a> {
    formula: &'static Formula,
    settings: &'a Settings,
    declared: Vec<(&'static str, &'static str)>,
    /// What was given for short cases, each with whether it differs.
    observed: Vec<(bool, Observed)>,
    axes: BTreeMap<String, Vec<String>>,
}

impl CaseReport {
    fn new(case: &Case, outcome: Outcome, reason: Option<String>) -> CaseReport {
        let id = case.id.clone();
        CaseReport { id, outcome, reason, answers: Vec::new(), numbers: 0, without_digit: 0, worst: None }
    }
}

/// What an output is beside one answer.
struct Beside {
    exceeds: bool,
    numbers: usize,
    without_digit: usize,
    worst: Option<Worst>,
}

impl Checker<'_> {
    fn case(&mut self, group: &Group, case: &Case, given: &Given) -> Result<CaseReport> {
        match (case.result, given) {
            (Expected::Invalid, Given::Refused(_)) => Ok(CaseReport::new(case, Outcome::Conforms, None)),
            (Expected::Invalid, Given::Output(_)) => {
                let reason = format!("it must be refused: {}", case.reason.as_deref().unwrap_or_default());
                Ok(CaseReport::new(case, Outcome::Differs, Some(reason)))
            }
            (Expected::Valid, Given::Refused(why)) => {
                let reason = format!("it has an answer and was refused: {why}");
                Ok(CaseReport::new(case, Outcome::Differs, Some(reason)))
            }
            (Expected::Valid, Given::Output(found)) => self.valid(group, case, found),
            (Expected::Acceptable, given) => self.acceptable(group, case, given),
        }
    }

    /// The input as the precision holds it, under the conventions of the group, or those that were declared, and
    /// an answer's.
    fn input(&self, group: &Group, case: &Case, answer: Option<&Answer>) -> Value {
        let mut others = if group.conventions.is_empty() { self.settings.conventions.clone() } else { BTreeMap::new() };
        others.extend(answer.into_iter().flat_map(|answer| answer.conventions.clone()));
        cases::held_in(case.input_under(group, &others), self.settings.precision.tensor())
    }

    fn reference(&self, input: &Value) -> Result<Reference> {
        Reference::of(self.formula, input, self.settings.precision.arithmetic(), expected::starts(self.formula))
    }

    fn valid(&mut self, group: &Group, case: &Case, found: &Value) -> Result<CaseReport> {
        let input = self.input(group, case, None);
        let reference = match self.reference(&input) {
            Ok(reference) => reference,
            Err(reason) => return Ok(CaseReport::new(case, Outcome::NoCase, Some(reason.to_string()))),
        };
        let beside = self.beside(case, found, &reference)?;
        self.observe(case, input, found, beside.exceeds);
        let outcome = if beside.exceeds { Outcome::Differs } else { Outcome::Conforms };
        let mut report = CaseReport::new(case, outcome, None);
        (report.numbers, report.without_digit, report.worst) = (beside.numbers, beside.without_digit, beside.worst);
        Ok(report)
    }

    /// Keeps what was given for the diagnosis. A group's own conventions are not what was declared.
    fn observe(&mut self, case: &Case, input: Value, found: &Value, differs: bool) {
        let steps = input["gradients"].as_array().map_or(0, Vec::len);
        let of_declared = input.get("conventions").is_none_or(|chosen| {
            chosen.as_object().is_some_and(|chosen| {
                chosen.iter().all(|(axis, option)| {
                    self.settings.conventions.get(axis).is_some_and(|declared| option == declared.as_str())
                })
            })
        });
        if of_declared && case.kept.is_none() && (!self.formula.has_steps() || steps <= DIAGNOSED) {
            self.observed.push((differs, Observed::new(input, found.clone())));
        }
    }

    fn beside(&self, case: &Case, found: &Value, reference: &Reference) -> Result<Beside> {
        let kept = case.kept.as_deref();
        results::fit(&case.id, found, &expected::kept_of(&reference.right, kept))?;
        let compared = expected::compared(reference, &expected::unkept(found, kept));
        let worst = compared.iter().filter_map(|c| c.ratio().map(|ratio| (ratio, c)));
        let worst = worst.reduce(|best, other| if other.0 > best.0 { other } else { best });
        let dtype = self.settings.precision.tensor();
        let worst = worst.map(|(_, c)| Worst {
            place: c.place.clone(),
            found: c.found,
            right: c.right,
            allowed: c.allowed.clone().unwrap_or(f64::NAN),
            ulps: dtype.ulps_between(c.found, c.right),
        });
        Ok(Beside {
            exceeds: compared.iter().any(Compared::exceeds),
            numbers: compared.len(),
            without_digit: compared.iter().filter(|c| !c.promises_a_digit()).count(),
            worst,
        })
    }

    fn acceptable(&mut self, group: &Group, case: &Case, given: &Given) -> Result<CaseReport> {
        let mut report = CaseReport::new(case, Outcome::Differs, None);
        let mut nearest: Option<Beside> = None;
        let mut agreeing: Vec<&Answer> = Vec::new();
        let mut misfit = None;
        for answer in case.answers.iter().flatten() {
            let against = |(axis, option): (&String, &String)| {
                self.settings.conventions.get(axis).is_some_and(|declared| declared != option)
            };
            if answer.conventions.iter().any(against) {
                continue;
            }
            match (self.reference(&self.input(group, case, Some(answer))), given) {
                (Err(_), Given::Refused(_)) => agreeing.push(answer),
                (Ok(reference), Given::Output(found)) => match self.beside(case, found, &reference) {
                    Ok(beside) => {
                        if !beside.exceeds {
                            agreeing.push(answer);
                        }
                        if nearest.as_ref().is_none_or(|known| is_nearer(&beside, known)) {
                            nearest = Some(beside);
                        }
                    }
                    // options may differ in what is put out
                    Err(problem) => misfit = Some(problem),
                },
                _ => {}
            }
        }
        if let Some(problem) = misfit.filter(|_| nearest.is_none()) {
            return Err(problem);
        }
        report.answers = agreeing.iter().map(|answer| answer.id.clone()).collect();
        if !agreeing.is_empty() {
            report.outcome = Outcome::Conforms;
        } else if nearest.is_none() {
            report.reason = Some("it is neither refused as one convention has it nor an answer of another".into());
        }
        if let Some(nearest) = nearest {
            (report.numbers, report.without_digit, report.worst) =
                (nearest.numbers, nearest.without_digit, nearest.worst);
        }
        for axis in case.answers.iter().flatten().flat_map(|answer| answer.conventions.keys()) {
            let options = agreeing.iter().filter_map(|answer| answer.conventions.get(axis));
            let options: Vec<String> = options.cloned().collect();
            let known = self.axes.entry(axis.clone()).or_insert_with(|| options.clone());
            known.retain(|option| options.contains(option));
        }
        Ok(report)
    }
}

/// Whether the worst number of one is less off than that of the other.
fn is_nearer(one: &Beside, other: &Beside) -> bool {
    let ratio = |beside: &Beside| beside.worst.as_ref().map_or(0.0, |w| (w.found - w.right).abs() / w.allowed);
    ratio(one) < ratio(other)
}
