//! A schedule and a loss, each as a closure.
//!
//!     cargo run --example schedule_and_loss

use gradproof::conformance::{self, Found, Settings, Unsupported};
use std::f64::consts::PI;

/// Cosine decay after a linear warm-up.
fn rate(max: f64, min: f64, warmup: f64, total: f64, step: u64) -> f64 {
    let s = step as f64;
    if s < warmup {
        return max * (s / warmup);
    }
    let progress = ((s - warmup) / (total - warmup)).min(1.0);
    min + (max - min) / 2.0 * (1.0 + (PI * progress).cos())
}

/// The mean over rows of −ln softmax(z)[y], and its gradient.
fn cross_entropy(logits: &[Vec<f64>], targets: &[usize]) -> (f64, Vec<Vec<f64>>) {
    let n = targets.len() as f64;
    let (mut loss, mut gradient) = (0.0, Vec::new());
    for (z, &y) in logits.iter().zip(targets) {
        let max = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = z.iter().map(|z| (z - max).exp()).sum();
        loss += (max - z[y] + total.ln()) / n;
        let one = |(i, z): (usize, &f64)| ((z - max).exp() / total - f64::from(u8::from(i == y))) / n;
        gradient.push(z.iter().enumerate().map(one).collect());
    }
    (loss, gradient)
}

fn main() -> Result<(), gradproof::error::Error> {
    let schedule = conformance::schedule(&Settings::new("cosine"), |config, step| {
        let number = |name| config.number(name);
        Ok(rate(number("max_lr")?, number("min_lr")?, number("warmup_steps")?, number("total_steps")?, step))
    })?;
    print!("{schedule}");
    schedule.assert();

    let loss = conformance::loss(&Settings::new("cross-entropy"), |case| {
        // no smoothing, no reduction but the mean
        case.config().only(&[])?;
        let targets: Option<Vec<usize>> = case.wholes("targets")?.into_iter().map(|y| y.try_into().ok()).collect();
        let targets = targets.ok_or_else(|| Unsupported::new("rows that do not count"))?;
        let (loss, gradient) = cross_entropy(&case.rows("logits")?, &targets);
        Ok(Found::new().number("loss", loss).rows("gradient", &gradient))
    })?;
    print!("{loss}");
    loss.assert();
    Ok(())
}
