//! Learning-rate schedules.

pub mod cosine;
pub mod decay;
pub mod inverse_sqrt;
pub mod linear;
pub mod noam;
pub mod warmup;
pub mod wsd;
