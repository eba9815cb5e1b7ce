//! What the error of a divisor makes of a quotient.
//!
//! A second moment near the smallest number of its dtype has few digits or none. What it is off by then decides how far
//! θ′ may be off; and where it may be off by all of itself, nothing is promised of θ′.

use super::Scale;
use super::sifted::{OWN_ERROR, Sifted};
use crate::kernels::{Lanes, Vector};
use crate::number::Dtype;

/// What θ′ may lose, whose dtype a divisor of its step is held to as well.
#[derive(Clone, Copy, Debug)]
pub(in crate::audit) struct Loss {
    scale: Scale,
    /// 1/unit; 0 where nothing is known.
    per_unit: f64,
    dtype: Option<Dtype>,
}

/// A divisor in plain f64.
#[derive(Clone, Copy)]
pub(super) struct Divisor<L: Lanes> {
    pub value: Vector<L>,
    /// What it may be off by for certain.
    error: Vector<L>,
    /// 1 where it is certain that there may be none.
    none: Vector<L>,
}

/// 2^−10: an error may grow by the inverse of this, as what is certain of a divisor nears 0.
const LEAST_LEFT: f64 = 1.0 / 1024.0;

impl Loss {
    /// Of a dtype; `None` where a divisor's error is left to the budget.
    pub fn of(dtype: Option<Dtype>) -> Loss {
        match dtype {
            None => Loss { scale: Scale { unit: 0.0, underflow: 0.0 }, per_unit: 0.0, dtype },
            Some(known) => {
                let scale = Scale::of(known, false);
                Loss { scale, per_unit: 1.0 / scale.unit, dtype }
            }
        }
    }

    /// What a number may be off by for certain.
    #[inline(always)]
    pub(super) fn error<L: Lanes, const CARE: bool>(self, x: Sifted<L, CARE>) -> Vector<L> {
        let l = x.value.0;
        Vector::all(l, self.scale.unit).fma(x.terms, Vector::all(l, self.scale.underflow) * x.products)
    }

    /// What a hyperparameter loses where it meets a tensor.
    pub fn of_scalar(self, x: f64) -> f64 {
        let is_held = self.dtype.is_none_or(|dtype| dtype.round(x) == x);
        if is_held { 0.0 } else { self.scale.unit * x.abs() + self.scale.underflow }
    }

    /// The root of a number that is off by `error`.
    #[inline(always)]
    pub(super) fn root<L: Lanes>(self, x: Vector<L>, error: Vector<L>) -> Divisor<L> {
        let (zero, one) = (Vector::all(x.0, 0.0), Vector::all(x.0, 1.0));
        let value = x.sqrt();
        // |√x̂ − √x| ≥ |x̂ − x|/√x in the budget, and a rounding
        let own = error / value.max(Vector::all(x.0, f64::MIN_POSITIVE)) + Vector::all(x.0, self.scale.unit) * value;
        let below = x.less(error * Vector::all(x.0, 1.0 - OWN_ERROR));
        Divisor { value, error: own, none: one.or_where_not(below, zero) }
    }

    /// A quotient x·scalar/y, where factor is scalar/y: the quotient and the product with the scalar are rounded, but
    /// for those by 1, and x and y bring what they are off by along.
    #[inline(always)]
    pub(super) fn quotient<L: Lanes, const CARE: bool>(
        self,
        x: Sifted<L, CARE>,
        factor: Vector<L>,
        y: Divisor<L>,
        scalar: f64,
    ) -> Sifted<L, CARE> {
        let (zero, one) = (Vector::all(factor.0, 0.0), Vector::all(factor.0, 1.0));
        let value = factor * x.value;
        let own = Sifted { value, terms: zero, products: one, unpromised: zero };
        let product = Vector::all(factor.0, if scalar.abs() == 1.0 { 0.0 } else { 1.0 });
        if !CARE {
            let terms = value.abs() * (product + one);
            return Sifted { terms, ..own }.with_those_of(x, factor.abs());
        }
        let size = y.value.abs();
        let divided = zero.or_where_not(size.equal(one), one);
        let products = zero.or_where_not(value.equal(zero), (product + divided).min(one));
        // x̂/ŷ − x/y is at most ((x̂ − x) + (x/y)(ŷ − y))/ŷ, where ŷ may be as small as y and its error allow
        let part = y.error / size;
        let grown = one / (one - part).max(Vector::all(factor.0, LEAST_LEFT));
        let terms = value.abs() * (divided + grown * (product + part * Vector::all(factor.0, self.per_unit)));
        let none = one.or_where_not(one.less(part * Vector::all(factor.0, 1.0 - OWN_ERROR)), y.none);
        Sifted { terms, products, unpromised: none, ..own }.with_those_of(x, factor.abs() * grown)
    }
}

impl<L: Lanes> Divisor<L> {
    /// A number that is off by so much.
    #[inline(always)]
    pub fn new(value: Vector<L>, error: Vector<L>) -> Divisor<L> {
        Divisor { value, error, none: Vector::all(value.0, 0.0) }
    }

    /// With a scalar beside it, which loses `error` where they meet.
    #[inline(always)]
    pub fn plus(self, scalar: f64, error: f64) -> Divisor<L> {
        let all = |x| Vector::all(self.value.0, x);
        Divisor { value: self.value + all(scalar), error: self.error + all(error), ..self }
    }

    /// The larger of it and a scalar, which loses `error` where it is one of a tensor.
    #[inline(always)]
    pub fn or_larger(self, scalar: f64, error: f64) -> Divisor<L> {
        let (scalar, error) = (Vector::all(self.value.0, scalar), Vector::all(self.value.0, error));
        let is_scalar = self.value.less(scalar);
        Divisor { value: self.value.max(scalar), error: error.or_where_not(is_scalar, self.error), ..self }
    }
}
