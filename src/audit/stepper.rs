//! The optimizer of a tensor with its hyperparameters: what a block of elements is held to.

use super::config::Optimizer;
use super::error::{Error, Result};
use super::exact::{Element, Right};
use super::sieve::{self, Before, Columns, Kept, MOST_OUTPUTS, Rule};
use crate::domain;
use crate::json;
use crate::number::Dtype;
use crate::optimizers::flat::Flat;
use crate::optimizers::sophia::Floor;
use crate::optimizers::{adam_l2, adamw, lion, sgd, sophia};
use serde_json::{Map, Value};

/// A step of one rate, the t-th of a tensor.
#[derive(Clone, Debug)]
pub(super) struct Stepper {
    hyper: Hyper,
    eta: f64,
    t: u64,
    /// Whether an estimate of the Hessian's diagonal was made.
    estimated: bool,
}

#[derive(Clone, Debug)]
enum Hyper {
    AdamW(adamw::Hyperparameters),
    AdamL2(adam_l2::Hyperparameters),
    Lion(lion::Hyperparameters),
    Sophia(sophia::Hyperparameters),
    Sgd(sgd::Hyperparameters),
}

impl Stepper {
    /// Reads hyperparameters as the formula's input has them, with `lr`.
    pub fn new(optimizer: &Optimizer, hyper: &Map<String, Value>, t: u64, estimated: bool) -> Result<Stepper> {
        let mut own = hyper.clone();
        let eta = own.remove("lr").unwrap_or(Value::Null);
        let eta = json::real_of(&eta).ok_or_else(|| Error::config("lr", eta, "a number of at least 0"))?;
        if optimizer.takes_estimates() {
            // a field of the formula's input, and no hyperparameter
            own.insert("hessians".into(), Value::Array(Vec::new()));
        }
        let own = Value::Object(own);
        let hyper = match optimizer.formula.id {
            "adamw" => Hyper::AdamW(json::read(own)?),
            "adam-l2" => Hyper::AdamL2(json::read(own)?),
            "lion" => Hyper::Lion(json::read(own)?),
            "sophia" => Hyper::Sophia(json::read(own)?),
            _ => Hyper::Sgd(json::read(own)?),
        };
        Ok(Stepper { hyper, eta, t, estimated })
    }

    /// Whether the formula's input has estimates of the Hessian's diagonal.
    pub fn takes_estimates(&self) -> bool {
        matches!(self.hyper, Hyper::Sophia(_))
    }

    /// The names of the moments.
    pub fn moments(&self) -> &'static [&'static str] {
        match &self.hyper {
            Hyper::AdamW(h) => h.moments(),
            Hyper::AdamL2(h) => h.moments(),
            Hyper::Lion(_) => lion::MOMENTS,
            Hyper::Sophia(_) => sophia::MOMENTS,
            Hyper::Sgd(_) => sgd::MOMENTS,
        }
    }

    /// A quick look at its elements, where θ′ is of this dtype.
    pub fn rule(&self, kept: Kept, dtype: Option<Dtype>) -> Box<dyn Rule> {
        // of numbers that are held to the nearest f64, the budget knows what a divisor may lose
        let loss = sieve::Loss::of(dtype.filter(|_| kept == Kept::InF32));
        let Stepper { hyper, eta, t, estimated } = self;
        match hyper {
            Hyper::AdamW(h) => Box::new(sieve::Adam::decoupled(h, *eta, *t, kept, loss)),
            Hyper::AdamL2(h) => Box::new(sieve::Adam::with_l2(h, *eta, *t, kept, loss)),
            Hyper::Lion(h) => Box::new(sieve::Lion::new(h, *eta, kept)),
            Hyper::Sophia(h) => Box::new(sieve::Sophia::new(h, *eta, *t, *estimated, kept, loss)),
            Hyper::Sgd(h) => Box::new(sieve::Sgd::new(h, *eta, *t, kept)),
        }
    }

    /// Whether an element certainly has no answer since its step divides by 0, without an ε and with no second moment:
    /// the sieve then divides by 0 as well.
    pub fn divides_by_zero(&self, x: &Before) -> bool {
        let [_, second, v_max] = x.moments;
        let adam =
            |beta2: f64, eps: f64, g: f64| eps == 0.0 && g == 0.0 && v_max == 0.0 && (second == 0.0 || beta2 == 0.0);
        match &self.hyper {
            Hyper::AdamW(h) => adam(h.beta2, h.eps, x.g),
            Hyper::AdamL2(h) => adam(h.beta2, h.eps, libm::fma(h.weight_decay, x.theta, x.g)),
            Hyper::Sophia(h) => {
                let none = |h: f64, floor: Floor| if floor == Floor::Max { h <= 0.0 } else { h == 0.0 };
                let estimate = if self.estimated { x.estimate } else { 0.0 };
                h.eps == 0.0 && [second, estimate].iter().all(|&h_old| none(h_old, h.conventions.floor))
            }
            Hyper::Lion(_) | Hyper::Sgd(_) => false,
        }
    }

    /// The f64 nearest to θ′ and the new moments of a block; `None` where an element has no answer that changing it
    /// alone gives. Elements outside their domain have any numbers.
    pub fn nearest(&self, columns: &Columns) -> Option<[Vec<f64>; MOST_OUTPUTS]> {
        let moments = self.moments();
        let (mut gradient, mut estimate) = (columns.gradient.clone(), columns.estimate.clone());
        let mut state = columns.before.clone();
        for i in 0..gradient.len() {
            let finite =
                gradient[i].is_finite() && estimate[i].is_finite() && state.iter().all(|list| list[i].is_finite());
            let below = moments.iter().zip(&state[1..]).any(|(name, list)| name.starts_with('v') && list[i] < 0.0);
            if !finite || below || self.divides_by_zero(&columns.before(i)) {
                // a step that every formula has
                (gradient[i], estimate[i]) = (1.0, 1.0);
                state.iter_mut().for_each(|list| list[i] = 1.0);
            }
        }
        self.step(&mut state, &gradient, &estimate).is_ok().then_some(state)
    }

    /// The f64 nearest to θ′ and the new moments of elements.
    ///
    /// # Errors
    /// Where an element has no answer.
    pub fn right(&self, elements: &[Element]) -> crate::error::Result<Vec<Right>> {
        let list = |of: &dyn Fn(&Before) -> f64| elements.iter().map(|x| of(&x.before)).collect::<Vec<f64>>();
        let moment = |i: usize| list(&|x| x.moments[i]);
        let mut state = [list(&|x| x.theta), moment(0), moment(1), moment(2)];
        let (gradient, estimate) = (list(&|x| x.g), list(&|x| x.estimate));
        let in_domain = |list: &[f64]| list.iter().try_for_each(|&x| domain::finite("element", x).map(|_| ()));
        // the loops over vectors take what is finite
        let used = &state[..=self.moments().len()];
        used.iter().chain([&gradient, &estimate]).try_for_each(|list| in_domain(list))?;
        for (name, list) in self.moments().iter().zip(&state[1..]).filter(|(name, _)| name.starts_with('v')) {
            list.iter().try_for_each(|&x| domain::non_negative(name, x).map(|_| ()))?;
        }
        self.step(&mut state, &gradient, &estimate)?;
        Ok((0..elements.len()).map(|i| state.each_ref().map(|list| list[i])).collect())
    }

    /// Steps lists in place.
    fn step(
        &self,
        state: &mut [Vec<f64>; MOST_OUTPUTS],
        gradient: &[f64],
        estimate: &[f64],
    ) -> crate::error::Result<()> {
        let [theta, rest @ ..] = state;
        let moments = rest.iter_mut().take(self.moments().len()).map(Vec::as_mut_slice).collect();
        let tensor = Flat { params: theta, gradient, moments, t: self.t, lr: self.eta, first_lr: self.eta };
        match &self.hyper {
            Hyper::AdamW(h) => adamw::step_in_place(h, tensor),
            Hyper::AdamL2(h) => adam_l2::step_in_place(h, tensor),
            Hyper::Lion(h) => lion::step_in_place(h, tensor),
            Hyper::Sophia(h) => sophia::step_in_place(h, self.estimated.then_some(estimate), tensor),
            Hyper::Sgd(h) => sgd::step_in_place(h, tensor),
        }
    }
}
