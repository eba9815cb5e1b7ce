//! A claim with all that its judges said.

use super::{anchor_of_claim, distance};
use crate::claim::Source;
use crate::judges::Counterexample;
use crate::report::document::{Block, Fold, Inline, Line, Table, code, reference, text, words};
use crate::verify::{ClaimReport, JudgeReport};

/// A claim, folded: the verdict and the statement are always shown.
pub fn claim(report: &ClaimReport) -> Block {
    let summary = vec![Inline::Verdict(report.verdict), text(" "), text(report.statement.to_string())];
    let mut inside =
        vec![Block::Paragraph(vec![text("Claim "), code(report.id.to_string()), text(", "), text(kind(report))])];
    let mut facts: Vec<Line> = Vec::new();
    if !report.scope.is_empty() {
        facts.push(words(format!("For {}.", report.scope)));
    }
    if let Some(found) = &report.counterexample {
        facts.push(words(format!("Counterexample: {}.", counterexample(found))));
    }
    if let Some(amended) = report.amends {
        facts.push(vec![text("It puts right "), reference(anchor_of_claim(amended), amended), text(".")]);
    }
    if let Some(source) = &report.source {
        facts.push(said(source));
    }
    inside.push(Block::List(facts));
    inside.push(judges(&report.judges));
    Block::Fold(Fold { anchor: Some(anchor_of_claim(&report.id)), summary, inside })
}

fn kind(report: &ClaimReport) -> String {
    let kind = match report.kind {
        crate::claim::Kind::Gradient => "a gradient",
        crate::claim::Kind::Identity => "an identity",
        crate::claim::Kind::Inequality => "an inequality",
        crate::claim::Kind::Expectation => "an expectation",
        crate::claim::Kind::Limit => "a limit",
        crate::claim::Kind::Count => "a count",
    };
    if report.as_expected() { format!("{kind}.") } else { format!("{kind}. The verdict is not the expected one.") }
}

/// A counterexample in one line.
pub fn counterexample(found: &Counterexample) -> String {
    let point: Vec<String> = found.point.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let at = if point.is_empty() { String::new() } else { format!("at {}: ", point.join(", ")) };
    format!("{at}{} against {}", found.left, found.right)
}

fn said(source: &Source) -> Line {
    let is_chinese = source.quote.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    let quote = if is_chinese { Inline::Foreign("zh", source.quote.into()) } else { text(source.quote) };
    let document = match source.document.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)) {
        true => Inline::Foreign("zh", source.document.into()),
        false => text(source.document),
    };
    vec![text("Said in "), document, text(format!(", {}: “", source.section)), quote, text("”.")]
}

/// The power of two that an error is within: its digits are those of one processor's exponential.
fn at_most(ulps: f64) -> String {
    distance(if ulps > 0.0 { ulps.log2().ceil().exp2() } else { 0.0 })
}

fn judges(judges: &[JudgeReport]) -> Block {
    let row = |judge: &JudgeReport| {
        let control = format!("{} {}", judge.control.id, judge.control.outcome);
        let worst = judge.worst_ulp.map(at_most).unwrap_or_default();
        vec![
            words(judge.judge),
            words(judge.outcome.clone()),
            words(judge.cases.to_string()),
            words(worst),
            words(control),
        ]
    };
    Block::Table(Table {
        head: ["judge", "says", "cases", "error at most, ulp", "control"].map(String::from).to_vec(),
        numeric: vec![false, false, true, true, false],
        rows: judges.iter().map(row).collect(),
    })
}
