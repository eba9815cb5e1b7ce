//! The mean of contrasts over the lines of a table of similarities, with its gradient, on numbers that
//! carry a bound of their error.
//!
//! With s_e the similarity of an entry e and p its softmax over a line: ∂ℓ/∂s_e is the sum of
//! (p_e − [e = +])/(nτ) over those of the n lines that e is in. A positive's p − 1 is minus the sum of
//! the others.

use super::structure::Structure;
use crate::losses::similarity::{Pair, Similarity, Surd};
use crate::number::Wide;
use std::cell::OnceCell;

/// Pairs of vectors, and the lines in which their similarities are contrasted.
pub(in crate::losses) struct Table<'a> {
    pub(super) entries: Vec<Entry<'a>>,
    pub(super) lines: Vec<Line>,
    /// The entries of each vector.
    pub(super) places: Vec<Vec<usize>>,
    dimension: usize,
    tau: f64,
}

/// A similarity of the table.
pub(super) struct Entry<'a> {
    /// The positions of its vectors.
    vectors: [usize; 2],
    pub(super) pair: Pair<'a>,
}

impl Entry<'_> {
    /// ∂s/∂x_i of the vector with this position.
    fn slope(&self, vector: usize, i: usize) -> Wide {
        if vector == self.vectors[0] { self.pair.d_x(i) } else { self.pair.d_y(i) }
    }

    /// The same without rounding.
    pub(super) fn slope_exactly(&self, vector: usize, i: usize) -> Surd {
        if vector == self.vectors[0] { self.pair.d_x_exactly(i) } else { self.pair.d_y_exactly(i) }
    }
}

/// A row or a column of the table, as positions of entries.
pub(in crate::losses) struct Line {
    /// The one that is to be the largest.
    pub positive: usize,
    /// All others.
    pub negatives: Vec<usize>,
}

impl Line {
    /// All of the line.
    pub(super) fn entries(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.positive).chain(self.negatives.iter().copied())
    }
}

/// A line with its softmax.
struct Contrasted {
    /// ℓ, a sum of two terms that are not negative
    loss: Wide,
    /// p of the negatives
    p: Vec<Wide>,
}

impl<'a> Table<'a> {
    /// The similarities of pairs of vectors, which are given by their positions among vectors of one
    /// length.
    pub fn of(vectors: &[&'a [f64]], pairs: &[[usize; 2]], lines: Vec<Line>, tau: f64, kind: Similarity) -> Table<'a> {
        let mut places = vec![Vec::new(); vectors.len()];
        for (e, pair) in pairs.iter().enumerate() {
            pair.iter().for_each(|&v| places[v].push(e));
        }
        let entry = |&[x, y]: &[usize; 2]| Entry { vectors: [x, y], pair: Pair::of(vectors[x], vectors[y], kind) };
        let dimension = vectors.first().map_or(0, |x| x.len());
        Table { entries: pairs.iter().map(entry).collect(), lines, places, dimension, tau }
    }

    fn s(&self, e: usize) -> Wide {
        self.entries[e].pair.s
    }

    fn contrasted(&self, line: &Line) -> Contrasted {
        let of_larger = |best: usize, e: usize| if self.s(best).is_below(self.s(e)) { e } else { best };
        let largest = line.negatives.iter().copied().fold(line.positive, of_larger);
        let below = |e: usize| (self.s(largest) - self.s(e)) / Wide::from(self.tau);
        let exponential = |e: usize| if e == largest { Wide::ONE } else { (-below(e)).exp() };
        let exponentials: Vec<(usize, Wide)> = line.entries().map(|e| (e, exponential(e))).collect();
        let rest: Wide = exponentials.iter().filter(|&&(e, _)| e != largest).map(|&(_, x)| x).sum();
        let total = Wide::ONE + rest;
        let gap = if largest == line.positive { Wide::ZERO } else { below(line.positive) };
        Contrasted { loss: gap + rest.ln_1p(), p: exponentials[1..].iter().map(|&(_, x)| x / total).collect() }
    }

    /// ℓ, ∂ℓ/∂τ, and ∂ℓ/∂x_i for every component of every vector.
    pub fn mean(&self) -> Vec<Wide> {
        let contrasted: Vec<Contrasted> = self.lines.iter().map(|line| self.contrasted(line)).collect();
        let mut slopes = vec![Wide::ZERO; self.entries.len()];
        let mut d_tau = Wide::ZERO;
        for (line, contrasted) in self.lines.iter().zip(&contrasted) {
            for (&e, &p) in line.negatives.iter().zip(&contrasted.p) {
                slopes[e] = slopes[e] + p;
                slopes[line.positive] = slopes[line.positive] - p;
                d_tau = d_tau + p * (self.s(line.positive) - self.s(e));
            }
        }
        let (n, tau) = (Wide::from(self.lines.len() as f64), Wide::from(self.tau));
        let structure = OnceCell::new();
        let structure = || structure.get_or_init(|| Structure::of(self));
        let unless = |vanishes: &dyn Fn() -> bool, x: Wide| {
            if x.nearest().is_none() && vanishes() { Wide::ZERO } else { x }
        };
        let scale = Wide::ONE / (n * tau);
        let component = |v: usize, i: usize| {
            let terms = self.places[v].iter().map(|&e| slopes[e] * self.entries[e].slope(v, i));
            unless(&|| structure().vanishes(self, v, i), terms.sum::<Wide>() * scale)
        };
        let loss = contrasted.iter().map(|line| line.loss).sum::<Wide>() / n;
        let d_tau = unless(&|| structure().is_level(self), d_tau / (n * tau * tau));
        let components = (0..self.places.len()).flat_map(|v| (0..self.dimension).map(move |i| (v, i)));
        [loss, d_tau].into_iter().chain(components.map(|(v, i)| component(v, i))).collect()
    }
}
