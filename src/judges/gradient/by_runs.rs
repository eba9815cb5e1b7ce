//! The derivative of a loss along a direction where it does the same to many numbers: a run of its graph at a time,
//! in vectors and on all threads, and what is in no run node by node.

use super::{exact, off_a_kink};
use crate::expression::{Graph, Node, NodeId, Operand, Part, Place};
use crate::kernels::Instructions;
use crate::kernels::tangents::{self, Operation, Tangents, made, same, total};
use crate::number::{Abstention, Arithmetic, Forward, Outcome, Tangent, Wide, Wides, interpret_with};
use std::collections::HashMap;
use std::ops::Range;

/// A number with its derivative.
type Number = Tangent<Wide>;

/// Terms of a sum that stand side by side in a list are added up there from this number on.
const MANY: usize = 32;

/// The loss and its derivative.
pub(super) fn derivative(loss: &Graph, at: &[f64], direction: &[f64]) -> Outcome<Number> {
    let mut found = Found { graph: loss, at, direction, lists: Vec::new(), alone: HashMap::new() };
    for part in &loss.runs().parts {
        match part {
            Part::Node(id) => found.node(*id)?,
            Part::Run { like, places, operands } => {
                found.run(&loss.nodes()[*like as usize], places.clone(), operands)?
            }
        }
    }
    match loss.outputs() {
        [output] => found.at(loss.runs().place[*output as usize]),
        _ => Err(Abstention::new("a loss of no output")),
    }
}

/// What is computed so far.
struct Found<'a> {
    graph: &'a Graph,
    at: &'a [f64],
    direction: &'a [f64],
    /// Runs, by their places.
    lists: Vec<(Range<Place>, List)>,
    alone: HashMap<Place, Outcome<Number>>,
}

/// The numbers of a run.
enum List {
    /// Those of variables, from this position on.
    Given(usize),
    Made(Tangents),
}

impl Found<'_> {
    /// A node by itself.
    fn node(&mut self, id: NodeId) -> Outcome<()> {
        let node = &self.graph.nodes()[id as usize];
        let place = self.place(id);
        let number = match node {
            Node::Variable(position) => self.variable(*position),
            Node::Sum(terms) if terms.len() >= MANY => self.long_sum(terms),
            _ => {
                let mut operands = Vec::new();
                node.for_each_operand(|operand| operands.push(self.place(operand)));
                for operand in operands {
                    let number = self.at(operand);
                    self.alone.entry(operand).or_insert(number);
                }
                if let Node::BySign { of, .. } = node {
                    off_a_kink(&mut Wides, &self.at(self.place(*of))?.value)?;
                }
                let place = &self.graph.runs().place;
                interpret_with(node, &mut Forward(Wides), &[], |id| &self.alone[&place[id as usize]])
            }
        };
        self.alone.insert(place, number);
        Ok(())
    }

    fn run(&mut self, node: &Node, places: Range<Place>, operands: &[Operand]) -> Outcome<()> {
        let operation = match node {
            Node::Variable(position) => {
                self.lists.push((places, List::Given(*position)));
                return Ok(());
            }
            Node::Negation(_) => Operation::Negation,
            Node::Sum(_) => Operation::Sum,
            Node::Product(..) => Operation::Product,
            Node::Quotient(..) => Operation::Quotient,
            Node::Exp(_) => Operation::Exp,
            Node::Sqrt(_) => Operation::Sqrt,
            _ => return Err(Abstention::new("an operation that has no runs")),
        };
        let gathered: Vec<Option<Tangents>> = operands
            .iter()
            .map(|operand| match *operand {
                Operand::Each(from) if self.list(from..from + places.len()).is_none() => {
                    let numbers = (from..from + places.len()).map(|place| self.at(place));
                    numbers.collect::<Outcome<Vec<_>>>().map(|numbers| Some(Tangents::of(numbers)))
                }
                _ => Ok(None),
            })
            .collect::<Outcome<_>>()?;
        let operands = operands.iter().zip(&gathered).map(|(operand, gathered)| match (*operand, gathered) {
            (_, Some(list)) => Ok(list.part(0..places.len())),
            (Operand::Each(from), None) => self.list(from..from + places.len()).ok_or_else(nowhere),
            (Operand::Same(place), None) => Ok(same(self.at(place)?)),
        });
        let operands = operands.collect::<Outcome<Vec<_>>>()?;
        let list = made(Instructions::widest(), operation, &operands, places.len());
        self.lists.push((places, List::Made(list)));
        Ok(())
    }

    /// A sum whose terms are for the most part in lists.
    fn long_sum(&self, terms: &[NodeId]) -> Outcome<Number> {
        let mut parts = Vec::new();
        let mut places = terms.iter().map(|&id| self.place(id)).peekable();
        while let Some(first) = places.next() {
            let mut range = first..first + 1;
            while places.next_if_eq(&range.end).is_some() {
                range.end += 1;
            }
            while !range.is_empty() {
                let end = self.end_of_list(range.start).map_or(range.start + 1, |end| end.min(range.end));
                parts.push(range.start..end);
                range.start = end;
            }
        }
        let numbers = parts.into_iter().map(|part| match self.list(part.clone()) {
            Some(list) if part.len() >= MANY => Ok(vec![total(Instructions::widest(), list, part.len())]),
            _ => part.map(|place| self.at(place)).collect(),
        });
        let numbers = numbers.collect::<Outcome<Vec<_>>>()?.concat();
        match &numbers.iter().collect::<Vec<_>>()[..] {
            [only] => Ok((*only).clone()),
            numbers => Forward(Wides).sum(numbers),
        }
    }

    fn place(&self, id: NodeId) -> Place {
        self.graph.runs().place[id as usize]
    }

    fn variable(&self, position: usize) -> Outcome<Number> {
        Ok(Tangent { value: exact(&Wides, self.at[position])?, slope: exact(&Wides, self.direction[position])? })
    }

    /// The list in which a place lies.
    fn holding(&self, place: Place) -> Option<&(Range<Place>, List)> {
        let after = self.lists.partition_point(|(range, _)| range.start <= place);
        self.lists[..after].last().filter(|(range, _)| range.contains(&place))
    }

    fn end_of_list(&self, place: Place) -> Option<Place> {
        self.holding(place).map(|(range, _)| range.end)
    }

    /// The numbers at these places, if they are of one list.
    fn list(&self, places: Range<Place>) -> Option<tangents::Operand<'_>> {
        let (range, list) = self.holding(places.start).filter(|(range, _)| places.end <= range.end)?;
        let part = places.start - range.start..places.end - range.start;
        Some(match list {
            List::Given(first) => {
                let part = first + part.start..first + part.end;
                tangents::Operand::Exact([&self.at[part.clone()], &self.direction[part]])
            }
            List::Made(list) => list.part(part),
        })
    }

    /// The number at a place.
    fn at(&self, place: Place) -> Outcome<Number> {
        match self.list(place..place + 1) {
            Some(list) => Ok(list.number(0)),
            None => self.alone.get(&place).cloned().unwrap_or_else(|| Err(nowhere())),
        }
    }
}

fn nowhere() -> Abstention {
    Abstention::new("a number that is not computed yet")
}
