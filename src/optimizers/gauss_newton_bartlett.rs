//! # The Gauss-Newton-Bartlett estimator
//!
//! For logits z_b = x_b W, with labels ŷ_b drawn from the model, ŷ_b ~ softmax(z_b):
//! ĥ = B ĝ ∘ ĝ, ĝ = ∂/∂W (1/B) Σ_b ℓ(z_b, ŷ_b)
//! (Liu et al., *Sophia* (2023), Algorithm 2; the ĥ of Sophia-G).
//!
//! ĝ_iv = (1/B) Σ_b x_bi (p_bv − [v = ŷ_b]), and by Bartlett's identity
//! `E[ĥ_iv]` = (1/B) Σ_b x_bi² p_bv (1 − p_bv), the diagonal of the Gauss-Newton matrix of the mean
//! loss. It is an elementwise square times B, of a gradient on labels that the model draws: not the
//! outer product of the training gradient.
//!
//! Symbols: x features, W weights, y labels, p softmax(xW), B examples, d features, V classes.

use crate::claim::{Inputs, Instance, indicator};
use crate::domain;
use crate::error::{Error, Result};
use crate::expression::{Expr, dot, log_sum_exp, maximum, ratio, softmax, sum};
use crate::formula::{Defined, Formula, Mistake, NoConventions, Wrong};
use crate::json;
use crate::losses::shifted::Shifted;
use crate::losses::softmax::{Row, checked_rows};
use crate::optimizers::exact;
use serde::Deserialize;
use serde_json::{Value, json};

mod claims;

/// A batch of B examples of d features, and the weights of a linear model with V classes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// `[B][d]`, finite.
    #[serde(with = "json::matrix")]
    pub features: Vec<Vec<f64>>,
    /// `[d][V]`, finite.
    #[serde(with = "json::matrix")]
    pub weights: Vec<Vec<f64>>,
    /// `[B]`; 0 ≤ y < V.
    #[serde(deserialize_with = "json::wholes")]
    pub labels: Vec<i64>,
    /// There are none.
    #[serde(default, deserialize_with = "json::object")]
    pub conventions: NoConventions,
}

/// The estimate and its mean.
#[derive(Clone, Debug)]
pub struct Output {
    /// `[d][V]`; B times the square of the gradient of the mean loss on the labels.
    pub estimate: Vec<Vec<f64>>,
    /// `[d][V]`; its expectation over labels drawn from the model.
    pub gauss_newton_diagonal: Vec<Vec<f64>>,
}

// ---- definition -------------------------------------------------------------------------------

/// z_v = Σ_i x_i W_iv
pub fn logits(x: &[Expr], weights: &[Vec<Expr>]) -> Vec<Expr> {
    (0..weights[0].len()).map(|v| dot(x, &weights.iter().map(|row| row[v]).collect::<Vec<_>>())).collect()
}

/// (1/B) Σ_b ( ln Σ e^{z_b} − z_{b, y_b} )
pub fn mean_loss(features: &[Vec<Expr>], weights: &[Vec<Expr>], labels: &[usize]) -> Expr {
    let losses = features.iter().zip(labels).map(|(x, &y)| {
        let z = logits(x, weights);
        log_sum_exp(&z) - z[y]
    });
    sum(losses) / features.len() as i64
}

/// ĝ_iv = (1/B) Σ_b x_bi (p_bv − [v = y_b])
pub fn gradient(features: &[Vec<Expr>], weights: &[Vec<Expr>], labels: &[usize]) -> Vec<Vec<Expr>> {
    let p: Vec<Vec<Expr>> = features.iter().map(|x| softmax(&logits(x, weights))).collect();
    let component = |i: usize, v: usize| {
        let terms = (0..features.len()).map(|b| features[b][i] * (p[b][v] - indicator(v == labels[b])));
        sum(terms) / features.len() as i64
    };
    by_weight(weights, component)
}

/// ĥ = B ĝ ∘ ĝ
pub fn estimate(features: &[Vec<Expr>], weights: &[Vec<Expr>], labels: &[usize], wrong: Wrong) -> Vec<Vec<Expr>> {
    let g = gradient(features, weights, labels);
    let batch = features.len() as i64;
    by_weight(weights, |i, v| match wrong {
        Some("batch-factor-missing") => g[i][v].squared(),
        Some("unsquared") => batch * g[i][v],
        _ => batch * g[i][v].squared(),
    })
}

/// (1/B) Σ_b x_bi² p_bv (1 − p_bv)
pub fn gauss_newton_diagonal(features: &[Vec<Expr>], weights: &[Vec<Expr>]) -> Vec<Vec<Expr>> {
    let p: Vec<Vec<Expr>> = features.iter().map(|x| softmax(&logits(x, weights))).collect();
    by_weight(weights, |i, v| {
        let terms = features.iter().zip(&p).map(|(x, p)| x[i].squared() * p[v] * (1 - p[v]));
        sum(terms) / features.len() as i64
    })
}

/// `[d][V]` from its components.
fn by_weight(weights: &[Vec<Expr>], component: impl Fn(usize, usize) -> Expr) -> Vec<Vec<Expr>> {
    let row = |i: usize| (0..weights[i].len()).map(|v| component(i, v)).collect();
    (0..weights.len()).map(row).collect()
}

/// The definition at an input.
fn definition(input: &Value, _output: &Value, wrong: Wrong) -> Result<Vec<Defined>> {
    at_input(input, |features, weights, labels| {
        [estimate(features, weights, labels, wrong), gauss_newton_diagonal(features, weights)]
    })
}

/// What `compute` makes of an input: the estimate and its mean.
fn at_input(
    input: &Value,
    compute: impl Fn(&[Vec<Expr>], &[Vec<Expr>], &[usize]) -> [Vec<Vec<Expr>>; 2],
) -> Result<Vec<Defined>> {
    let input: Input = json::read(input.clone())?;
    let labels = validated(&input)?;
    Ok(vec![Defined::build(|numbers| {
        let matrix = |name: &str, rows: &[Vec<f64>]| rows.iter().map(|x| numbers.list(name, x)).collect::<Vec<_>>();
        let both = compute(&matrix("x", &input.features), &matrix("W", &input.weights), &labels);
        let mut outputs = Vec::new();
        for (name, rows) in ["estimate", "gauss_newton_diagonal"].iter().zip(&both) {
            for (i, row) in rows.iter().enumerate() {
                outputs.extend(row.iter().enumerate().map(|(v, &x)| (format!("/{name}/{i}/{v}"), x)));
            }
        }
        outputs
    })])
}

// ---- textbook ---------------------------------------------------------------------------------

/// ĥ and its mean, with ĝ backward through the mean of the max-shifted losses, or from p − [v = y].
/// `shift` gives the M of a row.
pub fn textbook(
    features: &[Vec<Expr>],
    weights: &[Vec<Expr>],
    labels: &[usize],
    autograd: bool,
    shift: impl Fn(&[Expr]) -> Expr,
) -> [Vec<Vec<Expr>>; 2] {
    let batch = features.len() as i64;
    let z = features.iter().map(|x| logits(x, weights));
    let rows: Vec<Shifted> = z.map(|z| Shifted::by(&z, shift(&z))).collect();
    let one_hot = |b: usize| (0..rows[b].classes()).map(move |v| indicator(v == labels[b]));
    let slope = |b: usize| -> Vec<Expr> {
        match autograd {
            true => rows[b].backward(&one_hot(b).map(|hot| -(hot * ratio(1, batch))).collect::<Vec<_>>()),
            false => one_hot(b).enumerate().map(|(v, hot)| (rows[b].p(v) - hot) / batch).collect(),
        }
    };
    let slopes: Vec<Vec<Expr>> = (0..features.len()).map(slope).collect();
    let column = |i: usize| features.iter().map(|x| x[i]).collect::<Vec<_>>();
    let estimate = by_weight(weights, |i, v| {
        let gradient = dot(&column(i), &slopes.iter().map(|row| row[v]).collect::<Vec<_>>());
        batch * gradient.squared()
    });
    let diagonal = by_weight(weights, |i, v| {
        let terms = column(i).into_iter().zip(&rows).map(|(x, row)| x.squared() * row.p(v) * (1 - row.p(v)));
        sum(terms) / batch
    });
    [estimate, diagonal]
}

/// Both ways at an input.
fn textbooks(input: &Value, _output: &Value) -> Result<Vec<Defined>> {
    let way = |autograd| at_input(input, |x, w, labels| textbook(x, w, labels, autograd, maximum));
    Ok([way(true)?, way(false)?].concat())
}

// ---- oracle -----------------------------------------------------------------------------------

/// Evaluates both in f64. Differences of logits are summed without cancellation, and 1 − p is the
/// sum of the other p.
///
/// Within 1e5 ulp of the real values; an estimate whose examples cancel within 1e5 ulp of the one
/// that the largest term would give.
///
/// # Errors
/// Where shapes disagree or a value is outside its domain.
pub fn oracle(input: &Input) -> Result<Output> {
    let labels = validated(input)?;
    let (batch, classes) = (labels.len(), input.weights[0].len());
    let columns: Vec<Vec<f64>> = (0..classes).map(|v| input.weights.iter().map(|row| row[v]).collect()).collect();
    let shifted: Vec<Vec<f64>> = input.features.iter().map(|x| shifted_logits(x, &columns)).collect();
    let rows: Vec<Row> = shifted.iter().map(|z| Row::of(z)).collect();
    // [b][v]: p and the sum of the others, once per row
    let p: Vec<Vec<f64>> = rows.iter().map(|row| (0..classes).map(|v| row.p(v)).collect()).collect();
    let rest: Vec<Vec<f64>> = rows.iter().map(|row| (0..classes).map(|v| row.one_minus_p(v)).collect()).collect();
    let n = batch as f64;
    let mut output = Output { estimate: Vec::new(), gauss_newton_diagonal: Vec::new() };
    for i in 0..input.weights.len() {
        let x: Vec<f64> = input.features.iter().map(|x| x[i]).collect();
        let mut estimates = Vec::with_capacity(classes);
        let mut diagonal = Vec::with_capacity(classes);
        for v in 0..classes {
            let residual = |b: usize| if labels[b] == v { -rest[b][v] } else { p[b][v] };
            let residuals: Vec<f64> = (0..batch).map(residual).collect();
            // B ĝ; dividing before squaring keeps the range
            let total = exact::dot(&x, &residuals);
            estimates.push((total / n) * total);
            let left: Vec<f64> = x.iter().zip(&p).map(|(x, p)| x * p[v]).collect();
            let right: Vec<f64> = x.iter().zip(&rest).map(|(x, rest)| x * rest[v] / n).collect();
            diagonal.push(exact::dot(&left, &right));
        }
        output.estimate.push(estimates);
        output.gauss_newton_diagonal.push(diagonal);
    }
    Ok(output)
}

/// z − max z, each difference as one sum of products.
fn shifted_logits(x: &[f64], columns: &[Vec<f64>]) -> Vec<f64> {
    let minus: Vec<f64> = x.iter().map(|x| -x).collect();
    let factors = [x, &minus].concat();
    let difference = |a: usize, b: usize| exact::dot(&factors, &[&columns[a][..], &columns[b]].concat());
    let largest = (1..columns.len()).fold(0, |best, v| if difference(v, best) > 0.0 { v } else { best });
    (0..columns.len()).map(|v| if v == largest { 0.0 } else { difference(v, largest) }).collect()
}

/// The labels as class indices.
pub(crate) fn validated(input: &Input) -> Result<Vec<usize>> {
    let d = checked_rows("features", &input.features)?;
    let classes = checked_rows("weights", &input.weights)?;
    domain::same_length("weights", input.weights.len(), d, "each row of features has numbers")?;
    domain::same_length("labels", input.labels.len(), input.features.len(), "features has rows")?;
    for (field, matrix) in [("features", &input.features), ("weights", &input.weights)] {
        for (i, row) in matrix.iter().enumerate() {
            domain::all_finite(&format!("{field}[{i}]"), row)?;
        }
    }
    let label = |(b, &y): (usize, &i64)| match usize::try_from(y) {
        Ok(y) if y < classes => Ok(y),
        _ => Err(Error::domain(format!("labels[{b}]"), y, format!("a class from 0 to {}", classes - 1))),
    };
    input.labels.iter().enumerate().map(label).collect()
}

fn evaluate(value: Value) -> Result<Value> {
    let output = oracle(&json::read(value)?)?;
    let matrix = |rows: &[Vec<f64>]| -> Value {
        rows.iter().map(|row| row.iter().map(|&x| json::number(x)).collect::<Value>()).collect()
    };
    Ok(json!({
        "estimate": matrix(&output.estimate),
        "gauss_newton_diagonal": matrix(&output.gauss_newton_diagonal),
    }))
}

// ---- mistakes ---------------------------------------------------------------------------------

fn batch(x: &Inputs, examples: usize, d: usize, classes: usize) -> (Vec<Vec<Expr>>, Vec<Vec<Expr>>) {
    let features = (0..examples).map(|b| x.reals(&format!("x[{b}]"), d)).collect();
    let weights = (0..d).map(|i| x.reals(&format!("W[{i}]"), classes)).collect();
    (features, weights)
}

/// The false statement that a wrong form is the estimate.
fn wrong_estimate(id: &'static str) -> Instance {
    Instance::equal("B = 2, d = 1, V = 2", |x| {
        let (features, weights) = batch(x, 2, 1, 2);
        let form = |wrong| estimate(&features, &weights, &[0, 0], wrong)[0][0];
        vec![(form(None), form(Some(id)))]
    })
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "batch-factor-missing",
        meaning: "the square of the mean gradient without the factor B, which is the square of the \
ordinary gradient",
        source: "google-deepmind/optax #968; HeavyBall PR #51",
        statement: || wrong_estimate("batch-factor-missing"),
    },
    Mistake {
        id: "unsquared",
        meaning: "B times the gradient itself, whose mean is 0",
        source: "a slip that shapes do not show",
        statement: || wrong_estimate("unsquared"),
    },
];

/// The Gauss-Newton-Bartlett estimator in the catalog.
pub const FORMULA: Formula = Formula {
    id: "gauss-newton-bartlett",
    name: "Gauss-Newton-Bartlett estimator",
    equation: "ĥ = B ĝ ∘ ĝ, ĝ = ∂/∂W (1/B) Σ_b ℓ(x_b W, ŷ_b), ŷ_b ~ softmax(x_b W)",
    source: "Liu et al., Sophia (2023), Algorithm 2",
    input: "features [[d]], weights [[V]] (d rows), labels [B]",
    domain: "finite; B, d, V ≥ 1; labels whole numbers, 0 ≤ y < V",
    output: "estimate [[V]] and gauss_newton_diagonal [[V]], d rows each",
    axes: &[],
    mistakes: MISTAKES,
    evaluate,
    definition,
    textbook: textbooks,
    claims: claims::claims,
};
