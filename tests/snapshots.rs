//! Snapshots in the folder `snapshots`: the outputs of every formula on its anchors' inputs, bit for bit.

mod common;

use common::{anchors, assert_snapshot};
use gradproof::catalog;
use std::collections::BTreeSet;
use std::fmt::Write;

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
fn no_snapshot_is_unreferenced() {
    let folder = format!("{}/snapshots", env!("CARGO_MANIFEST_DIR"));
    let kept: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".snap"))
        .collect();
    // those of other tests beside those of this file
    let others = [
        "verdicts",
        "told-apart-losses",
        "told-apart-optimizers",
        "told-apart-schedules",
        "prove-formula-errors",
        "prove-errors",
    ];
    let wanted: BTreeSet<String> =
        catalog::FORMULAS.iter().map(|f| f.id).chain(others).map(|name| format!("{name}.snap")).collect();
    assert_eq!(kept, wanted, "snapshots and formulas do not match");
}
