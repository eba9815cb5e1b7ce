//! What an adapter makes of somebody's optimizer, and how a case is run on it.

use super::case::{Case, Feature, Group, StepInput, Tensor};
use super::config::{Config, Unsupported};

/// An optimizer under test together with the parameters that it owns.
///
/// A subject keeps its parameters as its crate does (shared variables, values that move in and out, a
/// copy of its own), so that one that never writes them back is found out. What it cannot do it returns
/// as [`Unsupported`]; the case is then skipped, and shown with the reason. The methods with a default
/// are for features that a subject may lack.
pub trait Optimizer: Sized {
    /// A new optimizer for these parameters. `rate` is that of the first step, for those that are
    /// built with one.
    ///
    /// # Errors
    /// If the subject cannot have this configuration.
    fn build(config: &Config, rate: f64, params: &[Tensor]) -> Result<Self, Unsupported>;

    /// One step with this rate. A tensor without a gradient is not to be touched.
    ///
    /// # Errors
    /// If the subject cannot step so.
    fn step(&mut self, rate: f64, gradients: &[Option<Tensor>]) -> Result<(), Unsupported>;

    /// The numbers of a parameter, as they are now.
    fn read(&self, tensor: usize) -> Vec<f64>;

    /// A moment of a tensor by the formula's name (`m`, `v`), where the subject shows it.
    fn moment(&self, _name: &str, _tensor: usize) -> Option<Vec<f64>> {
        None
    }

    /// Takes estimates of the Hessian's diagonal, before the step that they are for.
    ///
    /// # Errors
    /// If the subject takes none.
    fn take_hessians(&mut self, _estimates: &[Option<Tensor>]) -> Result<(), Unsupported> {
        Err(Unsupported::new("Hessian estimates"))
    }

    /// A new optimizer with parameter groups, and the first rate of each.
    ///
    /// # Errors
    /// If the subject has no parameter groups.
    fn build_groups(
        _config: &Config,
        _groups: &[Group],
        _rates: &[f64],
        _params: &[Tensor],
    ) -> Result<Self, Unsupported> {
        Err(Unsupported::new("parameter groups"))
    }

    /// One step with a rate for each parameter group.
    ///
    /// # Errors
    /// If the subject has no parameter groups.
    fn step_groups(&mut self, _rates: &[f64], _gradients: &[Option<Tensor>]) -> Result<(), Unsupported> {
        Err(Unsupported::new("parameter groups"))
    }

    /// A new optimizer that maximizes.
    ///
    /// # Errors
    /// If the subject only minimizes.
    fn build_maximizing(_config: &Config, _rate: f64, _params: &[Tensor]) -> Result<Self, Unsupported> {
        Err(Unsupported::new("maximization"))
    }

    /// A new optimizer with this one's parameters, which has got nothing else from it than what the
    /// crate saves and restores.
    ///
    /// # Errors
    /// If the subject cannot be saved.
    fn saved_and_restored(self) -> Result<Self, Unsupported> {
        Err(Unsupported::new("saving and restoring"))
    }
}

/// What a subject's run came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trajectory {
    /// The parameters after every step: `[step][tensor][n]`.
    pub params: Vec<Vec<Vec<f64>>>,
    /// A moment's name with its values after every step, where the subject shows it.
    pub moments: Vec<(String, Vec<Vec<Vec<f64>>>)>,
}

impl From<Vec<Vec<Vec<f64>>>> for Trajectory {
    fn from(params: Vec<Vec<Vec<f64>>>) -> Trajectory {
        Trajectory { params, moments: Vec::new() }
    }
}

/// Runs a case on a subject.
pub(super) fn drive<S: Optimizer>(case: &Case, moments: &[&str]) -> Result<Trajectory, Unsupported> {
    let (config, params, steps) = (case.config(), case.params(), case.steps());
    let first = steps.first().map_or(&[][..], |step| &step.rates);
    let rate = first.first().copied().unwrap_or(0.0);
    let mut subject = match &case.feature {
        Feature::None | Feature::Resume(_) => S::build(&config, rate, &params)?,
        Feature::Maximize => S::build_maximizing(&config, rate, &params)?,
        Feature::Groups(groups) => S::build_groups(&config, groups, first, &params)?,
    };
    let mut trajectory = Trajectory::default();
    let shown: Vec<&str> = moments.iter().copied().filter(|name| subject.moment(name, 0).is_some()).collect();
    trajectory.moments = shown.iter().map(|name| (name.to_string(), Vec::new())).collect();
    for (k, step) in steps.iter().enumerate() {
        if case.feature == Feature::Resume(k) {
            subject = subject.saved_and_restored()?;
        }
        one_step(&mut subject, step)?;
        trajectory.params.push((0..params.len()).map(|i| subject.read(i)).collect());
        for (name, list) in &mut trajectory.moments {
            list.push((0..params.len()).map(|i| subject.moment(name, i).unwrap_or_default()).collect());
        }
    }
    Ok(trajectory)
}

fn one_step<S: Optimizer>(subject: &mut S, step: &StepInput) -> Result<(), Unsupported> {
    if step.hessians.iter().any(Option::is_some) {
        subject.take_hessians(&step.hessians)?;
    }
    match step.rates[..] {
        [rate] => subject.step(rate, &step.gradients),
        _ => subject.step_groups(&step.rates, &step.gradients),
    }
}
