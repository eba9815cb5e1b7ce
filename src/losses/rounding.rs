//! From numbers that carry a bound of their error to the nearest f64: where the bound leaves the rounding
//! open, the definition is asked, by enclosures of more and more precision.

use crate::formula::Defined;
use crate::number::{self, Wide};

/// Graphs of one formula at one input, whose outputs are in the order of the values.
type Graphs<'a> = [&'a dyn Fn() -> Defined];

/// The f64 nearest to a value, or a number near it whose rounding is open.
pub(super) type Rounded = Result<f64, Wide>;

/// The f64 nearest to each value, ties to even. What a value leaves open is asked of the first graph,
/// and what that cannot do, of the next.
pub(super) fn nearest(values: &[Wide], graphs: &Graphs) -> Answers {
    decided(values.iter().map(|x| x.nearest().ok_or(*x)).collect(), graphs)
}

/// The same for values of which most are decided.
pub(super) fn decided(values: Vec<Rounded>, graphs: &Graphs) -> Answers {
    let mut open: Vec<usize> = (0..values.len()).filter(|&i| values[i].is_err()).collect();
    // a definition abstains from exponentials past 1e12, which the textbook does not take; both do where a
    // selection's condition is not told from 0: what they select from is equal there, and near the value
    let mut answers: Vec<f64> = values.into_iter().map(|x| x.unwrap_or_else(Wide::to_f64)).collect();
    for graph in graphs {
        if open.is_empty() {
            break;
        }
        let defined = graph();
        let asked = defined.graph.continued(|outputs| open.iter().map(|&i| outputs[i]).collect());
        let found = number::nearest(&asked, &defined.values().collect::<Vec<_>>());
        open = open
            .into_iter()
            .zip(found)
            .filter_map(|(i, found)| match found {
                Ok(nearest) => {
                    answers[i] = nearest;
                    None
                }
                Err(_) => Some(i),
            })
            .collect();
    }
    Answers(answers.into_iter())
}

/// The nearest f64, in the order of the values, to be taken one by one.
pub(super) struct Answers(std::vec::IntoIter<f64>);

impl Answers {
    /// The next one; there are as many as there are values.
    pub fn number(&mut self) -> f64 {
        self.0.next().unwrap_or(f64::NAN)
    }

    /// The next n.
    pub fn list(&mut self, n: usize) -> Vec<f64> {
        self.0.by_ref().take(n).collect()
    }

    /// The next n lists of m.
    pub fn matrix(&mut self, n: usize, m: usize) -> Vec<Vec<f64>> {
        (0..n).map(|_| self.list(m)).collect()
    }
}
