//! autograd, held to the formulas.

use gradproof::conformance::{self, Report, Settings};
use peer_autograd::{Adam, Sgd};

/// Keeps a report as a snapshot.
fn keep(name: &str, report: &Report) {
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, report.to_string());
    });
}

#[test]
fn adam_conforms() {
    let report = conformance::optimizer::<Adam>(&Settings::new("adam-l2")).unwrap();
    keep("adam", &report);
    report.assert();
}

#[test]
fn sgd_conforms() {
    let report = conformance::optimizer::<Sgd>(&Settings::new("sgd")).unwrap();
    keep("sgd", &report);
    report.assert();
}
