//! npz: a zip archive with an array of numpy in each member.

use super::{Array, Arrays, MOST_BYTES, npy, wrong};
use crate::error::{Error, Result};
use std::io::{Cursor, Read, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

pub(super) fn read(bytes: &[u8]) -> Result<Arrays> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| wrong("npz", e.to_string()))?;
    let mut arrays = Arrays::new();
    let mut left = MOST_BYTES;
    for index in 0..archive.len() {
        let place = format!("member {index}");
        let mut member = archive.by_index(index).map_err(|e| wrong(&place, e.to_string()))?;
        let name = member.name().map_err(|e| wrong(&place, e.to_string()))?.into_owned();
        let name = name.strip_suffix(".npy").unwrap_or(&name).to_string();
        // what a member says of its size is not believed
        let mut unpacked = Vec::new();
        let mut bounded = member.by_ref().take(left as u64 + 1);
        bounded.read_to_end(&mut unpacked).map_err(|e| wrong(&name, e.to_string()))?;
        let too_much = || wrong(&name, format!("the file unpacks to more than {MOST_BYTES} bytes"));
        if unpacked.len() > left {
            return Err(too_much());
        }
        let array = npy::read(&name, &unpacked)?;
        // an item of one byte becomes one of eight
        left = left.checked_sub(unpacked.len().max(array.bytes())).ok_or_else(too_much)?;
        if arrays.insert(name.clone(), array).is_some() {
            return Err(wrong(&name, "there are two arrays of this name"));
        }
    }
    Ok(arrays)
}

pub(super) fn write(arrays: &Arrays) -> Result<Vec<u8>> {
    let failed = |name: &str, e: &dyn std::error::Error| wrong(name, e.to_string());
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, array) in arrays {
        let member = |writer: &mut ZipWriter<_>, array: &Array| -> std::result::Result<(), Error> {
            writer.start_file(format!("{name}.npy"), options).map_err(|e| failed(name, &e))?;
            writer.write_all(&npy::write(array)).map_err(|e| failed(name, &e))
        };
        member(&mut writer, array)?;
    }
    Ok(writer.finish().map_err(|e| failed("npz", &e))?.into_inner())
}
