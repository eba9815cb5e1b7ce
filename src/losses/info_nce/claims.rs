//! The claims about InfoNCE.

use crate::claim::Claim;

pub(super) fn claims() -> Vec<Claim> {
    vec![]
}
