//! The claims about cosine.

use crate::claim::Claim;

pub(super) fn claims() -> Vec<Claim> {
    vec![]
}
