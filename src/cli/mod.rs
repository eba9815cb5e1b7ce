//! The command `gradproof`: one file per subcommand.

mod audit;
#[cfg(feature = "certify")]
mod certify;
mod check;
mod eval;
mod explain;
mod plot;
mod prove;
#[cfg(feature = "torch")]
mod record;
mod vectors;
mod verify;

use clap::{Parser, Subcommand, ValueEnum};
use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

/// Exact reference formulas of LLM training, and every claim about them decided.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Verify(verify::Arguments),
    Prove(prove::Arguments),
    Eval(eval::Arguments),
    Explain(explain::Arguments),
    Plot(Box<plot::Arguments>),
    Vectors(vectors::Arguments),
    Check(check::Arguments),
    Audit(Box<audit::Arguments>),
    #[cfg(feature = "certify")]
    Certify(certify::Arguments),
    #[cfg(feature = "torch")]
    Record(record::Arguments),
}

/// Everything came out as expected.
const AS_EXPECTED: u8 = 0;
/// Something did not, and the output says what.
const SURPRISE: u8 = 1;
/// The call or its input was unusable.
const UNUSABLE: u8 = 2;

/// Runs the command that the process was called with.
pub fn run() -> ExitCode {
    let status = match Arguments::parse().command {
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Prove(arguments) => prove::run(&arguments),
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Plot(arguments) => plot::run(&arguments),
        Command::Vectors(arguments) => vectors::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        #[cfg(feature = "certify")]
        Command::Certify(arguments) => certify::run(&arguments),
        #[cfg(feature = "torch")]
        Command::Record(arguments) => record::run(&arguments),
    };
    ExitCode::from(status)
}

/// Prints to the standard output; a reader that has gone away is no error.
fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
}

/// Says why the call cannot be done.
fn unusable(message: &str) -> u8 {
    eprintln!("gradproof: {message}");
    UNUSABLE
}

/// How a command answers.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a reader.
    Text,
    /// For a program.
    Json,
}

/// The bytes of a file.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// The text of a file, or of the standard input for "-".
fn read_text(path: &Path) -> Result<String, String> {
    if path.as_os_str() != "-" {
        return std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()));
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|e| format!("standard input: {e}"))?;
    Ok(text)
}

/// Writes a file whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let beside = Path::new(&beside);
    let written = std::fs::File::create(beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.and_then(|()| std::fs::rename(beside, path)).inspect_err(|_| {
        let _ = std::fs::remove_file(beside);
    })
}
