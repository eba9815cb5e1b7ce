//! Lion: the sign of c = β1 m + (1 − β1) g, θ′ = aθ − k sign(c), m′ = β2 m + (1 − β2) g.

use super::sums::{average, average_carefully, bounded, sum_of_two, term};
use super::{Coefficient, RAISED, Rule, Unrounded};
use crate::kernels::bounded::Bounded;
use crate::kernels::lanes::{Lanes, Vector};
use crate::kernels::pairs::Pair;

/// The scalars of a step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lion {
    /// β1 and 1 − β1
    pub update: [Coefficient; 2],
    /// β2 and 1 − β2
    pub momentum: [Coefficient; 2],
    /// a, what the decay leaves of θ
    pub kept: Coefficient,
    /// k, how far the sign moves θ
    pub moved: Coefficient,
}

impl Rule<2, 1> for Lion {
    #[inline(always)]
    fn fast<L: Lanes>(&self, l: L, [theta, m]: [Vector<L>; 2], [g]: [Vector<L>; 1]) -> Unrounded<L, 2> {
        let zero = Vector::all(l, 0.0);
        let c = average(l, self.update, m, g);
        let sum = c.hi + c.lo;
        // the bound is twice the error, and the sum rounded within 2^−53 of itself
        let open = (c.error - sum.abs()).max(zero);
        let positive = zero.less(sum);
        let (hi, lo) = (self.moved.hi(l), self.moved.lo(l));
        let moved = Pair { hi: (-hi).or_where_not(positive, hi), lo: (-lo).or_where_not(positive, lo) };
        let theta = bounded(l, sum_of_two(term(l, self.kept, theta), moved));
        Unrounded { state: [theta, average(l, self.momentum, m, g)], doubt: open }
    }

    #[inline(always)]
    fn careful<L: Lanes>(&self, l: L, [theta, m]: [Vector<L>; 2], [g]: [Vector<L>; 1]) -> Unrounded<L, 2> {
        let (theta, m, g) = (Bounded::raised(theta, RAISED), Bounded::raised(m, RAISED), Bounded::raised(g, RAISED));
        let moved = average_carefully(l, self.update, m, g).sign_of(Bounded::of(l, self.moved, RAISED));
        let theta = Bounded::of(l, self.kept, 0) * theta - moved;
        Unrounded { state: [theta, average_carefully(l, self.momentum, m, g)], doubt: Vector::all(l, 0.0) }
    }

    const RAISED: [i32; 2] = [RAISED; 2];
}
