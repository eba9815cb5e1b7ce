//! A prime field with a derivation: identity testing that also knows derivatives.
//!
//! Every variable is drawn at random from F_p, with p a random 127-bit prime, p ≡ 3 (mod 4), and
//! carries its derivative along one direction, drawn at random too. Generators of exponentials and
//! the values of logarithms, sines and cosines are further random elements, named by their
//! argument. Square roots are taken in F_p(i), where every element of F_p has one, with the branch
//! drawn at random. Two expressions that differ as functions of these elements agree at a random
//! point with a probability bounded by Schwartz and Zippel; [`PrimeField::log2_error`] is that
//! bound for one trial.

mod degree;
mod form;

use self::degree::Degree;
use self::form::{Form, Made};
use super::atoms::{Atom, Laurent, Monomial, Positives, grain};
use super::modulus::{Complex, Modulus};
use super::rational_function::{LARGEST_FACTOR, small_factors};
use super::{Abstention, Arithmetic, Outcome, Sign, power_by_squaring};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use std::collections::HashMap;
use std::rc::Rc;

/// An element with its derivative, and bounds on their degrees as rational functions.
#[derive(Clone, Debug)]
pub struct Residue {
    value: Complex,
    tangent: Complex,
    degree: Degree,
    tangent_degree: Degree,
    form: Rc<Form>,
    /// x, if this is e^x.
    exponent: Option<Rc<Residue>>,
}

impl Residue {
    /// Whether the value is zero.
    pub fn is_zero(&self) -> bool {
        self.value.is_zero()
    }

    /// The derivative as a value of its own (whose derivative is not known, and is taken as zero).
    pub fn derivative(&self) -> Residue {
        Residue {
            value: self.tangent,
            tangent: Complex::ZERO,
            degree: self.tangent_degree,
            tangent_degree: Degree::CONSTANT,
            form: Form::of(Made::Opaque(self.tangent), self.tangent),
            exponent: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Function {
    Ln,
    Sqrt,
    Cos,
    Sin,
}

/// The field at one random point.
#[derive(Debug)]
pub struct PrimeField<'a> {
    modulus: &'a Modulus,
    rng: ChaCha8Rng,
    atoms: Atom,
    pi: Option<(Atom, Complex)>,
    generators: HashMap<Monomial, (Complex, BigRational)>,
    opaque: HashMap<Complex, Atom>,
    logarithms: HashMap<Atom, Residue>,
    named: HashMap<(Function, Complex), Complex>,
    angles: HashMap<(Function, Laurent), Complex>,
    characters: Vec<bool>,
    /// How many primes have roots.
    constant_roots: usize,
    /// The largest degrees of what was named, or compared, by its value.
    compared: Degree,
    cell: Vec<Sign>,
    /// The values of the conditions, and their polynomials where these are of moderate size.
    conditions: Vec<(Complex, Option<Rc<Laurent>>)>,
    /// Signs that follow from those of the conditions.
    deduced: Vec<(Rc<Laurent>, Sign)>,
    /// What is above zero by its domain, and what is in this cell.
    positives: Positives,
    in_cell: Positives,
}

impl<'a> PrimeField<'a> {
    /// The field at a new random point, in the cell in which the conditions that come up have these
    /// signs, in order; conditions past the end of the list are positive.
    pub fn new(modulus: &'a Modulus, rng: ChaCha8Rng, cell: Vec<Sign>) -> PrimeField<'a> {
        PrimeField {
            modulus,
            rng,
            atoms: 0,
            pi: None,
            generators: HashMap::new(),
            opaque: HashMap::new(),
            logarithms: HashMap::new(),
            named: HashMap::new(),
            angles: HashMap::new(),
            characters: Vec::new(),
            constant_roots: 0,
            compared: Degree::CONSTANT,
            cell,
            conditions: Vec::new(),
            deduced: Vec::new(),
            positives: Positives::default(),
            in_cell: Positives::default(),
        }
    }

    /// From now on this is above zero: what is so by the domain of a variable needs no cell.
    pub fn assume_positive(&mut self, x: &Residue) {
        if let Some(polynomial) = self.expand(&x.form) {
            self.positives.insert((*polynomial).clone());
            self.in_cell.insert((*polynomial).clone());
        }
    }

    /// How many different conditions came up.
    pub fn conditions(&self) -> usize {
        self.conditions.len()
    }

    /// For every different radicand, in order, whether it is a square in F_p.
    pub fn characters(&self) -> &[bool] {
        &self.characters
    }

    /// A new variable. The derivation moves it in a random direction, or not at all.
    pub fn variable(&mut self, moves: bool) -> Residue {
        let tangent = if moves { self.random() } else { Complex::ZERO };
        let atom = self.new_atom();
        let value = self.random();
        Residue {
            value,
            tangent,
            degree: Degree::VARIABLE,
            tangent_degree: if moves { Degree::VARIABLE } else { Degree::CONSTANT },
            form: Form::of(Made::Atom(atom), value),
            exponent: None,
        }
    }

    /// log₂ of a bound on the probability that this value, which came out zero, is not zero as a
    /// function: 2^k (D + a(a−1) D′)/p, with k roots, D the degree, and D′ the largest degree of the a
    /// values by which atoms were named or conditions told apart, any two of which may collide. The
    /// factor 2^k needs the radicands to be independent, which their characters show.
    pub fn log2_error(&self, x: &Residue) -> f64 {
        let of = |d: &Degree| d.numerator.max(d.denominator).max(1.0);
        self.log2_cases(of(&x.degree), of(&self.compared)) - self.modulus.log2()
    }

    /// log₂ of a bound on the probability that this value is zero modulo the prime without being
    /// zero, or that two of the values compared are equal modulo it without being equal. A whole
    /// number of h bits has fewer than h/126 prime factors of 127 bits, of which there are more than
    /// 2^118 to draw from; with k roots the number is a norm of 2^k factors.
    pub fn log2_bad_prime(&self, x: &Residue) -> f64 {
        let of = |d: &Degree| (d.numerator_height + d.denominator_height).max(1.0);
        let unlucky = self.log2_cases(of(&x.degree), of(&self.compared)) - libm::log2(126.0) - 118.0;
        log2_of_sum(unlucky, Modulus::LOG2_COMPOSITE)
    }

    /// log₂ of 2^k (size + a(a−1) size′)
    fn log2_cases(&self, size: f64, of_compared: f64) -> f64 {
        let values = (self.named.len() + self.opaque.len() + self.conditions.len()) as f64;
        (self.characters.len() + self.constant_roots) as f64
            + libm::log2(size + values * (values - 1.0).max(0.0) * of_compared)
    }

    /// Takes in the degree of a value that is compared with others.
    fn compare(&mut self, degree: Degree) {
        let d = &mut self.compared;
        d.numerator = d.numerator.max(degree.numerator);
        d.denominator = d.denominator.max(degree.denominator);
        d.numerator_height = d.numerator_height.max(degree.numerator_height);
        d.denominator_height = d.denominator_height.max(degree.denominator_height);
    }

    fn random(&mut self) -> Complex {
        self.modulus.random(&mut self.rng)
    }

    fn new_atom(&mut self) -> Atom {
        self.atoms += 1;
        self.atoms
    }

    fn opaque_atom(&mut self, value: Complex) -> Atom {
        match self.opaque.get(&value) {
            Some(&atom) => atom,
            None => {
                let atom = self.new_atom();
                self.opaque.insert(value, atom);
                atom
            }
        }
    }

    fn constant_residue(&self, value: &BigRational) -> Outcome<Residue> {
        let residue = self
            .modulus
            .rational(value)
            .ok_or_else(|| Abstention::new("a constant whose denominator is a multiple of the prime"))?;
        Ok(Residue {
            value: residue,
            tangent: Complex::ZERO,
            degree: Degree::of_constant(value),
            tangent_degree: Degree::CONSTANT,
            form: Form::of(Made::Constant(value.clone()), residue),
            exponent: None,
        })
    }

    /// A form as a Laurent polynomial in atoms, if it is one of moderate size.
    fn expand(&mut self, form: &Form) -> Option<Rc<Laurent>> {
        if let Some(known) = form.polynomial.get() {
            return known.clone();
        }
        let polynomial = self.expand_anew(form).filter(|p| !p.is_unwieldy()).map(Rc::new);
        form.polynomial.get_or_init(|| polynomial).clone()
    }

    fn expand_anew(&mut self, form: &Form) -> Option<Laurent> {
        Some(match &form.made {
            Made::Atom(atom) => Laurent::term(Monomial::of(*atom), BigRational::one()),
            Made::Constant(value) => Laurent::constant(value.clone()),
            Made::Negation(x) => self.expand(x)?.negated(),
            Made::Sum(terms) => {
                let mut sum = Laurent::zero();
                for term in terms {
                    sum.add(&*self.expand(term)?);
                }
                sum
            }
            Made::Product(x, y) => self.expand(x)?.times(&*self.expand(y)?)?,
            Made::Quotient(x, y) => {
                let divisor = self.expand(y)?.reciprocal()?;
                self.expand(x)?.times(&divisor)?
            }
            Made::Opaque(value) => Laurent::term(Monomial::of(self.opaque_atom(*value)), BigRational::one()),
        })
    }

    fn expanded_or_opaque(&mut self, x: &Residue) -> Rc<Laurent> {
        // its atoms are parts of it, or are compared where they are made
        self.compare(x.degree);
        match self.expand(&x.form) {
            Some(polynomial) => polynomial,
            None => Rc::new(Laurent::term(Monomial::of(self.opaque_atom(x.value)), BigRational::one())),
        }
    }

    /// The value of e^(c·m) with its degree.
    fn exponential_of_term(&mut self, m: &Monomial, c: &BigRational) -> Outcome<(Complex, Degree)> {
        if c.is_integer()
            && let Some(u) = m.single().and_then(|atom| self.logarithms.get(&atom)).cloned()
        {
            let k = c.to_integer().to_i64().ok_or_else(|| Abstention::new("a huge exponent"))?;
            let power = self.power(&u, k)?;
            return Ok((power.value, power.degree));
        }
        let (generator, grain) = match self.generators.get(m) {
            Some(known) => known.clone(),
            None => {
                let known = (self.random(), grain(c));
                self.generators.insert(m.clone(), known.clone());
                known
            }
        };
        let grains =
            Laurent::grains(c, &grain).ok_or_else(|| Abstention::new("an exponent with an unusual denominator"))?;
        let power = self.modulus.power(generator, grains).ok_or_else(zero)?;
        Ok((power, Degree::VARIABLE.times_n(f64::from(grains))))
    }

    /// f(x) as a new random element, named by the value of x.
    fn named(&mut self, function: Function, x: &Residue) -> Complex {
        self.compare(x.degree);
        if let Some(&value) = self.named.get(&(function, x.value)) {
            return value;
        }
        let value = self.random();
        self.named.insert((function, x.value), value);
        value
    }

    fn root_on_a_branch(&mut self, x: Complex) -> Outcome<(Complex, bool)> {
        let root = self.modulus.root(x);
        let (root, is_square) = root.ok_or_else(|| Abstention::new("a square root within a square root"))?;
        Ok((if self.rng.next_u32() & 1 == 1 { self.modulus.negate(root) } else { root }, is_square))
    }

    /// The root of a positive number by those of its prime factors. Roots of different primes are independent of
    /// each other, and of those of functions, whose characters are compared up to constants; so that their branches
    /// are free.
    fn root_of_constant(&mut self, c: &BigRational) -> Outcome<Residue> {
        // n/d = nd/d²
        let product = c.numer() * c.denom();
        let mut root = self.constant_residue(&BigRational::new(BigInt::one(), c.denom().clone()))?;
        for (factor, power) in small_factors(&product) {
            if factor > BigInt::from(LARGEST_FACTOR).pow(2) {
                return Err(Abstention::new("the square root of a number without small factors"));
            }
            let factor = BigRational::from_integer(factor);
            let whole = self.constant_residue(&factor)?;
            for _ in 0..power / 2 {
                root = self.product(&root, &whole)?;
            }
            if power % 2 == 0 {
                continue;
            }
            let value = match self.named.get(&(Function::Sqrt, whole.value)) {
                Some(&value) => value,
                None => {
                    let (value, _) = self.root_on_a_branch(whole.value)?;
                    self.named.insert((Function::Sqrt, whole.value), value);
                    self.constant_roots += 1;
                    value
                }
            };
            let of_prime = Residue { value, form: Form::of(Made::Opaque(value), value), ..whole };
            root = self.product(&root, &of_prime)?;
        }
        Ok(root)
    }

    fn cosine_and_sine(&mut self, x: &Residue) -> (Complex, Complex) {
        let (pi, _) = self.pi_atom();
        let Some(polynomial) = self.expand(&x.form) else {
            return (self.named(Function::Cos, x), self.named(Function::Sin, x));
        };
        let angle = polynomial.canonical_angle(pi);
        let (cosine, sine) = match angle.exact(pi) {
            Some((cosine, sine)) => (self.modulus.integer(cosine), self.modulus.integer(sine)),
            None => {
                let mut known = |function| match self.angles.get(&(function, angle.rest.clone())) {
                    Some(&value) => value,
                    None => {
                        let value = self.modulus.random(&mut self.rng);
                        self.angles.insert((function, angle.rest.clone()), value);
                        value
                    }
                };
                (known(Function::Cos), known(Function::Sin))
            }
        };
        let signed = |value, negated| if negated { self.modulus.negate(value) } else { value };
        (signed(cosine, angle.negates_cosine), signed(sine, angle.negates_sine))
    }

    fn pi_atom(&mut self) -> (Atom, Complex) {
        match self.pi {
            Some(pi) => pi,
            None => {
                let pi = (self.new_atom(), self.random());
                self.pi = Some(pi);
                pi
            }
        }
    }

    /// The sign of a product of conditions, and of what is above a positive condition or below a negative one. In a
    /// cell that no point is in, it may be either.
    fn deduced_sign(&self, x: &Laurent) -> Option<Sign> {
        if let Some(sign) = self.in_cell.sign(x) {
            return Some(sign);
        }
        self.conditions.iter().enumerate().find_map(|(i, (_, known))| {
            let known = known.as_ref()?;
            let sign = self.cell.get(i).copied().unwrap_or(Sign::Positive);
            if let Some(ratio) = self.in_cell.ratio(x, known) {
                return Some(if ratio == Sign::Positive { sign } else { sign.opposite() });
            }
            // minus the size of the condition
            let less = if sign == Sign::Positive { known.negated() } else { (**known).clone() };
            let exceeds = |x: &Laurent| self.positives.sign(&x.plus(&less)) == Some(Sign::Positive);
            if exceeds(x) { Some(Sign::Positive) } else { exceeds(&x.negated()).then_some(Sign::Negative) }
        })
    }

    /// f(x) from its value and f′(x), whose degrees are given.
    fn chained(&self, value: Complex, degree: Degree, slope: Complex, slope_degree: Degree, x: &Residue) -> Residue {
        Residue {
            value,
            tangent: self.modulus.product(slope, x.tangent),
            degree,
            tangent_degree: slope_degree.times(x.tangent_degree),
            form: Form::of(Made::Opaque(value), value),
            exponent: None,
        }
    }
}

/// log₂(2^a + 2^b)
pub fn log2_of_sum(a: f64, b: f64) -> f64 {
    let (high, low) = if a >= b { (a, b) } else { (b, a) };
    high + libm::log2(1.0 + libm::exp2(low - high))
}

fn zero() -> Abstention {
    Abstention::new("a division by zero")
}

impl Arithmetic for PrimeField<'_> {
    type Number = Residue;

    fn name(&self) -> &'static str {
        "the prime field"
    }

    fn constant(&mut self, value: &BigRational) -> Outcome<Residue> {
        self.constant_residue(value)
    }

    fn pi(&mut self) -> Outcome<Residue> {
        let (atom, value) = self.pi_atom();
        Ok(Residue {
            value,
            tangent: Complex::ZERO,
            degree: Degree::VARIABLE,
            tangent_degree: Degree::CONSTANT,
            form: Form::of(Made::Atom(atom), value),
            exponent: None,
        })
    }

    fn negate(&mut self, x: &Residue) -> Outcome<Residue> {
        let value = self.modulus.negate(x.value);
        Ok(Residue {
            value,
            tangent: self.modulus.negate(x.tangent),
            degree: x.degree,
            tangent_degree: x.tangent_degree,
            form: Form::of(Made::Negation(x.form.clone()), value),
            exponent: None,
        })
    }

    fn sum(&mut self, terms: &[&Residue]) -> Outcome<Residue> {
        let add = |a, b| self.modulus.sum(a, b);
        let value = terms.iter().map(|t| t.value).fold(Complex::ZERO, add);
        Ok(Residue {
            value,
            tangent: terms.iter().map(|t| t.tangent).fold(Complex::ZERO, add),
            degree: Degree::sum(terms.iter().map(|t| t.degree)),
            tangent_degree: Degree::sum(terms.iter().map(|t| t.tangent_degree)),
            form: Form::of(Made::Sum(terms.iter().map(|t| t.form.clone()).collect()), value),
            exponent: None,
        })
    }

    fn product(&mut self, x: &Residue, y: &Residue) -> Outcome<Residue> {
        let m = self.modulus;
        let value = m.product(x.value, y.value);
        Ok(Residue {
            value,
            tangent: m.sum(m.product(x.tangent, y.value), m.product(x.value, y.tangent)),
            degree: x.degree.times(y.degree),
            tangent_degree: x.tangent_degree.times(y.degree).plus(x.degree.times(y.tangent_degree)),
            form: Form::of(Made::Product(x.form.clone(), y.form.clone()), value),
            exponent: None,
        })
    }

    fn quotient(&mut self, x: &Residue, y: &Residue) -> Outcome<Residue> {
        let m = self.modulus;
        let inverse = m.inverse(y.value).ok_or_else(zero)?;
        let value = m.product(x.value, inverse);
        // (x/y)′ = (x′ − (x/y) y′)/y
        let tangent = m.product(m.sum(x.tangent, m.negate(m.product(value, y.tangent))), inverse);
        let degree = x.degree.times(y.degree.inverse());
        Ok(Residue {
            value,
            tangent,
            degree,
            tangent_degree: x.tangent_degree.plus(degree.times(y.tangent_degree)).times(y.degree.inverse()),
            form: Form::of(Made::Quotient(x.form.clone(), y.form.clone()), value),
            exponent: None,
        })
    }

    fn power(&mut self, x: &Residue, n: i64) -> Outcome<Residue> {
        power_by_squaring(self, x, n)
    }

    fn exp(&mut self, x: &Residue) -> Outcome<Residue> {
        let exponent = self.expanded_or_opaque(x);
        let mut value = self.modulus.integer(1);
        let mut degree = Degree::CONSTANT;
        for (m, c) in exponent.terms() {
            let (factor, factor_degree) = self.exponential_of_term(m, c)?;
            value = self.modulus.product(value, factor);
            degree = degree.times(factor_degree);
        }
        let mut result = self.chained(value, degree, value, degree, x);
        result.exponent = Some(Rc::new(x.clone()));
        Ok(result)
    }

    fn ln(&mut self, x: &Residue) -> Outcome<Residue> {
        if let Some(exponent) = &x.exponent {
            return Ok((**exponent).clone());
        }
        let inverse = self.modulus.inverse(x.value).ok_or_else(|| Abstention::new("the logarithm of zero"))?;
        if x.value == self.modulus.integer(1) {
            let mut result = self.constant_residue(&BigRational::from_integer(BigInt::from(0)))?;
            (result.degree, result.tangent_degree) = (x.degree, x.degree.inverse().times(x.tangent_degree));
            result.tangent = self.modulus.product(inverse, x.tangent);
            return Ok(result);
        }
        let value = self.named(Function::Ln, x);
        let atom = self.opaque_atom(value);
        self.logarithms.entry(atom).or_insert_with(|| x.clone());
        Ok(self.chained(value, Degree::VARIABLE, inverse, x.degree.inverse(), x))
    }

    fn sqrt(&mut self, x: &Residue) -> Outcome<Residue> {
        self.compare(x.degree);
        // the root of a constant square, 0 included, is known, with no branch to draw
        let constant = self.expand(&x.form).and_then(|polynomial| polynomial.as_constant());
        if let Some(root) = constant.as_ref().and_then(|c| super::Exact.sqrt(c).ok()) {
            return Ok(Residue { degree: x.degree, ..self.constant_residue(&root)? });
        }
        if let Some(c) = constant.filter(BigRational::is_positive) {
            return self.root_of_constant(&c);
        }
        let value = match self.named.get(&(Function::Sqrt, x.value)) {
            Some(&value) => value,
            None => {
                let (root, is_square) = self.root_on_a_branch(x.value)?;
                self.named.insert((Function::Sqrt, x.value), root);
                self.characters.push(is_square);
                root
            }
        };
        let slope = self.modulus.inverse(self.modulus.sum(value, value)).ok_or_else(zero)?;
        // a root's degree is at most that of its radicand
        Ok(self.chained(value, x.degree, slope, x.degree.inverse(), x))
    }

    fn sin(&mut self, x: &Residue) -> Outcome<Residue> {
        let (cosine, sine) = self.cosine_and_sine(x);
        Ok(self.chained(sine, Degree::VARIABLE, cosine, Degree::VARIABLE, x))
    }

    fn cos(&mut self, x: &Residue) -> Outcome<Residue> {
        let (cosine, sine) = self.cosine_and_sine(x);
        Ok(self.chained(cosine, Degree::VARIABLE, self.modulus.negate(sine), Degree::VARIABLE, x))
    }

    fn sign(&mut self, x: &Residue) -> Outcome<Sign> {
        self.compare(x.degree);
        if let Made::Constant(value) = &x.form.made {
            return super::Exact.sign(value);
        }
        if x.is_zero() {
            return Ok(Sign::Zero);
        }
        let polynomial = self.expand(&x.form);
        if let Some(sign) = polynomial.as_ref().and_then(|p| self.positives.sign(p)) {
            return Ok(sign);
        }
        let opposite = self.modulus.negate(x.value);
        for (i, (value, known)) in self.conditions.iter().enumerate() {
            let sign = self.cell.get(i).copied().unwrap_or(Sign::Positive);
            let ratio = match (&polynomial, known) {
                _ if *value == x.value => Some(Sign::Positive),
                _ if *value == opposite => Some(Sign::Negative),
                (Some(p), Some(known)) => self.positives.ratio(p, known),
                _ => None,
            };
            if let Some(ratio) = ratio {
                return Ok(if ratio == Sign::Positive { sign } else { sign.opposite() });
            }
        }
        for (known, sign) in &self.deduced {
            if let Some(ratio) = polynomial.as_ref().and_then(|p| self.positives.ratio(p, known)) {
                return Ok(if ratio == Sign::Positive { *sign } else { sign.opposite() });
            }
        }
        if let Some((p, sign)) = polynomial.as_ref().and_then(|p| Some((p, self.deduced_sign(p)?))) {
            self.deduced.push((p.clone(), sign));
            return Ok(sign);
        }
        let sign = self.cell.get(self.conditions.len()).copied().unwrap_or(Sign::Positive);
        if let Some(p) = &polynomial {
            self.in_cell.insert(if sign == Sign::Negative { p.negated() } else { (**p).clone() });
        }
        self.conditions.push((x.value, polynomial));
        Ok(sign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::{Expr, Graph, cosine, log_sum_exp, norm, pi, sigmoid, softmax, softplus, sum, variables};
    use crate::number::evaluate_all;
    use rand_chacha::rand_core::SeedableRng;

    fn residue(f: impl FnOnce(&[Expr]) -> Expr) -> Residue {
        let graph = Graph::build(|| vec![f(&variables("x", 4))]);
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let modulus = Modulus::draw(&mut rng);
        let mut field = PrimeField::new(&modulus, rng, Vec::new());
        let inputs: Vec<_> = (0..4).map(|_| field.variable(true)).collect();
        let [value] = evaluate_all(&graph, &mut field, &inputs).unwrap().try_into().unwrap();
        assert!(field.log2_error(&value) < -90.0);
        value
    }

    #[test]
    fn true_identities_vanish_with_their_derivatives() {
        let identities: [fn(&[Expr]) -> Expr; 9] = [
            |x| (x[0] + x[1]).exp() - x[0].exp() * x[1].exp(),
            |x| sum(softmax(x)) - 1,
            |x| (x[0] - log_sum_exp(x)).exp() - softmax(x)[0],
            |x| sigmoid(x[0] / x[1]) + sigmoid(-x[0] / x[1]) - 1,
            |x| norm(x).squared() - sum(x.iter().map(|x| x.squared())),
            |x| (pi() - x[0]).cos() + x[0].cos(),
            |x| cosine(&x[..2], &x[2..]) - cosine(&x[2..], &x[..2]),
            |x| (x[0].exp().ln() - x[0]) * x[1],
            |x| (4 * x[0] / x[0]).sqrt() - 2 + (x[1] - x[1]).sqrt(),
        ];
        for (i, identity) in identities.into_iter().enumerate() {
            let x = residue(identity);
            assert!(x.is_zero() && x.derivative().is_zero(), "identity {i}");
        }
    }

    #[test]
    fn false_and_unknown_ones_do_not() {
        let others: [fn(&[Expr]) -> Expr; 6] = [
            |x| (x[0] * x[1]).exp() - x[0].exp() * x[1].exp(),
            |x| x[0].exp() - x[0],
            |x| (4 * x[0] / x[0]).sqrt() + 2,
            |x| x[0].squared().sqrt() - (x[1].squared().sqrt() + x[0] - x[1]),
            |x| softplus(x[0]) - softplus(-x[0]) - x[0],
            |x| cosine(&x[..2], &x[2..]) - cosine(&x[..2], &x[..2]),
        ];
        for (i, other) in others.into_iter().enumerate() {
            assert!(!residue(other).is_zero(), "expression {i}");
        }
    }

    #[test]
    fn the_derivation_differentiates() {
        // (x₀²)′ − 2x₀x₀′ along the direction of x₀
        let graph = Graph::build(|| {
            let x = variables("x", 1)[0];
            vec![x.squared(), 2 * x]
        });
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let modulus = Modulus::draw(&mut rng);
        let mut field = PrimeField::new(&modulus, rng, Vec::new());
        let x = field.variable(true);
        let [square, slope] = evaluate_all(&graph, &mut field, std::slice::from_ref(&x)).unwrap().try_into().unwrap();
        let predicted = field.product(&slope, &x.derivative()).unwrap();
        assert_eq!(square.derivative().value, predicted.value);
    }
}
