//! The derivations of `examples/derivations` and of the manual come out as they say.
//!
//! A line `#! refuted (cross-entropy/gradient): the sign is flipped` says what the claim in the next line comes
//! to, for which claim of the catalog it stands, and its hint.

use gradproof::catalog;
use gradproof::claim::Verdict;
use gradproof::prove::{Limits, prove};
use std::collections::BTreeSet;
use std::time::Duration;

/// What a line says of the claim below it.
struct Said {
    line: usize,
    verdict: String,
    stands_for: Option<String>,
    hint: Option<String>,
}

fn said(text: &str) -> Vec<Said> {
    let mut all = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let Some(rest) = line.strip_prefix("#! ") else { continue };
        let (head, hint) = match rest.split_once(": ") {
            Some((head, hint)) => (head, Some(hint.to_string())),
            None => (rest, None),
        };
        let (verdict, id) = match head.split_once(" (") {
            Some((verdict, id)) => (verdict, Some(id.strip_suffix(')').unwrap().to_string())),
            None => (head, None),
        };
        all.push(Said { line: i + 2, verdict: verdict.to_string(), stands_for: id, hint });
    }
    all
}

/// Holds a text to what it says; gives what it says of the catalog.
fn hold(name: &str, text: &str) -> Vec<(String, String)> {
    let said = said(text);
    assert!(!said.is_empty(), "{name} says nothing");
    let limits = Limits { cases: 30, time: Duration::from_secs(600), ..Limits::default() };
    let proof = prove(text, &limits).unwrap_or_else(|e| panic!("{name}: {e}, bytes {:?}", e.at));
    let word = |verdict: Verdict| format!("{verdict:?}").to_lowercase();
    assert_eq!(proof.claims.len(), said.len(), "{name}: a claim of which nothing is said, or the other way round");
    for (claim, said) in proof.claims.iter().zip(&said) {
        assert_eq!(claim.id, format!("line {}", said.line), "{name}");
        let about = format!("{name}, {}: {}\n{}\n{:?}", claim.id, claim.statement, claim.scope, claim.judges);
        assert_eq!(word(claim.verdict), said.verdict, "{about}");
        assert_eq!(claim.counterexample.is_some(), claim.verdict == Verdict::Refuted, "{about}");
        // as much of the hint as is said
        let begins = match (&claim.hint, &said.hint) {
            (Some(hint), Some(said)) => hint.starts_with(said),
            (hint, said) => hint.is_some() == said.is_some(),
        };
        assert!(begins, "{about}\n{:?}, said was {:?}", claim.hint, said.hint);
    }
    said.into_iter().filter_map(|said| Some((said.stands_for?, said.verdict))).collect()
}

#[test]
fn derivations_come_out_as_they_say() {
    let folder = format!("{}/examples/derivations", env!("CARGO_MANIFEST_DIR"));
    let mut restated = BTreeSet::new();
    let claims = catalog::claims();
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for (id, verdict) in hold(&name, &std::fs::read_to_string(&path).unwrap()) {
            let claim = claims.iter().find(|claim| claim.id == id).unwrap_or_else(|| panic!("{name}: no claim {id}"));
            // the language may prove what the catalog verifies: it decides at fewer sizes
            let expected = format!("{:?}", claim.expected).to_lowercase();
            let stronger = expected == "verified" && verdict == "proved";
            assert!(expected == verdict || stronger, "{name}: {id}: {verdict}, expected {expected}");
            restated.insert(id);
        }
    }
    // claims of the catalog, restated in the language
    assert!(restated.len() >= 60, "{}", restated.len());
}

#[test]
fn the_manual_says_what_comes_out() {
    let path = format!("{}/docs/prove.md", env!("CARGO_MANIFEST_DIR"));
    let manual = std::fs::read_to_string(path).unwrap();
    let mut shown = 0;
    for block in manual.split("```prove\n").skip(1) {
        shown += 1;
        hold(&format!("docs/prove.md, text {shown}"), block.split("```").next().unwrap());
    }
    assert!(shown >= 4);
}
