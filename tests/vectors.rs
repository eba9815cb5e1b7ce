//! The golden vectors: what the files say is derived from their inputs, and they tell every mistake and
//! convention apart.
//!
//! `UPDATE_VECTORS=1 cargo test --release --test vectors` writes the files anew.

use gradproof::catalog;
use gradproof::formula::Formula;
use gradproof::json;
use gradproof::vectors::{self, Case, Expected, File, Group, Kind};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/vectors")
}

fn text(name: &str) -> String {
    let path = folder().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn file(formula: &Formula) -> File {
    File::parse(&text(&format!("{}.json", formula.id))).unwrap_or_else(|e| panic!("{}: {e}", formula.id))
}

fn updating() -> bool {
    std::env::var_os("UPDATE_VECTORS").is_some()
}

/// Of every formula, on as many threads as there are processors.
fn for_all_formulas(test: impl Fn(&'static Formula) + Sync) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        while let Some(formula) = catalog::FORMULAS.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
            test(formula);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
}

#[test]
fn every_expected_value_is_derived_from_the_file_alone() {
    if updating() {
        return;
    }
    for_all_formulas(|formula| {
        let file = file(formula);
        let derived = file.derived_anew().unwrap();
        for ((_, found), (_, right)) in file.cases().zip(derived.cases()) {
            assert_eq!(found, right, "{} is not what its input comes to", found.id);
        }
    });
}

/// Deciding which mistakes every case of an optimizer shows takes too long in a build that is not optimized; there
/// the other formulas stand for all.
#[test]
fn the_files_are_those_that_the_kit_s_cases_make() {
    let all = updating() || !cfg!(debug_assertions);
    for_all_formulas(|formula| {
        if formula.has_steps() && !all {
            return;
        }
        let made = vectors::of(formula).unwrap().text();
        let name = format!("{}.json", formula.id);
        if updating() {
            std::fs::write(folder().join(name), made).unwrap();
        } else {
            assert!(made == text(&name), "{name} is stale: UPDATE_VECTORS=1 cargo test --release --test vectors");
        }
    });
}

#[test]
fn the_files_follow_the_schema_and_no_other_field_does() {
    let schema: Value = serde_json::from_str(&text("schema.json")).unwrap();
    assert!(jsonschema::draft202012::meta::is_valid(&schema), "the schema is none of draft 2020-12");
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    for formula in catalog::FORMULAS {
        let file: Value = serde_json::from_str(&text(&format!("{}.json", formula.id))).unwrap();
        if let Some(error) = schema.iter_errors(&file).next() {
            panic!("{}: {} at {}", formula.id, error, error.instance_path());
        }
        for place in ["", "/groups/0", "/groups/0/cases/0", "/groups/0/cases/0/input", "/groups/0/cases/0/output"] {
            let mut other = file.clone();
            other.pointer_mut(place).unwrap()["bogus"] = json!(1);
            assert!(!schema.is_valid(&other), "{}: a field of no meaning is accepted at {place:?}", formula.id);
        }
        let mut other = file.clone();
        other["groups"][0]["cases"][0]["result"] = json!("invalid");
        assert!(!schema.is_valid(&other), "{}: an invalid case has an output", formula.id);
    }
}

#[test]
fn a_file_is_its_own_text() {
    for formula in catalog::FORMULAS {
        let text = text(&format!("{}.json", formula.id));
        assert!(File::parse(&text).unwrap().text() == text, "{}: another text for the same file", formula.id);
    }
}

#[test]
fn the_files_take_little_room_and_every_formula_has_one() {
    let mut names = BTreeSet::new();
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let entry = entry.unwrap();
        bytes += entry.metadata().unwrap().len();
        names.insert(entry.file_name().into_string().unwrap());
    }
    println!("{bytes} bytes");
    assert!(bytes < 4_000_000, "{bytes} bytes");
    let expected = catalog::FORMULAS.iter().map(|formula| format!("{}.json", formula.id));
    assert_eq!(names, expected.chain(["schema.json".to_string()]).collect());
}

/// Mistakes that no input tells from the right form in f64, each with the reason.
const HIDDEN: &[(&str, &str, &str)] = &[];

#[test]
fn every_mistake_handling_and_convention_has_a_case_that_shows_it() {
    let mut missing = Vec::new();
    for formula in catalog::FORMULAS {
        let file = file(formula);
        let shown: BTreeSet<&str> = file.cases().flat_map(|(_, case)| &case.flags).map(String::as_str).collect();
        let hidden = |id: &str| HIDDEN.iter().any(|(f, flag, _)| (*f, *flag) == (formula.id, id));
        let mistakes = formula.mistakes.iter().map(|m| m.id);
        missing
            .extend(mistakes.filter(|id| !shown.contains(id) && !hidden(id)).map(|id| format!("{}: {id}", formula.id)));
        for axis in formula.axes {
            // a case that leaves the axis open has an answer under every option, and some two of them differ
            let open = file.cases().filter(|(_, c)| c.result == Expected::Acceptable && c.flags == [axis.id]);
            let mut apart = BTreeSet::new();
            for (_, case) in open {
                let answers = case.answers.as_deref().unwrap();
                assert_eq!(answers.len(), axis.options.len(), "{}", case.id);
                for j in 0..answers.len() {
                    let differs = |i: &usize| answers[*i].output != answers[j].output;
                    apart.extend((0..j).filter(differs).map(|i| (i, j)));
                }
            }
            let n = axis.options.len();
            if apart.len() < n * (n - 1) / 2 {
                missing.push(format!("{}: {} tells {} pairs of {n} options apart", formula.id, axis.id, apart.len()));
            }
            for option in &axis.options[1..] {
                let under = file.cases().filter(|(g, _)| g.conventions.get(axis.id).is_some_and(|o| o == option.id));
                if under.count() == 0 {
                    missing.push(format!("{}: {}={} has no case", formula.id, axis.id, option.id));
                }
            }
        }
        if formula.has_steps() {
            for flag in ["parameters-not-written-back", "missing-gradient-as-zero", "first-tensor-only", "step-ahead"] {
                // SGD and Lion count no steps
                let counts = flag != "step-ahead" || formula.id.starts_with("adam");
                if counts && !shown.contains(flag) {
                    missing.push(format!("{}: {flag}", formula.id));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_flag_has_a_note_with_a_page() {
    for formula in catalog::FORMULAS {
        let file = file(formula);
        let used: BTreeSet<&String> = file.cases().flat_map(|(_, case)| &case.flags).collect();
        assert_eq!(used, file.notes.keys().collect(), "{}", formula.id);
        for (flag, note) in &file.notes {
            assert!(note.link.starts_with("https://") && note.meaning.len() > 20, "{} {flag}", formula.id);
            let is_axis = formula.axes.iter().any(|axis| axis.id == flag);
            assert_eq!(note.kind == Kind::Convention, is_axis, "{} {flag}", formula.id);
        }
    }
}

/// The numbers among the hyperparameters of a case, rates of single steps included.
fn hyperparameters(group: &Group, case: &Case) -> Vec<(String, f64)> {
    let scalars = group.hyperparameters.iter().filter_map(|(name, x)| Some((name.clone(), json::real_of(x)?)));
    let rates = case.input.get("lr").map_or_else(Vec::new, json::numbers);
    scalars.chain(rates.into_iter().map(|(_, x)| ("lr".to_string(), x))).collect()
}

#[test]
fn no_case_has_only_ones_and_zeros_as_hyperparameters_and_no_hyperparameter_only_those() {
    for formula in catalog::FORMULAS {
        let file = file(formula);
        let (mut all, mut other) = (BTreeSet::new(), BTreeSet::new());
        for (group, case) in file.cases() {
            let numbers = hyperparameters(group, case);
            let telling = |x: f64| x != 0.0 && x != 1.0;
            // a 0 may be what an input is refused for
            if case.result != Expected::Invalid {
                let some = numbers.is_empty() || numbers.iter().any(|(_, x)| telling(*x));
                assert!(some, "{}: {numbers:?}", case.id);
                all.extend(numbers.iter().map(|(name, _)| name.clone()));
                other.extend(numbers.into_iter().filter(|(_, x)| telling(*x)).map(|(name, _)| name));
            }
        }
        assert_eq!(all, other, "{}: only 0 and 1", formula.id);
    }
}

#[test]
fn every_case_states_every_hyperparameter() {
    for formula in catalog::FORMULAS {
        let file = file(formula);
        let stated = |group: &Group, case: &Case| -> BTreeSet<String> {
            // a rate for every step is no single one
            let rates = case.input.contains_key("lr").then(|| "lr".to_string());
            group.hyperparameters.keys().cloned().chain(rates).collect()
        };
        let first = file.cases().next().map(|(group, case)| stated(group, case)).unwrap();
        for (group, case) in file.cases().filter(|(_, case)| case.result != Expected::Invalid) {
            assert_eq!(stated(group, case), first, "{}", case.id);
        }
    }
}

#[test]
fn every_optimizer_has_long_runs_missing_gradients_and_full_states() {
    for formula in catalog::FORMULAS.iter().filter(|formula| formula.has_steps()) {
        let file = file(formula);
        let steps = |case: &Case| case.input["gradients"].as_array().unwrap().clone();
        let mut missing = 0;
        for (_, case) in file.cases().filter(|(_, case)| case.result == Expected::Valid) {
            let kept = case.output.as_ref().unwrap()["steps"].as_array().unwrap().len();
            assert_eq!(kept, case.kept.as_ref().map_or(steps(case).len(), Vec::len), "{}", case.id);
            missing += usize::from(steps(case).iter().flat_map(|s| s.as_array().unwrap()).any(Value::is_null));
        }
        assert!(missing >= 3, "{}: {missing} cases with missing gradients", formula.id);
        let long = file.cases().filter(|(_, case)| case.kept.is_some()).map(|(_, case)| case);
        let long: Vec<&Case> = long.filter(|case| steps(case).len() >= 1000).collect();
        assert!(!long.is_empty(), "{}: no long run", formula.id);
        assert!(long.iter().all(|case| case.input["params"].as_array().unwrap().len() > 1));
    }
}

#[test]
fn every_formula_refuses_something_of_each_sort_it_can() {
    for formula in catalog::FORMULAS {
        let file = file(formula);
        let refused = file.cases().filter(|(_, case)| case.result == Expected::Invalid);
        let flags: BTreeSet<&str> = refused.flat_map(|(_, case)| &case.flags).map(String::as_str).collect();
        // whole steps are never NaN, and a schedule has no shapes
        let schedule = file.output.starts_with("lr");
        assert!(schedule || flags.contains("shapes-disagree"), "{}: {flags:?}", formula.id);
        assert!(flags.contains("not-finite"), "{}: {flags:?}", formula.id);
    }
}

#[test]
fn what_is_no_file_of_vectors_is_refused() {
    let text = text("hutchinson.json");
    for text in ["", "{}", "[]", "{\"format\": 1}"] {
        assert!(File::parse(text).is_err(), "{text}");
    }
    assert!(File::parse(&text[..text.len() / 2]).is_err());
    let changed = |from: &str, to: &str| {
        let other = text.replacen(from, to, 1);
        assert_ne!(other, text, "{from}");
        File::parse(&other).unwrap_err().to_string()
    };
    assert!(changed("\"format\": 1", "\"format\": 2").contains("format: found 2"));
    assert!(changed("\"comment\"", "\"remark\"").contains("remark"));
    assert!(changed("\"result\": \"valid\"", "\"result\": \"invalid\"").contains("invalid"));
    assert!(changed("hutchinson/random/1", "hutchinson/random/0").contains("twice"));
    assert!(changed("\"formula\": \"hutchinson\"", "\"formula\": \"hutch\"").contains("hutch"));
}
