//! The derivation of every formula in steps, each an equation in the language of `prove`, and each proved.

use crate::claim::Verdict;
use crate::prove::{Limits, Unusable, latex, prove};
use crate::verify::ClaimReport;
use serde::Serialize;

macro_rules! texts {
    ($($id:literal),+ $(,)?) => {
        &[$(($id, include_str!(concat!("derivations/", $id, ".txt")))),+]
    };
}

/// The texts: paragraphs, of which the first declares what the others are about, and each of the others is a step:
/// lines of words after `#`, then what is defined and claimed.
const TEXTS: &[(&str, &str)] = texts![
    "cross-entropy",
    "info-nce",
    "info-nce-in-batch",
    "dpo",
    "dpo-from-logits",
    "adamw",
    "adam-l2",
    "lion",
    "sophia",
    "gauss-newton-bartlett",
    "hutchinson",
    "sgd",
    "cosine",
    "wsd",
    "linear",
    "inverse-sqrt",
    "noam",
];

/// The derivation of a formula.
#[derive(Clone, Debug, Serialize)]
pub struct Derivation {
    /// The formula's id.
    pub formula: &'static str,
    /// What the letters stand for.
    pub about: String,
    /// What is declared and defined.
    pub given: String,
    /// What of it is defined, in LaTeX.
    #[serde(skip)]
    pub definitions: Vec<String>,
    /// The steps.
    pub steps: Vec<Step>,
}

/// A step of a derivation.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Why it holds.
    pub why: String,
    /// Its equations, as they are proved.
    pub equations: String,
    /// The same in LaTeX.
    #[serde(skip)]
    pub latex: Vec<String>,
    /// What each came to.
    pub claims: Vec<ClaimReport>,
}

impl Step {
    /// Whether every equation was proved.
    pub fn is_proved(&self) -> bool {
        !self.claims.is_empty() && self.claims.iter().all(|claim| claim.verdict == Verdict::Proved)
    }
}

/// A paragraph of a text.
struct Paragraph {
    /// The line of its first line, from 1.
    line: usize,
    words: String,
    code: String,
}

fn paragraphs(text: &str) -> Vec<Paragraph> {
    let mut paragraphs: Vec<Paragraph> = Vec::new();
    let mut open = false;
    for (i, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            open = false;
            continue;
        }
        if !open {
            paragraphs.push(Paragraph { line: i + 1, words: String::new(), code: String::new() });
            open = true;
        }
        let Some(paragraph) = paragraphs.last_mut() else { continue };
        let (into, words) = match line.strip_prefix('#') {
            Some(words) => (&mut paragraph.words, words.trim()),
            None => (&mut paragraph.code, line),
        };
        if !into.is_empty() {
            into.push(if line.starts_with('#') { ' ' } else { '\n' });
        }
        into.push_str(words);
    }
    paragraphs
}

/// The line that the id of a claim of `prove` names: "line 3", "line 3, claim 2".
fn line_of(claim: &ClaimReport) -> Option<usize> {
    claim.id.strip_prefix("line ")?.split(',').next()?.parse().ok()
}

/// The text of a formula's derivation.
pub fn text(formula: &str) -> Option<&'static str> {
    TEXTS.iter().find(|(id, _)| *id == formula).map(|(_, text)| *text)
}

/// Proves the derivation of a formula, step by step; nothing where it has none.
///
/// # Errors
/// If the text cannot be used, which a test tells of every text of the crate.
pub fn derive(formula: &str, limits: &Limits) -> Result<Option<Derivation>, Unusable> {
    let Some((id, text)) = TEXTS.iter().find(|(id, _)| *id == formula) else { return Ok(None) };
    let mut paragraphs = paragraphs(text).into_iter();
    let Some(first) = paragraphs.next() else { return Ok(None) };
    let claims = prove(text, limits)?.claims;
    let mut steps: Vec<(usize, Step)> = paragraphs
        .map(|p| (p.line, Step { why: p.words, equations: p.code, latex: Vec::new(), claims: Vec::new() }))
        .collect();
    for claim in claims {
        let line = line_of(&claim).unwrap_or_default();
        if let Some((_, step)) = steps.iter_mut().rev().find(|(from, _)| *from <= line) {
            step.claims.push(claim);
        }
    }
    let mut definitions = Vec::new();
    for equation in latex(text)? {
        match steps.iter_mut().rev().find(|(from, _)| *from <= equation.line) {
            Some((_, step)) => step.latex.push(equation.latex),
            None if equation.is_definition => definitions.push(equation.latex),
            None => {}
        }
    }
    let steps = steps.into_iter().map(|(_, step)| step).collect();
    Ok(Some(Derivation { formula: id, about: first.words, given: first.code, definitions, steps }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    #[test]
    fn every_formula_has_one_and_every_step_says_why() {
        for formula in catalog::FORMULAS {
            let text = text(formula.id).unwrap_or_else(|| panic!("{} has no derivation", formula.id));
            let paragraphs = paragraphs(text);
            assert!(paragraphs.len() >= 4, "{} has few steps", formula.id);
            for paragraph in paragraphs {
                assert!(!paragraph.words.is_empty() && !paragraph.code.is_empty(), "{} {}", formula.id, paragraph.line);
            }
        }
        assert_eq!(TEXTS.len(), catalog::FORMULAS.len());
    }

    #[test]
    fn claims_go_to_their_step() {
        let derivation = derive("sgd", &Limits { cases: 10, ..Limits::default() }).unwrap().unwrap();
        for step in &derivation.steps {
            assert!(step.is_proved(), "{}: {:?}", step.equations, step.claims);
            let lines = step.equations.lines().filter(|line| line.contains("==")).count();
            assert_eq!((step.claims.len(), step.latex.len()), (lines, lines), "{}", step.equations);
        }
    }
}
