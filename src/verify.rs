//! The judges over the claims: what each claim came to, and why.

use crate::claim::{self, Claim, Kind, Source, Verdict};
use crate::decision::{self, Control, Decision, Question};
use crate::judges::{Counterexample, Run};
use crate::outside::{OUTSIDE, Outside};
use serde::Serialize;
use std::borrow::Cow;
use std::time::Instant;

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

/// All that a run of `verify` found. Serialized, it is the output of `verify --format json`.
#[derive(Clone, Debug, Serialize)]
pub struct Evidence {
    /// Every claim that was asked for.
    pub claims: Vec<ClaimReport>,
    /// What no mathematics decides.
    pub outside: &'static [Outside],
    /// What was run.
    pub run: RunInfo,
}

/// What was run.
#[derive(Clone, Debug, Serialize)]
pub struct RunInfo {
    /// This crate's version.
    pub version: &'static str,
    /// The seed that repeats the run.
    pub rng_seed: u64,
    /// Points per sampled instance.
    pub cases: usize,
    /// Operating system and processor.
    pub platform: String,
    /// How long it took.
    pub seconds: f64,
}

impl RunInfo {
    /// Of a run that has just ended.
    pub(crate) fn of(run: &Run, started: Instant) -> RunInfo {
        RunInfo {
            version: env!("CARGO_PKG_VERSION"),
            rng_seed: run.seed,
            cases: run.cases,
            platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
            seconds: started.elapsed().as_secs_f64(),
        }
    }
}

impl Evidence {
    /// Decides the claims and collects what was found; `done` is told of each one.
    pub fn collect(claims: &[&Claim], all: &[Claim], run: &Run, done: impl Fn(&ClaimReport) + Sync) -> Evidence {
        let started = Instant::now();
        let claims = decide_all(claims, all, run, done);
        Evidence { claims, outside: OUTSIDE, run: RunInfo::of(run, started) }
    }

    /// How many claims came to a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.claims.iter().filter(|c| c.verdict == verdict).count()
    }

    /// The claims that came to something else than expected.
    pub fn surprises(&self) -> impl Iterator<Item = &ClaimReport> {
        self.claims.iter().filter(|c| !c.as_expected())
    }
}
