//! The claims about wsd.

use crate::claim::Claim;

pub(super) fn claims() -> Vec<Claim> {
    vec![]
}
