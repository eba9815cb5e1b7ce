//! The evidence: what `verify` found, for a program and for a terminal.

pub mod accuracy;
pub mod surveys;
#[cfg(feature = "cli")]
pub mod terminal;

use crate::claim::{Claim, Verdict};
use crate::judges::Run;
use crate::outside::{OUTSIDE, Outside};
use crate::verify::{self, ClaimReport};
use serde::Serialize;
use std::time::Instant;

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

impl Evidence {
    /// Decides the claims and collects what was found; `done` is told of each one.
    pub fn collect(claims: &[&Claim], all: &[Claim], run: &Run, done: impl Fn(&ClaimReport) + Sync) -> Evidence {
        let started = Instant::now();
        let claims = verify::decide_all(claims, all, run, done);
        Evidence {
            claims,
            outside: OUTSIDE,
            run: RunInfo {
                version: env!("CARGO_PKG_VERSION"),
                rng_seed: run.seed,
                cases: run.cases,
                platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
                seconds: started.elapsed().as_secs_f64(),
            },
        }
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
