//! Right once a part of the right side is replaced: by its negative, its double, its root or square, its reciprocal,
//! or by itself times or over a name.

use super::sample::{Point, near, scalars};
use super::{Looked, confirmed};
use crate::expression::{Expr, Node, NodeId, constant, variable_at};
use crate::judges::Run;
use crate::number::{Abstention, Arithmetic, Expressions, Float, Outcome, evaluate_changed};

/// Parts that are tried, at most, and pairs of sides that a statement has.
const MOST_PARTS: usize = 120;
const MOST_PAIRS: usize = 64;

/// What a part is replaced by.
#[derive(Clone, Copy, Debug)]
enum Change {
    Negated,
    Doubled,
    Halved,
    Root,
    Squared,
    Reciprocal,
    OneLess,
    Times(usize),
    Over(usize),
    Plus(usize),
    Minus(usize),
    /// Times another node, for a name.
    TimesNode(NodeId),
    Another(NodeId),
}

impl Change {
    fn of<A: Arithmetic>(
        self,
        numbers: &mut A,
        x: &A::Number,
        inputs: &[A::Number],
        nodes: &dyn Fn(NodeId) -> Option<A::Number>,
    ) -> Outcome<A::Number> {
        let whole = |numbers: &mut A, n: i64| numbers.constant(&num_rational::BigRational::from_integer(n.into()));
        match self {
            Change::Negated => numbers.negate(x),
            Change::Doubled => numbers.sum(&[x, x]),
            Change::Halved => {
                let two = whole(numbers, 2)?;
                numbers.quotient(x, &two)
            }
            Change::Root => numbers.sqrt(x),
            Change::Squared => numbers.power(x, 2),
            Change::Reciprocal => {
                let one = whole(numbers, 1)?;
                numbers.quotient(&one, x)
            }
            Change::OneLess => {
                let (one, minus) = (whole(numbers, 1)?, numbers.negate(x)?);
                numbers.sum(&[&one, &minus])
            }
            Change::Times(i) => numbers.product(x, &inputs[i]),
            Change::Over(i) => numbers.quotient(x, &inputs[i]),
            Change::Plus(i) => numbers.sum(&[x, &inputs[i]]),
            Change::Minus(i) => {
                let minus = numbers.negate(&inputs[i])?;
                numbers.sum(&[x, &minus])
            }
            Change::TimesNode(id) => {
                let factor = nodes(id).ok_or_else(no_value)?;
                numbers.product(x, &factor)
            }
            Change::Another(id) => nodes(id).ok_or_else(no_value),
        }
    }

    fn written(self, part: NodeId, looked: &Looked) -> Option<String> {
        let inside = looked.written_inside(part)?;
        let part = looked.written(part)?;
        let name = |i: usize| &looked.pairs.variables[i].name;
        Some(match self {
            Change::Negated => format!("-{inside}"),
            Change::Doubled => format!("2 * {inside}"),
            Change::Halved => format!("{inside} / 2"),
            Change::Root => format!("sqrt({part})"),
            Change::Squared => format!("{inside}^2"),
            Change::Reciprocal => format!("1 / {inside}"),
            Change::OneLess => format!("1 - {inside}"),
            Change::Times(i) => format!("{inside} * {}", name(i)),
            Change::Over(i) => format!("{inside} / {}", name(i)),
            Change::Plus(i) => format!("{part} + {}", name(i)),
            Change::Minus(i) => format!("{part} - {}", name(i)),
            Change::TimesNode(id) => format!("{inside} * {}", looked.written_inside(id)?),
            Change::Another(id) => looked.written(id)?,
        })
    }
}

fn no_value() -> Abstention {
    Abstention::new("a node without a value")
}

/// The sentence, if there is such a part.
pub(super) fn hint(looked: &Looked, run: &Run) -> Option<String> {
    let right_sides: Vec<usize> = looked.pairs.sides().map(|(_, r)| r).collect();
    if right_sides.len() > MOST_PAIRS {
        return None;
    }
    let graph = &looked.graph;
    let needed = graph.needed_by(&right_sides);
    let parts = || {
        let part = |id: &NodeId| needed[*id as usize] && !matches!(graph.nodes()[*id as usize], Node::Constant(_));
        (0..graph.nodes().len() as NodeId).filter(part).take(MOST_PARTS)
    };
    let mut changes = vec![
        Change::Negated,
        Change::Doubled,
        Change::Halved,
        Change::Root,
        Change::Squared,
        Change::Reciprocal,
        Change::OneLess,
    ];
    for (i, _) in scalars(&looked.pairs.variables).take(8) {
        changes.extend([Change::Times(i), Change::Over(i), Change::Plus(i), Change::Minus(i)]);
    }
    let others: Vec<Change> = parts().map(Change::Another).collect();
    let all = parts().flat_map(|part| changes.iter().map(move |&change| (part, change)));
    let anothers = parts().flat_map(|part| others.iter().map(move |&change| (part, change)));
    let is_name = |id: &NodeId| matches!(graph.nodes()[*id as usize], Node::Variable(_));
    let times: Vec<Change> = parts().filter(|id| !is_name(id)).map(Change::TimesNode).collect();
    let scaled = parts().filter(is_name).flat_map(|part| times.iter().map(move |&change| (part, change)));
    let mut tried = all.chain(scaled).chain(anothers).filter(|_| !run.deadline.has_passed());
    tried.find_map(|(part, change)| {
        let right = |point: &Point| {
            let nodes = |id: NodeId| Some(point.nodes[id as usize]);
            let replace = |id: NodeId, x: &f64, numbers: &mut Float| {
                (id == part).then(|| change.of(numbers, x, &point.inputs, &nodes))
            };
            let outputs = evaluate_changed(graph, &mut Float, &point.inputs, replace);
            right_sides
                .iter()
                .zip(&point.sides)
                .all(|(&r, &(left, _))| matches!(outputs[r], Ok(right) if near(left, right)))
        };
        if !looked.sample.points.iter().all(right) {
            return None;
        }
        sentence(looked, run, part, change, &right_sides)
    })
}

fn sentence(looked: &Looked, run: &Run, part: NodeId, change: Change, right_sides: &[usize]) -> Option<String> {
    let graph = &looked.graph;
    let mut again: Option<Vec<Expr>> = None;
    let amended = looked.amended(|nodes, k, _| {
        if again.is_none() {
            let inputs: Vec<Expr> = (0..looked.pairs.variables.len()).map(variable_at).collect();
            let old = |id: NodeId| nodes.get(id as usize).copied();
            let replace = |id: NodeId, x: &Expr, numbers: &mut Expressions| {
                (id == part).then(|| change.of(numbers, x, &inputs, &old))
            };
            again =
                evaluate_changed(graph, &mut Expressions, &inputs, replace).into_iter().collect::<Result<_, _>>().ok();
        }
        Some(again.as_ref().map_or_else(|| constant(0), |outputs| outputs[right_sides[k]]))
    })?;
    let sure = confirmed(&[amended], run)?;
    let text = looked.written(part)?;
    let changed = change.written(part, looked)?;
    let [_, side] = looked.sides();
    Some(format!("right with {changed} in the place of {text} in {side}{sure}"))
}
