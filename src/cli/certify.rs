//! `gradproof certify`: hold the oracle to MPFR, bit for bit.

use super::{AS_EXPECTED, SURPRISE, print, unusable};
use gradproof::accuracy::{Pins, Report};
use gradproof::catalog;
use gradproof::certify;
use gradproof::error::Result;
use gradproof::formula::Formula;
use gradproof::report::accuracy;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Hold the oracle to MPFR, bit for bit.
#[derive(clap::Args)]
pub struct Arguments {
    /// The formulas' ids; without one, all formulas
    formulas: Vec<String>,
    /// Numbers of the output to compare per formula, at least; regions of larger cases are left out
    #[arg(long, default_value_t = 1_000_000)]
    components: u64,
    /// The folder for the report and the pinned cases; without one, nothing is written
    #[arg(long)]
    out: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> u8 {
    let formulas = match arguments.formulas.iter().map(|id| catalog::formula(id)).collect::<Result<Vec<_>>>() {
        Ok(all) if all.is_empty() => catalog::FORMULAS.iter().collect(),
        Ok(some) => some,
        Err(e) => return unusable(&e.to_string()),
    };
    if let Some(out) = arguments.out.as_ref().filter(|out| !out.is_dir()) {
        return unusable(&format!("{}: not a folder", out.display()));
    }
    let (report, pins) = match certified(&formulas, arguments.components) {
        Ok(done) => done,
        Err(message) => return unusable(&message),
    };
    print(&accuracy::terminal(&report));
    if let Some(out) = &arguments.out
        && let Err(message) = written(out, &report, &pins)
    {
        return unusable(&message);
    }
    if report.formulas.iter().all(|f| f.is_correctly_rounded()) { AS_EXPECTED } else { SURPRISE }
}

fn certified(formulas: &[&Formula], components: u64) -> std::result::Result<(Report, Vec<Pins>), String> {
    let started = Instant::now();
    // draws on a terminal only
    let progress = ProgressBar::new(components * formulas.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} components  {msg}") {
        progress.set_style(style);
    }
    let (mut all, mut pins) = (Vec::new(), Vec::new());
    for (i, formula) in formulas.iter().enumerate() {
        progress.set_message(formula.id);
        let (certified, pinned) = certify::certify(formula, components, |n| progress.inc(n))
            .map_err(|e| format!("{}: the oracle refuses an input of a region: {e}", formula.id))?;
        // a formula may have compared more than was asked for
        progress.set_position(components * (i as u64 + 1));
        all.push(certified);
        pins.push(pinned);
    }
    progress.finish_and_clear();
    Ok((certify::report(all, components, started), pins))
}

fn written(out: &Path, report: &Report, pins: &[Pins]) -> std::result::Result<(), String> {
    let files = pins.iter().map(|pins| (format!("{}.json", pins.formula), pins.text()));
    for (name, text) in files.chain([("report.json".to_string(), report.text())]) {
        let path = out.join(name);
        super::write(&path, text.as_bytes()).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}
