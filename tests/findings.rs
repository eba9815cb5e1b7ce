//! FINDINGS.md: its findings are tests of `peers/`, its versions those that are held, its table that of the
//! reports. The peers themselves are not needed.

use serde::Serialize;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const REPORTS: (&str, &str) =
    ("<!-- reports: generated from peers/*/snapshots, checked by tests/findings.rs -->\n", "<!-- end of reports -->");

const NOTHING_FOUND: [&str; 2] = ["autograd", "tch"];

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// What is in a folder, in order.
fn entries(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

/// The names of the members of `peers/`, which are the registry's.
fn members() -> Vec<String> {
    let members = entries("peers").into_iter().filter(|path| path.join("Cargo.toml").exists());
    members.map(|path| path.file_name().unwrap().to_str().unwrap().to_string()).collect()
}

/// The version that a member holds, from the line `name = "=1.2.3"` or `name = { version = "=1.2.3", … }`.
fn version(member: &str) -> String {
    let manifest = read(format!("peers/{member}/Cargo.toml"));
    let line = manifest.lines().find(|line| line.starts_with(&format!("{member} = "))).unwrap();
    line.split("\"=").nth(1).unwrap().split('"').next().unwrap().to_string()
}

/// The groups of a report that came to something, by the words that the report has for it.
fn groups(report: &str, word: &str) -> Vec<String> {
    let lines = report.lines().filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    let outcomes = lines.filter_map(|line| line.split_once(char::is_whitespace));
    let of_word = outcomes.filter(|(_, rest)| rest.trim_start().split(',').next() == Some(word));
    of_word.map(|(id, _)| id.to_string()).collect()
}

/// A report of the kit on one of the crates.
#[derive(Serialize)]
struct Held {
    peer: String,
    formula: String,
    held_to: String,
    report: String,
    conforms: usize,
    not_supported: Vec<String>,
    differs_as_expected: Vec<String>,
    differs: Vec<String>,
}

fn reports() -> Vec<Held> {
    let mut all = Vec::new();
    for member in members() {
        for snapshot in entries(format!("peers/{member}/snapshots")) {
            let text = read(&snapshot);
            // after the snapshot's own head, between two lines of dashes
            let report = text.splitn(3, "---\n").nth(2).unwrap();
            let (held_to, file) = (report.lines().next().unwrap(), snapshot.file_name().unwrap().to_str().unwrap());
            all.push(Held {
                peer: format!("{member} {}", version(&member)),
                formula: held_to.split(' ').next().unwrap().to_string(),
                held_to: held_to.to_string(),
                report: format!("peers/{member}/snapshots/{file}"),
                conforms: groups(report, "conforms").len(),
                not_supported: groups(report, "skipped"),
                differs_as_expected: groups(report, "differs as expected"),
                differs: groups(report, "DIFFERS"),
            });
        }
    }
    all
}

fn table() -> String {
    let mut table =
        String::from("\n| crate | held to | conforms in | not supported | differs as expected | differs |\n");
    table += "|---|---|---|---|---|---|\n";
    for held in reports() {
        table += &format!(
            "| {} | [{}]({}) | {} | {} | {} | {} |\n",
            held.peer,
            held.held_to,
            held.report,
            held.conforms,
            held.not_supported.join(", "),
            held.differs_as_expected.join(", "),
            held.differs.join(", "),
        );
    }
    table + "\n"
}

/// What the report on the evidence says of the crates is kept as data, since the crate does not carry `peers/`.
#[test]
fn the_data_of_the_evidence_is_that_of_the_reports() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/report/peers.json");
    let text = serde_json::to_string_pretty(&reports()).unwrap() + "\n";
    if std::env::var_os("UPDATE_FINDINGS").is_some() {
        fs::write(path, text).unwrap();
        return;
    }
    assert!(fs::read_to_string(path).unwrap() == text, "stale: UPDATE_FINDINGS=1 cargo test --test findings");
}

#[test]
fn the_table_is_that_of_the_reports() {
    let text = read("FINDINGS.md");
    let start = text.find(REPORTS.0).unwrap() + REPORTS.0.len();
    let end = text.find(REPORTS.1).unwrap();
    if std::env::var_os("UPDATE_FINDINGS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("FINDINGS.md");
        fs::write(path, format!("{}{}{}", &text[..start], table(), &text[end..])).unwrap();
        return;
    }
    assert_eq!(&text[start..end], table(), "stale: UPDATE_FINDINGS=1 cargo test --test findings");
}

#[test]
fn every_finding_is_a_test_that_does_without_this_crate() {
    let page = read("FINDINGS.md");
    assert!(page.contains(&format!("In {} nothing was found.", NOTHING_FOUND.join(" and "))));
    let sections: Vec<&str> = page.split("\n## ").skip(1).collect();
    let mut told = 0;
    for member in members() {
        if !entries(format!("peers/{member}/tests")).iter().any(|path| path.ends_with("findings.rs")) {
            assert!(NOTHING_FOUND.contains(&member.as_str()), "{member} has no findings");
            continue;
        }
        let file = read(format!("peers/{member}/tests/findings.rs"));
        assert!(!file.contains("gradproof::") && !file.contains("peer_"), "{member}'s findings use the kit");
        let tests: BTreeSet<&str> = file.split("#[test]\n").skip(1).map(str::trim).collect();
        let heading = format!("{member} {}\n", version(&member));
        let section = sections.iter().find(|section| section.starts_with(&heading));
        let section = section.unwrap_or_else(|| panic!("no section {heading}"));
        let blocks = section.split("```rust\n#[test]\n").skip(1).map(|rest| rest.split("```").next().unwrap().trim());
        let blocks: BTreeSet<&str> = blocks.collect();
        assert_eq!(blocks, tests, "{member}");
        told += tests.len();
    }
    assert_eq!(page.matches("\n### ").count(), told);
}
