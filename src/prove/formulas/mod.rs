//! Every formula of the catalog, by name: `dpo(lw, ll, rw, rl, beta)`, `adamw.v(theta, m, v, g, …)`.
//!
//! A formula is its own definition, taken into the graph of a claim with the claim's expressions in the place of
//! its numbers.

mod applied;
mod resolved;
mod signatures;
#[cfg(all(test, feature = "cli"))]
mod tests;

pub(super) use resolved::Resolved;
pub use signatures::signatures;
pub(super) use signatures::{SIGNATURES, Signature, signature};
