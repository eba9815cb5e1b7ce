//! Optimizer update rules.

pub mod adam;
pub mod adamw;
pub mod decay;
pub mod exact;
pub mod gauss_newton_bartlett;
pub mod hutchinson;
pub mod lion;
pub mod sophia;
pub mod state;
