//! The header of a safetensors file: which tensors lie where.
//!
//! Eight bytes give the length of a JSON object, which gives each tensor's dtype, shape and bytes; the
//! bytes follow, without overlaps or holes (<https://github.com/huggingface/safetensors>, "Format").
//! Nothing is believed: every length is checked before anything is read or allocated by it.

use super::error::{Error, Result};
use crate::json;
use crate::number::Dtype;
use serde_json::{Map, Value};
use std::fs::File;
use std::path::Path;

/// Where a tensor lies in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub name: String,
    pub format: Format,
    pub shape: Vec<u64>,
    /// The first byte, from the start of the file.
    pub start: u64,
    pub elements: u64,
}

/// The format of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Float(Dtype),
    /// Anything that no optimizer steps, by its name.
    Other(&'static str),
}

/// The names of formats with the bits of an element.
const FORMATS: &[(&str, u64)] = &[
    ("F64", 64),
    ("F32", 32),
    ("BF16", 16),
    ("F16", 16),
    ("BOOL", 8),
    ("U8", 8),
    ("I8", 8),
    ("F8_E5M2", 8),
    ("F8_E4M3", 8),
    ("F8_E8M0", 8),
    ("I16", 16),
    ("U16", 16),
    ("I32", 32),
    ("U32", 32),
    ("I64", 64),
    ("U64", 64),
    ("C64", 64),
    ("F6_E2M3", 6),
    ("F6_E3M2", 6),
    ("F4", 4),
];

/// The longest header that safetensors itself reads.
const LONGEST_HEADER: u64 = 100_000_000;

impl Format {
    fn named(name: &str) -> Option<(Format, u64)> {
        let &(name, bits) = FORMATS.iter().find(|(known, _)| *known == name)?;
        let format = match name {
            "F64" => Format::Float(Dtype::F64),
            "F32" => Format::Float(Dtype::F32),
            "BF16" => Format::Float(Dtype::Bf16),
            "F16" => Format::Float(Dtype::F16),
            _ => Format::Other(name),
        };
        Some((format, bits))
    }
}

/// The tensors of a file, in the order in which they lie there.
pub(super) fn read(path: &Path, file: &File) -> Result<Vec<Entry>> {
    let io = |source| Error::Io { path: path.into(), source };
    let length = file.metadata().map_err(io)?.len();
    let malformed = |place: &str, problem: String| Error::malformed(path, place, problem);
    if length < 8 {
        return Err(malformed("header", format!("the file ends after {length} bytes; a header has at least 8")));
    }
    let mut prefix = [0; 8];
    super::checkpoint::read_at(file, &mut prefix, 0).map_err(io)?;
    let header = u64::from_le_bytes(prefix);
    if header > LONGEST_HEADER || header > length - 8 {
        let allowed = LONGEST_HEADER.min(length - 8);
        return Err(malformed("header", format!("found length {header}, allowed is at most {allowed}")));
    }
    // at most LONGEST_HEADER, and no longer than the file
    let mut text = vec![0; header as usize];
    super::checkpoint::read_at(file, &mut text, 8).map_err(io)?;
    let text = String::from_utf8(text).map_err(|e| malformed("header", format!("not UTF-8: {e}")))?;
    let object = match json::parse(&text).map_err(|e| malformed("header", e.to_string()))? {
        Value::Object(object) => object,
        _ => return Err(malformed("header", "expected a JSON object".into())),
    };
    entries(path, object, 8 + header, length)
}

/// The entries of a header whose data begin at a byte of a file of some length.
fn entries(path: &Path, object: Map<String, Value>, begin: u64, length: u64) -> Result<Vec<Entry>> {
    let mut all: Vec<(Entry, u64)> = Vec::with_capacity(object.len());
    for (name, value) in object {
        if name == "__metadata__" {
            let texts = value.as_object().is_some_and(|fields| fields.values().all(Value::is_string));
            if !texts {
                return Err(Error::malformed(path, "__metadata__", "expected an object of strings"));
            }
            continue;
        }
        let place = format!("tensor {name:?}");
        let (entry, end) = entry(name, &value, begin).map_err(|problem| Error::malformed(path, &place, problem))?;
        if end > length {
            let problem = format!("its data end at byte {end}; the file has {length}");
            return Err(Error::malformed(path, &place, problem));
        }
        all.push((entry, end));
    }
    all.sort_by_key(|(entry, end)| (entry.start, *end));
    let mut next = begin;
    for (entry, end) in &all {
        if entry.start != next {
            let what = if entry.start < next { "overlap those of another tensor" } else { "leave a hole before them" };
            let problem = format!("its data begin at byte {}, where {next} is next: they {what}", entry.start);
            return Err(Error::malformed(path, format!("tensor {:?}", entry.name), problem));
        }
        next = *end;
    }
    if next != length {
        let problem = format!("the tensors end at byte {next}; the file has {length}");
        return Err(Error::malformed(path, "data", problem));
    }
    Ok(all.into_iter().map(|(entry, _)| entry).collect())
}

/// A tensor's entry with the byte after its last, or what is wrong with it.
fn entry(name: String, value: &Value, begin: u64) -> std::result::Result<(Entry, u64), String> {
    let fields = value.as_object().ok_or("expected an object")?;
    if let Some(unknown) = fields.keys().find(|key| !["dtype", "shape", "data_offsets"].contains(&key.as_str())) {
        return Err(format!("unknown field {unknown:?}; expected dtype, shape and data_offsets"));
    }
    let dtype = fields.get("dtype").and_then(Value::as_str).ok_or("dtype: expected a string")?;
    let (format, bits) = Format::named(dtype).ok_or_else(|| {
        let known: Vec<&str> = FORMATS.iter().map(|(name, _)| *name).collect();
        format!("dtype: found {dtype:?}, allowed is {}", known.join(", "))
    })?;
    let shape = wholes(fields, "shape")?;
    let past = || format!("shape: the size of {shape:?} is past the range");
    let elements = shape.iter().try_fold(1u64, |product, &n| product.checked_mul(n)).ok_or_else(past)?;
    let bytes = elements.checked_mul(bits).ok_or_else(past)?;
    if bytes % 8 != 0 {
        return Err(format!("shape: {elements} elements of {bits} bits are no whole number of bytes"));
    }
    let offsets = wholes(fields, "data_offsets")?;
    let &[from, to] = offsets.as_slice() else {
        return Err(format!("data_offsets: found {} numbers, allowed are 2", offsets.len()));
    };
    if to.checked_sub(from) != Some(bytes / 8) {
        return Err(format!("data_offsets: found {from} to {to}; {elements} elements of {dtype} take {}", bytes / 8));
    }
    let past = || format!("data_offsets: {to} is past the range");
    let start = begin.checked_add(from).ok_or_else(past)?;
    let end = begin.checked_add(to).ok_or_else(past)?;
    Ok((Entry { name, format, shape, start, elements }, end))
}

fn wholes(fields: &Map<String, Value>, name: &str) -> std::result::Result<Vec<u64>, String> {
    let list = fields.get(name).and_then(Value::as_array).ok_or_else(|| format!("{name}: expected a list"))?;
    let whole = |x: &Value| x.as_u64().ok_or_else(|| format!("{name}: found {x}, allowed are whole numbers from 0"));
    list.iter().map(whole).collect()
}
