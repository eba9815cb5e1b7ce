//! candle-nn, held to the formulas: as it is declared, and as if nothing were known of it.

#[path = "../../reports.rs"]
mod reports;

use candle_core::WithDType;
use candle_nn::optim::{AdamW, SGD};
use gradproof::conformance::{self, Precision, Settings};
use peer_candle_nn::{Subject, cross_entropy};
use reports::{conforms, diagnosis, differing, keep};

const EMPTY: &str = "a step fails on a tensor of no elements";

fn adamw<T: WithDType>(name: &str, precision: Precision) {
    let settings = Settings::new("adamw").precision(precision).convention("step_count", "global");
    let settings = settings.expect_deviation("shapes", EMPTY);
    conforms(name, &conformance::optimizer::<Subject<AdamW, T>>(&settings).unwrap());
}

#[test]
fn adamw_conforms_with_one_step_counter_for_all_tensors() {
    adamw::<f64>("adamw", Precision::F64);
    adamw::<f32>("adamw-f32", Precision::F32);
    adamw::<half::bf16>("adamw-bf16", Precision::Bf16);
}

#[test]
fn the_step_counter_of_adamw_comes_out() {
    let settings = Settings::new("adamw");
    let report = conformance::optimizer::<Subject<AdamW, f64>>(&settings).unwrap();
    keep("adamw-undeclared", &report);
    assert_eq!(differing(&report), ["missing-gradients", "late-gradient", "shapes", "random"]);
    for group in ["missing-gradients", "late-gradient", "random"] {
        assert!(diagnosis(&report, group).contains("step_count = \"global\""), "{report}");
    }
}

#[test]
fn sgd_conforms() {
    let settings = Settings::new("sgd").expect_deviation("shapes", EMPTY);
    conforms("sgd", &conformance::optimizer::<Subject<SGD, f64>>(&settings).unwrap());
}

#[test]
fn cross_entropy_conforms() {
    let settings = Settings::new("cross-entropy");
    conforms("cross-entropy", &conformance::loss(&settings, cross_entropy::<f64>).unwrap());
    let settings = settings.precision(Precision::F32);
    conforms("cross-entropy-f32", &conformance::loss(&settings, cross_entropy::<f32>).unwrap());
}
