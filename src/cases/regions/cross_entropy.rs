//! Regions of cross-entropy.

use super::{Draw, Region, small, turn};
use crate::json::number;
use serde_json::{Value, json};

const ID: &str = "cross-entropy";

pub const REGIONS: &[Region] = &[
    small(ID, "target-above", 401, |draw, i| gap(draw, 2.0 * i as f64)),
    small(ID, "target-below", 401, |draw, i| gap(draw, -2.0 * i as f64)),
    small(ID, "target-above-equals", 401, |_, i| above_equals(2.0 * i as f64, 2 + i as usize % 9)),
    small(ID, "equal", 192, equal),
    small(ID, "huge", 64, |draw, i| chosen(draw, i, &[1e308, -1e308, f64::MAX, f64::MIN, 0.0, 1e300])),
    small(ID, "subnormal", 64, |draw, i| {
        let tiny = f64::from_bits(1);
        chosen(draw, i, &[tiny, -tiny, 3.0 * tiny, f64::MIN_POSITIVE, -f64::MIN_POSITIVE, 0.0])
    }),
    small(ID, "masked-by-infinity", 128, |draw, i| masked(draw, i, f64::NEG_INFINITY)),
    small(ID, "masked-by-1e9", 128, |draw, i| masked(draw, i, -1e9)),
    small(ID, "near-a-million", 128, |draw, i| {
        let z = draw.reals(1 + i as usize % 12, 4.0).iter().map(|x| 1e6 + x).collect();
        row(z, draw, 0.0)
    }),
    // uniform with the standard deviation 150
    small(ID, "spread-150", 256, |draw, i| {
        let z = draw.reals(2 + i as usize % 30, 259.8);
        row(z, draw, turn(&[0.0, 0.0, 0.1], i))
    }),
    small(ID, "smoothing-at-its-ends", 128, |draw, i| {
        let z = draw.reals(1 + i as usize % 8, 3.0);
        row(z, draw, turn(&[1.0, f64::from_bits(1), f64::EPSILON, 1.0 - f64::EPSILON, 0.5], i))
    }),
    Region {
        name: "vocabularies",
        cases: 12,
        components: 51_000,
        formula: ID,
        make: |draw, i| {
            let classes = turn(&[1, 2, 3, 64, 256, 1000, 4096, 8192, 16_384, 30_522, 32_000, 50_257], i);
            let z = draw.reals(classes, 10.0);
            row(z, draw, 0.0)
        },
    },
    Region { name: "large-vocabularies", cases: 20, components: 152_000, formula: ID, make: large },
];

/// One row with a target among its finite logits.
fn row(z: Vec<f64>, draw: &mut Draw, label_smoothing: f64) -> Value {
    let finite: Vec<usize> = (0..z.len()).filter(|&i| z[i].is_finite()).collect();
    at(z, finite[draw.whole(0, finite.len() - 1)], label_smoothing)
}

fn at(z: Vec<f64>, target: usize, label_smoothing: f64) -> Value {
    let z: Vec<Value> = z.into_iter().map(number).collect();
    json!({ "logits": [z], "targets": [target], "label_smoothing": label_smoothing })
}

/// The target's logit this far above the rest.
fn gap(draw: &mut Draw, above: f64) -> Value {
    let mut z = draw.reals(5, 1.0);
    let target = draw.whole(0, 4);
    z[target] += above;
    at(z, target, 0.0)
}

fn above_equals(above: f64, classes: usize) -> Value {
    let mut z = vec![0.0; classes];
    z[0] = above;
    at(z, 0, 0.0)
}

fn equal(draw: &mut Draw, i: u64) -> Value {
    let logit = turn(&[0.0, 1.0, -0.3, 1e6, 1e-300, 700.0], i);
    let z = vec![logit; 1 + i as usize % 32];
    row(z, draw, turn(&[0.0, 0.1, 1.0, 0.5], i / 6))
}

fn chosen(draw: &mut Draw, i: u64, from: &[f64]) -> Value {
    let z = (0..1 + i as usize % 5).map(|_| draw.pick(from)).collect();
    row(z, draw, 0.0)
}

/// Rows of which some logits are replaced by `mask`; every fourth is uniform beside the mask.
fn masked(draw: &mut Draw, i: u64, mask: f64) -> Value {
    let classes = 2 + i as usize % 10;
    let (mut logits, mut targets) = (Vec::new(), Vec::new());
    for _ in 0..1 + i % 3 {
        let mut z = if i.is_multiple_of(4) { vec![0.5; classes] } else { draw.reals(classes, 3.0) };
        let target = draw.whole(0, classes - 1);
        for (v, z) in z.iter_mut().enumerate() {
            if v != target && draw.chance(0.5) {
                *z = mask;
            }
        }
        logits.push(z.into_iter().map(number).collect::<Vec<_>>());
        targets.push(target);
    }
    json!({ "logits": logits, "targets": targets, "reduction": turn(&["mean", "sum", "none"], i) })
}

/// From 100,000 to 151,936 logits, ordinary, with a target that dominates, or partly masked.
fn large(draw: &mut Draw, i: u64) -> Value {
    let classes = turn(&[151_936, 100_000, 128_256, 131_072], i);
    let mut z = draw.reals(classes, turn(&[3.0, 10.0, 259.8, 1.0, 0.1], i));
    let target = draw.whole(0, classes - 1);
    match i % 5 {
        1 => z[target] += 40.0,
        2 => z[target] -= 400.0,
        3 => z.iter_mut().enumerate().filter(|(v, _)| v % 3 == 1 && *v != target).for_each(|(_, z)| *z = -1e9),
        _ => {}
    }
    at(z, target, if i == 10 { 0.1 } else { 0.0 })
}
