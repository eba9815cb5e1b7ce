//! Declared names as variables of a statement.

use super::text::Bounds;
use super::values::Value;
use crate::claim::{Domain, Inputs};
use crate::expression::{Expr, rational, sum};
use num_rational::BigRational;
use num_traits::{One, ToPrimitive, Zero};
use std::rc::Rc;

/// Real numbers in an array of some sizes.
pub(super) fn reals(inputs: &Inputs, name: &str, sizes: &[usize], bounds: &Bounds) -> Value {
    nested(name, sizes, &mut |name| Value::Real(real(inputs, name, bounds)))
}

/// Numbers above 0 with the sum 1: each is its part of a sum of positive numbers.
pub(super) fn probabilities(inputs: &Inputs, name: &str, size: usize) -> Value {
    let parts = inputs.declare_all(&format!("{name} ∝ "), size, Domain::Positive);
    let whole = sum(parts.iter().copied());
    Value::list(parts.into_iter().map(|part| Value::Real(part / whole)).collect())
}

/// A whole number.
pub(super) fn whole(inputs: &Inputs, name: &str, bounds: &Bounds) -> Value {
    let first = bounds.low.as_ref().and_then(|(low, left_out)| {
        let first = if *left_out { low.floor() + BigRational::one() } else { low.ceil() };
        first.to_i32()
    });
    let x = inputs.declare(name, Domain::Whole(first));
    if let Some((high, left_out)) = &bounds.high {
        let beyond = if *left_out { high.ceil() } else { high.floor() + BigRational::one() };
        inputs.assume_positive(rational(beyond) - x);
    }
    Value::Real(x)
}

/// An index that may be anything below a size: 1 for what it is and 0 for the others are any numbers whose sum is 1,
/// so that what holds of them holds of every value.
pub(super) fn any_index(inputs: &Inputs, name: &str, size: usize) -> Value {
    let is = |value: usize| inputs.declare(format!("[{name} == {value}]"), Domain::Within(0.0, 1.0));
    let mut values: Vec<(i64, Expr)> = (1..size).map(|value| (value as i64, is(value))).collect();
    values.insert(0, (0, 1 - sum(values.iter().map(|&(_, is_it)| is_it))));
    Value::AnyOf(Rc::new(values))
}

fn nested(name: &str, sizes: &[usize], make: &mut dyn FnMut(&str) -> Value) -> Value {
    match sizes {
        [] => make(name),
        [size, rest @ ..] => Value::list(
            (0..*size)
                .map(|i| {
                    // K[0, 1] and not K[0][1]
                    let entry = match name.strip_suffix(']') {
                        Some(open) => format!("{open}, {i}]"),
                        None => format!("{name}[{i}]"),
                    };
                    nested(&entry, rest, make)
                })
                .collect(),
        ),
    }
}

/// A real number within bounds. One that is bounded on one side is its distance from the bound, which is
/// positive; then it is known everywhere to be so.
fn real(inputs: &Inputs, name: &str, bounds: &Bounds) -> Expr {
    let declare = |domain| inputs.declare(name, domain);
    let distance = |strict: bool| if strict { Domain::Positive } else { Domain::NonNegative };
    match (&bounds.low, &bounds.high) {
        (None, None) => declare(Domain::Real),
        (Some((low, strict)), None) if low.is_zero() => declare(distance(*strict)),
        (Some((low, strict)), None) => {
            let u = inputs.declare(format!("{name} - {}", in_brackets(low)), distance(*strict));
            rational(low.clone()) + u
        }
        (None, Some((high, strict))) => {
            let u = inputs.declare(format!("{high} - {name}"), distance(*strict));
            rational(high.clone()) - u
        }
        (Some((low, low_out)), Some((high, high_out))) => {
            if low.is_zero() && high.is_one() && *low_out && *high_out {
                return declare(Domain::Unit);
            }
            let (below, above) = (outward(low, false), outward(high, true));
            if low == high {
                return rational(low.clone());
            }
            let exact = exactly(below) == *low && exactly(above) == *high;
            if exact && *low_out && *high_out {
                return declare(Domain::Between(below, above));
            }
            let x = declare(Domain::Within(below, above));
            // what the interval of f64 holds and the bounds do not
            if *low_out || !exact {
                inputs.assume_positive(x - rational(low.clone()));
            }
            if *high_out || !exact {
                inputs.assume_positive(rational(high.clone()) - x);
            }
            x
        }
    }
}

fn in_brackets(value: &BigRational) -> String {
    if *value < BigRational::zero() { format!("({value})") } else { value.to_string() }
}

fn exactly(x: f64) -> BigRational {
    BigRational::from_float(x).unwrap_or_default()
}

/// The f64 at or just beyond a bound.
fn outward(bound: &BigRational, up: bool) -> f64 {
    let near = bound.to_f64().unwrap_or(if up { f64::MAX } else { f64::MIN }).clamp(f64::MIN, f64::MAX);
    let inside = if up { exactly(near) < *bound } else { exactly(near) > *bound };
    match (inside, up) {
        (false, _) => near,
        (true, true) => near.next_up().min(f64::MAX),
        (true, false) => near.next_down().max(f64::MIN),
    }
}
