//! libtorch's recorded outputs against the oracle, without libtorch.

use gradproof::error::Error;
use gradproof::recording::Recording;
use std::path::PathBuf;

fn files() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/torch");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn read(path: &PathBuf) -> Recording {
    let text = std::fs::read_to_string(path).unwrap();
    Recording::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn every_recording_stays_within_its_budgets() {
    let files = files();
    assert!(files.len() >= 4, "the recordings of the four dtypes on a CPU");
    let mut bytes = 0;
    for path in files {
        bytes += std::fs::metadata(&path).unwrap().len();
        let recording = read(&path);
        assert_eq!(path.file_name().unwrap().to_str().unwrap(), recording.file_name());
        assert!(recording.setting.libtorch.starts_with("2.11.0"), "{}", recording.setting.libtorch);
        let surveys = recording.replay().unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        // five losses, five optimizers of which three have a native one too, two estimators
        assert_eq!(surveys.len(), 15, "{}", path.display());
        for survey in surveys {
            assert_eq!(survey.exceeded, 0, "{}: {} {:?}", path.display(), survey.formula, survey.excesses);
            assert!(survey.cases >= 10 && survey.numbers > 30, "{}: {} is thin", path.display(), survey.formula);
        }
        for survey in &recording.surveys {
            assert!(survey.cases + survey.unsupported >= 10_000, "{}: {}", path.display(), survey.formula);
            assert_eq!(survey.exceeded, 0, "{}: {}", path.display(), survey.formula);
        }
        for large in &recording.large {
            assert!(large.exceeded == 0 && large.numbers > 600_000, "{}: {}", path.display(), large.formula);
        }
    }
    assert!(bytes < 3_000_000, "{bytes} bytes of recordings");
}

#[test]
fn a_recording_of_other_inputs_says_how_to_renew_it() {
    let mut recording = read(&files()[0]);
    let case = &mut recording.cases[0];
    case.case += 1;
    let (formula, index) = (case.formula.clone(), case.case);
    let Err(Error::Stale { what, command }) = recording.replay() else { panic!("it was replayed") };
    assert_eq!(what, format!("{formula} case {index} (operators)"));
    assert!(command.starts_with("gradproof record --device cpu --dtype "), "{command}");
}

#[test]
fn a_recorded_number_that_is_changed_exceeds() {
    let path = files().into_iter().find(|path| path.to_str().unwrap().contains("-f32")).unwrap();
    let mut recording = read(&path);
    let case = recording.cases.iter_mut().find(|case| case.formula == "cross-entropy").unwrap();
    let loss = case.output["perplexity"].as_f64().unwrap();
    case.output["perplexity"] = (loss * 1.01).into();
    let surveys = recording.replay().unwrap();
    assert_eq!(surveys.iter().map(|s| s.exceeded).sum::<u64>(), 1);
}

#[test]
fn what_is_no_recording_is_refused() {
    for text in ["", "{}", "{\"setting\": {}}", "[]", "{\"setting\": 1, \"surveys\": [], \"large\": [], \"cases\": []}"]
    {
        assert!(Recording::parse(text).is_err(), "{text}");
    }
    let whole = std::fs::read_to_string(&files()[0]).unwrap();
    assert!(Recording::parse(&whole[..whole.len() / 2]).is_err());
    assert!(Recording::parse(&whole.replacen("\"device\"", "\"devise\"", 1)).is_err());
    // what is written is read back
    let read = Recording::parse(&whole).unwrap();
    let again = Recording::parse(&read.text()).unwrap();
    assert_eq!((&read.setting, &read.cases, &read.large), (&again.setting, &again.cases, &again.large));
    assert_eq!(read.text(), again.text());
}
