//! The loops over large data: arithmetic on vectors of pairs of f64, with stated error bounds.

mod bounded;
mod differences;
mod exp;
mod exponentials;
mod extremes;
mod lanes;
mod pairs;
mod products;
mod steps;
pub(crate) mod tangents;
mod threads;
#[cfg(all(feature = "fast", target_arch = "x86_64"))]
mod twice;
#[cfg(all(feature = "fast", target_arch = "x86_64"))]
mod x86;

pub(crate) use differences::sum_of_differences;
pub(crate) use exp::EXP_ERROR;
pub(crate) use exponentials::{Kept, NOTHING, Reference, exponentials, precise_sum};
pub(crate) use extremes::{Extremes, extremes};
pub(crate) use products::{Factor, Form, RAISED, products};
pub(crate) use steps::{Adam, Coefficient, Lion, Rule, Sgd, Sophia, step};
pub(crate) use threads::each;

#[cfg(feature = "audit")]
pub(crate) use lanes::Vector;
pub(crate) use lanes::{Lanes, One};

use std::sync::LazyLock;

/// A loop that can be run with any instructions.
pub(crate) trait Kernel {
    /// What it gives.
    type Output;
    /// Runs the loop.
    fn run<L: Lanes>(self, lanes: L) -> Self::Output;
}

/// The instructions that a loop is run with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Instructions {
    /// One number at a time.
    One,
    /// Four at a time.
    #[cfg(all(feature = "fast", target_arch = "x86_64"))]
    Avx2(pulp::x86::V3),
    /// Eight at a time.
    #[cfg(all(feature = "fast", target_arch = "x86_64"))]
    Avx512(pulp::x86::V4),
}

#[cfg(all(feature = "fast", target_arch = "x86_64"))]
struct Run<K, L>(K, L);

#[cfg(all(feature = "fast", target_arch = "x86_64"))]
impl<K: Kernel, L: Lanes> pulp::NullaryFnOnce for Run<K, L> {
    type Output = K::Output;

    #[inline(always)]
    fn call(self) -> K::Output {
        self.0.run(self.1)
    }
}

impl Instructions {
    /// All that this processor has, the widest last.
    pub fn all() -> Vec<Instructions> {
        #[cfg(all(feature = "fast", target_arch = "x86_64"))]
        let wider =
            [pulp::x86::V3::try_new().map(Instructions::Avx2), pulp::x86::V4::try_new().map(Instructions::Avx512)];
        #[cfg(not(all(feature = "fast", target_arch = "x86_64")))]
        let wider = [None];
        [Some(Instructions::One)].into_iter().chain(wider).flatten().collect()
    }

    /// The widest.
    pub fn widest() -> Instructions {
        // asked for by loops over short lists
        static WIDEST: LazyLock<Instructions> = LazyLock::new(|| Instructions::of_at_most(usize::MAX));
        *WIDEST
    }

    /// The widest of those that take at most so many numbers at a time.
    pub fn of_at_most(lanes: usize) -> Instructions {
        Instructions::all().into_iter().rfind(|instructions| instructions.lanes() <= lanes).unwrap_or(Instructions::One)
    }

    /// How many numbers a vector has.
    fn lanes(self) -> usize {
        match self {
            Instructions::One => 1,
            #[cfg(all(feature = "fast", target_arch = "x86_64"))]
            Instructions::Avx2(_) => 4,
            #[cfg(all(feature = "fast", target_arch = "x86_64"))]
            Instructions::Avx512(_) => 8,
        }
    }

    /// Runs a loop with one vector at a time: one whose body is long enough to keep a processor busy.
    pub fn run_singly<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            Instructions::One => kernel.run(One),
            #[cfg(all(feature = "fast", target_arch = "x86_64"))]
            Instructions::Avx2(v3) => v3.vectorize(Run(kernel, v3)),
            #[cfg(all(feature = "fast", target_arch = "x86_64"))]
            Instructions::Avx512(v4) => v4.vectorize(Run(kernel, v4)),
        }
    }

    /// Runs a loop with two vectors side by side.
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            Instructions::One => kernel.run(One),
            #[cfg(all(feature = "fast", target_arch = "x86_64"))]
            Instructions::Avx2(v3) => v3.vectorize(Run(kernel, twice::Twice(v3))),
            #[cfg(all(feature = "fast", target_arch = "x86_64"))]
            Instructions::Avx512(v4) => v4.vectorize(Run(kernel, twice::Twice(v4))),
        }
    }
}

/// A sum as hi + lo, with a bound on its error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sum {
    pub hi: f64,
    pub lo: f64,
    pub error: f64,
}

/// 2^n for a normal result
pub(crate) const fn two_to(n: i32) -> f64 {
    f64::from_bits(((n + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests;
