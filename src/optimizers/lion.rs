//! # Lion
//!
//! θ′ = θ − η( sign(β1 m + (1 − β1) g) + λθ ),  m′ = β2 m + (1 − β2) g
//! (Chen et al., *Symbolic Discovery of Optimization Algorithms* (2023), Algorithm 2; google/automl).
//!
//! The sign is that of an interpolation c with the **old** momentum by β1; the momentum that is kept
//! uses β2. sign(0) = 0, so that where c = 0 only the decay moves θ. There is no ε and no bias
//! correction.
//!
//! Symbols: θ params, g gradients, m momentum, c the interpolation, η lr, β1 beta1, β2 beta2,
//! λ weight_decay.

use crate::claim::{Inputs, Instance};
use crate::domain;
use crate::error::Result;
use crate::expression::{Expr, by_sign, constant, sign};
use crate::formula::{Defined, Formula, Mistake, Numbers, Wrong};
use crate::json;
use crate::kernels;
use crate::kernels::Coefficient;
use crate::number::{Sign, Wide};
use crate::optimizers::average::{average, average_wide, lerp, sign_of_average, weights};
use crate::optimizers::decay::{self, Decay};
use crate::optimizers::element::{Element, Site, Unrounded};
use crate::optimizers::flat::{self, Engine, Flat, Work};
use crate::optimizers::state::{self, Counting, Problem, Step};
use serde::Deserialize;
use serde_json::Value;

mod claims;

/// The conventions of Lion.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conventions {
    /// Where the decay enters.
    pub decay: Decay,
}

/// The hyperparameters of Lion.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hyperparameters {
    /// β1 in [0, 1)
    #[serde(with = "json::real")]
    pub beta1: f64,
    /// β2 in [0, 1)
    #[serde(with = "json::real")]
    pub beta2: f64,
    /// λ ≥ 0
    #[serde(with = "json::real")]
    pub weight_decay: f64,
    /// The choices.
    #[serde(deserialize_with = "json::object")]
    pub conventions: Conventions,
}

impl Default for Hyperparameters {
    fn default() -> Self {
        Hyperparameters { beta1: 0.9, beta2: 0.99, weight_decay: 0.0, conventions: Conventions::default() }
    }
}

/// What is kept per parameter.
pub const MOMENTS: &[&str] = &["m"];

// ---- definition -------------------------------------------------------------------------------

/// A parameter and all that its step depends on.
#[derive(Clone, Copy, Debug)]
pub struct Symbols {
    /// θ
    pub theta: Expr,
    /// g
    pub g: Expr,
    /// m
    pub m: Expr,
    /// η
    pub eta: Expr,
    /// η_1
    pub eta_1: Expr,
    /// λ
    pub lambda: Expr,
    /// β1
    pub beta1: Expr,
    /// β2
    pub beta2: Expr,
}

impl Symbols {
    fn of(x: &Element, h: &Hyperparameters, numbers: &Numbers) -> Symbols {
        Symbols {
            theta: numbers.number("theta", x.theta),
            g: numbers.number("g", x.g),
            m: numbers.number("m", x.moments[0]),
            eta: numbers.scalar("eta", x.eta),
            eta_1: numbers.scalar("eta_1", x.eta_1),
            lambda: numbers.scalar("lambda", h.weight_decay),
            beta1: numbers.scalar("beta1", h.beta1),
            beta2: numbers.scalar("beta2", h.beta2),
        }
    }
}

/// A parameter and its momentum after a step.
#[derive(Clone, Copy, Debug)]
pub struct Stepped {
    /// θ′
    pub theta: Expr,
    /// m′
    pub m: Expr,
}

/// θ′ and m′
pub fn step(x: &Symbols, conventions: Conventions, wrong: Wrong) -> Stepped {
    let Symbols { theta, mut g, m, eta, eta_1, lambda, mut beta1, mut beta2 } = *x;
    match wrong {
        Some("betas-swapped") => (beta1, beta2) = (beta2, beta1),
        Some("single-beta") => beta2 = beta1,
        Some("decay-in-sign") => g = g + lambda * theta,
        _ => {}
    }
    let new_m = average(beta2, m, g);
    let c = average(beta1, if wrong == Some("new-momentum") { new_m } else { m }, g);
    let u = if wrong == Some("signum-of-zero") { by_sign(c, constant(-1), constant(1), constant(1)) } else { sign(c) };
    let theta = match wrong {
        Some("ascent") => theta + eta * (u - lambda * theta),
        Some("decay-missing" | "decay-in-sign") => theta - eta * u,
        _ => decay::step(conventions.decay, theta, u, eta, eta_1, lambda),
    };
    Stepped { theta, m: new_m }
}

/// The definitions of all steps of an input.
fn definition(input: &Value, output: &Value, wrong: Wrong) -> Result<Vec<Defined>> {
    at_input(input, output, |x, conventions, _| step(x, conventions, wrong))
}

/// What `step` makes of all steps of an input.
fn at_input(
    input: &Value,
    output: &Value,
    step: impl Fn(&Symbols, Conventions, &Numbers) -> Stepped,
) -> Result<Vec<Defined>> {
    let problem = state::read(input.clone(), |_: &Hyperparameters| MOMENTS)?;
    let h = &problem.hyper;
    Ok(state::define(&problem, MOMENTS, Counting::PerTensor, output, |x, numbers| {
        let stepped = step(&Symbols::of(x, h, numbers), h.conventions, numbers);
        (stepped.theta, vec![stepped.m])
    }))
}

// ---- textbook ---------------------------------------------------------------------------------

/// google/automl's order: the decay first, then the sign of the interpolation, then the momentum.
pub fn textbook(x: &Symbols, conventions: Conventions) -> Stepped {
    let update = x.m * x.beta1 + x.g * (1 - x.beta1);
    with_update(x, conventions, update, x.m * x.beta2 + x.g * (1 - x.beta2))
}

/// The same with both averages by `lerp`, as PyTorch's. `one` is the number 1 in the dtype of tensors.
pub fn textbook_by_lerp(x: &Symbols, conventions: Conventions, one: Expr) -> Stepped {
    let average = |beta: Expr| lerp(x.m, x.g, 1 - beta, one);
    with_update(x, conventions, average(x.beta1), average(x.beta2))
}

fn with_update(x: &Symbols, conventions: Conventions, update: Expr, m: Expr) -> Stepped {
    let moved = x.eta * sign(update);
    Stepped { theta: decay::textbook(conventions.decay, x.theta, moved, x.eta, x.eta_1, x.lambda), m }
}

/// The paper's order, the code's, and with `lerp`.
fn textbooks(input: &Value, output: &Value) -> Result<Vec<Defined>> {
    let mut all = definition(input, output, None)?;
    all.extend(at_input(input, output, |x, conventions, _| textbook(x, conventions))?);
    all.extend(at_input(input, output, |x, conventions, numbers| textbook_by_lerp(x, conventions, numbers.one()))?);
    Ok(all)
}

// ---- oracle -----------------------------------------------------------------------------------

/// Runs every step of a problem. The sign is that of the real number c at the f64 inputs.
///
/// θ′ and m′ are correctly rounded.
///
/// # Errors
/// Where a hyperparameter is outside its domain.
pub fn oracle(problem: &Problem<Hyperparameters>) -> Result<Vec<Step>> {
    let h = &problem.hyper;
    check(problem)?;
    state::run(problem, MOMENTS, Counting::PerTensor, |tensor, site| advance(Engine::best(), h, tensor, Some(site)))
}

/// Moves one tensor of real size by one step, in place, with threads and vectors: each new number is the one that
/// [`oracle`] gives, bit for bit, under every convention.
///
/// # Errors
/// Where a length or a number is outside its domain; what is in the lists then is not a step's state.
pub fn step_in_place(hyper: &Hyperparameters, tensor: Flat) -> Result<()> {
    check_scalars(hyper, &[tensor.first_lr])?;
    tensor.check(MOMENTS)?;
    advance(Engine::best(), hyper, tensor, None)
}

/// The step of a tensor whose lengths and scalars are in their domain.
pub(super) fn advance(engine: Engine, h: &Hyperparameters, tensor: Flat, site: Option<Site>) -> Result<()> {
    let decay = h.conventions.decay;
    let [eta, eta_1, lambda] = [tensor.lr, tensor.first_lr, h.weight_decay].map(Wide::from);
    let rule = rule(h, decay::kept_and_moved(decay, eta, eta_1, lambda));
    flat::advance(Work { engine, tensor, estimate: None, names: MOMENTS, site }, rule, |x| {
        let [theta, g, m] = [x.theta, x.g, x.moments[0]].map(Wide::from);
        let u = match sign_of_average(h.beta1, x.moments[0], x.g) {
            Sign::Negative => -Wide::ONE,
            Sign::Zero => Wide::ZERO,
            Sign::Positive => Wide::ONE,
        };
        let theta = decay::step_wide(decay, theta, u, eta, eta_1, lambda);
        let moments = [average_wide(h.beta2, m, g), Wide::ZERO, Wide::ZERO];
        Ok(Unrounded { theta, moments }.rounded(|numbers| {
            let stepped = step(&Symbols::of(x, h, numbers), h.conventions, None);
            (stepped.theta, vec![stepped.m])
        }))
    })
}

/// The scalars of a step for the loops over vectors, if they are in their range.
fn rule(h: &Hyperparameters, [kept, moved]: [Wide; 2]) -> Option<kernels::Lion> {
    let (update, momentum) = (weights(h.beta1)?, weights(h.beta2)?);
    Some(kernels::Lion { update, momentum, kept: Coefficient::of(kept)?, moved: Coefficient::of(moved)? })
}

/// Every hyperparameter is in its domain.
pub(crate) fn check(problem: &Problem<Hyperparameters>) -> Result<()> {
    check_scalars(&problem.hyper, &problem.rates)
}

fn check_scalars(h: &Hyperparameters, rates: &[f64]) -> Result<()> {
    domain::decay_rate("beta1", h.beta1)?;
    domain::decay_rate("beta2", h.beta2)?;
    domain::non_negative("weight_decay", h.weight_decay)?;
    decay::check(h.conventions.decay, rates)
}

fn evaluate(value: Value) -> Result<Value> {
    Ok(state::write(&oracle(&state::read(value, |_: &Hyperparameters| MOMENTS)?)?, MOMENTS))
}

// ---- mistakes ---------------------------------------------------------------------------------

fn symbols(x: &Inputs) -> Symbols {
    Symbols {
        theta: x.real("theta"),
        g: x.real("g"),
        m: x.real("m"),
        eta: x.rate("eta"),
        eta_1: x.rate("eta_1"),
        lambda: x.rate("lambda"),
        beta1: x.unit("beta1"),
        beta2: x.unit("beta2"),
    }
}

/// The false statement that a wrong form is Lion.
fn wrong_step(id: &'static str) -> Instance {
    Instance::equal("one step", |x| {
        let s = symbols(x);
        let (right, wrong) = (step(&s, Conventions::default(), None), step(&s, Conventions::default(), Some(id)));
        vec![(right.theta, wrong.theta), (right.m, wrong.m)]
    })
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "new-momentum",
        meaning: "the sign of an interpolation with the momentum after its update, not before",
        source: "FluxML/Optimisers.jl PR #129, caught in review",
        statement: || wrong_step("new-momentum"),
    },
    Mistake {
        id: "single-beta",
        meaning: "the momentum is kept with β1 too, where it should be β2",
        source: "a slip when momentum SGD is adapted",
        statement: || wrong_step("single-beta"),
    },
    Mistake {
        id: "betas-swapped",
        meaning: "β2 in the sign and β1 in the momentum",
        source: "FluxML/Optimisers.jl PR #129, caught in review",
        statement: || wrong_step("betas-swapped"),
    },
    Mistake {
        id: "signum-of-zero",
        meaning: "sign(0) = 1, as Rust's f64::signum: a parameter without gradient moves by −η",
        source: "basedgod55hjl llm_builder/src/optimizer.rs @c084d74",
        statement: || wrong_step("signum-of-zero"),
    },
    Mistake {
        id: "ascent",
        meaning: "+ η sign(c) in place of − η sign(c)",
        source: "Wireless4024/candle lion.rs @59d7912",
        statement: || wrong_step("ascent"),
    },
    Mistake {
        id: "decay-in-sign",
        meaning: "λθ added to the gradient, inside the sign, in place of decay beside it",
        source: "bitsandbytes-foundation/bitsandbytes #1992",
        statement: || wrong_step("decay-in-sign"),
    },
    Mistake {
        id: "decay-missing",
        meaning: "no weight decay at all",
        source: "a default of 0 hides it",
        statement: || wrong_step("decay-missing"),
    },
];

/// Lion in the catalog.
pub const FORMULA: Formula = Formula {
    id: "lion",
    name: "Lion",
    equation: "θ′ = θ − η( sign(β1 m + (1−β1) g) + λθ ), m′ = β2 m + (1−β2) g, sign(0) = 0",
    latex: &[
        r"\theta' = \theta - \eta \left( \operatorname{sign}(\beta_1 m + (1 - \beta_1) g) + \lambda \theta \right)",
        r"m' = \beta_2 m + (1 - \beta_2) g, \quad \operatorname{sign}(0) = 0",
    ],
    source: "Chen et al., Symbolic Discovery of Optimization Algorithms (2023), Algorithm 2",
    input: "params [tensor][n], gradients [step][tensor] (null for none), lr (a number, or \
one per step), state (zeros), beta1 (0.9), beta2 (0.99), weight_decay (0)",
    domain: "0 ≤ beta < 1; lr, weight_decay ≥ 0 and finite; gradients, params, m finite",
    output: "steps, one entry per step: params, m",
    axes: &[Decay::AXIS],
    mistakes: MISTAKES,
    evaluate,
    definition,
    textbook: textbooks,
    claims: claims::claims,
};
