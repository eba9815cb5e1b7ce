//! What DPO is made of, whether it starts from log-probabilities or from logits: the implicit
//! reward, the margin and its loss, as graphs and on numbers that carry a bound of their error.
//!
//! r̂ = β (ln π − ln π_ref), h = r̂_w − r̂_l, ℓ = softplus(−h) = −ln σ(h), ∂ℓ/∂h = −σ(−h)
//! (Rafailov et al., *Direct Preference Optimization*, 2023, equations 5 and 7).
//! With labels that are flipped with probability ε there are two losses: the conservative one
//! (Mitchell, *A note on DPO with noisy preferences*, 2023) and the robust, unbiased one
//! (Chowdhury, Kini, Natarajan, *Provably Robust DPO*, 2024).

use crate::domain;
use crate::error::{Error, Result};
use crate::expression::{Expr, absolute, by_sign, constant, positive_part, sigmoid, softplus};
use crate::formula::{Wrong, axis};
use crate::number::Wide;
use serde::Deserialize;

axis! {
    /// The loss of a pair whose label is wrong with probability ε.
    Smoothing "smoothing" {
        Conservative "conservative": "(1 − ε) softplus(−h) + ε softplus(h), weight σ(−h) − ε",
        Robust "robust": "((1 − ε) softplus(−h) − ε softplus(h))/(1 − 2ε), weight ((1 − ε)σ(−h) + εσ(h))/(1 − 2ε)",
    }
}
axis! {
    /// Whether the margin subtracts the reference; the rewards always do.
    Reference "reference" {
        Given "given": "h = β ((ln π_w − ln π_ref,w) − (ln π_l − ln π_ref,l))",
        Free "free": "h = β (ln π_w − ln π_l); the rewards still subtract the reference",
    }
}

/// The conventions of DPO.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conventions {
    /// The loss under label noise.
    pub smoothing: Smoothing,
    /// Whether the margin subtracts the reference.
    pub reference: Reference,
}

/// The default β.
pub fn default_beta() -> f64 {
    0.1
}

// ---- definition -------------------------------------------------------------------------------

/// A pair of responses: y_w, the chosen one, and y_l, the rejected one.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// ln π(y_w)
    pub policy_chosen: Expr,
    /// ln π(y_l)
    pub policy_rejected: Expr,
    /// ln π_ref(y_w)
    pub reference_chosen: Expr,
    /// ln π_ref(y_l)
    pub reference_rejected: Expr,
    /// β
    pub beta: Expr,
}

impl Pair {
    /// r̂_w = β (ln π(y_w) − ln π_ref(y_w))
    pub fn reward_chosen(&self) -> Expr {
        self.beta * (self.policy_chosen - self.reference_chosen)
    }

    /// r̂_l = β (ln π(y_l) − ln π_ref(y_l))
    pub fn reward_rejected(&self) -> Expr {
        self.beta * (self.policy_rejected - self.reference_rejected)
    }

    /// h = r̂_w − r̂_l
    pub fn margin(&self, reference: Reference) -> Expr {
        match reference {
            Reference::Given => self.reward_chosen() - self.reward_rejected(),
            Reference::Free => self.beta * (self.policy_chosen - self.policy_rejected),
        }
    }
}

/// ℓ = softplus(−h) = −ln σ(h)
pub fn loss(h: Expr) -> Expr {
    softplus(-h)
}

/// −∂ℓ/∂h = σ(−h) = σ(r̂_l − r̂_w)
pub fn weight(h: Expr) -> Expr {
    sigmoid(-h)
}

/// The loss under label smoothing ε.
pub fn smoothed_loss(h: Expr, epsilon: Expr, smoothing: Smoothing) -> Expr {
    match smoothing {
        Smoothing::Conservative => (1 - epsilon) * loss(h) + epsilon * loss(-h),
        Smoothing::Robust => ((1 - epsilon) * loss(h) - epsilon * loss(-h)) / (1 - 2 * epsilon),
    }
}

/// −∂ℓ/∂h of the loss under label smoothing ε.
pub fn smoothed_weight(h: Expr, epsilon: Expr, smoothing: Smoothing) -> Expr {
    match smoothing {
        Smoothing::Conservative => weight(h) - epsilon,
        Smoothing::Robust => ((1 - epsilon) * weight(h) + epsilon * weight(-h)) / (1 - 2 * epsilon),
    }
}

/// What a pair comes to under both axes.
#[derive(Clone, Copy, Debug)]
pub struct Judged {
    /// ℓ
    pub loss: Expr,
    /// −∂ℓ/∂h
    pub weight: Expr,
    /// r̂_w
    pub reward_chosen: Expr,
    /// r̂_l
    pub reward_rejected: Expr,
    /// −∂ℓ/∂ln π_w = ∂ℓ/∂ln π_l
    pub slope: Expr,
}

impl Pair {
    /// The loss of the pair with all that is reported of it, or a wrong form.
    pub fn judged(&self, epsilon: Expr, conventions: Conventions, wrong: Wrong) -> Judged {
        let Conventions { smoothing, reference } = conventions;
        let margin = self.margin(reference);
        let h = if wrong == Some("chosen-rejected-swapped") { -margin } else { margin };
        let epsilon = if wrong == Some("smoothing-ignored") { constant(0) } else { epsilon };
        let seen = match wrong {
            Some("weight-of-margin") => -h,
            Some("beta-twice") => self.beta * h,
            _ => h,
        };
        let undone = if wrong == Some("robust-undivided") && smoothing == Smoothing::Robust {
            1 - 2 * epsilon
        } else {
            constant(1)
        };
        let loss = smoothed_loss(h, epsilon, smoothing) * undone;
        let weight = smoothed_weight(seen, epsilon, smoothing) * undone;
        let slope = if wrong == Some("beta-missing") { weight } else { self.beta * weight };
        let turned = matches!(wrong, Some("sign" | "chosen-rejected-swapped"));
        let of_reward = |r: Expr| if wrong == Some("reward-without-beta") { r / self.beta } else { r };
        Judged {
            loss,
            weight,
            reward_chosen: of_reward(self.reward_chosen()),
            reward_rejected: of_reward(self.reward_rejected()),
            slope: if turned { -slope } else { slope },
        }
    }
}

// ---- textbook ---------------------------------------------------------------------------------

/// In which order an implementation subtracts the four log-probabilities of a margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Margin {
    /// β(ln π_w − ln π_ref,w) − β(ln π_l − ln π_ref,l), the difference of the rewards.
    Rewards,
    /// β((ln π_w − ln π_ref,w) − (ln π_l − ln π_ref,l))
    Responses,
    /// β((ln π_w − ln π_l) − (ln π_ref,w − ln π_ref,l)), as trl.
    Models,
}

/// How an implementation gets the derivative of a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derivative {
    /// Backward through log-sigmoid, term by term.
    Autograd,
    /// As the definition's weight, with a sigmoid whose exponential is at most 1.
    Closed,
}

/// A way whose exponentials are at most 1.
pub(super) const SHIFTED: (Margin, Derivative) = (Margin::Responses, Derivative::Closed);

/// Every way under a convention.
pub fn ways(reference: Reference) -> Vec<(Margin, Derivative)> {
    let margins: &[Margin] = match reference {
        Reference::Given => &[Margin::Rewards, Margin::Responses, Margin::Models],
        // without the reference there is one difference
        Reference::Free => &[Margin::Models],
    };
    margins.iter().flat_map(|&margin| [Derivative::Autograd, Derivative::Closed].map(|d| (margin, d))).collect()
}

/// softplus(−h) as implementations compute it: max(−h, 0) + ln1p(e^{−|h|})
pub fn textbook(h: Expr) -> Expr {
    positive_part(-h) + (-absolute(h)).exp().ln_1p()
}

/// ∂ln σ(x)/∂x = σ(−x), as ATen's `log_sigmoid_backward`: with z = e^{−|x|}, z/(1 + z) or 1 − z/(1 + z)
pub fn log_sigmoid_slope(x: Expr) -> Expr {
    let z = (-absolute(x)).exp();
    let small = z / (1 + z);
    by_sign(x, 1 - small, small, small)
}

/// σ(x) = 1/(1 + z) or z/(1 + z), z = e^{−|x|}
fn shifted_sigmoid(x: Expr) -> Expr {
    let z = (-absolute(x)).exp();
    let large = 1 / (1 + z);
    by_sign(x, z / (1 + z), large, large)
}

impl Pair {
    /// h in one order.
    pub fn margin_in_order(&self, order: Margin, reference: Reference) -> Expr {
        let Pair { policy_chosen, policy_rejected, reference_chosen, reference_rejected, beta } = *self;
        match (reference, order) {
            (Reference::Free, _) => beta * (policy_chosen - policy_rejected),
            (_, Margin::Rewards) => self.reward_chosen() - self.reward_rejected(),
            (_, Margin::Responses) => {
                beta * ((policy_chosen - reference_chosen) - (policy_rejected - reference_rejected))
            }
            (_, Margin::Models) => beta * ((policy_chosen - policy_rejected) - (reference_chosen - reference_rejected)),
        }
    }

    /// The loss of the pair with all that is reported of it, one way. The slope is that of a mean over
    /// `pairs`; `one` is the number 1 in the dtype of tensors.
    pub fn textbook(
        &self,
        (margin, derivative): (Margin, Derivative),
        epsilon: Expr,
        conventions: Conventions,
        pairs: i64,
        one: Expr,
    ) -> Judged {
        let h = self.margin_in_order(margin, conventions.reference);
        let (kept, flipped) = match conventions.smoothing {
            Smoothing::Conservative => (1 - epsilon, epsilon),
            Smoothing::Robust => (1 - epsilon, -epsilon),
        };
        let total = if conventions.smoothing == Smoothing::Robust { 1 - 2 * epsilon } else { constant(1) };
        let scaled = |g: Expr| g / total * kept * log_sigmoid_slope(h) - g / total * flipped * log_sigmoid_slope(-h);
        let (weight, slope) = match (derivative, conventions.smoothing) {
            (Derivative::Autograd, _) => (scaled(one), self.beta * scaled(one / pairs)),
            (Derivative::Closed, Smoothing::Conservative) => {
                let weight = shifted_sigmoid(-h) - epsilon;
                (weight, self.beta * weight / pairs)
            }
            (Derivative::Closed, Smoothing::Robust) => {
                let weight = (kept * shifted_sigmoid(-h) + epsilon * shifted_sigmoid(h)) / total;
                (weight, self.beta * weight / pairs)
            }
        };
        Judged {
            loss: (kept * textbook(h) + flipped * textbook(-h)) / total,
            weight,
            reward_chosen: self.reward_chosen(),
            reward_rejected: self.reward_rejected(),
            slope,
        }
    }
}

// ---- oracle -----------------------------------------------------------------------------------

/// ln(1 + e^{−x}) for x ≥ 0
fn tail(x: Wide) -> Wide {
    (-x).exp().ln_1p()
}

/// σ(x)
fn sigmoid_of(x: Wide) -> Wide {
    if x.is_below(Wide::ZERO) {
        let e = x.exp();
        e / (Wide::ONE + e)
    } else {
        Wide::ONE / (Wide::ONE + (-x).exp())
    }
}

/// β, ε and the conventions: what turns margins into losses and weights.
#[derive(Clone, Copy, Debug)]
pub struct Objective {
    /// β
    pub beta: f64,
    /// ε
    pub epsilon: f64,
    /// The choices.
    pub conventions: Conventions,
}

impl Objective {
    /// Checked: β > 0 and ε in [0, 0.5).
    ///
    /// # Errors
    /// If one is outside its domain.
    pub fn new(beta: f64, epsilon: f64, conventions: Conventions) -> Result<Objective> {
        domain::positive("beta", beta)?;
        if !(0.0..0.5).contains(&epsilon) {
            return Err(Error::domain("label_smoothing", epsilon, "a number in [0, 0.5)"));
        }
        Ok(Objective { beta, epsilon, conventions })
    }

    /// 1 − 2ε, what the robust loss is divided by.
    fn total(&self) -> Wide {
        Wide::ONE - Wide::from(self.epsilon).scaled(1)
    }

    /// The loss of a pair with the margin h: a share of |h| and ln(1 + e^{−|h|}), since
    /// softplus(−h) = softplus(h) − h.
    pub(super) fn loss(&self, h: Wide) -> Wide {
        let epsilon = Wide::from(self.epsilon);
        let share = match (h.is_below(Wide::ZERO), self.conventions.smoothing) {
            (true, Smoothing::Conservative) => Wide::ONE - epsilon,
            (true, Smoothing::Robust) => (Wide::ONE - epsilon) / self.total(),
            (false, Smoothing::Conservative) => epsilon,
            (false, Smoothing::Robust) => -epsilon / self.total(),
        };
        share * h.abs() + tail(h.abs())
    }

    /// −∂ℓ/∂h of a pair with the margin h.
    pub(super) fn weight(&self, h: Wide) -> Wide {
        let epsilon = Wide::from(self.epsilon);
        match self.conventions.smoothing {
            Smoothing::Conservative => sigmoid_of(-h) - epsilon,
            // ((1 − ε)σ(−h) + εσ(h))/(1 − 2ε) with σ(h) = 1 − σ(−h)
            Smoothing::Robust => sigmoid_of(-h) + epsilon / self.total(),
        }
    }
}
