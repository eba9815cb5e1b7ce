//! The corpora of the fuzz targets, run through the same functions without a fuzzer: what was found stays found, and
//! every reader's corpus has inputs that it takes and inputs that it refuses.

#![cfg(feature = "audit")]

#[path = "../fuzz/src/lib.rs"]
mod readers;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn fuzz(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(path)
}

/// The names in a folder, without endings.
fn names(folder: &Path) -> BTreeSet<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    names.map(|path| path.file_stem().unwrap().to_str().unwrap().to_string()).collect()
}

#[test]
fn every_reader_has_a_target_and_a_corpus() {
    let known: BTreeSet<String> = readers::READERS.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(names(&fuzz("fuzz_targets")), known);
    assert_eq!(names(&fuzz("corpus")), known);
    let manifest = fs::read_to_string(fuzz("Cargo.toml")).unwrap();
    for name in known {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name} in fuzz/Cargo.toml");
    }
}

#[test]
fn no_input_of_a_corpus_makes_a_reader_panic() {
    for (name, reader) in readers::READERS {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(fuzz("corpus").join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let taken: Vec<bool> = paths
            .iter()
            .map(|path| {
                let data = fs::read(path).unwrap();
                let read = || reader(&data);
                std::panic::catch_unwind(read).unwrap_or_else(|_| panic!("{}", path.display()))
            })
            .collect();
        assert!(taken.contains(&true) && taken.contains(&false), "{name}: {taken:?}");
    }
}
