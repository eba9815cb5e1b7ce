//! A formula at a claim's expressions: its definition at numbers that are marked, and the expressions in their
//! place.

use super::super::elaborate::Stopped;
use super::super::unusable::{Span, Unusable};
use super::super::values::Value;
use super::resolved::Resolved;
use super::signatures::{Parameter, Sort};
use crate::expression::{Expr, constant, grafted};
use crate::formula::Defined;
use num_traits::ToPrimitive;
use serde_json::{Map, Value as Json, json};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// A step that stands for one that is not known. A power with it, or one beside it, is a power with an exponent
/// that is not known.
const MARKED_STEP: i64 = 999_983;

/// How far from the marked step the definitions' own exponents are.
const BESIDE: i64 = 2;

/// The numbers of a formula's input with the expressions that they stand for.
struct Marks {
    standing_for: HashMap<u64, Expr>,
    /// The unknown number of the step.
    step: Option<Expr>,
    input: Json,
}

impl Resolved<'_> {
    /// The result at these values of the arguments.
    pub fn at(&self, values: &[Value], led: bool, at: &Span) -> Result<Value, Stopped> {
        let mut marks = Marks { standing_for: HashMap::new(), step: None, input: json!({}) };
        // what a definition may have in its own right
        marks.standing_for.insert(0f64.to_bits(), constant(0));
        marks.standing_for.insert(1f64.to_bits(), constant(1));
        for (place, text) in self.signature.fixed {
            put(&mut marks.input, place, serde_json::from_str(text).unwrap_or(Json::Null));
        }
        for (place, word) in &self.settings {
            let value = if matches!(word.as_str(), "true" | "false") { json!(word == "true") } else { json!(word) };
            put(&mut marks.input, place, value);
        }
        for ((parameter, node), value) in self.arguments.iter().zip(values) {
            let mut json = marks.numbers(parameter, value, &node.at)?;
            let wrapped =
                !led && self.signature.leading.is_some() && parameter.shape.first() == self.signature.leading.as_ref();
            if wrapped {
                json = json!([json]);
            }
            put(&mut marks.input, parameter.place, json);
        }
        let refused = |error: crate::error::Error| {
            Unusable::new("an input that the formula refuses", at.clone(), error.to_string())
                .help(format!("allowed is {}", self.formula.domain))
        };
        // looks at the whole input, which a definition does not
        (self.formula.evaluate)(marks.input.clone()).map_err(refused)?;
        let definitions = (self.formula.definition)(&marks.input, &Json::Null, self.mistake).map_err(refused)?;
        let mut results = HashMap::new();
        for defined in &definitions {
            let outputs = marks.taken(defined, at)?;
            results.extend(defined.places.iter().cloned().zip(outputs));
        }
        let mut place = self.result.place.to_string();
        let single = !led && self.result.shape.first() == self.signature.leading.as_ref();
        if single && self.signature.leading.is_some() {
            place.push_str("/0");
        }
        gathered(&results, &place, MOST_DIMENSIONS).ok_or_else(|| {
            let label = format!("`{}` has no result {} here", self.signature.name, self.result.name);
            Unusable::new("a result that is not there", at.clone(), label).into()
        })
    }
}

impl Marks {
    /// An argument as numbers of an input.
    fn numbers(&mut self, parameter: &Parameter, value: &Value, at: &Span) -> Result<Json, Unusable> {
        if let Value::List(items) = value {
            return items.iter().map(|item| self.numbers(parameter, item, at)).collect();
        }
        match (parameter.sort, value) {
            (Sort::Real | Sort::Peak | Sort::Floor, value) => Ok(json!(self.marked(parameter.sort, value.real(at)?))),
            // the state before a step has counted one less; so it is with every place "step"
            (Sort::Whole | Sort::Step, Value::Whole(n)) if parameter.place.ends_with("/step") => {
                let before = n.checked_sub(1).filter(|before| *before >= 0);
                before.map(|before| json!(before)).ok_or_else(|| {
                    Unusable::new("a step that cannot be", at.clone(), format!("it comes to {n}"))
                        .help("steps count from 1")
                })
            }
            (Sort::Whole | Sort::Step, Value::Whole(n)) => Ok(json!(n)),
            (Sort::Step, value) => {
                self.step = Some(value.real(at)?);
                Ok(json!(MARKED_STEP - 1))
            }
            _ => Err(Unusable::new("a whole number that is not known", at.clone(), format!("as `{}`", parameter.name))
                .help("allowed is a number, a size, or a name declared as index")),
        }
    }

    /// A number that stands for an expression: the constant itself, where it is one, so that the formula sees what
    /// it refuses and what it treats apart.
    fn marked(&mut self, sort: Sort, x: Expr) -> f64 {
        let value = x.as_constant().and_then(|value| value.to_f64()).filter(|near| near.is_finite());
        if let Some(near) = value.map(|near| near + 0.0)
            && *self.standing_for.entry(near.to_bits()).or_insert(x) == x
        {
            return near;
        }
        // no two are the same, and all are in the domain of every parameter of their sort
        let base = match sort {
            Sort::Peak => 1_271_828.5,
            Sort::Floor => 0.000_000_271_828_182_8,
            Sort::Real | Sort::Whole | Sort::Step => 0.271_828_182_8,
        };
        let mut count = self.standing_for.len() as f64;
        loop {
            let mark = base * (1.0 + count / f64::from(1u32 << 23));
            if let Entry::Vacant(free) = self.standing_for.entry(mark.to_bits()) {
                free.insert(x);
                return mark;
            }
            count += 1.0;
        }
    }

    /// A definition's outputs as expressions.
    fn taken(&self, defined: &Defined, at: &Span) -> Result<Vec<Expr>, Unusable> {
        let inputs = defined.values().map(|value| self.standing_for.get(&(value + 0.0).to_bits()).copied());
        let inputs: Vec<Expr> = inputs.collect::<Option<_>>().ok_or_else(|| {
            Unusable::new("a formula with further numbers", at.clone(), "it uses numbers that are not given")
        })?;
        let power = |x: Expr, n: i64| {
            let beyond = n.checked_sub(MARKED_STEP).filter(|beyond| beyond.abs() <= BESIDE)?;
            self.step.map(|step| ((step + beyond) * x.ln()).exp())
        };
        Ok(grafted(&defined.graph, &inputs, power))
    }
}

/// Puts a value at a JSON pointer, with the objects and lists around it.
fn put(inside: &mut Json, pointer: &str, value: Json) {
    let Some(rest) = pointer.strip_prefix('/') else {
        *inside = value;
        return;
    };
    let (first, rest) = rest.find('/').map_or((rest, ""), |end| rest.split_at(end));
    let next = match first.parse::<usize>() {
        Ok(i) => {
            if !inside.is_array() {
                *inside = json!([]);
            }
            let Json::Array(list) = inside else { return };
            while list.len() <= i {
                list.push(Json::Null);
            }
            &mut list[i]
        }
        Err(_) => {
            if !inside.is_object() {
                *inside = Json::Object(Map::new());
            }
            let Json::Object(fields) = inside else { return };
            fields.entry(first).or_insert(Json::Null)
        }
    };
    put(next, rest, value);
}

/// Dimensions of a result, at most.
const MOST_DIMENSIONS: usize = 3;

/// The results at a place, as nested lists.
fn gathered(results: &HashMap<String, Expr>, place: &str, dimensions: usize) -> Option<Value> {
    if let Some(&x) = results.get(place) {
        return Some(Value::Real(x));
    }
    let inside = dimensions.checked_sub(1)?;
    let items: Vec<Value> = (0..).map_while(|i| gathered(results, &format!("{place}/{i}"), inside)).collect();
    (!items.is_empty()).then(|| Value::list(items))
}
