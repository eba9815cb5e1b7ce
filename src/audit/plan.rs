//! From a configuration and its files to the work: every tensor with what it is stepped by.

use super::checkpoint::{Checkpoint, Tensor};
use super::config::{Config, Globs, Optimizer};
use super::decode::decode;
use super::error::{Error, Result};
use super::header::Format;
use super::report::Partition;
use super::sieve::{Kept, Rule};
use super::stepper::Stepper;
use super::textbook::Textbooks;
use crate::formula::Formula;
use crate::number::Dtype;
use serde_json::{Map, Value};
use std::sync::OnceLock;

/// The files of a step.
pub(super) struct Files {
    pub before: Checkpoint,
    pub after: Checkpoint,
    pub grads: Checkpoint,
    pub state_before: Option<Checkpoint>,
    pub state_after: Option<Checkpoint>,
    /// ĥ
    pub hessians: Option<Checkpoint>,
}

/// A number that a step changes, in its files.
pub(super) struct Output {
    /// `params`, or a moment.
    pub name: &'static str,
    pub before: Option<(Tensor, Dtype)>,
    pub after: Option<(Tensor, Dtype)>,
}

impl Output {
    /// The dtype of what the files have after the step.
    pub fn dtype(&self) -> Option<Dtype> {
        self.after.as_ref().map(|(_, dtype)| *dtype)
    }
}

/// A tensor of floating-point numbers with what it is stepped by.
pub(super) struct Stepped {
    pub name: String,
    pub elements: u64,
    /// θ, then the moments.
    pub outputs: Vec<Output>,
    pub gradient: Option<(Tensor, Dtype)>,
    /// ĥ
    pub estimate: Option<(Tensor, Dtype)>,
    /// Its hyperparameters and conventions, as the formula's input has them, with `lr`.
    pub hyper: Map<String, Value>,
    /// t
    pub t: u64,
    /// What is odd about its count of steps.
    pub note: Option<String>,
    pub stepper: Stepper,
    /// A quick look at its elements.
    pub rule: Box<dyn Rule>,
    /// What its textbook algorithms are, once that is asked for.
    pub written: OnceLock<crate::error::Result<Textbooks>>,
}

impl Stepped {
    /// Whether some number after the step is f64, of which plain f64 tells nothing.
    pub fn has_f64(&self) -> bool {
        Stepped::kept(&self.outputs) == Kept::InF64
    }

    /// Its textbook algorithms.
    pub fn textbooks(&self, formula: &'static Formula) -> std::result::Result<&Textbooks, &crate::error::Error> {
        self.written.get_or_init(|| Textbooks::of(formula, self)).as_ref()
    }

    /// What its hyperparameters are kept in, for all of its outputs.
    pub fn kept(outputs: &[Output]) -> Kept {
        let f64s = |output: &Output| output.after.as_ref().is_some_and(|(_, dtype)| *dtype == Dtype::F64);
        if outputs.iter().any(f64s) { Kept::InF64 } else { Kept::InF32 }
    }
}

/// A tensor of a checkpoint.
pub(super) enum Work {
    Step(Box<Stepped>),
    Skip { name: String, dtype: String, elements: u64, reason: String },
}

impl Work {
    pub fn elements(&self) -> u64 {
        match self {
            Work::Step(stepped) => stepped.elements,
            Work::Skip { elements, .. } => *elements,
        }
    }
}

/// What is to be done.
pub(super) struct Plan {
    pub files: Files,
    pub optimizer: Optimizer,
    /// The tensors of the share, by name.
    pub work: Vec<Work>,
    /// How many tensors there are in all shares.
    pub tensors: u64,
    /// Every value that a hyperparameter has in some tensor.
    pub values: Vec<(String, Vec<Value>)>,
}

impl Plan {
    pub fn new(config: &Config, share: Option<Partition>) -> Result<Plan> {
        let step = &config.step;
        let optimizer = Optimizer::of(step)?;
        if step.step == Some(0) {
            return Err(Error::config("step", 0, "a whole number from 1"));
        }
        let open = |path: &Option<std::path::PathBuf>| path.as_deref().map(Checkpoint::open).transpose();
        let files = Files {
            before: Checkpoint::open(&step.before)?,
            after: Checkpoint::open(&step.after)?,
            grads: Checkpoint::open(&step.grads)?,
            state_before: open(&step.state_before)?,
            state_after: open(&step.state_after)?,
            hessians: open(&step.hessians)?,
        };
        if let Some(path) = step.hessians.as_ref().filter(|_| !optimizer.takes_estimates()) {
            let allowed = format!("nothing: {} takes no estimates", optimizer.formula.id);
            return Err(Error::config("hessians", path.display(), allowed));
        }
        let names: Vec<&String> = files.before.tensors().map(|(name, _)| name).collect();
        let no_decay = Globs::new("no_decay", &step.no_decay)?;
        no_decay.all_match(&names)?;
        let groups = config.groups.iter().enumerate().map(|(i, group)| {
            let globs = Globs::new(&format!("groups[{i}].tensors"), &group.tensors)?;
            globs.all_match(&names)?;
            Ok((globs, &group.hyper))
        });
        let groups: Vec<(Globs, &Map<String, Value>)> = groups.collect::<Result<_>>()?;
        for (file, what) in
            std::iter::once((&files.grads, "a gradient")).chain(files.hessians.as_ref().map(|h| (h, "an estimate")))
        {
            if let Some((name, _)) = file.tensors().find(|(name, _)| files.before.get(name).is_none()) {
                let reason = format!("which {} has {what} for", file.path.display());
                return Err(Error::MissingTensor { path: files.before.path.clone(), tensor: name.clone(), reason });
            }
        }
        let hyper_of = |name: &str| {
            let mut hyper = config.hyper.clone();
            if let Some((_, own)) = groups.iter().find(|(globs, _)| globs.matches(name)) {
                hyper.extend((*own).clone());
            }
            if no_decay.matches(name) {
                hyper.insert("weight_decay".into(), 0.0.into());
            }
            if !step.conventions.is_empty() {
                let chosen = step.conventions.iter().map(|(axis, option)| (axis.clone(), option.clone().into()));
                hyper.insert("conventions".into(), Value::Object(chosen.collect()));
            }
            hyper
        };
        let planned = files
            .before
            .tensors()
            .map(|(name, tensor)| tensor_of(&files, &optimizer, name, tensor, hyper_of(name), step.step));
        let work: Vec<Work> = planned.collect::<Result<_>>()?;
        let mut values: Vec<(String, Vec<Value>)> = Vec::new();
        for work in &work {
            let Work::Step(stepped) = work else { continue };
            for (name, value) in stepped.hyper.iter().filter(|(name, _)| *name != "conventions") {
                match values.iter_mut().find(|(known, _)| known == name) {
                    None => values.push((name.clone(), vec![value.clone()])),
                    Some((_, all)) if !all.contains(value) => all.push(value.clone()),
                    Some(_) => {}
                }
            }
        }
        let tensors = work.len() as u64;
        let work = match share {
            None => work,
            Some(share) => part(work, share),
        };
        Ok(Plan { files, optimizer, work, tensors, values })
    }
}

/// A share of the work: the largest tensors first, each to the share that has the least so far.
fn part(work: Vec<Work>, partition: Partition) -> Vec<Work> {
    let of = usize::try_from(partition.of).unwrap_or(usize::MAX).min(work.len().max(1));
    let mut order: Vec<usize> = (0..work.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(work[i].elements()));
    let mut loads = vec![0u64; of];
    let mut shares = vec![0; work.len()];
    for i in order {
        let least = (0..of).min_by_key(|&share| (loads[share], share)).unwrap_or(0);
        loads[least] = loads[least].saturating_add(work[i].elements().max(1));
        shares[i] = least as u64 + 1;
    }
    work.into_iter().zip(shares).filter(|(_, share)| *share == partition.share).map(|(work, _)| work).collect()
}

/// A tensor that is there in every file in which it has to be, with one shape.
fn find(checkpoint: &Checkpoint, name: &str, like: &Tensor, reason: &str) -> Result<(Tensor, Dtype)> {
    let missing = || Error::MissingTensor { path: checkpoint.path.clone(), tensor: name.into(), reason: reason.into() };
    let tensor = checkpoint.get(name).ok_or_else(missing)?;
    let malformed = |problem| Error::malformed(&checkpoint.path, format!("tensor {name:?}"), problem);
    if tensor.shape != like.shape {
        return Err(malformed(format!("found shape {:?}, the parameter has {:?}", tensor.shape, like.shape)));
    }
    match tensor.format {
        Format::Float(dtype) => Ok((tensor.clone(), dtype)),
        Format::Other(found) => Err(malformed(format!("found dtype {found}, allowed is F64, F32, BF16 or F16"))),
    }
}

fn tensor_of(
    files: &Files,
    optimizer: &Optimizer,
    name: &str,
    tensor: &Tensor,
    hyper: Map<String, Value>,
    step: Option<u64>,
) -> Result<Work> {
    let dtype = match tensor.format {
        Format::Float(dtype) => dtype,
        Format::Other(dtype) => {
            let reason = format!("{dtype} is no dtype that is stepped");
            return Ok(Work::Skip { name: name.into(), dtype: dtype.into(), elements: tensor.elements, reason });
        }
    };
    let after = find(&files.after, name, tensor, "which is there before the step")?;
    let gradient = files.grads.get(name).map(|_| find(&files.grads, name, tensor, "")).transpose()?;
    let estimate = files.hessians.as_ref().filter(|file| file.get(name).is_some());
    let estimate = estimate.map(|file| find(file, name, tensor, "")).transpose()?;
    let recorded = files.state_before.as_ref().map(|state| recorded_step(state, name)).transpose()?.flatten();
    let t = match (recorded, step) {
        (Some(steps), _) => steps.saturating_add(1),
        (None, Some(step)) => step,
        (None, None) => {
            let allowed = format!("the step's number: the state records no count for the tensor {name:?}");
            return Err(Error::config("step", "nothing", allowed));
        }
    };
    let note = step
        .filter(|&step| step != t)
        .map(|step| format!("the state records {} steps before this one, which was said to be step {step}", t - 1));
    let stepper = Stepper::new(optimizer, &hyper, t, estimate.is_some())?;
    let mut outputs = vec![Output { name: "params", before: Some((tensor.clone(), dtype)), after: Some(after) }];
    for &moment in stepper.moments() {
        let stored = optimizer.name_of(moment, name);
        let before = match &files.state_before {
            // a tensor that has never been stepped may have no state
            Some(state) if t > 1 || state.get(&stored).is_some() => {
                Some(find(state, &stored, tensor, "the state before the step")?)
            }
            Some(_) => None,
            None if t > 1 => {
                let allowed = format!("the state before the step, since step {t} does not start from zeros");
                return Err(Error::config("state_before", "nothing", allowed));
            }
            None => None,
        };
        let stepped = gradient.is_some() || before.is_some();
        let after = match &files.state_after {
            Some(state) if stepped => Some(find(state, &stored, tensor, "the state after the step")?),
            _ => None,
        };
        outputs.push(Output { name: moment, before, after });
    }
    let rule = stepper.rule(Stepped::kept(&outputs), outputs[0].dtype());
    Ok(Work::Step(Box::new(Stepped {
        name: name.into(),
        elements: tensor.elements,
        outputs,
        gradient,
        estimate,
        hyper,
        t,
        note,
        stepper,
        rule,
        written: OnceLock::new(),
    })))
}

/// The steps that a state records for a tensor, in a tensor of one element.
fn recorded_step(state: &Checkpoint, name: &str) -> Result<Option<u64>> {
    let name = format!("{name}.step");
    let Some(tensor) = state.get(&name) else { return Ok(None) };
    let malformed = |problem: String| Error::malformed(&state.path, format!("tensor {name:?}"), problem);
    let Format::Float(dtype) = tensor.format else {
        return Err(malformed("found a dtype of whole numbers, allowed is F64, F32, BF16 or F16".into()));
    };
    if tensor.elements != 1 {
        return Err(malformed(format!("found {} elements, allowed is 1", tensor.elements)));
    }
    let (mut bytes, mut value) = (Vec::new(), Vec::new());
    state.read(tensor, dtype, 0, 1, &mut bytes)?;
    decode(dtype, &bytes, &mut value);
    match value[0] {
        steps if steps >= 0.0 && steps.fract() == 0.0 && steps < 9e15 => Ok(Some(steps as u64)),
        other => Err(malformed(format!("found {other}, allowed is a whole number from 0"))),
    }
}
