//! Proofs of identities: exactly as rational functions, or by an identity test in a prime field.
//!
//! Gradients are decided twice over: exactly on the graph's reverse derivative, and in the prime
//! field by its own derivation along a random direction, which is all components at once.
//! Piecewise statements are decided cell by cell, away from the kinks.

use super::{Finding, Opinion, Pairs, Run, Strength, sign};
use crate::claim::{Instance, Relation, Variable};
use crate::expression::Graph;
use crate::number::{
    Abstention, Arithmetic, Deadline, Modulus, Outcome, PrimeField, RationalFunctions, Residue, Sign, evaluate_part,
    evaluate_until, log2_of_sum,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::cmp::Ordering;

/// Graphs with more nodes are not written out as rational functions, which would take too long.
const LARGEST_EXACT: usize = 400;

/// More independent conditions are not enumerated.
const MOST_CONDITIONS: usize = 8;

/// Trials of an identity test when there are no roots. One is enough for the error bound; more
/// guard against an unlucky bound.
const TRIALS: usize = 8;

/// What an identity test must reach to be called a proof.
const LOG2_ERROR: f64 = -100.0;

pub(super) const AWAY_FROM_KINKS: &str = "away from the kinks";

/// Whether the sides are equal as rational functions over ℚ.
pub fn exactly(instance: &Instance, deadline: Deadline) -> Finding {
    let pairs = Pairs::of(instance);
    if pairs.graph.nodes().len() > LARGEST_EXACT {
        return Finding::abstains(format!("more than {LARGEST_EXACT} operations"));
    }
    if matches!(pairs.relation, Relation::AtLeast | Relation::Greater) {
        return sign::decide(&pairs, deadline);
    }
    let decided = cell_by_cell(|cell| {
        let mut field = RationalFunctions::in_cell(cell);
        let inputs: Vec<_> = pairs.variables.iter().map(|_| field.variable()).collect();
        for positive in positive_by_domain(&mut field, &pairs.variables, &inputs)? {
            field.assume_positive(&positive);
        }
        for positive in assumed(&mut field, &pairs.graph, pairs.assumptions, &inputs) {
            field.assume_positive(&positive);
        }
        let outputs = evaluate_until(&pairs.graph, &mut field, &inputs, deadline);
        let mut equal = true;
        for (left, right) in pairs.sides() {
            let (left, right) = (outputs[left].clone()?, outputs[right].clone()?);
            equal &= left.equals(&right)?
                || field.are_equal(&left, &right).unwrap_or(false)
                || field.has_logarithms() && {
                    let (left, right) = (field.exp(&left), field.exp(&right));
                    matches!((left, right), (Ok(l), Ok(r)) if l.equals(&r)?)
                };
        }
        Ok((equal, field.conditions()))
    });
    match decided {
        Err(reason) => Finding::abstains(reason.to_string()),
        Ok((true, cells)) => Finding::of(
            Opinion::Proves { strength: Strength::Exactly, condition: (cells > 1).then_some(AWAY_FROM_KINKS) },
            cells,
        ),
        Ok((false, cells)) => Finding::of(Opinion::Differs("not equal as rational functions".into()), cells),
    }
}

/// Whether the sides are equal at one random point of a prime field, with no condition in between.
pub fn holds_at_a_point_of_one_cell(instance: &Instance, run: &Run) -> bool {
    let mut field = PrimeField::new(&run.moduli[0], run.rng("a point of one cell"), Vec::new());
    let differences = match instance.relation {
        Relation::Gradient(_) => gradient_difference(instance, &mut field, run.deadline),
        _ => differences(&Pairs::of(instance), &mut field, run.deadline),
    };
    differences.is_ok_and(|all| all.iter().all(Residue::is_zero)) && field.conditions() == 0
}

/// Whether the sides are equal at random points of prime fields.
pub fn in_prime_field(instance: &Instance, run: &Run, rng: &mut ChaCha8Rng) -> Finding {
    let mut tests = IdentityTest { moduli: &run.moduli, log2_error: f64::NEG_INFINITY, trials: 0 };
    let seed = rng.next_u64();
    let gradient = matches!(instance.relation, Relation::Gradient(_));
    let pairs = if gradient { None } else { Some(Pairs::of(instance)) };
    let decided = cell_by_cell(|cell| match &pairs {
        None => tests.repeat(seed, &cell, |field| gradient_difference(instance, field, run.deadline)),
        Some(pairs) => tests.repeat(seed, &cell, |field| differences(pairs, field, run.deadline)),
    });
    match decided {
        Err(reason) => Finding::abstains(reason.to_string()),
        Ok((false, _)) => Finding::of(Opinion::Differs("not equal at a random point".into()), tests.trials),
        // not a number is not below it either
        Ok((true, _))
            if !matches!(tests.log2_error.partial_cmp(&LOG2_ERROR), Some(Ordering::Less | Ordering::Equal)) =>
        {
            Finding::abstains(format!("the error bound 2^{:.0} is not below 2^{LOG2_ERROR}", tests.log2_error))
        }
        Ok((true, cells)) => Finding::of(
            Opinion::Proves {
                strength: Strength::WithError(tests.log2_error),
                condition: (cells > 1).then_some(AWAY_FROM_KINKS),
            },
            tests.trials,
        ),
    }
}

/// Decides every cell of the conditions that come up. `decide` gets the signs of the first
/// conditions and gives whether equality holds, and how many conditions there were. Gives whether
/// it holds in all cells, and their number.
pub(super) fn cell_by_cell(mut decide: impl FnMut(Vec<Sign>) -> Outcome<(bool, usize)>) -> Outcome<(bool, u64)> {
    let mut open = vec![Vec::new()];
    let mut cells = 0;
    while let Some(cell) = open.pop() {
        let (equal, conditions) = decide(cell.clone())?;
        if conditions > MOST_CONDITIONS {
            return Err(Abstention::new(format!("more than {MOST_CONDITIONS} conditions")));
        }
        if conditions > cell.len() {
            for sign in [Sign::Positive, Sign::Negative] {
                let mut finer = cell.clone();
                finer.push(sign);
                open.push(finer);
            }
            continue;
        }
        cells += 1;
        if !equal {
            return Ok((false, cells));
        }
    }
    Ok((true, cells))
}

struct IdentityTest<'a> {
    moduli: &'a [Modulus],
    /// The largest bound of any cell, over all its trials.
    log2_error: f64,
    trials: u64,
}

/// What the trials with one prime have shown.
#[derive(Clone, Copy)]
struct WithPrime {
    /// log₂ of the probability that all its trials were unlucky.
    points: f64,
    /// log₂ of the probability that the prime is.
    prime: f64,
}

impl IdentityTest<'_> {
    /// Evaluates the differences at enough random points of one cell.
    fn repeat(
        &mut self,
        seed: u64,
        cell: &[Sign],
        differences: impl Fn(&mut PrimeField) -> Outcome<Vec<Residue>>,
    ) -> Outcome<(bool, usize)> {
        let primes = self.moduli.len();
        let mut shown = vec![WithPrime { points: 0.0, prime: f64::NEG_INFINITY }; primes];
        let mut characters: Vec<Vec<bool>> = Vec::new();
        let mut conditions = 0;
        let mut trials = TRIALS;
        let mut trial = 0;
        while trial < trials {
            let rng = ChaCha8Rng::seed_from_u64(seed.wrapping_add(trial as u64));
            let which = trial % primes;
            let mut field = PrimeField::new(&self.moduli[which], rng, cell.to_vec());
            let values = differences(&mut field)?;
            self.trials += 1;
            trial += 1;
            conditions = field.conditions();
            if values.iter().any(|x| !x.is_zero()) {
                return Ok((false, conditions));
            }
            // any of the differences, or of the exponentials in their place, may be the unlucky one
            let any = libm::log2(2.0 * values.len() as f64);
            let larger = |a: f64, b: f64| if b.is_nan() { f64::INFINITY } else { a.max(b) };
            let largest = |bound: &dyn Fn(&Residue) -> f64| values.iter().map(bound).fold(f64::NEG_INFINITY, larger);
            shown[which].points += (largest(&|x| field.log2_error(x)) + any).min(0.0);
            shown[which].prime = shown[which].prime.max(largest(&|x| field.log2_bad_prime(x)) + any);
            // a radicand's character beside one column per prime, since a constant's depends on the prime
            let of_primes = (0..primes).map(|p| p == which);
            characters.push(field.characters().iter().copied().chain(of_primes).collect());
            // k + P columns need as many independent rows; 30 more almost surely suffice
            let roots = field.characters().len();
            trials = if roots == 0 { TRIALS } else { roots + primes + 30 };
        }
        if characters.iter().any(|row| row.len() > primes) && !independent(&characters) {
            return Err(Abstention::new("radicands that are not independent, so their branches cannot be drawn"));
        }
        // all primes must have misled, each by itself or by all of its points
        let total: f64 = shown.iter().map(|with| log2_of_sum(with.points, with.prime).min(0.0)).sum();
        self.log2_error = self.log2_error.max(total);
        Ok((true, conditions))
    }
}

/// Whether no product of some of the radicands is a constant times a square: then all branches of
/// the roots are conjugate. If one were, its quadratic character would be the same at every point of
/// a prime, and the characters beside a column of ones for each prime would not have full rank
/// over F_2.
fn independent(characters: &[Vec<bool>]) -> bool {
    let columns = characters.iter().map(Vec::len).max().unwrap_or(0);
    let mut rows: Vec<Vec<bool>> = characters.iter().filter(|c| c.len() == columns).cloned().collect();
    let mut rank = 0;
    for column in 0..columns {
        let Some(pivot) = (rank..rows.len()).find(|&r| rows[r][column]) else { continue };
        rows.swap(rank, pivot);
        let pivot = rows[rank].clone();
        for row in &mut rows[rank + 1..] {
            if row[column] {
                row.iter_mut().zip(&pivot).for_each(|(x, &p)| *x ^= p);
            }
        }
        rank += 1;
    }
    rank == columns
}

/// What the domains say is above zero: x − low and high − x.
fn positive_by_domain<A: Arithmetic>(
    field: &mut A,
    variables: &[Variable],
    inputs: &[A::Number],
) -> Outcome<Vec<A::Number>> {
    let mut positive = Vec::new();
    for (variable, x) in variables.iter().zip(inputs) {
        let (low, high) = variable.domain.bounds();
        if let Some(low) = low {
            let minus_low = field.constant(&-low)?;
            positive.push(field.sum(&[x, &minus_low])?);
        }
        if let Some(high) = high {
            let high = field.constant(&high)?;
            let minus_x = field.negate(x)?;
            positive.push(field.sum(&[&high, &minus_x])?);
        }
    }
    Ok(positive)
}

/// What the assumptions say is above zero, as far as it has a value.
fn assumed<A: Arithmetic>(field: &mut A, graph: &Graph, assumptions: usize, inputs: &[A::Number]) -> Vec<A::Number> {
    if assumptions == 0 {
        return Vec::new();
    }
    let positions: Vec<usize> = (0..assumptions).collect();
    evaluate_part(graph, field, inputs, &positions).into_iter().flatten().collect()
}

/// ∂f along a random direction, less the claimed gradient along it.
fn gradient_difference(instance: &Instance, field: &mut PrimeField, deadline: Deadline) -> Outcome<Vec<Residue>> {
    let Relation::Gradient(wrt) = &instance.relation else {
        return Err(Abstention::new("not a gradient"));
    };
    let inputs: Vec<_> = (0..instance.variables.len()).map(|i| field.variable(wrt.contains(&i))).collect();
    for positive in positive_by_domain(field, &instance.variables, &inputs)? {
        field.assume_positive(&positive);
    }
    for positive in assumed(field, &instance.graph, instance.assumptions, &inputs) {
        field.assume_positive(&positive);
    }
    let outputs = evaluate_until(&instance.graph, field, &inputs, deadline);
    let f = outputs[instance.assumptions].clone()?;
    let mut terms = vec![field.negate(&f.derivative())?];
    for (i, &position) in wrt.iter().enumerate() {
        let claimed = outputs[instance.assumptions + 1 + i].clone()?;
        terms.push(field.product(&inputs[position].derivative(), &claimed)?);
    }
    Ok(vec![field.sum(&terms.iter().collect::<Vec<_>>())?])
}

/// The differences of the sides; where one is not zero, of their exponentials, since
/// e^left = e^right decides as well and knows more about logarithms.
fn differences(pairs: &Pairs, field: &mut PrimeField, deadline: Deadline) -> Outcome<Vec<Residue>> {
    let inputs: Vec<_> = pairs.variables.iter().map(|_| field.variable(false)).collect();
    for positive in positive_by_domain(field, &pairs.variables, &inputs)? {
        field.assume_positive(&positive);
    }
    for positive in assumed(field, &pairs.graph, pairs.assumptions, &inputs) {
        field.assume_positive(&positive);
    }
    let outputs = evaluate_until(&pairs.graph, field, &inputs, deadline);
    let mut result = Vec::new();
    for (left, right) in pairs.sides() {
        let (left, right) = (outputs[left].clone()?, outputs[right].clone()?);
        let minus = field.negate(&right)?;
        let difference = field.sum(&[&left, &minus])?;
        if difference.is_zero() {
            result.push(difference);
            continue;
        }
        match (field.exp(&left), field.exp(&right)) {
            (Ok(left), Ok(right)) => {
                let minus = field.negate(&right)?;
                result.push(field.sum(&[&left, &minus])?);
            }
            _ => result.push(difference),
        }
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::independent;

    #[test]
    fn a_radicand_that_is_the_product_of_others_is_dependent() {
        // the characters of three radicands at four points, beside the column of one prime
        let rows = |third: fn(bool, bool) -> bool| {
            [(false, false), (false, true), (true, false), (true, true)].map(|(a, b)| vec![a, b, third(a, b), true])
        };
        assert!(!independent(&rows(|a, b| a ^ b)));
        // times a constant that is no square
        assert!(!independent(&rows(|a, b| a == b)));
        assert!(independent(&rows(|a, b| a & b)));
    }
}
