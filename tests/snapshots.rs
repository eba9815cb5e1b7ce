//! Snapshots in the folder `snapshots`: the outputs of every formula on its anchors' inputs, bit for
//! bit, and the table of verdicts.

mod common;

use common::anchors;
use gradproof::catalog;
use gradproof::judges::Run;
use gradproof::report::Evidence;
use std::collections::BTreeSet;
use std::fmt::Write;

fn assert_snapshot(name: &str, description: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(description);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// Shortest round-trip decimals, so that equal text is equal bits.
#[test]
fn outputs() {
    for formula in catalog::FORMULAS {
        let mut text = String::new();
        for anchor in anchors(formula) {
            let output = catalog::evaluate(formula.id, anchor.input).unwrap_or_else(|e| panic!("{}: {e}", anchor.id));
            writeln!(text, "{} {output}", anchor.id.split_once('/').unwrap().1).unwrap();
        }
        assert_snapshot(formula.id, &format!("{}: {}", formula.name, formula.equation), &text);
    }
}

#[test]
fn verdicts() {
    // few cases: the verdicts do not depend on their number, the search and the proofs decide
    let (all, run) = (catalog::claims(), Run::new(100, 20_260_213));
    let evidence = Evidence::collect(&all.iter().collect::<Vec<_>>(), &all, &run, |_| {});
    let mut text = String::new();
    for claim in &evidence.claims {
        writeln!(text, "{:?} {}: {}", claim.verdict, claim.id, claim.statement).unwrap();
        writeln!(text, "    {}", claim.scope.replace('\n', " ")).unwrap();
        if let Some(c) = &claim.counterexample {
            let point: Vec<String> = c.point.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            writeln!(text, "    {}: {} against {}", point.join(", "), c.left, c.right).unwrap();
        }
    }
    let surprises: Vec<_> = evidence.surprises().map(|c| format!("{}: {:?}, {}", c.id, c.verdict, c.scope)).collect();
    assert!(surprises.is_empty(), "not as expected:\n{}", surprises.join("\n"));
    assert_snapshot("verdicts", "what every claim came to, with its scope", &text);
}

#[test]
fn no_snapshot_is_unreferenced() {
    let folder = format!("{}/snapshots", env!("CARGO_MANIFEST_DIR"));
    let kept: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".snap"))
        .collect();
    // those of told_apart.rs beside those of this file
    let others = ["verdicts", "told-apart-losses", "told-apart-optimizers", "told-apart-schedules"];
    let wanted: BTreeSet<String> =
        catalog::FORMULAS.iter().map(|f| f.id).chain(others).map(|name| format!("{name}.snap")).collect();
    assert_eq!(kept, wanted, "snapshots and formulas do not match");
}
