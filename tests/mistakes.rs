//! Every mistake is one: its statement is refuted, and some anchor's output shows it.

use gradproof::catalog;
use gradproof::judges::{Judge, Opinion, Run};
use serde_json::Value;

#[test]
fn every_mistake_can_be_told_from_the_formula() {
    let run = Run::new(50, 1);
    let mut missed = Vec::new();
    for formula in catalog::FORMULAS {
        let path = format!("{}/fixtures/anchors/{}.json", env!("CARGO_MANIFEST_DIR"), formula.id);
        let anchors: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for mistake in formula.mistakes {
            let id = format!("{}/{}", formula.id, mistake.id);
            let finding = Judge::Search.decide(&(mistake.statement)(), &run, &id);
            if !matches!(finding.opinion, Opinion::Refutes(_)) {
                missed.push(format!("{id}: its statement is not refuted: {:?}", finding.opinion));
            }
            let shows = |case: &Value| {
                let output = |wrong| (formula.evaluate)(case["input"].clone(), wrong).ok();
                output(Some(mistake.id)).is_some_and(|wrong| Some(wrong) != output(None))
            };
            if !anchors["cases"].as_array().unwrap().iter().any(shows) {
                missed.push(format!("{id}: no anchor shows it"));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
