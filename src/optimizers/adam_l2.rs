//! # Adam with L2 regularization
//!
//! g ← g + λθ, then Adam: θ′ = θ − η (m′/(1−β1^t)) / (√(v′/(1−β2^t)) + ε)
//! (Kingma & Ba 2015 with the penalty λ‖θ‖²/2 in the loss). λ = 0 is plain Adam. The decay goes
//! through the adaptive ratio, which is what AdamW avoids.
//!
//! Symbols: θ params, g gradients, m and v moments, η lr, β1 beta1, β2 beta2, ε eps,
//! λ weight_decay, t the step from 1.

use crate::claim::{Claim, Inputs, Instance, Kind::*, Source};
use crate::domain;
use crate::error::Result;
use crate::expression::{Expr, constant};
use crate::formula::{Defined, Formula, Mistake, Numbers, Wrong};
use crate::json;
use crate::number::Wide;
use crate::optimizers::adam::{self, Amsgrad, BiasCorrection, Choices, Epsilon, Hyper, StepCount, Way};
use crate::optimizers::element::{Element, Site, Unrounded};
use crate::optimizers::flat::{self, Engine, Flat, Work};
use crate::optimizers::state::{self, Problem, Step};
use serde::Deserialize;
use serde_json::Value;

/// The conventions of Adam with L2.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conventions {
    /// Where ε enters.
    pub epsilon: Epsilon,
    /// Whether the moments are corrected.
    pub bias_correction: BiasCorrection,
    /// The maximum over past second moments.
    pub amsgrad: Amsgrad,
    /// How t is counted.
    pub step_count: StepCount,
}

impl Conventions {
    pub(crate) fn choices(&self) -> Choices {
        Choices { epsilon: self.epsilon, bias_correction: self.bias_correction, amsgrad: self.amsgrad }
    }
}

/// The hyperparameters of Adam with L2.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hyperparameters {
    /// β1 in [0, 1)
    #[serde(with = "json::real")]
    pub beta1: f64,
    /// β2 in [0, 1)
    #[serde(with = "json::real")]
    pub beta2: f64,
    /// ε ≥ 0
    #[serde(with = "json::real")]
    pub eps: f64,
    /// λ ≥ 0
    #[serde(with = "json::real")]
    pub weight_decay: f64,
    /// The choices.
    #[serde(deserialize_with = "json::object")]
    pub conventions: Conventions,
}

impl Hyperparameters {
    pub(crate) fn adam(&self) -> Hyper {
        Hyper { beta1: self.beta1, beta2: self.beta2, eps: self.eps }
    }

    /// The names of what is kept per parameter.
    pub fn moments(&self) -> &'static [&'static str] {
        adam::moments(self.conventions.amsgrad)
    }
}

impl Default for Hyperparameters {
    fn default() -> Self {
        Hyperparameters { beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1, conventions: Conventions::default() }
    }
}

// ---- definition -------------------------------------------------------------------------------

/// A parameter and all that its step depends on.
#[derive(Clone, Copy, Debug)]
pub struct Symbols {
    /// θ
    pub theta: Expr,
    /// η
    pub eta: Expr,
    /// λ
    pub lambda: Expr,
    /// The gradient of the step before, which only a mistake needs.
    pub previous_g: Expr,
    /// g, m, v, β1, β2, ε and t
    pub adam: adam::Symbols,
}

impl Symbols {
    fn of(x: &Element, h: &Hyperparameters, numbers: &Numbers) -> Symbols {
        Symbols {
            theta: numbers.number("theta", x.theta),
            eta: numbers.scalar("eta", x.eta),
            lambda: numbers.scalar("lambda", h.weight_decay),
            previous_g: numbers.number("previous_g", x.previous_g),
            adam: adam::Symbols::of(x, h.adam(), numbers),
        }
    }
}

/// θ′ and the new moments
pub fn step(x: &Symbols, conventions: Conventions, wrong: Wrong) -> (Expr, Vec<Expr>) {
    let Symbols { theta, eta, lambda, previous_g, mut adam } = *x;
    adam.g = match wrong {
        Some("decay-missing" | "decay-decoupled") => adam.g,
        Some("decay-flipped") => adam.g - lambda * theta,
        Some("decay-of-previous-gradient") => adam.g + lambda * previous_g,
        _ => adam.g + lambda * theta,
    };
    let direction = adam::direction(&adam, conventions.choices(), wrong);
    let u = direction.u;
    let theta = match wrong {
        Some("decay-decoupled") => theta - eta * (u + lambda * theta),
        Some("ascent") => theta + eta * u,
        _ => theta - eta * u,
    };
    (theta, direction.moments())
}

/// The definitions of all steps of an input.
fn definition(input: &Value, output: &Value, wrong: Wrong) -> Result<Vec<Defined>> {
    at_input(input, output, |x, conventions, _| step(x, conventions, wrong))
}

/// What `step` makes of all steps of an input.
fn at_input(
    input: &Value,
    output: &Value,
    step: impl Fn(&Symbols, Conventions, &Numbers) -> (Expr, Vec<Expr>),
) -> Result<Vec<Defined>> {
    let problem = state::read(input.clone(), Hyperparameters::moments)?;
    let h = &problem.hyper;
    Ok(state::define(&problem, h.moments(), h.conventions.step_count.counting(), output, |x, numbers| {
        step(&Symbols::of(x, h, numbers), h.conventions, numbers)
    }))
}

// ---- textbook ---------------------------------------------------------------------------------

/// θ′ and the new moments one way. `one` is the number 1 in the dtype of tensors.
pub fn textbook(x: &Symbols, conventions: Conventions, way: Way, one: Expr) -> (Expr, Vec<Expr>) {
    let adam = adam::Symbols { g: x.adam.g + x.lambda * x.theta, ..x.adam };
    let (moved, moments) = adam::textbook(&adam, conventions.choices(), x.eta, way, one);
    (x.theta - moved, moments)
}

/// PyTorch's two ways, and the paper's, which optax follows.
fn textbooks(input: &Value, output: &Value) -> Result<Vec<Defined>> {
    let mut all = definition(input, output, None)?;
    for way in [Way::Lerp, Way::Products] {
        all.extend(at_input(input, output, |x, conventions, numbers| textbook(x, conventions, way, numbers.one()))?);
    }
    Ok(all)
}

// ---- oracle -----------------------------------------------------------------------------------

/// Runs every step of a problem.
///
/// θ′ and the moments are correctly rounded.
///
/// # Errors
/// Where a hyperparameter is outside its domain, a denominator is zero or a moment leaves the range.
pub fn oracle(problem: &Problem<Hyperparameters>) -> Result<Vec<Step>> {
    let h = &problem.hyper;
    check(problem)?;
    state::run(problem, h.moments(), h.conventions.step_count.counting(), |tensor, site| {
        advance(Engine::best(), h, tensor, Some(site))
    })
}

/// Moves one tensor of real size by one step, in place, with threads and vectors: each new number is the one that
/// [`oracle`] gives, bit for bit, under every convention. The places "outside" and "hat" of ε are fast; the other
/// conventions take wide numbers throughout, a hundred times as long.
///
/// # Errors
/// Where a length or a number is outside its domain, a denominator is zero or a moment leaves the range; what is in
/// the lists then is not a step's state.
pub fn step_in_place(hyper: &Hyperparameters, tensor: Flat) -> Result<()> {
    check_scalars(hyper)?;
    tensor.check(hyper.moments())?;
    advance(Engine::best(), hyper, tensor, None)
}

/// The step of a tensor whose lengths and scalars are in their domain.
pub(super) fn advance(engine: Engine, h: &Hyperparameters, tensor: Flat, site: Option<Site>) -> Result<()> {
    let (adam, choices) = (h.adam(), h.conventions.choices());
    let biases = adam::biases_wide(adam, choices, tensor.t);
    let [eta, lambda] = [tensor.lr, h.weight_decay].map(Wide::from);
    let (names, moved) = (h.moments(), [Wide::ONE, eta]);
    let work = Work { engine, tensor, estimate: None, names, site };
    let update = |x: &Element| {
        let theta = Wide::from(x.theta);
        let (u, moments) = adam::direction_wide(x, Wide::from(x.g) + lambda * theta, adam, choices, biases)?;
        let theta = theta - eta * u;
        Ok(Unrounded { theta, moments }.rounded(|numbers| step(&Symbols::of(x, h, numbers), h.conventions, None)))
    };
    if lambda.is_zero() {
        return flat::advance(work, adam::rule::<false>(adam, choices, biases, moved, lambda), update);
    }
    flat::advance(work, adam::rule::<true>(adam, choices, biases, moved, lambda), update)
}

/// Every hyperparameter is in its domain.
pub(crate) fn check(problem: &Problem<Hyperparameters>) -> Result<()> {
    check_scalars(&problem.hyper)
}

fn check_scalars(h: &Hyperparameters) -> Result<()> {
    h.adam().check()?;
    domain::non_negative("weight_decay", h.weight_decay)?;
    Ok(())
}

fn evaluate(value: Value) -> Result<Value> {
    let problem = state::read(value, Hyperparameters::moments)?;
    Ok(state::write(&oracle(&problem)?, problem.hyper.moments()))
}

// ---- mistakes ---------------------------------------------------------------------------------

fn symbols(x: &Inputs, t: i64) -> Symbols {
    Symbols {
        theta: x.real("theta"),
        eta: x.rate("eta"),
        lambda: x.rate("lambda"),
        previous_g: x.real("previous_g"),
        adam: adam::Symbols {
            g: x.real("g"),
            m: x.real("m"),
            v: x.positive("v"),
            v_max: x.positive("v_max"),
            beta1: x.unit("beta1"),
            beta2: x.unit("beta2"),
            eps: x.rate("eps"),
            t,
        },
    }
}

/// The false statement that a wrong form is Adam with L2.
fn wrong_step(id: &'static str) -> Instance {
    Instance::equal("t = 2", |x| {
        let s = symbols(x, 2);
        let all = |(theta, moments): (Expr, Vec<Expr>)| [vec![theta], moments].concat();
        let right = all(step(&s, Conventions::default(), None));
        right.into_iter().zip(all(step(&s, Conventions::default(), Some(id)))).collect()
    })
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "decay-decoupled",
        meaning: "AdamW's rule under Adam's name: the moments never see the decay",
        source: "FlagOpen/FlagGems #4988; microsoft/DeepSpeed #8307",
        statement: || wrong_step("decay-decoupled"),
    },
    Mistake {
        id: "decay-of-previous-gradient",
        meaning: "λ times the previous gradient is added in place of λθ",
        source: "tracel-ai/burn decay.rs @14372568",
        statement: || wrong_step("decay-of-previous-gradient"),
    },
    Mistake {
        id: "decay-missing",
        meaning: "no decay at all",
        source: "a slip",
        statement: || wrong_step("decay-missing"),
    },
    Mistake {
        id: "decay-flipped",
        meaning: "g − λθ",
        source: "a sign slip",
        statement: || wrong_step("decay-flipped"),
    },
    Mistake {
        id: "ascent",
        meaning: "+ ηu in place of − ηu",
        source: "a sign slip",
        statement: || wrong_step("ascent"),
    },
    Mistake {
        id: "step-late",
        meaning: "t counted from 2",
        source: "tracel-ai/burn #614 and others",
        statement: || wrong_step("step-late"),
    },
    Mistake {
        id: "moments-not-kept",
        meaning: "every step starts from zero moments",
        source: "raskr/rust-autograd #16",
        statement: || wrong_step("moments-not-kept"),
    },
];

// ---- claims -----------------------------------------------------------------------------------

/// At the first step from zero, with total gradient g + λθ > 0: η (g + λθ)/(g + λθ + ε).
fn first_step(total: Expr, eps: Expr, eta: Expr) -> Expr {
    eta * total / (total + eps)
}

/// The textbook's θ′ and m′ against the definition with √v̂ as √v′/√(1 − β2^t).
fn textbook_against_definition(wrong: Wrong<'static>) -> Instance {
    Instance::equal("t = 2, the roots √(v′/(1 − β2^t)) as quotients of roots", |x| {
        let s = symbols(x, 2);
        let moments = step(&s, Conventions::default(), wrong).1;
        let root = moments[1].sqrt() / adam::bias(s.adam.beta2, 2).sqrt();
        let theta = s.theta - s.eta * (moments[0] / adam::bias(s.adam.beta1, 2) / (root + s.adam.eps));
        let against = |way| {
            let (found, kept) = textbook(&s, Conventions::default(), way, constant(1));
            [(found, theta), (kept[0], moments[0]), (kept[1], moments[1])]
        };
        [Way::Lerp, Way::Products].into_iter().flat_map(against).collect()
    })
}

fn claims() -> Vec<Claim> {
    vec![
        Claim::proved(
            "adam-l2/textbook",
            Identity,
            "PyTorch's orders of operations compute the same θ′, m′ and v′",
        )
        .at(textbook_against_definition(None))
        .control("decay-missing", textbook_against_definition(Some("decay-missing"))),
        Claim::proved(
            "adam-l2/decay-is-rescaled",
            Gradient,
            "with √v̂ dominated by past gradients (a symbol r), the decay's part of a step is −η(1−β1)λθ/((1−β1^t)(r+ε)): \
             divided by r + ε, so parameters with large gradients decay less",
        )
        .source(Source::guide("4, Q2", "参数梯度大的维度 weight decay 被弱化，梯度小的维度被强化"))
        .at_all([1, 3].map(|t| {
            Instance::gradient(format!("t = {t}, √v̂ as a symbol"), |x| {
                let s = symbols(x, t);
                let root = x.positive("r");
                let a = s.adam;
                let m_hat = (a.beta1 * a.m + (1 - a.beta1) * (a.g + s.lambda * s.theta)) / adam::bias(a.beta1, t);
                let rate = s.eta * (1 - a.beta1) / (adam::bias(a.beta1, t) * (root + a.eps));
                (s.theta - s.eta * m_hat / (root + a.eps), vec![s.lambda], vec![-(rate * s.theta)])
            })
        }))
        .control(
            "decay-decoupled",
            Instance::gradient("t = 1, √v̂ as a symbol", |x| {
                let s = symbols(x, 1);
                let root = x.positive("r");
                let moved = s.eta * (s.adam.g / (root + s.adam.eps) + s.lambda * s.theta);
                (s.theta - moved, vec![s.lambda], vec![-(s.eta * s.theta / (root + s.adam.eps))])
            }),
        ),
        Claim::refuted(
            "adam-l2/small-gradients-decay-more",
            Inequality,
            "the smaller the gradient, the stronger the decay: at g = 0 a parameter shrinks by more than AdamW's ηλθ",
            "adam-l2/zero-gradient",
        )
        .source(Source::guide("4, Q2", "梯度小的维度被强化，与期望相反"))
        .at(Instance::greater("first step, g = 0, θ > 0", |x| {
            let (theta, lambda) = (x.positive("theta"), x.positive("lambda"));
            let (eta, eps) = (x.rate("eta"), x.rate("eps"));
            vec![(first_step(lambda * theta, eps, eta), eta * lambda * theta)]
        })),
        Claim::proved(
            "adam-l2/zero-gradient",
            Identity,
            "at g = 0 and ε = 0 the first step is η whatever λ and θ > 0: a constant shrink, not a proportional one",
        )
        .amends("adam-l2/small-gradients-decay-more")
        .at(Instance::equal("first step, √(λθ)² as λθ", |x| {
            let (theta, lambda, eta) = (x.positive("theta"), x.positive("lambda"), x.rate("eta"));
            let (beta1, beta2) = (x.unit("beta1"), x.unit("beta2"));
            let g = lambda * theta;
            let m_hat = (1 - beta1) * g / adam::bias(beta1, 1);
            let v_hat = (1 - beta2) * g.squared() / adam::bias(beta2, 1);
            vec![(v_hat, g.squared()), (eta * m_hat / g, eta), (first_step(g, constant(0), eta), eta)]
        }))
        .control(
            "proportional",
            Instance::equal("first step", |x| {
                let (theta, lambda, eta) = (x.positive("theta"), x.positive("lambda"), x.rate("eta"));
                vec![(first_step(lambda * theta, constant(0), eta), eta * lambda * theta)]
            }),
        ),
        Claim::verified(
            "adam-l2/first-step",
            Identity,
            "the first step from zero moments is η(g + λθ)/(|g + λθ| + ε)",
        )
        .at(Instance::equal("t = 1, g + λθ > 0", |x| {
            let mut s = symbols(x, 1);
            let total = s.adam.g + s.lambda * s.theta;
            x.assume_positive(total);
            (s.adam.m, s.adam.v) = (constant(0), constant(0));
            vec![(step(&s, Conventions::default(), None).0, s.theta - first_step(total, s.adam.eps, s.eta))]
        }))
        .control(
            "decay-missing",
            Instance::equal("t = 1", |x| {
                let mut s = symbols(x, 1);
                x.assume_positive(s.adam.g);
                (s.adam.m, s.adam.v) = (constant(0), constant(0));
                vec![(step(&s, Conventions::default(), None).0, s.theta - first_step(s.adam.g, s.adam.eps, s.eta))]
            }),
        ),
    ]
}

/// Adam with L2 in the catalog.
pub const FORMULA: Formula = Formula {
    id: "adam-l2",
    name: "Adam with L2 regularization",
    equation: "g ← g + λθ;  θ′ = θ − η (m′/(1−β1^t)) / (√(v′/(1−β2^t)) + ε)",
    latex: &[
        r"g \leftarrow g + \lambda \theta",
        r"m' = \beta_1 m + (1 - \beta_1) g, \quad v' = \beta_2 v + (1 - \beta_2) g^2",
        r"\theta' = \theta - \eta\, \frac{m' / (1 - \beta_1^t)}{\sqrt{v' / (1 - \beta_2^t)} + \varepsilon}",
    ],
    source: "Kingma & Ba, Adam (2015), Algorithm 1; torch/optim/adam.py",
    input: "params [tensor][n], gradients [step][tensor] (null for none), lr (a number, or one per step), \
            state (zeros), beta1 (0.9), beta2 (0.95), eps (1e-8), weight_decay (0.1; 0 is plain Adam)",
    domain: "0 ≤ beta < 1; lr, eps, weight_decay ≥ 0 and finite; gradients, params, m finite; v ≥ 0",
    output: "steps, one entry per step: params, m, v (and v_max with amsgrad)",
    axes: &[Epsilon::AXIS, BiasCorrection::AXIS, Amsgrad::AXIS, StepCount::AXIS],
    mistakes: MISTAKES,
    evaluate,
    definition,
    textbook: textbooks,
    claims,
};
