//! The kinds of number that a graph is interpreted on.
//!
//! A kind is an [`Arithmetic`]: it may carry context (a unit roundoff, a prime, a table of atoms).
//! An operation that a kind cannot do abstains with a reason, and only the results that need that
//! node are lost.

mod atoms;
mod deadline;
mod definite;
mod dtype;
mod dual;
mod dyadic;
mod error_free;
mod expressions;
mod float;
mod forward;
mod interval;
mod modulus;
#[cfg(feature = "certify")]
mod mpfr;
mod nearest;
mod partials;
mod prime_field;
mod rational;
mod rational_function;
mod rounded;
mod running;
mod simulated;
mod ulp;
mod wide;

pub use deadline::Deadline;
pub use dtype::{Dtype, Role};
pub use dual::{Dual, Duals, HyperDual, SecondOrder, TANGENTS};
pub(crate) use dyadic::Dyadic;
pub(crate) use error_free::two_sum;
pub(crate) use expressions::Expressions;
pub use float::Float;
pub use forward::{Forward, Tangent};
pub use interval::{Interval, Intervals};
pub use modulus::{Complex, Modulus};
#[cfg(feature = "certify")]
pub use mpfr::{Enclosure, Mpfr};
pub use nearest::{By, Decided, Enclosures, MOST_BITS, decide, nearest, nearest_enclosed};
pub(crate) use partials::Partials;
pub use prime_field::{PrimeField, Residue, log2_of_sum};
pub use rational::Exact;
pub use rational_function::{RationalFunction, RationalFunctions};
pub use rounded::{Rounded, Rounding};
pub use running::{Running, RunningError};
pub use simulated::{InDtype, Order, Simulated};
pub use ulp::{ulp, ulps_between};
pub(crate) use wide::{Wide, Wides, wide_dot};

use crate::expression::{Graph, Node, NodeId};
use num_rational::BigRational;
use std::borrow::Cow;
use std::fmt;

/// Why a kind of number has no value at a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abstention(Cow<'static, str>);

impl Abstention {
    /// An abstention with its reason.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Abstention {
        Abstention(reason.into())
    }
}

impl fmt::Display for Abstention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A number, or the reason why there is none.
pub type Outcome<T> = Result<T, Abstention>;

/// The sign of a real number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Below zero.
    Negative,
    /// Zero.
    Zero,
    /// Above zero.
    Positive,
}

impl Sign {
    /// The sign of −x.
    pub fn opposite(self) -> Sign {
        match self {
            Sign::Negative => Sign::Positive,
            Sign::Zero => Sign::Zero,
            Sign::Positive => Sign::Negative,
        }
    }
}

/// The three values of a selection, of which those that are not chosen may be missing.
#[derive(Clone, Copy, Debug)]
pub struct Branches<'a, N> {
    negative: &'a Outcome<N>,
    zero: &'a Outcome<N>,
    positive: &'a Outcome<N>,
}

impl<'a, N> Branches<'a, N> {
    /// The value for a sign.
    pub fn at(&self, sign: Sign) -> &'a Outcome<N> {
        match sign {
            Sign::Negative => self.negative,
            Sign::Zero => self.zero,
            Sign::Positive => self.positive,
        }
    }
}

/// One kind of number, and what it can do.
pub trait Arithmetic {
    /// A value of this kind.
    type Number: Clone;

    /// What the kind is called in reasons and reports.
    fn name(&self) -> &'static str;

    /// An exact rational constant.
    fn constant(&mut self, value: &BigRational) -> Outcome<Self::Number>;
    /// −x
    fn negate(&mut self, x: &Self::Number) -> Outcome<Self::Number>;
    /// The sum of at least two terms.
    fn sum(&mut self, terms: &[&Self::Number]) -> Outcome<Self::Number>;
    /// x·y
    fn product(&mut self, x: &Self::Number, y: &Self::Number) -> Outcome<Self::Number>;
    /// x/y
    fn quotient(&mut self, x: &Self::Number, y: &Self::Number) -> Outcome<Self::Number>;
    /// xⁿ for a whole n other than 0 and 1.
    fn power(&mut self, x: &Self::Number, n: i64) -> Outcome<Self::Number>;

    /// π
    fn pi(&mut self) -> Outcome<Self::Number> {
        Err(self.cannot("π"))
    }
    /// e^x
    fn exp(&mut self, _x: &Self::Number) -> Outcome<Self::Number> {
        Err(self.cannot("exp"))
    }
    /// ln x
    fn ln(&mut self, _x: &Self::Number) -> Outcome<Self::Number> {
        Err(self.cannot("ln"))
    }
    /// √x
    fn sqrt(&mut self, _x: &Self::Number) -> Outcome<Self::Number> {
        Err(self.cannot("a square root"))
    }
    /// sin x
    fn sin(&mut self, _x: &Self::Number) -> Outcome<Self::Number> {
        Err(self.cannot("sin"))
    }
    /// cos x
    fn cos(&mut self, _x: &Self::Number) -> Outcome<Self::Number> {
        Err(self.cannot("cos"))
    }
    /// ln(1 + x)
    fn ln_1p(&mut self, x: &Self::Number) -> Outcome<Self::Number> {
        let one = self.constant(&num_traits::One::one())?;
        let shifted = self.sum(&[&one, x])?;
        self.ln(&shifted)
    }
    /// e^x − 1
    fn exp_m1(&mut self, x: &Self::Number) -> Outcome<Self::Number> {
        let minus_one = self.constant(&-<BigRational as num_traits::One>::one())?;
        let power = self.exp(x)?;
        self.sum(&[&power, &minus_one])
    }
    /// The largest of at least two values.
    fn maximum(&mut self, _values: &[&Self::Number]) -> Outcome<Self::Number> {
        Err(self.cannot("a maximum"))
    }
    /// The sign of x.
    fn sign(&mut self, _x: &Self::Number) -> Outcome<Sign> {
        Err(self.cannot("a sign"))
    }

    /// One of three values, by the sign of `of`.
    fn select(&mut self, of: &Self::Number, branches: Branches<Self::Number>) -> Outcome<Self::Number> {
        let sign = self.sign(of)?;
        branches.at(sign).clone()
    }

    /// The abstention of a kind that lacks an operation.
    fn cannot(&self, what: &str) -> Abstention {
        Abstention::new(format!("{} has no {what}", self.name()))
    }
}

/// Interprets a graph on one kind of number: its outputs at these inputs.
///
/// # Panics
/// If there are not as many inputs as the graph has variables.
pub fn evaluate<A: Arithmetic>(graph: &Graph, arithmetic: &mut A, inputs: &[A::Number]) -> Vec<Outcome<A::Number>> {
    let all: Vec<usize> = (0..graph.outputs().len()).collect();
    evaluate_part(graph, arithmetic, inputs, &all)
}

/// The same for some of the outputs, by their positions; what only the others need is left out.
///
/// # Panics
/// If there are not as many inputs as the graph has variables, or an output is not there.
pub fn evaluate_part<A: Arithmetic>(
    graph: &Graph,
    arithmetic: &mut A,
    inputs: &[A::Number],
    outputs: &[usize],
) -> Vec<Outcome<A::Number>> {
    evaluate_part_until(graph, arithmetic, inputs, outputs, Deadline::NEVER)
}

/// The same as [`evaluate`] while there is time; after that every node abstains.
///
/// # Panics
/// If there are not as many inputs as the graph has variables.
pub fn evaluate_until<A: Arithmetic>(
    graph: &Graph,
    arithmetic: &mut A,
    inputs: &[A::Number],
    deadline: Deadline,
) -> Vec<Outcome<A::Number>> {
    let all: Vec<usize> = (0..graph.outputs().len()).collect();
    evaluate_part_until(graph, arithmetic, inputs, &all, deadline)
}

fn evaluate_part_until<A: Arithmetic>(
    graph: &Graph,
    arithmetic: &mut A,
    inputs: &[A::Number],
    outputs: &[usize],
    deadline: Deadline,
) -> Vec<Outcome<A::Number>> {
    assert_eq!(inputs.len(), graph.variables().len(), "one value per variable");
    let needed = graph.needed_by(outputs);
    let mut values: Vec<Outcome<A::Number>> = Vec::with_capacity(graph.nodes().len());
    for (node, needed) in graph.nodes().iter().zip(needed) {
        let value = if needed {
            deadline.check().and_then(|()| interpret(node, arithmetic, inputs, &values))
        } else {
            Err(Abstention::new("a node that no output needs"))
        };
        values.push(value);
    }
    outputs.iter().map(|&i| values[graph.outputs()[i] as usize].clone()).collect()
}

/// The outputs as one result: the first abstention loses all.
pub fn evaluate_all<A: Arithmetic>(graph: &Graph, arithmetic: &mut A, inputs: &[A::Number]) -> Outcome<Vec<A::Number>> {
    evaluate(graph, arithmetic, inputs).into_iter().collect()
}

/// The value of every node, for whoever looks at the parts of a graph.
pub(crate) fn evaluate_nodes<A: Arithmetic>(
    graph: &Graph,
    arithmetic: &mut A,
    inputs: &[A::Number],
) -> Vec<Outcome<A::Number>> {
    let mut values = Vec::with_capacity(graph.nodes().len());
    for node in graph.nodes() {
        let value = interpret(node, arithmetic, inputs, &values);
        values.push(value);
    }
    values
}

/// The outputs where `change` may put another value in the place of a node's.
pub(crate) fn evaluate_changed<A: Arithmetic>(
    graph: &Graph,
    arithmetic: &mut A,
    inputs: &[A::Number],
    mut change: impl FnMut(NodeId, &A::Number, &mut A) -> Option<Outcome<A::Number>>,
) -> Vec<Outcome<A::Number>> {
    let mut values = Vec::with_capacity(graph.nodes().len());
    for (node, id) in graph.nodes().iter().zip(0..) {
        let value = interpret(node, arithmetic, inputs, &values);
        let changed = value.as_ref().ok().and_then(|value| change(id, value, arithmetic));
        values.push(changed.unwrap_or(value));
    }
    graph.outputs().iter().map(|&id| values[id as usize].clone()).collect()
}

fn interpret<A: Arithmetic>(
    node: &Node,
    arithmetic: &mut A,
    inputs: &[A::Number],
    values: &[Outcome<A::Number>],
) -> Outcome<A::Number> {
    interpret_with(node, arithmetic, inputs, |id| &values[id as usize])
}

/// The value of a node, with those of its operands from wherever they are.
pub(crate) fn interpret_with<'a, A: Arithmetic>(
    node: &Node,
    arithmetic: &mut A,
    inputs: &[A::Number],
    values: impl Fn(NodeId) -> &'a Outcome<A::Number>,
) -> Outcome<A::Number>
where
    A::Number: 'a,
{
    let value = |id: &NodeId| values(*id).as_ref().map_err(Clone::clone);
    let all = |ids: &[NodeId]| ids.iter().map(value).collect::<Outcome<Vec<_>>>();
    match node {
        Node::Variable(position) => Ok(inputs[*position].clone()),
        Node::Constant(c) => arithmetic.constant(c),
        Node::Pi => arithmetic.pi(),
        Node::Negation(x) => arithmetic.negate(value(x)?),
        Node::Sum(terms) => arithmetic.sum(&all(terms)?),
        Node::Product(x, y) => arithmetic.product(value(x)?, value(y)?),
        Node::Quotient(x, y) => arithmetic.quotient(value(x)?, value(y)?),
        Node::Power(x, n) => arithmetic.power(value(x)?, *n),
        Node::Exp(x) => arithmetic.exp(value(x)?),
        Node::Ln(x) => arithmetic.ln(value(x)?),
        Node::Sqrt(x) => arithmetic.sqrt(value(x)?),
        Node::Sin(x) => arithmetic.sin(value(x)?),
        Node::Cos(x) => arithmetic.cos(value(x)?),
        Node::Ln1p(x) => arithmetic.ln_1p(value(x)?),
        Node::ExpM1(x) => arithmetic.exp_m1(value(x)?),
        Node::Maximum(operands) => arithmetic.maximum(&all(operands)?),
        Node::BySign { of, negative, zero, positive } => {
            let [negative, zero, positive] = [negative, zero, positive].map(|&id| values(id));
            arithmetic.select(value(of)?, Branches { negative, zero, positive })
        }
    }
}

/// xⁿ by repeated squaring with the kind's own product and quotient.
pub(crate) fn power_by_squaring<A: Arithmetic>(arithmetic: &mut A, x: &A::Number, n: i64) -> Outcome<A::Number> {
    let mut result: Option<A::Number> = None;
    let mut square = x.clone();
    let mut left = n.unsigned_abs();
    while left > 0 {
        if left & 1 == 1 {
            result = Some(match result {
                Some(r) => arithmetic.product(&r, &square)?,
                None => square.clone(),
            });
        }
        left >>= 1;
        if left > 0 {
            square = arithmetic.product(&square, &square)?;
        }
    }
    let one = arithmetic.constant(&num_traits::One::one())?;
    let result = result.unwrap_or_else(|| one.clone());
    if n < 0 { arithmetic.quotient(&one, &result) } else { Ok(result) }
}
