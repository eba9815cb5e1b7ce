//! A checkpoint: the tensors of one safetensors file, or of the shards that an index names.
//!
//! Files are read at a place and in blocks: memory does not grow with the checkpoint, and a file that is
//! cut while it is read gives an error, where a mapped one would end the process.

use super::decode;
use super::error::{Error, Result};
use super::header::{self, Entry, Format};
use crate::json;
use crate::number::Dtype;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Component, Path, PathBuf};

/// Opened files with what lies in them.
#[derive(Debug)]
pub(super) struct Checkpoint {
    /// As it was named.
    pub path: PathBuf,
    files: Vec<(PathBuf, File)>,
    tensors: BTreeMap<String, Tensor>,
}

/// A tensor of a checkpoint.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    pub format: Format,
    pub shape: Vec<u64>,
    pub elements: u64,
    file: usize,
    start: u64,
}

#[cfg(test)]
impl Tensor {
    /// A tensor of one element that is in no file.
    pub fn of(format: Format) -> Tensor {
        Tensor { format, shape: vec![1], elements: 1, file: 0, start: 0 }
    }
}

/// Reads at a place; the file's own position is left alone, so that threads can share it.
pub(super) fn read_at(file: &File, buffer: &mut [u8], at: u64) -> std::io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_exact_at(file, buffer, at);
    #[cfg(not(unix))]
    {
        use std::io::{Read, Seek, SeekFrom};
        let mut own = file.try_clone()?;
        own.seek(SeekFrom::Start(at))?;
        own.read_exact(buffer)
    }
}

impl Checkpoint {
    /// Opens a `.safetensors` file, or the shards of an index, `model.safetensors.index.json`.
    pub fn open(path: &Path) -> Result<Checkpoint> {
        let mut checkpoint = Checkpoint { path: path.into(), files: Vec::new(), tensors: BTreeMap::new() };
        if path.extension().is_some_and(|extension| extension == "json") {
            for (shard, names) in shards(path)? {
                let found = checkpoint.add(&shard)?;
                let malformed = |tensor: &str, problem: &str| {
                    Error::malformed(
                        path,
                        format!("weight_map, tensor {tensor:?}"),
                        format!("{problem} {}", shard.display()),
                    )
                };
                if let Some(lost) = names.iter().find(|name| !found.contains(name)) {
                    return Err(malformed(lost, "is not in the shard"));
                }
                if let Some(extra) = found.iter().find(|name| !names.contains(name)) {
                    return Err(malformed(extra, "is not listed for the shard"));
                }
            }
        } else {
            checkpoint.add(path)?;
        }
        Ok(checkpoint)
    }

    /// Adds the tensors of a file; gives their names.
    fn add(&mut self, path: &Path) -> Result<Vec<String>> {
        let file = File::open(path).map_err(|source| Error::Io { path: path.into(), source })?;
        let entries = header::read(path, &file)?;
        let names = entries.iter().map(|entry| entry.name.clone()).collect();
        for Entry { name, format, shape, start, elements } in entries {
            let tensor = Tensor { format, shape, elements, file: self.files.len(), start };
            if self.tensors.insert(name.clone(), tensor).is_some() {
                return Err(Error::malformed(path, format!("tensor {name:?}"), "is in another shard as well"));
            }
        }
        self.files.push((path.into(), file));
        Ok(names)
    }

    pub fn tensors(&self) -> impl Iterator<Item = (&String, &Tensor)> {
        self.tensors.iter()
    }

    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// The elements of a block of a tensor as they are stored, in place of what `bytes` held.
    pub fn read(&self, tensor: &Tensor, dtype: Dtype, from: u64, count: usize, bytes: &mut Vec<u8>) -> Result<()> {
        let (path, file) = &self.files[tensor.file];
        let size = decode::size(dtype);
        bytes.resize(count * size, 0);
        let at = tensor.start + from * size as u64;
        read_at(file, bytes, at).map_err(|source| Error::Io { path: path.clone(), source })
    }
}

/// The shards of an index with the tensors that it places in each.
fn shards(path: &Path) -> Result<BTreeMap<PathBuf, Vec<String>>> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::Io { path: path.into(), source })?;
    let index = json::parse(&text).map_err(|e| Error::malformed(path, "index", e.to_string()))?;
    let map = index.get("weight_map").and_then(Value::as_object);
    let map = map.ok_or_else(|| Error::malformed(path, "weight_map", "expected an object of tensor names"))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut all: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    for (name, shard) in map {
        let malformed = |problem: String| Error::malformed(path, format!("weight_map, tensor {name:?}"), problem);
        let shard = shard.as_str().ok_or_else(|| malformed("expected a file's name".into()))?;
        let inside = Path::new(shard).components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || shard.is_empty() {
            return Err(malformed(format!("found {shard:?}, allowed is a file beside the index or below it")));
        }
        all.entry(folder.join(shard)).or_default().push(name.clone());
    }
    Ok(all)
}
