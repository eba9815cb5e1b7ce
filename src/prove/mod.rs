//! Statements of one's own, decided: by a language for derivations, or on graphs.

mod decide;

pub use decide::{AtSize, Decided, Statement, decide};
