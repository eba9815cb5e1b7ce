//! Reverse-mode derivatives, as graphs: the second autodiff, independent of forward duals.

use super::graph::{Expr, Graph, Node, NodeId, by_sign, constant, needed, nodes_up_to};
use super::sum;

/// The graph with further outputs: ∂f/∂x for the output f with position `of` and each of the
/// variables x with positions `wrt`, in that order.
///
/// At a kink of a selection the derivative is that of the selected branch; at a tie of a maximum
/// every tied operand counts. Neither is a derivative, so kinks are for the caller to avoid.
pub fn with_gradient(graph: &Graph, of: usize, wrt: &[usize]) -> Graph {
    Graph::extend(Some(graph), |nodes| {
        let target = graph.outputs()[of];
        let adjoints = adjoints(graph.nodes(), nodes, target);
        let mut gradient = vec![constant(0); graph.variables().len()];
        for (id, node) in graph.nodes().iter().enumerate() {
            if let Node::Variable(position) = node {
                gradient[*position] = sum(adjoints[id].iter().copied());
            }
        }
        let own = graph.outputs().iter().map(|&id| nodes[id as usize]);
        own.chain(wrt.iter().map(|&position| gradient[position])).collect()
    })
}

/// The derivatives of an expression by the expressions it is made of, in the graph that is being built.
pub(crate) struct Derivatives(Vec<Option<Expr>>);

impl Derivatives {
    /// Differentiates by everything at once.
    pub(crate) fn of(target: Expr) -> Derivatives {
        let (nodes, handles) = nodes_up_to(target);
        let adjoints = adjoints(&nodes, &handles, target.id);
        Derivatives(adjoints.into_iter().map(|all| (!all.is_empty()).then(|| sum(all))).collect())
    }

    /// The derivative by x, everything else that does not use x held fixed; 0 where x is not used.
    pub(crate) fn by(&self, x: Expr) -> Expr {
        self.0.get(x.in_this_build() as usize).copied().flatten().unwrap_or_else(|| constant(0))
    }
}

/// The expressions at whose zeros an expression of the graph that is being built has kinks: conditions of
/// selections, and what roots are of.
pub(crate) fn kinks(target: Expr) -> Vec<Expr> {
    let (nodes, handles) = nodes_up_to(target);
    let used = needed(&nodes, &[target.id]);
    let kink = |(id, node): (usize, &Node)| match node {
        Node::BySign { of, .. } | Node::Sqrt(of) if used[id] => Some(handles[*of as usize]),
        _ => None,
    };
    nodes.iter().enumerate().filter_map(kink).filter(|x| x.as_constant().is_none()).collect()
}

/// For every node, the contributions to ∂target/∂node, whose sum it is.
fn adjoints(graph: &[Node], nodes: &[Expr], target: NodeId) -> Vec<Vec<Expr>> {
    let mut contributions: Vec<Vec<Expr>> = vec![Vec::new(); graph.len()];
    contributions[target as usize].push(constant(1));
    for id in (0..=target as usize).rev() {
        if contributions[id].is_empty() {
            continue;
        }
        let adjoint = sum(contributions[id].iter().copied());
        let y = nodes[id];
        let mut add = |operand: NodeId, value: Expr| contributions[operand as usize].push(value);
        let x = |operand: NodeId| nodes[operand as usize];
        match &graph[id] {
            Node::Variable(_) | Node::Constant(_) | Node::Pi => {}
            Node::Negation(a) => add(*a, -adjoint),
            Node::Sum(terms) => terms.iter().for_each(|&a| add(a, adjoint)),
            Node::Product(a, b) => {
                add(*a, adjoint * x(*b));
                add(*b, adjoint * x(*a));
            }
            Node::Quotient(a, b) => {
                add(*a, adjoint / x(*b));
                add(*b, -(adjoint * y / x(*b)));
            }
            Node::Power(a, n) => add(*a, adjoint * (*n * x(*a).powi(n.saturating_sub(1)))),
            Node::Exp(a) => add(*a, adjoint * y),
            Node::Ln(a) => add(*a, adjoint / x(*a)),
            Node::Sqrt(a) => add(*a, adjoint / (2 * y)),
            Node::Sin(a) => add(*a, adjoint * x(*a).cos()),
            Node::Cos(a) => add(*a, -(adjoint * x(*a).sin())),
            Node::Ln1p(a) => add(*a, adjoint / (1 + x(*a))),
            Node::ExpM1(a) => add(*a, adjoint * (y + 1)),
            Node::Maximum(operands) => {
                for &a in operands {
                    add(a, by_sign(x(a) - y, constant(0), adjoint, constant(0)));
                }
            }
            Node::BySign { of, negative, zero, positive } => {
                let nothing = constant(0);
                add(*negative, by_sign(x(*of), adjoint, nothing, nothing));
                add(*zero, by_sign(x(*of), nothing, adjoint, nothing));
                add(*positive, by_sign(x(*of), nothing, nothing, adjoint));
            }
        }
    }
    contributions
}
