//! The log-probability of a response with its gradient, on numbers that carry a bound of their error.

use super::Side;
use crate::kernels::{each, two_to};
use crate::losses::rounding::Values;
use crate::losses::softmax::{Engine, Row, extremes_of_others, with_room};
use crate::number::{Sign, Wide, two_sum};
use std::cmp::Ordering;

/// A response under policy and reference.
pub(super) struct Evaluated<'a> {
    engine: Engine,
    side: &'a Side,
    tokens: &'a [usize],
    /// With precise sums.
    policy: Vec<Row<'a>>,
    /// ln π(y) − ln π_ref(y)
    pub ln_ratio: Wide,
}

impl<'a> Evaluated<'a> {
    pub fn of(engine: Engine, side: &'a Side, tokens: &'a [usize]) -> Evaluated<'a> {
        let rows = |logits: &'a [Vec<f64>]| -> Vec<Row<'a>> {
            each(engine.parallel, logits.iter().zip(tokens).collect(), |(z, &y)| Row::precise(engine, z, y))
        };
        let (policy, reference) = (rows(&side.policy_logits), rows(&side.reference_logits));
        let of_tokens = each(engine.parallel, policy.iter().zip(&reference).collect(), |(z, r)| ln_ratio(z, r));
        let ln_ratio = of_tokens.into_iter().sum::<Wide>();
        let mut response = Evaluated { engine, side, tokens, policy, ln_ratio };
        if ln_ratio.sign().is_none() && response.is_unmoved() {
            response.ln_ratio = Wide::ZERO;
        }
        response
    }

    /// ln π(y)
    pub fn ln_policy(&self) -> Wide {
        -self.policy.iter().map(Row::nll).sum::<Wide>()
    }

    /// c·∂ln π(y)/∂z_tv = c ([v = y_t] − p_v) for every t and v.
    pub fn gradient(&self, c: Wide) -> Values {
        let rows = each(self.engine.parallel, self.policy.iter().collect(), |row| self.of_row(row, c));
        let mut all = Values::default();
        rows.into_iter().for_each(|row| all.append(row));
        all
    }

    fn of_row(&self, row: &Row, c: Wide) -> Values {
        let (z, y) = (row.z, row.y);
        let mut near = vec![0.0; z.len()];
        let mut open = Vec::new();
        if c.sign().is_none() || !c.abs().is_below(LARGEST_SCALE) {
            open.extend((0..z.len()).filter(|&v| v != y));
        } else if !c.is_zero() {
            let others = extremes_of_others(self.engine, z, y);
            with_room(self.engine, z.len(), |mut lo| {
                let row = Row::new(self.engine, z, y, others, &mut near, &mut lo);
                row.components(c.abs(), Wide::ZERO, &mut near, &mut lo, &mut open);
            });
        }
        if c.sign() == Some(Sign::Positive) {
            // −c p_v, where a p that is 0 has no sign
            near.iter_mut().zip(z).filter(|(_, z)| **z > f64::NEG_INFINITY).for_each(|(p, _)| *p = -*p);
        }
        let mut components = Values::of(near);
        open.into_iter().for_each(|v| components.put(v, -(c * row.p(v))));
        components.put(y, c * row.p_of_others());
        components
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

/// Larger factors of a gradient, with room for exponentials, are past the range of f64.
const LARGEST_SCALE: Wide = Wide::power_of_two(300);

/// Where this much of ln π − ln π_ref is not known, it is taken from differences of the logits: 2^−64 leaves its
/// rounding open once in 2^10 times.
const TOO_LITTLE: f64 = two_to(-64);

/// ln π(y) − ln π_ref(y) of one token.
fn ln_ratio(policy: &Row, reference: &Row) -> Wide {
    if policy.z == reference.z {
        return Wide::ZERO;
    }
    let difference = reference.nll() - policy.nll();
    if difference.is_zero() || difference.relative_error() < TOO_LITTLE {
        return difference;
    }
    let near = ln_ratio_of_near(policy, reference);
    if near.is_zero() || near.relative_error() < difference.relative_error() { near } else { difference }
}

/// The same from differences of the logits, which are small where policy and reference are near each other:
/// π_ref(y)/π(y) − 1 = Σ_v p_ref,v (e^{δ_v} − 1) with δ_v = (z_v − r_v) − (z_y − r_y).
fn ln_ratio_of_near(policy: &Row, reference: &Row) -> Wide {
    let (z, r, y) = (policy.z, reference.z, policy.y);
    let minus = |a: f64, b: f64| Wide::from(a) - Wide::from(b);
    let change = |v: usize| match (z[v].is_finite(), r[v].is_finite()) {
        (true, true) => reference.exponential(v) * (minus(z[v], r[v]) - minus(z[y], r[y])).exp_m1(),
        // p_ref,v e^{δ_v} is p_ref,y e^{z_v − z_y}
        (true, false) => reference.exponential_of_target() * minus(z[v], z[y]).exp(),
        (false, _) => -reference.exponential(v),
    };
    let changes = (0..z.len()).filter(|&v| v != y).map(change).sum::<Wide>();
    -(changes / reference.whole()).ln_1p()
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
