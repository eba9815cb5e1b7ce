//! # DPO from logits
//!
//! The loss of one pair end to end: ln π(y) = Σ_t (z_{t,y_t} − ln Σ_v e^{z_tv}) over the tokens of a
//! response, a sum and not a mean, for policy and reference; h = r̂_w − r̂_l with
//! r̂ = β (ln π(y) − ln π_ref(y)); ℓ = −ln σ(h)
//! (Rafailov et al., *Direct Preference Optimization*, 2023, equation 7 and appendix B).
//!
//! With p = softmax(z_t), ∂ln π(y)/∂z_tv = [v = y_t] − p_v, so that
//! ∂ℓ/∂z_tv = −β σ(r̂_l − r̂_w) ([v = y_t] − p_v) at the chosen response and
//! +β σ(r̂_l − r̂_w) ([v = y_t] − p_v) at the rejected one.
//!
//! Symbols: z logits, y_t token, T tokens of a response, V classes; y_w chosen, y_l rejected
//! response, π policy, π_ref reference, β beta, ε label_smoothing, r̂ rewards, h margin.

use crate::claim::{Domain, Inputs, Instance, indicator};
use crate::domain;
use crate::error::{Error, Result};
use crate::expression::{Expr, constant, log_sum_exp, sigmoid, softmax, sum};
use crate::formula::{Defined, Formula, Mistake, Numbers, Wrong};
use crate::json;
use crate::losses::preference::{
    Conventions, Judged, Objective, Pair, Reference, SHIFTED, Smoothing, default_beta, loss, smoothed_loss,
    smoothed_weight, weight,
};
use crate::losses::rounding::Values;
use crate::losses::rows::{check_logits, checked_rows};
use crate::losses::softmax::Engine;
use crate::number::Wide;
use response::Evaluated;
use serde::{Deserialize, Serialize};
use serde_json::Value;

mod claims;
mod response;
mod textbook;

pub use textbook::{textbook_gradient, textbook_log_probability};

/// One response under policy and reference.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// `[T][V]`; finite, or −∞ at a class that is not the token.
    #[serde(with = "json::matrix")]
    pub policy_logits: Vec<Vec<f64>>,
    /// `[T][V]`; finite, or −∞ at a class that is not the token.
    #[serde(with = "json::matrix")]
    pub reference_logits: Vec<Vec<f64>>,
    /// `[T]`; 0 ≤ y_t < V.
    #[serde(deserialize_with = "json::wholes")]
    pub tokens: Vec<i64>,
}

/// One pair of responses over one vocabulary.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// y_w
    #[serde(deserialize_with = "json::object")]
    pub chosen: Side,
    /// y_l
    #[serde(deserialize_with = "json::object")]
    pub rejected: Side,
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

/// The loss of a pair with its gradient.
#[derive(Clone, Debug, Serialize)]
pub struct Output {
    /// ℓ
    #[serde(with = "json::real")]
    pub loss: f64,
    /// The factor of β(∇ ln π(y_w) − ∇ ln π(y_l)) in −∇ℓ.
    #[serde(with = "json::real")]
    pub weight: f64,
    /// r̂_w
    #[serde(with = "json::real")]
    pub reward_chosen: f64,
    /// r̂_l
    #[serde(with = "json::real")]
    pub reward_rejected: f64,
    /// With respect to the policy's logits.
    pub gradient: Gradient,
}

/// The gradient with respect to the policy's logits.
#[derive(Clone, Debug, Serialize)]
pub struct Gradient {
    /// `[T][V]`
    #[serde(with = "json::matrix")]
    pub chosen: Vec<Vec<f64>>,
    /// `[T][V]`
    #[serde(with = "json::matrix")]
    pub rejected: Vec<Vec<f64>>,
}

// ---- definition -------------------------------------------------------------------------------

/// A response: its logits under policy and reference, and its tokens.
#[derive(Clone, Debug)]
pub struct Response {
    /// `[T][V]`
    pub policy: Vec<Vec<Expr>>,
    /// `[T][V]`
    pub reference: Vec<Vec<Expr>>,
    /// `[T]`
    pub tokens: Vec<usize>,
}

/// ln π(y) = Σ_t (z_{t,y_t} − ln Σ_v e^{z_tv})
pub fn log_probability(logits: &[Vec<Expr>], tokens: &[usize]) -> Expr {
    sum(logits.iter().zip(tokens).map(|(z, &y)| z[y] - log_sum_exp(z)))
}

/// ∂ln π(y)/∂z_tv = [v = y_t] − p_v
pub fn log_probability_gradient(logits: &[Vec<Expr>], tokens: &[usize]) -> Vec<Vec<Expr>> {
    let row = |(z, &y): (&Vec<Expr>, &usize)| {
        softmax(z).into_iter().enumerate().map(|(v, p)| indicator(v == y) - p).collect()
    };
    logits.iter().zip(tokens).map(row).collect()
}

/// The log-probabilities that the loss sees.
pub fn pair(chosen: &Response, rejected: &Response, beta: Expr) -> Pair {
    Pair {
        policy_chosen: log_probability(&chosen.policy, &chosen.tokens),
        policy_rejected: log_probability(&rejected.policy, &rejected.tokens),
        reference_chosen: log_probability(&chosen.reference, &chosen.tokens),
        reference_rejected: log_probability(&rejected.reference, &rejected.tokens),
        beta,
    }
}

/// ℓ = −ln σ(h)
pub fn dpo_from_logits(chosen: &Response, rejected: &Response, beta: Expr) -> Expr {
    loss(pair(chosen, rejected, beta).margin(Reference::Given))
}

/// ∂ℓ/∂z = ∓β σ(r̂_l − r̂_w) ([v = y_t] − p_v) at the chosen and at the rejected response
pub fn gradient(chosen: &Response, rejected: &Response, beta: Expr) -> [Vec<Vec<Expr>>; 2] {
    let w = weight(pair(chosen, rejected, beta).margin(Reference::Given));
    scaled_gradient(chosen, rejected, beta * w)
}

/// ∂ℓ/∂z = ∓slope ([v = y_t] − p_v)
fn scaled_gradient(chosen: &Response, rejected: &Response, slope: Expr) -> [Vec<Vec<Expr>>; 2] {
    let times = |response: &Response, c: Expr| {
        let rows = log_probability_gradient(&response.policy, &response.tokens);
        rows.into_iter().map(|row| row.into_iter().map(|g| c * g).collect()).collect()
    };
    [times(chosen, -slope), times(rejected, slope)]
}

/// ℓ under both axes, with label smoothing ε
pub fn smoothed(chosen: &Response, rejected: &Response, beta: Expr, epsilon: Expr, conventions: Conventions) -> Expr {
    smoothed_loss(pair(chosen, rejected, beta).margin(conventions.reference), epsilon, conventions.smoothing)
}

/// ∓β·weight ([v = y_t] − p_v)
pub fn smoothed_gradient(
    chosen: &Response,
    rejected: &Response,
    beta: Expr,
    epsilon: Expr,
    conventions: Conventions,
) -> [Vec<Vec<Expr>>; 2] {
    let h = pair(chosen, rejected, beta).margin(conventions.reference);
    scaled_gradient(chosen, rejected, beta * smoothed_weight(h, epsilon, conventions.smoothing))
}

/// ln π(y) from the logits `[T][V]` and the tokens.
type LogProbability<'a> = &'a dyn Fn(&[Vec<Expr>], &[usize]) -> Expr;

/// slope · ∂ln π(y)/∂z from the logits, the tokens and the slope.
type LogProbabilityGradient<'a> = &'a dyn Fn(&[Vec<Expr>], &[usize], Expr) -> Vec<Vec<Expr>>;

/// How the places of an output are computed.
struct Algorithm<'a> {
    log_probability: LogProbability<'a>,
    gradient: LogProbabilityGradient<'a>,
    /// What a pair comes to with label smoothing.
    judged: &'a dyn Fn(&Pair, Expr, &Numbers) -> Judged,
}

/// The tokens of the chosen and of the rejected response as class indices.
type Tokens = (Vec<usize>, Vec<usize>);

/// The definition at an input, or a wrong form of it.
fn defined(input: &Input, tokens: &Tokens, wrong: Wrong) -> Defined {
    let length = |tokens: &[usize]| if wrong == Some("length-normalized") { tokens.len() as i64 } else { 1 };
    let algorithm = Algorithm {
        log_probability: &|logits, tokens| log_probability(logits, tokens) / length(tokens),
        gradient: &|logits, tokens, slope| {
            let rows = match wrong {
                Some("one-hot-missing") => {
                    logits.iter().map(|z| softmax(z).into_iter().map(|p| -p).collect()).collect()
                }
                _ => log_probability_gradient(logits, tokens),
            };
            let times = |row: Vec<Expr>| row.into_iter().map(|g| slope * g / length(tokens)).collect();
            rows.into_iter().map(times).collect()
        },
        judged: &|pair, epsilon, _| pair.judged(epsilon, input.conventions, wrong),
    };
    at_input(input, tokens, &algorithm)
}

fn definition(input: &Value, _output: &Value, wrong: Wrong) -> Result<Vec<Defined>> {
    let input: Input = json::read(input.clone())?;
    Ok(vec![defined(&input, &validated_pair(&input)?, wrong)])
}

/// The rows of one side, without the classes whose logit is −∞: these have π = 0.
struct Kept {
    /// `[T]` of the classes that are left
    classes: Vec<Vec<usize>>,
    /// `[T]` of their logits
    logits: Vec<Vec<Expr>>,
    /// `[T]`, the token's place among them
    tokens: Vec<usize>,
}

impl Kept {
    fn of(logits: &[Vec<f64>], tokens: &[usize], numbers: &Numbers) -> Kept {
        let finite = |z: &Vec<f64>| (0..z.len()).filter(|&v| z[v].is_finite()).collect::<Vec<_>>();
        let classes: Vec<Vec<usize>> = logits.iter().map(finite).collect();
        let declared = |(z, kept): (&Vec<f64>, &Vec<usize>)| kept.iter().map(|&v| numbers.number("z", z[v])).collect();
        let place = |(&y, kept): (&usize, &Vec<usize>)| kept.iter().position(|&v| v == y).unwrap_or_default();
        Kept {
            logits: logits.iter().zip(&classes).map(declared).collect(),
            tokens: tokens.iter().zip(&classes).map(place).collect(),
            classes,
        }
    }
}

/// What an algorithm makes of an input.
fn at_input(input: &Input, (chosen_tokens, rejected_tokens): &Tokens, algorithm: &Algorithm) -> Defined {
    Defined::build(|numbers| {
        let (beta, epsilon) = (numbers.scalar("beta", input.beta), numbers.scalar("epsilon", input.label_smoothing));
        let chosen = Kept::of(&input.chosen.policy_logits, chosen_tokens, numbers);
        let rejected = Kept::of(&input.rejected.policy_logits, rejected_tokens, numbers);
        let total = |kept: &Kept| (algorithm.log_probability)(&kept.logits, &kept.tokens);
        let pair = Pair {
            policy_chosen: total(&chosen),
            policy_rejected: total(&rejected),
            reference_chosen: total(&Kept::of(&input.chosen.reference_logits, chosen_tokens, numbers)),
            reference_rejected: total(&Kept::of(&input.rejected.reference_logits, rejected_tokens, numbers)),
            beta,
        };
        let judged = (algorithm.judged)(&pair, epsilon, numbers);
        let mut outputs = vec![
            ("/loss".to_string(), judged.loss),
            ("/weight".to_string(), judged.weight),
            ("/reward_chosen".to_string(), judged.reward_chosen),
            ("/reward_rejected".to_string(), judged.reward_rejected),
        ];
        let classes = input.chosen.policy_logits[0].len();
        for (name, kept, slope) in [("chosen", &chosen, -judged.slope), ("rejected", &rejected, judged.slope)] {
            let gradient = (algorithm.gradient)(&kept.logits, &kept.tokens, slope);
            for (t, row) in gradient.iter().enumerate() {
                let mut whole = vec![constant(0); classes];
                kept.classes[t].iter().zip(row).for_each(|(&v, &g)| whole[v] = g);
                let place = |v: usize| format!("/gradient/{name}/{t}/{v}");
                outputs.extend(whole.into_iter().enumerate().map(|(v, g)| (place(v), g)));
            }
        }
        outputs
    })
}

// ---- oracle -----------------------------------------------------------------------------------

/// Evaluates a pair.
///
/// Correctly rounded: every number is the f64 nearest to its real value, ties to even.
///
/// # Errors
/// Where shapes disagree or a value is outside its domain.
pub fn oracle(input: &Input) -> Result<Output> {
    let objective = Objective::new(input.beta, input.label_smoothing, input.conventions)?;
    let tokens = validated_pair(input)?;
    let engine = Engine::best();
    let chosen = Evaluated::of(engine, &input.chosen, &tokens.0);
    let rejected = Evaluated::of(engine, &input.rejected, &tokens.1);
    let beta = Wide::from(input.beta);
    let h = beta
        * match input.conventions.reference {
            Reference::Given => chosen.ln_ratio - rejected.ln_ratio,
            Reference::Free => chosen.ln_policy() - rejected.ln_policy(),
        };
    let weight = objective.weight(h);
    let slope = beta * weight;
    let mut values = Values::default();
    [objective.loss(h), weight, beta * chosen.ln_ratio, beta * rejected.ln_ratio]
        .into_iter()
        .for_each(|x| values.push(x));
    values.append(chosen.gradient(-slope));
    values.append(rejected.gradient(slope));
    let shifted = || textbook::one_way(input, &tokens, SHIFTED);
    let mut answers = values.decided(&[&|| defined(input, &tokens, None), &shifted]);
    let classes = input.chosen.policy_logits[0].len();
    Ok(Output {
        loss: answers.number(),
        weight: answers.number(),
        reward_chosen: answers.number(),
        reward_rejected: answers.number(),
        gradient: Gradient {
            chosen: answers.matrix(tokens.0.len(), classes),
            rejected: answers.matrix(tokens.1.len(), classes),
        },
    })
}

/// The tokens of both responses as class indices.
pub(crate) fn validated_pair(input: &Input) -> Result<Tokens> {
    let chosen = validated("chosen", &input.chosen)?;
    let rejected = validated("rejected", &input.rejected)?;
    let (found, classes) = (input.rejected.policy_logits[0].len(), input.chosen.policy_logits[0].len());
    domain::same_length("rejected.policy_logits[0]", found, classes, "chosen.policy_logits[0] has classes")?;
    Ok((chosen, rejected))
}

/// The tokens of a response as class indices.
fn validated(name: &str, side: &Side) -> Result<Vec<usize>> {
    let field = |list: &str| format!("{name}.{list}");
    if side.tokens.is_empty() {
        return Err(Error::shape(field("tokens"), 0, "at least 1 token"));
    }
    let classes = checked_rows(&field("policy_logits"), &side.policy_logits)?;
    let reference_classes = checked_rows(&field("reference_logits"), &side.reference_logits)?;
    let like = format!("{} has tokens", field("tokens"));
    domain::same_length(&field("policy_logits"), side.policy_logits.len(), side.tokens.len(), &like)?;
    domain::same_length(&field("reference_logits"), side.reference_logits.len(), side.tokens.len(), &like)?;
    let like = format!("{} has classes", field("policy_logits[0]"));
    domain::same_length(&field("reference_logits[0]"), reference_classes, classes, &like)?;
    let mut tokens = Vec::with_capacity(side.tokens.len());
    for (t, &token) in side.tokens.iter().enumerate() {
        let y = usize::try_from(token).ok().filter(|&y| y < classes).ok_or_else(|| {
            Error::domain(format!("{name}.tokens[{t}]"), token, format!("a class from 0 to {}", classes - 1))
        })?;
        for (list, logits) in [("policy_logits", &side.policy_logits), ("reference_logits", &side.reference_logits)] {
            check_logits(&format!("{name}.{list}[{t}]"), &logits[t], Some(y), 0.0)?;
        }
        tokens.push(y);
    }
    Ok(tokens)
}

fn evaluate(value: Value) -> Result<Value> {
    Ok(json::write(&oracle(&json::read(value)?)?))
}

// ---- mistakes ---------------------------------------------------------------------------------

/// A response of T tokens over V classes, the tokens running through the classes.
fn response(x: &Inputs, name: &str, length: usize, classes: usize) -> Response {
    let rows = |model: &str| (0..length).map(|t| x.reals(&format!("{model}_{name}[{t}]"), classes)).collect();
    let first = usize::from(name == "rejected");
    Response {
        policy: rows("policy"),
        reference: rows("reference"),
        tokens: (0..length).map(|t| (first + t) % classes).collect(),
    }
}

/// A pair of responses of two tokens and one, over two classes, and β.
fn small(x: &Inputs) -> (Response, Response, Expr) {
    (response(x, "chosen", 2, 2), response(x, "rejected", 1, 2), x.positive("beta"))
}

type Form = fn(&Response, &Response, Expr) -> [Vec<Vec<Expr>>; 2];

/// The gradient in a wrong form, as a false statement.
fn wrong_gradient(form: Form) -> Instance {
    Instance::gradient("T = 2 and 1, V = 2", |x| {
        let (chosen, rejected, beta) = small(x);
        let wrt = [chosen.policy.concat(), rejected.policy.concat()].concat();
        let claimed = form(&chosen, &rejected, beta).concat().concat();
        (dpo_from_logits(&chosen, &rejected, beta), wrt, claimed)
    })
}

fn margin(chosen: &Response, rejected: &Response, beta: Expr) -> Expr {
    pair(chosen, rejected, beta).margin(Reference::Given)
}

fn chosen_rejected_swapped() -> Instance {
    wrong_gradient(|w, l, beta| scaled_gradient(w, l, -(beta * sigmoid(margin(w, l, beta)))))
}

fn sign() -> Instance {
    wrong_gradient(|w, l, beta| scaled_gradient(w, l, -(beta * weight(margin(w, l, beta)))))
}

fn beta_missing() -> Instance {
    wrong_gradient(|w, l, beta| scaled_gradient(w, l, weight(margin(w, l, beta))))
}

fn beta_twice() -> Instance {
    wrong_gradient(|w, l, beta| scaled_gradient(w, l, beta * weight(beta * margin(w, l, beta))))
}

fn weight_of_margin() -> Instance {
    wrong_gradient(|w, l, beta| scaled_gradient(w, l, beta * sigmoid(margin(w, l, beta))))
}

fn one_hot_missing() -> Instance {
    wrong_gradient(|w, l, beta| {
        let slope = beta * weight(margin(w, l, beta));
        let times = |side: &Response, c: Expr| {
            side.policy.iter().map(|z| softmax(z).into_iter().map(|p| -(c * p)).collect()).collect()
        };
        [times(w, -slope), times(l, slope)]
    })
}

fn length_normalized() -> Instance {
    Instance::equal("T = 2 and 1, V = 2, the margins", |x| {
        let (w, l, beta) = small(x);
        let p = pair(&w, &l, beta);
        let per_token = |reward: Expr, side: &Response| reward / side.tokens.len() as i64;
        let normalized = per_token(p.reward_chosen(), &w) - per_token(p.reward_rejected(), &l);
        vec![(p.margin(Reference::Given), normalized)]
    })
}

fn reward_without_beta() -> Instance {
    Instance::equal("T = 2, V = 2", |x| {
        let (w, l, beta) = small(x);
        let p = pair(&w, &l, beta);
        vec![(p.reward_chosen(), p.policy_chosen - p.reference_chosen)]
    })
}

fn smoothing_ignored() -> Instance {
    Instance::equal("T = 2 and 1, V = 2, conservative", |x| {
        let (w, l, beta) = small(x);
        let epsilon = x.declare("epsilon", Domain::Between(0.0, 0.5));
        vec![(smoothed(&w, &l, beta, epsilon, Conventions::default()), dpo_from_logits(&w, &l, beta))]
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
        id: "one-hot-missing",
        meaning: "∂ln π(y)/∂z_tv = −p_v, without [v = y_t]",
        source: "a slip in hand derivations",
        statement: one_hot_missing,
    },
    Mistake {
        id: "length-normalized",
        meaning: "the mean over the tokens of a response in place of the sum",
        source: "modelscope/ms-swift PR #9925",
        statement: length_normalized,
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
];

/// DPO from logits in the catalog.
pub const FORMULA: Formula = Formula {
    id: "dpo-from-logits",
    name: "Direct preference optimization, from logits",
    equation: "ℓ = −ln σ(r̂_w − r̂_l), r̂ = β Σ_t (ln softmax(z_t)[y_t] − ln softmax(z_ref,t)[y_t]);  \
∂ℓ/∂z_tv = ∓β σ(r̂_l − r̂_w) ([v = y_t] − p_v)",
    latex: &[
        r"\ell = -\ln \sigma(\hat r_w - \hat r_l)",
        r"\hat r = \beta \sum_t \ln \frac{\operatorname{softmax}(z_t)_{y_t}}{\operatorname{softmax}(z_{\text{ref},t})_{y_t}}",
        r"\frac{\partial \ell}{\partial z_{tv}} = \mp \beta\, \sigma(\hat r_l - \hat r_w) \left([v = y_t] - p_{tv}\right)",
    ],
    source: "Rafailov et al., Direct Preference Optimization (2023), equation 7 and appendix B",
    input: "chosen and rejected: {policy_logits [[V]], reference_logits [[V]], tokens [T]}, beta \
(0.1), label_smoothing (0); one pair",
    domain: "logits finite, or -Infinity at a class that is not the token; T, V ≥ 1; tokens whole \
numbers, 0 ≤ y < V; beta > 0; label_smoothing in [0, 0.5)",
    output: "loss, weight, reward_chosen, reward_rejected, gradient {chosen [[V]], rejected [[V]]} \
with respect to the policy's logits",
    axes: &[Smoothing::AXIS, Reference::AXIS],
    mistakes: MISTAKES,
    evaluate,
    definition,
    textbook: textbook::textbook,
    claims: claims::claims,
};
