//! What is wrong with a refuted statement, where something fits all that was tried.
//!
//! Every kind of hint is guessed at a few points, in plain f64, as a changed right side. A guess counts when the
//! judges accept the statement that it makes: by an identity test it is a proved amendment, and otherwise it is
//! said to hold at every point tried.

mod addend;
mod component;
mod factor;
pub(super) mod form;
mod inequality;
mod place;
mod renamed;
mod replaced;
mod sample;
mod special;

use super::decide::AtSize;
use crate::claim::{Instance, Relation};
use crate::expression::{Expr, Graph, NodeId, variable_at, written, written_inside};
use crate::judges::{Counterexample, Judge, Opinion, Pairs, Run};
use crate::number::{Expressions, evaluate};
use sample::Sample;

/// Hints are not looked for in larger graphs, where a guess would take too long to confirm.
const LARGEST: usize = 4000;

/// Expressions in hints have at most this many characters.
const LONGEST: usize = 60;

/// What is known of a refuted statement.
pub(super) struct Refuted<'a> {
    /// The sizes up to the one at which it is false.
    pub held: &'a [AtSize],
    /// Where it is false.
    pub at: &'a AtSize,
    /// The next size, where there is one.
    pub next: Option<&'a AtSize>,
    /// The point.
    pub counterexample: &'a Counterexample,
}

/// What is wrong, in a sentence.
pub(super) fn find(refuted: &Refuted, run: &Run) -> Option<String> {
    let at = refuted.at;
    if at.instance.graph.nodes().len() > LARGEST {
        return None;
    }
    if matches!(at.instance.relation, Relation::AtLeast | Relation::Greater) {
        return inequality::hint(at, refuted.counterexample, run);
    }
    let first = Looked::at(at, run)?;
    let next = refuted.next.filter(|next| next.instance.graph.nodes().len() <= LARGEST);
    let next = next.and_then(|next| Looked::at(next, run));
    let looked: Vec<&Looked> = std::iter::once(&first).chain(&next).collect();
    if !first.sample.is_wrong_somewhere() {
        return place::kink_or_boundary(&first, refuted.counterexample);
    }
    // the likeliest first, and what only renames a thing before what takes it apart
    factor::of_names(&looked, run)
        .or_else(|| component::hint(&first))
        .or_else(|| special::size(&first, refuted.held))
        .or_else(|| place::region(&first, run))
        .or_else(|| renamed::hint(&first, run))
        .or_else(|| addend::of_one(&first, run))
        .or_else(|| special::value(&first, run))
        .or_else(|| replaced::hint(&first, run))
        .or_else(|| factor::of_parts(&looked, run))
        .or_else(|| addend::of_two(&first, run))
        .or_else(|| special::zero(&first, run))
        .or_else(|| addend::of_two_long(&first, run))
        .or_else(|| addend::difference(&first))
}

/// A statement as pairs, at the points that say something of it.
pub(super) struct Looked<'a> {
    at: &'a AtSize,
    pairs: Pairs,
    /// The graph of the pairs, and the parts of the statement that they do not use, such as the f of a gradient.
    graph: Graph,
    sample: Sample,
}

impl<'a> Looked<'a> {
    fn at(at: &'a AtSize, run: &Run) -> Option<Looked<'a>> {
        let pairs = Pairs::of(&at.instance);
        let graph = pairs.graph.continued(|outputs| {
            let inputs: Vec<Expr> = (0..pairs.variables.len()).map(variable_at).collect();
            let parts = evaluate(&at.instance.graph, &mut Expressions, &inputs);
            outputs.iter().copied().chain(parts.into_iter().flatten()).collect()
        });
        let sample = Sample::of(&pairs, &graph, run)?;
        Some(Looked { at, pairs, graph, sample })
    }

    /// What the sides are called: a gradient's true side is its derivative, whichever side it was written on.
    fn sides(&self) -> [&'static str; 2] {
        match self.at.instance.relation {
            Relation::Gradient(_) => ["the derivative", "what is claimed"],
            _ => ["the left side", "the right side"],
        }
    }

    /// The value of an index for a pair.
    fn index(&self, pair: usize, name: &str) -> Option<i64> {
        self.at.components.get(pair)?.iter().find(|(index, _)| index == name).map(|(_, value)| *value)
    }

    /// A node as text.
    fn written(&self, node: NodeId) -> Option<String> {
        written(&self.graph, node, LONGEST)
    }

    /// The same in parentheses where an operator would take it apart.
    fn written_inside(&self, node: NodeId) -> Option<String> {
        written_inside(&self.graph, node, LONGEST)
    }

    /// The nodes of the two sides of a pair.
    fn side_nodes(&self, pair: usize) -> Option<[NodeId; 2]> {
        let (l, r) = self.pairs.sides().nth(pair)?;
        Some([l, r].map(|i| self.graph.outputs()[i]))
    }

    /// The statement with other right sides: `change` gets all nodes, the pair's number and its right side.
    fn amended(&self, mut change: impl FnMut(&[Expr], usize, Expr) -> Option<Expr>) -> Option<Instance> {
        let mut complete = true;
        let graph = self.graph.extended(|nodes| {
            let outputs: Vec<Expr> = self.graph.outputs().iter().map(|&id| nodes[id as usize]).collect();
            let mut all = outputs[..self.pairs.assumptions].to_vec();
            for (k, (l, r)) in self.pairs.sides().enumerate() {
                let changed = change(nodes, k, outputs[r]);
                complete &= changed.is_some();
                all.extend([outputs[l], changed.unwrap_or(outputs[r])]);
            }
            all
        });
        complete.then(|| self.with_graph(graph))
    }

    fn with_graph(&self, graph: Graph) -> Instance {
        Instance { graph, relation: Relation::Equal, smooth: self.pairs.kinks.is_some(), ..self.at.instance.clone() }
    }
}

/// How sure an amended statement is, if the judges accept it.
fn confirmed(amended: &[Instance], run: &Run) -> Option<&'static str> {
    let decide = |judge: Judge, instance: &Instance| judge.decide(instance, run, "hint").opinion;
    let proved = |instance: &Instance| matches!(decide(Judge::PrimeField, instance), Opinion::Proves { .. });
    if amended.iter().all(proved) {
        return Some("");
    }
    let holds = |instance: &Instance| {
        matches!(decide(Judge::Enclosure, instance), Opinion::Agrees | Opinion::Proves { .. })
            && !matches!(decide(Judge::Search, instance), Opinion::Refutes(_))
    };
    amended.iter().all(holds).then_some(" (at every point tried)")
}

/// A ratio that people leave out, as a fraction: the sizes of small numerators and denominators.
fn simple_ratio(x: f64) -> Option<(i64, i64)> {
    const LARGEST: i64 = 12;
    if !x.is_finite() || x == 0.0 {
        return None;
    }
    (1..=LARGEST).find_map(|denominator| {
        let numerator = x * denominator as f64;
        let whole = numerator.round();
        let fits = whole != 0.0 && whole.abs() <= LARGEST as f64 && sample::near(numerator, whole);
        fits.then_some((whole as i64, denominator))
    })
}
