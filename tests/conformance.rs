//! The conformance kit: correct subjects pass in every precision, wrong ones are told by their name.

use gradproof::catalog;
use gradproof::conformance::{
    self, Case, Config, Feature, Group, Optimizer, Outcome, Precision, Report, Settings, Tensor, Trajectory,
    Unsupported,
};
use gradproof::formula::Formula;
use gradproof::json;
use gradproof::number::{InDtype, Order, Simulated, evaluate};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// AdamW on plain slices, in PyTorch's order, with places to go wrong.
struct SliceAdamW {
    params: Vec<Vec<f64>>,
    m: Vec<Vec<f64>>,
    v: Vec<Vec<f64>>,
    steps: Vec<i32>,
    beta1: f64,
    beta2: f64,
    eps: f64,
    /// λ and the index of the rate, for each tensor
    decay: Vec<(f64, usize)>,
    maximize: bool,
}

impl SliceAdamW {
    fn new(config: &Config, params: &[Tensor]) -> Result<Self, Unsupported> {
        let params: Vec<Vec<f64>> = params.iter().map(|tensor| tensor.values.clone()).collect();
        let zeros: Vec<Vec<f64>> = params.iter().map(|p| vec![0.0; p.len()]).collect();
        Ok(SliceAdamW {
            steps: vec![0; params.len()],
            decay: vec![(config.number("weight_decay")?, 0); params.len()],
            params,
            m: zeros.clone(),
            v: zeros,
            beta1: config.number("beta1")?,
            beta2: config.number("beta2")?,
            eps: config.number("eps")?,
            maximize: false,
        })
    }
}

impl Optimizer for SliceAdamW {
    fn build(config: &Config, _rate: f64, params: &[Tensor]) -> Result<Self, Unsupported> {
        SliceAdamW::new(config, params)
    }

    fn step(&mut self, rate: f64, gradients: &[Option<Tensor>]) -> Result<(), Unsupported> {
        self.step_groups(&[rate], gradients)
    }

    fn read(&self, tensor: usize) -> Vec<f64> {
        self.params[tensor].clone()
    }

    fn moment(&self, name: &str, tensor: usize) -> Option<Vec<f64>> {
        match name {
            "m" => Some(self.m[tensor].clone()),
            "v" => Some(self.v[tensor].clone()),
            _ => None,
        }
    }

    fn build_groups(config: &Config, groups: &[Group], _: &[f64], params: &[Tensor]) -> Result<Self, Unsupported> {
        let mut subject = SliceAdamW::new(config, params)?;
        for (i, group) in groups.iter().enumerate() {
            group.tensors.iter().for_each(|&tensor| subject.decay[tensor] = (group.weight_decay, i));
        }
        Ok(subject)
    }

    fn step_groups(&mut self, rates: &[f64], gradients: &[Option<Tensor>]) -> Result<(), Unsupported> {
        for (i, gradient) in gradients.iter().enumerate() {
            let Some(gradient) = gradient else { continue };
            let (decay, group) = self.decay[i];
            let rate = rates[group];
            self.steps[i] += 1;
            let c1 = 1.0 - self.beta1.powi(self.steps[i]);
            let c2 = 1.0 - self.beta2.powi(self.steps[i]);
            for (j, &g) in gradient.values.iter().enumerate() {
                let g = if self.maximize { -g } else { g };
                self.m[i][j] = self.beta1 * self.m[i][j] + (1.0 - self.beta1) * g;
                self.v[i][j] = self.beta2 * self.v[i][j] + (1.0 - self.beta2) * g * g;
                self.params[i][j] *= 1.0 - rate * decay;
                self.params[i][j] -= rate * (self.m[i][j] / c1) / ((self.v[i][j] / c2).sqrt() + self.eps);
            }
        }
        Ok(())
    }

    fn build_maximizing(config: &Config, _: f64, params: &[Tensor]) -> Result<Self, Unsupported> {
        Ok(SliceAdamW { maximize: true, ..SliceAdamW::new(config, params)? })
    }

    fn saved_and_restored(self) -> Result<Self, Unsupported> {
        Ok(self)
    }
}

gradproof::conformance_tests!(adamw_on_slices, SliceAdamW, Settings::new("adamw"));

/// A subject that is some wrapper around the right one.
fn wrapped(
    formula: &str,
    step: impl Fn(&mut SliceAdamW, usize, f64, &[Option<Tensor>]),
) -> impl FnMut(&Case) -> Result<Trajectory, Unsupported> {
    let _ = formula;
    move |case| {
        if case.feature != Feature::None {
            return Err(Unsupported::new("features"));
        }
        let mut subject = SliceAdamW::build(&case.config(), 0.0, &case.params())?;
        let mut all = Vec::new();
        for (k, one) in case.steps().iter().enumerate() {
            step(&mut subject, k, one.rates[0], &one.gradients);
            all.push((0..case.params().len()).map(|i| subject.read(i)).collect());
        }
        Ok(Trajectory::from(all))
    }
}

fn differing(report: &Report) -> Vec<(&str, String)> {
    let of = |outcome: &Outcome| match outcome {
        Outcome::Differs(difference) => Some(difference.diagnosis.to_string()),
        _ => None,
    };
    report.groups.iter().filter_map(|g| of(&g.outcome).map(|text| (g.id, text))).collect()
}

#[test]
fn handlings_are_told_by_their_name() {
    let settings = Settings::new("adamw");
    let right = conformance::trajectory(&settings, wrapped("adamw", |s, _, rate, g| s.step(rate, g).unwrap())).unwrap();
    assert!(right.passes(), "{right}");
    assert_eq!(right.groups.iter().filter(|g| matches!(g.outcome, Outcome::Skipped)).count(), 3);

    // one counter for all tensors
    let counter = conformance::trajectory(
        &settings,
        wrapped("adamw", |s, _, rate, g| {
            for i in 0..g.len() {
                let alone: Vec<Option<Tensor>> =
                    (0..g.len()).map(|j| if i == j { g[j].clone() } else { None }).collect();
                let most = s.steps.iter().copied().max().unwrap();
                if g[i].is_some() {
                    s.steps[i] = most;
                    s.step(rate, &alone).unwrap();
                }
            }
        }),
    )
    .unwrap();
    let found = differing(&counter);
    assert!(found.iter().any(|(group, text)| *group == "steps" && text.contains("once for every tensor")), "{counter}");

    let ahead = conformance::trajectory(
        &settings,
        wrapped("adamw", |s, k, rate, g| {
            if k == 0 {
                s.steps.iter_mut().for_each(|t| *t = 1);
            }
            s.step(rate, g).unwrap();
        }),
    )
    .unwrap();
    assert!(differing(&ahead)[0].1.contains("one ahead") || differing(&ahead)[0].1.contains("step-early"), "{ahead}");

    let kept = conformance::trajectory(
        &settings,
        wrapped("adamw", |s, _, rate, g| {
            let before = s.params.clone();
            s.step(rate, g).unwrap();
            s.params = before;
        }),
    )
    .unwrap();
    assert!(differing(&kept)[0].1.contains("never written back"), "{kept}");

    let zeros = conformance::trajectory(
        &settings,
        wrapped("adamw", |s, _, rate, g| {
            let filled = |(i, g): (usize, &Option<Tensor>)| {
                let zero = Tensor { shape: vec![s.params[i].len()], values: vec![0.0; s.params[i].len()] };
                Some(g.clone().unwrap_or(zero))
            };
            let filled: Vec<_> = g.iter().enumerate().map(filled).collect();
            s.step(rate, &filled).unwrap();
        }),
    )
    .unwrap();
    let found = differing(&zeros);
    assert!(found.iter().any(|(g, text)| *g == "missing-gradients" && text.contains("as if its gradient")), "{zeros}");
    assert!(!found.iter().any(|(g, _)| *g == "steps"));
}

/// What a form of a formula comes to in a precision, step by step from its own states.
fn computed(formula: &Formula, input: &Value, mistake: Option<&str>, precision: Precision) -> Option<Value> {
    let right = catalog::evaluate(formula.id, input.clone()).ok()?;
    let mut output = right.clone();
    let arithmetic = InDtype { dtype: precision.tensor(), order: Order::Forward };
    let graphs = match mistake {
        None => (formula.textbook)(input, &right).ok()?,
        Some(_) => (formula.definition)(input, &right, mistake).ok()?,
    };
    let mut known: BTreeMap<String, f64> = BTreeMap::new();
    for defined in graphs {
        let inputs: Vec<Simulated> = defined
            .inputs
            .iter()
            .map(|given| {
                let value = given.from.as_ref().and_then(|from| known.get(from)).copied().unwrap_or(given.value);
                Simulated { value, role: given.role }
            })
            .collect();
        for (place, value) in defined.places.iter().zip(evaluate(&defined.graph, &mut { arithmetic }, &inputs)) {
            let value = precision.tensor().round(value.map_or(f64::NAN, |x| x.value));
            known.entry(place.clone()).or_insert(value);
        }
    }
    // what no step has moved yet is as before
    let steps = output["steps"].as_array()?.len();
    for (place, _) in json::numbers(&right) {
        let mut value = known.get(&place).copied();
        let (step, rest) = place.strip_prefix("/steps/")?.split_once('/')?;
        let step: usize = step.parse().ok()?;
        for earlier in (0..step.min(steps)).rev() {
            value = value.or_else(|| known.get(&format!("/steps/{earlier}/{rest}")).copied());
        }
        let start = input.pointer(&format!("/{rest}")).and_then(Value::as_f64).unwrap_or(0.0);
        *output.pointer_mut(&place)? = json!(value.unwrap_or(start));
    }
    Some(output)
}

/// A subject that computes a form.
fn subject_of<'a>(
    formula: &'a Formula,
    mistake: Option<&'a str>,
    precision: Precision,
    conventions: &'a Value,
) -> impl FnMut(&Case) -> Result<Trajectory, Unsupported> + 'a {
    move |case| {
        if case.feature != Feature::None {
            return Err(Unsupported::new("features"));
        }
        let mut input = input_of(case);
        input["conventions"] = conventions.clone();
        let output = computed(formula, &input, mistake, precision).ok_or_else(|| Unsupported::new("its domain"))?;
        let numbers = |list: &Value| list.as_array().unwrap().iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect();
        let tensors = |step: &Value| step["params"].as_array().unwrap().iter().map(numbers).collect();
        let params: Vec<Vec<Vec<f64>>> = output["steps"].as_array().unwrap().iter().map(tensors).collect();
        Ok(params.into())
    }
}

/// The case as an adapter sees it, as an input of the formula.
fn input_of(case: &Case) -> Value {
    let (config, steps) = (case.config(), case.steps());
    let list = |tensors: &[Option<Tensor>]| -> Value {
        tensors.iter().map(|t| t.as_ref().map_or(Value::Null, |t| json!(t.values))).collect()
    };
    let mut input = json!({
        "params": case.params().into_iter().map(|t| t.values).collect::<Vec<_>>(),
        "gradients": steps.iter().map(|s| list(&s.gradients)).collect::<Vec<_>>(),
        "lr": steps.iter().map(|s| s.rates[0]).collect::<Vec<_>>(),
    });
    for name in ["beta1", "beta2", "eps", "weight_decay", "gamma", "rho", "momentum", "dampening"] {
        if let Ok(x) = config.number(name) {
            input[name] = json!(x);
        }
    }
    if let Ok(nesterov) = config.flag("nesterov") {
        input["nesterov"] = json!(nesterov);
    }
    if steps.iter().any(|s| s.hessians.iter().any(Option::is_some)) || config.number("rho").is_ok() {
        input["hessians"] = steps.iter().map(|s| list(&s.hessians)).collect();
    }
    input
}

const OPTIMIZERS: [&str; 5] = ["adamw", "adam-l2", "lion", "sophia", "sgd"];

#[test]
fn a_textbook_in_every_precision_conforms() {
    for id in OPTIMIZERS {
        let formula = catalog::formula(id).unwrap();
        for precision in Precision::ALL {
            let settings = Settings::new(id).precision(precision);
            let none = json!({});
            let report = conformance::trajectory(&settings, subject_of(formula, None, precision, &none)).unwrap();
            assert!(report.passes(), "{report}");
        }
    }
}

/// A subject on the groups made by hand, of which one at least tells a form; random cases take longest.
fn on_made_groups(
    mut subject: impl FnMut(&Case) -> Result<Trajectory, Unsupported>,
) -> impl FnMut(&Case) -> Result<Trajectory, Unsupported> {
    move |case| {
        if case.id.contains("/random/") { Err(Unsupported::new("not asked")) } else { subject(case) }
    }
}

/// The options under which a mistake shows that the default hides.
fn shown_under(mistake: &str) -> Value {
    if mistake == "v-max-not-kept" { json!({ "amsgrad": "raw" }) } else { json!({}) }
}

#[test]
fn every_mistake_of_an_optimizer_is_named() {
    for id in OPTIMIZERS {
        let formula = catalog::formula(id).unwrap();
        for mistake in formula.mistakes {
            let chosen = shown_under(mistake.id);
            let declare = |settings: Settings, (axis, option): (&String, &Value)| {
                settings.convention(axis, option.as_str().unwrap())
            };
            let settings = chosen.as_object().unwrap().iter().fold(Settings::new(id), declare);
            let subject = subject_of(formula, Some(mistake.id), Precision::F64, &chosen);
            let report = conformance::trajectory(&settings, on_made_groups(subject)).unwrap();
            let named = report.groups.iter().any(|group| match &group.outcome {
                Outcome::Differs(difference) => {
                    difference.diagnosis.forms.iter().any(|form| form.mistake.is_some_and(|m| m.id == mistake.id))
                }
                _ => false,
            });
            assert!(named, "{id}: {} is not named\n{report}", mistake.id);
        }
    }
}

#[test]
fn every_convention_of_an_optimizer_is_told_from_the_default() {
    for id in OPTIMIZERS {
        let formula = catalog::formula(id).unwrap();
        for axis in formula.axes {
            for option in &axis.options[1..] {
                let chosen = json!({ axis.id: option.id });
                let subject = on_made_groups(subject_of(formula, None, Precision::F64, &chosen));
                let as_default = conformance::trajectory(&Settings::new(id), subject).unwrap();
                let named = differing(&as_default);
                assert!(!named.is_empty(), "{id}: {} = {} passes as the default", axis.id, option.id);
                let settings = Settings::new(id).convention(axis.id, option.id);
                let declared =
                    conformance::trajectory(&settings, subject_of(formula, None, Precision::F64, &chosen)).unwrap();
                assert!(declared.passes(), "{declared}");
            }
        }
    }
}

/// A subject whose moments are lost when it is saved.
struct Forgetful(SliceAdamW);

impl Optimizer for Forgetful {
    fn build(config: &Config, _rate: f64, params: &[Tensor]) -> Result<Self, Unsupported> {
        Ok(Forgetful(SliceAdamW::new(config, params)?))
    }

    fn step(&mut self, rate: f64, gradients: &[Option<Tensor>]) -> Result<(), Unsupported> {
        self.0.step(rate, gradients)
    }

    fn read(&self, tensor: usize) -> Vec<f64> {
        self.0.read(tensor)
    }

    fn saved_and_restored(mut self) -> Result<Self, Unsupported> {
        self.0.m.iter_mut().chain(&mut self.0.v).for_each(|moment| moment.fill(0.0));
        Ok(self)
    }
}

#[test]
fn a_state_that_is_lost_on_saving_fails_the_group_that_saves() {
    let report = conformance::optimizer::<Forgetful>(&Settings::new("adamw")).unwrap();
    let found: Vec<&str> = differing(&report).into_iter().map(|(group, _)| group).collect();
    assert_eq!(found, ["resume"]);
    let skipped = report.groups.iter().filter(|g| matches!(g.outcome, Outcome::Skipped)).map(|g| g.id);
    assert_eq!(skipped.collect::<Vec<_>>(), ["parameter-groups", "maximize"]);
    assert!(conformance::optimizer_group::<Forgetful>(&Settings::new("adamw"), "steps").unwrap().passes());
}

#[test]
fn a_mistake_under_another_convention_is_named_with_it() {
    let formula = catalog::formula("adamw").unwrap();
    let chosen = json!({ "epsilon": "hat" });
    let mut subject = subject_of(formula, Some("decay-coupled"), Precision::F64, &chosen);
    let only = |case: &Case| case.id.contains("small-gradients");
    let report = conformance::trajectory(&Settings::new("adamw"), |case| {
        if only(case) { subject(case) } else { Err(Unsupported::new("not asked")) }
    });
    let report = report.unwrap();
    let found = differing(&report);
    let small = &found.iter().find(|(group, _)| *group == "small-gradients").unwrap().1;
    assert!(small.contains("epsilon = \"hat\"") && small.contains("decay-coupled"), "{small}");
    assert!(!found.iter().any(|(_, text)| text.contains("step-early")), "{report}");
}

#[test]
fn expected_deviations_expire() {
    let settings = Settings::new("adamw").expect_deviation("decay-missing", "an old release");
    let formula = catalog::formula("adamw").unwrap();
    let none = json!({});
    let wrong =
        conformance::trajectory(&settings, subject_of(formula, Some("decay-missing"), Precision::F64, &none)).unwrap();
    assert!(wrong.passes(), "{wrong}");
    assert!(wrong.to_string().contains("an old release"));
    let mended = conformance::optimizer::<SliceAdamW>(&settings).unwrap();
    assert!(!mended.passes() && mended.to_string().contains("no longer occurs"), "{mended}");
    let unknown = Settings::new("adamw").expect_deviation("decay-forgotten", "");
    let error = conformance::optimizer::<SliceAdamW>(&unknown).unwrap_err().to_string();
    assert!(error.contains("decay-forgotten") && error.contains("decay-missing"), "{error}");
}
