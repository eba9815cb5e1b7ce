//! The passes of a softmax over a row: its extremes, the sum of its exponentials, and its quotients
//! correctly rounded where the bound decides.

use super::exp::{EXP_ERROR, EXP_PRECISE_ERROR, LARGEST_ARGUMENT, exp, exp_of_number, exp_precise};
use super::lanes::{Lanes, Vector};
use super::pairs::{Pair, fast_two_sum, two_difference, two_sum};
use super::{Instructions, Kernel};

/// Exponentials are held times 2^this, so that the smallest that can count are normal numbers.
pub(crate) const SCALE: i32 = 200;

/// Below this difference to the largest logit a probability is below half of the smallest f64: e^−746 < 2^−1076.
pub(crate) const NOTHING: f64 = -746.0;

/// The largest and the smallest of some logits; −∞ and ∞ of none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Extremes {
    pub largest: f64,
    pub smallest: f64,
    /// Whether all are below ∞, and none is NaN.
    pub below_infinity: bool,
}

impl Extremes {
    /// Of two parts of a row.
    pub fn with(self, other: Extremes) -> Extremes {
        Extremes {
            largest: self.largest.max(other.largest),
            smallest: self.smallest.min(other.smallest),
            below_infinity: self.below_infinity && other.below_infinity,
        }
    }
}

/// The extremes of some numbers; the first two are of use where all are below ∞.
pub(crate) fn extremes(instructions: Instructions, z: &[f64]) -> Extremes {
    instructions.run(FindExtremes { z })
}

struct FindExtremes<'a> {
    z: &'a [f64],
}

impl Kernel for FindExtremes<'_> {
    type Output = Extremes;

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) -> Extremes {
        let (none, most) = (Vector(l, l.splat(f64::NEG_INFINITY)), Vector(l, l.splat(f64::INFINITY)));
        // four of each, so that no one waits for the last
        let (mut largest, mut smallest) = ([none; 4], [most; 4]);
        let mut below = [none.less(most); 4];
        let (vectors, rest) = l.split(self.z);
        let (fours, vectors) = vectors.as_chunks::<4>();
        for four in fours {
            for i in 0..4 {
                let z = Vector(l, four[i]);
                largest[i] = largest[i].max(z);
                smallest[i] = smallest[i].min(z);
                below[i] = l.and(below[i], z.less(most));
            }
        }
        for z in vectors {
            largest[0] = largest[0].max(Vector(l, *z));
            smallest[0] = smallest[0].min(Vector(l, *z));
            below[0] = l.and(below[0], Vector(l, *z).less(most));
        }
        let last = Vector(l, l.padded(rest, f64::NEG_INFINITY));
        largest[0] = largest[0].max(last);
        below[0] = l.and(below[0], last.less(most));
        smallest[0] = smallest[0].min(Vector(l, l.padded(rest, f64::INFINITY)));
        let largest = largest[0].max(largest[1]).max(largest[2].max(largest[3]));
        let smallest = smallest[0].min(smallest[1]).min(smallest[2].min(smallest[3]));
        Extremes {
            largest: l.lanes(largest.1)[..L::LANES].iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b)),
            smallest: l.lanes(smallest.1)[..L::LANES].iter().fold(f64::INFINITY, |a, &b| a.min(b)),
            below_infinity: l.all(l.and(l.and(below[0], below[1]), l.and(below[2], below[3]))),
        }
    }
}

/// A sum as hi + lo, with a bound on its error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sum {
    pub hi: f64,
    pub lo: f64,
    pub error: f64,
}

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
}

impl Reference {
    /// For logits with these extremes, the largest finite.
    pub fn of(z: Extremes) -> Reference {
        let some_nothing = z.smallest - z.largest < NOTHING;
        if z.largest.abs() + NOTHING.abs() < LARGEST_ARGUMENT {
            let scale = SCALE - libm::floor(z.largest / std::f64::consts::LN_2) as i32;
            Reference { origin: 0.0, scale, nothing: z.largest + NOTHING, some_nothing }
        } else {
            Reference { origin: z.largest, scale: SCALE, nothing: NOTHING, some_nothing }
        }
    }

    /// For logits that are all this one.
    pub fn at(z: f64) -> Reference {
        Reference { origin: z, scale: SCALE, nothing: NOTHING, some_nothing: false }
    }

    /// Whether every logit is small enough for the exponential, and none is nothing.
    fn is_plain(self) -> bool {
        self.origin == 0.0 && !self.some_nothing
    }
}

/// Σ e^{z − origin}·2^scale over logits, each kept as hi + lo.
pub(crate) fn exponentials(instructions: Instructions, z: &[f64], reference: Reference, kept: Kept) -> Sum {
    match reference.is_plain() {
        true => instructions.run(Exponentials::<true> { z, reference, kept }),
        false => instructions.run(Exponentials::<false> { z, reference, kept }),
    }
}

/// Room for exponentials, one number of each list per logit.
pub(crate) struct Kept<'a> {
    pub hi: &'a mut [f64],
    pub lo: &'a mut [f64],
}

struct Exponentials<'a, const PLAIN: bool> {
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
        let (l, (d, none)) = (self.l, self.difference(z));
        let (e, zero) = (exp(l, d, self.scale), Vector(l, l.splat(0.0)));
        Pair { hi: zero.or_where_not(none, e.hi), lo: zero.or_where_not(none, e.lo) }
    }
}

/// Vectors that are added up before the sum is normalised.
const BLOCK: usize = 16;

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
            let (hi, lost) = crate::number::two_sum(sum, hi[i] - ANCHOR);
            (sum, rest) = (hi, rest + (lost + lo[i]));
        }
        let (hi, lo) = crate::number::two_sum(sum, rest);
        Sum { hi, lo, error: sum_error(each, n, L::LANES, hi) }
    }
}

impl<const PLAIN: bool> Kernel for Exponentials<'_, PLAIN> {
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
                let e = if PLAIN { exp_of_number(l, Vector(l, *z), relative.scale) } else { relative.exp(*z) };
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
        let zero = Vector(l, l.splat(0.0));
        let mut total = Total::new(l);
        let (vectors, rest) = l.split(self.z);
        let last = [l.padded(rest, f64::NEG_INFINITY)];
        for block in vectors.chunks(BLOCK).chain([&last[..]]) {
            for z in block {
                let (d, none) = relative.difference(*z);
                let e = exp_precise(l, d, relative.scale);
                total.add(Pair { hi: zero.or_where_not(none, e.hi), lo: zero.or_where_not(none, e.lo) });
            }
            total.normalize();
        }
        total.across(l, EXP_PRECISE_ERROR, self.z.len())
    }
}

/// Σ (z − origin)·2^−`down`, with a bound on its absolute error; for finite logits whose differences times
/// 2^−`down` are at most `largest` in size, far below the range of f64.
pub(crate) fn sum_of_differences(instructions: Instructions, z: &[f64], origin: f64, down: i32, largest: f64) -> Sum {
    instructions.run(SumOfDifferences { z, origin, down, largest })
}

struct SumOfDifferences<'a> {
    z: &'a [f64],
    origin: f64,
    down: i32,
    largest: f64,
}

impl Kernel for SumOfDifferences<'_> {
    type Output = Sum;

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) -> Sum {
        let constant = |x: f64| Vector(l, l.splat(x));
        let factor = two_to(-self.down);
        let (down, origin) = (constant(factor), constant(self.origin * factor));
        let (mut hi, mut lo) = (constant(0.0), constant(0.0));
        let (vectors, rest) = l.split(self.z);
        let last = [l.padded(rest, self.origin)];
        for block in vectors.chunks(BLOCK).chain([&last[..]]) {
            for z in block {
                let d = two_difference(Vector(l, *z) * down, origin);
                let sum = two_sum(hi, d.hi);
                (hi, lo) = (sum.hi, lo + (sum.lo + d.lo));
            }
            let sum = two_sum(hi, lo);
            (hi, lo) = (sum.hi, sum.lo);
        }
        let (his, los) = (l.lanes(hi.1), l.lanes(lo.1));
        let (mut sum, mut rest) = (0.0, 0.0);
        for i in 0..L::LANES {
            let (hi, lost) = crate::number::two_sum(sum, his[i]);
            (sum, rest) = (hi, rest + (lost + los[i]));
        }
        let (hi, lo) = crate::number::two_sum(sum, rest);
        // as in `sum_error`, where no high part exceeds the sum of all sizes; below 2^−1022 a product is
        // within 2^−1075
        let (n, blocks) = (self.z.len() as f64, (self.z.len() / (L::LANES * BLOCK) + 3) as f64);
        let of_block = (2 * BLOCK * (BLOCK + 1) + 1) as f64;
        let ulp = 1.0 / (1u128 << 106) as f64;
        let error = n * self.largest * ulp * (of_block * blocks + 8.0 * L::LANES as f64) + n * two_to(-1022);
        Sum { hi, lo, error }
    }
}

/// What the exponentials of a row are multiplied with, and what is taken off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factor {
    /// The factor times 2^(`form`'s power − [`SCALE`]), as hi + lo.
    pub hi: f64,
    pub lo: f64,
    /// Bound on the relative error of a product.
    pub error: f64,
    pub form: Form,
}

/// How products are rounded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    /// As they are: all normal numbers, or zeros.
    Normal,
    /// Times 2^[`RAISED`], with results that may be subnormal.
    Subnormal,
    /// Times 2^[`RAISED`], less a number hi + lo > 0, known within `error`.
    Less { hi: f64, lo: f64, error: f64 },
}

/// Products are held times 2^this where they may underflow.
pub(crate) const RAISED: i32 = 400;

/// 2^n for a normal result
pub(crate) const fn two_to(n: i32) -> f64 {
    f64::from_bits(((n + 1023) as u64) << 52)
}

/// Multiplies exponentials, kept in `out` and `lo`, and rounds: into `out` goes the f64 nearest to each product,
/// and into `open` the places where the bound leaves the rounding open.
pub(crate) fn products(instructions: Instructions, factor: Factor, out: &mut [f64], lo: &[f64], open: &mut Vec<usize>) {
    match factor.form {
        Form::Normal => instructions.run(Products::<NORMAL> { factor, out, lo, open }),
        Form::Subnormal => instructions.run(Products::<SUBNORMAL> { factor, out, lo, open }),
        Form::Less { .. } => instructions.run(Products::<LESS> { factor, out, lo, open }),
    }
}

const NORMAL: u8 = 0;
const SUBNORMAL: u8 = 1;
const LESS: u8 = 2;

struct Products<'a, const FORM: u8> {
    factor: Factor,
    out: &'a mut [f64],
    lo: &'a [f64],
    open: &'a mut Vec<usize>,
}

impl<const FORM: u8> Kernel for Products<'_, FORM> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let rounding = Rounding::<L, FORM>::new(l, self.factor);
        let n = self.out.len();
        let (outs, last_out) = l.split_mut(self.out);
        let (los, last_lo) = l.split(self.lo);
        for (i, (out, lo)) in outs.iter_mut().zip(los).enumerate() {
            let e = Pair { hi: Vector(l, *out), lo: Vector(l, *lo) };
            *out = rounding.product(e, i * L::LANES, self.open);
        }
        let e = Pair { hi: Vector(l, l.padded(last_out, 0.0)), lo: Vector(l, l.padded(last_lo, 0.0)) };
        let last = rounding.product(e, n - last_out.len(), self.open);
        last_out.copy_from_slice(&l.lanes(last)[..last_out.len()]);
        // lanes that were filled up are none of the row's
        while self.open.last().is_some_and(|&i| i >= n) {
            self.open.pop();
        }
    }
}

/// A factor in all lanes.
struct Rounding<L: Lanes, const FORM: u8> {
    l: L,
    factor: Pair<L>,
    error: Vector<L>,
    less: Pair<L>,
    less_error: Vector<L>,
}

impl<L: Lanes, const FORM: u8> Rounding<L, FORM> {
    #[inline(always)]
    fn new(l: L, factor: Factor) -> Self {
        let constant = |x: f64| Vector(l, l.splat(x));
        let (hi, lo, error) = match factor.form {
            Form::Less { hi, lo, error } => (hi, lo, error),
            _ => (0.0, 0.0, 0.0),
        };
        Rounding {
            l,
            factor: Pair { hi: constant(factor.hi), lo: constant(factor.lo) },
            error: constant(factor.error),
            less: Pair { hi: constant(hi), lo: constant(lo) },
            less_error: constant(error),
        }
    }

    /// The rounded product of an exponential; `at` is where its first lane stands.
    #[inline(always)]
    fn product(&self, e: Pair<L>, at: usize, open: &mut Vec<usize>) -> L::F {
        let l = self.l;
        let constant = |x: f64| Vector(l, l.splat(x));
        let product = e.times(self.factor);
        let mut error = product.hi * self.error;
        let mut sum = fast_two_sum(product.hi, product.lo);
        if FORM == LESS {
            let difference = two_difference(product.hi, self.less.hi);
            sum = two_sum(difference.hi, difference.lo + (product.lo - self.less.lo));
            error = error + self.less_error;
        }
        let mut rounded = sum;
        if FORM == SUBNORMAL {
            // in [2^−622, 2^−621) an ulp is the smallest f64 times 2^RAISED
            let anchor = constant(1.5 * two_to(-1022 + RAISED));
            let at_anchor = anchor + sum.hi;
            let nearest = at_anchor - anchor;
            let subnormal = sum.hi.less(constant(two_to(-1022 + RAISED)));
            let rest = (sum.hi - nearest) + sum.lo;
            sum = Pair { hi: at_anchor.or_where_not(subnormal, sum.hi), lo: rest.or_where_not(subnormal, sum.lo) };
            rounded.hi = nearest.or_where_not(subnormal, rounded.hi);
        }
        // every number within the error rounds to the same
        let above = (sum.hi + (sum.lo + error)).equal(sum.hi);
        let below = (sum.hi + (sum.lo - error)).equal(sum.hi);
        let mut decided = l.and(above, below);
        if FORM == LESS {
            let least = constant(two_to(-1022 + RAISED));
            let normal = l.or(least.less(sum.hi), sum.hi.less(-least));
            decided = l.and(decided, normal);
        }
        if !l.all(decided) {
            let flags = constant(0.0).or_where_not(decided, constant(1.0));
            note(open, at, &l.lanes(flags.1)[..L::LANES]);
        }
        if FORM == NORMAL { rounded.hi.1 } else { (rounded.hi * constant(two_to(-RAISED))).1 }
    }
}

#[cold]
#[inline(never)]
fn note(open: &mut Vec<usize>, at: usize, flags: &[f64]) {
    open.extend(flags.iter().enumerate().filter(|(_, flag)| **flag != 0.0).map(|(lane, _)| at + lane));
}
