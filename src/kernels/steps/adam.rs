//! Adam: m′ = β1 m + (1 − β1) G, v′ = β2 v + (1 − β2) G², θ′ = aθ − k m′/(√v′ + ε̂), where G is g, or g + λθ.
//!
//! The bias corrections are in k and ε̂: m̂/(√v̂ + ε) = (√(1 − β2^t)/(1 − β1^t)) m′/(√v′ + ε√(1 − β2^t)).

use super::sums::{ERROR, TINY, average_carefully, sizes, sum_of_two, term, three_terms, two_terms};
use super::{AtRest, Coefficient, Estimate, RAISED, Rule, Unrounded};
use crate::kernels::bounded::Bounded;
use crate::kernels::lanes::{Lanes, Vector};
use crate::kernels::pairs::{Pair, sum_of_nonnegative, two_difference, two_product, two_sum};
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

/// As [`TINY`], for v′: ERROR times this is 2^−600, so that √v′ of a v′ that is decided is far from underflow.
const LEAST_SQUARE: f64 = two_to(-502);

impl<const L2: bool> Rule<3, 1> for Adam<L2> {
    /// u is 2^−53, T the sum of the sizes of the terms of m′, V is v′, D = √v′ + ε̂, and B = T/D, which bounds the
    /// quotient.
    ///
    /// v′ is a sum of numbers that are not negative: it is the sum of their sizes, and the larger one is added first.
    ///
    /// r = RN(√hi), and hi − r², at most 2u of it, is an f64; with δ = RN(V − r²), at most 6.1u of v′ and within 7u² and
    /// the bound of V, √V = r + δ/2r − (δ/2r)²/2r + …, whose last is below 5u²r. D is hi + lo = (r + ε̂) + δ/2r, where
    /// 1/2r out of 1/(2r·D) is within 3u: 9.2u²r, and two sums of at most 2.1u and 5.1u of D round by 7.2u²D. So
    /// hi + lo is within 25u² + 2^−100 + 2^−99 < 2^−97.9 of D, and lo at most 5.1u of it.
    ///
    /// first = RN(hi/D) is within 8.3u of its quotient; what is left of the dividend, at most 12.4uT, is known within
    /// 24u²T, and its quotient by D rounds by 9.4u of itself: 117u²B. So first + second is within
    /// (2^−99 + 2^−97.9 + 141u²)B < 2^−96.8 B of m′/D, and second at most 12.5uB. The product with k adds 94u²kB, the
    /// difference from aθ and the rounding test 48u²kB and 76u²|aθ|: together less than 2^−98 of |aθ| and 2^−96 of
    /// kB, of which the size takes four times 2^−98.
    #[inline(always)]
    fn fast<L: Lanes>(&self, l: L, [theta, m, v]: [Vector<L>; 3], [g]: [Vector<L>; 1]) -> [Estimate<L>; 3] {
        let m = match L2 {
            true => three_terms(l, [self.beta1[0], self.beta1[1], self.lambda[1]], [m, g, theta]),
            false => two_terms(l, self.beta1, [m, g]),
        };
        let (v, of_square) = self.second_moment(l, v, g, theta);
        let root = v.hi.sqrt();
        let delta = root.fma_from(root, v.hi) + v.lo;
        let divisor = sum_of_nonnegative(root, self.eps.hi(l));
        let divisor = Pair { hi: divisor.hi, lo: divisor.lo + self.eps.lo(l) };
        let inverse = Vector::all(l, 0.5) / (root * divisor.hi);
        let half_over_root = divisor.hi * inverse;
        let divisor_lo = delta.fma(half_over_root, divisor.lo);
        let over_divisor = (root + root) * inverse;
        let first = m.hi * over_divisor;
        let left = first.fma_from(divisor.hi, m.hi) + m.lo;
        let second = first.fma_from(divisor_lo, left) * over_divisor;

        let moved = two_product(self.moved.hi(l), first);
        let moved_lo = self.moved.hi(l).fma(second, self.moved.lo(l).fma(first, moved.lo));
        let kept = term(l, self.kept, theta);
        let difference = two_difference(kept.hi, moved.hi);
        let lo = difference.lo + (kept.lo - moved_lo);
        let four_k = Vector::all(l, 4.0 * self.moved.hi.abs());
        let mut sizes = m.size * over_divisor;
        if L2 {
            // an error e of v′ changes the quotient by no more than its part e/v′, where that is small: and where it
            // is not, v′ is not decided
            let over_root = half_over_root + half_over_root;
            sizes = (of_square * over_root * over_root).fma(sizes, sizes);
        }
        let size = sizes.fma(four_k, kept.hi.abs() + Vector::all(l, TINY));
        [Estimate { hi: difference.hi, lo, size }, m, v]
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
        let zero = Vector::all(l, 0.0);
        Unrounded { state: [theta, m, v], doubt: (zero - state[2]).max(zero) }
    }

    /// Where there is no decay in the gradient, and a divisor.
    fn at_rest(&self) -> Option<[AtRest; 3]> {
        let all = [self.kept, self.beta1[0], self.beta2[0]].map(|kept| AtRest { kept, given: 0 });
        (!L2 && self.eps.hi > 0.0).then_some(all)
    }

    #[inline(always)]
    fn domain<L: Lanes>(&self, l: L, [.., v]: [Vector<L>; 3]) -> L::M {
        let zero = Vector::all(l, 0.0);
        l.or(zero.less(v), zero.equal(v))
    }

    const RAISED: [i32; 3] = [RAISED, RAISED, 2 * RAISED];
}

/// c·x for a pair x whose low part is at most u of it, within 6u² of itself but for the coefficient's error.
#[inline(always)]
fn weighted<L: Lanes>(l: L, c: Coefficient, x: Pair<L>) -> Pair<L> {
    let product = two_product(c.hi(l), x.hi);
    Pair { hi: product.hi, lo: c.hi(l).fma(x.lo, c.lo(l).fma(x.hi, product.lo)) }
}

impl<const L2: bool> Adam<L2> {
    /// v′, of infinite size where v is negative, which it must not be; and the part of its size by which the error of G²
    /// exceeds what is relative to v′.
    #[inline(always)]
    fn second_moment<L: Lanes>(&self, l: L, v: Vector<L>, g: Vector<L>, theta: Vector<L>) -> (Estimate<L>, Vector<L>) {
        let zero = Vector::all(l, 0.0);
        let (square, of_square) = if L2 { self.square_of_sum(l, g, theta) } else { (two_product(g, g), zero) };
        let (kept, added) = (term(l, self.beta2[0], v), weighted(l, self.beta2[1], square));
        let sum = sum_of_nonnegative(kept.hi, added.hi);
        let mut size = sum.hi + Vector::all(l, LEAST_SQUARE);
        if L2 {
            size = size + of_square;
        }
        let size = Vector::all(l, f64::INFINITY).or_where_not(v.less(zero), size);
        (Estimate { hi: sum.hi, lo: sum.lo + (kept.lo + added.lo), size }, of_square)
    }

    /// (g + λθ)² as a pair, and a bound on its error over [`ERROR`], which no multiple of it gives where g and λθ cancel.
    #[inline(always)]
    fn square_of_sum<L: Lanes>(&self, l: L, g: Vector<L>, theta: Vector<L>) -> (Pair<L>, Vector<L>) {
        let sum = sum_of_two(Pair { hi: g, lo: Vector::all(l, 0.0) }, term(l, self.lambda[0], theta));
        let size = sizes(l, [(self.lambda[0], theta)]) + g.abs();
        // the low part is small beside the high one only now
        let normal = two_sum(sum.hi, sum.lo);
        let square = two_product(normal.hi, normal.hi);
        let lo = (normal.hi + normal.hi).fma(normal.lo, square.lo);
        // |G² − x²| ≤ e(2|x| + e), where e is ERROR·size
        let error = size.fma(Vector::all(l, ERROR), normal.hi.abs()) * size * Vector::all(l, 4.0);
        (two_sum(square.hi, lo), error)
    }
}
