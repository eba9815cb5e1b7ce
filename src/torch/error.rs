//! What can go wrong between a formula's input and libtorch.

use tch::TchError;

/// Why libtorch gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input is unusable, whoever evaluates it.
    #[error(transparent)]
    Input(#[from] crate::error::Error),
    /// libtorch refused an operation.
    #[error("libtorch: {0}")]
    Libtorch(#[from] TchError),
    /// A convention or an input that this module does not compute.
    #[error("{formula}: {what} is not computed by libtorch here: {reason}")]
    Unsupported {
        /// The formula.
        formula: String,
        /// The convention, field or input.
        what: String,
        /// Why not.
        reason: String,
    },
    /// A word that names no device.
    #[error("device: found {found:?}, allowed is {allowed}")]
    UnknownDevice {
        /// The word.
        found: String,
        /// The words that name one.
        allowed: &'static str,
    },
    /// A device that this machine, or this libtorch, does not have.
    #[error("device: cuda:{index} was asked for, but libtorch {version} finds {count} CUDA devices here")]
    NoSuchDevice {
        /// The index asked for.
        index: usize,
        /// How many there are.
        count: usize,
        /// The version of libtorch.
        version: String,
    },
    /// A word that names no dtype.
    #[error("dtype: found {found:?}, allowed is {allowed}")]
    UnknownKind {
        /// The word.
        found: String,
        /// The words that name one.
        allowed: &'static str,
    },
    /// Another libtorch than the one that these numbers are about.
    #[error("libtorch: found version {found} at {path}, needed is {needed}")]
    Version {
        /// The version that is loaded.
        found: String,
        /// Where.
        path: String,
        /// The version that is needed.
        needed: &'static str,
    },
}

impl Error {
    /// Something that this module does not compute.
    pub(super) fn unsupported(formula: &str, what: impl Into<String>, reason: impl Into<String>) -> Error {
        Error::Unsupported { formula: formula.into(), what: what.into(), reason: reason.into() }
    }
}

/// The result of an evaluation by libtorch.
pub type Result<T> = std::result::Result<T, Error>;
