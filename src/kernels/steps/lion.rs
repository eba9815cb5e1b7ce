//! Lion: the sign of c = β1 m + (1 − β1) g, θ′ = aθ − k sign(c), m′ = β2 m + (1 − β2) g.

use super::sums::{average_carefully, sizes, sum_of_two, term, two_terms};
use super::{AtRest, Coefficient, Estimate, RAISED, Rule, Unrounded};
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

/// 2^−1073
const SMALLEST: f64 = f64::from_bits(2);

impl Rule<2, 1> for Lion {
    /// u is 2^−53. With a = RN(β1 m), the f64 nearest to a + (1 − β1)g is within 4u|a| + 3u|c| of c: the roundings of
    /// the two coefficients to one f64 and of a, and its own; and within 2^−1074 where a or it is subnormal. So above
    /// 8u|a| + 2^−1074 it has the sign of c; the margin is twice that.
    #[inline(always)]
    fn fast<L: Lanes>(&self, l: L, [theta, m]: [Vector<L>; 2], [g]: [Vector<L>; 1]) -> [Estimate<L>; 2] {
        let a = self.update[0].hi(l) * m;
        let c = self.update[1].hi(l).fma(g, a);
        let known = a.abs().fma(Vector::all(l, two_to(-49)), Vector::all(l, SMALLEST)).less(c.abs());
        let positive = Vector::all(l, 0.0).less(c);
        let (hi, lo) = (self.moved.hi(l), self.moved.lo(l));
        let moved = Pair { hi: (-hi).or_where_not(positive, hi), lo: (-lo).or_where_not(positive, lo) };
        let Pair { hi, lo } = sum_of_two(term(l, self.kept, theta), moved);
        let size = sizes(l, [(self.kept, theta), (self.moved, Vector::all(l, 1.0))]);
        let size = size.or_where_not(known, Vector::all(l, f64::INFINITY));
        [Estimate { hi, lo, size }, two_terms(l, self.momentum, [m, g])]
    }

    #[inline(always)]
    fn careful<L: Lanes>(&self, l: L, [theta, m]: [Vector<L>; 2], [g]: [Vector<L>; 1]) -> Unrounded<L, 2> {
        let (theta, m, g) = (Bounded::raised(theta, RAISED), Bounded::raised(m, RAISED), Bounded::raised(g, RAISED));
        let moved = average_carefully(l, self.update, m, g).sign_of(Bounded::of(l, self.moved, RAISED));
        let theta = Bounded::of(l, self.kept, 0) * theta - moved;
        Unrounded { state: [theta, average_carefully(l, self.momentum, m, g)], doubt: Vector::all(l, 0.0) }
    }

    fn at_rest(&self) -> Option<[AtRest; 2]> {
        Some([self.kept, self.momentum[0]].map(|kept| AtRest { kept, given: 0 }))
    }

    const RAISED: [i32; 2] = [RAISED; 2];
}
