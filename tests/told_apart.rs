//! The matrix of forms and precisions: which case of the conformance kit tells a convention or a mistake
//! from the formula as it is, at each precision.

#[path = "common/forms.rs"]
mod forms;

mod common;

use common::assert_snapshot;
use gradproof::budget::Starts;
use gradproof::catalog;
use gradproof::comparison::{Compared, Reference};
use gradproof::conformance::{self, Precision};
use gradproof::formula::Formula;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// A case with what a subject in some precision may give for it.
struct Held {
    id: String,
    input: Value,
    reference: Reference,
    /// Where the definition, computed in this precision, is past its budget, with every mistake in it.
    past: BTreeSet<String>,
}

/// What the kit holds a subject to under an option, each case made ready when it is asked for.
struct Kit {
    formula: &'static Formula,
    precision: Precision,
    /// Each with its id.
    cases: Vec<(String, Value)>,
    held: BTreeMap<usize, Option<Held>>,
}

/// What a form shows in a precision.
#[derive(Clone)]
enum Cell {
    /// The first case that tells it.
    Told(String),
    /// The default has no value where the form differs: the first case that only the form has.
    Refused(String),
    /// No case does; the largest part of a budget that its difference is.
    Hidden(f64),
}

impl Kit {
    fn new(formula: &'static Formula, precision: Precision, option: Option<(&str, &str)>) -> Kit {
        let groups = conformance::inputs(formula, precision, &chosen(option));
        let cases = groups.into_iter().flat_map(|group| group.inputs).collect();
        Kit { formula, precision, cases, held: BTreeMap::new() }
    }

    fn held(&mut self, index: usize) -> Option<&Held> {
        let Kit { formula, precision, cases, held } = self;
        held.entry(index).or_insert_with(|| Held::new(formula, *precision, &cases[index])).as_ref()
    }

    /// The first case that these conventions have and the default refuses.
    fn added(&self, conventions: &Map<String, Value>) -> Option<String> {
        let (axis, option) = conventions.iter().next()?;
        let kit = Kit::new(self.formula, self.precision, Some((axis, option.as_str()?)));
        let added = kit.cases.iter().find(|(id, _)| !self.cases.iter().any(|(own, _)| own == id));
        added.map(|(id, _)| within(id))
    }

    /// The first case at which the form under these conventions, with this mistake, is past the budget.
    fn tells(&mut self, conventions: &Map<String, Value>, mistake: Option<&str>) -> Cell {
        let mut gap: f64 = 0.0;
        for index in 0..self.cases.len() {
            let (formula, precision) = (self.formula, self.precision);
            let Some(held) = self.held(index) else { continue };
            let mut input = held.input.clone();
            input["conventions"] = conventions.clone().into();
            let Some(found) = forms::computed(formula, &input, mistake, precision) else { continue };
            let compared = held.reference.compare(&shown(formula, found));
            let fair = |c: &&Compared| mistake.is_none() || !held.past.contains(&c.place);
            let ratio = compared.iter().filter(fair).filter_map(Compared::ratio).fold(0.0, f64::max);
            if ratio > 1.0 {
                return Cell::Told(within(&held.id));
            }
            gap = gap.max(ratio);
        }
        self.added(conventions).map_or(Cell::Hidden(gap), Cell::Refused)
    }
}

impl Held {
    fn new(formula: &Formula, precision: Precision, (id, input): &(String, Value)) -> Option<Held> {
        let starts = if formula.has_steps() { Starts::Carried } else { Starts::Reported };
        let reference = Reference::of(formula, input, precision.arithmetic(), starts).ok()?;
        // a step as it is defined is one of the ways that a budget allows for
        let defined = if formula.has_steps() { Value::Null } else { forms::defined(formula, input, precision)? };
        let past = reference.compare(&defined).into_iter().filter(Compared::exceeds).map(|c| c.place).collect();
        Some(Held { id: id.clone(), input: input.clone(), reference, past })
    }
}

/// What a subject shows that shows least: of an optimizer the parameters alone.
fn shown(formula: &Formula, mut output: Value) -> Value {
    if formula.has_steps() {
        for step in output["steps"].as_array_mut().unwrap() {
            *step = json!({ "params": step["params"] });
        }
    }
    output
}

/// The kits of a formula under an option, one for each precision.
fn kits(formula: &'static Formula, option: Option<(&str, &str)>) -> Vec<Kit> {
    Precision::ALL.into_iter().map(|precision| Kit::new(formula, precision, option)).collect()
}

/// Every single option that is not a default.
fn options(formula: &'static Formula) -> impl Iterator<Item = (&'static str, &'static str)> {
    formula.axes.iter().flat_map(|axis| axis.options[1..].iter().map(|option| (axis.id, option.id)))
}

fn chosen(option: Option<(&str, &str)>) -> Map<String, Value> {
    option.into_iter().map(|(axis, option)| (axis.to_string(), Value::from(option))).collect()
}

/// The case's id without the formula's.
fn within(id: &str) -> String {
    id.split_once('/').unwrap().1.to_string()
}

/// One line of the matrix.
fn row(kits: &mut [Kit], conventions: &Map<String, Value>, mistake: Option<&str>) -> Vec<Cell> {
    kits.iter_mut().map(|kit| kit.tells(conventions, mistake)).collect()
}

/// Every form of a formula with its line. A mistake that the default hides is told under an option.
fn matrix(formula: &'static Formula) -> Vec<(String, Vec<Cell>)> {
    let mut plain = kits(formula, None);
    let mut lines = Vec::new();
    for option in options(formula) {
        lines.push((format!("{} = {}", option.0, option.1), row(&mut plain, &chosen(Some(option)), None)));
    }
    for mistake in formula.mistakes {
        let is_told = |cells: &[Cell]| matches!(cells[0], Cell::Told(_));
        let cells = row(&mut plain, &Map::new(), Some(mistake.id));
        let under = |option: (&str, &str)| {
            let mut f64_alone = Kit::new(formula, Precision::F64, Some(option));
            let told = matches!(f64_alone.tells(&chosen(Some(option)), Some(mistake.id)), Cell::Told(_));
            let name = format!("{} under {} = {}", mistake.id, option.0, option.1);
            told.then(|| (name, row(&mut kits(formula, Some(option)), &chosen(Some(option)), Some(mistake.id))))
        };
        let elsewhere = if is_told(&cells) { None } else { options(formula).find_map(under) };
        lines.push(elsewhere.unwrap_or((mistake.id.to_string(), cells)));
    }
    lines
}

/// Holds the matrix of some formulas to its snapshot. Nothing is hidden: where a new form is, a case that
/// tells it is missing.
fn hold(name: &str, ids: &[&str]) {
    let (mut text, mut hidden) = (String::new(), Vec::new());
    for id in ids {
        let formula = catalog::formula(id).unwrap();
        writeln!(text, "{}", formula.name).unwrap();
        for (form, cells) in matrix(formula) {
            let mut by_case: Vec<(String, Vec<String>)> = Vec::new();
            for (precision, cell) in Precision::ALL.into_iter().zip(cells) {
                let case = match cell {
                    Cell::Told(case) => case,
                    Cell::Refused(case) => format!("{case}, which the default refuses"),
                    Cell::Hidden(gap) => {
                        hidden.push(format!("{id}: {form} in {precision} is {gap:.2} of the budget at most"));
                        continue;
                    }
                };
                match by_case.iter_mut().find(|(known, _)| *known == case) {
                    Some((_, precisions)) => precisions.push(precision.to_string()),
                    None => by_case.push((case, vec![precision.to_string()])),
                }
            }
            let in_words = |(case, precisions): &(String, Vec<String>)| format!("{} by {case}", precisions.join(", "));
            let shown = match &by_case[..] {
                [(case, _)] => format!("by {case}"),
                _ => by_case.iter().map(in_words).collect::<Vec<_>>().join("; "),
            };
            writeln!(text, "  {form}: {shown}").unwrap();
        }
    }
    assert!(hidden.is_empty(), "no case tells {}", hidden.join("\n"));
    let description = "the first case that tells each form from the formula, in every precision or by precision";
    assert_snapshot(name, description, &text);
}

#[test]
fn every_form_of_a_loss_is_told_apart_in_every_precision() {
    hold("told-apart-losses", &["cross-entropy", "info-nce", "info-nce-in-batch", "dpo", "dpo-from-logits"]);
}

#[test]
fn every_form_of_an_optimizer_is_told_apart_in_every_precision() {
    hold("told-apart-optimizers", &["adamw", "adam-l2", "lion", "sophia", "sgd"]);
}

#[test]
fn every_form_of_a_schedule_is_told_apart_in_every_precision() {
    hold("told-apart-schedules", &["cosine", "wsd", "linear", "inverse-sqrt", "noam"]);
}

#[test]
fn every_formula_that_the_kit_has_cases_for_is_in_the_matrix() {
    let none = Map::new();
    let held = catalog::FORMULAS.iter().filter(|f| !conformance::inputs(f, Precision::F64, &none).is_empty());
    // the estimators of a Hessian are no optimizer, loss or schedule
    assert_eq!(held.count(), catalog::FORMULAS.len() - 2);
}
