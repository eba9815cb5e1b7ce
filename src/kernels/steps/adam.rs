//! Adam: m′ = β1 m + (1 − β1) G, v′ = β2 v + (1 − β2) G², θ′ = aθ − k m′/(√v′ + ε̂), where G is g, or g + λθ.
//!
//! The bias corrections are in k and ε̂: m̂/(√v̂ + ε) = (√(1 − β2^t)/(1 − β1^t)) m′/(√v′ + ε√(1 − β2^t)).

use super::sums::{SUM_ERROR, average_carefully, bounded, sum_of_three, sum_of_two, term};
use super::{Coefficient, RAISED, Rule, Unrounded};
use crate::kernels::bounded::Bounded;
use crate::kernels::lanes::{Lanes, Vector};
use crate::kernels::pairs::{Pair, two_difference, two_product, two_sum};
use crate::kernels::two_to;

/// The scalars of a step; `L2` says whether λθ goes into the gradient.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Adam<const L2: bool> {
    /// β1 and 1 − β1
    pub beta1: [Coefficient; 2],
    /// β2 and 1 − β2
    pub beta2: [Coefficient; 2],
    /// λ, and (1 − β1)λ, both in the gradient
    pub lambda: [Coefficient; 2],
    /// ε̂
    pub eps: Coefficient,
    /// a, what a decay beside the gradient leaves of θ
    pub kept: Coefficient,
    /// k
    pub moved: Coefficient,
}

/// A bound on v′ that is too large below 2^−540: √v′ must be far from underflow.
const LEAST_SQUARE: f64 = two_to(-600);

/// A bound on θ′ that is too large for what underflows in the last steps to count.
const LEAST_THETA: f64 = two_to(-950);

impl<const L2: bool> Rule<3, 1> for Adam<L2> {
    /// u is 2^−53, T the sum of the sizes of the terms of m′.
    ///
    /// With r = RN(√hi) and D = v′ − r², which is at most 5u of v′: 2r√v′ = 2r² + D − D²/4r², and
    /// r² = hi − (hi − r²), which is an f64. So the quotient m′/(√v′ + ε̂) is 2r m′ over
    /// 2 hi + (lo − (hi − r²)) + 2rε̂, and needs one root and one division.
    ///
    /// The divisor is within 12u² of itself by its own roundings and what is left out, within 2^−99 by v′ and
    /// 2^−100 by ε̂: 2^−98 in all; its low part is at most 4u of it. The dividend is within 2r(2^−99 + 4u²)T. With
    /// B = 2rT/divisor, which bounds the quotient: its first part is within 3u of it, the second at most 11uB and
    /// rounded within 90u²B. So the quotient is within (2^−98 + 2^−98.9 + 2^−99.5)B < 2^−97 B, and k times it within
    /// 1.25·2^−97 kB; the difference from aθ and the rounding test add 17u² of both terms. The bound is
    /// 2^−98|aθ| + 2^−95 kB, and 2^−95 is eight times [`SUM_ERROR`].
    #[inline(always)]
    fn fast<L: Lanes>(&self, l: L, state: [Vector<L>; 3], given: [Vector<L>; 1]) -> Unrounded<L, 3> {
        let ([theta, m, v], [g]) = (state, given);
        let zero = Vector::all(l, 0.0);

        let (beta1_m, g_part) = (term(l, self.beta1[0], m), term(l, self.beta1[1], g));
        let m_new = bounded(
            l,
            match L2 {
                true => sum_of_three(beta1_m, g_part, term(l, self.lambda[1], theta)),
                false => sum_of_two(beta1_m, g_part),
            },
        );

        let (square, of_square) = if L2 { self.square_of_sum(l, g, theta) } else { (two_product(g, g), zero) };
        let (v_sum, v_size) = sum_of_two(term(l, self.beta2[0], v), weighted(l, self.beta2[1], square));
        let v_error = v_size.fma(Vector::all(l, SUM_ERROR), of_square + Vector::all(l, LEAST_SQUARE));
        let v_new = Bounded { hi: v_sum.hi, lo: v_sum.lo, error: v_error };

        let r = v_sum.hi.sqrt();
        let twice = r + r;
        let of_root = Pair { hi: v_sum.hi + v_sum.hi, lo: v_sum.lo - r.fma_from(r, v_sum.hi) };
        let of_eps = term(l, self.eps, twice);
        let divisor = two_sum(of_root.hi, of_eps.hi);
        let divisor = Pair { hi: divisor.hi, lo: divisor.lo + (of_root.lo + of_eps.lo) };
        let dividend = two_product(twice, m_new.hi);
        let dividend = Pair { hi: dividend.hi, lo: twice.fma(m_new.lo, dividend.lo) };
        let inverse = Vector::all(l, 1.0) / divisor.hi;
        let first = dividend.hi * inverse;
        let left = first.fma_from(divisor.hi, dividend.hi) + first.fma_from(divisor.lo, dividend.lo);
        let second = left * inverse;

        let moved = two_product(self.moved.hi(l), first);
        let moved_lo = self.moved.hi(l).fma(second, self.moved.lo(l).fma(first, moved.lo));
        let kept = term(l, self.kept, theta);
        let difference = two_difference(kept.hi, moved.hi);
        let mut of_moved = (m_new.error * Vector::all(l, 8.0 * self.moved.hi.abs())) * (twice * inverse);
        if L2 {
            // an error e of v′ changes the quotient by no more than its part e/v′, where that is small: and where it
            // is not, v′ is not decided. kB is 2^95 times the bound so far
            of_moved = (of_square / v_sum.hi).fma(Vector::all(l, two_to(96)) * of_moved, of_moved);
        }
        let theta_error = kept.hi.abs().fma(Vector::all(l, SUM_ERROR), of_moved + Vector::all(l, LEAST_THETA));
        let theta_new = Bounded { hi: difference.hi, lo: difference.lo + (kept.lo - moved_lo), error: theta_error };
        Unrounded { state: [theta_new, m_new, v_new], doubt: if_negative(l, v) }
    }

    #[inline(always)]
    fn careful<L: Lanes>(&self, l: L, state: [Vector<L>; 3], given: [Vector<L>; 1]) -> Unrounded<L, 3> {
        let (theta, m) = (Bounded::raised(state[0], RAISED), Bounded::raised(state[1], RAISED));
        let (v, g) = (Bounded::raised(state[2], 2 * RAISED), Bounded::raised(given[0], RAISED));
        let g = if L2 { g + Bounded::of(l, self.lambda[0], 0) * theta } else { g };
        let m = average_carefully(l, self.beta1, m, g);
        let v = average_carefully(l, self.beta2, v, g * g);
        let u = m / (v.sqrt() + Bounded::of(l, self.eps, RAISED));
        let theta = Bounded::of(l, self.kept, 0) * theta - Bounded::of(l, self.moved, RAISED) * u;
        Unrounded { state: [theta, m, v], doubt: if_negative(l, state[2]) }
    }

    const RAISED: [i32; 3] = [RAISED, RAISED, 2 * RAISED];
}

/// Other than 0 where v is negative, which it must not be.
#[inline(always)]
fn if_negative<L: Lanes>(l: L, v: Vector<L>) -> Vector<L> {
    let zero = Vector::all(l, 0.0);
    (zero - v).max(zero)
}

/// c·x for a pair x whose low part is at most u of it, within 6u² of itself but for the coefficient's error.
#[inline(always)]
fn weighted<L: Lanes>(l: L, c: Coefficient, x: Pair<L>) -> Pair<L> {
    let product = two_product(c.hi(l), x.hi);
    Pair { hi: product.hi, lo: c.hi(l).fma(x.lo, c.lo(l).fma(x.hi, product.lo)) }
}

impl<const L2: bool> Adam<L2> {
    /// (g + λθ)² as a pair, and a bound on its error that no multiple of it gives where g and λθ cancel.
    #[inline(always)]
    fn square_of_sum<L: Lanes>(&self, l: L, g: Vector<L>, theta: Vector<L>) -> (Pair<L>, Vector<L>) {
        let lambda_theta = term(l, self.lambda[0], theta);
        let zero = Vector::all(l, 0.0);
        let sum = bounded(l, sum_of_two(Pair { hi: g, lo: zero }, lambda_theta));
        // the low part is small beside the high one only now
        let normal = two_sum(sum.hi, sum.lo);
        let square = two_product(normal.hi, normal.hi);
        let lo = (normal.hi + normal.hi).fma(normal.lo, square.lo);
        // |G² − x²| ≤ e(2|x| + e)
        let error = sum.error * (normal.hi.abs() + sum.error) * Vector::all(l, 4.0);
        (two_sum(square.hi, lo), error)
    }
}
