//! candle-optimisers, held to the formulas: as it is declared, and as if nothing were known of it.

#[path = "../../reports.rs"]
mod reports;

use gradproof::conformance::{self, Precision, Settings};
use peer_candle_optimisers::{AdamL2, AdamW, AmsGradW};
use reports::{conforms, diagnosis, differing, keep};

fn declared(formula: &str) -> Settings {
    let settings = Settings::new(formula).convention("step_count", "global");
    settings.expect_deviation("shapes", "a step fails on a tensor of no elements")
}

#[test]
fn adamw_conforms_with_one_step_counter_for_all_tensors() {
    let settings = declared("adamw");
    conforms("adamw", &conformance::optimizer::<AdamW<f64>>(&settings).unwrap());
    let settings = settings.precision(Precision::F32);
    conforms("adamw-f32", &conformance::optimizer::<AdamW<f32>>(&settings).unwrap());
}

#[test]
fn adam_conforms_with_one_step_counter_for_all_tensors() {
    let settings = declared("adam-l2");
    conforms("adam-l2", &conformance::optimizer::<AdamL2<f64>>(&settings).unwrap());
}

#[test]
fn amsgrad_takes_the_maximum_before_it_is_corrected() {
    let settings = declared("adamw").convention("amsgrad", "raw");
    conforms("amsgrad", &conformance::optimizer::<AmsGradW<f64>>(&settings).unwrap());
}

#[test]
fn the_step_counter_of_adamw_comes_out() {
    let settings = Settings::new("adamw");
    let report = conformance::optimizer::<AdamW<f64>>(&settings).unwrap();
    keep("adamw-undeclared", &report);
    assert_eq!(differing(&report), ["missing-gradients", "late-gradient", "shapes", "random"]);
    for group in ["missing-gradients", "late-gradient", "random"] {
        assert!(diagnosis(&report, group).contains("step_count = \"global\""), "{report}");
    }
}
