//! The conformance kit: somebody's optimizer, schedule or loss, held to its formula in their own
//! `cargo test`.
//!
//! An adapter of about fifteen lines tells how the subject is built, stepped and read
//! ([`Optimizer`]), or is a closure from a case to what the subject gives ([`trajectory`]). The kit runs
//! groups of cases that show what ordinary gradients hide, holds every number to the budget of the
//! subject's precision ([`Precision`]), and where one exceeds it says what the subject is in fact doing.
//!
//! Case ids, cases and budgets are stable within a minor version of this crate: a subject that conforms
//! goes on conforming.

mod case;
mod component;
mod config;
mod groups;
mod inputs;
mod loss;
mod optimizer;
mod outputs;
mod precision;
mod report;
mod repro;
mod schedule;
mod settings;
mod subject;
mod tests_macro;

pub use case::{Case, Feature, Group, StepInput, Tensor};
pub use config::{Config, Unsupported};
pub use groups::{CaseGroup, GROUPS};
pub use inputs::{InputGroup, inputs};
pub use loss::{Found, LossCase, loss};
pub use optimizer::{optimizer, optimizer_group, trajectory};
pub use precision::Precision;
pub use report::{Difference, First, GroupReport, Outcome, Report};
pub use schedule::{schedule, schedule_by_calls};
pub use settings::{Expected, Settings};
pub use subject::{Optimizer, Trajectory};
