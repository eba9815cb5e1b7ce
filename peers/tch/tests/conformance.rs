//! tch, held to the formulas.

#![cfg(feature = "torch")]

#[path = "../../reports.rs"]
mod reports;

use gradproof::conformance::{self, Precision, Settings};
use peer_tch::{Adam, AdamW, AdamWInF32, Sgd, Subject};
use reports::conforms;

#[test]
fn adamw_conforms() {
    let settings = Settings::new("adamw");
    conforms("adamw", &conformance::optimizer::<Subject<AdamW<false>>>(&settings).unwrap());
    let settings = settings.precision(Precision::F32);
    conforms("adamw-f32", &conformance::optimizer::<Subject<AdamWInF32>>(&settings).unwrap());
}

#[test]
fn amsgrad_takes_the_maximum_before_it_is_corrected() {
    let settings = Settings::new("adamw").convention("amsgrad", "raw");
    conforms("amsgrad", &conformance::optimizer::<Subject<AdamW<true>>>(&settings).unwrap());
}

#[test]
fn adam_conforms() {
    let settings = Settings::new("adam-l2");
    conforms("adam-l2", &conformance::optimizer::<Subject<Adam>>(&settings).unwrap());
}

#[test]
fn sgd_conforms() {
    let settings = Settings::new("sgd");
    conforms("sgd", &conformance::optimizer::<Subject<Sgd>>(&settings).unwrap());
}
