//! What a dtype's rounding may add up to: the largest distance from the real value that a correct
//! implementation can show, computed from the textbook algorithm and never chosen.
//!
//! The textbook graphs of a formula are interpreted as [`Running`] numbers. What a correct
//! implementation is allowed, is said there.
//!
//! ```
//! use gradproof::budget::{Budget, Starts};
//! use gradproof::catalog;
//! use gradproof::number::{Dtype, RunningError};
//!
//! let formula = catalog::formula("cross-entropy")?;
//! let input = serde_json::json!({ "logits": [[2.0, 1.0, 0.0]], "targets": [0] });
//! let output = catalog::evaluate(formula.id, input.clone())?;
//! let textbook = (formula.textbook)(&input, &output)?;
//! let budget = Budget::of(&textbook, RunningError::of(Dtype::F32), Starts::Reported);
//! let loss = budget.at("/loss").unwrap();
//! assert!(loss.as_ref().is_ok_and(|promise| promise.bound < 1e-5));
//! # Ok::<(), gradproof::error::Error>(())
//! ```

use crate::formula::Defined;
use crate::number::{Outcome, Running, RunningError, evaluate};
use std::collections::BTreeMap;

/// What the steps of an optimizer start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starts {
    /// Each from the state that the output reports before it, which is exact for it.
    Reported,
    /// Each from what the step before came to, with its error: where only parameters are seen.
    Carried,
}

/// What is promised at every place of an output.
#[derive(Clone, Debug, Default)]
pub struct Budget {
    places: BTreeMap<String, Outcome<Running>>,
}

impl Budget {
    /// The budget of a textbook algorithm at its inputs.
    pub fn of(textbook: &[Defined], arithmetic: RunningError, starts: Starts) -> Budget {
        let mut budget = Budget::default();
        for defined in textbook {
            budget.add(defined, arithmetic, starts);
        }
        budget
    }

    /// The promise at a place, a JSON pointer; `None` where the formula has nothing to say.
    pub fn at(&self, place: &str) -> Option<&Outcome<Running>> {
        self.places.get(place)
    }

    /// Every place with its promise.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Outcome<Running>)> {
        self.places.iter()
    }

    fn add(&mut self, defined: &Defined, mut arithmetic: RunningError, starts: Starts) {
        let inputs = defined.inputs.iter().map(|given| {
            let before = given.from.as_ref().filter(|_| starts == Starts::Carried);
            match before.and_then(|place| self.places.get(place)) {
                None => Ok(arithmetic.given(given.value, given.role)),
                Some(Ok(carried)) => Ok(*carried),
                Some(Err(reason)) => Err(reason.clone()),
            }
        });
        let outputs = match inputs.collect::<Outcome<Vec<Running>>>() {
            Ok(inputs) => evaluate(&defined.graph, &mut arithmetic, &inputs),
            Err(reason) => vec![Err(reason); defined.places.len()],
        };
        for (place, output) in defined.places.iter().zip(outputs) {
            // kept in the tensor's dtype, also where a scalar alone determines it
            let output = output.map(|x| arithmetic.stored(&x));
            let worst = match (self.places.remove(place), output) {
                (Some(Ok(known)), Ok(new)) => Ok(if known.bound >= new.bound { known } else { new }),
                (Some(Err(reason)), _) | (_, Err(reason)) => Err(reason),
                (None, new) => new,
            };
            self.places.insert(place.clone(), worst);
        }
    }
}
