//! # InfoNCE
//!
//! ℓ = −ln( e^{sim(q,k₊)/τ} / Σ_{j=0..K} e^{sim(q,k_j)/τ} ), where k_0 = k₊ is the positive and the
//! others are negatives (van den Oord et al., *Representation Learning with Contrastive Predictive
//! Coding*, 2018, equation 4; with a temperature, He et al., *MoCo*, 2020, equation 1).
//!
//! With s_j = sim(q, k_j) and p = softmax(s/τ): ∂ℓ/∂s_j = (p_j − [j = 0])/τ, and through the cosine
//! ∂s_j/∂q = (k̂_j − s_j q̂)/‖q‖, ∂s_j/∂k_j = (q̂ − s_j k̂_j)/‖k_j‖, with x̂ = x/‖x‖. For a learned
//! temperature ∂ℓ/∂τ = Σ_j p_j (s_0 − s_j)/τ². The loss of a batch is the mean over its rows.
//!
//! Symbols: q query, k₊ positive, k_j negatives, τ temperature, p softmax, B rows, K negatives of a
//! row, d dimension. Similarities and their conventions: [`similarity`].

use crate::claim::{Inputs, Instance};
use crate::error::{Error, Result};
use crate::expression::{Expr, dot, log_sum_exp, maximum, norm, ratio, sum};
use crate::formula::{Defined, Formula, Mistake, Wrong};
use crate::json;
use crate::losses::contrast::{self, Contrasted, Line, Table, contrast as contrast_of, logits, similarity_weights};
use crate::losses::rounding;
use crate::losses::similarity::textbook::{Compared, Way};
use crate::losses::similarity::{self, Similarity, clamp, similarity_gradient};
use serde::{Deserialize, Serialize};
use serde_json::Value;

mod claims;

/// The conventions of InfoNCE.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conventions {
    /// How similar two vectors are.
    pub similarity: Similarity,
}

/// B queries, each with its positive and its negatives.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// q, `[B][d]`
    #[serde(with = "json::matrix")]
    pub query: Vec<Vec<f64>>,
    /// k₊, `[B][d]`
    #[serde(with = "json::matrix")]
    pub positive: Vec<Vec<f64>>,
    /// k_j, `[B][K][d]`; K ≥ 0 may differ by row.
    #[serde(with = "json::tensor")]
    pub negatives: Vec<Vec<Vec<f64>>>,
    /// τ > 0
    #[serde(default = "temperature", with = "json::real")]
    pub temperature: f64,
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
    /// The mean over the rows.
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
    pub query: Vec<Vec<f64>>,
    /// `[B][d]`
    #[serde(with = "json::matrix")]
    pub positive: Vec<Vec<f64>>,
    /// `[B][K][d]`
    #[serde(with = "json::tensor")]
    pub negatives: Vec<Vec<Vec<f64>>>,
    /// A number.
    #[serde(with = "json::real")]
    pub temperature: f64,
}

// ---- definition -------------------------------------------------------------------------------

/// s_j = sim(q, k_j), the positive first
pub fn similarities(q: &[Expr], k: &[Vec<Expr>], kind: Similarity) -> Vec<Expr> {
    k.iter().map(|k| similarity::similarity(q, k, kind, clamp())).collect()
}

/// ℓ = −ln( e^{sim(q,k_0)/τ} / Σ_j e^{sim(q,k_j)/τ} )
pub fn info_nce(q: &[Expr], k: &[Vec<Expr>], tau: Expr, kind: Similarity) -> Expr {
    contrast_of(&similarities(q, k, kind), 0, tau)
}

/// ∂ℓ/∂q = Σ_j (p_j − [j = 0])/τ · ∂s_j/∂q
pub fn query_gradient(q: &[Expr], k: &[Vec<Expr>], tau: Expr, kind: Similarity) -> Vec<Expr> {
    let weights = similarity_weights(&similarities(q, k, kind), 0, tau);
    let slopes: Vec<Vec<Expr>> = k.iter().map(|k| similarity_gradient(q, k, kind, clamp())).collect();
    (0..q.len()).map(|i| sum(weights.iter().zip(&slopes).map(|(&w, slope)| w * slope[i]))).collect()
}

/// ∂ℓ/∂k_j = (p_j − [j = 0])/τ · ∂s_j/∂k_j, the positive first
pub fn key_gradients(q: &[Expr], k: &[Vec<Expr>], tau: Expr, kind: Similarity) -> Vec<Vec<Expr>> {
    let weights = similarity_weights(&similarities(q, k, kind), 0, tau);
    let of_key = |(&w, k): (&Expr, &Vec<Expr>)| {
        similarity_gradient(k, q, kind, clamp()).into_iter().map(|slope| w * slope).collect()
    };
    weights.iter().zip(k).map(of_key).collect()
}

/// ∂ℓ/∂τ = Σ_j p_j (s_0 − s_j)/τ²
pub fn temperature_gradient(q: &[Expr], k: &[Vec<Expr>], tau: Expr, kind: Similarity) -> Expr {
    contrast::temperature_gradient(&similarities(q, k, kind), 0, tau)
}

/// A row's loss with its derivatives: ∂ℓ/∂q, ∂ℓ/∂k_j and ∂ℓ/∂τ.
pub struct Row {
    /// ℓ
    pub loss: Expr,
    /// `[d]`
    pub query: Vec<Expr>,
    /// `[K + 1][d]`, the positive first
    pub keys: Vec<Vec<Expr>>,
    /// A number.
    pub temperature: Expr,
}

/// A row, or a wrong form of its loss or of a derivative.
pub fn row(q: &[Expr], k: &[Vec<Expr>], tau: Expr, kind: Similarity, wrong: Wrong) -> Row {
    let s = match wrong {
        Some("norms-of-one") => k.iter().map(|k| dot(q, k) / norm(q).squared()).collect(),
        _ => similarities(q, k, kind),
    };
    let mut row = Row {
        loss: contrast::loss(&s, 0, tau, wrong),
        query: query_gradient(q, k, tau, kind),
        keys: key_gradients(q, k, tau, kind),
        temperature: temperature_gradient(q, k, tau, kind),
    };
    match wrong {
        Some("gradient-without-1-over-tau") => row.query.iter_mut().for_each(|g| *g = *g * tau),
        Some("temperature-gradient-sign") => row.temperature = -row.temperature,
        Some("cosine-projection-missing") => {
            let weights = similarity_weights(&s, 0, tau);
            let unprojected = |i: usize| sum(weights.iter().zip(k).map(|(&w, k)| w * (k[i] / norm(k)) / norm(q)));
            row.query = (0..q.len()).map(unprojected).collect();
        }
        _ => {}
    }
    row
}

/// A query with its keys, the positive first.
pub type Query = (Vec<Expr>, Vec<Vec<Expr>>);

/// The mean over the rows, with its derivatives.
pub struct Reduced {
    /// ℓ
    pub loss: Expr,
    /// A number.
    pub temperature: Expr,
    /// `[B]` of the query's and of the keys', the positive first
    pub rows: Vec<(Vec<Expr>, Vec<Vec<Expr>>)>,
}

/// The definition at an input, or a wrong form of it.
fn defined(input: &Input, wrong: Wrong) -> Defined {
    at_input(input, |queries, tau| {
        let b = queries.len() as i64;
        let n = if wrong == Some("batch-mean-missing") { 1 } else { b };
        let kind = input.conventions.similarity;
        let rows: Vec<Row> = queries.iter().map(|(q, keys)| row(q, keys, tau, kind, wrong)).collect();
        let over = |list: &[Expr]| list.iter().map(|&g| g / n).collect::<Vec<_>>();
        Reduced {
            loss: sum(rows.iter().map(|r| r.loss)) / b,
            temperature: sum(rows.iter().map(|r| r.temperature)) / n,
            rows: rows.iter().map(|r| (over(&r.query), r.keys.iter().map(|k| over(k)).collect())).collect(),
        }
    })
}

fn definition(input: &Value, _output: &Value, wrong: Wrong) -> Result<Vec<Defined>> {
    Ok(vec![defined(&json::read(input.clone())?, wrong)])
}

/// What `reduce` makes of an input.
fn at_input(input: &Input, reduce: impl Fn(&[Query], Expr) -> Reduced) -> Defined {
    Defined::build(|numbers| {
        let tau = numbers.number("temperature", input.temperature);
        let query = |i: usize| {
            let keys = std::iter::once(&input.positive[i]).chain(&input.negatives[i]);
            (numbers.list("query", &input.query[i]), keys.map(|k| numbers.list("key", k)).collect())
        };
        let queries: Vec<Query> = (0..input.query.len()).map(query).collect();
        let reduced = reduce(&queries, tau);
        let mut outputs =
            vec![("/loss".to_string(), reduced.loss), ("/gradient/temperature".to_string(), reduced.temperature)];
        for (i, (query, keys)) in reduced.rows.iter().enumerate() {
            let mut push = |place: String, list: &[Expr]| {
                outputs.extend(list.iter().enumerate().map(|(c, &g)| (format!("/gradient/{place}/{c}"), g)));
            };
            push(format!("query/{i}"), query);
            push(format!("positive/{i}"), &keys[0]);
            keys[1..].iter().enumerate().for_each(|(j, k)| push(format!("negatives/{i}/{j}"), k));
        }
        outputs
    })
}

// ---- textbook ---------------------------------------------------------------------------------

/// The mean one way: similarities, then their max-shifted cross-entropy with label 0. `shift` gives the
/// M of a row.
pub fn textbook(queries: &[Query], tau: Expr, kind: Similarity, way: Way, shift: impl Fn(&[Expr]) -> Expr) -> Reduced {
    let b = queries.len() as i64;
    let compared = queries.iter().map(|(q, keys)| Compared::of(std::slice::from_ref(q), keys, kind, way, clamp()));
    let rows: Vec<(Compared, Contrasted)> = compared
        .map(|compared| {
            let closed = way == Way::Closed;
            let contrasted = contrast::textbook(&compared.s[0], 0, tau, ratio(1, b), closed, &shift);
            (compared, contrasted)
        })
        .collect();
    let gradient = |(compared, contrasted): &(Compared, Contrasted)| {
        let (query, keys) = compared.backward(std::slice::from_ref(&contrasted.d_s));
        (query.concat(), keys)
    };
    Reduced {
        loss: sum(rows.iter().map(|(_, row)| row.loss)) / b,
        temperature: sum(rows.iter().flat_map(|(_, row)| row.d_tau.iter().copied())),
        rows: rows.iter().map(gradient).collect(),
    }
}

/// One way at an input.
fn one_textbook(input: &Input, way: Way) -> Defined {
    at_input(input, |queries, tau| textbook(queries, tau, input.conventions.similarity, way, maximum))
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
    let (mut vectors, mut pairs, mut lines): (Vec<&[f64]>, _, _) = (Vec::new(), Vec::new(), Vec::new());
    for ((q, positive), negatives) in input.query.iter().zip(&input.positive).zip(&input.negatives) {
        let (at, keys) = (vectors.len(), 1 + negatives.len());
        lines.push(Line { positive: pairs.len(), negatives: (pairs.len() + 1..pairs.len() + keys).collect() });
        pairs.extend((1..=keys).map(|j| [at, at + j]));
        vectors.extend([q, positive].into_iter().chain(negatives).map(Vec::as_slice));
    }
    let kind = input.conventions.similarity;
    let mean = Table::of(&vectors, &pairs, lines, input.temperature, kind).mean();
    let mut answers = rounding::nearest(&mean, &[&|| defined(input, None), &|| one_textbook(input, Way::Quotient)]);
    let (loss, temperature) = (answers.number(), answers.number());
    let mut vector = || answers.list(input.query[0].len());
    let (mut query, mut positive, mut negatives) = (Vec::new(), Vec::new(), Vec::new());
    for row in &input.negatives {
        query.push(vector());
        positive.push(vector());
        negatives.push(row.iter().map(|_| vector()).collect());
    }
    Ok(Output { loss, gradient: Gradient { query, positive, negatives, temperature } })
}

pub(crate) fn validate(input: &Input) -> Result<()> {
    let rows = input.query.len();
    let Some(first) = input.query.first() else {
        return Err(Error::shape("query", 0, "at least 1 row"));
    };
    if first.is_empty() {
        return Err(Error::shape("query[0]", 0, "at least 1 number"));
    }
    crate::domain::same_length("positive", input.positive.len(), rows, "query has rows")?;
    crate::domain::same_length("negatives", input.negatives.len(), rows, "query has rows")?;
    crate::domain::positive("temperature", input.temperature)?;
    let kind = input.conventions.similarity;
    similarity::check_vectors("query", &input.query, first.len(), kind)?;
    similarity::check_vectors("positive", &input.positive, first.len(), kind)?;
    for (b, negatives) in input.negatives.iter().enumerate() {
        similarity::check_vectors(&format!("negatives[{b}]"), negatives, first.len(), kind)?;
    }
    Ok(())
}

fn evaluate(value: Value) -> Result<Value> {
    Ok(json::write(&oracle(&json::read(value)?)?))
}

// ---- mistakes ---------------------------------------------------------------------------------

/// A positive and a temperature above zero beside `n` other similarities.
fn free_similarities(x: &Inputs, n: usize) -> (Vec<Expr>, Expr) {
    (x.reals("s", n + 1), x.positive("tau"))
}

/// The query, its keys with the positive first, and the temperature.
fn vectors(x: &Inputs, d: usize, k: usize) -> (Vec<Expr>, Vec<Vec<Expr>>, Expr) {
    let q = x.reals("q", d);
    let keys = (0..=k).map(|j| x.reals(&format!("k{j}"), d)).collect();
    (q, keys, x.positive("tau"))
}

/// A loss over similarities in a wrong form, as a false statement.
fn wrong_loss(form: fn(&[Expr], Expr) -> Expr) -> Instance {
    Instance::equal("K = 2", |x| {
        let (s, tau) = free_similarities(x, 2);
        vec![(contrast_of(&s, 0, tau), form(&s, tau))]
    })
}

fn temperature_on_negatives_only() -> Instance {
    wrong_loss(|s, tau| {
        let z = [vec![s[0]], logits(&s[1..], tau)].concat();
        log_sum_exp(&z) - z[0]
    })
}

fn temperature_multiplied() -> Instance {
    wrong_loss(|s, tau| contrast_of(s, 0, 1 / tau))
}

fn positive_missing_from_denominator() -> Instance {
    wrong_loss(|s, tau| {
        let z = logits(s, tau);
        log_sum_exp(&z[1..]) - z[0]
    })
}

fn gradient_without_1_over_tau() -> Instance {
    Instance::gradient("K = 2", |x| {
        let (s, tau) = free_similarities(x, 2);
        let weights = similarity_weights(&s, 0, tau).into_iter().map(|w| w * tau).collect();
        (contrast_of(&s, 0, tau), s, weights)
    })
}

fn temperature_gradient_sign() -> Instance {
    Instance::gradient("K = 2", |x| {
        let (s, tau) = free_similarities(x, 2);
        (contrast_of(&s, 0, tau), vec![tau], vec![-contrast::temperature_gradient(&s, 0, tau)])
    })
}

fn norms_of_one() -> Instance {
    Instance::equal("d = 2, K = 1", |x| {
        let (q, k, tau) = vectors(x, 2, 1);
        let s: Vec<Expr> = k.iter().map(|k| dot(&q, k) / norm(&q).squared()).collect();
        vec![(info_nce(&q, &k, tau, Similarity::Cosine), contrast_of(&s, 0, tau))]
    })
}

fn cosine_projection_missing() -> Instance {
    Instance::gradient("d = 2, K = 1", |x| {
        let (q, k, tau) = vectors(x, 2, 1);
        let weights = similarity_weights(&similarities(&q, &k, Similarity::Cosine), 0, tau);
        let unprojected = |i: usize| sum(weights.iter().zip(&k).map(|(&w, k)| w * (k[i] / norm(k)) / norm(&q)));
        let claimed = (0..2).map(unprojected).collect();
        (info_nce(&q, &k, tau, Similarity::Cosine), q, claimed)
    })
}

/// Two rows of similarities, three to a row.
fn two_rows(x: &Inputs) -> (Vec<Vec<Expr>>, Expr) {
    (vec![x.reals("s", 3), x.reals("r", 3)], x.positive("tau"))
}

/// The mean over the rows of ℓ.
pub fn batch_mean(rows: &[Vec<Expr>], tau: Expr) -> Expr {
    sum(rows.iter().map(|s| contrast_of(s, 0, tau))) / rows.len() as i64
}

fn batch_mean_missing() -> Instance {
    Instance::gradient("B = 2, K = 2", |x| {
        let (rows, tau) = two_rows(x);
        (batch_mean(&rows, tau), rows[0].clone(), similarity_weights(&rows[0], 0, tau))
    })
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "temperature-on-negatives-only",
        meaning: "the positive's similarity is not divided by τ",
        source: "RElbers/info-nce-pytorch #17, WXinlong/DenseCL #12",
        statement: temperature_on_negatives_only,
    },
    Mistake {
        id: "temperature-multiplied",
        meaning: "similarities are multiplied by τ in place of divided",
        source: "bowang-lab/BLEEP #5",
        statement: temperature_multiplied,
    },
    Mistake {
        id: "positive-missing-from-denominator",
        meaning: "the sum in the denominator is over the negatives alone",
        source: "amazon-science/sccl #27, on its paper",
        statement: positive_missing_from_denominator,
    },
    Mistake {
        id: "gradient-without-1-over-tau",
        meaning: "∂ℓ/∂s_j = p_j − [j = 0], without the factor 1/τ",
        source: "a slip in hand derivations",
        statement: gradient_without_1_over_tau,
    },
    Mistake {
        id: "temperature-gradient-sign",
        meaning: "∂ℓ/∂τ = Σ p_j (s_j − s_0)/τ², with the sign turned",
        source: "a slip in hand derivations",
        statement: temperature_gradient_sign,
    },
    Mistake {
        id: "norms-of-one",
        meaning: "the cosine divides by ‖q‖² in place of ‖q‖‖k‖",
        source: "incanter/incanter #73",
        statement: norms_of_one,
    },
    Mistake {
        id: "cosine-projection-missing",
        meaning: "∂s/∂q = k̂/‖q‖, without − s q̂/‖q‖",
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

/// InfoNCE in the catalog.
pub const FORMULA: Formula = Formula {
    id: "info-nce",
    name: "InfoNCE",
    equation: "ℓ = −ln( e^{sim(q,k₊)/τ} / Σ_j e^{sim(q,k_j)/τ} );  ∂ℓ/∂s_j = (p_j − [j = 0])/τ;  \
∂ℓ/∂τ = Σ_j p_j (s_0 − s_j)/τ²",
    latex: &[
        r"\ell = -\ln \frac{e^{s_0/\tau}}{\sum_j e^{s_j/\tau}}, \quad s_j = \operatorname{sim}(q, k_j)",
        r"\frac{\partial \ell}{\partial s_j} = \frac{p_j - [j = 0]}{\tau}",
        r"\frac{\partial \ell}{\partial \tau} = \frac{1}{\tau^2} \sum_j p_j (s_0 - s_j)",
    ],
    source: "van den Oord, Li, Vinyals, Representation Learning with Contrastive Predictive Coding (2018), \
equation 4; He et al., Momentum Contrast (2020), equation 1",
    input: "query [[d]], positive [[d]], negatives [[[d]]], temperature (0.07)",
    domain: "temperature > 0, all finite, no zero vector under \"cosine\"; B, d ≥ 1, K ≥ 0, and K may \
differ by row",
    output: "loss, gradient {query [[d]], positive [[d]], negatives [[[d]]], temperature}",
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

    fn two_rows_of_vectors() -> Value {
        json!({
            "query": [[1.0, 0.5], [0.25, -1.0]],
            "positive": [[0.5, 1.0], [1.0, -0.5]],
            "negatives": [[[1.0, -1.0]], [[-2.0, 0.5], [0.75, 1.5]]],
            "temperature": 0.5
        })
    }

    #[test]
    fn errors_name_the_field() {
        let changed = |field: &str, value: Value| {
            let mut input = two_rows_of_vectors();
            input[field] = value;
            evaluate(input).unwrap_err().to_string()
        };
        for (field, value, message) in [
            ("query", json!([]), "query: found length 0, allowed is at least 1 row"),
            ("query", json!([[], []]), "query[0]: found length 0, allowed is at least 1 number"),
            ("query", json!([[1.0, 0.5], [0.0, -0.0]]), "query[1]: division by zero"),
            ("positive", json!([[1.0, 0.5]]), "positive: found length 1, allowed is 2"),
            ("positive", json!([[1.0, 0.5], [1.0]]), "positive[1]: found length 1, allowed is 2"),
            ("negatives", json!([[[1.0, "NaN"]], []]), "negatives[0][0][1]: found NaN"),
            ("negatives", json!([[[0.0, 0.0]], []]), "negatives[0][0]: division by zero"),
            ("temperature", json!(0), "temperature: found 0, allowed is a finite number above 0"),
            ("temperature", json!("Infinity"), "temperature: found inf"),
            ("tau", json!(1), "tau: unknown field"),
            ("conventions", json!({ "similarity": "cos" }), "conventions.similarity: unknown variant"),
        ] {
            let found = changed(field, value);
            assert!(found.starts_with(message), "{found:?} and not {message:?}");
        }
    }

    #[test]
    fn the_ends_of_the_range() {
        let at = |q: f64, k: f64, tau: f64, kind: &str| {
            let input = json!({
                "query": [[q, 0.5 * q]], "positive": [[k, k]], "negatives": [[[2.0 * k, -k], [k, 0.5 * k]]],
                "temperature": tau, "conventions": { "similarity": kind }
            });
            evaluate(input).unwrap()
        };
        // an underflow, an overflow and neither, and no NaN
        for kind in ["cosine", "cosine-clamp-each", "cosine-clamp-product", "dot"] {
            for q in [5e-324, 1e-300, 1.0, 8e307] {
                for k in [5e-324, 1e-300, -1.0, 8e307] {
                    for tau in [5e-324, 1e-300, 1.0, 1.7e308] {
                        let output = at(q, k, tau, kind).to_string();
                        assert!(!output.contains("NaN"), "{kind} {q} {k} {tau}: {output}");
                    }
                }
            }
        }
        assert_eq!(at(1.0, 1.0, 5e-324, "cosine")["loss"], json!("Infinity"));
    }
}
