//! The evidence: what `verify` found, for a program, for a terminal and as a page.

pub mod accuracy;
#[cfg(feature = "report")]
mod consequences;
#[cfg(feature = "report")]
pub mod derivation;
#[cfg(feature = "report")]
pub mod document;
#[cfg(feature = "report")]
pub mod known;
#[cfg(feature = "report")]
mod mathematics;
#[cfg(feature = "report")]
mod page;
#[cfg(feature = "report")]
pub mod pictures;
#[cfg(feature = "report")]
pub mod questions;
#[cfg(feature = "report")]
mod sections;
#[cfg(feature = "report")]
pub mod standing;
pub mod surveys;
#[cfg(feature = "cli")]
pub mod terminal;

#[cfg(feature = "report")]
pub use consequences::Consequence;
#[cfg(feature = "report")]
pub use page::{Data, Incomplete, Report};

pub use crate::verify::{Evidence, RunInfo};
