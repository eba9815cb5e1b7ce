//! One parameter at one step: what an update rule sees, and what it gives.

use crate::expression::Expr;
use crate::formula::{Numbers, rounded};
use crate::number::Wide;

/// The most moments a formula keeps per parameter.
pub const MOST_MOMENTS: usize = 3;

/// One parameter at one step: all that an update rule sees.
#[derive(Clone, Copy, Debug)]
pub struct Element {
    /// θ
    pub theta: f64,
    /// g
    pub g: f64,
    /// The gradient of the tensor's step before, 0 at its first.
    pub previous_g: f64,
    /// The moments, in the order of the formula's names.
    pub moments: [f64; MOST_MOMENTS],
    /// t, counted from 1.
    pub t: u64,
    /// Whether this is the tensor's first step.
    pub first: bool,
    /// η
    pub eta: f64,
    /// η_1, the rate of the input's first step.
    pub eta_1: f64,
    /// A further input of the formula, where it has one: Sophia's ĥ.
    pub estimate: Option<f64>,
    /// Where it is, for messages.
    pub place: Place,
}

/// Where a tensor is in a problem.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// The step.
    pub step: usize,
    /// The tensor.
    pub tensor: usize,
}

/// Where an element is.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Where its tensor is, if that is one of a problem's.
    pub site: Option<Site>,
    /// The element.
    pub element: usize,
}

impl Place {
    /// `steps[0].m[1][2]`, or `m[2]` of a tensor by itself
    pub fn of(&self, field: &str) -> String {
        match self.site {
            Some(Site { step, tensor }) => format!("steps[{step}].{field}[{tensor}][{}]", self.element),
            None => format!("{field}[{}]", self.element),
        }
    }
}

/// A parameter after a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Updated {
    /// θ′
    pub theta: f64,
    /// The new moments.
    pub moments: [f64; MOST_MOMENTS],
}

/// A parameter after a step as wide numbers, before it is rounded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unrounded {
    /// θ′
    pub theta: Wide,
    /// The new moments; zero past those that the formula keeps.
    pub moments: [Wide; MOST_MOMENTS],
}

impl Unrounded {
    /// Correctly rounded. `definition` gives θ′ and the new moments as graphs, for what the bounds leave
    /// open.
    pub fn rounded(&self, definition: impl Fn(&Numbers) -> (Expr, Vec<Expr>)) -> Updated {
        let moment = |i: usize| rounded(self.moments[i], |numbers| definition(numbers).1[i]);
        Updated {
            theta: rounded(self.theta, |numbers| definition(numbers).0),
            moments: [moment(0), moment(1), moment(2)],
        }
    }
}
