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
        let of = |&id: &NodeId| {
            let text = looked.written(id)?;
            let joined = text.contains(" + ") || text.contains(" - ") || text.starts_with('-');
            Some(if joined && (self.nodes.len() > 1 || self.is_scaled()) { format!("({text})") } else { text })
        };
        let mut factors = self.nodes.iter().map(of).collect::<Option<Vec<_>>>()?;
        if self.numerator.abs() != 1 {
            factors.insert(0, self.numerator.abs().to_string());
        }
        let minus = if self.numerator < 0 { "-" } else { "" };
        let below = if self.denominator == 1 { String::new() } else { format!(" / {}", self.denominator) };
        let text = factors.join(" * ");
        let text = if minus.is_empty() || !(text.contains(" + ") || text.contains(" - ")) {
            text
        } else {
            format!("({text})")
        };
        Some(format!("{minus}{text}{below}"))
    }

    fn is_scaled(&self) -> bool {
        self.numerator.abs() != 1 || self.denominator != 1
    }
}

/// The sentence, if there is such a term in every pair that is wrong.
pub(super) fn hint(looked: &Looked, run: &Run) -> Option<String> {
    let of = |pair: usize| if looked.sample.pair_is_wrong(pair) { term(looked, pair).map(Some) } else { Some(None) };
    let terms: Vec<Option<Term>> = looked.sample.pairs().map(of).collect::<Option<_>>()?;
    let amended = looked
        .amended(|nodes, k, right| Some(terms[k].as_ref().map_or(right, |term| right + term.expression(nodes))))?;
    let sure = confirmed(&[amended], run)?;
    let (pair, first) = terms.iter().enumerate().find_map(|(k, term)| Some((k, term.as_ref()?)))?;
    let place = place(looked, pair);
    let [_, right] = looked.sides();
    // a term of the right side with the opposite sign, twice of which is missing, or one that is too much
    let addend = first.nodes.len() == 1 && addends(looked, pair).iter().any(|&(_, id)| id == first.nodes[0]);
    let sign_in_right =
        addends(looked, pair).iter().find(|&&(_, id)| Some(&id) == first.nodes.first()).map(|&(sign, _)| sign);
    if let (true, Some(sign)) = (addend, sign_in_right) {
        let text = looked.written(first.nodes[0]).unwrap_or_else(|| "a term".into());
        if first.denominator == 1 && first.numerator == -2 * sign {
            return Some(format!("the sign of a term is flipped: {text} in {right}{place}{sure}"));
        }
        if first.denominator == 1 && first.numerator == -sign {
            return Some(format!("a term is too much: {text} in {right}{place}{sure}"));
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

/// What the difference of a pair is a simple multiple of.
fn term(looked: &Looked, pair: usize) -> Option<Term> {
    let points = &looked.sample.points;
    let differences: Vec<f64> = points.iter().map(|point| point.sides[pair].0 - point.sides[pair].1).collect();
    let fit = |nodes: &[NodeId]| {
        let value = |point: &Point| nodes.iter().map(|&id| point.nodes[id as usize]).product::<f64>();
        let first = differences[0] / value(&points[0]);
        let (numerator, denominator) = simple_ratio(first)?;
        let term = Term { numerator, denominator, nodes: nodes.to_vec() };
        points.iter().zip(&differences).all(|(point, &d)| near(term.value(point), d)).then_some(term)
    };
    let own = cone(looked, pair);
    let weight = |term: &Term| {
        (term.denominator, (term.numerator.abs()), looked.written(term.nodes[0]).map_or(usize::MAX, |t| t.len()))
    };
    let alone = own.iter().take(MOST_NODES).filter_map(|&id| fit(&[id])).min_by_key(weight);
    alone.or_else(|| {
        let few: Vec<NodeId> = own.iter().copied().filter(|&id| !is_constant(looked, id)).take(MOST_IN_TWOS).collect();
        few.iter().enumerate().find_map(|(i, &a)| few[i + 1..].iter().find_map(|&b| fit(&[a, b])))
    })
}

fn is_constant(looked: &Looked, id: NodeId) -> bool {
    matches!(looked.pairs.graph.nodes()[id as usize], Node::Constant(_))
}

/// The nodes that the sides of a pair are made of, but for the sides themselves.
fn cone(looked: &Looked, pair: usize) -> Vec<NodeId> {
    let Some((l, r)) = looked.pairs.sides().nth(pair) else { return Vec::new() };
    let graph = &looked.pairs.graph;
    let needed = graph.needed_by(&[l, r]);
    let sides = [graph.outputs()[l], graph.outputs()[r]];
    (0..graph.nodes().len() as NodeId).filter(|id| needed[*id as usize] && !sides.contains(id)).collect()
}

/// The terms of the right side of a pair with their signs, through sums in sums.
fn addends(looked: &Looked, pair: usize) -> Vec<(i64, NodeId)> {
    const DEEPEST: usize = 8;
    let Some((_, r)) = looked.pairs.sides().nth(pair) else { return Vec::new() };
    let mut open = vec![(1, looked.pairs.graph.outputs()[r], 0)];
    let mut all = Vec::new();
    while let Some((sign, id, depth)) = open.pop() {
        match &looked.pairs.graph.nodes()[id as usize] {
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
