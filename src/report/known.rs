//! What was measured before and is kept as data: the oracle's accuracy, libtorch's outputs, and what the conformance
//! kit said of other crates.

use crate::accuracy::Report;
use crate::json;
use crate::recording::Recording;
use serde::{Deserialize, Serialize};

macro_rules! fixture {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/", $path))
    };
}

const ACCURACY: &str = fixture!("accuracy/report.json");
const GAPS: &str = fixture!("report/gap.json");
const PEERS: &str = fixture!("report/peers.json");

/// By name, finest dtype first.
const RECORDINGS: &[(&str, &str)] = &[
    ("2.11.0-cpu-amd-epyc-f64.json", fixture!("torch/2.11.0-cpu-amd-epyc-f64.json")),
    ("2.11.0-cpu-amd-epyc-f32.json", fixture!("torch/2.11.0-cpu-amd-epyc-f32.json")),
    ("2.11.0-cpu-amd-epyc-bf16.json", fixture!("torch/2.11.0-cpu-amd-epyc-bf16.json")),
    ("2.11.0-cpu-amd-epyc-f16.json", fixture!("torch/2.11.0-cpu-amd-epyc-f16.json")),
];

/// How exact the oracle is known to be.
pub fn accuracy() -> Report {
    Report::parse(ACCURACY).expect("a report that a test reads")
}

/// libtorch's outputs, finest dtype first.
pub fn recordings() -> Vec<Recording> {
    RECORDINGS.iter().map(|(_, text)| Recording::parse(text).expect("a recording that a test reads")).collect()
}

/// libtorch's cross-entropy by the gap between the target's logit and the others.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gaps {
    /// The version of libtorch.
    pub libtorch: String,
    /// The processor's kind.
    pub machine: String,
    /// How many classes a row has.
    pub classes: u64,
    /// Computed in f64.
    pub f64: Vec<Gap>,
    /// Computed in f32.
    pub f32: Vec<Gap>,
}

/// One row.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// The target's logit; the others are 0.
    pub gap: f64,
    /// The loss.
    pub loss: f64,
    /// Its derivative in the target's logit.
    pub slope: f64,
}

/// libtorch's cross-entropy by the gap between the target's logit and the others.
pub fn gaps() -> Gaps {
    json::parse(GAPS).and_then(json::read).expect("rows that a test reads")
}

/// What the conformance kit said of another crate that was held to a formula, in groups of cases.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// The crate with its version.
    pub peer: String,
    /// The formula.
    pub formula: String,
    /// The formula with the conventions and the precision that the crate is held to.
    pub held_to: String,
    /// The file of the kit's report.
    pub report: String,
    /// How many groups conform.
    pub conforms: usize,
    /// The groups that ask for what the crate lacks.
    pub not_supported: Vec<String>,
    /// The groups whose difference is known and told in FINDINGS.md.
    pub differs_as_expected: Vec<String>,
    /// The groups that differ.
    pub differs: Vec<String>,
}

/// What the conformance kit said of other crates.
pub fn peers() -> Vec<Peer> {
    serde_json::from_str(PEERS).expect("reports that a test reads")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;
    use std::collections::BTreeSet;

    #[test]
    fn every_recording_is_known_by_its_name() {
        let folder = format!("{}/fixtures/torch", env!("CARGO_MANIFEST_DIR"));
        let kept: BTreeSet<String> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(kept, RECORDINGS.iter().map(|(name, _)| name.to_string()).collect());
        for (recording, (name, _)) in recordings().iter().zip(RECORDINGS) {
            assert_eq!(recording.file_name(), *name);
        }
    }

    #[test]
    fn the_report_and_the_gaps_are_readable() {
        assert!(peers().iter().all(|held| catalog::formula(&held.formula).is_ok()));
        assert!(!accuracy().formulas.is_empty() && gaps().f64.len() == gaps().f32.len());
    }
}
