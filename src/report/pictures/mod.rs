//! The pictures, each a function from parameters to SVG.

pub mod chart;
pub mod decoupling;
pub mod dpo_weight;
pub mod errors;
pub mod gap;
pub mod info_nce_weights;
pub mod schedules;
pub mod steps;

pub use chart::standalone;
