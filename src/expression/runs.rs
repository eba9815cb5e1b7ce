//! Runs of a graph: nodes that do the same, each to the next numbers of a list, so that they can be computed a
//! vector at a time.
//!
//! For that nodes are put in another order, by how many operations lie before them and then by their kind, in which
//! operands still come first: a formula may be written element by element or operation by operation.

use super::{Graph, Node, NodeId};
use std::ops::Range;

/// The place of a node in the order of runs.
pub(crate) type Place = usize;

/// A graph's nodes as runs, and those that are in none.
#[derive(Clone, Debug)]
pub(crate) struct Runs {
    /// In an order in which operands come first.
    pub parts: Vec<Part>,
    /// The place of each node.
    pub place: Vec<Place>,
}

/// One node or many.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// A node by itself.
    Node(NodeId),
    /// Nodes that do what the first does.
    Run {
        /// One of them.
        like: NodeId,
        /// Their places.
        places: Range<Place>,
        /// What it does it to.
        operands: Vec<Operand>,
    },
}

/// An operand of all nodes of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operand {
    /// Of the k-th node the k-th from this place.
    Each(Place),
    /// The same of all.
    Same(Place),
}

/// Fewer nodes are no run.
const SHORTEST: usize = 64;

/// A sum of more terms is in no run.
const MOST_TERMS: usize = 8;

impl Runs {
    /// Those of a graph.
    pub fn of(graph: &Graph) -> Runs {
        let nodes = graph.nodes();
        let mut levels: Vec<u32> = Vec::with_capacity(nodes.len());
        for node in nodes {
            let mut level = 0;
            node.for_each_operand(|operand| level = level.max(levels[operand as usize] + 1));
            levels.push(level);
        }
        let mut order: Vec<NodeId> = (0..nodes.len() as NodeId).collect();
        // stable: nodes of a kind keep their order
        order.sort_by_key(|&id| (levels[id as usize], kind(&nodes[id as usize])));
        let mut place = vec![0; nodes.len()];
        order.iter().enumerate().for_each(|(at, &id)| place[id as usize] = at);
        let mut parts = Vec::new();
        let mut at = 0;
        while at < order.len() {
            let (length, operands) = longest(nodes, &order[at..], &place, at);
            if length >= SHORTEST {
                parts.push(Part::Run { like: order[at], places: at..at + length, operands });
            } else {
                parts.extend(order[at..at + length].iter().map(|&id| Part::Node(id)));
            }
            at += length;
        }
        Runs { parts, place }
    }

    /// Whether there are any.
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Node(_)))
    }
}

/// What is put side by side.
fn kind(node: &Node) -> (u8, usize) {
    match node {
        Node::Variable(_) => (0, 0),
        Node::Negation(_) => (1, 0),
        Node::Sum(terms) => (2, terms.len()),
        Node::Product(..) => (3, 0),
        Node::Quotient(..) => (4, 0),
        Node::Exp(_) => (5, 0),
        Node::Sqrt(_) => (6, 0),
        // of which there are no runs
        _ => (7, 0),
    }
}

/// How many nodes from the first of these, which has this place, are alike, and their operands.
fn longest(nodes: &[Node], order: &[NodeId], place: &[Place], start: Place) -> (usize, Vec<Operand>) {
    let node = |k: usize| &nodes[order[k] as usize];
    let operands_of = |k: usize| {
        let mut operands = Vec::new();
        match node(k) {
            Node::Variable(position) => operands.push(*position),
            other => other.for_each_operand(|operand| operands.push(place[operand as usize])),
        }
        operands
    };
    let first = operands_of(0);
    if kind(node(0)).0 == 7 || first.len() > MOST_TERMS || order.len() < 2 {
        return (1, Vec::new());
    }
    let is_alike = |k: usize| kind(node(k)) == kind(node(0));
    let second = operands_of(1);
    let follows = |(&from, &to): (&Place, &Place)| from + 1 == to || from == to;
    if !is_alike(1) || !first.iter().zip(&second).all(follows) {
        return (1, Vec::new());
    }
    let operand = |(&from, &to): (&Place, &Place)| if from == to { Operand::Same(from) } else { Operand::Each(from) };
    let operands: Vec<Operand> = first.iter().zip(&second).map(operand).collect();
    // an operand of the run itself is not there yet; a variable's is its position
    let is_variable = matches!(node(0), Node::Variable(_));
    let as_it_goes_on = |k: usize, operand: &Operand| match *operand {
        Operand::Each(from) => (is_variable || from + k < start).then_some(from + k),
        Operand::Same(same) => Some(same),
    };
    let goes_on = |k: usize| {
        let goes_on = |(operand, &x): (&Operand, &Place)| as_it_goes_on(k, operand) == Some(x);
        is_alike(k) && operands.iter().zip(&operands_of(k)).all(goes_on)
    };
    let length = (1..order.len()).find(|&k| !goes_on(k)).unwrap_or(order.len());
    (length, operands)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::{ratio, sum, variables};

    fn lengths(graph: &Graph) -> Vec<usize> {
        let length = |part: &Part| if let Part::Run { places, .. } = part { Some(places.len()) } else { None };
        Runs::of(graph).parts.iter().filter_map(length).collect()
    }

    #[test]
    fn what_is_written_element_by_element_has_runs_too() {
        let graph = Graph::build(|| {
            let x = variables("x", 100);
            vec![sum(x.iter().map(|&x| (x - 1).exp() * x))]
        });
        // x, x − 1, the exponential and the product
        assert_eq!(lengths(&graph), [100; 4]);
        let places: usize = lengths(&graph).iter().sum();
        let alone = Runs::of(&graph).parts.iter().filter(|part| matches!(part, Part::Node(_))).count();
        assert_eq!(places + alone, graph.nodes().len());
    }

    #[test]
    fn a_recursion_and_short_lists_have_none() {
        let recursion = Graph::build(|| {
            let mut x = variables("x", 1)[0];
            for _ in 0..200 {
                x = x * ratio(1, 2);
            }
            vec![x]
        });
        assert!(Runs::of(&recursion).is_empty());
        assert!(Runs::of(&Graph::build(|| vec![sum(variables("x", 63))])).is_empty());
    }
}
