//! What a mistake does: the smallest point found at which the wrong form is another number.

use crate::formula::{Formula, Mistake};
use crate::judges::{Counterexample, Judge, Opinion, Run};
use rayon::prelude::*;
use serde::Serialize;

/// A mistake with a point at which it shows.
#[derive(Clone, Debug, Serialize)]
pub struct Consequence {
    /// The formula's id.
    pub formula: &'static str,
    /// The mistake's id.
    pub mistake: &'static str,
    /// What is wrong, and what would be right.
    pub meaning: &'static str,
    /// The size at which the statement that it is right was refuted.
    pub scope: String,
    /// The point, with both sides there.
    pub counterexample: Counterexample,
}

/// The consequences of every mistake of some formulas, as the search finds them.
pub fn consequences(formulas: &[&'static Formula], run: &Run) -> Vec<Consequence> {
    let mistakes: Vec<(&'static Formula, &'static Mistake)> =
        formulas.iter().flat_map(|f| f.mistakes.iter().map(|mistake| (*f, mistake))).collect();
    mistakes.par_iter().filter_map(|(formula, mistake)| consequence(formula, mistake, run)).collect()
}

fn consequence(formula: &'static Formula, mistake: &'static Mistake, run: &Run) -> Option<Consequence> {
    let statement = (mistake.statement)();
    let Opinion::Refutes(counterexample) = Judge::Search.decide(&statement, run, mistake.id).opinion else {
        return None;
    };
    let (formula, meaning, mistake, scope) = (formula.id, mistake.meaning, mistake.id, statement.scope);
    Some(Consequence { formula, mistake, meaning, scope, counterexample })
}
