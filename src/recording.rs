//! Recordings: the outputs of a libtorch run on a named device, kept as data, and replayed against the
//! oracle without libtorch.

use crate::budget::Starts;
use crate::cases::{self, Conventions};
use crate::catalog;
use crate::comparison::Reference;
use crate::error::{Error, Result};
use crate::json;
use crate::number::{Dtype, RunningError};
use crate::survey::Survey;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// The version of libtorch: "2.11.0+cu130".
    pub libtorch: String,
    /// The version of CUDA that libtorch was built for, where it was.
    pub cuda: Option<String>,
    /// "cpu" or "cuda:0".
    pub device: String,
    /// The device's own name.
    pub device_name: String,
    /// "f64", "f32", "bf16" or "f16".
    pub dtype: String,
    /// Whether products of f32 matrices were taken in TF32.
    pub tf32: bool,
    /// Whether libtorch was told to use deterministic algorithms only.
    pub deterministic: bool,
    /// Threads within an operation.
    pub threads: u64,
    /// The day, as 2026-11-24.
    pub date: String,
    /// The version of this crate.
    pub gradproof: String,
}

/// One case with what libtorch made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// The formula's id.
    pub formula: String,
    /// How it was computed.
    pub way: Way,
    /// The case's index.
    pub case: u64,
    /// The input, as the dtype holds it.
    pub input: Value,
    /// libtorch's output, bit for bit.
    pub output: Value,
}

/// How libtorch computed a formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// By operations on tensors, the gradient by autograd.
    Operators,
    /// By libtorch's own optimizer, of which only the parameters are seen.
    Optimizer,
}

impl Way {
    /// Every way in which libtorch computes a formula, of those that it computes at all.
    pub fn of(formula: &str) -> &'static [Way] {
        match formula {
            "adamw" | "adam-l2" | "sgd" => &[Way::Operators, Way::Optimizer],
            _ => &[Way::Operators],
        }
    }

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Way::Operators => "operators",
            Way::Optimizer => "optimizer",
        }
    }

    /// What later steps start from, in the eyes of whoever compares.
    pub fn starts(self) -> Starts {
        if self == Way::Optimizer { Starts::Carried } else { Starts::Reported }
    }

    /// The case of a formula that this way computes.
    pub fn case(self, formula: &str, index: u64, dtype: Dtype) -> Result<Value> {
        let formula = catalog::formula(formula)?;
        let case = match self {
            Way::Optimizer => cases::trajectory(formula, index, Conventions::Default),
            Way::Operators => cases::case(formula, index, Conventions::Any),
        };
        Ok(cases::held_in(case, dtype))
    }
}

/// A computation of real size, compared in full; the numbers themselves are too many to keep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Large {
    /// The formula's id.
    pub formula: String,
    /// What was computed: "4 × 151936 logits".
    pub size: String,
    /// Numbers of the output.
    pub numbers: u64,
    /// A checksum of the output's bits, in the order of the output.
    pub checksum: String,
    /// The largest error in ulps of the dtype, with its place.
    pub worst_ulps: crate::survey::Worst,
    /// The largest error as a part of its budget, with its place.
    pub worst_ratio: crate::survey::Worst,
    /// Numbers beyond their budget.
    pub exceeded: u64,
    /// The elements with the largest errors.
    pub worst_elements: Vec<Element>,
}

/// One element of a large output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Element {
    /// Where it is.
    pub place: String,
    /// What it was computed from, as an input of its own.
    pub input: Value,
    /// libtorch's.
    #[serde(with = "json::real")]
    pub found: f64,
    /// The right one.
    #[serde(with = "json::real")]
    pub right: f64,
}

/// A recording.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// What ran.
    pub setting: Setting,
    /// What all the cases that were run came to; more than are kept.
    pub surveys: Vec<Survey>,
    /// Computations of real size.
    pub large: Vec<Large>,
    /// The cases that are kept.
    pub cases: Vec<Recorded>,
}

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    /// If the text is not one.
    pub fn parse(text: &str) -> Result<Recording> {
        json::read(json::parse(text)?)
    }

    /// The dtype, TF32 among them.
    ///
    /// # Errors
    /// If it is none that is known.
    pub fn dtype(&self) -> Result<Dtype> {
        let stored = Dtype::named(&self.setting.dtype)
            .ok_or_else(|| Error::domain("setting.dtype", &self.setting.dtype, "f64, f32, bf16 or f16"))?;
        Ok(if self.setting.tf32 { Dtype::Tf32 } else { stored })
    }

    /// The name of its file: `2.11.0-cuda-nvidia-h100-f32-tf32.json`.
    pub fn file_name(&self) -> String {
        let setting = &self.setting;
        let version = setting.libtorch.split('+').next().unwrap_or_default();
        let device = setting.device.split(':').next().unwrap_or_default();
        let words = setting.device_name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let name = words.collect::<Vec<_>>().join("-").to_lowercase();
        let tf32 = if setting.tf32 { "-tf32" } else { "" };
        format!("{version}-{device}-{name}-{}{tf32}.json", setting.dtype)
    }

    /// The command that makes this recording again.
    pub fn command(&self) -> String {
        let setting = &self.setting;
        let tf32 = if setting.tf32 { " --tf32" } else { "" };
        format!("gradproof record --device {} --dtype {}{tf32}", setting.device, setting.dtype)
    }

    /// The text of its file: one case to a line.
    pub fn text(&self) -> String {
        fn list<T: Serialize>(items: &[T]) -> String {
            let lines: Vec<String> = items.iter().map(|item| json::write(item).to_string()).collect();
            format!("[\n{}\n]", lines.join(",\n"))
        }
        format!(
            "{{\n\"setting\": {},\n\"surveys\": {},\n\"large\": {},\n\"cases\": {}\n}}\n",
            json::write(&self.setting),
            list(&self.surveys),
            list(&self.large),
            list(&self.cases),
        )
    }

    /// Holds every kept case to the oracle.
    ///
    /// # Errors
    /// If an input is no longer the case of its index, or is unusable.
    pub fn replay(&self) -> Result<Vec<Survey>> {
        let dtype = self.dtype()?;
        let mut surveys: Vec<Survey> = Vec::new();
        for recorded in &self.cases {
            let now = recorded.way.case(&recorded.formula, recorded.case, dtype)?;
            if now != recorded.input {
                return Err(Error::Stale {
                    what: format!("{} case {} ({})", recorded.formula, recorded.case, recorded.way.name()),
                    command: self.command(),
                });
            }
            let formula = catalog::formula(&recorded.formula)?;
            let reference = Reference::of(formula, &recorded.input, RunningError::of(dtype), recorded.way.starts())?;
            let way = recorded.way.name();
            let at = match surveys.iter().position(|s| s.formula == recorded.formula && s.way == way) {
                Some(at) => at,
                None => {
                    surveys.push(Survey::new(&recorded.formula, way));
                    surveys.len() - 1
                }
            };
            surveys[at].add(recorded.case, &recorded.input, &reference, &recorded.output, dtype);
        }
        Ok(surveys)
    }
}
