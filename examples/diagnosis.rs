//! What a wrong optimizer is told: decay that goes into the gradient, and ε inside of the bias
//! correction. Neither shows in a test that asks whether a loss went down.
//!
//!     cargo run --example diagnosis

use gradproof::conformance::{self, Case, Feature, Settings, Trajectory, Unsupported};

/// Means to be AdamW.
fn wrong(case: &Case) -> Result<Trajectory, Unsupported> {
    if case.feature != Feature::None {
        return Err(Unsupported::new("parameter groups, maximization, resuming"));
    }
    let config = case.config();
    let number = |name| config.number(name);
    let (beta1, beta2) = (number("beta1")?, number("beta2")?);
    let (eps, decay) = (number("eps")?, number("weight_decay")?);
    let mut params: Vec<Vec<f64>> = case.params().into_iter().map(|tensor| tensor.values).collect();
    let mut m: Vec<Vec<f64>> = params.iter().map(|p| vec![0.0; p.len()]).collect();
    let (mut v, mut t) = (m.clone(), vec![0; params.len()]);
    let mut steps = Vec::new();
    for step in case.steps() {
        for (i, gradient) in step.gradients.iter().enumerate() {
            let Some(gradient) = gradient else { continue };
            t[i] += 1;
            let (c1, c2) = (1.0 - beta1.powi(t[i]), 1.0 - beta2.powi(t[i]));
            for (j, g) in gradient.values.iter().enumerate() {
                let g = g + decay * params[i][j];
                m[i][j] = beta1 * m[i][j] + (1.0 - beta1) * g;
                v[i][j] = beta2 * v[i][j] + (1.0 - beta2) * g * g;
                params[i][j] -= step.rates[0] * (m[i][j] / c1) * c2.sqrt() / (v[i][j].sqrt() + eps);
            }
        }
        steps.push(params.clone());
    }
    Ok(steps.into())
}

fn main() -> Result<(), gradproof::error::Error> {
    let report = conformance::trajectory(&Settings::new("adamw"), wrong)?;
    print!("{report}");
    assert!(!report.passes());
    Ok(())
}
