//! Every formula, by id.

use crate::across;
use crate::claim::Claim;
use crate::error::{Error, Result};
use crate::formula::Formula;
use crate::losses;
use crate::optimizers;
use crate::schedules;
use serde_json::Value;

/// The catalog. A new formula is one line here.
pub const FORMULAS: &[Formula] = &[
    losses::cross_entropy::FORMULA,
    losses::info_nce::FORMULA,
    losses::info_nce_in_batch::FORMULA,
    losses::dpo::FORMULA,
    losses::dpo_from_logits::FORMULA,
    optimizers::adamw::FORMULA,
    optimizers::adam_l2::FORMULA,
    optimizers::lion::FORMULA,
    optimizers::sophia::FORMULA,
    optimizers::gauss_newton_bartlett::FORMULA,
    optimizers::hutchinson::FORMULA,
    optimizers::sgd::FORMULA,
    schedules::cosine::FORMULA,
    schedules::wsd::FORMULA,
    schedules::linear::FORMULA,
    schedules::inverse_sqrt::FORMULA,
    schedules::noam::FORMULA,
];

/// The formula with this id.
///
/// # Errors
/// If there is none.
pub fn formula(id: &str) -> Result<&'static Formula> {
    FORMULAS.iter().find(|f| f.id == id).ok_or_else(|| Error::UnknownFormula {
        found: id.into(),
        known: FORMULAS.iter().map(|f| f.id).collect::<Vec<_>>().join(", "),
    })
}

/// Evaluates a formula: JSON in, JSON out.
///
/// ```
/// let input = serde_json::json!({ "logits": [[0.0, 0.0]], "targets": [1] });
/// let output = gradproof::catalog::evaluate("cross-entropy", input)?;
/// assert_eq!(output["gradient"], serde_json::json!([[0.5, -0.5]]));
/// # Ok::<(), gradproof::error::Error>(())
/// ```
///
/// # Errors
/// If there is no such formula, or the input is unusable.
pub fn evaluate(id: &str, input: Value) -> Result<Value> {
    (formula(id)?.evaluate)(input)
}

/// Every claim about every formula, and those that span formulas.
pub fn claims() -> Vec<Claim> {
    FORMULAS.iter().flat_map(|f| (f.claims)()).chain(across::claims()).collect()
}
