//! The exponential of a pair, as a pair: once fast, once precise.
//!
//! With k = round(256 d/ln 2), e^d = 2^(k/256) e^(d − k ln 2/256) (Tang 1989). The power of two is a
//! product of two numbers out of tables of 16 and an exponent; |r| ≤ ln 2/512 < 2^−9.52.

use super::lanes::{Lanes, Table, Vector};
use super::pairs::{Pair, fast_two_sum, two_difference, two_product, two_sum};

/// The exponentials are taken for |d| up to this.
pub(crate) const LARGEST_ARGUMENT: f64 = 2000.0;

/// Bound on the relative error of [`exp`].
///
/// Of e^r − 1 = r + r²/2 + r³q(r), the sum r + r²/2 is kept exactly but for 2^−105, and r³q, below 2^−31.1, is
/// computed with at most four roundings by 2^−53 relative to it (r², r·r², q twice: 2^−82.1) and joins in three
/// sums whose low parts are below 2^−31 (3·2^−84). The series ends before r^8/40320 < 2^−91. s, what is left of
/// k·ln 2/256, is below 2^−43 and within 2^−96, its factor e^r within 2^−52, and e^s is taken for 1 + s, within 2^−87. The table's product is
/// within 2^−103. Together below 2^−81.
pub(crate) const EXP_ERROR: f64 = 1.0 / (1u128 << 80) as f64;

/// Bound on the relative error of [`exp_precise`].
///
/// The terms up to r⁴/24 are pairs, each operation within 2^−102 of a number that is at most 2^−9.5 of the
/// result; what is computed in f64 starts with r⁵/120 < 2^−54, within 2^−106; the table's product is within
/// 2^−103 of the result and the last sums within 2^−104. Together below 2^−101.
pub(crate) const EXP_PRECISE_ERROR: f64 = 1.0 / (1u128 << 100) as f64;

/// ln 2/256, what its f64 leaves, and what that leaves.
const STEP: [f64; 3] = [0.0027076061740622863, 9.058776616587108e-20, 2.229573608756333e-36];
/// 256/ln 2
const PER_STEP: f64 = 369.3299304675746;

/// Adding this rounds to a whole number, whose bits are then the last ones; `scale` whole powers of two
/// more go into the exponent.
fn rounder(scale: i32) -> f64 {
    6_755_399_441_055_744.0 + f64::from(256 * scale)
}

/// k, and the parts of 2^(k/256 + scale) as a pair.
#[inline(always)]
fn power_of_two<L: Lanes>(l: L, d: Vector<L>, scale: i32) -> (Vector<L>, Pair<L>) {
    let rounder = Vector(l, l.splat(rounder(scale)));
    let rounded = d.fma(Vector(l, l.splat(PER_STEP)), rounder);
    let digits = l.bits(rounded.1);
    let (fine, coarse, exponents) = (digits, l.high_digit(digits), l.exponents(digits));
    let (hi, lo) = l.low_entry(&COARSE, coarse);
    let coarse = Pair { hi: Vector(l, l.scale(hi, exponents)), lo: Vector(l, l.scale(lo, exponents)) };
    let (hi, lo) = l.low_entry(&FINE, fine);
    (rounded - rounder, coarse.times(Pair { hi: Vector(l, hi), lo: Vector(l, lo) }))
}

/// e^d·2^scale within [`EXP_ERROR`], for d = hi + lo with |hi| ≤ [`LARGEST_ARGUMENT`], |lo| ≤ ulp(hi) and a
/// result above 2^−900.
#[inline(always)]
pub(crate) fn exp<L: Lanes>(l: L, d: Pair<L>, scale: i32) -> Pair<L> {
    let (k, power) = power_of_two(l, d.hi, scale);
    let s = k.fma_from(Vector(l, l.splat(STEP[1])), d.lo);
    exp_of_rest(l, reduced(l, k, d.hi), s, power)
}

/// The same of a number.
#[inline(always)]
pub(crate) fn exp_of_number<L: Lanes>(l: L, d: Vector<L>, scale: i32) -> Pair<L> {
    let (k, power) = power_of_two(l, d, scale);
    let s = k * Vector(l, l.splat(-STEP[1]));
    exp_of_rest(l, reduced(l, k, d), s, power)
}

/// r = d − k·(the f64 of ln 2/256), exactly: both are multiples of 2^−62, or k = 0, and r is below 2^−9.
#[inline(always)]
fn reduced<L: Lanes>(l: L, k: Vector<L>, d: Vector<L>) -> Vector<L> {
    k.fma_from(Vector(l, l.splat(STEP[0])), d)
}

/// 2^(k/256)·e^r·e^s
#[inline(always)]
fn exp_of_rest<L: Lanes>(l: L, r: Vector<L>, s: Vector<L>, power: Pair<L>) -> Pair<L> {
    let constant = |x: f64| Vector(l, l.splat(x));
    let half = constant(0.5);
    let square = two_product(r, r);
    let p = half.fma(square.hi, r);
    let q = constant(1.0 / 5040.0);
    let q = q.fma(r, constant(1.0 / 720.0)).fma(r, constant(1.0 / 120.0));
    let q = q.fma(r, constant(1.0 / 24.0)).fma(r, constant(1.0 / 6.0));
    let p_rest = (r * square.hi).fma(q, half.fma(square.lo, half.fma(square.hi, r - p)));
    // 2^(k/256)·(1 + p)(1 + s)
    let hi = power.hi.fma(p, power.hi);
    let lo = power.hi.fma(p, power.hi - hi) + power.lo;
    let lo = power.hi.fma(p_rest, power.lo.fma(p, lo));
    // s may be 2^−44, so that its factor needs p_rest
    fast_two_sum(hi, power.hi.fma(p_rest, hi).fma(s, lo))
}

/// c + xy for x a number, y a pair, |c| above |xy|.
#[inline(always)]
fn horner<L: Lanes>(c: Pair<L>, x: Vector<L>, y: Pair<L>) -> Pair<L> {
    let product = two_product(x, y.hi);
    let sum = fast_two_sum(c.hi, product.hi);
    fast_two_sum(sum.hi, sum.lo + (x.fma(y.lo, product.lo) + c.lo))
}

/// e^d·2^scale within [`EXP_PRECISE_ERROR`], for the same arguments.
#[inline(always)]
pub(crate) fn exp_precise<L: Lanes>(l: L, d: Pair<L>, scale: i32) -> Pair<L> {
    let constant = |x: f64| Vector(l, l.splat(x));
    let (k, power) = power_of_two(l, d.hi, scale);
    let power = power.normalized();
    let r = reduced(l, k, d.hi);
    // s = d.lo − k·(the rest of ln 2/256), below 2^−43, and e^s − 1 = s + s²/2
    let taken = two_product(k, constant(STEP[1]));
    let s = two_difference(d.lo, taken.hi);
    let s = two_sum(s.hi, s.lo - k.fma(constant(STEP[2]), taken.lo));
    let s = Pair { hi: s.hi, lo: (constant(0.5) * s.hi).fma(s.hi, s.lo) };
    // e^r − 1 = r + r²(1/2 + r(1/6 + r(1/24 + r(1/120 + …))))
    let tail = constant(1.0 / 362_880.0).fma(r, constant(1.0 / 40_320.0)).fma(r, constant(1.0 / 5040.0));
    let tail = tail.fma(r, constant(1.0 / 720.0)).fma(r, constant(1.0 / 120.0));
    let mut series = Pair { hi: tail, lo: constant(0.0) };
    for [hi, lo] in [ONE_24TH, ONE_6TH, [0.5, 0.0]] {
        series = horner(Pair { hi: constant(hi), lo: constant(lo) }, r, series);
    }
    let rest = two_product(r, r).times(series);
    let sum = fast_two_sum(r, rest.hi);
    let e = fast_two_sum(sum.hi, sum.lo + rest.lo);
    // (1 + e)(1 + s) − 1
    let sum = two_sum(e.hi, s.hi);
    let f = fast_two_sum(sum.hi, sum.lo + (e.lo + e.hi.fma(s.hi, e.hi.fma(s.lo, s.lo))));
    let product = power.times(f);
    let sum = fast_two_sum(power.hi, product.hi);
    fast_two_sum(sum.hi, sum.lo + (product.lo + power.lo))
}

/// 1/24 and 1/6, as f64 and what that leaves.
const ONE_24TH: [f64; 2] = [1.0 / 24.0, 2.3129646346357427e-18];
const ONE_6TH: [f64; 2] = [1.0 / 6.0, 9.25185853854297e-18];

/// 2^((2a − 1)/32) for a from 0, as f64 and what that leaves.
#[rustfmt::skip]
static COARSE: Table = Table::new([
    [0.9785720620877001, 4.480383895518334e-17],
    [1.0218971486541166, 5.109225028973444e-17],
    [1.0671404006768237, -7.899853966841582e-17],
    [1.1143867425958924, 1.0410278456845571e-16],
    [1.1637248587775775, 3.8292048369240935e-17],
    [1.215247359980469, -7.712630692681488e-17],
    [1.2690509571917332, 2.667932131342186e-18],
    [1.3252366431597413, -2.8587312100388614e-17],
    [1.383909881963832, -6.770511658794786e-17],
    [1.4451808069770467, -3.0237581349939873e-17],
    [1.5091644275934228, -1.016455327754295e-16],
    [1.5759808451078865, -1.0136916471278304e-17],
    [1.645755478153965, -1.0125679913674773e-16],
    [1.718619298122478, -1.851380418263111e-17],
    [1.7947090750031072, 1.8227458427912087e-17],
    [1.8741676341103, -6.122763413004143e-17],
]);

/// 2^((b + 8)/256) for b from 0, as f64 and what that leaves. Entries of both tables have a rest other than
/// zero, whose exponent can be moved.
#[rustfmt::skip]
static FINE: Table = Table::new([
    [1.0218971486541166, 5.109225028973444e-17],
    [1.0246677928971357, -7.56160786848778e-17],
    [1.0274459491187637, -4.9560741746453704e-17],
    [1.030231637686041, 3.319830041080813e-17],
    [1.0330248790212284, 7.600838874027088e-18],
    [1.0358256936019572, -7.806782391337636e-17],
    [1.0386341019613787, 5.996273788852511e-17],
    [1.041450124688316, 3.784830480287576e-17],
    [1.0442737824274138, 8.551889705537965e-17],
    [1.0471050958792898, 7.277077243104315e-17],
    [1.0499440858006872, 5.592937848127003e-17],
    [1.0527907730046264, -9.629482899026936e-17],
    [1.0556451783605572, 1.759325738772092e-18],
    [1.0585073227945128, -7.152651856637781e-17],
    [1.061377227289262, -1.1973537085365658e-17],
    [1.0642549128844645, 5.0787541986112304e-17],
]);
