//! SGD: θ′ and buf′ are sums of multiples of θ, buf and g.

use super::sums::{sizes, sum_of_three, sum_of_two, term};
use super::{AtRest, Coefficient, Estimate, RAISED, Rule, Unrounded};
use crate::kernels::bounded::Bounded;
use crate::kernels::lanes::{Lanes, Vector};
use crate::kernels::pairs::Pair;

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
    fn fast<L: Lanes>(&self, l: L, [theta, buf]: [Vector<L>; 2], [g]: [Vector<L>; 1]) -> [Estimate<L>; 2] {
        [sum(l, self.theta, [theta, buf, g]), sum(l, self.buf, [theta, buf, g])]
    }

    #[inline(always)]
    fn careful<L: Lanes>(&self, l: L, [theta, buf]: [Vector<L>; 2], [g]: [Vector<L>; 1]) -> Unrounded<L, 2> {
        let (theta, buf, g) =
            (Bounded::raised(theta, RAISED), Bounded::raised(buf, RAISED), Bounded::raised(g, RAISED));
        let state = [sum_carefully(l, self.theta, theta, buf, g), sum_carefully(l, self.buf, theta, buf, g)];
        Unrounded { state, doubt: Vector::all(l, 0.0) }
    }

    /// Where the decay does not go into the buffer.
    fn at_rest(&self) -> Option<[AtRest; 2]> {
        self.buf[0].is_zero().then_some([self.theta[0], self.buf[1]].map(|kept| AtRest { kept, given: 0 }))
    }

    const RAISED: [i32; 2] = [RAISED; 2];
}

/// Without the terms whose coefficients are 0: of θ where nothing decays, of the buffer without momentum. Which these
/// are is the same for all vectors. The size is that of all terms, and not a number where one of them is not finite.
#[inline(always)]
fn sum<L: Lanes>(l: L, c: [Coefficient; 3], x: [Vector<L>; 3]) -> Estimate<L> {
    let [theta, buf, g] = [term(l, c[0], x[0]), term(l, c[1], x[1]), term(l, c[2], x[2])];
    let Pair { hi, lo } = match (c[0].is_zero(), c[1].is_zero()) {
        (false, false) => sum_of_three(theta, buf, g),
        (false, true) => sum_of_two(theta, g),
        (true, false) => sum_of_two(buf, g),
        (true, true) => g,
    };
    Estimate { hi, lo, size: sizes(l, [(c[0], x[0]), (c[1], x[1]), (c[2], x[2])]) }
}

#[inline(always)]
fn sum_carefully<L: Lanes>(l: L, c: [Coefficient; 3], theta: Bounded<L>, buf: Bounded<L>, g: Bounded<L>) -> Bounded<L> {
    Bounded::of(l, c[0], 0) * theta + Bounded::of(l, c[1], 0) * buf + Bounded::of(l, c[2], 0) * g
}
