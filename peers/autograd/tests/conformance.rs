//! autograd, held to the formulas: a test for every group of cases, and the reports.

#[path = "../../reports.rs"]
mod reports;

use gradproof::conformance::{self, Settings};
use peer_autograd::{Adam, Sgd};
use reports::conforms;

gradproof::conformance_tests!(adam, Adam, Settings::new("adam-l2"));
gradproof::conformance_tests!(sgd, Sgd, Settings::new("sgd"));

#[test]
fn adam_and_sgd_conform() {
    let settings = Settings::new("adam-l2");
    conforms("adam", &conformance::optimizer::<Adam>(&settings).unwrap());
    let settings = Settings::new("sgd");
    conforms("sgd", &conformance::optimizer::<Sgd>(&settings).unwrap());
}
