//! DPO by `log_sigmoid`, from log-probabilities and from logits.

use crate::json;
use crate::losses::preference::Objective;
use crate::losses::{dpo, dpo_from_logits};
use crate::torch::error::Result;
use crate::torch::preference::Pairs;
use crate::torch::{Placement, tensors};
use serde_json::Value;
use tch::{TchError, Tensor};

/// Evaluates a batch of pairs.
pub(super) fn from_log_probabilities(input: &Value, placement: Placement) -> Result<Value> {
    let input: dpo::Input = json::read(input.clone())?;
    dpo::validate(&input)?;
    let objective = Objective::new(input.beta, input.label_smoothing, input.conventions)?;
    let pairs = Pairs {
        policy_chosen: tensors::leaf(placement.vector(&input.policy_chosen)?)?,
        policy_rejected: tensors::leaf(placement.vector(&input.policy_rejected)?)?,
        reference_chosen: placement.vector(&input.reference_chosen)?,
        reference_rejected: placement.vector(&input.reference_rejected)?,
    };
    let judged = pairs.judged(&objective)?;
    let loss = judged.loss.f_mean(None)?;
    let gradients = tensors::gradients(&loss, &[&pairs.policy_chosen, &pairs.policy_rejected])?;
    Ok(json::write(&dpo::Output {
        loss: tensors::number(&loss)?,
        weight: tensors::numbers(&judged.weight)?,
        rewards_chosen: tensors::numbers(&judged.reward_chosen)?,
        rewards_rejected: tensors::numbers(&judged.reward_rejected)?,
        gradient: dpo::Gradient {
            policy_chosen: tensors::numbers(&gradients[0])?,
            policy_rejected: tensors::numbers(&gradients[1])?,
        },
    }))
}

/// Evaluates one pair end to end: log-softmax, the tokens' log-probabilities, their sums, the loss.
pub(super) fn from_logits(input: &Value, placement: Placement) -> Result<Value> {
    let input: dpo_from_logits::Input = json::read(input.clone())?;
    dpo_from_logits::validated_pair(&input)?;
    let objective = Objective::new(input.beta, input.label_smoothing, input.conventions)?;
    let (chosen, rejected) = (&input.chosen, &input.rejected);
    let classes = chosen.policy_logits[0].len();
    let chosen_logits = tensors::leaf(placement.matrix(&chosen.policy_logits, classes)?)?;
    let rejected_logits = tensors::leaf(placement.matrix(&rejected.policy_logits, classes)?)?;
    let (chosen_tokens, rejected_tokens) = (placement.wholes(&chosen.tokens)?, placement.wholes(&rejected.tokens)?);
    let reference = |side: &dpo_from_logits::Side, tokens: &Tensor| {
        log_probability(&placement.matrix(&side.reference_logits, classes)?, tokens)
    };
    let pair = Pairs {
        policy_chosen: log_probability(&chosen_logits, &chosen_tokens)?,
        policy_rejected: log_probability(&rejected_logits, &rejected_tokens)?,
        reference_chosen: reference(chosen, &chosen_tokens)?,
        reference_rejected: reference(rejected, &rejected_tokens)?,
    };
    let judged = pair.judged(&objective)?;
    let gradients = tensors::gradients(&judged.loss, &[&chosen_logits, &rejected_logits])?;
    Ok(json::write(&dpo_from_logits::Output {
        loss: tensors::number(&judged.loss)?,
        weight: tensors::number(&judged.weight)?,
        reward_chosen: tensors::number(&judged.reward_chosen)?,
        reward_rejected: tensors::number(&judged.reward_rejected)?,
        gradient: dpo_from_logits::Gradient {
            chosen: tensors::rows(&gradients[0])?,
            rejected: tensors::rows(&gradients[1])?,
        },
    }))
}

/// ln π(y) = Σ_t log_softmax(z_t)_{y_t}
fn log_probability(logits: &Tensor, tokens: &Tensor) -> std::result::Result<Tensor, TchError> {
    logits.f_log_softmax(-1, None)?.f_gather(-1, &tokens.f_unsqueeze(-1)?, false)?.f_sum(None)
}
