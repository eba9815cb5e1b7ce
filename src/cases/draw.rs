//! Random numbers for cases: the same on every platform and for ever.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A source of numbers.
pub struct Draw(ChaCha8Rng);

impl Draw {
    /// The source of one case: its own for every name, index and attempt.
    pub fn of(name: &str, index: u64, attempt: u64) -> Draw {
        let mut seed = [0; 32];
        // a name may be longer than a seed; folded with turns, so that swapped parts do not cancel
        for (i, byte) in name.bytes().enumerate() {
            let turned = byte.rotate_left((i / seed.len()) as u32);
            seed[i % seed.len()] ^= turned;
        }
        let mut rng = ChaCha8Rng::from_seed(seed);
        rng.set_stream(index);
        // an attempt needs fewer words than this
        rng.set_word_pos(u128::from(attempt) << 32);
        Draw(rng)
    }

    /// Uniform in [0, 1), with 53 bits.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * libm::exp2(-53.0)
    }

    /// Uniform in [low, high).
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// 2^e with e uniform in [low, high).
    pub fn power_of_two(&mut self, low: f64, high: f64) -> f64 {
        libm::exp2(self.between(low, high))
    }

    /// A whole number from low to high, both included.
    pub fn whole(&mut self, low: usize, high: usize) -> usize {
        low + (self.unit() * (high - low + 1) as f64) as usize
    }

    /// Yes with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of some.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.whole(0, from.len() - 1)]
    }

    /// A number of either sign, of about this size: mostly ordinary, sometimes small, rarely zero.
    pub fn real(&mut self, size: f64) -> f64 {
        let x = self.between(-size, size);
        match self.whole(0, 19) {
            0 => 0.0,
            1..=3 => x * self.power_of_two(-10.0, 0.0),
            _ => x,
        }
    }

    /// A list of such numbers.
    pub fn reals(&mut self, n: usize, size: f64) -> Vec<f64> {
        (0..n).map(|_| self.real(size)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_late_draw_other_numbers() {
        let names = ["", "/params/0", "/params/1", "/gradient/0/0", "/gradient/1/0", "/gradient/0/1"];
        let firsts: Vec<f64> =
            names.iter().map(|end| Draw::of(&format!("adamw/missing-gradients/late/0{end}"), 0, 0).unit()).collect();
        for (i, x) in firsts.iter().enumerate() {
            assert!(!firsts[..i].contains(x), "{:?}", names[i]);
        }
    }
}
