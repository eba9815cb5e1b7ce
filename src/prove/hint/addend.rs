//! A term is missing, too much, or has the wrong sign: the difference of the sides against small multiples of what
//! they are made of, and of products of two of them.

use super::sample::{Point, near};
use super::{Looked, confirmed, simple_ratio};
use crate::expression::{Expr, Node, NodeId, ratio};
use crate::judges::Run;

/// Nodes that are tried alone, and in products of two.
const MOST_NODES: usize = 2000;
const MOST_IN_TWOS: usize = 120;

/// A term of one pair: a fraction times one or two nodes.
#[derive(Clone)]
struct Term {
    numerator: i64,
    denominator: i64,
    nodes: Vec<NodeId>,
}

impl Term {
    fn value(&self, point: &Point) -> f64 {
        let product: f64 = self.nodes.iter().map(|&id| point.nodes[id as usize]).product();
        product * self.numerator as f64 / self.denominator as f64
    }

    fn expression(&self, nodes: &[Expr]) -> Expr {
        self.nodes.iter().fold(ratio(self.numerator, self.denominator), |x, &id| x * nodes[id as usize])
    }

    /// The term with its sign in front.
    fn written(&self, looked: &Looked) -> Option<String> {
        let alone = self.nodes.len() == 1 && self.numerator == self.denominator;
        let of = |&id: &NodeId| if alone { looked.written(id) } else { looked.written_inside(id) };
        let mut factors = self.nodes.iter().map(of).collect::<Option<Vec<_>>>()?;
        if self.numerator.abs() != 1 {
            factors.insert(0, self.numerator.abs().to_string());
        }
        let minus = if self.numerator < 0 { "-" } else { "" };
        let below = if self.denominator == 1 { String::new() } else { format!(" / {}", self.denominator) };
        Some(format!("{minus}{}{below}", factors.join(" * ")))
    }
}

/// The sentence, if a multiple of one part is missing in every pair that is wrong.
pub(super) fn of_one(looked: &Looked, run: &Run) -> Option<String> {
    hint(looked, one_part, run)
}

/// The same with the product of two parts that can be written in a line.
pub(super) fn of_two(looked: &Looked, run: &Run) -> Option<String> {
    hint(looked, |looked, pair| two_parts(looked, pair, false), run)
}

/// The same with any two parts.
pub(super) fn of_two_long(looked: &Looked, run: &Run) -> Option<String> {
    hint(looked, |looked, pair| two_parts(looked, pair, true), run)
}

fn hint(looked: &Looked, term: impl Fn(&Looked, usize) -> Option<Term>, run: &Run) -> Option<String> {
    let of = |pair: usize| if looked.sample.pair_is_wrong(pair) { term(looked, pair).map(Some) } else { Some(None) };
    let terms: Vec<Option<Term>> = looked.sample.pairs().map(of).collect::<Option<_>>()?;
    let amended = looked
        .amended(|nodes, k, right| Some(terms[k].as_ref().map_or(right, |term| right + term.expression(nodes))))?;
    let sure = confirmed(&[amended], run)?;
    let (pair, first) = terms.iter().enumerate().find_map(|(k, term)| Some((k, term.as_ref()?)))?;
    let place = place(looked, pair);
    let [_, right] = looked.sides();
    let own = addends(looked, pair).into_iter().find(|(_, id)| first.nodes == [*id]);
    if let (Some((sign, id)), 1) = (own, first.denominator) {
        let text = looked.written(id).map_or_else(String::new, |text| format!(": {text}"));
        if first.numerator == -2 * sign {
            return Some(format!("the sign of a term is flipped{text} in {right}{place}{sure}"));
        }
        if first.numerator == -sign {
            return Some(format!("a term is too much{text} in {right}{place}{sure}"));
        }
    }
    Some(match first.written(looked) {
        Some(text) => format!("a term is missing: {text} in {right}{place}{sure}"),
        None => format!("a term is missing in {right}{place}{sure}"),
    })
}

/// ", where i = 0", if the pair belongs to indices.
fn place(looked: &Looked, pair: usize) -> String {
    let of = |(name, value): &(String, i64)| format!("{name} = {value}");
    match looked.at.components.get(pair).map(|indices| indices.iter().map(of).collect::<Vec<_>>()) {
        Some(indices) if !indices.is_empty() => format!(", where {}", indices.join(", ")),
        _ => String::new(),
    }
}

/// The product of these nodes that the difference of a pair is a simple multiple of.
fn fit(looked: &Looked, pair: usize, nodes: &[NodeId]) -> Option<Term> {
    let points = &looked.sample.points;
    let difference = |point: &Point| point.sides[pair].0 - point.sides[pair].1;
    let value = |point: &Point| nodes.iter().map(|&id| point.nodes[id as usize]).product::<f64>();
    let (numerator, denominator) = simple_ratio(difference(&points[0]) / value(&points[0]))?;
    let term = Term { numerator, denominator, nodes: nodes.to_vec() };
    points.iter().all(|point| near(term.value(point), difference(point))).then_some(term)
}

fn one_part(looked: &Looked, pair: usize) -> Option<Term> {
    let length = |term: &Term| looked.written(term.nodes[0]).map_or(usize::MAX, |text| text.len());
    let weight = |term: &Term| (term.denominator, term.numerator.abs(), length(term));
    parts(looked, pair).into_iter().take(MOST_NODES).filter_map(|id| fit(looked, pair, &[id])).min_by_key(weight)
}

fn two_parts(looked: &Looked, pair: usize, long: bool) -> Option<Term> {
    let short = |id: &NodeId| !is_constant(looked, *id) && (long || looked.written(*id).is_some());
    let few: Vec<NodeId> = parts(looked, pair).into_iter().filter(short).take(MOST_IN_TWOS).collect();
    few.iter().enumerate().find_map(|(i, &a)| few[i..].iter().find_map(|&b| fit(looked, pair, &[a, b])))
}

fn is_constant(looked: &Looked, id: NodeId) -> bool {
    matches!(looked.graph.nodes()[id as usize], Node::Constant(_))
}

/// What the statement is made of, but for the sides of a pair.
fn parts(looked: &Looked, pair: usize) -> Vec<NodeId> {
    let Some(sides) = looked.side_nodes(pair) else { return Vec::new() };
    (0..looked.graph.nodes().len() as NodeId).filter(|id| !sides.contains(id)).collect()
}

/// The terms of the right side of a pair with their signs, through sums in sums.
fn addends(looked: &Looked, pair: usize) -> Vec<(i64, NodeId)> {
    const DEEPEST: usize = 8;
    let Some((_, r)) = looked.pairs.sides().nth(pair) else { return Vec::new() };
    let mut open = vec![(1, looked.graph.outputs()[r], 0)];
    let mut all = Vec::new();
    while let Some((sign, id, depth)) = open.pop() {
        match &looked.graph.nodes()[id as usize] {
            Node::Sum(terms) if depth < DEEPEST => open.extend(terms.iter().map(|&term| (sign, term, depth + 1))),
            Node::Negation(x) if depth < DEEPEST => open.push((-sign, *x, depth + 1)),
            _ => all.push((sign, id)),
        }
    }
    all
}

/// The last thing to say: by what the sides differ where it is the same number everywhere.
pub(super) fn difference(looked: &Looked) -> Option<String> {
    let wrong = |k: &usize| looked.sample.pair_is_wrong(*k);
    let differences = || {
        looked
            .sample
            .points
            .iter()
            .flat_map(|point| looked.sample.pairs().filter(wrong).map(|k| point.sides[k].0 - point.sides[k].1))
    };
    let first = differences().next()?;
    if !differences().all(|d| near(d, first)) {
        return None;
    }
    let (numerator, denominator) = simple_ratio(first)?;
    let by = if denominator == 1 { numerator.to_string() } else { format!("{numerator}/{denominator}") };
    let [left, right] = looked.sides();
    Some(format!("{left} less {right} is {by} (at every point tried)"))
}
