//! Loss functions.

pub mod cross_entropy;
pub mod dpo;
pub mod dpo_from_logits;
pub mod preference;
pub mod softmax;
