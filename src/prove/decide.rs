//! The judges over a statement that no catalog knows.

use super::controls;
use crate::claim::Instance;
use crate::judges::{Judge, Opinion, Run};
use crate::verify::{ControlReport, Decision, Heard, on_control};

/// Decides instances of one claim. `purpose` makes the random draws its own.
pub(crate) fn decide(instances: &[Instance], run: &Run, purpose: &str) -> Decision {
    let Some(first) = instances.first() else { return Decision::of(instances, &[]) };
    let (is_false, is_true) = (controls::falsified(first), controls::made_true(first));
    let heard: Vec<Heard> = Judge::ALL
        .into_iter()
        .filter(|judge| instances.iter().any(|instance| judge.judges(instance)))
        .map(|judge| {
            let one = |instance: &Instance| judge.judges(instance).then(|| judge.decide(instance, run, purpose));
            let findings: Vec<_> = instances.iter().map(one).collect();
            let rejects = findings
                .iter()
                .flatten()
                .any(|finding| matches!(finding.opinion, Opinion::Refutes(_) | Opinion::Differs(_)));
            // who rejects must accept what is true, and who accepts reject what is false
            let (id, control) = if rejects { ("the left side twice", &is_true) } else { ("1 added", &is_false) };
            let (outcome, told) = on_control(judge, Some(control), rejects, run, purpose);
            Heard { judge, findings, control: ControlReport { id: id.into(), outcome }, told }
        })
        .collect();
    Decision::of(instances, &heard)
}
