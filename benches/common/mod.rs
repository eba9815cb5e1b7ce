//! What the benches share: numbers, and comparisons that alternate between their sides block by block, so that whatever
//! else the machine does falls on all of them alike.

use std::hint::black_box;
use std::time::Instant;

/// Blocks of each side of a comparison.
const BLOCKS: usize = 15;

/// Normal numbers, the same on every run (Box and Muller 1958 on xorshift).
pub struct Normal(pub u64);

impl Normal {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn next(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Some of them, of a size.
    pub fn list(&mut self, n: usize, size: f64) -> Vec<f64> {
        (0..n).map(|_| size * self.next()).collect()
    }
}

/// The median seconds of each side, a block of each in turn; the first turn is for warming up. With
/// GRADPROOF_LEAST set, the least seconds: on a machine that does other work they say more.
pub fn alternating<const N: usize>(mut sides: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut seconds = [const { Vec::new() }; N];
    for turn in 0..=BLOCKS {
        for (side, seconds) in sides.iter_mut().zip(&mut seconds) {
            let start = Instant::now();
            side();
            if turn > 0 {
                seconds.push(start.elapsed().as_secs_f64());
            }
        }
    }
    seconds.map(|mut seconds| {
        seconds.sort_by(f64::total_cmp);
        if std::env::var_os("GRADPROOF_LEAST").is_some() { seconds[0] } else { seconds[seconds.len() / 2] }
    })
}

/// Nanoseconds for each of some numbers.
pub fn nanoseconds(seconds: f64, n: usize) -> f64 {
    seconds * 1e9 / n as f64
}

/// The gigabytes a second at which this process copies lists of this size, read and written.
pub fn copy_bandwidth(n: usize) -> f64 {
    let from = vec![1.0f64; n];
    let mut to = vec![0.0f64; n];
    let [seconds] = alternating([&mut || black_box(&mut to).copy_from_slice(black_box(&from))]);
    16.0 * from.len() as f64 / seconds / 1e9
}
