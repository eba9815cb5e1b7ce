//! The evidence put together: claims, derivations, mistakes, accuracy and pictures, as a page and as data.

use super::Evidence;
use super::consequences::{Consequence, consequences};
use super::derivation::{Derivation, derive};
use super::document::{Block, Picture, html, markdown, words};
use super::known::Peer;
use super::sections::{claims, first, formula, gallery, questions};
use super::{known, sections};
use crate::accuracy;
use crate::catalog;
use crate::formula::Formula;
use crate::judges::Run;
use crate::prove::{Limits, Unusable};
use crate::recording::Recording;
use rayon::prelude::*;
use serde::Serialize;
use std::time::Duration;

/// Time for one derivation: many times what the longest takes.
const TIME: Duration = Duration::from_secs(600);

/// Points per sampled instance of a derivation's steps, which are proved and not sampled.
const CASES: usize = 50;

/// All that a report shows.
#[derive(Clone, Debug)]
pub struct Report {
    /// The claims.
    pub evidence: Evidence,
    /// The derivations of the formulas that claims were asked for.
    pub derivations: Vec<Derivation>,
    /// What mistakes do.
    pub consequences: Vec<Consequence>,
    /// How exact the oracle is known to be.
    pub accuracy: accuracy::Report,
    /// libtorch's outputs.
    pub recordings: Vec<Recording>,
    /// What the conformance kit said of other crates.
    pub peers: Vec<Peer>,
    /// The pictures, with the formula in whose section each stands.
    pub pictures: Vec<(&'static str, Picture)>,
    /// Whether every claim was asked for.
    pub is_whole: bool,
    /// Whether to say where and how long it ran, which differs from run to run.
    pub platform: bool,
}

/// Why there is no report: only a defect of the crate's own texts and pictures.
#[derive(Debug, thiserror::Error)]
pub enum Incomplete {
    /// A derivation cannot be used.
    #[error("the derivation of {formula}: {problem}")]
    Derivation {
        /// The formula.
        formula: &'static str,
        /// What is wrong with the text.
        problem: Unusable,
    },
    /// A picture cannot be drawn.
    #[error("a picture: {0}")]
    Picture(#[from] crate::error::Error),
}

impl Report {
    /// Adds to claims that were decided what else there is to show of their formulas.
    ///
    /// # Errors
    /// If a text or a picture of the crate itself is unusable.
    pub fn of(evidence: Evidence, run: &Run, is_whole: bool) -> Result<Report, Incomplete> {
        let recordings = known::recordings();
        let wanted: Vec<&'static Formula> =
            catalog::FORMULAS.iter().filter(|f| evidence.claims.iter().any(|c| c.formula == f.id)).collect();
        let limits = Limits { time: TIME, cases: run.cases.min(CASES), seed: run.seed };
        let derived = |f: &&'static Formula| {
            derive(f.id, &limits).map_err(|problem| Incomplete::Derivation { formula: f.id, problem })
        };
        let derivations: Vec<Option<Derivation>> = wanted.par_iter().map(derived).collect::<Result<_, _>>()?;
        let pictures = gallery::draw(&recordings)?;
        Ok(Report {
            derivations: derivations.into_iter().flatten().collect(),
            consequences: consequences(&wanted, run),
            accuracy: known::accuracy(),
            pictures: pictures.into_iter().filter(|(of, _)| wanted.iter().any(|f| f.id == *of)).collect(),
            recordings,
            peers: known::peers().into_iter().filter(|held| wanted.iter().any(|f| f.id == held.formula)).collect(),
            evidence,
            is_whole,
            platform: true,
        })
    }

    /// Whether there is a claim about a formula.
    pub fn has(&self, formula: &str) -> bool {
        self.evidence.claims.iter().any(|claim| claim.formula == formula)
    }

    /// The report as a document.
    pub fn document(&self) -> Vec<Block> {
        let mut blocks = first::page(self);
        if self.is_whole {
            blocks.extend(questions::sections(self));
        }
        for formula in catalog::FORMULAS.iter().filter(|f| self.has(f.id)) {
            blocks.extend(formula::section(formula, self));
        }
        let across: Vec<Block> =
            self.evidence.claims.iter().filter(|claim| claim.formula == "across").map(claims::claim).collect();
        if !across.is_empty() {
            blocks.push(Block::Heading { level: 2, anchor: "across".into(), text: "Across formulas".into() });
            blocks.extend(across);
        }
        if self.is_whole {
            blocks.push(Block::Heading { level: 2, anchor: "pictures".into(), text: "All pictures".into() });
            let all = self.pictures.iter().map(|(_, picture)| picture);
            blocks.push(Block::List(all.map(|picture| vec![sections::to_picture(picture)]).collect()));
        }
        blocks.push(Block::Heading { level: 2, anchor: "outside".into(), text: "Outside of mathematics".into() });
        blocks.push(Block::List(
            self.evidence
                .outside
                .iter()
                .map(|o| words(format!("{} ({}): {}.", o.statement, o.source.section, o.reason)))
                .collect(),
        ));
        blocks
    }

    /// The section of one formula.
    pub fn section(&self, formula: &'static Formula) -> Vec<Block> {
        formula::section(formula, self)
    }

    /// One page that needs nothing beside it.
    pub fn html(&self) -> String {
        html::page("gradproof: the evidence", &self.document())
    }

    /// The same as Markdown; `pictures` is the folder that its pictures are in.
    pub fn markdown(&self, pictures: &str) -> String {
        markdown::markdown(&self.document(), pictures)
    }

    /// The same for a program.
    pub fn data(&self) -> Data<'_> {
        Data {
            evidence: &self.evidence,
            derivations: &self.derivations,
            mistakes: &self.consequences,
            peers: &self.peers,
        }
    }
}

/// What a report says, for a program: the object of `verify --format json` with derivations, mistakes and
/// other crates.
#[derive(Debug, Serialize)]
pub struct Data<'a> {
    #[serde(flatten)]
    evidence: &'a Evidence,
    derivations: &'a [Derivation],
    mistakes: &'a [Consequence],
    peers: &'a [Peer],
}
