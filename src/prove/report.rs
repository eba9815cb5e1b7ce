//! A text's claims, decided.

use super::decide::decide;
use super::elaborate::Stopped;
use super::sampled::meets_its_assumptions;
use super::sizes;
use super::stated;
use super::text::{Claim, Text};
use super::unusable::Unusable;
use crate::claim::{Instance, Kind, Verdict};
use crate::judges::{Counterexample, Run};
use crate::outside::Outside;
use crate::report::RunInfo;
use crate::verify::JudgeReport;
use serde::Serialize;
use std::time::{Duration, Instant};

/// What a text may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Time for the whole text; claims that are not decided by then stay undecided.
    pub time: Duration,
    /// Points per sampled instance.
    pub cases: usize,
    /// The seed that everything random is drawn from.
    pub seed: u64,
}

impl Default for Limits {
    /// 30 seconds, 200 points, and a fixed seed, so that a test does not change from run to run.
    fn default() -> Limits {
        Limits { time: Duration::from_secs(30), cases: 200, seed: 20_260_213 }
    }
}

/// What the claims of a text came to. Serialized, it is the output of `prove --format json`.
#[derive(Clone, Debug, Serialize)]
pub struct Proof {
    /// The claims, in order.
    pub claims: Vec<ProvenClaim>,
    /// What no mathematics decides: nothing here.
    pub outside: [Outside; 0],
    /// What was run.
    pub run: RunInfo,
}

/// What a claim of a text came to, with its evidence.
#[derive(Clone, Debug, Serialize)]
pub struct ProvenClaim {
    /// "line 3", or "line 3, claim 2" of several in it.
    pub id: String,
    /// A text's claims belong to no formula of the catalog.
    pub formula: Option<&'static str>,
    /// What sort of statement it is.
    pub kind: Kind,
    /// The statement, as it is written.
    pub statement: String,
    /// A text's claims have no source.
    pub source: Option<()>,
    /// A text expects nothing.
    pub expected: Option<Verdict>,
    /// What it came to.
    pub verdict: Verdict,
    /// For what it was decided: sizes, error bounds, what was left out; or why it was not.
    pub scope: String,
    /// What each judge said.
    pub judges: Vec<JudgeReport>,
    /// A point at which it is false.
    pub counterexample: Option<Counterexample>,
    /// A text's claims amend nothing.
    pub amends: Option<()>,
    /// What may be wrong with a refuted claim.
    pub hint: Option<String>,
    /// The line of the text, from 1.
    #[serde(skip)]
    pub line: usize,
}

/// Decides every claim of a text.
///
/// # Errors
/// If the text cannot be used; the error names the place and what would be allowed.
pub fn prove(text: &str, limits: &Limits) -> Result<Proof, Unusable> {
    let started = Instant::now();
    let read = Text::read(text)?;
    let mut run = Run::new(limits.cases, limits.seed);
    let mut claims = Vec::new();
    for (i, claim) in read.claims.iter().enumerate() {
        let left = limits.time.saturating_sub(started.elapsed());
        // each claim may take an even share of what is left, so that one does not starve the others
        let share = left / u32::try_from(read.claims.len() - i).unwrap_or(1);
        run.deadline = started.checked_add(started.elapsed() + share.max(left / 4));
        claims.push(one(text, &read, claim, &run)?);
    }
    name(&mut claims);
    Ok(Proof {
        claims,
        outside: [],
        run: RunInfo {
            version: env!("CARGO_PKG_VERSION"),
            rng_seed: run.seed,
            cases: run.cases,
            platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
            seconds: started.elapsed().as_secs_f64(),
        },
    })
}

/// Numbers the claims of one line.
fn name(claims: &mut [ProvenClaim]) {
    let lines: Vec<usize> = claims.iter().map(|claim| claim.line).collect();
    for (i, claim) in claims.iter_mut().enumerate() {
        let before = lines[..i].iter().filter(|line| **line == claim.line).count();
        let all = lines.iter().filter(|line| **line == claim.line).count();
        claim.id = format!("line {}", claim.line);
        if all > 1 {
            claim.id.push_str(&format!(", claim {}", before + 1));
        }
    }
}

fn one(text: &str, read: &Text, claim: &Claim, run: &Run) -> Result<ProvenClaim, Unusable> {
    let used = sizes::used(read, claim);
    let names = sizes::sizes_of(read, claim, &used);
    let mut instances: Vec<Instance> = Vec::new();
    let mut left_out = None;
    for (at, beyond) in sizes::tried(read, &names) {
        match stated::instances(read, claim, &at, beyond) {
            Ok(more) => instances.extend(more),
            Err(Stopped::Unusable(error)) => return Err(error),
            Err(Stopped::TooLarge) => {
                left_out = Some(sizes::in_words(&at));
                break;
            }
        }
        if run.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            break;
        }
    }
    if let Some(first) = instances.first()
        && !meets_its_assumptions(first)
    {
        return Err(Unusable::new("assumptions that no point meets", claim.at.clone(), "for this claim")
            .help("none of 4000 points was within them"));
    }
    let line = text[..claim.at.start.min(text.len())].matches('\n').count() + 1;
    let mut decision = decide(&instances, run, &format!("line {line}"));
    if instances.is_empty() {
        decision.scope = format!("too large at {}", left_out.clone().unwrap_or_default());
    }
    Ok(ProvenClaim {
        id: String::new(),
        formula: None,
        kind: stated::kind(read, claim, &used),
        statement: written(text, claim),
        source: None,
        expected: None,
        verdict: decision.verdict,
        scope: decision.scope,
        judges: decision.judges,
        counterexample: decision.counterexample,
        amends: None,
        hint: None,
        line,
    })
}

/// A claim as it stands in the text, in one line.
fn written(text: &str, claim: &Claim) -> String {
    let place = claim.left.at.start..claim.right.at.end;
    let written = text.get(place).unwrap_or_default();
    let lines = written.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
