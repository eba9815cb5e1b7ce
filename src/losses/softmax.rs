//! A row of logits with its target: its sums of exponentials, and from them its softmax as wide numbers, shared by
//! the losses.
//!
//! With S = Σ_{j≠y} e^{z_j − c} and u = e^{z_y − c} for any c, p_y = u/(S + u), 1 − p_y = S/(S + u) and
//! −ln p_y = ln(1 + S/u): nothing cancels, however near p_y is to 0 or 1.

use crate::kernels::{
    EXP_ERROR, Extremes, Factor, Form, Instructions, Kept, NOTHING, RAISED, Reference, Sum, each, exponentials,
    extremes, precise_sum, products, sum_of_differences, two_to,
};
use crate::number::Wide;
use std::cell::RefCell;

/// A gap between the target and the others past which a larger one changes no digit of any result, and which
/// keeps its exponential in the range of wide numbers.
const WIDEST_GAP: f64 = 1e6;

/// Larger logits are made smaller before their differences are added up.
const NEAR_OVERFLOW: f64 = two_to(900);

/// How a batch is gone through.
#[derive(Clone, Copy, Debug)]
pub(super) struct Engine {
    pub instructions: Instructions,
    pub parallel: bool,
    /// Rows up to this length keep their exponentials. Longer ones take them twice, in pieces that are shared out
    /// among the threads.
    pub longest_kept: usize,
}

/// The low parts of as many exponentials are 2 MiB a thread.
const LONGEST_KEPT: usize = 1 << 18;

/// A piece of a long row.
const PIECE: usize = 1 << 14;

/// A count, which is below 2^53
pub(super) fn count(n: usize) -> Wide {
    Wide::from(n as f64)
}

impl Engine {
    /// As fast as this processor can.
    pub fn best() -> Engine {
        Engine::at_most(usize::MAX)
    }

    /// As fast as this processor can with vectors of at most this many numbers.
    pub fn at_most(lanes: usize) -> Engine {
        let instructions = Instructions::of_at_most(lanes);
        Engine { instructions, parallel: cfg!(feature = "fast"), longest_kept: LONGEST_KEPT }
    }
}

thread_local! {
    static LOW_PARTS: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
    static OF_PIECE: RefCell<[Vec<f64>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

/// Room for the low parts of a row's exponentials, if they are to be kept: this thread's, used again.
pub(super) fn with_room<R>(engine: Engine, classes: usize, of: impl FnOnce(Option<&mut [f64]>) -> R) -> R {
    if classes > engine.longest_kept {
        return of(None);
    }
    LOW_PARTS.with_borrow_mut(|room| {
        if room.len() < classes {
            room.resize(classes, 0.0);
        }
        of(Some(&mut room[..classes]))
    })
}

/// A row with its sums.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub engine: Engine,
    pub z: &'a [f64],
    pub y: usize,
    /// Of the other classes.
    others: Extremes,
    reference: Reference,
    /// S
    sum_of_others: Wide,
    /// u
    target: Wide,
    /// z_y − c
    pub gap: Wide,
    /// Whether S is precise, or S is a count.
    pub precise: bool,
}

/// Both sides of the target.
fn around<T>(list: &[T], y: usize) -> [&[T]; 2] {
    [&list[..y], &list[y + 1..]]
}

fn around_mut<T>(list: &mut [T], y: usize) -> [&mut [T]; 2] {
    let (before, from) = list.split_at_mut(y);
    [before, &mut from[1..]]
}

/// What is found of the classes other than y, piece by piece.
fn of_others<R: Send>(engine: Engine, z: &[f64], y: usize, of: impl Fn(&[f64]) -> R + Send + Sync) -> Vec<R> {
    let piece = if z.len() > engine.longest_kept { PIECE } else { z.len() };
    let pieces = around(z, y).into_iter().flat_map(|part| part.chunks(piece)).collect();
    each(engine.parallel && z.len() > engine.longest_kept, pieces, of)
}

/// The extremes of the classes other than y.
pub(super) fn extremes_of_others(engine: Engine, z: &[f64], y: usize) -> Extremes {
    let parts = of_others(engine, z, y, |part| extremes(engine.instructions, part));
    parts.into_iter().fold(extremes(engine.instructions, &[]), Extremes::with)
}

impl<'a> Row<'a> {
    /// A row whose logits are in their domain. Where there is room for low parts, the exponentials of the other
    /// classes are kept in the two lists. Where there is none they are taken again, and the sums are precise at
    /// once: in so long a row some rounding will need them.
    pub fn new(
        engine: Engine,
        z: &'a [f64],
        y: usize,
        others: Extremes,
        hi: &mut [f64],
        lo: &mut Option<&mut [f64]>,
    ) -> Row<'a> {
        let Some(lo) = lo else { return Row::with_precise_sum(engine, z, y, others) };
        let mut row = Row::without_sums(engine, z, y, others);
        if row.others_are_equal() {
            return row;
        }
        let reference = row.reference;
        let parts = around(z, y).into_iter().zip(around_mut(hi, y)).zip(around_mut(lo, y));
        row.sum_of_others = parts
            .map(|((z, hi), lo)| exponentials(engine.instructions, z, reference, Kept { hi, lo }))
            .map(|sum| row.as_wide(sum))
            .sum();
        row
    }

    /// The row with precise sums.
    pub fn precise(engine: Engine, z: &'a [f64], y: usize) -> Row<'a> {
        Row::with_precise_sum(engine, z, y, extremes_of_others(engine, z, y))
    }

    fn with_precise_sum(engine: Engine, z: &'a [f64], y: usize, others: Extremes) -> Row<'a> {
        let mut row = Row { precise: true, ..Row::without_sums(engine, z, y, others) };
        if row.others_are_equal() {
            return row;
        }
        let sums = of_others(engine, z, y, |part| precise_sum(engine.instructions, part, row.reference));
        row.sum_of_others = sums.into_iter().map(|sum| row.as_wide(sum)).sum();
        row
    }

    /// The row with the sums of equal logits, if the others are.
    fn without_sums(engine: Engine, z: &'a [f64], y: usize, others: Extremes) -> Row<'a> {
        let equal = others.smallest >= others.largest;
        let (reference, sum_of_others) = match equal {
            true if others.largest == f64::NEG_INFINITY => (Reference::at(z[y]), Wide::ZERO),
            true => (Reference::at(others.largest), count(z.len() - 1)),
            false => (Reference::of(others), Wide::ZERO),
        };
        let gap = Wide::from(z[y]) - Wide::from(reference.origin);
        let widest = Wide::from(WIDEST_GAP);
        let target = if gap.is_below(widest) { gap.exp() } else { widest.exp() };
        Row { engine, z, y, others, reference, sum_of_others, target, gap, precise: false }
    }

    /// Whether all other classes have the same logit, or there is none that counts.
    fn others_are_equal(&self) -> bool {
        self.others.smallest >= self.others.largest
    }

    fn as_wide(&self, sum: Sum) -> Wide {
        Wide::known_to(sum.hi, sum.lo, sum.error).scaled(-i64::from(self.reference.scale))
    }

    /// Σ_{j≠y} (c − z_j), term by term.
    pub fn precise_below(&self) -> Wide {
        let origin = Wide::from(self.reference.origin);
        around(self.z, self.y).into_iter().flatten().map(|&z| origin - Wide::from(z)).sum()
    }

    /// Σ_{j≠y} (c − z_j)
    pub fn below(&self) -> Wide {
        let origin = self.reference.origin;
        let size = (self.others.largest.abs().max(self.others.smallest.abs())).max(origin.abs());
        let down = if size > NEAR_OVERFLOW { 128 } else { 0 };
        let factor = two_to(-down);
        let largest = (self.others.largest * factor - origin * factor).abs();
        let largest = largest.max((self.others.smallest * factor - origin * factor).abs());
        let instructions = self.engine.instructions;
        let sums =
            of_others(self.engine, self.z, self.y, |z| sum_of_differences(instructions, z, origin, down, largest));
        let sum: Wide = sums.into_iter().map(|sum| Wide::known_to(sum.hi, sum.lo, sum.error)).sum();
        -sum.scaled(i64::from(down))
    }

    /// S + u
    pub fn whole(&self) -> Wide {
        self.sum_of_others + self.target
    }

    /// −ln p_y
    pub fn nll(&self) -> Wide {
        match () {
            // u is held to the widest gap
            () if !self.gap.is_below(Wide::from(WIDEST_GAP)) => (self.sum_of_others * (-self.gap).exp()).ln_1p(),
            () if self.sum_of_others.is_below(self.target) => (self.sum_of_others / self.target).ln_1p(),
            () => self.whole().ln() - self.gap,
        }
    }

    /// p_y
    pub fn p_of_target(&self) -> Wide {
        self.target / self.whole()
    }

    /// 1 − p_y
    pub fn p_of_others(&self) -> Wide {
        self.sum_of_others / self.whole()
    }

    /// e^{z_i − c} at a class other than the target
    pub fn exponential(&self, i: usize) -> Wide {
        if self.z[i] == f64::NEG_INFINITY {
            return Wide::ZERO;
        }
        (Wide::from(self.z[i]) - Wide::from(self.reference.origin)).exp()
    }

    /// u = e^{z_y − c}, or of the widest gap that counts.
    pub fn exponential_of_target(&self) -> Wide {
        self.target
    }

    /// p_i at a class other than the target
    pub fn p(&self, i: usize) -> Wide {
        self.exponential(i) / self.whole()
    }

    /// Writes p_i·scale − less for the other classes, with scale > 0 and less ≥ 0, and notes those whose rounding
    /// is open; of one with the logit −∞ it is 0. Their exponentials are kept in `out` and `lo`, or taken again.
    pub fn components(
        &self,
        scale: Wide,
        less: Wide,
        out: &mut [f64],
        lo: &mut Option<&mut [f64]>,
        open: &mut Vec<usize>,
    ) {
        let y = self.y;
        let all = || (0..self.z.len()).filter(|&i| i != y);
        if self.others_are_equal() {
            let component = |i| if self.z[i] == f64::NEG_INFINITY { Wide::ZERO } else { self.p(i) * scale - less };
            match all().next().map(|i| component(i).nearest()) {
                Some(Some(nearest)) => out.fill(nearest),
                Some(None) => open.extend(all()),
                None => {}
            }
            return;
        }
        if Wide::ONE.is_below(scale) {
            // a probability that is taken for nothing may count
            let counts = |&i: &usize| self.z[i] - self.others.largest < NOTHING && self.z[i] > f64::NEG_INFINITY;
            open.extend(all().filter(counts));
        }
        let Some(factor) = self.factor(scale / self.whole(), less) else {
            // every product underflows
            match less.is_zero() {
                true => out.fill(0.0),
                false => open.extend(all()),
            }
            return;
        };
        let (instructions, reference) = (self.engine.instructions, self.reference);
        let starts = [0, y + 1];
        let Some(lo) = lo else {
            let parts = around(self.z, y).into_iter().zip(around_mut(out, y)).zip(starts);
            let pieces: Vec<_> = parts
                .flat_map(|((z, out), start)| {
                    let starts = (start..).step_by(PIECE);
                    z.chunks(PIECE).zip(out.chunks_mut(PIECE)).zip(starts)
                })
                .collect();
            let of_pieces = each(self.engine.parallel, pieces, |((z, out), start)| {
                OF_PIECE.with_borrow_mut(|[_, lo]| {
                    lo.resize(PIECE, 0.0);
                    let lo = &mut lo[..z.len()];
                    exponentials(instructions, z, reference, Kept { hi: &mut *out, lo: &mut *lo });
                    products(instructions, factor, out, lo).into_iter().map(|i| i + start).collect::<Vec<_>>()
                })
            });
            open.extend(of_pieces.into_iter().flatten());
            return;
        };
        for ((out, lo), start) in around_mut(out, y).into_iter().zip(around(lo, y)).zip(starts) {
            open.extend(products(instructions, factor, out, lo).into_iter().map(|i| i + start));
        }
    }

    /// What exponentials are multiplied with, and what is taken off; `None` where all these products are below
    /// half of the smallest f64, or what is taken off is near it.
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
