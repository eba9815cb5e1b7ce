//! A home-made AdamW, right and with places to go wrong.

use gradproof::conformance::{Config, Group, Optimizer, Tensor, Unsupported};

/// AdamW on plain slices, in PyTorch's order, with places to go wrong.
pub struct SliceAdamW {
    pub params: Vec<Vec<f64>>,
    pub m: Vec<Vec<f64>>,
    pub v: Vec<Vec<f64>>,
    pub steps: Vec<i32>,
    pub beta1: f64,
    pub beta2: f64,
    pub eps: f64,
    /// λ and the index of the rate, for each tensor
    pub decay: Vec<(f64, usize)>,
    maximize: bool,
}

impl SliceAdamW {
    pub fn new(config: &Config, params: &[Tensor]) -> Result<Self, Unsupported> {
        let params: Vec<Vec<f64>> = params.iter().map(|tensor| tensor.values.clone()).collect();
        let zeros: Vec<Vec<f64>> = params.iter().map(|p| vec![0.0; p.len()]).collect();
        Ok(SliceAdamW {
            steps: vec![0; params.len()],
            decay: vec![(config.number("weight_decay")?, 0); params.len()],
            params,
            m: zeros.clone(),
            v: zeros,
            beta1: config.number("beta1")?,
            beta2: config.number("beta2")?,
            eps: config.number("eps")?,
            maximize: false,
        })
    }
}

impl Optimizer for SliceAdamW {
    fn build(config: &Config, _rate: f64, params: &[Tensor]) -> Result<Self, Unsupported> {
        SliceAdamW::new(config, params)
    }

    fn step(&mut self, rate: f64, gradients: &[Option<Tensor>]) -> Result<(), Unsupported> {
        self.step_groups(&[rate], gradients)
    }

    fn read(&self, tensor: usize) -> Vec<f64> {
        self.params[tensor].clone()
    }

    fn moment(&self, name: &str, tensor: usize) -> Option<Vec<f64>> {
        match name {
            "m" => Some(self.m[tensor].clone()),
            "v" => Some(self.v[tensor].clone()),
            _ => None,
        }
    }

    fn build_groups(config: &Config, groups: &[Group], _: &[f64], params: &[Tensor]) -> Result<Self, Unsupported> {
        let mut subject = SliceAdamW::new(config, params)?;
        for (i, group) in groups.iter().enumerate() {
            group.tensors.iter().for_each(|&tensor| subject.decay[tensor] = (group.weight_decay, i));
        }
        Ok(subject)
    }

    fn step_groups(&mut self, rates: &[f64], gradients: &[Option<Tensor>]) -> Result<(), Unsupported> {
        for (i, gradient) in gradients.iter().enumerate() {
            let Some(gradient) = gradient else { continue };
            let (decay, group) = self.decay[i];
            let rate = rates[group];
            self.steps[i] += 1;
            let c1 = 1.0 - self.beta1.powi(self.steps[i]);
            let c2 = 1.0 - self.beta2.powi(self.steps[i]);
            for (j, &g) in gradient.values.iter().enumerate() {
                let g = if self.maximize { -g } else { g };
                self.m[i][j] = self.beta1 * self.m[i][j] + (1.0 - self.beta1) * g;
                self.v[i][j] = self.beta2 * self.v[i][j] + (1.0 - self.beta2) * g * g;
                self.params[i][j] *= 1.0 - rate * decay;
                self.params[i][j] -= rate * (self.m[i][j] / c1) / ((self.v[i][j] / c2).sqrt() + self.eps);
            }
        }
        Ok(())
    }

    fn build_maximizing(config: &Config, _: f64, params: &[Tensor]) -> Result<Self, Unsupported> {
        Ok(SliceAdamW { maximize: true, ..SliceAdamW::new(config, params)? })
    }

    fn saved_and_restored(self) -> Result<Self, Unsupported> {
        Ok(self)
    }
}
