//! Sophia: m′ = β1 m + (1 − β1) g, h′ = β2 h + (1 − β2) ĥ or h, θ′ = aθ − k clip(m′/max(γh′, ε), −ρ, ρ).

use super::sums::{ERROR, TINY, average_carefully, term, two_terms};
use super::{AtRest, Coefficient, Estimate, RAISED, Rule, Unrounded};
use crate::kernels::bounded::Bounded;
use crate::kernels::lanes::{Lanes, Vector};
use crate::kernels::pairs::{Pair, two_difference, two_product, two_sum};
use crate::kernels::two_to;

/// The scalars of a step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sophia {
    /// β1 and 1 − β1
    pub beta1: [Coefficient; 2],
    /// β2 and 1 − β2, or 1 and 0 where h stays
    pub beta2: [Coefficient; 2],
    /// γ, above 0
    pub gamma: Coefficient,
    /// ε
    pub eps: Coefficient,
    /// ρ
    pub rho: Coefficient,
    /// a, what the decay leaves of θ
    pub kept: Coefficient,
    /// k, how far a direction of 1 moves θ
    pub moved: Coefficient,
    /// kρ
    pub clipped: Coefficient,
}

/// How far from ρ, relative to the size of the terms of the ratio, the first part of a ratio tells on which side of
/// it the ratio is.
const CLEAR: f64 = two_to(-48);

impl Rule<3, 1> for Sophia {
    #[inline(always)]
    fn fast<L: Lanes>(&self, l: L, state: [Vector<L>; 3], given: [Vector<L>; 1]) -> [Estimate<L>; 3] {
        // h as it is; a zero is +0
        let zero = Vector::all(l, 0.0);
        self.with_curvature(l, state, given[0], Estimate { hi: state[2] + zero, lo: zero, size: zero })
    }

    #[inline(always)]
    fn careful<L: Lanes>(&self, l: L, state: [Vector<L>; 3], given: [Vector<L>; 1]) -> Unrounded<L, 3> {
        self.carefully(l, state, given[0], Bounded::raised(state[2], RAISED))
    }

    fn at_rest(&self) -> Option<[AtRest; 3]> {
        self.resting(AtRest { kept: Coefficient::ONE, given: 0 })
    }

    const RAISED: [i32; 3] = [RAISED; 3];
}

impl Rule<3, 2> for Sophia {
    #[inline(always)]
    fn fast<L: Lanes>(&self, l: L, state: [Vector<L>; 3], given: [Vector<L>; 2]) -> [Estimate<L>; 3] {
        self.with_curvature(l, state, given[0], two_terms(l, self.beta2, [state[2], given[1]]))
    }

    #[inline(always)]
    fn careful<L: Lanes>(&self, l: L, state: [Vector<L>; 3], given: [Vector<L>; 2]) -> Unrounded<L, 3> {
        let (h, estimate) = (Bounded::raised(state[2], RAISED), Bounded::raised(given[1], RAISED));
        let h = average_carefully(l, self.beta2, h, estimate);
        self.carefully(l, state, given[0], h)
    }

    fn at_rest(&self) -> Option<[AtRest; 3]> {
        self.resting(AtRest { kept: self.beta2[0], given: 1 })
    }

    const RAISED: [i32; 3] = [RAISED; 3];
}

impl Sophia {
    /// Where there is a divisor: the ratio is 0 however large h is.
    fn resting(&self, curvature: AtRest) -> Option<[AtRest; 3]> {
        let [theta, m] = [self.kept, self.beta1[0]].map(|kept| AtRest { kept, given: 0 });
        (self.eps.hi > 0.0).then_some([theta, m, curvature])
    }

    /// u is 2^−53, T the sum of the sizes of the terms of m′, d the divisor max(γh′, ε), B = T/d.
    ///
    /// Of the ratio m′/d the first part is within 3u of hi/d, the second at most 11uB and rounded within 90u²B, as
    /// for Adam; m′ is within 2^−99 T and d within half its bound e, which changes the ratio by no more than |ratio|
    /// e/d where e is below d/2. So the ratio is within 2^−97 B + 2|first| e/d.
    #[inline(always)]
    fn with_curvature<L: Lanes>(
        &self,
        l: L,
        [theta, m, _]: [Vector<L>; 3],
        g: Vector<L>,
        h: Estimate<L>,
    ) -> [Estimate<L>; 3] {
        let zero = Vector::all(l, 0.0);
        let m = two_terms(l, self.beta1, [m, g]);

        let scaled = two_product(self.gamma.hi(l), h.hi);
        let scaled_lo = self.gamma.hi(l).fma(h.lo, self.gamma.lo(l).fma(h.hi, scaled.lo));
        let scaled = two_sum(scaled.hi, scaled_lo);
        let above = (scaled.hi - self.eps.hi(l)) + (scaled.lo - self.eps.lo(l));
        let floor = above.less(zero);
        let divisor = Pair {
            hi: self.eps.hi(l).or_where_not(floor, scaled.hi),
            lo: self.eps.lo(l).or_where_not(floor, scaled.lo),
        };
        let scaled_size = h.size.fma(self.gamma.hi(l), scaled.hi.abs());
        let scaled_error = scaled_size.fma(Vector::all(l, ERROR), Vector::all(l, ERROR * TINY));
        // ε is known, unless γh′ may be above it
        let passed = (above + scaled_error).max(zero);
        let divisor_error = divisor.hi.fma(Vector::all(l, ERROR), passed.or_where_not(floor, scaled_error));

        let inverse = Vector::all(l, 1.0) / divisor.hi;
        let first = m.hi * inverse;
        let left = first.fma_from(divisor.hi, m.hi) + first.fma_from(divisor.lo, m.lo);
        let second = left * inverse;
        let relative = divisor_error * inverse;
        let size = first.abs();
        let sizes = m.size * inverse;
        let error = sizes.fma(Vector::all(l, ERROR), size * relative) * Vector::all(l, 2.0);

        let margin = sizes.fma(Vector::all(l, CLEAR), error);
        let clips = (self.rho.hi(l) + margin).less(size);
        let passes = size.less(self.rho.hi(l) - margin);
        // and a divisor that is hardly known is none
        let known = l.and(l.or(clips, passes), relative.less(Vector::all(l, 0.25)));

        let product = two_product(self.moved.hi(l), first);
        let product_lo = self.moved.hi(l).fma(second, self.moved.lo(l).fma(first, product.lo));
        let negative = first.less(zero);
        let (hi, lo) = (self.clipped.hi(l), self.clipped.lo(l));
        let moved = Pair {
            hi: (-hi).or_where_not(negative, hi).or_where_not(clips, product.hi),
            lo: (-lo).or_where_not(negative, lo).or_where_not(clips, product_lo),
        };
        // the product's own error is no more than that of the ratio
        let moved_size = zero.or_where_not(clips, error * Vector::all(l, 4.0 / ERROR * self.moved.hi.abs()));
        let kept = term(l, self.kept, theta);
        let difference = two_difference(kept.hi, moved.hi);
        let size = (kept.hi.abs() + moved.hi.abs()) + (moved_size + Vector::all(l, TINY));
        let theta_new = Estimate {
            hi: difference.hi,
            lo: difference.lo + (kept.lo - moved.lo),
            size: size.or_where_not(known, Vector::all(l, f64::INFINITY)),
        };
        [theta_new, m, h]
    }

    #[inline(always)]
    fn carefully<L: Lanes>(&self, l: L, [theta, m, _]: [Vector<L>; 3], g: Vector<L>, h: Bounded<L>) -> Unrounded<L, 3> {
        let (theta, m, g) = (Bounded::raised(theta, RAISED), Bounded::raised(m, RAISED), Bounded::raised(g, RAISED));
        let m = average_carefully(l, self.beta1, m, g);
        let divisor = (Bounded::of(l, self.gamma, 0) * h).max(Bounded::of(l, self.eps, RAISED));
        let rho = Bounded::of(l, self.rho, 0);
        let ratio = (m / divisor).min(rho).max(-rho);
        let theta = Bounded::of(l, self.kept, 0) * theta - Bounded::of(l, self.moved, RAISED) * ratio;
        Unrounded { state: [theta, m, h], doubt: Vector::all(l, 0.0) }
    }
}
