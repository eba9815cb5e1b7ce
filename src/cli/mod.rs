//! The command `gradproof`: one file per subcommand.

mod eval;
#[cfg(feature = "torch")]
mod record;
mod verify;

use clap::{Parser, Subcommand};
use std::io::Write;
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
    Eval(eval::Arguments),
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
        Command::Eval(arguments) => eval::run(&arguments),
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
