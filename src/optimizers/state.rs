//! Several tensors, their state and their steps: what every optimizer shares around its update rule.
//!
//! A tensor without a gradient in a step keeps its parameters, its state and its step count. Every
//! step starts from the f64 state just reported, so that each can be checked alone.

use crate::domain;
use crate::error::{Error, Result};
use crate::expression::Expr;
use crate::formula::{Defined, Numbers};
use crate::json;
use crate::json::one_or_more::Rates;
use crate::optimizers::element::{Element, MOST_MOMENTS, Place, Site};
use crate::optimizers::flat::Flat;
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

/// The counts of steps as a problem goes on.
struct Counts {
    counting: Counting,
    of_tensors: Vec<u64>,
    most: u64,
}

impl Counts {
    fn of<H>(problem: &Problem<H>, counting: Counting) -> Counts {
        let of_tensors: Vec<u64> = problem.state.iter().map(|s| s.step).collect();
        let most = of_tensors.iter().copied().max().unwrap_or(0);
        Counts { counting, of_tensors, most }
    }

    /// t at a step in which the tensor gets a gradient, and whether it is its first.
    fn next(&mut self, Site { step, tensor }: Site) -> (u64, bool) {
        let count = &mut self.of_tensors[tensor];
        let first = *count == 0;
        *count = count.saturating_add(1);
        match self.counting {
            Counting::PerTensor => (*count, first),
            Counting::Global => (self.most.saturating_add(step as u64 + 1), first),
        }
    }
}

/// Every parameter at every step in which it gets a gradient, in order; θ and the moments are
/// those of the start, for whoever walks along to bring up to date.
fn elements<H>(problem: &Problem<H>, counting: Counting) -> Vec<(Site, Element)> {
    let mut counts = Counts::of(problem, counting);
    let mut previous: Vec<Vec<f64>> = problem.params.iter().map(|p| vec![0.0; p.len()]).collect();
    let mut all = Vec::new();
    for (step, gradients) in problem.gradients.iter().enumerate() {
        for (tensor, gradient) in gradients.iter().enumerate() {
            let Some(gradient) = gradient else { continue };
            let site = Site { step, tensor };
            let (t, first) = counts.next(site);
            for (element, &g) in gradient.iter().enumerate() {
                let x = Element {
                    theta: problem.params[tensor][element],
                    g,
                    previous_g: previous[tensor][element],
                    moments: at(&problem.state[tensor].moments, element),
                    t,
                    first,
                    eta: problem.rates[step],
                    eta_1: problem.rates[0],
                    estimate: None,
                    place: Place { site: Some(site), element },
                };
                all.push((site, x));
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

/// Runs every step, in which `advance` moves one tensor.
///
/// # Errors
/// Where shapes disagree, a number is outside its domain, or `advance` fails.
pub(crate) fn run<H>(
    problem: &Problem<H>,
    names: &[&'static str],
    counting: Counting,
    advance: impl Fn(Flat, Site) -> Result<()>,
) -> Result<Vec<Step>> {
    validate(problem, names)?;
    let mut params = problem.params.clone();
    let mut state = problem.state.clone();
    let mut counts = Counts::of(problem, counting);
    let mut steps = Vec::with_capacity(problem.gradients.len());
    for (step, gradients) in problem.gradients.iter().enumerate() {
        for (tensor, gradient) in gradients.iter().enumerate() {
            let Some(gradient) = gradient else { continue };
            let site = Site { step, tensor };
            let flat = Flat {
                params: &mut params[tensor],
                gradient,
                moments: state[tensor].moments.iter_mut().map(Vec::as_mut_slice).collect(),
                t: counts.next(site).0,
                lr: problem.rates[step],
                first_lr: problem.rates[0],
            };
            advance(flat, site)?;
            state[tensor].step = counts.of_tensors[tensor];
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
    let pointer = |name: &str, site: Site, x: &Element| {
        format!("/steps/{}/{name}/{}/{}", site.step, site.tensor, x.place.element)
    };
    let reported = |name: &str, site: Site, x: &Element| output.pointer(&pointer(name, site, x))?.as_f64();
    let started = |(site, x): &(Site, Element)| {
        let Some(before) = site.step.checked_sub(1) else { return Some((*site, *x)) };
        let before = Site { step: before, ..*site };
        let theta = reported("params", before, x)?;
        let mut moments = [0.0; MOST_MOMENTS];
        for (moment, name) in moments.iter_mut().zip(names) {
            *moment = reported(name, before, x)?;
        }
        Some((*site, Element { theta, moments, ..*x }))
    };
    // the step that moved a tensor last before this one
    let last = |site: Site| {
        let step = (0..site.step).rev().find(|&k| problem.gradients[k][site.tensor].is_some())?;
        Some(Site { step, ..site })
    };
    // a state that is not finite, or missing, has no step to define
    let elements = elements(problem, counting);
    let defined = elements.iter().filter_map(started).map(|(site, x)| {
        let mut defined = Defined::build(|numbers| {
            let (theta, moments) = define(&x, numbers);
            let fields = std::iter::once(&"params").chain(names);
            fields.map(|field| pointer(field, site, &x)).zip(std::iter::once(theta).chain(moments)).collect()
        });
        if let Some(before) = last(site) {
            for (given, name) in defined.inputs.iter_mut().zip(defined.graph.variables()) {
                let field = if name == "theta" { "params" } else { name };
                let kept = field == "params" || names.contains(&field);
                given.from = kept.then(|| pointer(field, before, &x));
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
