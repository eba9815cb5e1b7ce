//! Decoupled weight decay: the places where it can enter a step.
//!
//! u is the update direction before decay, η the rate, η_1 the rate of the first step, λ the decay.
//! Decaying first, (1 − ηλ)θ − ηu, is the joint form written in another order.

use crate::error::{Error, Result};
use crate::expression::Expr;
use crate::formula::axis;
use crate::optimizers::exact;
use num_rational::BigRational;
use num_traits::One;

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

/// θ′ in f64, within 1e5 ulp of its largest term; where a term leaves the range on the way, exactly
/// from u and rounded once.
pub fn step_f64(decay: Decay, theta: f64, u: f64, eta: f64, eta_1: f64, lambda: f64) -> f64 {
    let moved = match decay {
        Decay::Joint => theta - eta * (u + lambda * theta),
        Decay::After => (theta - eta * u) * (1.0 - eta * lambda),
        Decay::Proximal => (theta - eta * u) / (1.0 + eta * lambda),
        Decay::Schedule => theta * (1.0 - lambda * (eta / eta_1)) - eta * u,
        Decay::Absolute => theta * (1.0 - lambda) - eta * u,
    };
    if !moved.is_finite() {
        return step_exactly(decay, theta, u, eta, eta_1, lambda);
    }
    // an exact zero is +0
    if theta == 0.0 && u == 0.0 { 0.0 } else { moved }
}

fn step_exactly(decay: Decay, theta: f64, u: f64, eta: f64, eta_1: f64, lambda: f64) -> f64 {
    let [theta, u, eta, eta_1, lambda] = [theta, u, eta, eta_1, lambda].map(exact::rational);
    let one = BigRational::one();
    let moved = match decay {
        Decay::Joint => &theta - &eta * (u + lambda * &theta),
        Decay::After => (theta - &eta * u) * (one - &eta * lambda),
        Decay::Proximal => (theta - &eta * u) / (one + &eta * lambda),
        // the first rate is above zero
        Decay::Schedule => theta * (one - lambda * &eta / eta_1) - eta * u,
        Decay::Absolute => theta * (one - lambda) - eta * u,
    };
    exact::nearest(&moved)
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
