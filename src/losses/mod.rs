//! Loss functions.

pub mod contrast;
pub mod cross_entropy;
pub mod dpo;
pub mod dpo_from_logits;
pub mod info_nce;
pub mod info_nce_in_batch;
pub mod preference;
mod rounding;
pub(crate) mod rows;
pub mod shifted;
pub mod similarity;
mod softmax;
