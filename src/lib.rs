//! The mathematics of LLM training as an exact reference: losses, optimizer updates and
//! learning-rate schedules, with every claim about them decided by a program.
//!
//! # Words
//!
//! | word | meaning |
//! |---|---|
//! | formula | a named mathematical object: a loss, an optimizer's update rule, a schedule |
//! | definition | the formula as the paper writes it, as an expression graph |
//! | textbook | the algorithm that implementations use, as an expression graph |
//! | gradient | the hand-derived closed form, an expression graph too |
//! | oracle | the f64 evaluation of the formula and its gradient |
//! | convention | a legitimate choice that changes the real value on some input |
//! | mistake | a wrong form, which every check must reject |
//! | claim | a statement about formulas that can be false |
//! | judge | one independent way to decide a claim |
//! | verdict | what a claim came to, with its scope |
//! | case | one concrete input |
//! | subject | somebody else's implementation, under test |
//! | form | a formula under conventions, with a mistake or a handling: what a subject may be computing |
//! | handling | how a subject treats steps, rates, states and tensors around a formula |
//! | vector | a case with its golden output, in a data file |
//! | recording | the outputs of a libtorch run on a named device, kept as data |
//! | budget | how far a correct implementation in a dtype can be from the real value |
//!
//! # Floors
//!
//! Each uses only those above it in this list.
//!
//! - [`error`], [`json`]: what can be wrong with an input, and numbers in JSON
//! - `arrays`: npz and safetensors (feature `arrays`)
//! - [`expression`]: the graph, its operators and derivatives
//! - [`number`]: the kinds of number a graph is interpreted on
//! - `kernels`: the loops over large data, on vectors of pairs of f64
//! - [`claim`], [`formula`]: statements, and what a formula is
//! - [`losses`], [`optimizers`], [`schedules`]: one file per formula
//! - [`across`]: claims that span formulas
//! - [`catalog`]: every formula by id; [`outside`]: what no mathematics decides
//! - [`accuracy`]: how exact the oracle is known to be, kept as data
//! - [`budget`], [`cases`]: what a dtype's rounding explains, and inputs to try
//! - [`comparison`], [`survey`]: somebody's outputs beside the right ones
//! - [`diagnosis`]: which conventions and mistakes somebody's outputs show
//! - [`conformance`]: somebody's optimizer, schedule or loss, held to its formula in their own tests
//! - `audit`: one real training step, from checkpoint files (feature `audit`)
//! - `proptest`, `quickcheck`: inputs of every formula for property tests (features of the same names)
//! - [`recording`]: libtorch's outputs on a named device, kept as data
//! - [`vectors`]: golden inputs and outputs as data, and somebody's results held to them
//! - `torch`: the same formulas by libtorch (feature `torch`)
//! - `certify`: the oracle held to MPFR, bit for bit (feature `certify`)
//! - [`judges`]: ways to decide a statement
//! - [`decision`]: what the judges make of a statement
//! - [`verify`]: the claims of the catalog, decided
//! - [`prove`]: statements of one's own, decided, and a language for them
//! - [`report`]: the evidence, as tables and, with the feature `report`, as a page

pub mod accuracy;
pub mod across;
#[cfg(feature = "arrays")]
pub mod arrays;
#[cfg(feature = "audit")]
pub mod audit;
pub mod budget;
pub mod cases;
pub mod catalog;
#[cfg(feature = "certify")]
pub mod certify;
pub mod claim;
pub mod comparison;
pub mod conformance;
pub mod decision;
pub mod diagnosis;
mod domain;
pub mod error;
pub mod expression;
pub mod formula;
pub mod json;
pub mod judges;
mod kernels;
pub mod losses;
pub mod number;
pub mod optimizers;
pub mod outside;
#[cfg(feature = "proptest")]
pub mod proptest;
pub mod prove;
#[cfg(feature = "quickcheck")]
pub mod quickcheck;
pub mod recording;
pub mod report;
pub mod schedules;
pub mod survey;
#[cfg(feature = "torch")]
pub mod torch;
pub mod vectors;
pub mod verify;

/// The README's Rust examples run as doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// So do those of the manual of `prove`.
#[cfg(doctest)]
#[doc = include_str!("../docs/prove.md")]
struct Manual;
