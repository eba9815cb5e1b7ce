//! An inequality that is the other way round, or that is one only with equality.

use super::confirmed;
use crate::claim::{Instance, Relation};
use crate::expression::Expr;
use crate::judges::{Counterexample, Judge, Opinion, Run};
use crate::prove::decide::AtSize;

/// The sentence, if there is one.
pub(super) fn hint(at: &AtSize, counterexample: &Counterexample, run: &Run) -> Option<String> {
    let original = &at.instance;
    if original.relation == Relation::Greater && counterexample.left == counterexample.right {
        let weaker = Instance { relation: Relation::AtLeast, ..original.clone() };
        return accepted(&weaker, run)
            .then(|| "the sides may be equal: right with >= or <= (at every point tried)".into());
    }
    let assumed = original.assumptions;
    let turned = |relation: Relation| {
        let graph = original.graph.continued(|outputs| {
            let (kept, sides) = outputs.split_at(assumed);
            let pairs = sides.chunks(2).flat_map(|pair| pair.iter().rev().copied());
            kept.iter().copied().chain(pairs).collect::<Vec<Expr>>()
        });
        Instance { graph, relation, ..original.clone() }
    };
    if accepted(&turned(Relation::AtLeast), run) {
        return Some("the inequality is the other way round (at every point tried)".into());
    }
    let equal = Instance { relation: Relation::Equal, ..original.clone() };
    confirmed(&[equal], run).map(|sure| format!("the sides are equal{sure}"))
}

/// Whether the judges that look at points accept an inequality.
fn accepted(instance: &Instance, run: &Run) -> bool {
    let decide = |judge: Judge| judge.decide(instance, run, "hint").opinion;
    matches!(decide(Judge::Enclosure), Opinion::Agrees | Opinion::Proves { .. })
        && matches!(decide(Judge::Search), Opinion::Agrees)
}
