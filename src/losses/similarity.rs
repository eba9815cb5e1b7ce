//! Similarity of two vectors, shared by the contrastive losses.
//!
//! sim(x, y) = x·y/(‖x‖‖y‖), with ∂sim/∂x = (ŷ − sim x̂)/‖x‖ where x̂ = x/‖x‖. A clamp keeps the
//! norms, or their product, from zero; its gradients are those of the clamped function, at the clamp
//! itself those of the unclamped side.

use crate::error::{Error, Result};
use crate::expression::{Expr, by_sign, constant, dot, norm, rational};
use crate::formula::axis;
use crate::number::{Dyadic, Sign, Wide, wide_dot};
use num_rational::BigRational;
use std::cell::OnceCell;

pub mod textbook;

axis! {
    /// How similar two vectors are.
    Similarity "similarity" {
        Cosine "cosine": "x·y/(‖x‖‖y‖); a zero vector is an error",
        ClampEach "cosine-clamp-each": "x·y/(max(‖x‖, 1e-8) max(‖y‖, 1e-8))",
        ClampProduct "cosine-clamp-product": "x·y/max(‖x‖‖y‖, 1e-8)",
        Dot "dot": "x·y",
    }
}

/// The clamp of norms: the f64 1e-8 (PyTorch, `cosine_similarity`).
pub const CLAMP: f64 = 1e-8;

// ---- definition -------------------------------------------------------------------------------

/// The clamp as an exact constant.
pub fn clamp() -> Expr {
    BigRational::from_float(CLAMP).map_or(constant(0), rational)
}

/// max(x, low), with the derivative of x at x = low
fn at_least(x: Expr, low: Expr) -> Expr {
    by_sign(x - low, low, x, x)
}

/// sim(x, y); norms are kept from below `low`.
pub fn similarity(x: &[Expr], y: &[Expr], kind: Similarity, low: Expr) -> Expr {
    match kind {
        Similarity::Cosine => dot(x, y) / (norm(x) * norm(y)),
        Similarity::ClampEach => dot(x, y) / (at_least(norm(x), low) * at_least(norm(y), low)),
        Similarity::ClampProduct => dot(x, y) / at_least(norm(x) * norm(y), low),
        Similarity::Dot => dot(x, y),
    }
}

/// ∂sim/∂x: (ŷ − sim x̂)/‖x‖, without the part along x where ‖x‖ (or the product) is clamped.
pub fn similarity_gradient(x: &[Expr], y: &[Expr], kind: Similarity, low: Expr) -> Vec<Expr> {
    let s = similarity(x, y, kind, low);
    let (norm_x, norm_y) = (norm(x), norm(y));
    let component = |(&x, &y): (&Expr, &Expr)| match kind {
        Similarity::Cosine => (y / norm_y - s * (x / norm_x)) / norm_x,
        Similarity::ClampEach => {
            let unit_y = y / at_least(norm_y, low);
            let projected = (unit_y - s * (x / norm_x)) / norm_x;
            by_sign(norm_x - low, unit_y / low, projected, projected)
        }
        Similarity::ClampProduct => {
            let projected = (y / norm_y - s * (x / norm_x)) / norm_x;
            by_sign(norm_x * norm_y - low, y / low, projected, projected)
        }
        Similarity::Dot => y,
    };
    x.iter().zip(y).map(component).collect()
}

// ---- oracle -----------------------------------------------------------------------------------

/// A similarity with its derivatives, x·y/√(m_x m_y). What a side divides by is m = 1, ‖x‖² or the
/// square of the clamp.
#[derive(Clone, Debug)]
pub(super) struct Pair<'a> {
    /// sim(x, y)
    pub s: Wide,
    x: Side<'a>,
    y: Side<'a>,
    exact: OnceCell<Exact>,
}

/// One of the two vectors of a pair.
#[derive(Clone, Copy, Debug)]
struct Side<'a> {
    own: &'a [f64],
    divisor: Divisor,
    slope: Slope,
}

/// What a similarity divides by for one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Divisor {
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

// ---- without rounding -------------------------------------------------------------------------

/// n/√m, exactly: what similarities and their derivatives are.
#[derive(Clone, Debug)]
pub(super) struct Surd {
    n: Dyadic,
    m: Dyadic,
}

impl Surd {
    /// Whether this is 0.
    pub fn is_zero(&self) -> bool {
        self.n.is_zero()
    }

    /// −n/√m
    pub fn negated(&self) -> Surd {
        Surd { n: -&self.n, m: self.m.clone() }
    }
}

impl PartialEq for Surd {
    /// Of one sign, and n²m' = n'²m.
    fn eq(&self, other: &Surd) -> bool {
        let squared = |x: &Dyadic| x * x;
        self.n.sign() == other.n.sign() && &squared(&self.n) * &other.m == &squared(&other.n) * &self.m
    }
}

/// The products of a pair, without rounding.
#[derive(Clone, Debug)]
struct Exact {
    inner: Dyadic,
    xx: Dyadic,
    yy: Dyadic,
    /// m_x m_y
    divisor: Dyadic,
}

impl Pair<'_> {
    fn exact(&self) -> &Exact {
        self.exact.get_or_init(|| {
            let (x, y) = (self.x.own, self.y.own);
            let (inner, xx, yy) = (Dyadic::dot(x, y), Dyadic::dot(x, x), Dyadic::dot(y, y));
            let square = |side: &Side, square: &Dyadic| match side.divisor {
                Divisor::One => Dyadic::of(1.0),
                Divisor::Norm => square.clone(),
                Divisor::Clamp => &Dyadic::of(CLAMP) * &Dyadic::of(CLAMP),
            };
            let divisor = &square(&self.x, &xx) * &square(&self.y, &yy);
            Exact { inner, xx, yy, divisor }
        })
    }

    /// sim(x, y)
    pub fn exactly(&self) -> Surd {
        Surd { n: self.exact().inner.clone(), m: self.exact().divisor.clone() }
    }

    /// ∂sim/∂x_i
    pub fn d_x_exactly(&self, i: usize) -> Surd {
        self.slope_exactly(&self.x, &self.y, &self.exact().xx, i)
    }

    /// ∂sim/∂y_i
    pub fn d_y_exactly(&self, i: usize) -> Surd {
        self.slope_exactly(&self.y, &self.x, &self.exact().yy, i)
    }

    /// other_i/√(m_x m_y), or (‖own‖² other_i − (x·y) own_i)/(‖own‖² √(m_x m_y))
    fn slope_exactly(&self, own: &Side, other: &Side, square: &Dyadic, i: usize) -> Surd {
        let Exact { inner, divisor, .. } = self.exact();
        let other_i = Dyadic::of(other.own[i]);
        if own.divisor != Divisor::Norm {
            return Surd { n: other_i, m: divisor.clone() };
        }
        let n = &(square * &other_i) - &(inner * &Dyadic::of(own.own[i]));
        Surd { n, m: &(square * square) * divisor }
    }
}

/// Vectors are finite, and not zero where their norm divides.
pub(super) fn check_vector(field: &str, x: &[f64], kind: Similarity) -> Result<()> {
    crate::domain::all_finite(field, x)?;
    if kind == Similarity::Cosine && x.iter().all(|&x| x == 0.0) {
        return Err(Error::zero(field, "the cosine of a zero vector (convention similarity = \"cosine\")"));
    }
    Ok(())
}

/// The common length of the rows of a matrix is that of the first, and each is a vector as above.
pub(super) fn check_vectors(field: &str, rows: &[Vec<f64>], dimension: usize, kind: Similarity) -> Result<()> {
    for (b, row) in rows.iter().enumerate() {
        let field = format!("{field}[{b}]");
        if row.len() != dimension {
            return Err(Error::shape(field, row.len(), format!("{dimension}, the dimension of all vectors")));
        }
        check_vector(&field, row, kind)?;
    }
    Ok(())
}
