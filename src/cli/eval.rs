//! `gradproof eval`: value, gradient and trajectory for an input in JSON or in arrays.

use super::{AS_EXPECTED, print, unusable};
use gradproof::formula::Formula;
use gradproof::{arrays, catalog, json};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Evaluate a formula: JSON, npz or safetensors in, JSON out.
///
/// In a file of arrays an array stands under its field's name: logits, params/0, gradients/STEP/TENSOR. Numbers are
/// arrays of no dimensions; words and conventions are strings, in safetensors entries of the metadata.
#[derive(clap::Args)]
pub struct Arguments {
    /// The formula's id, such as "cross-entropy"
    formula: String,
    /// The input, JSON or a file that ends in .npz or .safetensors; "-" or nothing reads JSON from the standard input
    file: Option<PathBuf>,
    /// Print what the formula takes and gives, with its equation and source
    #[arg(long)]
    explain: bool,
}

pub fn run(arguments: &Arguments) -> u8 {
    match evaluated(arguments) {
        Ok(text) => {
            print(&text);
            AS_EXPECTED
        }
        Err(message) => unusable(&message),
    }
}

fn evaluated(arguments: &Arguments) -> Result<String, String> {
    let formula = catalog::formula(&arguments.formula).map_err(|e| e.to_string())?;
    if arguments.explain {
        return Ok(explained(formula));
    }
    let input = input(arguments.file.as_deref().unwrap_or(Path::new("-")))?;
    let output = catalog::evaluate(formula.id, input).map_err(|e| e.to_string())?;
    Ok(output.to_string())
}

fn input(path: &Path) -> Result<Value, String> {
    match arrays::Format::of_name(&path.to_string_lossy()) {
        None => json::parse(&super::read_text(path)?).map_err(|e| e.to_string()),
        Some(format) => {
            let read = format.read(&super::read(path)?).and_then(|arrays| arrays::object(&arrays));
            read.map_err(|e| format!("{}: {e}", path.display()))
        }
    }
}

fn explained(formula: &Formula) -> String {
    let mut text = format!(
        "{} ({})\n\n  {}\n\nsource: {}\ninput:  {}\ndomain: {}\noutput: {}\n",
        formula.name, formula.id, formula.equation, formula.source, formula.input, formula.domain, formula.output
    );
    if !formula.axes.is_empty() {
        text.push_str("\nconventions {axis: option}, the first option is the default:\n");
    }
    for axis in formula.axes {
        for option in axis.options {
            text.push_str(&format!("  {} = {:?}: {}\n", axis.id, option.id, option.meaning));
        }
    }
    text
}
