//! The conformance kit on losses and schedules: right ones pass in every precision, wrong ones are told
//! by their name.

#[path = "common/forms.rs"]
mod forms;

use gradproof::catalog;
use gradproof::conformance::{self, Config, Found, LossCase, Outcome, Precision, Report, Settings, Unsupported};
use gradproof::json;
use serde_json::{Value, json};

const LOSSES: [&str; 5] = ["cross-entropy", "info-nce", "info-nce-in-batch", "dpo", "dpo-from-logits"];
const SCHEDULES: [&str; 5] = ["cosine", "wsd", "linear", "inverse-sqrt", "noam"];

/// The case as an adapter sees it, as an input of the formula.
fn input_of(formula: &str, case: &LossCase<'_>) -> Result<Value, Unsupported> {
    let config = case.config();
    let special = |rows: Vec<Vec<f64>>| -> Value {
        rows.iter().map(|row| row.iter().map(|&x| json::number(x)).collect::<Value>()).collect()
    };
    Ok(match formula {
        "cross-entropy" => json!({
            "logits": special(case.rows("logits")?), "targets": case.wholes("targets")?,
            "reduction": config.word("reduction")?, "label_smoothing": config.number("label_smoothing")?,
        }),
        "info-nce" => json!({
            "query": case.rows("query")?, "positive": case.rows("positive")?,
            "negatives": case.matrices("negatives")?, "temperature": config.number("temperature")?,
        }),
        "info-nce-in-batch" => json!({
            "a": case.rows("a")?, "b": case.rows("b")?, "temperature": config.number("temperature")?,
            "symmetric": config.flag("symmetric")?,
        }),
        "dpo-from-logits" => {
            let side = |name: &str| -> Result<Value, Unsupported> {
                Ok(json!({
                    "policy_logits": special(case.rows(&format!("{name}.policy_logits"))?),
                    "reference_logits": special(case.rows(&format!("{name}.reference_logits"))?),
                    "tokens": case.wholes(&format!("{name}.tokens"))?,
                }))
            };
            json!({
                "chosen": side("chosen")?, "rejected": side("rejected")?,
                "beta": config.number("beta")?, "label_smoothing": config.number("label_smoothing")?,
            })
        }
        _ => json!({
            "policy_chosen": case.numbers("policy_chosen")?, "policy_rejected": case.numbers("policy_rejected")?,
            "reference_chosen": case.numbers("reference_chosen")?,
            "reference_rejected": case.numbers("reference_rejected")?,
            "beta": config.number("beta")?, "label_smoothing": config.number("label_smoothing")?,
        }),
    })
}

fn reals(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| json::real_of(x).unwrap()).collect()
}

fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(reals).collect()
}

/// An output through the adapter's own type.
fn found(formula: &str, output: &Value) -> Found {
    let number = |place: &str| json::real_of(output.pointer(place).unwrap()).unwrap();
    let gradient = &output["gradient"];
    let found = Found::new();
    match formula {
        "cross-entropy" => {
            let found = found.number("perplexity", number("/perplexity")).rows("gradient", &rows(gradient));
            match &output["loss"] {
                Value::Array(_) => found.numbers("loss", &reals(&output["loss"])),
                _ => found.number("loss", number("/loss")),
            }
        }
        "info-nce" => found
            .number("loss", number("/loss"))
            .rows("gradient.query", &rows(&gradient["query"]))
            .rows("gradient.positive", &rows(&gradient["positive"]))
            .matrices(
                "gradient.negatives",
                &gradient["negatives"].as_array().unwrap().iter().map(rows).collect::<Vec<_>>(),
            )
            .number("gradient.temperature", number("/gradient/temperature")),
        "info-nce-in-batch" => found
            .number("loss", number("/loss"))
            .rows("gradient.a", &rows(&gradient["a"]))
            .rows("gradient.b", &rows(&gradient["b"]))
            .number("gradient.temperature", number("/gradient/temperature")),
        "dpo-from-logits" => found
            .number("loss", number("/loss"))
            .number("weight", number("/weight"))
            .number("reward_chosen", number("/reward_chosen"))
            .number("reward_rejected", number("/reward_rejected"))
            .rows("gradient.chosen", &rows(&gradient["chosen"]))
            .rows("gradient.rejected", &rows(&gradient["rejected"])),
        _ => found
            .number("loss", number("/loss"))
            .numbers("weight", &reals(&output["weight"]))
            .numbers("rewards_chosen", &reals(&output["rewards_chosen"]))
            .numbers("gradient.policy_chosen", &reals(&gradient["policy_chosen"]))
            .numbers("gradient.policy_rejected", &reals(&gradient["policy_rejected"])),
    }
}

/// A form: a formula with a mistake, in a precision, under conventions.
#[derive(Clone, Copy)]
struct Subject<'a> {
    id: &'a str,
    mistake: Option<&'a str>,
    precision: Precision,
    chosen: &'a Value,
}

fn hold_loss(settings: &Settings, subject: Subject<'_>, group: Option<&str>) -> Report {
    let Subject { id, mistake, precision, chosen } = subject;
    let formula = catalog::formula(id).unwrap();
    let subject = |case: &LossCase<'_>| {
        if group.is_some_and(|group| case.id.split('/').nth(1) != Some(group)) {
            return Err(Unsupported::new("not asked"));
        }
        let mut input = input_of(id, case)?;
        input["conventions"] = chosen.clone();
        let output =
            forms::computed(formula, &input, mistake, precision).ok_or_else(|| Unsupported::new("its domain"))?;
        Ok(found(id, &output))
    };
    conformance::loss(settings, subject).unwrap()
}

fn hold_schedule(settings: &Settings, subject: Subject<'_>) -> Report {
    let Subject { id, mistake, precision, chosen } = subject;
    let formula = catalog::formula(id).unwrap();
    let subject = |config: &Config, step: u64| {
        let mut input = json!({ "steps": [step], "conventions": chosen });
        for name in ["max_lr", "min_lr", "factor"] {
            if let Ok(x) = config.number(name) {
                input[name] = json!(x);
            }
        }
        for name in ["warmup_steps", "total_steps", "decay_steps", "d_model"] {
            if let Ok(n) = config.whole(name) {
                input[name] = json!(n);
            }
        }
        let output =
            forms::computed(formula, &input, mistake, precision).ok_or_else(|| Unsupported::new("its domain"))?;
        Ok(json::real_of(&output["lr"][0]).unwrap())
    };
    conformance::schedule(settings, subject).unwrap()
}

/// Holds a form of a loss or schedule.
fn hold(settings: &Settings, id: &str, mistake: Option<&str>, precision: Precision, chosen: &Value) -> Report {
    let subject = Subject { id, mistake, precision, chosen };
    if LOSSES.contains(&id) { hold_loss(settings, subject, None) } else { hold_schedule(settings, subject) }
}

/// Whether a report names a mistake.
fn names(report: &Report, mistake: &str) -> bool {
    report.groups.iter().any(|group| match &group.outcome {
        Outcome::Differs(difference) => {
            difference.diagnosis.forms.iter().any(|form| form.mistake.is_some_and(|m| m.id == mistake))
        }
        _ => false,
    })
}

/// Whether the kit names a mistake, of a loss in one of the groups made by hand.
fn is_named(settings: &Settings, id: &str, mistake: &str, chosen: &Value) -> bool {
    let subject = Subject { id, mistake: Some(mistake), precision: Precision::F64, chosen };
    if SCHEDULES.contains(&id) {
        return names(&hold_schedule(settings, subject), mistake);
    }
    let formula = catalog::formula(id).unwrap();
    let groups = conformance::inputs(formula, Precision::F64, chosen.as_object().unwrap());
    let mut made = groups.iter().map(|group| group.id).filter(|group| *group != "random");
    made.any(|group| names(&hold_loss(settings, subject, Some(group)), mistake))
}

fn ids() -> impl Iterator<Item = &'static str> {
    LOSSES.into_iter().chain(SCHEDULES)
}

#[test]
fn a_textbook_in_every_precision_conforms() {
    for id in ids() {
        for precision in Precision::ALL {
            let report = hold(&Settings::new(id).precision(precision), id, None, precision, &json!({}));
            assert!(report.passes(), "{report}");
            assert!(report.groups.iter().all(|g| g.cases > 0 && g.skipped.is_empty()), "{report}");
        }
    }
}

#[test]
fn every_mistake_is_named() {
    let mut unnamed = Vec::new();
    for id in ids() {
        for mistake in catalog::formula(id).unwrap().mistakes {
            // what an option adds shows under it
            let (axis, option) = match mistake.id {
                "one-minus-sqrt-reversed" => ("shape", "one-minus-sqrt"),
                "robust-undivided" => ("smoothing", "robust"),
                _ => ("", ""),
            };
            let hidden = !axis.is_empty();
            let chosen = if hidden { json!({ axis: option }) } else { json!({}) };
            let settings = Settings::new(id);
            let settings = if hidden { settings.convention(axis, option) } else { settings };
            if !is_named(&settings, id, mistake.id, &chosen) {
                unnamed.push(format!("{id}: {}", mistake.id));
            }
        }
    }
    assert!(unnamed.is_empty(), "{}", unnamed.join("\n"));
}

/// An axis about inputs that the default refuses, and so has no case for.
const REFUSED_BY_DEFAULT: &str = "all_ignored";

#[test]
fn every_convention_is_told_from_the_default() {
    let mut hidden = Vec::new();
    for id in ids() {
        for axis in catalog::formula(id).unwrap().axes {
            for option in &axis.options[1..] {
                let chosen = json!({ axis.id: option.id });
                let as_default = hold(&Settings::new(id), id, None, Precision::F64, &chosen);
                if as_default.passes() && axis.id != REFUSED_BY_DEFAULT {
                    hidden.push(format!("{id}: {} = {}", axis.id, option.id));
                }
                let declared = Settings::new(id).convention(axis.id, option.id);
                let report = hold(&declared, id, None, Precision::F64, &chosen);
                assert!(report.passes(), "{report}");
                if axis.id == REFUSED_BY_DEFAULT {
                    let cases = |report: &Report| report.groups.iter().map(|g| g.cases).sum::<usize>();
                    assert_eq!(cases(&report), cases(&as_default) + 1, "{id}: {} = {}", axis.id, option.id);
                }
            }
        }
    }
    assert!(hidden.is_empty(), "{}", hidden.join("\n"));
}

#[test]
fn what_is_no_loss_or_schedule_is_refused() {
    let loss = conformance::loss(&Settings::new("adamw"), |_| Ok(Found::new())).unwrap_err().to_string();
    assert!(loss.contains("adamw") && loss.contains("a loss"), "{loss}");
    let schedule = conformance::schedule(&Settings::new("dpo"), |_, _| Ok(0.0)).unwrap_err().to_string();
    assert!(schedule.contains("dpo") && schedule.contains("a schedule"), "{schedule}");
    let axis = conformance::loss(&Settings::new("dpo").convention("smooth", "x"), |_| Ok(Found::new())).unwrap_err();
    assert!(axis.to_string().contains("smoothing"), "{axis}");
}
