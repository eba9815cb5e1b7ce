//! # Cross-entropy
//!
//! ℓ(z, y) = ln Σ_v e^{z_v} − z_y = −ln p_y, with p = softmax(z) over V classes
//! (Goodfellow, Bengio, Courville, *Deep Learning*, 6.2.2.3).
//! Its gradient is ∂ℓ/∂z_i = p_i − [i = y], its Hessian diag(p) − ppᵀ.
//!
//! With label smoothing ε the one-hot target becomes weights q (Szegedy et al. 2016, section 7):
//! ℓ = −Σ q_i ln p_i, ∂ℓ/∂z_i = p_i − q_i. A batch is reduced by its mean over the rows that count,
//! its sum, or not at all. Perplexity is exp of the mean of −ln p_y over the rows that count.
//!
//! Symbols: z logits, y target, p softmax, q target weights, ε label_smoothing, V classes, B rows.

use crate::claim::{Inputs, Instance, indicator};
use crate::error::{Error, Result};
use crate::expression::{Expr, log_sum_exp, maximum, softmax, sum};
use crate::formula::{Axis, Formula, Mistake, axis};
use crate::json;
use crate::losses::softmax as stable;
use nalgebra::{DMatrix, DVector};
use serde::Deserialize;
use serde_json::{Value, json};

mod claims;

axis! {
    /// When no row counts, whatever the reduction.
    AllIgnored "all_ignored" {
        Error "error": "an error",
        Nan "nan": "the loss of \"mean\" and the perplexity are NaN, gradients 0, as PyTorch's",
        Zero "zero": "loss 0, perplexity 1, gradients 0",
    }
}
axis! {
    /// The target weights under label smoothing.
    Smoothing "smoothing" {
        Uniform "uniform": "1 − ε + ε/V at the target and ε/V elsewhere",
        Others "others": "1 − ε at the target and ε/(V − 1) elsewhere, V ≥ 2",
    }
}
axis! {
    /// What the mean divides by.
    Denominator "denominator" {
        Counted "counted": "the rows that are not ignored",
        Rows "rows": "all rows",
    }
}

/// The conventions of cross-entropy.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conventions {
    /// When no row counts.
    pub all_ignored: AllIgnored,
    /// The target weights.
    pub smoothing: Smoothing,
    /// What the mean divides by.
    pub denominator: Denominator,
}

/// How a batch becomes a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reduction {
    /// The mean over the rows that count.
    #[default]
    Mean,
    /// The sum.
    Sum,
    /// One loss per row.
    None,
}

/// A batch of B rows over V classes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// [B][V]; finite, or −∞ at a class that is not the target.
    #[serde(with = "json::matrix")]
    pub logits: Vec<Vec<f64>>,
    /// [B]; 0 ≤ t < V, or equal to `ignore_index`, which wins.
    #[serde(deserialize_with = "json::wholes")]
    pub targets: Vec<i64>,
    /// The target value of rows that do not count.
    #[serde(default = "ignore_index", deserialize_with = "json::whole")]
    pub ignore_index: i64,
    /// How the batch becomes a number.
    #[serde(default)]
    pub reduction: Reduction,
    /// ε in [0, 1]; 0 where a logit is −∞.
    #[serde(default, with = "json::real")]
    pub label_smoothing: f64,
    /// The choices.
    #[serde(default)]
    pub conventions: Conventions,
}

fn ignore_index() -> i64 {
    -100
}

/// The loss of a batch with its gradient.
#[derive(Clone, Debug)]
pub struct Output {
    /// One number, or one per row for [`Reduction::None`].
    pub loss: Vec<f64>,
    /// exp of the mean negative log-likelihood of the rows that count.
    pub perplexity: f64,
    /// [B][V], of the reduced loss.
    pub gradient: Vec<Vec<f64>>,
}

/// Which wrong form to compute; `None` is the right one.
type Wrong<'a> = Option<&'a str>;

// ---- definition -------------------------------------------------------------------------------

/// ℓ = ln Σ e^z − z_y
pub fn cross_entropy(z: &[Expr], y: usize) -> Expr {
    log_sum_exp(z) - z[y]
}

/// ∂ℓ/∂z_i = p_i − [i = y]
pub fn gradient(z: &[Expr], y: usize) -> Vec<Expr> {
    softmax(z).into_iter().enumerate().map(|(i, p)| p - indicator(i == y)).collect()
}

/// ∂²ℓ/∂z_i∂z_j = p_i ([i = j] − p_j)
pub fn hessian(z: &[Expr]) -> Vec<Vec<Expr>> {
    let p = softmax(z);
    let row = |i: usize| (0..p.len()).map(|j| p[i] * (indicator(i == j) - p[j])).collect();
    (0..p.len()).map(row).collect()
}

/// max-shifted, as implementations compute it: M + ln Σ e^{z − M} − z_y
pub fn textbook(z: &[Expr], y: usize) -> Expr {
    shifted(z, y, maximum(z))
}

fn shifted(z: &[Expr], y: usize, shift: Expr) -> Expr {
    sum(z.iter().map(|&z| (z - shift).exp())).ln() - (z[y] - shift)
}

/// The target weights q.
pub fn target_weights(v: usize, y: usize, epsilon: Expr, smoothing: Smoothing) -> Vec<Expr> {
    let v = v as i64;
    (0..v)
        .map(|i| match smoothing {
            Smoothing::Uniform => indicator(i == y as i64) * (1 - epsilon) + epsilon / v,
            Smoothing::Others if i == y as i64 => 1 - epsilon,
            Smoothing::Others => epsilon / (v - 1),
        })
        .collect()
}

/// ℓ = Σ q_i (ln Σ e^z − z_i)
pub fn smoothed(z: &[Expr], q: &[Expr]) -> Expr {
    sum(q.iter().zip(z).map(|(&q, &z_i)| q * (log_sum_exp(z) - z_i)))
}

/// ∂ℓ/∂z_i = p_i − q_i, for weights that sum to 1
pub fn smoothed_gradient(z: &[Expr], q: &[Expr]) -> Vec<Expr> {
    softmax(z).into_iter().zip(q).map(|(p, &q)| p - q).collect()
}

/// The mean over the rows that count; a target of `None` is ignored.
pub fn batch_mean(logits: &[Vec<Expr>], targets: &[Option<usize>]) -> Expr {
    let rows = logits.iter().zip(targets);
    let losses: Vec<Expr> = rows.filter_map(|(z, &y)| y.map(|y| cross_entropy(z, y))).collect();
    sum(losses.iter().copied()) / losses.len() as i64
}

// ---- oracle -----------------------------------------------------------------------------------

/// Evaluates a batch in f64, with the forms that do not cancel: −ln p from the other logits by
/// log1p, and 1 − p_y as the sum of the other p.
///
/// Within 1e5 ulp of the real value; p − q within 1e5 ulp of the larger term.
///
/// # Errors
/// Where shapes disagree, a value is outside its domain, or every row is ignored under
/// [`AllIgnored::Error`].
pub fn oracle(input: &Input) -> Result<Output> {
    evaluate(input, None)
}

fn evaluate(input: &Input, wrong: Wrong) -> Result<Output> {
    let targets = validated(input)?;
    let (rows, classes) = (targets.len(), input.logits[0].len());
    let counted = targets.iter().flatten().count();
    if counted == 0 {
        return all_ignored(input);
    }
    let denominator = match (input.reduction, input.conventions.denominator) {
        (Reduction::Mean, Denominator::Counted) => counted as f64,
        (Reduction::Mean, Denominator::Rows) => rows as f64,
        _ => 1.0,
    };
    let weights = || f64_weights(classes, input.label_smoothing, input.conventions.smoothing);
    let mut losses = Vec::with_capacity(rows);
    let mut nll = Vec::with_capacity(counted);
    let mut gradient = Vec::with_capacity(rows);
    for (z, target) in input.logits.iter().zip(&targets) {
        let row = stable::Row::of(z);
        let target = if wrong == Some("ignore-inverted") { inverted(*target) } else { *target };
        let Some(y) = target else {
            let uniform: f64 = (0..classes).map(|i| row.nll(i) * (input.label_smoothing / classes as f64)).sum();
            losses.push(if wrong == Some("smoothing-of-ignored") { uniform } else { 0.0 });
            gradient.push(vec![0.0; classes]);
            continue;
        };
        nll.push(row.nll(y));
        let mut q = weights();
        if wrong == Some("smoothing-past-one") {
            q.at_target = 1.0 - input.label_smoothing + q.elsewhere;
            q.elsewhere = input.label_smoothing / (classes - 1).max(1) as f64;
            q.off_target = 1.0 - q.at_target;
        }
        let loss = (0..classes).map(|i| q.of(i == y)).zip(0..).filter(|(q, _)| *q != 0.0).map(|(q, i)| q * row.nll(i));
        losses.push(loss.sum());
        gradient.push((0..classes).map(|i| component(&row, &q, i, y, wrong) / denominator).collect());
    }
    if wrong == Some("batch-mean-missing") {
        gradient.iter_mut().flatten().for_each(|g| *g *= denominator);
    }
    let loss = match input.reduction {
        Reduction::None => losses,
        _ if wrong == Some("micro-batch-means") => {
            let halves = losses.chunks(rows.div_ceil(2)).zip(targets.chunks(rows.div_ceil(2)));
            let means: Vec<f64> = halves.map(|(l, t)| mean(l, t.iter().flatten().count() as f64)).collect();
            vec![mean(&means, means.len() as f64)]
        }
        _ => vec![mean(&losses, denominator)],
    };
    let perplexity = match wrong {
        Some("mean-of-perplexities") => mean(&nll.iter().map(|&x| libm::exp(x)).collect::<Vec<_>>(), nll.len() as f64),
        _ => libm::exp(mean(&nll, nll.len() as f64)),
    };
    Ok(Output { loss, perplexity, gradient })
}

fn inverted(target: Option<usize>) -> Option<usize> {
    if target.is_some() { None } else { Some(0) }
}

/// One component of a row's gradient, p_i − q_i.
fn component(row: &stable::Row, q: &Weights, i: usize, y: usize, wrong: Wrong) -> f64 {
    match wrong {
        Some("one-hot-missing") => row.p(i),
        Some("log-softmax-plus") => -q.of(i == y) - row.p(i),
        Some("jacobian-diagonal") => {
            if i == y {
                -row.one_minus_p(i)
            } else {
                0.0
            }
        }
        _ if i != y => row.p(i) - q.elsewhere,
        // both near 1: the complements do not cancel
        _ if q.at_target > 0.5 => q.off_target - row.one_minus_p(i),
        _ => row.p(i) - q.at_target,
    }
}

/// The target weights of a row, with 1 − (the target's) kept exactly where it is small.
struct Weights {
    at_target: f64,
    elsewhere: f64,
    off_target: f64,
}

impl Weights {
    fn of(&self, target: bool) -> f64 {
        if target { self.at_target } else { self.elsewhere }
    }
}

fn f64_weights(classes: usize, epsilon: f64, smoothing: Smoothing) -> Weights {
    let v = classes as f64;
    match smoothing {
        Smoothing::Uniform => {
            let off_target = epsilon * ((v - 1.0) / v);
            // 1 − ε + ε/V without the cancellation of 1 − ε(V−1)/V near ε = 1
            Weights { at_target: (1.0 - epsilon) + epsilon / v, elsewhere: epsilon / v, off_target }
        }
        Smoothing::Others => {
            Weights { at_target: 1.0 - epsilon, elsewhere: epsilon / (v - 1.0).max(1.0), off_target: epsilon }
        }
    }
}

/// Σ x / n, also where the sum alone would leave the range.
fn mean(x: &[f64], n: f64) -> f64 {
    let total: f64 = x.iter().sum();
    if total.is_finite() { total / n } else { x.iter().map(|x| x / n).sum() }
}

fn all_ignored(input: &Input) -> Result<Output> {
    let (loss, perplexity) = match input.conventions.all_ignored {
        AllIgnored::Error => {
            return Err(Error::domain(
                "targets",
                format!("{} at every row", input.ignore_index),
                "at least one row that counts (convention all_ignored = \"error\")",
            ));
        }
        AllIgnored::Nan => (if input.reduction == Reduction::Mean { f64::NAN } else { 0.0 }, f64::NAN),
        AllIgnored::Zero => (0.0, 1.0),
    };
    let rows = if input.reduction == Reduction::None { input.logits.len() } else { 1 };
    Ok(Output {
        loss: vec![loss; rows],
        perplexity,
        gradient: input.logits.iter().map(|z| vec![0.0; z.len()]).collect(),
    })
}

/// The targets as class indices, `None` where ignored.
fn validated(input: &Input) -> Result<Vec<Option<usize>>> {
    let classes = stable::checked_rows("logits", &input.logits)?;
    if input.targets.len() != input.logits.len() {
        return Err(Error::shape(
            "targets",
            input.targets.len(),
            format!("{}, one per row of logits", input.logits.len()),
        ));
    }
    let epsilon = input.label_smoothing;
    if !(0.0..=1.0).contains(&epsilon) {
        return Err(Error::domain("label_smoothing", epsilon, "a number in [0, 1]"));
    }
    if input.conventions.smoothing == Smoothing::Others && classes < 2 {
        return Err(Error::domain(
            "conventions.smoothing",
            "\"others\" with one class",
            "at least 2 classes with \"others\"",
        ));
    }
    let mut targets = Vec::with_capacity(input.targets.len());
    for (b, (&t, z)) in input.targets.iter().zip(&input.logits).enumerate() {
        let target = match usize::try_from(t) {
            _ if t == input.ignore_index => None,
            Ok(y) if y < classes => Some(y),
            _ => {
                let allowed = format!("a class from 0 to {}, or ignore_index {}", classes - 1, input.ignore_index);
                return Err(Error::domain(format!("targets[{b}]"), t, allowed));
            }
        };
        stable::check_logits(&format!("logits[{b}]"), z, target, epsilon)?;
        targets.push(target);
    }
    Ok(targets)
}

/// diag(p) − ppᵀ, the Hessian of a row's loss with respect to its logits.
///
/// # Errors
/// If a logit is not finite, or there is none.
pub fn hessian_matrix(logits: &[f64]) -> Result<DMatrix<f64>> {
    stable::checked_rows("logits", std::slice::from_ref(&logits.to_vec()))?;
    stable::check_logits("logits", logits, None, 1.0)?;
    let row = stable::Row::of(logits);
    let p = DVector::from_fn(logits.len(), |i, _| row.p(i));
    // the diagonal is p(1 − p), which p − p² would lose near 1
    Ok(DMatrix::from_fn(
        logits.len(),
        logits.len(),
        |i, j| if i == j { p[i] * row.one_minus_p(i) } else { -p[i] * p[j] },
    ))
}

fn evaluate_json(value: Value, wrong: Wrong) -> Result<Value> {
    let input: Input = json::read(value)?;
    let output = evaluate(&input, wrong)?;
    let list = |x: &[f64]| Value::from(x.iter().map(|&x| json::number(x)).collect::<Vec<_>>());
    let loss = if input.reduction == Reduction::None { list(&output.loss) } else { json::number(output.loss[0]) };
    let gradient: Vec<Value> = output.gradient.iter().map(|row| list(row)).collect();
    Ok(json!({ "loss": loss, "perplexity": json::number(output.perplexity), "gradient": gradient }))
}

// ---- mistakes ---------------------------------------------------------------------------------

/// A row's gradient in a wrong form, as a false statement.
fn wrong_gradient(form: fn(&[Expr], usize) -> Vec<Expr>) -> Instance {
    Instance::gradient("V = 3", |x| {
        let z = x.reals("z", 3);
        (cross_entropy(&z, 0), z.clone(), form(&z, 0))
    })
}

fn one_hot_missing() -> Instance {
    wrong_gradient(|z, _| softmax(z))
}

fn log_softmax_plus() -> Instance {
    wrong_gradient(|z, y| softmax(z).into_iter().enumerate().map(|(i, p)| -indicator(i == y) - p).collect())
}

fn jacobian_diagonal() -> Instance {
    wrong_gradient(|z, y| softmax(z).into_iter().enumerate().map(|(i, p)| indicator(i == y) * (p - 1)).collect())
}

/// Two rows of three logits with targets 0 and 1.
fn two_rows(x: &Inputs) -> Vec<Vec<Expr>> {
    vec![x.reals("a", 3), x.reals("b", 3)]
}

fn batch_mean_missing() -> Instance {
    Instance::gradient("B = 2, V = 3", |x| {
        let rows = two_rows(x);
        (batch_mean(&rows, &[Some(0), Some(1)]), rows[0].clone(), gradient(&rows[0], 0))
    })
}

fn ignore_inverted() -> Instance {
    Instance::equal("B = 2, V = 3", |x| {
        let rows = two_rows(x);
        vec![(batch_mean(&rows, &[Some(0), None]), cross_entropy(&rows[1], 0))]
    })
}

fn smoothing_of_ignored() -> Instance {
    Instance::equal("B = 2, V = 3, one row ignored", |x| {
        let (rows, epsilon) = (two_rows(x), x.unit("epsilon"));
        let counted = smoothed(&rows[0], &target_weights(3, 0, epsilon, Smoothing::Uniform));
        let uniform = sum(rows[1].iter().map(|&z| epsilon / 3 * (log_sum_exp(&rows[1]) - z)));
        vec![(counted, counted + uniform)]
    })
}

fn smoothing_past_one() -> Instance {
    Instance::equal("V = 3", |x| {
        let (z, epsilon) = (x.reals("z", 3), x.unit("epsilon"));
        let mut q = target_weights(3, 0, epsilon, Smoothing::Others);
        q[0] = 1 - epsilon + epsilon / 2;
        vec![(smoothed(&z, &target_weights(3, 0, epsilon, Smoothing::Others)), smoothed(&z, &q))]
    })
}

fn micro_batch_means() -> Instance {
    Instance::equal("micro-batches of 1 and 2 rows, V = 2", |x| {
        let rows: Vec<Vec<Expr>> = ["a", "b", "c"].map(|name| x.reals(name, 2)).to_vec();
        let targets = [Some(0); 3];
        let means = batch_mean(&rows[..1], &targets[..1]) + batch_mean(&rows[1..], &targets[1..]);
        vec![(batch_mean(&rows, &targets), means / 2)]
    })
}

fn mean_of_perplexities() -> Instance {
    Instance::equal("two rows", |x| {
        let (a, b) = (x.positive("nll_a"), x.positive("nll_b"));
        vec![(((a + b) / 2).exp(), (a.exp() + b.exp()) / 2)]
    })
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "one-hot-missing",
        meaning: "∂ℓ/∂z_i = p_i, without − [i = y]",
        source: "a slip in hand derivations",
        statement: one_hot_missing,
    },
    Mistake {
        id: "log-softmax-plus",
        meaning: "the backward pass of log-softmax adds softmax·Σg, which it should subtract",
        source: "mlpack/mlpack #2360",
        statement: log_softmax_plus,
    },
    Mistake {
        id: "jacobian-diagonal",
        meaning: "only the diagonal of the softmax Jacobian p_i([i = j] − p_j) is used",
        source: "deeplearning4j/libnd4j #440",
        statement: jacobian_diagonal,
    },
    Mistake {
        id: "batch-mean-missing",
        meaning: "the gradient of the mean is not divided by the number of rows",
        source: "Mate #2",
        statement: batch_mean_missing,
    },
    Mistake {
        id: "ignore-inverted",
        meaning: "the rows to ignore are counted and the others ignored",
        source: "awslabs/sockeye #200",
        statement: ignore_inverted,
    },
    Mistake {
        id: "smoothing-of-ignored",
        meaning: "the uniform part of label smoothing includes the ignored rows",
        source: "pytorch/pytorch #73205",
        statement: smoothing_of_ignored,
    },
    Mistake {
        id: "smoothing-past-one",
        meaning: "(1 − ε) nll + ε/(V − 1) Σ nll over all classes: the weights sum to 1 + ε/(V − 1)",
        source: "a form of label smoothing in the wild",
        statement: smoothing_past_one,
    },
    Mistake {
        id: "micro-batch-means",
        meaning: "the mean of the micro-batches' means in place of the mean over all rows",
        source: "huggingface/transformers #34191",
        statement: micro_batch_means,
    },
    Mistake {
        id: "mean-of-perplexities",
        meaning: "the mean of exp(nll) in place of exp of the mean",
        source: "magenta/magenta #239",
        statement: mean_of_perplexities,
    },
];

/// Cross-entropy in the catalog.
pub const FORMULA: Formula = Formula {
    id: "cross-entropy",
    name: "Cross-entropy",
    equation: "ℓ = ln Σ_v e^{z_v} − z_y;  ∂ℓ/∂z_i = p_i − [i = y]",
    source: "Goodfellow, Bengio, Courville, Deep Learning (2016), 6.2.2.3",
    input: "logits [[V]], targets [B], ignore_index (-100), reduction (\"mean\"; \"sum\", \
\"none\"), label_smoothing (0)",
    domain: "logits finite, or -Infinity at a class that is not the target; label_smoothing \
in [0, 1], and 0 where a logit is -Infinity; B, V ≥ 1; targets whole numbers, 0 \
≤ t < V or equal to ignore_index",
    output: "loss (a number; a list [B] for \"none\", 0 at ignored rows), perplexity, \
gradient [[V]]",
    axes: AXES,
    mistakes: MISTAKES,
    evaluate: evaluate_json,
    claims: claims::claims,
};

const AXES: &[Axis] = &[AllIgnored::AXIS, Smoothing::AXIS, Denominator::AXIS];
