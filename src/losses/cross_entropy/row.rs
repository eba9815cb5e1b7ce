//! One row that counts: its sums of exponentials, and from them loss and gradient as wide numbers.
//!
//! With S = Σ_{j≠y} e^{z_j − c} and u = e^{z_y − c} for any c, p_y = u/(S + u), 1 − p_y = S/(S + u) and
//! −ln p_y = ln(1 + S/u): nothing cancels, however near p_y is to 0 or 1.

use super::Smoothing;
use crate::kernels::{
    EXP_ERROR, Extremes, Factor, Form, Instructions, Kept, NOTHING, RAISED, Reference, Source, Sum, exponentials,
    extremes, precise_sum, products, sum_of_differences, two_to,
};
use crate::number::Wide;

/// The target weights q, and what the gradient is divided by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    pub smoothing: Smoothing,
    pub classes: usize,
    /// ε
    pub epsilon: f64,
    /// n
    pub divisor: usize,
}

impl Weights {
    fn whole(n: usize) -> Wide {
        Wide::from_whole(n as u64)
    }

    fn one_minus_epsilon(&self) -> Wide {
        Wide::ONE - Wide::from(self.epsilon)
    }

    /// q at a class other than the target
    fn elsewhere(&self) -> Wide {
        let among = match self.smoothing {
            Smoothing::Uniform => self.classes,
            Smoothing::Others => self.classes - 1,
        };
        if self.epsilon == 0.0 { Wide::ZERO } else { Wide::from(self.epsilon) / Weights::whole(among) }
    }

    /// 1 − q at the target
    fn off_target(&self) -> Wide {
        self.elsewhere() * Weights::whole(self.classes - 1)
    }
}

/// A gap between the target and the others past which a larger one changes no digit of any result, and which
/// keeps its exponential in the range of wide numbers.
const WIDEST_GAP: f64 = 1e6;

/// Largest logits beyond this are halved often enough before they are added up.
const NEAR_OVERFLOW: f64 = two_to(900);

/// A row with its sums.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    instructions: Instructions,
    z: &'a [f64],
    y: usize,
    /// Of the other classes.
    others: Extremes,
    reference: Reference,
    /// S
    sum_of_others: Wide,
    /// u
    target: Wide,
    /// z_y − c
    gap: Wide,
    /// Σ_{j≠y} (c − z_j), where ε > 0
    below: Wide,
}

/// Both sides of the target.
fn around<T>(list: &[T], y: usize) -> [&[T]; 2] {
    [&list[..y], &list[y + 1..]]
}

fn around_mut<T>(list: &mut [T], y: usize) -> [&mut [T]; 2] {
    let (before, from) = list.split_at_mut(y);
    [before, &mut from[1..]]
}

/// The extremes of the classes other than y.
pub(super) fn extremes_of_others(instructions: Instructions, z: &[f64], y: usize) -> Extremes {
    let [before, after] = around(z, y).map(|part| extremes(instructions, part));
    before.with(after)
}

impl<'a> Row<'a> {
    /// A row whose logits are in their domain, with the exponentials of the other classes kept where there
    /// is room for them.
    pub fn new(
        instructions: Instructions,
        z: &'a [f64],
        y: usize,
        others: Extremes,
        weights: &Weights,
        kept: Option<Kept>,
    ) -> Row<'a> {
        let mut row = Row::without_sums(instructions, z, y, others);
        if row.others_are_equal() {
            return row;
        }
        let room = match kept {
            Some(Kept { hi, lo }) => {
                let ([hi, hi_after], [lo, lo_after]) = (around_mut(hi, y), around_mut(lo, y));
                [Some(Kept { hi, lo }), Some(Kept { hi: hi_after, lo: lo_after })]
            }
            None => [None, None],
        };
        let parts = around(z, y).into_iter().zip(room);
        let sums = parts.map(|(part, room)| exponentials(instructions, part, row.reference, room));
        row.sum_of_others = sums.map(|sum| row.as_wide(sum)).sum();
        if weights.epsilon > 0.0 {
            row.below = row.differences();
        }
        row
    }

    /// The same row from precise sums.
    pub fn precise(mut self, weights: &Weights) -> Row<'a> {
        if self.others_are_equal() {
            return self;
        }
        let parts = around(self.z, self.y);
        let sums = parts.map(|part| self.as_wide(precise_sum(self.instructions, part, self.reference)));
        self.sum_of_others = sums.into_iter().sum();
        if weights.epsilon > 0.0 {
            let origin = Wide::from(self.reference.origin);
            self.below = parts.into_iter().flatten().map(|&z| origin - Wide::from(z)).sum();
        }
        self
    }

    /// The row with the sums of equal logits, if the others are.
    fn without_sums(instructions: Instructions, z: &'a [f64], y: usize, others: Extremes) -> Row<'a> {
        let equal = others.smallest >= others.largest;
        let (reference, sum_of_others) = match equal {
            true if others.largest == f64::NEG_INFINITY => (Reference::at(z[y]), Wide::ZERO),
            true => (Reference::at(others.largest), Weights::whole(z.len() - 1)),
            false => (Reference::of(others), Wide::ZERO),
        };
        let gap = Wide::from(z[y]) - Wide::from(reference.origin);
        let widest = Wide::from(WIDEST_GAP);
        let target = if gap.is_below(widest) { gap.exp() } else { widest.exp() };
        Row { instructions, z, y, others, reference, sum_of_others, target, gap, below: Wide::ZERO }
    }

    /// Whether all other classes have the same logit, or there is none that counts.
    fn others_are_equal(&self) -> bool {
        self.others.smallest >= self.others.largest
    }

    fn as_wide(&self, sum: Sum) -> Wide {
        Wide::known_to(sum.hi, sum.lo, sum.error).scaled(-i64::from(self.reference.scale))
    }

    fn differences(&self) -> Wide {
        let origin = self.reference.origin;
        let size = (self.others.largest.abs().max(self.others.smallest.abs())).max(origin.abs());
        let down = if size > NEAR_OVERFLOW { 128 } else { 0 };
        let factor = two_to(-down);
        let largest = (self.others.largest * factor - origin * factor).abs();
        let largest = largest.max((self.others.smallest * factor - origin * factor).abs());
        let sums = around(self.z, self.y)
            .map(|part| sum_of_differences(self.instructions, part, origin, down, largest))
            .map(|sum| -Wide::known_to(sum.hi, sum.lo, sum.error).scaled(i64::from(down)));
        sums.into_iter().sum()
    }

    /// S + u
    fn whole(&self) -> Wide {
        self.sum_of_others + self.target
    }

    /// −ln p_y
    pub fn nll(&self) -> Wide {
        if self.sum_of_others.is_below(self.target) {
            (self.sum_of_others / self.target).ln_1p()
        } else {
            self.whole().ln() - self.gap
        }
    }

    /// Σ q_i (ln Σ e^z − z_i), with q summed up over the classes that have the same
    pub fn loss(&self, weights: &Weights) -> Wide {
        let nll = self.nll();
        if weights.epsilon == 0.0 {
            return nll;
        }
        // ln Σ e^{z − c} = −ln p_y + z_y − c
        let of_others = Weights::whole(self.z.len() - 1) * (nll + self.gap) + self.below;
        match weights.smoothing {
            Smoothing::Uniform => {
                let mean = (nll + of_others) / Weights::whole(self.z.len());
                weights.one_minus_epsilon() * nll + Wide::from(weights.epsilon) * mean
            }
            Smoothing::Others => {
                let mean = of_others / Weights::whole(self.z.len() - 1);
                weights.one_minus_epsilon() * nll + Wide::from(weights.epsilon) * mean
            }
        }
    }

    /// (p_y − q_y)/n, from the complements where both are near 1
    pub fn target_component(&self, weights: &Weights) -> Wide {
        let off_target = weights.off_target();
        let difference = if off_target.is_below(Wide::from(0.5)) {
            off_target - self.sum_of_others / self.whole()
        } else {
            self.target / self.whole() - (Wide::ONE - off_target)
        };
        difference / Weights::whole(weights.divisor)
    }

    /// (p_i − q_i)/n at a class other than the target
    pub fn component(&self, i: usize, weights: &Weights) -> Wide {
        if self.z[i] == f64::NEG_INFINITY {
            return Wide::ZERO;
        }
        let e = (Wide::from(self.z[i]) - Wide::from(self.reference.origin)).exp();
        (e / self.whole() - weights.elsewhere()) / Weights::whole(weights.divisor)
    }

    /// Writes the components at the other classes, and notes those whose rounding is open. Their exponentials
    /// are kept in `out` and `lo`, or taken again.
    pub fn components(&self, weights: &Weights, lo: Option<&[f64]>, out: &mut [f64], open: &mut Vec<usize>) {
        let (y, divisor) = (self.y, Weights::whole(weights.divisor));
        if self.others_are_equal() {
            if let Some(i) = (0..self.z.len()).find(|&i| i != y) {
                match self.component(i, weights).nearest() {
                    Some(nearest) => out.fill(nearest),
                    None => open.extend((0..self.z.len()).filter(|&i| i != y)),
                }
            }
            return;
        }
        let Some(factor) = self.factor(Wide::ONE / (self.whole() * divisor), weights.elsewhere() / divisor) else {
            // every p underflows
            if weights.epsilon > 0.0 {
                open.extend((0..self.z.len()).filter(|&i| i != y));
            } else {
                out.fill(0.0);
            }
            return;
        };
        let sources = match lo {
            Some(lo) => around(lo, y).map(Source::Kept),
            None => around(self.z, y).map(|part| Source::Logits(part, self.reference)),
        };
        let starts = [0, y + 1];
        for ((part, source), start) in around_mut(out, y).into_iter().zip(sources).zip(starts) {
            let from = open.len();
            products(self.instructions, source, factor, part, open);
            open[from..].iter_mut().for_each(|i| *i += start);
        }
    }

    /// What exponentials are multiplied with for e/((S + u) n) − q/n; `None` where all these quotients are
    /// below half of the smallest f64.
    fn factor(&self, factor: Wide, less: Wide) -> Option<Factor> {
        // the binary places of the largest and the smallest quotient, give or take one
        let (hi, lo, exponent) = factor.parts();
        let places = |z: f64| (z - self.reference.origin).max(-1e6) * std::f64::consts::LOG2_E + exponent as f64;
        if places(self.others.largest) < -1080.0 {
            return None;
        }
        let kept = exponent - i64::from(self.reference.scale);
        let scaled = |power: i32| two_to((kept + i64::from(power)) as i32);
        // the kernel's product is within 5·2^−106, a difference and the test within 2^−103
        let error = EXP_ERROR + factor.relative_error() + two_to(-102);
        if !less.is_zero() {
            let (less_hi, less_lo, less_exponent) = less.parts();
            if less_exponent < -1070 {
                return None;
            }
            let less_scale = two_to((less_exponent + i64::from(RAISED)) as i32);
            let form = Form::Less {
                hi: less_hi * less_scale,
                lo: less_lo * less_scale,
                // and a p that is taken for nothing
                error: less_hi.abs() * less_scale * (less.relative_error() + two_to(-102)) + two_to(-1075 + RAISED),
            };
            return Some(Factor { hi: hi * scaled(RAISED), lo: lo * scaled(RAISED), error, form });
        }
        let smallest = if self.others.smallest - self.others.largest < NOTHING {
            self.others.largest + NOTHING
        } else {
            self.others.smallest
        };
        // low parts are normal numbers, or lose nothing that counts
        if places(smallest) > -960.0 && kept > -960 {
            return Some(Factor { hi: hi * scaled(0), lo: lo * scaled(0), error, form: Form::Normal });
        }
        Some(Factor { hi: hi * scaled(RAISED), lo: lo * scaled(RAISED), error, form: Form::Subnormal })
    }

    /// Whether all logits are equal, so that the gradient is rational.
    pub fn is_uniform(&self) -> bool {
        let z = self.z[self.y];
        self.others.largest == self.others.smallest && self.others.largest == z
    }
}
