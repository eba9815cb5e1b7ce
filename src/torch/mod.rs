//! The same formulas by libtorch, live: on any device and dtype, with libtorch's operators for the
//! value and its autograd for the gradient, in the JSON of [`crate::catalog::evaluate`].
//!
//! Scalar hyperparameters stay f64, as in PyTorch, and so does arithmetic on them alone, like
//! 1 − β^t; everything else is a tensor of the dtype. The temperature is a tensor too, since its
//! gradient is an output. The numbers that come out are those of the dtype, exactly.
//!
//! # Building
//!
//! libtorch 2.11 is reached through the crate `tch`, which finds it in the folder that `LIBTORCH` names,
//! or beside the Python whose `torch` is 2.11 with `LIBTORCH_USE_PYTORCH=1`; `LD_LIBRARY_PATH` must name
//! its `lib` folder when the program runs. A program of another package that uses this module on a GPU
//! must link libtorch's CUDA part itself, as this package's `build.rs` does for its own programs.
//! `tch` leaves out an operator's defaulted arguments, and has none of the fused optimizer kernels.

mod adam;
mod cross_entropy;
mod decay;
mod dpo;
mod error;
mod estimators;
mod info_nce;
mod info_nce_in_batch;
mod large;
mod lion;
mod native;
pub mod placement;
mod pointwise;
mod preference;
mod recorder;
mod sgd;
mod similarity;
mod sophia;
mod steps;
mod tensors;

pub use error::{Error, Result};
pub use estimators::{hessian_vector_product, sample_labels};
pub use native::native;
pub use placement::Placement;
pub use recorder::{Plan, record};

use serde_json::Value;

/// Evaluates a formula by libtorch: JSON in and out as [`crate::catalog::evaluate`] takes and gives
/// it.
///
/// # Errors
/// If the input is unusable, the formula or one of its conventions is not computed here, or libtorch
/// refuses an operation. What the oracle refuses while it computes, like a division by zero, is a
/// number here: infinite, or NaN.
pub fn evaluate(formula: &str, input: &Value, placement: Placement) -> Result<Value> {
    match formula {
        "cross-entropy" => cross_entropy::evaluate(input, placement),
        "info-nce" => info_nce::evaluate(input, placement),
        "info-nce-in-batch" => info_nce_in_batch::evaluate(input, placement),
        "dpo" => dpo::from_log_probabilities(input, placement),
        "dpo-from-logits" => dpo::from_logits(input, placement),
        "adamw" => adam::adamw(input, placement),
        "adam-l2" => adam::adam_l2(input, placement),
        "lion" => lion::evaluate(input, placement),
        "sophia" => sophia::evaluate(input, placement),
        "gauss-newton-bartlett" => estimators::gauss_newton_bartlett(input, placement),
        "hutchinson" => estimators::hutchinson(input, placement),
        "sgd" => sgd::evaluate(input, placement),
        other => {
            let formula = crate::catalog::formula(other)?;
            Err(Error::unsupported(formula.id, "the formula", "its value is arithmetic on the host, without a tensor"))
        }
    }
}
