//! Loss functions.

pub mod cross_entropy;
pub mod softmax;
