//! safetensors: a header in JSON with the place of every array, and their bytes. Texts are its metadata.

use super::{Array, Arrays, Items, items_of, of_half, wrong};
use crate::error::Result;
use crate::json;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;

/// What PyTorch's writer says of itself, which is no field.
const OF_THE_WRITER: &str = "format";

pub(super) fn read(bytes: &[u8]) -> Result<Arrays> {
    let file = |e: &dyn std::error::Error| wrong("safetensors", e.to_string());
    let (length, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| file(&e))?;
    // of two arrays with one name the library takes the last
    let header = bytes.get(8..8 + length).and_then(|header| std::str::from_utf8(header).ok()).unwrap_or_default();
    json::parse(header.trim_end())?;
    let mut arrays = Arrays::new();
    for (name, text) in metadata.metadata().iter().flatten().filter(|(name, _)| *name != OF_THE_WRITER) {
        arrays.insert(name.clone(), Array::text(text.as_str()));
    }
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| file(&e))?;
    for (name, tensor) in tensors.tensors() {
        items_of(&name, tensor.shape(), tensor.data().len())?;
        let items = decoded(&name, &tensor)?;
        if arrays.insert(name.clone(), Array { shape: tensor.shape().to_vec(), items }).is_some() {
            return Err(wrong(&name, "the metadata has this name too"));
        }
    }
    Ok(arrays)
}

fn decoded(name: &str, tensor: &TensorView<'_>) -> Result<Items> {
    let data = tensor.data();
    fn each<const N: usize>(data: &[u8]) -> impl Iterator<Item = [u8; N]> {
        data.chunks_exact(N).map(|chunk| std::array::from_fn(|i| chunk[i]))
    }
    let large = |x: u64| i64::try_from(x).map_err(|_| wrong(name, format!("{x} is too large")));
    Ok(match tensor.dtype() {
        Dtype::F64 => Items::Reals(each(data).map(f64::from_le_bytes).collect()),
        Dtype::F32 => Items::Reals(each(data).map(|b| f64::from(f32::from_le_bytes(b))).collect()),
        Dtype::F16 => Items::Reals(each(data).map(|b| of_half(u16::from_le_bytes(b), 5)).collect()),
        Dtype::BF16 => Items::Reals(each(data).map(|b| of_half(u16::from_le_bytes(b), 8)).collect()),
        Dtype::I64 => Items::Wholes(each(data).map(i64::from_le_bytes).collect()),
        Dtype::I32 => Items::Wholes(each(data).map(|b| i32::from_le_bytes(b).into()).collect()),
        Dtype::I16 => Items::Wholes(each(data).map(|b| i16::from_le_bytes(b).into()).collect()),
        Dtype::I8 => Items::Wholes(each(data).map(|b| i8::from_le_bytes(b).into()).collect()),
        Dtype::U64 => Items::Wholes(each(data).map(|b| large(u64::from_le_bytes(b))).collect::<Result<_>>()?),
        Dtype::U32 => Items::Wholes(each(data).map(|b| u32::from_le_bytes(b).into()).collect()),
        Dtype::U16 => Items::Wholes(each(data).map(|b| u16::from_le_bytes(b).into()).collect()),
        Dtype::U8 => Items::Wholes(data.iter().map(|&b| b.into()).collect()),
        Dtype::BOOL => Items::Truths(data.iter().map(|&b| b != 0).collect()),
        other => {
            return Err(wrong(
                name,
                format!("found the dtype {other:?}, allowed are F64 to BF16, whole numbers and BOOL"),
            ));
        }
    })
}

pub(super) fn write(arrays: &Arrays) -> Result<Vec<u8>> {
    let mut texts: HashMap<String, String> = HashMap::new();
    let mut tensors: Vec<(&str, Dtype, &[usize], Vec<u8>)> = Vec::new();
    for (name, Array { shape, items }) in arrays {
        let (dtype, bytes) = match items {
            Items::Reals(items) => (Dtype::F64, items.iter().flat_map(|x| x.to_le_bytes()).collect()),
            Items::Wholes(items) => (Dtype::I64, items.iter().flat_map(|x| x.to_le_bytes()).collect()),
            Items::Truths(items) => (Dtype::BOOL, items.iter().map(|&x| u8::from(x)).collect()),
            Items::Text(text) => {
                texts.insert(name.clone(), text.clone());
                continue;
            }
        };
        tensors.push((name, dtype, shape, bytes));
    }
    let views = tensors
        .iter()
        .map(|(name, dtype, shape, bytes)| {
            let view = TensorView::new(*dtype, shape.to_vec(), bytes);
            view.map(|view| (name.to_string(), view)).map_err(|e| wrong(name, e.to_string()))
        })
        .collect::<Result<Vec<_>>>()?;
    let texts = (!texts.is_empty()).then_some(texts);
    safetensors::serialize(views, texts).map_err(|e| wrong("safetensors", e.to_string()))
}
