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
use crate::formula::{Defined, Formula, Mistake, NoConventions, Numbers, Wrong, rounded};
use crate::json;
use crate::losses::rows::checked_rows;
use crate::losses::shifted::Shifted;
use crate::number::{Wide, wide_dot};
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

/// Declares a matrix.
fn matrix(numbers: &Numbers, name: &str, rows: &[Vec<f64>]) -> Vec<Vec<Expr>> {
    rows.iter().map(|row| numbers.list(name, row)).collect()
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
        let both = compute(&matrix(numbers, "x", &input.features), &matrix(numbers, "W", &input.weights), &labels);
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

/// Both, correctly rounded.
///
/// # Errors
/// Where shapes disagree or a value is outside its domain.
pub fn oracle(input: &Input) -> Result<Output> {
    let labels = validated(input)?;
    let (batch, classes) = (labels.len(), input.weights[0].len());
    let columns: Vec<Vec<f64>> = (0..classes).map(|v| input.weights.iter().map(|row| row[v]).collect()).collect();
    let rows: Vec<Softmax> = input.features.iter().map(|x| Softmax::of(x, &columns)).collect();
    let n = Wide::from_whole(batch as u64);
    let squared = |i: usize, v: usize| {
        let residual = |b: usize| if labels[b] == v { -rows[b].rest[v] } else { rows[b].p[v] };
        // B ĝ
        let total: Wide = (0..batch).map(|b| Wide::from(input.features[b][i]) * residual(b)).sum();
        total * total / n
    };
    let diagonal = |i: usize, v: usize| {
        let term = |b: usize| Wide::from(input.features[b][i]).powi(2) * rows[b].p[v] * rows[b].rest[v];
        (0..batch).map(term).sum::<Wide>() / n
    };
    let by_weight = |component: &dyn Fn(usize, usize) -> f64| -> Vec<Vec<f64>> {
        (0..columns[0].len()).map(|i| (0..classes).map(|v| component(i, v)).collect()).collect()
    };
    let both = |numbers: &Numbers| (matrix(numbers, "x", &input.features), matrix(numbers, "W", &input.weights));
    Ok(Output {
        estimate: by_weight(&|i, v| {
            rounded(squared(i, v), |numbers| {
                let (x, w) = both(numbers);
                estimate(&x, &w, &labels, None)[i][v]
            })
        }),
        gauss_newton_diagonal: by_weight(&|i, v| {
            rounded(diagonal(i, v), |numbers| {
                let (x, w) = both(numbers);
                gauss_newton_diagonal(&x, &w)[i][v]
            })
        }),
    })
}

/// The softmax of one row of logits x W.
struct Softmax {
    p: Vec<Wide>,
    /// 1 − p, as the sum of the others
    rest: Vec<Wide>,
}

impl Softmax {
    fn of(x: &[f64], columns: &[Vec<f64>]) -> Softmax {
        let z: Vec<Wide> = columns.iter().map(|column| wide_dot(x, column)).collect();
        let largest = (1..z.len()).fold(0, |best, v| if z[best].is_below(z[v]) { v } else { best });
        // equal columns have equal logits
        let exponential = |v: usize| if columns[v] == columns[largest] { Wide::ONE } else { (z[v] - z[largest]).exp() };
        let exponentials: Vec<Wide> = (0..z.len()).map(exponential).collect();
        let others: Wide = (0..z.len()).filter(|&v| v != largest).map(|v| exponentials[v]).sum();
        let total = exponentials[largest] + others;
        // beside the largest, what is left of the total is at least half of it
        let rest = |v: usize| if v == largest { others } else { total - exponentials[v] };
        Softmax {
            p: exponentials.iter().map(|&e| e / total).collect(),
            rest: (0..z.len()).map(|v| rest(v) / total).collect(),
        }
    }
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
    latex: &[
        r"\hat h = B\, \hat g \odot \hat g",
        r"\hat g = \frac{\partial}{\partial W} \frac{1}{B} \sum_b \ell(x_b W, \hat y_b), \quad \hat y_b \sim \operatorname{softmax}(x_b W)",
    ],
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
