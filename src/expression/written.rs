//! A node as text, in the notation of `prove`.

use super::graph::{Graph, Node, NodeId};
use num_traits::{One, Signed};
use std::fmt::Write;

/// How tightly an operation binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Sum,
    Product,
    Negation,
    Power,
    Whole,
}

/// The node in at most so many characters; `None` where it takes more.
pub(crate) fn written(graph: &Graph, id: NodeId, most: usize) -> Option<String> {
    let mut writer = Writer { graph, most, left: 4 * most + 64 };
    writer.text(id).map(|(text, _)| text).filter(|text| text.chars().count() <= most)
}

/// The same in parentheses where an operator would take it apart.
pub(crate) fn written_inside(graph: &Graph, id: NodeId, most: usize) -> Option<String> {
    let mut writer = Writer { graph, most, left: 4 * most + 64 };
    writer.inside(id, Binding::Power).filter(|text| text.chars().count() <= most)
}

struct Writer<'a> {
    graph: &'a Graph,
    most: usize,
    /// Nodes that may still be visited: a graph that shares much is much longer as text.
    left: usize,
}

impl Writer<'_> {
    fn node(&self, id: NodeId) -> &Node {
        &self.graph.nodes()[id as usize]
    }

    fn text(&mut self, id: NodeId) -> Option<(String, Binding)> {
        self.left = self.left.checked_sub(1)?;
        if let Some(argument) = self.of_sigmoid(id) {
            return Some((self.call("sigmoid", &[argument])?, Binding::Whole));
        }
        let (text, binding) = match self.node(id).clone() {
            Node::Variable(position) => (self.graph.variables()[position].clone(), Binding::Whole),
            Node::Constant(c) => {
                let binding = match (c.is_negative(), c.denom().is_one()) {
                    (true, _) => Binding::Negation,
                    (false, false) => Binding::Product,
                    (false, true) => Binding::Whole,
                };
                (c.to_string(), binding)
            }
            Node::Pi => ("pi".into(), Binding::Whole),
            Node::Negation(x) => (format!("-{}", self.inside(x, Binding::Product)?), Binding::Negation),
            Node::Sum(terms) => {
                let mut text = String::new();
                let parts = terms.into_iter().map(|term| self.inside(term, Binding::Product));
                let mut parts = parts.collect::<Option<Vec<_>>>()?;
                // a term without a minus first, where there is one
                if let Some(first) = parts.iter().position(|part| !part.starts_with('-')) {
                    parts[..=first].rotate_right(1);
                }
                for (i, part) in parts.into_iter().enumerate() {
                    // a minus of its own, in the place of a plus
                    match part.strip_prefix('-') {
                        Some(rest) if i > 0 => write!(text, " - {rest}").ok()?,
                        _ if i > 0 => write!(text, " + {part}").ok()?,
                        _ => text.push_str(&part),
                    }
                    if text.len() > 4 * self.most {
                        return None;
                    }
                }
                (text, Binding::Sum)
            }
            Node::Product(x, y) => (
                format!("{} * {}", self.inside(x, Binding::Product)?, self.inside(y, Binding::Negation)?),
                Binding::Product,
            ),
            Node::Quotient(x, y) => (
                format!("{} / {}", self.inside(x, Binding::Product)?, self.inside(y, Binding::Power)?),
                Binding::Product,
            ),
            Node::Power(x, n) => {
                let n = if n < 0 { format!("({n})") } else { n.to_string() };
                (format!("{}^{n}", self.inside(x, Binding::Whole)?), Binding::Power)
            }
            Node::Exp(x) => match self.of_power(x) {
                Some((base, exponent)) => {
                    let (base, exponent) = (self.inside(base, Binding::Whole)?, self.inside(exponent, Binding::Whole)?);
                    (format!("{base}^{exponent}"), Binding::Power)
                }
                None => (self.call("exp", &[x])?, Binding::Whole),
            },
            Node::Ln(x) => (self.call("log", &[x])?, Binding::Whole),
            Node::Sqrt(x) => (self.call("sqrt", &[x])?, Binding::Whole),
            Node::Sin(x) => (self.call("sin", &[x])?, Binding::Whole),
            Node::Cos(x) => (self.call("cos", &[x])?, Binding::Whole),
            Node::Ln1p(x) => (format!("log(1 + {})", self.inside(x, Binding::Product)?), Binding::Whole),
            Node::ExpM1(x) => (format!("{} - 1", self.call("exp", &[x])?), Binding::Sum),
            Node::Maximum(operands) => (self.call("max", &operands)?, Binding::Whole),
            // selections have no short form
            Node::BySign { .. } => return None,
        };
        (text.len() <= 4 * self.most).then_some((text, binding))
    }

    fn call(&mut self, name: &str, operands: &[NodeId]) -> Option<String> {
        let texts = operands.iter().map(|&x| self.text(x).map(|(text, _)| text)).collect::<Option<Vec<_>>>()?;
        Some(format!("{name}({})", texts.join(", ")))
    }

    /// An operand, in parentheses where it binds less tightly than this.
    fn inside(&mut self, id: NodeId, least: Binding) -> Option<String> {
        let (text, binding) = self.text(id)?;
        Some(if binding < least { format!("({text})") } else { text })
    }

    /// u and k, where the node is k ln u, the exponent of a power.
    fn of_power(&self, id: NodeId) -> Option<(NodeId, NodeId)> {
        let Node::Product(a, b) = self.node(id) else { return None };
        match (self.node(*a), self.node(*b)) {
            (Node::Ln(u), _) => Some((*u, *b)),
            (_, Node::Ln(u)) => Some((*u, *a)),
            _ => None,
        }
    }

    /// x, where the node is 1/(1 + e^(−x)).
    fn of_sigmoid(&self, id: NodeId) -> Option<NodeId> {
        let one = |id: NodeId| matches!(self.node(id), Node::Constant(c) if c.is_one());
        let Node::Quotient(numerator, denominator) = self.node(id) else { return None };
        let Node::Sum(terms) = self.node(*denominator) else { return None };
        let power = match terms[..] {
            [a, b] if one(a) => b,
            [a, b] if one(b) => a,
            _ => return None,
        };
        let Node::Exp(exponent) = self.node(power) else { return None };
        match self.node(*exponent) {
            Node::Negation(x) if one(*numerator) => Some(*x),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::{Expr, constant, ratio, sigmoid, sum, variables};

    fn text(f: impl FnOnce(&[Expr]) -> Expr) -> String {
        let graph = Graph::build(|| vec![f(&variables("x", 3))]);
        written(&graph, graph.outputs()[0], 80).unwrap_or_default()
    }

    #[test]
    fn parentheses_stand_where_they_are_needed() {
        assert_eq!(text(|x| (x[0] + x[1]) * x[2]), "(x[0] + x[1]) * x[2]");
        assert_eq!(text(|x| x[0] - x[1] * x[2]), "x[0] - x[1] * x[2]");
        assert_eq!(text(|x| x[0] - (x[1] - x[2])), "x[0] - (x[1] - x[2])");
        assert_eq!(text(|x| x[0] / (x[1] * x[2])), "x[0] / (x[1] * x[2])");
        assert_eq!(text(|x| x[0] / x[1] / x[2]), "x[0] / x[1] / x[2]");
        assert_eq!(text(|x| (-x[0]).squared()), "(-x[0])^2");
        assert_eq!(text(|x| -(x[0].squared())), "-x[0]^2");
        assert_eq!(text(|x| x[0] * ratio(1, 2)), "x[0] * (1/2)");
        assert_eq!(text(|x| x[0] * (-x[1])), "x[0] * -x[1]");
        assert_eq!(text(|x| sigmoid(x[0] - x[1]) - 1), "sigmoid(x[0] - x[1]) - 1");
    }

    #[test]
    fn what_is_long_is_not_written() {
        let graph = Graph::build(|| vec![sum(variables("x", 100)) + constant(1)]);
        assert_eq!(written(&graph, graph.outputs()[0], 60), None);
        // 2^60 nodes as text
        let doubled = Graph::build(|| vec![(0..60).fold(variables("x", 1)[0], |x, _| x.exp() + x)]);
        assert_eq!(written(&doubled, doubled.outputs()[0], 60), None);
    }
}
