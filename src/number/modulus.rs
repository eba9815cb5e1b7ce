//! Arithmetic modulo a random prime p ≡ 3 (mod 4), and in F_p(i).

use num_bigint::{BigInt, BigUint, Sign as BigSign};
use num_rational::BigRational;
use num_traits::{One, ToPrimitive};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// An element re + im·i of F_p(i). Both parts are kept as Montgomery's multiples, a·2^128 mod p.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Complex {
    re: u128,
    im: u128,
}

impl Complex {
    /// 0
    pub const ZERO: Complex = Complex { re: 0, im: 0 };

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        *self == Complex::ZERO
    }
}

/// A prime of 127 bits, p ≡ 3 (mod 4).
#[derive(Clone, Debug)]
pub struct Modulus {
    p: u128,
    big: BigUint,
    /// −1/p mod 2^128
    minus_inverse: u128,
    /// 2^128 mod p, which stands for 1.
    one: u128,
    /// 2^256 mod p, by which a number is brought to its multiple.
    square: u128,
}

/// Miller–Rabin rounds: a composite passes with probability at most 4^−64 = 2^−128.
const ROUNDS: usize = 64;

impl Modulus {
    /// log₂ of the probability that what was drawn is composite after all.
    pub const LOG2_COMPOSITE: f64 = -2.0 * ROUNDS as f64;

    /// Draws a prime at random.
    pub fn draw(rng: &mut ChaCha8Rng) -> Modulus {
        loop {
            // the highest of 127 bits set, and the two lowest
            let candidate = (random_u128(rng) >> 1) | 1 << 126 | 0b11;
            if has_no_small_factor(candidate) && is_probably_prime(candidate, rng) {
                return Modulus::of(candidate);
            }
        }
    }

    fn of(p: u128) -> Modulus {
        let big = BigUint::from(p);
        let power_of_two = |n: u32| ((BigUint::one() << n) % &big).to_u128().expect("a residue is below 2^127");
        // Newton's iteration doubles the bits that are right: p·p ≡ 1 (mod 8) for odd p, so 3 at first
        let inverse = (0..6).fold(p, |x, _| x.wrapping_mul(2u128.wrapping_sub(p.wrapping_mul(x))));
        let (one, square) = (power_of_two(128), power_of_two(256));
        Modulus { p, big, minus_inverse: inverse.wrapping_neg(), one, square }
    }

    /// A lower bound for log₂ p.
    pub fn log2(&self) -> f64 {
        126.0
    }

    /// A random element of F_p.
    pub fn random(&self, rng: &mut ChaCha8Rng) -> Complex {
        loop {
            let re = random_u128(rng) >> 1;
            if re < self.p {
                return Complex { re, im: 0 };
            }
        }
    }

    /// A whole number.
    pub fn integer(&self, n: i64) -> Complex {
        let re = self.multiply(u128::from(n.unsigned_abs()), self.square);
        let positive = Complex { re, im: 0 };
        if n < 0 { self.negate(positive) } else { positive }
    }

    /// A rational number, unless p divides its denominator.
    pub fn rational(&self, value: &BigRational) -> Option<Complex> {
        let reduced = |n: &BigInt| {
            let (sign, size) = (n.sign(), n.magnitude() % &self.big);
            let re = Complex { re: self.multiply(size.to_u128()?, self.square), im: 0 };
            Some(if sign == BigSign::Minus { self.negate(re) } else { re })
        };
        let numerator = reduced(value.numer())?;
        if value.denom().is_one() {
            return Some(numerator);
        }
        Some(self.product(numerator, self.inverse(reduced(value.denom())?)?))
    }

    /// −x
    pub fn negate(&self, x: Complex) -> Complex {
        let negate = |a: u128| if a == 0 { 0 } else { self.p - a };
        Complex { re: negate(x.re), im: negate(x.im) }
    }

    /// x + y
    pub fn sum(&self, x: Complex, y: Complex) -> Complex {
        Complex { re: self.add(x.re, y.re), im: self.add(x.im, y.im) }
    }

    /// x·y
    pub fn product(&self, x: Complex, y: Complex) -> Complex {
        if x.im == 0 && y.im == 0 {
            return Complex { re: self.multiply(x.re, y.re), im: 0 };
        }
        let minus = self.negate(Complex { re: self.multiply(x.im, y.im), im: 0 }).re;
        Complex {
            re: self.add(self.multiply(x.re, y.re), minus),
            im: self.add(self.multiply(x.re, y.im), self.multiply(x.im, y.re)),
        }
    }

    /// 1/x, unless x is 0.
    pub fn inverse(&self, x: Complex) -> Option<Complex> {
        // 1/(a + bi) = (a − bi)/(a² + b²)
        let norm = self.add(self.multiply(x.re, x.re), self.multiply(x.im, x.im));
        if norm == 0 {
            return None;
        }
        let inverse = self.raise(norm, self.p - 2);
        let conjugate = Complex { re: x.re, im: self.negate(x).im };
        Some(self.product(conjugate, Complex { re: inverse, im: 0 }))
    }

    /// xⁿ for x in F_p, unless it divides by zero.
    pub fn power(&self, x: Complex, n: i32) -> Option<Complex> {
        let power = Complex { re: self.raise(x.re, u128::from(n.unsigned_abs())), im: 0 };
        if n < 0 { self.inverse(power) } else { Some(power) }
    }

    /// A square root of x in F_p, and whether x is a square in F_p; none for other x of F_p(i).
    pub fn root(&self, x: Complex) -> Option<(Complex, bool)> {
        if x.im != 0 {
            return None;
        }
        // p ≡ 3 (mod 4): one of x and −x is a square, and its root is its power (p + 1)/4
        let root = self.raise(x.re, self.p / 4 + 1);
        if self.multiply(root, root) == x.re {
            return Some((Complex { re: root, im: 0 }, true));
        }
        let root = self.raise(self.p - x.re, self.p / 4 + 1);
        Some((Complex { re: 0, im: root }, false))
    }

    fn add(&self, a: u128, b: u128) -> u128 {
        let sum = a + b;
        if sum >= self.p { sum - self.p } else { sum }
    }

    /// ab/2^128 mod p, the product of two multiples (Montgomery 1985).
    fn multiply(&self, a: u128, b: u128) -> u128 {
        let (high, low) = wide_product(a, b);
        let (carried, cancels) = wide_product(low.wrapping_mul(self.minus_inverse), self.p);
        let (_, carry) = low.overflowing_add(cancels);
        // below 2p, since a and b are below p, and 2p is below 2^128
        let result = high + carried + u128::from(carry);
        if result >= self.p { result - self.p } else { result }
    }

    fn raise(&self, a: u128, n: u128) -> u128 {
        let mut result = self.one;
        for bit in (0..u128::BITS - n.leading_zeros()).rev() {
            result = self.multiply(result, result);
            if n >> bit & 1 == 1 {
                result = self.multiply(result, a);
            }
        }
        result
    }
}

/// The upper and the lower half of a product.
fn wide_product(a: u128, b: u128) -> (u128, u128) {
    const LOW: u128 = u64::MAX as u128;
    let (a1, a0, b1, b0) = (a >> 64, a & LOW, b >> 64, b & LOW);
    let (low, outer, inner) = (a0 * b0, a1 * b0, a0 * b1);
    let middle = (low >> 64) + (outer & LOW) + (inner & LOW);
    (a1 * b1 + (outer >> 64) + (inner >> 64) + (middle >> 64), middle << 64 | low & LOW)
}

fn random_u128(rng: &mut ChaCha8Rng) -> u128 {
    u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64())
}

fn has_no_small_factor(n: u128) -> bool {
    (3..1000).step_by(2).all(|d| !n.is_multiple_of(d))
}

fn is_probably_prime(n: u128, rng: &mut ChaCha8Rng) -> bool {
    let big = BigUint::from(n);
    let minus_one = &big - 1u32;
    // n ≡ 3 (mod 4), so n − 1 is twice an odd number and one power per base decides
    let odd = BigUint::from((n - 1) / 2);
    (0..ROUNDS).all(|_| {
        let base = BigUint::from(2 + random_u128(rng) % (n - 3));
        let power = base.modpow(&odd, &big);
        power.is_one() || power == minus_one
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn primes_are_told_from_composites() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        assert!(is_probably_prime((1 << 127) - 1, &mut rng));
        // 8911 = 7·19·67 is a Carmichael number, 3 (mod 4)
        assert!(!is_probably_prime(8911, &mut rng));
        assert!(!is_probably_prime(((1 << 61) - 1) * ((1 << 31) + 11), &mut rng));
    }

    #[test]
    fn every_element_has_a_root() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let m = Modulus::draw(&mut rng);
        for _ in 0..20 {
            let x = m.random(&mut rng);
            let (root, _) = m.root(x).unwrap();
            assert_eq!(m.product(root, root), x);
            assert_eq!(m.product(x, m.inverse(x).unwrap()), m.integer(1));
            assert_eq!(m.sum(x, m.negate(x)), Complex::ZERO);
        }
        // against long division
        let (a, b) = (random_u128(&mut rng) % m.p, random_u128(&mut rng) % m.p);
        let element = |n: u128| Complex { re: m.multiply(n, m.square), im: 0 };
        let product = (BigUint::from(a) * b % &m.big).to_u128().unwrap();
        assert_eq!(m.product(element(a), element(b)), element(product));
        let third = m.rational(&BigRational::new((-1).into(), 3.into())).unwrap();
        assert_eq!(m.product(third, m.integer(3)), m.integer(-1));
    }
}
