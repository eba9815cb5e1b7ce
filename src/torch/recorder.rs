//! Runs the cases through libtorch, holds every output to the oracle, and keeps some.

use crate::catalog;
use crate::comparison::Reference;
use crate::number::{Dtype, RunningError};
use crate::recording::{Recorded, Recording, Setting, Way};
use crate::survey::Survey;
use crate::torch::error::{Error, Result};
use crate::torch::{self, Placement, large, placement};
use rayon::prelude::*;
use serde_json::Value;
use std::time::SystemTime;
use tch::Device;

/// Cases between two messages about the progress.
const AT_ONCE: u64 = 500;

/// What to record.
#[derive(Clone, Debug)]
pub struct Plan {
    /// "cpu", "cuda:0"
    pub device: String,
    /// The dtype of tensors.
    pub dtype: Dtype,
    /// Cases per formula and way that are run and compared.
    pub cases: u64,
    /// Cases per formula and way that are kept, from the first.
    pub kept: u64,
    /// Whether to run what is of real size too.
    pub large: bool,
}

/// Runs a plan. `progress` is told what is being done.
///
/// # Errors
/// If the device is not there, libtorch is another version, or it refuses an operation. An output beyond
/// its budget is none: the surveys tell.
pub fn record(plan: &Plan, progress: impl Fn(&str)) -> Result<Recording> {
    placement::require_version()?;
    let placement = Placement::parse(&plan.device, plan.dtype.stored().name())?;
    let mut recording =
        Recording { setting: setting(plan, placement), surveys: Vec::new(), large: Vec::new(), cases: Vec::new() };
    for formula in catalog::FORMULAS {
        for &way in Way::of(formula.id) {
            let mut survey = Survey::new(formula.id, way.name());
            for first in (0..plan.cases).step_by(AT_ONCE as usize) {
                let last = plan.cases.min(first + AT_ONCE);
                progress(&format!("{} {} ({}): {last} of {}", formula.id, plan.dtype, way.name(), plan.cases));
                for (part, kept) in chunk(plan, placement, formula.id, way, first..last)? {
                    survey.merge(part);
                    recording.cases.extend(kept);
                }
            }
            if survey.cases > 0 {
                recording.surveys.push(survey);
            }
        }
    }
    if plan.large {
        progress(&format!("cross-entropy {} of real size", plan.dtype));
        recording.large.push(large::cross_entropy(placement, plan.dtype)?);
        progress(&format!("adamw {} of real size", plan.dtype));
        recording.large.push(large::adamw(placement, plan.dtype)?);
    }
    Ok(recording)
}

/// One case that was run.
type Run = (Survey, Option<Recorded>);

fn chunk(plan: &Plan, placement: Placement, formula: &str, way: Way, cases: std::ops::Range<u64>) -> Result<Vec<Run>> {
    // a GPU's work is put on one queue, from one thread
    let outputs: Vec<Result<Option<Output>>> = match placement.device {
        Device::Cpu => cases.into_par_iter().map(|case| run(plan, placement, formula, way, case)).collect(),
        _ => cases.map(|case| run(plan, placement, formula, way, case)).collect(),
    };
    let outputs: Vec<Option<Output>> = outputs.into_iter().collect::<Result<_>>()?;
    outputs.into_par_iter().map(|output| compared(plan, formula, way, output)).collect()
}

/// What libtorch made of a case.
struct Output {
    case: u64,
    input: Value,
    output: Value,
}

/// `None` where libtorch does not compute the case.
fn run(plan: &Plan, placement: Placement, formula: &str, way: Way, case: u64) -> Result<Option<Output>> {
    let input = way.case(formula, case, plan.dtype)?;
    let output = match way {
        Way::Operators => torch::evaluate(formula, &input, placement),
        Way::Optimizer => torch::native(formula, &input, placement),
    };
    match output {
        Ok(output) => Ok(Some(Output { case, input, output })),
        // rounding has moved the input out of the domain, or the convention is not libtorch's
        Err(Error::Input(_) | Error::Unsupported { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

fn compared(plan: &Plan, formula: &str, way: Way, run: Option<Output>) -> Result<Run> {
    let mut survey = Survey::new(formula, way.name());
    let reference = |input: &Value| {
        let formula = catalog::formula(formula)?;
        Reference::of(formula, input, RunningError::of(plan.dtype), way.starts())
    };
    let Some((Output { case, input, output }, Ok(reference))) = run.map(|run| {
        let reference = reference(&run.input);
        (run, reference)
    }) else {
        survey.unsupported += 1;
        return Ok((survey, None));
    };
    survey.add(case, &input, &reference, &output, plan.dtype);
    // the first ones, and each whose errors are worth a look
    let telling = survey.exceeded > 0;
    let kept = (case < plan.kept || telling).then(|| Recorded { formula: formula.into(), way, case, input, output });
    Ok((survey, kept))
}

fn setting(plan: &Plan, placement: Placement) -> Setting {
    let libtorch = placement::libtorch();
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    Setting {
        libtorch: libtorch.version,
        cuda: libtorch.cuda,
        device: plan.device.clone(),
        device_name: placement::device_name(placement.device),
        dtype: plan.dtype.stored().name().into(),
        tf32: plan.dtype == Dtype::Tf32,
        // PyTorch's default, which the bindings cannot change
        deterministic: false,
        threads: u64::try_from(tch::get_num_threads()).unwrap_or(0),
        date: now.chars().take("2026-11-24".len()).collect(),
        gradproof: env!("CARGO_PKG_VERSION").into(),
    }
}
