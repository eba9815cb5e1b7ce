//! A complete adoption: a home-made optimizer on slices, held to AdamW. In a crate of one's own this
//! stands in `tests/`, and `conformance_tests!` makes a test of every group of cases from it.
//!
//!     cargo run --example adopt

use gradproof::conformance::{self, Config, Optimizer, Settings, Tensor, Unsupported};

/// The crate's own optimizer.
struct AdamW {
    beta1: f64,
    beta2: f64,
    eps: f64,
    weight_decay: f64,
}

/// What it keeps for a tensor.
#[derive(Default)]
struct State {
    t: i32,
    m: Vec<f64>,
    v: Vec<f64>,
}

impl AdamW {
    fn update(&self, rate: f64, params: &mut [f64], gradient: &[f64], state: &mut State) {
        state.m.resize(params.len(), 0.0);
        state.v.resize(params.len(), 0.0);
        state.t += 1;
        let (c1, c2) = (1.0 - self.beta1.powi(state.t), 1.0 - self.beta2.powi(state.t));
        for (i, (theta, g)) in params.iter_mut().zip(gradient).enumerate() {
            state.m[i] = self.beta1 * state.m[i] + (1.0 - self.beta1) * g;
            state.v[i] = self.beta2 * state.v[i] + (1.0 - self.beta2) * g * g;
            *theta -= rate * self.weight_decay * *theta;
            *theta -= rate * (state.m[i] / c1) / ((state.v[i] / c2).sqrt() + self.eps);
        }
    }
}

/// The adapter.
struct Subject {
    optimizer: AdamW,
    params: Vec<Vec<f64>>,
    states: Vec<State>,
}

impl Optimizer for Subject {
    fn build(config: &Config, _rate: f64, params: &[Tensor]) -> Result<Self, Unsupported> {
        let number = |name| config.number(name);
        let (beta1, beta2, eps) = (number("beta1")?, number("beta2")?, number("eps")?);
        let optimizer = AdamW { beta1, beta2, eps, weight_decay: number("weight_decay")? };
        let states = params.iter().map(|_| State::default()).collect();
        Ok(Subject { optimizer, params: params.iter().map(|p| p.values.clone()).collect(), states })
    }

    fn step(&mut self, rate: f64, gradients: &[Option<Tensor>]) -> Result<(), Unsupported> {
        for (i, gradient) in gradients.iter().enumerate() {
            if let Some(gradient) = gradient {
                self.optimizer.update(rate, &mut self.params[i], &gradient.values, &mut self.states[i]);
            }
        }
        Ok(())
    }

    fn read(&self, tensor: usize) -> Vec<f64> {
        self.params[tensor].clone()
    }
}

fn main() -> Result<(), gradproof::error::Error> {
    let report = conformance::optimizer::<Subject>(&Settings::new("adamw"))?;
    print!("{report}");
    report.assert();
    Ok(())
}
