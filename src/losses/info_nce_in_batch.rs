//! # InfoNCE with in-batch negatives
//!
//! S_ij = sim(a_i, b_j)/τ; the positive of a_i is b_i, its negatives are the other b_j:
//! ℓ = −(1/B) Σ_i ln( e^{S_ii} / Σ_j e^{S_ij} ) (Chen et al., *On Sampling Strategies for Neural
//! Network-based Collaborative Filtering*, 2017; Sohn, *N-pair loss*, 2016). The symmetric form is
//! the mean of this and the same over columns, where the negatives of b_j are the other a_i
//! (Radford et al., *CLIP*, 2021, figure 3).
//!
//! With P = softmax over each row of S and C = softmax over each column:
//! ∂ℓ/∂sim_ij = (P_ij − [i = j])/(Bτ), or (P_ij + C_ij − 2[i = j])/(2Bτ) in the symmetric form; then
//! ∂ℓ/∂a_i = Σ_j ∂ℓ/∂sim_ij (b̂_j − sim_ij â_i)/‖a_i‖ and the same for b, with x̂ = x/‖x‖.
//!
//! Symbols: a, b the two sides of B pairs, τ temperature, d dimension. Similarities and their
//! conventions: [`similarity`].

use crate::claim::{Inputs, Instance};
use crate::error::{Error, Result};
use crate::expression::{Expr, dot, maximum, norm, ratio, sum};
use crate::formula::{Defined, Formula, Mistake, Wrong};
use crate::json;
use crate::losses::contrast::{self, Contrasted, Line, Table, contrast as contrast_of, similarity_weights};
use crate::losses::rounding;
use crate::losses::similarity::textbook::{Compared, Way};
use crate::losses::similarity::{self, Similarity, clamp, similarity_gradient};
use serde::{Deserialize, Serialize};
use serde_json::Value;

mod claims;

/// The conventions of InfoNCE with in-batch negatives.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conventions {
    /// How similar two vectors are.
    pub similarity: Similarity,
}

/// B pairs of vectors.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// `[B][d]`
    #[serde(with = "json::matrix")]
    pub a: Vec<Vec<f64>>,
    /// `[B][d]`
    #[serde(with = "json::matrix")]
    pub b: Vec<Vec<f64>>,
    /// τ > 0
    #[serde(default = "temperature", with = "json::real")]
    pub temperature: f64,
    /// Whether columns count as well as rows.
    #[serde(default)]
    pub symmetric: bool,
    /// The choices.
    #[serde(default, deserialize_with = "json::object")]
    pub conventions: Conventions,
}

fn temperature() -> f64 {
    0.07
}

/// The loss of a batch with its gradient.
#[derive(Clone, Debug, Serialize)]
pub struct Output {
    /// The mean over the rows, or over rows and columns.
    #[serde(with = "json::real")]
    pub loss: f64,
    /// Of the mean.
    pub gradient: Gradient,
}

/// The derivatives of the mean loss, in the shapes of the input.
#[derive(Clone, Debug, Serialize)]
pub struct Gradient {
    /// `[B][d]`
    #[serde(with = "json::matrix")]
    pub a: Vec<Vec<f64>>,
    /// `[B][d]`
    #[serde(with = "json::matrix")]
    pub b: Vec<Vec<f64>>,
    /// A number.
    #[serde(with = "json::real")]
    pub temperature: f64,
}

// ---- definition -------------------------------------------------------------------------------

/// sim(a_i, b_j)
pub fn similarities(a: &[Vec<Expr>], b: &[Vec<Expr>], kind: Similarity) -> Vec<Vec<Expr>> {
    a.iter().map(|a| b.iter().map(|b| similarity::similarity(a, b, kind, clamp())).collect()).collect()
}

/// Rows as columns.
pub fn transposed(s: &[Vec<Expr>]) -> Vec<Vec<Expr>> {
    (0..s.len()).map(|j| s.iter().map(|row| row[j]).collect()).collect()
}

/// −(1/B) Σ_i ln( e^{s_ii/τ} / Σ_j e^{s_ij/τ} )
pub fn over_rows(s: &[Vec<Expr>], tau: Expr) -> Expr {
    sum(s.iter().enumerate().map(|(i, row)| contrast_of(row, i, tau))) / s.len() as i64
}

/// The loss from the similarities.
pub fn of_similarities(s: &[Vec<Expr>], tau: Expr, symmetric: bool) -> Expr {
    if symmetric { (over_rows(s, tau) + over_rows(&transposed(s), tau)) / 2 } else { over_rows(s, tau) }
}

/// The loss from the vectors.
pub fn in_batch(a: &[Vec<Expr>], b: &[Vec<Expr>], tau: Expr, symmetric: bool, kind: Similarity) -> Expr {
    of_similarities(&similarities(a, b, kind), tau, symmetric)
}

/// ∂ℓ/∂sim_ij = (P_ij − [i = j])/(Bτ), or (P_ij + C_ij − 2[i = j])/(2Bτ)
pub fn weights(s: &[Vec<Expr>], tau: Expr, symmetric: bool) -> Vec<Vec<Expr>> {
    let rows: Vec<Vec<Expr>> = s.iter().enumerate().map(|(i, row)| similarity_weights(row, i, tau)).collect();
    let t = transposed(s);
    let columns: Vec<Vec<Expr>> = t.iter().enumerate().map(|(j, column)| similarity_weights(column, j, tau)).collect();
    let n = s.len() as i64;
    let weight = |i: usize, j: usize| match symmetric {
        true => (rows[i][j] + columns[j][i]) / (2 * n),
        false => rows[i][j] / n,
    };
    (0..s.len()).map(|i| (0..s.len()).map(|j| weight(i, j)).collect()).collect()
}

/// ∂ℓ/∂a_i = Σ_j ∂ℓ/∂sim_ij · ∂sim_ij/∂a_i for every i, and ∂ℓ/∂b_j likewise
pub fn gradients(
    a: &[Vec<Expr>],
    b: &[Vec<Expr>],
    tau: Expr,
    symmetric: bool,
    kind: Similarity,
) -> (Vec<Vec<Expr>>, Vec<Vec<Expr>>) {
    let w = weights(&similarities(a, b, kind), tau, symmetric);
    let of = |own: &[Expr], others: &[Vec<Expr>], w: &dyn Fn(usize) -> Expr| -> Vec<Expr> {
        let slopes: Vec<Vec<Expr>> = others.iter().map(|x| similarity_gradient(own, x, kind, clamp())).collect();
        (0..own.len()).map(|c| sum(slopes.iter().enumerate().map(|(j, slope)| w(j) * slope[c]))).collect()
    };
    let d_a = a.iter().enumerate().map(|(i, x)| of(x, b, &|j| w[i][j])).collect();
    let d_b = b.iter().enumerate().map(|(j, x)| of(x, a, &|i| w[i][j])).collect();
    (d_a, d_b)
}

/// ∂ℓ/∂τ, the mean of Σ_j P_ij (s_ii − s_ij)/τ² over the rows, or over rows and columns
pub fn temperature_gradient(s: &[Vec<Expr>], tau: Expr, symmetric: bool) -> Expr {
    let mean = |s: &[Vec<Expr>]| {
        sum(s.iter().enumerate().map(|(i, row)| contrast::temperature_gradient(row, i, tau))) / s.len() as i64
    };
    if symmetric { (mean(s) + mean(&transposed(s))) / 2 } else { mean(s) }
}

/// The loss with its derivatives.
pub struct Reduced {
    /// ℓ
    pub loss: Expr,
    /// `[B][d]`
    pub a: Vec<Vec<Expr>>,
    /// `[B][d]`
    pub b: Vec<Vec<Expr>>,
    /// A number.
    pub temperature: Expr,
}

/// The definition at an input, or a wrong form of it.
fn defined(input: &Input, wrong: Wrong) -> Defined {
    let (kind, symmetric, b) = (input.conventions.similarity, input.symmetric, input.a.len() as i64);
    at_input(input, |x, y, tau| {
        let s = match wrong {
            Some("norms-of-one") => {
                x.iter().map(|a| y.iter().map(|b| dot(a, b) / norm(a).squared()).collect()).collect()
            }
            _ => similarities(x, y, kind),
        };
        let over = |s: &[Vec<Expr>]| sum(s.iter().enumerate().map(|(i, row)| contrast::loss(row, i, tau, wrong))) / b;
        let loss = match (symmetric, wrong) {
            (true, Some("columns-along-rows")) => over(&s),
            (true, _) => (over(&s) + over(&transposed(&s))) / 2,
            (false, _) => over(&s),
        };
        let (mut d_a, d_b) = gradients(x, y, tau, symmetric, kind);
        let mut d_tau = temperature_gradient(&s, tau, symmetric);
        match wrong {
            Some("gradient-without-1-over-tau") => d_a.iter_mut().flatten().for_each(|g| *g = *g * tau),
            Some("batch-mean-missing") => d_a.iter_mut().flatten().for_each(|g| *g = *g * b),
            Some("temperature-gradient-sign") => d_tau = -d_tau,
            Some("cosine-projection-missing") => {
                let w = weights(&s, tau, symmetric);
                let unprojected =
                    |i: usize, c: usize| sum(w[i].iter().zip(y).map(|(&w, b)| w * (b[c] / norm(b)) / norm(&x[i])));
                d_a = (0..x.len()).map(|i| (0..x[i].len()).map(|c| unprojected(i, c)).collect()).collect();
            }
            _ => {}
        }
        Reduced { loss, a: d_a, b: d_b, temperature: d_tau }
    })
}

fn definition(input: &Value, _output: &Value, wrong: Wrong) -> Result<Vec<Defined>> {
    Ok(vec![defined(&json::read(input.clone())?, wrong)])
}

/// What `reduce` makes of an input.
fn at_input(input: &Input, reduce: impl Fn(&[Vec<Expr>], &[Vec<Expr>], Expr) -> Reduced) -> Defined {
    Defined::build(|numbers| {
        let tau = numbers.number("temperature", input.temperature);
        let side = |name: &str, rows: &[Vec<f64>]| rows.iter().map(|x| numbers.list(name, x)).collect::<Vec<_>>();
        let reduced = reduce(&side("a", &input.a), &side("b", &input.b), tau);
        let mut outputs =
            vec![("/loss".to_string(), reduced.loss), ("/gradient/temperature".to_string(), reduced.temperature)];
        for (name, rows) in [("a", &reduced.a), ("b", &reduced.b)] {
            for (i, row) in rows.iter().enumerate() {
                outputs.extend(row.iter().enumerate().map(|(c, &g)| (format!("/gradient/{name}/{i}/{c}"), g)));
            }
        }
        outputs
    })
}

// ---- textbook ---------------------------------------------------------------------------------

/// The loss one way: similarities, then the max-shifted cross-entropy of rows, and of columns, with
/// label i in row i. `shift` gives the M of a row.
pub fn textbook(
    (a, b): (&[Vec<Expr>], &[Vec<Expr>]),
    tau: Expr,
    symmetric: bool,
    kind: Similarity,
    way: Way,
    shift: impl Fn(&[Expr]) -> Expr,
) -> Reduced {
    let compared = Compared::of(a, b, kind, way, clamp());
    let n = a.len() as i64;
    let share = ratio(1, if symmetric { 2 * n } else { n });
    let contrasted = |s: &[Vec<Expr>]| -> Vec<Contrasted> {
        let row = |(i, s): (usize, &Vec<Expr>)| contrast::textbook(s, i, tau, share, way == Way::Closed, &shift);
        s.iter().enumerate().map(row).collect()
    };
    let rows = contrasted(&compared.s);
    let columns = if symmetric { contrasted(&transposed(&compared.s)) } else { Vec::new() };
    let slope =
        |i: usize, j: usize| sum([rows[i].d_s[j]].into_iter().chain(columns.get(j).map(|column| column.d_s[i])));
    let d_s: Vec<Vec<Expr>> = (0..a.len()).map(|i| (0..b.len()).map(|j| slope(i, j)).collect()).collect();
    let (d_a, d_b) = compared.backward(&d_s);
    let mean = |contrasted: &[Contrasted]| sum(contrasted.iter().map(|row| row.loss)) / n;
    Reduced {
        loss: if symmetric { (mean(&rows) + mean(&columns)) / 2 } else { mean(&rows) },
        a: d_a,
        b: d_b,
        temperature: sum(rows.iter().chain(&columns).flat_map(|row| row.d_tau.iter().copied())),
    }
}

/// One way at an input.
fn one_textbook(input: &Input, way: Way) -> Defined {
    let (kind, symmetric) = (input.conventions.similarity, input.symmetric);
    at_input(input, |a, b, tau| textbook((a, b), tau, symmetric, kind, way, maximum))
}

/// Every way at an input.
fn textbooks(input: &Value, _output: &Value) -> Result<Vec<Defined>> {
    let input: Input = json::read(input.clone())?;
    Ok(Way::all(input.conventions.similarity).iter().map(|&way| one_textbook(&input, way)).collect())
}

// ---- oracle -----------------------------------------------------------------------------------

/// Evaluates a batch.
///
/// Correctly rounded: every number is the f64 nearest to its real value, ties to even.
///
/// # Errors
/// Where shapes disagree, a value is outside its domain, or a vector is zero under
/// [`Similarity::Cosine`].
pub fn oracle(input: &Input) -> Result<Output> {
    validate(input)?;
    let n = input.a.len();
    let vectors: Vec<&[f64]> = input.a.iter().chain(&input.b).map(Vec::as_slice).collect();
    let pairs: Vec<[usize; 2]> = (0..n).flat_map(|i| (0..n).map(move |j| [i, n + j])).collect();
    let line = |i: usize, entry: &dyn Fn(usize) -> usize| Line {
        positive: entry(i),
        negatives: (0..n).filter(|&j| j != i).map(entry).collect(),
    };
    let mut lines: Vec<Line> = (0..n).map(|i| line(i, &|j| i * n + j)).collect();
    if input.symmetric {
        lines.extend((0..n).map(|j| line(j, &|i| i * n + j)));
    }
    let kind = input.conventions.similarity;
    let mean = Table::of(&vectors, &pairs, lines, input.temperature, kind).mean();
    let mut answers = rounding::nearest(&mean, &[&|| defined(input, None), &|| one_textbook(input, Way::Quotient)]);
    let (loss, temperature) = (answers.number(), answers.number());
    let mut side = || answers.matrix(n, input.a[0].len());
    let (a, b) = (side(), side());
    Ok(Output { loss, gradient: Gradient { a, b, temperature } })
}

pub(crate) fn validate(input: &Input) -> Result<()> {
    let Some(first) = input.a.first() else {
        return Err(Error::shape("a", 0, "at least 1 row"));
    };
    if first.is_empty() {
        return Err(Error::shape("a[0]", 0, "at least 1 number"));
    }
    crate::domain::same_length("b", input.b.len(), input.a.len(), "a has rows")?;
    crate::domain::positive("temperature", input.temperature)?;
    similarity::check_vectors("a", &input.a, first.len(), input.conventions.similarity)?;
    similarity::check_vectors("b", &input.b, first.len(), input.conventions.similarity)
}

fn evaluate(value: Value) -> Result<Value> {
    Ok(json::write(&oracle(&json::read(value)?)?))
}

// ---- mistakes ---------------------------------------------------------------------------------

/// n × n free similarities and a temperature above zero.
fn free_similarities(x: &Inputs, n: usize) -> (Vec<Vec<Expr>>, Expr) {
    ((0..n).map(|i| x.reals(&format!("s{i}"), n)).collect(), x.positive("tau"))
}

/// n pairs of vectors and a temperature above zero.
fn vectors(x: &Inputs, n: usize, d: usize) -> (Vec<Vec<Expr>>, Vec<Vec<Expr>>, Expr) {
    let side = |name: &str| (0..n).map(|i| x.reals(&format!("{name}{i}"), d)).collect();
    (side("a"), side("b"), x.positive("tau"))
}

fn columns_along_rows() -> Instance {
    Instance::equal("B = 2", |x| {
        let (s, tau) = free_similarities(x, 2);
        vec![(of_similarities(&s, tau, true), over_rows(&s, tau))]
    })
}

fn temperature_multiplied() -> Instance {
    Instance::equal("B = 2", |x| {
        let (s, tau) = free_similarities(x, 2);
        vec![(over_rows(&s, tau), over_rows(&s, 1 / tau))]
    })
}

fn norms_of_one() -> Instance {
    Instance::equal("B = 2, d = 2", |x| {
        let (a, b, tau) = vectors(x, 2, 2);
        let row = |a: &Vec<Expr>| b.iter().map(|b| dot(a, b) / norm(a).squared()).collect();
        let s: Vec<Vec<Expr>> = a.iter().map(row).collect();
        vec![(in_batch(&a, &b, tau, false, Similarity::Cosine), over_rows(&s, tau))]
    })
}

fn cosine_projection_missing() -> Instance {
    Instance::gradient("B = 2, d = 2", |x| {
        let (a, b, tau) = vectors(x, 2, 2);
        let w = weights(&similarities(&a, &b, Similarity::Cosine), tau, false);
        let unprojected = |c: usize| sum((0..2).map(|j| w[0][j] * (b[j][c] / norm(&b[j])) / norm(&a[0])));
        let claimed = (0..2).map(unprojected).collect();
        (in_batch(&a, &b, tau, false, Similarity::Cosine), a[0].clone(), claimed)
    })
}

/// The loss over free similarities with its weights in a wrong form.
fn wrong_weights(form: fn(Expr, Expr) -> Expr) -> Instance {
    Instance::gradient("B = 2", |x| {
        let (s, tau) = free_similarities(x, 2);
        let claimed = weights(&s, tau, false).concat().into_iter().map(|w| form(w, tau)).collect();
        (over_rows(&s, tau), s.concat(), claimed)
    })
}

fn gradient_without_1_over_tau() -> Instance {
    wrong_weights(|w, tau| w * tau)
}

fn batch_mean_missing() -> Instance {
    wrong_weights(|w, _| 2 * w)
}

fn temperature_gradient_sign() -> Instance {
    Instance::gradient("B = 2", |x| {
        let (s, tau) = free_similarities(x, 2);
        (over_rows(&s, tau), vec![tau], vec![-temperature_gradient(&s, tau, false)])
    })
}

fn positive_missing_from_denominator() -> Instance {
    Instance::equal("B = 2", |x| {
        let (s, tau) = free_similarities(x, 2);
        let without = (s[0][1] - s[0][0] + s[1][0] - s[1][1]) / tau / 2;
        vec![(over_rows(&s, tau), without)]
    })
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "columns-along-rows",
        meaning: "the columns' half of the symmetric loss takes its softmax along the rows again",
        source: "moein-shariatnia/OpenAI-CLIP #24",
        statement: columns_along_rows,
    },
    Mistake {
        id: "temperature-multiplied",
        meaning: "similarities are multiplied by τ in place of divided",
        source: "bowang-lab/BLEEP #5",
        statement: temperature_multiplied,
    },
    Mistake {
        id: "positive-missing-from-denominator",
        meaning: "the sums in the denominators are over the negatives alone",
        source: "amazon-science/sccl #27, on its paper",
        statement: positive_missing_from_denominator,
    },
    Mistake {
        id: "gradient-without-1-over-tau",
        meaning: "∂ℓ/∂sim_ij = (P_ij − [i = j])/B, without the factor 1/τ",
        source: "a slip in hand derivations",
        statement: gradient_without_1_over_tau,
    },
    Mistake {
        id: "temperature-gradient-sign",
        meaning: "∂ℓ/∂τ with the sign turned",
        source: "a slip in hand derivations",
        statement: temperature_gradient_sign,
    },
    Mistake {
        id: "norms-of-one",
        meaning: "the cosine divides by ‖a‖² in place of ‖a‖‖b‖",
        source: "incanter/incanter #73",
        statement: norms_of_one,
    },
    Mistake {
        id: "cosine-projection-missing",
        meaning: "∂sim/∂a = b̂/‖a‖, without − sim â/‖a‖",
        source: "a slip in hand derivations",
        statement: cosine_projection_missing,
    },
    Mistake {
        id: "batch-mean-missing",
        meaning: "the gradient of the mean is not divided by the number of rows",
        source: "a slip in hand derivations",
        statement: batch_mean_missing,
    },
];

/// InfoNCE with in-batch negatives in the catalog.
pub const FORMULA: Formula = Formula {
    id: "info-nce-in-batch",
    name: "InfoNCE with in-batch negatives",
    equation: "ℓ = −(1/B) Σ_i ln( e^{S_ii} / Σ_j e^{S_ij} ), S_ij = sim(a_i, b_j)/τ;  symmetric: \
(rows + columns)/2;  ∂ℓ/∂sim_ij = (P_ij − [i = j])/(Bτ)",
    latex: &[
        r"\ell = -\frac{1}{B} \sum_i \ln \frac{e^{S_{ii}}}{\sum_j e^{S_{ij}}}, \quad S_{ij} = \frac{\operatorname{sim}(a_i, b_j)}{\tau}",
        r"\ell_{\text{symmetric}} = \frac{\ell_{\text{rows}} + \ell_{\text{columns}}}{2}",
        r"\frac{\partial \ell}{\partial \operatorname{sim}_{ij}} = \frac{P_{ij} - [i = j]}{B\tau}",
    ],
    source: "Sohn, Improved Deep Metric Learning with Multi-class N-pair Loss Objective (2016); \
symmetric: Radford et al., Learning Transferable Visual Models From Natural Language Supervision (2021), figure 3",
    input: "a [[d]], b [[d]], temperature (0.07), symmetric (false)",
    domain: "temperature > 0, all finite, no zero vector under \"cosine\"; B, d ≥ 1",
    output: "loss, gradient {a [[d]], b [[d]], temperature}",
    axes: &[Similarity::AXIS],
    mistakes: MISTAKES,
    evaluate,
    definition,
    textbook: textbooks,
    claims: claims::claims,
};

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn two_pairs() -> Value {
        let (a, b) = ([[1.0, 0.5], [0.25, -1.0]], [[0.5, 1.0], [1.0, -0.75]]);
        json!({ "a": a, "b": b, "temperature": 0.5, "symmetric": true })
    }

    #[test]
    fn errors_name_the_field() {
        let changed = |field: &str, value: Value| {
            let mut input = two_pairs();
            input[field] = value;
            evaluate(input).unwrap_err().to_string()
        };
        for (field, value, message) in [
            ("a", json!([]), "a: found length 0, allowed is at least 1 row"),
            ("b", json!([[1.0, 0.5]]), "b: found length 1, allowed is 2"),
            ("b", json!([[1.0, 0.5], [1.0]]), "b[1]: found length 1, allowed is 2"),
            ("b", json!([[1.0, 0.5], [0.0, 0.0]]), "b[1]: division by zero"),
            ("a", json!([[1.0, "Infinity"], [1.0, 0.0]]), "a[0][1]: found inf"),
            ("temperature", json!(-1), "temperature: found -1"),
            ("symmetric", json!(1), "symmetric: invalid type"),
        ] {
            let found = changed(field, value);
            assert!(found.starts_with(message), "{found:?} and not {message:?}");
        }
    }

    /// However many rows: derivatives that cancel are exactly 0.
    #[test]
    fn equal_pairs_have_no_gradient() {
        for n in 2..9 {
            let input = json!({ "a": vec![[0.1, 0.7]; n], "b": vec![[0.3, -0.9]; n], "symmetric": true });
            let output = evaluate(input).unwrap();
            assert_eq!(output["gradient"]["a"], json!(vec![[0.0, 0.0]; n]));
            assert_eq!(output["gradient"]["b"], json!(vec![[0.0, 0.0]; n]));
        }
    }
}
