//! The f64 nearest to a real number, by enclosures of more and more precision until they leave one
//! choice (Ziv 1991).

use super::{Abstention, Intervals, Outcome, evaluate};
use crate::expression::Graph;

/// Where the precision starts; most results are decided here.
const FIRST_BITS: usize = 128;

/// Where it ends. Numbers that are still within this of zero, or of the middle between two f64, and
/// are not decided by their structure, are taken for it.
pub const MOST_BITS: usize = 4096;

/// The outputs of a graph at f64 inputs, correctly rounded: the nearest f64, ties to even, ±∞ past
/// the range. A number that 4096 bits do not tell from 0 is +0.
pub fn nearest(graph: &Graph, inputs: &[f64]) -> Vec<Outcome<f64>> {
    let mut results = vec![Err(Abstention::new("no precision was tried")); graph.outputs().len()];
    let mut bits = FIRST_BITS;
    while bits <= MOST_BITS {
        let open: Vec<usize> = (0..results.len()).filter(|&i| results[i].is_err()).collect();
        if open.is_empty() {
            break;
        }
        // what is decided is not computed again
        let asked = graph.continued(|outputs| open.iter().map(|&i| outputs[i]).collect());
        let mut arithmetic = Intervals { bits };
        let Some(inputs) = inputs.iter().map(|&x| arithmetic.exactly(x)).collect::<Option<Vec<_>>>() else {
            return vec![Err(Abstention::new("an input that is not finite")); results.len()];
        };
        let outputs = evaluate(&asked, &mut arithmetic, &inputs);
        let last = bits * 2 > MOST_BITS;
        for (i, output) in open.into_iter().zip(outputs) {
            results[i] = output.and_then(|interval| match interval.nearest_f64() {
                Some(decided) => Ok(decided),
                // between neighbours: the tie goes to the even one; around zero: it is zero
                None if last => Ok(even(interval.ends_f64())),
                None => Err(Abstention::new("a rounding that the precision leaves open")),
            });
        }
        bits *= 2;
    }
    results
}

fn even([low, high]: [f64; 2]) -> f64 {
    if low <= 0.0 && high >= 0.0 {
        0.0
    } else if low.to_bits() & 1 == 0 {
        low
    } else {
        high
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
}
