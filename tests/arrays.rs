//! npz and safetensors: what numpy and PyTorch write is read to the last bit, what is written is read back, and
//! a damaged file is an error that names the place.
#![cfg(feature = "arrays")]

use gradproof::arrays::{self, Array, Arrays, Format, Items};
use serde_json::{Value, json};
use std::path::PathBuf;

fn file(name: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/arrays").join(name)).unwrap()
}

fn object(name: &str) -> Value {
    arrays::object(&Format::of_name(name).unwrap().read(&file(name)).unwrap()).unwrap()
}

#[test]
fn what_numpy_writes_is_read() {
    let expected = json!({
        "params": [[[1.5, -2.0, 0.25], [4.0, 0.5, -0.75]], [1.0, -1.0]],
        "gradients": [
            [[[0.5, 6.097555160522461e-5, 65504.0], [-0.5, -5.960464477539063e-8, "Infinity"]], null],
            [null, [1e300, -0.0]],
        ],
        "steps": [1, -2, 3],
        "large": 9_007_199_254_740_992u64,
        "nesterov": true,
        "beta1": 0.9,
        "reduction": "mean",
        "conventions": { "epsilon": "hat" },
        "none": [[], []],
    });
    assert_eq!(object("numpy.npz"), expected);
}

#[test]
fn what_pytorch_writes_is_read() {
    let expected = json!({
        "params": [[1.5, -2.0, 0.25], [1.0, "-Infinity"]],
        "gradients": [[[0.5, f64::from(1e-40f32), -3.0], [0.1, 0.2]]],
        "targets": [[1, -100], [3, 4]],
        "lr": 0.125,
        "beta1": 0.9,
        "reduction": "mean",
        "conventions": { "decay": "after" },
    });
    assert_eq!(object("torch.safetensors"), expected);
}

fn some() -> Arrays {
    let input = json!({
        "logits": [[0.1, -2.5e-300, 3.0], [1.0, "-Infinity", 0.0]],
        "targets": [1, -100],
        "params": [[1.0, 2.0], [3.0, 4.0]],
        "negatives": [[[1.5]], [[2.5], [0.5]]],
        "symmetric": true,
        "reduction": "none",
        "empty": [],
    });
    let mut out = Arrays::new();
    arrays::flatten("x", &input, &mut out);
    out
}

#[test]
fn what_is_written_is_read_back() {
    let arrays = some();
    let shape = |name: &str| arrays[name].shape.clone();
    assert_eq!(shape("x/logits"), [2, 3]);
    // parameters are tensors of their own; rows of unequal number are as well
    assert_eq!((shape("x/params/0"), shape("x/params/1"), shape("x/negatives/1")), (vec![2], vec![2], vec![2, 1]));
    assert_eq!(arrays["x/targets"].items, Items::Wholes(vec![1, -100]));
    for format in [Format::Npz, Format::Safetensors] {
        let read = format.read(&format.write(&arrays).unwrap()).unwrap();
        assert_eq!(read, arrays, "{format:?}");
    }
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    for format in [Format::Npz, Format::Safetensors] {
        let bytes = format.write(&some()).unwrap();
        for end in 0..bytes.len() {
            assert!(format.read(&bytes[..end]).is_err(), "{format:?} cut at {end}");
        }
    }
}

#[test]
fn a_file_with_any_byte_changed_is_an_error_or_other_numbers_and_never_a_panic() {
    for format in [Format::Npz, Format::Safetensors] {
        let bytes = format.write(&some()).unwrap();
        for at in 0..bytes.len() {
            for flip in [1u8, 0x20, 0x80, 0xff] {
                let mut other = bytes.clone();
                other[at] ^= flip;
                if let Ok(arrays) = format.read(&other) {
                    let _ = arrays::object(&arrays);
                }
            }
        }
    }
}

/// A safetensors file with this header and as many bytes of zeros.
fn with_header(header: &str, bytes: usize) -> String {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.bytes());
    file.extend(vec![0; bytes]);
    Format::Safetensors.read(&file).map(|_| String::new()).unwrap_or_else(|e| e.to_string())
}

#[test]
fn lying_headers_of_safetensors_are_refused() {
    let one = |dtype: &str, shape: &str, offsets: &str| {
        format!("{{\"a\": {{\"dtype\": \"{dtype}\", \"shape\": {shape}, \"data_offsets\": {offsets}}}}}")
    };
    assert_eq!(with_header(&one("F64", "[2]", "[0, 16]"), 16), "");
    for (header, bytes) in [
        (one("F64", "[2]", "[0, 16]"), 8),
        (one("F64", "[2]", "[0, 16]"), 24),
        (one("F64", "[3]", "[0, 16]"), 16),
        (one("F64", "[2]", "[8, 24]"), 24),
        (one("F64", "[4611686018427387904, 4]", "[0, 16]"), 16),
        (one("F64", "[18446744073709551615]", "[0, 16]"), 16),
        (one("F64", "[2]", "[16, 0]"), 16),
        (one("X", "[2]", "[0, 16]"), 16),
        ("{".repeat(100_000), 0),
        ("[]".into(), 0),
    ] {
        assert!(with_header(&header, bytes).contains("safetensors"), "{header:.100}: {}", with_header(&header, bytes));
    }
    let unread = with_header(&one("C64", "[2]", "[0, 16]"), 16);
    assert!(unread.contains("a: found the dtype C64"), "{unread}");
    let empty = with_header(&one("F64", "[1000000000, 0]", "[0, 0]"), 0);
    assert!(empty.contains("a: the shape"), "{empty}");
    let entry = "{\"dtype\": \"F64\", \"shape\": [1], \"data_offsets\": [0, 8]}";
    let twice = with_header(&format!("{{\"a\": {entry}, \"a\": {entry}}}"), 8);
    assert!(twice.contains("\"a\" is given twice"), "{twice}");
    let longer = Format::Safetensors.read(&[255; 9]).unwrap_err().to_string();
    assert!(longer.contains("safetensors"), "{longer}");
}

/// What is said of an npz with one member, whose bytes are these.
fn of_member(bytes: &[u8]) -> String {
    use std::io::Write;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file("a.npy", zip::write::SimpleFileOptions::default()).unwrap();
    writer.write_all(bytes).unwrap();
    let file = writer.finish().unwrap().into_inner();
    Format::Npz.read(&file).map(|_| String::new()).unwrap_or_else(|e| e.to_string())
}

#[test]
fn lying_headers_of_numpy_are_refused() {
    let with = |header: &str, items: usize| {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.bytes());
        bytes.extend(vec![0; 8 * items]);
        of_member(&bytes)
    };
    assert_eq!(with("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n", 2), "");
    for (header, word) in [
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }", "3 of 8 bytes are announced"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (18446744073709551615, 2), }", "larger than the file"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 0), }", "larger than the file"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,), }", "the header is"),
        ("{'descr': '<f8', 'fortran_order': False, }", "the header is"),
        ("{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", "the header is"),
        ("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", "found the dtype \"|O\""),
        ("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2,), }", "the header is"),
        ("{'descr': '<f0', 'fortran_order': False, 'shape': (2,), }", "found the dtype"),
        ("{'descr': '<U99999999999999999999', 'fortran_order': False, 'shape': (), }", "found the dtype"),
        ("{'descr': '\u{e9}', 'fortran_order': False, 'shape': (2,), }", "found the dtype"),
        ("import os", "the header is"),
    ] {
        let message = with(header, 2);
        assert!(message.starts_with("a: ") && message.contains(word), "{header}: {message}");
    }
    assert!(of_member(b"\x93NUMPY\x09\x00..").contains("version 9.0"));
    assert!(of_member(b"\x93NUMPY\x01\x00\xff\xff{").contains("breaks off"));
    assert!(of_member(b"GIF89a").contains("no array of numpy"));
}

#[test]
fn an_archive_that_unpacks_to_too_much_is_refused() {
    use std::io::Write;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file("bomb.npy", zip::write::SimpleFileOptions::default()).unwrap();
    let zeros = vec![0; 1 << 20];
    (0..=arrays::MOST_BYTES >> 20).for_each(|_| writer.write_all(&zeros).unwrap());
    let file = writer.finish().unwrap().into_inner();
    assert!(file.len() < 1 << 20, "{} bytes", file.len());
    let message = Format::Npz.read(&file).unwrap_err().to_string();
    assert!(message.contains("bomb: the file unpacks to more than"), "{message}");
}

#[test]
fn names_that_contradict_each_other_are_refused() {
    let number = || Array { shape: Vec::new(), items: Items::Reals(vec![1.0]) };
    let said = |names: &[&str]| {
        let arrays = names.iter().map(|name| (name.to_string(), number())).collect();
        arrays::object(&arrays).map(|_| String::new()).unwrap_or_else(|e| e.to_string())
    };
    assert!(said(&["params", "params/0"]).contains("params: is an array and has parts"));
    assert!(said(&["params/99999999999"]).contains("params/99999999999: of all items of the file's lists more than"));
    assert!(said(&["gradients/0/0", "gradients/0/x"]).is_empty());
}

/// What a few bytes of a file may ask for.
#[test]
fn depth_and_empty_places_are_bounded() {
    let object = |names: &[&str]| {
        let number = || Array { shape: Vec::new(), items: Items::Reals(vec![1.0]) };
        arrays::object(&names.iter().map(|name| (name.to_string(), number())).collect())
    };
    let said = |names: &[&str]| object(names).map(|_| String::new()).unwrap_or_else(|e| e.to_string());
    // a name may be as long as a file is
    assert!(said(&[&"x/".repeat(1_000_000)]).contains("found 1000001 parts of a path, allowed are at most 64"));
    assert_eq!(said(&[&vec!["x"; 64].join("/")]), "");
    // each is allowed alone
    let empty = "of all items of the file's lists more than 100000 have no array";
    assert_eq!(said(&["a/60000", "b/7/1"]), "");
    assert!(said(&["a/60000", "b/60000"]).contains(empty));
    assert!(said(&["a/60000/60000"]).contains(empty));
    // steps times tensors
    assert!(said(&["params/4000", "gradients/4000/0"]).contains(&format!("gradients: {empty}")));
    // what is given is not empty
    let given: Vec<String> = (0..150_000).map(|i| format!("a/{i}")).collect();
    assert_eq!(said(&given.iter().map(String::as_str).collect::<Vec<_>>()), "");

    let deep = |dimensions: usize| {
        let shape = vec!["1"; dimensions].join(",");
        with_header(&format!("{{\"a\": {{\"dtype\": \"U8\", \"shape\": [{shape}], \"data_offsets\": [0, 1]}}}}"), 1)
    };
    assert_eq!(deep(64), "");
    assert!(deep(100_000).contains("a: found 100000 dimensions, allowed are at most 64"), "{:.200}", deep(100_000));
}

#[test]
fn bytes_that_become_numbers_of_eight_bytes_are_counted_as_those() {
    use std::io::Write;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mut member = b"\x93NUMPY\x01\x00".to_vec();
    let count = arrays::MOST_BYTES / 8 / 3 * 2;
    let header = format!("{{'descr': '|i1', 'fortran_order': False, 'shape': ({count},), }}");
    member.extend((header.len() as u16).to_le_bytes());
    member.extend(header.bytes());
    for name in ["a", "b"] {
        writer.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(&member).unwrap();
        writer.write_all(&vec![0; count]).unwrap();
    }
    let message = Format::Npz.read(&writer.finish().unwrap().into_inner()).unwrap_err().to_string();
    assert!(message.contains("b: the file unpacks to more than"), "{message}");
}
