//! Optimizer update rules, and the estimators that one of them needs.

pub mod adam;
pub mod adam_l2;
pub mod adamw;
pub mod average;
pub mod decay;
pub mod element;
pub mod flat;
pub mod gauss_newton_bartlett;
pub mod hutchinson;
pub mod lion;
pub mod sgd;
pub mod sophia;
pub mod state;

#[cfg(test)]
mod tests;
