//! The claims as a whole, and what shows that their judges can tell.

use gradproof::catalog;
use gradproof::claim::{Control, Verdict};
use gradproof::judges::{Judge, Opinion, Run};
use std::collections::BTreeSet;

/// Enough points to see a false statement, of which the search alone tries thousands.
const CASES: usize = 30;

#[test]
fn there_are_enough_and_their_ids_are_unique() {
    let claims = catalog::claims();
    let ids: BTreeSet<&str> = claims.iter().map(|c| c.id).collect();
    assert_eq!(ids.len(), claims.len(), "two claims have the same id");
    let proved = claims.iter().filter(|c| c.expected == Verdict::Proved).count();
    assert!(claims.len() >= 55 && proved >= 25, "{} claims, {proved} to be proved", claims.len());
}

#[test]
fn ids_begin_with_a_formula() {
    for claim in catalog::claims() {
        let formula = claim.formula();
        assert!(formula == "across" || catalog::formula(formula).is_ok(), "{} names no formula", claim.id);
    }
}

#[test]
fn every_refuted_claim_is_amended() {
    let claims = catalog::claims();
    for claim in claims.iter().filter(|c| c.expected == Verdict::Refuted) {
        let Control::Amendment(id) = &claim.control else { panic!("{} has no amendment", claim.id) };
        let amendment = claims.iter().find(|c| c.id == *id).unwrap_or_else(|| panic!("{}: no claim {id}", claim.id));
        assert_eq!(amendment.amends, Some(claim.id), "{id} does not say that it amends {}", claim.id);
        assert_ne!(amendment.expected, Verdict::Refuted, "{id} amends a claim and is false itself");
    }
    for claim in claims.iter().filter(|c| c.expected != Verdict::Refuted) {
        assert!(matches!(claim.control, Control::Mistake { .. }), "{} has no false statement as its control", claim.id);
    }
}

/// Every other judge that knows the kind of statement must reject a mistake too, or say why not.
/// Only the search finds a mistake that is right everywhere but at a kink.
#[test]
fn no_judge_accepts_a_mistake() {
    let run = Run::new(CASES, 5);
    let mut at_kinks = Vec::new();
    for formula in catalog::FORMULAS {
        for mistake in formula.mistakes {
            let statement = (mistake.statement)();
            let algebra = Judge::Algebra.decide(&statement, &run, mistake.id).opinion;
            if matches!(algebra, Opinion::Proves { condition: Some(_), .. }) {
                at_kinks.push(mistake.id);
                continue;
            }
            for judge in Judge::ALL.into_iter().filter(|j| j.judges(&statement)) {
                let finding = judge.decide(&statement, &run, mistake.id);
                assert!(
                    !matches!(finding.opinion, Opinion::Proves { .. } | Opinion::Agrees),
                    "{}: {} accepts the mistake {}",
                    formula.id,
                    judge.name(),
                    mistake.id
                );
            }
        }
    }
    assert_eq!(at_kinks, ["signum-of-zero"]);
}
