//! The pictures of the evidence with what is said of them, and where they stand.

use crate::error::Result;
use crate::recording::Recording;
use crate::report::Report;
use crate::report::document::{Block, Picture, words};
use crate::report::known;
use crate::report::pictures::{decoupling, dpo_weight, errors, gap, info_nce_weights, schedules, steps};

/// A picture with its place.
struct Shown {
    name: &'static str,
    /// The formula in whose section it stands.
    formula: &'static str,
    alternative: &'static str,
    caption: String,
    svg: String,
}

fn all(recordings: &[Recording]) -> Result<Vec<Shown>> {
    let run = schedules::Parameters::default();
    let quadratic = decoupling::Parameters::default();
    let libtorch = known::gaps().libtorch;
    let picture = |name, formula, alternative, caption: String, svg: Result<String>| {
        Ok(Shown { name, formula, alternative, caption, svg: svg? })
    };
    [
        picture(
            "schedules",
            "cosine",
            "Learning rate over the steps of a run for five schedules.",
            format!(
                "A run of {} steps with {} of warm-up; WSD decays in the last {}. Every point is the oracle's. The inverse \
                 square root has no end.",
                run.total, run.warmup, run.decay
            ),
            schedules::all(),
        ),
        picture(
            "schedule-end",
            "cosine",
            "Learning rate after the end of a run under the conventions hold, continue and restart.",
            "A run of 100 steps, seen until step 200: whoever trains past the end gets a cosine that rises again, one that \
             starts again, or a line below zero, as the convention has it."
                .into(),
            schedules::after_the_end(),
        ),
        picture(
            "schedule-warmup",
            "cosine",
            "The first steps of a warm-up under three conventions.",
            "A warm-up over 5 steps, to step 10: s/W begins at 0, (s+1)/W reaches the peak one step early, (s+1)/(W+1) does \
             neither."
                .into(),
            schedules::warmup(),
        ),
        picture(
            "dpo-weight",
            "dpo",
            "The weight of a pair over its margin: falling from 1 to 0, with label smoothing below zero or above one.",
            "What a pair counts in the gradient. The conservative form crosses zero where the margin is ln((1 − ε)/ε), and \
             pulls the pair together beyond; the robust one stays above zero."
                .into(),
            dpo_weight::svg(&dpo_weight::Parameters::default()),
        ),
        picture(
            "info-nce-weights",
            "info-nce",
            "Size of the gradient in each similarity over the temperature, on logarithmic axes.",
            "A positive that is less similar than the hardest negative: as τ falls both their gradients grow as 1/τ, and those \
             of the easy negatives vanish. As τ rises all become equal and small."
                .into(),
            info_nce_weights::svg(&info_nce_weights::Parameters::default()),
        ),
        picture(
            "decoupling",
            "adamw",
            "Trajectories of AdamW and of Adam with L2 from the origin in the plane of two parameters.",
            format!(
                "The quadratic Σ c(θ − 1)²/2 with the curvatures {} and {}, seen by mini-batches whose minima lie ±{} from it in \
                 turn; λ = {}, η = {}, β2 = 0.99, {} steps, every second one shown. Adam's ratio forgets the scale of a \
                 gradient: AdamW shrinks both parameters alike, and stays on the diagonal. L2 is divided by that scale \
                 too: it pulls the flat direction far down, and the steep one hardly.",
                quadratic.flat, quadratic.steep, quadratic.noise, quadratic.weight_decay, quadratic.lr, quadratic.steps
            ),
            decoupling::svg(&quadratic),
        ),
        picture(
            "steps",
            "lion",
            "The step of Adam, Lion and Sophia over the gradient.",
            "One step from zero momentum, a second moment of 1 and a curvature of 0.4, after many steps. Adam's step grows with \
             the gradient until the gradient outgrows the second moment; Lion's is ±η whatever its size; Sophia's grows \
             with it up to a bound."
                .into(),
            steps::svg(&steps::Parameters::default()),
        ),
        picture(
            "gap",
            "cross-entropy",
            "Error of the loss in ulps over the gap between the target's logit and the others: the oracle stays at half an \
             ulp, libtorch loses every digit.",
            format!(
                "The loss of a row of 4 classes whose target is ahead by the gap. Recorded from libtorch {libtorch} on a CPU \
                 (fixtures/report/gap.py), in f64 and f32, each in its own ulps. ln Σ e^z − z_y cancels: from a gap of 20 the \
                 digits are gone in f32, and of 40 in f64."
            ),
            gap::recorded(),
        ),
        picture(
            "errors",
            "cross-entropy",
            "Histograms of libtorch's errors in four dtypes on a logarithmic axis.",
            "All recorded cases of every formula, by operators; of an optimizer the first step. Most numbers are within a few ulps, \
             and some have no digit left, in every dtype."
                .into(),
            errors::svg(recordings, None),
        ),
    ]
    .into_iter()
    .collect()
}

/// The pictures, by name, with the formula in whose section each stands.
///
/// # Errors
/// If one cannot be drawn, which a test would tell.
pub fn draw(recordings: &[Recording]) -> Result<Vec<(&'static str, Picture)>> {
    let part = |shown: Shown| {
        let picture = Picture {
            name: shown.name.into(),
            svg: shown.svg,
            alternative: shown.alternative.into(),
            caption: words(shown.caption),
        };
        (shown.formula, picture)
    };
    Ok(all(recordings)?.into_iter().map(part).collect())
}

/// The pictures of a formula's section that stand nowhere else.
pub fn of_formula(formula: &str, report: &Report) -> Vec<Block> {
    // the others stand at their question, where there are questions
    let elsewhere = |name: &str| {
        let asked = crate::report::questions::QUESTIONS.iter().any(|question| question.pictures.contains(&name));
        report.is_whole && asked
    };
    let of = report.pictures.iter().filter(|(of, picture)| *of == formula && !elsewhere(&picture.name));
    of.map(|(_, picture)| Block::Picture(picture.clone())).collect()
}

/// A picture by its name.
pub fn one(name: &str, report: &Report) -> Option<Block> {
    report.pictures.iter().find(|(_, picture)| picture.name == name).map(|(_, picture)| Block::Picture(picture.clone()))
}
