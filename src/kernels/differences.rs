//! The sum of the differences of a list of logits to one number.

use super::exponentials::BLOCK;
use super::lanes::{Lanes, Vector};
use super::pairs::{two_difference, two_sum};
use super::{Instructions, Kernel, Sum, two_to};

/// Σ (z − origin)·2^−`down`, with a bound on its absolute error; for finite logits whose differences times
/// 2^−`down` are at most `largest` in size, far below the range of f64.
pub(crate) fn sum_of_differences(instructions: Instructions, z: &[f64], origin: f64, down: i32, largest: f64) -> Sum {
    instructions.run(SumOfDifferences { z, origin, down, largest })
}

struct SumOfDifferences<'a> {
    z: &'a [f64],
    origin: f64,
    down: i32,
    largest: f64,
}

impl Kernel for SumOfDifferences<'_> {
    type Output = Sum;

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) -> Sum {
        let constant = |x: f64| Vector(l, l.splat(x));
        let factor = two_to(-self.down);
        let (down, origin) = (constant(factor), constant(self.origin * factor));
        let (mut hi, mut lo) = (constant(0.0), constant(0.0));
        let (vectors, rest) = l.split(self.z);
        let last = [l.padded(rest, self.origin)];
        for block in vectors.chunks(BLOCK).chain([&last[..]]) {
            for z in block {
                let d = two_difference(Vector(l, *z) * down, origin);
                let sum = two_sum(hi, d.hi);
                (hi, lo) = (sum.hi, lo + (sum.lo + d.lo));
            }
            let sum = two_sum(hi, lo);
            (hi, lo) = (sum.hi, sum.lo);
        }
        let (his, los) = (l.lanes(hi.1), l.lanes(lo.1));
        let (mut sum, mut rest) = (0.0, 0.0);
        for i in 0..L::LANES {
            let (hi, lost) = crate::number::two_sum(sum, his[i]);
            (sum, rest) = (hi, rest + (lost + los[i]));
        }
        let (hi, lo) = crate::number::two_sum(sum, rest);
        // as in `sum_error`, where no high part exceeds the sum of all sizes; below 2^−1022 a product is
        // within 2^−1075
        let (n, blocks) = (self.z.len() as f64, (self.z.len() / (L::LANES * BLOCK) + 3) as f64);
        let of_block = (2 * BLOCK * (BLOCK + 1) + 1) as f64;
        let ulp = 1.0 / (1u128 << 106) as f64;
        let error = n * self.largest * ulp * (of_block * blocks + 8.0 * L::LANES as f64) + n * two_to(-1022);
        Sum { hi, lo, error }
    }
}
