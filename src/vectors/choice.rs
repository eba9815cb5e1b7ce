//! Which cases a formula's file has: the kit's under the default conventions, some under every other option,
//! some that leave an axis open, and inputs that must be refused.

use super::by_hand;
use super::expected;
use super::shown::{Chosen, Shower, Wrong};
use super::{Answer, Case, Expected, FORMAT, File, Group, links, long_run, notes, refused, resumed};
use crate::cases;
use crate::catalog;
use crate::comparison::{Compared, Reference};
use crate::conformance::{self, Precision};
use crate::error::Result;
use crate::formula::{Axis, Formula};
use crate::json;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Cases under an option that is not the default, of those that tell it from the default.
const UNDER_AN_OPTION: usize = 2;

/// The most cases that leave an axis open. One is enough where it tells all options apart.
const OPEN: usize = 4;

/// Random cases of a formula for which the kit has no groups.
const RANDOM: u64 = 8;

/// An input before it is a case.
#[derive(Clone)]
struct Candidate {
    /// `late-gradient/0`
    name: String,
    about: String,
    /// Without conventions.
    input: Value,
}

/// The vectors of a formula, with all that they say computed.
///
/// # Errors
/// If the formula refuses one of the kit's inputs.
pub fn of(formula: &'static Formula) -> Result<File> {
    let mut cases = Cases { formula, shower: Shower::of(formula), groups: Vec::new(), flags: BTreeSet::new() };
    let default = candidates(formula, &Chosen::new());
    for candidate in &default {
        cases.valid(candidate, &candidate.name, &Chosen::new(), &[])?;
    }
    if formula.has_steps() {
        cases.resumed(&default)?;
        cases.long_run(&default)?;
    }
    for axis in formula.axes {
        for option in &axis.options[1..] {
            cases.under(axis, option.id)?;
        }
    }
    for axis in formula.axes {
        cases.open(axis);
    }
    cases.refused(&default);
    let flags: BTreeSet<String> = cases.groups.iter().flat_map(|g| &g.cases).flat_map(|c| c.flags.clone()).collect();
    let mut notes = notes::all(formula);
    notes.retain(|flag, _| flags.contains(flag));
    Ok(File {
        format: FORMAT,
        formula: formula.id.into(),
        name: formula.name.into(),
        equation: formula.equation.into(),
        source: formula.source.into(),
        link: links::of_formula(formula.id).into(),
        input: formula.input.into(),
        domain: formula.domain.into(),
        output: formula.output.into(),
        notes,
        groups: cases.groups,
    })
}

/// The kit's inputs under conventions: those made by hand in numbers that every dtype holds, which are short to
/// read, and the random ones in full length.
fn candidates(formula: &'static Formula, chosen: &Chosen) -> Vec<Candidate> {
    let conventions: Map<String, Value> = chosen.iter().map(|(axis, option)| (axis.clone(), json!(option))).collect();
    let groups = |precision| conformance::inputs(formula, precision, &conventions);
    let short = groups(Precision::Bf16).into_iter().filter(|group| group.id != "random");
    let long = groups(Precision::F64).into_iter().filter(|group| group.id == "random");
    let mut all = Vec::new();
    for group in short.chain(long) {
        for (id, mut input) in group.inputs {
            input.as_object_mut().into_iter().for_each(|fields| drop(fields.remove("conventions")));
            let name = id.strip_prefix(&format!("{}/", formula.id)).unwrap_or(&id).to_string();
            all.push(Candidate { name, about: group.about.into(), input });
        }
    }
    if all.is_empty() {
        let by_hand = by_hand::inputs(formula).into_iter();
        all.extend(by_hand.map(|(name, about, input)| Candidate { name: name.into(), about: about.into(), input }));
        all.extend((0..RANDOM).map(|i| Candidate {
            name: format!("random/{i}"),
            about: "random numbers".into(),
            input: cases::case(formula, i, cases::Conventions::Default),
        }));
    }
    all.retain(|candidate| tells_hyperparameters(&candidate.input));
    all
}

/// The same with a weight decay.
fn with_decay(candidate: &Candidate) -> Candidate {
    let mut decayed = candidate.clone();
    decayed.name = format!("{}/with-decay", candidate.name);
    decayed.about = format!("{}, with a weight decay", candidate.about);
    decayed.input["weight_decay"] = json!(0.125);
    decayed
}

/// Whether not every hyperparameter is 0 or 1, at which wrong forms agree with the right one.
fn tells_hyperparameters(input: &Value) -> bool {
    let fields = input.as_object().into_iter().flatten();
    let scalars: Vec<f64> = fields
        .filter(|(name, x)| x.is_number() || *name == "lr")
        .flat_map(|(_, x)| json::numbers(x))
        .map(|(_, x)| x)
        .collect();
    scalars.is_empty() || scalars.iter().any(|&x| x != 0.0 && x != 1.0)
}

/// An input under conventions.
fn with(input: &Value, chosen: &Chosen) -> Value {
    let mut input = input.clone();
    if !chosen.is_empty() {
        input["conventions"] = json!(chosen);
    }
    input
}

/// Whether what one reference holds to is not what the other gives.
fn told_apart(one: &Result<Reference>, other: &Result<Reference>) -> bool {
    match (one, other) {
        (Ok(one), Ok(other)) => expected::compared(one, &other.right).iter().any(Compared::exceeds),
        (Err(_), Err(_)) => false,
        _ => true,
    }
}

/// The cases so far.
struct Cases {
    formula: &'static Formula,
    shower: Shower,
    groups: Vec<Group>,
    /// Those that some case has.
    flags: BTreeSet<String>,
}

impl Cases {
    /// Puts a case, whose input is whole, into its group.
    fn push(&mut self, mut case: Case, chosen: &Chosen) {
        let is_scalar = |(_, value): &(String, Value)| !value.is_array() && !value.is_object();
        let (scalars, input): (Vec<_>, Vec<_>) = std::mem::take(&mut case.input).into_iter().partition(is_scalar);
        case.input = input.into_iter().collect();
        self.flags.extend(case.flags.iter().cloned());
        let hyperparameters: Map<String, Value> = scalars.into_iter().collect();
        let group = self.groups.iter_mut().find(|g| g.hyperparameters == hyperparameters && g.conventions == *chosen);
        match group {
            Some(group) => group.cases.push(case),
            None => self.groups.push(Group { hyperparameters, conventions: chosen.clone(), cases: vec![case] }),
        }
    }

    fn case(&self, name: &str, comment: &str, result: Expected, input: &Value) -> Case {
        Case {
            id: format!("{}/{name}", self.formula.id),
            comment: comment.into(),
            flags: Vec::new(),
            result,
            input: input.as_object().cloned().unwrap_or_default(),
            kept: None,
            output: None,
            budget: None,
            answers: None,
            reason: None,
        }
    }

    /// A case with one answer.
    fn valid(&mut self, candidate: &Candidate, name: &str, chosen: &Chosen, flags: &[&str]) -> Result<()> {
        let input = with(&candidate.input, chosen);
        let reference = expected::reference(self.formula, &input)?;
        let (output, budgets) = expected::answer_of(&reference, None);
        let mut case = self.case(name, &candidate.about, Expected::Valid, &candidate.input);
        (case.output, case.budget) = (Some(output), Some(budgets));
        case.flags = flags.iter().map(|flag| flag.to_string()).collect();
        case.flags.extend(self.shower.flags(&input, &reference, chosen));
        self.push(case, chosen);
        Ok(())
    }

    /// A run that goes on from a state: the end of the first case that is long enough and ends elsewhere without it.
    fn resumed(&mut self, default: &[Candidate]) -> Result<()> {
        // two steps before, and at least one after
        let long =
            |candidate: &&Candidate| candidate.input["gradients"].as_array().is_some_and(|steps| steps.len() > 2);
        for whole in default.iter().filter(long) {
            let input = resumed::input(self.formula, &whole.input, 2)?;
            let mut anew = input.clone();
            anew.as_object_mut().into_iter().for_each(|fields| drop(fields.remove("state")));
            if catalog::evaluate(self.formula.id, input.clone())? == catalog::evaluate(self.formula.id, anew)? {
                continue;
            }
            let about = "a run that goes on from a state: whoever starts from zeros fails it";
            let candidate = Candidate { name: "resumed/0".into(), about: about.into(), input };
            return self.valid(&candidate, &candidate.name, &Chosen::new(), &[]);
        }
        Ok(())
    }

    /// The run of a thousand steps. What is wrong shows in it as soon as in its first steps.
    fn long_run(&mut self, default: &[Candidate]) -> Result<()> {
        let Some(first) = default.first() else { return Ok(()) };
        let fields = first.input.as_object().into_iter().flatten();
        let mut hyper: Map<String, Value> =
            fields.filter(|(_, value)| !value.is_array()).map(|(name, value)| (name.clone(), value.clone())).collect();
        for (name, value) in [("weight_decay", 0.125), ("momentum", 0.9)] {
            hyper.get_mut(name).into_iter().for_each(|now| *now = json!(value));
        }
        let input = long_run::input(self.formula, &hyper);
        let (output, budgets) = expected::answer(self.formula, &input, Some(long_run::KEPT))?;
        let about = "a thousand steps, of which some are kept: errors add up that a few steps do not show";
        let mut case = self.case("long-run/0", about, Expected::Valid, &input);
        (case.output, case.budget, case.kept) = (Some(output), Some(budgets), Some(long_run::KEPT.to_vec()));
        let mut beginning = input;
        for name in ["gradients", "hessians"] {
            beginning.get_mut(name).and_then(Value::as_array_mut).into_iter().for_each(|steps| steps.truncate(3));
        }
        let reference = expected::reference(self.formula, &beginning)?;
        case.flags = self.shower.flags(&beginning, &reference, &Chosen::new());
        self.push(case, &Chosen::new());
        Ok(())
    }

    /// Cases under an option that tell it from the default, and those that show a mistake which none has shown.
    fn under(&mut self, axis: &Axis, option: &str) -> Result<()> {
        let chosen = Chosen::from([(axis.id.to_string(), option.to_string())]);
        let all: Vec<String> = Wrong::all(self.formula).iter().map(|wrong| wrong.flag()).collect();
        let mut left = UNDER_AN_OPTION;
        for candidate in candidates(self.formula, &chosen) {
            let still_unseen = all.iter().any(|flag| !self.flags.contains(flag));
            if left == 0 && !still_unseen {
                break;
            }
            let input = with(&candidate.input, &chosen);
            let own = expected::reference(self.formula, &input);
            let tells = left > 0 && told_apart(&own, &expected::reference(self.formula, &candidate.input));
            let shows = |own| self.shower.shows_another(&self.flags, &input, own, &chosen);
            if own.as_ref().is_ok_and(|own| tells || (still_unseen && shows(own))) {
                let name = format!("{}={option}/{}", axis.id, candidate.name);
                let flags = [axis.id];
                self.valid(&candidate, &name, &chosen, if tells { &flags } else { &[] })?;
                left -= usize::from(tells);
            }
        }
        Ok(())
    }

    /// Cases that leave an axis open, until every two of its options are told apart or no case tells more.
    fn open(&mut self, axis: &Axis) {
        let options: Vec<Chosen> =
            axis.options.iter().map(|option| Chosen::from([(axis.id.to_string(), option.id.to_string())])).collect();
        // what one option refuses is a case of the others
        let mut pool: Vec<Candidate> = Vec::new();
        for chosen in &options {
            let new = candidates(self.formula, chosen);
            pool.extend(
                new.into_iter().filter(|c| pool.iter().all(|known| known.input != c.input)).collect::<Vec<_>>(),
            );
        }
        // with no decay, its forms are one
        let undecayed = pool.iter().filter(|candidate| candidate.input.get("weight_decay") == Some(&json!(0.0)));
        let decayed: Vec<Candidate> = undecayed.map(with_decay).collect();
        pool.extend(decayed);
        let mut apart: BTreeSet<(usize, usize)> = BTreeSet::new();
        let every = options.len() * (options.len() - 1) / 2;
        let mut count = 0;
        for candidate in pool {
            if apart.len() == every || count == OPEN {
                break;
            }
            let references: Vec<Result<Reference>> = options
                .iter()
                .map(|chosen| expected::reference(self.formula, &with(&candidate.input, chosen)))
                .collect();
            let before = apart.len();
            for j in 0..options.len() {
                apart.extend((0..j).filter(|&i| told_apart(&references[i], &references[j])).map(|i| (i, j)));
            }
            if apart.len() > before {
                count += 1;
                self.acceptable(axis, &candidate, &options);
            }
        }
    }

    fn acceptable(&mut self, axis: &Axis, candidate: &Candidate, options: &[Chosen]) {
        let answer = |chosen: &Chosen| {
            let id = chosen.iter().map(|(axis, option)| format!("{axis}={option}")).collect();
            let mut one = Answer { id, conventions: chosen.clone(), output: None, budget: None, reason: None };
            expected::fill(self.formula, &with(&candidate.input, chosen), None, &mut one);
            one
        };
        let name = format!("{}/{}", axis.id, candidate.name);
        let about = format!("{}, with {} left open", candidate.about, axis.id);
        let mut case = self.case(&name, &about, Expected::Acceptable, &candidate.input);
        case.answers = Some(options.iter().map(answer).collect());
        case.flags = vec![axis.id.into()];
        self.push(case, &Chosen::new());
    }

    /// Inputs that must be refused.
    fn refused(&mut self, default: &[Candidate]) {
        let Some(good) = default.first() else { return };
        for (i, refused) in refused::inputs(self.formula, &good.input).into_iter().enumerate() {
            let mut case = self.case(&format!("refused/{i}"), &refused.comment, Expected::Invalid, &refused.input);
            case.flags = vec![refused.flag.into()];
            case.reason = Some(refused.reason);
            self.push(case, &Chosen::new());
        }
    }
}
