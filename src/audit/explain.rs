//! What was done in place of a step: another hyperparameter, another form of the formula, or nothing
//! that is known.

use super::exact::{Element, arithmetic, found, input};
use super::plan::{Plan, Stepped};
use crate::budget::Starts;
use crate::comparison::{Compared, Reference};
use crate::diagnosis::{Diagnosis, Form, Observed, diagnose, gives};
use crate::error::Result;
use crate::formula::Formula;
use crate::json;
use serde_json::{Value, json};
use std::fmt;

/// What explains a tensor that differs.
#[derive(Clone, Debug)]
pub(super) enum Explanation {
    /// Another form of the formula.
    Forms(Diagnosis),
    /// Another value of a hyperparameter than the tensor should have.
    Hyper {
        name: String,
        value: f64,
        /// Whether the value is one of another tensor.
        of_others: bool,
        /// How many budgets the numbers may be off: more than 1 where the value is known roughly.
        slack: f64,
    },
    /// Another count of steps.
    Count { t: u64 },
    /// A gradient that was multiplied by a number.
    Scaled {
        by: f64,
        /// As above.
        slack: f64,
    },
}

/// Explanations that were found, and how many searches for more are left.
pub(super) struct Explanations {
    known: Vec<Explanation>,
    searches: usize,
}

/// Elements that tell explanations apart: those that differ, and some that do not.
struct Sample<'a> {
    tensor: &'a Stepped,
    input: Value,
    found: Value,
}

/// The most elements of each kind in a sample.
const EACH: usize = 6;

/// A search among all forms takes seconds, and tensors of one run share what is wrong with them.
const SEARCHES: usize = 8;

/// A number that was fitted to an outcome brings the rounding of that along. What is named decides nothing.
const SLACK: f64 = 16.0;

impl Explanations {
    pub fn new() -> Explanations {
        Explanations { known: Vec::new(), searches: SEARCHES }
    }

    /// What explains a tensor, of whose elements some differ and some conform.
    pub fn of(
        &mut self,
        plan: &Plan,
        declared: &[(&'static str, &'static str)],
        tensor: &Stepped,
        differing: &[Element],
        conforming: &[Element],
    ) -> Option<Explanation> {
        let formula = plan.optimizer.formula;
        // far apart, since neighbours may be alike
        let stride = differing.len().div_ceil(EACH).max(1);
        let elements: Vec<Element> =
            differing.iter().step_by(stride).chain(conforming.iter().take(EACH)).copied().collect();
        let sample = Sample { tensor, input: input(tensor, &elements), found: found(tensor, &elements) };
        let fits = |explanation: &Explanation| explanation.fits(formula, &sample);
        if let Some(known) = self.known.iter().find(|known| fits(known)) {
            return Some(known.clone());
        }
        let explanation = hyperparameters(plan, &sample).into_iter().find(fits).or_else(|| {
            self.searches = self.searches.checked_sub(1)?;
            forms(formula, declared, &sample).map(Explanation::Forms)
        });
        let fitted = || fitted(formula, &sample, &elements).into_iter().find(fits);
        let explanation = explanation.or_else(fitted)?;
        self.known.push(explanation.clone());
        Some(explanation)
    }
}

impl Explanation {
    fn fits(&self, formula: &'static Formula, sample: &Sample) -> bool {
        match self {
            Explanation::Forms(diagnosis) => {
                let observed = Observed::new(sample.input.clone(), sample.found.clone());
                let fits = |form: &Form| gives(form, &observed, arithmetic(sample.coarsest()));
                !diagnosis.forms.is_empty() && diagnosis.forms.iter().all(fits)
            }
            Explanation::Hyper { name, value, slack, .. } => {
                let mut input = sample.input.clone();
                input[name.as_str()] = json::number(*value);
                sample.agrees(formula, &input, *slack).unwrap_or(false)
            }
            Explanation::Count { t } => {
                let mut input = sample.input.clone();
                input["state"][0]["step"] = (t - 1).into();
                sample.agrees(formula, &input, 1.0).unwrap_or(false)
            }
            Explanation::Scaled { by, slack } => {
                sample.agrees(formula, &sample.with_gradient_times(*by), *slack).unwrap_or(false)
            }
        }
    }
}

impl Sample<'_> {
    /// The coarsest dtype of what the files have after the step.
    fn coarsest(&self) -> crate::number::Dtype {
        let dtypes = self.tensor.outputs.iter().filter_map(|output| output.after.as_ref().map(|(_, dtype)| *dtype));
        dtypes.max_by(|a, b| a.unit().total_cmp(&b.unit())).unwrap_or(crate::number::Dtype::F64)
    }

    fn with_gradient_times(&self, factor: f64) -> Value {
        let mut input = self.input.clone();
        if let Some(gradient) = input["gradients"][0][0].as_array_mut() {
            gradient.iter_mut().for_each(|g| *g = json::number(json::real_of(g).unwrap_or(0.0) * factor));
        }
        input
    }

    /// Whether the formula at another input gives what the files have, within so many budgets.
    fn agrees(&self, formula: &'static Formula, input: &Value, slack: f64) -> Result<bool> {
        for output in &self.tensor.outputs {
            let Some((_, dtype)) = &output.after else { continue };
            let reference = Reference::of(formula, input, arithmetic(*dtype), Starts::Reported)?;
            let own = json!({ "steps": [{ output.name: self.found["steps"][0][output.name] }] });
            if reference.compare(&own).iter().any(|one| off(one) > slack) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn off(one: &Compared) -> f64 {
    one.ratio().unwrap_or(0.0)
}

/// The values of ε that frameworks and papers have as their defaults.
const USUAL_EPS: [f64; 6] = [1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-15];

/// Hyperparameters that other tensors have, usual ones, and counts of steps nearby.
fn hyperparameters(plan: &Plan, sample: &Sample) -> Vec<Explanation> {
    let usual = |name: &str, value| Explanation::Hyper { name: name.into(), value, of_others: false, slack: 1.0 };
    let mut all = Vec::new();
    for (name, values) in &plan.values {
        let own = sample.tensor.hyper.get(name);
        let others = values.iter().filter(|value| Some(*value) != own).filter_map(json::real_of);
        all.extend(others.map(|value| Explanation::Hyper { name: name.clone(), value, of_others: true, slack: 1.0 }));
    }
    let decayed = sample.tensor.hyper.get("weight_decay").and_then(json::real_of).is_some_and(|decay| decay != 0.0);
    if decayed && !plan.values.iter().any(|(name, all)| name == "weight_decay" && all.contains(&json!(0.0))) {
        all.push(usual("weight_decay", 0.0));
    }
    if let Some(eps) = sample.input.get("eps").and_then(json::real_of) {
        all.extend(USUAL_EPS.into_iter().filter(|&value| value != eps).map(|value| usual("eps", value)));
    }
    let t = sample.tensor.t;
    let counts = [t.checked_sub(1), t.checked_add(1), Some(1)];
    all.extend(counts.into_iter().flatten().filter(|&other| other > 0 && other != t).map(|t| Explanation::Count { t }));
    all
}

/// Forms of the formula, if one fits.
fn forms(formula: &'static Formula, declared: &[(&'static str, &'static str)], sample: &Sample) -> Option<Diagnosis> {
    let observed = Observed::new(sample.input.clone(), sample.found.clone());
    let diagnosis = diagnose(formula, declared, &[observed], arithmetic(sample.coarsest()));
    (!diagnosis.forms.is_empty()).then_some(diagnosis)
}

/// Numbers that the outcome itself suggests: a rate, a decay, a factor of the gradient.
fn fitted(formula: &'static Formula, sample: &Sample, elements: &[Element]) -> Vec<Explanation> {
    let mut all = Vec::new();
    let hyper = |name: &str| sample.input.get(name).and_then(json::real_of);
    let right = crate::catalog::evaluate(formula.id, sample.input.clone()).ok();
    let right = |name: &str, i: usize| json::real_of(right.as_ref()?.pointer(&format!("/steps/0/{name}/0/{i}"))?);
    let best = |of: &dyn Fn(usize) -> Option<(f64, f64)>| {
        (0..elements.len())
            .filter_map(of)
            .filter(|(weight, x)| weight.is_finite() && x.is_finite())
            .reduce(|a, b| if b.0 > a.0 { b } else { a })
    };
    let has = |output: usize| sample.tensor.outputs.get(output).is_some_and(|moment| moment.after.is_some());
    let number = |name: &str, value: f64| -> Vec<Explanation> {
        let one = |(value, slack)| Explanation::Hyper { name: name.into(), value, of_others: false, slack };
        shortened(value).map(one).collect()
    };
    // m′ = βm + (1 − β)cg, from the element in which g weighs most
    let of_gradient = |i: usize| {
        let beta = hyper(if formula.id == "lion" { "beta2" } else { "beta1" })?;
        let (x, new) = (&elements[i], (1.0 - beta) * elements[i].before.g);
        let kept = beta * x.before.moments[0];
        Some((new.abs() / (kept.abs() + new.abs()), (x.after[1] - kept) / new))
    };
    if has(1) {
        all.extend(
            best(&of_gradient)
                .into_iter()
                .flat_map(|(_, by)| shortened(by))
                .map(|(by, slack)| Explanation::Scaled { by, slack }),
        );
    }
    // x′ = βx + (1 − β)y, from the element in which x and y are furthest apart
    let of_average = |output: usize, power: i32| {
        move |i: usize| {
            let x = &elements[i];
            let (kept, new) =
                (x.before.moments[output - 1], if power == 2 { x.before.g * x.before.g } else { x.before.g });
            Some(((kept - new).abs() / (kept.abs() + new.abs()), (x.after[output] - new) / (kept - new)))
        }
    };
    let averages: &[(&str, usize, i32)] = match formula.id {
        "adamw" => &[("beta1", 1, 1), ("beta2", 2, 2)],
        "lion" => &[("beta2", 1, 1)],
        _ => &[],
    };
    for &(name, output, power) in averages.iter().filter(|(_, output, _)| has(*output)) {
        let beta = best(&of_average(output, power)).map(|(_, beta)| beta).filter(|beta| (0.0..1.0).contains(beta));
        all.extend(beta.into_iter().flat_map(|beta| number(name, beta)));
    }
    // θ − θ′ is proportional to η, and most of it known where it is large beside θ
    let of_rate = |i: usize| {
        let theta = elements[i].before.theta;
        let moved = theta - right("params", i)?;
        Some((moved.abs() / (theta.abs() + moved.abs()), hyper("lr")? * ((theta - elements[i].after[0]) / moved)))
    };
    let some = |found: Option<(f64, f64)>| found.map(|(_, x)| x).filter(|x| *x >= 0.0).into_iter();
    all.extend(some(best(&of_rate)).flat_map(|rate| number("lr", rate)));
    // θ′ = right + η(λ − λ̂)θ
    let of_decay = |i: usize| {
        let theta = elements[i].before.theta;
        let decay = (right("params", i)? - elements[i].after[0]) / (hyper("lr")? * theta);
        Some((theta.abs(), hyper("weight_decay")? + decay))
    };
    all.extend(some(best(&of_decay)).flat_map(|decay| number("weight_decay", decay)));
    all
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Explanation::Forms(diagnosis) => {
                let forms: Vec<String> = diagnosis.forms.iter().map(Form::to_string).collect();
                write!(f, "is {}", forms.join("; or "))
            }
            Explanation::Hyper { name, value, of_others: true, .. } => {
                write!(f, "was stepped with {name} = {value:?}, which other tensors have")
            }
            Explanation::Hyper { name, value, of_others: false, .. } => {
                write!(f, "was stepped with {name} = {value:?}")
            }
            Explanation::Count { t } => write!(f, "was stepped as if it were step {t}"),
            Explanation::Scaled { by, .. } => {
                write!(f, "was stepped with the gradient times {by}, as clipping, averaging or loss scaling leave it")
            }
        }
    }
}

/// A fitted number to more and more digits, with how far off the outcome may be: the roundest that fits is the
/// likeliest.
fn shortened(x: f64) -> impl Iterator<Item = (f64, f64)> {
    let to_digits = move |digits: usize| format!("{x:.digits$e}").parse().unwrap_or(x);
    (0..4).map(move |digits| (to_digits(digits), 1.0)).chain([(to_digits(5), SLACK)])
}
