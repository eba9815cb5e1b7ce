//! A similarity with its derivatives, on numbers that carry a bound of their error.

use super::surd::Products;
use super::{CLAMP, Similarity};
use crate::number::{Dyadic, Sign, Wide, wide_dot};
use std::cell::OnceCell;

/// A similarity with its derivatives, x·y/√(m_x m_y). What a side divides by is m = 1, ‖x‖² or the
/// square of the clamp.
#[derive(Clone, Debug)]
pub(in crate::losses) struct Pair<'a> {
    /// sim(x, y)
    pub s: Wide,
    pub(super) x: Side<'a>,
    pub(super) y: Side<'a>,
    pub(super) exact: OnceCell<Products>,
}

/// One of the two vectors of a pair.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side<'a> {
    pub own: &'a [f64],
    pub divisor: Divisor,
    slope: Slope,
}

/// What a similarity divides by for one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Divisor {
    One,
    Norm,
    Clamp,
}

/// A derivative as (across·other_i − along·own_i)·scale. Where the norm divides that is
/// (‖x‖² y_i − (x·y) x_i)/(‖x‖² √(m_x m_y)).
#[derive(Clone, Copy, Debug)]
struct Slope {
    across: Wide,
    along: Wide,
    scale: Wide,
}

impl Slope {
    /// scale·other_i
    fn straight(scale: Wide) -> Slope {
        Slope { across: Wide::ONE, along: Wide::ZERO, scale }
    }

    fn at(&self, own: &[f64], other: &[f64], i: usize) -> Wide {
        let term = self.across * Wide::from(other[i]);
        let difference = term - self.along * Wide::from(own[i]);
        if difference.is_small_beside(term) {
            // the same as Σ_j x_j (x_j y_i − x_i y_j), whose differences are exactly 0 for parallel vectors
            let product = |x: f64, y: f64| Wide::from(x) * Wide::from(y);
            let minor = |(&x, &y): (&f64, &f64)| Wide::from(x) * (product(x, other[i]) - product(own[i], y));
            return own.iter().zip(other).map(minor).sum::<Wide>() * self.scale;
        }
        difference * self.scale
    }
}

impl<'a> Pair<'a> {
    /// The similarity of two vectors of one length, neither of them zero under
    /// [`Similarity::Cosine`].
    pub fn of(x: &'a [f64], y: &'a [f64], kind: Similarity) -> Pair<'a> {
        let (inner, xx, yy) = (wide_dot(x, y), wide_dot(x, x), wide_dot(y, y));
        let [of_x, of_y] = divisors(x, y, kind, (xx, yy));
        let low = Wide::from(CLAMP);
        let square = |divisor: Divisor, square: Wide| match divisor {
            Divisor::One => Wide::ONE,
            Divisor::Norm => square,
            Divisor::Clamp => low * low,
        };
        let root = match (of_x, of_y) {
            (Divisor::One, Divisor::One) => Wide::ONE,
            _ => (square(of_x, xx) * square(of_y, yy)).sqrt(),
        };
        let side = |own: &'a [f64], divisor: Divisor, square: Wide| {
            let slope = match divisor {
                Divisor::Norm => Slope { across: square, along: inner, scale: Wide::ONE / (square * root) },
                Divisor::One | Divisor::Clamp => Slope::straight(Wide::ONE / root),
            };
            Side { own, divisor, slope }
        };
        Pair { s: inner / root, x: side(x, of_x, xx), y: side(y, of_y, yy), exact: OnceCell::new() }
    }

    /// ∂sim/∂x_i
    pub fn d_x(&self, i: usize) -> Wide {
        self.x.slope.at(self.x.own, self.y.own, i)
    }

    /// ∂sim/∂y_i
    pub fn d_y(&self, i: usize) -> Wide {
        self.y.slope.at(self.y.own, self.x.own, i)
    }
}

/// What each side divides by. Squares are compared, without rounding where it matters.
fn divisors(x: &[f64], y: &[f64], kind: Similarity, (xx, yy): (Wide, Wide)) -> [Divisor; 2] {
    let low = Wide::from(CLAMP);
    let is_clamped = |square: Wide, exactly: &dyn Fn() -> Dyadic| match (square - low * low).sign() {
        Some(sign) => sign == Sign::Negative,
        None => {
            let low = Dyadic::of(CLAMP);
            (&exactly() - &(&low * &low)).sign() == Sign::Negative
        }
    };
    match kind {
        Similarity::Dot => [Divisor::One; 2],
        Similarity::Cosine => [Divisor::Norm; 2],
        Similarity::ClampEach => [(x, xx), (y, yy)].map(|(x, square)| {
            let clamped = is_clamped(square, &|| Dyadic::dot(x, x));
            if clamped { Divisor::Clamp } else { Divisor::Norm }
        }),
        Similarity::ClampProduct => {
            let clamped = is_clamped(xx * yy, &|| &Dyadic::dot(x, x) * &Dyadic::dot(y, y));
            if clamped { [Divisor::Clamp, Divisor::One] } else { [Divisor::Norm; 2] }
        }
    }
}
