//! A trajectory walked step by step: what a formula comes to where a subject treats what it keeps between
//! the steps in a way of its own.
//!
//! Each step is an input of the formula by itself, with the state that the subject would start it from;
//! its graphs are joined to those of the steps that this state is from.

use super::Around;
use super::handling::Handling;
use crate::catalog;
use crate::formula::{Defined, Formula};
use crate::json;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The graphs of all steps, and where the subject's output is in them.
pub(super) struct Walk {
    pub graphs: Vec<Defined>,
    pub shown: BTreeMap<String, Shown>,
}

/// What a place of the output has.
#[derive(Clone, Debug)]
pub(super) enum Shown {
    /// What a graph computes at this place.
    At(String),
    /// What it began with.
    Value(f64),
}

/// Numbers that are kept, and the step and tensor whose graphs compute it.
#[derive(Clone)]
struct Kept {
    values: Vec<f64>,
    from: Option<(usize, usize)>,
}

/// What is kept for a tensor.
#[derive(Clone)]
struct State {
    moments: Vec<Kept>,
    step: u64,
}

/// The walk of a handling of the state over an input; `None` where the input cannot show it.
pub(super) fn walk(formula: &Formula, input: &Value, handling: Handling, around: &Around) -> Option<Walk> {
    let on_saving =
        [Handling::StateLostOnSaving, Handling::MomentsLostOnSaving, Handling::CountLostOnSaving].contains(&handling);
    let shared = [Handling::StateShared, Handling::MomentsShared].contains(&handling);
    // a count for all tensors is none of a state's
    let global = input["conventions"]["step_count"] == "global";
    if global || (on_saving && around.resumed_at.is_none()) || (shared && around.shapes.is_empty()) {
        return None;
    }
    let mut walker = Walker::new(formula, input, handling)?;
    for step in 0..input["gradients"].as_array()?.len() {
        if around.resumed_at == Some(step) {
            walker.save_and_restore();
        }
        let tensors = 0..walker.params.len();
        let active: Vec<usize> = tensors.filter(|&i| !input["gradients"][step][i].is_null()).collect();
        if shared {
            // one tensor after the other, since each moves what the next starts from
            for &tensor in &active {
                walker.step(step, &[tensor])?;
                walker.share(tensor, &around.shapes);
            }
        } else {
            walker.step(step, &active)?;
        }
        walker.show(step);
    }
    Some(walker.walk)
}

struct Walker<'a> {
    formula: &'a Formula,
    input: &'a Value,
    handling: Handling,
    /// The moments' names.
    names: Vec<String>,
    params: Vec<Kept>,
    states: Vec<State>,
    walk: Walk,
}

impl Walker<'_> {
    fn new<'a>(formula: &'a Formula, input: &'a Value, handling: Handling) -> Option<Walker<'a>> {
        let right = catalog::evaluate(formula.id, input.clone()).ok()?;
        let names: Vec<String> = right["steps"][0].as_object()?.keys().filter(|n| *n != "params").cloned().collect();
        let params = input["params"].as_array()?.iter().map(given).collect::<Option<Vec<Kept>>>()?;
        let state = |(i, params): (usize, &Kept)| match input.get("state").and_then(|states| states.get(i)) {
            None => Some(State::new(names.len(), params.values.len())),
            Some(state) => {
                let moments = names.iter().map(|name| given(&state[name])).collect::<Option<_>>()?;
                Some(State { moments, step: state["step"].as_u64()? })
            }
        };
        let states = params.iter().enumerate().map(state).collect::<Option<_>>()?;
        let walk = Walk { graphs: Vec::new(), shown: BTreeMap::new() };
        Some(Walker { formula, input, handling, names, params, states, walk })
    }

    fn save_and_restore(&mut self) {
        for state in &mut self.states {
            let new = State::new(state.moments.len(), state.moments.first().map_or(0, |m| m.values.len()));
            match self.handling {
                Handling::StateLostOnSaving => *state = new,
                Handling::MomentsLostOnSaving => state.moments = new.moments,
                Handling::CountLostOnSaving => state.step = 0,
                _ => {}
            }
        }
    }

    /// What a tensor's step starts from.
    fn start(&self, tensor: usize) -> State {
        let mut state = self.states[tensor].clone();
        match self.handling {
            Handling::StateLost => State::new(state.moments.len(), self.params[tensor].values.len()),
            Handling::StepBehind => {
                state.step = state.step.saturating_sub(1);
                state
            }
            _ => state,
        }
    }

    /// Moves these tensors.
    fn step(&mut self, step: usize, tensors: &[usize]) -> Option<()> {
        let mut starts: Vec<State> = (0..self.params.len()).map(|i| self.start(i)).collect();
        let rate = self.input["lr"].get(step).unwrap_or(&self.input["lr"]).as_f64()?;
        let scaled = self.handling == Handling::RateInMoment;
        if scaled {
            // m = Σ η g is η times the formula's m at this step's rate
            tensors.iter().try_for_each(|&i| self.unscale(&mut starts[i].moments[0], step, i, rate))?;
        }
        let alone = self.alone(step, tensors, &starts);
        let output = catalog::evaluate(self.formula.id, alone.clone()).ok()?;
        for mut defined in (self.formula.definition)(&alone, &output, None).ok()? {
            self.join(&mut defined, &starts)?;
            if scaled {
                defined = self.rescaled(defined, step, rate)?;
            }
            self.walk.graphs.push(defined);
        }
        for &i in tensors {
            let list = |name: &str| given(&output["steps"][step][name][i]);
            self.params[i] = Kept { from: Some((step, i)), ..list("params")? };
            for (m, name) in self.names.iter().enumerate() {
                let mut moment = Kept { from: Some((step, i)), ..list(name)? };
                if scaled && m == 0 {
                    moment.values.iter_mut().for_each(|x| *x *= rate);
                }
                self.states[i].moments[m] = moment;
            }
            self.states[i].step += 1;
        }
        Some(())
    }

    /// The step as an input of its own: no tensor moves before it.
    fn alone(&self, step: usize, tensors: &[usize], starts: &[State]) -> Value {
        let mut alone = self.input.clone();
        let nothing = || Value::from(vec![Value::Null; self.params.len()]);
        let only = |list: &Value| -> Value {
            let of = |i: usize| if tensors.contains(&i) { list[i].clone() } else { Value::Null };
            (0..self.params.len()).map(of).collect()
        };
        for name in ["gradients", "hessians"] {
            if let Some(steps) = self.input.get(name) {
                let earlier = (0..step).map(|_| nothing());
                alone[name] = earlier.chain([only(&steps[step])]).collect();
            }
        }
        if let Some(rates) = self.input["lr"].as_array() {
            alone["lr"] = rates[..=step].into();
        }
        let list = |values: &[f64]| values.iter().map(|&x| json::number(x)).collect::<Value>();
        alone["params"] = self.params.iter().map(|p| list(&p.values)).collect();
        let state = |state: &State| -> Value {
            let moments = self.names.iter().zip(&state.moments).map(|(name, m)| (name.clone(), list(&m.values)));
            Map::from_iter([("step".to_string(), json!(state.step))].into_iter().chain(moments)).into()
        };
        alone["state"] = starts.iter().map(state).collect();
        alone
    }

    /// Joins an element's graph to those that compute what it starts from.
    fn join(&self, defined: &mut Defined, starts: &[State]) -> Option<()> {
        let (tensor, element) = element_of(defined.places.first()?)?;
        let start = |variable: &str| {
            let moment = self.names.iter().position(|name| name == variable);
            match moment {
                Some(m) => Some((variable.to_string(), &starts[tensor].moments[m])),
                None => (variable == "theta").then(|| ("params".to_string(), &self.params[tensor])),
            }
        };
        for (given, variable) in defined.inputs.iter_mut().zip(defined.graph.variables()) {
            given.from = start(variable).and_then(|(name, numbers)| numbers.place(&name, element));
        }
        Some(())
    }

    /// Gives a moment divided by the rate, as graphs that the step's are joined to.
    fn unscale(&mut self, moment: &mut Kept, step: usize, tensor: usize, rate: f64) -> Option<()> {
        if rate == 0.0 {
            return None;
        }
        let name = &self.names[0];
        for element in 0..moment.values.len() {
            let from = moment.place(name, element);
            let place = format!("/steps/{step}/{name}/{tensor}/{element}/before");
            let kept = moment.values[element];
            self.walk.graphs.push(times(kept, from, 1.0 / rate, place));
            moment.values[element] = kept / rate;
        }
        Some(())
    }

    /// An element's graph followed by its first moment times the rate.
    fn rescaled(&mut self, mut defined: Defined, step: usize, rate: f64) -> Option<Defined> {
        let (tensor, element) = element_of(defined.places.first()?)?;
        let kept = format!("/steps/{step}/{}/{tensor}/{element}", self.names[0]);
        // it starts from what `unscale` made
        for (given, variable) in defined.inputs.iter_mut().zip(defined.graph.variables()) {
            if *variable == self.names[0] {
                given.from = Some(format!("{kept}/before"));
            }
        }
        let at = defined.places.iter().position(|place| *place == kept)?;
        defined.places[at] = format!("{kept}/after");
        let graph = defined.clone();
        self.walk.graphs.push(graph);
        Some(times(f64::NAN, Some(format!("{kept}/after")), rate, kept))
    }

    /// Gives a tensor's state to those of its shape.
    fn share(&mut self, tensor: usize, shapes: &[Vec<usize>]) {
        let state = self.states[tensor].clone();
        for (i, other) in self.states.iter_mut().enumerate() {
            if shapes.get(i) == shapes.get(tensor) {
                other.moments.clone_from(&state.moments);
                if self.handling == Handling::StateShared {
                    other.step = state.step;
                }
            }
        }
    }

    /// Notes what the subject has after a step.
    fn show(&mut self, step: usize) {
        for tensor in 0..self.params.len() {
            let moments = self.names.iter().map(String::as_str).zip(&self.states[tensor].moments);
            for (name, numbers) in std::iter::once(("params", &self.params[tensor])).chain(moments) {
                for (element, &x) in numbers.values.iter().enumerate() {
                    let shown = numbers.place(name, element).map_or(Shown::Value(x), Shown::At);
                    self.walk.shown.insert(format!("/steps/{step}/{name}/{tensor}/{element}"), shown);
                }
            }
        }
    }
}

impl State {
    fn new(moments: usize, n: usize) -> State {
        State { moments: vec![Kept { values: vec![0.0; n], from: None }; moments], step: 0 }
    }
}

impl Kept {
    /// Where graphs compute a number of this list.
    fn place(&self, name: &str, element: usize) -> Option<String> {
        let (step, tensor) = self.from?;
        Some(format!("/steps/{step}/{name}/{tensor}/{element}"))
    }
}

/// Kept of an input or an output.
fn given(list: &Value) -> Option<Kept> {
    let values = list.as_array()?.iter().map(json::real_of).collect::<Option<_>>()?;
    Some(Kept { values, from: None })
}

/// "/steps/0/params/1/2": 1 and 2
fn element_of(place: &str) -> Option<(usize, usize)> {
    let mut parts = place.split('/').skip(4);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// A number, which may be an earlier graph's, times a scalar.
fn times(x: f64, from: Option<String>, factor: f64, place: String) -> Defined {
    let mut defined = Defined::build(|numbers| {
        let (x, factor) = (numbers.number("x", x), numbers.scalar("factor", factor));
        vec![(place, x * factor)]
    });
    defined.inputs[0].from = from;
    defined
}
