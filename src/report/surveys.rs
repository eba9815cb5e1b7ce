//! Recordings as tables: what libtorch's errors are on a device in a dtype.

use crate::recording::{Large, Recording};
use crate::survey::{Finding, Survey};

const HEADER: [&str; 9] =
    ["formula", "by", "device", "dtype", "cases", "worst error, ulp", "of its budget", "at", "no digit promised"];

fn rows(recording: &Recording) -> Vec<[String; 9]> {
    let device = recording.setting.device.clone();
    let dtype = recording.dtype().map_or_else(|_| recording.setting.dtype.clone(), |dtype| dtype.to_string());
    let of_survey = |s: &Survey| {
        [
            s.formula.clone(),
            s.way.clone(),
            device.clone(),
            dtype.clone(),
            s.cases.to_string(),
            short(s.worst_ulps.value),
            format!("{:.2}", s.worst_ratio.value),
            s.worst_ratio.at.clone(),
            format!("{:.1} %", 100.0 * s.without_digit as f64 / s.numbers.max(1) as f64),
        ]
    };
    let of_large = |l: &Large| {
        [
            l.formula.clone(),
            "operators".into(),
            device.clone(),
            dtype.clone(),
            l.size.clone(),
            short(l.worst_ulps.value),
            format!("{:.2}", l.worst_ratio.value),
            l.worst_ratio.at.clone(),
            String::new(),
        ]
    };
    recording.surveys.iter().map(of_survey).chain(recording.large.iter().map(of_large)).collect()
}

/// A number in few characters.
fn short(x: f64) -> String {
    if x < 1e5 { format!("{x:.1}") } else { format!("{x:.1e}") }
}

/// The worst errors that conditioning does not explain, in a line each.
fn findings(recording: &Recording) -> Vec<String> {
    let line = |s: &Survey, f: &Finding| {
        let setting = &recording.setting;
        format!(
            "{} ({}) in {} on {}: case {}{}, {:e} and not {:e}; conditioning explains {:.1e}; {} such errors",
            s.formula,
            s.way,
            setting.dtype,
            setting.device,
            f.case,
            f.place,
            f.found,
            f.right,
            f.explained,
            s.unexplained
        )
    };
    recording.surveys.iter().filter_map(|s| s.findings.first().map(|f| line(s, f))).collect()
}

/// The table and the findings in Markdown.
pub fn markdown(recordings: &[Recording]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(&HEADER.map(String::from));
    text.push_str(&line(&HEADER.map(|_| "---".into())));
    recordings.iter().flat_map(rows).for_each(|row| text.push_str(&line(&row)));
    let found: Vec<String> = recordings.iter().flat_map(findings).collect();
    if !found.is_empty() {
        text.push_str(
            "\nErrors within the budget that the conditioning of the case does not explain, the worst of each:\n\n",
        );
        found.iter().for_each(|line| text.push_str(&format!("- {line}\n")));
    }
    text
}

/// The table and the findings for a terminal.
#[cfg(feature = "cli")]
pub fn terminal(recordings: &[Recording]) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::UTF8_HORIZONTAL_ONLY).set_header(HEADER);
    table.add_rows(recordings.iter().flat_map(rows));
    let mut text = format!("{table}\n");
    for recording in recordings {
        for line in findings(recording) {
            text.push_str(&format!("not explained by conditioning: {line}\n"));
        }
        for survey in &recording.surveys {
            for f in &survey.excesses {
                text.push_str(&format!(
                    "BEYOND ITS BUDGET: {} ({}) case {}{}: {:e} and not {:e}, allowed {:.1e}\n  {}\n",
                    survey.formula, survey.way, f.case, f.place, f.found, f.right, f.explained, f.input
                ));
            }
        }
    }
    text
}
