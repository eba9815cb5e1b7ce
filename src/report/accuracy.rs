//! How exact the oracle is known to be, as tables.

use crate::accuracy::{Certified, Difference, Hard, Report, Row, output_of};
use crate::recording::Recording;

/// What an output comes to, in words.
fn reached(row: &Row) -> String {
    match &row.worst {
        _ if row.is_correctly_rounded() => "correctly rounded".into(),
        Some(worst) => format!("{} of {} differ, by {} at most", row.differ, row.components, ulps(worst)),
        None => format!("{} of {} not decided", row.open, row.components),
    }
}

fn ulps(worst: &Difference) -> String {
    match worst.ulps() {
        0.0 => "the sign of a zero".into(),
        ulps if ulps < 1e4 => format!("{ulps:.1} ulp"),
        ulps => format!("{ulps:.1e} ulp"),
    }
}

/// The differences with their cases, a line each.
fn differences(report: &Report) -> Vec<String> {
    let of_formula = |f: &Certified| {
        let line = |worst: &Difference| {
            let input = worst.input.as_ref().map_or_else(|| "an input too long to show".into(), |x| x.to_string());
            format!(
                "{} {}{}: {:e} and not {:e}, {} away; {input}",
                f.formula,
                worst.case,
                worst.place,
                worst.found,
                worst.right,
                ulps(worst)
            )
        };
        f.outputs.values().filter_map(|row| row.worst.as_ref()).map(line).collect::<Vec<_>>()
    };
    report.formulas.iter().flat_map(of_formula).collect()
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
    let different = differences(report);
    if !different.is_empty() {
        text.push_str("\nThe largest error of every output that is not correctly rounded, with its input:\n\n");
        different.iter().for_each(|line| text.push_str(&format!("- {line}\n")));
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
    for line in differences(report) {
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
