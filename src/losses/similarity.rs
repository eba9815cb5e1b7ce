//! Similarity of two vectors, shared by the contrastive losses.
//!
//! sim(x, y) = x·y/(‖x‖‖y‖), with ∂sim/∂x = (ŷ − sim x̂)/‖x‖ where x̂ = x/‖x‖. A clamp keeps the
//! norms, or their product, from zero; its gradients are those of the clamped function, at the clamp
//! itself those of the unclamped side.

use crate::error::{Error, Result};
use crate::expression::{Expr, by_sign, constant, dot, norm, rational};
use crate::formula::axis;
use num_rational::BigRational;

mod pair;
mod surd;
pub mod textbook;

pub(super) use pair::Pair;
pub(super) use surd::Surd;

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

// ---- domain -----------------------------------------------------------------------------------

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
