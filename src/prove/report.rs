//! A text's claims, decided.

use super::decide::{Statement, decide};
use super::elaborate::Stopped;
use super::sampled::meets_its_assumptions;
use super::sizes;
use super::stated;
use super::text::{Claim, Text};
use super::unusable::Unusable;
use crate::judges::Run;
use crate::number::Deadline;
use crate::report::{Evidence, RunInfo};
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

/// Decides every claim of a text.
///
/// # Errors
/// If the text cannot be used; the error names the place and what would be allowed.
pub fn prove(text: &str, limits: &Limits) -> Result<Evidence, Unusable> {
    let started = Instant::now();
    let read = Text::read(text)?;
    let run = Run::new(limits.cases, limits.seed);
    let end = Deadline::after(limits.time);
    let lines: Vec<usize> = read.claims.iter().map(|claim| line(text, claim)).collect();
    let mut claims = Vec::new();
    for (i, claim) in read.claims.iter().enumerate() {
        // one claim may take half of what is left, or its even share, so that it does not starve the others
        let share = f64::max(0.5, 1.0 / (read.claims.len() - i) as f64);
        let statement = statement(text, &read, claim, end.part(share))?;
        let decided = decide(&statement, &run.until(end.part(share)));
        claims.push(decided.report(id(&lines, i), &statement));
    }
    Ok(Evidence { claims, outside: &[], run: RunInfo::of(&run, started) })
}

/// The line of a claim, from 1.
fn line(text: &str, claim: &Claim) -> usize {
    text.get(..claim.at.start).unwrap_or(text).matches('\n').count() + 1
}

/// "line 3", or "line 3, claim 2" of several in it.
fn id(lines: &[usize], i: usize) -> String {
    let in_line = |lines: &[usize]| lines.iter().filter(|&&line| line == lines[0]).count();
    let before = lines[..i].iter().filter(|&&line| line == lines[i]).count();
    let later = in_line(&lines[i..]) - 1;
    match before + later {
        0 => format!("line {}", lines[i]),
        _ => format!("line {}, claim {}", lines[i], before + 1),
    }
}

/// A claim at the sizes at which it is decided.
fn statement(text: &str, read: &Text, claim: &Claim, end: Deadline) -> Result<Statement, Unusable> {
    let used = sizes::used(read, claim);
    let names = sizes::sizes_of(read, claim, &used);
    let mut at = Vec::new();
    for (sizes, beyond) in sizes::tried(read, &names) {
        match stated::instances(read, claim, &sizes, beyond) {
            Ok(more) => at.extend(more),
            Err(Stopped::Unusable(error)) => return Err(error),
            Err(Stopped::TooLarge) => break,
        }
        if end.has_passed() {
            break;
        }
    }
    if let Some(first) = at.first()
        && !meets_its_assumptions(&first.instance)
    {
        return Err(Unusable::new("assumptions that no point meets", claim.at.clone(), "for this claim")
            .help("none of 4000 points was within them"));
    }
    // the first two sizes; larger ones are left out where there is no time for them
    let mut sizes: Vec<_> = at.iter().map(|at| &at.sizes).collect();
    sizes.dedup();
    let second = sizes.get(1).copied().or(sizes.first().copied()).cloned();
    let required = at.iter().rposition(|at| Some(&at.sizes) == second.as_ref()).map_or(at.len(), |last| last + 1);
    Ok(Statement { text: written(text, claim), kind: stated::kind(read, claim, &used), at, required })
}

/// A claim as it stands in the text, in one line.
fn written(text: &str, claim: &Claim) -> String {
    let place = claim.left.at.start..claim.right.at.end;
    let written = text.get(place).unwrap_or_default();
    let lines = written.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
