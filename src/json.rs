//! JSON in and out: numbers that keep every f64, and errors that name the field.
//!
//! A JSON number is read as the nearest f64; the strings "NaN", "Infinity" and "-Infinity" stand for
//! the rest, in and out.

use crate::error::{Error, Result};
use serde::de::{DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::fmt;

/// An f64 in JSON. A zero is read as +0, so that exact zeros come out as +0.
#[derive(Clone, Copy, Debug)]
struct Real(f64);

impl<'de> Deserialize<'de> for Real {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Real, D::Error> {
        struct RealVisitor;
        impl Visitor<'_> for RealVisitor {
            type Value = Real;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
            }
            fn visit_f64<E>(self, x: f64) -> std::result::Result<Real, E> {
                Ok(Real(x))
            }
            fn visit_i64<E>(self, x: i64) -> std::result::Result<Real, E> {
                Ok(Real(x as f64))
            }
            fn visit_u64<E>(self, x: u64) -> std::result::Result<Real, E> {
                Ok(Real(x as f64))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<Real, E> {
                match text {
                    "NaN" => Ok(Real(f64::NAN)),
                    "Infinity" => Ok(Real(f64::INFINITY)),
                    "-Infinity" => Ok(Real(f64::NEG_INFINITY)),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
                }
            }
        }
        // −0 + 0 is +0
        deserializer.deserialize_any(RealVisitor).map(|x| Real(x.0 + 0.0))
    }
}

/// A whole number in JSON, also when written like 1e3.
#[derive(Clone, Copy, Debug)]
struct Whole(i64);

/// 2^53: up to here every whole number is an f64.
pub const LARGEST_WHOLE: i64 = 1 << 53;

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Whole, D::Error> {
        struct WholeVisitor;
        impl Visitor<'_> for WholeVisitor {
            type Value = Whole;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a whole number of at most 2^53 in size")
            }
            fn visit_i64<E: serde::de::Error>(self, x: i64) -> std::result::Result<Whole, E> {
                if x.unsigned_abs() <= LARGEST_WHOLE as u64 {
                    Ok(Whole(x))
                } else {
                    Err(E::invalid_value(serde::de::Unexpected::Signed(x), &self))
                }
            }
            fn visit_u64<E: serde::de::Error>(self, x: u64) -> std::result::Result<Whole, E> {
                match i64::try_from(x) {
                    Ok(x) if x <= LARGEST_WHOLE => Ok(Whole(x)),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Unsigned(x), &self)),
                }
            }
            fn visit_f64<E: serde::de::Error>(self, x: f64) -> std::result::Result<Whole, E> {
                if x.fract() == 0.0 && x.abs() <= LARGEST_WHOLE as f64 {
                    Ok(Whole(x as i64))
                } else {
                    Err(E::invalid_value(serde::de::Unexpected::Float(x), &self))
                }
            }
        }
        deserializer.deserialize_any(WholeVisitor)
    }
}

/// The value of an f64 as JSON: the non-finite ones are strings.
pub fn number(x: f64) -> Value {
    if x.is_nan() {
        Value::from("NaN")
    } else if x == f64::INFINITY {
        Value::from("Infinity")
    } else if x == f64::NEG_INFINITY {
        Value::from("-Infinity")
    } else {
        Value::from(x)
    }
}

/// The f64 that a JSON value stands for, which is a number or the name of one.
pub fn real_of(value: &Value) -> Option<f64> {
    match value {
        Value::Number(x) => x.as_f64(),
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

/// Every number in a JSON value with its place as a JSON pointer: "/gradient/0/1".
pub fn numbers(value: &Value) -> Vec<(String, f64)> {
    fn collect(place: String, value: &Value, out: &mut Vec<(String, f64)>) {
        match value {
            Value::Array(items) => items.iter().enumerate().for_each(|(i, x)| collect(format!("{place}/{i}"), x, out)),
            Value::Object(fields) => fields.iter().for_each(|(name, x)| collect(format!("{place}/{name}"), x, out)),
            _ => out.extend(real_of(value).map(|x| (place, x))),
        }
    }
    let mut out = Vec::new();
    collect(String::new(), value, &mut out);
    out
}

/// Field attributes: `#[serde(with = "json::real")]` for one f64.
pub mod real {
    use super::*;
    /// Reads one number.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<f64, D::Error> {
        Real::deserialize(d).map(|x| x.0)
    }
    /// Writes one number.
    pub fn serialize<S: Serializer>(x: &f64, s: S) -> std::result::Result<S::Ok, S::Error> {
        number(*x).serialize(s)
    }
}

/// `#[serde(with = "json::reals")]` for a list of f64.
pub mod reals {
    use super::*;
    /// Reads a list of numbers.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Vec<f64>, D::Error> {
        Vec::<Real>::deserialize(d).map(unwrap)
    }
    /// Writes a list of numbers.
    pub fn serialize<S: Serializer>(x: &[f64], s: S) -> std::result::Result<S::Ok, S::Error> {
        s.collect_seq(x.iter().map(|&x| number(x)))
    }
}

/// `#[serde(with = "json::matrix")]` for a list of lists of f64.
pub mod matrix {
    use super::*;
    /// Reads a list of lists of numbers.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Vec<Vec<f64>>, D::Error> {
        Vec::<Vec<Real>>::deserialize(d).map(|rows| rows.into_iter().map(unwrap).collect())
    }
    /// Writes a list of lists of numbers.
    pub fn serialize<S: Serializer>(x: &[Vec<f64>], s: S) -> std::result::Result<S::Ok, S::Error> {
        s.collect_seq(x.iter().map(|row| row.iter().map(|&x| number(x)).collect::<Vec<_>>()))
    }
}

/// `#[serde(with = "json::tensor")]` for lists of lists of lists of f64.
pub mod tensor {
    use super::*;
    /// Reads lists of lists of lists of numbers.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Vec<Vec<Vec<f64>>>, D::Error> {
        Vec::<Vec<Vec<Real>>>::deserialize(d)
            .map(|blocks| blocks.into_iter().map(|rows| rows.into_iter().map(unwrap).collect()).collect())
    }
    /// Writes lists of lists of lists of numbers.
    pub fn serialize<S: Serializer>(x: &[Vec<Vec<f64>>], s: S) -> std::result::Result<S::Ok, S::Error> {
        let row = |row: &Vec<f64>| Value::from(row.iter().map(|&x| number(x)).collect::<Vec<_>>());
        s.collect_seq(x.iter().map(|rows| rows.iter().map(row).collect::<Vec<_>>()))
    }
}

/// `#[serde(with = "json::optional_rows")]` for `[step][tensor]` lists in which a tensor may be null.
pub mod optional_rows {
    use super::*;
    /// One optional list of numbers per step and tensor.
    pub type Rows = Vec<Vec<Option<Vec<f64>>>>;
    /// Reads them.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Rows, D::Error> {
        Vec::<Vec<Option<Vec<Real>>>>::deserialize(d)
            .map(|steps| steps.into_iter().map(|step| step.into_iter().map(|row| row.map(unwrap)).collect()).collect())
    }
    /// Writes them.
    pub fn serialize<S: Serializer>(x: &Rows, s: S) -> std::result::Result<S::Ok, S::Error> {
        let row = |row: &Option<Vec<f64>>| match row {
            Some(row) => Value::from(row.iter().map(|&x| number(x)).collect::<Vec<_>>()),
            None => Value::Null,
        };
        s.collect_seq(x.iter().map(|step| step.iter().map(row).collect::<Vec<_>>()))
    }
}

/// `#[serde(with = "json::one_or_more")]` for a number or a list of numbers.
pub mod one_or_more {
    use super::*;
    /// One number for all steps, or one per step.
    #[derive(Clone, Debug, PartialEq)]
    pub enum Rates {
        /// The same number at every step.
        Constant(f64),
        /// One number per step.
        PerStep(Vec<f64>),
    }
    /// Reads them.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Rates, D::Error> {
        match Value::deserialize(d)? {
            list @ Value::Array(_) => reals::deserialize(list).map(Rates::PerStep).map_err(serde::de::Error::custom),
            one => real::deserialize(one).map(Rates::Constant).map_err(serde::de::Error::custom),
        }
    }
    /// Writes them.
    pub fn serialize<S: Serializer>(x: &Rates, s: S) -> std::result::Result<S::Ok, S::Error> {
        match x {
            Rates::Constant(x) => real::serialize(x, s),
            Rates::PerStep(list) => reals::serialize(list, s),
        }
    }
}

/// `#[serde(deserialize_with = "json::whole")]` for one whole number.
pub fn whole<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<i64, D::Error> {
    Whole::deserialize(d).map(|x| x.0)
}

/// `#[serde(deserialize_with = "json::wholes")]` for a list of whole numbers.
pub fn wholes<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Vec<i64>, D::Error> {
    Vec::<Whole>::deserialize(d).map(|list| list.into_iter().map(|x| x.0).collect())
}

fn unwrap(list: Vec<Real>) -> Vec<f64> {
    list.into_iter().map(|x| x.0).collect()
}

/// `#[serde(deserialize_with = "json::object")]` for a part that is an object and nothing else: a
/// struct's own reader would take a list of its fields as well.
pub fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(d: D) -> std::result::Result<T, D::Error> {
    struct ObjectVisitor<T>(std::marker::PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<T, A::Error> {
            T::deserialize(serde::de::value::MapAccessDeserializer::new(map))
        }
    }
    d.deserialize_any(ObjectVisitor(std::marker::PhantomData))
}

/// One of a few words, as a string and nothing else.
pub fn word<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<String, D::Error> {
    struct WordVisitor;
    impl Visitor<'_> for WordVisitor {
        type Value = String;
        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a string")
        }
        fn visit_str<E>(self, text: &str) -> std::result::Result<String, E> {
            Ok(text.into())
        }
    }
    d.deserialize_any(WordVisitor)
}

/// Reads a typed input from JSON; an error names the field with its indices.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T> {
    if !value.is_object() {
        return Err(Error::Structure { field: "input".into(), problem: "expected a JSON object".into() });
    }
    serde_path_to_error::deserialize(value).map_err(|e| {
        let path = e.path().to_string();
        Error::Structure { field: if path == "." { "input".into() } else { path }, problem: e.into_inner().to_string() }
    })
}

/// Writes a typed output as JSON.
pub fn write<T: Serialize>(output: &T) -> Value {
    serde_json::to_value(output).expect("outputs have string keys and cannot fail to serialize")
}

/// Parses a text that a stranger wrote: JSON, in which no object has the same key twice.
pub fn parse(text: &str) -> Result<Value> {
    struct Strict(Value);
    impl<'de> Deserialize<'de> for Strict {
        fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Strict, D::Error> {
            d.deserialize_any(StrictVisitor).map(Strict)
        }
    }
    struct StrictVisitor;
    impl<'de> Visitor<'de> for StrictVisitor {
        type Value = Value;
        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("JSON")
        }
        fn visit_bool<E>(self, x: bool) -> std::result::Result<Value, E> {
            Ok(Value::from(x))
        }
        fn visit_i64<E>(self, x: i64) -> std::result::Result<Value, E> {
            Ok(Value::from(x))
        }
        fn visit_u64<E>(self, x: u64) -> std::result::Result<Value, E> {
            Ok(Value::from(x))
        }
        fn visit_f64<E>(self, x: f64) -> std::result::Result<Value, E> {
            Ok(Value::from(x))
        }
        fn visit_str<E>(self, x: &str) -> std::result::Result<Value, E> {
            Ok(Value::from(x))
        }
        fn visit_unit<E>(self) -> std::result::Result<Value, E> {
            Ok(Value::Null)
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Value, A::Error> {
            let mut list = Vec::new();
            while let Some(Strict(item)) = items.next_element()? {
                list.push(item);
            }
            Ok(Value::Array(list))
        }
        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> std::result::Result<Value, A::Error> {
            let mut object = Map::new();
            while let Some(key) = entries.next_key::<String>()? {
                let Strict(value) = entries.next_value()?;
                if object.contains_key(&key) {
                    return Err(serde::de::Error::custom(format!("the field {key:?} is given twice")));
                }
                object.insert(key, value);
            }
            Ok(Value::Object(object))
        }
    }
    serde_json::from_str::<Strict>(text).map(|strict| strict.0).map_err(|e| Error::NotJson(e.to_string()))
}
