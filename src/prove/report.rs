//! A text's claims, decided.

use super::decide::{AtSize, Decided, Statement, decide};
use super::hint;
use super::sampled::meets_its_assumptions;
use super::sizes::{self, Sizes};
use super::stated;
use super::text::{Claim, Text};
use super::unusable::Unusable;
use crate::claim::Verdict;
use crate::judges::Run;
use crate::number::Deadline;
use crate::verify::{Evidence, RunInfo};
use std::time::{Duration, Instant};

/// Operations of a graph past which no larger sizes are tried than must be.
const LARGE: usize = 1000;

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
        let (statement, stopped) = statement(text, &read, claim, &run.until(end.part(share)))?;
        let decided = match stopped.filter(|_| statement.at.is_empty()) {
            Some(reason) => Decided::not(reason),
            None => decide(&statement, &run.until(end.part(share))),
        };
        let decided = with_forms(decided, &statement, text, &read, claim, &run.until(end.part(share)));
        claims.push(decided.report(id(&lines, i), &statement));
    }
    Ok(Evidence { claims, outside: &[], run: RunInfo::of(&run, started) })
}

/// With what the sides of a refuted claim are, where they are forms of the catalog's formulas, in its hint.
fn with_forms(decided: Decided, statement: &Statement, text: &str, read: &Text, claim: &Claim, run: &Run) -> Decided {
    if decided.verdict != Verdict::Refuted {
        return decided;
    }
    // at the smallest sizes alone a side may be what it is not at others
    let sizes = |at: &AtSize| at.sizes.iter().map(|(name, size)| (name.clone(), *size as usize)).collect();
    let mut sizes: Vec<Sizes> = statement.at[..statement.required].iter().map(sizes).collect();
    sizes.dedup();
    let form = hint::form::hint(text, read, claim, &sizes, run);
    let hint = decided.hint.into_iter().chain(form).reduce(|hint, form| format!("{hint}; {form}"));
    Decided { hint, ..decided }
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

/// A claim at the sizes at which it is decided, and what kept it from larger ones.
fn statement(text: &str, read: &Text, claim: &Claim, run: &Run) -> Result<(Statement, Option<String>), Unusable> {
    let used = sizes::used(read, claim);
    let names = sizes::sizes_of(read, claim, &used);
    let mut at: Vec<AtSize> = Vec::new();
    let mut required = 0;
    let mut reason = None;
    for (sizes, optional) in sizes::tried(read, &names) {
        let nodes = at.iter().map(|at| at.instance.graph.nodes().len()).max().unwrap_or(0);
        if optional && nodes > LARGE {
            break;
        }
        match stated::instances(read, claim, &sizes, run) {
            // past what is always tried, sizes whose indices are too many to go through say little
            Ok(more) if optional && more.iter().any(|at| at.instance.beyond) => break,
            Ok(more) => at.extend(more),
            Err(stopped) => {
                reason = Some(stopped.reason()?);
                break;
            }
        }
        if !optional {
            required = at.len();
        }
    }
    if let Some(first) = at.first()
        && !meets_its_assumptions(&first.instance)
    {
        return Err(Unusable::new("assumptions that no point meets", claim.at.clone(), "for this claim")
            .help("none of 4000 points was within them"));
    }
    Ok((Statement { text: written(text, claim), kind: stated::kind(read, claim, &used), at, required }, reason))
}

/// A claim as it stands in the text, in one line.
fn written(text: &str, claim: &Claim) -> String {
    let place = claim.left.at.start..claim.right.at.end;
    let written = text.get(place).unwrap_or_default();
    let lines = written.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
