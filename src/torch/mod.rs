//! The same formulas by libtorch, live: on any device and dtype, with libtorch's operators for the
//! value and its autograd for the gradient, in the JSON of [`crate::catalog::evaluate`].
//!
//! Scalar hyperparameters stay f64, as in PyTorch; everything else is a tensor of the dtype. The
//! numbers that come out are those of the dtype, exactly.

mod adam;
mod cross_entropy;
mod decay;
mod error;
mod placement;
mod pointwise;
mod steps;
mod tensors;

pub use error::{Error, Result};
pub use placement::Placement;

use serde_json::Value;

/// Evaluates a formula by libtorch: JSON in and out as [`crate::catalog::evaluate`] takes and gives
/// it.
///
/// # Errors
/// If the input is unusable, the formula or one of its conventions is not computed here, or libtorch
/// refuses an operation.
pub fn evaluate(formula: &str, input: &Value, placement: Placement) -> Result<Value> {
    match formula {
        "cross-entropy" => cross_entropy::evaluate(input, placement),
        "adamw" => adam::adamw(input, placement),
        "adam-l2" => adam::adam_l2(input, placement),
        other => {
            let formula = crate::catalog::formula(other)?;
            Err(Error::unsupported(formula.id, "the formula", "its value is arithmetic on the host, without a tensor"))
        }
    }
}
