//! What a subject computes in.

use crate::number::{Dtype, RunningError};
use std::fmt;

/// The formats of a subject's tensors and of its scalar hyperparameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Everything in f64.
    F64,
    /// Tensors in f64; β, ε, λ and the rate pass through f32.
    F64WithF32Hyperparameters,
    /// Tensors in f32, hyperparameters in f32 or wider.
    F32,
    /// Tensors in bf16, hyperparameters in f32 or wider.
    Bf16,
    /// Tensors in f16, hyperparameters in f32 or wider.
    F16,
}

impl Precision {
    /// All of them.
    pub const ALL: [Precision; 5] =
        [Precision::F64, Precision::F64WithF32Hyperparameters, Precision::F32, Precision::Bf16, Precision::F16];

    /// The dtype of tensors, in which a case's numbers are exact.
    pub fn tensor(self) -> Dtype {
        match self {
            Precision::F64 | Precision::F64WithF32Hyperparameters => Dtype::F64,
            Precision::F32 => Dtype::F32,
            Precision::Bf16 => Dtype::Bf16,
            Precision::F16 => Dtype::F16,
        }
    }

    /// The arithmetic that a budget is computed for.
    pub fn arithmetic(self) -> RunningError {
        let scalar = if self == Precision::F64 { Dtype::F64 } else { Dtype::F32 };
        RunningError { tensor: self.tensor(), scalar }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Precision::F64 => "f64",
            Precision::F64WithF32Hyperparameters => "f64 with f32 hyperparameters",
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
            Precision::F16 => "f16",
        })
    }
}
