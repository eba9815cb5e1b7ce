//! A statement about graphs of one's own, without the text language.

use super::decide::{AtSize, Decided, Statement, decide};
use crate::claim::{Instance, Kind, Relation};
use crate::judges::Run;
use crate::number::Deadline;
use std::time::Duration;

/// Begins a statement: in another crate's test, about its own formula.
///
/// ```
/// use gradproof::claim::{Instance, Verdict};
/// use gradproof::expression::{sigmoid, softplus};
/// use gradproof::prove::that;
///
/// let slope = |sign: i64| {
///     Instance::gradient("all real x", |inputs| {
///         let x = inputs.real("x");
///         (x * softplus(x), vec![x], vec![softplus(x) + sign * x * sigmoid(x)])
///     })
/// };
/// that("(x softplus(x))' = softplus(x) + x sigmoid(x)").at(slope(1)).decide().must_be(Verdict::Proved);
/// let wrong = that("... with a minus").at(slope(-1)).decide();
/// wrong.must_be(Verdict::Refuted);
/// assert!(wrong.hint.unwrap().starts_with("the sign of a term is flipped"));
/// ```
pub fn that(statement: impl Into<String>) -> Claim {
    Claim { text: statement.into(), at: Vec::new(), cases: 200, seed: 20_260_213, time: Duration::from_secs(30) }
}

/// A statement that is being put together.
#[derive(Clone, Debug)]
pub struct Claim {
    text: String,
    at: Vec<AtSize>,
    cases: usize,
    seed: u64,
    time: Duration,
}

impl Claim {
    /// With the statement at one more size, larger than those before.
    pub fn at(mut self, instance: Instance) -> Claim {
        self.at.push(AtSize { instance, sizes: Vec::new(), components: Vec::new() });
        self
    }

    /// The same with its sizes and with the indices of its pairs, which hints can name.
    pub fn at_size(mut self, at: AtSize) -> Claim {
        self.at.push(at);
        self
    }

    /// Points per sampled size; 200 where nothing is said.
    pub fn cases(self, cases: usize) -> Claim {
        Claim { cases, ..self }
    }

    /// The seed of everything random; a fixed one where nothing is said, so that a test does not change from run to
    /// run.
    pub fn seed(self, seed: u64) -> Claim {
        Claim { seed, ..self }
    }

    /// The time after which what is not decided stays so; 30 seconds where nothing is said.
    pub fn within(self, time: Duration) -> Claim {
        Claim { time, ..self }
    }

    /// Decides it. A statement at no size is undecided.
    pub fn decide(self) -> Decided {
        let kind = match self.at.first().map(|at| &at.instance.relation) {
            Some(Relation::Gradient(_)) => Kind::Gradient,
            Some(Relation::AtLeast | Relation::Greater) => Kind::Inequality,
            Some(Relation::Expectation(_)) => Kind::Expectation,
            Some(Relation::Limit(..)) => Kind::Limit,
            Some(Relation::Equal) | None => Kind::Identity,
        };
        let run = Run::new(self.cases, self.seed).until(Deadline::after(self.time));
        let required = self.at.len();
        decide(&Statement { text: self.text, kind, at: self.at, required }, &run)
    }
}
