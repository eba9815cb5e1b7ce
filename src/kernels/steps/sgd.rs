//! SGD: θ′ and buf′ are sums of multiples of θ, buf and g.

use super::sums::{bounded, sum_of_three, term};
use super::{Coefficient, RAISED, Rule, Unrounded};
use crate::kernels::bounded::Bounded;
use crate::kernels::lanes::{Lanes, Vector};
use crate::kernels::two_to;

/// What θ, buf and g are multiplied with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sgd {
    /// For θ′.
    pub theta: [Coefficient; 3],
    /// For buf′.
    pub buf: [Coefficient; 3],
}

impl Rule<2, 1> for Sgd {
    #[inline(always)]
    fn fast<L: Lanes>(&self, l: L, state: [Vector<L>; 2], given: [Vector<L>; 1]) -> Unrounded<L, 2> {
        let ([theta, buf], [g]) = (state, given);
        let sum =
            |[a, b, c]: [Coefficient; 3]| bounded(l, sum_of_three(term(l, a, theta), term(l, b, buf), term(l, c, g)));
        Unrounded { state: [sum(self.theta), sum(self.buf)], doubt: Vector(l, l.splat(0.0)) }
    }

    #[inline(always)]
    fn careful<L: Lanes>(&self, l: L, state: [Vector<L>; 2], given: [Vector<L>; 1]) -> Unrounded<L, 2> {
        let up = Vector(l, l.splat(two_to(RAISED)));
        let [theta, buf, g] = [state[0], state[1], given[0]].map(|x| Bounded::exactly(x * up));
        let sum = |[a, b, c]: [Coefficient; 3]| {
            Bounded::of(l, a, 0) * theta + Bounded::of(l, b, 0) * buf + Bounded::of(l, c, 0) * g
        };
        Unrounded { state: [sum(self.theta), sum(self.buf)], doubt: Vector(l, l.splat(0.0)) }
    }

    const RAISED: [i32; 2] = [RAISED; 2];
}
