//! `gradproof verify`: decide every claim and print the evidence.

use super::{AS_EXPECTED, Format, SURPRISE, print, unusable, write};
use gradproof::catalog;
use gradproof::claim::Claim;
use gradproof::judges::Run;
use gradproof::report::{Evidence, Report, pictures, terminal};
use indicatif::{ProgressBar, ProgressStyle};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

/// Decide every claim and print the evidence.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only claims whose id contains one of these, such as "adamw" or "dpo/gradient"
    patterns: Vec<String>,
    /// Points per sampled instance
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    cases: u32,
    /// Repeats a run: everything random is drawn from this seed, which is otherwise new in every run
    #[arg(long)]
    rng_seed: Option<u64>,
    /// For a reader or for a program
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write the evidence into this folder too: index.html, evidence.md with its pictures, and evidence.json
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> u8 {
    let all = catalog::claims();
    let wanted =
        |c: &Claim| arguments.patterns.is_empty() || arguments.patterns.iter().any(|p| c.id.contains(p.as_str()));
    if let Some(lost) = arguments.patterns.iter().find(|p| !all.iter().any(|c| c.id.contains(p.as_str()))) {
        return unusable(&format!("no claim's id contains {lost:?}; `gradproof verify` without a pattern lists all"));
    }
    let claims: Vec<&Claim> = all.iter().filter(|c| wanted(c)).collect();
    // drawn anew by the operating system in every process
    let seed = arguments.rng_seed.unwrap_or_else(|| RandomState::new().hash_one(std::process::id()));
    let run = Run::new(arguments.cases as usize, seed);
    // draws on a terminal only
    let progress = ProgressBar::new(claims.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} claims  {msg}") {
        progress.set_style(style);
    }
    let evidence = Evidence::collect(&claims, &all, &run, |report| {
        progress.set_message(report.id.clone());
        progress.inc(1);
    });
    progress.finish_and_clear();
    if let Some(folder) = &arguments.report
        && let Err(problem) = write_report(folder, evidence.clone(), &run, arguments.patterns.is_empty())
    {
        return unusable(&problem);
    }
    match arguments.format {
        Format::Text => print(&terminal::render(&evidence)),
        Format::Json => match serde_json::to_string_pretty(&evidence) {
            Ok(text) => print(&text),
            Err(e) => return unusable(&e.to_string()),
        },
    }
    if evidence.surprises().next().is_some() { SURPRISE } else { AS_EXPECTED }
}

/// The name of the pictures' folder beside `evidence.md`.
const PICTURES: &str = "pictures";

/// Writes the report's files, each whole or not at all.
fn write_report(folder: &Path, evidence: Evidence, run: &Run, is_whole: bool) -> Result<(), String> {
    let report = Report::of(evidence, run, is_whole).map_err(|e| e.to_string())?;
    let data = serde_json::to_string_pretty(&report.data()).map_err(|e| e.to_string())?;
    let mut files = vec![
        (folder.join("index.html"), report.html()),
        (folder.join("evidence.md"), report.markdown(PICTURES)),
        (folder.join("evidence.json"), data + "\n"),
    ];
    for (_, picture) in &report.pictures {
        files.push((folder.join(PICTURES).join(format!("{}.svg", picture.name)), pictures::standalone(&picture.svg)));
    }
    let told = |path: &Path, problem: std::io::Error| format!("{}: {problem}", path.display());
    std::fs::create_dir_all(folder.join(PICTURES)).map_err(|e| told(folder, e))?;
    for (path, text) in files {
        write(&path, text.as_bytes()).map_err(|e| told(&path, e))?;
    }
    Ok(())
}
