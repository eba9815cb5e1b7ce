//! Statements as pairs of outputs to compare.

use crate::claim::{Instance, Relation, Variable};
use crate::expression::{Graph, derivative, sum};
use std::ops::Range;

/// A graph whose outputs are assumptions and then pairs of sides.
#[derive(Clone, Debug)]
pub struct Pairs {
    /// The inputs of the graph.
    pub variables: Vec<Variable>,
    /// The graph.
    pub graph: Graph,
    /// How many outputs are assumptions.
    pub assumptions: usize,
    /// How the sides of each pair compare.
    pub relation: Relation,
    /// What must not be zero: a function has no derivative at its kinks.
    pub kinks: Option<Graph>,
}

impl Pairs {
    /// The statement of an instance. A gradient is compared with the reverse derivative; an
    /// expectation is summed over its outcomes, whose probabilities must sum to 1.
    pub fn of(instance: &Instance) -> Pairs {
        let assumed = instance.assumptions;
        let (graph, relation) = match &instance.relation {
            Relation::Gradient(wrt) => {
                let differentiated = derivative::with_gradient(&instance.graph, assumed, wrt);
                let graph = differentiated.continued(|outputs| {
                    let claimed = &outputs[assumed + 1..assumed + 1 + wrt.len()];
                    let derived = &outputs[assumed + 1 + wrt.len()..];
                    let pairs = derived.iter().zip(claimed).flat_map(|(&d, &c)| [d, c]);
                    outputs[..assumed].iter().copied().chain(pairs).collect()
                });
                (graph, Relation::Equal)
            }
            Relation::Expectation(outcomes) => {
                let outcomes = *outcomes;
                let graph = instance.graph.continued(|outputs| {
                    let (assumptions, rest) = outputs.split_at(assumed);
                    let (probabilities, means) = rest.split_at(outcomes);
                    let mut all = assumptions.to_vec();
                    all.extend([sum(probabilities.iter().copied()), crate::expression::constant(1)]);
                    for mean in means.chunks(outcomes + 1) {
                        let expected = sum(probabilities.iter().zip(mean).map(|(&p, &value)| p * value));
                        all.extend([expected, mean[outcomes]]);
                    }
                    all
                });
                (graph, Relation::Equal)
            }
            other => (instance.graph.clone(), other.clone()),
        };
        let smooth = instance.smooth || matches!(instance.relation, Relation::Gradient(_));
        let kinks = smooth.then(|| instance.graph.conditions());
        let kinks = kinks.filter(|conditions| !conditions.outputs().is_empty());
        Pairs { variables: instance.variables.clone(), graph, assumptions: assumed, relation, kinks }
    }

    /// The positions of the assumptions among the outputs.
    pub fn assumed(&self) -> Range<usize> {
        0..self.assumptions
    }

    /// The positions of the two sides of every pair among the outputs.
    pub fn sides(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        (self.assumptions..self.graph.outputs().len()).step_by(2).map(|i| (i, i + 1))
    }
}
