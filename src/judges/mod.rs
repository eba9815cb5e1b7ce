//! The judges: independent ways to decide a statement.
//!
//! A judge knows kinds of statement, never a formula by name.

pub mod algebra;
mod boxes;
pub mod dual;
pub mod enclosure;
pub mod gradient;
pub mod limit;
mod pairs;
pub mod point;
mod precise;
pub mod search;
mod sign;
mod simpler;
pub mod taylor;

pub use boxes::Part;
pub use pairs::Pairs;

use crate::claim::{Instance, Relation};
use crate::number::{Deadline, Modulus};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// With 34 roots the chance that a prime is unlucky is about 2^−70, and that all four are 2^−280.
const PRIMES: usize = 4;

/// What the judges of one run share.
#[derive(Clone, Debug)]
pub struct Run {
    /// Points per sampled instance.
    pub cases: usize,
    /// The seed that everything random is drawn from.
    pub seed: u64,
    /// The primes of identity tests: several, since a false statement may be true modulo one.
    pub moduli: Vec<Modulus>,
    /// When to stop: judges abstain from then on.
    pub deadline: Deadline,
    /// Whether points that f64 leaves open are looked at with more bits. A claim of the catalog chooses its own
    /// points and controls, and is decided without.
    pub more_bits: bool,
    /// Whether a counterexample is brought to simple numbers, which takes time and is for a reader.
    pub simplest: bool,
}

impl Run {
    /// A run with its random primes.
    pub fn new(cases: usize, seed: u64) -> Run {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let moduli = (0..PRIMES).map(|_| Modulus::draw(&mut rng)).collect();
        Run { cases, seed, moduli, deadline: Deadline::NEVER, more_bits: false, simplest: true }
    }

    /// The same run with an end.
    pub fn until(&self, deadline: Deadline) -> Run {
        Run { deadline, ..self.clone() }
    }

    /// A generator of its own for each purpose, so that no judge changes what another one draws.
    fn rng(&self, purpose: &str) -> ChaCha8Rng {
        // FNV-1a, which is the same on every platform
        let hash =
            purpose.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        ChaCha8Rng::seed_from_u64(self.seed ^ hash)
    }
}

/// One way to decide a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judge {
    /// Equality of exact rational functions, and inequalities that their form shows.
    Algebra,
    /// An identity test at random points of random prime fields.
    PrimeField,
    /// The sum over every outcome, exactly.
    Enumeration,
    /// num-dual's forward derivatives, at sampled points.
    Dual,
    /// The graph's own reverse derivatives, or the two sides, as enclosures at sampled points; and
    /// inequalities over a whole box.
    Enclosure,
    /// Difference quotients, at sampled points.
    Taylor,
    /// The two sides further and further out.
    Limit,
    /// The search for a counterexample in small fractions.
    Search,
}

impl Judge {
    /// Every judge, in the order in which they are asked.
    pub const ALL: [Judge; 8] = [
        Judge::Algebra,
        Judge::PrimeField,
        Judge::Enumeration,
        Judge::Dual,
        Judge::Enclosure,
        Judge::Taylor,
        Judge::Limit,
        Judge::Search,
    ];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Judge::Algebra => "algebra",
            Judge::PrimeField => "prime-field",
            Judge::Enumeration => "enumeration",
            Judge::Dual => "dual",
            Judge::Enclosure => "enclosure",
            Judge::Taylor => "taylor",
            Judge::Limit => "limit",
            Judge::Search => "search",
        }
    }

    /// Whether this judge has anything to say of a statement like this.
    pub fn judges(self, instance: &Instance) -> bool {
        let gradient = matches!(instance.relation, Relation::Gradient(_));
        let equal = matches!(instance.relation, Relation::Equal);
        let expectation = matches!(instance.relation, Relation::Expectation(_));
        let limit = matches!(instance.relation, Relation::Limit(..));
        match self {
            Judge::PrimeField => (gradient || equal) && !instance.beyond,
            Judge::Algebra => !limit && !expectation && !instance.beyond,
            Judge::Enumeration => expectation,
            Judge::Dual | Judge::Taylor => gradient,
            Judge::Enclosure | Judge::Search => !limit,
            Judge::Limit => limit,
        }
    }

    /// Decides one instance. `purpose` makes the random draws this judge's own.
    pub fn decide(self, instance: &Instance, run: &Run, purpose: &str) -> Finding {
        let mut rng = run.rng(&format!("{purpose}/{}/{}", instance.scope, self.name()));
        if run.deadline.has_passed() {
            return Finding::abstains(Deadline::REASON);
        }
        let finding = match self {
            Judge::Algebra => algebra::exactly(instance, run.deadline),
            Judge::PrimeField | Judge::Enumeration => algebra::in_prime_field(instance, run, &mut rng),
            Judge::Dual => dual::decide(instance, run, &mut rng),
            Judge::Enclosure => enclosure::decide(instance, run, &mut rng),
            Judge::Taylor => taylor::decide(instance, run, &mut rng),
            Judge::Limit => limit::decide(instance, run, &mut rng),
            Judge::Search => search::decide(instance, run, &mut rng),
        };
        match finding.opinion {
            // what some points did not refute before the time was up says little of the others
            Opinion::Agrees if run.deadline.has_passed() => Finding::abstains(Deadline::REASON),
            _ => finding,
        }
    }
}

/// What a judge found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Yes, no or neither.
    pub opinion: Opinion,
    /// Points, trials or outcomes looked at.
    pub cases: u64,
    /// The largest distance between the sides at a sampled point, in ulps.
    pub worst_ulp: Option<f64>,
    /// Of an inequality that agrees: where enclosures prove it, and what is left over.
    pub part: Option<Part>,
}

/// A judge's opinion on one instance.
#[derive(Clone, Debug)]
pub enum Opinion {
    /// True as a statement.
    Proves {
        /// How.
        strength: Strength,
        /// What was left out: "away from the kinks".
        condition: Option<&'static str>,
    },
    /// True at every case.
    Agrees,
    /// Not true in the judge's form or at some point, without a checked counterexample.
    Differs(String),
    /// False, with a point where an enclosure excludes it.
    Refutes(Counterexample),
    /// No opinion, with the reason.
    Abstains(String),
}

/// How a statement was proved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Strength {
    /// By exact algebra.
    Exactly,
    /// By identity tests, with log₂ of the probability that they erred.
    WithError(f64),
    /// By enclosures that cover the whole box of the variables.
    OverTheBox,
}

/// A point at which a statement is false.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Counterexample {
    /// The values of the variables, as exact fractions.
    pub point: Vec<(String, String)>,
    /// The left side there.
    pub left: String,
    /// The right side there.
    pub right: String,
}

impl Finding {
    fn abstains(reason: impl Into<String>) -> Finding {
        Finding { opinion: Opinion::Abstains(reason.into()), cases: 0, worst_ulp: None, part: None }
    }

    fn of(opinion: Opinion, cases: u64) -> Finding {
        Finding { opinion, cases, worst_ulp: None, part: None }
    }
}
