//! Where tensors live, and in which dtype.

use tch::{Device, Kind};

/// A device and a dtype.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Where the tensors live.
    pub device: Device,
    /// What they are made of.
    pub kind: Kind,
}
