//! `gradproof audit`: hold one real optimizer step, from checkpoint files, against the oracle.

use super::{AS_EXPECTED, SURPRISE, print, unusable};
use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use gradproof::audit::{Config, Partition, Progress, Report, Step, TensorReport, Verdict, audit};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Hold one real optimizer step, from checkpoint files, against the oracle.
///
/// The files are safetensors, single or sharded with an index file. The state's moments are called as
/// PyTorch does: <tensor>.exp_avg, <tensor>.exp_avg_sq, <tensor>.max_exp_avg_sq, <tensor>.hessian,
/// <tensor>.momentum_buffer.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    merge: Option<Merge>,
    /// Read all of this from a TOML file, which can have groups of tensors
    #[arg(long, value_name = "FILE", conflicts_with_all = ["optimizer", "step", "before", "after", "grads"])]
    config: Option<PathBuf>,
    /// adamw, adam-l2, lion, sophia or sgd
    #[arg(long, required_unless_present = "config")]
    optimizer: Option<String>,
    /// The number of the step, counted from 1; a count that the state has, <tensor>.step, goes before it
    #[arg(long, value_name = "N")]
    step: Option<u64>,
    #[command(flatten)]
    hyper: Hyper,
    /// The parameters before the step
    #[arg(long, value_name = "FILE", required_unless_present = "config")]
    before: Option<PathBuf>,
    /// The parameters after it
    #[arg(long, value_name = "FILE", required_unless_present = "config")]
    after: Option<PathBuf>,
    /// The gradients, under the parameters' names
    #[arg(long, value_name = "FILE", required_unless_present = "config")]
    grads: Option<PathBuf>,
    /// The optimizer's state before the step; step 1 can do without
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    state_before: Option<PathBuf>,
    /// The state after it, which is audited where it is given
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    state_after: Option<PathBuf>,
    /// The estimates of the Hessian's diagonal that Sophia's step was made with, under the parameters' names
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    hessians: Option<PathBuf>,
    /// Tensors that are not decayed
    #[arg(long, value_name = "GLOB", conflicts_with = "config")]
    no_decay: Vec<String>,
    /// A convention of the formula, such as epsilon=hat
    #[arg(long, value_name = "AXIS=OPTION", value_parser = pair, conflicts_with = "config")]
    convention: Vec<(String, String)>,
    /// What a moment is called in the state, such as m={tensor}.momentum
    #[arg(long, value_name = "MOMENT=NAME", value_parser = pair, conflicts_with = "config")]
    state_name: Vec<(String, String)>,
    /// Audit one of N shares of the tensors; `gradproof audit merge` joins their reports
    #[arg(long, value_name = "K/N")]
    partition: Option<Partition>,
    /// For a reader or for a program
    #[arg(long, value_enum, default_value_t = Format::Text, global = true)]
    format: Format,
}

/// Hyperparameters; those that are not given are the formula's defaults.
#[derive(clap::Args)]
struct Hyper {
    /// η
    #[arg(long, value_name = "X", required_unless_present = "config", conflicts_with = "config")]
    lr: Option<f64>,
    /// β1
    #[arg(long, value_name = "X", conflicts_with = "config")]
    beta1: Option<f64>,
    /// β2
    #[arg(long, value_name = "X", conflicts_with = "config")]
    beta2: Option<f64>,
    /// ε
    #[arg(long, value_name = "X", conflicts_with = "config")]
    eps: Option<f64>,
    /// λ
    #[arg(long, value_name = "X", conflicts_with = "config")]
    weight_decay: Option<f64>,
    /// γ of Sophia
    #[arg(long, value_name = "X", conflicts_with = "config")]
    gamma: Option<f64>,
    /// ρ of Sophia
    #[arg(long, value_name = "X", conflicts_with = "config")]
    rho: Option<f64>,
    /// μ of SGD
    #[arg(long, value_name = "X", conflicts_with = "config")]
    momentum: Option<f64>,
    /// d of SGD
    #[arg(long, value_name = "X", conflicts_with = "config")]
    dampening: Option<f64>,
    /// SGD's look-ahead
    #[arg(long, conflicts_with = "config")]
    nesterov: bool,
}

#[derive(clap::Subcommand)]
enum Merge {
    /// Join the JSON reports of all shares of an audit
    Merge {
        /// The reports
        #[arg(required = true)]
        reports: Vec<PathBuf>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected a name, =, and a value")?;
    Ok((name.into(), value.into()))
}

pub fn run(arguments: &Arguments) -> u8 {
    let report = match &arguments.merge {
        Some(Merge::Merge { reports }) => merged(reports),
        None => audited(arguments),
    };
    match report {
        Err(message) => unusable(&message),
        Ok(report) => {
            match arguments.format {
                Format::Text => print(&text(&report)),
                Format::Json => match serde_json::to_string_pretty(&report) {
                    Ok(text) => print(&text),
                    Err(e) => return unusable(&e.to_string()),
                },
            }
            if report.conforms() { AS_EXPECTED } else { SURPRISE }
        }
    }
}

fn merged(paths: &[PathBuf]) -> Result<Report, String> {
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        Report::parse(&text).map_err(|e| format!("{}: {e}", path.display()))
    };
    Report::merge(paths.iter().map(read).collect::<Result<_, _>>()?).map_err(|e| e.to_string())
}

fn audited(arguments: &Arguments) -> Result<Report, String> {
    let config = match &arguments.config {
        Some(path) => Config::read(path).map_err(|e| e.to_string())?,
        None => given(arguments)?,
    };
    // draws on a terminal only
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} elements  {per_sec}  {eta}") {
        bar.set_style(style);
    }
    let report = audit(&config, arguments.partition, &|progress| match progress {
        Progress::Elements(all) => bar.set_length(all),
        Progress::Done(more) => bar.inc(more),
    });
    bar.finish_and_clear();
    report.map_err(|e| e.to_string())
}

/// The configuration that the arguments spell out.
fn given(arguments: &Arguments) -> Result<Config, String> {
    let Hyper { lr, beta1, beta2, eps, weight_decay, gamma, rho, momentum, dampening, nesterov } = arguments.hyper;
    let numbers = [
        ("lr", lr),
        ("beta1", beta1),
        ("beta2", beta2),
        ("eps", eps),
        ("weight_decay", weight_decay),
        ("gamma", gamma),
        ("rho", rho),
        ("momentum", momentum),
        ("dampening", dampening),
    ];
    let given = numbers.into_iter().filter_map(|(name, x)| Some((name.to_string(), gradproof::json::number(x?))));
    let mut hyper: Map<String, Value> = given.collect();
    if nesterov {
        hyper.insert("nesterov".into(), true.into());
    }
    let named = |pairs: &[(String, String)]| pairs.iter().cloned().collect::<BTreeMap<_, _>>();
    let path = |path: &Option<PathBuf>| path.clone().unwrap_or_default();
    let step = Step {
        optimizer: arguments.optimizer.clone().unwrap_or_default(),
        step: arguments.step,
        before: path(&arguments.before),
        after: path(&arguments.after),
        grads: path(&arguments.grads),
        state_before: arguments.state_before.clone(),
        state_after: arguments.state_after.clone(),
        hessians: arguments.hessians.clone(),
        conventions: named(&arguments.convention),
        state_names: named(&arguments.state_name),
        no_decay: arguments.no_decay.clone(),
    };
    Ok(Config { step, hyper, groups: Vec::new() })
}

/// The width of a table when the output is not a terminal.
const WIDTH: u16 = 160;

/// What does not conform, and a summary.
fn text(report: &Report) -> String {
    let mut out = String::new();
    let of = |verdict: Verdict| report.tensors.iter().filter(|t| t.verdict == verdict).collect::<Vec<_>>();
    let (conforming, differing, skipped) = (of(Verdict::Conforms), of(Verdict::Differs), of(Verdict::Skipped));
    if !differing.is_empty() || !skipped.is_empty() {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
        if !table.is_tty() {
            table.set_width(WIDTH);
        }
        table.set_header(["tensor", "dtype", "elements", "differ", "worst", "diagnosis"]);
        for tensor in differing.iter().chain(&skipped) {
            table.add_row(row(tensor));
        }
        out.push_str(&format!("{table}\n"));
    }
    for tensor in &report.tensors {
        for one in &tensor.not_judged {
            let (name, what, count, first) = (&tensor.name, &one.what, one.count, one.first);
            out.push_str(&format!("{name}: {what}, {count} times, first at {first}\n"));
        }
    }
    if let Some(worst) = conforming.iter().filter_map(|t| t.worst.as_ref().map(|w| (t, w))).reduce(furthest) {
        let (tensor, worst) = worst;
        out.push_str(&format!(
            "of what conforms {} {}[{}] is furthest off, at {:.2} of its budget\n",
            tensor.name, worst.output, worst.index, worst.over_budget
        ));
    }
    out.push_str(&format!(
        "{} tensors: {} conform, {} differ, {} skipped; {} elements in {:.1} s\n",
        report.tensors.len(),
        conforming.len(),
        differing.len(),
        skipped.len(),
        report.run.elements,
        report.run.seconds
    ));
    out
}

type Furthest<'a> = (&'a &'a TensorReport, &'a gradproof::audit::Worst);

fn furthest<'a>(a: Furthest<'a>, b: Furthest<'a>) -> Furthest<'a> {
    if b.1.over_budget > a.1.over_budget { b } else { a }
}

fn row(tensor: &TensorReport) -> [String; 6] {
    let differ = match (tensor.verdict, tensor.differing.unexamined) {
        (Verdict::Skipped, _) => "skipped".into(),
        (_, 0) => tensor.differing.count.to_string(),
        (_, more) => format!("{} to {}", tensor.differing.count, tensor.differing.count + more),
    };
    let worst = tensor.worst.as_ref().map_or_else(String::new, |w| {
        let (output, index, got, expected, over) = (&w.output, w.index, w.got, w.expected, w.over_budget);
        format!("{output}[{index}] is {got:e}, right is {expected:e}: {over:.3e} of the budget")
    });
    let diagnosis = tensor.diagnosis.clone().unwrap_or_default();
    [tensor.name.clone(), tensor.dtype.clone(), tensor.elements.to_string(), differ, worst, diagnosis]
}
