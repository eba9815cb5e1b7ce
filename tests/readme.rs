//! The README: its table of formulas is the catalog's, and what it shows of the command is true.

mod common;

use gradproof::catalog;
use gradproof::number::Dtype;
use gradproof::recording::Recording;
use gradproof::report::surveys;
use std::sync::Mutex;

const FORMULAS: (&str, &str) =
    ("<!-- formulas: generated from the catalog, checked by tests/readme.rs -->\n", "<!-- end of formulas -->");
const LIBTORCH: (&str, &str) =
    ("<!-- libtorch: generated from fixtures/torch, checked by tests/readme.rs -->\n", "<!-- end of libtorch -->");

/// Holds a generated part of the README to what it is generated from, or writes it anew.
fn hold((begin, end): (&str, &str), generated: &str) {
    // one writer at a time
    static README: Mutex<()> = Mutex::new(());
    let _alone = README.lock();
    let path = format!("{}/README.md", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let start = text.find(begin).unwrap() + begin.len();
    let end = text.find(end).unwrap();
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(&path, format!("{}{generated}{}", &text[..start], &text[end..])).unwrap();
        return;
    }
    assert_eq!(&text[start..end], generated, "stale: UPDATE_README=1 cargo test --test readme");
}

fn table() -> String {
    let mut table = String::from("\n| id | formula | equation | conventions | mistakes |\n|---|---|---|---|---|\n");
    for f in catalog::FORMULAS {
        let axes: Vec<String> = f.axes.iter().map(|a| format!("`{}`", a.id)).collect();
        let equation = f.equation.replace('|', "\\|");
        let axes = if axes.is_empty() { "none".into() } else { axes.join(", ") };
        table += &format!("| `{}` | {} | {equation} | {axes} | {} |\n", f.id, f.name, f.mistakes.len());
    }
    table + "\n"
}

#[test]
fn the_table_of_formulas_is_the_catalog() {
    hold(FORMULAS, &table());
}

#[test]
fn the_table_of_libtorch_s_errors_is_that_of_the_recordings() {
    let folder = format!("{}/fixtures/torch", env!("CARGO_MANIFEST_DIR"));
    let mut recordings: Vec<Recording> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| Recording::parse(&std::fs::read_to_string(entry.unwrap().path()).unwrap()).unwrap())
        .collect();
    let dtype = |r: &Recording| Dtype::STORED.iter().position(|d| d.name() == r.setting.dtype);
    recordings.sort_by_key(|r| (r.setting.device.clone(), r.setting.device_name.clone(), dtype(r), r.setting.tf32));
    hold(LIBTORCH, &format!("\n{}\n", surveys::markdown(&recordings)));
}

#[test]
fn the_shown_output_is_what_the_oracle_gives() {
    let text = include_str!("../README.md");
    let input = text.split("echo '").nth(1).unwrap().split('\'').next().unwrap();
    let shown = text.split("```json\n").nth(1).unwrap().split("\n```").next().unwrap();
    let output = catalog::evaluate("cross-entropy", gradproof::json::parse(input).unwrap()).unwrap();
    assert_eq!(output.to_string(), shown);
}

#[test]
fn the_numbers_are_right() {
    let text = include_str!("../README.md").replace('\n', " ");
    let anchors: usize = catalog::FORMULAS.iter().map(|f| common::anchors(f).len()).sum();
    assert!(text.contains(&format!("over {anchors} inputs")), "there are {anchors} anchors");
    let manifest = include_str!("../Cargo.toml");
    let version = manifest.split("rust-version = \"").nth(1).unwrap().split('"').next().unwrap();
    assert!(text.contains(&format!("minimum Rust version is {version}")), "{version}");
}
