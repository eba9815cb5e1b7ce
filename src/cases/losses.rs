//! Cases of the losses.

use super::draw::Draw;
use serde_json::{Value, json};

/// Logits of one row: ordinary, spread, or with one that dominates.
fn logits(draw: &mut Draw, classes: usize) -> Vec<f64> {
    let size = draw.pick(&[1.0, 3.0, 3.0, 10.0]);
    let mut z = draw.reals(classes, size);
    if draw.chance(0.25) {
        let at = draw.whole(0, classes - 1);
        z[at] += draw.between(5.0, 40.0);
    }
    z
}

pub fn cross_entropy(draw: &mut Draw) -> Value {
    let rows = draw.whole(1, 4);
    let classes = if draw.chance(0.1) { draw.whole(30, 64) } else { draw.whole(1, 10) };
    let label_smoothing = if draw.chance(0.6) { 0.0 } else { draw.pick(&[0.1, 0.05, 0.3, 1.0]) };
    let (mut z, mut targets) = (Vec::new(), Vec::new());
    for _ in 0..rows {
        let mut row = logits(draw, classes);
        let target = draw.whole(0, classes - 1);
        if label_smoothing == 0.0 && draw.chance(0.1) {
            let masked = draw.whole(0, classes - 1);
            if masked != target {
                row[masked] = f64::NEG_INFINITY;
            }
        }
        z.push(row.into_iter().map(crate::json::number).collect::<Value>());
        targets.push(if draw.chance(0.15) { -100 } else { target as i64 });
    }
    let reduction = draw.pick(&["mean", "mean", "sum", "none"]);
    json!({ "logits": z, "targets": targets, "reduction": reduction, "label_smoothing": label_smoothing })
}

/// A vector that is not zero.
fn vector(draw: &mut Draw, d: usize, size: f64) -> Vec<f64> {
    let mut x = draw.reals(d, size);
    let at = draw.whole(0, d - 1);
    let sign = draw.pick(&[-1.0, 1.0]);
    x[at] = sign * draw.between(0.25, 1.0) * size;
    x
}

fn temperature(draw: &mut Draw) -> f64 {
    draw.pick(&[0.07, 0.07, 0.05, 0.2, 0.5, 1.0, 2.0])
}

/// Keys near the query, opposite or anywhere.
fn near(draw: &mut Draw, q: &[f64]) -> Vec<f64> {
    let size = draw.power_of_two(-2.0, 3.0);
    let mut k = vector(draw, q.len(), size);
    if draw.chance(0.3) {
        let toward = draw.between(-1.0, 1.0);
        k.iter_mut().zip(q).for_each(|(k, q)| *k = 0.125 * *k + toward * q);
        k[0] += 0.5 * size;
    }
    k
}

pub fn info_nce(draw: &mut Draw) -> Value {
    let (rows, d) = (draw.whole(1, 3), draw.whole(1, 8));
    let (mut query, mut positive, mut negatives) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rows {
        let size = draw.power_of_two(-2.0, 3.0);
        let q = vector(draw, d, size);
        positive.push(near(draw, &q));
        let k = draw.whole(0, 5);
        negatives.push((0..k).map(|_| near(draw, &q)).collect::<Vec<_>>());
        query.push(q);
    }
    json!({ "query": query, "positive": positive, "negatives": negatives, "temperature": temperature(draw) })
}

pub fn info_nce_in_batch(draw: &mut Draw) -> Value {
    let (rows, d) = (draw.whole(1, 5), draw.whole(1, 8));
    let size = draw.power_of_two(-2.0, 3.0);
    let a: Vec<_> = (0..rows).map(|_| vector(draw, d, size)).collect();
    let b: Vec<_> = a.iter().map(|a| near(draw, a)).collect();
    json!({ "a": a, "b": b, "temperature": temperature(draw), "symmetric": draw.chance(0.5) })
}

fn beta(draw: &mut Draw) -> f64 {
    draw.pick(&[0.1, 0.1, 0.01, 0.3, 0.5])
}

fn label_smoothing(draw: &mut Draw) -> f64 {
    if draw.chance(0.6) { 0.0 } else { draw.pick(&[0.05, 0.1, 0.25]) }
}

pub fn dpo(draw: &mut Draw) -> Value {
    let pairs = draw.whole(1, 4);
    let length = draw.pick(&[5.0, 30.0, 100.0]);
    let spread = draw.pick(&[1.0, 5.0, 40.0]);
    let policy = |draw: &mut Draw| -> Vec<f64> { (0..pairs).map(|_| -length * draw.between(0.2, 2.0)).collect() };
    let (chosen, rejected) = (policy(draw), policy(draw));
    let mut moved = |x: &[f64]| -> Vec<f64> { x.iter().map(|x| x + draw.between(-spread, spread)).collect() };
    let (reference_chosen, reference_rejected) = (moved(&chosen), moved(&rejected));
    json!({
        "policy_chosen": chosen, "policy_rejected": rejected,
        "reference_chosen": reference_chosen, "reference_rejected": reference_rejected,
        "beta": beta(draw), "label_smoothing": label_smoothing(draw),
    })
}

pub fn dpo_from_logits(draw: &mut Draw) -> Value {
    let classes = draw.whole(2, 6);
    let side = |draw: &mut Draw| {
        let tokens = draw.whole(1, 3);
        let rows = |draw: &mut Draw| (0..tokens).map(|_| logits(draw, classes)).collect::<Vec<_>>();
        let (policy, reference) = (rows(draw), rows(draw));
        let tokens: Vec<usize> = (0..tokens).map(|_| draw.whole(0, classes - 1)).collect();
        json!({ "policy_logits": policy, "reference_logits": reference, "tokens": tokens })
    };
    let (chosen, rejected) = (side(draw), side(draw));
    json!({ "chosen": chosen, "rejected": rejected, "beta": beta(draw), "label_smoothing": label_smoothing(draw) })
}
