//! `gradproof record`: run the cases through libtorch and keep the outputs.

use super::{AS_EXPECTED, SURPRISE, print, unusable};
use gradproof::number::Dtype;
use gradproof::recording::Recording;
use gradproof::report::surveys;
use gradproof::torch::{Plan, placement, record};
use indicatif::ProgressBar;
use std::path::PathBuf;
use std::time::Duration;

/// Run the cases through libtorch, hold the outputs to the oracle, and keep them.
#[derive(clap::Args)]
pub struct Arguments {
    /// "cpu", "cuda:0"
    #[arg(long)]
    device: String,
    /// f64, f32, bf16 or f16
    #[arg(long)]
    dtype: String,
    /// Take products of f32 matrices in TF32; needs TORCH_ALLOW_TF32_CUBLAS_OVERRIDE=1 in the environment
    #[arg(long)]
    tf32: bool,
    /// Cases per formula that are run and compared
    #[arg(long, default_value_t = 10_000)]
    cases: u64,
    /// Cases per formula that are kept
    #[arg(long, default_value_t = 16)]
    kept: u64,
    /// Leave out what is of real size: 4 × 151,936 logits and 10 million parameters, in f32
    #[arg(long)]
    no_large: bool,
    /// The folder for the recording
    #[arg(long, default_value = "fixtures/torch")]
    out: PathBuf,
}

pub fn run(arguments: &Arguments) -> u8 {
    match recorded(arguments) {
        Ok((recording, path)) => {
            print(&surveys::terminal(std::slice::from_ref(&recording)));
            print(&format!("{}", path.display()));
            let beyond = recording.surveys.iter().map(|s| s.exceeded).chain(recording.large.iter().map(|l| l.exceeded));
            if beyond.sum::<u64>() > 0 { SURPRISE } else { AS_EXPECTED }
        }
        Err(message) => unusable(&message),
    }
}

fn recorded(arguments: &Arguments) -> Result<(Recording, PathBuf), String> {
    let stored = Dtype::STORED.into_iter().find(|dtype| dtype.name() == arguments.dtype);
    let dtype = match (stored, arguments.tf32) {
        (None, _) => return Err(format!("dtype: found {:?}, allowed is f64, f32, bf16, f16", arguments.dtype)),
        (Some(Dtype::F32), true) => Dtype::Tf32,
        (Some(_), true) => return Err("tf32: allowed with --dtype f32 only".into()),
        (Some(dtype), false) => dtype,
    };
    if arguments.tf32 != placement::tf32() {
        let value = if arguments.tf32 { "1" } else { "0" };
        return Err(format!("tf32: run this with TORCH_ALLOW_TF32_CUBLAS_OVERRIDE={value} in the environment"));
    }
    if !arguments.out.is_dir() {
        return Err(format!("{}: not a folder", arguments.out.display()));
    }
    let plan = Plan {
        device: arguments.device.clone(),
        dtype,
        cases: arguments.cases,
        kept: arguments.kept,
        large: dtype == Dtype::F32 && !arguments.no_large,
    };
    // draws on a terminal only
    let progress = ProgressBar::new_spinner();
    progress.enable_steady_tick(Duration::from_millis(200));
    let recording = record(&plan, |message| progress.set_message(message.to_string())).map_err(|e| e.to_string())?;
    progress.finish_and_clear();
    let path = arguments.out.join(recording.file_name());
    super::write(&path, recording.text().as_bytes()).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok((recording, path))
}
