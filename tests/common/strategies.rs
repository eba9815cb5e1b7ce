//! Strategies named by what they are for.

use proptest::prelude::*;

/// Logits of one row: ordinary, subnormal, huge, or with one that dominates.
pub fn logits(classes: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<f64>> {
    let one = prop_oneof![
        4 => -5.0..5.0f64,
        1 => -1e4..1e4f64,
        1 => prop::num::f64::SUBNORMAL,
        1 => Just(0.0),
    ];
    (prop::collection::vec(one, classes), any::<prop::sample::Index>(), prop::option::weighted(0.3, 20.0..800.0f64))
        .prop_map(|(mut z, at, gap)| {
            if let Some(gap) = gap {
                let at = at.index(z.len());
                z[at] = z.iter().copied().fold(0.0, f64::max) + gap;
            }
            z
        })
}

/// Gradients of one tensor: ordinary, zero, tiny and of either sign.
pub fn gradients(n: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<f64>> {
    let one = prop_oneof![3 => -2.0..2.0f64, 1 => Just(0.0), 1 => -1e-6..1e-6f64, 1 => -1e-30..1e-30f64];
    prop::collection::vec(one, n)
}

/// Vectors that are not zero.
pub fn vectors(n: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(prop_oneof![4 => -2.0..2.0f64, 1 => Just(0.0), 1 => -1e-3..1e-3f64], n)
        .prop_filter("a zero vector has no direction", |x| x.iter().any(|&x| x != 0.0))
}

/// Learning rates, zero among them.
pub fn learning_rates() -> impl Strategy<Value = f64> {
    prop_oneof![1 => Just(0.0), 5 => (-6.0..0.0f64).prop_map(|e| 10f64.powf(e))]
}

/// Temperatures from 0.001 to 100.
pub fn temperatures() -> impl Strategy<Value = f64> {
    (-3.0..2.0f64).prop_map(|e| 10f64.powf(e))
}

/// Probabilities strictly between 0 and 1, close to either end too.
pub fn probabilities() -> impl Strategy<Value = f64> {
    prop_oneof![3 => 0.01..0.99f64, 1 => (-12.0..-2.0f64).prop_map(|e| 10f64.powf(e)), 1 => (-12.0..-2.0f64).prop_map(|e| 1.0 - 10f64.powf(e))]
}
