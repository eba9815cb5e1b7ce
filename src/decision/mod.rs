//! What the judges make of a statement: its verdict, its scope and a counterexample.
//!
//! Claims of the catalog and statements of strangers are decided here alike. They differ in the control, the
//! statement of opposite truth that shows whether a judge can tell: a claim brings its own, and for a stranger's
//! statement one is [made](control).

pub mod control;
mod scope;

use crate::claim::{Instance, Relation, Verdict};
use crate::judges::{Counterexample, Finding, Judge, Opinion, Run};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What is to be decided.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What makes the random draws this question's own.
    pub purpose: &'a str,
    /// The statement at concrete sizes.
    pub instances: &'a [Instance],
    /// What shows that the judges can tell.
    pub control: Control<'a>,
}

/// Where the statement of opposite truth comes from.
#[derive(Clone, Copy, Debug)]
pub enum Control<'a> {
    /// It is given.
    Given {
        /// Its id.
        id: &'a str,
        /// Whether it is the true one of the two.
        is_true: bool,
        /// The statement, if there is one.
        instance: Option<&'a Instance>,
    },
    /// It is made from the statement at its first size, when it is known whether the statement is refuted. The
    /// sizes are then gone through one by one, up to the first at which it is refuted.
    Made {
        /// Sizes after so many are left out when the time is up.
        required: usize,
    },
}

/// What it came to, with the evidence.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What it came to.
    pub verdict: Verdict,
    /// For what it was decided: sizes, error bounds, what was left out.
    pub scope: String,
    /// What each judge said.
    pub judges: Vec<JudgeReport>,
    /// A point at which it is false.
    pub counterexample: Option<Counterexample>,
    /// The position of the first instance that a judge refuted.
    pub refuted_at: Option<usize>,
}

/// What a judge said of a claim, and whether it could tell.
#[derive(Clone, Debug, Serialize)]
pub struct JudgeReport {
    /// The judge.
    pub judge: &'static str,
    /// "proves", "agrees", "differs", "refutes" or "abstains", with the reason.
    pub outcome: String,
    /// Points, trials or outcomes looked at.
    pub cases: u64,
    /// The largest distance between the sides, in ulps.
    pub worst_ulp: Option<f64>,
    /// What it made of the control.
    pub control: ControlReport,
}

/// What a judge made of the statement of opposite truth.
#[derive(Clone, Debug, Serialize)]
pub struct ControlReport {
    /// The mistake, the amending claim, or how the control was made.
    pub id: Cow<'static, str>,
    /// "rejected", "accepted" or "abstains".
    pub outcome: &'static str,
}

/// A judge's findings on the instances of one statement.
struct Heard {
    judge: Judge,
    findings: Vec<Option<Finding>>,
    control: ControlReport,
    /// Whether it decided the control the right way.
    told: bool,
}

/// The part of the time that the statement itself may take.
const FOR_THE_STATEMENT: f64 = 0.8;

/// Decides a statement.
pub fn decide(question: &Question, run: &Run) -> Decision {
    let instances = question.instances;
    let judges: Vec<Judge> = Judge::ALL.into_iter().filter(|judge| instances.iter().any(|i| judge.judges(i))).collect();
    // some of the time is left for the controls, without which nothing that was found counts
    let (found, reached) = found(question, &judges, &run.until(run.deadline.part(FOR_THE_STATEMENT)));
    let refutes = |f: &Option<Finding>| matches!(f, Some(Finding { opinion: Opinion::Refutes(_), .. }));
    let refuted_at = (0..instances.len()).find(|&i| found.iter().any(|findings| refutes(&findings[i])));
    let refuted = refuted_at.is_some();
    let made = match question.control {
        Control::Made { .. } => {
            instances.get(refuted_at.unwrap_or(0)).map_or_else(Vec::new, |i| control::opposites(i, refuted))
        }
        Control::Given { .. } => Vec::new(),
    };
    let (controls, is_true): (Vec<(&str, Option<&Instance>)>, bool) = match &question.control {
        Control::Given { id, is_true, instance } => (vec![(id, *instance)], *is_true),
        Control::Made { .. } => (made.iter().map(|made| (made.id, Some(&made.instance))).collect(), refuted),
    };
    let of_control = Run { simplest: false, ..run.clone() };
    let heard: Vec<Heard> = judges
        .into_iter()
        .zip(found)
        .map(|(judge, findings)| {
            let decide = |instance: &Instance| judge.decide(instance, &of_control, question.purpose).opinion;
            let told =
                |instance: Option<&Instance>| on_control(instance.filter(|i| judge.judges(i)).map(decide), is_true);
            let (control, told) = first_told(&controls, told);
            Heard { judge, findings, control, told }
        })
        .collect();
    let counterexample = counterexample(&heard);
    let (verdict, mut text) = verdict(&instances[..reached], &heard, counterexample.is_some());
    if reached < instances.len() && !refuted {
        text.push_str("; there was no time for ");
        text.push_str(&scope::sizes(&instances[reached..], |_, _| true));
    }
    Decision { verdict, scope: text, judges: heard.iter().map(JudgeReport::of).collect(), counterexample, refuted_at }
}

/// The first control that is told right, or else the first.
fn first_told(
    controls: &[(&str, Option<&Instance>)],
    tell: impl Fn(Option<&Instance>) -> (&'static str, bool),
) -> (ControlReport, bool) {
    let mut first = None;
    for (id, instance) in controls {
        let (outcome, told) = tell(*instance);
        let report = ControlReport { id: id.to_string().into(), outcome };
        if told {
            return (report, true);
        }
        first.get_or_insert(report);
    }
    (first.unwrap_or(ControlReport { id: "none".into(), outcome: "abstains" }), false)
}

/// What each judge found at each size; nothing past a size at which a stranger's statement is refuted. With how many
/// sizes there was time for.
fn found(question: &Question, judges: &[Judge], run: &Run) -> (Vec<Vec<Option<Finding>>>, usize) {
    let instances = question.instances;
    let decide = |judge: Judge, i: &Instance| judge.judges(i).then(|| judge.decide(i, run, question.purpose));
    let Control::Made { required } = question.control else {
        let all = judges.iter().map(|&judge| instances.iter().map(|i| decide(judge, i)).collect()).collect();
        return (all, instances.len());
    };
    let mut found = vec![vec![None; instances.len()]; judges.len()];
    for (at, instance) in instances.iter().enumerate() {
        let mut refuted = false;
        for (row, &judge) in found.iter_mut().zip(judges) {
            row[at] = decide(judge, instance);
            refuted |= matches!(row[at], Some(Finding { opinion: Opinion::Refutes(_), .. }));
        }
        if refuted {
            break;
        }
        if run.deadline.has_passed() && at >= required {
            return (found, at);
        }
    }
    (found, instances.len())
}

/// What the judge makes of the control, and whether that is right.
fn on_control(opinion: Option<Opinion>, is_true: bool) -> (&'static str, bool) {
    match opinion {
        None | Some(Opinion::Abstains(_)) => ("abstains", false),
        Some(Opinion::Proves { .. } | Opinion::Agrees) => ("accepted", is_true),
        Some(Opinion::Differs(_) | Opinion::Refutes(_)) => ("rejected", !is_true),
    }
}

/// The search's counterexample, which is the smallest, or else any judge's who could tell the control.
fn counterexample(heard: &[Heard]) -> Option<Counterexample> {
    let refutations = |h: &Heard| {
        h.findings.iter().flatten().find_map(|f| match &f.opinion {
            Opinion::Refutes(c) => Some(c.clone()),
            _ => None,
        })
    };
    let (search, others): (Vec<_>, Vec<_>) = heard.iter().filter(|h| h.told).partition(|h| h.judge == Judge::Search);
    search.into_iter().chain(others).find_map(refutations)
}

/// Judges that derive alike count once: exact algebra and the enclosures both use the graph's
/// reverse derivative.
fn family(judge: Judge) -> Judge {
    if judge == Judge::Algebra { Judge::Enclosure } else { judge }
}

fn verdict(instances: &[Instance], heard: &[Heard], refuted: bool) -> (Verdict, String) {
    if refuted {
        // the sizes that were looked at
        let looked_at = |i: usize, _: &Instance| heard.iter().any(|h| h.findings[i].is_some());
        return (Verdict::Refuted, scope::sizes(instances, looked_at));
    }
    let reliable: Vec<&Heard> = heard.iter().filter(|h| h.told).collect();
    // exact forms may differ for want of a rule; points may not
    let doubt = reliable.iter().find(|h| {
        !matches!(h.judge, Judge::Algebra | Judge::PrimeField | Judge::Enumeration)
            && h.findings.iter().flatten().any(|f| matches!(f.opinion, Opinion::Differs(_)))
    });
    if let Some(h) = doubt {
        return (Verdict::Undecided, format!("{} disagrees, without a counterexample", h.judge.name()));
    }
    let opinions =
        |i: usize| reliable.iter().filter_map(move |h| h.findings[i].as_ref().map(|f| (h.judge, &f.opinion)));
    let proved = |i: usize| opinions(i).any(|(_, o)| matches!(o, Opinion::Proves { .. }));
    let held = |i: usize| {
        let agreeing = opinions(i)
            .filter(|(judge, o)| *judge != Judge::Search && matches!(o, Opinion::Proves { .. } | Opinion::Agrees));
        let families: BTreeSet<Judge> = agreeing.map(|(judge, _)| family(judge)).collect();
        let needed = if matches!(instances[i].relation, Relation::Gradient(_)) { 2 } else { 1 };
        families.len() >= needed
    };
    let all = 0..instances.len();
    if instances.is_empty() || !all.clone().all(held) {
        return (Verdict::Undecided, scope::reasons(heard));
    }
    let mut to_prove = all.clone().filter(|&i| !instances[i].beyond).peekable();
    if to_prove.peek().is_some() && to_prove.all(proved) {
        let mut text = scope::sizes(instances, |_, i| !i.beyond);
        text.push_str(&scope::strength(&reliable, instances.len()));
        if instances.iter().any(|i| i.beyond) {
            text.push_str(&format!("; verified at {}", scope::sizes(instances, |_, i| i.beyond)));
        }
        return (Verdict::Proved, text);
    }
    (Verdict::Verified, scope::parts(instances, &reliable))
}

impl JudgeReport {
    fn of(heard: &Heard) -> JudgeReport {
        let findings: Vec<&Finding> = heard.findings.iter().flatten().collect();
        let severity = |o: &Opinion| match o {
            Opinion::Refutes(_) => 4,
            Opinion::Differs(_) => 3,
            Opinion::Abstains(_) => 2,
            Opinion::Agrees => 1,
            Opinion::Proves { .. } => 0,
        };
        let outcome = match findings.iter().map(|f| &f.opinion).max_by_key(|o| severity(o)) {
            None => "abstains".to_string(),
            Some(Opinion::Refutes(_)) => "refutes".to_string(),
            Some(Opinion::Differs(why)) => format!("differs: {why}"),
            Some(Opinion::Abstains(why)) => format!("abstains: {why}"),
            Some(Opinion::Agrees) => "agrees".to_string(),
            Some(Opinion::Proves { .. }) => "proves".to_string(),
        };
        JudgeReport {
            judge: heard.judge.name(),
            outcome,
            cases: findings.iter().map(|f| f.cases).sum(),
            worst_ulp: findings.iter().filter_map(|f| f.worst_ulp).reduce(f64::max),
            control: heard.control.clone(),
        }
    }
}
