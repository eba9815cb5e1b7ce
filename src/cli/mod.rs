//! The command `gradproof`: one file per subcommand.

mod audit;
#[cfg(feature = "certify")]
mod certify;
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
    Audit(audit::Arguments),
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
        Command::Eval(arguments) => eval::run(&arguments),
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

/// Writes a file whole or not at all.
#[cfg(any(feature = "certify", feature = "torch"))]
fn write(path: &std::path::Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension("json.part");
    let written = std::fs::File::create(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.and_then(|()| std::fs::rename(&beside, path)).inspect_err(|_| {
        let _ = std::fs::remove_file(&beside);
    })
}
