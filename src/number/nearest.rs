//! The f64 nearest to a real number, by enclosures of more and more precision until they leave one
//! choice (Ziv 1991).

use super::{Abstention, Arithmetic, Interval, Intervals, Outcome, evaluate_part};
use crate::expression::Graph;

/// Where the precision starts; most results are decided here.
const FIRST_BITS: usize = 128;

/// Where it ends. Numbers that are still within this of zero, or of the middle between two f64, and
/// are not decided by their structure, are taken for it.
pub const MOST_BITS: usize = 4096;

/// A kind of number that encloses, at any precision.
pub trait Enclosures: Arithmetic + Sized {
    /// The kind at a precision.
    fn at(bits: usize) -> Self;
    /// An f64, exactly; `None` where it is not finite.
    fn exactly(&self, x: f64) -> Option<Self::Number>;
    /// The f64 nearest to the lower and to the upper end, ties to even: +0 for an end that is 0, −0 for
    /// one below it that underflows.
    fn ends_f64(number: &Self::Number) -> [f64; 2];
}

/// A correctly rounded number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decided<N> {
    /// The f64.
    pub value: f64,
    /// What enclosed it last.
    pub enclosure: N,
    /// What decided it.
    pub by: By,
}

/// What decides a rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// All of the enclosure rounds to one f64.
    Enclosure,
    /// The rule for what [`MOST_BITS`] do not tell from the middle between two f64: the even one.
    RuleForTies,
    /// The rule for what [`MOST_BITS`] do not tell from 0: +0.
    RuleForZeros,
}

/// The outputs of a graph at f64 inputs, correctly rounded: the nearest f64, ties to even, ±∞ past
/// the range. A number that 4096 bits do not tell from 0 is +0.
pub fn nearest(graph: &Graph, inputs: &[f64]) -> Vec<Outcome<f64>> {
    decide::<Intervals>(graph, inputs).into_iter().map(|result| result.map(|decided| decided.value)).collect()
}

/// The same on any kind of number that encloses, with what decided.
pub fn decide<E: Enclosures>(graph: &Graph, inputs: &[f64]) -> Vec<Outcome<Decided<E::Number>>> {
    let mut results: Vec<_> = graph.outputs().iter().map(|_| Err(Abstention::new("no precision was tried"))).collect();
    let mut bits = FIRST_BITS;
    while bits <= MOST_BITS {
        let open: Vec<usize> = (0..results.len()).filter(|&i| results[i].is_err()).collect();
        if open.is_empty() {
            break;
        }
        let mut arithmetic = E::at(bits);
        let Some(exact) = inputs.iter().map(|&x| arithmetic.exactly(x)).collect::<Option<Vec<_>>>() else {
            results.fill_with(|| Err(Abstention::new("an input that is not finite")));
            return results;
        };
        let enclosures = evaluate_part(graph, &mut arithmetic, &exact, &open);
        let last = bits * 2 > MOST_BITS;
        for (i, enclosure) in open.into_iter().zip(enclosures) {
            results[i] = enclosure.and_then(|enclosure| {
                let (value, by) = rounded(E::ends_f64(&enclosure), last)?;
                Ok(Decided { value, enclosure, by })
            });
        }
        bits *= 2;
    }
    results
}

/// The f64 nearest to a number that can be enclosed at any precision; what 4096 bits leave open, as above.
pub fn nearest_enclosed(mut enclose: impl FnMut(&mut Intervals) -> Outcome<Interval>) -> Outcome<f64> {
    let mut bits = FIRST_BITS;
    loop {
        let enclosure = enclose(&mut Intervals { bits })?;
        let last = bits * 2 > MOST_BITS;
        match rounded(enclosure.ends_f64(), last) {
            Err(_) if !last => bits *= 2,
            decided => return decided.map(|(value, _)| value),
        }
    }
}

/// The one f64 that both ends round to; at the last precision, what is around zero is zero and neighbours
/// are a tie.
fn rounded([low, high]: [f64; 2], last: bool) -> Outcome<(f64, By)> {
    if low.to_bits() == high.to_bits() {
        Ok((low, By::Enclosure))
    } else if last && low <= 0.0 && high >= 0.0 && (high - low).is_finite() {
        Ok((0.0, By::RuleForZeros))
    } else if last && low.next_up() == high {
        Ok((if low.to_bits() & 1 == 0 { low } else { high }, By::RuleForTies))
    } else {
        Err(Abstention::new("a rounding that the precision leaves open"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::{log_sum_exp, variable, variables};

    #[test]
    fn what_cancels_in_f64_is_right() {
        let cross_entropy = Graph::build(|| {
            let z = variables("z", 2);
            vec![log_sum_exp(&z) - z[0], z[0].exp() / (z[0].exp() + z[1].exp()) - 1]
        });
        // ln(1 + e^−40) and −1/(1 + e^40), by mpmath
        let [loss, gradient] = nearest(&cross_entropy, &[40.0, 0.0])[..].to_vec().try_into().unwrap();
        assert_eq!(loss, Ok(4.248_354_255_291_589e-18));
        assert_eq!(gradient, Ok(-4.248_354_255_291_589e-18));
    }

    #[test]
    fn exact_results_and_zeros_come_to_an_end() {
        let tie = Graph::build(|| vec![variable("x") + variable("y")]);
        // 1 + 2^−53 is half way and goes to the even neighbour
        assert_eq!(nearest(&tie, &[1.0, 2f64.powi(-53)]), [Ok(1.0)]);
        let nothing = Graph::build(|| {
            let x = variable("x");
            vec![x.exp().ln() - x]
        });
        assert_eq!(nearest(&nothing, &[0.7]), [Ok(0.0)]);
        assert!(nearest(&nothing, &[f64::NAN])[0].is_err());
    }

    #[test]
    fn what_the_last_precision_leaves_open_is_zero_a_tie_or_undecided() {
        assert!(rounded([-1.0, 1.0], false).is_err());
        assert_eq!(rounded([-1.0, 1.0], true), Ok((0.0, By::RuleForZeros)));
        assert!(rounded([f64::NEG_INFINITY, 1.0], true).is_err());
        assert!(rounded([1.0, 1.0f64.next_up().next_up()], true).is_err());
        assert!(rounded([1.0, 1.0f64.next_up()], false).is_err());
        assert_eq!(rounded([1.0, 1.0f64.next_up()], true), Ok((1.0, By::RuleForTies)));
        assert_eq!(rounded([-0.0, 0.0], true), Ok((0.0, By::RuleForZeros)));
        assert_eq!(rounded([-0.0, -0.0], false).map(|(x, _)| x.is_sign_negative()), Ok(true));
    }
}
