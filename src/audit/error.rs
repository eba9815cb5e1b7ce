//! What can be wrong with a checkpoint or with the call, and where.

use std::path::PathBuf;

/// Why a step cannot be audited. Every message names the file and the place in it, or the field.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be opened or read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{}, {place}: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where in it.
        place: String,
        /// What was found, and what is allowed.
        problem: String,
    },
    /// A checkpoint lacks a tensor that another one has.
    #[error("{}: no tensor {tensor:?}, {reason}", path.display())]
    MissingTensor {
        /// The file that lacks it.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// Why it should be there.
        reason: String,
    },
    /// A field of the configuration is outside its domain.
    #[error("{field}: found {found}, allowed is {allowed}")]
    Config {
        /// The field.
        field: String,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: String,
    },
    /// The hyperparameters are outside the formula's domain.
    #[error(transparent)]
    Formula(#[from] crate::error::Error),
    /// Reports that cannot be joined.
    #[error("the reports do not belong together: {0}")]
    Merge(String),
}

impl Error {
    pub(super) fn malformed(path: impl Into<PathBuf>, place: impl Into<String>, problem: impl Into<String>) -> Error {
        Error::Malformed { path: path.into(), place: place.into(), problem: problem.into() }
    }

    pub(super) fn config(field: impl Into<String>, found: impl ToString, allowed: impl Into<String>) -> Error {
        Error::Config { field: field.into(), found: found.to_string(), allowed: allowed.into() }
    }
}

/// The result of an audit.
pub type Result<T> = std::result::Result<T, Error>;
