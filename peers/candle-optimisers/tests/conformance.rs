//! candle-optimisers, held to the formulas: first as it is declared, then as if nothing were known of it.

use gradproof::conformance::{self, Precision, Report, Settings};
use peer_candle_optimisers::{AdamL2, AdamW, AmsGradW};

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
    let report = conformance::optimizer::<AdamW<f64>>(&declared("adamw")).unwrap();
    keep("adamw", &report);
    report.assert();
    let report = conformance::optimizer::<AdamW<f32>>(&declared("adamw").precision(Precision::F32)).unwrap();
    keep("adamw-f32", &report);
    report.assert();
}

#[test]
fn adam_conforms_with_one_step_counter_for_all_tensors() {
    let report = conformance::optimizer::<AdamL2<f64>>(&declared("adam-l2")).unwrap();
    keep("adam-l2", &report);
    report.assert();
}

#[test]
fn amsgrad_takes_the_maximum_before_it_is_corrected() {
    let settings = declared("adamw").convention("amsgrad", "raw");
    let report = conformance::optimizer::<AmsGradW<f64>>(&settings).unwrap();
    keep("amsgrad", &report);
    report.assert();
}

#[test]
fn the_step_counter_of_adamw_is_found() {
    let report = conformance::optimizer::<AdamW<f64>>(&Settings::new("adamw")).unwrap();
    assert!(!report.passes());
    keep("adamw-undeclared", &report);
}
