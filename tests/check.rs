//! Somebody's results held to the golden vectors: right ones conform, wrong ones differ and are named, and what
//! is no result is refused with its place.

use gradproof::catalog;
use gradproof::conformance::Precision;
use gradproof::diagnosis::{Around, Form};
use gradproof::json;
use gradproof::vectors::{Case, Expected, File, Group, Outcome, Report, Results, Settings, check};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

fn file(formula: &str) -> File {
    let path = format!("{}/fixtures/vectors/{formula}.json", env!("CARGO_MANIFEST_DIR"));
    File::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn settings(precision: Precision) -> Settings {
    Settings { precision, conventions: BTreeMap::new() }
}

fn held(file: &File, results: Value, settings: &Settings) -> Report {
    check(file, &Results::of(results).unwrap(), settings).unwrap()
}

/// The file's own answers, those of `option` where an axis is open and it has it, else the first.
fn answers(file: &File, option: &str) -> Value {
    let one = |(_, case): (&Group, &Case)| {
        let given = match case.result {
            Expected::Valid => case.output.clone().unwrap(),
            Expected::Invalid => json!({ "error": "no" }),
            Expected::Acceptable => {
                let all = case.answers.as_ref().unwrap();
                let chosen = all.iter().find(|answer| answer.id == option).unwrap_or(&all[0]);
                chosen.output.clone().unwrap_or_else(|| json!({ "error": "no" }))
            }
        };
        (case.id.clone(), given)
    };
    Value::Object(file.cases().map(one).collect())
}

#[test]
fn the_files_own_answers_conform() {
    for formula in ["cross-entropy", "dpo", "hutchinson", "lion", "cosine"] {
        let file = file(formula);
        let report = held(&file, answers(&file, ""), &settings(Precision::F64));
        assert!(report.conforms() && report.diagnosis.is_none(), "{report:?}");
        assert!(report.cases.iter().all(|case| case.outcome == Outcome::Conforms), "{formula}");
        for axis in catalog::formula(formula).unwrap().axes {
            assert_eq!(report.axes[axis.id], [axis.options[0].id], "{formula}");
        }
    }
}

#[test]
fn what_is_left_open_tells_the_convention_that_was_followed() {
    let file = file("cross-entropy");
    for (axis, option) in
        [("smoothing", "others"), ("denominator", "rows"), ("all_ignored", "nan"), ("all_ignored", "zero")]
    {
        let open = file.only(|_, case| case.result == Expected::Acceptable && case.flags == [axis]);
        let given = answers(&open, &format!("{axis}={option}"));
        let report = held(&open, given.clone(), &settings(Precision::F64));
        assert!(report.conforms() && report.axes[axis] == [option], "{axis}={option}: {report:?}");
        // whoever declares another one does not conform
        let declared = Settings {
            precision: Precision::F64,
            conventions: BTreeMap::from([(
                axis.to_string(),
                if option == "zero" { "nan" } else { "zero" }.to_string(),
            )]),
        };
        if axis == "all_ignored" {
            assert!(!held(&open, given, &declared).conforms(), "{axis}={option}");
        }
    }
}

#[test]
fn options_that_change_from_case_to_case_do_not_conform() {
    let file = file("dpo").only(|_, case| case.result == Expected::Acceptable && case.flags == ["reference"]);
    let mut twice = file.clone();
    let mut second = twice.groups[0].cases[0].clone();
    second.id = "dpo/reference/again".into();
    twice.groups[0].cases.push(second);
    let mut given = answers(&twice, "reference=free");
    assert!(held(&twice, given.clone(), &settings(Precision::F64)).conforms());
    given["dpo/reference/again"] = answers(&file, "reference=given")[&file.groups[0].cases[0].id].clone();
    let report = held(&twice, given, &settings(Precision::F64));
    assert_eq!(report.count(Outcome::Differs), 0);
    assert!(!report.conforms() && report.torn().eq(["reference"]), "{report:?}");
}

/// What a form gives for every valid case under the default conventions of a few steps.
fn computed(file: &File, form: &Form, precision: Precision) -> Value {
    let mut all = Map::new();
    let plain = |(group, case): &(&Group, &Case)| {
        group.conventions.is_empty() && case.result == Expected::Valid && case.kept.is_none()
    };
    for (group, case) in file.cases().filter(plain) {
        let input = case.whole_input(group);
        let Some(outcome) = form.at(&input, &Around::default(), precision.arithmetic()) else { continue };
        let mut output = case.output.clone().unwrap();
        for (place, right) in json::numbers(&output.clone()) {
            let found = outcome.at(&place).map_or(right, |predicted| precision.tensor().round(predicted.value));
            *output.pointer_mut(&place).unwrap() = json::number(found);
        }
        all.insert(case.id.clone(), output);
    }
    all.into()
}

#[test]
fn a_mistake_differs_and_is_named() {
    for (formula, mistake) in
        [("lion", "betas-swapped"), ("info-nce", "temperature-multiplied"), ("linear", "min-ignored")]
    {
        let file = file(formula);
        let formula = catalog::formula(formula).unwrap();
        let wrong = formula.mistakes.iter().find(|m| m.id == mistake);
        let form = Form { formula, conventions: Vec::new(), mistake: wrong, handling: None };
        let report = held(&file, computed(&file, &form, Precision::F64), &settings(Precision::F64));
        assert!(!report.conforms());
        // what differs is what has the flag
        for (case, (_, vector)) in report.cases.iter().zip(file.cases()) {
            if case.outcome != Outcome::NotGiven {
                let flagged = vector.flags.iter().any(|flag| flag == mistake);
                assert_eq!(case.outcome == Outcome::Differs, flagged, "{}: {case:?}", case.id);
            }
        }
        let forms = report.diagnosis.unwrap().forms;
        assert!(forms.iter().any(|form| form.mistake.is_some_and(|m| m.id == mistake)), "{mistake}: {forms:?}");
    }
}

#[test]
fn numbers_of_f32_conform_as_f32_and_not_as_f64() {
    let file = file("sgd");
    let formula = catalog::formula("sgd").unwrap();
    let form = Form { formula, conventions: Vec::new(), mistake: None, handling: None };
    let mut given = computed(&file, &form, Precision::F32);
    // random cases are in the full length of f64, which an f32 does not hold
    given.as_object_mut().unwrap().retain(|id, _| !id.contains("/random/"));
    assert!(held(&file, given.clone(), &settings(Precision::F32)).conforms());
    let as_f64 = held(&file, given, &settings(Precision::F64));
    assert!(!as_f64.conforms());
    let worst = as_f64.cases.iter().filter_map(|case| case.worst.as_ref()).find(|worst| worst.ulps > 1e6);
    assert!(worst.is_some());
}

#[test]
fn what_must_be_refused_and_is_not_differs() {
    let file = file("hutchinson").only(|_, case| case.result != Expected::Acceptable);
    let mut given = answers(&file, "");
    let id = |result| file.cases().find(|(_, case)| case.result == result).unwrap().1.id.clone();
    let (valid, invalid) = (id(Expected::Valid), id(Expected::Invalid));
    given[&invalid] = json!({ "estimate": ["NaN"] });
    given[&valid] = json!({ "error": "no" });
    let report = held(&file, given, &settings(Precision::F64));
    let of = |id: &str| report.cases.iter().find(|case| case.id == id).unwrap();
    assert_eq!(report.count(Outcome::Differs), 2);
    assert!(of(&invalid).reason.as_ref().unwrap().contains("must be refused"));
    assert!(of(&valid).reason.as_ref().unwrap().contains("was refused: no"));
}

#[test]
fn what_is_no_result_is_refused_with_its_place() {
    let file = file("dpo");
    let id = "dpo/ordinary/0";
    let said = |text: String| match Results::parse(&text) {
        Err(e) => e.to_string(),
        Ok(results) => match check(&file, &results, &settings(Precision::F64)) {
            Err(e) => e.to_string(),
            Ok(report) => panic!("{text} is accepted: {report:?}"),
        },
    };
    let one = |output: &str| said(format!("{{\"{id}\": {output}}}"));
    for (message, words) in [
        (said(String::new()), &["not JSON"][..]),
        (said("{\"a\": {}, \"a\": {}}".into()), &["a", "twice"]),
        (said("[".repeat(10_000)), &["not JSON"]),
        (said("[]".into()), &["results", "expected an object"]),
        (said("{\"dpo/none\": {\"loss\": 1}}".into()), &["dpo/none", "no such case"]),
        (one("1"), &[id, "expected an object"]),
        (one("{}"), &[id, "empty"]),
        (one("{\"error\": 1}"), &["dpo/ordinary/0/error", "expected a string"]),
        (one("{\"los\": 1}"), &[id, "no output \"los\"", "loss, weight"]),
        (one("{\"loss\": \"x\"}"), &["dpo/ordinary/0/loss", "expected a number"]),
        (one("{\"loss\": [1]}"), &["dpo/ordinary/0/loss", "expected a number"]),
        (one("{\"loss\": null}"), &["dpo/ordinary/0/loss", "expected a number"]),
        (one("{\"weight\": 1}"), &["dpo/ordinary/0/weight", "expected a list"]),
        (one("{\"weight\": [1, 2]}"), &["dpo/ordinary/0/weight", "length 2", "3"]),
        (one("{\"weight\": [1, 2, {}]}"), &["dpo/ordinary/0/weight/2", "expected a number"]),
        (one("{\"gradient\": [1]}"), &["dpo/ordinary/0/gradient", "expected an object"]),
    ] {
        for word in words {
            assert!(message.contains(word), "{message} lacks {word}");
        }
    }
    for (axis, option, word) in [("smooth", "x", "smoothing"), ("reference", "none", "free")] {
        let conventions = BTreeMap::from([(axis.to_string(), option.to_string())]);
        let wrong = Settings { precision: Precision::F64, conventions };
        let message = check(&file, &Results::parse("{}").unwrap(), &wrong).unwrap_err().to_string();
        assert!(message.contains(word), "{message}");
    }
}
