//! # Direct preference optimization
//!
//! ℓ = −ln σ(h), h = r̂_w − r̂_l, r̂ = β ln(π/π_ref)
//! (Rafailov et al., *Direct Preference Optimization: Your Language Model is Secretly a Reward
//! Model*, 2023, equation 7), from the log-probabilities of whole responses, each the sum over its
//! tokens. Its gradient is ∂ℓ/∂ln π_w = −β σ(r̂_l − r̂_w), ∂ℓ/∂ln π_l = +β σ(r̂_l − r̂_w), so that
//! ∇_θ ℓ = −β σ(r̂_l − r̂_w) [∇_θ ln π_w − ∇_θ ln π_l]. A batch is reduced by its mean.
//!
//! With a label that is wrong with probability ε the factor σ(−h) becomes σ(−h) − ε
//! (conservative) or ((1 − ε)σ(−h) + εσ(h))/(1 − 2ε) (robust).
//!
//! Symbols: y_w chosen, y_l rejected response, π policy, π_ref reference, β beta, ε
//! label_smoothing, r̂ rewards, h margin, B pairs.

use crate::claim::{Domain, Inputs, Instance};
use crate::domain;
use crate::error::{Error, Result};
use crate::expression::{Expr, constant, sigmoid, sum};
use crate::formula::{Defined, Formula, Mistake, Numbers, Wrong};
use crate::json;
use crate::losses::preference::{
    self, Conventions, Derivative, Judged, Margin, Objective, Pair, Reference, SHIFTED, Smoothing, default_beta, loss,
    smoothed_loss, smoothed_weight, weight,
};
use crate::losses::rounding;
use crate::number::Wide;
use serde::{Deserialize, Serialize};
use serde_json::Value;

mod claims;

/// A batch of B pairs of responses.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// `[B]` ln π(y_w), finite.
    #[serde(with = "json::reals")]
    pub policy_chosen: Vec<f64>,
    /// `[B]` ln π(y_l), finite.
    #[serde(with = "json::reals")]
    pub policy_rejected: Vec<f64>,
    /// `[B]` ln π_ref(y_w), finite.
    #[serde(with = "json::reals")]
    pub reference_chosen: Vec<f64>,
    /// `[B]` ln π_ref(y_l), finite.
    #[serde(with = "json::reals")]
    pub reference_rejected: Vec<f64>,
    /// β > 0
    #[serde(default = "default_beta", with = "json::real")]
    pub beta: f64,
    /// ε in [0, 0.5)
    #[serde(default, with = "json::real")]
    pub label_smoothing: f64,
    /// The choices.
    #[serde(default, deserialize_with = "json::object")]
    pub conventions: Conventions,
}

/// The loss of a batch with its gradient.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Output {
    /// The mean over the pairs.
    #[serde(with = "json::real")]
    pub loss: f64,
    /// `[B]` The factor of β(∇ ln π(y_w) − ∇ ln π(y_l)) in −∇ℓ of each pair.
    #[serde(with = "json::reals")]
    pub weight: Vec<f64>,
    /// `[B]` r̂_w
    #[serde(with = "json::reals")]
    pub rewards_chosen: Vec<f64>,
    /// `[B]` r̂_l
    #[serde(with = "json::reals")]
    pub rewards_rejected: Vec<f64>,
    /// Of the mean loss.
    pub gradient: Gradient,
}

/// The gradient with respect to the policy's log-probabilities.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Gradient {
    /// `[B]`
    #[serde(with = "json::reals")]
    pub policy_chosen: Vec<f64>,
    /// `[B]`
    #[serde(with = "json::reals")]
    pub policy_rejected: Vec<f64>,
}

// ---- definition -------------------------------------------------------------------------------

/// ℓ = −ln σ(β ln(π_w/π_ref,w) − β ln(π_l/π_ref,l))
pub fn dpo(pair: &Pair) -> Expr {
    loss(pair.margin(Reference::Given))
}

/// ∂ℓ/∂ln π_w = −β σ(r̂_l − r̂_w) and ∂ℓ/∂ln π_l, its opposite
pub fn gradient(pair: &Pair) -> [Expr; 2] {
    let slope = pair.beta * weight(pair.margin(Reference::Given));
    [-slope, slope]
}

/// ℓ under both axes, with label smoothing ε
pub fn smoothed(pair: &Pair, epsilon: Expr, conventions: Conventions) -> Expr {
    smoothed_loss(pair.margin(conventions.reference), epsilon, conventions.smoothing)
}

/// −β·weight at ln π_w and +β·weight at ln π_l
pub fn smoothed_gradient(pair: &Pair, epsilon: Expr, conventions: Conventions) -> [Expr; 2] {
    let slope = pair.beta * smoothed_weight(pair.margin(conventions.reference), epsilon, conventions.smoothing);
    [-slope, slope]
}

/// The mean over the pairs.
pub fn batch_mean(pairs: &[Pair]) -> Expr {
    sum(pairs.iter().map(dpo)) / pairs.len() as i64
}

/// The definition at an input, or a wrong form of it.
fn defined(input: &Input, wrong: Wrong) -> Defined {
    let divisor = if wrong == Some("batch-mean-missing") { 1 } else { input.policy_chosen.len() as i64 };
    at_input(input, |pair, epsilon, _| {
        let judged = pair.judged(epsilon, input.conventions, wrong);
        Judged { slope: judged.slope / divisor, ..judged }
    })
}

fn definition(input: &Value, _output: &Value, wrong: Wrong) -> Result<Vec<Defined>> {
    Ok(vec![defined(&json::read(input.clone())?, wrong)])
}

/// What `judge` makes of the pairs of an input; its slopes are those of the mean.
fn at_input(input: &Input, judge: impl Fn(&Pair, Expr, &Numbers) -> Judged) -> Defined {
    let pairs = input.policy_chosen.len();
    Defined::build(|numbers| {
        let (beta, epsilon) = (numbers.scalar("beta", input.beta), numbers.scalar("epsilon", input.label_smoothing));
        let judged = |b: usize| {
            let pair = Pair {
                policy_chosen: numbers.number("policy_chosen", input.policy_chosen[b]),
                policy_rejected: numbers.number("policy_rejected", input.policy_rejected[b]),
                reference_chosen: numbers.number("reference_chosen", input.reference_chosen[b]),
                reference_rejected: numbers.number("reference_rejected", input.reference_rejected[b]),
                beta,
            };
            judge(&pair, epsilon, numbers)
        };
        let judged: Vec<Judged> = (0..pairs).map(judged).collect();
        let mut outputs = vec![("/loss".to_string(), sum(judged.iter().map(|x| x.loss)) / pairs as i64)];
        for (b, x) in judged.iter().enumerate() {
            outputs.push((format!("/weight/{b}"), x.weight));
            outputs.push((format!("/rewards_chosen/{b}"), x.reward_chosen));
            outputs.push((format!("/rewards_rejected/{b}"), x.reward_rejected));
            outputs.push((format!("/gradient/policy_chosen/{b}"), -x.slope));
            outputs.push((format!("/gradient/policy_rejected/{b}"), x.slope));
        }
        outputs
    })
}

// ---- textbook ---------------------------------------------------------------------------------

/// One way at an input.
fn one_textbook(input: &Input, way: (Margin, Derivative)) -> Defined {
    let pairs = input.policy_chosen.len() as i64;
    at_input(input, |pair, epsilon, numbers| pair.textbook(way, epsilon, input.conventions, pairs, numbers.one()))
}

/// The three orders of a margin, each with the gradient of autograd and in closed form; no exponential
/// is above 1.
fn textbook(input: &Value, _output: &Value) -> Result<Vec<Defined>> {
    let input: Input = json::read(input.clone())?;
    Ok(preference::ways(input.conventions.reference).into_iter().map(|way| one_textbook(&input, way)).collect())
}

// ---- oracle -----------------------------------------------------------------------------------

/// Evaluates a batch.
///
/// Correctly rounded: every number is the f64 nearest to its real value, ties to even.
///
/// # Errors
/// Where shapes disagree or a value is outside its domain.
pub fn oracle(input: &Input) -> Result<Output> {
    validate(input)?;
    let objective = Objective::new(input.beta, input.label_smoothing, input.conventions)?;
    let pairs = input.policy_chosen.len();
    let (beta, n) = (Wide::from(input.beta), Wide::from(pairs as f64));
    let mut loss = Wide::ZERO;
    let mut of_pairs = Vec::with_capacity(5 * pairs);
    for b in 0..pairs {
        let [policy_chosen, policy_rejected, reference_chosen, reference_rejected] =
            [&input.policy_chosen, &input.policy_rejected, &input.reference_chosen, &input.reference_rejected]
                .map(|list| Wide::from(list[b]));
        let (chosen, rejected) = (policy_chosen - reference_chosen, policy_rejected - reference_rejected);
        let margin = match input.conventions.reference {
            Reference::Given => chosen - rejected,
            Reference::Free => policy_chosen - policy_rejected,
        };
        let h = beta * margin;
        loss = loss + objective.loss(h);
        let weight = objective.weight(h);
        let slope = weight * beta / n;
        of_pairs.extend([weight, beta * chosen, beta * rejected, -slope, slope]);
    }
    let values: Vec<Wide> = [loss / n].into_iter().chain(of_pairs).collect();
    let mut answers = rounding::nearest(&values, &[&|| defined(input, None), &|| one_textbook(input, SHIFTED)]);
    let mut output = Output { loss: answers.number(), ..Output::default() };
    for _ in 0..pairs {
        output.weight.push(answers.number());
        output.rewards_chosen.push(answers.number());
        output.rewards_rejected.push(answers.number());
        output.gradient.policy_chosen.push(answers.number());
        output.gradient.policy_rejected.push(answers.number());
    }
    Ok(output)
}

pub(crate) fn validate(input: &Input) -> Result<()> {
    let pairs = input.policy_chosen.len();
    if pairs == 0 {
        return Err(Error::shape("policy_chosen", 0, "at least 1 pair"));
    }
    for (field, list) in [
        ("policy_chosen", &input.policy_chosen),
        ("policy_rejected", &input.policy_rejected),
        ("reference_chosen", &input.reference_chosen),
        ("reference_rejected", &input.reference_rejected),
    ] {
        domain::same_length(field, list.len(), pairs, "policy_chosen has pairs")?;
        domain::all_finite(field, list)?;
    }
    Ok(())
}

fn evaluate(value: Value) -> Result<Value> {
    Ok(json::write(&oracle(&json::read(value)?)?))
}

// ---- mistakes ---------------------------------------------------------------------------------

/// The log-probabilities of one pair, and β.
fn pair(x: &Inputs) -> Pair {
    Pair {
        policy_chosen: x.real("policy_chosen"),
        policy_rejected: x.real("policy_rejected"),
        reference_chosen: x.real("reference_chosen"),
        reference_rejected: x.real("reference_rejected"),
        beta: x.positive("beta"),
    }
}

/// The gradient of a pair in a wrong form, as a false statement.
fn wrong_gradient(form: fn(&Pair) -> [Expr; 2]) -> Instance {
    Instance::gradient("one pair", |x| {
        let pair = pair(x);
        (dpo(&pair), vec![pair.policy_chosen, pair.policy_rejected], form(&pair).to_vec())
    })
}

fn chosen_rejected_swapped() -> Instance {
    wrong_gradient(|p| {
        let slope = p.beta * sigmoid(p.margin(Reference::Given));
        [slope, -slope]
    })
}

fn sign() -> Instance {
    wrong_gradient(|p| gradient(p).map(|g| -g))
}

fn beta_missing() -> Instance {
    wrong_gradient(|p| {
        let w = weight(p.margin(Reference::Given));
        [-w, w]
    })
}

fn beta_twice() -> Instance {
    wrong_gradient(|p| {
        let slope = p.beta * weight(p.beta * p.margin(Reference::Given));
        [-slope, slope]
    })
}

fn weight_of_margin() -> Instance {
    wrong_gradient(|p| {
        let slope = p.beta * sigmoid(p.margin(Reference::Given));
        [-slope, slope]
    })
}

fn batch_mean_missing() -> Instance {
    Instance::gradient("B = 2", |x| {
        let pairs = [pair_named(x, "a"), pair_named(x, "b")];
        (batch_mean(&pairs), vec![pairs[0].policy_chosen], vec![gradient(&pairs[0])[0]])
    })
}

/// One pair of a batch, with its own β.
fn pair_named(x: &Inputs, name: &str) -> Pair {
    let all = x.reals(name, 4);
    let beta = x.positive(&format!("beta_{name}"));
    Pair { policy_chosen: all[0], policy_rejected: all[1], reference_chosen: all[2], reference_rejected: all[3], beta }
}

fn reward_without_beta() -> Instance {
    Instance::equal("one pair", |x| {
        let p = pair(x);
        let chosen = p.policy_chosen - p.reference_chosen;
        vec![(p.margin(Reference::Given), chosen - (p.policy_rejected - p.reference_rejected))]
    })
}

/// A number in (0, 1/2).
fn noise(x: &Inputs) -> Expr {
    x.declare("epsilon", Domain::Between(0.0, 0.5))
}

fn smoothing_ignored() -> Instance {
    Instance::equal("conservative", |x| {
        let (h, epsilon) = (x.real("h"), noise(x));
        vec![(smoothed_loss(h, epsilon, Smoothing::Conservative), loss(h))]
    })
}

fn robust_undivided() -> Instance {
    Instance::equal("robust", |x| {
        let (h, epsilon) = (x.real("h"), noise(x));
        let undivided = (1 - epsilon) * loss(h) - epsilon * loss(-h);
        vec![(smoothed_loss(h, epsilon, Smoothing::Robust), undivided)]
    })
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "chosen-rejected-swapped",
        meaning: "the chosen and the rejected response change places: the loss of −h, and its gradient",
        source: "eric-mitchell/direct-preference-optimization #60, #63",
        statement: chosen_rejected_swapped,
    },
    Mistake {
        id: "sign",
        meaning: "the gradient with the opposite sign, which lowers the chosen response",
        source: "a slip in hand derivations",
        statement: sign,
    },
    Mistake {
        id: "beta-missing",
        meaning: "the gradient without its factor β, which is in the margin alone",
        source: "a slip in hand derivations",
        statement: beta_missing,
    },
    Mistake {
        id: "beta-twice",
        meaning: "σ(β(r̂_l − r̂_w)) in place of σ(r̂_l − r̂_w): r̂ contains β already",
        source: "a slip in hand derivations",
        statement: beta_twice,
    },
    Mistake {
        id: "weight-of-margin",
        meaning: "σ(r̂_w − r̂_l) in place of σ(r̂_l − r̂_w): the weight is largest where the pair is already in order",
        source: "a slip in hand derivations",
        statement: weight_of_margin,
    },
    Mistake {
        id: "batch-mean-missing",
        meaning: "the gradient of the mean is not divided by the number of pairs",
        source: "Mate #2, for cross-entropy",
        statement: batch_mean_missing,
    },
    Mistake {
        id: "reward-without-beta",
        meaning: "the reported rewards are ln(π/π_ref), without β",
        source: "a slip in hand derivations",
        statement: reward_without_beta,
    },
    Mistake {
        id: "smoothing-ignored",
        meaning: "label_smoothing is accepted and changes nothing",
        source: "trl 1.16.0, trainer/dpo_trainer.py, loss_type sigmoid",
        statement: smoothing_ignored,
    },
    Mistake {
        id: "robust-undivided",
        meaning: "the robust loss is not divided by 1 − 2ε, and is not unbiased",
        source: "a slip in hand derivations",
        statement: robust_undivided,
    },
];

/// DPO in the catalog.
pub const FORMULA: Formula = Formula {
    id: "dpo",
    name: "Direct preference optimization",
    equation: "ℓ = −ln σ(r̂_w − r̂_l), r̂ = β (ln π − ln π_ref);  ∇ℓ = −β σ(r̂_l − r̂_w) (∇ln π_w − ∇ln π_l)",
    latex: &[
        r"\ell = -\ln \sigma(\hat r_w - \hat r_l), \quad \hat r = \beta \ln \frac{\pi}{\pi_{\text{ref}}}",
        r"\nabla \ell = -\beta\, \sigma(\hat r_l - \hat r_w) \left(\nabla \ln \pi_w - \nabla \ln \pi_l\right)",
    ],
    source: "Rafailov et al., Direct Preference Optimization (2023), equation 7",
    input: "policy_chosen [B], policy_rejected [B], reference_chosen [B], reference_rejected [B], \
beta (0.1), label_smoothing (0)",
    domain: "finite; B ≥ 1; beta > 0; label_smoothing in [0, 0.5)",
    output: "loss, weight [B], rewards_chosen [B], rewards_rejected [B], gradient {policy_chosen \
[B], policy_rejected [B]}",
    axes: &[Smoothing::AXIS, Reference::AXIS],
    mistakes: MISTAKES,
    evaluate,
    definition,
    textbook,
    claims: claims::claims,
};
