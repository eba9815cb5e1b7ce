//! Loss functions.

pub mod contrast;
pub mod cross_entropy;
pub mod info_nce;
pub mod info_nce_in_batch;
pub mod similarity;
pub mod softmax;
