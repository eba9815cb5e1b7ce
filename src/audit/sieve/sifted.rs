//! A number of a step in plain f64, with the part of its budget that is certain.

use crate::kernels::{Lanes, Vector};

/// Numbers after the step, lane by lane.
///
/// What is added to 0 and what is multiplied by ±1 is not rounded. Looking for that takes half of the time: without
/// `CARE` it is left out, and whoever steps so sees to it that there is no such number.
#[derive(Clone, Copy)]
pub(super) struct Sifted<L: Lanes, const CARE: bool> {
    /// In plain f64, with an error of at most 2^−40 `terms`: exact where they are 0.
    pub value: Vector<L>,
    /// A sum of sizes of which every correct implementation may lose the unit roundoff once: the budget
    /// is at least u·`terms`.
    pub terms: Vector<L>,
    /// How many halves of the smallest number are certainly allowed beside that: each product that is rounded may
    /// underflow by one.
    pub products: Vector<L>,
    /// 1 where it is certain that nothing is promised, so that any number will do; 0 elsewhere.
    pub unpromised: Vector<L>,
}

/// The sieve's own error in parts of the terms.
pub(super) const OWN_ERROR: f64 = 1.0 / (1u64 << 40) as f64;

/// A scalar of a step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scalar {
    pub value: f64,
    /// How often a product with it is certainly rounded.
    roundings: f64,
}

impl Scalar {
    /// A scalar that takes part as it is.
    pub fn exact(value: f64) -> Scalar {
        Scalar { value, roundings: if value == 0.0 || value.abs() == 1.0 { 0.0 } else { 1.0 } }
    }

    /// A hyperparameter: where it is kept in f32 and no f32 holds it, it is rounded as well.
    pub fn kept(value: f64, kept: Kept) -> Scalar {
        let scalar = Scalar::exact(value);
        if kept == Kept::InF32 && f64::from(value as f32) != value { scalar.twice() } else { scalar }
    }

    /// One that is itself rounded before its product is.
    pub fn twice(self) -> Scalar {
        Scalar { roundings: 2.0 * self.roundings, ..self }
    }

    #[inline(always)]
    fn all<L: Lanes>(self, l: L) -> Vector<L> {
        Vector::all(l, self.value)
    }
}

/// What hyperparameters are kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::audit) enum Kept {
    InF32,
    InF64,
}

impl<L: Lanes, const CARE: bool> Sifted<L, CARE> {
    #[inline(always)]
    pub fn given(x: Vector<L>) -> Self {
        let zero = Vector::all(x.0, 0.0);
        Sifted { value: x, terms: zero, products: zero, unpromised: zero }
    }

    /// Nothing is certain: the budget decides.
    #[inline(always)]
    pub fn open(l: L) -> Self {
        Sifted::given(Vector::all(l, f64::NAN))
    }

    /// Nothing that is certain where the mask says yes.
    #[inline(always)]
    pub fn open_where(self, mask: L::M) -> Self {
        Sifted { value: Vector::all(self.value.0, f64::NAN).or_where_not(mask, self.value), ..self }
    }

    #[inline(always)]
    pub fn negated(self) -> Self {
        Sifted { value: -self.value, ..self }
    }

    /// A sum, each operand with sizes that are certainly rounded; a zero is added without a rounding.
    #[inline(always)]
    pub fn plus(self, y: Self) -> Self {
        let zero = Vector::all(self.value.0, 0.0);
        let value = self.value + y.value;
        let mut own = value.abs();
        if CARE {
            own = zero.or_where_not(y.value.equal(zero), own);
            own = zero.or_where_not(self.value.equal(zero), own);
        }
        Sifted {
            value,
            terms: own + (self.terms + y.terms),
            products: self.products + y.products,
            unpromised: self.unpromised.max(y.unpromised),
        }
    }

    /// This, of which an operand x with roundings of its own is a part, times so much.
    #[inline(always)]
    pub fn with_those_of(self, x: Self, times: Vector<L>) -> Self {
        Sifted {
            terms: self.terms + times * x.terms,
            products: self.products + times * x.products,
            unpromised: self.unpromised.max(x.unpromised),
            ..self
        }
    }
}

/// xy, rounded once, but where one of them is ±1
#[inline(always)]
pub(super) fn product<L: Lanes, const CARE: bool>(x: Vector<L>, y: Vector<L>) -> Sifted<L, CARE> {
    let (zero, one) = (Vector::all(x.0, 0.0), Vector::all(x.0, 1.0));
    let value = x * y;
    if !CARE {
        return Sifted { value, terms: value.abs(), products: one, unpromised: zero };
    }
    let rounded = zero.or_where_not(x.abs().equal(one), one);
    let rounded = zero.or_where_not(y.abs().equal(one), rounded);
    let rounded = zero.or_where_not(value.equal(zero), rounded);
    Sifted { value, terms: value.abs() * rounded, products: rounded, unpromised: zero }
}

/// A scalar times a number.
#[inline(always)]
pub(super) fn scaled<L: Lanes, const CARE: bool>(scalar: Scalar, x: Vector<L>) -> Sifted<L, CARE> {
    let (zero, one) = (Vector::all(x.0, 0.0), Vector::all(x.0, 1.0));
    let value = scalar.all(x.0) * x;
    let roundings = Vector::all(x.0, scalar.roundings);
    if !CARE {
        return Sifted { value, terms: value.abs() * roundings, products: roundings.min(one), unpromised: zero };
    }
    let roundings = zero.or_where_not(x.abs().equal(one), roundings);
    let products = zero.or_where_not(value.equal(zero), roundings.min(one));
    Sifted { value, terms: value.abs() * roundings, products, unpromised: zero }
}

/// β·x + (1 − β)·y, of which y brings its own roundings along; both scalars are given.
#[inline(always)]
pub(super) fn average<L: Lanes, const CARE: bool>(
    [beta, rest]: [Scalar; 2],
    x: Vector<L>,
    y: Sifted<L, CARE>,
) -> Sifted<L, CARE> {
    scaled(beta, x).plus(scaled(rest, y.value).with_those_of(y, rest.all(x.0)))
}
