//! Optimizer update rules.

pub mod adam;

pub mod adam_l2;
pub mod adamw;
pub mod decay;
pub mod sgd;
pub mod state;
