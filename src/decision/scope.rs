//! For what a statement was decided, in words.

use super::{Heard, JudgeReport};
use crate::claim::Instance;
use crate::judges::{Opinion, Part, Strength};
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

/// The sizes of all instances, and for inequalities the part for which the one is proved that is proved the least.
pub(super) fn parts(instances: &[Instance], reliable: &[&Heard]) -> String {
    let all = sizes(instances, |_, _| true);
    let part = |i: usize| reliable.iter().filter_map(|h| h.findings[i].as_ref()).find_map(|f| f.part.as_ref());
    let parts: Vec<(usize, &Part)> = (0..instances.len()).filter_map(|i| Some((i, part(i)?))).collect();
    let Some((least, part)) = parts.iter().min_by(|a, b| a.1.share.total_cmp(&b.1.share)) else { return all };
    let words = &part.words;
    let alike = parts.len() == instances.len() && parts.iter().all(|(_, other)| other.words == *words);
    if alike || instances[*least].scope == all {
        format!("{all}; {words}")
    } else {
        format!("{all}; the least at {}: {words}", instances[*least].scope)
    }
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
