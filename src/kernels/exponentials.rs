//! The exponentials of a list of logits and their sum.

use super::exp::{EXP_ERROR, EXP_PRECISE_ERROR, LARGEST_ARGUMENT, exp, exp_of_number, exp_precise};
use super::lanes::{Lanes, Vector};
use super::pairs::{Pair, fast_two_sum, two_difference};
use super::{Extremes, Instructions, Kernel, Sum, two_to};
use crate::number::two_sum;

/// Exponentials are held times 2^this, so that the smallest that can count are normal numbers.
pub(crate) const SCALE: i32 = 200;

/// Below this difference to the largest logit a probability is below half of the smallest f64: e^−746 < 2^−1076.
pub(crate) const NOTHING: f64 = -746.0;

/// What the exponentials of a part of a row are relative to: they are e^{z − origin}·2^scale, about 2^[`SCALE`]
/// for the largest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    /// The largest logit, or 0 where logits are small enough for the exponential without a subtraction.
    pub origin: f64,
    /// Whole powers of two.
    pub scale: i32,
    /// z − origin is taken for nothing below this.
    nothing: f64,
    /// Whether some are.
    some_nothing: bool,
    /// Whether all logits are next to 0, and every exponential to 1.
    next_to_zero: bool,
}

/// e^z is 1 within 2^−99 of itself for what is below this in size.
const NEXT_TO_ZERO: f64 = two_to(-100);

impl Reference {
    /// For logits with these extremes, the largest finite.
    pub fn of(z: Extremes) -> Reference {
        let some_nothing = z.smallest - z.largest < NOTHING;
        let next_to_zero = z.smallest > -NEXT_TO_ZERO && z.largest < NEXT_TO_ZERO;
        if z.largest.abs() + NOTHING.abs() < LARGEST_ARGUMENT {
            let scale = SCALE - libm::floor(z.largest / std::f64::consts::LN_2) as i32;
            Reference { origin: 0.0, scale, nothing: z.largest + NOTHING, some_nothing, next_to_zero }
        } else {
            Reference { origin: z.largest, scale: SCALE, nothing: NOTHING, some_nothing, next_to_zero }
        }
    }

    /// For logits that are all this one.
    pub fn at(z: f64) -> Reference {
        Reference { origin: z, scale: SCALE, nothing: NOTHING, some_nothing: false, next_to_zero: false }
    }

    fn kind(self) -> u8 {
        match (self.origin == 0.0, self.some_nothing) {
            (true, false) => PLAIN,
            (true, true) => SOME_NOTHING,
            (false, _) => SHIFTED,
        }
    }
}

/// Every logit is small enough for the exponential, and none is nothing.
const PLAIN: u8 = 0;
/// Every logit is small enough or nothing.
const SOME_NOTHING: u8 = 1;
/// The largest is subtracted.
const SHIFTED: u8 = 2;

/// Σ e^{z − origin}·2^scale over logits, each kept as hi + lo.
pub(crate) fn exponentials(instructions: Instructions, z: &[f64], reference: Reference, kept: Kept) -> Sum {
    if reference.next_to_zero {
        // also since arithmetic on subnormal logits is slow
        let one = two_to(reference.scale);
        kept.hi.fill(one);
        kept.lo.fill(0.0);
        let sum = z.len() as f64 * one;
        return Sum { hi: sum, lo: 0.0, error: EXP_ERROR * sum };
    }
    match reference.kind() {
        PLAIN => instructions.run(Exponentials::<PLAIN> { z, reference, kept }),
        SOME_NOTHING => instructions.run(Exponentials::<SOME_NOTHING> { z, reference, kept }),
        _ => instructions.run(Exponentials::<SHIFTED> { z, reference, kept }),
    }
}

/// Room for exponentials, one number of each list per logit.
pub(crate) struct Kept<'a> {
    pub hi: &'a mut [f64],
    pub lo: &'a mut [f64],
}

struct Exponentials<'a, const KIND: u8> {
    z: &'a [f64],
    reference: Reference,
    kept: Kept<'a>,
}

/// A reference in all lanes.
#[derive(Clone, Copy)]
struct Relative<L: Lanes> {
    l: L,
    origin: Vector<L>,
    nothing: Vector<L>,
    scale: i32,
}

impl<L: Lanes> Relative<L> {
    #[inline(always)]
    fn new(l: L, reference: Reference) -> Self {
        let constant = |x: f64| Vector(l, l.splat(x));
        Relative { l, origin: constant(reference.origin), nothing: constant(reference.nothing), scale: reference.scale }
    }

    /// z − origin, not below `nothing`, and whether it is.
    #[inline(always)]
    fn difference(&self, z: L::F) -> (Pair<L>, L::M) {
        let d = two_difference(Vector(self.l, z), self.origin);
        // also where the difference is −∞ and its rest NaN
        let none = d.hi.less(self.nothing);
        let zero = Vector(self.l, self.l.splat(0.0));
        (Pair { hi: d.hi.max(self.nothing), lo: zero.or_where_not(none, d.lo) }, none)
    }

    /// e^{z − origin}·2^scale, or zeros
    #[inline(always)]
    fn exp(&self, z: L::F) -> Pair<L> {
        let (d, none) = self.difference(z);
        self.or_zeros(none, exp(self.l, d, self.scale))
    }

    /// The same where the origin is 0.
    #[inline(always)]
    fn exp_unshifted(&self, z: Vector<L>) -> Pair<L> {
        self.or_zeros(z.less(self.nothing), exp_of_number(self.l, z.max(self.nothing), self.scale))
    }

    /// Zeros in some lanes.
    #[inline(always)]
    fn or_zeros(&self, none: L::M, e: Pair<L>) -> Pair<L> {
        let zero = Vector(self.l, self.l.splat(0.0));
        Pair { hi: zero.or_where_not(none, e.hi), lo: zero.or_where_not(none, e.lo) }
    }
}

/// Vectors that are added up before the sum is normalised.
pub(super) const BLOCK: usize = 16;

/// What a sum starts from and loses at the end: no less than any exponential, so that each is added with its
/// rest by the short form.
const ANCHOR: f64 = two_to(SCALE + 1);

/// A bound on the error of a sum of exponentials, each within `each` of its size, in lanes that start from the
/// anchor. In a block of b the low part of a lane reaches (b + 1)·2^−53 of its high part, so each of the 2b
/// operations on it rounds by (b + 1)·2^−106 of that, and normalising it by 2^−106. The high parts of all lanes
/// come to no more than the sum and the anchors; across the lanes it is the same with blocks of one.
fn sum_error(each: f64, n: usize, lanes: usize, sum: f64) -> f64 {
    let ulp = 1.0 / (1u128 << 106) as f64;
    let blocks = (n / (lanes * BLOCK) + 2) as f64;
    let of_block = (2 * BLOCK * (BLOCK + 1) + 1) as f64;
    let anchors = lanes as f64 * ANCHOR;
    // one block more for what second-order terms add
    each * sum + (sum + anchors) * ulp * (of_block * (blocks + 1.0) + 8.0 * lanes as f64)
}

/// A sum of exponentials.
#[derive(Clone, Copy)]
struct Total<L: Lanes>(Pair<L>);

impl<L: Lanes> Total<L> {
    #[inline(always)]
    fn new(l: L) -> Total<L> {
        Total(Pair { hi: Vector(l, l.splat(ANCHOR)), lo: Vector(l, l.splat(0.0)) })
    }

    #[inline(always)]
    fn add(&mut self, x: Pair<L>) {
        let sum = fast_two_sum(self.0.hi, x.hi);
        self.0 = Pair { hi: sum.hi, lo: self.0.lo + (sum.lo + x.lo) };
    }

    #[inline(always)]
    fn normalize(&mut self) {
        self.0 = fast_two_sum(self.0.hi, self.0.lo);
    }

    /// Over the lanes, without the anchors.
    #[inline(always)]
    fn across(self, l: L, each: f64, n: usize) -> Sum {
        let (hi, lo) = (l.lanes(self.0.hi.1), l.lanes(self.0.lo.1));
        let (mut sum, mut rest) = (0.0, 0.0);
        for i in 0..L::LANES {
            let (hi, lost) = two_sum(sum, hi[i] - ANCHOR);
            (sum, rest) = (hi, rest + (lost + lo[i]));
        }
        let (hi, lo) = two_sum(sum, rest);
        Sum { hi, lo, error: sum_error(each, n, L::LANES, hi) }
    }
}

impl<const KIND: u8> Kernel for Exponentials<'_, KIND> {
    type Output = Sum;

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) -> Sum {
        let relative = Relative::new(l, self.reference);
        let mut total = Total::new(l);
        let (vectors, rest) = l.split(self.z);
        let (his, last_hi) = l.split_mut(self.kept.hi);
        let (los, last_lo) = l.split_mut(self.kept.lo);
        for ((block, his), los) in vectors.chunks(BLOCK).zip(his.chunks_mut(BLOCK)).zip(los.chunks_mut(BLOCK)) {
            for ((z, hi), lo) in block.iter().zip(his).zip(los) {
                let e = match KIND {
                    PLAIN => exp_of_number(l, Vector(l, *z), relative.scale),
                    SOME_NOTHING => relative.exp_unshifted(Vector(l, *z)),
                    _ => relative.exp(*z),
                };
                (*hi, *lo) = (e.hi.1, e.lo.1);
                total.add(e);
            }
            total.normalize();
        }
        if !rest.is_empty() {
            let e = relative.exp(l.padded(rest, f64::NEG_INFINITY));
            last_hi.copy_from_slice(&l.lanes(e.hi.1)[..rest.len()]);
            last_lo.copy_from_slice(&l.lanes(e.lo.1)[..rest.len()]);
            total.add(e);
        }
        total.across(l, EXP_ERROR, self.z.len())
    }
}

/// The same sum from precise exponentials.
pub(crate) fn precise_sum(instructions: Instructions, z: &[f64], reference: Reference) -> Sum {
    instructions.run(PreciseSum { z, reference })
}

struct PreciseSum<'a> {
    z: &'a [f64],
    reference: Reference,
}

impl Kernel for PreciseSum<'_> {
    type Output = Sum;

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) -> Sum {
        let relative = Relative::new(l, self.reference);
        let mut total = Total::new(l);
        let (vectors, rest) = l.split(self.z);
        let last = [l.padded(rest, f64::NEG_INFINITY)];
        for block in vectors.chunks(BLOCK).chain([&last[..]]) {
            for z in block {
                let (d, none) = relative.difference(*z);
                total.add(relative.or_zeros(none, exp_precise(l, d, relative.scale)));
            }
            total.normalize();
        }
        total.across(l, EXP_PRECISE_ERROR, self.z.len())
    }
}
