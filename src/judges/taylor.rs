//! Difference quotients: derivatives without any differentiation.
//!
//! Along a random direction, symmetric difference quotients at steps h, h/2, h/4, … are
//! extrapolated to h = 0. How far the last two extrapolations differ says how good they are; the
//! claimed derivative must lie within ten times that and the rounding errors of the quotients. A
//! function with a feature that is narrower than h deceives an extrapolation, so a second one from
//! h/16 must agree with the first before either counts.

use super::{Finding, Opinion, Run, enclosure, point};
use crate::claim::{Instance, Relation};
use crate::number::{Outcome, Rounded, Rounding, evaluate};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// Levels of the extrapolation: its error is of order h^(2·LEVELS).
const LEVELS: usize = 4;

/// A wrong derivative is wrong at more than one in this many points; fewer are deceived by features
/// still narrower than the finest step, and enclosures, which cannot be, look at those.
const MOST_DECEIVED: u64 = 50;

/// A point counts when the estimate is good to this part of its size.
const GOOD: f64 = 1e-5;

/// Compares the slope along random directions at random points.
pub fn decide(instance: &Instance, run: &Run, rng: &mut ChaCha8Rng) -> Finding {
    let Relation::Gradient(wrt) = &instance.relation else {
        return Finding::abstains("not a gradient");
    };
    let (mut compared, mut differing) = (0, 0);
    let mut why = String::new();
    for _ in 0..enclosure::cases_for(run.cases, instance.graph.nodes().len() * 8) {
        if run.deadline.has_passed() {
            break;
        }
        let x = point::random(&instance.variables, rng);
        let direction: Vec<f64> = wrt.iter().map(|_| if rng.next_u32() & 1 == 0 { 1.0 } else { -1.0 }).collect();
        let start = first_step(wrt, &x);
        let Ok(coarse) = slope(instance, wrt, &x, &direction, start) else { continue };
        let Ok(fine) = slope(instance, wrt, &x, &direction, start / 16.0) else { continue };
        let Ok(claimed) = claimed_slope(instance, &x, &direction) else { continue };
        let size = fine.value.abs().max(claimed.value.abs());
        let good = |slope: &Rounded| slope.bound + claimed.bound <= GOOD * size;
        let agree = |a: &Rounded, b: &Rounded| (a.value - b.value).abs() <= a.bound + b.bound;
        if !good(&coarse) || !good(&fine) || !agree(&coarse, &fine) {
            continue;
        }
        compared += 1;
        if !agree(&coarse, &claimed) && !agree(&fine, &claimed) {
            differing += 1;
            why = format!("the slope is {:e} and not {:e} at {x:?}", fine.value, claimed.value);
        }
    }
    if compared == 0 {
        return Finding::abstains("no point at which difference quotients say anything");
    }
    if differing * MOST_DECEIVED > compared {
        return Finding::of(Opinion::Differs(format!("at {differing} of {compared} points: {why}")), compared);
    }
    Finding::of(Opinion::Agrees, compared - differing)
}

fn value_at(instance: &Instance, wrt: &[usize], x: &[f64], direction: &[f64], h: f64) -> Outcome<Rounded> {
    let mut inputs: Vec<Rounded> = x.iter().map(|&x| Rounded::exact(x)).collect();
    for (&position, &d) in wrt.iter().zip(direction) {
        // a rounding of x + hd changes the point by an ulp, which the bound takes in
        let moved = x[position] + h * d;
        inputs[position] = Rounded { value: moved, bound: crate::number::ulp(moved) };
    }
    evaluate(&instance.graph, &mut { Rounding::F64 }, &inputs).swap_remove(instance.assumptions)
}

/// The first step: small against every coordinate that moves, so that domains are not left and no
/// sign turns.
fn first_step(wrt: &[usize], x: &[f64]) -> f64 {
    let nonzero = wrt.iter().map(|&i| x[i].abs()).filter(|&x| x > 0.0);
    nonzero.fold(1.0, f64::min) / 16.0
}

/// The slope along a direction, with how far it may be off as its bound.
fn slope(instance: &Instance, wrt: &[usize], x: &[f64], direction: &[f64], start: f64) -> Outcome<Rounded> {
    let mut h = start;
    let mut table: Vec<f64> = Vec::new();
    let mut rounding: f64 = 0.0;
    let mut last = f64::INFINITY;
    for level in 0..LEVELS {
        let above = value_at(instance, wrt, x, direction, h)?;
        let below = value_at(instance, wrt, x, direction, -h)?;
        let mut estimate = (above.value - below.value) / (2.0 * h);
        rounding = rounding.max((above.bound + below.bound) / (2.0 * h));
        // Richardson: each level removes the next even power of h
        let mut row = vec![estimate];
        for (k, &previous) in table.iter().enumerate() {
            let factor = libm::exp2(2.0 * (k as f64 + 1.0));
            estimate += (estimate - previous) / (factor - 1.0);
            row.push(estimate);
        }
        if level + 1 == LEVELS {
            last = (estimate - table[table.len() - 1]).abs();
        }
        table = row;
        h /= 2.0;
    }
    let estimate = table[table.len() - 1];
    // the extrapolation weighs the quotients with factors whose sizes sum to less than 2
    Ok(Rounded { value: estimate, bound: 10.0 * last + 2.0 * rounding })
}

fn claimed_slope(instance: &Instance, x: &[f64], direction: &[f64]) -> Outcome<Rounded> {
    let inputs: Vec<Rounded> = x.iter().map(|&x| Rounded::exact(x)).collect();
    let outputs = evaluate(&instance.graph, &mut { Rounding::F64 }, &inputs);
    let mut sum = Rounded::exact(0.0);
    for (claimed, d) in outputs[instance.assumptions + 1..].iter().zip(direction) {
        let claimed = claimed.clone()?;
        sum.value += d * claimed.value;
        sum.bound += claimed.bound + f64::EPSILON * (sum.value.abs() + claimed.value.abs());
    }
    Ok(sum)
}
