//! Holding a schedule to its formula: the rate that step s of the optimizer uses.

use super::config::{Config, Unsupported};
use super::inputs::InputGroup;
use super::outputs;
use super::precision::Precision;
use super::report::Report;
use super::settings::Settings;
use crate::cases;
use crate::error::{Error, Result};
use crate::formula::Formula;
use crate::json;
use serde_json::{Map, Value, json};

/// Holds a schedule to its formula, as a closure from the configuration and a step to the rate.
///
/// ```
/// use gradproof::conformance::{self, Settings};
///
/// let report = conformance::schedule(&Settings::new("inverse-sqrt"), |config, step| {
///     let (max, warmup) = (config.number("max_lr")?, config.number("warmup_steps")?);
///     let s = step as f64;
///     Ok(if s < warmup { max * (s / warmup) } else { max * (warmup / s).sqrt() })
/// })?;
/// report.assert();
/// # Ok::<(), gradproof::error::Error>(())
/// ```
///
/// # Errors
/// If the settings name what the catalog does not have.
pub fn schedule(
    settings: &Settings,
    mut rate: impl FnMut(&Config, u64) -> std::result::Result<f64, Unsupported>,
) -> Result<Report> {
    run(settings, &mut |config, steps| steps.iter().map(|&step| rate(config, step)).collect())
}

/// Holds a schedule to its formula that is asked for one rate after the other: the first call of `next`
/// gives that of step 0. One whose rate is read before it is advanced does both in `next`.
///
/// ```
/// use gradproof::conformance::{self, Settings};
///
/// struct Linear { step: f64, max: f64, min: f64, warmup: f64, total: f64 }
///
/// let report = conformance::schedule_by_calls(
///     &Settings::new("linear"),
///     |config| {
///         let number = |name| config.number(name);
///         let (max, min) = (number("max_lr")?, number("min_lr")?);
///         Ok(Linear { step: 0.0, max, min, warmup: number("warmup_steps")?, total: number("total_steps")? })
///     },
///     |schedule| {
///         let s = schedule.step;
///         schedule.step += 1.0;
///         if s < schedule.warmup {
///             return schedule.max * (s / schedule.warmup);
///         }
///         let left = (schedule.total - s).max(0.0) / (schedule.total - schedule.warmup);
///         schedule.min + (schedule.max - schedule.min) * left
///     },
/// )?;
/// report.assert();
/// # Ok::<(), gradproof::error::Error>(())
/// ```
///
/// # Errors
/// If the settings name what the catalog does not have.
pub fn schedule_by_calls<S>(
    settings: &Settings,
    mut build: impl FnMut(&Config) -> std::result::Result<S, Unsupported>,
    mut next: impl FnMut(&mut S) -> f64,
) -> Result<Report> {
    run(settings, &mut |config, steps| {
        let last = steps.iter().copied().max().unwrap_or(0);
        if last > MOST_CALLS {
            return Err(Unsupported::new(format!("step {last}, after as many calls")));
        }
        let mut schedule = build(config)?;
        let rates: Vec<f64> = (0..=last).map(|_| next(&mut schedule)).collect();
        Ok(steps.iter().filter_map(|&step| rates.get(step as usize).copied()).collect())
    })
}

/// How far a schedule is called step by step.
const MOST_CALLS: u64 = 200_000;

type Rates<'a> = &'a mut dyn FnMut(&Config, &[u64]) -> std::result::Result<Vec<f64>, Unsupported>;

fn run(settings: &Settings, rates: Rates<'_>) -> Result<Report> {
    let ids: Vec<&str> = GROUPS.iter().map(|(id, _)| *id).collect();
    let settings = settings.resolve(&ids)?;
    let Some(plain) = plain(settings.formula) else {
        return Err(Error::domain("formula", settings.formula.id, "a schedule of the catalog"));
    };
    let groups = groups(settings.formula, &plain, &settings.chosen());
    outputs::hold(&settings, &groups, &mut |_, input| {
        let steps: Vec<u64> = input["steps"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
        let config = Config::new(&plain, input);
        let found = rates(&config, &steps)?;
        Ok(json!({ "lr": found.into_iter().map(json::number).collect::<Vec<_>>() }))
    })
}

/// The groups of cases of a schedule.
const GROUPS: &[(&str, &str)] = &[
    ("whole-run", "every step from 0 to the end"),
    ("warmup", "the steps around the end of the warm-up"),
    ("after-end", "the end and the steps after it"),
    ("no-warmup", "no warm-up, or one of a single step"),
    ("floor", "a smallest rate that is not 0"),
    ("far", "steps that a run of days reaches"),
    ("random", "random configurations"),
];

/// The configuration that cases start from; `None` for what is no schedule.
fn plain(formula: &Formula) -> Option<Map<String, Value>> {
    let plain = match formula.id {
        "cosine" | "linear" => json!({ "max_lr": 0.001, "min_lr": 0.0, "warmup_steps": 10, "total_steps": 100 }),
        "wsd" => {
            json!({ "max_lr": 0.001, "min_lr": 0.0, "warmup_steps": 10, "total_steps": 100, "decay_steps": 20 })
        }
        "inverse-sqrt" => json!({ "max_lr": 0.001, "warmup_steps": 10 }),
        "noam" => json!({ "d_model": 512, "warmup_steps": 10, "factor": 1.0 }),
        _ => return None,
    };
    plain.as_object().cloned()
}

/// The inputs of every group; `None` for what is no schedule.
pub(super) fn inputs(formula: &Formula, conventions: &Map<String, Value>) -> Option<Vec<InputGroup>> {
    plain(formula).map(|plain| groups(formula, &plain, conventions))
}

fn groups(formula: &Formula, plain: &Map<String, Value>, conventions: &Map<String, Value>) -> Vec<InputGroup> {
    // Noam's steps count from 1
    let first = u64::from(formula.id == "noam");
    let ends = plain.contains_key("total_steps");
    let case = |steps: Vec<u64>, changes: Value| {
        let mut input = Value::from(plain.clone());
        changes.as_object().into_iter().flatten().for_each(|(name, value)| input[name] = value.clone());
        input["steps"] = json!(steps);
        input
    };
    // a schedule has no tensors, which a precision would round
    InputGroup::all(formula, Precision::F64, conventions, GROUPS, |id| match id {
        "whole-run" => vec![case((first..=100).collect(), json!({}))],
        "warmup" => vec![case((8..13).collect(), json!({ "warmup_steps": 11 }))],
        "after-end" if ends => vec![case((95..320).collect(), json!({ "min_lr": 1e-5 }))],
        "no-warmup" if ends => vec![
            case((0..5).collect(), json!({ "warmup_steps": 0 })),
            case((0..5).collect(), json!({ "warmup_steps": 1 })),
        ],
        "no-warmup" => vec![case((first..5).collect(), json!({ "warmup_steps": 1 }))],
        "floor" if ends => vec![case((0..=100).collect(), json!({ "min_lr": 2.5e-4, "warmup_steps": 7 }))],
        "far" => {
            let total = if ends { json!({ "total_steps": 1_000_000, "warmup_steps": 2000 }) } else { json!({}) };
            vec![case(vec![1, 1999, 2000, 2001, 123_456, 500_000, 999_999, 1_000_000], total)]
        }
        "random" => (0..8).map(|i| cases::case(formula, i, cases::Conventions::Default)).collect(),
        _ => Vec::new(),
    })
}
