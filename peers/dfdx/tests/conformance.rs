//! dfdx, held to the formulas: first as it is declared, then as if nothing were known of it.

use gradproof::conformance::{self, Report, Settings};
use peer_dfdx::{Adam, Sgd, cross_entropy};

/// Keeps a report as a snapshot.
fn keep(name: &str, report: &Report) {
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, report.to_string());
    });
}

/// One step counter for all tensors.
fn declared(formula: &str) -> Settings {
    Settings::new(formula).convention("step_count", "global")
}

#[test]
fn adamw_conforms_with_one_step_counter_for_all_tensors() {
    let report = conformance::optimizer::<Adam<true>>(&declared("adamw")).unwrap();
    keep("adamw", &report);
    report.assert();
}

#[test]
fn adam_conforms_with_one_step_counter_for_all_tensors() {
    let report = conformance::optimizer::<Adam<false>>(&declared("adam-l2")).unwrap();
    keep("adam-l2", &report);
    report.assert();
}

#[test]
fn the_step_counter_of_adamw_is_found() {
    let report = conformance::optimizer::<Adam<true>>(&Settings::new("adamw")).unwrap();
    assert!(!report.passes());
    keep("adamw-undeclared", &report);
}

#[test]
fn sgd_conforms() {
    let report = conformance::optimizer::<Sgd>(&Settings::new("sgd")).unwrap();
    keep("sgd", &report);
    report.assert();
}

#[test]
fn cross_entropy_differs_where_a_class_is_masked() {
    let report = conformance::loss(&Settings::new("cross-entropy"), cross_entropy).unwrap();
    keep("cross-entropy", &report);
    report.assert();
}
