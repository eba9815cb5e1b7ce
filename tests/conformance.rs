//! The conformance kit: correct subjects pass in every precision, wrong ones are told by their name.

#[path = "common/forms.rs"]
mod forms;
#[path = "common/slices.rs"]
mod slices;

use gradproof::catalog;
use gradproof::conformance::{
    self, Case, Config, Feature, Optimizer, Outcome, Precision, Report, Settings, Tensor, Trajectory, Unsupported,
};
use gradproof::diagnosis::Form;
use gradproof::formula::Formula;
use serde_json::{Value, json};
use slices::SliceAdamW;

gradproof::conformance_tests!(adamw_on_slices, SliceAdamW, Settings::new("adamw"));

fn differing(report: &Report) -> Vec<(&str, String)> {
    let of = |outcome: &Outcome| match outcome {
        Outcome::Differs(difference) => Some(difference.diagnosis.to_string()),
        _ => None,
    };
    report.groups.iter().filter_map(|g| of(&g.outcome).map(|text| (g.id, text))).collect()
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
        let output =
            forms::computed(formula, &input, mistake, precision).ok_or_else(|| Unsupported::new("its domain"))?;
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

/// The options under which a mistake shows that the default hides.
fn shown_under(mistake: &str) -> Value {
    if mistake == "v-max-not-kept" { json!({ "amsgrad": "raw" }) } else { json!({}) }
}

/// Whether the kit, in one of the groups made by hand, says of a subject what `is_it` looks for.
fn is_named(
    settings: &Settings,
    mut subject: impl FnMut(&Case) -> Result<Trajectory, Unsupported>,
    is_it: impl Fn(&Form) -> bool,
) -> bool {
    let made = conformance::GROUPS.iter().map(|(id, _)| *id).filter(|id| *id != "random");
    made.into_iter().any(|group| {
        let report = conformance::trajectory(settings, |case| {
            if case.id.split('/').nth(1) == Some(group) { subject(case) } else { Err(Unsupported::new("not asked")) }
        });
        report.unwrap().groups.iter().any(|group| match &group.outcome {
            Outcome::Differs(difference) => difference.diagnosis.forms.iter().any(&is_it),
            _ => false,
        })
    })
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
            let named = is_named(&settings, subject, |form| form.mistake.is_some_and(|m| m.id == mistake.id));
            assert!(named, "{id}: {} is not named", mistake.id);
        }
    }
}

#[test]
fn every_convention_of_an_optimizer_is_named_and_conforms_where_it_is_declared() {
    for id in OPTIMIZERS {
        let formula = catalog::formula(id).unwrap();
        for axis in formula.axes {
            for option in &axis.options[1..] {
                let chosen = json!({ axis.id: option.id });
                let subject = subject_of(formula, None, Precision::F64, &chosen);
                let named = is_named(&Settings::new(id), subject, |form| {
                    form.is_legitimate() && form.conventions == [(axis.id, option.id)]
                });
                assert!(named, "{id}: {} = {} is not named", axis.id, option.id);
                let settings = Settings::new(id).convention(axis.id, option.id);
                let mut subject = subject_of(formula, None, Precision::F64, &chosen);
                let declared = conformance::trajectory(&settings, |case| {
                    // where options differ most
                    let asked = ["steps", "hyperparameters", "missing-gradients"];
                    let group = case.id.split('/').nth(1);
                    if group.is_some_and(|g| asked.contains(&g)) {
                        subject(case)
                    } else {
                        Err(Unsupported::new("not asked"))
                    }
                });
                assert!(declared.as_ref().unwrap().passes(), "{declared:?}");
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

#[test]
fn hyperparameters_in_f32_beside_tensors_of_f64_are_named() {
    let settings = Settings::new("adamw");
    let narrow = |case: &Case| {
        if case.feature != Feature::None {
            return Err(Unsupported::new("features"));
        }
        let mut subject = SliceAdamW::build(&case.config(), 0.0, &case.params())?;
        let in_f32 = |x: &mut f64| *x = f64::from(*x as f32);
        [&mut subject.beta1, &mut subject.beta2, &mut subject.eps].into_iter().for_each(in_f32);
        subject.decay.iter_mut().for_each(|(decay, _)| in_f32(decay));
        let mut all = Vec::new();
        for one in case.steps() {
            subject.step(one.rates[0], &one.gradients)?;
            all.push((0..case.params().len()).map(|i| subject.read(i)).collect());
        }
        Ok(Trajectory::from(all))
    };
    let report = conformance::trajectory(&settings, narrow).unwrap();
    let found = differing(&report);
    let named = |(group, text): &&(&str, String)| *group == "steps" && text.contains("but with hyperparameters in f32");
    assert!(found.iter().any(|one| named(&one)), "{report}");
    // and in the precision that it has, it conforms
    let settings = settings.precision(Precision::F64WithF32Hyperparameters);
    assert!(conformance::trajectory(&settings, narrow).unwrap().passes());
}
