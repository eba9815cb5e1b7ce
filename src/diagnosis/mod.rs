//! What a subject is in fact doing: of all forms that the catalog knows, the ones that give what it gave.
//!
//! A form is a formula under any conventions, with at most one mistake of the catalog; or with a wrong
//! handling of steps, rates, states and tensors beside one convention or mistake. This names what is seen and
//! decides nothing: whether an output conforms is a matter of its budget alone.

mod form;
mod handling;
mod walk;

pub use form::{Form, Outcome, Predicted};
pub use handling::{Handling, Layout, Matrices};

use crate::formula::{Axis, Formula};
use crate::json;
use crate::number::{Dtype, RunningError};
use serde_json::Value;
use std::fmt;

/// What a subject gave at an input, in the shape of the formula's output. It may have fewer places.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The formula's input.
    pub input: Value,
    /// What the subject gave.
    pub found: Value,
    /// What else is known of the run.
    pub around: Around,
}

/// What an optimizer's input does not say of a run, and handlings are about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Around {
    /// The tensors' shapes; none where they are not known.
    pub shapes: Vec<Vec<usize>>,
    /// After how many steps the run was saved and went on.
    pub resumed_at: Option<usize>,
}

impl Observed {
    /// What a subject gave at an input, of which nothing else is known.
    pub fn new(input: Value, found: Value) -> Observed {
        Observed { input, found, around: Around::default() }
    }
}

/// What fits a subject's outputs.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// The forms that agree with every output, of those with the fewest changes.
    pub forms: Vec<Form>,
    /// The coarser arithmetic in which the one form agrees, where none does in the declared one.
    pub coarser: Option<RunningError>,
    /// Where none does, the form that agrees with the most outputs.
    pub closest: Option<Closest>,
    /// How many outputs there were.
    pub cases: usize,
}

/// A form that nearly fits.
#[derive(Clone, Debug)]
pub struct Closest {
    /// The form.
    pub form: Form,
    /// How many outputs it agrees with.
    pub agrees: usize,
    /// The first that it does not agree with, by its index.
    pub parts_at: usize,
}

/// A form is accepted where it is off by at most this many times what rounding explains: graphs of wrong
/// forms are not the algorithm that the subject uses for them.
const SLACK: f64 = 4.0;

/// The most forms of one stage that are tried, since a formula with many axes has very many.
const MOST_FORMS: usize = 6000;

/// Finds what a subject computes.
///
/// `declared` are the conventions that it says it follows, by axis. Outputs that deviate most are best
/// given first.
pub fn diagnose(
    formula: &'static Formula,
    declared: &[(&'static str, &'static str)],
    observed: &[Observed],
    arithmetic: RunningError,
) -> Diagnosis {
    let declared: Vec<_> = declared.to_vec();
    // most forms are told off by little
    let sieve = observed.first().filter(|_| formula.has_steps()).and_then(first_elements);
    // where what is declared says nothing, no form has to
    let own = Form { formula, conventions: declared.clone(), mistake: None, handling: None };
    let with_own = |one: &Observed| (one.clone(), own.at(&one.input, &one.around, arithmetic));
    let all: Vec<(Observed, Option<Outcome>)> = sieve.iter().chain(observed).map(with_own).collect();
    // and most of those by the first step
    let finer: Vec<_> = sieve.iter().flat_map(|one| [1, 2].map(|steps| with_own(&first_steps(one, steps)))).collect();
    let fits_all = |form: &Form, all: &[(Observed, Option<Outcome>)]| {
        all.iter().all(|(one, own)| fits(form, one, own.as_ref(), arithmetic))
    };
    let all_fit = |form: &Form| (form.looks_ahead() || fits_all(form, &finer)) && fits_all(form, &all);
    let stages = stages(formula, &declared);
    for stage in &stages {
        let mut forms: Vec<Form> = stage.iter().take(MOST_FORMS).filter(|form| all_fit(form)).cloned().collect();
        if !forms.is_empty() && !observed.is_empty() {
            let fewest = forms.iter().map(|form| distance(form, &declared)).min().unwrap_or(0);
            forms.retain(|form| distance(form, &declared) == fewest);
            return Diagnosis { forms, coarser: None, closest: None, cases: observed.len() };
        }
    }
    let declared_in = |&coarse: &RunningError| observed.iter().all(|one| fits(&own, one, None, coarse));
    if let Some(coarse) = coarser(arithmetic).into_iter().find(declared_in).filter(|_| !observed.is_empty()) {
        return Diagnosis { forms: vec![own], coarser: Some(coarse), closest: None, cases: observed.len() };
    }
    // what is declared, and what makes one change
    let whole = &all[all.len() - observed.len()..];
    let near = stages.iter().take(2).flatten().filter_map(|form| nearly(form, whole, arithmetic));
    let closest = near.reduce(|best, other| if other.agrees > best.agrees { other } else { best });
    Diagnosis { forms: Vec::new(), coarser: None, closest, cases: observed.len() }
}

/// The arithmetics that lose more than one in f64: hyperparameters in f32, then all numbers. A form that fits in
/// f64 goes before them, since they hide whatever is smaller than their rounding.
fn coarser(arithmetic: RunningError) -> Vec<RunningError> {
    let narrow =
        [(Dtype::F64, Dtype::F32), (Dtype::F32, Dtype::F32)].map(|(tensor, scalar)| RunningError { tensor, scalar });
    let is_coarser = |other: &RunningError| {
        other.tensor.unit() >= arithmetic.tensor.unit() && other.scalar.unit() > arithmetic.scalar.unit()
    };
    narrow.into_iter().filter(is_coarser).collect()
}

/// How nearly a form fits, if it agrees with anything.
fn nearly(form: &Form, observed: &[(Observed, Option<Outcome>)], arithmetic: RunningError) -> Option<Closest> {
    let agrees: Vec<bool> = observed.iter().map(|(one, own)| fits(form, one, own.as_ref(), arithmetic)).collect();
    let parts_at = agrees.iter().position(|agrees| !agrees)?;
    let agrees = agrees.into_iter().filter(|&agrees| agrees).count();
    (agrees > 0).then(|| Closest { form: form.clone(), agrees, parts_at })
}

/// The first element of every tensor of a trajectory. Elements go their own ways.
fn first_elements(observed: &Observed) -> Option<Observed> {
    let mut one = observed.clone();
    let params = one.input["params"].as_array()?;
    if params.iter().any(|tensor| tensor.as_array().is_none_or(Vec::is_empty)) {
        return None;
    }
    let cut = |tensors: &mut Value| {
        let lists = tensors.as_array_mut().into_iter().flatten().filter_map(Value::as_array_mut);
        lists.for_each(|tensor| tensor.truncate(1));
    };
    cut(&mut one.input["params"]);
    for name in ["gradients", "hessians"] {
        one.input.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten().for_each(cut);
    }
    for tensor in one.input.get_mut("state").and_then(Value::as_array_mut).into_iter().flatten() {
        let moments = tensor.as_object_mut().into_iter().flatten().map(|(_, value)| value);
        moments.filter_map(Value::as_array_mut).for_each(|moment| moment.truncate(1));
    }
    let steps = one.found.get_mut("steps").and_then(Value::as_array_mut);
    for step in steps.into_iter().flatten() {
        step.as_object_mut().into_iter().flatten().for_each(|(_, tensors)| cut(tensors));
    }
    Some(one)
}

/// The first steps of a trajectory.
fn first_steps(observed: &Observed, count: usize) -> Observed {
    let mut one = observed.clone();
    let cut = |output: &mut Value, name: &str| {
        output.get_mut(name).and_then(Value::as_array_mut).into_iter().for_each(|steps| steps.truncate(count));
    };
    ["gradients", "hessians", "lr"].iter().for_each(|name| cut(&mut one.input, name));
    cut(&mut one.found, "steps");
    one
}

/// How many choices a form makes that the subject does not declare.
fn distance(form: &Form, declared: &[(&'static str, &'static str)]) -> usize {
    let of = |axis: &str, all: &[(&'static str, &'static str)]| all.iter().find(|(a, _)| *a == axis).map(|&(_, o)| o);
    let axes = form.formula.axes.iter().filter(|axis| of(axis.id, &form.conventions) != of(axis.id, declared)).count();
    axes + usize::from(form.mistake.is_some()) + usize::from(form.handling.is_some())
}

/// Whether a form gives what was found, within what rounding explains.
pub fn gives(form: &Form, observed: &Observed, arithmetic: RunningError) -> bool {
    fits(form, observed, None, arithmetic)
}

/// Whether a form gives what was found. Where it has no value, as after a division by zero, nothing finite
/// may have been found, unless what is declared, `own`, has none either.
fn fits(form: &Form, observed: &Observed, own: Option<&Outcome>, arithmetic: RunningError) -> bool {
    let Some(outcome) = form.at(&observed.input, &observed.around, arithmetic) else { return false };
    json::numbers(&observed.found).into_iter().all(|(place, found)| match outcome.at(&place) {
        Some(predicted) => agrees(found, predicted, arithmetic),
        None => !found.is_finite() || own.is_some_and(|own| own.at(&place).is_none()),
    })
}

fn agrees(found: f64, predicted: Predicted, arithmetic: RunningError) -> bool {
    let dtype = arithmetic.tensor;
    let error = (found - predicted.value).abs();
    let rounding = 2.0 * dtype.unit() * predicted.value.abs() + dtype.smallest();
    error <= SLACK * (predicted.bound + rounding)
}

/// The forms to try, simplest first: what is declared, one change, all conventions, two changes, all
/// conventions with a mistake.
fn stages(formula: &'static Formula, declared: &[(&'static str, &'static str)]) -> Vec<Vec<Form>> {
    let plain =
        |conventions: Vec<(&'static str, &'static str)>| Form { formula, conventions, mistake: None, handling: None };
    let own = plain(declared.to_vec());
    let one_option = |axis: &'static Axis| {
        axis.options.iter().map(move |option| {
            let mut conventions: Vec<_> = declared.iter().copied().filter(|(id, _)| *id != axis.id).collect();
            if option.id != axis.options[0].id {
                conventions.push((axis.id, option.id));
            }
            plain(conventions)
        })
    };
    let near: Vec<Form> = formula.axes.iter().flat_map(one_option).filter(|form| *form != own).collect();
    let every: Vec<Form> = products(formula.axes).into_iter().map(plain).collect();
    let with_mistakes = |forms: &[Form]| -> Vec<Form> {
        let with = |form: &Form| {
            formula.mistakes.iter().map(|m| Form { mistake: Some(m), ..form.clone() }).collect::<Vec<_>>()
        };
        forms.iter().flat_map(with).collect()
    };
    let handlings = Handling::of(formula);
    let with_handlings = |forms: &[Form]| -> Vec<Form> {
        let with = |form: &Form| {
            // a state that is treated wrongly is told of conventions, not of mistakes as well
            let fitting = handlings.iter().filter(|h| form.mistake.is_none() || !h.is_of_state());
            fitting.map(|&h| Form { handling: Some(h), ..form.clone() }).collect::<Vec<_>>()
        };
        forms.iter().flat_map(with).collect()
    };
    let declared_form = std::slice::from_ref(&own);
    let mut single = near.clone();
    single.extend(with_mistakes(declared_form));
    single.extend(with_handlings(declared_form));
    let mut double = with_mistakes(&near);
    double.extend(with_handlings(&near));
    double.extend(with_handlings(&with_mistakes(declared_form)));
    let all = with_mistakes(&every);
    vec![vec![own], single, every, double, all]
}

/// Every combination of the options, without those at their default.
fn products(axes: &'static [Axis]) -> Vec<Vec<(&'static str, &'static str)>> {
    axes.iter().fold(vec![Vec::new()], |all, axis| {
        let with = |chosen: &Vec<(&'static str, &'static str)>| {
            axis.options
                .iter()
                .enumerate()
                .map(|(i, option)| {
                    let mut chosen = chosen.clone();
                    if i > 0 {
                        chosen.push((axis.id, option.id));
                    }
                    chosen
                })
                .collect::<Vec<_>>()
        };
        all.iter().flat_map(with).collect()
    })
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.forms[..], &self.closest) {
            ([], None) => write!(f, "no form of the catalog gives these outputs"),
            ([], Some(closest)) => write!(
                f,
                "no form of the catalog gives these outputs; closest is {}, on {} of {} cases",
                closest.form, closest.agrees, self.cases
            ),
            ([form], _) => {
                write!(f, "is {form}, on {0} of {0} cases", self.cases)?;
                match self.coarser {
                    None => Ok(()),
                    Some(RunningError { tensor: Dtype::F64, .. }) => f.write_str(", but with hyperparameters in f32"),
                    Some(RunningError { tensor, .. }) => write!(f, ", but computed in {tensor}"),
                }
            }
            (forms, _) => {
                write!(f, "on {0} of {0} cases is one of these, which the cases do not tell apart:", self.cases)?;
                forms.iter().try_for_each(|form| write!(f, "\n  {form}"))
            }
        }
    }
}
