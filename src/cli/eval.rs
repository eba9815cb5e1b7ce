//! `gradproof eval`: value, gradient and trajectory for a JSON input.

use super::{AS_EXPECTED, print, unusable};
use gradproof::formula::Formula;
use gradproof::{catalog, json};
use std::io::Read;

/// Evaluate a formula: JSON in, JSON out.
#[derive(clap::Args)]
pub struct Arguments {
    /// The formula's id, such as "cross-entropy"
    formula: String,
    /// The input; "-" or nothing reads the standard input
    file: Option<std::path::PathBuf>,
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
    let text = read(arguments)?;
    let input = json::parse(&text).map_err(|e| e.to_string())?;
    let output = catalog::evaluate(formula.id, input).map_err(|e| e.to_string())?;
    Ok(output.to_string())
}

fn read(arguments: &Arguments) -> Result<String, String> {
    match &arguments.file {
        Some(path) if path.as_os_str() != "-" => {
            std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
        }
        _ => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(|e| format!("standard input: {e}"))?;
            Ok(text)
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
