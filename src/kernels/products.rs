//! The products of exponentials with a factor, rounded to the nearest f64 where their bound decides it.

use super::lanes::{Lanes, Vector};
use super::pairs::{Pair, fast_two_sum, two_difference, two_sum};
use super::{Instructions, Kernel, two_to};

/// What the exponentials of a row are multiplied with, and what is taken off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factor {
    /// The factor times 2^(`form`'s power − [`SCALE`](super::exponentials::SCALE)), as hi + lo.
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

/// Multiplies exponentials, kept in `out` and `lo`, and rounds: into `out` goes the f64 nearest to each product.
/// Gives the places where the bound leaves the rounding open.
pub(crate) fn products(instructions: Instructions, factor: Factor, out: &mut [f64], lo: &[f64]) -> Vec<usize> {
    match factor.form {
        Form::Normal => instructions.run(Products::<NORMAL> { factor, out, lo }),
        Form::Subnormal => instructions.run(Products::<SUBNORMAL> { factor, out, lo }),
        Form::Less { .. } => instructions.run(Products::<LESS> { factor, out, lo }),
    }
}

const NORMAL: u8 = 0;
const SUBNORMAL: u8 = 1;
const LESS: u8 = 2;

struct Products<'a, const FORM: u8> {
    factor: Factor,
    out: &'a mut [f64],
    lo: &'a [f64],
}

impl<const FORM: u8> Kernel for Products<'_, FORM> {
    type Output = Vec<usize>;

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) -> Vec<usize> {
        let mut open = Vec::new();
        let rounding = Rounding::<L, FORM>::new(l, self.factor);
        let n = self.out.len();
        let (outs, last_out) = l.split_mut(self.out);
        let (los, last_lo) = l.split(self.lo);
        for (i, (out, lo)) in outs.iter_mut().zip(los).enumerate() {
            let e = Pair { hi: Vector(l, *out), lo: Vector(l, *lo) };
            *out = rounding.product(e, i * L::LANES, &mut open);
        }
        let e = Pair { hi: Vector(l, l.padded(last_out, 0.0)), lo: Vector(l, l.padded(last_lo, 0.0)) };
        let last = rounding.product(e, n - last_out.len(), &mut open);
        last_out.copy_from_slice(&l.lanes(last)[..last_out.len()]);
        // lanes that were filled up are none of the row's
        while open.last().is_some_and(|&i| i >= n) {
            open.pop();
        }
        open
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
        let mut rounded = sum.hi.1;
        if FORM == SUBNORMAL {
            // from here to twice as much an ulp is the smallest f64 times 2^RAISED
            let anchor = constant(two_to(-1022 + RAISED));
            let subnormal = sum.hi.less(anchor);
            let raised = fast_two_sum(anchor, sum.hi);
            // once more, since sum.hi was rounded before
            let raised = fast_two_sum(raised.hi, raised.lo + sum.lo);
            sum = Pair { hi: raised.hi.or_where_not(subnormal, sum.hi), lo: raised.lo.or_where_not(subnormal, sum.lo) };
            // by its bits, since a multiplication whose result is subnormal is slow: above the anchor by as many ulps as
            // the result is multiples of the smallest f64, or a normal number with an exponent that is too large
            let less = |bits: u64| constant(f64::from_bits(bits.wrapping_neg()));
            let lowered = less(two_to(-1022 + RAISED).to_bits()).or_where_not(subnormal, less((RAISED as u64) << 52));
            rounded = l.scale(sum.hi.1, l.bits(lowered.1));
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
        if FORM == LESS { (sum.hi * constant(two_to(-RAISED))).1 } else { rounded }
    }
}

#[cold]
#[inline(never)]
fn note(open: &mut Vec<usize>, at: usize, flags: &[f64]) {
    open.extend(flags.iter().enumerate().filter(|(_, flag)| **flag != 0.0).map(|(lane, _)| at + lane));
}
