//! burn's schedules. A schedule is advanced and then gives the rate: the first call gives that of the
//! first step.
//!
//! A warm-up is one schedule before another in burn's sequence. Since no linear schedule begins at zero,
//! step s < W of it has the rate max·(s + 1)/W, which is the convention `warmup = "(s+1)/W"`.

use burn_optim::lr_scheduler::LrSchedulerConfig;
use burn_optim::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn_optim::lr_scheduler::linear::LinearLrSchedulerConfig;
use burn_optim::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
use burn_optim::lr_scheduler::noam::NoamLrSchedulerConfig;
use burn_optim::lr_scheduler::sequential::SequentialLrSchedulerConfig;
use gradproof::conformance::{Config, Unsupported};

/// burn's cosine schedule after a warm-up.
///
/// # Errors
/// If burn refuses the configuration.
pub fn cosine(config: &Config) -> Result<ModuleLrScheduler, Unsupported> {
    let (max, min) = (config.number("max_lr")?, config.number("min_lr")?);
    let decay = CosineAnnealingLrSchedulerConfig::new(max, decaying_steps(config)?).with_min_lr(min);
    after_warmup(config, decay.into())
}

/// burn's linear schedule after a warm-up.
///
/// # Errors
/// If burn refuses the configuration.
pub fn linear(config: &Config) -> Result<ModuleLrScheduler, Unsupported> {
    let (max, min) = (config.number("max_lr")?, config.number("min_lr")?);
    after_warmup(config, LinearLrSchedulerConfig::new(max, min, decaying_steps(config)?).into())
}

/// burn's Noam schedule, whose first call gives the rate of step 1.
pub struct Noam {
    schedule: ModuleLrScheduler,
    started: bool,
}

impl Noam {
    /// Before step 0.
    ///
    /// # Errors
    /// If burn refuses the configuration.
    pub fn new(config: &Config) -> Result<Noam, Unsupported> {
        let chosen = NoamLrSchedulerConfig::new(config.number("factor")?);
        let chosen = chosen.with_warmup_steps(whole(config, "warmup_steps")?);
        let chosen = chosen.with_model_size(whole(config, "d_model")?);
        Ok(Noam { schedule: chosen.init().map_err(Unsupported::new)?, started: false })
    }

    /// The rate of the next step. Step 0 has none, neither in burn nor in the formula.
    pub fn next_rate(&mut self) -> f64 {
        if std::mem::replace(&mut self.started, true) { next(&mut self.schedule) } else { f64::NAN }
    }
}

/// The rate of the next step.
pub fn next(schedule: &mut ModuleLrScheduler) -> f64 {
    schedule.step().base()
}

fn after_warmup(config: &Config, decay: LrSchedulerConfig) -> Result<ModuleLrScheduler, Unsupported> {
    let (max, warmup) = (config.number("max_lr")?, whole(config, "warmup_steps")?);
    let rise = match warmup {
        0 => return SequentialLrSchedulerConfig::new(vec![decay], vec![]).init().map_err(Unsupported::new),
        1 => LrSchedulerConfig::Constant(max),
        _ => LinearLrSchedulerConfig::new(max / warmup as f64, max, warmup - 1).into(),
    };
    SequentialLrSchedulerConfig::new(vec![rise, decay], vec![warmup]).init().map_err(Unsupported::new)
}

fn decaying_steps(config: &Config) -> Result<usize, Unsupported> {
    Ok(whole(config, "total_steps")? - whole(config, "warmup_steps")?)
}

fn whole(config: &Config, name: &str) -> Result<usize, Unsupported> {
    usize::try_from(config.whole(name)?).map_err(|error| Unsupported::new(error.to_string()))
}
