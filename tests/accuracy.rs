//! The oracle's last bit, without MPFR: the cases that `gradproof certify` pinned, and ACCURACY.md,
//! which is generated from its report.

use gradproof::accuracy::{Pins, Report};
use gradproof::cases::regions::regions;
use gradproof::catalog;
use gradproof::error::Error;
use gradproof::json;
use gradproof::recording::Recording;
use gradproof::report::accuracy;
use std::collections::BTreeSet;
use std::path::PathBuf;

const TABLES: (&str, &str) = (
    "<!-- accuracy: generated from fixtures/accuracy/report.json, checked by tests/accuracy.rs -->\n",
    "<!-- end of accuracy -->",
);

fn root(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn report() -> Report {
    Report::parse(&read("fixtures/accuracy/report.json")).unwrap()
}

fn pins() -> Vec<Pins> {
    let certified = report().formulas;
    certified.iter().map(|f| Pins::parse(&read(&format!("fixtures/accuracy/{}.json", f.formula))).unwrap()).collect()
}

#[test]
fn every_pinned_case_gives_the_right_bits() {
    let mut numbers = 0;
    for Pins { formula, cases } in pins() {
        assert!(!cases.is_empty(), "{formula} has no pinned case");
        for pinned in cases {
            let found = catalog::evaluate(&formula, pinned.input.clone()).unwrap();
            let (found, right) = (json::numbers(&found), json::numbers(&pinned.output));
            assert_eq!(found.len(), right.len(), "{formula} {}", pinned.case);
            for ((place, found), (at, right)) in found.into_iter().zip(right) {
                assert_eq!(place, at, "{formula} {}", pinned.case);
                assert!(
                    found.to_bits() == right.to_bits(),
                    "{formula} {}{place}: {found:e} and not {right:e}\n{}",
                    pinned.case,
                    pinned.input
                );
                numbers += 1;
            }
        }
    }
    println!("{numbers} numbers");
}

#[test]
fn pinned_cases_are_the_regions_and_take_little_room() {
    let bytes: u64 =
        std::fs::read_dir(root("fixtures/accuracy")).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes < 1_500_000, "{bytes} bytes");
    for Pins { formula, cases } in pins() {
        for pinned in cases {
            let (name, index) = pinned.case.rsplit_once('/').unwrap();
            let region = regions(&formula).into_iter().find(|region| region.name == name);
            if let Some(region) = region {
                let now = region.case(index.parse().unwrap());
                assert_eq!(now, pinned.input, "{formula} {name}/{index}: pin it again with `gradproof certify`");
            } else {
                assert_eq!(name, "random", "{formula} has no region {name}");
            }
        }
    }
}

#[test]
fn every_formula_has_regions_whose_cases_the_oracle_takes() {
    for formula in catalog::FORMULAS {
        let regions = regions(formula.id);
        let names: BTreeSet<&str> = regions.iter().map(|region| region.name).collect();
        assert_eq!(names.len(), regions.len(), "two regions of {} have one name", formula.id);
        assert!(regions.len() >= 2, "{} needs regions in src/cases/regions", formula.id);
        for region in regions {
            // the first cases go once through what a region turns through; large ones take too long here
            let shown = if region.components > 10_000 { 2 } else { region.cases.min(24) };
            for index in 0..shown {
                let output = catalog::evaluate(formula.id, region.case(index))
                    .unwrap_or_else(|e| panic!("{} {}/{index}: {e}", formula.id, region.name));
                let numbers = json::numbers(&output).len() as u64;
                assert!(numbers <= region.components, "{} {}/{index}: {numbers}", formula.id, region.name);
            }
        }
    }
}

#[test]
fn the_tables_of_accuracy_md_are_those_of_the_report() {
    let folder = std::fs::read_dir(root("fixtures/torch")).unwrap();
    let mut files: Vec<PathBuf> = folder.map(|file| file.unwrap().path()).collect();
    files.sort();
    let recordings: Vec<Recording> =
        files.iter().map(|file| Recording::parse(&std::fs::read_to_string(file).unwrap()).unwrap()).collect();
    let generated = format!("\n{}\n", accuracy::markdown(&report(), &recordings));
    let text = read("ACCURACY.md");
    let start = text.find(TABLES.0).unwrap() + TABLES.0.len();
    let end = text.find(TABLES.1).unwrap();
    if std::env::var_os("UPDATE_ACCURACY").is_some() {
        std::fs::write(root("ACCURACY.md"), format!("{}{generated}{}", &text[..start], &text[end..])).unwrap();
        return;
    }
    assert_eq!(&text[start..end], generated, "stale: UPDATE_ACCURACY=1 cargo test --test accuracy");
}

#[test]
fn what_is_no_report_is_refused() {
    let text = read("fixtures/accuracy/report.json");
    assert_eq!(Report::parse(&text).unwrap().text(), text);
    for text in ["", "{}", "[]", "{\"run\": 1, \"formulas\": []}"] {
        assert!(Report::parse(text).is_err() && Pins::parse(text).is_err(), "{text}");
    }
    assert!(matches!(Report::parse(&text[..text.len() / 2]), Err(Error::NotJson(_))));
    assert!(Report::parse(&text.replacen("\"differ\"", "\"differs\"", 1)).is_err());
}
