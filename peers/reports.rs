//! Reports of the kit: kept as snapshots, and read.
#![allow(dead_code, reason = "not every member has a subject that differs")]

use gradproof::conformance::{Outcome, Report};

/// Keeps a report in the member's `snapshots`.
pub fn keep(name: &str, report: &Report) {
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, report.to_string());
    });
}

/// Keeps a report, and fails if anything differs that is not expected to.
pub fn conforms(name: &str, report: &Report) {
    keep(name, report);
    report.assert();
}

/// The groups that differ.
pub fn differing(report: &Report) -> Vec<&'static str> {
    let differs = report.groups.iter().filter(|group| matches!(group.outcome, Outcome::Differs(_)));
    differs.map(|group| group.id).collect()
}

/// What the subject is doing in a group that differs.
pub fn diagnosis(report: &Report, group: &str) -> String {
    let of_group = report.groups.iter().find(|of| of.id == group).map(|of| &of.outcome);
    let Some(Outcome::Differs(difference)) = of_group else { panic!("{group} does not differ:\n{report}") };
    difference.diagnosis.to_string()
}
