//! Files of arrays, npz and safetensors, as JSON values and back.
//!
//! An array stands under the name of the field that it is, and what is inside a field under its path:
//! `logits`, `chosen/tokens`, `gradients/0/1` (step 0, tensor 1; where there is no such array, the tensor has no
//! gradient). A number is an array of no dimensions. A word or anything else that is no array, such as
//! `conventions`, is text: in npz a string of no dimensions, in safetensors an entry of the metadata; text that
//! is JSON is read as that.
//!
//! Files are a stranger's: nothing is allocated from a length that the bytes at hand do not confirm.

mod npy;
mod npz;
mod safetensors;

use crate::error::{Error, Result};
use crate::json;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What a file may unpack to, in bytes.
pub const MOST_BYTES: usize = 1 << 28;

/// How many items a file's lists may have beside its arrays: a list is as long as its largest index says, and where
/// no array is said to stand there is none.
const MOST_EMPTY: usize = 100_000;

/// The most dimensions of an array, as numpy has it, and the most parts of a path: lists are as deep.
const MOST_DEPTH: usize = 64;

/// An array, or a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The sizes of its dimensions; none for a single number and for a text.
    pub shape: Vec<usize>,
    /// Its items in row-major order.
    pub items: Items,
}

/// The items of an array.
#[derive(Clone, Debug, PartialEq)]
pub enum Items {
    /// Numbers, of any floating-point format that is read, as f64.
    Reals(Vec<f64>),
    /// Whole numbers.
    Wholes(Vec<i64>),
    /// Switches.
    Truths(Vec<bool>),
    /// One text.
    Text(String),
}

/// Arrays by name.
pub type Arrays = BTreeMap<String, Array>;

/// The format of a file of arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// numpy's archive of arrays.
    Npz,
    /// Hugging Face's format.
    Safetensors,
}

impl Format {
    /// The format that a file's name tells by its ending.
    pub fn of_name(name: &str) -> Option<Format> {
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        match ending.to_ascii_lowercase().as_str() {
            "npz" => Some(Format::Npz),
            "safetensors" => Some(Format::Safetensors),
            _ => None,
        }
    }

    /// Reads the arrays of a file.
    ///
    /// # Errors
    /// If the bytes are no such file, or one that unpacks to more than [`MOST_BYTES`]; the error names the array.
    pub fn read(self, bytes: &[u8]) -> Result<Arrays> {
        match self {
            Format::Npz => npz::read(bytes),
            Format::Safetensors => safetensors::read(bytes),
        }
    }

    /// The bytes of a file with these arrays.
    ///
    /// # Errors
    /// If the format does not hold them.
    pub fn write(self, arrays: &Arrays) -> Result<Vec<u8>> {
        match self {
            Format::Npz => npz::write(arrays),
            Format::Safetensors => safetensors::write(arrays),
        }
    }
}

/// An error about an array.
fn wrong(name: &str, problem: impl Into<String>) -> Error {
    Error::Structure { field: name.into(), problem: problem.into() }
}

/// How many items a shape has, if the bytes at hand may be that many. An empty dimension beside a large one has
/// no items and would still be many lists.
fn items_of(name: &str, shape: &[usize], bytes: usize) -> Result<usize> {
    if shape.len() > MOST_DEPTH {
        return Err(wrong(name, format!("found {} dimensions, allowed are at most {MOST_DEPTH}", shape.len())));
    }
    let product = |least: usize| shape.iter().try_fold(1usize, |n, &size| n.checked_mul(size.max(least)));
    match (product(1), product(0)) {
        (Some(lists), Some(items)) if lists <= bytes.max(MOST_EMPTY) => {
            let most = MOST_BYTES / size_of::<f64>();
            let problem = || wrong(name, format!("the shape {shape:?} has more than {most} items"));
            (items <= most).then_some(items).ok_or_else(problem)
        }
        _ => Err(wrong(name, format!("the shape {shape:?} is larger than the file"))),
    }
}

/// A number of 16 bits, of which the exponent has `exponent` bits.
fn of_half(bits: u16, exponent: u32) -> f64 {
    let fraction = 15 - exponent;
    let (top, low) = (u32::from(bits & 0x7fff) >> fraction, u32::from(bits) & ((1 << fraction) - 1));
    let bias = (1 << (exponent - 1)) - 1;
    let (low, fraction, power) = (f64::from(low), fraction as i32, top as i32 - bias);
    let size = match top {
        0 => libm::ldexp(low, power + 1 - fraction),
        _ if top + 1 == 1 << exponent => return if low == 0.0 { f64::INFINITY.copysign(sign(bits)) } else { f64::NAN },
        _ => libm::ldexp(1.0 + libm::ldexp(low, -fraction), power),
    };
    size.copysign(sign(bits))
}

fn sign(bits: u16) -> f64 {
    if bits >> 15 == 1 { -1.0 } else { 1.0 }
}

impl Array {
    /// A text.
    pub fn text(text: impl Into<String>) -> Array {
        Array { shape: Vec::new(), items: Items::Text(text.into()) }
    }

    /// What the items take, in bytes.
    fn bytes(&self) -> usize {
        match &self.items {
            Items::Reals(items) => size_of_val(&items[..]),
            Items::Wholes(items) => size_of_val(&items[..]),
            Items::Truths(items) => size_of_val(&items[..]),
            Items::Text(text) => text.len(),
        }
    }

    /// The array as JSON: lists of lists, or a single value.
    fn value(&self) -> Value {
        let items: Vec<Value> = match &self.items {
            Items::Reals(items) => items.iter().map(|&x| json::number(x)).collect(),
            Items::Wholes(items) => items.iter().map(|&x| x.into()).collect(),
            Items::Truths(items) => items.iter().map(|&x| x.into()).collect(),
            Items::Text(text) => return json::parse(text).unwrap_or_else(|_| text.as_str().into()),
        };
        nested(&self.shape, &mut items.into_iter())
    }
}

fn nested(shape: &[usize], items: &mut impl Iterator<Item = Value>) -> Value {
    match shape.split_first() {
        None => items.next().unwrap_or(Value::Null),
        Some((&size, rest)) => (0..size).map(|_| nested(rest, items)).collect(),
    }
}

/// What stands at a path or below it.
#[derive(Default)]
struct Node {
    value: Option<Value>,
    below: BTreeMap<String, Node>,
}

/// How many items without an array may still be added.
struct Empty(usize);

impl Empty {
    fn take(&mut self, path: &str, more: usize) -> Result<()> {
        let problem = || format!("of all items of the file's lists more than {MOST_EMPTY} have no array");
        self.0 = self.0.checked_sub(more).ok_or_else(|| wrong(path, problem()))?;
        Ok(())
    }
}

impl Node {
    fn json(self, path: &str, empty: &mut Empty) -> Result<Value> {
        if let Some(value) = self.value {
            return if self.below.is_empty() {
                Ok(value)
            } else {
                Err(wrong(path, "is an array and has parts as well"))
            };
        }
        let index = |key: &String| key.parse().ok().filter(|index: &usize| index.to_string() == *key);
        let indices: Option<Vec<usize>> = self.below.keys().map(index).collect();
        let within = |name: &str| if path.is_empty() { name.to_string() } else { format!("{path}/{name}") };
        let Some(last) = indices.as_ref().and_then(|indices| indices.iter().max()) else {
            let fields =
                self.below.into_iter().map(|(name, node)| Ok((name.clone(), node.json(&within(&name), empty)?)));
            return fields.collect::<Result<Map<String, Value>>>().map(Value::Object);
        };
        empty.take(&within(&last.to_string()), last.saturating_sub(self.below.len() - 1))?;
        let mut list = vec![Value::Null; last + 1];
        for (index, node) in indices.into_iter().flatten().zip(self.below.into_values()) {
            list[index] = node.json(&within(&index.to_string()), empty)?;
        }
        Ok(list.into())
    }
}

/// The object whose fields the arrays are.
///
/// # Errors
/// If an array stands where others have parts, or a path is too deep or its indices too large.
pub fn object(arrays: &Arrays) -> Result<Value> {
    let mut root = Node::default();
    for (name, array) in arrays {
        let parts = name.split('/').count();
        if parts > MOST_DEPTH {
            return Err(wrong(name, format!("found {parts} parts of a path, allowed are at most {MOST_DEPTH}")));
        }
        let node = name.split('/').fold(&mut root, |node, part| node.below.entry(part.to_string()).or_default());
        node.value = Some(array.value());
    }
    let mut empty = Empty(MOST_EMPTY);
    let mut object = root.json("", &mut empty)?;
    complete(&mut object, &mut empty)?;
    Ok(object)
}

/// Steps and tensors at the end of which no array says anything have none: gradients are as many as there are
/// parameters, and estimates as many as gradients.
fn complete(object: &mut Value, empty: &mut Empty) -> Result<()> {
    let tensors = object["params"].as_array().map_or(0, Vec::len);
    let steps = object["gradients"].as_array().map_or(0, Vec::len);
    for name in ["gradients", "hessians"] {
        let Some(list) = object.get_mut(name).and_then(Value::as_array_mut) else { continue };
        let given = list.iter().map(|step| step.as_array().map_or(0, Vec::len)).sum::<usize>();
        empty.take(name, steps.max(list.len()).saturating_mul(tensors).saturating_sub(given))?;
        list.resize(steps.max(list.len()), Value::Null);
        for step in list {
            let mut known = std::mem::take(step).as_array().cloned().unwrap_or_default();
            known.resize(tensors.max(known.len()), Value::Null);
            *step = known.into();
        }
    }
    Ok(())
}

/// Fields that hold one array for each tensor, of sizes of their own.
const OF_TENSORS: [&str; 8] = ["params", "gradients", "hessians", "m", "v", "v_max", "h", "buf"];

/// Puts a JSON value into arrays, whose names begin with this one.
pub fn flatten(name: &str, value: &Value, out: &mut Arrays) {
    below(name, value, false, out);
}

fn below(name: &str, value: &Value, of_tensors: bool, out: &mut Arrays) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            fields.iter().for_each(|(field, value)| {
                below(&format!("{name}/{field}"), value, OF_TENSORS.contains(&field.as_str()), out);
            });
        }
        Value::Array(items) => match shape(value).filter(|shape| !of_tensors || shape.len() == 1) {
            Some(shape) => drop(out.insert(name.into(), Array { shape, items: items_in(value) })),
            None => (0..).zip(items).for_each(|(i, item)| below(&format!("{name}/{i}"), item, of_tensors, out)),
        },
        Value::Bool(truth) => {
            out.insert(name.into(), Array { shape: Vec::new(), items: Items::Truths(vec![*truth]) });
        }
        _ if json::real_of(value).is_some() => {
            out.insert(name.into(), Array { shape: Vec::new(), items: items_in(value) });
        }
        Value::String(text) => drop(out.insert(name.into(), Array::text(text.as_str()))),
        Value::Number(_) => {}
    }
}

/// The shape of lists of numbers that are all of one shape.
fn shape(value: &Value) -> Option<Vec<usize>> {
    let Value::Array(items) = value else { return json::real_of(value).map(|_| Vec::new()) };
    let shapes = items.iter().map(shape).collect::<Option<Vec<_>>>()?;
    let first = shapes.first().cloned().unwrap_or_default();
    if shapes.iter().any(|shape| *shape != first) {
        return None;
    }
    Some([vec![items.len()], first].concat())
}

fn items_in(value: &Value) -> Items {
    fn leaves<'a>(value: &'a Value, out: &mut Vec<&'a Value>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| leaves(item, out)),
            _ => out.push(value),
        }
    }
    let mut all = Vec::new();
    leaves(value, &mut all);
    match all.iter().map(|x| x.as_i64()).collect::<Option<Vec<i64>>>() {
        Some(wholes) if !wholes.is_empty() => Items::Wholes(wholes),
        _ => Items::Reals(all.into_iter().filter_map(json::real_of).collect()),
    }
}
