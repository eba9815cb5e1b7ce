//! burn's optimizers, schedules and cross-entropy, each with its adapter.

mod cross_entropy;
mod optimizers;
mod schedules;

pub use cross_entropy::cross_entropy;
pub use optimizers::{Adam, AdamW, Lion, Rule, Sgd, Subject};
pub use schedules::{Noam, cosine, linear, next};
