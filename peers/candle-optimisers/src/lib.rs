//! candle-optimisers' Adam, with its adapter. It is Adam with L2 regularization or AdamW, and each with
//! AMSGrad if that is asked for.
//!
//! It is fed as candle's own optimizers are: parameters are shared, and the gradients of a case are put
//! into the store that `backward` of a constant gives. After a step that fails, NaN is read.

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Result, Tensor, Var, WithDType};
use candle_nn::optim::Optimizer as _;
use candle_optimisers::Decay;
use candle_optimisers::adam::{Adam, ParamsAdam};
use gradproof::conformance::{self, Config, Optimizer, Unsupported};
use std::marker::PhantomData;

/// Adam with L2 regularization of numbers of type `T`.
pub type AdamL2<T> = Subject<T, false, false>;

/// AdamW of numbers of type `T`.
pub type AdamW<T> = Subject<T, true, false>;

/// AdamW with AMSGrad of numbers of type `T`.
pub type AmsGradW<T> = Subject<T, true, true>;

/// The crate's Adam in one of its forms.
pub struct Subject<T, const DECOUPLED: bool, const AMSGRAD: bool> {
    optimizer: Adam,
    params: Vec<Var>,
    failed: bool,
    numbers: PhantomData<T>,
}

impl<T: WithDType, const DECOUPLED: bool, const AMSGRAD: bool> Optimizer for Subject<T, DECOUPLED, AMSGRAD> {
    fn build(config: &Config, rate: f64, params: &[conformance::Tensor]) -> std::result::Result<Self, Unsupported> {
        let decay = if DECOUPLED { Decay::DecoupledWeightDecay } else { Decay::WeightDecay };
        let decay = Some(config.number("weight_decay")?).filter(|&lambda| lambda != 0.0).map(decay);
        let chosen = ParamsAdam {
            lr: rate,
            beta_1: config.number("beta1")?,
            beta_2: config.number("beta2")?,
            eps: config.number("eps")?,
            weight_decay: decay,
            amsgrad: AMSGRAD,
        };
        let params = variables::<T>(params).map_err(refused)?;
        let optimizer = Adam::new(params.clone(), chosen).map_err(refused)?;
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
