//! The evidence as a whole: what every claim and every step of a derivation came to, the page, and EVIDENCE.md.
#![cfg(feature = "report")]

mod common;

use gradproof::catalog;
use gradproof::claim::Verdict;
use gradproof::judges::Run;
use gradproof::report::document::Block;
use gradproof::report::{Evidence, Report, pictures};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const PICTURES: &str = "docs/pictures";

/// Everything, decided once for all tests of this file.
fn report() -> &'static Report {
    static REPORT: OnceLock<Report> = OnceLock::new();
    REPORT.get_or_init(|| {
        // few cases: the verdicts do not depend on their number, the search and the proofs decide
        let (all, run) = (catalog::claims(), Run::new(100, 20_260_213));
        let evidence = Evidence::collect(&all.iter().collect::<Vec<_>>(), &all, &run, |_| {});
        let report = Report::of(evidence, &run, true).unwrap();
        // EVIDENCE.md is the same wherever it is made
        Report { platform: false, ..report }
    })
}

#[test]
fn verdicts() {
    let mut text = String::new();
    for claim in &report().evidence.claims {
        writeln!(text, "{:?} {}: {}", claim.verdict, claim.id, claim.statement).unwrap();
        writeln!(text, "    {}", claim.scope.replace('\n', " ")).unwrap();
        if let Some(c) = &claim.counterexample {
            let point: Vec<String> = c.point.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            writeln!(text, "    {}: {} against {}", point.join(", "), c.left, c.right).unwrap();
        }
    }
    let told = |c: &gradproof::verify::ClaimReport| format!("{}: {:?}, {}", c.id, c.verdict, c.scope);
    let surprises: Vec<String> = report().evidence.surprises().map(told).collect();
    assert!(surprises.is_empty(), "not as expected:\n{}", surprises.join("\n"));
    common::assert_snapshot("verdicts", "what every claim came to, with its scope", &text);
}

#[test]
fn every_claim_is_judged_by_somebody_who_can_tell() {
    for claim in &report().evidence.claims {
        let right = if claim.expected == Some(Verdict::Refuted) { "accepted" } else { "rejected" };
        let told = claim.judges.iter().any(|judge| judge.control.outcome == right);
        assert!(told, "no judge of {} could tell its control: {:#?}", claim.id, claim.judges);
    }
}

#[test]
fn every_step_of_every_derivation_is_proved() {
    let derived: Vec<&str> = report().derivations.iter().map(|derivation| derivation.formula).collect();
    assert_eq!(derived, catalog::FORMULAS.iter().map(|f| f.id).collect::<Vec<_>>());
    for derivation in &report().derivations {
        for step in &derivation.steps {
            let told: Vec<String> =
                step.claims.iter().map(|c| format!("{:?} {}: {}", c.verdict, c.statement, c.scope)).collect();
            assert!(step.is_proved(), "{}, {}:\n{}", derivation.formula, step.why, told.join("\n"));
        }
    }
}

#[test]
fn every_mistake_is_refuted_with_a_counterexample() {
    for formula in catalog::FORMULAS {
        for mistake in formula.mistakes {
            let found = report().consequences.iter().any(|c| c.formula == formula.id && c.mistake == mistake.id);
            assert!(found, "{}: no counterexample to the mistake {}", formula.id, mistake.id);
        }
    }
}

fn at_the_top(path: impl AsRef<Path>) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn evidence_md_and_its_pictures_are_those_of_the_claims() {
    let mut files = vec![(PathBuf::from("EVIDENCE.md"), report().markdown(PICTURES))];
    for (_, picture) in &report().pictures {
        files.push((Path::new(PICTURES).join(format!("{}.svg", picture.name)), pictures::standalone(&picture.svg)));
    }
    if std::env::var_os("UPDATE_EVIDENCE").is_some() {
        std::fs::create_dir_all(at_the_top(PICTURES)).unwrap();
        for (path, text) in &files {
            std::fs::write(at_the_top(path), text).unwrap();
        }
    }
    let how = "UPDATE_EVIDENCE=1 cargo test --test evidence";
    for (path, text) in &files {
        let kept = std::fs::read_to_string(at_the_top(path)).unwrap_or_default();
        let differ = kept.lines().zip(text.lines()).position(|(a, b)| a != b);
        let at = differ.unwrap_or(kept.lines().count().min(text.lines().count()));
        let line = |text: &str| text.lines().nth(at).unwrap_or("nothing").to_string();
        assert!(
            kept == *text,
            "{} is stale in line {}: {}, and not {}; {how}",
            path.display(),
            at + 1,
            line(&kept),
            line(text)
        );
    }
    let kept: BTreeSet<String> = std::fs::read_dir(at_the_top(PICTURES))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let drawn = report().pictures.iter().map(|(_, picture)| format!("{}.svg", picture.name)).collect();
    assert_eq!(kept, drawn, "a picture is kept that is drawn no more; {how}");
}

#[test]
fn evidence_json_is_as_its_schema_says() {
    let schema: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(at_the_top("fixtures/report/schema.json")).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let data = serde_json::to_value(report().data()).unwrap();
    let wrong: Vec<String> =
        validator.iter_errors(&data).take(5).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(validator.is_valid(&serde_json::to_value(&report().evidence).unwrap()), "that of verify --format json");
    // strict: what is unknown, missing or contradicts itself is told
    let broken = |change: fn(&mut serde_json::Value)| {
        let mut data = data.clone();
        change(&mut data);
        !validator.is_valid(&data)
    };
    assert!(broken(|data| data["extra"] = 1.into()));
    assert!(broken(|data| data["claims"][0]["verdict"] = "true".into()));
    assert!(broken(|data| drop(data["claims"][0].as_object_mut().unwrap().remove("scope"))));
    assert!(broken(|data| data["claims"][0]["verdict"] = "refuted".into()));
    assert!(broken(|data| data["derivations"][0]["steps"] = serde_json::json!([])));
    assert!(broken(|data| drop(data.as_object_mut().unwrap().remove("mistakes"))));
    assert!(broken(|data| data["peers"][0]["conforms"] = (-1).into()));
}

/// The values of an attribute in a text of HTML.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let mark = format!(" {name}=\"");
    html.split(&mark).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn the_page_needs_nothing_beside_it_and_its_links_lead_somewhere() {
    let html = report().html();
    assert!(!html.contains("<script") && !html.contains("@import") && !html.contains("url("));
    assert!(attributes(&html, "src").is_empty());
    let anchors = attributes(&html, "id");
    let unique: BTreeSet<&str> = anchors.iter().copied().collect();
    assert_eq!(unique.len(), anchors.len(), "an anchor twice");
    for link in attributes(&html, "href") {
        let known = link.strip_prefix('#').map(|anchor| unique.contains(anchor));
        let outside = link.starts_with("https://") || link == "data:,";
        assert!(known.unwrap_or(outside), "{link} leads nowhere");
    }
    // what claims say does not become markup
    assert_eq!(html.matches("<svg").count(), report().pictures.len());
}

#[test]
fn the_markdown_s_links_lead_somewhere_and_its_folds_close() {
    let text = report().markdown(PICTURES);
    let anchors: BTreeSet<&str> = attributes(&text, "id").into_iter().collect();
    for link in text.split("](#").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(anchors.contains(link), "{link}");
    }
    assert_eq!(text.matches("<details").count(), text.matches("</details>").count());
}

#[test]
fn every_formula_has_every_part_of_its_section() {
    for formula in catalog::FORMULAS {
        let section = report().section(formula);
        let has = |part: fn(&Block) -> bool| section.iter().any(part);
        assert!(has(|block| matches!(block, Block::Equations { .. })), "{}", formula.id);
        assert!(has(|block| matches!(block, Block::Steps(steps) if steps.len() >= 3)), "{}", formula.id);
        assert!(has(|block| matches!(block, Block::Fold(_))), "{}", formula.id);
        let headings = section.iter().filter(|block| matches!(block, Block::Heading { .. })).count();
        let held = report().peers.iter().any(|held| held.formula == formula.id);
        let parts = 5 + usize::from(!formula.axes.is_empty()) + usize::from(held);
        assert_eq!(headings, parts, "{}", formula.id);
    }
}
