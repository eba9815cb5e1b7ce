//! The textbook algorithms of a tensor's step, written down once for all of its elements.

use super::exact::{Element, arithmetic, input};
use super::plan::Stepped;
use super::sieve::{Before, MOST_OUTPUTS};
use crate::error::Result;
use crate::expression::Graph;
use crate::formula::{Defined, Formula, Given};
use crate::number::{Dtype, Outcome, Running, evaluate};

/// Every way in which a correct implementation may go.
pub(super) struct Textbooks {
    ways: Vec<Way>,
}

struct Way {
    graph: Graph,
    /// What the graph's variables stand for.
    inputs: Vec<(Source, Given)>,
    /// Which of the tensor's outputs each of the graph's is.
    outputs: Vec<Option<usize>>,
}

/// Where the value of a variable comes from.
#[derive(Clone, Copy)]
enum Source {
    /// It is the same for all elements.
    Scalar,
    Parameter,
    Gradient,
    Estimate,
    Moment(usize),
}

impl Textbooks {
    /// # Errors
    /// If a hyperparameter is outside its domain.
    pub fn of(formula: &'static Formula, tensor: &Stepped) -> Result<Textbooks> {
        // any element that every formula takes
        let before = Before { theta: 1.0, g: 1.0, estimate: 1.0, moments: [1.0; MOST_OUTPUTS - 1] };
        let input = input(tensor, &[Element { index: 0, before, after: [0.0; MOST_OUTPUTS] }]);
        let output = crate::catalog::evaluate(formula.id, input.clone())?;
        let ways = (formula.textbook)(&input, &output)?;
        Ok(Textbooks { ways: ways.into_iter().map(|way| Way::of(way, tensor)).collect() })
    }

    /// The most that a correct implementation in a dtype may be off by at each output; `None` where nothing is promised.
    pub fn bounds(&self, x: &Before, dtype: Dtype) -> [Option<f64>; MOST_OUTPUTS] {
        let mut most: [Option<Outcome<f64>>; MOST_OUTPUTS] = [const { None }; MOST_OUTPUTS];
        for way in &self.ways {
            for (output, bound) in way.outputs.iter().zip(way.bounds(x, dtype)) {
                let Some(most) = output.and_then(|output| most.get_mut(output)) else { continue };
                *most = Some(match (most.take(), bound) {
                    (Some(Ok(known)), Ok(new)) => Ok(known.max(new)),
                    (Some(Err(reason)), _) | (_, Err(reason)) => Err(reason),
                    (None, new) => new,
                });
            }
        }
        most.map(|bound| bound?.ok())
    }
}

impl Way {
    fn of(defined: Defined, tensor: &Stepped) -> Way {
        let output_of = |name: &str| tensor.outputs.iter().position(|output| output.name == name);
        let source = |name: &str| match name {
            "theta" => Source::Parameter,
            "g" => Source::Gradient,
            "estimate" => Source::Estimate,
            name => output_of(name).map_or(Source::Scalar, |output| Source::Moment(output - 1)),
        };
        let sources: Vec<Source> = defined.graph.variables().iter().map(|name| source(name)).collect();
        // "/steps/0/params/0/0"
        let outputs = defined.places.iter().map(|place| place.split('/').nth(3).and_then(output_of)).collect();
        Way { graph: defined.graph, inputs: sources.into_iter().zip(defined.inputs).collect(), outputs }
    }

    fn bounds(&self, x: &Before, dtype: Dtype) -> Vec<Outcome<f64>> {
        let mut arithmetic = arithmetic(dtype);
        let value = |(source, given): &(Source, Given)| match *source {
            Source::Scalar => given.value,
            Source::Parameter => x.theta,
            Source::Gradient => x.g,
            Source::Estimate => x.estimate,
            Source::Moment(i) => x.moments[i],
        };
        let inputs: Vec<Running> = self.inputs.iter().map(|one| arithmetic.given(value(one), one.1.role)).collect();
        let outputs = evaluate(&self.graph, &mut arithmetic, &inputs).into_iter();
        outputs.map(|output| output.map(|x| arithmetic.stored(&x).bound)).collect()
    }
}
