//! Points to look at: random ones, and small fractions in the order of their simplicity.

use crate::claim::{Domain, Variable};
use num_rational::BigRational;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// A number drawn uniformly from [0, 1), a multiple of 2^−53.
pub fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 * (f64::EPSILON / 2.0)
}

fn between(low: f64, high: f64, rng: &mut ChaCha8Rng) -> f64 {
    low + (high - low) * uniform(rng)
}

fn log_between(low: f64, high: f64, rng: &mut ChaCha8Rng) -> f64 {
    libm::exp(between(libm::log(low), libm::log(high), rng))
}

/// Draws a value: mostly of ordinary size, now and then large, tiny, or a small whole number.
fn draw(domain: Domain, rng: &mut ChaCha8Rng) -> f64 {
    let kind = rng.next_u32() % 10;
    match domain {
        Domain::Real => match kind {
            0..6 => between(-3.0, 3.0, rng),
            6..8 => between(-20.0, 20.0, rng),
            8 => between(-1e-3, 1e-3, rng),
            _ => f64::from((rng.next_u32() % 7) as i32 - 3),
        },
        Domain::Positive => match kind {
            0..8 => log_between(0.05, 20.0, rng),
            _ => f64::from(1 + rng.next_u32() % 4),
        },
        Domain::NonNegative => match kind {
            0 => 0.0,
            _ => log_between(0.05, 20.0, rng),
        },
        Domain::Unit => match kind {
            0..8 => between(0.001, 0.999, rng),
            8 => 1.0 - log_between(1e-5, 1e-2, rng),
            _ => log_between(1e-4, 1e-2, rng),
        },
        Domain::Between(low, high) => loop {
            let x = between(low, high, rng);
            if x > low && x < high {
                return x;
            }
        },
        Domain::Rate => log_between(1e-5, 0.5, rng),
        Domain::Within(low, high) => match kind {
            0 => low,
            1 => high,
            _ => between(low, high, rng).clamp(low, high),
        },
        Domain::Whole(first) => {
            let steps = if kind == 9 { rng.next_u32() % 1000 } else { rng.next_u32() % 8 };
            f64::from(first.unwrap_or(-4)) + f64::from(steps)
        }
    }
}

/// A random point.
pub fn random(variables: &[Variable], rng: &mut ChaCha8Rng) -> Vec<f64> {
    variables.iter().map(|v| draw(v.domain, rng)).collect()
}

/// The values to try for a variable, simplest first.
pub fn simple_values(domain: Domain) -> Vec<BigRational> {
    let fractions: &[(i64, i64)] = match domain {
        Domain::Real => &[
            (0, 1),
            (1, 1),
            (-1, 1),
            (2, 1),
            (-2, 1),
            (1, 2),
            (-1, 2),
            (3, 1),
            (-3, 1),
            (1, 10),
            (-1, 10),
            (10, 1),
            (-10, 1),
            (1, 1000),
            (100, 1),
            (-100, 1),
            (710, 1),
            (-1000, 1),
        ],
        Domain::Positive => &[(1, 1), (2, 1), (1, 2), (3, 1), (1, 10), (10, 1), (1, 3), (1, 100), (100, 1)],
        Domain::NonNegative => &[(0, 1), (1, 1), (2, 1), (1, 2), (3, 1), (1, 10), (10, 1), (1, 100), (100, 1)],
        Domain::Unit => &[(1, 2), (9, 10), (1, 10), (1, 3), (2, 3), (1, 4), (3, 4), (99, 100), (19, 20), (1, 100)],
        Domain::Rate => &[(1, 10), (1, 1), (1, 2), (1, 100), (1, 1000), (2, 1)],
        Domain::Whole(first) => {
            let from = i64::from(first.unwrap_or(0));
            let back = if first.is_none() { &[-1, -2, -3][..] } else { &[] };
            let steps = [0, 1, 2, 3, 4, 5, 10, 100].iter().chain(back);
            return steps.map(|&step| BigRational::from_integer((from + step).into())).collect();
        }
        Domain::Within(low, high) => {
            let ends = [low, high].into_iter().filter_map(BigRational::from_float);
            return ends.chain(simple_values(Domain::Between(low, high))).collect();
        }
        Domain::Between(low, high) => {
            let at = |n: i64, d: i64| {
                let (low, high) = (BigRational::from_float(low)?, BigRational::from_float(high)?);
                let part = BigRational::new(n.into(), d.into());
                Some(&low + (&high - &low) * part)
            };
            return [(1, 2), (1, 4), (3, 4), (1, 10), (9, 10), (1, 100), (99, 100)]
                .into_iter()
                .filter_map(|(n, d)| at(n, d))
                .collect();
        }
    };
    fractions.iter().map(|&(n, d)| BigRational::new(n.into(), d.into())).collect()
}
