//! Lion: the sign of c = β1 m + (1 − β1) g, θ′ = aθ − k sign(c), m′ = β2 m + (1 − β2) g.

use super::sums::{bounded, sum_of_two, term};
use super::{Coefficient, RAISED, Rule, Unrounded};
use crate::kernels::bounded::Bounded;
use crate::kernels::lanes::{Lanes, Vector};
use crate::kernels::pairs::Pair;
use crate::kernels::two_to;

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
    fn fast<L: Lanes>(&self, l: L, state: [Vector<L>; 2], given: [Vector<L>; 1]) -> Unrounded<L, 2> {
        let ([theta, m], [g]) = (state, given);
        let zero = Vector(l, l.splat(0.0));
        let average = |[x, y]: [Coefficient; 2]| bounded(l, sum_of_two(term(l, x, m), term(l, y, g)));
        let c = average(self.update);
        let sum = c.hi + c.lo;
        // the bound is twice the error, and the sum rounded within 2^−53 of itself
        let open = (c.error - sum.abs()).max(zero);
        let positive = zero.less(sum);
        let moved = |x: Vector<L>| (-x).or_where_not(positive, x);
        let moved = Pair { hi: moved(self.moved.hi(l)), lo: moved(self.moved.lo(l)) };
        let theta = bounded(l, sum_of_two(term(l, self.kept, theta), moved));
        Unrounded { state: [theta, average(self.momentum)], doubt: open }
    }

    #[inline(always)]
    fn careful<L: Lanes>(&self, l: L, state: [Vector<L>; 2], given: [Vector<L>; 1]) -> Unrounded<L, 2> {
        let up = Vector(l, l.splat(two_to(RAISED)));
        let [theta, m, g] = [state[0], state[1], given[0]].map(|x| Bounded::exactly(x * up));
        let average = |[x, y]: [Coefficient; 2]| Bounded::of(l, x, 0) * m + Bounded::of(l, y, 0) * g;
        let moved = average(self.update).sign_of(Bounded::of(l, self.moved, RAISED));
        let theta = Bounded::of(l, self.kept, 0) * theta - moved;
        Unrounded { state: [theta, average(self.momentum)], doubt: Vector(l, l.splat(0.0)) }
    }

    const RAISED: [i32; 2] = [RAISED; 2];
}
