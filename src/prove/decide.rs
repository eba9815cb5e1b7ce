//! Decides one statement: verdict, scope, counterexample, hint.

use super::hint;
use crate::claim::{Instance, Kind, Verdict};
use crate::decision::{self, Control, Decision, JudgeReport, Question};
use crate::judges::{Counterexample, Run};
use crate::verify::ClaimReport;
use serde::Serialize;

/// A statement at concrete sizes, smallest first.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The statement as it was written. It seeds the random draws too.
    pub text: String,
    /// What sort of statement it is.
    pub kind: Kind,
    /// The sizes at which it is to hold.
    pub at: Vec<AtSize>,
    /// How many of the sizes must be decided; those after are left out, and the scope says so, when the time
    /// is up.
    pub required: usize,
}

/// A statement at one size, with what hints may name.
#[derive(Clone, Debug)]
pub struct AtSize {
    /// The statement.
    pub instance: Instance,
    /// The sizes: n = 3.
    pub sizes: Vec<(String, i64)>,
    /// For every pair of sides in the order of the instance's outputs, the values of the indices that it is
    /// for: i = 0, j = 2, and of indices that are part of the statement, y = 1. Empty where there are none.
    pub components: Vec<Vec<(String, i64)>>,
}

/// What a statement came to.
#[derive(Clone, Debug, Serialize)]
pub struct Decided {
    /// What it came to.
    pub verdict: Verdict,
    /// For what it was decided.
    pub scope: String,
    /// What each judge said.
    pub judges: Vec<JudgeReport>,
    /// A point at which it is false.
    pub counterexample: Option<Counterexample>,
    /// What is wrong with it, where something fits all that was tried.
    pub hint: Option<String>,
}

/// Decides a statement, within the time of the run.
pub fn decide(statement: &Statement, run: &Run) -> Decided {
    let run = &Run { more_bits: true, ..run.clone() };
    let instances: Vec<Instance> = statement.at.iter().map(|at| at.instance.clone()).collect();
    let question = Question {
        purpose: &statement.text,
        instances: &instances,
        control: Control::Made { required: statement.required },
    };
    let Decision { verdict, scope, judges, counterexample, refuted_at } = decision::decide(&question, run);
    let hint = counterexample.as_ref().zip(refuted_at).and_then(|(found, first)| hint(statement, first, found, run));
    Decided { verdict, scope, judges, counterexample, hint }
}

/// What is wrong at the first size at which the statement is false.
fn hint(statement: &Statement, first: usize, counterexample: &Counterexample, run: &Run) -> Option<String> {
    let (held, rest) = statement.at.split_at(first);
    let (at, later) = rest.split_first()?;
    let next = later.iter().find(|next| next.sizes != at.sizes);
    hint::find(&hint::Refuted { held, at, next, counterexample }, run)
}

impl Decided {
    /// Nothing, for this reason.
    pub(super) fn not(reason: String) -> Decided {
        Decided { verdict: Verdict::Undecided, scope: reason, judges: Vec::new(), counterexample: None, hint: None }
    }

    /// Panics with all that was found unless the verdict is this: for tests.
    ///
    /// # Panics
    /// If the verdict is another one.
    #[track_caller]
    pub fn must_be(&self, verdict: Verdict) {
        assert!(self.verdict == verdict, "{:?} and not {verdict:?}: {self:#?}", self.verdict);
    }

    /// As the report that `verify` makes of its claims.
    pub fn report(self, id: impl Into<String>, statement: &Statement) -> ClaimReport {
        let Decided { verdict, scope, judges, counterexample, hint } = self;
        ClaimReport {
            id: id.into().into(),
            formula: "prove".into(),
            kind: statement.kind,
            statement: statement.text.clone().into(),
            source: None,
            expected: None,
            verdict,
            scope,
            judges,
            counterexample,
            amends: None,
            hint,
        }
    }
}
