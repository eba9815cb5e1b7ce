//! The judges over the claims: what each claim came to, and why.

use crate::claim::{Claim, Control, Instance, Kind, Relation, Source, Verdict};
use crate::judges::{Counterexample, Finding, Judge, Opinion, Run, Strength};
use serde::Serialize;
use std::collections::BTreeSet;

/// What a claim came to, with its evidence.
#[derive(Clone, Debug, Serialize)]
pub struct ClaimReport {
    /// The claim.
    pub id: &'static str,
    /// Its formula, or "across".
    pub formula: &'static str,
    /// What sort of statement it is.
    pub kind: Kind,
    /// The statement.
    pub statement: &'static str,
    /// Who said so.
    pub source: Option<Source>,
    /// What it should come to.
    pub expected: Verdict,
    /// What it came to.
    pub verdict: Verdict,
    /// For what it was decided: sizes, error bounds, what was left out.
    pub scope: String,
    /// What each judge said.
    pub judges: Vec<JudgeReport>,
    /// A point at which it is false.
    pub counterexample: Option<Counterexample>,
    /// The claim that it puts right.
    pub amends: Option<&'static str>,
}

impl ClaimReport {
    /// Whether it came to what was expected.
    pub fn as_expected(&self) -> bool {
        self.verdict == self.expected
    }
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
    /// The mistake, or the amending claim.
    pub id: &'static str,
    /// "rejected", "accepted" or "abstains".
    pub outcome: &'static str,
}

/// A judge's findings on the instances of one claim.
struct Heard {
    judge: Judge,
    findings: Vec<Option<Finding>>,
    control: ControlReport,
    /// Whether it decided the control the right way.
    told: bool,
}

/// Decides one claim. `all` is where amendments are looked up.
pub fn decide(claim: &Claim, all: &[Claim], run: &Run) -> ClaimReport {
    let control = control_instance(claim, all);
    let heard: Vec<Heard> = Judge::ALL
        .into_iter()
        .filter(|judge| claim.instances.iter().any(|i| judge.judges(i)))
        .map(|judge| {
            let decide = |i: &Instance| judge.judges(i).then(|| judge.decide(i, run, claim.id));
            let findings: Vec<_> = claim.instances.iter().map(decide).collect();
            let (control, told) = on_control(judge, claim, control, run);
            Heard { judge, findings, control, told }
        })
        .collect();
    let counterexample = counterexample(&heard);
    let (verdict, scope) = verdict(claim, &heard, counterexample.is_some());
    ClaimReport {
        id: claim.id,
        formula: claim.formula(),
        kind: claim.kind,
        statement: claim.statement,
        source: claim.source,
        expected: claim.expected,
        verdict,
        scope,
        judges: heard.iter().map(JudgeReport::of).collect(),
        counterexample,
        amends: claim.amends,
    }
}

fn control_instance<'a>(claim: &'a Claim, all: &'a [Claim]) -> Option<&'a Instance> {
    match &claim.control {
        Control::Mistake { instance, .. } => Some(instance),
        Control::Amendment(id) => all.iter().find(|c| c.id == *id).and_then(|c| c.instances.first()),
    }
}

/// What the judge makes of the control, and whether that is right.
fn on_control(judge: Judge, claim: &Claim, instance: Option<&Instance>, run: &Run) -> (ControlReport, bool) {
    let (id, is_true) = match &claim.control {
        Control::Mistake { id, .. } => (*id, false),
        Control::Amendment(id) => (*id, true),
    };
    let opinion = match instance {
        Some(instance) if judge.judges(instance) => Some(judge.decide(instance, run, claim.id).opinion),
        _ => None,
    };
    let (outcome, told) = match opinion {
        None | Some(Opinion::Abstains(_)) => ("abstains", false),
        Some(Opinion::Proves { .. } | Opinion::Agrees) => ("accepted", is_true),
        Some(Opinion::Differs(_) | Opinion::Refutes(_)) => ("rejected", !is_true),
    };
    (ControlReport { id, outcome }, told)
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

fn verdict(claim: &Claim, heard: &[Heard], refuted: bool) -> (Verdict, String) {
    if refuted {
        let scopes = scopes(claim, |_, _| true);
        return (Verdict::Refuted, scopes);
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
        let needed = if matches!(claim.instances[i].relation, Relation::Gradient(_)) { 2 } else { 1 };
        families.len() >= needed
    };
    let all = 0..claim.instances.len();
    if claim.instances.is_empty() || !all.clone().all(held) {
        return (Verdict::Undecided, reasons(heard));
    }
    let mut to_prove = all.clone().filter(|&i| !claim.instances[i].beyond).peekable();
    if to_prove.peek().is_some() && to_prove.all(proved) {
        let mut scope = scopes(claim, |_, i| !i.beyond);
        scope.push_str(&strength(&reliable));
        if claim.instances.iter().any(|i| i.beyond) {
            scope.push_str(&format!("; verified at {}", scopes(claim, |_, i| i.beyond)));
        }
        return (Verdict::Proved, scope);
    }
    (Verdict::Verified, scopes(claim, |_, _| true))
}

/// How the proofs were made, the weakest that an instance rests on, and with what left out.
fn strength(reliable: &[&Heard]) -> String {
    let mut error: Option<f64> = None;
    let mut enclosed = false;
    let mut left_out = BTreeSet::new();
    let count = reliable.iter().map(|h| h.findings.len()).max().unwrap_or(0);
    for i in 0..count {
        let mut strengths = Vec::new();
        for heard in reliable {
            if let Some(Opinion::Proves { strength, condition }) = heard.findings[i].as_ref().map(|f| &f.opinion) {
                strengths.push(*strength);
                left_out.extend(*condition);
            }
        }
        let best = strengths.iter().filter_map(|s| if let Strength::WithError(e) = s { Some(*e) } else { None });
        if strengths.contains(&Strength::Exactly) {
            continue;
        }
        match best.reduce(f64::min) {
            Some(best) => error = Some(error.map_or(best, |worst: f64| worst.max(best))),
            None => enclosed |= !strengths.is_empty(),
        }
    }
    let mut text = match (error, enclosed) {
        (Some(log2), _) => format!(" (error below 2^{})", log2.ceil()),
        (None, true) => " (by enclosures over the box)".to_string(),
        (None, false) => " (exactly)".to_string(),
    };
    for condition in left_out {
        text.push_str(", ");
        text.push_str(condition);
    }
    text
}

fn scopes(claim: &Claim, keep: impl Fn(usize, &Instance) -> bool) -> String {
    let mut kept: Vec<&str> =
        claim.instances.iter().enumerate().filter(|(i, x)| keep(*i, x)).map(|(_, x)| x.scope.as_str()).collect();
    kept.dedup();
    kept.join("; ")
}

/// Why nothing was decided, judge by judge.
fn reasons(heard: &[Heard]) -> String {
    let reports: Vec<String> = heard
        .iter()
        .map(|h| {
            let report = JudgeReport::of(h);
            format!("{}: {} (control {})", report.judge, report.outcome, report.control.outcome)
        })
        .collect();
    if reports.is_empty() { "no judge knows this kind of statement".into() } else { reports.join("; ") }
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

/// Decides claims, on all cores with the feature `fast`; `done` is told of each one.
pub fn decide_all(claims: &[&Claim], all: &[Claim], run: &Run, done: impl Fn(&ClaimReport) + Sync) -> Vec<ClaimReport> {
    let one = |claim: &&Claim| {
        let report = decide(claim, all, run);
        done(&report);
        report
    };
    #[cfg(feature = "fast")]
    {
        use rayon::prelude::*;
        claims.par_iter().map(one).collect()
    }
    #[cfg(not(feature = "fast"))]
    claims.iter().map(one).collect()
}
