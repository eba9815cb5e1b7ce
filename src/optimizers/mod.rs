//! Optimizer update rules.

pub mod adam;

pub mod adamw;
pub mod decay;
pub mod state;
