//! What expressions come to, and how their entries go together.

use super::elaborate::Elaborated;
use super::unusable::{Span, Unusable};
use crate::expression::{self, Expr, constant, larger, smaller};
use std::rc::Rc;

/// What an expression comes to.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A whole number: a size, an index, or what is computed from them.
    Whole(i64),
    Real(Expr),
    List(Rc<Vec<Value>>),
    /// An index that is not known: each value that it may have, with what is 1 where it has it and 0 elsewhere.
    AnyOf(Rc<Vec<(i64, Expr)>>),
}

impl Value {
    pub fn list(items: Vec<Value>) -> Value {
        Value::List(Rc::new(items))
    }

    /// How many dimensions it has.
    pub fn rank(&self) -> usize {
        match self {
            Value::List(items) => 1 + items.first().map_or(0, Value::rank),
            _ => 0,
        }
    }

    /// The number as an expression.
    pub fn real(&self, at: &Span) -> Result<Expr, Unusable> {
        match self {
            Value::Whole(n) => Ok(constant(*n)),
            Value::Real(x) => Ok(*x),
            Value::AnyOf(values) => Ok(expression::sum(values.iter().map(|&(value, is_it)| value * is_it))),
            Value::List(_) => Err(Unusable::new("a wrong shape", at.clone(), "this is an array")),
        }
    }

    /// Every number of it, in order.
    pub fn entries(&self, at: &Span) -> Result<Vec<Expr>, Unusable> {
        match self {
            Value::List(items) => {
                let mut all = Vec::new();
                for item in items.iter() {
                    all.extend(item.entries(at)?);
                }
                Ok(all)
            }
            number => Ok(vec![number.real(at)?]),
        }
    }
}

/// Two values entry by entry; a number goes with every entry of an array.
pub(super) fn combined(
    x: &Value,
    y: &Value,
    act: &mut dyn FnMut(&Value, &Value) -> Result<Value, Unusable>,
) -> Result<Value, Unusable> {
    match (x, y) {
        (Value::List(xs), Value::List(ys)) => {
            let all = xs.iter().zip(ys.iter()).map(|(x, y)| combined(x, y, act)).collect::<Result<_, _>>()?;
            Ok(Value::list(all))
        }
        (Value::List(xs), y) => Ok(Value::list(xs.iter().map(|x| combined(x, y, act)).collect::<Result<_, _>>()?)),
        (x, Value::List(ys)) => Ok(Value::list(ys.iter().map(|y| combined(x, y, act)).collect::<Result<_, _>>()?)),
        (x, y) => act(x, y),
    }
}

/// An operation entry by entry: on whole numbers where its result is one.
pub(super) fn both(
    x: &Value,
    y: &Value,
    at: &Span,
    real: &dyn Fn(Expr, Expr) -> Expr,
    whole: &dyn Fn(i64, i64) -> Option<i64>,
) -> Elaborated<Value> {
    Ok(combined(x, y, &mut |x, y| {
        if let (Value::Whole(x), Value::Whole(y)) = (x, y)
            && let Some(result) = whole(*x, *y)
        {
            return Ok(Value::Whole(result));
        }
        small(real(x.real(at)?, y.real(at)?), at).map(Value::Real)
    })?)
}

/// Constants with more bits are refused: they can only be meant to exhaust the memory.
pub(super) const LARGEST_CONSTANT: u64 = 1 << 14;

/// The expression, unless it is an enormous constant.
pub(super) fn small(x: Expr, at: &Span) -> Result<Expr, Unusable> {
    match x.as_constant() {
        Some(value) if value.numer().bits() + value.denom().bits() > LARGEST_CONSTANT => {
            Err(Unusable::new("a constant that is too large", at.clone(), "it would be very long"))
        }
        _ => Ok(x),
    }
}

/// The same for one operand.
pub(super) fn each(
    x: &Value,
    at: &Span,
    real: &dyn Fn(Expr) -> Expr,
    whole: &dyn Fn(i64) -> Option<i64>,
) -> Elaborated<Value> {
    match x {
        Value::List(items) => {
            Ok(Value::list(items.iter().map(|x| each(x, at, real, whole)).collect::<Elaborated<_>>()?))
        }
        Value::Whole(n) if whole(*n).is_some() => Ok(Value::Whole(whole(*n).unwrap_or_default())),
        number => Ok(Value::Real(real(number.real(at)?))),
    }
}

pub(super) fn multiplied(x: &Value, y: &Value, at: &Span) -> Elaborated<Value> {
    both(x, y, at, &|x, y| x * y, &|x, y| x.checked_mul(y))
}

/// The sum of values of one shape, and of numbers beside them, as one node for each entry.
pub(super) fn total(values: &[Value], at: &Span) -> Elaborated<Value> {
    let longest =
        values.iter().filter_map(|value| if let Value::List(items) = value { Some(items.len()) } else { None });
    if let Some(size) = longest.max() {
        let entry = |i: usize| {
            let parts: Option<Vec<Value>> = values
                .iter()
                .map(|value| match value {
                    Value::List(items) => items.get(i).cloned(),
                    number => Some(number.clone()),
                })
                .collect();
            let parts = parts.ok_or_else(|| Unusable::new("a wrong shape", at.clone(), "sizes differ"))?;
            total(&parts, at)
        };
        return Ok(Value::list((0..size).map(entry).collect::<Elaborated<_>>()?));
    }
    let wholes = values.iter().try_fold(0i64, |sum, value| match value {
        Value::Whole(n) => sum.checked_add(*n),
        _ => None,
    });
    if let Some(sum) = wholes {
        return Ok(Value::Whole(sum));
    }
    let terms = values.iter().map(|value| value.real(at)).collect::<Result<Vec<_>, _>>()?;
    Ok(Value::Real(expression::sum(terms)))
}

/// The largest, or the smallest, of some numbers.
pub(super) fn extreme(values: &[Expr], largest: bool) -> Option<Expr> {
    let (first, rest) = values.split_first()?;
    Some(rest.iter().fold(*first, |found, &x| if largest { larger(found, x) } else { smaller(found, x) }))
}
