//! Limits: the two sides further and further out, at random points of the other variables.

use super::{Finding, Opinion, Pairs, Run, enclosure, point};
use crate::claim::{Instance, Relation, Toward};
use crate::number::Rounded;
use rand_chacha::ChaCha8Rng;

/// How far out: 10^k for these k (or 10^−k).
const EXPONENTS: std::ops::RangeInclusive<i32> = 1..=9;

/// Whether the distance of the sides shrinks toward nothing.
pub fn decide(instance: &Instance, run: &Run, rng: &mut ChaCha8Rng) -> Finding {
    let Relation::Limit(moving, toward) = instance.relation else {
        return Finding::abstains("not a limit");
    };
    let pairs = Pairs::of(instance);
    let mut looked_at = 0;
    for _ in 0..enclosure::cases_for(run.cases, 9 * pairs.graph.nodes().len()) {
        if run.deadline.has_passed() {
            break;
        }
        let x = point::random(&pairs.variables, rng);
        let mut distances: Vec<Vec<f64>> = Vec::new();
        let mut met = true;
        for k in EXPONENTS {
            let mut inputs: Vec<Rounded> = x.iter().map(|&x| Rounded::exact(x)).collect();
            let far = libm::exp10(f64::from(k));
            inputs[moving] = Rounded::exact(if toward == Toward::Infinity { far } else { 1.0 / far });
            let outputs = enclosure::enclose(&pairs, &inputs);
            met &= pairs.assumed().all(|i| matches!(&outputs[i], Ok(condition) if condition.low() > 0.0));
            let row: Option<Vec<f64>> = pairs
                .sides()
                .map(|(l, r)| match (&outputs[l], &outputs[r]) {
                    // the distance beyond what rounding explains, relative to the limit's size
                    (Ok(l), Ok(r)) => {
                        let distance = ((l.value - r.value).abs() - l.bound - r.bound).max(0.0);
                        Some(distance / r.value.abs().max(1.0))
                    }
                    _ => None,
                })
                .collect();
            distances.extend(row);
        }
        if !met || distances.len() < 3 {
            continue;
        }
        looked_at += 1;
        let (first, last) = (&distances[0], &distances[distances.len() - 1]);
        // and goes on shrinking at the end, unless rounding explains all that is left
        let stuck = |i: usize| distances.windows(2).rev().take(3).all(|d| d[1][i] > 0.6 * d[0][i]);
        // a limit that is approached at least like 10^(−k/4) comes this near in eight steps
        if let Some(i) = (0..first.len()).find(|&i| last[i] > 1e-2 * first[i].max(1e-12) || stuck(i)) {
            let why = format!("pair {i} is still {:e} apart at {x:?}", last[i]);
            return Finding::of(Opinion::Differs(why), looked_at);
        }
    }
    if looked_at == 0 {
        Finding::abstains("no point at which both sides exist")
    } else {
        Finding::of(Opinion::Agrees, looked_at)
    }
}
