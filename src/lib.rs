//! gradproof
pub mod catalog;
pub mod claim;
pub mod error;
pub mod expression;
pub mod formula;
pub mod json;
pub mod judges;
pub mod losses;
pub mod number;
pub mod verify;
