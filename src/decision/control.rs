//! Controls for statements that bring none: a false neighbour of one that may hold, a true one of one that is
//! refuted.
//!
//! A side is changed by an amount that is never zero, that is not constant, and that grows with the side, so that
//! a judge sees it at large values too.

use crate::claim::{Instance, Relation};
use crate::expression::{Expr, constant, derivative, sum, variable_at};

/// A statement made from another one.
#[derive(Clone, Debug)]
pub struct Made {
    /// How it was made.
    pub id: &'static str,
    /// The statement.
    pub instance: Instance,
}

/// Statements of the opposite truth, on the same variables: true where the original is refuted. A judge has to tell
/// one of them, the first that it says anything of.
///
/// None where the original says nothing.
pub fn opposites(original: &Instance, refuted: bool) -> Vec<Made> {
    if original.graph.outputs().len() <= original.assumptions {
        return Vec::new();
    }
    if refuted {
        return vec![true_neighbour(original)];
    }
    // what shows an inequality by the form of the difference may know no other form
    std::iter::once(false_neighbour(original)).chain(other_way_round(original)).collect()
}

/// right > left where left ≥ right, and right ≥ left where left > right
fn other_way_round(original: &Instance) -> Option<Made> {
    let (id, relation) = match original.relation {
        Relation::AtLeast => ("the other way round, and never equal", Relation::Greater),
        Relation::Greater => ("the other way round, or equal", Relation::AtLeast),
        _ => return None,
    };
    let graph = original.graph.continued(|outputs| pairwise(outputs, original.assumptions, |l, r| (r, l)));
    Some(Made { id, instance: Instance { graph, relation, ..original.clone() } })
}

/// 1 + x² for the first variable that is used, or 1 where there is none.
fn amount(original: &Instance) -> Expr {
    let first = original.graph.first_used_variable();
    1 + first.map_or(constant(0), |position| variable_at(position).squared())
}

fn false_neighbour(original: &Instance) -> Made {
    let assumed = original.assumptions;
    let changed = |side: Expr| 2 * side + amount(original);
    let (id, graph) = match &original.relation {
        Relation::Gradient(_) => (
            "every derivative doubled and raised by 1 + x²",
            original.graph.continued(|outputs| {
                let (kept, claimed) = outputs.split_at(assumed + 1);
                kept.iter().copied().chain(claimed.iter().map(|&g| changed(g))).collect()
            }),
        ),
        Relation::Equal | Relation::Limit(..) => (
            "the right side doubled and raised by 1 + x²",
            original.graph.continued(|outputs| pairwise(outputs, assumed, |l, r| (l, changed(r)))),
        ),
        // right ≥ left + 1 + x² where left ≥ right
        Relation::AtLeast | Relation::Greater => (
            "the other way round, with 1 + x² to spare",
            original.graph.continued(|outputs| pairwise(outputs, assumed, |l, r| (r, l + amount(original)))),
        ),
        Relation::Expectation(outcomes) => (
            "the mean doubled and raised by 1 + x²",
            original.graph.continued(|outputs| {
                let (kept, means) = outputs.split_at(assumed + outcomes);
                let mut all = kept.to_vec();
                for mean in means.chunks(outcomes + 1) {
                    all.extend(&mean[..*outcomes]);
                    all.push(changed(mean[*outcomes]));
                }
                all
            }),
        ),
    };
    Made { id, instance: Instance { graph, ..original.clone() } }
}

fn true_neighbour(original: &Instance) -> Made {
    let assumed = original.assumptions;
    let (id, graph) = match &original.relation {
        Relation::Gradient(wrt) => (
            "the derivative against itself",
            derivative::with_gradient(&original.graph, assumed, wrt).continued(|outputs| {
                let (kept, rest) = outputs.split_at(assumed + 1);
                kept.iter().chain(&rest[wrt.len()..]).copied().collect()
            }),
        ),
        Relation::Equal | Relation::Limit(..) => (
            "the left side against itself",
            original.graph.continued(|outputs| pairwise(outputs, assumed, |l, _| (l, l))),
        ),
        Relation::AtLeast | Relation::Greater => (
            "the left side raised by 1 + x² against itself",
            original.graph.continued(|outputs| pairwise(outputs, assumed, |l, _| (l + amount(original), l))),
        ),
        Relation::Expectation(outcomes) => (
            "the mean against itself",
            original.graph.continued(|outputs| {
                let (kept, means) = outputs.split_at(assumed + outcomes);
                let mut all = kept.to_vec();
                for mean in means.chunks(outcomes + 1) {
                    let values = &mean[..*outcomes];
                    all.extend(values);
                    all.push(sum(kept[assumed..].iter().zip(values).map(|(&p, &value)| p * value)));
                }
                all
            }),
        ),
    };
    Made { id, instance: Instance { graph, ..original.clone() } }
}

/// The outputs with every pair of sides changed.
fn pairwise(outputs: &[Expr], assumed: usize, change: impl Fn(Expr, Expr) -> (Expr, Expr)) -> Vec<Expr> {
    let (kept, sides) = outputs.split_at(assumed);
    let mut all = kept.to_vec();
    for pair in sides.chunks(2) {
        let (left, right) = change(pair[0], pair[1]);
        all.extend([left, right]);
    }
    all
}
