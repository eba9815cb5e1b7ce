//! What every reader of a stranger's bytes keeps, whatever the bytes: it gives an error that says something or
//! a value that is written and read again as it is, and it does not panic, hang or take more memory than the bytes
//! account for.
//!
//! Each function takes one input and tells whether it was taken; `fuzz_targets/` feeds them from libFuzzer, and
//! the crate's tests/corpora.rs from `corpus/`.

use gradproof::arrays::{self, Arrays, Format};
use gradproof::audit::{self, Config, Report};
use gradproof::conformance::Precision;
use gradproof::prove::{self, Limits};
use gradproof::vectors::{self, File, Results, Settings};
use gradproof::{catalog, json};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

/// A reader: whether it takes the bytes.
pub type Reader = fn(&[u8]) -> bool;

/// Every reader by the name of its target and its corpus.
pub const READERS: &[(&str, Reader)] = &[
    ("audit_config", audit_config),
    ("audit_index", audit_index),
    ("audit_report", audit_report),
    ("checkpoint", checkpoint),
    ("eval", eval),
    ("npz", npz),
    ("prove", prove),
    ("results", results),
    ("safetensors", safetensors),
    ("vectors", vectors),
];

/// What the reader made of it; an error has to say what is wrong.
fn taken<T, E: Display>(read: Result<T, E>) -> Option<T> {
    match read {
        Ok(value) => Some(value),
        Err(error) => {
            assert!(!error.to_string().trim().is_empty(), "an error without a word");
            None
        }
    }
}

fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// Golden vectors in JSON.
pub fn vectors(data: &[u8]) -> bool {
    let Some(file) = text(data).and_then(|text| taken(File::parse(text))) else { return false };
    assert_eq!(File::parse(&file.text()).as_ref(), Ok(&file), "written and read again");
    // what it says is right may be wrong, and its inputs unusable
    let _ = taken(file.derived_anew());
    true
}

/// The vectors of a formula, of those that take little time.
fn known(id: &str) -> Option<&'static File> {
    const IDS: [&str; 4] = ["hutchinson", "gauss-newton-bartlett", "noam", "cross-entropy"];
    static FILES: OnceLock<BTreeMap<&str, File>> = OnceLock::new();
    let read = |id: &'static str| {
        let path = fixtures().join("vectors").join(format!("{id}.json"));
        (id, File::parse(&std::fs::read_to_string(path).unwrap()).unwrap())
    };
    FILES.get_or_init(|| IDS.map(read).into()).get(id)
}

/// Results for the vectors, in JSON; the formula is that of the first case.
pub fn results(data: &[u8]) -> bool {
    let Some(text) = text(data) else { return false };
    let Some(results) = taken(Results::parse(text)) else { return false };
    let Ok(Value::Object(fields)) = json::parse(text) else { panic!("results are an object") };
    let id = fields.keys().next().and_then(|id| id.split('/').next());
    let Some(file) = id.and_then(known) else { return false };
    let settings = Settings { precision: Precision::F32, conventions: BTreeMap::new() };
    taken(vectors::check(file, &results, &settings)).is_some()
}

/// A file of arrays.
fn read_arrays(format: Format, data: &[u8]) -> bool {
    let Some(read) = taken(format.read(data)) else { return false };
    let _ = taken(Results::of_arrays(&read));
    let again = format.write(&read).and_then(|bytes| format.read(&bytes));
    // as text, in which NaN equals itself
    let shown = |arrays: &Arrays| format!("{arrays:?}");
    assert_eq!(again.as_ref().map(shown), Ok(shown(&read)), "written and read again");
    taken(arrays::object(&read)).is_some()
}

/// A safetensors file of `eval` and `check`.
pub fn safetensors(data: &[u8]) -> bool {
    read_arrays(Format::Safetensors, data)
}

/// An npz file of `eval` and `check`.
pub fn npz(data: &[u8]) -> bool {
    read_arrays(Format::Npz, data)
}

/// An input of `eval`: the formula's id in the first line, JSON in the others.
pub fn eval(data: &[u8]) -> bool {
    let Some((id, input)) = text(data).and_then(|text| text.split_once('\n')) else { return false };
    let output = json::parse(input).and_then(|input| catalog::evaluate(id, input));
    let Some(output) = taken(output) else { return false };
    let numbers = json::numbers(&output);
    let nan = numbers.iter().find(|(_, x)| x.is_nan());
    assert_eq!(nan.map(|(place, _)| place), None, "no output is NaN");
    true
}

/// A text of `prove`, with little time for its claims: what is looked at is how it is read and what it is made to.
pub fn prove(data: &[u8]) -> bool {
    let Some(text) = text(data) else { return false };
    let limits = Limits { time: Duration::from_millis(20), cases: 5, ..Limits::default() };
    let read = prove::prove(text, &limits);
    if let Err(unusable) = &read {
        // what is pointed at is there
        assert!(text.get(unusable.at.clone()).is_some(), "{:?} of a text of {}", unusable.at, text.len());
        let (line, column) = unusable.line_and_column(text);
        assert!(line > 0 && column > 0, "{line}, {column}");
    }
    taken(prove::latex(text));
    taken(read).is_some()
}

fn fixtures() -> PathBuf {
    // this file is a module of the crate's tests as well
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let inside = own.join("fixtures");
    if inside.is_dir() { inside } else { own.join("../fixtures") }
}

/// A configuration of an audit; its files are always those of a step of PyTorch.
pub fn audit_config(data: &[u8]) -> bool {
    let Some(mut config) = text(data).and_then(|text| taken(Config::parse(text))) else { return false };
    let file = |name: &str| fixtures().join("audit").join(format!("{name}.safetensors.index.json"));
    let step = &mut config.step;
    (step.before, step.after, step.grads) = (file("before"), file("after"), file("grads"));
    step.state_before = step.state_before.is_some().then(|| file("state-before"));
    step.state_after = step.state_after.is_some().then(|| file("state-after"));
    step.hessians = step.hessians.is_some().then(|| file("grads"));
    // a sixteenth of it: the files are not what is looked at
    let share = audit::Partition { share: 16, of: 16 };
    taken(audit::audit(&config, Some(share), &|_| {})).is_some()
}

/// A step of AdamW in a folder: `before.FORMAT` and so on, all alike.
fn audited(folder: &Path, name: &str) -> bool {
    let mut config = Config::default();
    config.hyper.insert("lr".into(), 0.001.into());
    let step = &mut config.step;
    (step.optimizer, step.step) = ("adamw".into(), Some(1));
    let file = folder.join(name);
    (step.before, step.after, step.grads) = (file.clone(), file.clone(), file);
    taken(audit::audit(&config, None, &|_| {})).is_some()
}

/// A checkpoint of one safetensors file, by the audit's own reader.
pub fn checkpoint(data: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("step.safetensors"), data).unwrap();
    audited(folder.path(), "step.safetensors")
}

/// The index of a sharded checkpoint, beside two shards.
pub fn audit_index(data: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        let header = format!(r#"{{"{name}": {{"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}}}"#);
        let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &1.0f32.to_le_bytes()].concat();
        std::fs::write(folder.path().join(format!("{name}.safetensors")), bytes).unwrap();
    }
    std::fs::write(folder.path().join("index.json"), data).unwrap();
    audited(folder.path(), "index.json")
}

/// The report of a share of an audit.
pub fn audit_report(data: &[u8]) -> bool {
    let Some(report) = text(data).and_then(|text| taken(Report::parse(text))) else { return false };
    let shown = |report: &Report| serde_json::to_string(report).unwrap();
    let again = Report::parse(&shown(&report)).map(|again| shown(&again)).map_err(|e| e.to_string());
    assert_eq!(again, Ok(shown(&report)), "written and read again");
    let _ = report.conforms();
    let _ = taken(Report::merge(vec![report.clone(), report.clone()]));
    let _ = taken(Report::merge(vec![report]));
    true
}
