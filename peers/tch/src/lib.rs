//! tch's AdamW, Adam and SGD, which are libtorch's, each with its adapter.
//!
//! Parameters are tensors of a store that the optimizer shares. A gradient is what `backward` of the
//! linear loss Σ g·θ gives, which is g to the last bit. Groups are numbers that the store's tensors have.

#![cfg(feature = "torch")]

use gradproof::conformance::{self, Config, Group, Optimizer, Unsupported};
use std::marker::PhantomData;
use tch::nn::{self, OptimizerConfig, VarStore};
use tch::{Device, Kind, TchError, Tensor};

/// One of tch's optimizers in one kind of number.
pub trait Rule {
    /// The kind of its parameters.
    const KIND: Kind;

    /// The optimizer of a store.
    ///
    /// # Errors
    /// If it lacks a hyperparameter.
    fn build(config: &Config, rate: f64, store: &VarStore) -> Result<nn::Optimizer, Unsupported>;
}

/// AdamW, with AMSGrad or without, in f64.
pub struct AdamW<const AMSGRAD: bool>;

/// Adam with L2 regularization in f64.
pub struct Adam;

/// AdamW in f32.
pub struct AdamWInF32;

/// SGD with momentum in f64.
pub struct Sgd;

impl<const AMSGRAD: bool> Rule for AdamW<AMSGRAD> {
    const KIND: Kind = Kind::Double;

    fn build(config: &Config, rate: f64, store: &VarStore) -> Result<nn::Optimizer, Unsupported> {
        let decay = config.number("weight_decay")?;
        let chosen = nn::adamw(config.number("beta1")?, config.number("beta2")?, decay);
        chosen.eps(config.number("eps")?).amsgrad(AMSGRAD).build(store, rate).map_err(refused)
    }
}

impl Rule for AdamWInF32 {
    const KIND: Kind = Kind::Float;

    fn build(config: &Config, rate: f64, store: &VarStore) -> Result<nn::Optimizer, Unsupported> {
        <AdamW<false> as Rule>::build(config, rate, store)
    }
}

impl Rule for Adam {
    const KIND: Kind = Kind::Double;

    fn build(config: &Config, rate: f64, store: &VarStore) -> Result<nn::Optimizer, Unsupported> {
        let decay = config.number("weight_decay")?;
        let chosen = nn::adam(config.number("beta1")?, config.number("beta2")?, decay);
        chosen.eps(config.number("eps")?).build(store, rate).map_err(refused)
    }
}

impl Rule for Sgd {
    const KIND: Kind = Kind::Double;

    fn build(config: &Config, rate: f64, store: &VarStore) -> Result<nn::Optimizer, Unsupported> {
        let (momentum, dampening) = (config.number("momentum")?, config.number("dampening")?);
        let decay = config.number("weight_decay")?;
        nn::sgd(momentum, dampening, decay, config.flag("nesterov")?).build(store, rate).map_err(refused)
    }
}

/// An optimizer of tch with its parameters.
pub struct Subject<R> {
    optimizer: nn::Optimizer,
    params: Vec<Tensor>,
    /// The store, which the optimizer looks into at every step.
    _store: VarStore,
    rule: PhantomData<R>,
}

impl<R: Rule> Subject<R> {
    fn new(
        config: &Config,
        rate: f64,
        params: &[conformance::Tensor],
        group_of: impl Fn(usize) -> usize,
    ) -> Result<Self, Unsupported> {
        let store = VarStore::new(Device::Cpu);
        let add = |(i, param): (usize, &conformance::Tensor)| {
            let values = tensor(param, R::KIND)?;
            Ok(store.root().set_group(group_of(i)).add(&format!("tensor-{i}"), values, true))
        };
        let params = params.iter().enumerate().map(add).collect::<Result<_, TchError>>().map_err(refused)?;
        Ok(Subject { optimizer: R::build(config, rate, &store)?, params, _store: store, rule: PhantomData })
    }

    fn update(&mut self, gradients: &[Option<conformance::Tensor>]) -> Result<(), TchError> {
        // from here on no tensor has a gradient, and one that gets none is left alone
        self.optimizer.zero_grad();
        for (param, gradient) in self.params.iter().zip(gradients) {
            if let Some(gradient) = gradient {
                param.f_mul(&tensor(gradient, R::KIND)?)?.f_sum(R::KIND)?.f_backward()?;
            }
        }
        self.optimizer.step();
        Ok(())
    }
}

impl<R: Rule> Optimizer for Subject<R> {
    fn build(config: &Config, rate: f64, params: &[conformance::Tensor]) -> Result<Self, Unsupported> {
        Self::new(config, rate, params, |_| 0)
    }

    fn step(&mut self, rate: f64, gradients: &[Option<conformance::Tensor>]) -> Result<(), Unsupported> {
        self.optimizer.set_lr(rate);
        self.update(gradients).map_err(refused)
    }

    fn read(&self, tensor: usize) -> Vec<f64> {
        let flat = self.params[tensor].f_to_kind(Kind::Double).and_then(|x| x.f_reshape([-1]));
        flat.and_then(Vec::try_from).unwrap_or_default()
    }

    fn build_groups(
        config: &Config,
        groups: &[Group],
        rates: &[f64],
        params: &[conformance::Tensor],
    ) -> Result<Self, Unsupported> {
        let of = |tensor| groups.iter().position(|group| group.tensors.contains(&tensor)).unwrap_or(0);
        let mut subject = Self::new(config, rates[0], params, of)?;
        for (i, group) in groups.iter().enumerate() {
            subject.optimizer.set_weight_decay_group(i, group.weight_decay);
        }
        Ok(subject)
    }

    fn step_groups(&mut self, rates: &[f64], gradients: &[Option<conformance::Tensor>]) -> Result<(), Unsupported> {
        for (i, &rate) in rates.iter().enumerate() {
            self.optimizer.set_lr_group(i, rate);
        }
        self.update(gradients).map_err(refused)
    }
}

fn tensor(of_case: &conformance::Tensor, kind: Kind) -> Result<Tensor, TchError> {
    let shape: Vec<i64> = of_case.shape.iter().map(|&size| size as i64).collect();
    Tensor::f_from_slice(&of_case.values)?.f_reshape(&shape[..])?.f_to_kind(kind)
}

fn refused(error: TchError) -> Unsupported {
    Unsupported::new(error.to_string())
}
