//! The section of one formula.

use super::claims::{claim, counterexample};
use super::{anchor_of_formula, gallery};
use crate::formula::{Axis, Formula, Mistake};
use crate::report::Report;
use crate::report::derivation::Derivation;
use crate::report::document::{Block, Fold, Inline, Line, Table, code, text, words};
use crate::report::known::Peer;
use crate::report::standing;

/// The section of a formula.
pub fn section(formula: &'static Formula, report: &Report) -> Vec<Block> {
    let heading = |what: &str, name: &str| Block::Heading {
        level: 3,
        anchor: format!("{}-{what}", anchor_of_formula(formula.id)),
        text: name.into(),
    };
    let mut blocks = vec![
        Block::Heading { level: 2, anchor: anchor_of_formula(formula.id), text: formula.name.into() },
        Block::Equations {
            latex: formula.latex.iter().map(|x| x.to_string()).collect(),
            plain: formula.equation.into(),
        },
        contract(formula),
    ];
    if let Some(derivation) = report.derivations.iter().find(|d| d.formula == formula.id) {
        blocks.push(heading("derivation", "Derivation"));
        blocks.extend(derived(derivation));
    }
    blocks.extend(gallery::of_formula(formula.id, report));
    blocks.push(heading("claims", "Claims"));
    blocks.extend(report.evidence.claims.iter().filter(|c| c.formula == formula.id).map(claim));
    if !formula.axes.is_empty() {
        blocks.push(heading("conventions", "Conventions, and where implementations stand"));
        blocks.extend(formula.axes.iter().map(|axis| convention(formula, axis)));
    }
    let held: Vec<&Peer> = report.peers.iter().filter(|held| held.formula == formula.id).collect();
    if !held.is_empty() {
        blocks.push(heading("peers", "Crates that were held to it"));
        blocks.extend(peers(&held));
    }
    blocks.push(heading("mistakes", "Mistakes, and what they do"));
    blocks.extend(formula.mistakes.iter().map(|wrong| mistake(formula, wrong, report)));
    blocks.push(heading("sources", "Sources"));
    blocks.push(Block::List(sources(formula)));
    blocks
}

fn contract(formula: &Formula) -> Block {
    let facts = [("Input", formula.input), ("Domain", formula.domain), ("Output", formula.output)];
    Block::Fold(Fold {
        anchor: None,
        summary: vec![text("What it takes and gives: "), code(format!("gradproof eval {}", formula.id))],
        inside: vec![Block::List(facts.into_iter().map(|(name, said)| words(format!("{name}: {said}."))).collect())],
    })
}

fn derived(derivation: &Derivation) -> Vec<Block> {
    let proved = derivation.steps.iter().filter(|step| step.is_proved()).count();
    let step = |step: &crate::report::derivation::Step| {
        let mut scopes: Vec<&str> = step.claims.iter().map(|claim| claim.scope.trim()).collect();
        scopes.dedup();
        let mut verdicts: Vec<Inline> = Vec::new();
        for claim in &step.claims {
            if !verdicts.contains(&Inline::Verdict(claim.verdict)) {
                verdicts.push(Inline::Verdict(claim.verdict));
            }
        }
        let said: Line = verdicts.into_iter().chain([text(" "), text(scopes.join("; "))]).collect();
        vec![
            Block::Paragraph(words(step.why.clone())),
            equations(&step.latex),
            Block::Listing(step.equations.clone()),
            Block::Paragraph(said),
        ]
    };
    vec![
        Block::Paragraph(words(format!(
            "{} {} of {} steps are proved, in the language of gradproof prove.",
            derivation.about,
            proved,
            derivation.steps.len()
        ))),
        equations(&derivation.definitions),
        Block::Listing(derivation.given.clone()),
        Block::Steps(derivation.steps.iter().map(step).collect()),
    ]
}

/// Equations that stand above their listing; a terminal has the listing alone.
fn equations(latex: &[String]) -> Block {
    Block::Equations { latex: latex.to_vec(), plain: String::new() }
}

fn convention(formula: &Formula, axis: &Axis) -> Block {
    let row = |(i, option): (usize, &crate::formula::Choice)| {
        let name = if i == 0 { format!("{} (default)", option.id) } else { option.id.into() };
        let who = standing::who(formula.id, axis.id, option.id).join("; ");
        vec![vec![code(name)], words(option.meaning), words(who)]
    };
    Block::Table(Table {
        head: vec![axis.id.replace('_', " "), "what it computes".into(), "who".into()],
        numeric: Vec::new(),
        rows: axis.options.iter().enumerate().map(row).collect(),
    })
}

/// The groups of cases that crates conform in, and in which they differ.
fn peers(held: &[&Peer]) -> Vec<Block> {
    let said = |groups: &[String]| words(if groups.is_empty() { "–".into() } else { groups.join(", ") });
    let row = |held: &&Peer| {
        vec![
            words(held.peer.clone()),
            words(held.held_to.clone()),
            words(held.conforms.to_string()),
            said(&held.differs_as_expected),
            said(&held.differs),
            said(&held.not_supported),
        ]
    };
    let head = ["crate", "held to", "groups that conform", "differs as told", "differs", "not supported"];
    let table = Table {
        head: head.map(String::from).to_vec(),
        numeric: vec![false, false, true],
        rows: held.iter().map(row).collect(),
    };
    let note = "The conformance kit, in groups of cases and under the conventions named. What differs as told is shown \
                in a few lines in ";
    vec![Block::Paragraph(vec![text(note), code("FINDINGS.md"), text(".")]), Block::Table(table)]
}

fn mistake(formula: &Formula, mistake: &Mistake, report: &Report) -> Block {
    let mut facts: Vec<Line> = Vec::new();
    let found = report.consequences.iter().find(|c| c.formula == formula.id && c.mistake == mistake.id);
    if let Some(found) = found {
        facts.push(words(format!("For {}, {}.", found.scope, counterexample(&found.counterexample))));
    }
    facts.push(match mistake.seen() {
        Some(to) => vec![text("Seen in "), Inline::Address { to, text: mistake.source.into() }, text(".")],
        None => words(format!("Source: {}.", mistake.source)),
    });
    let summary = vec![code(mistake.id), text(" "), text(mistake.meaning)];
    Block::Fold(Fold { anchor: None, summary, inside: vec![Block::List(facts)] })
}

fn sources(formula: &Formula) -> Vec<Line> {
    let mut sources = vec![words(formula.source)];
    let mut seen: Vec<&str> = Vec::new();
    for mistake in formula.mistakes.iter().filter(|mistake| mistake.seen().is_some()) {
        if !seen.contains(&mistake.source) {
            seen.push(mistake.source);
        }
    }
    if !seen.is_empty() {
        sources.push(words(format!("Mistakes: {}", seen.join("; "))));
    }
    sources
}
