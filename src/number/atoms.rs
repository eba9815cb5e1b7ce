//! Laurent polynomials over ℚ in numbered atoms: what the symbolic kinds of number are made of.
//!
//! An atom is a variable, π, or a value of exp, ln, √, sin or cos that the arithmetic has named.

use super::Sign;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// A numbered atom.
pub(super) type Atom = u32;

/// A monomial m of an exponent has one generator, e^(g m), of which all its exponentials are whole powers: g is
/// 1/2520, which all denominators up to 10 divide, over the denominator of the first coefficient where that is
/// another one.
const GRAIN: i64 = 2520;

/// g for a monomial whose first coefficient is this.
pub(super) fn grain(first: &BigRational) -> BigRational {
    let usual = BigRational::new(BigInt::one(), GRAIN.into());
    if (first / &usual).is_integer() { usual } else { usual / BigRational::from_integer(first.denom().clone()) }
}

/// Polynomials with more terms than this are given up.
const MOST_TERMS: usize = 5_000;

/// And so are coefficients with more bits, and larger powers of an atom.
const MOST_BITS: u64 = 1 << 14;
const LARGEST_POWER: u32 = 1 << 30;

/// A product of whole powers of atoms, sorted by atom.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(super) struct Monomial(Vec<(Atom, i32)>);

impl Monomial {
    pub fn one() -> Monomial {
        Monomial::default()
    }

    pub fn of(atom: Atom) -> Monomial {
        Monomial(vec![(atom, 1)])
    }

    pub fn powers(&self) -> &[(Atom, i32)] {
        &self.0
    }

    /// The atom, if this is one atom to the first power.
    pub fn single(&self) -> Option<Atom> {
        match self.0[..] {
            [(atom, 1)] => Some(atom),
            _ => None,
        }
    }

    /// The product, unless a power is too large.
    pub fn times(&self, other: &Monomial) -> Option<Monomial> {
        let (mut x, mut y) = (self.0.as_slice(), other.0.as_slice());
        let mut powers = Vec::with_capacity(x.len() + y.len());
        while let (Some((&(a, n), x_rest)), Some((&(b, m), y_rest))) = (x.split_first(), y.split_first()) {
            match a.cmp(&b) {
                Ordering::Less => {
                    powers.push((a, n));
                    x = x_rest;
                }
                Ordering::Greater => {
                    powers.push((b, m));
                    y = y_rest;
                }
                Ordering::Equal => {
                    let power = n.checked_add(m).filter(|n| n.unsigned_abs() <= LARGEST_POWER)?;
                    if power != 0 {
                        powers.push((a, power));
                    }
                    (x, y) = (x_rest, y_rest);
                }
            }
        }
        powers.extend(x);
        powers.extend(y);
        Some(Monomial(powers))
    }

    /// The power, unless it is too large.
    pub fn power(&self, n: i32) -> Option<Monomial> {
        if n == 0 {
            return Some(Monomial::one());
        }
        let raised = |&(atom, k): &(Atom, i32)| {
            k.checked_mul(n).filter(|n| n.unsigned_abs() <= LARGEST_POWER).map(|n| (atom, n))
        };
        self.0.iter().map(raised).collect::<Option<_>>().map(Monomial)
    }
}

/// A Laurent polynomial: monomials with nonzero rational coefficients. Equal polynomials are equal
/// values, which is what makes the form canonical.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(super) struct Laurent(BTreeMap<Monomial, BigRational>);

impl Laurent {
    pub fn zero() -> Laurent {
        Laurent::default()
    }

    pub fn constant(value: BigRational) -> Laurent {
        Laurent::term(Monomial::one(), value)
    }

    pub fn one() -> Laurent {
        Laurent::constant(BigRational::one())
    }

    pub fn term(monomial: Monomial, coefficient: BigRational) -> Laurent {
        if coefficient.is_zero() { Laurent::zero() } else { Laurent(BTreeMap::from([(monomial, coefficient)])) }
    }

    pub fn terms(&self) -> impl Iterator<Item = (&Monomial, &BigRational)> {
        self.0.iter()
    }

    pub fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    pub fn is_one(&self) -> bool {
        self.as_term().is_some_and(|(m, c)| m.0.is_empty() && c.is_one())
    }

    /// The value, if no atom is left.
    pub fn as_constant(&self) -> Option<BigRational> {
        if self.is_zero() {
            return Some(BigRational::zero());
        }
        self.as_term().filter(|(m, _)| m.0.is_empty()).map(|(_, c)| c.clone())
    }

    /// The only term, if there is just one.
    pub fn as_term(&self) -> Option<(&Monomial, &BigRational)> {
        if self.0.len() == 1 { self.0.iter().next() } else { None }
    }

    /// Whether it is too large to go on with.
    pub fn is_unwieldy(&self) -> bool {
        // sums may be longer than products, which multiply
        self.0.len() > 10 * MOST_TERMS || self.0.values().any(|c| bits(c) > MOST_BITS)
    }

    pub fn plus(&self, other: &Laurent) -> Laurent {
        let (mut sum, less) = if self.0.len() >= other.0.len() { (self.clone(), other) } else { (other.clone(), self) };
        for (monomial, coefficient) in &less.0 {
            sum.add_term(monomial.clone(), coefficient);
        }
        sum
    }

    pub fn add(&mut self, other: &Laurent) {
        for (monomial, coefficient) in &other.0 {
            self.add_term(monomial.clone(), coefficient);
        }
    }

    fn add_term(&mut self, monomial: Monomial, coefficient: &BigRational) {
        use std::collections::btree_map::Entry;
        if coefficient.is_zero() {
            return;
        }
        match self.0.entry(monomial) {
            Entry::Vacant(place) => {
                place.insert(coefficient.clone());
            }
            Entry::Occupied(mut place) => {
                let sum = if place.get().is_integer() && coefficient.is_integer() {
                    BigRational::from_integer(place.get().numer() + coefficient.numer())
                } else {
                    place.get() + coefficient
                };
                place.insert(sum);
                if place.get().is_zero() {
                    place.remove();
                }
            }
        }
    }

    pub fn negated(&self) -> Laurent {
        Laurent(self.0.iter().map(|(m, c)| (m.clone(), -c)).collect())
    }

    /// The product, unless it is too large.
    pub fn times(&self, other: &Laurent) -> Option<Laurent> {
        if self.0.len().saturating_mul(other.0.len()) > MOST_TERMS {
            return None;
        }
        let mut product = Laurent::zero();
        for (m, c) in &self.0 {
            for (n, d) in &other.0 {
                if bits(c) + bits(d) > MOST_BITS {
                    return None;
                }
                product.add_term(m.times(n)?, &multiplied(c, d));
            }
        }
        Some(product)
    }

    /// The reciprocal, if it is a Laurent polynomial again.
    pub fn reciprocal(&self) -> Option<Laurent> {
        let (m, c) = self.as_term()?;
        Some(Laurent::term(m.power(-1)?, c.recip()))
    }

    /// How many grains a coefficient has, if that is a whole number and not huge.
    pub fn grains(coefficient: &BigRational, grain: &BigRational) -> Option<i32> {
        let scaled = coefficient / grain;
        if scaled.is_integer() { scaled.to_integer().to_i32() } else { None }
    }

    /// This angle brought to a canonical one by cos(x + π) = −cos x, cos(−x) = cos x and the same
    /// for the sine.
    pub fn canonical_angle(&self, pi: Atom) -> Angle {
        let pi = Monomial::of(pi);
        let turns = self.0.get(&pi).cloned().unwrap_or_default();
        let whole = turns.round();
        let mut rest = self.clone();
        rest.add_term(pi, &-whole.clone());
        let odd = whole.to_integer().bit(0);
        let flipped = rest.0.values().next_back().is_some_and(Signed::is_negative);
        if flipped {
            rest = rest.negated();
        }
        Angle { rest, negates_cosine: odd, negates_sine: odd != flipped }
    }
}

/// The product, without looking for common factors where there are none.
fn multiplied(c: &BigRational, d: &BigRational) -> BigRational {
    if c.is_one() {
        d.clone()
    } else if d.is_one() {
        c.clone()
    } else if c.is_integer() && d.is_integer() {
        BigRational::from_integer(c.numer() * d.numer())
    } else {
        c * d
    }
}

fn bits(c: &BigRational) -> u64 {
    c.numer().bits() + c.denom().bits()
}

/// An angle modulo π and sign.
pub(super) struct Angle {
    pub rest: Laurent,
    pub negates_cosine: bool,
    pub negates_sine: bool,
}

impl Angle {
    /// The cosine and sine of the canonical angle where they are rational: at 0 and π/2.
    pub fn exact(&self, pi: Atom) -> Option<(i64, i64)> {
        if self.rest.is_zero() {
            return Some((1, 0));
        }
        let (monomial, coefficient) = self.rest.as_term()?;
        let half = BigRational::new(1.into(), 2.into());
        (*monomial == Monomial::of(pi) && *coefficient == half).then_some((0, 1))
    }
}

/// What is known to be above zero: atoms, and polynomials such as 1 − β.
#[derive(Clone, Debug, Default)]
pub(super) struct Positives {
    atoms: BTreeSet<Atom>,
    polynomials: Vec<Laurent>,
}

impl Positives {
    /// From now on x > 0.
    pub fn insert(&mut self, x: Laurent) {
        match x.as_term().and_then(|(m, c)| m.single().filter(|_| c.is_one())) {
            Some(atom) => {
                self.atoms.insert(atom);
            }
            None => self.polynomials.push(x),
        }
    }

    /// Nothing is known of these atoms any more but that they are above zero, and not even that of some.
    pub fn forget(&mut self, atoms: &BTreeSet<Atom>, not_even_that: &BTreeSet<Atom>) {
        self.atoms.retain(|atom| !not_even_that.contains(atom));
        let knows = |p: &Laurent| p.0.keys().any(|m| m.0.iter().any(|(atom, _)| atoms.contains(atom)));
        self.polynomials.retain(|p| !knows(p));
    }

    /// Whether an atom is known to be above zero.
    pub fn is_positive(&self, atom: Atom) -> bool {
        self.atoms.contains(&atom)
    }

    /// The sign of x where what is known decides it: all terms of one sign, or a known factor of 1.
    pub fn sign(&self, x: &Laurent) -> Option<Sign> {
        let positive_atoms = x.0.keys().all(|m| m.0.iter().all(|(atom, _)| self.atoms.contains(atom)));
        if x.is_zero() {
            Some(Sign::Zero)
        } else if positive_atoms && x.0.values().all(Signed::is_positive) {
            Some(Sign::Positive)
        } else if positive_atoms && x.0.values().all(Signed::is_negative) {
            Some(Sign::Negative)
        } else {
            self.ratio(x, &Laurent::one())
        }
    }

    /// The sign of x/y, if that is known: a monomial in positive atoms, times at most one known
    /// polynomial or its reciprocal.
    pub fn ratio(&self, x: &Laurent, y: &Laurent) -> Option<Sign> {
        let sign = |x: &Laurent, y: &Laurent| {
            let (x, y) = (self.reduced(x), self.reduced(y));
            if x == y { Some(Sign::Positive) } else { (x == y.negated()).then_some(Sign::Negative) }
        };
        sign(x, y).or_else(|| {
            self.polynomials.iter().find_map(|p| {
                let above = y.times(p).and_then(|y| sign(x, &y));
                above.or_else(|| x.times(p).and_then(|x| sign(&x, y)))
            })
        })
    }

    /// x without its largest factor that is a positive number times a monomial in positive atoms.
    pub fn reduced(&self, x: &Laurent) -> Laurent {
        // powers too large to divide by stay
        self.factored(x).map_or_else(|| x.clone(), |(_, _, rest)| rest)
    }

    /// That factor as a number and a monomial, and the rest.
    pub fn factored(&self, x: &Laurent) -> Option<(BigRational, Monomial, Laurent)> {
        let power_in = |m: &Monomial, atom: Atom| m.0.iter().find(|(a, _)| *a == atom).map_or(0, |(_, n)| *n);
        let appearing: BTreeSet<Atom> = x.0.keys().flat_map(|m| m.0.iter().map(|(atom, _)| *atom)).collect();
        let common: Vec<(Atom, i32)> = appearing
            .intersection(&self.atoms)
            .map(|&atom| (atom, x.0.keys().map(|m| power_in(m, atom)).min().unwrap_or(0)))
            .filter(|&(_, n)| n != 0)
            .collect();
        let common = Monomial(common);
        let divisor = common.power(-1)?;
        let divided = x.0.iter().map(|(m, c)| Some((m.times(&divisor)?, c.clone())));
        let terms = divided.collect::<Option<BTreeMap<Monomial, BigRational>>>()?;
        let size = terms.values().next().map_or_else(BigRational::one, Signed::abs);
        let rest = Laurent(terms.into_iter().map(|(m, c)| (m, c / &size)).collect());
        Some((size, common, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positive_factors_do_not_change_a_sign_and_others_may() {
        let atom = |a| Laurent::term(Monomial::of(a), BigRational::one());
        let minus = |x: &Laurent, y: &Laurent| x.plus(&y.negated());
        let (c, beta, x, y) = (atom(1), atom(2), atom(3), atom(4));
        let rest = minus(&Laurent::one(), &beta);
        let mut known = Positives::default();
        [&c, &beta, &rest].into_iter().for_each(|p| known.insert(p.clone()));
        let scaled = |p: &Laurent| minus(&x, &y).times(p).unwrap();
        assert_eq!(known.ratio(&scaled(&c), &minus(&x, &y)), Some(Sign::Positive));
        assert_eq!(known.ratio(&minus(&x, &y), &scaled(&c.reciprocal().unwrap())), Some(Sign::Positive));
        assert_eq!(known.ratio(&scaled(&rest), &minus(&y, &x)), Some(Sign::Negative));
        assert_eq!(known.ratio(&scaled(&x), &minus(&x, &y)), None);
        assert_eq!(known.sign(&c.plus(&beta)), Some(Sign::Positive));
        assert_eq!(known.sign(&rest.negated()), Some(Sign::Negative));
        assert_eq!(known.sign(&minus(&c, &beta)), None);
        assert_eq!(known.sign(&x), None);
    }
}
