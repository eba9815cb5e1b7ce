//! # Linear decay with linear warm-up
//!
//! lr(s) = max·s/W for s < W, then min + (max − min)(T − s)/(T − W) (Hugging Face's
//! `get_linear_schedule_with_warmup`, where min is 0).
//!
//! The value at T holds from there on, goes on falling, or starts again at the peak.
//!
//! Symbols: s step, W warmup_steps, T total_steps, max max_lr, min min_lr.

use crate::claim::{Claim, Domain, Inputs, Instance, Kind::*, Source};
use crate::error::Result;
use crate::expression::{Expr, constant, sum};
use crate::formula::{Defined, Formula, Mistake, Numbers, Wrong};
use crate::json;
use crate::schedules::decay;
use crate::schedules::warmup::{self, AfterEnd, Plan, Timing, Warmup};
use serde::Deserialize;
use serde_json::Value;

/// The conventions of the linear schedule.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conventions {
    /// What the rate is multiplied by in the warm-up.
    pub warmup: Warmup,
    /// What follows the end.
    pub after_end: AfterEnd,
}

/// A linear schedule and the steps to evaluate.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// s from 0 to 2^53, in any order.
    #[serde(deserialize_with = "json::wholes")]
    pub steps: Vec<i64>,
    /// max ≥ min
    #[serde(with = "json::real")]
    pub max_lr: f64,
    /// min ≥ 0
    #[serde(default, with = "json::real")]
    pub min_lr: f64,
    /// 0 ≤ W < T
    #[serde(default, deserialize_with = "json::whole")]
    pub warmup_steps: i64,
    /// T ≤ 2^53
    #[serde(deserialize_with = "json::whole")]
    pub total_steps: i64,
    /// The choices.
    #[serde(default, deserialize_with = "json::object")]
    pub conventions: Conventions,
}

impl Input {
    fn timing(&self) -> Timing {
        let Conventions { warmup, after_end, .. } = self.conventions;
        Timing { warmup_steps: self.warmup_steps, total_steps: self.total_steps, warmup, after_end }
    }
}

// ---- definition -------------------------------------------------------------------------------

/// min + (max − min)(T − s)/(T − W)
pub fn linear(max: Expr, min: Expr, s: Expr, w: Expr, t: Expr) -> Expr {
    min + (max - min) * (t - s) / (t - w)
}

/// lr at a whole step, for whole W and T.
pub fn at(timing: Timing, s: i64, max: Expr, min: Expr, wrong: Wrong) -> Expr {
    let (w, t) = (constant(timing.warmup_steps), constant(timing.total_steps));
    if wrong == Some("zero-warmup-at-min") && timing.warmup_steps == 0 {
        return min;
    }
    timing.at(s, max, wrong, |s| {
        let s = constant(s);
        match wrong {
            Some("warmup-not-subtracted") => linear(max, min, s, constant(0), t),
            Some("min-ignored") => linear(max, constant(0), s, w, t),
            Some("min-max-swapped") => linear(min, max, s, w, t),
            _ => linear(max, min, s, w, t),
        }
    })
}

impl Input {
    /// lr at a step.
    fn at(&self, s: i64, numbers: &Numbers, wrong: Wrong) -> Expr {
        let (max, min) = (numbers.scalar("max_lr", self.max_lr), numbers.scalar("min_lr", self.min_lr));
        at(self.timing(), s, max, min, wrong)
    }
}

/// The definitions at all steps of an input.
fn definition(input: &Value, _output: &Value, wrong: Wrong) -> Result<Vec<Defined>> {
    let input: Input = json::read(input.clone())?;
    Ok(warmup::define(&input.steps, |s, numbers| input.at(s, numbers, wrong)))
}

// ---- oracle -----------------------------------------------------------------------------------

/// lr at every step, correctly rounded.
///
/// # Errors
/// Where a rate, W, T or a step is outside its domain.
pub fn oracle(input: &Input) -> Result<Vec<f64>> {
    let Input { max_lr: max, min_lr: min, warmup_steps, .. } = *input;
    let timing = input.timing();
    let decayed = |s: i64, max, min| decay::linear_wide(max, min, s - warmup_steps, timing.decay_steps());
    Plan { max, min, timing }.evaluate(&input.steps, decayed, |s, numbers| input.at(s, numbers, None))
}

fn evaluate(value: Value) -> Result<Value> {
    Ok(warmup::output(&oracle(&json::read(value)?)?))
}

// ---- mistakes ---------------------------------------------------------------------------------

/// The false statement that a wrong form is the schedule, at the steps 0 to 8 of a run.
fn wrong_form(id: &'static str) -> Instance {
    let w = if id == "zero-warmup-at-min" { 0 } else { 2 };
    Instance::equal(format!("W = {w}, T = 6, s = 0 to 8"), |x| {
        let (max, min) = (x.real("max"), x.real("min"));
        let timing = Timing::new(w, 6);
        (0..=8).map(|s| (at(timing, s, max, min, None), at(timing, s, max, min, Some(id)))).collect()
    })
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "warmup-not-subtracted",
        meaning: "the line is (T − s)/T and not (T − s)/(T − W): a jump down at the end of the warm-up",
        source: "Refefer/cloverleaf src/algos/ep/scheduler.rs @33fa364, for its cosine",
        statement: || wrong_form("warmup-not-subtracted"),
    },
    Mistake {
        id: "restart-off-by-one",
        meaning: "the step is taken modulo T − W + 1: past the end the rate jumps back to the peak",
        source: "tracel-ai/burn #5128, for its cosine",
        statement: || wrong_form("restart-off-by-one"),
    },
    Mistake {
        id: "first-step-decayed",
        meaning: "the first step gets the value of the second, lr(s + 1)",
        source: "tracel-ai/burn #1198",
        statement: || wrong_form("first-step-decayed"),
    },
    Mistake {
        id: "min-ignored",
        meaning: "the line goes to 0 whatever min_lr is",
        source: "a slip that the default min_lr = 0 hides",
        statement: || wrong_form("min-ignored"),
    },
    Mistake {
        id: "min-max-swapped",
        meaning: "the line rises from min_lr to max_lr",
        source: "a slip: arguments in the wrong order",
        statement: || wrong_form("min-max-swapped"),
    },
    Mistake {
        id: "zero-warmup-at-min",
        meaning: "with W = 0 the whole run stays at min_lr",
        source: "mlc-ai/pith-train PR #55",
        statement: || wrong_form("zero-warmup-at-min"),
    },
];

// ---- claims -----------------------------------------------------------------------------------

/// lr(s) between the symbols W and T = W + N, with N above 0.
struct Line {
    max: Expr,
    min: Expr,
    w: Expr,
    n: Expr,
}

impl Line {
    fn of(x: &Inputs) -> Line {
        let min = x.declare("min", Domain::NonNegative);
        Line { max: min + x.positive("max − min"), min, w: x.positive("W"), n: x.positive("N") }
    }

    fn at(&self, s: Expr) -> Expr {
        linear(self.max, self.min, s, self.w, self.w + self.n)
    }
}

fn last_step(said: impl Fn(&Line) -> Expr) -> Instance {
    Instance::equal("W and N = T − W as symbols", |x| {
        let line = Line::of(x);
        vec![(line.at(line.w + line.n - 1), said(&line))]
    })
}

/// The mean over the steps W … T − 1 of a decay of n steps, times n, against what it should be.
fn mean_at(n: i64, said: fn(Expr, Expr, i64) -> Expr) -> Instance {
    Instance::equal(format!("T − W = {n}"), |x| {
        let (max, min) = (x.real("max"), x.real("min"));
        let rates = (0..n).map(|s| at(Timing::new(0, n), s, max, min, None));
        vec![(sum(rates) / n, said(max, min, n))]
    })
}

fn claims() -> Vec<Claim> {
    vec![
        Claim::proved(
            "linear/interpolation",
            Identity,
            "max (1 − p) + min p with p = (s − W)/(T − W) is the same line",
        )
        .at(Instance::equal("s, W and T as symbols", |x| {
            let (max, min) = (x.real("max"), x.real("min"));
            let (s, w, t) = (x.real("s"), x.real("W"), x.real("T"));
            let p = (s - w) / (t - w);
            let line = linear(max, min, s, w, t);
            vec![(line, max * (1 - p) + min * p), (line, decay::between(max, min, decay::linear(p)))]
        }))
        .control(
            "warmup-not-subtracted",
            Instance::equal("s, W and T as symbols", |x| {
                let (max, min) = (x.real("max"), x.real("min"));
                let (s, w, t) = (x.real("s"), x.real("W"), x.real("T"));
                vec![(linear(max, min, s, w, t), max * (1 - s / t) + min * s / t)]
            }),
        ),
        Claim::proved("linear/ends", Identity, "lr(W) = max and lr(T) = min: with min = 0 it ends at 0")
            .source(Source::guide("3.3", "Linear Decay | Linear | 线性衰减 | 0"))
            .at(Instance::equal("W and N = T − W as symbols", |x| {
                let line = Line::of(x);
                let to_zero = linear(line.max, constant(0), line.w + line.n, line.w, line.w + line.n);
                vec![(line.at(line.w), line.max), (line.at(line.w + line.n), line.min), (to_zero, constant(0))]
            }))
            .control("a-step-early", last_step(|line| line.min)),
        Claim::refuted(
            "linear/ends-within-the-run",
            Identity,
            "the rate comes down to min within the T steps 0 … T − 1 of the run: lr(T − 1) = min",
            "linear/last-step",
        )
        .source(Source::guide("3.3", "末尾: 0"))
        .at(last_step(|line| line.min)),
        Claim::proved("linear/last-step", Identity, "the last step of the run is at min + (max − min)/(T − W)")
            .amends("linear/ends-within-the-run")
            .at(last_step(|line| line.min + (line.max - line.min) / line.n))
            .control("at-min", last_step(|line| line.min)),
        Claim::proved("linear/slope", Gradient, "∂lr/∂s = −(max − min)/(T − W) at every s: the slope is constant")
            .source(Source::guide("3.3", "Linear Decay | Linear | 线性衰减 | 0"))
            .at(Instance::gradient("W and N = T − W as symbols", |x| {
                let (line, s) = (Line::of(x), x.real("s"));
                (line.at(s), vec![s], vec![-((line.max - line.min) / line.n)])
            }))
            .control(
                "slope-over-T",
                Instance::gradient("W and N = T − W as symbols", |x| {
                    let (line, s) = (Line::of(x), x.real("s"));
                    (line.at(s), vec![s], vec![-((line.max - line.min) / (line.w + line.n))])
                }),
            ),
        Claim::proved("linear/equal-steps", Identity, "every step of the decay takes the same: lr(s) − lr(s + 1)")
            .at(Instance::equal("W, N and two steps as symbols", |x| {
                let (line, s, u) = (Line::of(x), x.real("s"), x.real("u"));
                vec![(line.at(s) - line.at(s + 1), line.at(u) - line.at(u + 1))]
            }))
            .control(
                "equal-ratios",
                Instance::equal("W, N and two steps as symbols", |x| {
                    let (line, s, u) = (Line::of(x), x.positive("s"), x.positive("u"));
                    vec![(line.at(s) * line.at(u + 1), line.at(u) * line.at(s + 1))]
                }),
            ),
        Claim::refuted(
            "linear/never-negative",
            Inequality,
            "the line goes on past the end without falling below zero",
            "linear/past-the-end",
        )
        .source(Source::paper("huggingface/transformers", "#132", "BertAdam's linear decay past t_total"))
        .at(Instance::at_least("s = T + k, min = 0", |x| {
            let (max, n, k) = (x.positive("max"), x.positive("N"), x.positive("k"));
            vec![(linear(max, constant(0), n + k, constant(0), n), constant(0))]
        })),
        Claim::proved(
            "linear/past-the-end",
            Identity,
            "k steps past the end the unclamped line is at min − (max − min) k/(T − W), so at 2T − W it is 2 min − max",
        )
        .amends("linear/never-negative")
        .at(Instance::equal("W, N = T − W and k as symbols", |x| {
            let (line, k) = (Line::of(x), x.positive("k"));
            let end = line.w + line.n;
            let below = line.min - (line.max - line.min) * k / line.n;
            vec![(line.at(end + k), below), (line.at(end + line.n), 2 * line.min - line.max)]
        }))
        .control(
            "held",
            Instance::equal("W, N = T − W and k as symbols", |x| {
                let (line, k) = (Line::of(x), x.positive("k"));
                vec![(line.at(line.w + line.n + k), line.min)]
            }),
        ),
        Claim::proved(
            "linear/mean",
            Identity,
            "over the steps W … T − 1 the mean rate is (max + min)/2 + (max − min)/(2(T − W))",
        )
        .at_all([1, 2, 3, 10, 100].map(|n| mean_at(n, |max, min, n| (max + min) / 2 + (max - min) / (2 * n))))
        .control("the-middle", mean_at(3, |max, min, _| (max + min) / 2)),
        Claim::proved(
            "linear/warmup-meets",
            Identity,
            "every warm-up goes to max: s/W and (s+1)/(W+1) would be there at s = W, (s+1)/W is at W − 1",
        )
        .at(Instance::equal("W as a symbol", |x| {
            let (max, w) = (x.real("max"), x.positive("W"));
            let rate = |warmup, s: Expr| max * warmup::multiplier(warmup, s, w);
            vec![(rate(Warmup::Step, w), max), (rate(Warmup::NextOfNext, w), max), (rate(Warmup::Next, w - 1), max)]
        }))
        .control(
            "next-at-W",
            Instance::equal("W as a symbol", |x| {
                let (max, w) = (x.real("max"), x.positive("W"));
                vec![(max * warmup::multiplier(Warmup::Next, w, w), max)]
            }),
        ),
    ]
}

/// The linear schedule in the catalog.
pub const FORMULA: Formula = Formula {
    id: "linear",
    name: "Linear decay with linear warm-up",
    equation: "lr(s) = max·s/W for s < W;  min + (max − min)(T − s)/(T − W) from W on",
    latex: &[
        r"\eta(s) = \eta_{\max} \frac{s}{W} \quad \text{for } s < W",
        r"\eta(s) = \eta_{\min} + (\eta_{\max} - \eta_{\min}) \frac{T - s}{T - W}",
    ],
    source: "huggingface/transformers optimization.py, get_linear_schedule_with_warmup",
    input: "steps [..], max_lr, min_lr (0), warmup_steps (0), total_steps",
    domain: "steps whole numbers from 0 to 2^53; max_lr ≥ min_lr ≥ 0; 0 ≤ W < T ≤ 2^53",
    output: "lr [..]",
    axes: &[Warmup::AXIS, AfterEnd::AXIS],
    mistakes: MISTAKES,
    evaluate,
    definition,
    // everybody computes this in f64 on the host
    textbook: |input, output| definition(input, output, None),
    claims,
};
