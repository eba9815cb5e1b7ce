//! # AdamW
//!
//! θ′ = θ − η( (m′/(1−β1^t)) / (√(v′/(1−β2^t)) + ε) + λθ ), with Adam's moments
//! (Loshchilov & Hutter 2019, Algorithm 2): the decay is decoupled from the adaptive ratio.
//!
//! Symbols: θ params, g gradients, m and v moments, η lr, β1 beta1, β2 beta2, ε eps,
//! λ weight_decay, t the step from 1.

use crate::claim::{Claim, Inputs, Instance, Kind::*, Source};
use crate::domain;
use crate::error::Result;
use crate::expression::{Expr, constant, ratio};
use crate::formula::{Defined, Formula, Mistake, Numbers, Wrong};
use crate::json;
use crate::number::Wide;
use crate::optimizers::adam::{self, Amsgrad, BiasCorrection, Choices, Epsilon, Hyper, StepCount, Way};
use crate::optimizers::decay::{self, Decay};
use crate::optimizers::element::{Element, Site, Unrounded};
use crate::optimizers::flat::{self, Engine, Flat, Work};
use crate::optimizers::state::{self, Problem, Step};
use serde::Deserialize;
use serde_json::Value;

/// The conventions of AdamW.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conventions {
    /// Where the decay enters.
    pub decay: Decay,
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

/// The hyperparameters of AdamW.
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
    /// η_1
    pub eta_1: Expr,
    /// λ
    pub lambda: Expr,
    /// g, m, v, β1, β2, ε and t
    pub adam: adam::Symbols,
}

impl Symbols {
    fn of(x: &Element, h: &Hyperparameters, numbers: &Numbers) -> Symbols {
        Symbols {
            theta: numbers.number("theta", x.theta),
            eta: numbers.scalar("eta", x.eta),
            eta_1: numbers.scalar("eta_1", x.eta_1),
            lambda: numbers.scalar("lambda", h.weight_decay),
            adam: adam::Symbols::of(x, h.adam(), numbers),
        }
    }
}

/// θ′ and the new moments
pub fn step(x: &Symbols, conventions: Conventions, wrong: Wrong) -> (Expr, Vec<Expr>) {
    let Symbols { theta, eta, eta_1, lambda, mut adam } = *x;
    if wrong == Some("decay-coupled") {
        adam.g = adam.g + lambda * theta;
    }
    let direction = adam::direction(&adam, conventions.choices(), wrong);
    let u = direction.u;
    let theta = match wrong {
        Some("decay-coupled" | "decay-missing") => theta - eta * u,
        Some("decay-flipped") => theta - eta * (u - lambda * theta),
        Some("decay-of-squared-rate") => theta - eta * (u + eta * lambda * theta),
        Some("ascent") => theta + eta * (u - lambda * theta),
        _ => decay::step(conventions.decay, theta, u, eta, eta_1, lambda),
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

/// θ′ and the new moments one way: PyTorch's has the decay first. `one` is the number 1 in the dtype of
/// tensors.
pub fn textbook(x: &Symbols, conventions: Conventions, way: Way, one: Expr) -> (Expr, Vec<Expr>) {
    let Symbols { theta, eta, eta_1, lambda, ref adam } = *x;
    let (moved, moments) = adam::textbook(adam, conventions.choices(), eta, way, one);
    (decay::textbook(conventions.decay, theta, moved, eta, eta_1, lambda), moments)
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
/// [`oracle`] gives, bit for bit, under every convention. The decays and the places "outside" and "hat" of ε are
/// fast; the other conventions take wide numbers throughout, a hundred times as long.
///
/// ```
/// use gradproof::optimizers::{adamw, flat::Flat};
///
/// let (mut theta, g) = (vec![1.0, -2.0, 0.5], vec![0.1, 0.0, -0.3]);
/// let (mut m, mut v) = (vec![0.0; 3], vec![0.0; 3]);
/// for t in 1..=2 {
///     let moments = vec![m.as_mut_slice(), v.as_mut_slice()];
///     let tensor = Flat { params: &mut theta, gradient: &g, moments, t, lr: 1e-3, first_lr: 1e-3 };
///     adamw::step_in_place(&adamw::Hyperparameters::default(), tensor)?;
/// }
/// assert_eq!(m, [0.018_999_999_999_999_996, 0.0, -0.056_999_999_999_999_99]);
/// # Ok::<(), gradproof::error::Error>(())
/// ```
///
/// # Errors
/// Where a length or a number is outside its domain, a denominator is zero or a moment leaves the range; what is in
/// the lists then is not a step's state.
pub fn step_in_place(hyper: &Hyperparameters, tensor: Flat) -> Result<()> {
    check_scalars(hyper, &[tensor.first_lr])?;
    tensor.check(hyper.moments())?;
    advance(Engine::best(), hyper, tensor, None)
}

/// The step of a tensor whose lengths and scalars are in their domain.
pub(super) fn advance(engine: Engine, h: &Hyperparameters, tensor: Flat, site: Option<Site>) -> Result<()> {
    let (adam, choices, decay) = (h.adam(), h.conventions.choices(), h.conventions.decay);
    let biases = adam::biases_wide(adam, choices, tensor.t);
    let [eta, eta_1, lambda] = [tensor.lr, tensor.first_lr, h.weight_decay].map(Wide::from);
    let rule = adam::rule::<false>(adam, choices, biases, decay::kept_and_moved(decay, eta, eta_1, lambda), Wide::ZERO);
    flat::advance(Work { engine, tensor, estimate: None, names: h.moments(), site }, rule, |x| {
        let (u, moments) = adam::direction_wide(x, Wide::from(x.g), adam, choices, biases)?;
        let theta = decay::step_wide(decay, Wide::from(x.theta), u, eta, eta_1, lambda);
        Ok(Unrounded { theta, moments }.rounded(|numbers| step(&Symbols::of(x, h, numbers), h.conventions, None)))
    })
}

pub(crate) fn check(problem: &Problem<Hyperparameters>) -> Result<()> {
    check_scalars(&problem.hyper, &problem.rates)
}

fn check_scalars(h: &Hyperparameters, rates: &[f64]) -> Result<()> {
    h.adam().check()?;
    domain::non_negative("weight_decay", h.weight_decay)?;
    decay::check(h.conventions.decay, rates)
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
        eta_1: x.rate("eta_1"),
        lambda: x.rate("lambda"),
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

/// The false statement that a wrong form is AdamW.
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
        id: "decay-coupled",
        meaning: "λθ added to the gradient, as in L2 regularization, so that the ratio rescales it",
        source: "keras-team/keras #19051",
        statement: || wrong_step("decay-coupled"),
    },
    Mistake {
        id: "decay-missing",
        meaning: "no weight decay at all",
        source: "passed the golden test of tracel-ai/burn @237ef8e",
        statement: || wrong_step("decay-missing"),
    },
    Mistake {
        id: "decay-flipped",
        meaning: "the decay pushes away from zero: − η(u − λθ)",
        source: "passed the golden test of tracel-ai/burn @237ef8e",
        statement: || wrong_step("decay-flipped"),
    },
    Mistake {
        id: "decay-of-squared-rate",
        meaning: "the decay is multiplied by η twice",
        source: "passed the golden test of tracel-ai/burn @237ef8e",
        statement: || wrong_step("decay-of-squared-rate"),
    },
    Mistake {
        id: "ascent",
        meaning: "+ ηu in place of − ηu",
        source: "a sign slip; Wireless4024/candle lion.rs @59d7912 has it",
        statement: || wrong_step("ascent"),
    },
    Mistake {
        id: "betas-swapped",
        meaning: "β1 and β2 exchanged",
        source: "a slip that defaults of 0.9 and 0.999 hide at the first step",
        statement: || wrong_step("betas-swapped"),
    },
    Mistake {
        id: "moments-not-kept",
        meaning: "m and v computed on copies, so that every step starts from zero",
        source: "raskr/rust-autograd #16",
        statement: || wrong_step("moments-not-kept"),
    },
    Mistake {
        id: "step-late",
        meaning: "t counted from 2",
        source: "tracel-ai/burn #614 and others",
        statement: || wrong_step("step-late"),
    },
    Mistake {
        id: "step-early",
        meaning: "t counted from 0: 1 − β^0 = 0 at the first step",
        source: "tracel-ai/burn #614",
        statement: || wrong_step("step-early"),
    },
    Mistake {
        id: "bias-power-missing",
        meaning: "1 − β in place of 1 − β^t",
        source: "ufal/npfl114 #79",
        statement: || wrong_step("bias-power-missing"),
    },
    Mistake {
        id: "bias-multiplied",
        meaning: "m and v multiplied by 1 − β^t, which they should be divided by",
        source: "karpathy/convnetjs #70",
        statement: || wrong_step("bias-multiplied"),
    },
    Mistake {
        id: "v-max-not-kept",
        meaning: "AMSGrad's maximum is used but not stored",
        source: "pytorch/pytorch #78807",
        statement: v_max_not_kept,
    },
];

fn v_max_not_kept() -> Instance {
    Instance::equal("t = 2, AMSGrad", |x| {
        let s = symbols(x, 2).adam;
        let choices = Choices { amsgrad: Amsgrad::Raw, ..Choices::default() };
        let stored = |wrong| adam::direction(&s, choices, wrong).v_max;
        vec![(stored(None), stored(Some("v-max-not-kept")))]
    })
}

// ---- claims -----------------------------------------------------------------------------------

/// θ′ with √v̂ as a free symbol r: θ − η(m̂/(r + ε) + λθ).
fn step_with_root(theta: Expr, m_hat: Expr, root: Expr, eps: Expr, eta: Expr, lambda: Expr) -> Expr {
    theta - eta * (m_hat / (root + eps) + lambda * theta)
}

const WAYS: [Way; 2] = [Way::Lerp, Way::Products];

/// The textbook's θ′, m′ and v′ beside others.
fn textbook_against(s: &Symbols, way: Way, theta: Expr, moments: &[Expr]) -> Vec<(Expr, Expr)> {
    let (found, kept) = textbook(s, Conventions::default(), way, constant(1));
    vec![(found, theta), (kept[0], moments[0]), (kept[1], moments[1])]
}

/// Every place of ε with every maximum, and every decay.
fn every_convention() -> impl Iterator<Item = Conventions> {
    let epsilons = [Epsilon::Outside, Epsilon::Hat, Epsilon::Root, Epsilon::Max];
    let maxima = [Amsgrad::Off, Amsgrad::Raw, Amsgrad::Corrected];
    let of_adam = epsilons
        .into_iter()
        .flat_map(move |epsilon| maxima.map(|amsgrad| Conventions { epsilon, amsgrad, ..Conventions::default() }));
    let decays = [Decay::After, Decay::Proximal, Decay::Schedule, Decay::Absolute];
    let bias_correction = BiasCorrection::None;
    let plain = Conventions { bias_correction, ..Conventions::default() };
    of_adam.chain(decays.map(|decay| Conventions { decay, ..Conventions::default() })).chain([plain])
}

fn decay_after_against_joint(difference: impl Fn(Expr, Expr, Expr) -> Expr) -> Instance {
    Instance::equal("u as a symbol", |x| {
        let (theta, u, eta, lambda) = (x.real("theta"), x.real("u"), x.rate("eta"), x.rate("lambda"));
        let form = |decay| decay::step(decay, theta, u, eta, eta, lambda);
        vec![(form(Decay::After), form(Decay::Joint) + difference(eta, lambda, u))]
    })
}

fn claims() -> Vec<Claim> {
    vec![
        Claim::proved(
            "adamw/decoupling",
            Gradient,
            "∂θ′/∂λ = −ηθ: the decay's part of a step depends neither on g nor on the moments",
        )
        .source(Source::guide("2.1", "weight decay 的力度不受 Adam 的自适应系数影响"))
        .at(Instance::gradient("√v̂ as a symbol", |x| {
            let (theta, m_hat, root, eps) = (x.real("theta"), x.real("m_hat"), x.positive("r"), x.rate("eps"));
            let (eta, lambda) = (x.rate("eta"), x.rate("lambda"));
            (step_with_root(theta, m_hat, root, eps, eta, lambda), vec![lambda], vec![-(eta * theta)])
        }))
        .at_all([1, 2, 10].map(|t| {
            Instance::gradient(format!("t = {t}"), |x| {
                let s = symbols(x, t);
                (step(&s, Conventions::default(), None).0, vec![s.lambda], vec![-(s.eta * s.theta)])
            })
        }))
        .control(
            "decay-coupled",
            Instance::gradient("t = 2", |x| {
                let s = symbols(x, 2);
                (step(&s, Conventions::default(), Some("decay-coupled")).0, vec![s.lambda], vec![-(s.eta * s.theta)])
            }),
        ),
        Claim::refuted(
            "adamw/uniform-across-groups",
            Identity,
            "all parameters are regularized alike, also in groups with a decay of their own",
            "adamw/uniform-decay",
        )
        .source(Source::guide("4, Q2", "确保所有参数受到均匀的正则化"))
        .at(Instance::equal("two groups", |x| {
            let (eta, decays) = (x.rate("eta"), [x.rate("lambda_a"), x.rate("lambda_b")]);
            let kept = decays.map(|lambda| 1 - eta * lambda);
            vec![(kept[0], kept[1])]
        })),
        Claim::proved(
            "adamw/uniform-decay",
            Identity,
            "relative to its size every parameter is decayed alike: (θ′ − θ′ without decay)/θ = −ηλ",
        )
        .amends("adamw/uniform-across-groups")
        .source(Source::guide("4, Q2", "确保所有参数受到均匀的正则化"))
        .at(Instance::equal("two parameters, √v̂ as symbols", |x| {
            let (eta, lambda, eps) = (x.rate("eta"), x.rate("lambda"), x.rate("eps"));
            let relative = |name: &str| {
                let at = |what: &str| format!("{what}_{name}");
                let (theta, m_hat, root) = (x.positive(&at("theta")), x.real(&at("m_hat")), x.positive(&at("r")));
                let with = step_with_root(theta, m_hat, root, eps, eta, lambda);
                (with - step_with_root(theta, m_hat, root, eps, eta, constant(0))) / theta
            };
            vec![(relative("a"), -(eta * lambda)), (relative("a"), relative("b"))]
        }))
        .control(
            "decay-coupled",
            Instance::equal("t = 2", |x| {
                let mut s = symbols(x, 2);
                let with = step(&s, Conventions::default(), Some("decay-coupled")).0;
                let relative = -(s.eta * s.lambda) * s.theta;
                s.lambda = constant(0);
                vec![(with - step(&s, Conventions::default(), None).0, relative)]
            }),
        ),
        Claim::proved(
            "adamw/textbook",
            Identity,
            "PyTorch's orders of operations, with the decay first, compute the same θ′, m′ and v′",
        )
        .source(Source::guide("2.1", "θ_t = θ_{t−1} − η( m̂_t/(√v̂_t + ε) + λθ_{t−1} )"))
        .at_all([1, 2, 7].map(|t| {
            Instance::equal(format!("t = {t}, the roots √(v′/(1 − β2^t)) as quotients of roots"), |x| {
                let s = symbols(x, t);
                let moments = step(&s, Conventions::default(), None).1;
                let quotient = moments[1].sqrt() / adam::bias(s.adam.beta2, t).sqrt();
                let m_hat = moments[0] / adam::bias(s.adam.beta1, t);
                let theta = step_with_root(s.theta, m_hat, quotient, s.adam.eps, s.eta, s.lambda);
                WAYS.into_iter().flat_map(|way| textbook_against(&s, way, theta, &moments)).collect()
            })
        }))
        .control(
            "ascent",
            Instance::equal("t = 2", |x| {
                let s = symbols(x, 2);
                let (theta, moments) = step(&s, Conventions::default(), Some("ascent"));
                textbook_against(&s, Way::Lerp, theta, &moments)
            }),
        ),
        Claim::verified(
            "adamw/textbook-as-defined",
            Identity,
            "the same, with √(v′/(1 − β2^t)) as the definition has it, under every convention",
        )
        .at_all([1, 2, 1000].map(|t| {
            Instance::equal(format!("t = {t}"), |x| {
                let s = symbols(x, t);
                let (theta, moments) = step(&s, Conventions::default(), None);
                WAYS.into_iter().flat_map(|way| textbook_against(&s, way, theta, &moments)).collect()
            })
        }))
        .at_all(every_convention().map(|conventions| {
            let Conventions { decay, epsilon, bias_correction, amsgrad, .. } = conventions;
            let scope = format!("t = 2, {decay:?}, ε {epsilon:?}, corrected {bias_correction:?}, amsgrad {amsgrad:?}");
            Instance::equal(scope, |x| {
                let s = symbols(x, 2);
                let (theta, _) = step(&s, conventions, None);
                WAYS.map(|way| (textbook(&s, conventions, way, constant(1)).0, theta)).to_vec()
            })
        }))
        .control("step-late", wrong_step("step-late")),
        Claim::refuted(
            "adamw/decay-after",
            Identity,
            "first the Adam update, then θ ← θ − ηλθ: that is the formula of AdamW",
            "adamw/decay-after-differs",
        )
        .source(Source::guide("2.1 and 4, Q2", "先 Adam 更新（只用 g），再独立做 θ ← θ - ηλθ"))
        .at(decay_after_against_joint(|_, _, _| constant(0))),
        Claim::proved(
            "adamw/decay-after-differs",
            Identity,
            "decaying after the update differs from the formula by exactly η²λu",
        )
        .amends("adamw/decay-after")
        .at(decay_after_against_joint(|eta, lambda, u| eta.squared() * lambda * u))
        .control("sign", decay_after_against_joint(|eta, lambda, u| -(eta.squared() * lambda * u))),
        Claim::proved("adamw/decay-first", Identity, "decaying first, (1 − ηλ)θ − ηu, is the formula")
            .source(Source::guide("2.1", "p.data -= lr * (adam_update + weight_decay * p.data)"))
            .at(Instance::equal("u as a symbol", |x| {
                let (theta, u, eta, lambda) = (x.real("theta"), x.real("u"), x.rate("eta"), x.rate("lambda"));
                vec![((1 - eta * lambda) * theta - eta * u, decay::step(Decay::Joint, theta, u, eta, eta, lambda))]
            }))
            .control("decay-after", decay_after_against_joint(|_, _, _| constant(0))),
        Claim::proved(
            "adamw/bias-correction",
            Identity,
            "with the same gradient at every step, m̂ = g and v̂ = g² exactly: the correction \
undoes the start from zero",
        )
        .source(Source::guide("2.1", "m̂_t = m_t/(1−β1^t), v̂_t = v_t/(1−β2^t) (偏差校正)"))
        .at_all([1, 2, 3, 10].map(|t| constant_gradient(t, t)))
        .control("step-late", constant_gradient(3, 4)),
        Claim::refuted(
            "adamw/step-bound",
            Inequality,
            "a step of Adam is at most η in size: |m̂| ≤ √v̂, with β1 = 0.9 and β2 = 0.95",
            "adamw/step-bound-equal-betas",
        )
        .source(Source::paper(
            "Kingma & Ba, Adam (2015)",
            "2.1",
            "the effective magnitude of the steps … approximately bounded by the stepsize setting α",
        ))
        .at(Instance::at_least("20 steps, β1 = 9/10, β2 = 19/20, gradients (β1/β2)^age g", |x| {
            let (g, beta1, beta2) = (x.positive("g"), ratio(9, 10), ratio(19, 20));
            let gradients: Vec<Expr> = (0..20).rev().map(|age| (beta1 / beta2).powi(age) * g).collect();
            step_bound(&gradients, beta1, beta2)
        })),
        Claim::verified(
            "adamw/step-bound-equal-betas",
            Inequality,
            "with β1 = β2 it is: |m̂| ≤ √v̂ for every history of gradients",
        )
        .amends("adamw/step-bound")
        .at(Instance::at_least("4 steps, β1 = β2 = 9/10", |x| {
            step_bound(&x.reals("g", 4), ratio(9, 10), ratio(9, 10))
        }))
        .control(
            "half-the-bound",
            Instance::at_least("1 step", |x| {
                let g = x.real("g");
                vec![(g.squared() / 4, g.squared())]
            }),
        ),
        Claim::proved("adamw/first-step", Identity, "for g > 0 the first step is η g/(g + ε), whatever β1 and β2")
            .at(Instance::equal("g > 0, away from zero, √(g²) as g", |x| {
                let (theta, g, eps, eta) = (x.real("theta"), x.positive("g"), x.rate("eps"), x.rate("eta"));
                let (beta1, beta2) = (x.unit("beta1"), x.unit("beta2"));
                let m_hat = (1 - beta1) * g / adam::bias(beta1, 1);
                let v_hat = (1 - beta2) * g.squared() / adam::bias(beta2, 1);
                let moved = step_with_root(theta, m_hat, g, eps, eta, constant(0));
                vec![(v_hat, g.squared()), (moved, theta - eta * g / (g + eps))]
            }))
            .control(
                "bias-missing",
                Instance::equal("g > 0", |x| {
                    let (g, beta2) = (x.positive("g"), x.unit("beta2"));
                    vec![((1 - beta2) * g.squared(), g.squared())]
                }),
            ),
        Claim::proved("adamw/epsilon-hat", Identity, "ε-hat is ε/√(1 − β2^t) in the place of ε")
            .source(Source::paper("Kingma & Ba, Adam (2015)", "2", "α_t = α √(1 − β2^t)/(1 − β1^t)"))
            .at_all([1, 5].map(|t| {
                Instance::equal(format!("t = {t}, √v as a symbol"), |x| {
                    let (m, root, eps, beta1, beta2) =
                        (x.real("m"), x.positive("r"), x.rate("eps"), x.unit("beta1"), x.unit("beta2"));
                    let (b1, b2) = (adam::bias(beta1, t), adam::bias(beta2, t).sqrt());
                    vec![(b2 / b1 * (m / (root + eps)), (m / b1) / (root / b2 + eps / b2))]
                })
            }))
            .control(
                "same-epsilon",
                Instance::equal("t = 5", |x| {
                    let (m, root, eps, beta1, beta2) =
                        (x.positive("m"), x.positive("r"), x.rate("eps"), x.unit("beta1"), x.unit("beta2"));
                    let (b1, b2) = (adam::bias(beta1, 5), adam::bias(beta2, 5).sqrt());
                    vec![(b2 / b1 * (m / (root + eps)), (m / b1) / (root / b2 + eps))]
                }),
            ),
        Claim::refuted(
            "adamw/amsgrad-order",
            Identity,
            "AMSGrad's maximum may be taken before or after the bias correction",
            "adamw/amsgrad-uncorrected",
        )
        .source(Source::paper("pytorch/pytorch", "#142323", "the maximum of v or of v̂"))
        .at(amsgrad_forms(BiasCorrection::Both)),
        Claim::proved("adamw/amsgrad-uncorrected", Identity, "without bias correction the two orders are one")
            .amends("adamw/amsgrad-order")
            .at(amsgrad_forms(BiasCorrection::None))
            .control("with-correction", amsgrad_forms(BiasCorrection::Both)),
    ]
}

fn amsgrad_forms(bias_correction: BiasCorrection) -> Instance {
    Instance::equal("t = 2, the denominators", |x| {
        let s = symbols(x, 2).adam;
        let with = |amsgrad| adam::direction(&s, Choices { amsgrad, bias_correction, ..Choices::default() }, None);
        vec![(with(Amsgrad::Raw).u, with(Amsgrad::Corrected).u)]
    })
}

/// The moments after `t` equal gradients, corrected with the count `counted`, against g and g².
fn constant_gradient(t: i64, counted: i64) -> Instance {
    Instance::equal(format!("t = {t}"), |x| {
        let (g, beta1, beta2) = (x.real("g"), x.unit("beta1"), x.unit("beta2"));
        let (mut m, mut v) = (constant(0), constant(0));
        for _ in 0..t {
            m = beta1 * m + (1 - beta1) * g;
            v = beta2 * v + (1 - beta2) * g.squared();
        }
        vec![(m / adam::bias(beta1, counted), g), (v / adam::bias(beta2, counted), g.squared())]
    })
}

/// v̂ ≥ m̂² after these gradients.
fn step_bound(gradients: &[Expr], beta1: Expr, beta2: Expr) -> Vec<(Expr, Expr)> {
    let (mut m, mut v) = (constant(0), constant(0));
    for &g in gradients {
        m = beta1 * m + (1 - beta1) * g;
        v = beta2 * v + (1 - beta2) * g.squared();
    }
    let t = gradients.len() as i64;
    vec![(v / adam::bias(beta2, t), (m / adam::bias(beta1, t)).squared())]
}

/// AdamW in the catalog.
pub const FORMULA: Formula = Formula {
    id: "adamw",
    name: "AdamW",
    equation: "θ′ = θ − η( (m′/(1−β1^t)) / (√(v′/(1−β2^t)) + ε) + λθ )",
    latex: &[
        r"m' = \beta_1 m + (1 - \beta_1) g, \quad v' = \beta_2 v + (1 - \beta_2) g^2",
        r"\hat m = \frac{m'}{1 - \beta_1^t}, \quad \hat v = \frac{v'}{1 - \beta_2^t}",
        r"\theta' = \theta - \eta \left( \frac{\hat m}{\sqrt{\hat v} + \varepsilon} + \lambda \theta \right)",
    ],
    source: "Loshchilov & Hutter, Decoupled Weight Decay Regularization (2019), Algorithm 2",
    input: "params [tensor][n], gradients [step][tensor] (null for none), lr (a number, or \
one per step), state (zeros), beta1 (0.9), beta2 (0.95), eps (1e-8), \
weight_decay (0.1)",
    domain: "0 ≤ beta < 1; lr, eps, weight_decay ≥ 0 and finite; gradients, params, m finite; v ≥ 0",
    output: "steps, one entry per step: params, m, v (and v_max with amsgrad)",
    axes: &[Decay::AXIS, Epsilon::AXIS, BiasCorrection::AXIS, Amsgrad::AXIS, StepCount::AXIS],
    mistakes: MISTAKES,
    evaluate,
    definition,
    textbook: textbooks,
    claims,
};
