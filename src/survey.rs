//! What many cases of one implementation come to: worst errors, errors beyond the budget, and errors
//! that the conditioning of the case does not explain.

use crate::comparison::{Compared, Reference};
use crate::json;
use crate::number::Dtype;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many findings are kept with their inputs: the worst.
const KEPT_FINDINGS: usize = 3;

/// The cases of a formula in a dtype, by one way of computing it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Survey {
    /// The formula's id.
    pub formula: String,
    /// How it was computed.
    pub way: String,
    /// Cases that were compared.
    pub cases: u64,
    /// Cases that the implementation does not compute.
    pub unsupported: u64,
    /// Numbers that were compared.
    pub numbers: u64,
    /// Numbers of which the budget promises no digit.
    pub without_digit: u64,
    /// The largest error in ulps of the dtype, of the numbers with a promised digit.
    pub worst_ulps: Worst,
    /// The largest error as a part of its budget.
    pub worst_ratio: Worst,
    /// Errors beyond the budget.
    pub exceeded: u64,
    /// The worst of them.
    pub excesses: Vec<Finding>,
    /// Errors within the budget that the conditioning of the case does not explain.
    pub unexplained: u64,
    /// The worst of them.
    pub findings: Vec<Finding>,
}

/// The largest of something, and where.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worst {
    /// How large.
    pub value: f64,
    /// The case's index and the place in its output.
    pub at: String,
}

/// An error with its case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The case's index.
    pub case: u64,
    /// The place in the output.
    pub place: String,
    /// What was found.
    #[serde(with = "json::real")]
    pub found: f64,
    /// What is right.
    #[serde(with = "json::real")]
    pub right: f64,
    /// The error that conditioning, or the budget, explains.
    #[serde(with = "json::real")]
    pub explained: f64,
    /// The input.
    pub input: Value,
}

impl Finding {
    /// How many times the error is what is explained.
    fn times(&self) -> f64 {
        let times = (self.found - self.right).abs() / self.explained;
        if times.is_nan() { f64::INFINITY } else { times }
    }
}

impl Survey {
    /// A survey of nothing yet.
    pub fn new(formula: &str, way: &str) -> Survey {
        Survey {
            formula: formula.into(),
            way: way.into(),
            cases: 0,
            unsupported: 0,
            numbers: 0,
            without_digit: 0,
            worst_ulps: Worst::default(),
            worst_ratio: Worst::default(),
            exceeded: 0,
            excesses: Vec::new(),
            unexplained: 0,
            findings: Vec::new(),
        }
    }

    /// Adds the output of one case, and gives what was compared.
    pub fn add(
        &mut self,
        case: u64,
        input: &Value,
        reference: &Reference,
        found: &Value,
        dtype: Dtype,
    ) -> Vec<Compared> {
        self.cases += 1;
        let compared = reference.compare(found);
        for one in &compared {
            self.numbers += 1;
            self.without_digit += u64::from(!one.promises_a_digit());
            let at = || format!("{case}{}", one.place);
            if one.promises_a_digit() {
                self.worst_ulps.raise(dtype.ulps_between(one.found, one.right), at);
            }
            self.worst_ratio.raise(one.ratio().unwrap_or(0.0), at);
            let finding = |explained: f64| Finding {
                case,
                place: one.place.clone(),
                found: one.found,
                right: one.right,
                explained,
                input: input.clone(),
            };
            if one.exceeds() {
                self.exceeded += 1;
                keep(&mut self.excesses, finding(*one.allowed.as_ref().unwrap_or(&f64::NAN)));
            } else if let Some(explained) = reference.unexplained(one) {
                self.unexplained += 1;
                keep(&mut self.findings, finding(explained));
            }
        }
        compared
    }

    /// Takes in another part of the same survey.
    pub fn merge(&mut self, other: Survey) {
        self.cases += other.cases;
        self.unsupported += other.unsupported;
        self.numbers += other.numbers;
        self.without_digit += other.without_digit;
        self.worst_ulps.raise(other.worst_ulps.value, || other.worst_ulps.at);
        self.worst_ratio.raise(other.worst_ratio.value, || other.worst_ratio.at);
        self.exceeded += other.exceeded;
        self.unexplained += other.unexplained;
        other.excesses.into_iter().for_each(|x| keep(&mut self.excesses, x));
        other.findings.into_iter().for_each(|x| keep(&mut self.findings, x));
    }
}

impl Worst {
    fn raise(&mut self, value: f64, at: impl FnOnce() -> String) {
        if value.is_finite() && value > self.value {
            *self = Worst { value, at: at() };
        }
    }
}

fn keep(findings: &mut Vec<Finding>, finding: Finding) {
    findings.push(finding);
    findings.sort_by(|a, b| b.times().total_cmp(&a.times()));
    findings.truncate(KEPT_FINDINGS);
}
