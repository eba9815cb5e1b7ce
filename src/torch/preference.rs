//! What DPO is made of by tensor operations, in the order of the authors' code
//! (eric-mitchell/direct-preference-optimization, `preference_loss`): the two log-ratios, their
//! difference, and log σ.

use crate::losses::preference::{Objective, Reference, Smoothing};
use tch::{TchError, Tensor};

type Result<T> = std::result::Result<T, TchError>;

/// The log-probabilities of pairs of responses.
pub(super) struct Pairs {
    /// ln π(y_w)
    pub policy_chosen: Tensor,
    /// ln π(y_l)
    pub policy_rejected: Tensor,
    /// ln π_ref(y_w)
    pub reference_chosen: Tensor,
    /// ln π_ref(y_l)
    pub reference_rejected: Tensor,
}

/// What the pairs come to, each.
pub(super) struct Judged {
    /// ℓ
    pub loss: Tensor,
    /// −∂ℓ/∂h
    pub weight: Tensor,
    /// r̂_w
    pub reward_chosen: Tensor,
    /// r̂_l
    pub reward_rejected: Tensor,
}

impl Pairs {
    /// The losses with all that is reported of them.
    pub(super) fn judged(&self, objective: &Objective) -> Result<Judged> {
        let reward = |policy: &Tensor, reference: &Tensor| policy.f_sub(reference)?.f_mul_scalar(objective.beta);
        let log_ratio = self.policy_chosen.f_sub(&self.policy_rejected)?;
        let margin = match objective.conventions.reference {
            Reference::Given => log_ratio.f_sub(&self.reference_chosen.f_sub(&self.reference_rejected)?)?,
            Reference::Free => log_ratio,
        };
        let h = margin.f_mul_scalar(objective.beta)?;
        Ok(Judged {
            loss: loss(&h, objective)?,
            weight: weight(&h, objective)?,
            reward_chosen: reward(&self.policy_chosen, &self.reference_chosen)?,
            reward_rejected: reward(&self.policy_rejected, &self.reference_rejected)?,
        })
    }
}

/// −(1 − ε) ln σ(h) − ε ln σ(−h), or its robust form; both terms at ε = 0 too, as the authors' code.
fn loss(h: &Tensor, objective: &Objective) -> Result<Tensor> {
    let epsilon = objective.epsilon;
    let clean = h.f_log_sigmoid()?.f_mul_scalar(-(1.0 - epsilon))?;
    let flipped = h.f_neg()?.f_log_sigmoid()?.f_mul_scalar(epsilon)?;
    match objective.conventions.smoothing {
        Smoothing::Conservative => clean.f_sub(&flipped),
        Smoothing::Robust => clean.f_add(&flipped)?.f_div_scalar(1.0 - 2.0 * epsilon),
    }
}

/// σ(−h) − ε, or its robust form.
fn weight(h: &Tensor, objective: &Objective) -> Result<Tensor> {
    let epsilon = objective.epsilon;
    let clean = h.f_neg()?.f_sigmoid()?;
    match objective.conventions.smoothing {
        Smoothing::Conservative => clean.f_add_scalar(-epsilon),
        Smoothing::Robust => {
            let flipped = h.f_sigmoid()?.f_mul_scalar(epsilon)?;
            clean.f_mul_scalar(1.0 - epsilon)?.f_add(&flipped)?.f_div_scalar(1.0 - 2.0 * epsilon)
        }
    }
}
