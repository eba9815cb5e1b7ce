//! The judges over the claims: what each claim came to, and why.

use crate::claim::{self, Claim, Kind, Source, Verdict};
use crate::decision::{self, Control, Decision, Question};
use crate::judges::{Counterexample, Run};
use serde::Serialize;
use std::borrow::Cow;

pub use crate::decision::{ControlReport, JudgeReport};

/// What a claim came to, with its evidence.
#[derive(Clone, Debug, Serialize)]
pub struct ClaimReport {
    /// The claim.
    pub id: Cow<'static, str>,
    /// Its formula, or "across".
    pub formula: Cow<'static, str>,
    /// What sort of statement it is.
    pub kind: Kind,
    /// The statement.
    pub statement: Cow<'static, str>,
    /// Who said so.
    pub source: Option<Source>,
    /// What it should come to; nothing is expected of a stranger's statement.
    pub expected: Option<Verdict>,
    /// What it came to.
    pub verdict: Verdict,
    /// For what it was decided: sizes, error bounds, what was left out.
    pub scope: String,
    /// What each judge said.
    pub judges: Vec<JudgeReport>,
    /// A point at which it is false.
    pub counterexample: Option<Counterexample>,
    /// The claim that it puts right.
    pub amends: Option<&'static str>,
    /// What is wrong with it, where something fits; for statements of strangers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl ClaimReport {
    /// Whether it came to what was expected.
    pub fn as_expected(&self) -> bool {
        self.expected.is_none_or(|expected| self.verdict == expected)
    }
}

/// Decides one claim. `all` is where amendments are looked up.
pub fn decide(claim: &Claim, all: &[Claim], run: &Run) -> ClaimReport {
    let control = match &claim.control {
        claim::Control::Mistake { id, instance } => Control::Given { id, is_true: false, instance: Some(instance) },
        claim::Control::Amendment(id) => {
            let amendment = all.iter().find(|c| c.id == *id);
            Control::Given { id, is_true: true, instance: amendment.and_then(|c| c.instances.first()) }
        }
    };
    let question = Question { purpose: claim.id, instances: &claim.instances, control };
    let Decision { verdict, scope, judges, counterexample, .. } = decision::decide(&question, run);
    ClaimReport {
        id: claim.id.into(),
        formula: claim.formula().into(),
        kind: claim.kind,
        statement: claim.statement.into(),
        source: claim.source,
        expected: Some(claim.expected),
        verdict,
        scope,
        judges,
        counterexample,
        amends: claim.amends,
        hint: None,
    }
}

/// Decides claims, on all cores with the feature `fast`; `done` is told of each one.
pub fn decide_all(claims: &[&Claim], all: &[Claim], run: &Run, done: impl Fn(&ClaimReport) + Sync) -> Vec<ClaimReport> {
    let one = |claim: &&Claim| {
        let report = decide(claim, all, run);
        done(&report);
        report
    };
    #[cfg(feature = "fast")]
    {
        use rayon::prelude::*;
        claims.par_iter().map(one).collect()
    }
    #[cfg(not(feature = "fast"))]
    claims.iter().map(one).collect()
}
