//! `gradproof plot`: the pictures, from one's own parameters.

use super::{AS_EXPECTED, print, unusable, write};
use gradproof::error::Error;
use gradproof::report::known;
use gradproof::report::pictures::{
    decoupling, dpo_weight, errors, gap, info_nce_weights, schedules, standalone, steps,
};
use std::path::PathBuf;

/// Draw a picture from parameters of one's own, as SVG
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    picture: Picture,
    /// The file to write; without it the picture goes to the standard output
    #[arg(long, global = true, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum Picture {
    Schedule(Schedule),
    DpoWeight(DpoWeight),
    InfoNceWeights(InfoNceWeights),
    Decoupling(Decoupling),
    Steps(Steps),
    Gap(Gap),
    Errors(Errors),
}

/// Learning rates over the steps of a run
#[derive(clap::Args)]
struct Schedule {
    /// A schedule: cosine, wsd, linear, inverse-sqrt or noam; several are drawn together
    #[arg(long = "formula", required = true, num_args = 1..=6)]
    formulas: Vec<String>,
    /// The largest rate
    #[arg(long, default_value_t = 3e-4)]
    peak: f64,
    /// The rate at the end
    #[arg(long, default_value_t = 0.0)]
    min: f64,
    /// Steps of warm-up
    #[arg(long, default_value_t = 100)]
    warmup: u64,
    /// Steps of the run
    #[arg(long, default_value_t = 1000)]
    steps: u64,
    /// Steps of WSD's decay; a fifth of the run without it
    #[arg(long)]
    decay: Option<u64>,
    /// The last step that is shown; the run's without it
    #[arg(long)]
    until: Option<u64>,
    /// A convention, such as after_end=restart, of every schedule that has it
    #[arg(long = "convention", value_name = "AXIS=OPTION")]
    conventions: Vec<String>,
}

/// What a pair counts in DPO's gradient, over its margin
#[derive(clap::Args)]
struct DpoWeight {
    /// The smoothing of the two smoothed forms
    #[arg(long, default_value_t = 0.1)]
    label_smoothing: f64,
    /// Margins are from minus to plus this
    #[arg(long, default_value_t = 6.0)]
    margin: f64,
}

/// The gradient of InfoNCE in every similarity, over the temperature
#[derive(clap::Args)]
struct InfoNceWeights {
    /// The similarity of the positive
    #[arg(long, default_value_t = 0.6, allow_negative_numbers = true)]
    positive: f64,
    /// The similarities of 1 to 5 negatives
    #[arg(long, num_args = 1..=5, default_values_t = [0.7, 0.5, 0.2, -0.2], allow_negative_numbers = true)]
    negatives: Vec<f64>,
    /// The least temperature
    #[arg(long, default_value_t = 0.01)]
    low: f64,
    /// The largest
    #[arg(long, default_value_t = 10.0)]
    high: f64,
}

/// AdamW beside Adam with L2, on a quadratic whose two directions are scaled unlike
#[derive(clap::Args)]
struct Decoupling {
    /// The curvature of the first direction
    #[arg(long, default_value_t = 0.1)]
    flat: f64,
    /// The curvature of the second
    #[arg(long, default_value_t = 10.0)]
    steep: f64,
    /// How far the minimum of a mini-batch lies from that of all
    #[arg(long, default_value_t = 2.0)]
    noise: f64,
    #[arg(long, default_value_t = 0.5)]
    weight_decay: f64,
    #[arg(long, default_value_t = 0.01)]
    lr: f64,
    #[arg(long, default_value_t = 1500)]
    steps: usize,
}

/// One step of Adam, Lion and Sophia, over the gradient
#[derive(clap::Args)]
struct Steps {
    /// The momentum that all start from
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    momentum: f64,
    /// Adam's second moment
    #[arg(long, default_value_t = 1.0)]
    second_moment: f64,
    /// Sophia's curvature
    #[arg(long, default_value_t = 0.4, allow_negative_numbers = true)]
    curvature: f64,
    /// Sophia's bound
    #[arg(long, default_value_t = 1.0)]
    rho: f64,
    /// Gradients are from minus to plus this
    #[arg(long, default_value_t = 20.0)]
    gradient: f64,
}

/// The error of the cross-entropy in ulps, over how far the target is ahead: the oracle and the textbook's algorithm
#[derive(clap::Args)]
struct Gap {
    /// The classes of the row
    #[arg(long, default_value_t = 4)]
    classes: u64,
    /// The largest gap
    #[arg(long, default_value_t = 60.0)]
    most: f64,
}

/// How often libtorch's recorded errors have which size
#[derive(clap::Args)]
struct Errors {
    /// Of one formula only
    #[arg(long)]
    formula: Option<String>,
}

pub fn run(arguments: &Arguments) -> u8 {
    let svg = match drawn(&arguments.picture) {
        Ok(svg) => standalone(&svg),
        Err(problem) => return unusable(&problem.to_string()),
    };
    match &arguments.out {
        None => print(&svg),
        Some(path) => {
            if let Err(problem) = write(path, svg.as_bytes()) {
                return unusable(&format!("{}: {problem}", path.display()));
            }
        }
    }
    AS_EXPECTED
}

fn drawn(picture: &Picture) -> Result<String, Error> {
    match picture {
        Picture::Schedule(of) => schedule(of),
        Picture::DpoWeight(of) => {
            dpo_weight::svg(&dpo_weight::Parameters { label_smoothing: of.label_smoothing, margin: of.margin })
        }
        Picture::InfoNceWeights(of) => info_nce_weights::svg(&info_nce_weights::Parameters {
            positive: of.positive,
            negatives: of.negatives.clone(),
            low: of.low,
            high: of.high,
        }),
        Picture::Decoupling(of) => decoupling::svg(&decoupling::Parameters {
            flat: of.flat,
            steep: of.steep,
            noise: of.noise,
            weight_decay: of.weight_decay,
            lr: of.lr,
            steps: of.steps,
        }),
        Picture::Steps(of) => steps::svg(&steps::Parameters {
            momentum: of.momentum,
            second_moment: of.second_moment,
            curvature: of.curvature,
            rho: of.rho,
            gradient: of.gradient,
        }),
        Picture::Gap(of) => gap::svg(of.classes, of.most),
        Picture::Errors(of) => errors::svg(&known::recordings(), of.formula.as_deref()),
    }
}

fn schedule(of: &Schedule) -> Result<String, Error> {
    let mut conventions = Vec::new();
    for text in &of.conventions {
        let (axis, option) = text.split_once('=').ok_or_else(|| Error::domain("convention", text, "AXIS=OPTION"))?;
        conventions.push((axis.to_string(), option.to_string()));
    }
    let mut shown = Vec::new();
    let mut used = vec![false; conventions.len()];
    for id in &of.formulas {
        let formula = gradproof::catalog::formula(id)?;
        let mut taken = Vec::new();
        for (i, (axis, option)) in conventions.iter().enumerate() {
            if formula.axes.iter().any(|known| known.id == axis) {
                used[i] = true;
                taken.push((axis.clone(), option.clone()));
            }
        }
        shown.push(schedules::Shown { name: id.clone(), formula: id.clone(), conventions: taken });
    }
    if let Some(i) = used.iter().position(|used| !used) {
        return Err(Error::domain("convention", &of.conventions[i], "an axis of one of the schedules"));
    }
    let parameters = schedules::Parameters {
        peak: of.peak,
        min: of.min,
        warmup: of.warmup,
        total: of.steps,
        decay: of.decay.unwrap_or((of.steps / 5).max(1)),
        until: of.until.unwrap_or(of.steps),
    };
    schedules::svg(&shown, &parameters)
}
