//! The commands about vectors and arrays: what they print, and their exit status.
#![cfg(feature = "cli")]

#[path = "common/command.rs"]
mod command;

use command::gradproof;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The standard output of a call that exits with this status.
fn said(status: i32, arguments: &[&str], input: &str) -> String {
    let output = gradproof(arguments, input);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {errors}");
    if status == 2 { errors } else { String::from_utf8(output.stdout).unwrap() }
}

/// A folder that is gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("gradproof-{name}-{}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().into()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn vectors_are_listed_and_filtered() {
    let all: Value = serde_json::from_str(&said(0, &["vectors", "list", "--format", "json"], "")).unwrap();
    for formula in gradproof::catalog::FORMULAS {
        let own = |case: &Value| case["id"].as_str().unwrap().starts_with(&format!("{}/", formula.id));
        assert!(all.as_array().unwrap().iter().any(own), "{} is not carried by the command", formula.id);
    }
    let of = |arguments: &[&str]| -> Vec<Value> {
        let arguments = [&["vectors", "list", "--format", "json"], arguments].concat();
        serde_json::from_str(&said(0, &arguments, "")).unwrap()
    };
    let lion = of(&["--formula", "lion"]);
    assert!(lion.len() > 20 && lion.len() < all.as_array().unwrap().len());
    assert!(lion.iter().all(|case| case["id"].as_str().unwrap().starts_with("lion/")));
    let flagged = of(&["--formula", "lion", "--flag", "signum-of-zero"]);
    assert!(!flagged.is_empty() && flagged.len() < lion.len());
    let under = of(&["--formula", "lion", "--convention", "decay=proximal"]);
    assert!(
        under.iter().any(|case| case["result"] == "acceptable") && under.iter().any(|case| case["result"] == "valid")
    );
    let text = said(0, &["vectors", "list", "--formula", "noam"], "");
    assert!(text.contains("noam/whole-run/0") && text.trim_end().ends_with("cases"), "{text}");
    for (arguments, word) in [
        (&["vectors", "list", "--formula", "adam"][..], "adam-l2"),
        (&["vectors", "list", "--flag", "none"], "flag: found \"none\""),
        (&["vectors", "list", "--formula", "lion", "--convention", "decay=late"], "decay=late"),
        (&["vectors", "show", "lion/none"], "no such case"),
        (&["vectors", "export", "lion", "--format", "npz"], "--out"),
        (&["vectors", "export", "lion", "--out", "/no/such/folder/x.json"], "/no/such/folder"),
    ] {
        let message = said(2, arguments, "");
        assert!(message.contains(word) && message.trim_end().lines().count() == 1, "{arguments:?}: {message}");
    }
}

#[test]
fn a_case_is_shown_with_its_notes() {
    let shown: Value = serde_json::from_str(&said(0, &["vectors", "show", "lion/zero-gradients/0"], "")).unwrap();
    let case = &shown["groups"][0]["cases"][0];
    assert_eq!(case["id"], "lion/zero-gradients/0");
    assert!(shown["notes"]["signum-of-zero"]["link"].as_str().unwrap().starts_with("https://"));
    assert!(case["output"]["steps"].is_array() && case["budget"]["params"].is_number());
}

#[test]
fn what_is_exported_conforms_in_every_format() {
    let folder = Folder::new("exported");
    let kept = said(0, &["vectors", "export", "info-nce"], "");
    assert_eq!(kept.trim_end(), include_str!("../fixtures/vectors/info-nce.json").trim_end());
    for format in ["npz", "safetensors"] {
        let path = folder.file(&format!("vectors.{format}"));
        let text = said(0, &["vectors", "export", "info-nce", "--format", format, "--out", &path], "");
        assert!(text.contains("cases in"), "{text}");
        let report: Value =
            serde_json::from_str(&said(0, &["check", "info-nce", &path, "--format", "json"], "")).unwrap();
        assert!(report["given"].as_u64().unwrap() > 10 && report["differ"] == 0, "{report}");
    }
    let left: Vec<_> = std::fs::read_dir(&folder.0).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn a_right_answer_conforms_in_every_precision() {
    let file: Value = serde_json::from_str(include_str!("../fixtures/vectors/dpo.json")).unwrap();
    let case = &file["groups"][0]["cases"][0];
    // numbers of a few bits, which every dtype holds
    let results = json!({ case["id"].as_str().unwrap(): case["output"] }).to_string();
    for precision in ["f64", "f64-f32", "f32", "bf16", "f16"] {
        let text = said(0, &["check", "dpo", "-", "--precision", precision], &results);
        assert!(text.contains("1 conform, 0 differ"), "{text}");
    }
}

#[test]
fn results_that_differ_are_shown_with_a_diagnosis_and_exit_with_1() {
    let file: Value = serde_json::from_str(include_str!("../fixtures/vectors/linear.json")).unwrap();
    let mut results = json!({});
    for group in file["groups"].as_array().unwrap() {
        for case in group["cases"].as_array().unwrap() {
            if case["result"] == "valid" && group["conventions"] == json!({}) {
                // lr(s + 1) in place of lr(s), by asking for the steps after
                let mut input = group["hyperparameters"].clone();
                let next = |s: &Value| json!(s.as_u64().unwrap() + 1);
                input["steps"] = case["input"]["steps"].as_array().unwrap().iter().map(next).collect();
                results[case["id"].as_str().unwrap()] = gradproof::catalog::evaluate("linear", input).unwrap();
            }
        }
    }
    let text = said(1, &["check", "linear", "-"], &results.to_string());
    for word in ["differ", "DIFFERS", "found", "right", "ulp", "gradproof vectors show linear/", "first-step-decayed"] {
        assert!(text.contains(word), "{word} in {text}");
    }
    let report: Value =
        serde_json::from_str(&said(1, &["check", "linear", "-", "--format", "json"], &results.to_string())).unwrap();
    assert_eq!(report["diagnosis"]["forms"][0]["mistake"], "first-step-decayed");
    assert_eq!(report["conforms"], false);
}

#[test]
fn results_that_are_none_exit_with_2_and_name_the_file_and_the_place() {
    let folder = Folder::new("results");
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(Path::new(&folder.file(name)), bytes).unwrap();
        folder.file(name)
    };
    for (path, words) in [
        (write("cut.json", b"{\"dpo/ordinary/0\": {"), &["cut.json", "not JSON"][..]),
        (write("none.json", b"{}"), &["none.json", "no result"]),
        (write("other.json", b"{\"dpo/x\": {}}"), &["other.json", "dpo/x"]),
        (write("cut.npz", b"PK\x03\x04"), &["cut.npz", "npz"]),
        (write("cut.safetensors", b"\xff\xff"), &["cut.safetensors", "safetensors"]),
        (folder.file("absent.json"), &["absent.json"]),
    ] {
        let message = said(2, &["check", "dpo", &path], "");
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
        assert_eq!(message.trim_end().lines().count(), 1, "{message}");
    }
    said(2, &["check", "softmax", "-"], "{}");
    said(2, &["check", "dpo", "-", "--precision", "f8"], "{}");
    said(2, &["check", "dpo", "-", "--convention", "smoothing"], "{}");
}

#[test]
fn eval_takes_npz_and_safetensors() {
    let folder = Folder::new("eval");
    let input = json!({
        "params": [[1.0, 2.0], [3.0]], "gradients": [[[0.5, -0.25], null], [[0.125, 1.0], [2.0]]], "lr": 0.125,
        "beta1": 0.9, "conventions": { "epsilon": "hat" },
    });
    let expected = said(0, &["eval", "adamw"], &input.to_string());
    let mut arrays = gradproof::arrays::Arrays::new();
    for name in ["params", "gradients"] {
        let mut of_field = gradproof::arrays::Arrays::new();
        gradproof::arrays::flatten("", &json!({ name: input[name] }), &mut of_field);
        arrays.extend(of_field.into_iter().map(|(name, array)| (name.trim_start_matches('/').to_string(), array)));
    }
    gradproof::arrays::flatten("lr", &input["lr"], &mut arrays);
    gradproof::arrays::flatten("beta1", &input["beta1"], &mut arrays);
    arrays.insert("conventions".into(), gradproof::arrays::Array::text(input["conventions"].to_string()));
    for (name, format) in
        [("x.npz", gradproof::arrays::Format::Npz), ("x.safetensors", gradproof::arrays::Format::Safetensors)]
    {
        std::fs::write(folder.file(name), format.write(&arrays).unwrap()).unwrap();
        assert_eq!(said(0, &["eval", "adamw", &folder.file(name)], ""), expected, "{name}");
    }
    std::fs::write(folder.file("bad.npz"), b"nothing").unwrap();
    assert!(said(2, &["eval", "adamw", &folder.file("bad.npz")], "").contains("bad.npz: npz"));
}
