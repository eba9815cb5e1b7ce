//! What can be wrong with an input, and where.

use std::fmt::Display;

/// Why an input cannot be evaluated. Every message names the field (with its indices), what was
/// found and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not JSON, or breaks off.
    #[error("the input is not JSON: {0}")]
    NotJson(String),
    /// A field is missing, unknown, doubled, or of another type than it should be.
    #[error("{field}: {problem}")]
    Structure {
        /// The field with its indices; the top level is "input".
        field: String,
        /// What was found and what was expected.
        problem: String,
    },
    /// A value outside its domain.
    #[error("{field}: found {found}, allowed is {allowed}")]
    Domain {
        /// The field with its indices.
        field: String,
        /// The value found.
        found: String,
        /// The domain.
        allowed: String,
    },
    /// Two shapes that do not agree, or an empty one.
    #[error("{field}: found length {found}, allowed is {allowed}")]
    Shape {
        /// The field with its indices.
        field: String,
        /// The length found.
        found: usize,
        /// The length needed, and why.
        allowed: String,
    },
    /// A division by zero in exact arithmetic.
    #[error("{place}: division by zero, {reason}")]
    DivisionByZero {
        /// Where.
        place: String,
        /// What is zero.
        reason: String,
    },
    /// A result that must be finite and is not.
    #[error("{place}: the result is past the range of f64")]
    Overflow {
        /// Which result.
        place: String,
    },
    /// A result whose rounding no precision decided.
    #[error("{place}: its rounding could not be decided, {reason}")]
    Undecided {
        /// Which result.
        place: String,
        /// Why not.
        reason: String,
    },
    /// A recording that does not belong to the cases of this version.
    #[error("{what}: the recorded input is not the case's any more; record it again with `{command}`")]
    Stale {
        /// The case.
        what: String,
        /// The command that renews the recording.
        command: String,
    },
    /// No formula has this id.
    #[error("no formula is called {found:?}; the formulas are {known}")]
    UnknownFormula {
        /// The id asked for.
        found: String,
        /// All ids.
        known: String,
    },
}

impl Error {
    /// A value outside its domain.
    pub fn domain(field: impl Into<String>, found: impl Display, allowed: impl Into<String>) -> Error {
        Error::Domain { field: field.into(), found: found.to_string(), allowed: allowed.into() }
    }

    /// A length that does not agree.
    pub fn shape(field: impl Into<String>, found: usize, allowed: impl Into<String>) -> Error {
        Error::Shape { field: field.into(), found, allowed: allowed.into() }
    }

    /// A division by zero.
    pub fn zero(place: impl Into<String>, reason: impl Into<String>) -> Error {
        Error::DivisionByZero { place: place.into(), reason: reason.into() }
    }
}

/// The result of evaluating an input.
pub type Result<T> = std::result::Result<T, Error>;
