//! # Inverse square root decay with linear warm-up
//!
//! lr(s) = max·s/W for s < W, then max·√(W/s) (fairseq's `inverse_sqrt`; the decay of Vaswani et al.
//! 2017 with the peak as a parameter). It has no end.
//!
//! Symbols: s step, W warmup_steps, max max_lr.

use crate::claim::{Claim, Instance, Kind::*, Source, Toward};
use crate::domain;
use crate::error::Result;
use crate::expression::{Expr, constant, sum};
use crate::formula::{Defined, Formula, Mistake, Wrong, axis, rounded};
use crate::json;
use crate::number::Wide;
use crate::schedules::warmup::{self, Warmup};
use serde::Deserialize;
use serde_json::Value;

axis! {
    /// What max_lr is.
    Peak "peak" {
        Max "max": "the rate at s = W",
        Base "base": "the factor of 1/√s: the whole curve, warm-up included, is divided by √W",
    }
}

/// The conventions of the inverse square root schedule.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conventions {
    /// What the rate is multiplied by in the warm-up.
    pub warmup: Warmup,
    /// What max_lr is.
    pub peak: Peak,
}

/// An inverse square root schedule and the steps to evaluate.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// s from 0 to 2^53, in any order.
    #[serde(deserialize_with = "json::wholes")]
    pub steps: Vec<i64>,
    /// max ≥ 0
    #[serde(with = "json::real")]
    pub max_lr: f64,
    /// W from 1 to 2^53
    #[serde(deserialize_with = "json::whole")]
    pub warmup_steps: i64,
    /// The choices.
    #[serde(default, deserialize_with = "json::object")]
    pub conventions: Conventions,
}

// ---- definition -------------------------------------------------------------------------------

/// max·√(W/s)
pub fn inverse_sqrt(max: Expr, s: Expr, w: Expr) -> Expr {
    max * (w / s).sqrt()
}

/// ∂lr/∂s = −lr/(2s)
pub fn slope(max: Expr, s: Expr, w: Expr) -> Expr {
    -(inverse_sqrt(max, s, w) / (2 * s))
}

/// lr at a whole step, for a whole W.
pub fn at(conventions: Conventions, s: i64, w: i64, max: Expr, wrong: Wrong) -> Expr {
    let max = match conventions.peak {
        Peak::Max => max,
        Peak::Base => max / constant(w).sqrt(),
    };
    let s = if wrong == Some("first-step-decayed") { s + 1 } else { s };
    if s < w {
        return max * warmup::multiplier(conventions.warmup, constant(s), constant(w));
    }
    match wrong {
        Some("timescale-ignored") => max / constant(s).sqrt(),
        Some("root-missing") => max * constant(w) / s,
        _ => inverse_sqrt(max, constant(s), constant(w)),
    }
}

/// The definitions at all steps of an input.
fn definition(input: &Value, _output: &Value, wrong: Wrong) -> Result<Vec<Defined>> {
    let input: Input = json::read(input.clone())?;
    Ok(warmup::define(&input.steps, |s, numbers| {
        at(input.conventions, s, input.warmup_steps, numbers.scalar("max_lr", input.max_lr), wrong)
    }))
}

// ---- oracle -----------------------------------------------------------------------------------

/// lr at every step, correctly rounded.
///
/// # Errors
/// Where max_lr, W or a step is outside its domain.
pub fn oracle(input: &Input) -> Result<Vec<f64>> {
    let (max, w, peak) = (input.max_lr, input.warmup_steps, input.conventions.peak);
    domain::non_negative("max_lr", max)?;
    warmup::whole_from("warmup_steps", w, 1)?;
    warmup::check_steps(&input.steps, 0)?;
    let (wide_max, wide_w) = (Wide::from(max), Wide::from_whole(w));
    let rate = |&s: &i64| {
        let wide_s = Wide::from_whole(s);
        let value = match peak {
            Peak::Max if s < w => warmup::rising_wide(input.conventions.warmup, wide_max, s, w),
            // one root of a product, which is exact where that is a square
            Peak::Max => wide_max * (wide_w * wide_s).sqrt() / wide_s,
            Peak::Base if s < w => warmup::rising_wide(input.conventions.warmup, wide_max, s, w) / wide_w.sqrt(),
            Peak::Base => wide_max / wide_s.sqrt(),
        };
        rounded(value, |numbers| at(input.conventions, s, w, numbers.scalar("max_lr", max), None))
    };
    Ok(input.steps.iter().map(rate).collect())
}

fn evaluate(value: Value) -> Result<Value> {
    Ok(warmup::output(&oracle(&json::read(value)?)?))
}

// ---- mistakes ---------------------------------------------------------------------------------

/// The false statement that a wrong form is the schedule, at the steps 0 to 8 of a run.
fn wrong_form(id: &'static str) -> Instance {
    Instance::equal("W = 4, s = 0 to 8", |x| {
        let max = x.real("max");
        let form = |s, wrong| at(Conventions::default(), s, 4, max, wrong);
        (0..=8).map(|s| (form(s, None), form(s, Some(id)))).collect()
    })
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "timescale-ignored",
        meaning: "max/√s after a warm-up to max: the rate falls by √W at the end of the warm-up",
        source: "huggingface/transformers #44908",
        statement: || wrong_form("timescale-ignored"),
    },
    Mistake {
        id: "first-step-decayed",
        meaning: "the first step gets the value of the second, lr(s + 1)",
        source: "tracel-ai/burn #1198",
        statement: || wrong_form("first-step-decayed"),
    },
    Mistake {
        id: "root-missing",
        meaning: "max·W/s in place of max·√(W/s)",
        source: "a slip",
        statement: || wrong_form("root-missing"),
    },
];

// ---- claims -----------------------------------------------------------------------------------

/// lr(ks)² against max²W/(ks) over `divisor`: all is positive, so that the squares decide.
fn square_at(k: i64, divisor: i64) -> Instance {
    Instance::equal(format!("lr² at s·{k}, s and W as symbols"), |x| {
        let (max, s, w) = (x.positive("max"), x.positive("s"), x.positive("W"));
        vec![(inverse_sqrt(max, k * s, w).squared(), max.squared() * w / s / divisor)]
    })
}

fn claims() -> Vec<Claim> {
    vec![
        Claim::proved(
            "inverse-sqrt/meets-the-warmup",
            Identity,
            "at s = W the rate is max, where the warm-up was going",
        )
        .source(Source::guide("3.3", "Inverse Sqrt | Linear | 1/√t | 缓慢 | Transformer 原版"))
        .at(Instance::equal("W as a symbol", |x| {
            let (max, w) = (x.positive("max"), x.positive("W"));
            let rising = max * warmup::multiplier(Warmup::Step, w, w);
            vec![(inverse_sqrt(max, w, w), max), (rising, max)]
        }))
        .control(
            "timescale-ignored",
            Instance::equal("W as a symbol", |x| {
                let (max, w) = (x.positive("max"), x.positive("W"));
                vec![(max / w.sqrt(), max)]
            }),
        ),
        Claim::proved(
            "inverse-sqrt/decays-as-a-root",
            Identity,
            "lr(s)² s is the same at every s: lr is proportional to 1/√s",
        )
        .source(Source::guide("3.3", "Inverse Sqrt | 1/√t"))
        .at(Instance::equal("s, u and W as symbols", |x| {
            let (max, s, u, w) = (x.positive("max"), x.positive("s"), x.positive("u"), x.positive("W"));
            let (at_s, at_u) = (inverse_sqrt(max, s, w).squared() * s, inverse_sqrt(max, u, w).squared() * u);
            vec![(at_s, at_u), (at_s, max.squared() * w)]
        }))
        .control(
            "root-missing",
            Instance::equal("s, u and W as symbols", |x| {
                let (max, s, u, w) = (x.positive("max"), x.positive("s"), x.positive("u"), x.positive("W"));
                vec![(inverse_sqrt(max, s, w) * s, inverse_sqrt(max, u, w) * u)]
            }),
        ),
        Claim::proved(
            "inverse-sqrt/slow",
            Identity,
            "four times the steps halve the rate: lr(s)² = max²W/s and lr(4s)² = max²W/(4s)",
        )
        .source(Source::guide("3.3", "Inverse Sqrt | 末尾: 缓慢"))
        .at_all([square_at(1, 1), square_at(4, 4)])
        .at(Instance::equal("s and W as symbols", |x| {
            let (max, s, w) = (x.positive("max"), x.positive("s"), x.positive("W"));
            vec![(inverse_sqrt(max, 4 * s, w), inverse_sqrt(max, s, w) / 2)]
        })
        .beyond())
        .control("a-quarter", square_at(4, 16)),
        Claim::proved("inverse-sqrt/slope", Gradient, "∂lr/∂s = −lr/(2s)")
            .at(Instance::gradient("s and W as symbols", |x| {
                let (max, s, w) = (x.positive("max"), x.positive("s"), x.positive("W"));
                (inverse_sqrt(max, s, w), vec![s], vec![slope(max, s, w)])
            }))
            .control(
                "half-missing",
                Instance::gradient("s and W as symbols", |x| {
                    let (max, s, w) = (x.positive("max"), x.positive("s"), x.positive("W"));
                    (inverse_sqrt(max, s, w), vec![s], vec![2 * slope(max, s, w)])
                }),
            ),
        Claim::verified("inverse-sqrt/never-zero", Inequality, "the rate is above 0 at every step from W on")
            .at(Instance::greater("s = W + k", |x| {
                let (max, k, w) = (x.positive("max"), x.positive("k"), x.positive("W"));
                vec![(inverse_sqrt(max, w + k, w), constant(0))]
            }))
            .control(
                "above-half-the-peak",
                Instance::greater("s = W + k", |x| {
                    let (max, k, w) = (x.positive("max"), x.positive("k"), x.positive("W"));
                    vec![(inverse_sqrt(max, w + k, w), max / 2)]
                }),
            ),
        Claim::verified("inverse-sqrt/tends-to-zero", Limit, "lr(s) → 0 as s → ∞, without an end")
            .at(Instance::limit("s → ∞", Toward::Infinity, |x| {
                let (max, s, w) = (x.positive("max"), x.positive("s"), x.positive("W"));
                (s, vec![(inverse_sqrt(max, s, w), constant(0))])
            }))
            .control(
                "to-half-the-peak",
                Instance::limit("s → ∞", Toward::Infinity, |x| {
                    let (max, s, w) = (x.positive("max"), x.positive("s"), x.positive("W"));
                    (s, vec![(inverse_sqrt(max, s, w), max / 2)])
                }),
            ),
        Claim::refuted(
            "inverse-sqrt/bounded-sum",
            Inequality,
            "from s = W on the rates add up to less than 2·max·W, however long the run",
            "inverse-sqrt/unbounded-sum",
        )
        .at(Instance::greater("W = 1, 10 steps", |x| {
            let max = x.positive("max");
            vec![(2 * max, sum((1..=10).map(|s| inverse_sqrt(max, constant(s), constant(1)))))]
        })),
        Claim::verified(
            "inverse-sqrt/unbounded-sum",
            Inequality,
            "they grow without bound: over the steps W … n − 1 they add up to more than 2·max·(√(Wn) − W)",
        )
        .amends("inverse-sqrt/bounded-sum")
        .at_all([(1, 2), (1, 10), (4, 30), (10, 100)].map(|(w, n)| {
            Instance::greater(format!("W = {w}, n = {n}"), |x| {
                let max = x.positive("max");
                let rates = sum((w..n).map(|s| inverse_sqrt(max, constant(s), constant(w))));
                vec![(rates, 2 * max * (constant(w * n).sqrt() - w))]
            })
        }))
        .control(
            "twice-as-much",
            Instance::greater("W = 1, n = 10", |x| {
                let max = x.positive("max");
                let rates = sum((1..10).map(|s| inverse_sqrt(max, constant(s), constant(1))));
                vec![(rates, 4 * max * (constant(10).sqrt() - 1))]
            }),
        ),
        Claim::proved(
            "inverse-sqrt/base",
            Identity,
            "under the convention \"base\" the rate is max/√s: squared, max²/s, whatever W",
        )
        .at(Instance::equal("s and W as symbols, squared: both sides are positive", |x| {
            let (max, s, w) = (x.positive("max"), x.positive("s"), x.positive("W"));
            vec![(inverse_sqrt(max / w.sqrt(), s, w).squared(), max.squared() / s)]
        }))
        .control(
            "peak-max",
            Instance::equal("s and W as symbols", |x| {
                let (max, s, w) = (x.positive("max"), x.positive("s"), x.positive("W"));
                vec![(inverse_sqrt(max, s, w).squared(), max.squared() / s)]
            }),
        ),
    ]
}

/// The inverse square root schedule in the catalog.
pub const FORMULA: Formula = Formula {
    id: "inverse-sqrt",
    name: "Inverse square root decay with linear warm-up",
    equation: "lr(s) = max·s/W for s < W;  max·√(W/s) from W on",
    latex: &[
        r"\eta(s) = \eta_{\max} \frac{s}{W} \quad \text{for } s < W",
        r"\eta(s) = \eta_{\max} \sqrt{\frac{W}{s}} \quad \text{from } W \text{ on}",
    ],
    source: "facebookresearch/fairseq inverse_square_root_schedule.py @07665ac",
    input: "steps [..], max_lr, warmup_steps",
    domain: "steps whole numbers from 0 to 2^53; max_lr ≥ 0; 1 ≤ W ≤ 2^53",
    output: "lr [..]",
    axes: &[Warmup::AXIS, Peak::AXIS],
    mistakes: MISTAKES,
    evaluate,
    definition,
    // everybody computes this in f64 on the host
    textbook: |input, output| definition(input, output, None),
    claims,
};
