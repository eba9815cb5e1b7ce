//! Strategies for proptest (feature `proptest`): inputs of a formula that are in its domain, and that
//! shrink within it to few rows, steps and classes with short numbers.
//!
//! ```
//! use gradproof::catalog;
//! use proptest::prelude::*;
//!
//! proptest!(ProptestConfig::with_cases(20), |(input in gradproof::proptest::inputs("dpo").unwrap())| {
//!     let output = catalog::evaluate("dpo", input).unwrap();
//!     prop_assert!(output["weight"].as_array().unwrap().iter().all(|w| w.as_f64().unwrap() <= 1.0));
//! });
//! ```

use crate::cases::{self, Conventions};
use crate::catalog;
use crate::error::Result;
use crate::formula::Formula;
use ::proptest::strategy::{NewTree, Strategy, ValueTree};
use ::proptest::test_runner::TestRunner;
use rand_chacha::rand_core::Rng;
use serde_json::Value;
use std::collections::VecDeque;

/// Inputs of a formula. Of an optimizer they are steps from some state, or trajectories from zero.
#[derive(Clone, Debug)]
pub struct Inputs {
    formula: &'static Formula,
    conventions: Conventions,
}

/// Inputs of the formula with this id, under its default conventions.
///
/// # Errors
/// If there is no such formula.
pub fn inputs(formula: &str) -> Result<Inputs> {
    Ok(Inputs { formula: catalog::formula(formula)?, conventions: Conventions::Default })
}

impl Inputs {
    /// The same under any conventions.
    #[must_use]
    pub fn under_any_conventions(self) -> Inputs {
        Inputs { conventions: Conventions::Any, ..self }
    }
}

impl Strategy for Inputs {
    type Tree = InputTree;
    type Value = Value;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let input = cases::any(self.formula, runner.rng().next_u64(), self.conventions);
        Ok(InputTree { formula: self.formula, shown: input.clone(), failing: input, next: VecDeque::new() })
    }
}

/// An input with those that it may shrink to.
#[derive(Clone, Debug)]
pub struct InputTree {
    formula: &'static Formula,
    /// What is shown now.
    shown: Value,
    /// The simplest that is known to fail.
    failing: Value,
    /// Those simpler than it that have not been shown.
    next: VecDeque<Value>,
}

impl InputTree {
    fn advance(&mut self) -> bool {
        match self.next.pop_front() {
            Some(next) => {
                self.shown = next;
                true
            }
            None => {
                self.shown = self.failing.clone();
                false
            }
        }
    }
}

impl ValueTree for InputTree {
    type Value = Value;

    fn current(&self) -> Value {
        self.shown.clone()
    }

    /// What is shown has failed.
    fn simplify(&mut self) -> bool {
        self.failing = self.shown.clone();
        self.next = cases::simpler(self.formula, &self.failing).collect();
        self.advance()
    }

    /// What is shown has passed.
    fn complicate(&mut self) -> bool {
        self.advance()
    }
}
