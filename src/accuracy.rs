//! How exact the oracle is known to be: what a run of `gradproof certify` came to, kept as data, and
//! the cases that pin it.

use crate::error::Result;
use crate::json;
use crate::number::ulps_between;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// What was run.
    pub run: Run,
    /// Every formula that was certified.
    pub formulas: Vec<Certified>,
}

/// What was run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The version of this crate.
    pub gradproof: String,
    /// The version of MPFR.
    pub mpfr: String,
    /// Components that were asked for per formula.
    pub components: u64,
    /// Operating system and processor.
    pub platform: String,
    /// How long it took.
    pub seconds: u64,
}

/// What the components of a formula came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certified {
    /// The formula's id.
    pub formula: String,
    /// Where the cases were from.
    pub regions: Vec<Covered>,
    /// By output: "loss", "gradient", "params".
    pub outputs: BTreeMap<String, Row>,
}

/// The cases of a region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Covered {
    /// The region's name; "random" are the cases of [`crate::cases::case`].
    pub region: String,
    /// Its cases.
    pub cases: u64,
    /// The components of their outputs.
    pub components: u64,
}

/// What the components of one output came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Numbers that were compared.
    pub components: u64,
    /// Those of them whose bits are not the right ones.
    pub differ: u64,
    /// Numbers that the judge could not decide.
    pub open: u64,
    /// The first of them.
    pub first_open: Option<Open>,
    /// Numbers that 4096 bits did not tell from 0, and that are 0 by that.
    pub zeros_by_rule: u64,
    /// Numbers that 4096 bits did not tell from the middle of two f64, and that are even by that.
    pub ties_by_rule: u64,
    /// The largest error.
    pub worst: Option<Difference>,
    /// The number that lies closest to the middle of two f64 without lying on it.
    pub hardest: Option<Hard>,
}

/// A number whose bits are not the right ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The case: its region and index.
    pub case: String,
    /// The place in the output.
    pub place: String,
    /// What the oracle gave.
    #[serde(with = "json::real")]
    pub found: f64,
    /// What is right.
    #[serde(with = "json::real")]
    pub right: f64,
    /// The input, where it is short.
    pub input: Option<Value>,
}

impl Difference {
    /// The distance in ulp of the right value; a zero of the wrong sign is 0 away.
    pub fn ulps(&self) -> f64 {
        ulps_between(self.found, self.right)
    }
}

/// A number that the judge could not decide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// The case: its region and index.
    pub case: String,
    /// The place in the output.
    pub place: String,
    /// Why not.
    pub reason: String,
    /// The input, where it is short.
    pub input: Option<Value>,
}

/// A number that is hard to round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hard {
    /// The case: its region and index.
    pub case: String,
    /// The place in the output.
    pub place: String,
    /// Its distance from the middle of two f64, in ulp.
    pub distance: f64,
}

/// Which output a place belongs to: "gradient/query" for "/gradient/query/0/1", "params" for
/// "/steps/0/params/1/2".
pub fn output_of(place: &str) -> String {
    let named = |part: &&str| !part.is_empty() && *part != "steps" && !part.bytes().all(|b| b.is_ascii_digit());
    place.split('/').filter(named).collect::<Vec<_>>().join("/")
}

impl Row {
    /// Takes in another part of the same output; of equals, what came first stays.
    pub fn merge(&mut self, other: Row) {
        self.components += other.components;
        self.differ += other.differ;
        self.open += other.open;
        self.first_open = self.first_open.take().or(other.first_open);
        self.zeros_by_rule += other.zeros_by_rule;
        self.ties_by_rule += other.ties_by_rule;
        if other.worst.as_ref().map(Difference::ulps) > self.worst.as_ref().map(Difference::ulps) {
            self.worst = other.worst;
        }
        self.hardest = match (self.hardest.take(), other.hardest) {
            (Some(mine), Some(others)) if others.distance < mine.distance => Some(others),
            (mine, others) => mine.or(others),
        };
    }

    /// Whether every component is the f64 nearest to the real value.
    pub fn is_correctly_rounded(&self) -> bool {
        self.components > 0 && self.differ == 0 && self.open == 0
    }
}

impl Certified {
    /// The components of all outputs.
    pub fn components(&self) -> u64 {
        self.outputs.values().map(|row| row.components).sum()
    }

    /// Whether every component of every output is the f64 nearest to the real value.
    pub fn is_correctly_rounded(&self) -> bool {
        !self.outputs.is_empty() && self.outputs.values().all(Row::is_correctly_rounded)
    }
}

/// A case whose right output is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    /// The case: its region and index.
    pub case: String,
    /// The input.
    pub input: Value,
    /// The right output, bit for bit.
    pub output: Value,
}

/// The pinned cases of a formula.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pins {
    /// The formula's id.
    pub formula: String,
    /// The cases.
    pub cases: Vec<Pinned>,
}

impl Report {
    /// Reads a report.
    ///
    /// # Errors
    /// If the text is not one.
    pub fn parse(text: &str) -> Result<Report> {
        json::read(json::parse(text)?)
    }

    /// The text of its file: one formula to a line.
    pub fn text(&self) -> String {
        format!("{{\n\"run\": {},\n\"formulas\": {}\n}}\n", json::write(&self.run), lines(&self.formulas))
    }
}

impl Pins {
    /// Reads the pinned cases of a formula.
    ///
    /// # Errors
    /// If the text is not of pinned cases.
    pub fn parse(text: &str) -> Result<Pins> {
        json::read(json::parse(text)?)
    }

    /// The text of their file: one case to a line.
    pub fn text(&self) -> String {
        format!("{{\n\"formula\": {},\n\"cases\": {}\n}}\n", json::write(&self.formula), lines(&self.cases))
    }
}

fn lines<T: Serialize>(items: &[T]) -> String {
    let lines: Vec<String> = items.iter().map(|item| json::write(item).to_string()).collect();
    format!("[\n{}\n]", lines.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_belongs_to_an_output() {
        assert_eq!(output_of("/loss"), "loss");
        assert_eq!(output_of("/loss/12"), "loss");
        assert_eq!(output_of("/gradient/query/0/1"), "gradient/query");
        assert_eq!(output_of("/steps/3/v_max/0/1"), "v_max");
        assert_eq!(output_of("/lr/7"), "lr");
    }

    #[test]
    fn rows_add_up_and_keep_the_worst_and_the_hardest() {
        let row = |found: f64, distance: f64, case: &str| Row {
            components: 2,
            differ: 1,
            worst: Some(Difference { case: case.into(), place: "/loss".into(), found, right: 1.0, input: None }),
            hardest: Some(Hard { case: case.into(), place: "/loss".into(), distance }),
            ..Row::default()
        };
        let mut all = Row::default();
        [row(1.5, 1e-3, "a/0"), row(3.0, 1e-2, "a/1"), row(1.0, 1e-4, "a/2")].into_iter().for_each(|r| all.merge(r));
        assert_eq!((all.components, all.differ), (6, 3));
        assert_eq!(all.worst.unwrap().case, "a/1");
        assert_eq!(all.hardest.unwrap().case, "a/2");
    }
}
