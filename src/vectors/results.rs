//! Somebody's results: by case id what they gave, in the shape of the answer.

use crate::error::{Error, Result};
use crate::json;
use serde_json::Value;
use std::collections::BTreeMap;

/// What was given for a case.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// An output, of which parts may be left out.
    Output(Value),
    /// The input was refused, for a reason.
    Refused(String),
}

/// Results by case id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results(pub(super) BTreeMap<String, Given>);

impl Results {
    /// Reads results from JSON: an object with a field for every case, which is the output, or
    /// `{"error": "why"}` where the input was refused.
    ///
    /// # Errors
    /// If it is no such object.
    pub fn parse(text: &str) -> Result<Results> {
        Results::of(json::parse(text)?)
    }

    /// Reads results from arrays: `adamw/steps/0#output/steps/0/params/1` and so on, by the names under which the
    /// vectors are exported; what the export has beside outputs is not read.
    ///
    /// # Errors
    /// If an array is named otherwise.
    #[cfg(feature = "arrays")]
    pub fn of_arrays(all: &crate::arrays::Arrays) -> Result<Results> {
        let mut by_case: BTreeMap<String, crate::arrays::Arrays> = BTreeMap::new();
        for (name, array) in all {
            let (id, rest) = name.split_once('#').unwrap_or((name, ""));
            if let Some(place) = rest.strip_prefix("output/") {
                by_case.entry(id.into()).or_default().insert(place.into(), array.clone());
            } else if !(rest == "case" || rest.starts_with("input/") || rest.starts_with("answers/")) {
                let problem = "expected a name such as \"adamw/steps/0#output/steps/0/params/0\"".into();
                return Err(Error::Structure { field: name.clone(), problem });
            }
        }
        let one = |(id, arrays): (String, _)| match crate::arrays::object(&arrays) {
            Ok(output) => Ok((id, Given::Output(output))),
            Err(Error::Structure { field, problem }) => {
                Err(Error::Structure { field: format!("{id}#output/{field}"), problem })
            }
            Err(other) => Err(other),
        };
        by_case.into_iter().map(one).collect::<Result<_>>().map(Results)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads results from a JSON value.
    ///
    /// # Errors
    /// If it is no object of objects.
    pub fn of(value: Value) -> Result<Results> {
        let Value::Object(fields) = value else {
            let problem = "expected an object with a field for every case".into();
            return Err(Error::Structure { field: "results".into(), problem });
        };
        let one = |(id, given): (String, Value)| {
            let Value::Object(fields) = &given else {
                return Err(Error::Structure {
                    field: id,
                    problem: "expected an object, the output of the case".into(),
                });
            };
            match fields.get("error") {
                None => Ok((id, Given::Output(given))),
                Some(Value::String(reason)) if fields.len() == 1 => Ok((id, Given::Refused(reason.clone()))),
                Some(_) => Err(Error::Structure {
                    field: format!("{id}/error"),
                    problem: "expected a string, and no other field beside it".into(),
                }),
            }
        };
        fields.into_iter().map(one).collect::<Result<_>>().map(Results)
    }
}

/// Holds the structure of what was found to that of the right output: the same lists, and no other fields.
///
/// # Errors
/// Where they part, with the place.
pub(super) fn fit(place: &str, found: &Value, right: &Value) -> Result<()> {
    let wrong = |problem: String| Err(Error::Structure { field: place.into(), problem });
    match (found, right) {
        (Value::Object(found), Value::Object(right)) => {
            for (name, value) in found {
                let Some(right) = right.get(name) else {
                    let known: Vec<&str> = right.keys().map(String::as_str).collect();
                    return wrong(format!("there is no output {name:?}; there are {}", known.join(", ")));
                };
                fit(&format!("{place}/{name}"), value, right)?;
            }
            if found.is_empty() { wrong("it is empty".into()) } else { Ok(()) }
        }
        (Value::Array(found), Value::Array(right)) => {
            if found.len() != right.len() {
                return Err(Error::shape(place, found.len(), right.len().to_string()));
            }
            let mut items = found.iter().zip(right).enumerate();
            items.try_for_each(|(i, (found, right))| fit(&format!("{place}/{i}"), found, right))
        }
        (_, Value::Object(_)) => wrong("expected an object".into()),
        (_, Value::Array(_)) => wrong("expected a list".into()),
        _ if json::real_of(found).is_some() => Ok(()),
        _ => wrong("expected a number, \"NaN\", \"Infinity\" or \"-Infinity\"".into()),
    }
}
