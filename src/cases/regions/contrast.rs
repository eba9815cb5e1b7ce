//! Regions of InfoNCE and of InfoNCE with in-batch negatives.

use super::{Draw, Region, power_of_ten, small, turn};
use serde_json::{Value, json};

const ONE: &str = "info-nce";
const BATCH: &str = "info-nce-in-batch";

pub const INFO_NCE: &[Region] = &[
    small(ONE, "temperatures", 256, |draw, i| {
        let mut vector = || draw.reals(4, 2.0).into_iter().chain([1.0]).collect::<Vec<f64>>();
        one(vector(), vector(), vec![vector(), vector()], temperature(i))
    }),
    small(ONE, "orthogonal", 48, |_, i| one(unit(0), unit(1), vec![unit(2), unit(3)], temperature(i))),
    small(ONE, "parallel", 96, |draw, i| {
        let q = whole_vector(draw);
        one(q.clone(), times(&q, 3.0), vec![times(&q, 5.0), times(&q, 0.1)], temperature(i))
    }),
    small(ONE, "opposite", 96, |draw, i| {
        let q = whole_vector(draw);
        one(q.clone(), times(&q, -1.0), vec![times(&q, -7.0), q], temperature(i))
    }),
    small(ONE, "duplicates", 96, |draw, i| {
        let (q, k) = (whole_vector(draw), whole_vector(draw));
        one(q, k.clone(), vec![k.clone(), k], temperature(i))
    }),
    small(ONE, "no-negatives", 32, |draw, i| one(whole_vector(draw), whole_vector(draw), vec![], temperature(i))),
    small(ONE, "near-parallel", 192, |draw, i| {
        let q = whole_vector(draw);
        let mut near = || q.iter().map(|x| x * 3.0 * (1.0 + draw.real(power_of_ten(-(i as i64 % 16))))).collect();
        let (positive, negative) = (near(), near());
        one(q, positive, vec![negative], temperature(i))
    }),
    small(ONE, "norm-1e-150", 64, |draw, i| sized(draw, i, 1e-150)),
    small(ONE, "norm-1e150", 64, |draw, i| sized(draw, i, 1e150)),
    small(ONE, "clamped", 64, |draw, i| {
        let similarity = turn(&["cosine-clamp-each", "cosine-clamp-product"], i);
        let mut input = sized(draw, i / 2, turn(&[1e-8, 1e-9, 1e-4, 1e-5], i / 2));
        input["conventions"] = json!({ "similarity": similarity });
        input
    }),
];

pub const IN_BATCH: &[Region] = &[
    small(BATCH, "temperatures", 128, |draw, i| {
        let mut vectors = || (0..3).map(|_| draw.reals(3, 2.0).into_iter().chain([1.0]).collect()).collect();
        batch(vectors(), vectors(), i)
    }),
    small(BATCH, "orthogonal", 48, |_, i| batch(vec![unit(0), unit(1)], vec![unit(2), unit(3)], i)),
    small(BATCH, "the-same", 96, |draw, i| {
        let a: Vec<_> = (0..3).map(|_| whole_vector(draw)).collect();
        batch(a.clone(), a, i)
    }),
    small(BATCH, "all-parallel", 96, |draw, i| {
        let q = whole_vector(draw);
        batch(vec![q.clone(), times(&q, 3.0)], vec![times(&q, 7.0), times(&q, if i % 4 < 2 { 5.0 } else { -5.0 })], i)
    }),
    small(BATCH, "permuted", 96, |draw, i| {
        let (x, y) = (whole_vector(draw), whole_vector(draw));
        batch(vec![x.clone(), y.clone()], vec![y, x], i)
    }),
    small(BATCH, "one-pair", 48, |draw, i| batch(vec![whole_vector(draw)], vec![whole_vector(draw)], i)),
    small(BATCH, "norm-1e-150", 64, |draw, i| sized_batch(draw, i, 1e-150)),
    small(BATCH, "norm-1e150", 64, |draw, i| sized_batch(draw, i, 1e150)),
];

/// From 1e-3 to 1e2.
fn temperature(i: u64) -> f64 {
    turn(&[0.07, 1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0, 0.004], i)
}

fn one(query: Vec<f64>, positive: Vec<f64>, negatives: Vec<Vec<f64>>, temperature: f64) -> Value {
    json!({ "query": [query], "positive": [positive], "negatives": [negatives], "temperature": temperature })
}

fn batch(a: Vec<Vec<f64>>, b: Vec<Vec<f64>>, i: u64) -> Value {
    json!({ "a": a, "b": b, "temperature": temperature(i / 2), "symmetric": i % 2 == 1 })
}

/// The axis i of four.
fn unit(i: usize) -> Vec<f64> {
    (0..4).map(|j| if i == j { 1.0 } else { 0.0 }).collect()
}

/// A vector of small whole numbers that is not zero: cosines of a few such are often rational.
fn whole_vector(draw: &mut Draw) -> Vec<f64> {
    let mut x: Vec<f64> = (0..3).map(|_| f64::from(draw.whole(0, 8) as u32) - 4.0).collect();
    if x.iter().all(|&x| x == 0.0) {
        x[0] = 3.0;
    }
    x
}

fn times(x: &[f64], c: f64) -> Vec<f64> {
    x.iter().map(|x| c * x).collect()
}

fn sized(draw: &mut Draw, i: u64, size: f64) -> Value {
    let mut vector = |size: f64| times(&draw.reals(3, 1.0).into_iter().chain([0.5]).collect::<Vec<_>>(), size);
    one(vector(size), vector(if i.is_multiple_of(2) { size } else { 1.0 }), vec![vector(size)], temperature(i))
}

fn sized_batch(draw: &mut Draw, i: u64, size: f64) -> Value {
    let mut vector = |size: f64| times(&draw.reals(3, 1.0).into_iter().chain([0.5]).collect::<Vec<_>>(), size);
    let other = if i.is_multiple_of(4) { size } else { 1.0 };
    batch(vec![vector(size), vector(1.0)], vec![vector(other), vector(size)], i)
}
