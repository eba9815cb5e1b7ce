//! burn, held to the formulas: first as it is declared, then as if nothing were known of it.

use gradproof::conformance::{self, Precision, Report, Settings};
use peer_burn_optim::{Adam, AdamW, Lion, Sgd, Subject, cosine, cross_entropy, linear, next, noam};

/// Keeps a report as a snapshot.
fn keep(name: &str, report: &Report) {
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, report.to_string());
    });
}

/// Hyperparameters are f32 beside tensors of f64 too.
fn declared(formula: &str) -> Settings {
    Settings::new(formula).precision(Precision::F64WithF32Hyperparameters)
}

#[test]
fn adamw() {
    let report = conformance::optimizer::<Subject<AdamW, f64>>(&declared("adamw")).unwrap();
    keep("adamw", &report);
    report.assert();
}

#[test]
fn adamw_f32() {
    let report = conformance::optimizer::<Subject<AdamW, f32>>(&declared("adamw").precision(Precision::F32)).unwrap();
    keep("adamw-f32", &report);
    report.assert();
}

#[test]
fn adamw_undeclared() {
    let report = conformance::optimizer::<Subject<AdamW, f64>>(&Settings::new("adamw")).unwrap();
    keep("adamw-undeclared", &report);
    assert!(!report.passes());
}

#[test]
fn adam() {
    let report = conformance::optimizer::<Subject<Adam, f64>>(&declared("adam-l2")).unwrap();
    keep("adam-l2", &report);
    report.assert();
}

#[test]
fn lion() {
    let report = conformance::optimizer::<Subject<Lion, f64>>(&declared("lion")).unwrap();
    keep("lion", &report);
    report.assert();
}

#[test]
fn sgd() {
    let report = conformance::optimizer::<Subject<Sgd, f64>>(&declared("sgd")).unwrap();
    keep("sgd", &report);
    report.assert();
}

#[test]
fn cosine_declared() {
    let settings = Settings::new("cosine").convention("after_end", "continue").convention("warmup", "(s+1)/W");
    let report = conformance::schedule_by_calls(&settings, cosine, next).unwrap();
    keep("cosine", &report);
    report.assert();
}

#[test]
fn cosine_undeclared() {
    let report = conformance::schedule_by_calls(&Settings::new("cosine"), cosine, next).unwrap();
    keep("cosine-undeclared", &report);
    assert!(!report.passes());
}

#[test]
fn linear_declared() {
    let settings = Settings::new("linear").convention("warmup", "(s+1)/W");
    let report = conformance::schedule_by_calls(&settings, linear, next).unwrap();
    keep("linear", &report);
    report.assert();
}

#[test]
fn noam_declared() {
    let report = conformance::schedule_by_calls(&Settings::new("noam"), noam, next).unwrap();
    keep("noam", &report);
    report.assert();
}

#[test]
fn cross_entropy_f32() {
    let settings = Settings::new("cross-entropy").precision(Precision::F32).convention("all_ignored", "nan");
    let report = conformance::loss(&settings, cross_entropy::<f32>).unwrap();
    keep("cross-entropy-f32", &report);
    report.assert();
}

#[test]
fn cross_entropy_f64() {
    let settings = declared("cross-entropy").convention("all_ignored", "nan");
    let report = conformance::loss(&settings, cross_entropy::<f64>).unwrap();
    keep("cross-entropy", &report);
    report.assert();
}
