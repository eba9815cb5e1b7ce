//! The first page: what there is, on one screen.

use super::claims::counterexample;
use super::{anchor_of_claim, anchor_of_formula, distance};
use crate::accuracy::Certified;
use crate::catalog;
use crate::claim::Verdict;
use crate::recording::Recording;
use crate::report::Report;
use crate::report::document::{Block, Figure, Fold, Inline, Line, Table, code, reference, strong, text, words};
use crate::report::questions::QUESTIONS;
use crate::verify::ClaimReport;
use std::collections::BTreeMap;

/// What a proof rests on, weakest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    Exact,
    Enclosed,
    WithError,
}

/// What the scope of a proved claim says of it, in the words of [`crate::decision`].
fn strength(scope: &str) -> Strength {
    if scope.contains("(error below 2^") {
        Strength::WithError
    } else if scope.contains("(by enclosures over the box)") {
        Strength::Enclosed
    } else {
        Strength::Exact
    }
}

/// The first page.
pub fn page(report: &Report) -> Vec<Block> {
    let mut blocks = vec![
        Block::Heading {
            level: 1,
            anchor: "top".into(),
            text: "The mathematics of LLM training, decided by a program".into(),
        },
        figures(report),
        Block::Paragraph(proofs(report)),
        Block::Table(table(report)),
        Block::Paragraph(run(report)),
        Block::Paragraph(places(report)),
    ];
    blocks.extend(refuted(report));
    blocks
}

fn figures(report: &Report) -> Block {
    let count = |verdict| Figure { number: report.evidence.count(verdict), of: vec![Inline::Verdict(verdict)] };
    let mut figures = vec![Figure { number: report.evidence.claims.len(), of: words("claims:") }];
    figures.extend([Verdict::Proved, Verdict::Verified, Verdict::Refuted, Verdict::Undecided].map(count));
    figures.push(Figure { number: report.evidence.outside.len(), of: words("outside of mathematics") });
    Block::Figures(figures)
}

fn proofs(report: &Report) -> Line {
    let proved = || report.evidence.claims.iter().filter(|claim| claim.verdict == Verdict::Proved);
    let count = |of| proved().filter(|claim| strength(&claim.scope) == of).count();
    let mut said = format!(
        "Of the proved, {} exactly, {} by identity tests at random primes with an error below 2⁻¹⁰⁰, and {} by enclosures \
         over a box. Verified is held at every sampled point; refuted has a counterexample.",
        count(Strength::Exact),
        count(Strength::WithError),
        count(Strength::Enclosed),
    );
    let surprises = report.evidence.surprises().count();
    if surprises > 0 {
        said.push_str(&format!(" Verdicts that are not the expected ones: {surprises}."));
    }
    words(said)
}

fn table(report: &Report) -> Table {
    let column = |dtype: &str| report.recordings.iter().find(|r| r.setting.dtype == dtype);
    let (in_f64, in_f32) = (column("f64"), column("f32"));
    let row = |f: &crate::formula::Formula| {
        let of = |verdict| {
            let count = report.evidence.claims.iter().filter(|c| c.formula == f.id && c.verdict == verdict).count();
            words(if count == 0 { "–".into() } else { count.to_string() })
        };
        vec![
            vec![reference(anchor_of_formula(f.id), f.name)],
            of(Verdict::Proved),
            of(Verdict::Verified),
            of(Verdict::Refuted),
            words(reached(report, f.id)),
            words(worst(in_f64, f.id)),
            words(worst(in_f32, f.id)),
        ]
    };
    let head = ["formula", "proved", "verified", "refuted", "oracle in f64", "libtorch f64, ulp", "libtorch f32, ulp"];
    Table {
        head: head.map(String::from).to_vec(),
        numeric: vec![false, true, true, true, false, true, true],
        rows: catalog::FORMULAS.iter().filter(|f| report.has(f.id)).map(row).collect(),
    }
}

fn reached(report: &Report, formula: &str) -> String {
    let Some(certified) = report.accuracy.formulas.iter().find(|f| f.formula == formula) else { return "–".into() };
    let worst = certified.outputs.values().filter_map(|row| row.worst.as_ref()).map(|d| d.ulps()).fold(0.0, f64::max);
    match Certified::is_correctly_rounded(certified) {
        true => "correctly rounded".into(),
        false => format!("within {} ulp", distance(worst)),
    }
}

/// libtorch's largest error of a formula.
fn worst(recording: Option<&Recording>, formula: &str) -> String {
    let surveys = recording.into_iter().flat_map(|r| &r.surveys).filter(|survey| survey.formula == formula);
    surveys.map(|survey| survey.worst_ulps.value).reduce(f64::max).map_or("–".into(), distance)
}

fn run(report: &Report) -> Line {
    let run = &report.evidence.run;
    let mut settings: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for r in &report.recordings {
        let at = (r.setting.libtorch.clone(), r.setting.device_name.clone());
        settings.entry(at).or_default().push(r.setting.dtype.clone());
    }
    let recorded: Vec<String> = settings
        .into_iter()
        .map(|((libtorch, device), dtypes)| format!("libtorch {libtorch} on {device} in {}", dtypes.join(", ")))
        .collect();
    let platform = if report.platform { format!(" on {}, {:.0} s", run.platform, run.seconds) } else { String::new() };
    vec![
        strong("Run:"),
        text(format!(" gradproof {}{platform}; ", run.version)),
        code(format!("gradproof verify --cases {} --rng-seed {}", run.cases, run.rng_seed)),
        text(format!(
            "; oracle against MPFR {} at {} components of every formula or more; {}.",
            report.accuracy.run.mpfr,
            report.accuracy.run.components,
            recorded.join("; ")
        )),
    ]
}

fn places(report: &Report) -> Line {
    let mut line = vec![strong("See also:"), text(" ")];
    if report.is_whole {
        for question in QUESTIONS {
            line.push(reference(question.id, question.id));
            line.push(text(", "));
        }
        line.push(reference("pictures", "pictures"));
        line.push(text(", "));
    }
    line.push(reference("outside", "outside of mathematics"));
    line.push(text("."));
    line
}

/// What is refuted, in a sentence each, by formula.
fn refuted(report: &Report) -> Vec<Block> {
    let refuted: Vec<&ClaimReport> =
        report.evidence.claims.iter().filter(|claim| claim.verdict == Verdict::Refuted).collect();
    if refuted.is_empty() {
        return Vec::new();
    }
    let mut by_formula: Vec<(&str, Vec<Line>)> = Vec::new();
    for claim in &refuted {
        let mut line = vec![reference(anchor_of_claim(&claim.id), claim.statement.to_string())];
        if let Some(found) = &claim.counterexample {
            line.push(text(format!(" No: {}.", counterexample(found))));
        }
        match by_formula.last_mut() {
            Some((formula, lines)) if *formula == claim.formula => lines.push(line),
            _ => by_formula.push((&claim.formula, vec![line])),
        }
    }
    let inside = by_formula
        .into_iter()
        .map(|(formula, lines)| {
            let summary = vec![text(name_of(formula)), text(format!(": {} refuted", lines.len()))];
            Block::Fold(Fold { anchor: None, summary, inside: vec![Block::List(lines)] })
        })
        .collect();
    let summary =
        vec![Inline::Verdict(Verdict::Refuted), text(format!(": {} claims, in a sentence each", refuted.len()))];
    vec![Block::Fold(Fold { anchor: Some("refuted".into()), summary, inside })]
}

/// The name of a formula, or of what spans formulas.
pub fn name_of(id: &str) -> String {
    catalog::formula(id).map_or_else(|_| "Across formulas".into(), |formula| formula.name.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strength_of_a_proof_is_in_its_scope() {
        assert_eq!(strength("V = 2; V = 3 (exactly)"), Strength::Exact);
        assert_eq!(strength("d = 2 (error below 2^-421)"), Strength::WithError);
        assert_eq!(strength("x from 0 to 1 (by enclosures over the box); verified at V = 5"), Strength::Enclosed);
    }
}
