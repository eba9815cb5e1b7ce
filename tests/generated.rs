//! Inputs for property tests (features `proptest` and `quickcheck`): in the domain of their formula, and
//! shrunk to what matters.

use gradproof::catalog;
use gradproof::json;
use gradproof::quickcheck::CrossEntropy;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestError, TestRunner};
use quickcheck::{Arbitrary, Gen};
use serde_json::Value;

#[test]
fn proptest_gives_inputs_in_the_domain_of_every_formula() {
    let mut runner = TestRunner::deterministic();
    for formula in catalog::FORMULAS {
        let strategy = gradproof::proptest::inputs(formula.id).unwrap().under_any_conventions();
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..20 {
            let input = strategy.new_tree(&mut runner).unwrap().current();
            seen.insert(input.to_string());
            catalog::evaluate(formula.id, input).unwrap();
        }
        assert!(seen.len() > 10, "{} comes in {} forms", formula.id, seen.len());
    }
    assert!(gradproof::proptest::inputs("adam").is_err());
}

/// Whether some logit is far above 0.
fn has_large(input: &Value) -> bool {
    json::numbers(&input["logits"]).iter().any(|(_, z)| *z > 2.0)
}

#[test]
fn proptest_shrinks_to_one_logit() {
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let found = runner.run(&gradproof::proptest::inputs("cross-entropy").unwrap(), |input| {
        if has_large(&input) { Err(proptest::test_runner::TestCaseError::fail("large")) } else { Ok(()) }
    });
    let Err(TestError::Fail(_, smallest)) = found else { panic!("{found:?}") };
    assert!(has_large(&smallest));
    assert_eq!(json::numbers(&smallest["logits"]).len(), 1, "{smallest}");
}

#[test]
fn quickcheck_has_every_formula_and_shrinks_within_its_domain() {
    let ids: Vec<&str> = catalog::FORMULAS.iter().map(|f| f.id).collect();
    assert_eq!(gradproof::quickcheck::FORMULAS, ids, "src/quickcheck.rs has a line for each formula");
    let mut g = Gen::new(10);
    let inputs = std::iter::repeat_with(|| CrossEntropy::arbitrary(&mut g));
    let mut smallest = inputs.take(1000).find(|input| has_large(&input.0)).unwrap();
    while let Some(next) = smallest.shrink().find(|input| has_large(&input.0)) {
        catalog::evaluate("cross-entropy", next.0.clone()).unwrap();
        smallest = next;
    }
    assert_eq!(json::numbers(&smallest.0["logits"]).len(), 1, "{smallest:?}");
}
