//! Gradients that are exactly 0 because their terms take each other away: of parallel, equal or
//! mirrored vectors.
//!
//! The exponentials of different algebraic numbers are linearly independent over the algebraic numbers
//! (Lindemann–Weierstrass), and similarities are algebraic. So within a line, terms can only cancel
//! where their probabilities are equal, which is where their similarities are.

use super::table::Table;
use crate::losses::similarity::Surd;
use crate::number::Sign;

/// Which similarities of a table are equal, and which lines have the same ones.
pub(super) struct Structure {
    /// For every entry the first one with its similarity.
    classes: Vec<usize>,
    /// For every line the first one with its similarities.
    alike: Vec<usize>,
}

impl Structure {
    pub fn of(table: &Table) -> Structure {
        let mut classes: Vec<usize> = Vec::with_capacity(table.entries.len());
        for (e, entry) in table.entries.iter().enumerate() {
            let same = |&first: &usize| {
                let first = &table.entries[first].pair;
                let differ = (entry.pair.s - first.s).sign().is_some_and(|sign| sign != Sign::Zero);
                !differ && entry.pair.exactly() == first.exactly()
            };
            let class = (0..e).filter(|&first| classes[first] == first).find(same).unwrap_or(e);
            classes.push(class);
        }
        let sorted: Vec<Vec<usize>> = table
            .lines
            .iter()
            .map(|line| {
                let mut all: Vec<usize> = line.entries().map(|e| classes[e]).collect();
                all.sort_unstable();
                all
            })
            .collect();
        let first_alike = |line: &Vec<usize>| sorted.iter().position(|other| other == line).unwrap_or_default();
        let alike = sorted.iter().map(first_alike).collect();
        Structure { classes, alike }
    }

    /// Whether the similarities of every line are equal, so that ∂ℓ/∂τ = Σ p (s_+ − s_e)/(nτ²) is 0.
    pub fn is_level(&self, table: &Table) -> bool {
        let level = |e: usize, positive: usize| self.classes[e] == self.classes[positive];
        table.lines.iter().all(|line| line.negatives.iter().all(|&e| level(e, line.positive)))
    }

    /// Whether the terms p_e ∂s_e/∂x_i and −p_e ∂s_+/∂x_i of a gradient take each other away.
    pub fn vanishes(&self, table: &Table, vector: usize, i: usize) -> bool {
        let mut slopes: Vec<Option<Surd>> = vec![None; table.entries.len()];
        for &e in &table.places[vector] {
            slopes[e] = Some(table.entries[e].slope_exactly(vector, i)).filter(|slope| !slope.is_zero());
        }
        let mut terms: Vec<([usize; 2], Surd)> = Vec::new();
        for (line, &alike) in table.lines.iter().zip(&self.alike) {
            for &e in &line.negatives {
                let p = [alike, self.classes[e]];
                let with_sign = [slopes[e].clone(), slopes[line.positive].as_ref().map(Surd::negated)];
                terms.extend(with_sign.into_iter().flatten().map(|slope| (p, slope)));
            }
        }
        while let Some((p, slope)) = terms.pop() {
            let opposite = slope.negated();
            let Some(at) = terms.iter().position(|(q, other)| *q == p && *other == opposite) else {
                return false;
            };
            terms.swap_remove(at);
        }
        true
    }
}
