//! The claims about DPO from logits.

use super::*;
use crate::claim::Claim;

pub(super) fn claims() -> Vec<Claim> {
    vec![]
}
