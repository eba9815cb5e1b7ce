//! candle-nn's AdamW, SGD and cross-entropy, each with its adapter.
//!
//! An optimizer of candle shares its parameters with whoever made them, and takes the store that
//! `backward` gives. The store cannot be made otherwise, so that of a constant is taken, and the
//! gradients of a case are put into it. The rate is set between steps.

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Result, Tensor, Var, WithDType};
use candle_nn::optim::{self, ParamsAdamW};
use gradproof::conformance::{self, Config, Found, LossCase, Optimizer, Unsupported};
use std::marker::PhantomData;

/// candle's AdamW on tensors of `T`.
pub struct AdamW<T> {
    optimizer: optim::AdamW,
    params: Vec<Var>,
    dtype: PhantomData<T>,
}

impl<T: WithDType> Optimizer for AdamW<T> {
    fn build(config: &Config, rate: f64, params: &[conformance::Tensor]) -> std::result::Result<Self, Unsupported> {
        let chosen = ParamsAdamW {
            lr: rate,
            beta1: config.number("beta1")?,
            beta2: config.number("beta2")?,
            eps: config.number("eps")?,
            weight_decay: config.number("weight_decay")?,
        };
        let params = variables::<T>(params).map_err(refused)?;
        let optimizer = optim::Optimizer::new(params.clone(), chosen).map_err(refused)?;
        Ok(AdamW { optimizer, params, dtype: PhantomData })
    }

    fn step(&mut self, rate: f64, gradients: &[Option<conformance::Tensor>]) -> std::result::Result<(), Unsupported> {
        optim::Optimizer::set_learning_rate(&mut self.optimizer, rate);
        let store = store::<T>(&self.params, gradients).map_err(refused)?;
        optim::Optimizer::step(&mut self.optimizer, &store).map_err(refused)
    }

    fn read(&self, tensor: usize) -> Vec<f64> {
        numbers(&self.params[tensor]).unwrap_or_default()
    }
}

/// candle's SGD, which has neither momentum nor decay.
pub struct Sgd<T> {
    optimizer: optim::SGD,
    params: Vec<Var>,
    dtype: PhantomData<T>,
}

impl<T: WithDType> Optimizer for Sgd<T> {
    fn build(config: &Config, rate: f64, params: &[conformance::Tensor]) -> std::result::Result<Self, Unsupported> {
        config.only(&[])?;
        let params = variables::<T>(params).map_err(refused)?;
        let optimizer = optim::Optimizer::new(params.clone(), rate).map_err(refused)?;
        Ok(Sgd { optimizer, params, dtype: PhantomData })
    }

    fn step(&mut self, rate: f64, gradients: &[Option<conformance::Tensor>]) -> std::result::Result<(), Unsupported> {
        optim::Optimizer::set_learning_rate(&mut self.optimizer, rate);
        let store = store::<T>(&self.params, gradients).map_err(refused)?;
        optim::Optimizer::step(&mut self.optimizer, &store).map_err(refused)
    }

    fn read(&self, tensor: usize) -> Vec<f64> {
        numbers(&self.params[tensor]).unwrap_or_default()
    }
}

/// candle's cross-entropy, with the gradient that its `backward` gives. It has the mean only, and every
/// row counts.
///
/// # Errors
/// If the case asks for more.
pub fn cross_entropy<T: WithDType>(case: &LossCase<'_>) -> std::result::Result<Found, Unsupported> {
    case.config().only(&[])?;
    let targets: std::result::Result<Vec<u32>, _> = case.wholes("targets")?.into_iter().map(u32::try_from).collect();
    let targets = targets.map_err(|_| Unsupported::new("rows that do not count"))?;
    let rows = case.rows("logits")?;
    let compute = || {
        let shape = (targets.len(), rows.first().map_or(0, Vec::len));
        let logits = Tensor::from_vec(rows.concat(), shape, &Device::Cpu)?.to_dtype(T::DTYPE)?;
        let logits = Var::from_tensor(&logits)?;
        let targets = Tensor::from_slice(&targets, targets.len(), &Device::Cpu)?;
        let loss = candle_nn::loss::cross_entropy(&logits, &targets)?;
        let mut found = Found::new().number("loss", loss.to_dtype(DType::F64)?.to_scalar()?);
        if let Some(gradient) = loss.backward()?.get(&logits) {
            found = found.rows("gradient", &gradient.to_dtype(DType::F64)?.to_vec2()?);
        }
        Ok(found)
    };
    compute().map_err(refused)
}

/// A case's tensor as candle's.
fn tensor<T: WithDType>(of_case: &conformance::Tensor) -> Result<Tensor> {
    Tensor::from_slice(&of_case.values, of_case.shape.as_slice(), &Device::Cpu)?.to_dtype(T::DTYPE)
}

fn variables<T: WithDType>(params: &[conformance::Tensor]) -> Result<Vec<Var>> {
    params.iter().map(|param| Var::from_tensor(&tensor::<T>(param)?)).collect()
}

fn store<T: WithDType>(params: &[Var], gradients: &[Option<conformance::Tensor>]) -> Result<GradStore> {
    let mut store = Tensor::zeros((), T::DTYPE, &Device::Cpu)?.backward()?;
    for (param, gradient) in params.iter().zip(gradients) {
        if let Some(gradient) = gradient {
            store.insert(param, tensor::<T>(gradient)?);
        }
    }
    Ok(store)
}

fn numbers(x: &Tensor) -> Result<Vec<f64>> {
    x.flatten_all()?.to_dtype(DType::F64)?.to_vec1()
}

fn refused(error: candle_core::Error) -> Unsupported {
    Unsupported::new(error.to_string())
}
