//! Similarity of two vectors, shared by the contrastive losses.
//!
//! sim(x, y) = x·y/(‖x‖‖y‖), with ∂sim/∂x = (ŷ − sim x̂)/‖x‖ where x̂ = x/‖x‖. A clamp keeps the
//! norms, or their product, from zero; its gradients are those of the clamped function, at the clamp
//! itself those of the unclamped side.

use crate::error::{Error, Result};
use crate::expression::{Expr, by_sign, constant, dot, norm, rational};
use crate::formula::axis;
use crate::number::{Wide, wide_dot};
use num_rational::BigRational;

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

/// A similarity with its derivatives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    /// sim(x, y)
    pub s: Wide,
    x: Slope,
    y: Slope,
}

/// A derivative as (across·other_i − along·own_i)·scale. For the cosine that is
/// (‖x‖² y_i − (x·y) x_i)·scale.
#[derive(Clone, Copy, Debug)]
struct Slope {
    across: Wide,
    along: Wide,
    scale: Wide,
    /// Whether across = ‖own‖² and along = own·other.
    projected: bool,
}

impl Slope {
    /// scale·other_i
    fn straight(scale: Wide) -> Slope {
        Slope { across: Wide::ONE, along: Wide::ZERO, scale, projected: false }
    }

    fn at(&self, own: &[f64], other: &[f64], i: usize) -> Wide {
        let (own_i, other_i) = (Wide::from(own[i]), Wide::from(other[i]));
        let term = self.across * other_i;
        let difference = term - self.along * own_i;
        if self.projected && difference.is_small_beside(term) {
            // the same as Σ_j x_j (x_j y_i − x_i y_j), whose differences are exact to 2^−104: for
            // vectors that are nearly parallel, or nearly along an axis
            let product = |x: f64, y: f64| Wide::from(x) * Wide::from(y);
            let minor = |(&x, &y): (&f64, &f64)| Wide::from(x) * (product(x, other[i]) - product(own[i], y));
            return own.iter().zip(other).map(minor).sum::<Wide>() * self.scale;
        }
        difference * self.scale
    }
}

impl Pair {
    /// The similarity of two vectors of one length, neither of them zero under
    /// [`Similarity::Cosine`].
    pub fn of(x: &[f64], y: &[f64], kind: Similarity) -> Pair {
        let inner = wide_dot(x, y);
        if kind == Similarity::Dot {
            let slope = Slope::straight(Wide::ONE);
            return Pair { s: inner, x: slope, y: slope };
        }
        let (xx, yy, low) = (wide_dot(x, x), wide_dot(y, y), Wide::from(CLAMP));
        // squares are compared, which are exact where the norm is one component
        let below = |square: Wide| square.is_below(low * low);
        let (clamped_x, clamped_y) = match kind {
            Similarity::ClampEach => (below(xx), below(yy)),
            Similarity::ClampProduct if below(xx * yy) => {
                let slope = Slope::straight(Wide::ONE / low);
                return Pair { s: inner / low, x: slope, y: slope };
            }
            _ => (false, false),
        };
        let length = |square: Wide, clamped| if clamped { low } else { square.sqrt() };
        let lengths = length(xx, clamped_x) * length(yy, clamped_y);
        let slope = |square: Wide, clamped: bool| {
            if clamped {
                return Slope::straight(Wide::ONE / lengths);
            }
            Slope { across: square, along: inner, scale: Wide::ONE / (square * lengths), projected: true }
        };
        Pair { s: inner / lengths, x: slope(xx, clamped_x), y: slope(yy, clamped_y) }
    }

    /// ∂sim/∂x_i, from both vectors.
    pub fn d_x(&self, x: &[f64], y: &[f64], i: usize) -> Wide {
        self.x.at(x, y, i)
    }

    /// ∂sim/∂y_i
    pub fn d_y(&self, x: &[f64], y: &[f64], i: usize) -> Wide {
        self.y.at(y, x, i)
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
