//! `Arbitrary` for quickcheck (feature `quickcheck`): a type for each formula, which holds an input that is
//! in the formula's domain, and shrinks within it.
//!
//! ```
//! use gradproof::catalog;
//! use gradproof::quickcheck::Cosine;
//!
//! fn no_rate_is_above_the_largest(Cosine(input): Cosine) -> bool {
//!     let largest = input["max_lr"].as_f64();
//!     let output = catalog::evaluate("cosine", input).unwrap();
//!     output["lr"].as_array().unwrap().iter().all(|rate| rate.as_f64() <= largest)
//! }
//!
//! quickcheck::QuickCheck::new().tests(20).quickcheck(no_rate_is_above_the_largest as fn(Cosine) -> bool);
//! ```

use crate::cases::{self, Conventions};
use crate::catalog;
use ::quickcheck::{Arbitrary, Gen};
use serde_json::Value;

/// A type for a formula.
macro_rules! input {
    ($($name:ident $id:literal),+ $(,)?) => {
        $(
            #[doc = concat!("An input of `", $id, "`, under any conventions.")]
            #[derive(Clone, Debug, PartialEq)]
            pub struct $name(pub Value);

            impl Arbitrary for $name {
                fn arbitrary(g: &mut Gen) -> $name {
                    let formula = catalog::formula($id).unwrap_or(&catalog::FORMULAS[0]);
                    $name(cases::any(formula, u64::arbitrary(g), Conventions::Any))
                }

                fn shrink(&self) -> Box<dyn Iterator<Item = $name>> {
                    let Ok(formula) = catalog::formula($id) else { return Box::new(std::iter::empty()) };
                    let simpler: Vec<Value> = cases::simpler(formula, &self.0).collect();
                    Box::new(simpler.into_iter().map($name))
                }
            }
        )+

        /// The ids of the formulas that have a type.
        pub const FORMULAS: &[&str] = &[$($id),+];
    };
}

input! {
    CrossEntropy "cross-entropy",
    InfoNce "info-nce",
    InfoNceInBatch "info-nce-in-batch",
    Dpo "dpo",
    DpoFromLogits "dpo-from-logits",
    AdamW "adamw",
    AdamL2 "adam-l2",
    Lion "lion",
    Sophia "sophia",
    GaussNewtonBartlett "gauss-newton-bartlett",
    Hutchinson "hutchinson",
    Sgd "sgd",
    Cosine "cosine",
    Wsd "wsd",
    Linear "linear",
    InverseSqrt "inverse-sqrt",
    Noam "noam",
}
