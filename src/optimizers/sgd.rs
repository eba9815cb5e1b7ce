//! # SGD with momentum
//!
//! g ← g + λθ;  buf′ = μ buf + (1 − d) g, but g at a tensor's first step and where μ = 0;
//! θ′ = θ − η buf′, or with Nesterov's look-ahead θ′ = θ − η(g + μ buf′)
//! (Sutskever et al. 2013 in the form of PyTorch's `torch/optim/sgd.py`).
//!
//! Symbols: θ params, g gradients, η lr, μ momentum, d dampening, λ weight_decay.

use crate::claim::{Claim, Inputs, Instance, Kind::*, Source};
use crate::domain;
use crate::error::{Error, Result};
use crate::expression::{Expr, constant, sum};
use crate::formula::{Defined, Formula, Mistake, NoConventions, Numbers, Wrong};
use crate::json;
use crate::kernels;
use crate::kernels::Coefficient;
use crate::number::Wide;
use crate::optimizers::element::{Element, Site, Unrounded};
use crate::optimizers::flat::{self, Engine, Flat, Work};
use crate::optimizers::state::{self, Counting, Problem, Step};
use serde::Deserialize;
use serde_json::Value;

/// The hyperparameters of SGD.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hyperparameters {
    /// μ in [0, 1]
    #[serde(with = "json::real")]
    pub momentum: f64,
    /// d in [0, 1]
    #[serde(with = "json::real")]
    pub dampening: f64,
    /// The look-ahead; it needs μ > 0 and d = 0.
    pub nesterov: bool,
    /// λ ≥ 0
    #[serde(with = "json::real")]
    pub weight_decay: f64,
    /// SGD has no conventions.
    #[serde(deserialize_with = "json::object")]
    pub conventions: NoConventions,
}

impl Hyperparameters {
    pub(crate) fn check(&self) -> Result<()> {
        domain::fraction("momentum", self.momentum)?;
        domain::fraction("dampening", self.dampening)?;
        domain::non_negative("weight_decay", self.weight_decay)?;
        if self.nesterov && (self.momentum == 0.0 || self.dampening != 0.0) {
            let found = format!("true with momentum {} and dampening {}", self.momentum, self.dampening);
            return Err(Error::domain("nesterov", found, "true only with momentum above 0 and dampening 0"));
        }
        Ok(())
    }
}

/// What is kept per parameter.
pub const MOMENTS: &[&str] = &["buf"];

// ---- definition -------------------------------------------------------------------------------

/// A parameter and all that its step depends on.
#[derive(Clone, Copy, Debug)]
pub struct Symbols {
    /// θ
    pub theta: Expr,
    /// g
    pub g: Expr,
    /// buf
    pub buf: Expr,
    /// η
    pub eta: Expr,
    /// μ
    pub mu: Expr,
    /// d
    pub dampening: Expr,
    /// λ
    pub lambda: Expr,
    /// Whether buf′ is g alone: at the tensor's first step, and where μ = 0.
    pub first: bool,
}

impl Symbols {
    fn of(x: &Element, h: &Hyperparameters, numbers: &Numbers) -> Symbols {
        Symbols {
            theta: numbers.number("theta", x.theta),
            g: numbers.number("g", x.g),
            buf: numbers.number("buf", x.moments[0]),
            eta: numbers.scalar("eta", x.eta),
            mu: numbers.scalar("momentum", h.momentum),
            dampening: numbers.scalar("dampening", h.dampening),
            lambda: numbers.scalar("weight_decay", h.weight_decay),
            first: x.first || h.momentum == 0.0,
        }
    }
}

/// θ′ and buf′
pub fn step(x: &Symbols, nesterov: bool, wrong: Wrong) -> (Expr, Expr) {
    let Symbols { theta, eta, mu, dampening, lambda, .. } = *x;
    let g = match wrong {
        Some("decay-missing") => x.g,
        Some("decay-flipped") => x.g - lambda * theta,
        _ => x.g + lambda * theta,
    };
    let kept = match wrong {
        Some("dampening-on-buffer") => mu * (1 - dampening) * x.buf + g,
        Some("averaged") => mu * x.buf + (1 - mu) * g,
        _ => mu * x.buf + (1 - dampening) * g,
    };
    let start = if wrong == Some("first-step-dampened") { (1 - dampening) * g } else { g };
    let buf = if x.first { start } else { kept };
    let moved = match (nesterov, wrong) {
        (true, Some("nesterov-of-old-buffer")) => g + mu * x.buf,
        (true, _) => g + mu * buf,
        (false, _) => buf,
    };
    let theta = if wrong == Some("ascent") { theta + eta * moved } else { theta - eta * moved };
    (theta, buf)
}

/// The definitions of all steps of an input.
fn definition(input: &Value, output: &Value, wrong: Wrong) -> Result<Vec<Defined>> {
    let problem = state::read(input.clone(), |_: &Hyperparameters| MOMENTS)?;
    let h = &problem.hyper;
    Ok(state::define(&problem, MOMENTS, Counting::PerTensor, output, |x, numbers| {
        let (theta, buf) = step(&Symbols::of(x, h, numbers), h.nesterov, wrong);
        (theta, vec![buf])
    }))
}

// ---- oracle -----------------------------------------------------------------------------------

/// Runs every step of a problem; θ′ and buf′ are correctly rounded.
///
/// # Errors
/// Where a hyperparameter is outside its domain, or the buffer leaves the range.
pub fn oracle(problem: &Problem<Hyperparameters>) -> Result<Vec<Step>> {
    let h = &problem.hyper;
    h.check()?;
    state::run(problem, MOMENTS, Counting::PerTensor, |tensor, site| advance(Engine::best(), h, tensor, Some(site)))
}

/// Moves one tensor of real size by one step, in place, with threads and vectors: each new number is the one that
/// [`oracle`] gives, bit for bit.
///
/// # Errors
/// Where a length or a number is outside its domain, or the buffer leaves the range; what is in
/// the lists then is not a step's state.
pub fn step_in_place(hyper: &Hyperparameters, tensor: Flat) -> Result<()> {
    hyper.check()?;
    tensor.check(MOMENTS)?;
    advance(Engine::best(), hyper, tensor, None)
}

/// The step of a tensor whose lengths and scalars are in their domain.
pub(super) fn advance(engine: Engine, h: &Hyperparameters, tensor: Flat, site: Option<Site>) -> Result<()> {
    let [mu, dampening, lambda, eta] = [h.momentum, h.dampening, h.weight_decay, tensor.lr].map(Wide::from);
    let whole = tensor.t == 1 || h.momentum == 0.0;
    let rule = rule(h, whole, eta);
    flat::advance(Work { engine, tensor, estimate: None, names: MOMENTS, site }, rule, |x| {
        let [theta, g, buf] = [x.theta, x.g, x.moments[0]].map(Wide::from);
        let g = g + lambda * theta;
        let buf = if whole { g } else { mu * buf + (Wide::ONE - dampening) * g };
        let moved = if h.nesterov { g + mu * buf } else { buf };
        let unrounded = Unrounded { theta: theta - eta * moved, moments: [buf, Wide::ZERO, Wide::ZERO] };
        Ok(unrounded.rounded(|numbers| {
            let (theta, buf) = step(&Symbols::of(x, h, numbers), h.nesterov, None);
            (theta, vec![buf])
        }))
    })
}

/// What θ, buf and g are multiplied with for θ′ and buf′, for the loops over vectors, if it is in their range.
fn rule(h: &Hyperparameters, whole: bool, eta: Wide) -> Option<kernels::Sgd> {
    let [mu, dampening, lambda] = [h.momentum, h.dampening, h.weight_decay].map(Wide::from);
    let [of_buf, of_g] = if whole { [Wide::ZERO, Wide::ONE] } else { [mu, Wide::ONE - dampening] };
    let buf = [of_g * lambda, of_buf, of_g];
    let moved = match h.nesterov {
        true => [lambda + mu * buf[0], mu * buf[1], Wide::ONE + mu * buf[2]],
        false => buf,
    };
    let theta = [Wide::ONE - eta * moved[0], -(eta * moved[1]), -(eta * moved[2])];
    let all = |[a, b, c]: [Wide; 3]| Some([Coefficient::of(a)?, Coefficient::of(b)?, Coefficient::of(c)?]);
    Some(kernels::Sgd { theta: all(theta)?, buf: all(buf)? })
}

fn evaluate(value: Value) -> Result<Value> {
    Ok(state::write(&oracle(&state::read(value, |_: &Hyperparameters| MOMENTS)?)?, MOMENTS))
}

// ---- mistakes ---------------------------------------------------------------------------------

fn symbols(x: &Inputs, first: bool) -> Symbols {
    Symbols {
        theta: x.real("theta"),
        g: x.real("g"),
        buf: x.real("buf"),
        eta: x.rate("eta"),
        mu: x.unit("mu"),
        dampening: x.unit("d"),
        lambda: x.rate("lambda"),
        first,
    }
}

/// The false statement that a wrong form is SGD.
fn wrong_step(id: &'static str) -> Instance {
    let (first, nesterov) = (id == "first-step-dampened", id == "nesterov-of-old-buffer");
    Instance::equal("one step", |x| {
        let s = symbols(x, first);
        vec![(step(&s, nesterov, None).0, step(&s, nesterov, Some(id)).0)]
    })
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "decay-missing",
        meaning: "no weight decay",
        source: "tracel-ai/burn @14372568: nothing was added at the first step",
        statement: || wrong_step("decay-missing"),
    },
    Mistake {
        id: "decay-flipped",
        meaning: "the decay pushes away from zero",
        source: "a sign slip",
        statement: || wrong_step("decay-flipped"),
    },
    Mistake {
        id: "dampening-on-buffer",
        meaning: "the buffer is dampened in place of the gradient",
        source: "a slip",
        statement: || wrong_step("dampening-on-buffer"),
    },
    Mistake {
        id: "averaged",
        meaning: "an exponential average μ buf + (1 − μ) g in place of the heavy ball",
        source: "the two forms of momentum confused, as between torch.optim.SGD and torch.optim.Muon's docs",
        statement: || wrong_step("averaged"),
    },
    Mistake {
        id: "first-step-dampened",
        meaning: "the dampening applies at a tensor's first step too",
        source: "differs from torch/optim/sgd.py, which clones the gradient",
        statement: || wrong_step("first-step-dampened"),
    },
    Mistake {
        id: "nesterov-of-old-buffer",
        meaning: "the look-ahead uses the buffer from before the step",
        source: "a slip",
        statement: || wrong_step("nesterov-of-old-buffer"),
    },
    Mistake { id: "ascent", meaning: "θ + η buf′", source: "a sign slip", statement: || wrong_step("ascent") },
];

// ---- claims -----------------------------------------------------------------------------------

/// The buffer after some gradients from zero, with the first one taken whole.
fn buffer(gradients: &[Expr], mu: Expr) -> Expr {
    gradients.iter().fold(constant(0), |buf, &g| mu * buf + g)
}

fn claims() -> Vec<Claim> {
    vec![
        Claim::proved("sgd/momentum-unrolled", Identity, "without dampening the buffer is Σ μ^age g")
            .at_all([1, 3, 6].map(|n| {
                Instance::equal(format!("{n} steps"), |x| {
                    let (g, mu) = (x.reals("g", n), x.unit("mu"));
                    let unrolled = sum((0..n).map(|i| mu.powi((n - 1 - i) as i64) * g[i]));
                    vec![(buffer(&g, mu), unrolled)]
                })
            }))
            .control(
                "averaged",
                Instance::equal("2 steps", |x| {
                    let (g, mu) = (x.reals("g", 2), x.unit("mu"));
                    vec![(buffer(&g, mu), mu * g[0] + (1 - mu) * g[1])]
                }),
            ),
        Claim::proved("sgd/decay-is-decoupled", Identity, "without momentum, L2 in the gradient is decoupled decay")
            .amends("sgd/decay-is-decoupled-with-momentum")
            .source(Source::paper(
                "Loshchilov & Hutter, Decoupled Weight Decay Regularization (2019)",
                "Proposition 1",
                "standard SGD with base learning rate α executes the same steps",
            ))
            .at(Instance::equal("one step, μ = 0", |x| {
                let mut s = symbols(x, false);
                (s.mu, s.dampening) = (constant(0), constant(0));
                vec![(step(&s, false, None).0, (1 - s.eta * s.lambda) * s.theta - s.eta * s.g)]
            }))
            .control("decay-missing", wrong_step("decay-missing")),
        Claim::refuted(
            "sgd/decay-is-decoupled-with-momentum",
            Identity,
            "with momentum, L2 in the gradient is still decoupled decay",
            "sgd/decay-is-decoupled",
        )
        .at(Instance::equal("two steps from zero, equal gradients", |x| {
            let mut s = symbols(x, true);
            let second = |from: Symbols| {
                let (theta, buf) = step(&from, false, None);
                step(&Symbols { theta, buf, first: false, ..from }, false, None).0
            };
            s.dampening = constant(0);
            let decoupled = |from: Symbols| {
                let plain = Symbols { lambda: constant(0), ..from };
                let (theta, buf) = step(&plain, false, None);
                let theta = theta - s.eta * s.lambda * from.theta;
                let (next, _) = step(&Symbols { theta, buf, first: false, ..plain }, false, None);
                next - s.eta * s.lambda * theta
            };
            vec![(second(s), decoupled(s))]
        })),
        Claim::proved(
            "sgd/nesterov",
            Identity,
            "PyTorch's form is Nesterov's v′ = μv − η∇f(x + μv), x′ = x + v′ seen at the look-ahead point θ = x + μv, \
             with v = −η buf",
        )
        .source(Source::paper(
            "Sutskever et al., On the importance of initialization and momentum (2013)",
            "equations 3 and 4",
            "v_{t+1} = μ v_t − ε∇f(θ_t + μ v_t)",
        ))
        .at(nesterov(None))
        .control("nesterov-of-old-buffer", nesterov(Some("nesterov-of-old-buffer"))),
    ]
}

/// The look-ahead point after a step of Nesterov's form, and θ′.
fn nesterov(wrong: Wrong<'static>) -> Instance {
    Instance::equal("one step, no decay", |x| {
        let mut s = symbols(x, false);
        (s.dampening, s.lambda) = (constant(0), constant(0));
        let velocity = -(s.eta * s.buf);
        let position = s.theta - s.mu * velocity;
        let next_velocity = s.mu * velocity - s.eta * s.g;
        let next_position = position + next_velocity;
        vec![(next_position + s.mu * next_velocity, step(&s, true, wrong).0)]
    })
}

/// SGD in the catalog.
pub const FORMULA: Formula = Formula {
    id: "sgd",
    name: "SGD with momentum",
    equation: "buf′ = μ buf + (1 − d)(g + λθ);  θ′ = θ − η buf′, with Nesterov θ − η(g + λθ + μ buf′)",
    latex: &[
        r"b' = \mu b + (1 - d)(g + \lambda \theta)",
        r"\theta' = \theta - \eta b', \quad \text{with Nesterov } \theta - \eta (g + \lambda \theta + \mu b')",
    ],
    source: "Sutskever et al., On the importance of initialization and momentum (2013); torch/optim/sgd.py",
    input: "params [tensor][n], gradients [step][tensor] (null for none), lr (a number, or one per step), \
            state (zeros), momentum (0), dampening (0), nesterov (false), weight_decay (0)",
    domain: "0 ≤ momentum, dampening ≤ 1; nesterov needs momentum > 0 and dampening 0; lr, weight_decay ≥ 0 and \
             finite; gradients, params, buf finite",
    output: "steps, one entry per step: params, buf",
    axes: &[],
    mistakes: MISTAKES,
    evaluate,
    definition,
    // the definition is already PyTorch's code: `add(alpha)` and `mul().add(alpha)` in this order
    textbook: |input, output| definition(input, output, None),
    claims,
};
