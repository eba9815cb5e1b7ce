//! The run that a schedule is laid over: its warm-up, its end, and its evaluation step by step.
//!
//! Steps count from 0. A schedule warms up for the W steps 0 … W − 1, decays from W on, and has come
//! down at T, which is the first step past a run of T steps.
//!
//! Symbols: s the step, W warmup_steps, T total_steps.

use crate::domain;
use crate::error::{Error, Result};
use crate::expression::Expr;
use crate::formula::{Defined, Numbers, Wrong, axis, rounded};
use crate::json::{self, LARGEST_WHOLE};
use crate::number::Wide;
use serde_json::{Value, json};

axis! {
    /// What max_lr is multiplied by at a step s < W.
    Warmup "warmup" {
        Step "s/W": "s/W: 0 at the first step, and the peak at s = W",
        Next "(s+1)/W": "(s + 1)/W: the peak is reached at s = W − 1 and held at s = W",
        NextOfNext "(s+1)/(W+1)": "(s + 1)/(W + 1): neither 0 nor the peak, which follows at s = W",
    }
}
axis! {
    /// What follows the end of the run, at s ≥ T.
    AfterEnd "after_end" {
        Hold "hold": "the value at T holds",
        Continue "continue": "the formula goes on: a cosine rises again, a line falls below zero",
        Restart "restart": "the value at W + (s − W) mod (T − W): the decay starts again, without a warm-up",
    }
}

/// The steps of a run, without its rates.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// W, from 0 to below T
    pub warmup_steps: i64,
    /// T, at most 2^53
    pub total_steps: i64,
    /// What the rate is multiplied by in the warm-up.
    pub warmup: Warmup,
    /// What follows the end.
    pub after_end: AfterEnd,
}

impl Timing {
    /// The conventions' defaults.
    pub fn new(warmup_steps: i64, total_steps: i64) -> Timing {
        Timing { warmup_steps, total_steps, warmup: Warmup::default(), after_end: AfterEnd::default() }
    }

    /// T − W, the steps of the decay.
    pub fn decay_steps(&self) -> i64 {
        self.total_steps - self.warmup_steps
    }

    /// The step whose value is the value at s.
    pub fn step(&self, s: i64, wrong: Wrong) -> i64 {
        let s = if wrong == Some("first-step-decayed") { s + 1 } else { s };
        let Timing { warmup_steps, total_steps, .. } = *self;
        let period = self.decay_steps();
        if wrong == Some("restart-off-by-one") && s > total_steps {
            return warmup_steps + (s - warmup_steps) % (period + 1);
        }
        match self.after_end {
            AfterEnd::Hold => s.min(total_steps),
            AfterEnd::Restart if s >= total_steps => warmup_steps + (s - warmup_steps) % period,
            AfterEnd::Continue | AfterEnd::Restart => s,
        }
    }

    /// The value at s as a graph; `decayed` gives it from W on.
    pub fn at(&self, s: i64, max: Expr, wrong: Wrong, decayed: impl FnOnce(i64) -> Expr) -> Expr {
        let s = self.step(s, wrong);
        if s >= self.warmup_steps {
            return decayed(s);
        }
        max * multiplier(self.warmup, crate::expression::constant(s), crate::expression::constant(self.warmup_steps))
    }

    fn check(&self) -> Result<()> {
        whole_from("warmup_steps", self.warmup_steps, 0)?;
        whole_from("total_steps", self.total_steps, 0)?;
        if self.warmup_steps >= self.total_steps {
            let allowed = format!("a whole number above warmup_steps, which is {}", self.warmup_steps);
            return Err(Error::domain("total_steps", self.total_steps, allowed));
        }
        Ok(())
    }
}

/// What max_lr is multiplied by at a step s < W, as a graph.
pub fn multiplier(warmup: Warmup, s: Expr, w: Expr) -> Expr {
    match warmup {
        Warmup::Step => s / w,
        Warmup::Next => (s + 1) / w,
        Warmup::NextOfNext => (s + 1) / (w + 1),
    }
}

/// max_lr times the multiplier at a step s < W.
pub(crate) fn rising_wide(warmup: Warmup, max: Wide, s: i64, w: i64) -> Wide {
    let (s, w) = match warmup {
        Warmup::Step => (s, w),
        Warmup::Next => (s + 1, w),
        Warmup::NextOfNext => (s + 1, w + 1),
    };
    max * Wide::from_whole(s) / Wide::from_whole(w)
}

/// A schedule between two rates.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// max_lr, the peak
    pub max: f64,
    /// min_lr, from 0 to max_lr
    pub min: f64,
    /// The steps.
    pub timing: Timing,
}

impl Plan {
    /// The rate at every step, correctly rounded. `decayed` gives it from W on, from max and min; `definition`
    /// gives it everywhere.
    ///
    /// # Errors
    /// Where a rate, W, T or a step is outside its domain.
    pub(crate) fn evaluate(
        &self,
        steps: &[i64],
        decayed: impl Fn(i64, Wide, Wide) -> Wide,
        definition: impl Fn(i64, &Numbers) -> Expr,
    ) -> Result<Vec<f64>> {
        self.check()?;
        check_steps(steps, 0)?;
        let (max, min) = (Wide::from(self.max), Wide::from(self.min));
        let Timing { warmup, warmup_steps, .. } = self.timing;
        let rate = |&s: &i64| {
            let value = match self.timing.step(s, None) {
                s if s < warmup_steps => rising_wide(warmup, max, s, warmup_steps),
                s => decayed(s, max, min),
            };
            rounded(value, |numbers| definition(s, numbers))
        };
        Ok(steps.iter().map(rate).collect())
    }

    /// Whether rates, W and T are in their domains.
    ///
    /// # Errors
    /// Where they are not.
    pub fn check(&self) -> Result<()> {
        domain::non_negative("max_lr", self.max)?;
        domain::non_negative("min_lr", self.min)?;
        if self.min > self.max {
            return Err(Error::domain("min_lr", self.min, format!("at most max_lr, which is {}", self.max)));
        }
        self.timing.check()
    }
}

/// A whole number from `least` to 2^53.
pub fn whole_from(field: &str, x: i64, least: i64) -> Result<()> {
    if (least..=LARGEST_WHOLE).contains(&x) {
        return Ok(());
    }
    Err(Error::domain(field, x, format!("a whole number from {least} to 2^53")))
}

/// Steps from `first` to 2^53.
pub fn check_steps(steps: &[i64], first: i64) -> Result<()> {
    steps.iter().enumerate().try_for_each(|(i, &s)| whole_from(&format!("steps[{i}]"), s, first))
}

/// The definitions at all steps; `at` gives the rate at one.
pub fn define(steps: &[i64], at: impl Fn(i64, &Numbers) -> Expr) -> Vec<Defined> {
    let one = |(i, &s): (usize, &i64)| Defined::build(|numbers| vec![(format!("/lr/{i}"), at(s, numbers))]);
    steps.iter().enumerate().map(one).collect()
}

/// {"lr": [..]}
pub fn output(lr: &[f64]) -> Value {
    json!({ "lr": lr.iter().map(|&x| json::number(x)).collect::<Vec<_>>() })
}
