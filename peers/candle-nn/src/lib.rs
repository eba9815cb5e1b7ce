//! candle-nn's AdamW, SGD and cross-entropy, each with its adapter.
//!
//! An optimizer of candle shares its parameters with whoever made them, and takes the store that
//! `backward` gives. The store cannot be made otherwise, so that of a constant is taken, and the
//! gradients of a case are put into it. The rate is set between steps. After a step that fails, NaN is
//! read.

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Result, Tensor, Var, WithDType};
use candle_nn::optim::{self, AdamW, ParamsAdamW, SGD};
use gradproof::conformance::{self, Config, Found, LossCase, Optimizer, Unsupported};
use std::marker::PhantomData;

/// One of candle's optimizers, from the hyperparameters of a case.
pub trait Rule: optim::Optimizer {
    /// Its configuration.
    ///
    /// # Errors
    /// If it lacks a hyperparameter.
    fn chosen(config: &Config, rate: f64) -> std::result::Result<Self::Config, Unsupported>;
}

impl Rule for AdamW {
    fn chosen(config: &Config, rate: f64) -> std::result::Result<ParamsAdamW, Unsupported> {
        let (beta1, beta2) = (config.number("beta1")?, config.number("beta2")?);
        let (eps, weight_decay) = (config.number("eps")?, config.number("weight_decay")?);
        Ok(ParamsAdamW { lr: rate, beta1, beta2, eps, weight_decay })
    }
}

/// It has neither momentum nor decay.
impl Rule for SGD {
    fn chosen(config: &Config, rate: f64) -> std::result::Result<f64, Unsupported> {
        config.only(&[]).map(|()| rate)
    }
}

/// An optimizer with its parameters, of numbers of type `T`.
pub struct Subject<O, T> {
    optimizer: O,
    params: Vec<Var>,
    failed: bool,
    numbers: PhantomData<T>,
}

impl<O: Rule, T: WithDType> Optimizer for Subject<O, T> {
    fn build(config: &Config, rate: f64, params: &[conformance::Tensor]) -> std::result::Result<Self, Unsupported> {
        let params = variables::<T>(params).map_err(refused)?;
        let optimizer = O::new(params.clone(), O::chosen(config, rate)?).map_err(refused)?;
        Ok(Subject { optimizer, params, failed: false, numbers: PhantomData })
    }

    fn step(&mut self, rate: f64, gradients: &[Option<conformance::Tensor>]) -> std::result::Result<(), Unsupported> {
        self.optimizer.set_learning_rate(rate);
        let store = store::<T>(&self.params, gradients).map_err(refused)?;
        // a step that fails is no feature that is lacking
        self.failed |= self.optimizer.step(&store).is_err();
        Ok(())
    }

    fn read(&self, tensor: usize) -> Vec<f64> {
        let numbers = numbers(&self.params[tensor]).unwrap_or_default();
        if self.failed { vec![f64::NAN; numbers.len()] } else { numbers }
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
