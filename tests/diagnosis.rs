//! Random pairs of a convention and a mistake: the diagnosis names both, or forms that come to the same on
//! the cases.

#[path = "common/forms.rs"]
mod forms;

use gradproof::budget::Starts;
use gradproof::catalog;
use gradproof::comparison::{Compared, Reference};
use gradproof::conformance::{self, Precision};
use gradproof::diagnosis::{Around, Diagnosis, Form, Observed, diagnose};
use gradproof::formula::{Axis, Formula};
use gradproof::json;
use gradproof::number::RunningError;
use serde_json::{Map, Value};

/// Pairs: GRADPROOF_CASES up to 200, or as many as take seconds.
fn pair_count() -> u64 {
    let usual = if cfg!(debug_assertions) { 20 } else { 200 };
    std::env::var("GRADPROOF_CASES").ok().and_then(|n| n.parse().ok()).map_or(usual, |n: u64| n.min(200))
}

/// A generator of Knuth's, of which the upper half is used.
struct Draws(u64);

impl Draws {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as usize
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

const PRECISION: Precision = Precision::F64;

/// The inputs of the kit's groups that are made by hand.
fn made_by_hand(formula: &Formula) -> Vec<Value> {
    let groups = conformance::inputs(formula, PRECISION, &Map::new()).into_iter().filter(|group| group.id != "random");
    groups.flat_map(|group| group.inputs).map(|(_, input)| input).collect()
}

/// A formula that the kit has cases for, an option that is not its default, and a mistake.
fn pair(draws: &mut Draws) -> Form {
    let formulas: Vec<&'static Formula> = catalog::FORMULAS
        .iter()
        .filter(|f| !made_by_hand(f).is_empty() && !f.axes.is_empty() && !f.mistakes.is_empty())
        .collect();
    let formula = draws.pick(&formulas);
    let axis: &Axis = &formula.axes[draws.below(formula.axes.len())];
    let option = &axis.options[1 + draws.below(axis.options.len() - 1)];
    let mistake = &formula.mistakes[draws.below(formula.mistakes.len())];
    Form { formula, conventions: vec![(axis.id, option.id)], mistake: Some(mistake), handling: None }
}

/// Whether the definition is an algorithm that an implementation may use at an input: it does not overflow.
fn is_computable(formula: &'static Formula, input: &Value) -> bool {
    let starts = if formula.has_steps() { Starts::Carried } else { Starts::Reported };
    let reference = Reference::of(formula, input, PRECISION.arithmetic(), starts).unwrap();
    let defined = forms::defined(formula, input, PRECISION).unwrap();
    !reference.compare(&defined).iter().any(Compared::exceeds)
}

/// What a subject of a form shows on some cases of the kit. A mistake is computed as it is defined.
fn shown(form: &Form, draws: &mut Draws) -> Vec<Observed> {
    let made = made_by_hand(form.formula);
    let mut chosen = (0..6).map(|_| made[draws.below(made.len())].clone()).collect::<Vec<_>>();
    chosen.retain(|input| is_computable(form.formula, input));
    let subject = |input: &Value| {
        let mut chosen = input.clone();
        chosen["conventions"] = form.conventions.iter().map(|&(a, o)| (a.to_string(), Value::from(o))).collect();
        let mistake = form.mistake.map(|mistake| mistake.id);
        let found = forms::computed(form.formula, &chosen, mistake, PRECISION)?;
        Some(Observed::new(input.clone(), found))
    };
    chosen.iter().filter_map(subject).collect()
}

/// Whether a form has a value wherever something was found.
fn has_values(form: &Form, one: &Observed, arithmetic: RunningError) -> bool {
    let outcome = form.at(&one.input, &one.around, arithmetic);
    outcome.is_some_and(|outcome| json::numbers(&one.found).iter().all(|(place, _)| outcome.at(place).is_some()))
}

/// Whether two forms come to the same on some inputs, as far as rounding lets it be seen.
fn alike(one: &Form, other: &Form, observed: &[Observed], arithmetic: RunningError) -> bool {
    observed.iter().all(|case| {
        let [a, b] = [one, other].map(|form| form.at(&case.input, &Around::default(), arithmetic));
        let (Some(a), Some(b)) = (a, b) else { return true };
        json::numbers(&case.found).iter().all(|(place, _)| match (a.at(place), b.at(place)) {
            (Some(a), Some(b)) => {
                // the factor is the slack that a form is accepted with
                let rounding = f64::EPSILON * a.value.abs().max(b.value.abs()) + f64::MIN_POSITIVE;
                (a.value - b.value).abs() <= 8.0 * (a.bound + b.bound + rounding)
            }
            _ => true,
        })
    })
}

#[test]
fn a_random_convention_with_a_random_mistake_is_named_with_both_or_with_what_is_equal_to_it() {
    let mut draws = Draws(20_260_213);
    let (mut named, mut equal) = (0, 0);
    let arithmetic = PRECISION.arithmetic();
    for _ in 0..pair_count() {
        let form = pair(&mut draws);
        let mut observed = shown(&form, &mut draws);
        // where a wrong form divides by zero it has no value, and what a subject gives there says nothing of it
        observed.retain(|one| has_values(&form, one, arithmetic));
        if observed.is_empty() {
            continue;
        }
        let Diagnosis { forms, .. } = diagnose(form.formula, &[], &observed, arithmetic);
        assert!(!forms.is_empty(), "{form} is told as nothing");
        if forms.contains(&form) {
            named += 1;
            continue;
        }
        for told in &forms {
            assert!(alike(told, &form, &observed, arithmetic), "{form} is told as {told}");
        }
        equal += 1;
    }
    println!("{named} pairs are named, {equal} are told by fewer changes that come to the same");
    assert!(named > equal, "{named} pairs are named, {equal} are not");
}

#[test]
fn mistakes_that_somebody_made_in_public_are_named_with_the_place() {
    let mistakes = || catalog::FORMULAS.iter().flat_map(|f| f.mistakes);
    // of one the repository's owner is not known
    let unseen: Vec<&str> =
        mistakes().filter(|m| m.source.contains(" #") && m.seen().is_none()).map(|m| m.id).collect();
    assert_eq!(unseen, ["batch-mean-missing", "batch-mean-missing"]);
    let seen: Vec<String> = mistakes().filter_map(|mistake| mistake.seen()).collect();
    assert!(seen.contains(&"https://github.com/raskr/rust-autograd/issues/16".to_string()));
    assert!(seen.contains(&"https://github.com/FluxML/Optimisers.jl/issues/129".to_string()));

    let formula = catalog::formula("lion").unwrap();
    let mistake = formula.mistakes.iter().find(|m| m.id == "decay-in-sign").unwrap();
    let form = Form { formula, conventions: Vec::new(), mistake: Some(mistake), handling: None };
    let place = "https://github.com/bitsandbytes-foundation/bitsandbytes/issues/1992";
    assert!(form.to_string().contains(place), "{form}");
}
