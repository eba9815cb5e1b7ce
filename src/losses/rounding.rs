//! From numbers that carry a bound of their error to the nearest f64: where the bound leaves the rounding
//! open, the definition is asked, by enclosures of more and more precision.

use crate::formula::Defined;
use crate::number::{self, Wide};

/// Graphs of one formula at one input, whose outputs are in the order of the values.
type Graphs<'a> = [&'a dyn Fn() -> Defined];

/// Numbers to be rounded, as they are collected.
#[derive(Default)]
pub(super) struct Values {
    /// The nearest f64, or one near a number whose rounding is open.
    near: Vec<f64>,
    /// The places of these.
    open: Vec<usize>,
}

impl Values {
    /// f64 that are the nearest, but for those that are put in their place.
    pub fn of(near: Vec<f64>) -> Values {
        Values { near, open: Vec::new() }
    }

    /// One more.
    pub fn push(&mut self, x: Wide) {
        self.near.push(0.0);
        self.put(self.near.len() - 1, x);
    }

    /// The number at a place that there is.
    pub fn put(&mut self, place: usize, x: Wide) {
        self.near[place] = x.nearest().unwrap_or_else(|| {
            self.open.push(place);
            x.to_f64()
        });
    }

    /// Those of another list after these.
    pub fn append(&mut self, other: Values) {
        let start = self.near.len();
        self.open.extend(other.open.into_iter().map(|place| start + place));
        self.near.extend(other.near);
    }

    /// The f64 nearest to each value, ties to even. What a value leaves open is asked of the first graph,
    /// and what that cannot do, of the next.
    pub fn decided(self, graphs: &Graphs) -> Answers {
        // a definition abstains from exponentials past 1e12, which the textbook does not take; both do where a
        // selection's condition is not told from 0: what they select from is equal there, and near the value
        let Values { mut near, mut open } = self;
        for graph in graphs {
            if open.is_empty() {
                break;
            }
            let defined = graph();
            let asked = defined.graph.continued(|outputs| open.iter().map(|&i| outputs[i]).collect());
            let found = number::nearest(&asked, &defined.values().collect::<Vec<_>>());
            let mut left = Vec::new();
            for (place, found) in open.into_iter().zip(found) {
                match found {
                    Ok(nearest) => near[place] = nearest,
                    Err(_) => left.push(place),
                }
            }
            open = left;
        }
        Answers(near.into_iter())
    }
}

/// The f64 nearest to each value of a list, as [`Values::decided`].
pub(super) fn nearest(values: &[Wide], graphs: &Graphs) -> Answers {
    let mut all = Values::default();
    values.iter().for_each(|&x| all.push(x));
    all.decided(graphs)
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
