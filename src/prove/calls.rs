//! What the functions of the language compute.

use super::elaborate::Stopped;
use super::unusable::{Span, Unusable};
use super::values::{Value, each, extreme};
use crate::expression::{self, Expr, by_sign};

/// ln(1 + e^x)
fn softplus(x: Expr) -> Expr {
    expression::softplus(x)
}

/// (e^(2x) − 1)/(e^(2x) + 1), written so that large x of either sign keep their digits: 2σ(2x) − 1
fn tanh(x: Expr) -> Expr {
    2 * expression::sigmoid(2 * x) - 1
}

/// x limited to what lies between two bounds.
fn clip(x: Expr, low: Expr, high: Expr) -> Expr {
    let below_upper = by_sign(x - high, x, x, high);
    by_sign(x - low, low, x, below_upper)
}

/// Calls a function of [`super::functions::FUNCTIONS`], whose arguments have been looked at.
pub(super) fn call(name: &str, arguments: &[Value], at: &Span) -> Result<Value, Stopped> {
    let wrong = || Unusable::new("wrong arguments", at.clone(), format!("for `{name}`"));
    let one: Option<fn(Expr) -> Expr> = match name {
        "exp" => Some(Expr::exp),
        "log" => Some(Expr::ln),
        "sqrt" => Some(Expr::sqrt),
        "abs" => Some(expression::absolute),
        "sign" => Some(expression::sign),
        "sigmoid" => Some(expression::sigmoid),
        "logsigmoid" => Some(|x| -softplus(-x)),
        "softplus" => Some(softplus),
        "relu" => Some(expression::positive_part),
        "tanh" => Some(tanh),
        "sin" => Some(Expr::sin),
        "cos" => Some(Expr::cos),
        _ => None,
    };
    if let (Some(one), [x]) = (one, arguments) {
        return each(x, at, &one, &|_| None);
    }
    let vector = |i: usize| -> Result<Vec<Expr>, Stopped> { Ok(arguments.get(i).ok_or_else(wrong)?.entries(at)?) };
    if name == "clip" {
        let [x, low, high] = arguments else { return Err(wrong().into()) };
        let (low, high) = (low.real(at)?, high.real(at)?);
        return each(x, at, &|x| clip(x, low, high), &|_| None);
    }
    let result = match name {
        "sum" => expression::sum(vector(0)?),
        "mean" => {
            let all = vector(0)?;
            let count = all.len() as i64;
            expression::sum(all) / count
        }
        "prod" => expression::product(vector(0)?),
        "max" | "min" => {
            let mut all = Vec::new();
            for value in arguments {
                all.extend(value.entries(at)?);
            }
            extreme(&all, name == "max").ok_or_else(wrong)?
        }
        "softmax" => {
            let all = expression::softmax(&vector(0)?);
            return Ok(Value::list(all.into_iter().map(Value::Real).collect()));
        }
        "logsumexp" => expression::log_sum_exp(&vector(0)?),
        "norm" => expression::norm(&vector(0)?),
        "dot" => expression::dot(&vector(0)?, &vector(1)?),
        "cosine" => expression::cosine(&vector(0)?, &vector(1)?),
        _ => return Err(wrong().into()),
    };
    Ok(Value::Real(result))
}
