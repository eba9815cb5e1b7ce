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
use crate::expression::{Expr, constant, log_sum_exp, softmax, sum};
use crate::formula::{Defined, Formula, Mistake, Numbers, Wrong, axis};
use crate::json;
use crate::losses::rows::{check_logits, checked_rows};
use crate::losses::shifted::Shifted;
use crate::losses::softmax::Engine;
use crate::number::Wide;
use nalgebra::DMatrix;
use oracle::Rows;
use serde::Deserialize;
use serde_json::{Value, json};

mod claims;
mod enclosed;
mod oracle;
mod textbook;
mod weights;

pub use textbook::Way;

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// The mean over the rows that count.
    #[default]
    Mean,
    /// The sum.
    Sum,
    /// One loss per row.
    None,
}

impl<'de> Deserialize<'de> for Reduction {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> std::result::Result<Reduction, D::Error> {
        match json::word(d)?.as_str() {
            "mean" => Ok(Reduction::Mean),
            "sum" => Ok(Reduction::Sum),
            "none" => Ok(Reduction::None),
            other => Err(serde::de::Error::unknown_variant(other, &["mean", "sum", "none"])),
        }
    }
}

/// A batch of B rows over V classes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// `[B][V]`; finite, or −∞ at a class that is not the target.
    #[serde(with = "json::matrix")]
    pub logits: Vec<Vec<f64>>,
    /// `[B]`; 0 ≤ t < V, or equal to `ignore_index`, which wins.
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
    #[serde(default, deserialize_with = "json::object")]
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
    /// `[B][V]`, of the reduced loss.
    pub gradient: Vec<Vec<f64>>,
}

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

/// max-shifted, as implementations compute it: ln Σ e^{z − M} − (z_y − M)
pub fn textbook(z: &[Expr], y: usize) -> Expr {
    -Shifted::of(z).ln_p(y)
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
    let log_total = log_sum_exp(z);
    sum(q.iter().zip(z).map(|(&q, &z_i)| q * (log_total - z_i)))
}

/// ∂ℓ/∂z_i = p_i − q_i, for weights that sum to 1
pub fn smoothed_gradient(z: &[Expr], q: &[Expr]) -> Vec<Expr> {
    softmax(z).into_iter().zip(q).map(|(p, &q)| p - q).collect()
}

/// A batch: its rows with their targets, `None` where ignored.
#[derive(Clone, Debug)]
pub struct Batch {
    /// `[B][V]`
    pub logits: Vec<Vec<Expr>>,
    /// `[B]`
    pub targets: Vec<Option<usize>>,
    /// ε
    pub epsilon: Expr,
    /// How the batch becomes a number.
    pub reduction: Reduction,
    /// The choices.
    pub conventions: Conventions,
}

/// What a batch comes to.
#[derive(Clone, Debug)]
pub struct Reduced {
    /// One number, or one per row.
    pub loss: Vec<Expr>,
    /// exp of the mean of −ln p_y
    pub perplexity: Expr,
    /// `[B][V]`
    pub gradient: Vec<Vec<Expr>>,
}

impl Batch {
    /// A batch without smoothing, to be averaged.
    pub fn plain(logits: Vec<Vec<Expr>>, targets: &[Option<usize>]) -> Batch {
        let conventions = Conventions::default();
        Batch { logits, targets: targets.to_vec(), epsilon: constant(0), reduction: Reduction::Mean, conventions }
    }

    /// The loss, or its wrong form.
    pub fn reduce(&self, wrong: Wrong) -> Reduced {
        let targets: Vec<Option<usize>> = match wrong {
            Some("ignore-inverted") => self.targets.iter().map(|y| if y.is_some() { None } else { Some(0) }).collect(),
            _ => self.targets.clone(),
        };
        let n = match (self.reduction, self.conventions.denominator) {
            (Reduction::Mean, Denominator::Counted) => targets.iter().flatten().count() as i64,
            (Reduction::Mean, Denominator::Rows) => targets.len() as i64,
            _ => 1,
        };
        let rows = || self.logits.iter().zip(&targets);
        let losses: Vec<Expr> = rows().map(|(z, y)| self.row_loss(z, *y, wrong)).collect();
        let gradient = rows().map(|(z, y)| self.row_gradient(z, *y, wrong));
        let divisor = if wrong == Some("batch-mean-missing") { 1 } else { n };
        let gradient = gradient.map(|row| row.into_iter().map(|g| g / divisor).collect()).collect();
        let loss = match (self.reduction, wrong) {
            (Reduction::None, _) => losses,
            (_, Some("micro-batch-means")) => vec![mean_of_halves(&losses, &targets)],
            _ => vec![sum(losses) / n],
        };
        let nll: Vec<Expr> = rows().filter_map(|(z, y)| y.map(|y| cross_entropy(z, y))).collect();
        let count = nll.len() as i64;
        let perplexity = match wrong {
            Some("mean-of-perplexities") => sum(nll.iter().map(|nll| nll.exp())) / count,
            _ => (sum(nll) / count).exp(),
        };
        Reduced { loss, perplexity, gradient }
    }

    fn row_loss(&self, z: &[Expr], target: Option<usize>, wrong: Wrong) -> Expr {
        let (v, epsilon) = (z.len() as i64, self.epsilon);
        let Some(y) = target else {
            let uniform = sum(z.iter().map(|&z_i| epsilon / v * (log_sum_exp(z) - z_i)));
            return if wrong == Some("smoothing-of-ignored") { uniform } else { constant(0) };
        };
        let mut q = target_weights(z.len(), y, epsilon, self.conventions.smoothing);
        if wrong == Some("smoothing-past-one") {
            q = (0..v).map(|i| indicator(i == y as i64) * (1 - epsilon) + epsilon / (v - 1)).collect();
        }
        smoothed(z, &q)
    }

    fn row_gradient(&self, z: &[Expr], target: Option<usize>, wrong: Wrong) -> Vec<Expr> {
        let Some(y) = target else { return vec![constant(0); z.len()] };
        let q = target_weights(z.len(), y, self.epsilon, self.conventions.smoothing);
        let p = softmax(z);
        match wrong {
            Some("one-hot-missing") => p,
            Some("log-softmax-plus") => p.iter().zip(&q).map(|(&p, &q)| -q - p).collect(),
            Some("jacobian-diagonal") => p.iter().zip(&q).map(|(&p, &q)| -(q * (1 - p))).collect(),
            _ => smoothed_gradient(z, &q),
        }
    }
}

fn mean_of_halves(losses: &[Expr], targets: &[Option<usize>]) -> Expr {
    let half = losses.len().div_ceil(2);
    let means = losses.chunks(half).zip(targets.chunks(half)).filter_map(|(losses, targets)| {
        let count = targets.iter().flatten().count() as i64;
        (count > 0).then(|| sum(losses.iter().copied()) / count)
    });
    let means: Vec<Expr> = means.collect();
    let count = means.len() as i64;
    sum(means) / count
}

/// The definition at an input.
fn definition(input: &Value, _output: &Value, wrong: Wrong) -> Result<Vec<Defined>> {
    Ok(at_input(input, |batch, _| batch.reduce(wrong))?.into_iter().collect())
}

/// What `reduce` makes of an input; nothing where no row counts. A class with the logit −∞ has p = 0
/// and is left out.
fn at_input(input: &Value, reduce: impl Fn(&Batch, &Numbers) -> Reduced) -> Result<Option<Defined>> {
    let input: Input = json::read(input.clone())?;
    let targets = validated(&input)?;
    if targets.iter().all(Option::is_none) {
        return Ok(None);
    }
    let finite = |z: &[f64]| (0..z.len()).filter(|&i| z[i].is_finite()).collect::<Vec<_>>();
    Ok(Some(Defined::build(|numbers| {
        let epsilon = numbers.scalar("label_smoothing", input.label_smoothing);
        let classes: Vec<Vec<usize>> = input.logits.iter().map(|z| finite(z)).collect();
        let logits =
            input.logits.iter().zip(&classes).enumerate().map(|(b, (z, kept))| {
                kept.iter().map(|&i| numbers.number(format!("logits[{b}][{i}]"), z[i])).collect()
            });
        let kept_target = |(y, kept): (&Option<usize>, &Vec<usize>)| y.and_then(|y| kept.iter().position(|&i| i == y));
        let batch = Batch {
            logits: logits.collect(),
            targets: targets.iter().zip(&classes).map(kept_target).collect(),
            epsilon,
            reduction: input.reduction,
            conventions: input.conventions,
        };
        let reduced = reduce(&batch, numbers);
        let mut outputs = vec![("/perplexity".to_string(), reduced.perplexity)];
        let in_list = input.reduction == Reduction::None;
        let loss_place = |b: usize| if in_list { format!("/loss/{b}") } else { "/loss".into() };
        outputs.extend(reduced.loss.iter().enumerate().map(|(b, &loss)| (loss_place(b), loss)));
        for (b, row) in reduced.gradient.iter().enumerate() {
            let mut whole = vec![constant(0); input.logits[b].len()];
            classes[b].iter().zip(row).for_each(|(&i, &g)| whole[i] = g);
            outputs.extend(whole.into_iter().enumerate().map(|(i, g)| (format!("/gradient/{b}/{i}"), g)));
        }
        outputs
    })))
}

// ---- oracle -----------------------------------------------------------------------------------

/// Loss, perplexity and gradient of a batch, each the f64 nearest to the real value, ties to even.
///
/// # Errors
/// Where shapes disagree, a value is outside its domain, or every row is ignored under
/// [`AllIgnored::Error`].
pub fn oracle(input: &Input) -> Result<Output> {
    checked_shapes(input)?;
    let rows = Rows {
        logits: input.logits.iter().map(Vec::as_slice).collect(),
        targets: &input.targets,
        ignore_index: input.ignore_index,
        reduction: input.reduction,
        label_smoothing: input.label_smoothing,
        conventions: input.conventions,
    };
    let mut gradient: Vec<Vec<f64>> = input.logits.iter().map(|z| vec![0.0; z.len()]).collect();
    let losses = rows.evaluate(Engine::best(), gradient.iter_mut().map(Vec::as_mut_slice).collect())?;
    Ok(Output { loss: losses.loss, perplexity: losses.perplexity, gradient })
}

/// A batch in one list, for data of real size.
#[derive(Clone, Copy, Debug)]
pub struct Flat<'a> {
    /// `[B·V]`, row by row, with the domain of [`Input::logits`].
    pub logits: &'a [f64],
    /// V
    pub classes: usize,
    /// As in [`Input`].
    pub targets: &'a [i64],
    /// As in [`Input`].
    pub ignore_index: i64,
    /// As in [`Input`].
    pub reduction: Reduction,
    /// As in [`Input`].
    pub label_smoothing: f64,
    /// As in [`Input`].
    pub conventions: Conventions,
}

/// What a batch comes to beside its gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct Losses {
    /// As in [`Output`].
    pub loss: Vec<f64>,
    /// As in [`Output`].
    pub perplexity: f64,
}

impl Flat<'_> {
    /// The same as [`oracle`] gives, with the gradient `[B·V]` written over `gradient`. Beside the data it needs
    /// 2 MiB for each thread.
    ///
    /// # Errors
    /// As for [`oracle`], and where `gradient` is not as long as the logits; what is in `gradient` then is
    /// not the gradient.
    pub fn oracle(&self, gradient: &mut [f64]) -> Result<Losses> {
        self.with(Engine::best(), gradient)
    }

    /// The same bits with vector registers of at most this many numbers: 8 for AVX-512, 4 for AVX2, 1 for none.
    ///
    /// # Errors
    /// As for [`oracle`](Self::oracle).
    pub fn oracle_with_lanes(&self, lanes: usize, gradient: &mut [f64]) -> Result<Losses> {
        self.with(Engine::at_most(lanes), gradient)
    }

    fn with(&self, engine: Engine, gradient: &mut [f64]) -> Result<Losses> {
        if self.classes == 0 || self.logits.is_empty() || !self.logits.len().is_multiple_of(self.classes) {
            let allowed = format!("a whole number of rows of {} logits, at least 1 of at least 1", self.classes);
            return Err(Error::shape("logits", self.logits.len(), allowed));
        }
        if gradient.len() != self.logits.len() {
            return Err(Error::shape("gradient", gradient.len(), format!("{}, as the logits", self.logits.len())));
        }
        let logits: Vec<&[f64]> = self.logits.chunks(self.classes).collect();
        check_settings(logits.len(), self.classes, self.targets, self.label_smoothing, self.conventions)?;
        let rows = Rows {
            logits,
            targets: self.targets,
            ignore_index: self.ignore_index,
            reduction: self.reduction,
            label_smoothing: self.label_smoothing,
            conventions: self.conventions,
        };
        rows.evaluate(engine, gradient.chunks_mut(self.classes).collect())
    }
}

impl AllIgnored {
    /// Loss and perplexity where no row counts.
    pub(crate) fn outcome(self, ignore_index: i64, reduction: Reduction) -> Result<[f64; 2]> {
        match self {
            AllIgnored::Error => Err(Error::domain(
                "targets",
                format!("{ignore_index} at every row"),
                "at least one row that counts (convention all_ignored = \"error\")",
            )),
            AllIgnored::Nan => Ok([if reduction == Reduction::Mean { f64::NAN } else { 0.0 }, f64::NAN]),
            AllIgnored::Zero => Ok([0.0, 1.0]),
        }
    }
}

/// The number of classes of a batch whose shapes and settings are in their domain.
fn checked_shapes(input: &Input) -> Result<usize> {
    let classes = checked_rows("logits", &input.logits)?;
    check_settings(input.logits.len(), classes, &input.targets, input.label_smoothing, input.conventions)?;
    Ok(classes)
}

fn check_settings(rows: usize, classes: usize, targets: &[i64], epsilon: f64, conventions: Conventions) -> Result<()> {
    if targets.len() != rows {
        return Err(Error::shape("targets", targets.len(), format!("{rows}, one per row of logits")));
    }
    if !(0.0..=1.0).contains(&epsilon) {
        return Err(Error::domain("label_smoothing", epsilon, "a number in [0, 1]"));
    }
    if conventions.smoothing == Smoothing::Others && classes < 2 {
        return Err(Error::domain(
            "conventions.smoothing",
            "\"others\" with one class",
            "at least 2 classes with \"others\"",
        ));
    }
    Ok(())
}

/// The class of a target, `None` where it is ignored.
fn check_target(b: usize, target: i64, classes: usize, ignore_index: i64) -> Result<Option<usize>> {
    match usize::try_from(target) {
        _ if target == ignore_index => Ok(None),
        Ok(y) if y < classes => Ok(Some(y)),
        _ => {
            let allowed = format!("a class from 0 to {}, or ignore_index {ignore_index}", classes - 1);
            Err(Error::domain(format!("targets[{b}]"), target, allowed))
        }
    }
}

/// The targets as class indices, `None` where ignored.
pub(crate) fn validated(input: &Input) -> Result<Vec<Option<usize>>> {
    let classes = checked_shapes(input)?;
    let rows = input.targets.iter().zip(&input.logits).enumerate();
    rows.map(|(b, (&t, z))| {
        let target = check_target(b, t, classes, input.ignore_index)?;
        check_logits(&format!("logits[{b}]"), z, target, input.label_smoothing)?;
        Ok(target)
    })
    .collect()
}

/// diag(p) − ppᵀ, the Hessian of a row's loss with respect to its logits, within an ulp; all but about one
/// in 2^40 entries are the nearest f64.
///
/// # Errors
/// If a logit is not finite, or there is none.
pub fn hessian_matrix(logits: &[f64]) -> Result<DMatrix<f64>> {
    checked_rows("logits", std::slice::from_ref(&logits.to_vec()))?;
    check_logits("logits", logits, None, 1.0)?;
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let e: Vec<Wide> = logits.iter().map(|&z| (Wide::from(z) - Wide::from(largest)).exp()).collect();
    let total: Wide = e.iter().copied().sum();
    let others = |i: usize| e.iter().enumerate().filter(|&(j, _)| j != i).map(|(_, &e)| e).sum::<Wide>();
    // the diagonal is p(1 − p), which p − p² would lose near 1
    let entry = |i: usize, j: usize| if i == j { e[i] * others(i) } else { -(e[i] * e[j]) };
    let rounded = |x: Wide| x.nearest().unwrap_or(x.to_f64());
    Ok(DMatrix::from_fn(logits.len(), logits.len(), |i, j| rounded(entry(i, j) / (total * total))))
}

fn evaluate(value: Value) -> Result<Value> {
    let input: Input = json::read(value)?;
    let output = oracle(&input)?;
    Ok(write(&input, &output))
}

/// The output as JSON.
pub(crate) fn write(input: &Input, output: &Output) -> Value {
    let list = |x: &[f64]| Value::from(x.iter().map(|&x| json::number(x)).collect::<Vec<_>>());
    let loss = if input.reduction == Reduction::None { list(&output.loss) } else { json::number(output.loss[0]) };
    let gradient: Vec<Value> = output.gradient.iter().map(|row| list(row)).collect();
    json!({ "loss": loss, "perplexity": json::number(output.perplexity), "gradient": gradient })
}

// ---- mistakes ---------------------------------------------------------------------------------

/// Three smoothed rows of three logits, one of them ignored.
fn three_rows(x: &Inputs) -> Batch {
    Batch {
        logits: ["a", "b", "c"].map(|name| x.reals(name, 3)).to_vec(),
        targets: vec![Some(0), Some(1), None],
        epsilon: x.unit("epsilon"),
        reduction: Reduction::Mean,
        conventions: Conventions { smoothing: Smoothing::Others, ..Conventions::default() },
    }
}

/// The false statement that a wrong form gives the same loss, perplexity and gradient.
fn wrong_batch(id: &'static str) -> Instance {
    Instance::equal("B = 3, V = 3, one row ignored", |x| {
        let mut batch = three_rows(x);
        if id == "micro-batch-means" {
            // halves that count differently
            batch.targets = vec![Some(0), Some(1), Some(2)];
        }
        let all = |r: Reduced| [r.loss, vec![r.perplexity], r.gradient.concat()].concat();
        all(batch.reduce(None)).into_iter().zip(all(batch.reduce(Some(id)))).collect()
    })
}

/// A batch's loss with a wrong gradient, as a false statement.
fn wrong_gradient(id: &'static str) -> Instance {
    Instance::gradient("B = 2, V = 3", |x| {
        let mut batch = three_rows(x);
        batch.logits.pop();
        batch.targets.pop();
        (batch.reduce(None).loss[0], batch.logits.concat(), batch.reduce(Some(id)).gradient.concat())
    })
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "one-hot-missing",
        meaning: "∂ℓ/∂z_i = p_i, without − [i = y]",
        source: "a slip in hand derivations",
        statement: || wrong_batch("one-hot-missing"),
    },
    Mistake {
        id: "log-softmax-plus",
        meaning: "the backward pass of log-softmax adds softmax·Σg, which it should subtract",
        source: "mlpack/mlpack #2360",
        statement: || wrong_batch("log-softmax-plus"),
    },
    Mistake {
        id: "jacobian-diagonal",
        meaning: "only the diagonal of the softmax Jacobian p_i([i = j] − p_j) is used",
        source: "deeplearning4j/libnd4j #440",
        statement: || wrong_batch("jacobian-diagonal"),
    },
    Mistake {
        id: "batch-mean-missing",
        meaning: "the gradient of the mean is not divided by the number of rows",
        source: "Mate #2",
        statement: || wrong_batch("batch-mean-missing"),
    },
    Mistake {
        id: "ignore-inverted",
        meaning: "the rows to ignore are counted and the others ignored",
        source: "awslabs/sockeye #200",
        statement: || wrong_batch("ignore-inverted"),
    },
    Mistake {
        id: "smoothing-of-ignored",
        meaning: "the uniform part of label smoothing includes the ignored rows",
        source: "pytorch/pytorch #73205",
        statement: || wrong_batch("smoothing-of-ignored"),
    },
    Mistake {
        id: "smoothing-past-one",
        meaning: "(1 − ε) nll + ε/(V − 1) Σ nll over all classes: the weights sum to 1 + ε/(V − 1)",
        source: "a form of label smoothing in the wild",
        statement: || wrong_batch("smoothing-past-one"),
    },
    Mistake {
        id: "micro-batch-means",
        meaning: "the mean of the micro-batches' means in place of the mean over all rows",
        source: "huggingface/transformers #34191",
        statement: || wrong_batch("micro-batch-means"),
    },
    Mistake {
        id: "mean-of-perplexities",
        meaning: "the mean of exp(nll) in place of exp of the mean",
        source: "magenta/magenta #239",
        statement: || wrong_batch("mean-of-perplexities"),
    },
];

/// Cross-entropy in the catalog.
pub const FORMULA: Formula = Formula {
    id: "cross-entropy",
    name: "Cross-entropy",
    equation: "ℓ = ln Σ_v e^{z_v} − z_y;  ∂ℓ/∂z_i = p_i − [i = y]",
    latex: &[
        r"\ell = \ln \sum_v e^{z_v} - z_y",
        r"p_i = \frac{e^{z_i}}{\sum_v e^{z_v}}",
        r"\frac{\partial \ell}{\partial z_i} = p_i - [i = y]",
    ],
    source: "Goodfellow, Bengio, Courville, Deep Learning (2016), 6.2.2.3",
    input: "logits [[V]], targets [B], ignore_index (-100), reduction (\"mean\"; \"sum\", \
\"none\"), label_smoothing (0)",
    domain: "logits finite, or -Infinity at a class that is not the target; label_smoothing \
in [0, 1], and 0 where a logit is -Infinity; B, V ≥ 1; targets whole numbers, 0 \
≤ t < V or equal to ignore_index",
    output: "loss (a number; a list [B] for \"none\", 0 at ignored rows), perplexity, \
gradient [[V]]",
    axes: &[AllIgnored::AXIS, Smoothing::AXIS, Denominator::AXIS],
    mistakes: MISTAKES,
    evaluate,
    definition,
    textbook: textbook::textbook,
    claims: claims::claims,
};
