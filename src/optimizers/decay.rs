//! Decoupled weight decay: the places where it can enter a step.
//!
//! u is the update direction before decay, η the rate, η_1 the rate of the first step, λ the decay.
//! Decaying first, (1 − ηλ)θ − ηu, is the joint form written in another order.

use crate::error::{Error, Result};
use crate::expression::Expr;
use crate::formula::axis;
use crate::number::Wide;

axis! {
    /// Where decoupled weight decay enters.
    Decay "decay" {
        Joint "joint" | "first": "θ − η(u + λθ)",
        After "after": "(θ − ηu)(1 − ηλ)",
        Proximal "proximal": "(θ − ηu)/(1 + ηλ)",
        Schedule "schedule": "θ(1 − λη/η_1) − ηu, η_1 the rate of the first step, above 0",
        Absolute "absolute": "θ(1 − λ) − ηu",
    }
}

/// θ′ as a graph.
pub fn step(decay: Decay, theta: Expr, u: Expr, eta: Expr, eta_1: Expr, lambda: Expr) -> Expr {
    match decay {
        Decay::Joint => theta - eta * (u + lambda * theta),
        Decay::After => (theta - eta * u) * (1 - eta * lambda),
        Decay::Proximal => (theta - eta * u) / (1 + eta * lambda),
        Decay::Schedule => theta * (1 - lambda * eta / eta_1) - eta * u,
        Decay::Absolute => theta * (1 - lambda) - eta * u,
    }
}

/// θ′ with the scalars taken together, as implementations do, from ηu.
pub fn textbook(decay: Decay, theta: Expr, moved: Expr, eta: Expr, eta_1: Expr, lambda: Expr) -> Expr {
    match decay {
        Decay::Joint => theta * (1 - eta * lambda) - moved,
        Decay::After => (theta - moved) * (1 - eta * lambda),
        Decay::Proximal => (theta - moved) / (1 + eta * lambda),
        Decay::Schedule => theta * (1 - lambda * (eta / eta_1)) - moved,
        Decay::Absolute => theta * (1 - lambda) - moved,
    }
}

/// θ′ as a wide number.
pub(crate) fn step_wide(decay: Decay, theta: Wide, u: Wide, eta: Wide, eta_1: Wide, lambda: Wide) -> Wide {
    match decay {
        Decay::Joint => theta - eta * (u + lambda * theta),
        Decay::After => (theta - eta * u) * (Wide::ONE - eta * lambda),
        Decay::Proximal => (theta - eta * u) / (Wide::ONE + eta * lambda),
        Decay::Schedule => theta * (Wide::ONE - lambda * eta / eta_1) - eta * u,
        Decay::Absolute => theta * (Wide::ONE - lambda) - eta * u,
    }
}

/// a and k of θ′ = aθ − ku, which every form is.
pub(crate) fn kept_and_moved(decay: Decay, eta: Wide, eta_1: Wide, lambda: Wide) -> [Wide; 2] {
    let left = Wide::ONE - eta * lambda;
    match decay {
        Decay::Joint => [left, eta],
        Decay::After => [left, eta * left],
        Decay::Proximal => {
            let more = Wide::ONE + eta * lambda;
            [Wide::ONE / more, eta / more]
        }
        Decay::Schedule => [Wide::ONE - lambda * eta / eta_1, eta],
        Decay::Absolute => [Wide::ONE - lambda, eta],
    }
}

/// The schedule form divides by the first rate.
pub fn check(decay: Decay, rates: &[f64]) -> Result<()> {
    match rates.first() {
        Some(&first) if decay == Decay::Schedule && first == 0.0 => {
            let allowed = "a number above 0 under the convention decay = \"schedule\"";
            Err(Error::domain("lr[0]", first, allowed))
        }
        _ => Ok(()),
    }
}
