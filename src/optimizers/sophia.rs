//! # Sophia
//!
//! m′ = β1 m + (1 − β1) g,  h′ = β2 h + (1 − β2) ĥ where an estimate ĥ of the Hessian's diagonal was
//! made, else h,  θ′ = θ − η( clip(m′/max(γh′, ε), −ρ, ρ) + λθ )
//! (Liu et al., *Sophia* (2023), Algorithm 3). The first form of the paper is γ = 1, the later one
//! ρ = 1 with γ = 0.01 (Sophia-H) or 0.05 (Sophia-G).
//!
//! ĥ comes from the Gauss-Newton-Bartlett or Hutchinson's estimator, and may be negative from the
//! latter: the floor ε then leaves a step of ρ along −sign(m).
//!
//! Symbols: θ params, g gradients, ĥ hessians, m momentum, h average of ĥ, η lr, β1 beta1,
//! β2 beta2, γ gamma, ρ rho, ε eps, λ weight_decay.

use crate::claim::{Inputs, Instance};
use crate::domain;
use crate::error::{Error, Result};
use crate::expression::{Expr, clip, constant, larger, sign, smaller};
use crate::formula::{Defined, Formula, Mistake, Numbers, Wrong, axis};
use crate::json;
use crate::kernels;
use crate::kernels::Coefficient;
use crate::number::{Sign, Wide};
use crate::optimizers::adam::{bias, bias_wide};
use crate::optimizers::average::{average, average_exactly, average_wide, rational, sign_of, weights};
use crate::optimizers::decay::{self, Decay};
use crate::optimizers::element::{Element, Site, Unrounded};
use crate::optimizers::flat::{self, Engine, Flat, Work};
use crate::optimizers::state::{self, Counting, Problem, Step};
use serde::Deserialize;
use serde_json::Value;

mod claims;

axis! {
    /// Whether the zero start of m is corrected.
    Momentum "momentum" {
        Raw "raw": "m′ as it is, as the official code",
        Corrected "corrected": "m′/(1 − β1^t), as optax and levanter",
    }
}
axis! {
    /// How ε keeps the denominator from zero.
    Floor "floor" {
        Max "max": "max(γh, ε)",
        Sum "sum": "γh + ε, as the official code",
    }
}
axis! {
    /// When a new estimate is used.
    Refresh "refresh" {
        Before "before": "θ′ uses h′",
        After "after": "θ′ uses h, and h′ is for the next step, as the official code and optax",
    }
}

/// The conventions of Sophia.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conventions {
    /// Where the decay enters.
    pub decay: Decay,
    /// Whether m is corrected.
    pub momentum: Momentum,
    /// How ε keeps the denominator from zero.
    pub floor: Floor,
    /// When a new estimate is used.
    pub refresh: Refresh,
}

/// The hyperparameters of Sophia, and the estimates that it averages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hyperparameters {
    /// β1 in [0, 1)
    #[serde(default = "beta1", with = "json::real")]
    pub beta1: f64,
    /// β2 in [0, 1)
    #[serde(default = "beta2", with = "json::real")]
    pub beta2: f64,
    /// γ > 0
    #[serde(default = "gamma", with = "json::real")]
    pub gamma: f64,
    /// ρ > 0
    #[serde(default = "rho", with = "json::real")]
    pub rho: f64,
    /// ε ≥ 0
    #[serde(default = "eps", with = "json::real")]
    pub eps: f64,
    /// λ ≥ 0
    #[serde(default = "weight_decay", with = "json::real")]
    pub weight_decay: f64,
    /// ĥ `[step][tensor]`, of any sign; null where it was not refreshed, ignored where the gradient is null.
    #[serde(with = "json::optional_rows")]
    pub hessians: json::optional_rows::Rows,
    /// The choices.
    #[serde(default, deserialize_with = "json::object")]
    pub conventions: Conventions,
}

fn beta1() -> f64 {
    0.965
}
fn beta2() -> f64 {
    0.99
}
fn gamma() -> f64 {
    1.0
}
fn rho() -> f64 {
    0.04
}
fn eps() -> f64 {
    1e-12
}
fn weight_decay() -> f64 {
    0.1
}

impl Hyperparameters {
    /// ĥ of a tensor, if it was refreshed.
    fn estimate(&self, site: Site) -> Option<&[f64]> {
        self.hessians.get(site.step)?.get(site.tensor)?.as_deref()
    }
}

/// What is kept per parameter.
pub const MOMENTS: &[&str] = &["m", "h"];

// ---- definition -------------------------------------------------------------------------------

/// A parameter and all that its step depends on.
#[derive(Clone, Copy, Debug)]
pub struct Symbols {
    /// θ
    pub theta: Expr,
    /// g
    pub g: Expr,
    /// ĥ, if it was refreshed
    pub estimate: Option<Expr>,
    /// m
    pub m: Expr,
    /// h
    pub h: Expr,
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
    /// γ
    pub gamma: Expr,
    /// ρ
    pub rho: Expr,
    /// ε
    pub eps: Expr,
    /// t
    pub t: i64,
}

impl Symbols {
    fn of(x: &Element, h: &Hyperparameters, numbers: &Numbers) -> Symbols {
        Symbols {
            theta: numbers.number("theta", x.theta),
            g: numbers.number("g", x.g),
            estimate: x.estimate.map(|estimate| numbers.number("estimate", estimate)),
            m: numbers.number("m", x.moments[0]),
            h: numbers.number("h", x.moments[1]),
            eta: numbers.scalar("eta", x.eta),
            eta_1: numbers.scalar("eta_1", x.eta_1),
            lambda: numbers.scalar("lambda", h.weight_decay),
            beta1: numbers.scalar("beta1", h.beta1),
            beta2: numbers.scalar("beta2", h.beta2),
            gamma: numbers.scalar("gamma", h.gamma),
            rho: numbers.scalar("rho", h.rho),
            eps: numbers.scalar("eps", h.eps),
            t: i64::try_from(x.t).unwrap_or(i64::MAX),
        }
    }
}

/// A parameter and its moments after a step.
#[derive(Clone, Copy, Debug)]
pub struct Stepped {
    /// θ′
    pub theta: Expr,
    /// m′
    pub m: Expr,
    /// h′
    pub h: Expr,
}

/// clip(m/max(γh, ε), −ρ, ρ), for the averages m and h
pub fn direction(m: Expr, h: Expr, gamma: Expr, rho: Expr, eps: Expr) -> Expr {
    clip(m / larger(gamma * h, eps), rho)
}

/// sign(m) min(|m|/(γh + ε), ρ), which has no lower bound where γh + ε < 0
pub fn without_lower_clamp(m: Expr, h: Expr, gamma: Expr, rho: Expr, eps: Expr) -> Expr {
    sign(m) * smaller(sign(m) * m / (gamma * h + eps), rho)
}

/// θ′, m′ and h′
pub fn step(x: &Symbols, conventions: Conventions, wrong: Wrong) -> Stepped {
    let Symbols { theta, eta, eta_1, lambda, .. } = *x;
    let (u, m, h) = update(x, conventions, wrong);
    Stepped { theta: decay::step(conventions.decay, theta, u, eta, eta_1, lambda), m, h }
}

/// u, m′ and h′
fn update(x: &Symbols, conventions: Conventions, wrong: Wrong) -> (Expr, Expr, Expr) {
    let Symbols { gamma, rho, eps, .. } = *x;
    let (beta1, beta2) = if wrong == Some("betas-swapped") { (x.beta2, x.beta1) } else { (x.beta1, x.beta2) };
    let new_m = average(beta1, x.m, x.g);
    let new_h = match x.estimate {
        Some(estimate) if wrong == Some("hessian-not-averaged") => estimate,
        Some(estimate) => average(beta2, x.h, estimate),
        None => x.h,
    };
    let m = match conventions.momentum {
        Momentum::Raw => new_m,
        Momentum::Corrected => new_m / bias(beta1, x.t),
    };
    let h = match conventions.refresh {
        Refresh::Before => new_h,
        Refresh::After => x.h,
    };
    let gamma = if wrong == Some("gamma-missing") { constant(1) } else { gamma };
    let denominator = match conventions.floor {
        Floor::Max => larger(gamma * h, eps),
        Floor::Sum => gamma * h + eps,
    };
    let u = match wrong {
        Some("no-clip") => m / denominator,
        Some("no-lower-clamp") => without_lower_clamp(m, h, gamma, rho, eps),
        Some("floor-on-m") => clip(larger(m, eps) / (gamma * h), rho),
        _ => clip(m / denominator, rho),
    };
    (u, new_m, new_h)
}

/// The definitions of all steps of an input.
fn definition(input: &Value, output: &Value, wrong: Wrong) -> Result<Vec<Defined>> {
    at_input(input, output, |x, conventions| step(x, conventions, wrong))
}

/// What `step` makes of all steps of an input.
fn at_input(input: &Value, output: &Value, step: impl Fn(&Symbols, Conventions) -> Stepped) -> Result<Vec<Defined>> {
    let problem = state::read(input.clone(), |_: &Hyperparameters| MOMENTS)?;
    let h = &problem.hyper;
    Ok(state::define(&problem, MOMENTS, Counting::PerTensor, output, |x, numbers| {
        let estimate = || h.estimate(x.place.site?)?.get(x.place.element).copied();
        let stepped = step(&Symbols::of(&Element { estimate: estimate(), ..*x }, h, numbers), h.conventions);
        (stepped.theta, vec![stepped.m, stepped.h])
    }))
}

// ---- textbook ---------------------------------------------------------------------------------

/// The code's order: the update as the definition has it, since everybody averages and clips in this
/// order, beside a decay that comes first as one factor. The official code has no lower clamp, which
/// is another number where h < 0, and the same one elsewhere.
pub fn textbook(x: &Symbols, conventions: Conventions) -> Stepped {
    let Symbols { theta, eta, eta_1, lambda, .. } = *x;
    let (u, m, h) = update(x, conventions, None);
    Stepped { theta: decay::textbook(conventions.decay, theta, eta * u, eta, eta_1, lambda), m, h }
}

/// The paper's order and the code's.
fn textbooks(input: &Value, output: &Value) -> Result<Vec<Defined>> {
    Ok([definition(input, output, None)?, at_input(input, output, textbook)?].concat())
}

// ---- oracle -----------------------------------------------------------------------------------

/// Runs every step of a problem.
///
/// θ′ and the moments are correctly rounded.
///
/// # Errors
/// Where a hyperparameter is outside its domain, the shape of `hessians` is another, or a denominator
/// is zero.
pub fn oracle(problem: &Problem<Hyperparameters>) -> Result<Vec<Step>> {
    check(problem)?;
    let h = &problem.hyper;
    state::run(problem, MOMENTS, Counting::PerTensor, |tensor, site| {
        advance(Engine::best(), h, tensor, h.estimate(site), Some(site))
    })
}

/// Moves one tensor of real size by one step, in place, with threads and vectors: each new number is the one that
/// [`oracle`] gives, bit for bit, under every convention. The decays and the momentum "corrected"
/// are fast; the other conventions take wide numbers throughout, a hundred times as long. `hessian` is ĥ
/// `[n]`, finite, if it was made at this step; `hyper.hessians` is not read.
///
/// # Errors
/// Where a length or a number is outside its domain, a denominator is zero or a moment leaves the range; what is in
/// the lists then is not a step's state.
pub fn step_in_place(hyper: &Hyperparameters, hessian: Option<&[f64]>, tensor: Flat) -> Result<()> {
    check_scalars(hyper, &[tensor.first_lr])?;
    tensor.check(MOMENTS)?;
    if let Some(hessian) = hessian {
        domain::same_length("hessian", hessian.len(), tensor.params.len(), "params has elements")?;
    }
    advance(Engine::best(), hyper, tensor, hessian, None)
}

/// The step of a tensor whose lengths and scalars are in their domain.
pub(super) fn advance(
    engine: Engine,
    h: &Hyperparameters,
    tensor: Flat,
    estimate: Option<&[f64]>,
    site: Option<Site>,
) -> Result<()> {
    let decay = h.conventions.decay;
    let [eta, eta_1, lambda] = [tensor.lr, tensor.first_lr, h.weight_decay].map(Wide::from);
    let bias = match h.conventions.momentum {
        Momentum::Raw => Wide::ONE,
        Momentum::Corrected => bias_wide(h.beta1, tensor.t),
    };
    let rule = rule(h, bias, decay::kept_and_moved(decay, eta, eta_1, lambda));
    let update = |x: &Element| {
        let m = average_wide(h.beta1, Wide::from(x.moments[0]), Wide::from(x.g));
        let kept = Average { beta: 1.0, old: x.moments[1], new: 0.0 };
        let refreshed = match x.estimate {
            Some(new) => Average { beta: h.beta2, old: x.moments[1], new },
            None => kept,
        };
        let used = if h.conventions.refresh == Refresh::Before { refreshed } else { kept };
        let u = direction_wide(x, h, m / bias, used)?;
        let theta = decay::step_wide(decay, Wide::from(x.theta), u, eta, eta_1, lambda);
        Ok(Unrounded { theta, moments: [m, refreshed.wide(), Wide::ZERO] }.rounded(|numbers| {
            let stepped = step(&Symbols::of(x, h, numbers), h.conventions, None);
            (stepped.theta, vec![stepped.m, stepped.h])
        }))
    };
    let work = Work { engine, tensor, estimate, names: MOMENTS, site };
    match estimate {
        Some(_) => flat::advance::<3, 2, _>(work, rule, update),
        None => flat::advance::<3, 1, _>(work, rule, update),
    }
}

/// The scalars of a step for the loops over vectors; `None` where a convention is not theirs, or a scalar is out of
/// their range.
fn rule(h: &Hyperparameters, bias: Wide, [kept, moved]: [Wide; 2]) -> Option<kernels::Sophia> {
    if h.conventions.floor != Floor::Max || h.conventions.refresh != Refresh::Before {
        return None;
    }
    let [gamma, eps, rho] = [h.gamma, h.eps, h.rho].map(Wide::from);
    // (m′/bias)/max(γh′, ε) = m′/max(γ bias h′, ε bias)
    Some(kernels::Sophia {
        beta1: weights(h.beta1)?,
        beta2: weights(h.beta2)?,
        gamma: Coefficient::of(gamma * bias)?,
        eps: Coefficient::of(eps * bias)?,
        rho: Coefficient::of(rho)?,
        kept: Coefficient::of(kept)?,
        moved: Coefficient::of(moved)?,
        clipped: Coefficient::of(moved * rho)?,
    })
}

pub(crate) fn check(problem: &Problem<Hyperparameters>) -> Result<()> {
    check_scalars(&problem.hyper, &problem.rates)?;
    check_hessians(problem)
}

fn check_scalars(h: &Hyperparameters, rates: &[f64]) -> Result<()> {
    domain::decay_rate("beta1", h.beta1)?;
    domain::decay_rate("beta2", h.beta2)?;
    domain::positive("gamma", h.gamma)?;
    domain::positive("rho", h.rho)?;
    domain::non_negative("eps", h.eps)?;
    domain::non_negative("weight_decay", h.weight_decay)?;
    decay::check(h.conventions.decay, rates)
}

/// Every shape agrees, and every estimate that is used is finite.
fn check_hessians(problem: &Problem<Hyperparameters>) -> Result<()> {
    let hessians = &problem.hyper.hessians;
    domain::same_length("hessians", hessians.len(), problem.gradients.len(), "gradients has steps")?;
    for (k, (step, gradients)) in hessians.iter().zip(&problem.gradients).enumerate() {
        domain::same_length(&format!("hessians[{k}]"), step.len(), problem.params.len(), "params has tensors")?;
        for (i, (estimate, gradient)) in step.iter().zip(gradients).enumerate() {
            let Some(estimate) = estimate else { continue };
            let field = format!("hessians[{k}][{i}]");
            domain::same_length(&field, estimate.len(), problem.params[i].len(), &format!("params[{i}] has elements"))?;
            if gradient.is_some() {
                domain::all_finite(&field, estimate)?;
            }
        }
    }
    Ok(())
}

/// β·old + (1 − β)·new, unrounded.
#[derive(Clone, Copy)]
struct Average {
    beta: f64,
    old: f64,
    new: f64,
}

impl Average {
    fn wide(&self) -> Wide {
        average_wide(self.beta, Wide::from(self.old), Wide::from(self.new))
    }
}

/// u, from m′ and h′ as real numbers.
fn direction_wide(x: &Element, hyper: &Hyperparameters, m: Wide, h: Average) -> Result<Wide> {
    let [gamma, rho, eps] = [hyper.gamma, hyper.rho, hyper.eps].map(Wide::from);
    let (denominator, form) = match hyper.conventions.floor {
        Floor::Max => ((gamma * h.wide()).max(eps), "max(γh, ε)"),
        Floor::Sum => (gamma * h.wide() + eps, "γh + ε"),
    };
    let sign = denominator.sign().unwrap_or_else(|| {
        let scaled = rational(hyper.gamma) * average_exactly(h.beta, h.old, h.new);
        let eps = rational(hyper.eps);
        sign_of(&if hyper.conventions.floor == Floor::Max { scaled.max(eps) } else { scaled + eps })
    });
    if sign == Sign::Zero {
        return Err(Error::zero(x.place.of("params"), format!("{form} is 0")));
    }
    Ok((m / denominator).min(rho).max(-rho))
}

fn evaluate(value: Value) -> Result<Value> {
    Ok(state::write(&oracle(&state::read(value, |_: &Hyperparameters| MOMENTS)?)?, MOMENTS))
}

// ---- mistakes ---------------------------------------------------------------------------------

fn symbols(x: &Inputs) -> Symbols {
    Symbols {
        theta: x.real("theta"),
        g: x.real("g"),
        estimate: Some(x.real("h_hat")),
        m: x.real("m"),
        h: x.real("h"),
        eta: x.rate("eta"),
        eta_1: x.rate("eta_1"),
        lambda: x.rate("lambda"),
        beta1: x.unit("beta1"),
        beta2: x.unit("beta2"),
        gamma: x.positive("gamma"),
        rho: x.positive("rho"),
        eps: x.rate("eps"),
        t: 2,
    }
}

/// The false statement that a wrong form is Sophia.
fn wrong_step(id: &'static str) -> Instance {
    Instance::equal("t = 2", |x| {
        let s = symbols(x);
        let (right, wrong) = (step(&s, Conventions::default(), None), step(&s, Conventions::default(), Some(id)));
        vec![(right.theta, wrong.theta), (right.m, wrong.m), (right.h, wrong.h)]
    })
}

/// The false statement that a form without the lower clamp never leaves [−ρ, ρ].
fn no_lower_clamp() -> Instance {
    Instance::equal("the floor as a sum, clamped on both sides or above only", |x| {
        let s = symbols(x);
        let two_sided = clip(s.m / (s.gamma * s.h + s.eps), s.rho);
        vec![(two_sided, without_lower_clamp(s.m, s.h, s.gamma, s.rho, s.eps))]
    })
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "no-clip",
        meaning: "m/max(γh, ε) as it is, a Newton step where h is small",
        source: "the ratio without the bound ρ that the paper is named for",
        statement: || wrong_step("no-clip"),
    },
    Mistake {
        id: "no-lower-clamp",
        meaning: "sign(m) min(|m|/(γh + ε), ρ): with h < 0 the ratio is negative and not bounded, and \
the step goes uphill",
        source: "Liuhong99/Sophia #34",
        statement: no_lower_clamp,
    },
    Mistake {
        id: "gamma-missing",
        meaning: "max(h, ε) in place of max(γh, ε)",
        source: "the paper's first form with the later form's ρ = 1",
        statement: || wrong_step("gamma-missing"),
    },
    Mistake {
        id: "hessian-not-averaged",
        meaning: "the last estimate ĥ in place of its average h",
        source: "a slip that β2 = 0 hides",
        statement: || wrong_step("hessian-not-averaged"),
    },
    Mistake {
        id: "floor-on-m",
        meaning: "max(m, ε)/(γh) in place of m/max(γh, ε)",
        source: "a misplaced bracket",
        statement: || wrong_step("floor-on-m"),
    },
    Mistake {
        id: "betas-swapped",
        meaning: "β1 and β2 exchanged",
        source: "a slip that defaults of 0.965 and 0.99 nearly hide",
        statement: || wrong_step("betas-swapped"),
    },
];

/// Sophia in the catalog.
pub const FORMULA: Formula = Formula {
    id: "sophia",
    name: "Sophia",
    equation: "θ′ = θ − η( clip(m′/max(γh′, ε), −ρ, ρ) + λθ ), m′ = β1 m + (1−β1) g, \
h′ = β2 h + (1−β2) ĥ where refreshed, else h",
    latex: &[
        r"m' = \beta_1 m + (1 - \beta_1) g",
        r"h' = \beta_2 h + (1 - \beta_2) \hat h \quad \text{where refreshed, else } h",
        r"\theta' = \theta - \eta \left( \operatorname{clip}\left(\frac{m'}{\max(\gamma h', \varepsilon)}, -\rho, \rho\right) + \lambda \theta \right)",
    ],
    source: "Liu et al., Sophia: A Scalable Stochastic Second-order Optimizer (2023), Algorithm 3",
    input: "params [tensor][n], gradients [step][tensor] (null for none), lr (a number, or one per step), \
state (zeros), hessians [step][tensor] (null where not refreshed), beta1 (0.965), beta2 (0.99), gamma (1), \
rho (0.04), eps (1e-12), weight_decay (0.1)",
    domain: "0 ≤ beta < 1; gamma, rho > 0; lr, eps, weight_decay ≥ 0 and finite; gradients, hessians, \
params, m, h finite",
    output: "steps, one entry per step: params, m, h",
    axes: &[Decay::AXIS, Momentum::AXIS, Floor::AXIS, Refresh::AXIS],
    mistakes: MISTAKES,
    evaluate,
    definition,
    textbook: textbooks,
    claims: claims::claims,
};
