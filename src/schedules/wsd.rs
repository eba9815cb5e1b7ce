//! # WSD: warm-up, stable, decay
//!
//! lr(s) = max·s/W for s < W, max for s < T − D, then min + (max − min) f(p) with the decay's progress
//! p = (s − T + D)/D and f(p) = 1 − p (Hu et al., *MiniCPM*, 2024, section 4; the guide's code).
//!
//! The shape f is a convention, and so is what follows T.
//!
//! Symbols: s step, W warmup_steps, T total_steps, D decay_steps, max max_lr, min min_lr.

use crate::claim::Instance;
use crate::error::{Error, Result};
use crate::expression::{Expr, constant, pi, ratio};
use crate::formula::{Defined, Formula, Mistake, Numbers, Wrong, axis};
use crate::json;
use crate::number::Wide;
use crate::schedules::decay;
use crate::schedules::warmup::{self, AfterEnd, Plan, Timing, Warmup};
use serde::Deserialize;
use serde_json::Value;

mod claims;

axis! {
    /// The shape f of the decay, of its progress p.
    Shape "shape" {
        Linear "linear": "f(p) = 1 − p",
        Cosine "cosine": "f(p) = (1 + cos πp)/2",
        OneMinusSqrt "one-minus-sqrt": "f(p) = 1 − √p",
    }
}

/// The conventions of WSD.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conventions {
    /// What the rate is multiplied by in the warm-up.
    pub warmup: Warmup,
    /// What follows the end.
    pub after_end: AfterEnd,
    /// The shape of the decay.
    pub shape: Shape,
}

/// A WSD schedule and the steps to evaluate.
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
    /// 1 ≤ D ≤ T − W
    #[serde(deserialize_with = "json::whole")]
    pub decay_steps: i64,
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

/// min + (max − min) f(p)
pub fn decayed(shape: Shape, max: Expr, min: Expr, p: Expr) -> Expr {
    let f = match shape {
        Shape::Linear => decay::linear(p),
        Shape::Cosine => decay::cosine(p),
        Shape::OneMinusSqrt => decay::one_minus_sqrt(p),
    };
    decay::between(max, min, f)
}

/// ∂lr/∂p: −(max − min), −π/2·(max − min) sin πp or −(max − min)/(2√p)
pub fn slope(shape: Shape, max: Expr, min: Expr, p: Expr) -> Expr {
    match shape {
        Shape::Linear => -(max - min),
        Shape::Cosine => -(pi() / 2 * (max - min) * (pi() * p).sin()),
        Shape::OneMinusSqrt => -((max - min) / (2 * p.sqrt())),
    }
}

/// p = (s − T + D)/D
pub fn progress(s: Expr, t: Expr, d: Expr) -> Expr {
    (s - t + d) / d
}

/// lr at a whole step, for whole W, T and D.
pub fn at(timing: Timing, d: i64, shape: Shape, s: i64, max: Expr, min: Expr, wrong: Wrong) -> Expr {
    if wrong == Some("zero-warmup-at-min") && timing.warmup_steps == 0 {
        return min;
    }
    let stable = timing.total_steps - d;
    timing.at(s, max, wrong, |s| {
        if wrong == Some("decay-from-warmup-end") {
            return decayed(shape, max, min, ratio(s - timing.warmup_steps, timing.decay_steps()));
        }
        if s < stable {
            return max;
        }
        let p = progress(constant(s), constant(timing.total_steps), constant(d));
        match wrong {
            Some("one-minus-sqrt-reversed") if s <= timing.total_steps && shape == Shape::OneMinusSqrt => {
                decay::between(max, min, (1 - p).sqrt())
            }
            Some("min-ignored") => decayed(shape, max, constant(0), p),
            Some("min-max-swapped") => decayed(shape, min, max, p),
            _ => decayed(shape, max, min, p),
        }
    })
}

impl Input {
    /// lr at a step.
    fn at(&self, s: i64, numbers: &Numbers, wrong: Wrong) -> Expr {
        let (max, min) = (numbers.scalar("max_lr", self.max_lr), numbers.scalar("min_lr", self.min_lr));
        at(self.timing(), self.decay_steps, self.conventions.shape, s, max, min, wrong)
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
/// Where a rate, W, T, D or a step is outside its domain.
pub fn oracle(input: &Input) -> Result<Vec<f64>> {
    let Input { max_lr: max, min_lr: min, total_steps, decay_steps, .. } = *input;
    let timing = input.timing();
    let plan = Plan { max, min, timing };
    plan.check()?;
    warmup::whole_from("decay_steps", decay_steps, 1)?;
    if decay_steps > timing.decay_steps() {
        let allowed = format!("at most total_steps − warmup_steps, which is {}", timing.decay_steps());
        return Err(Error::domain("decay_steps", decay_steps, allowed));
    }
    let decayed = |s: i64, max: Wide, min: Wide| {
        let k = s - total_steps + decay_steps;
        match input.conventions.shape {
            _ if k < 0 => max,
            Shape::Linear => decay::linear_wide(max, min, k, decay_steps),
            Shape::Cosine => decay::cosine_wide(max, min, k, decay_steps),
            Shape::OneMinusSqrt => decay::one_minus_sqrt_wide(max, min, k, decay_steps),
        }
    };
    plan.evaluate(&input.steps, decayed, |s, numbers| input.at(s, numbers, None))
}

fn evaluate(value: Value) -> Result<Value> {
    Ok(warmup::output(&oracle(&json::read(value)?)?))
}

// ---- mistakes ---------------------------------------------------------------------------------

/// The false statement that a wrong form is the schedule, at the steps 0 to 12 of a run.
fn wrong_form(id: &'static str) -> Instance {
    let w = if id == "zero-warmup-at-min" { 0 } else { 2 };
    let shape = if id == "one-minus-sqrt-reversed" { Shape::OneMinusSqrt } else { Shape::Linear };
    Instance::equal(format!("W = {w}, T = 10, D = 4, {shape:?}, s = 0 to 12"), |x| {
        let (max, min) = (x.real("max"), x.real("min"));
        let form = |s, wrong| at(Timing::new(w, 10), 4, shape, s, max, min, wrong);
        (0..=12).map(|s| (form(s, None), form(s, Some(id)))).collect()
    })
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "decay-from-warmup-end",
        meaning: "the decay begins at W and takes T − W steps: there is no stable phase",
        source: "a slip: the cosine schedule's progress",
        statement: || wrong_form("decay-from-warmup-end"),
    },
    Mistake {
        id: "one-minus-sqrt-reversed",
        meaning: "√(1 − p) in place of 1 − √p: a slow start and a steep end in place of the reverse",
        source: "a slip: the two operations in the other order",
        statement: || wrong_form("one-minus-sqrt-reversed"),
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
        id: "min-ignored",
        meaning: "the decay goes to 0 whatever min_lr is",
        source: "the 1-sqrt shape of pytorch-optimizer 4.1.0",
        statement: || wrong_form("min-ignored"),
    },
    Mistake {
        id: "min-max-swapped",
        meaning: "max + (min − max) f: the decay jumps to min_lr and rises to max_lr",
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

/// WSD in the catalog.
pub const FORMULA: Formula = Formula {
    id: "wsd",
    name: "Warm-up, stable, decay",
    equation: "lr(s) = max·s/W for s < W;  max for s < T − D;  min + (max − min) f((s − T + D)/D), f(p) = 1 − p",
    latex: &[
        r"\eta(s) = \eta_{\max} \frac{s}{W} \quad \text{for } s < W",
        r"\eta(s) = \eta_{\max} \quad \text{for } W \le s < T - D",
        r"\eta(s) = \eta_{\min} + (\eta_{\max} - \eta_{\min}) f\left(\frac{s - T + D}{D}\right), \quad f(p) = 1 - p",
    ],
    source: "Hu et al., MiniCPM: Unveiling the Potential of Small Language Models (2024), section 4",
    input: "steps [..], max_lr, min_lr (0), warmup_steps (0), total_steps, decay_steps",
    domain: "steps whole numbers from 0 to 2^53; max_lr ≥ min_lr ≥ 0; 0 ≤ W < T ≤ 2^53; D ≥ 1; W + D ≤ T",
    output: "lr [..]",
    axes: &[Warmup::AXIS, AfterEnd::AXIS, Shape::AXIS],
    mistakes: MISTAKES,
    evaluate,
    definition,
    // everybody computes this in f64 on the host
    textbook: |input, output| definition(input, output, None),
    claims: claims::claims,
};
