//! The command `gradproof`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
