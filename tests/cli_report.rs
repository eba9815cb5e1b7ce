//! The command's report, sections and pictures.
#![cfg(feature = "cli")]

#[path = "common/command.rs"]
mod command;

use command::gradproof;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn verify_writes_a_report_beside_its_tables() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new/evidence");
    let output = gradproof(
        &["verify", "sgd/decay-is-decoupled", "--cases", "20", "--rng-seed", "7", "--report", out.to_str().unwrap()],
        "",
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("every verdict is as expected"));
    let read = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    let html = read("index.html");
    assert!(
        html.starts_with("<!DOCTYPE html>") && html.contains("<math") && html.contains("claim-sgd-decay-is-decoupled")
    );
    assert!(read("evidence.md").contains("$$"));
    let data: serde_json::Value = serde_json::from_str(&read("evidence.json")).unwrap();
    assert_eq!((&data["run"]["rng_seed"], &data["derivations"][0]["formula"]), (&7.into(), &"sgd".into()));
    let left: Vec<_> = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 4, "index.html, evidence.md, evidence.json and pictures: {left:?}");
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let output =
        gradproof(&["verify", "sgd/decay-is-decoupled", "--cases", "5", "--report", file.to_str().unwrap()], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty() && text(&output.stderr).contains("file"), "{}", text(&output.stderr));
}

#[test]
fn explain_shows_every_part_of_a_formula() {
    let output = gradproof(&["explain", "sgd", "--cases", "10", "--width", "80"], "");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    for part in ["SGD with momentum", "Derivation", " 1. ", "proved", "Claims", "counterexample", "Mistakes", "Sources"]
    {
        assert!(shown.to_lowercase().contains(&part.to_lowercase()), "{part}: {shown}");
    }
    let prose = |line: &&str| !line.contains("==") && !line.contains('─');
    let longest = shown.lines().filter(prose).map(|line| line.chars().count()).max().unwrap();
    assert!(longest <= 84, "{longest}");
    assert!(text(&gradproof(&["explain", "sgd", "--cases", "10", "--markdown"], "").stdout).contains("$$"));
}

#[test]
fn plot_draws_from_parameters_of_ones_own() {
    let pictures: [&[&str]; 5] = [
        &["schedule", "--formula", "cosine", "wsd", "--peak", "1e-3", "--warmup", "10", "--steps", "100"],
        &["schedule", "--formula", "linear", "--convention", "after_end=continue", "--until", "1500"],
        &["dpo-weight", "--label-smoothing", "0.2"],
        &["info-nce-weights", "--positive", "0.9", "--negatives", "0.1", "-0.5"],
        &["gap", "--classes", "10", "--most", "20"],
    ];
    for arguments in pictures {
        let output = gradproof(&[&["plot"], arguments].concat(), "");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
        let svg = text(&output.stdout);
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("steps.svg");
    let output = gradproof(&["plot", "steps", "--rho", "0.5", "--out", file.to_str().unwrap()], "");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(output.stdout.is_empty() && std::fs::read_to_string(file).unwrap().starts_with("<svg"));
}

#[test]
fn unusable_pictures_exit_with_2_and_one_message_that_names_the_field() {
    let calls: [(&[&str], &str); 9] = [
        (&["plot", "schedule", "--formula", "softmax"], "softmax"),
        (&["plot", "schedule", "--formula", "lion"], "lion"),
        (&["plot", "schedule", "--formula", "cosine", "--warmup", "2000"], "warmup_steps"),
        (&["plot", "schedule", "--formula", "cosine", "--convention", "amsgrad=raw"], "amsgrad"),
        (&["plot", "schedule", "--formula", "cosine", "--convention", "warmup"], "AXIS=OPTION"),
        (&["plot", "dpo-weight", "--label-smoothing", "0.5"], "label_smoothing"),
        (&["plot", "gap", "--most", "nan"], "gap"),
        (&["plot", "errors", "--formula", "cosine"], "recorded"),
        (&["explain", "softmax"], "softmax"),
    ];
    for (arguments, word) in calls {
        let output = gradproof(arguments, "");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let told = text(&output.stderr);
        assert!(told.contains(word) && told.trim_end().lines().count() == 1, "{arguments:?}: {told}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}
