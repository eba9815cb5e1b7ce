//! gradproof
pub mod catalog;
pub mod claim;
mod domain;
pub mod error;
pub mod expression;
pub mod formula;
pub mod json;
pub mod judges;
pub mod losses;
pub mod number;
pub mod optimizers;
pub mod schedules;
pub mod verify;
