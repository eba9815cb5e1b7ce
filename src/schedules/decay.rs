//! The shapes of a decay from max_lr to min_lr: as graphs of its progress p, and in f64 from whole
//! numbers of steps, p = k/n.
//!
//! Every f falls from f(0) = 1 to f(1) = 0, and the rate is min + (max − min) f(p).

use crate::expression::{Expr, pi};
use crate::number::{two_product, two_sum};

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

/// min + (max − min)(1 − k/n), for every k: (max (n − k) + min k)/n, rounded once.
pub fn linear_f64(max: f64, min: f64, k: i64, n: i64) -> f64 {
    weighted(max, n - k, min, k, n)
}

/// min + (max − min)(1 + cos(πk/n))/2, for every k. Its rounding errors add up to at most 13 ulp.
///
/// (1 + cos πp)/2 is cos²(πp/2), and near p = 1 the square of the sine of the complement, which is
/// exact in whole numbers. Where the cosine is rational (Niven: at p = 0, 1/3, 1/2, 2/3 and 1), the
/// value is rounded once.
pub fn cosine_f64(max: f64, min: f64, k: i64, n: i64) -> f64 {
    // cos(πp) is even and has period 2
    let k = k.rem_euclid(2 * n);
    let k = k.min(2 * n - k);
    let quarters = |of_max| weighted(max, of_max, min, 4 - of_max, 4);
    if k == 0 {
        max
    } else if 3 * k == n {
        quarters(3)
    } else if 2 * k == n {
        quarters(2)
    } else if 3 * k == 2 * n {
        quarters(1)
    } else if k == n {
        min
    } else {
        let angle = |k: i64| std::f64::consts::FRAC_PI_2 * (k as f64 / n as f64);
        let root = if 2 * k < n { libm::cos(angle(k)) } else { libm::sin(angle(n - k)) };
        between_f64(max, min, root * root)
    }
}

/// min + (max − min)(1 − √(k/n)), for k ≥ 0, within 7 ulp, also where it is a small difference past the end.
pub fn one_minus_sqrt_f64(max: f64, min: f64, k: i64, n: i64) -> f64 {
    if k == n {
        return min;
    }
    let p = k as f64 / n as f64;
    if k < n {
        // 1 − √p = (1 − p)/(1 + √p), whose numerator is exact in whole numbers
        return between_f64(max, min, (n - k) as f64 / n as f64 / (1.0 + p.sqrt()));
    }
    // past the end the rate may be a small difference: max − (max − min)√p in twice the digits
    scaled([max, min], |[max, min]| {
        let (span, span_rest) = two_sum(max, -min);
        let p_rest = libm::fma(-p, n as f64, k as f64) / n as f64;
        let root = p.sqrt();
        let root_rest = (libm::fma(-root, root, p) + p_rest) / (2.0 * root);
        let (fall, fall_rest) = two_product(span, root);
        let (rate, rate_rest) = two_sum(max, -fall);
        rate + (rate_rest - (fall_rest + (span * root_rest + span_rest * root)))
    })
}

/// min + (max − min) f for f in [0, 1]: no term is negative, so nothing cancels.
pub fn between_f64(max: f64, min: f64, f: f64) -> f64 {
    // min + (max − min) need not round to max
    if f == 1.0 { max } else { min + (max - min) * f }
}

/// (x a + y b)/n for whole a, b of at most 2^53 in size and 1 ≤ n ≤ 2^53 + 1, within an ulp of the real
/// value even where the terms cancel; an exact zero is +0.
pub fn weighted(x: f64, a: i64, y: f64, b: i64, n: i64) -> f64 {
    let term = |x: f64, a: i64| if a == 0 { 0.0 } else { x };
    scaled([term(x, a), term(y, b)], |[x, y]| {
        let (first, first_rest) = two_product(x, a as f64);
        let (second, second_rest) = two_product(y, b as f64);
        let (sum, sum_rest) = two_sum(first, second);
        let (rest, last) = two_sum(first_rest, second_rest);
        let (sum, rest) = two_sum(sum, rest);
        let rest = rest + (sum_rest + last);
        let n = n as f64;
        let quotient = sum / n;
        let value = quotient + (libm::fma(-quotient, n, sum) + rest) / n;
        // −0 would be an underflow, which cannot be at this scale
        if value == 0.0 { 0.0 } else { value }
    })
}

/// f of two rates, computed for rates between 1/2 and 1, so that no intermediate result leaves the
/// range. f is homogeneous: f(cx, cy) = c f(x, y).
fn scaled(rates: [f64; 2], f: impl FnOnce([f64; 2]) -> f64) -> f64 {
    let (_, exponent) = libm::frexp(rates[0].max(rates[1]));
    libm::scalbn(f(rates.map(|x| libm::scalbn(x, -exponent))), exponent)
}
