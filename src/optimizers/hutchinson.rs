//! # Hutchinson's estimator of a Hessian's diagonal
//!
//! ĥ = u ∘ (H u), with a random probe u of independent entries ±1 (or standard normal)
//! (Hutchinson 1989; Bekas, Kokiopoulou & Saad 2007; the ĥ of Sophia-H, Liu et al. 2023, Algorithm 1).
//!
//! E[u_i u_j] = [i = j], so `E[ĥ]` = diag(H). H u alone, which one Hessian-vector product gives, has
//! mean 0: the product with u is what makes it an estimate.
//!
//! Symbols: H hessian, u probe, n its length.

use crate::claim::{Claim, Inputs, Instance, Kind::*, Source};
use crate::domain;
use crate::error::{Error, Result};
use crate::expression::{Expr, constant, dot, ratio, sum};
use crate::formula::{Defined, Formula, Mistake, NoConventions, Wrong, rounded};
use crate::json;
use crate::losses::rows::checked_rows;
use crate::number::{Wide, wide_dot};
use serde::Deserialize;
use serde_json::{Value, json};

/// A Hessian and one probe.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// `[n][n]`, finite; it need not be symmetric.
    #[serde(with = "json::matrix")]
    pub hessian: Vec<Vec<f64>>,
    /// `[n]`, finite.
    #[serde(with = "json::reals")]
    pub probe: Vec<f64>,
    /// There are none.
    #[serde(default, deserialize_with = "json::object")]
    pub conventions: NoConventions,
}

// ---- definition -------------------------------------------------------------------------------

/// (H u)_i
pub fn hessian_vector_product(hessian: &[Vec<Expr>], probe: &[Expr]) -> Vec<Expr> {
    hessian.iter().map(|row| dot(row, probe)).collect()
}

/// ĥ_i = u_i (H u)_i
pub fn estimate(hessian: &[Vec<Expr>], probe: &[Expr]) -> Vec<Expr> {
    hessian_vector_product(hessian, probe).into_iter().zip(probe).map(|(hu, &u)| u * hu).collect()
}

/// The definition at an input.
fn definition(input: &Value, _output: &Value, wrong: Wrong) -> Result<Vec<Defined>> {
    let input: Input = json::read(input.clone())?;
    Ok(vec![Defined::build(|numbers| {
        let hessian: Vec<Vec<Expr>> = input.hessian.iter().map(|row| numbers.list("H", row)).collect();
        let probe = numbers.list("u", &input.probe);
        let estimate = match wrong {
            Some("probe-missing") => hessian_vector_product(&hessian, &probe),
            _ => estimate(&hessian, &probe),
        };
        estimate.into_iter().enumerate().map(|(i, x)| (format!("/estimate/{i}"), x)).collect()
    })])
}

// ---- oracle -----------------------------------------------------------------------------------

/// u ∘ (H u), each component correctly rounded.
///
/// # Errors
/// Where shapes disagree or a number is not finite.
pub fn oracle(input: &Input) -> Result<Vec<f64>> {
    check(input)?;
    let u = &input.probe;
    let component = |(row, &u_i): (&Vec<f64>, &f64)| {
        rounded(Wide::from(u_i) * wide_dot(row, u), |numbers| {
            numbers.number("u_i", u_i) * dot(&numbers.list("H_i", row), &numbers.list("u", u))
        })
    };
    Ok(input.hessian.iter().zip(u).map(component).collect())
}

/// A square matrix and as many numbers, all finite.
pub(crate) fn check(input: &Input) -> Result<()> {
    let n = checked_rows("hessian", &input.hessian)?;
    domain::same_length("hessian[0]", n, input.hessian.len(), "hessian has rows")?;
    for (i, row) in input.hessian.iter().enumerate() {
        domain::all_finite(&format!("hessian[{i}]"), row)?;
    }
    if input.probe.len() != n {
        return Err(Error::shape("probe", input.probe.len(), format!("{n}, as hessian has rows")));
    }
    domain::all_finite("probe", &input.probe)
}

fn evaluate(value: Value) -> Result<Value> {
    let estimate = oracle(&json::read(value)?)?;
    Ok(json!({ "estimate": estimate.into_iter().map(json::number).collect::<Vec<_>>() }))
}

// ---- mistakes ---------------------------------------------------------------------------------

const MISTAKES: &[Mistake] = &[Mistake {
    id: "probe-missing",
    meaning: "the Hessian-vector product H u alone, whose mean is 0, in place of u ∘ (H u)",
    source: "a reading of \"the Hessian-vector product of a random vector\"",
    statement: || on_average(2, |h, u| hessian_vector_product(h, u)[0], |h| h[0][0]),
}];

// ---- claims -----------------------------------------------------------------------------------

fn matrix(x: &Inputs, n: usize) -> Vec<Vec<Expr>> {
    (0..n).map(|i| x.reals(&format!("H[{i}]"), n)).collect()
}

/// Every vector of n entries ±1.
fn rademacher(n: usize) -> Vec<Vec<Expr>> {
    (0..1usize << n).map(|bits| (0..n).map(|i| constant(1 - 2 * ((bits >> i) as i64 & 1))).collect()).collect()
}

/// The mean of `value` over all probes is `mean`.
fn on_average(
    n: usize,
    value: impl Fn(&[Vec<Expr>], &[Expr]) -> Expr,
    mean: impl Fn(&[Vec<Expr>]) -> Expr,
) -> Instance {
    all_on_average(n, |h, u| vec![value(h, u)], |h| vec![mean(h)])
}

fn all_on_average(
    n: usize,
    values: impl Fn(&[Vec<Expr>], &[Expr]) -> Vec<Expr>,
    means: impl Fn(&[Vec<Expr>]) -> Vec<Expr>,
) -> Instance {
    Instance::expectation(format!("n = {n}, all {} probes of ±1", 1 << n), |x| {
        let h = matrix(x, n);
        let outcomes: Vec<Vec<Expr>> = rademacher(n).iter().map(|u| values(&h, u)).collect();
        let probabilities = outcomes.iter().map(|_| ratio(1, 1 << n)).collect();
        let of_component = |i: usize| outcomes.iter().map(|values| values[i]).collect();
        (probabilities, means(&h).into_iter().enumerate().map(|(i, mean)| (of_component(i), mean)).collect())
    })
}

fn diagonal(h: &[Vec<Expr>]) -> Vec<Expr> {
    (0..h.len()).map(|i| h[i][i]).collect()
}

/// Σ_{j ≠ i} H_ij²
fn off_diagonal_squares(h: &[Vec<Expr>], i: usize) -> Expr {
    sum((0..h.len()).filter(|&j| j != i).map(|j| h[i][j].squared()))
}

fn squared_errors(h: &[Vec<Expr>], u: &[Expr]) -> Vec<Expr> {
    estimate(h, u).into_iter().zip(diagonal(h)).map(|(x, mean)| (x - mean).squared()).collect()
}

fn claims() -> Vec<Claim> {
    vec![
        Claim::refuted(
            "hutchinson/product-alone",
            Expectation,
            "the Hessian-vector product of a random vector is an estimate of the diagonal: E[H u] = diag(H)",
            "hutchinson/unbiased",
        )
        .source(Source::guide("2.3", "用 Hutchinson's estimator（随机向量的 Hessian-vector product）"))
        .at(all_on_average(2, hessian_vector_product, diagonal)),
        Claim::proved("hutchinson/unbiased", Expectation, "E[u ∘ (H u)] = diag(H), for every H, symmetric or not")
            .amends("hutchinson/product-alone")
            .at_all([2, 3, 4].map(|n| all_on_average(n, estimate, diagonal)))
            .control("probe-missing", on_average(2, |h, u| hessian_vector_product(h, u)[0], |h| h[0][0])),
        Claim::proved("hutchinson/product-mean", Expectation, "E[H u] = 0: the product alone says nothing")
            .at_all([2, 3, 4].map(|n| all_on_average(n, hessian_vector_product, |h| vec![constant(0); h.len()])))
            .control("mean-of-the-estimate", on_average(2, |h, u| estimate(h, u)[0], |_| constant(0))),
        Claim::proved(
            "hutchinson/variance",
            Expectation,
            "Var[u_i (H u)_i] = Σ_{j≠i} H_ij² for entries ±1: what is off the diagonal is the noise",
        )
        .at_all(
            [2, 3, 4].map(|n| {
                all_on_average(n, squared_errors, |h| (0..h.len()).map(|i| off_diagonal_squares(h, i)).collect())
            }),
        )
        .control(
            "normal-probe",
            // the variance with a standard normal u
            on_average(2, |h, u| squared_errors(h, u)[0], |h| 2 * h[0][0].squared() + off_diagonal_squares(h, 0)),
        ),
        Claim::proved(
            "hutchinson/diagonal",
            Identity,
            "for a diagonal H and entries ±1 one probe gives the diagonal itself",
        )
        .at(Instance::equal("n = 3, all 8 probes", |x| {
            let entries = x.reals("h", 3);
            let row = |i: usize| (0..3).map(|j| if i == j { entries[i] } else { constant(0) }).collect();
            let h: Vec<Vec<Expr>> = (0..3).map(row).collect();
            let estimates = rademacher(3).into_iter().flat_map(|u| estimate(&h, &u));
            estimates.zip(entries.iter().cycle()).map(|(found, &right)| (found, right)).collect()
        }))
        .control(
            "not-diagonal",
            Instance::equal("n = 2", |x| {
                let h = matrix(x, 2);
                vec![(estimate(&h, &rademacher(2)[0])[0], h[0][0])]
            }),
        ),
    ]
}

/// Hutchinson's estimator in the catalog.
pub const FORMULA: Formula = Formula {
    id: "hutchinson",
    name: "Hutchinson's estimator",
    equation: "ĥ = u ∘ (H u)",
    latex: &[
        r"\hat h = u \odot (H u)",
        r"\operatorname{E}[\hat h] = \operatorname{diag} H \quad \text{for } u_i = \pm 1",
    ],
    source: "Hutchinson (1989); Liu et al., Sophia (2023), Algorithm 1",
    input: "hessian [[n]], probe [n]",
    domain: "finite; n ≥ 1; hessian square",
    output: "estimate [n]",
    axes: &[],
    mistakes: MISTAKES,
    evaluate,
    definition,
    // everybody takes the matrix-vector product and multiplies it by u
    textbook: |input, output| definition(input, output, None),
    claims,
};
