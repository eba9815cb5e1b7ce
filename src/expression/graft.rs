//! A finished graph, taken into the one that is being built.

use super::graph::{Expr, Graph, Node, by_sign, constant, pi, rational};
use super::{maximum, sum};

/// The outputs of a graph with expressions in the place of its variables, in their order. `power` may give
/// xⁿ another form.
///
/// # Panics
/// If there is not one expression for each variable.
pub(crate) fn grafted(graph: &Graph, inputs: &[Expr], power: impl Fn(Expr, i64) -> Option<Expr>) -> Vec<Expr> {
    assert_eq!(inputs.len(), graph.variables().len(), "one expression for each variable");
    let mut made: Vec<Expr> = Vec::with_capacity(graph.nodes().len());
    for node in graph.nodes() {
        let at = |id: &u32| made[*id as usize];
        let next = match node {
            Node::Variable(position) => inputs[*position],
            Node::Constant(value) => rational(value.clone()),
            Node::Pi => pi(),
            Node::Negation(x) => -at(x),
            Node::Sum(terms) => sum(terms.iter().map(at)),
            Node::Product(x, y) => at(x) * at(y),
            Node::Quotient(x, y) => at(x) / at(y),
            Node::Power(x, n) => power(at(x), *n).unwrap_or_else(|| at(x).powi(*n)),
            Node::Exp(x) => at(x).exp(),
            Node::Ln(x) => at(x).ln(),
            Node::Sqrt(x) => at(x).sqrt(),
            Node::Sin(x) => at(x).sin(),
            Node::Cos(x) => at(x).cos(),
            Node::Ln1p(x) => (1 + at(x)).ln(),
            Node::ExpM1(x) => at(x).exp() + constant(-1),
            Node::Maximum(all) => maximum(&all.iter().map(at).collect::<Vec<_>>()),
            Node::BySign { of, negative, zero, positive } => by_sign(at(of), at(negative), at(zero), at(positive)),
        };
        made.push(next);
    }
    graph.outputs().iter().map(|&id| made[id as usize]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::variable;

    #[test]
    fn a_graft_is_the_same_as_writing_it_there() {
        let formula = |x: Expr, y: Expr| (x.exp() + y.powi(3)).ln() / by_sign(x - y, x, constant(0), pi() * y.sqrt());
        let inner = Graph::build(|| {
            let (x, y) = (variable("x"), variable("y"));
            vec![formula(x, y)]
        });
        Graph::build(|| {
            let (a, b) = (variable("a"), variable("b"));
            let inputs = [a * b, b + 1];
            assert_eq!(grafted(&inner, &inputs, |_, _| None), [formula(inputs[0], inputs[1])]);
            let squared = grafted(&inner, &inputs, |x, n| (n == 3).then(|| x.squared()));
            assert_ne!(squared, [formula(inputs[0], inputs[1])]);
            squared
        });
    }
}
