//! One real training step, from checkpoint files, held to the formula of its optimizer.
//!
//! The parameters before and after the step, the gradients and the optimizer's state are read from
//! safetensors files, in blocks and on all threads; each element is stepped by the formula and held to the
//! budget of its dtype. A tensor that differs is explained where that can be done: by another form of the
//! formula, another hyperparameter, another count of steps, a scaled gradient.
//!
//! A state's moments are looked up as `<tensor>.exp_avg` and so on, PyTorch's names, or as configured.

mod blocks;
mod checkpoint;
mod config;
mod decode;
mod error;
mod exact;
mod explain;
mod header;
mod plan;
mod report;
mod sieve;
mod stepper;
mod textbook;

#[cfg(test)]
mod tests;

pub use config::{Config, Group, Step};
pub use error::{Error, Result};
pub use report::{Differing, NotJudged, Partition, Report, RunReport, TensorReport, Verdict, Worst};

use blocks::{BLOCK, Buffers, Found, block, worse};
use exact::{Judged, Outcome, judge};
use explain::Explanations;
use plan::{Plan, Stepped, Work};
use rayon::prelude::*;
use serde_json::{Value, json};
use std::time::Instant;

/// Audits a step, or a share of its tensors. `progress` is told of elements as they are done, from any
/// thread, and first of their number.
///
/// # Errors
/// If a file cannot be read or is malformed, a tensor is missing, or the configuration is outside its
/// domain.
pub fn audit(config: &Config, share: Option<Partition>, progress: &(dyn Fn(Progress) + Sync)) -> Result<Report> {
    let started = Instant::now();
    let plan = Plan::new(config, share)?;
    check(&plan)?;
    let elements: u64 = plan.work.iter().map(Work::elements).sum();
    progress(Progress::Elements(elements));
    let declared = plan.optimizer.formula.chosen(&config.step.conventions)?;
    let mut explanations = Explanations::new();
    let mut tensors = Vec::with_capacity(plan.work.len());
    for work in &plan.work {
        tensors.push(match work {
            Work::Skip { name, dtype, elements, reason } => {
                progress(Progress::Done(*elements));
                skipped(name, dtype, *elements, reason.clone())
            }
            Work::Step(tensor) => {
                let found = all_blocks(&plan, tensor, progress)?;
                told(&plan, &declared, tensor, found, &mut explanations)
            }
        });
    }
    let run = RunReport {
        version: env!("CARGO_PKG_VERSION").into(),
        optimizer: plan.optimizer.formula.id.into(),
        configuration: configuration(config),
        partition: share,
        tensors: plan.tensors,
        elements,
        seconds: started.elapsed().as_secs_f64(),
    };
    Ok(Report { tensors, run })
}

/// How far an audit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// How many elements there are.
    Elements(u64),
    /// So many more have been looked at.
    Done(u64),
}

/// Every tensor's hyperparameters, at one element that every formula takes.
fn check(plan: &Plan) -> Result<()> {
    for work in &plan.work {
        let Work::Step(tensor) = work else { continue };
        let before = sieve::Before { theta: 1.0, g: 1.0, estimate: 1.0, moments: [1.0; sieve::MOST_OUTPUTS - 1] };
        let one = exact::Element { index: 0, before, after: [0.0; sieve::MOST_OUTPUTS] };
        crate::catalog::evaluate(plan.optimizer.formula.id, exact::input(tensor, &[one]))?;
    }
    Ok(())
}

fn all_blocks(plan: &Plan, tensor: &Stepped, progress: &(dyn Fn(Progress) + Sync)) -> Result<Found> {
    let blocks = (0..tensor.elements.div_ceil(BLOCK)).into_par_iter();
    let found = blocks.map_init(Buffers::default, |buffers, i| {
        let found = block(plan.optimizer.formula, &plan.files, tensor, i * BLOCK, buffers)?;
        progress(Progress::Done(BLOCK.min(tensor.elements - i * BLOCK)));
        Ok(found)
    });
    // joined in order, so that threads do not matter
    found
        .try_fold(Found::default, |mut all: Found, one: Result<Found>| {
            all.join(one?);
            Ok(all)
        })
        .try_reduce(Found::default, |mut all, later| {
            all.join(later);
            Ok(all)
        })
}

/// The report on a tensor.
fn told(
    plan: &Plan,
    declared: &[(&'static str, &'static str)],
    tensor: &Stepped,
    found: Found,
    explanations: &mut Explanations,
) -> TensorReport {
    let mut worst = found.worst;
    if let Some((_, element)) = found.sifted {
        for outcome in judge(plan.optimizer.formula, tensor, &[element]) {
            if let Outcome::Judged(judged) = outcome {
                worst = Some(worst.map_or(judged, |worst| worse(worst, judged)));
            }
        }
    }
    let unjudged: u64 = found.not_judged.iter().map(|one| one.count).sum();
    let verdict = match () {
        () if found.differing > 0 => Verdict::Differs,
        () if unjudged == tensor.elements && unjudged > 0 => Verdict::Skipped,
        () => Verdict::Conforms,
    };
    let diagnosis = match verdict {
        Verdict::Conforms => None,
        Verdict::Skipped => Some("no element has a right answer".to_string()),
        Verdict::Differs if tensor.gradient.is_none() => Some("changed without a gradient".to_string()),
        Verdict::Differs => {
            let explanation = explanations.of(plan, declared, tensor, &found.examples, &found.conforming);
            Some(explanation.map_or_else(|| unexplained(tensor, &found, worst), |e| e.to_string()))
        }
    };
    let diagnosis = match (&tensor.note, diagnosis) {
        (Some(note), Some(diagnosis)) => Some(format!("{diagnosis}; {note}")),
        (note, diagnosis) => diagnosis.or_else(|| note.clone()),
    };
    let dtype = tensor.outputs[0].after.as_ref().map_or("", |(_, dtype)| dtype.name());
    TensorReport {
        name: tensor.name.clone(),
        dtype: dtype.into(),
        elements: tensor.elements,
        verdict,
        worst: worst.map(|judged| Worst {
            output: tensor.outputs[judged.output].name.into(),
            index: judged.index,
            got: judged.got,
            expected: judged.expected,
            over_budget: judged.over_budget,
        }),
        diagnosis,
        differing: Differing { count: found.differing, unexamined: found.unexamined },
        not_judged: found.not_judged,
    }
}

/// What is said where nothing explains what was found.
fn unexplained(tensor: &Stepped, found: &Found, worst: Option<Judged>) -> String {
    let off = found.differing + found.unexamined;
    let output = worst.map_or("params", |judged| tensor.outputs[judged.output].name);
    if off < tensor.elements.div_ceil(100) {
        let places: Vec<String> = found.examples.iter().take(4).map(|x| x.index.to_string()).collect();
        return format!(
            "{off} of {} elements differ, most of all in {output}, among them {}; the others conform",
            tensor.elements,
            places.join(", ")
        );
    }
    format!("no known form, hyperparameter or scale gives these numbers; most is off in {output}")
}

fn skipped(name: &str, dtype: &str, elements: u64, reason: String) -> TensorReport {
    TensorReport {
        name: name.into(),
        dtype: dtype.to_lowercase(),
        elements,
        verdict: Verdict::Skipped,
        worst: None,
        diagnosis: Some(reason),
        differing: Differing { count: 0, unexamined: 0 },
        not_judged: Vec::new(),
    }
}

/// The configuration as JSON, for whoever reads or joins reports.
fn configuration(config: &Config) -> Value {
    let step = &config.step;
    let path = |path: &std::path::Path| Value::from(path.display().to_string());
    let optional = |given: &Option<std::path::PathBuf>| given.as_deref().map_or(Value::Null, path);
    let groups = config.groups.iter().map(|group| json!({ "tensors": group.tensors, "hyperparameters": group.hyper }));
    json!({
        "step": step.step,
        "before": path(&step.before),
        "after": path(&step.after),
        "grads": path(&step.grads),
        "state_before": optional(&step.state_before),
        "state_after": optional(&step.state_after),
        "hessians": optional(&step.hessians),
        "hyperparameters": config.hyper,
        "conventions": step.conventions,
        "state_names": step.state_names,
        "no_decay": step.no_decay,
        "groups": groups.collect::<Vec<_>>(),
    })
}
