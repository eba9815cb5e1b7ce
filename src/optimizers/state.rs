//! Several tensors, their state and their steps: what every optimizer shares around its update rule.
//!
//! A tensor without a gradient in a step keeps its parameters, its state and its step count. Every
//! step starts from the f64 state just reported, so that each can be checked alone.

use crate::domain;
use crate::error::{Error, Result};
use crate::expression::Expr;
use crate::formula::{Defined, Numbers, rounded};
use crate::json;
use crate::json::one_or_more::Rates;
use crate::number::Wide;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The input of an optimizer: what to optimize, with which gradients, from which state.
#[derive(Clone, Debug)]
pub struct Problem<H> {
    /// `[tensor][n]`
    pub params: Vec<Vec<f64>>,
    /// `[step][tensor]`; `None` where a tensor got no gradient.
    pub gradients: Vec<Vec<Option<Vec<f64>>>>,
    /// The learning rate of every step.
    pub rates: Vec<f64>,
    /// What each tensor starts from.
    pub state: Vec<TensorState>,
    /// The hyperparameters and conventions.
    pub hyper: H,
}

/// A tensor's step count and moments.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorState {
    /// Steps in which the tensor got a gradient.
    pub step: u64,
    /// `[moment][n]`, in the order of the formula's names.
    pub moments: Vec<Vec<f64>>,
}

/// What a step reports: every parameter and the state after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// `[tensor][n]`
    pub params: Vec<Vec<f64>>,
    /// What each tensor goes on from.
    pub state: Vec<TensorState>,
}

impl<H> Problem<H> {
    /// A problem that starts from zero moments, of which the formula keeps `moments`, with one rate
    /// for all steps.
    pub fn from_zero(
        params: Vec<Vec<f64>>,
        gradients: Vec<Vec<Option<Vec<f64>>>>,
        rate: f64,
        hyper: H,
        moments: &[&str],
    ) -> Problem<H> {
        let state = params.iter().map(|p| fresh(p.len(), moments.len())).collect();
        Problem { rates: vec![rate; gradients.len()], params, gradients, state, hyper }
    }
}

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
    /// Step, tensor and element, for messages and for further inputs.
    pub place: Place,
}

/// Where an element is.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The step.
    pub step: usize,
    /// The tensor.
    pub tensor: usize,
    /// The element.
    pub element: usize,
}

impl Place {
    /// `steps[0].m[1][2]`
    pub fn of(&self, field: &str) -> String {
        format!("steps[{}].{field}[{}][{}]", self.step, self.tensor, self.element)
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

/// How steps are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// Each tensor counts the steps in which it got a gradient.
    PerTensor,
    /// One count for all, from the largest in the state, of every entry of `gradients`.
    Global,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Common {
    #[serde(with = "json::matrix")]
    params: Vec<Vec<f64>>,
    #[serde(with = "json::optional_rows")]
    gradients: json::optional_rows::Rows,
    #[serde(with = "json::one_or_more")]
    lr: Rates,
    #[serde(default)]
    state: Option<Vec<Map<String, Value>>>,
}

const COMMON: [&str; 4] = ["params", "gradients", "lr", "state"];

/// Reads an input whose moments have the names that `moments` gives for its hyperparameters.
pub fn read<H: DeserializeOwned>(value: Value, moments: impl Fn(&H) -> &'static [&'static str]) -> Result<Problem<H>> {
    let Value::Object(fields) = value else {
        return Err(Error::Structure { field: "input".into(), problem: "expected a JSON object".into() });
    };
    let (common, own): (Map<_, _>, Map<_, _>) = fields.into_iter().partition(|(k, _)| COMMON.contains(&k.as_str()));
    let common: Common = json::read(Value::Object(common))?;
    let hyper: H = json::read(Value::Object(own))?;
    let names = moments(&hyper);
    let state = match common.state {
        None => common.params.iter().map(|p| fresh(p.len(), names.len())).collect(),
        Some(list) => {
            list.into_iter().enumerate().map(|(i, object)| tensor_state(i, object, names)).collect::<Result<_>>()?
        }
    };
    let steps = common.gradients.len();
    let rates = match common.lr {
        Rates::Constant(rate) => vec![rate; steps],
        Rates::PerStep(rates) => {
            domain::same_length("lr", rates.len(), steps, "gradients has steps")?;
            rates
        }
    };
    let problem = Problem { params: common.params, gradients: common.gradients, rates, state, hyper };
    validate(&problem, names)?;
    Ok(problem)
}

fn fresh(n: usize, moments: usize) -> TensorState {
    TensorState { step: 0, moments: vec![vec![0.0; n]; moments] }
}

fn tensor_state(tensor: usize, mut object: Map<String, Value>, names: &[&str]) -> Result<TensorState> {
    let place = format!("state[{tensor}]");
    let expected = || format!("exactly the fields step, {}", names.join(", "));
    let mut take = |name: &str| {
        let problem = || Error::Structure {
            field: place.clone(),
            problem: format!("{name} is missing; expected {}", expected()),
        };
        object.remove(name).ok_or_else(problem)
    };
    let typed = |name: &str, e: serde_json::Error| Error::Structure {
        field: format!("{place}.{name}"),
        problem: e.to_string(),
    };
    let step = json::whole(take("step")?).map_err(|e| typed("step", e))?;
    let step = u64::try_from(step)
        .map_err(|_| Error::domain(format!("{place}.step"), step, "a whole number of at least 0"))?;
    let moments = names
        .iter()
        .map(|name| json::reals::deserialize(take(name)?).map_err(|e| typed(name, e)))
        .collect::<Result<_>>()?;
    match object.keys().next() {
        Some(unknown) => Err(Error::Structure {
            field: format!("{place}.{unknown}"),
            problem: format!("unknown field; expected {}", expected()),
        }),
        None => Ok(TensorState { step, moments }),
    }
}

fn validate<H>(problem: &Problem<H>, names: &[&str]) -> Result<()> {
    let tensors = problem.params.len();
    if tensors == 0 {
        return Err(Error::shape("params", 0, "at least 1 tensor"));
    }
    if problem.gradients.is_empty() {
        return Err(Error::shape("gradients", 0, "at least 1 step"));
    }
    for (i, tensor) in problem.params.iter().enumerate() {
        domain::all_finite(&format!("params[{i}]"), tensor)?;
    }
    for (k, step) in problem.gradients.iter().enumerate() {
        domain::same_length(&format!("gradients[{k}]"), step.len(), tensors, "params has tensors")?;
        for (i, g) in step.iter().enumerate() {
            let Some(g) = g else { continue };
            let field = format!("gradients[{k}][{i}]");
            domain::same_length(&field, g.len(), problem.params[i].len(), &format!("params[{i}] has elements"))?;
            domain::all_finite(&field, g)?;
        }
        let field = if problem.rates.len() > 1 { format!("lr[{k}]") } else { "lr".into() };
        problem.rates.get(k).map_or(Ok(0.0), |&rate| domain::non_negative(&field, rate))?;
    }
    domain::same_length("lr", problem.rates.len(), problem.gradients.len(), "gradients has steps")?;
    domain::same_length("state", problem.state.len(), tensors, "params has tensors")?;
    for (i, state) in problem.state.iter().enumerate() {
        domain::same_length(&format!("state[{i}]"), state.moments.len(), names.len(), "the formula has moments")?;
        for (name, moment) in names.iter().zip(&state.moments) {
            let field = format!("state[{i}].{name}");
            domain::same_length(&field, moment.len(), problem.params[i].len(), &format!("params[{i}] has elements"))?;
            for (j, &x) in moment.iter().enumerate() {
                let place = format!("{field}[{j}]");
                // second moments are means of squares
                if name.starts_with('v') {
                    domain::non_negative(&place, x)?
                } else {
                    domain::finite(&place, x)?
                };
            }
        }
    }
    Ok(())
}

/// Every parameter at every step in which it gets a gradient, in order; θ and the moments are
/// those of the start, for whoever walks along to bring up to date.
fn elements<H>(problem: &Problem<H>, counting: Counting) -> Vec<Element> {
    let mut counts: Vec<u64> = problem.state.iter().map(|s| s.step).collect();
    let most = counts.iter().copied().max().unwrap_or(0);
    let mut previous: Vec<Vec<f64>> = problem.params.iter().map(|p| vec![0.0; p.len()]).collect();
    let mut all = Vec::new();
    for (step, gradients) in problem.gradients.iter().enumerate() {
        for (tensor, gradient) in gradients.iter().enumerate() {
            let Some(gradient) = gradient else { continue };
            let first = counts[tensor] == 0;
            counts[tensor] += 1;
            let t = if counting == Counting::Global { most + step as u64 + 1 } else { counts[tensor] };
            for (element, &g) in gradient.iter().enumerate() {
                all.push(Element {
                    theta: problem.params[tensor][element],
                    g,
                    previous_g: previous[tensor][element],
                    moments: at(&problem.state[tensor].moments, element),
                    t,
                    first,
                    eta: problem.rates[step],
                    eta_1: problem.rates[0],
                    place: Place { step, tensor, element },
                });
            }
            previous[tensor].clone_from(gradient);
        }
    }
    all
}

/// The moments of one element.
fn at(moments: &[Vec<f64>], element: usize) -> [f64; MOST_MOMENTS] {
    std::array::from_fn(|m| moments.get(m).map_or(0.0, |list| list[element]))
}

/// Runs every step, in which `update` moves one parameter.
///
/// # Errors
/// Where shapes disagree, a number is outside its domain, or a moment leaves the range.
pub fn run<H>(
    problem: &Problem<H>,
    names: &[&'static str],
    counting: Counting,
    update: impl Fn(&Element) -> Result<Updated>,
) -> Result<Vec<Step>> {
    validate(problem, names)?;
    let mut params = problem.params.clone();
    let mut state = problem.state.clone();
    let elements = elements(problem, counting);
    let mut coming = elements.iter().peekable();
    let mut steps = Vec::with_capacity(problem.gradients.len());
    for step in 0..problem.gradients.len() {
        while let Some(x) = coming.next_if(|x| x.place.step == step) {
            let Place { tensor, element, .. } = x.place;
            // an exact zero is +0
            let theta = params[tensor][element] + 0.0;
            if !theta.is_finite() {
                domain::finite(&x.place.of("params"), theta)?;
            }
            let moments = at(&state[tensor].moments, element).map(|x| x + 0.0);
            let updated = update(&Element { theta, moments, ..*x })?;
            if updated.theta.is_nan() {
                return Err(Error::Overflow { place: x.place.of("params") });
            }
            params[tensor][element] = updated.theta;
            for (m, name) in names.iter().enumerate() {
                if !updated.moments[m].is_finite() {
                    return Err(Error::Overflow { place: x.place.of(name) });
                }
                state[tensor].moments[m][element] = updated.moments[m];
            }
        }
        for (tensor, gradient) in problem.gradients[step].iter().enumerate() {
            state[tensor].step += u64::from(gradient.is_some());
        }
        steps.push(Step { params: params.clone(), state: state.clone() });
    }
    Ok(steps)
}

/// The definitions of every step, each starting from the state that `output` reports before it.
/// `define` declares an element's numbers, θ as "theta" and the moments by their names, and gives θ′
/// and the new moments.
pub fn define<H>(
    problem: &Problem<H>,
    names: &[&'static str],
    counting: Counting,
    output: &Value,
    define: impl Fn(&Element, &Numbers) -> (Expr, Vec<Expr>),
) -> Vec<Defined> {
    let pointer =
        |step: usize, name: &str, place: Place| format!("/steps/{step}/{name}/{}/{}", place.tensor, place.element);
    let reported = |step: usize, name: &str, place: Place| output.pointer(&pointer(step, name, place))?.as_f64();
    let started = |x: &Element| {
        let Some(before) = x.place.step.checked_sub(1) else { return Some(*x) };
        let theta = reported(before, "params", x.place)?;
        let mut moments = [0.0; MOST_MOMENTS];
        for (moment, name) in moments.iter_mut().zip(names) {
            *moment = reported(before, name, x.place)?;
        }
        Some(Element { theta, moments, ..*x })
    };
    // the step that moved a tensor last before this one
    let last = |x: &Element| (0..x.place.step).rev().find(|&k| problem.gradients[k][x.place.tensor].is_some());
    // a state that is not finite, or missing, has no step to define
    let elements = elements(problem, counting);
    let defined = elements.iter().filter_map(started).map(|x| {
        let mut defined = Defined::build(|numbers| {
            let (theta, moments) = define(&x, numbers);
            let fields = std::iter::once(&"params").chain(names);
            fields
                .map(|field| pointer(x.place.step, field, x.place))
                .zip(std::iter::once(theta).chain(moments))
                .collect()
        });
        if let Some(before) = last(&x) {
            for (given, name) in defined.inputs.iter_mut().zip(defined.graph.variables()) {
                let field = if name == "theta" { "params" } else { name };
                let kept = field == "params" || names.contains(&field);
                given.from = kept.then(|| pointer(before, field, x.place));
            }
        }
        defined
    });
    defined.collect()
}

/// {"steps": [{"params": .., "m": .., ..}]}, with the moments' names.
pub fn write(steps: &[Step], names: &[&'static str]) -> Value {
    let list = |x: &[f64]| Value::from(x.iter().map(|&x| json::number(x)).collect::<Vec<_>>());
    let one = |step: &Step| {
        let mut fields = Map::new();
        fields.insert("params".into(), step.params.iter().map(|p| list(p)).collect());
        for (m, name) in names.iter().enumerate() {
            fields.insert((*name).into(), step.state.iter().map(|s| list(&s.moments[m])).collect());
        }
        Value::Object(fields)
    };
    Value::from(Map::from_iter([("steps".to_string(), steps.iter().map(one).collect())]))
}
