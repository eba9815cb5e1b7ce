//! The command: what it prints, and its exit status.
#![cfg(feature = "cli")]

#[path = "common/command.rs"]
mod command;

use command::gradproof;
use std::process::Output;

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn eval_reads_the_standard_input_and_files() {
    let input = r#"{"logits": [[0.0, 0.0]], "targets": [1]}"#;
    let piped = gradproof(&["eval", "cross-entropy"], input);
    assert_eq!(piped.status.code(), Some(0), "{}", stderr(&piped));
    assert!(stdout(&piped).contains(r#""gradient":[[0.5,-0.5]]"#), "{}", stdout(&piped));
    assert_eq!(gradproof(&["eval", "cross-entropy", "-"], input).stdout, piped.stdout);
    let file = std::env::temp_dir().join(format!("gradproof-{}.json", std::process::id()));
    std::fs::write(&file, input).unwrap();
    let read = gradproof(&["eval", "cross-entropy", file.to_str().unwrap()], "");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(read.stdout, piped.stdout);
}

#[test]
fn unusable_calls_exit_with_2_and_one_message() {
    let calls: [(&[&str], &str, &str); 6] = [
        (&["eval", "cross-entropy"], "", "not JSON"),
        (&["eval", "cross-entropy"], "{\"logits\": [[1,", "not JSON"),
        (&["eval", "cross-entropy"], "{\"logits\": [[1, \"x\"]], \"targets\": [0]}", "logits[0][1]"),
        (&["eval", "softmax"], "{}", "softmax"),
        (&["eval", "cross-entropy", "/no/such/file"], "", "/no/such/file"),
        (&["verify", "nonsense"], "", "nonsense"),
    ];
    for (arguments, input, word) in calls {
        let output = gradproof(arguments, input);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(word), "{arguments:?}: {}", stderr(&output));
        assert_eq!(stderr(&output).trim_end().lines().count(), 1, "{arguments:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    for arguments in [&["verify", "--cases", "0"][..], &["verify", "--rng-seed", "x"], &["bogus"], &[]] {
        assert_eq!(gradproof(arguments, "").status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn explain_prints_the_contract() {
    let output = gradproof(&["eval", "adamw", "--explain"], "");
    assert_eq!(output.status.code(), Some(0));
    for word in ["beta2 (0.95)", "v_max with amsgrad", "decay = \"proximal\"", "Loshchilov"] {
        assert!(stdout(&output).contains(word), "{word} in {}", stdout(&output));
    }
}

#[test]
fn verify_prints_one_json_object_that_its_seed_repeats() {
    let arguments =
        ["verify", "cross-entropy/gradient", "adamw/decay", "--format", "json", "--rng-seed", "7", "--cases", "20"];
    let first = gradproof(&arguments, "");
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    let mut one: serde_json::Value = serde_json::from_slice(&first.stdout).unwrap();
    let mut two: serde_json::Value = serde_json::from_slice(&gradproof(&arguments, "").stdout).unwrap();
    assert_eq!(one["run"]["rng_seed"], 7);
    assert_eq!(one["run"]["cases"], 20);
    for run in [&mut one, &mut two] {
        run["run"].as_object_mut().unwrap().remove("seconds").unwrap();
    }
    assert_eq!(one, two);
    let claims = one["claims"].as_array().unwrap();
    let gradient = claims.iter().find(|c| c["id"] == "cross-entropy/gradient").unwrap();
    assert_eq!(gradient["kind"], "gradient");
    assert_eq!(gradient["verdict"], "proved");
    assert_eq!(gradient["expected"], "proved");
    assert_eq!(gradient["formula"], "cross-entropy");
    assert!(gradient["amends"].is_null() && gradient["counterexample"].is_null());
    assert!(gradient["source"]["quote"].is_string());
    let judge = &gradient["judges"][0];
    assert!(judge["judge"].is_string() && judge["outcome"].is_string() && judge["cases"].is_u64());
    assert_eq!(judge["control"]["outcome"], "rejected");
    let after = claims.iter().find(|c| c["id"] == "adamw/decay-after").unwrap();
    assert_eq!(after["verdict"], "refuted");
    assert!(after["counterexample"]["point"].is_array());
    assert!(one["outside"].as_array().unwrap().iter().all(|o| o["reason"].is_string()));
}

#[test]
fn verify_prints_tables() {
    let output = gradproof(&["verify", "adamw/decay", "--cases", "20"], "");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for word in ["decay-after", "counterexample", "refuted", "every verdict is as expected", "--rng-seed"] {
        assert!(stdout(&output).contains(word), "{word} in {}", stdout(&output));
    }
}

#[cfg(feature = "certify")]
#[test]
fn certify_writes_a_report_and_pinned_cases_and_says_what_differs() {
    for arguments in [&["certify", "softmax"][..], &["certify", "linear", "--out", "/no/such/folder"]] {
        let output = gradproof(arguments, "");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(stderr(&output).trim_end().lines().count(), 1, "{arguments:?}: {}", stderr(&output));
    }
    let folder = std::env::temp_dir().join(format!("gradproof-certify-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let output = gradproof(&["certify", "linear", "--components", "2000", "--out", folder.to_str().unwrap()], "");
    let report = gradproof::accuracy::Report::parse(&std::fs::read_to_string(folder.join("report.json")).unwrap());
    let pins = gradproof::accuracy::Pins::parse(&std::fs::read_to_string(folder.join("linear.json")).unwrap());
    std::fs::remove_dir_all(&folder).unwrap();
    let certified = &report.unwrap().formulas[0];
    assert!(certified.components() >= 2000 && certified.formula == "linear");
    assert_eq!(output.status.code(), Some(if certified.is_correctly_rounded() { 0 } else { 1 }));
    assert!(stdout(&output).contains("components in"), "{}", stdout(&output));
    assert!(pins.unwrap().cases.len() > 10);
}
