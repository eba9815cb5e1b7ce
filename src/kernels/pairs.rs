//! Sums and products of vectors with what their rounding lost: numbers of twice the digits.

use super::lanes::{Lanes, Vector};

/// hi + lo, with |lo| at most about an ulp of hi unless a comment says otherwise.
#[derive(Clone, Copy)]
pub(crate) struct Pair<L: Lanes> {
    pub hi: Vector<L>,
    pub lo: Vector<L>,
}

/// x + y as its rounding and the rest (Knuth).
#[inline(always)]
pub(crate) fn two_sum<L: Lanes>(x: Vector<L>, y: Vector<L>) -> Pair<L> {
    let hi = x + y;
    let of_y = hi - x;
    Pair { hi, lo: (x - (hi - of_y)) + (y - of_y) }
}

/// x − y as its rounding and the rest (Knuth).
#[inline(always)]
pub(crate) fn two_difference<L: Lanes>(x: Vector<L>, y: Vector<L>) -> Pair<L> {
    let hi = x - y;
    let of_y = hi - x;
    Pair { hi, lo: (x - (hi - of_y)) - (y + of_y) }
}

/// x + y as its rounding and the rest, where |x| ≥ |y| or x = 0 (Dekker).
#[inline(always)]
pub(crate) fn fast_two_sum<L: Lanes>(x: Vector<L>, y: Vector<L>) -> Pair<L> {
    let hi = x + y;
    Pair { hi, lo: y - (hi - x) }
}

/// x + y as its rounding and the rest, where neither is negative.
#[inline(always)]
pub(crate) fn sum_of_nonnegative<L: Lanes>(x: Vector<L>, y: Vector<L>) -> Pair<L> {
    fast_two_sum(x.max(y), x.min(y))
}

/// xy as its rounding and the rest.
#[inline(always)]
pub(crate) fn two_product<L: Lanes>(x: Vector<L>, y: Vector<L>) -> Pair<L> {
    let hi = x * y;
    Pair { hi, lo: x.fma(y, -hi) }
}

impl<L: Lanes> Pair<L> {
    /// The product, within 2^−102 of its size where both have normalised parts and nothing underflows
    /// (Joldes, Muller, Popescu, *Tight and rigorous error bounds for basic building blocks of double-word
    /// arithmetic*, 2017, algorithm 11: 4·2^−106). The parts of the result are not normalised.
    #[inline(always)]
    pub fn times(self, y: Pair<L>) -> Pair<L> {
        let hi = self.hi * y.hi;
        let lo = self.lo.fma(y.hi, self.hi.fma(y.lo, self.hi.fma(y.hi, -hi)));
        Pair { hi, lo }
    }

    /// The same number with |lo| at most half an ulp of hi, for |hi| ≥ |lo|.
    #[inline(always)]
    pub fn normalized(self) -> Pair<L> {
        fast_two_sum(self.hi, self.lo)
    }
}
