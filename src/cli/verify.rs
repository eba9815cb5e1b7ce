//! `gradproof verify`: decide every claim and print the evidence.

use super::{AS_EXPECTED, Format, SURPRISE, print, unusable};
use gradproof::catalog;
use gradproof::claim::Claim;
use gradproof::judges::Run;
use gradproof::report::{Evidence, terminal};
use indicatif::{ProgressBar, ProgressStyle};
use std::hash::{BuildHasher, RandomState};

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
        progress.set_message(report.id);
        progress.inc(1);
    });
    progress.finish_and_clear();
    match arguments.format {
        Format::Text => print(&terminal::render(&evidence)),
        Format::Json => match serde_json::to_string_pretty(&evidence) {
            Ok(text) => print(&text),
            Err(e) => return unusable(&e.to_string()),
        },
    }
    if evidence.surprises().next().is_some() { SURPRISE } else { AS_EXPECTED }
}
