//! Polynomials that take no negative values, by their form: terms of one sign, a square, or terms of the other sign
//! that geometric means of the rest outweigh.

use super::atoms::{Atom, Laurent, Monomial, Positives};
use super::{Exact, Sign};
use crate::number::Arithmetic;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::collections::{BTreeMap, BTreeSet};

/// Polynomials with more terms are not looked at.
const MOST_TERMS: usize = 300;

/// Larger ranges of the powers of an exponential are not multiplied out.
const MOST_POWERS: i32 = 24;

/// What is known of the values of a polynomial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Definite {
    /// Nothing.
    Open,
    /// None is below zero.
    NonNegative,
    /// All are above zero.
    Positive,
}

/// Decides by the form. `roots` are atoms that are never below zero, but may be zero.
pub(super) fn definite(x: &Laurent, positives: &Positives, roots: &BTreeSet<Atom>) -> Definite {
    if x.is_zero() {
        return Definite::NonNegative;
    }
    if positives.sign(x) == Some(Sign::Positive) {
        return Definite::Positive;
    }
    if x.terms().count() > MOST_TERMS {
        return Definite::Open;
    }
    let x = positives.reduced(x);
    let factors = Factors { positives, roots };
    let by_means = factors.outweighed(&x);
    if by_means != Definite::Open {
        return by_means;
    }
    if is_square(&x) { Definite::NonNegative } else { Definite::Open }
}

struct Factors<'a> {
    positives: &'a Positives,
    roots: &'a BTreeSet<Atom>,
}

impl Factors<'_> {
    /// Of a monomial with the coefficient 1.
    fn definite(&self, m: &Monomial) -> Definite {
        let mut all = Definite::Positive;
        for &(atom, n) in m.powers() {
            let known = self.positives.is_positive(atom);
            // what is divided by is not zero
            if known || n < 0 && (n % 2 == 0 || self.roots.contains(&atom)) {
                continue;
            }
            if n % 2 == 0 || self.roots.contains(&atom) {
                all = all.min(Definite::NonNegative);
            } else {
                return Definite::Open;
            }
        }
        all
    }

    /// Whether every term that may be negative is outweighed: a x + b y ≥ 2√(ab)√(xy) for x, y ≥ 0.
    fn outweighed(&self, x: &Laurent) -> Definite {
        let mut weights: Vec<(&Monomial, BigRational)> = Vec::new();
        let mut against: Vec<(&Monomial, &BigRational)> = Vec::new();
        for (m, c) in x.terms() {
            if c.is_positive() && self.definite(m) != Definite::Open {
                weights.push((m, c.clone()));
            } else {
                against.push((m, c));
            }
        }
        for (m, c) in against {
            if !self.outweigh(m, c, &mut weights) {
                return Definite::Open;
            }
        }
        let strict = weights.iter().any(|(m, c)| c.is_positive() && self.definite(m) == Definite::Positive);
        if strict { Definite::Positive } else { Definite::NonNegative }
    }

    /// Takes what it needs from two of the weights.
    fn outweigh(&self, m: &Monomial, c: &BigRational, weights: &mut [(&Monomial, BigRational)]) -> bool {
        let Some(square) = m.times(m) else { return false };
        let four = BigRational::from_integer(4.into());
        for i in 0..weights.len() {
            for j in i + 1..weights.len() {
                if weights[i].0.times(weights[j].0).as_ref() != Some(&square) {
                    continue;
                }
                // x = t a and y = t b with 4xy ≥ c², so t² ≥ c²/(4ab)
                let (a, b) = (&weights[i].1, &weights[j].1);
                if !a.is_positive() || !b.is_positive() {
                    continue;
                }
                let least = c * c / (&four * a * b);
                let Some(t) = root_from_above(&least).filter(|t| *t <= BigRational::one()) else { continue };
                let (taken_a, taken_b) = (a * &t, b * &t);
                weights[i].1 -= taken_a;
                weights[j].1 -= taken_b;
                return true;
            }
        }
        false
    }
}

/// The polynomial in u, where the powers of an atom that appear are those of 1 + u, or of 1/(1 + u); times a
/// power that is above zero.
pub(super) fn counted_from_one(x: &Laurent, atom: Atom, below: bool) -> Option<Laurent> {
    let power_of = |m: &Monomial| m.powers().iter().find(|(a, _)| *a == atom).map_or(0, |(_, n)| *n);
    let powers: Vec<i32> = x.terms().map(|(m, _)| power_of(m)).collect();
    let unit = powers.iter().fold(0, |unit, n| n.gcd(&unit));
    if unit == 0 {
        return Some(x.clone());
    }
    let (lowest, highest) = (powers.iter().min()? / unit, powers.iter().max()? / unit);
    if highest - lowest > MOST_POWERS {
        return None;
    }
    let one_and_u = Laurent::one().plus(&Laurent::term(Monomial::of(atom), BigRational::one()));
    let mut total = Laurent::zero();
    for (m, c) in x.terms() {
        let n = power_of(m);
        let mut term = Laurent::term(m.times(&Monomial::of(atom).power(-n)?)?, c.clone());
        for _ in 0..if below { highest - n / unit } else { n / unit - lowest } {
            term = term.times(&one_and_u)?;
        }
        total.add(&term);
    }
    Some(total)
}

/// The root where it is rational, and otherwise a little more.
fn root_from_above(x: &BigRational) -> Option<BigRational> {
    if let Ok(root) = Exact.sqrt(x) {
        return Some(root);
    }
    let near = BigRational::from_float(x.to_f64()?.sqrt() * (1.0 + 1e-12))?;
    (&near * &near >= *x).then_some(near)
}

/// The square root of a polynomial, up to its sign, where that is a polynomial with rational coefficients.
pub(super) fn root(x: &Laurent) -> Option<Laurent> {
    if x.is_zero() {
        return Some(Laurent::zero());
    }
    let atoms: Vec<Atom> = {
        let all: BTreeSet<Atom> = x.terms().flat_map(|(m, _)| m.powers().iter().map(|(atom, _)| *atom)).collect();
        all.into_iter().collect()
    };
    // lexicographic order of exponents is kept by products
    let dense = |m: &Monomial| -> Vec<i32> {
        atoms.iter().map(|a| m.powers().iter().find(|(b, _)| a == b).map_or(0, |(_, n)| *n)).collect()
    };
    let sum = |a: &[i32], b: &[i32]| a.iter().zip(b).map(|(x, y)| x.checked_add(*y)).collect::<Option<Vec<i32>>>();
    let mut rest: BTreeMap<Vec<i32>, BigRational> = x.terms().map(|(m, c)| (dense(m), c.clone())).collect();
    let (lead, c) = rest.last_key_value()?;
    if lead.iter().any(|n| n % 2 != 0) {
        return None;
    }
    let first = lead.iter().map(|n| n / 2).collect::<Vec<_>>();
    let first_coefficient = Exact.sqrt(c).ok()?;
    let twice = &first_coefficient + &first_coefficient;
    let mut found: Vec<(Vec<i32>, BigRational)> = Vec::new();
    let mut next = Some((first.clone(), first_coefficient));
    let most = rest.len();
    while let Some((m, c)) = next {
        if found.len() > most {
            return None;
        }
        // rest − 2 Q t − t²
        let mut subtract = |m: Vec<i32>, c: BigRational| {
            let place = rest.entry(m.clone()).or_insert_with(BigRational::zero);
            *place -= c;
            if place.is_zero() {
                rest.remove(&m);
            }
        };
        for (known, d) in &found {
            let product = &c * d;
            subtract(sum(known, &m)?, &product + &product);
        }
        subtract(sum(&m, &m)?, &c * &c);
        found.push((m, c));
        next = match rest.last_key_value() {
            None => None,
            Some((lead, c)) => {
                let quotient = lead.iter().zip(&first).map(|(a, b)| a.checked_sub(*b)).collect::<Option<Vec<i32>>>()?;
                // terms of the root come in falling order
                if found.last().is_none_or(|(last, _)| quotient >= *last) {
                    return None;
                }
                Some((quotient, c / &twice))
            }
        };
    }
    let mut root = Laurent::zero();
    for (exponents, c) in found {
        let powers = atoms.iter().zip(&exponents);
        let m =
            powers.into_iter().try_fold(Monomial::one(), |m, (atom, n)| m.times(&Monomial::of(*atom).power(*n)?))?;
        root = root.plus(&Laurent::term(m, c));
    }
    Some(root)
}

/// Whether it is a positive number times a square.
fn is_square(x: &Laurent) -> bool {
    let candidates: Vec<BigRational> = {
        // the coefficient of a square's leading term is one; which term leads depends on the order
        let mut all: Vec<BigRational> = x.terms().map(|(_, c)| c.clone()).filter(Signed::is_positive).collect();
        all.sort();
        all.dedup();
        all.truncate(4);
        all
    };
    let scaled = |c: &BigRational| Laurent::constant(c.recip()).times(x);
    std::iter::once(BigRational::one())
        .chain(candidates)
        .any(|c| scaled(&c).as_ref().is_some_and(|x| root(x).is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn atom(a: Atom) -> Laurent {
        Laurent::term(Monomial::of(a), BigRational::one())
    }

    fn whole(n: i64) -> Laurent {
        Laurent::constant(BigRational::from_integer(n.into()))
    }

    fn square(x: &Laurent) -> Laurent {
        x.times(x).unwrap()
    }

    #[test]
    fn squares_have_roots_and_others_do_not() {
        let (x, y, z) = (atom(1), atom(2), atom(3));
        let linear = x.plus(&y.times(&whole(-2)).unwrap()).plus(&z.times(&whole(3)).unwrap()).plus(&whole(-5));
        let found = root(&square(&linear)).unwrap();
        assert!(found == linear || found == linear.negated());
        let quotient = x.plus(&y.reciprocal().unwrap().negated());
        assert!(root(&square(&quotient)).is_some());
        assert!(root(&square(&linear).plus(&whole(1))).is_none());
        assert!(root(&x).is_none());
        assert!(root(&square(&x).plus(&square(&y))).is_none());
    }

    #[test]
    fn forms_that_are_never_negative() {
        let (x, y, e) = (atom(1), atom(2), atom(3));
        let mut positives = Positives::default();
        positives.insert(e.clone());
        let of = |p: &Laurent| definite(p, &positives, &BTreeSet::new());
        // (1 − e)², e > 0, and with more than enough
        let means = whole(1).plus(&square(&e)).plus(&e.times(&whole(-2)).unwrap());
        assert_eq!(of(&means), Definite::NonNegative);
        assert_eq!(of(&means.plus(&e)), Definite::Positive);
        assert_eq!(of(&means.plus(&e.negated())), Definite::Open);
        // x² − 3xy + 3y², of any signs, and x² − 2xy + y²/2, which is negative at x = y
        let form = |middle: i64, last: (i64, i64)| {
            let last = Laurent::constant(BigRational::new(last.0.into(), last.1.into()));
            let middle = x.times(&y).unwrap().times(&whole(middle)).unwrap();
            square(&x).plus(&middle).plus(&square(&y).times(&last).unwrap())
        };
        assert_eq!(of(&form(-3, (3, 1))), Definite::NonNegative);
        assert_eq!(of(&form(3, (3, 1))), Definite::NonNegative);
        assert_eq!(of(&form(-2, (1, 2))), Definite::Open);
        // a square of three terms, of which each stands in two products; twice it
        let three = square(&x.plus(&y.negated()).plus(&whole(-1)));
        assert_eq!(of(&three.times(&whole(2)).unwrap()), Definite::NonNegative);
        assert_eq!(of(&three.plus(&whole(-1))), Definite::Open);
        assert_eq!(of(&x), Definite::Open);
        assert_eq!(of(&square(&x)), Definite::NonNegative);
        assert_eq!(of(&square(&x).plus(&whole(1))), Definite::Positive);
    }
}
