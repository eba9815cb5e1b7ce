//! What a step claims to be: the optimizer, its hyperparameters for every tensor, and the files.

use super::error::{Error, Result};
use crate::catalog;
use crate::formula::Formula;
use crate::json;
use globset::{Glob, GlobSet};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A step to audit.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// What stands beside the hyperparameters.
    pub step: Step,
    /// η as `lr` and the hyperparameters, under the names of the formula's input, of every tensor that is
    /// in no group.
    pub hyper: Map<String, Value>,
    /// Tensors with hyperparameters of their own; the first group that matches a name holds.
    pub groups: Vec<Group>,
}

/// Which step it is, under which conventions, and its files.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The formula's id: `adamw`, `adam-l2`, `lion`, `sophia` or `sgd`.
    pub optimizer: String,
    /// t, counted from 1. A count that the state records for a tensor, `<tensor>.step`, goes before it.
    #[serde(default)]
    pub step: Option<u64>,
    /// The parameters before the step: a safetensors file, or the index of a sharded one.
    pub before: PathBuf,
    /// The parameters after it.
    pub after: PathBuf,
    /// The gradients, under the parameters' names. A parameter without one is not stepped.
    pub grads: PathBuf,
    /// The optimizer's state before the step; not needed at step 1, which starts from zeros.
    #[serde(default)]
    pub state_before: Option<PathBuf>,
    /// The state after the step, which is audited where it is given.
    #[serde(default)]
    pub state_after: Option<PathBuf>,
    /// The estimates ĥ of the Hessian's diagonal that Sophia's step was made with, under the parameters' names. A
    /// parameter without one was stepped without.
    #[serde(default)]
    pub hessians: Option<PathBuf>,
    /// Choices of the formula's conventions, by axis.
    #[serde(default)]
    pub conventions: BTreeMap<String, String>,
    /// The names of moments in the state: `m = "{tensor}.exp_avg"`.
    #[serde(default)]
    pub state_names: BTreeMap<String, String>,
    /// Tensors that are not decayed, as globs.
    #[serde(default)]
    pub no_decay: Vec<String>,
}

/// The fields of [`Step`].
const STEP_FIELDS: [&str; 11] = [
    "optimizer",
    "step",
    "before",
    "after",
    "grads",
    "state_before",
    "state_after",
    "hessians",
    "conventions",
    "state_names",
    "no_decay",
];

/// Tensors with hyperparameters of their own.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Their names, as globs.
    pub tensors: Vec<String>,
    /// What differs from the hyperparameters of the rest.
    pub hyper: Map<String, Value>,
}

impl Config {
    /// Reads a TOML file: the fields of [`Step`] beside the hyperparameters, and `[[groups]]` of `tensors`
    /// beside theirs. Paths are taken from the folder of the file.
    ///
    /// # Errors
    /// If the file cannot be read, or a field is missing, unknown or of another type.
    pub fn read(path: &Path) -> Result<Config> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Io { path: path.into(), source })?;
        let mut config = Config::parse(&text).map_err(|e| Error::malformed(path, "configuration", e.to_string()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let step = &mut config.step;
        let given = [Some(&mut step.before), Some(&mut step.after), Some(&mut step.grads)];
        let states = [step.state_before.as_mut(), step.state_after.as_mut(), step.hessians.as_mut()];
        given.into_iter().chain(states).flatten().for_each(|file| *file = folder.join(&*file));
        Ok(config)
    }

    /// Reads the text of a TOML file.
    ///
    /// # Errors
    /// If a field is missing, unknown or of another type.
    pub fn parse(text: &str) -> Result<Config> {
        let toml = |e: toml::de::Error| Error::config("toml", e.to_string().trim_end(), "a TOML table");
        let Value::Object(mut fields) = toml::from_str(text).map_err(toml)? else {
            return Err(Error::config("toml", "no table", "a TOML table"));
        };
        let groups = match fields.remove("groups") {
            None => Vec::new(),
            Some(Value::Array(groups)) => groups.into_iter().enumerate().map(group).collect::<Result<_>>()?,
            Some(other) => return Err(Error::config("groups", other, "a list of tables, [[groups]]")),
        };
        let (step, hyper): (Map<_, _>, Map<_, _>) =
            fields.into_iter().partition(|(name, _)| STEP_FIELDS.contains(&name.as_str()));
        Ok(Config { step: json::read(Value::Object(step))?, hyper, groups })
    }
}

fn group((i, value): (usize, Value)) -> Result<Group> {
    let Value::Object(mut hyper) = value else {
        return Err(Error::config(format!("groups[{i}]"), value, "a table"));
    };
    let given = hyper.remove("tensors").unwrap_or(Value::Null);
    let tensors = serde_json::from_value(given.clone())
        .map_err(|_| Error::config(format!("groups[{i}].tensors"), given, "a list of globs"))?;
    Ok(Group { tensors, hyper })
}

/// Globs with the field that they stand in.
pub(super) struct Globs {
    /// Each glob with its place.
    places: Vec<(String, String)>,
    set: GlobSet,
}

/// The longest glob, in bytes: what it is compiled to grows with it.
const LONGEST_GLOB: usize = 1000;

impl Globs {
    pub fn new(field: &str, patterns: &[String]) -> Result<Globs> {
        let compiled = patterns.iter().enumerate().map(|(i, pattern)| {
            let place = format!("{field}[{i}]");
            if pattern.len() > LONGEST_GLOB {
                let found = format!("a glob of {} bytes", pattern.len());
                return Err(Error::config(place, found, format!("at most {LONGEST_GLOB}")));
            }
            let wrong = |e: globset::Error| Error::config(&place, pattern, format!("a glob: {}", e.kind()));
            Ok((Glob::new(pattern).map_err(wrong)?, (place, pattern.clone())))
        });
        let (globs, places): (Vec<Glob>, _) = compiled.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        // a set may be too large for its matcher, which the matcher of a single glob ends the process for
        let set = GlobSet::new(globs).map_err(|e| Error::config(field, "globs", format!("fewer: {}", e.kind())))?;
        Ok(Globs { places, set })
    }

    pub fn matches(&self, name: &str) -> bool {
        self.set.is_match(name)
    }

    /// A pattern that fits nothing is a slip that would go unseen.
    pub fn all_match(&self, names: &[&String]) -> Result<()> {
        let mut matched = vec![false; self.places.len()];
        names.iter().flat_map(|name| self.set.matches(name)).for_each(|i| matched[i] = true);
        match self.places.iter().zip(matched).find(|(_, matched)| !matched) {
            None => Ok(()),
            Some(((place, pattern), _)) => Err(Error::config(place, pattern, "a glob that matches some tensor's name")),
        }
    }
}

/// The optimizers that can be audited, each with its moments and their usual names in a state.
const OPTIMIZERS: &[(&str, &[(&str, &str)])] = &[
    ("adamw", ADAM),
    ("adam-l2", ADAM),
    ("lion", &[("m", "{tensor}.exp_avg")]),
    ("sophia", &[("m", "{tensor}.exp_avg"), ("h", "{tensor}.hessian")]),
    ("sgd", &[("buf", "{tensor}.momentum_buffer")]),
];

const ADAM: &[(&str, &str)] =
    &[("m", "{tensor}.exp_avg"), ("v", "{tensor}.exp_avg_sq"), ("v_max", "{tensor}.max_exp_avg_sq")];

/// The optimizer with what its state is called.
pub(super) struct Optimizer {
    pub formula: &'static Formula,
    /// The moments with the templates of their names.
    moments: Vec<(&'static str, String)>,
}

impl Optimizer {
    pub fn of(step: &Step) -> Result<Optimizer> {
        let known = || OPTIMIZERS.iter().map(|(id, _)| *id).collect::<Vec<_>>().join(", ");
        let (id, moments) = OPTIMIZERS
            .iter()
            .find(|(id, _)| *id == step.optimizer)
            .ok_or_else(|| Error::config("optimizer", &step.optimizer, known()))?;
        for (name, template) in &step.state_names {
            let field = format!("state_names.{name}");
            if !moments.iter().any(|(moment, _)| moment == name) {
                let allowed: Vec<&str> = moments.iter().map(|(moment, _)| *moment).collect();
                return Err(Error::config("state_names", name, allowed.join(", ")));
            }
            if !template.contains("{tensor}") {
                return Err(Error::config(field, template, "a name with \"{tensor}\" in it"));
            }
        }
        let named = |&(moment, usual): &(&'static str, &str)| {
            (moment, step.state_names.get(moment).cloned().unwrap_or_else(|| usual.to_string()))
        };
        let moments = moments.iter().map(named).collect();
        Ok(Optimizer { formula: catalog::formula(id)?, moments })
    }

    /// Whether it steps by estimates of the Hessian's diagonal.
    pub fn takes_estimates(&self) -> bool {
        self.formula.id == "sophia"
    }

    /// What a moment of a tensor is called in a state.
    pub fn name_of(&self, moment: &str, tensor: &str) -> String {
        let template = self.moments.iter().find(|(id, _)| *id == moment).map_or("", |(_, template)| template);
        template.replace("{tensor}", tensor)
    }
}
