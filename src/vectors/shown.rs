//! Which wrong forms a case shows: whoever computes one of them fails it.

use super::expected;
use crate::comparison::{Compared, Reference};
use crate::conformance::Precision;
use crate::diagnosis::{Around, Form, Handling};
use crate::formula::{Formula, Mistake};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The axes that are not at their default.
pub(super) type Chosen = BTreeMap<String, String>;

/// Something that is wrong in a form or around it.
#[derive(Clone, Copy)]
pub(super) enum Wrong {
    Mistake(&'static Mistake),
    Handling(Handling),
}

impl Wrong {
    /// Everything that may be wrong with an implementation of a formula.
    pub fn all(formula: &'static Formula) -> Vec<Wrong> {
        let mistakes = formula.mistakes.iter().map(Wrong::Mistake);
        mistakes.chain(Handling::of(formula).into_iter().map(Wrong::Handling)).collect()
    }

    /// The flag: a mistake's id, or a handling's name in the same manner.
    pub fn flag(self) -> String {
        match self {
            Wrong::Mistake(mistake) => mistake.id.into(),
            Wrong::Handling(handling) => in_kebab_case(&format!("{handling:?}")),
        }
    }
}

/// "StepAhead" as "step-ahead", and "Transposed(Gradients, ByColumns)" as "transposed-gradients-by-columns".
fn in_kebab_case(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars().filter(|c| c.is_ascii_alphanumeric()) {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// What the cases of a formula may show, in order.
pub(super) struct Shower {
    formula: &'static Formula,
    wrong: Vec<Wrong>,
}

impl Shower {
    pub fn of(formula: &'static Formula) -> Shower {
        Shower { formula, wrong: Wrong::all(formula) }
    }

    /// The flags of what an input shows under the conventions.
    pub fn flags(&self, input: &Value, reference: &Reference, conventions: &Chosen) -> Vec<String> {
        let right = expected::compared(reference, &reference.right);
        let shown = self.wrong.iter().filter(|wrong| self.shows(input, &right, conventions, **wrong));
        shown.map(|wrong| wrong.flag()).collect()
    }

    /// Whether an input shows something wrong whose flag is not among these.
    pub fn shows_another(
        &self,
        flags: &BTreeSet<String>,
        input: &Value,
        reference: &Reference,
        conventions: &Chosen,
    ) -> bool {
        let right = expected::compared(reference, &reference.right);
        let others = self.wrong.iter().filter(|wrong| !flags.contains(&wrong.flag()));
        others.into_iter().any(|wrong| self.shows(input, &right, conventions, *wrong))
    }

    /// Whether a subject that is wrong in this way, and right otherwise, fails the case, whose right numbers with
    /// what is allowed are given.
    fn shows(&self, input: &Value, right: &[Compared], conventions: &Chosen, wrong: Wrong) -> bool {
        let arithmetic = Precision::F64.arithmetic();
        let mut form = Form { formula: self.formula, conventions: Vec::new(), mistake: None, handling: None };
        for axis in self.formula.axes {
            let chosen = conventions.get(axis.id);
            let option = axis.options.iter().skip(1).find(|option| chosen.is_some_and(|chosen| chosen == option.id));
            form.conventions.extend(option.map(|option| (axis.id, option.id)));
        }
        match wrong {
            Wrong::Mistake(mistake) => form.mistake = Some(mistake),
            Wrong::Handling(handling) => form.handling = Some(handling),
        }
        let Some(outcome) = form.at(input, &Around::default(), arithmetic) else { return false };
        right.iter().any(|compared| {
            let Ok(allowed) = compared.allowed else { return false };
            match outcome.at(&compared.place) {
                Some(predicted) => {
                    let error = (predicted.value - compared.right).abs();
                    error.is_nan() || error > allowed + predicted.bound
                }
                // no number, as after a division by zero
                None => true,
            }
        })
    }
}
