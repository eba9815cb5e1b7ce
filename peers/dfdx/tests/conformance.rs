//! dfdx, held to the formulas: as it is declared, and as if nothing were known of it.

#[path = "../../reports.rs"]
mod reports;

use gradproof::conformance::{self, Settings};
use peer_dfdx::{Adam, Sgd, cross_entropy};
use reports::{conforms, diagnosis, differing, keep};

#[test]
fn adamw_and_adam_conform_with_one_step_counter_for_all_tensors() {
    let settings = Settings::new("adamw").convention("step_count", "global");
    conforms("adamw", &conformance::optimizer::<Adam<true>>(&settings).unwrap());
    let settings = Settings::new("adam-l2").convention("step_count", "global");
    conforms("adam-l2", &conformance::optimizer::<Adam<false>>(&settings).unwrap());
}

#[test]
fn the_step_counter_of_adamw_comes_out() {
    let settings = Settings::new("adamw");
    let report = conformance::optimizer::<Adam<true>>(&settings).unwrap();
    keep("adamw-undeclared", &report);
    assert_eq!(differing(&report), ["missing-gradients", "late-gradient", "random"]);
    for group in differing(&report) {
        assert!(diagnosis(&report, group).contains("step_count = \"global\""), "{report}");
    }
}

#[test]
fn sgd_conforms() {
    let settings = Settings::new("sgd");
    conforms("sgd", &conformance::optimizer::<Sgd>(&settings).unwrap());
}

#[test]
fn cross_entropy_conforms_where_no_class_is_masked() {
    let settings = Settings::new("cross-entropy").expect_deviation("masked", "a logit of −∞ gives NaN");
    conforms("cross-entropy", &conformance::loss(&settings, cross_entropy).unwrap());
}
