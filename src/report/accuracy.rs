//! How exact the oracle is known to be, as tables.

use crate::accuracy::{Certified, Difference, Hard, Report, Row, output_of};
use crate::recording::Recording;
use serde_json::Value;

/// What an output comes to, in words.
fn reached(row: &Row) -> String {
    let mut parts = Vec::new();
    if let Some(worst) = &row.worst {
        parts.push(format!("{} differ, by {} at most", row.differ, distance(worst)));
    }
    if row.open > 0 {
        parts.push(format!("{} not decided", row.open));
    }
    if parts.is_empty() { "correctly rounded".into() } else { parts.join("; ") }
}

fn distance(worst: &Difference) -> String {
    match worst.ulps() {
        0.0 => "the sign of a zero".into(),
        _ if worst.right == 0.0 => format!("{:.1e} where 0 is right", worst.found.abs()),
        ulps if ulps < 1e4 => format!("{ulps:.1} ulp"),
        ulps => format!("{ulps:.1e} ulp"),
    }
}

/// The worst difference and the first undecided number of every output with their cases, a line each.
fn findings(report: &Report) -> Vec<String> {
    let shown = |input: &Option<Value>| match input {
        Some(input) => input.to_string(),
        None => "an input too long to show".into(),
    };
    let of_row = |f: &Certified, row: &Row| {
        let worst = row.worst.as_ref().map(|x| {
            let (found, right) = (x.found, x.right);
            let input = shown(&x.input);
            format!("{} {}{}: {found:e} and not {right:e}; {input}", f.formula, x.case, x.place)
        });
        let open = row.first_open.as_ref().map(|x| {
            let input = shown(&x.input);
            format!("{} {}{}: not decided, {}; {input}", f.formula, x.case, x.place, x.reason)
        });
        worst.into_iter().chain(open)
    };
    report.formulas.iter().flat_map(|f| f.outputs.values().flat_map(move |row| of_row(f, row))).collect()
}

/// libtorch's largest error of a formula in f64, at the output where it is.
fn libtorch(recordings: &[Recording], formula: &str, output: &str) -> String {
    let in_f64 = recordings.iter().filter(|recording| recording.setting.dtype == "f64");
    let surveys = in_f64.flat_map(|recording| &recording.surveys).filter(|survey| survey.formula == formula);
    let worst = surveys.map(|survey| &survey.worst_ulps).max_by(|a, b| a.value.total_cmp(&b.value));
    let place = |at: &str| at.find('/').map(|i| output_of(&at[i..])).unwrap_or_default();
    worst.filter(|worst| place(&worst.at) == output).map(|worst| format!("{:.1e} ulp", worst.value)).unwrap_or_default()
}

fn hardest(hard: &Hard) -> String {
    format!("{:.1e} at {}{}", hard.distance, hard.case, hard.place)
}

/// The tables of a report in Markdown, with libtorch's errors from its recordings.
pub fn markdown(report: &Report, recordings: &[Recording]) -> String {
    let mut text =
        "| formula | output | components | reached | zeros and ties by rule | closest to a middle, ulp | libtorch f64 |\n\
         |---|---|---|---|---|---|---|\n"
            .to_string();
    for f in &report.formulas {
        for (output, row) in &f.outputs {
            text.push_str(&format!(
                "| `{}` | {output} | {} | {} | {} | {} | {} |\n",
                f.formula,
                row.components,
                reached(row),
                row.zeros_by_rule + row.ties_by_rule,
                row.hardest.as_ref().map(hardest).unwrap_or_default(),
                libtorch(recordings, &f.formula, output),
            ));
        }
    }
    let found = findings(report);
    if !found.is_empty() {
        text.push_str("\nThe largest error of every output that is not correctly rounded, with its input:\n\n");
        found.iter().for_each(|line| text.push_str(&format!("- {line}\n")));
    }
    text.push_str("\n| formula | region | cases | components |\n|---|---|---|---|\n");
    for f in &report.formulas {
        for covered in &f.regions {
            let (region, cases, components) = (&covered.region, covered.cases, covered.components);
            text.push_str(&format!("| `{}` | {region} | {cases} | {components} |\n", f.formula));
        }
    }
    let run = &report.run;
    text.push_str(&format!(
        "\ngradproof {} against MPFR {} on {}, at least {} components per formula, {} s.\n",
        run.gradproof, run.mpfr, run.platform, run.components, run.seconds
    ));
    text
}

/// A report for a terminal.
#[cfg(feature = "cli")]
pub fn terminal(report: &Report) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["formula", "output", "components", "reached", "by rule", "closest to a middle, ulp"]);
    for f in &report.formulas {
        for (output, row) in &f.outputs {
            table.add_row([
                f.formula.clone(),
                output.clone(),
                row.components.to_string(),
                reached(row),
                (row.zeros_by_rule + row.ties_by_rule).to_string(),
                row.hardest.as_ref().map(hardest).unwrap_or_default(),
            ]);
        }
    }
    let mut text = format!("{table}\n");
    for line in findings(report) {
        text.push_str(&format!("NOT THE NEAREST: {line}\n"));
    }
    let components: u64 = report.formulas.iter().map(Certified::components).sum();
    let (differ, open) = report
        .formulas
        .iter()
        .flat_map(|f| f.outputs.values())
        .fold((0, 0), |(differ, open), row| (differ + row.differ, open + row.open));
    text.push_str(&format!(
        "{components} components in {} s: {differ} differ from MPFR {}, {open} are not decided\n",
        report.run.seconds, report.run.mpfr
    ));
    text
}
