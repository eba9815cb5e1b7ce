//! The shapes of a decay from max_lr to min_lr: as graphs of its progress p, and as wide numbers
//! from whole numbers of steps, p = k/n.
//!
//! Every f falls from f(0) = 1 to f(1) = 0, and the rate is min + (max − min) f(p).

use crate::expression::{Expr, pi};
use crate::number::Wide;

/// min + (max − min) f
pub fn between(max: Expr, min: Expr, f: Expr) -> Expr {
    min + (max - min) * f
}

/// f(p) = 1 − p
pub fn linear(p: Expr) -> Expr {
    1 - p
}

/// f(p) = (1 + cos πp)/2
pub fn cosine(p: Expr) -> Expr {
    (1 + (pi() * p).cos()) / 2
}

/// f(p) = 1 − √p
pub fn one_minus_sqrt(p: Expr) -> Expr {
    1 - p.sqrt()
}

/// min + (max − min)(1 − k/n) = (max (n − k) + min k)/n, for every k.
pub(crate) fn linear_wide(max: Wide, min: Wide, k: i64, n: i64) -> Wide {
    (max * Wide::from_whole(n - k) + min * Wide::from_whole(k)) / Wide::from_whole(n)
}

/// min + (max − min)(1 + cos(πk/n))/2, for every k.
pub(crate) fn cosine_wide(max: Wide, min: Wide, k: i64, n: i64) -> Wide {
    // the cosine is even
    let (k, n) = (k.unsigned_abs(), n.unsigned_abs());
    let cosine = Wide::cos_of_half_turns(k, n);
    if cosine.is_exact() {
        // (max (1 + c) + min (1 − c))/2, whose factors are multiples of 1/4
        return (max * (Wide::ONE + cosine) + min * (Wide::ONE - cosine)).scaled(-1);
    }
    // (1 + cos πp)/2 = cos²(πp/2), which keeps its digits near p = 1
    min + (max - min) * Wide::cos_of_half_turns(k, 2 * n).powi(2)
}

/// min + (max − min)(1 − √(k/n)), for k ≥ 0.
pub(crate) fn one_minus_sqrt_wide(max: Wide, min: Wide, k: i64, n: i64) -> Wide {
    let (whole_k, whole_n) = (Wide::from_whole(k), Wide::from_whole(n));
    // 1 − √(k/n) = (n − k)/(n + √(kn)), where nothing cancels and squares are exact
    let root = (whole_k * whole_n).sqrt();
    (max * Wide::from_whole(n - k) + min * (root + whole_k)) / (root + whole_n)
}
