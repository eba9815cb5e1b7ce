//! The log-probability of a response with its gradient, on numbers that carry a bound of their error.

use super::Side;
use crate::number::{Wide, two_sum};
use std::cmp::Ordering;

/// A response under policy and reference.
pub(super) struct Evaluated<'a> {
    side: &'a Side,
    tokens: &'a [usize],
    policy: Vec<Row>,
    /// ln π(y) − ln π_ref(y)
    pub ln_ratio: Wide,
}

impl<'a> Evaluated<'a> {
    pub fn of(side: &'a Side, tokens: &'a [usize]) -> Evaluated<'a> {
        let rows =
            |logits: &[Vec<f64>]| -> Vec<Row> { logits.iter().zip(tokens).map(|(z, &y)| Row::of(z, y)).collect() };
        let (policy, reference) = (rows(&side.policy_logits), rows(&side.reference_logits));
        let of_token = |t: usize| {
            let difference = policy[t].ln_p - reference[t].ln_p;
            if difference.is_small_beside(reference[t].ln_p) {
                ln_ratio_of_near(&side.policy_logits[t], &side.reference_logits[t], tokens[t], &reference[t])
            } else {
                difference
            }
        };
        let ln_ratio = (0..tokens.len()).map(of_token).sum::<Wide>();
        let mut response = Evaluated { side, tokens, policy, ln_ratio };
        if ln_ratio.sign().is_none() && response.is_unmoved() {
            response.ln_ratio = Wide::ZERO;
        }
        response
    }

    /// ln π(y)
    pub fn ln_policy(&self) -> Wide {
        self.policy.iter().map(|row| row.ln_p).sum()
    }

    /// c·∂ln π(y)/∂z_tv = c ([v = y_t] − p_v) for every t and v.
    pub fn gradient(&self, c: Wide) -> impl Iterator<Item = Wide> {
        self.policy.iter().zip(self.tokens).flat_map(move |(row, &y)| {
            let scale = c / (Wide::ONE + row.rest);
            let component = move |v: usize| if v == y { scale * row.others(y) } else { -(scale * row.exponentials[v]) };
            (0..row.exponentials.len()).map(component)
        })
    }

    /// Whether policy and reference have the same rows, but for a shift of all logits of a row, the order
    /// of its other classes and the order of the rows. Then ln π(y) = ln π_ref(y).
    fn is_unmoved(&self) -> bool {
        let rows = |logits: &[Vec<f64>]| -> Option<Vec<Vec<[f64; 2]>>> {
            let mut rows: Vec<_> =
                logits.iter().zip(self.tokens).map(|(z, &y)| differences(z, y)).collect::<Option<_>>()?;
            rows.sort_unstable_by(|a: &Vec<_>, b| ordered(a, b));
            Some(rows)
        };
        let (policy, reference) = (rows(&self.side.policy_logits), rows(&self.side.reference_logits));
        policy.is_some() && policy == reference
    }
}

/// ln π(y) − ln π_ref(y) of one token from differences of the logits, which are small where policy and
/// reference are near each other: π_ref(y)/π(y) − 1 = Σ_v p_ref,v (e^{δ_v} − 1) with
/// δ_v = (z_v − r_v) − (z_y − r_y).
fn ln_ratio_of_near(z: &[f64], r: &[f64], y: usize, reference: &Row) -> Wide {
    let minus = |a: f64, b: f64| Wide::from(a) - Wide::from(b);
    let total = Wide::ONE + reference.rest;
    let change = |v: usize| match (z[v].is_finite(), r[v].is_finite()) {
        (true, true) => reference.exponentials[v] * (minus(z[v], r[v]) - minus(z[y], r[y])).exp_m1(),
        // p_ref,v e^{δ_v} is p_ref,y e^{z_v − z_y}
        (true, false) => reference.exponentials[y] * minus(z[v], z[y]).exp(),
        (false, _) => -reference.exponentials[v],
    };
    -((0..z.len()).map(change).sum::<Wide>() / total).ln_1p()
}

/// z_v − z_y of the classes that have a probability, each without rounding as two f64, in ascending
/// order; `None` where one is past the range.
fn differences(z: &[f64], y: usize) -> Option<Vec<[f64; 2]>> {
    let finite = z.iter().filter(|x| x.is_finite());
    let mut all: Vec<[f64; 2]> = finite.map(|&x| <[f64; 2]>::from(two_sum(x, -z[y]))).collect();
    all.sort_unstable_by(in_order);
    all.iter().flatten().all(|x| x.is_finite()).then_some(all)
}

fn in_order(a: &[f64; 2], b: &[f64; 2]) -> Ordering {
    a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1]))
}

fn ordered(a: &[[f64; 2]], b: &[[f64; 2]]) -> Ordering {
    let first_difference = a.iter().zip(b).map(|(a, b)| in_order(a, b)).find(|order| order.is_ne());
    first_difference.unwrap_or(a.len().cmp(&b.len()))
}

/// The softmax of one row, by exponentials relative to its largest logit.
struct Row {
    exponentials: Vec<Wide>,
    /// Σ e^{z − max} without the largest, which is 1
    rest: Wide,
    /// ln p of the token
    ln_p: Wide,
    largest: usize,
}

impl Row {
    /// Of logits of which the token's is finite.
    fn of(z: &[f64], token: usize) -> Row {
        let largest = (0..z.len()).fold(token, |best, v| if z[v] > z[best] { v } else { best });
        let below = |v: usize| Wide::from(z[largest]) - Wide::from(z[v]);
        let exponential = |v: usize| match z[v] {
            f64::NEG_INFINITY => Wide::ZERO,
            _ if v == largest => Wide::ONE,
            _ => (-below(v)).exp(),
        };
        let exponentials: Vec<Wide> = (0..z.len()).map(exponential).collect();
        let rest: Wide = (0..z.len()).filter(|&v| v != largest).map(|v| exponentials[v]).sum();
        // two terms that are not negative
        let ln_p = -(below(token) + rest.ln_1p());
        Row { exponentials, rest, ln_p, largest }
    }

    /// The sum of the exponentials but for one. Where the largest is among them, they are at least half of
    /// the total, and the difference keeps its digits.
    fn others(&self, v: usize) -> Wide {
        if v == self.largest { self.rest } else { (Wide::ONE + self.rest) - self.exponentials[v] }
    }
}
