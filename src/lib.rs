//! gradproof
pub mod expression;
pub mod number;
