//! burn, held to the formulas: as it is declared, and as if nothing were known of it.

#[path = "../../reports.rs"]
mod reports;

use gradproof::conformance::{self, Precision, Settings};
use peer_burn_optim::{Adam, AdamW, Lion, Noam, Rule, Sgd, Subject, cosine, cross_entropy, linear, next};
use reports::{conforms, diagnosis, keep};

/// In f32, and in f64, beside which hyperparameters are f32 too.
fn in_f32_and_f64<R: Rule>(name: &str, settings: &Settings, of_f64: impl FnOnce(Settings) -> Settings) {
    let narrow = settings.clone().precision(Precision::F32);
    conforms(&format!("{name}-f32"), &conformance::optimizer::<Subject<R, f32>>(&narrow).unwrap());
    let wide = of_f64(settings.clone().precision(Precision::F64WithF32Hyperparameters));
    conforms(name, &conformance::optimizer::<Subject<R, f64>>(&wide).unwrap());
}

fn lossy_restoring(settings: Settings) -> Settings {
    settings.expect_deviation("resume", "a state of f64 is restored as f32, and the next step panics")
}

#[test]
fn adamw_conforms() {
    in_f32_and_f64::<AdamW<false>>("adamw", &Settings::new("adamw"), lossy_restoring);
}

#[test]
fn amsgrad_takes_the_maximum_before_it_is_corrected() {
    let settings = Settings::new("adamw").convention("amsgrad", "raw");
    in_f32_and_f64::<AdamW<true>>("amsgrad", &settings, lossy_restoring);
}

#[test]
fn adam_conforms() {
    in_f32_and_f64::<Adam>("adam-l2", &Settings::new("adam-l2"), lossy_restoring);
}

#[test]
fn lion_conforms() {
    in_f32_and_f64::<Lion>("lion", &Settings::new("lion"), lossy_restoring);
}

#[test]
fn sgd_conforms() {
    in_f32_and_f64::<Sgd>("sgd", &Settings::new("sgd"), |settings| settings);
}

#[test]
fn the_hyperparameters_of_f32_come_out() {
    // one group alone: no form of the catalog is found, and every one is looked for
    let settings = Settings::new("adamw");
    let report = conformance::optimizer_group::<Subject<AdamW<false>, f64>>(&settings, "steps").unwrap();
    keep("adamw-undeclared", &report);
    assert!(!report.passes(), "{report}");
}

/// The first rate of a linear schedule, and with it that of a warm-up, is computed from the last.
fn rounded_from_the_end(settings: Settings) -> Settings {
    settings.expect_deviation("whole-run", "a linear schedule's first rate is a difference of larger numbers")
}

#[test]
fn the_cosine_schedule_conforms_with_a_curve_that_goes_on() {
    let settings = Settings::new("cosine").convention("after_end", "continue").convention("warmup", "(s+1)/W");
    let settings = rounded_from_the_end(settings);
    conforms("cosine", &conformance::schedule_by_calls(&settings, cosine, next).unwrap());
}

#[test]
fn the_cosine_schedule_after_its_end_comes_out() {
    let settings = Settings::new("cosine");
    let report = conformance::schedule_by_calls(&settings, cosine, next).unwrap();
    keep("cosine-undeclared", &report);
    assert!(diagnosis(&report, "after-end").contains("after_end = \"continue\""), "{report}");
}

#[test]
fn the_linear_schedule_conforms() {
    let settings = rounded_from_the_end(Settings::new("linear").convention("warmup", "(s+1)/W"));
    conforms("linear", &conformance::schedule_by_calls(&settings, linear, next).unwrap());
}

#[test]
fn the_noam_schedule_conforms() {
    let settings = Settings::new("noam");
    let report = conformance::schedule_by_calls(&settings, Noam::new, Noam::next_rate).unwrap();
    conforms("noam", &report);
}

#[test]
fn cross_entropy_conforms_without_smoothing_in_f64() {
    let settings = Settings::new("cross-entropy").convention("all_ignored", "nan");
    let narrow = settings.clone().precision(Precision::F32);
    conforms("cross-entropy-f32", &conformance::loss(&narrow, cross_entropy::<f32>).unwrap());
    let wide = settings.precision(Precision::F64WithF32Hyperparameters);
    let wide = wide.expect_deviation("hyperparameters", "label smoothing panics on f64");
    let wide = wide.expect_deviation("ignored", "label smoothing panics on f64");
    conforms("cross-entropy", &conformance::loss(&wide, cross_entropy::<f64>).unwrap());
}
