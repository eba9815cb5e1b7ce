//! Inequalities that hold by the form of the difference, as a rational function of what is above zero: without a
//! box, and where the sides touch.

use super::algebra::{AWAY_FROM_KINKS, cell_by_cell};
use super::{Finding, Opinion, Pairs, Strength};
use crate::claim::{Domain, Relation};
use crate::number::{Arithmetic, Deadline, Outcome, RationalFunction, RationalFunctions, evaluate_until};
use num_rational::BigRational;
use num_traits::One;

/// Whether left − right has a form that is never below zero, or whether its opposite has one that is always above.
pub(super) fn decide(pairs: &Pairs, deadline: Deadline) -> Finding {
    let strict = pairs.relation == Relation::Greater;
    // at the ends of a closed domain only what is continuous is known from the inside, and only up to equality
    let closed = pairs.variables.iter().any(|v| matches!(v.domain, Domain::NonNegative | Domain::Within(..)));
    let mut opposite = false;
    let decided = cell_by_cell(|cell| {
        let mut field = RationalFunctions::in_cell(cell);
        let inputs = pairs.variables.iter().map(|v| parametrized(&mut field, v.domain)).collect::<Outcome<Vec<_>>>()?;
        let outputs = evaluate_until(&pairs.graph, &mut field, &inputs, deadline);
        for i in pairs.assumed() {
            let assumed = outputs[i].clone()?;
            field.assume_positive(&assumed);
        }
        let mut holds = true;
        for (left, right) in pairs.sides() {
            let (left, right) = (outputs[left].clone()?, outputs[right].clone()?);
            holds &= is_above(&mut field, &left, &right)?.is_some_and(|above| above || !strict);
            opposite |= is_above(&mut field, &right, &left)?.is_some_and(|above| above || strict);
        }
        Ok((holds, field.conditions()))
    });
    match decided {
        Err(reason) => Finding::abstains(reason.to_string()),
        Ok((true, cells)) if !closed || !strict && cells == 1 => Finding::of(
            Opinion::Proves { strength: Strength::Exactly, condition: (cells > 1).then_some(AWAY_FROM_KINKS) },
            cells,
        ),
        Ok((false, cells)) if opposite => {
            Finding::of(Opinion::Differs("the opposite has a form that shows it".into()), cells)
        }
        Ok(_) => Finding::abstains("no form that shows the sign"),
    }
}

/// Whether left is never below right (`Some(false)`), or always above it (`Some(true)`): of logarithms by what
/// they are the logarithms of.
fn is_above(field: &mut RationalFunctions, left: &RationalFunction, right: &RationalFunction) -> Outcome<Option<bool>> {
    let difference = |field: &mut RationalFunctions, left: &RationalFunction, right: &RationalFunction| {
        let minus = field.negate(right)?;
        field.sum(&[left, &minus])
    };
    let plain = difference(field, left, right)?;
    let known = field.is_above_zero(&plain)?;
    if known.is_some() || !field.has_logarithms() {
        return Ok(known);
    }
    // what has no such form, or one too large, says nothing
    let (Ok(left), Ok(right)) = (field.exp(left), field.exp(right)) else { return Ok(None) };
    match difference(field, &left, &right) {
        Ok(exponentials) => field.is_above_zero(&exponentials),
        Err(_) => Ok(None),
    }
}

/// A variable by free ones that are above zero, where its domain has bounds: x = low + (high − low) u/(1 + u).
fn parametrized(field: &mut RationalFunctions, domain: Domain) -> Outcome<RationalFunction> {
    let u = field.variable();
    let (low, high) = match domain {
        Domain::Within(low, high) => (BigRational::from_float(low), BigRational::from_float(high)),
        Domain::NonNegative => (Some(BigRational::default()), None),
        other => other.bounds(),
    };
    if low.is_none() && high.is_none() {
        return Ok(u);
    }
    field.assume_positive(&u);
    match (low, high) {
        (Some(low), Some(high)) => {
            let one = field.constant(&BigRational::one())?;
            let below = field.sum(&[&one, &u])?;
            let part = field.quotient(&u, &below)?;
            let width = field.constant(&(&high - &low))?;
            let part = field.product(&width, &part)?;
            let low = field.constant(&low)?;
            field.sum(&[&low, &part])
        }
        (Some(low), None) => {
            let low = field.constant(&low)?;
            field.sum(&[&low, &u])
        }
        (None, Some(high)) => {
            let (high, minus) = (field.constant(&high)?, field.negate(&u)?);
            field.sum(&[&high, &minus])
        }
        (None, None) => Ok(u),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::{Inputs, Instance};
    use crate::expression::{Expr, constant, ratio, sigmoid};

    fn at_least(sides: impl FnOnce(&Inputs) -> (Expr, Expr)) -> Opinion {
        decide(&Pairs::of(&Instance::at_least("", |inputs| vec![sides(inputs)])), Deadline::NEVER).opinion
    }

    fn greater(sides: impl FnOnce(&Inputs) -> (Expr, Expr)) -> Opinion {
        decide(&Pairs::of(&Instance::greater("", |inputs| vec![sides(inputs)])), Deadline::NEVER).opinion
    }

    fn proves(opinion: &Opinion) -> bool {
        matches!(opinion, Opinion::Proves { .. })
    }

    #[test]
    fn inequalities_over_unbounded_domains_that_touch() {
        let quarter = |inputs: &Inputs, bound: Expr| {
            let x = inputs.real("x");
            (bound, sigmoid(x) * sigmoid(-x))
        };
        assert!(proves(&at_least(|inputs| quarter(inputs, ratio(1, 4)))));
        assert!(proves(&greater(|inputs| quarter(inputs, ratio(26, 100)))));
        // it is 1/4 at 0
        assert!(!proves(&greater(|inputs| quarter(inputs, ratio(1, 4)))));
        assert!(!proves(&at_least(|inputs| quarter(inputs, ratio(24, 100)))));
        assert!(proves(&greater(|inputs| (sigmoid(inputs.real("x")), constant(0)))));
    }

    #[test]
    fn a_bounded_variable_is_used_up_to_its_bounds() {
        let parabola = |inputs: &Inputs, bound: Expr| {
            let p = inputs.unit("p");
            (bound, p * (1 - p))
        };
        assert!(proves(&at_least(|inputs| parabola(inputs, ratio(1, 4)))));
        assert!(proves(&greater(|inputs| {
            let (value, zero) = parabola(inputs, constant(0));
            (zero, value)
        })));
        assert!(!proves(&at_least(|inputs| parabola(inputs, ratio(1, 5)))));
        // at 0, which is a value, it is not above 0
        let closed = |inputs: &Inputs| (inputs.declare("x", Domain::NonNegative), constant(0));
        assert!(proves(&at_least(closed)) && !proves(&greater(closed)));
    }

    #[test]
    fn exponentials_are_on_their_exponents_side_of_one() {
        let positive = |inputs: &Inputs| inputs.declare("x", Domain::Positive);
        assert!(proves(&greater(|inputs| (constant(1), (-positive(inputs)).exp()))));
        assert!(proves(&greater(|inputs| (sigmoid(positive(inputs)), ratio(1, 2)))));
        // 1 + e^{−2x} ≥ 2 e^{−2x}, in powers of one exponential
        let x_and_twice = |inputs: &Inputs| {
            let x = positive(inputs);
            (1 + (-x).exp(), 2 * (-2 * x).exp())
        };
        assert!(proves(&greater(x_and_twice)));
        // of any sign; with equality at 0
        let bell = |inputs: &Inputs| (constant(1), (-inputs.real("x").squared() / 2).exp());
        assert!(proves(&at_least(bell)) && !proves(&greater(bell)));
        assert!(!proves(&at_least(|inputs| (constant(1), (-inputs.real("x")).exp()))));
        assert!(!proves(&greater(|inputs| (sigmoid(positive(inputs)), ratio(3, 5)))));
        assert!(!proves(&at_least(|inputs| (ratio(1, 2), (-inputs.real("x").squared()).exp()))));
    }

    #[test]
    fn logarithms_are_compared_by_what_they_are_of() {
        let larger = |inputs: &Inputs| {
            let (x, y) = (inputs.real("x"), inputs.real("y"));
            ((x.exp() + y.exp()).ln(), x)
        };
        assert!(proves(&greater(larger)));
        let swapped = |inputs: &Inputs| {
            let (sum, one) = larger(inputs);
            (one, sum)
        };
        assert!(matches!(at_least(swapped), Opinion::Differs(_)));
        assert!(proves(&greater(|inputs| (-sigmoid(inputs.real("x")).ln(), constant(0)))));
        assert!(!proves(&greater(|inputs| (-sigmoid(inputs.real("x")).ln(), ratio(1, 100)))));
    }

    #[test]
    fn what_is_never_so_is_rejected() {
        let opposite = at_least(|inputs| {
            let x = inputs.real("x");
            (-x.squared(), 1 + x.squared())
        });
        assert!(matches!(opposite, Opinion::Differs(_)));
    }
}
