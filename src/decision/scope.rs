//! For what a statement was decided, in words.

use super::{Heard, JudgeReport};
use crate::claim::Instance;
use crate::judges::{Opinion, Strength};
use std::collections::BTreeSet;

/// How the proofs were made, the weakest that an instance rests on, and with what left out.
pub(super) fn strength(reliable: &[&Heard], count: usize) -> String {
    let mut error: Option<f64> = None;
    let mut enclosed = false;
    let mut left_out = BTreeSet::new();
    for i in 0..count {
        let mut strengths = Vec::new();
        for heard in reliable {
            if let Some(Opinion::Proves { strength, condition }) = heard.findings[i].as_ref().map(|f| &f.opinion) {
                strengths.push(*strength);
                left_out.extend(*condition);
            }
        }
        let best = strengths.iter().filter_map(|s| if let Strength::WithError(e) = s { Some(*e) } else { None });
        if strengths.contains(&Strength::Exactly) {
            continue;
        }
        match best.reduce(f64::min) {
            Some(best) => error = Some(error.map_or(best, |worst: f64| worst.max(best))),
            None => enclosed |= !strengths.is_empty(),
        }
    }
    let mut text = match (error, enclosed) {
        (Some(log2), _) => format!(" (error below 2^{})", log2.ceil()),
        (None, true) => " (by enclosures over the box)".to_string(),
        (None, false) => " (exactly)".to_string(),
    };
    for condition in left_out {
        text.push_str(", ");
        text.push_str(condition);
    }
    text
}

/// The sizes of the instances to keep.
pub(super) fn sizes(instances: &[Instance], keep: impl Fn(usize, &Instance) -> bool) -> String {
    let kept = instances.iter().enumerate().filter(|(i, x)| keep(*i, x));
    let mut kept: Vec<&str> = kept.map(|(_, x)| x.scope.as_str()).collect();
    kept.dedup();
    kept.join("; ")
}

/// Why nothing was decided, judge by judge.
pub(super) fn reasons(heard: &[Heard]) -> String {
    let reports: Vec<String> = heard
        .iter()
        .map(|h| {
            let report = JudgeReport::of(h);
            format!("{}: {} (control {})", report.judge, report.outcome, report.control.outcome)
        })
        .collect();
    if reports.is_empty() { "no judge knows this kind of statement".into() } else { reports.join("; ") }
}
