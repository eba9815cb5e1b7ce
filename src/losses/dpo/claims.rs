//! The claims about DPO.

use super::*;
use crate::claim::Claim;

pub(super) fn claims() -> Vec<Claim> {
    vec![]
}
