//! Subjects that compute AdamW's steps rightly and treat steps, rates, states or tensors wrongly: each is
//! told by its name.

#[path = "common/slices.rs"]
mod slices;

use gradproof::conformance::{self, Case, Feature, Optimizer, Outcome, Settings, Tensor, Trajectory, Unsupported};
use gradproof::diagnosis::{Diagnosis, Handling, Layout, Matrices};
use slices::SliceAdamW;

type Gradients = [Option<Tensor>];

/// What a subject does in a step, after which its parameters are read, and when it is saved.
struct Habit {
    /// With the step's number from 0, the rates of all steps and the gradients.
    step: fn(&mut SliceAdamW, usize, &[f64], &Gradients),
    saved: fn(&mut SliceAdamW),
    read: fn(&SliceAdamW, usize) -> Vec<f64>,
}

fn step(subject: &mut SliceAdamW, rate: f64, gradients: &Gradients) {
    subject.step(rate, gradients).unwrap();
}

const RIGHT: Habit =
    Habit { step: |s, k, rates, g| step(s, rates[k], g), saved: |_| {}, read: |s, tensor| s.read(tensor) };

/// What the kit says of a habit in a group of cases.
fn diagnosis(formula: &str, group: &str, habit: &Habit) -> Option<Diagnosis> {
    let report = conformance::trajectory(&Settings::new(formula), |case: &Case| {
        if case.id.split('/').nth(1) != Some(group) {
            return Err(Unsupported::new("not asked"));
        }
        let mut subject = SliceAdamW::build(&case.config(), 0.0, &case.params())?;
        let steps = case.steps();
        let rates: Vec<f64> = steps.iter().map(|step| step.rates[0]).collect();
        let mut all = Vec::new();
        for (k, one) in steps.iter().enumerate() {
            if case.feature == Feature::Resume(k) {
                (habit.saved)(&mut subject);
            }
            (habit.step)(&mut subject, k, &rates, &one.gradients);
            all.push((0..subject.params.len()).map(|tensor| (habit.read)(&subject, tensor)).collect());
        }
        Ok(Trajectory::from(all))
    });
    let group = report.unwrap().groups.into_iter().find(|g| g.id == group).unwrap();
    match group.outcome {
        Outcome::Differs(difference) => Some(difference.diagnosis),
        Outcome::Conforms => None,
        other => panic!("{other:?}"),
    }
}

/// Every gradient changed.
fn each(gradients: &Gradients, change: impl Fn(&Tensor) -> Vec<f64>) -> Vec<Option<Tensor>> {
    let one = |g: &Tensor| Tensor { shape: g.shape.clone(), values: change(g) };
    gradients.iter().map(|g| g.as_ref().map(one)).collect()
}

/// One tensor's gradient alone.
fn alone(gradients: &Gradients, tensor: usize) -> Vec<Option<Tensor>> {
    gradients.iter().enumerate().map(|(i, g)| if i == tensor { g.clone() } else { None }).collect()
}

/// The numbers of a 2×3 matrix that fill it column by column.
fn by_columns(values: &[f64]) -> Vec<f64> {
    let mut rows = [[0.0; 3]; 2];
    let mut next = values.iter();
    for column in 0..3 {
        for row in &mut rows {
            row[column] = *next.next().unwrap();
        }
    }
    rows.concat()
}

/// The numbers of the transposed 2×3 matrix, row by row.
fn transposed(values: &[f64]) -> Vec<f64> {
    (0..3).flat_map(|column| [values[column], values[3 + column]]).collect()
}

/// Of a matrix; a vector is as it is.
fn of_matrix(shape: &[usize], values: &[f64], layout: fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    if shape == [2, 3] { layout(values) } else { values.to_vec() }
}

fn first_matrix(subject: &mut SliceAdamW, k: usize, layout: fn(&[f64]) -> Vec<f64>) {
    if k == 0 {
        subject.params[0] = layout(&subject.params[0]);
    }
}

fn forget(subject: &mut SliceAdamW) {
    subject.m.iter_mut().chain(&mut subject.v).for_each(|moment| moment.fill(0.0));
}

fn restart(subject: &mut SliceAdamW) {
    subject.steps.fill(0);
}

/// One tensor after the other with the state of the one before.
fn shared(subject: &mut SliceAdamW, rate: f64, gradients: &Gradients, count_too: bool) {
    let last = gradients.len() - 1;
    for tensor in 0..gradients.len() {
        let before = if tensor == 0 { last } else { tensor - 1 };
        (subject.m[tensor], subject.v[tensor]) = (subject.m[before].clone(), subject.v[before].clone());
        if count_too {
            subject.steps[tensor] = subject.steps[before];
        }
        step(subject, rate, &alone(gradients, tensor));
    }
}

/// The step counter of the whole optimizer goes up with every tensor.
fn counted_per_tensor(subject: &mut SliceAdamW, rate: f64, gradients: &Gradients) {
    for tensor in 0..gradients.len() {
        let most = subject.steps.iter().copied().max().unwrap();
        if gradients[tensor].is_some() {
            subject.steps[tensor] = most;
            step(subject, rate, &alone(gradients, tensor));
        }
    }
}

/// m averages η g, and θ moves by m̂/(√v̂ + ε).
fn rate_in_moment(s: &mut SliceAdamW, rate: f64, gradients: &Gradients) {
    for (i, gradient) in gradients.iter().enumerate() {
        let Some(gradient) = gradient else { continue };
        s.steps[i] += 1;
        let (c1, c2) = (1.0 - s.beta1.powi(s.steps[i]), 1.0 - s.beta2.powi(s.steps[i]));
        for (j, &g) in gradient.values.iter().enumerate() {
            s.m[i][j] = s.beta1 * s.m[i][j] + (1.0 - s.beta1) * rate * g;
            s.v[i][j] = s.beta2 * s.v[i][j] + (1.0 - s.beta2) * g * g;
            s.params[i][j] *= 1.0 - rate * s.decay[i].0;
            s.params[i][j] -= s.m[i][j] / c1 / ((s.v[i][j] / c2).sqrt() + s.eps);
        }
    }
}

/// A gradient of zeros where there is none.
fn filled(subject: &SliceAdamW, gradients: &Gradients) -> Vec<Option<Tensor>> {
    let zeros = |i: usize| Tensor { shape: vec![subject.params[i].len()], values: vec![0.0; subject.params[i].len()] };
    gradients.iter().enumerate().map(|(i, g)| Some(g.clone().unwrap_or_else(|| zeros(i)))).collect()
}

/// Every handling with a group that shows it and a subject that has it.
fn habits() -> Vec<(Handling, &'static str, Habit)> {
    use Handling::*;
    let of_step = |step| Habit { step, ..RIGHT };
    let on_saving = |saved| Habit { saved, ..RIGHT };
    let gradients = |layout| Transposed(Matrices::Gradients, layout);
    let read = |layout| Transposed(Matrices::ParametersRead, layout);
    let written = |layout| Transposed(Matrices::ParametersWritten, layout);
    vec![
        (
            ParametersNotWrittenBack,
            "steps",
            Habit {
                step: |s, k, rates, g| {
                    let before = s.params.clone();
                    step(s, rates[k], g);
                    s.params = before;
                },
                ..RIGHT
            },
        ),
        (StepsCountedPerTensor, "steps", of_step(|s, k, rates, g| counted_per_tensor(s, rates[k], g))),
        (
            StepAhead,
            "steps",
            of_step(|s, k, rates, g| {
                if k == 0 {
                    s.steps.fill(1);
                }
                step(s, rates[k], g);
            }),
        ),
        (
            StepBehind,
            "steps",
            of_step(|s, k, rates, g| {
                if k == 1 {
                    s.steps.fill(0);
                }
                step(s, rates[k], g);
            }),
        ),
        (
            MissingGradientAsZero,
            "missing-gradients",
            of_step(|s, k, rates, g| {
                let filled = filled(s, g);
                step(s, rates[k], &filled);
            }),
        ),
        (FirstRateKept, "rates", of_step(|s, _, rates, g| step(s, rates[0], g))),
        (RateOfNextStep, "rates", of_step(|s, k, rates, g| step(s, rates[(k + 1).min(rates.len() - 1)], g))),
        (RateLeftOut, "rates", of_step(|s, _, _, g| step(s, 1.0, g))),
        (RateSquared, "rates", of_step(|s, k, rates, g| step(s, rates[k] * rates[k], g))),
        (RateInMoment, "rates", of_step(|s, k, rates, g| rate_in_moment(s, rates[k], g))),
        (
            FirstStepSkipped,
            "steps",
            of_step(|s, k, rates, g| {
                if k > 0 {
                    step(s, rates[k], g);
                }
            }),
        ),
        (FirstTensorOnly, "steps", of_step(|s, k, rates, g| step(s, rates[k], &alone(g, 0)))),
        (
            GradientNegated,
            "steps",
            of_step(|s, k, rates, g| step(s, rates[k], &each(g, |g| g.values.iter().map(|x| -x).collect()))),
        ),
        (
            gradients(Layout::ByColumns),
            "steps",
            of_step(|s, k, rates, g| step(s, rates[k], &each(g, |g| of_matrix(&g.shape, &g.values, by_columns)))),
        ),
        (
            gradients(Layout::Transposed),
            "steps",
            of_step(|s, k, rates, g| step(s, rates[k], &each(g, |g| of_matrix(&g.shape, &g.values, transposed)))),
        ),
        (
            read(Layout::ByColumns),
            "steps",
            of_step(|s, k, rates, g| {
                first_matrix(s, k, by_columns);
                step(s, rates[k], g);
            }),
        ),
        (
            read(Layout::Transposed),
            "steps",
            of_step(|s, k, rates, g| {
                first_matrix(s, k, transposed);
                step(s, rates[k], g);
            }),
        ),
        (
            written(Layout::ByColumns),
            "steps",
            Habit { read: |s, tensor| if tensor == 0 { by_columns(&s.params[0]) } else { s.read(tensor) }, ..RIGHT },
        ),
        (
            written(Layout::Transposed),
            "steps",
            Habit { read: |s, tensor| if tensor == 0 { transposed(&s.params[0]) } else { s.read(tensor) }, ..RIGHT },
        ),
        (StateShared, "same-shapes", of_step(|s, k, rates, g| shared(s, rates[k], g, true))),
        (MomentsShared, "same-shapes", of_step(|s, k, rates, g| shared(s, rates[k], g, false))),
        (
            StateLost,
            "steps",
            of_step(|s, k, rates, g| {
                forget(s);
                restart(s);
                step(s, rates[k], g);
            }),
        ),
        (
            StateLostOnSaving,
            "resume",
            on_saving(|s| {
                forget(s);
                restart(s);
            }),
        ),
        (MomentsLostOnSaving, "resume", on_saving(forget)),
        (CountLostOnSaving, "resume", on_saving(restart)),
    ]
}

#[test]
fn the_right_habit_conforms() {
    for group in ["steps", "rates", "missing-gradients", "same-shapes", "resume"] {
        assert!(diagnosis("adamw", group, &RIGHT).is_none(), "{group}");
    }
}

#[test]
fn every_handling_is_named() {
    let habits = habits();
    for handling in Handling::all() {
        // AdamW has it as a mistake
        if handling == Handling::BetasSwapped {
            continue;
        }
        let (_, group, habit) = habits.iter().find(|(known, ..)| *known == handling).unwrap_or_else(|| {
            panic!("{handling:?} has no subject: write one in `habits`");
        });
        let diagnosis = diagnosis("adamw", group, habit).unwrap_or_else(|| panic!("{handling:?} conforms in {group}"));
        let named = diagnosis.forms.iter().any(|form| form.handling == Some(handling) && form.changes() == 1);
        assert!(named, "{handling:?} in {group}: the subject {diagnosis}");
    }
}

#[test]
fn betas_that_change_places_are_named_where_they_are_no_mistake_of_the_formula() {
    let swapped = Habit {
        step: |s, k, rates, g| {
            if k == 0 {
                (s.beta1, s.beta2) = (s.beta2, s.beta1);
            }
            // Adam's decay is 0 in these cases
            step(s, rates[k], g);
        },
        ..RIGHT
    };
    let diagnosis = diagnosis("adam-l2", "steps", &swapped).unwrap();
    assert!(diagnosis.forms.iter().any(|form| form.handling == Some(Handling::BetasSwapped)), "{diagnosis}");
}
