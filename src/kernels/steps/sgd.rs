//! SGD: θ′ and buf′ are sums of multiples of θ, buf and g.

use super::sums::{bounded, sum_of_three, term};
use super::{Coefficient, RAISED, Rule, Unrounded};
use crate::kernels::bounded::Bounded;
use crate::kernels::lanes::{Lanes, Vector};

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
    fn fast<L: Lanes>(&self, l: L, [theta, buf]: [Vector<L>; 2], [g]: [Vector<L>; 1]) -> Unrounded<L, 2> {
        let state = [sum(l, self.theta, theta, buf, g), sum(l, self.buf, theta, buf, g)];
        Unrounded { state, doubt: Vector::all(l, 0.0) }
    }

    #[inline(always)]
    fn careful<L: Lanes>(&self, l: L, [theta, buf]: [Vector<L>; 2], [g]: [Vector<L>; 1]) -> Unrounded<L, 2> {
        let (theta, buf, g) =
            (Bounded::raised(theta, RAISED), Bounded::raised(buf, RAISED), Bounded::raised(g, RAISED));
        let state = [sum_carefully(l, self.theta, theta, buf, g), sum_carefully(l, self.buf, theta, buf, g)];
        Unrounded { state, doubt: Vector::all(l, 0.0) }
    }

    const RAISED: [i32; 2] = [RAISED; 2];
}

#[inline(always)]
fn sum<L: Lanes>(l: L, c: [Coefficient; 3], theta: Vector<L>, buf: Vector<L>, g: Vector<L>) -> Bounded<L> {
    bounded(l, sum_of_three(term(l, c[0], theta), term(l, c[1], buf), term(l, c[2], g)))
}

#[inline(always)]
fn sum_carefully<L: Lanes>(l: L, c: [Coefficient; 3], theta: Bounded<L>, buf: Bounded<L>, g: Bounded<L>) -> Bounded<L> {
    Bounded::of(l, c[0], 0) * theta + Bounded::of(l, c[1], 0) * buf + Bounded::of(l, c[2], 0) * g
}
