//! candle-nn, held to the formulas: first as it is declared, then as if nothing were known of it.

use gradproof::conformance::{self, Precision, Report, Settings};
use peer_candle_nn::{AdamW, Sgd, cross_entropy};

/// Keeps a report as a snapshot.
fn keep(name: &str, report: &Report) {
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, report.to_string());
    });
}

#[test]
fn adamw_conforms_with_one_step_counter_for_all_tensors() {
    let settings = Settings::new("adamw").convention("step_count", "global");
    let report = conformance::optimizer::<AdamW<f64>>(&settings).unwrap();
    report.assert();
    keep("adamw", &report);
    let report = conformance::optimizer::<AdamW<f32>>(&settings.precision(Precision::F32)).unwrap();
    report.assert();
    keep("adamw-f32", &report);
}

#[test]
fn the_step_counter_of_adamw_is_found() {
    let report = conformance::optimizer::<AdamW<f64>>(&Settings::new("adamw")).unwrap();
    assert!(!report.passes());
    keep("adamw-undeclared", &report);
}

#[test]
fn sgd_conforms() {
    let report = conformance::optimizer::<Sgd<f64>>(&Settings::new("sgd")).unwrap();
    report.assert();
    keep("sgd", &report);
}

#[test]
fn cross_entropy_conforms() {
    let report = conformance::loss(&Settings::new("cross-entropy"), cross_entropy::<f64>).unwrap();
    keep("cross-entropy", &report);
    report.assert();
    let settings = Settings::new("cross-entropy").precision(Precision::F32);
    let report = conformance::loss(&settings, cross_entropy::<f32>).unwrap();
    keep("cross-entropy-f32", &report);
    report.assert();
}
