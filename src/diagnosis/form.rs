//! A form: a formula under some conventions, with at most one mistake and one handling of its own; and
//! what it comes to at an input.

use super::Around;
use super::handling::{self, Handling};
use super::walk::{self, Shown};
use crate::budget::{Budget, Starts};
use crate::catalog;
use crate::formula::{Defined, Formula, Mistake};
use crate::number::RunningError;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// What a subject may be computing.
#[derive(Clone, Debug)]
pub struct Form {
    /// The formula.
    pub formula: &'static Formula,
    /// The options that are chosen, of the axes that are not at their default.
    pub conventions: Vec<(&'static str, &'static str)>,
    /// What is wrong in the formula.
    pub mistake: Option<&'static Mistake>,
    /// What is wrong around it.
    pub handling: Option<Handling>,
}

/// What a form comes to at a place of the output.
#[derive(Clone, Copy, Debug)]
pub struct Predicted {
    /// The value.
    pub value: f64,
    /// How far rounding takes an implementation of the form from it, about.
    pub bound: f64,
}

impl PartialEq for Form {
    fn eq(&self, other: &Form) -> bool {
        self.formula.id == other.formula.id
            && self.conventions == other.conventions
            && self.mistake.map(|m| m.id) == other.mistake.map(|m| m.id)
            && self.handling == other.handling
    }
}

impl Form {
    /// How many choices it makes that are not the formula's default.
    pub fn changes(&self) -> usize {
        self.conventions.len() + usize::from(self.mistake.is_some()) + usize::from(self.handling.is_some())
    }

    /// Whether it is the formula under legitimate choices.
    pub fn is_legitimate(&self) -> bool {
        self.mistake.is_none() && self.handling.is_none()
    }

    /// Whether a step depends on something of a later one.
    pub(super) fn looks_ahead(&self) -> bool {
        self.handling == Some(Handling::RateOfNextStep)
    }

    /// An input with this form's conventions.
    fn input(&self, input: &Value) -> Value {
        let mut input = input.clone();
        if !self.conventions.is_empty() {
            let chosen: serde_json::Map<String, Value> =
                self.conventions.iter().map(|&(axis, option)| (axis.to_string(), json!(option))).collect();
            input["conventions"] = chosen.into();
        } else if let Some(fields) = input.as_object_mut() {
            fields.remove("conventions");
        }
        input
    }

    /// What the form comes to at an input; `None` where the input is outside its domain.
    pub fn at(&self, input: &Value, around: &Around, arithmetic: RunningError) -> Option<Outcome> {
        let chosen = self.input(input);
        let outcome = |graphs: &[Defined], right, shown| Outcome {
            handling: self.handling,
            budget: Budget::of(graphs, arithmetic, Starts::Carried),
            right,
            shown,
            input: input.clone(),
            around: around.clone(),
        };
        let changed = match self.handling {
            None => chosen,
            Some(handling) if handling.is_of_state() => {
                let walk = walk::walk(self.formula, &chosen, handling, around)?;
                return Some(outcome(&walk.graphs, Value::Null, Some(walk.shown)));
            }
            Some(handling) => handling::input(handling, &chosen, around)?,
        };
        // the graphs of a single step need nothing of the output
        let single = self.formula.has_steps() && changed["gradients"].as_array().is_some_and(|steps| steps.len() == 1);
        let right = if single { Value::Null } else { catalog::evaluate(self.formula.id, changed.clone()).ok()? };
        // of an optimizer's step both have the same operations; a loss as it is defined overflows
        let graphs = match self.mistake {
            None if !self.formula.has_steps() => (self.formula.textbook)(&changed, &right),
            mistake => (self.formula.definition)(&changed, &right, mistake.map(|m| m.id)),
        };
        Some(outcome(&graphs.ok()?, right, None))
    }
}

/// What a form comes to at an input.
pub struct Outcome {
    handling: Option<Handling>,
    budget: Budget,
    right: Value,
    /// Where the steps were walked.
    shown: Option<BTreeMap<String, Shown>>,
    input: Value,
    around: Around,
}

impl Outcome {
    /// At a place of the subject's output; `None` where nothing is said.
    pub fn at(&self, place: &str) -> Option<Predicted> {
        if let Some(shown) = &self.shown {
            return match shown.get(place)? {
                Shown::At(own) => self.computed(own),
                Shown::Value(x) => Some(Predicted { value: *x, bound: 0.0 }),
            };
        }
        let own = match self.handling {
            None => Some(place.to_string()),
            Some(handling) => handling::place(handling, place, &self.input, &self.around),
        };
        let Some(own) = own else { return self.beginning(place) };
        match self.budget.at(&own) {
            Some(_) => self.computed(&own),
            // a tensor that has not been stepped yet, or whose last step is earlier
            None => self.earlier(&own).or_else(|| self.beginning(place)),
        }
    }

    /// What a graph comes to at its place.
    fn computed(&self, place: &str) -> Option<Predicted> {
        let running = self.budget.at(place)?.as_ref().ok()?;
        Some(Predicted { value: running.value, bound: running.bound + running.enclosure })
    }

    fn earlier(&self, place: &str) -> Option<Predicted> {
        let (step, rest) = place.strip_prefix("/steps/")?.split_once('/')?;
        let step: usize = step.parse().ok()?;
        (0..step).rev().find_map(|k| self.computed(&format!("/steps/{k}/{rest}")))
    }

    /// The value that a parameter or moment began with; of anything else what the oracle gives.
    fn beginning(&self, place: &str) -> Option<Predicted> {
        let exactly = |value: f64| Predicted { value, bound: 0.0 };
        let Some((_, rest)) = place.strip_prefix("/steps/").and_then(|rest| rest.split_once('/')) else {
            return self.right.pointer(place).and_then(crate::json::real_of).map(exactly);
        };
        if rest.starts_with("params/") {
            return self.input.pointer(&format!("/{rest}")).and_then(crate::json::real_of).map(exactly);
        }
        let (name, at) = rest.split_once('/')?;
        let (tensor, element) = at.split_once('/')?;
        let state = self.input.pointer(&format!("/state/{tensor}/{name}/{element}"));
        Some(exactly(state.and_then(crate::json::real_of).unwrap_or(0.0)))
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.formula.name)?;
        let axes: Vec<String> = self.conventions.iter().map(|(axis, option)| format!("{axis} = {option:?}")).collect();
        if !axes.is_empty() {
            write!(f, " with {}", axes.join(", "))?;
        }
        let join = if axes.is_empty() { " with" } else { " and" };
        if let Some(mistake) = self.mistake {
            write!(f, "{join} the mistake {}: {}", mistake.id, mistake.meaning)?;
            if let Some(seen) = mistake.seen() {
                write!(f, " (as in {seen})")?;
            }
        }
        if let Some(handling) = self.handling {
            write!(f, ", but {}", handling.meaning())?;
        }
        Ok(())
    }
}
