//! The largest and the smallest of a list.

use super::lanes::{Lanes, Vector};
use super::{Instructions, Kernel};

/// The largest and the smallest of some logits; −∞ and ∞ of none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Extremes {
    pub largest: f64,
    pub smallest: f64,
    /// Whether all are below ∞, and none is NaN.
    pub below_infinity: bool,
}

impl Extremes {
    /// Of two parts of a row.
    pub fn with(self, other: Extremes) -> Extremes {
        Extremes {
            largest: self.largest.max(other.largest),
            smallest: self.smallest.min(other.smallest),
            below_infinity: self.below_infinity && other.below_infinity,
        }
    }
}

/// The extremes of some numbers; the first two are of use where all are below ∞.
pub(crate) fn extremes(instructions: Instructions, z: &[f64]) -> Extremes {
    instructions.run(FindExtremes { z })
}

struct FindExtremes<'a> {
    z: &'a [f64],
}

impl Kernel for FindExtremes<'_> {
    type Output = Extremes;

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) -> Extremes {
        let (none, most) = (Vector(l, l.splat(f64::NEG_INFINITY)), Vector(l, l.splat(f64::INFINITY)));
        // four of each, so that no one waits for the last
        let (mut largest, mut smallest) = ([none; 4], [most; 4]);
        let mut below = [none.less(most); 4];
        let (vectors, rest) = l.split(self.z);
        let (fours, vectors) = vectors.as_chunks::<4>();
        for four in fours {
            for i in 0..4 {
                let z = Vector(l, four[i]);
                largest[i] = largest[i].max(z);
                smallest[i] = smallest[i].min(z);
                below[i] = l.and(below[i], z.less(most));
            }
        }
        for z in vectors {
            largest[0] = largest[0].max(Vector(l, *z));
            smallest[0] = smallest[0].min(Vector(l, *z));
            below[0] = l.and(below[0], Vector(l, *z).less(most));
        }
        let last = Vector(l, l.padded(rest, f64::NEG_INFINITY));
        largest[0] = largest[0].max(last);
        below[0] = l.and(below[0], last.less(most));
        smallest[0] = smallest[0].min(Vector(l, l.padded(rest, f64::INFINITY)));
        let largest = largest[0].max(largest[1]).max(largest[2].max(largest[3]));
        let smallest = smallest[0].min(smallest[1]).min(smallest[2].min(smallest[3]));
        Extremes {
            largest: l.lanes(largest.1)[..L::LANES].iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b)),
            smallest: l.lanes(smallest.1)[..L::LANES].iter().fold(f64::INFINITY, |a, &b| a.min(b)),
            below_infinity: l.all(l.and(l.and(below[0], below[1]), l.and(below[2], below[3]))),
        }
    }
}
