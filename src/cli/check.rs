//! `gradproof check`: hold another implementation's results against the golden vectors.

use super::{AS_EXPECTED, Format, SURPRISE, print, unusable, vectors};
use gradproof::arrays;
use gradproof::conformance::Precision;
use gradproof::diagnosis::{Diagnosis, Form};
use gradproof::vectors::{CaseReport, Outcome, Report, Results, Settings, check};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Hold another implementation's results against the golden vectors.
///
/// RESULTS is JSON, {"case id": output} with {"error": "why"} where the input was refused, or npz or safetensors
/// with arrays named "case id#output/params/0" and so on.
#[derive(clap::Args)]
pub struct Arguments {
    /// The formula's id
    formula: String,
    /// The results; "-" reads JSON from the standard input
    results: PathBuf,
    /// What was computed in
    #[arg(long, value_enum, default_value_t = In::F64)]
    precision: In,
    /// A convention that was followed and is not the default: epsilon=hat
    #[arg(long = "convention", value_name = "AXIS=OPTION")]
    conventions: Vec<String>,
    /// For a reader or for a program
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// The precisions; in `f64-f32` tensors are f64 and hyperparameters pass through f32.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum In {
    F64,
    #[value(name = "f64-f32")]
    F64F32,
    F32,
    Bf16,
    F16,
}

impl In {
    fn precision(self) -> Precision {
        match self {
            In::F64 => Precision::F64,
            In::F64F32 => Precision::F64WithF32Hyperparameters,
            In::F32 => Precision::F32,
            In::Bf16 => Precision::Bf16,
            In::F16 => Precision::F16,
        }
    }
}

pub fn run(arguments: &Arguments) -> u8 {
    match checked(arguments) {
        Ok(report) => {
            match arguments.format {
                Format::Text => print(&text(&report)),
                Format::Json => print(&facts(&report).to_string()),
            }
            if report.conforms() { AS_EXPECTED } else { SURPRISE }
        }
        Err(message) => unusable(&message),
    }
}

fn checked(arguments: &Arguments) -> Result<Report, String> {
    let file = vectors::file(&arguments.formula)?;
    let mut conventions = BTreeMap::new();
    for chosen in &arguments.conventions {
        let (axis, option) =
            chosen.split_once('=').ok_or_else(|| format!("convention: found {chosen:?}, allowed is AXIS=OPTION"))?;
        conventions.insert(axis.to_string(), option.to_string());
    }
    let settings = Settings { precision: arguments.precision.precision(), conventions };
    let path = &arguments.results;
    let in_file = |e: gradproof::error::Error| format!("{}: {e}", path.display());
    let results = match arrays::Format::of_name(&path.to_string_lossy()) {
        Some(format) => format.read(&super::read(path)?).and_then(|arrays| Results::of_arrays(&arrays)),
        None => Results::parse(&super::read_text(path)?),
    };
    let results = results.map_err(in_file)?;
    if results.is_empty() {
        return Err(format!("{}: there is no result", path.display()));
    }
    check(&file, &results, &settings).map_err(in_file)
}

/// The most cases that are shown in full.
const SHOWN: usize = 5;

fn text(report: &Report) -> String {
    let differing: Vec<&CaseReport> = report.cases.iter().filter(|c| c.outcome == Outcome::Differs).collect();
    let given: Vec<&CaseReport> = report.cases.iter().filter(|c| c.outcome != Outcome::NotGiven).collect();
    let numbers: usize = given.iter().map(|case| case.numbers).sum();
    let without: usize = given.iter().map(|case| case.without_digit).sum();
    let mut lines = vec![format!(
        "{} in {}: {} of {} cases given; {} conform, {} differ",
        report.formula,
        report.precision,
        given.len(),
        report.cases.len(),
        report.count(Outcome::Conforms),
        differing.len()
    )];
    if report.count(Outcome::NoCase) > 0 {
        lines.push(format!("{} are none in this precision or under these conventions", report.count(Outcome::NoCase)));
    }
    lines.push(format!("{numbers} numbers compared; of {without} of them the precision promises no digit"));
    for (axis, options) in &report.axes {
        lines.push(match &options[..] {
            [] => format!("{axis}: no option agrees with every case that leaves it open"),
            options => format!("{axis}: {}", options.join(" or ")),
        });
    }
    for case in differing.iter().take(SHOWN) {
        lines.push(format!("\n{} DIFFERS", case.id));
        lines.extend(case.reason.iter().map(|reason| format!("  {reason}")));
        if let Some(worst) = &case.worst {
            lines.push(format!("  {}", worst.place.trim_start_matches('/')));
            lines.push(format!("    found   {:e}", worst.found));
            lines.push(format!("    right   {:e}", worst.right));
            let off = (worst.found - worst.right).abs();
            lines.push(format!("    off by  {off:e}, {:.1} ulp; rounding explains {:e}", worst.ulps, worst.allowed));
        }
        lines.push(format!("  the case: gradproof vectors show {}", case.id));
    }
    if differing.len() > SHOWN {
        let rest: Vec<&str> = differing[SHOWN..].iter().map(|case| case.id.as_str()).collect();
        lines.push(format!("\nand {} more: {}", rest.len(), rest.join(", ")));
    }
    lines.extend(report.diagnosis.iter().map(|diagnosis| format!("\nwhat was computed {diagnosis}")));
    lines.join("\n")
}

fn facts(report: &Report) -> Value {
    json!({
        "formula": report.formula,
        "precision": report.precision.to_string(),
        "conforms": report.conforms(),
        "given": report.cases.len() - report.count(Outcome::NotGiven),
        "differ": report.count(Outcome::Differs),
        "axes": report.axes,
        "diagnosis": report.diagnosis.as_ref().map(of_diagnosis),
        "cases": report.cases,
    })
}

fn of_diagnosis(diagnosis: &Diagnosis) -> Value {
    let of_form = |form: &Form| {
        let conventions: BTreeMap<&str, &str> = form.conventions.iter().copied().collect();
        json!({
            "conventions": conventions,
            "mistake": form.mistake.map(|mistake| mistake.id),
            "handling": form.handling.map(|handling| handling.meaning()),
        })
    };
    json!({
        "text": diagnosis.to_string(),
        "cases": diagnosis.cases,
        "forms": diagnosis.forms.iter().map(of_form).collect::<Vec<_>>(),
        "closest": diagnosis.closest.as_ref().map(|closest| json!({
            "form": of_form(&closest.form), "agrees": closest.agrees,
        })),
    })
}
