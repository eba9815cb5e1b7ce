//! tch, held to the formulas.

#![cfg(feature = "torch")]

use gradproof::conformance::{self, Precision, Report, Settings};
use peer_tch::{Adam, AdamW, AdamWInF32, Sgd, Subject};

/// Keeps a report as a snapshot.
fn keep(name: &str, report: &Report) {
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, report.to_string());
    });
}

#[test]
fn adamw_conforms() {
    let report = conformance::optimizer::<Subject<AdamW<false>>>(&Settings::new("adamw")).unwrap();
    keep("adamw", &report);
    report.assert();
    let settings = Settings::new("adamw").precision(Precision::F32);
    let report = conformance::optimizer::<Subject<AdamWInF32>>(&settings).unwrap();
    keep("adamw-f32", &report);
    report.assert();
}

#[test]
fn amsgrad_takes_the_maximum_before_it_is_corrected() {
    let settings = Settings::new("adamw").convention("amsgrad", "raw");
    let report = conformance::optimizer::<Subject<AdamW<true>>>(&settings).unwrap();
    keep("amsgrad", &report);
    report.assert();
}

#[test]
fn adam_conforms() {
    let report = conformance::optimizer::<Subject<Adam>>(&Settings::new("adam-l2")).unwrap();
    keep("adam-l2", &report);
    report.assert();
}

#[test]
fn sgd_conforms() {
    let report = conformance::optimizer::<Subject<Sgd>>(&Settings::new("sgd")).unwrap();
    keep("sgd", &report);
    report.assert();
}
