//! Statements beside somebody's claim whose truth is known, so that a judge shows that it can tell.

use crate::claim::{Instance, Relation};
use crate::expression::{constant, derivative};

/// A false statement: the sides of the claim with 1 added where it makes them differ. It is false where the
/// claim holds.
pub(super) fn falsified(instance: &Instance) -> Instance {
    let assumed = instance.assumptions;
    let mut control = instance.clone();
    control.graph = instance.graph.continued(|outputs| {
        let (assumptions, sides) = outputs.split_at(assumed);
        let changed: Vec<_> = match &instance.relation {
            Relation::Gradient(_) => {
                sides.iter().enumerate().map(|(i, &x)| if i == 0 { x } else { x + 1 }).collect()
            }
            Relation::Equal => sides.chunks(2).flat_map(|pair| [pair[0], pair[1] + 1]).collect(),
            // neither side is larger than itself and 1
            _ => sides.chunks(2).flat_map(|pair| [pair[0], pair[0] + 1]).collect(),
        };
        assumptions.iter().copied().chain(changed).collect()
    });
    control
}

/// A true statement about the same expressions.
pub(super) fn made_true(instance: &Instance) -> Instance {
    let assumed = instance.assumptions;
    let mut control = instance.clone();
    control.graph = match &instance.relation {
        Relation::Gradient(wrt) => {
            let count = wrt.len();
            derivative::with_gradient(&instance.graph, assumed, wrt)
                .continued(|outputs| [&outputs[..=assumed], &outputs[assumed + 1 + count..]].concat())
        }
        relation => instance.graph.continued(|outputs| {
            let (assumptions, sides) = outputs.split_at(assumed);
            let more = constant(i64::from(!matches!(relation, Relation::Equal)));
            let same = sides.chunks(2).flat_map(|pair| [pair[0] + more, pair[0]]);
            assumptions.iter().copied().chain(same).collect()
        }),
    };
    control
}
