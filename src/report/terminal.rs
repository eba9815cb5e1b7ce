//! The evidence as tables for a terminal.

use super::Evidence;
use crate::claim::Verdict;
use crate::verify::{ClaimReport, JudgeReport};
use comfy_table::{ContentArrangement, Table, presets};
use std::fmt::{self, Write};

/// The width of a table when the output is not a terminal.
const WIDTH: u16 = 160;

/// Everything that was found, as text.
pub fn render(evidence: &Evidence) -> String {
    let mut out = String::new();
    write(&mut out, evidence).expect("writing to a string cannot fail");
    out
}

fn write(out: &mut String, evidence: &Evidence) -> fmt::Result {
    let mut formulas: Vec<&str> = evidence.claims.iter().map(|c| c.formula.as_ref()).collect();
    formulas.dedup();
    for formula in formulas {
        writeln!(out, "\n{formula}")?;
        let claims: Vec<&ClaimReport> = evidence.claims.iter().filter(|c| c.formula == formula).collect();
        writeln!(out, "{}", table(&claims))?;
    }
    writeln!(out, "\nOutside, since no mathematics decides it:")?;
    for o in evidence.outside {
        writeln!(out, "  {} ({}): {}", o.statement, o.source.section, o.reason)?;
    }
    let run = &evidence.run;
    writeln!(
        out,
        "\n{} claims: {} proved, {} verified, {} refuted, {} undecided; {} outside",
        evidence.claims.len(),
        evidence.count(Verdict::Proved),
        evidence.count(Verdict::Verified),
        evidence.count(Verdict::Refuted),
        evidence.count(Verdict::Undecided),
        evidence.outside.len(),
    )?;
    writeln!(
        out,
        "gradproof {} on {}, {} cases, --rng-seed {}, {:.1} s",
        run.version, run.platform, run.cases, run.rng_seed, run.seconds
    )?;
    let surprises: Vec<_> = evidence.surprises().collect();
    for claim in &surprises {
        writeln!(
            out,
            "NOT AS EXPECTED: {} is {:?}, expected {}: {}",
            claim.id,
            claim.verdict,
            claim.expected.map_or("nothing".to_string(), |expected| format!("{expected:?}")),
            claim.scope
        )?;
        for j in &claim.judges {
            writeln!(out, "    {}: {} (control {} {})", j.judge, j.outcome, j.control.id, j.control.outcome)?;
        }
    }
    if surprises.is_empty() {
        writeln!(out, "every verdict is as expected")?;
    }
    Ok(())
}

fn table(claims: &[&ClaimReport]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    if !table.is_tty() {
        table.set_width(WIDTH);
    }
    table.set_header(["claim", "verdict", "scope", "judges", "cases", "worst", "source"]);
    for claim in claims {
        table.add_row([
            statement(claim),
            format!("{:?}", claim.verdict).to_lowercase(),
            claim.scope.clone(),
            claim.judges.iter().map(judge).collect::<Vec<_>>().join("\n"),
            claim.judges.iter().map(|j| j.cases).sum::<u64>().to_string(),
            claim
                .judges
                .iter()
                .filter_map(|j| j.worst_ulp)
                .reduce(f64::max)
                .map_or(String::new(), |w| format!("{w:.3} ulp")),
            claim.source.map_or(String::new(), |s| format!("{}, {}", s.document, s.section)),
        ]);
    }
    table
}

/// The id and the statement, with the counterexample of a refuted claim.
fn statement(claim: &ClaimReport) -> String {
    let mut text =
        format!("{}\n{}", claim.id.split_once('/').map_or(claim.id.as_ref(), |(_, rest)| rest), claim.statement);
    if let Some(amended) = claim.amends {
        let _ = write!(text, "\namends {amended}");
    }
    if let Some(c) = &claim.counterexample {
        let point: Vec<String> = c.point.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let _ = write!(text, "\ncounterexample: {}: left {}, right {}", point.join(", "), c.left, c.right);
    }
    text
}

/// What a judge said, with a note when it could not tell the control.
fn judge(report: &JudgeReport) -> String {
    let outcome = report.outcome.split(':').next().unwrap_or_default();
    let told = report.control.outcome != "abstains";
    format!("{} {outcome}{}", report.judge, if told { "" } else { " (no control)" })
}
