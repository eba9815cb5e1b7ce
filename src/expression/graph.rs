//! The graph: nodes, the handle that formulas are written with, and the builder behind it.

use super::runs::Runs;
use foldhash::fast::RandomState;
use indexmap::IndexSet;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};
use std::cell::RefCell;
use std::sync::OnceLock;

/// The place of a node in its graph. Operands always come before the node that uses them.
pub type NodeId = u32;

/// One operation of a graph, over the nodes before it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// The input with this position in [`Graph::variables`].
    Variable(usize),
    /// An exact rational constant.
    Constant(BigRational),
    /// The circle's constant.
    Pi,
    /// −x
    Negation(NodeId),
    /// A sum of any number of terms, in no particular order.
    Sum(Vec<NodeId>),
    /// x·y
    Product(NodeId, NodeId),
    /// x/y
    Quotient(NodeId, NodeId),
    /// xⁿ for a whole n
    Power(NodeId, i64),
    /// e^x
    Exp(NodeId),
    /// ln x
    Ln(NodeId),
    /// √x
    Sqrt(NodeId),
    /// sin x
    Sin(NodeId),
    /// cos x
    Cos(NodeId),
    /// ln(1 + x), for algorithms that call it by that name
    Ln1p(NodeId),
    /// e^x − 1, for algorithms that call it by that name
    ExpM1(NodeId),
    /// The largest of its operands.
    Maximum(Vec<NodeId>),
    /// One of three values, by the sign of `of`.
    BySign {
        /// The condition.
        of: NodeId,
        /// The value where `of < 0`.
        negative: NodeId,
        /// The value where `of = 0`.
        zero: NodeId,
        /// The value where `of > 0`.
        positive: NodeId,
    },
}

impl Node {
    /// Calls `visit` with every operand.
    pub fn for_each_operand(&self, mut visit: impl FnMut(NodeId)) {
        match self {
            Node::Variable(_) | Node::Constant(_) | Node::Pi => {}
            Node::Sum(terms) | Node::Maximum(terms) => terms.iter().copied().for_each(visit),
            Node::Product(a, b) | Node::Quotient(a, b) => {
                visit(*a);
                visit(*b);
            }
            Node::Negation(x)
            | Node::Power(x, _)
            | Node::Exp(x)
            | Node::Ln(x)
            | Node::Sqrt(x)
            | Node::Sin(x)
            | Node::Cos(x)
            | Node::Ln1p(x)
            | Node::ExpM1(x) => visit(*x),
            Node::BySign { of, negative, zero, positive } => {
                [*of, *negative, *zero, *positive].into_iter().for_each(visit)
            }
        }
    }

    fn renumbered(mut self, place: &[NodeId]) -> Node {
        let to = |id: &mut NodeId| *id = place[*id as usize];
        match &mut self {
            Node::Variable(_) | Node::Constant(_) | Node::Pi => {}
            Node::Sum(terms) | Node::Maximum(terms) => terms.iter_mut().for_each(to),
            Node::Product(a, b) | Node::Quotient(a, b) => [a, b].into_iter().for_each(to),
            Node::Negation(x)
            | Node::Power(x, _)
            | Node::Exp(x)
            | Node::Ln(x)
            | Node::Sqrt(x)
            | Node::Sin(x)
            | Node::Cos(x)
            | Node::Ln1p(x)
            | Node::ExpM1(x) => to(x),
            Node::BySign { of, negative, zero, positive } => [of, negative, zero, positive].into_iter().for_each(to),
        }
        self
    }
}

/// A handle to a node of the graph that this thread is building.
///
/// It is a small `Copy` value, so formulas need neither clones nor lifetimes. A handle means
/// something only inside the [`Graph::build`] call it was made in; using it elsewhere is a mistake
/// in the program and panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expr {
    pub(super) id: NodeId,
    build: u32,
}

/// A finished graph: immutable, `Send` and `Sync`.
#[derive(Clone, Debug)]
pub struct Graph {
    nodes: Vec<Node>,
    variables: Vec<String>,
    outputs: Vec<NodeId>,
    /// Found when they are first asked for.
    runs: OnceLock<Runs>,
}

impl Graph {
    /// Builds a graph: runs `formula`, in which [`variable`] declares inputs, and keeps what it
    /// returns as the outputs.
    pub fn build(formula: impl FnOnce() -> Vec<Expr>) -> Graph {
        Graph::extend(None, |_| formula())
    }

    /// Builds a graph that starts as a copy of `base`; `formula` gets handles to the nodes of
    /// `base` by their ids.
    pub(super) fn extend(base: Option<&Graph>, formula: impl FnOnce(&[Expr]) -> Vec<Expr>) -> Graph {
        let opened = Building::open(base);
        let handles: Vec<Expr> =
            (0..base.map_or(0, |g| g.nodes.len())).map(|id| Expr { id: id as NodeId, build: opened.serial }).collect();
        let outputs = formula(&handles);
        let ids = outputs.iter().map(|e| e.in_this_build()).collect();
        opened.close(ids)
    }

    /// A graph that goes on from this one: `formula` gets the outputs and gives the new ones.
    pub fn continued(&self, formula: impl FnOnce(&[Expr]) -> Vec<Expr>) -> Graph {
        Graph::extend(Some(self), |nodes| {
            let outputs: Vec<Expr> = self.outputs.iter().map(|&id| nodes[id as usize]).collect();
            formula(&outputs)
        })
    }

    /// The same with handles to all nodes, by their ids.
    pub(crate) fn extended(&self, formula: impl FnOnce(&[Expr]) -> Vec<Expr>) -> Graph {
        Graph::extend(Some(self), formula)
    }

    /// The conditions of the graph's selections, whose zeros are its kinks, as a graph of their own.
    pub fn conditions(&self) -> Graph {
        Graph::extend(Some(self), |nodes| {
            let condition = |node: &Node| match node {
                Node::BySign { of, .. } => Some(nodes[*of as usize]),
                _ => None,
            };
            self.nodes.iter().filter_map(condition).collect()
        })
    }

    /// The same graph without its last `n` outputs.
    pub fn with_fewer_outputs(mut self, n: usize) -> Graph {
        self.outputs.truncate(self.outputs.len().saturating_sub(n));
        self
    }

    /// The nodes, operands first.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The names of the inputs, in the order in which values are given.
    pub fn variables(&self) -> &[String] {
        &self.variables
    }

    /// For every node whether some of the outputs, by their positions, are computed from it.
    ///
    /// # Panics
    /// If an output is not there.
    pub fn needed_by(&self, outputs: &[usize]) -> Vec<bool> {
        let ids: Vec<NodeId> = outputs.iter().map(|&i| self.outputs[i]).collect();
        needed(&self.nodes, &ids)
    }

    /// The first input that some output is computed from.
    pub(crate) fn first_used_variable(&self) -> Option<usize> {
        let position = |node: &Node| if let Node::Variable(position) = node { Some(*position) } else { None };
        self.nodes.iter().filter_map(position).min()
    }

    /// The nodes that do the same to the numbers of a list.
    pub(crate) fn runs(&self) -> &Runs {
        self.runs.get_or_init(|| Runs::of(self))
    }

    /// The nodes that are the graph's results.
    pub fn outputs(&self) -> &[NodeId] {
        &self.outputs
    }
}

/// For every node whether some of them are computed from it.
pub(super) fn needed(nodes: &[Node], by: &[NodeId]) -> Vec<bool> {
    let mut needed = vec![false; nodes.len()];
    by.iter().for_each(|&id| needed[id as usize] = true);
    for id in (0..nodes.len()).rev() {
        if needed[id] {
            nodes[id].for_each_operand(|operand| needed[operand as usize] = true);
        }
    }
    needed
}

/// Declares an input of the graph being built.
pub fn variable(name: impl Into<String>) -> Expr {
    with_builder(|b| {
        b.variables.push(name.into());
        let position = b.variables.len() - 1;
        b.intern(Node::Variable(position))
    })
}

/// The input with this position of the graph that is being continued.
///
/// # Panics
/// If there is none.
pub(crate) fn variable_at(position: usize) -> Expr {
    with_builder(|b| {
        assert!(position < b.variables.len(), "no variable with position {position}");
        b.intern(Node::Variable(position))
    })
}

/// Declares `n` inputs `name[0]`, `name[1]`, …
pub fn variables(name: &str, n: usize) -> Vec<Expr> {
    (0..n).map(|i| variable(format!("{name}[{i}]"))).collect()
}

/// A whole-number constant.
pub fn constant(value: i64) -> Expr {
    rational(BigRational::from_integer(BigInt::from(value)))
}

/// The constant numerator/denominator. Decimals are written this way: 0.1 in mathematics is `ratio(1, 10)`.
///
/// # Panics
/// If the denominator is zero.
pub fn ratio(numerator: i64, denominator: i64) -> Expr {
    rational(BigRational::new(BigInt::from(numerator), BigInt::from(denominator)))
}

/// An exact rational constant.
pub fn rational(value: BigRational) -> Expr {
    with_builder(|b| b.intern(Node::Constant(value)))
}

/// π
pub fn pi() -> Expr {
    with_builder(|b| b.intern(Node::Pi))
}

/// One of three values, by the sign of `of`.
pub fn by_sign(of: Expr, negative: Expr, zero: Expr, positive: Expr) -> Expr {
    let [of, negative, zero, positive] = [of, negative, zero, positive].map(|e| e.in_this_build());
    if negative == zero && zero == positive {
        return Expr::made(Node::BySign { of, negative, zero, positive }, |_| Some(zero));
    }
    Expr::made(Node::BySign { of, negative, zero, positive }, |_| None)
}

impl Expr {
    /// The node's id, after the check that the handle belongs to the build in progress.
    pub(super) fn in_this_build(self) -> NodeId {
        BUILDS.with_borrow(|builds| {
            assert!(
                builds.last().is_some_and(|b| b.serial == self.build),
                "an expression was used outside the graph it was built in"
            );
        });
        self.id
    }

    /// The value, if it is a constant.
    pub(crate) fn as_constant(self) -> Option<BigRational> {
        let id = self.in_this_build();
        with_builder(|b| b.constant(id).cloned())
    }

    /// The place in the graph that is being built.
    pub(crate) fn place(self) -> NodeId {
        self.in_this_build()
    }

    /// Whether it is an input of the graph.
    pub(crate) fn is_variable(self) -> bool {
        let id = self.in_this_build();
        with_builder(|b| matches!(b.nodes[id as usize], Node::Variable(_)))
    }

    /// The handle of `node`, or of an older node that `shortcut` finds to be the same.
    pub(super) fn made(node: Node, shortcut: impl FnOnce(&mut Builder) -> Option<NodeId>) -> Expr {
        with_builder(|b| match shortcut(b) {
            Some(id) => b.handle(id),
            None => b.intern(node),
        })
    }
}

/// The nodes of the graph that is being built up to an expression, with their handles.
pub(super) fn nodes_up_to(last: Expr) -> (Vec<Node>, Vec<Expr>) {
    let id = last.in_this_build();
    with_builder(|b| {
        (b.nodes.iter().take(id as usize + 1).cloned().collect(), (0..=id).map(|id| b.handle(id)).collect())
    })
}

/// How many nodes the graph that is being built has.
pub(crate) fn nodes_built() -> usize {
    with_builder(|b| b.nodes.len())
}

/// A graph under construction. Equal nodes are kept once.
pub(super) struct Builder {
    serial: u32,
    nodes: IndexSet<Node, RandomState>,
    variables: Vec<String>,
}

impl Builder {
    pub(super) fn handle(&self, id: NodeId) -> Expr {
        Expr { id, build: self.serial }
    }

    pub(super) fn intern(&mut self, node: Node) -> Expr {
        let (place, _) = self.nodes.insert_full(node);
        self.handle(NodeId::try_from(place).expect("a graph has fewer than 2^32 nodes"))
    }

    pub(super) fn constant(&self, id: NodeId) -> Option<&BigRational> {
        match &self.nodes[id as usize] {
            Node::Constant(value) => Some(value),
            _ => None,
        }
    }

    pub(super) fn is_zero(&self, id: NodeId) -> bool {
        self.constant(id).is_some_and(Zero::is_zero)
    }

    pub(super) fn is_one(&self, id: NodeId) -> bool {
        self.constant(id).is_some_and(One::is_one)
    }

    pub(super) fn negated(&self, id: NodeId) -> Option<NodeId> {
        match &self.nodes[id as usize] {
            Node::Negation(inner) => Some(*inner),
            _ => None,
        }
    }

    pub(super) fn constant_id(&mut self, value: BigRational) -> NodeId {
        self.intern(Node::Constant(value)).id
    }
}

thread_local! {
    /// The graphs being built on this thread, innermost last.
    static BUILDS: RefCell<Vec<Builder>> = const { RefCell::new(Vec::new()) };
    static SERIAL: RefCell<u32> = const { RefCell::new(0) };
}

pub(super) fn with_builder<T>(act: impl FnOnce(&mut Builder) -> T) -> T {
    BUILDS.with_borrow_mut(|builds| act(builds.last_mut().expect("expressions are made inside Graph::build")))
}

/// A build in progress; dropping it (on a panic in the formula too) takes it off the stack.
struct Building {
    serial: u32,
}

impl Building {
    fn open(base: Option<&Graph>) -> Building {
        let serial = SERIAL.with_borrow_mut(|s| {
            *s = s.wrapping_add(1);
            *s
        });
        let nodes = base.map_or(&[][..], |g| &g.nodes).iter().cloned().collect();
        let variables = base.map_or_else(Vec::new, |g| g.variables.clone());
        BUILDS.with_borrow_mut(|builds| builds.push(Builder { serial, nodes, variables }));
        Building { serial }
    }

    fn close(self, outputs: Vec<NodeId>) -> Graph {
        let (nodes, variables) = with_builder(|b| (std::mem::take(&mut b.nodes), std::mem::take(&mut b.variables)));
        let nodes: Vec<Node> = nodes.into_iter().collect();
        let needed = needed(&nodes, &outputs);
        let mut place = vec![0; nodes.len()];
        let mut kept = Vec::new();
        for (id, node) in nodes.into_iter().enumerate() {
            if needed[id] {
                place[id] = kept.len() as NodeId;
                kept.push(node.renumbered(&place));
            }
        }
        let outputs = outputs.into_iter().map(|id| place[id as usize]).collect();
        Graph { nodes: kept, variables, outputs, runs: OnceLock::new() }
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        BUILDS.with_borrow_mut(|builds| builds.truncate(builds.iter().take_while(|b| b.serial != self.serial).count()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_nodes_are_kept_once_and_unused_ones_dropped() {
        let graph = Graph::build(|| {
            let x = variable("x");
            let _unused = x.exp();
            vec![x * x + x * x]
        });
        // x, x·x and the sum
        assert_eq!(graph.nodes().len(), 3);
    }

    #[test]
    #[should_panic(expected = "outside the graph")]
    fn a_handle_from_another_graph_is_refused() {
        let mut kept = None;
        Graph::build(|| {
            let x = variable("x");
            kept = Some(x);
            vec![x]
        });
        Graph::build(|| vec![kept.unwrap().exp()]);
    }

    #[test]
    fn a_panicking_formula_leaves_the_thread_usable() {
        let failed = std::panic::catch_unwind(|| {
            Graph::build(|| {
                variable("x");
                panic!("in the formula")
            })
        });
        assert!(failed.is_err());
        assert_eq!(Graph::build(|| vec![variable("y")]).variables(), ["y"]);
    }
}
