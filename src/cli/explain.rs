//! `gradproof explain`: the section of a formula, in a terminal.

use super::{AS_EXPECTED, print, unusable};
use gradproof::catalog;
use gradproof::claim::Claim;
use gradproof::judges::Run;
use gradproof::report::document::{markdown, plain};
use gradproof::report::{Evidence, Report};

/// Show what is known of a formula: its derivation, claims, conventions, mistakes and sources
#[derive(clap::Args)]
pub struct Arguments {
    /// The formula's id, such as "cross-entropy"
    formula: String,
    /// Points per sampled instance
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    cases: u32,
    /// What everything random is drawn from
    #[arg(long, default_value_t = 20_260_213)]
    rng_seed: u64,
    /// The width of the text in characters
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(40..=400))]
    width: u16,
    /// As Markdown
    #[arg(long, conflicts_with = "width")]
    markdown: bool,
}

pub fn run(arguments: &Arguments) -> u8 {
    let formula = match catalog::formula(&arguments.formula) {
        Ok(formula) => formula,
        Err(problem) => return unusable(&problem.to_string()),
    };
    let all = catalog::claims();
    let claims: Vec<&Claim> = all.iter().filter(|claim| claim.formula() == formula.id).collect();
    let run = Run::new(arguments.cases as usize, arguments.rng_seed);
    let evidence = Evidence::collect(&claims, &all, &run, |_| {});
    let report = match Report::of(evidence, &run, false) {
        Ok(report) => report,
        Err(problem) => return unusable(&problem.to_string()),
    };
    let section = report.section(formula);
    match arguments.markdown {
        true => print(&markdown::markdown(&section, "pictures")),
        false => print(&plain::plain(&section, arguments.width)),
    }
    AS_EXPECTED
}
