//! Exact rational functions over ℚ.
//!
//! Variables are free; e^x is a product of generators, one for each monomial of x, so that
//! e^(a+b) = e^a e^b holds by construction, and e^(k ln u) = u^k; ln, √, sin and cos are atoms named
//! by their argument. Equality in this form implies equality of the real functions wherever all
//! parts are defined. A difference does not imply that they differ: relations such as
//! ln ab = ln a + ln b are not known here.

use super::atoms::{Atom, Laurent, Monomial, Positives, grain};
use super::definite::{Definite, counted_from_one, definite, root};
use super::{Abstention, Arithmetic, Outcome, Sign, power_by_squaring};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::collections::{BTreeSet, HashMap};

/// A quotient of Laurent polynomials in atoms.
#[derive(Clone, Debug)]
pub struct RationalFunction {
    numerator: Laurent,
    denominator: Laurent,
}

impl RationalFunction {
    fn whole(numerator: Laurent) -> RationalFunction {
        RationalFunction { numerator, denominator: Laurent::one() }
    }

    fn new(numerator: Laurent, denominator: Laurent) -> Outcome<RationalFunction> {
        if denominator.is_one() {
            return Ok(RationalFunction::whole(numerator));
        }
        match denominator.reciprocal() {
            Some(reciprocal) => Ok(RationalFunction::whole(sized(numerator.times(&reciprocal))?)),
            None if numerator.is_zero() => Ok(RationalFunction::whole(Laurent::zero())),
            None => Ok(RationalFunction { numerator, denominator }),
        }
    }

    fn polynomial(&self) -> Option<&Laurent> {
        self.denominator.is_one().then_some(&self.numerator)
    }

    /// Whether the two are the same function, decided by multiplying out.
    pub fn equals(&self, other: &RationalFunction) -> Outcome<bool> {
        if self.denominator == other.denominator {
            return Ok(self.numerator == other.numerator);
        }
        let left = sized(self.numerator.times(&other.denominator))?;
        let right = sized(other.numerator.times(&self.denominator))?;
        Ok(left == right)
    }
}

fn sized(polynomial: Option<Laurent>) -> Outcome<Laurent> {
    polynomial.ok_or_else(|| Abstention::new("a rational function with too many terms to write out"))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Exp,
    Ln,
    Sqrt,
    Sin,
    Cos,
}

/// The field of rational functions, with the atoms named so far and the cell of every condition.
#[derive(Clone, Debug, Default)]
pub struct RationalFunctions {
    atoms: Atom,
    pi: Option<Atom>,
    /// For every monomial its generator, and what it is the exponential of: this part of the monomial.
    generators: HashMap<Monomial, (Atom, BigRational)>,
    exponents: HashMap<Atom, (Monomial, BigRational)>,
    named: Vec<(Function, RationalFunction, Atom)>,
    cell: Vec<Sign>,
    conditions: Vec<RationalFunction>,
    /// Signs that follow from those of the conditions.
    deduced: Vec<(RationalFunction, Sign)>,
    /// What is above zero by its domain, and what is in this cell.
    positives: Positives,
    in_cell: Positives,
}

impl RationalFunctions {
    /// The field, in the cell in which the conditions that come up have these signs, in order.
    /// Conditions past the end of the list are positive.
    pub fn in_cell(cell: Vec<Sign>) -> RationalFunctions {
        RationalFunctions { cell, ..RationalFunctions::default() }
    }

    /// How many different conditions came up.
    pub fn conditions(&self) -> usize {
        self.conditions.len()
    }

    /// From now on this is above zero: what is so by the domain of a variable needs no cell.
    pub fn assume_positive(&mut self, x: &RationalFunction) {
        if let Some(polynomial) = x.polynomial() {
            self.positives.insert(polynomial.clone());
            self.in_cell.insert(polynomial.clone());
        }
    }

    /// Whether a logarithm was named, of which e^x may know more than x.
    pub fn has_logarithms(&self) -> bool {
        self.named.iter().any(|(function, ..)| *function == Function::Ln)
    }

    /// A new free variable.
    pub fn variable(&mut self) -> RationalFunction {
        let atom = self.new_atom();
        RationalFunction::whole(Laurent::term(Monomial::of(atom), BigRational::one()))
    }

    fn new_atom(&mut self) -> Atom {
        self.atoms += 1;
        self.atoms
    }

    fn pi_atom(&mut self) -> Atom {
        if self.pi.is_none() {
            self.pi = Some(self.new_atom());
        }
        self.pi.unwrap_or_default()
    }

    fn named(&mut self, function: Function, argument: &RationalFunction) -> Outcome<RationalFunction> {
        for (f, known, atom) in &self.named {
            if *f == function && known.equals(argument)? {
                return Ok(RationalFunction::whole(Laurent::term(Monomial::of(*atom), BigRational::one())));
            }
        }
        let atom = self.new_atom();
        self.named.push((function, argument.clone(), atom));
        Ok(RationalFunction::whole(Laurent::term(Monomial::of(atom), BigRational::one())))
    }

    fn log_argument(&self, atom: Atom) -> Option<&RationalFunction> {
        self.named.iter().find(|(f, _, a)| *f == Function::Ln && *a == atom).map(|(_, u, _)| u)
    }

    /// e^(c·m) for one term of an exponent.
    fn exponential_of_term(&mut self, m: &Monomial, c: &BigRational) -> Outcome<RationalFunction> {
        if c.is_integer()
            && let Some(u) = m.single().and_then(|atom| self.log_argument(atom)).cloned()
        {
            let k = c.to_integer().to_i64().ok_or_else(|| Abstention::new("a huge exponent"))?;
            return self.power(&u, k);
        }
        let (atom, grain) = match self.generators.get(m) {
            Some(known) => known.clone(),
            None => {
                let (atom, grain) = (self.new_atom(), grain(c));
                let generator = Laurent::term(Monomial::of(atom), BigRational::one());
                self.positives.insert(generator.clone());
                self.in_cell.insert(generator);
                self.generators.insert(m.clone(), (atom, grain.clone()));
                self.exponents.insert(atom, (m.clone(), grain.clone()));
                (atom, grain)
            }
        };
        let grains =
            Laurent::grains(c, &grain).ok_or_else(|| Abstention::new("an exponent with an unusual denominator"))?;
        let power = Monomial::of(atom).power(grains).ok_or_else(|| Abstention::new("a huge exponent"))?;
        Ok(RationalFunction::whole(Laurent::term(power, BigRational::one())))
    }

    /// The logarithm of a polynomial that is above zero, as the sum of those of its factors: a number, powers of
    /// positive atoms, and the rest.
    fn logarithm_of_factors(&mut self, x: &Laurent) -> Outcome<Laurent> {
        let factored = self.positives.factored(x);
        let (number, monomial, rest) = factored.ok_or_else(|| Abstention::new("a huge exponent"))?;
        let mut total = self.logarithm_of_number(&number)?;
        for &(atom, n) in monomial.powers() {
            let n = BigRational::from_integer(n.into());
            let logarithm = match self.exponents.get(&atom) {
                Some((m, grain)) => Laurent::term(m.clone(), grain * n),
                None => {
                    let argument = RationalFunction::whole(Laurent::term(Monomial::of(atom), BigRational::one()));
                    let named = self.named(Function::Ln, &argument)?;
                    sized(named.numerator.times(&Laurent::constant(n)))?
                }
            };
            total = total.plus(&logarithm);
        }
        if !rest.is_one() {
            total = total.plus(&self.named(Function::Ln, &RationalFunction::whole(rest))?.numerator);
        }
        Ok(total)
    }

    /// The logarithm of a positive number by those of its small prime factors.
    fn logarithm_of_number(&mut self, x: &BigRational) -> Outcome<Laurent> {
        let mut total = Laurent::zero();
        for (part, sign) in [(x.numer(), 1), (x.denom(), -1)] {
            for (factor, n) in small_factors(part) {
                let argument = RationalFunction::whole(Laurent::constant(BigRational::from_integer(factor)));
                let named = self.named(Function::Ln, &argument)?;
                let n = Laurent::constant(BigRational::from_integer((sign * n).into()));
                total = total.plus(&sized(named.numerator.times(&n))?);
            }
        }
        Ok(total)
    }

    /// √(n/d) = √(nd)/|d|, with the squares taken out of the root: of positive atoms, and of the whole where it is
    /// one. `None` where that needs a sign that is not known.
    fn root_of_factors(&mut self, x: &RationalFunction) -> Outcome<RationalFunction> {
        let radicand = sized(x.numerator.times(&x.denominator))?;
        if let Some(root) = root(&radicand) {
            // |q|/|d|: the signs may be conditions
            let root = RationalFunction::new(root, x.denominator.clone())?;
            return match self.sign(&root)? {
                Sign::Negative => self.negate(&root),
                _ => Ok(root),
            };
        }
        let positive = |field: &Self, x: &Laurent| field.positives.sign(x) == Some(Sign::Positive);
        if !x.denominator.is_one() && !positive(self, &x.denominator) {
            return self.named(Function::Sqrt, x);
        }
        let Some((number, monomial, rest)) = self.positives.factored(&radicand) else {
            return self.named(Function::Sqrt, x);
        };
        let (outside, inside) = square_part(&number);
        let mut out = Laurent::constant(outside);
        // √(pq) = √p √q for p > 0, whatever q is: one root for each prime number, each positive atom, and the rest
        let mut within: Vec<Laurent> = small_factors(inside.numer())
            .into_iter()
            .map(|(prime, _)| Laurent::constant(BigRational::from_integer(prime)))
            .collect();
        for &(atom, n) in monomial.powers() {
            let atom = Monomial::of(atom);
            let whole = atom.power(n.div_euclid(2)).ok_or_else(|| Abstention::new("a huge exponent"))?;
            out = sized(out.times(&Laurent::term(whole, BigRational::one())))?;
            if n.rem_euclid(2) == 1 {
                within.push(Laurent::term(atom, BigRational::one()));
            }
        }
        if !rest.is_one() {
            within.push(rest);
        }
        let mut product = RationalFunction::whole(out);
        for radicand in within {
            let named = self.named(Function::Sqrt, &RationalFunction::whole(radicand))?;
            product = self.product(&product, &named)?;
        }
        self.quotient(&product, &RationalFunction::whole(x.denominator.clone()))
    }

    /// The sign of a product of conditions, and of what is above a positive condition or below a negative one. In a
    /// cell that no point is in, it may be either.
    fn deduced_sign(&mut self, x: &RationalFunction) -> Outcome<Option<Sign>> {
        if let Some(sign) = self.in_cell.sign(&sized(x.numerator.times(&x.denominator))?) {
            return Ok(Some(sign));
        }
        let minus_x = self.negate(x)?;
        for (i, known) in self.conditions.clone().iter().enumerate() {
            let sign = self.cell.get(i).copied().unwrap_or(Sign::Positive);
            let ratio = self.quotient(x, known)?;
            if let Some(ratio) = self.in_cell.sign(&sized(ratio.numerator.times(&ratio.denominator))?) {
                return Ok(Some(if ratio == Sign::Positive { sign } else { sign.opposite() }));
            }
            // minus the size of the condition
            let less = if sign == Sign::Positive { self.negate(known)? } else { known.clone() };
            for (candidate, its_sign) in [(x, Sign::Positive), (&minus_x, Sign::Negative)] {
                let excess = self.sum(&[candidate, &less])?;
                let size = sized(excess.numerator.times(&excess.denominator))?;
                if self.positives.sign(&size) == Some(Sign::Positive) {
                    return Ok(Some(its_sign));
                }
            }
        }
        Ok(None)
    }

    /// Whether two functions are equal, with (√u)² = u, which equality of rational functions in the roots does
    /// not know.
    pub fn are_equal(&mut self, x: &RationalFunction, y: &RationalFunction) -> Outcome<bool> {
        let minus = self.negate(y)?;
        let mut difference = self.sum(&[x, &minus])?;
        let roots: Vec<(Atom, RationalFunction)> = self.roots();
        // the last roots may hold earlier ones
        for (atom, radicand) in roots.into_iter().rev() {
            difference = self.with_root_squared(&difference.numerator, atom, &radicand)?;
        }
        Ok(difference.numerator.is_zero())
    }

    fn roots(&self) -> Vec<(Atom, RationalFunction)> {
        let roots = self.named.iter().filter(|(function, _, _)| *function == Function::Sqrt);
        roots.map(|(_, radicand, atom)| (*atom, radicand.clone())).collect()
    }

    /// A polynomial with every even power of a root replaced by the power of its radicand.
    fn with_root_squared(&mut self, x: &Laurent, atom: Atom, radicand: &RationalFunction) -> Outcome<RationalFunction> {
        let power_of = |m: &Monomial| m.powers().iter().find(|(a, _)| *a == atom).map_or(0, |(_, n)| *n);
        if x.terms().all(|(m, _)| power_of(m) == 0) {
            return Ok(RationalFunction::whole(x.clone()));
        }
        let mut by_power: HashMap<i32, Laurent> = HashMap::new();
        for (m, c) in x.terms() {
            let n = power_of(m);
            let even = n - n.rem_euclid(2);
            let removed = Monomial::of(atom).power(-even).and_then(|inverse| m.times(&inverse));
            let rest = Laurent::term(removed.ok_or_else(|| Abstention::new("a huge exponent"))?, c.clone());
            by_power.entry(even / 2).or_default().add(&rest);
        }
        let mut total = RationalFunction::whole(Laurent::zero());
        for (n, factor) in by_power {
            let power = match n {
                0 => RationalFunction::whole(Laurent::one()),
                1 => radicand.clone(),
                _ => self.power(radicand, i64::from(n))?,
            };
            let term = self.product(&power, &RationalFunction::whole(factor))?;
            total = self.sum(&[&total, &term])?;
        }
        Ok(total)
    }

    /// Whether x is never below zero (`Some(false)`), or always above it (`Some(true)`), by its form.
    pub fn is_above_zero(&self, x: &RationalFunction) -> Outcome<Option<bool>> {
        let roots: BTreeSet<Atom> = self.roots().into_iter().map(|(atom, _)| atom).collect();
        let of = |x: &Laurent| definite(x, &self.in_cell, &roots);
        // what is divided by is not zero
        let (n, d) = (of(&x.numerator), of(&x.denominator));
        let known = if d != Definite::Open {
            if n == Definite::Open { self.with_exponentials_from_one(&x.numerator, &roots) } else { n }
        } else {
            let same_sign = sized(x.numerator.times(&x.denominator))?;
            match of(&same_sign) {
                Definite::Open => self.with_exponentials_from_one(&same_sign, &roots),
                known => known,
            }
        };
        Ok(match known {
            Definite::Open => None,
            Definite::NonNegative => Some(false),
            Definite::Positive => Some(true),
        })
    }

    /// What is known of x once every exponential is counted from 1 that is on one side of it by its exponent's sign.
    fn with_exponentials_from_one(&self, x: &Laurent, roots: &BTreeSet<Atom>) -> Definite {
        let (mut x, mut counted, mut non_negative) = (x.clone(), BTreeSet::new(), BTreeSet::new());
        for (&atom, (exponent, _)) in &self.exponents {
            let exponent = Laurent::term(exponent.clone(), BigRational::one());
            let above = definite(&exponent, &self.in_cell, roots);
            let below = definite(&exponent.negated(), &self.in_cell, roots);
            let known = above.max(below);
            if known == Definite::Open {
                continue;
            }
            let Some(from_one) = counted_from_one(&x, atom, below != Definite::Open) else { continue };
            x = from_one;
            counted.insert(atom);
            if known == Definite::NonNegative {
                non_negative.insert(atom);
            }
        }
        if counted.is_empty() {
            return Definite::Open;
        }
        let mut positives = self.in_cell.clone();
        positives.forget(&counted, &non_negative);
        definite(&x, &positives, &(roots | &non_negative))
    }

    fn cosine_and_sine(&mut self, x: &RationalFunction, want: Function) -> Outcome<RationalFunction> {
        let pi = self.pi_atom();
        let Some(polynomial) = x.polynomial() else { return self.named(want, x) };
        let angle = polynomial.canonical_angle(pi);
        let negated = if want == Function::Cos { angle.negates_cosine } else { angle.negates_sine };
        let value = match angle.exact(pi) {
            Some((cosine, sine)) => {
                let value = if want == Function::Cos { cosine } else { sine };
                RationalFunction::whole(Laurent::constant(BigRational::from_integer(value.into())))
            }
            None => self.named(want, &RationalFunction::whole(angle.rest))?,
        };
        if negated { self.negate(&value) } else { Ok(value) }
    }
}

impl Arithmetic for RationalFunctions {
    type Number = RationalFunction;

    fn name(&self) -> &'static str {
        "rational functions"
    }
    fn constant(&mut self, value: &BigRational) -> Outcome<RationalFunction> {
        Ok(RationalFunction::whole(Laurent::constant(value.clone())))
    }
    fn pi(&mut self) -> Outcome<RationalFunction> {
        let pi = self.pi_atom();
        Ok(RationalFunction::whole(Laurent::term(Monomial::of(pi), BigRational::one())))
    }
    fn negate(&mut self, x: &RationalFunction) -> Outcome<RationalFunction> {
        Ok(RationalFunction { numerator: x.numerator.negated(), denominator: x.denominator.clone() })
    }
    fn sum(&mut self, terms: &[&RationalFunction]) -> Outcome<RationalFunction> {
        let mut sum = RationalFunction::whole(Laurent::zero());
        for term in terms {
            sum = if sum.denominator == term.denominator {
                let numerator = sized(Some(sum.numerator.plus(&term.numerator)).filter(|n| !n.is_unwieldy()))?;
                RationalFunction::new(numerator, sum.denominator)?
            } else {
                let left = sized(sum.numerator.times(&term.denominator))?;
                let right = sized(term.numerator.times(&sum.denominator))?;
                RationalFunction::new(left.plus(&right), sized(sum.denominator.times(&term.denominator))?)?
            };
        }
        Ok(sum)
    }
    fn product(&mut self, x: &RationalFunction, y: &RationalFunction) -> Outcome<RationalFunction> {
        RationalFunction::new(sized(x.numerator.times(&y.numerator))?, sized(x.denominator.times(&y.denominator))?)
    }
    fn quotient(&mut self, x: &RationalFunction, y: &RationalFunction) -> Outcome<RationalFunction> {
        if y.numerator.is_zero() {
            return Err(Abstention::new("a division by zero"));
        }
        RationalFunction::new(sized(x.numerator.times(&y.denominator))?, sized(x.denominator.times(&y.numerator))?)
    }
    fn power(&mut self, x: &RationalFunction, n: i64) -> Outcome<RationalFunction> {
        power_by_squaring(self, x, n)
    }
    fn exp(&mut self, x: &RationalFunction) -> Outcome<RationalFunction> {
        let Some(polynomial) = x.polynomial().cloned() else { return self.named(Function::Exp, x) };
        let mut result = RationalFunction::whole(Laurent::one());
        for (m, c) in polynomial.terms() {
            let factor = self.exponential_of_term(m, c)?;
            result = self.product(&result, &factor)?;
        }
        Ok(result)
    }
    fn ln(&mut self, x: &RationalFunction) -> Outcome<RationalFunction> {
        if x.numerator.is_zero() {
            return Err(Abstention::new("the logarithm of zero"));
        }
        if x.numerator == x.denominator {
            return Ok(RationalFunction::whole(Laurent::zero()));
        }
        let positive = |x: &Laurent| self.positives.sign(x) == Some(Sign::Positive);
        if positive(&x.numerator) && positive(&x.denominator) {
            let (above, below) = (self.logarithm_of_factors(&x.numerator)?, self.logarithm_of_factors(&x.denominator)?);
            return Ok(RationalFunction::whole(above.plus(&below.negated())));
        }
        self.named(Function::Ln, x)
    }
    fn sqrt(&mut self, x: &RationalFunction) -> Outcome<RationalFunction> {
        if let Some(root) = x.polynomial().and_then(Laurent::as_constant).and_then(|c| super::Exact.sqrt(&c).ok()) {
            return self.constant(&root);
        }
        self.root_of_factors(x)
    }
    fn sin(&mut self, x: &RationalFunction) -> Outcome<RationalFunction> {
        self.cosine_and_sine(x, Function::Sin)
    }
    fn cos(&mut self, x: &RationalFunction) -> Outcome<RationalFunction> {
        self.cosine_and_sine(x, Function::Cos)
    }
    fn sign(&mut self, x: &RationalFunction) -> Outcome<Sign> {
        if x.numerator.is_zero() {
            return Ok(Sign::Zero);
        }
        if let Some((monomial, constant)) = x.polynomial().and_then(Laurent::as_term)
            && monomial.powers().is_empty()
        {
            return super::Exact.sign(constant);
        }
        // x = n/d has the sign of n·d
        if let Some(sign) = self.positives.sign(&sized(x.numerator.times(&x.denominator))?) {
            return Ok(sign);
        }
        for (i, known) in self.conditions.iter().enumerate() {
            let left = sized(x.numerator.times(&known.denominator))?;
            let right = sized(known.numerator.times(&x.denominator))?;
            if let Some(ratio) = self.positives.ratio(&left, &right) {
                let sign = self.cell.get(i).copied().unwrap_or(Sign::Positive);
                return Ok(if ratio == Sign::Positive { sign } else { sign.opposite() });
            }
        }
        for (known, sign) in &self.deduced {
            let left = sized(x.numerator.times(&known.denominator))?;
            let right = sized(known.numerator.times(&x.denominator))?;
            if let Some(ratio) = self.positives.ratio(&left, &right) {
                return Ok(if ratio == Sign::Positive { *sign } else { sign.opposite() });
            }
        }
        if let Some(sign) = self.deduced_sign(x)? {
            self.deduced.push((x.clone(), sign));
            return Ok(sign);
        }
        self.conditions.push(x.clone());
        let sign = self.cell.get(self.conditions.len() - 1).copied().unwrap_or(Sign::Positive);
        if let Some(polynomial) = x.polynomial() {
            let known = if sign == Sign::Negative { polynomial.negated() } else { polynomial.clone() };
            self.in_cell.insert(known);
        }
        Ok(sign)
    }
}

/// Larger prime factors are not looked for; what is left below the square of this is prime.
pub(super) const LARGEST_FACTOR: u32 = 1000;

/// The small prime factors of a positive whole number with their powers, and what is left.
pub(super) fn small_factors(n: &BigInt) -> Vec<(BigInt, i64)> {
    let mut left = n.clone();
    let mut all = Vec::new();
    for factor in 2..=LARGEST_FACTOR {
        if left.is_one() {
            break;
        }
        let mut power = 0;
        while (&left % factor).is_zero() {
            left /= factor;
            power += 1;
        }
        if power > 0 {
            all.push((BigInt::from(factor), power));
        }
    }
    if !left.is_one() {
        all.push((left, 1));
    }
    all
}

/// A positive number as a² b, with b whole and without small squares: a and b.
fn square_part(x: &BigRational) -> (BigRational, BigRational) {
    // n/d = nd/d²
    let product = x.numer() * x.denom();
    let (mut outside, mut inside) = (BigInt::one(), BigInt::one());
    for (factor, n) in small_factors(&product) {
        let power = u32::try_from(n / 2).unwrap_or(0);
        outside *= factor.pow(power);
        inside *= factor.pow(u32::try_from(n).unwrap_or(0) - 2 * power);
    }
    (BigRational::new(outside, x.denom().abs()), BigRational::from_integer(inside))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::{
        Expr, Graph, constant, log_sum_exp, pi, ratio, sigmoid, softmax, softplus, sum, variables,
    };
    use crate::number::evaluate_all;

    /// Whether f of two variables is zero as a rational function.
    fn is_zero(f: impl FnOnce(&[Expr]) -> Expr) -> bool {
        let graph = Graph::build(|| vec![f(&variables("x", 2))]);
        let mut field = RationalFunctions::default();
        let inputs: Vec<_> = (0..2).map(|_| field.variable()).collect();
        evaluate_all(&graph, &mut field, &inputs).unwrap()[0].numerator.is_zero()
    }

    #[test]
    fn true_identities_vanish() {
        assert!(is_zero(|x| (x[0] + x[1]).squared() - x[0].squared() - 2 * x[0] * x[1] - x[1].squared()));
        assert!(is_zero(|x| (x[0] + x[1]).exp() - x[0].exp() * x[1].exp()));
        assert!(is_zero(|x| sum(softmax(x)) - 1));
        assert!(is_zero(|x| (x[0] - log_sum_exp(x)).exp() - softmax(x)[0]));
        assert!(is_zero(|x| sigmoid(x[0]) + sigmoid(-x[0]) - 1));
        assert!(is_zero(|x| (x[0] / 2).exp().squared() - x[0].exp()));
        assert!(is_zero(|x| x[0].exp().ln() - x[0]));
        assert!(is_zero(|x| (x[0] / x[0]).sqrt() - 1 + (x[1] - x[1]).sqrt()));
        assert!(is_zero(|x| (pi() - x[0]).cos() + x[0].cos()));
        assert!(is_zero(|x| (pi() * 1 + x[1]).sin() + x[1].sin()));
        assert!(is_zero(|x| softplus(x[0]) - softplus(-x[0]) - x[0]));
        assert!(is_zero(
            |x| (12 * x[0].exp() / 5).ln() - 2 * constant(2).ln() - constant(3).ln() + constant(5).ln() - x[0]
        ));
        assert!(is_zero(|x| (x[0] * ratio(8_943, 100_000)).exp() * (x[0] * ratio(-8_943, 100_000)).exp() - 1));
        assert!(is_zero(
            |x| (8 * (2 * x[0]).exp() / x[1].exp().squared()).sqrt() - 2 * constant(2).sqrt() * (x[0] - x[1]).exp()
        ));
    }

    #[test]
    fn false_and_unknown_ones_do_not() {
        assert!(!is_zero(|x| (x[0] + x[1]).squared() - x[0].squared() - x[1].squared()));
        assert!(!is_zero(|x| (x[0] * x[1]).exp() - x[0].exp() * x[1].exp()));
        assert!(!is_zero(|x| (4 * x[0] / x[0]).sqrt() + 2));
        // ln ab = ln a + ln b only where both are positive
        assert!(!is_zero(|x| (x[0] * x[1]).ln() - x[0].ln() - x[1].ln()));
        assert!(!is_zero(|x| (x[0].squared() * x[1]).sqrt() - x[0] * x[1].sqrt()));
    }
}
