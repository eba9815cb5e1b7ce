//! # Cosine decay with linear warm-up
//!
//! lr(s) = max·s/W for s < W, then min + (max − min)/2·(1 + cos(π (s − W)/(T − W)))
//! (Loshchilov & Hutter, *SGDR*, 2017, equation 5, one period, after a warm-up).
//!
//! The value at T holds from there on, goes on oscillating, or starts again at the peak.
//!
//! Symbols: s step, W warmup_steps, T total_steps, max max_lr, min min_lr, p = (s − W)/(T − W).

use crate::claim::Instance;
use crate::error::Result;
use crate::expression::{Expr, constant, pi, ratio};
use crate::formula::{Defined, Formula, Mistake, Numbers, Wrong};
use crate::json;
use crate::schedules::decay;
use crate::schedules::warmup::{self, AfterEnd, Plan, Timing, Warmup};
use serde::Deserialize;
use serde_json::Value;

mod claims;

/// The conventions of the cosine schedule.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conventions {
    /// What the rate is multiplied by in the warm-up.
    pub warmup: Warmup,
    /// What follows the end.
    pub after_end: AfterEnd,
}

/// A cosine schedule and the steps to evaluate.
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

/// min + (max − min)/2·(1 + cos πp)
pub fn cosine(max: Expr, min: Expr, p: Expr) -> Expr {
    min + (max - min) / 2 * (1 + (pi() * p).cos())
}

/// p = (s − W)/(T − W)
pub fn progress(s: Expr, w: Expr, t: Expr) -> Expr {
    (s - w) / (t - w)
}

/// ∂lr/∂p = −π/2·(max − min) sin πp
pub fn slope(max: Expr, min: Expr, p: Expr) -> Expr {
    -(pi() / 2 * (max - min) * (pi() * p).sin())
}

/// lr at a whole step, for whole W and T.
pub fn at(timing: Timing, s: i64, max: Expr, min: Expr, wrong: Wrong) -> Expr {
    let (w, t) = (constant(timing.warmup_steps), constant(timing.total_steps));
    if wrong == Some("zero-warmup-at-min") && timing.warmup_steps == 0 {
        return min;
    }
    timing.at(s, max, wrong, |s| {
        let s = constant(s);
        let p = progress(s, w, t);
        match wrong {
            Some("warmup-not-subtracted") => cosine(max, min, s / t),
            Some("decay-steps-minus-warmup") => cosine(max, min, (s - w) / t),
            Some("half-period-missing") => cosine(max, min, 2 * p),
            Some("pi-missing") => min + (max - min) / 2 * (1 + p.cos()),
            Some("min-ignored") => cosine(max, constant(0), p),
            Some("min-max-swapped") => cosine(min, max, p),
            _ => cosine(max, min, p),
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
    let decayed = |s: i64, max, min| decay::cosine_wide(max, min, s - warmup_steps, timing.decay_steps());
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
        meaning: "the cosine's progress is s/T and not (s − W)/(T − W): a jump down at the end of the warm-up",
        source: "Refefer/cloverleaf src/algos/ep/scheduler.rs @33fa364",
        statement: || wrong_form("warmup-not-subtracted"),
    },
    Mistake {
        id: "decay-steps-minus-warmup",
        meaning: "the period is T in place of T − W, so that the minimum is not reached at T",
        source: "google-deepmind/optax PR #1781 (the documentation's T against the code's)",
        statement: || wrong_form("decay-steps-minus-warmup"),
    },
    Mistake {
        id: "restart-off-by-one",
        meaning: "the step is taken modulo T − W + 1: past the end the rate jumps back to the peak",
        source: "tracel-ai/burn #5128",
        statement: || wrong_form("restart-off-by-one"),
    },
    Mistake {
        id: "first-step-decayed",
        meaning: "the first step gets the value of the second, lr(s + 1)",
        source: "tracel-ai/burn #1198",
        statement: || wrong_form("first-step-decayed"),
    },
    Mistake {
        id: "half-period-missing",
        meaning: "cos 2πp in place of cos πp: the rate is back at the peak at T",
        source: "a slip: a whole period of the cosine in place of half of one",
        statement: || wrong_form("half-period-missing"),
    },
    Mistake {
        id: "pi-missing",
        meaning: "cos p in place of cos πp",
        source: "a slip",
        statement: || wrong_form("pi-missing"),
    },
    Mistake {
        id: "min-ignored",
        meaning: "the decay goes to 0 whatever min_lr is",
        source: "a slip that the default min_lr = 0 hides",
        statement: || wrong_form("min-ignored"),
    },
    Mistake {
        id: "min-max-swapped",
        meaning: "max + (min − max) f: the decay rises from min_lr to max_lr",
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

/// The cosine schedule in the catalog.
pub const FORMULA: Formula = Formula {
    id: "cosine",
    name: "Cosine decay with linear warm-up",
    equation: "lr(s) = max·s/W for s < W;  min + (max − min)/2·(1 + cos(π (s − W)/(T − W))) from W on",
    latex: &[
        r"\eta(s) = \eta_{\max} \frac{s}{W} \quad \text{for } s < W",
        r"\eta(s) = \eta_{\min} + \frac{\eta_{\max} - \eta_{\min}}{2} \left(1 + \cos \pi \frac{s - W}{T - W}\right)",
    ],
    source: "Loshchilov & Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts (2017), equation 5",
    input: "steps [..], max_lr, min_lr (0), warmup_steps (0), total_steps",
    domain: "steps whole numbers from 0 to 2^53; max_lr ≥ min_lr ≥ 0; 0 ≤ W < T ≤ 2^53",
    output: "lr [..]",
    axes: &[Warmup::AXIS, AfterEnd::AXIS],
    mistakes: MISTAKES,
    evaluate,
    definition,
    // everybody computes this in f64 on the host
    textbook: |input, output| definition(input, output, None),
    claims: claims::claims,
};
