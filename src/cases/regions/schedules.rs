//! Regions of the schedules: every step of runs, the ends of the range of steps, and the parts of the
//! way at which a cosine or a root is rational.

use super::{Region, turn};
use crate::json::LARGEST_WHOLE;
use serde_json::{Value, json};

pub const COSINE: &[Region] = &[
    run("cosine", |_, i| fields(every_step(i), i, &[])),
    ends("cosine", |_, i| fields(last_steps(i), i, &[])),
    parts("cosine", |_, i| fields(parts_of_the_way(i), i, &[])),
];

pub const WSD: &[Region] = &[
    run("wsd", |_, i| fields(every_step(i), i, &["linear", "cosine", "one-minus-sqrt"])),
    ends("wsd", |_, i| fields(last_steps(i), i, &["linear", "cosine", "one-minus-sqrt"])),
    parts("wsd", |_, i| fields(parts_of_the_way(i), i, &["linear", "cosine", "one-minus-sqrt"])),
];

pub const LINEAR: &[Region] = &[
    run("linear", |_, i| fields(every_step(i), i, &[])),
    ends("linear", |_, i| fields(last_steps(i), i, &[])),
    parts("linear", |_, i| fields(parts_of_the_way(i), i, &[])),
];

pub const INVERSE_SQRT: &[Region] =
    &[run("inverse-sqrt", |_, i| root(every_step(i), i)), ends("inverse-sqrt", |_, i| root(last_steps(i), i))];

pub const NOAM: &[Region] = &[run("noam", |_, i| noam(every_step(i), i)), ends("noam", |_, i| noam(last_steps(i), i))];

/// Every step of a run.
const fn run(formula: &'static str, make: super::Make) -> Region {
    Region { name: "every-step", cases: 24, components: 1100, formula, make }
}

/// Steps and lengths up to 2^53.
const fn ends(formula: &'static str, make: super::Make) -> Region {
    Region { name: "up-to-2^53", cases: 48, components: 20, formula, make }
}

/// Thirds and halves of the way.
const fn parts(formula: &'static str, make: super::Make) -> Region {
    Region { name: "parts-of-the-way", cases: 48, components: 20, formula, make }
}

/// Warm-up, total and steps.
type Course = (i64, i64, Vec<i64>);

fn every_step(i: u64) -> Course {
    let total = turn(&[12, 97, 360, 1000], i);
    let warmup = turn(&[0, 1, 7, total / 2], i / 4);
    (warmup, total, (0..=total + 20).collect())
}

fn last_steps(i: u64) -> Course {
    let total = turn(&[LARGEST_WHOLE, LARGEST_WHOLE - 1, LARGEST_WHOLE / 3], i);
    let warmup = turn(&[0, 1, total / 2 + 1, total - 1], i / 3);
    let near = [1, warmup, warmup + 1, total / 3, total / 2, total - 2, total - 1, total, LARGEST_WHOLE];
    (warmup, total, near.into_iter().filter(|&s| s >= 1).collect())
}

fn parts_of_the_way(i: u64) -> Course {
    let unit = 1 + 7 * i as i64;
    let warmup = turn(&[0, 5, 1000], i);
    (warmup, warmup + 12 * unit, (0..=12).map(|k| warmup + k * unit).collect())
}

/// The rates of a run, of which some are not exact in binary.
fn rates(i: u64) -> (f64, f64) {
    turn(&[(1.0, 0.0), (3e-4, 0.0), (3e-4, 3e-5), (0.1, 0.1), (1e-300, 1e-310), (f64::MAX, 1.0)], i)
}

fn fields((warmup, total, steps): Course, i: u64, shapes: &[&str]) -> Value {
    let (max_lr, min_lr) = rates(i);
    let mut input = json!({
        "steps": steps, "max_lr": max_lr, "min_lr": min_lr, "warmup_steps": warmup, "total_steps": total,
        "conventions": { "after_end": turn(&["hold", "continue", "restart"], i / 2) },
    });
    if !shapes.is_empty() {
        input["decay_steps"] = turn(&[total - warmup, 1, (total - warmup).div_euclid(2).max(1)], i).into();
        input["conventions"]["shape"] = turn(shapes, i / 3).into();
    }
    input
}

fn root((warmup, _, steps): Course, i: u64) -> Value {
    let peak = turn(&["max", "base"], i);
    json!({
        "steps": steps, "max_lr": rates(i).0, "warmup_steps": warmup.max(1), "conventions": { "peak": peak },
    })
}

fn noam((warmup, _, steps): Course, i: u64) -> Value {
    let steps: Vec<i64> = steps.into_iter().map(|s| s.max(1)).collect();
    json!({
        "steps": steps, "d_model": turn(&[512, 1, 4, 768, LARGEST_WHOLE], i), "warmup_steps": warmup.max(1),
        "factor": turn(&[1.0, 0.3, 2.0], i),
    })
}
