//! The floors of the crate: each module uses only those below it, and formulas never use each other.

use std::path::{Path, PathBuf};

/// The top-level modules, floor by floor from the ground up.
const FLOORS: &[&[&str]] = &[
    &["error"],
    &["domain", "json"],
    &["arrays", "expression"],
    &["number"],
    &["kernels"],
    &["claim"],
    &["formula", "outside"],
    &["losses"],
    &["optimizers", "schedules"],
    &["across"],
    &["catalog"],
    &["accuracy", "budget", "cases"],
    &["comparison", "diagnosis"],
    &["audit", "conformance", "proptest", "quickcheck", "survey"],
    &["recording", "vectors"],
    &["certify", "judges", "torch"],
    &["decision"],
    &["verify"],
    &["prove"],
    &["report"],
    &["cli"],
];

fn floor(module: &str) -> usize {
    FLOORS.iter().position(|floor| floor.contains(&module)).unwrap_or_else(|| {
        panic!("the module {module} has no floor: give it one in tests/floors.rs and in the list of src/lib.rs")
    })
}

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// The paths after `crate::` in the code of a file, as their first two segments.
fn used(text: &str) -> Vec<(String, String)> {
    let code: String = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let segment = |s: &str| s.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    code.match_indices("crate::")
        .filter(|(at, _)| !code[..*at].ends_with('$'))
        .map(|(at, found)| {
            let rest = &code[at + found.len()..];
            let first = segment(rest);
            let second = rest[first.len()..].strip_prefix("::").map(segment).unwrap_or_default();
            (first, second)
        })
        .collect()
}

#[test]
fn no_module_uses_a_higher_floor() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 30, "the sources were not found");
    let formulas: Vec<String> = gradproof::catalog::FORMULAS.iter().map(|f| f.id.replace('-', "_")).collect();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap();
        let parts: Vec<String> = relative.with_extension("").iter().map(|p| p.to_string_lossy().into_owned()).collect();
        if ["lib", "main"].contains(&parts[0].as_str()) {
            continue;
        }
        let is_formula_folder = |module: &str| ["losses", "optimizers", "schedules"].contains(&module);
        for (module, file_of_module) in used(&std::fs::read_to_string(&file).unwrap()) {
            let other = module != parts[0] || parts.get(1).is_some_and(|own| *own != file_of_module);
            assert!(
                !(is_formula_folder(&parts[0])
                    && other
                    && is_formula_folder(&module)
                    && formulas.contains(&file_of_module)),
                "the formula {} uses the formula {file_of_module}; what they share is a file of its own",
                parts[1]
            );
            if module == parts[0] {
                continue;
            }
            assert!(
                floor(&module) < floor(&parts[0]),
                "{} uses {module}, which is not on a lower floor than {}",
                relative.display(),
                parts[0]
            );
        }
    }
}
