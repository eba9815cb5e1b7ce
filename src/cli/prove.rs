//! `gradproof prove`: decide the claims of a text of one's own.

use super::{AS_EXPECTED, Format, SURPRISE, UNUSABLE, print, read_text, unusable};
use gradproof::claim::Verdict;
use gradproof::prove::{Limits, prove, signatures};
use gradproof::report::Evidence;
use gradproof::verify::ClaimReport;
use std::fmt::Write;
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::time::Duration;

/// Decide a derivation of one's own
///
/// A text is declarations (`x: real`, `z: vec[n]`, `tau > 0`), definitions (`p = softmax(z)`) and claims
/// (`d loss / d z[i] == p[i] - [i == y]`), one a line or parted by `;`. docs/prove.md is the manual.
#[derive(clap::Args)]
#[command(after_long_help = functions())]
pub struct Arguments {
    /// A file with the text, or - for the standard input
    #[arg(required_unless_present = "text")]
    file: Option<PathBuf>,
    /// The text itself
    #[arg(short = 'e', long = "text", value_name = "TEXT", conflicts_with = "file")]
    text: Option<String>,
    /// Seconds for the whole text; what is not decided by then stays undecided
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// Points per sampled instance
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    cases: u32,
    /// Repeats a run: everything random is drawn from this seed, which is otherwise new in every run
    #[arg(long)]
    rng_seed: Option<u64>,
    /// What every claim must come to for exit status 0; without it nothing may be refuted
    #[arg(long, value_enum)]
    require: Option<Required>,
    /// For a reader or for a program
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What is asked of every claim.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Required {
    /// Decided as a statement.
    Proved,
}

/// The functions of the language, for `--help`.
fn functions() -> String {
    let mut text = String::from("Functions and formulas of the catalog, with what they give:\n");
    for (call, gives) in signatures() {
        let _ = match call.len() {
            0..=14 => writeln!(text, "  {call:<15} {gives}"),
            _ => writeln!(text, "  {call}\n    {gives}"),
        };
    }
    text.push_str(
        "\nThe bare name of a formula is its first result; others follow with a dot: `adamw.v(…)`. Arguments with a\n\
         question mark may be left out, and any may be given by name. For one row, pair, parameter or step the first\n\
         dimension is left out everywhere. Conventions and mistakes go by their ids, which a wrong one lists:\n\
         `adamw(…, epsilon = \"hat\")`, `dpo(…, mistake = \"chosen-rejected-swapped\")`.",
    );
    text
}

pub fn run(arguments: &Arguments) -> u8 {
    let (text, origin) = match (&arguments.text, &arguments.file) {
        (Some(text), _) => (text.clone(), "-e".to_string()),
        (None, Some(file)) => match read_text(file) {
            Ok(text) => (text, file.display().to_string()),
            Err(problem) => return unusable(&problem),
        },
        (None, None) => return unusable("a file, - or -e TEXT is needed"),
    };
    // drawn anew by the operating system in every process
    let seed = arguments.rng_seed.unwrap_or_else(|| RandomState::new().hash_one(std::process::id()));
    let limits = Limits { time: Duration::from_secs(arguments.timeout), cases: arguments.cases as usize, seed };
    let proof = match prove(&text, &limits) {
        Ok(proof) => proof,
        Err(error) => {
            eprintln!("{}", error.rendered(&text, &origin));
            return UNUSABLE;
        }
    };
    match arguments.format {
        Format::Text => print(&rendered(&proof)),
        Format::Json => match serde_json::to_string_pretty(&proof) {
            Ok(text) => print(&text),
            Err(e) => return unusable(&e.to_string()),
        },
    }
    let short = |claim: &ClaimReport| match arguments.require {
        Some(Required::Proved) => claim.verdict != Verdict::Proved,
        None => claim.verdict == Verdict::Refuted,
    };
    if proof.claims.iter().any(short) { SURPRISE } else { AS_EXPECTED }
}

/// The claims for a reader.
fn rendered(proof: &Evidence) -> String {
    let mut text = String::new();
    for claim in &proof.claims {
        claim_rendered(&mut text, claim);
    }
    let count = |verdict| proof.claims.iter().filter(|claim| claim.verdict == verdict).count();
    let claims = if proof.claims.len() == 1 { "claim" } else { "claims" };
    let _ = writeln!(
        text,
        "{} {claims}: {} proved, {} verified, {} refuted, {} undecided (--rng-seed {}, {:.1} s)",
        proof.claims.len(),
        count(Verdict::Proved),
        count(Verdict::Verified),
        count(Verdict::Refuted),
        count(Verdict::Undecided),
        proof.run.rng_seed,
        proof.run.seconds,
    );
    text
}

fn claim_rendered(text: &mut String, claim: &ClaimReport) {
    let verdict = format!("{:?}", claim.verdict).to_lowercase();
    let _ = writeln!(text, "{verdict:<10} {}: {}", claim.id, claim.statement);
    let mut line = |what: &str, said: &str| {
        let _ = writeln!(text, "{:10} {what:<15} {said}", "");
    };
    if claim.verdict != Verdict::Undecided {
        line("for", &claim.scope);
    }
    if let Some(found) = &claim.counterexample {
        let point: Vec<String> = found.point.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        line("counterexample", &if point.is_empty() { "everywhere".to_string() } else { point.join(", ") });
        line("", &format!("left {}, right {}", found.left, found.right));
    }
    if let Some(hint) = &claim.hint {
        line("hint", hint);
    }
    if claim.verdict == Verdict::Verified {
        let cases: u64 = claim.judges.iter().map(|judge| judge.cases).sum();
        let worst = claim.judges.iter().filter_map(|judge| judge.worst_ulp).reduce(f64::max);
        line(
            "points",
            &format!("{cases}{}", worst.map_or(String::new(), |worst| format!(", at most {worst:.3} ulp apart"))),
        );
    }
    if claim.verdict == Verdict::Undecided && claim.judges.is_empty() {
        line("because", &claim.scope);
    }
    for (outcome, judges) in judged(claim) {
        line(if claim.verdict == Verdict::Undecided { "because" } else { "judges" }, &format!("{judges} {outcome}"));
    }
    text.push('\n');
}

/// What the judges said, those that said the same together.
fn judged(claim: &ClaimReport) -> Vec<(String, String)> {
    let mut said: Vec<(String, String)> = Vec::new();
    for judge in &claim.judges {
        // one that cannot tell the opposite statement does not count
        let told = if judge.control.outcome == "abstains" && judge.control.id != "none" { ", unchecked" } else { "" };
        let outcome = match claim.verdict {
            Verdict::Undecided => format!("{}{told}", judge.outcome),
            _ => format!("{}{told}", judge.outcome.split(':').next().unwrap_or_default()),
        };
        match said.iter_mut().find(|(known, _)| *known == outcome) {
            Some((_, judges)) => {
                judges.push_str(", ");
                judges.push_str(judge.judge);
            }
            None => said.push((outcome, judge.judge.to_string())),
        }
    }
    said
}
