//! The claims about InfoNCE with in-batch negatives.

use crate::claim::Claim;

pub(super) fn claims() -> Vec<Claim> {
    vec![]
}
