//! numpy's format of one array: a magic string, a version, a header that is a Python literal with three fields,
//! and the items. Libraries for it bring a grammar compiler and a C compiler for the literal; here it is read
//! as the format's description has it.

use super::{Array, Items, items_of, of_half, wrong};
use crate::error::Result;

const MAGIC: &[u8] = b"\x93NUMPY";

/// Reads an array.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Array> {
    let cut = || wrong(name, "the file breaks off within the header");
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| wrong(name, "this is no array of numpy"))?;
    let (length, rest) = match rest {
        [1, 0, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, 0, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        [major, minor, ..] => return Err(wrong(name, format!("found version {major}.{minor}, allowed is 1.0 to 3.0"))),
        _ => return Err(cut()),
    };
    let (header, data) = rest.split_at_checked(length).ok_or_else(cut)?;
    let header = std::str::from_utf8(header).map_err(|_| wrong(name, "the header is no text"))?;
    let Header { descr, fortran_order, shape } =
        Header::parse(header).ok_or_else(|| wrong(name, format!("the header is {:?}", header.trim_end())))?;
    let count = items_of(name, &shape, data.len())?;
    let (size, items) = decoded(name, &descr, count, data)?;
    if count.checked_mul(size) != Some(data.len()) {
        let found = data.len();
        return Err(wrong(
            name,
            format!("there are {found} bytes of items, and {count} of {size} bytes are announced"),
        ));
    }
    let items = if fortran_order { reordered(items, &shape) } else { items };
    Ok(Array { shape, items })
}

/// What the header says.
struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl Header {
    /// `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`
    fn parse(text: &str) -> Option<Header> {
        let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        while !rest.is_empty() {
            let (key, after) = quoted(rest)?;
            let value = after.trim_start().strip_prefix(':')?.trim_start();
            let (set, after) = match key {
                "descr" => {
                    let (text, after) = quoted(value)?;
                    (descr.replace(text.to_string()).is_none(), after)
                }
                "fortran_order" => {
                    let truth = value.starts_with("True");
                    let after = value.strip_prefix("True").or_else(|| value.strip_prefix("False"))?;
                    (fortran_order.replace(truth).is_none(), after)
                }
                "shape" => {
                    let (inner, after) = value.strip_prefix('(')?.split_once(')')?;
                    let sizes = inner.split(',').map(str::trim).filter(|size| !size.is_empty());
                    let sizes = sizes.map(|size| size.parse().ok()).collect::<Option<Vec<usize>>>()?;
                    (shape.replace(sizes).is_none(), after)
                }
                _ => return None,
            };
            if !set {
                return None;
            }
            let after = after.trim_start();
            rest = after.strip_prefix(',').unwrap_or(after).trim_start();
        }
        Some(Header { descr: descr?, fortran_order: fortran_order?, shape: shape? })
    }
}

/// A text in quotes at the beginning, and what is after it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| ['\'', '"'].contains(c))?;
    text[1..].split_once(quote)
}

/// The items, with the bytes that each takes.
fn decoded(name: &str, descr: &str, count: usize, data: &[u8]) -> Result<(usize, Items)> {
    let unknown =
        || wrong(name, format!("found the dtype {descr:?}, allowed are floats, whole numbers, bool and text"));
    let (order, kind) = descr.split_at_checked(1).ok_or_else(unknown)?;
    if !["<", ">", "|", "="].contains(&order) {
        return Err(unknown());
    }
    let size: usize = kind.get(1..).and_then(|size| size.parse().ok()).ok_or_else(unknown)?;
    if size == 0 {
        return Err(unknown());
    }
    let chunks = |size: usize| {
        data.chunks_exact(size).take(count).map(move |chunk| {
            let mut little = [0; 8];
            let n = size.min(8);
            little[..n].copy_from_slice(&chunk[..n]);
            if order == ">" {
                little[..n].reverse();
            }
            u64::from_le_bytes(little)
        })
    };
    let wide = |bits: u64, size: usize| ((bits << (64 - 8 * size)) as i64) >> (64 - 8 * size);
    let items = match (&kind[..1], size) {
        ("f", 8) => Items::Reals(chunks(8).map(f64::from_bits).collect()),
        ("f", 4) => Items::Reals(chunks(4).map(|bits| f64::from(f32::from_bits(bits as u32))).collect()),
        ("f", 2) => Items::Reals(chunks(2).map(|bits| of_half(bits as u16, 5)).collect()),
        ("i", 1 | 2 | 4 | 8) => Items::Wholes(chunks(size).map(|bits| wide(bits, size)).collect()),
        ("u", 1 | 2 | 4 | 8) => Items::Wholes(
            chunks(size)
                .map(|bits| i64::try_from(bits).map_err(|_| wrong(name, format!("{bits} is too large"))))
                .collect::<Result<_>>()?,
        ),
        ("b", 1) => Items::Truths(chunks(1).map(|bits| bits != 0).collect()),
        ("U", _) if count == 1 => {
            let letters = data.chunks_exact(4).map(|chunk| {
                let bytes = [chunk[0], chunk[1], chunk[2], chunk[3]];
                char::from_u32(if order == ">" { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
            });
            let text: Option<String> = letters.collect();
            let text = text.ok_or_else(|| wrong(name, "the text is not Unicode"))?;
            let bytes = size.checked_mul(4).ok_or_else(unknown)?;
            return Ok((bytes, Items::Text(text.trim_end_matches('\0').into())));
        }
        _ => return Err(unknown()),
    };
    Ok((size, items))
}

/// Items in column-major order, row by row.
fn reordered(items: Items, shape: &[usize]) -> Items {
    fn rows<T: Clone>(items: &[T], shape: &[usize]) -> Vec<T> {
        let mut strides = Vec::with_capacity(shape.len());
        let mut stride = 1;
        for size in shape {
            strides.push(stride);
            stride *= size;
        }
        let of = |mut index: usize| {
            let digits = shape.iter().zip(&strides).rev().map(|(size, stride)| {
                let digit = index % size;
                index /= size;
                digit * stride
            });
            digits.sum::<usize>()
        };
        (0..items.len()).map(|index| items[of(index)].clone()).collect()
    }
    match items {
        Items::Reals(items) => Items::Reals(rows(&items, shape)),
        Items::Wholes(items) => Items::Wholes(rows(&items, shape)),
        Items::Truths(items) => Items::Truths(rows(&items, shape)),
        text => text,
    }
}

/// The bytes of an array.
pub(super) fn write(array: &Array) -> Vec<u8> {
    let (descr, data): (String, Vec<u8>) = match &array.items {
        Items::Reals(items) => ("<f8".into(), items.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Items::Wholes(items) => ("<i8".into(), items.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Items::Truths(items) => ("|b1".into(), items.iter().map(|&x| u8::from(x)).collect()),
        Items::Text(text) => {
            // a text of no letters still has one, a zero
            let letters: Vec<u32> = text.chars().map(u32::from).chain(text.is_empty().then_some(0)).collect();
            (format!("<U{}", letters.len()), letters.iter().flat_map(|x| x.to_le_bytes()).collect())
        }
    };
    let sizes: String = array.shape.iter().map(|size| format!("{size}, ")).collect();
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}), }}", sizes.trim_end());
    // the items begin at a multiple of 64 bytes, after a line break
    let length = (MAGIC.len() + 4 + header.len() + 1).next_multiple_of(64) - MAGIC.len() - 4;
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(format!("{header:<width$}\n", width = length - 1).into_bytes());
    bytes.extend(data);
    bytes
}
