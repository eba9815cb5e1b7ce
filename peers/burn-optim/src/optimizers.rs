//! burn's optimizers over a module, as its training loop uses them: a step takes the module and gives
//! it back, and finds gradients and states by the parameters' ids.
//!
//! The rate is an argument of the step, for the whole module or by groups of parameters. Every tensor has
//! at least one dimension, so a single number is a vector of one. Hyperparameters are f32. After a step that
//! panics, NaN is read.

use burn_core::module::{Param, ParamGroup};
use burn_core::tensor::{Device, Element, Tensor, TensorData};
use burn_optim::decay::WeightDecayConfig;
use burn_optim::lr_scheduler::LrSchedulerConfig;
use burn_optim::lr_scheduler::module_lr_scheduler::{ModuleLearningRate, ModuleLrSchedulerConfig};
use burn_optim::momentum::MomentumConfig;
use burn_optim::{AdamConfig, AdamWConfig, GradientsParams, LionConfig, ModuleOptimizer, SgdConfig};
use gradproof::conformance::{self, Config, Group, Optimizer, Unsupported};
use std::marker::PhantomData;
use std::panic::{self, AssertUnwindSafe};

/// One of burn's optimizers.
pub trait Rule {
    /// With the hyperparameters of a case, and a λ.
    ///
    /// # Errors
    /// If it lacks a hyperparameter.
    fn with(config: &Config, weight_decay: f32) -> Result<impl burn_optim::Optimizer, Unsupported>;
}

/// AdamW, with AMSGrad or without.
pub struct AdamW<const AMSGRAD: bool>;

/// Adam with L2 regularization.
pub struct Adam;

/// Lion.
pub struct Lion;

/// SGD with momentum.
pub struct Sgd;

impl<const AMSGRAD: bool> Rule for AdamW<AMSGRAD> {
    fn with(config: &Config, weight_decay: f32) -> Result<impl burn_optim::Optimizer, Unsupported> {
        let chosen = AdamWConfig::new().with_weight_decay(weight_decay).with_amsgrad(AMSGRAD);
        let chosen = chosen.with_beta_1(config.number("beta1")? as f32).with_beta_2(config.number("beta2")? as f32);
        Ok(chosen.with_epsilon(config.number("eps")? as f32).build())
    }
}

impl Rule for Adam {
    fn with(config: &Config, weight_decay: f32) -> Result<impl burn_optim::Optimizer, Unsupported> {
        let chosen = AdamConfig::new().with_weight_decay(decay(weight_decay));
        let chosen = chosen.with_beta_1(config.number("beta1")? as f32).with_beta_2(config.number("beta2")? as f32);
        Ok(chosen.with_epsilon(config.number("eps")? as f32).build())
    }
}

impl Rule for Lion {
    fn with(config: &Config, weight_decay: f32) -> Result<impl burn_optim::Optimizer, Unsupported> {
        let chosen = LionConfig::new().with_weight_decay(weight_decay);
        let chosen = chosen.with_beta_1(config.number("beta1")? as f32).with_beta_2(config.number("beta2")? as f32);
        Ok(chosen.build())
    }
}

impl Rule for Sgd {
    fn with(config: &Config, weight_decay: f32) -> Result<impl burn_optim::Optimizer, Unsupported> {
        let momentum = MomentumConfig {
            momentum: config.number("momentum")?,
            dampening: config.number("dampening")?,
            nesterov: config.flag("nesterov")?,
        };
        let momentum = Some(momentum).filter(|chosen| chosen.momentum != 0.0);
        Ok(SgdConfig::new().with_weight_decay(decay(weight_decay)).with_momentum(momentum).build())
    }
}

fn decay(weight_decay: f32) -> Option<WeightDecayConfig> {
    Some(weight_decay).filter(|&lambda| lambda != 0.0).map(WeightDecayConfig::new)
}

/// Vectors and matrices.
type Model = (Vec<Param<Tensor<1>>>, Vec<Param<Tensor<2>>>);

/// Where in the module a tensor of the case is.
#[derive(Clone, Copy)]
enum Place {
    Vector(usize),
    Matrix(usize),
}

/// An optimizer of burn with its module, on tensors of `E`.
pub struct Subject<R, E> {
    optimizer: ModuleOptimizer,
    /// None once a step has panicked, which took it along.
    model: Option<Model>,
    places: Vec<Place>,
    sizes: Vec<usize>,
    /// The groups of parameters that have a rate of their own.
    groups: Vec<ParamGroup>,
    config: Config,
    kinds: PhantomData<(R, E)>,
}

impl<R: Rule, E: Element> Subject<R, E> {
    fn new(config: &Config, params: &[conformance::Tensor]) -> Result<Self, Unsupported> {
        let device = Device::default().autodiff();
        let (mut model, mut places) = (Model::default(), Vec::new());
        for param in params {
            if let [_, _] = param.shape[..] {
                places.push(Place::Matrix(model.1.len()));
                model.1.push(Param::from_tensor(tensor::<E, 2>(param, &device)));
            } else {
                places.push(Place::Vector(model.0.len()));
                model.0.push(Param::from_tensor(tensor::<E, 1>(param, &device)));
            }
        }
        let optimizer = ModuleOptimizer::from(R::with(config, config.number("weight_decay")? as f32)?);
        let sizes = params.iter().map(|param| param.values.len()).collect();
        let (model, config) = (Some(model), config.clone());
        Ok(Subject { optimizer, model, places, sizes, groups: Vec::new(), config, kinds: PhantomData })
    }

    fn update(&mut self, rate: ModuleLearningRate, gradients: &[Option<conformance::Tensor>]) {
        let Some(model) = self.model.take() else { return };
        let device = Device::default();
        let mut of_module = GradientsParams::new();
        for (place, gradient) in self.places.iter().zip(gradients) {
            let Some(gradient) = gradient else { continue };
            match *place {
                Place::Vector(i) => of_module.register(model.0[i].id, tensor::<E, 1>(gradient, &device)),
                Place::Matrix(i) => of_module.register(model.1[i].id, tensor::<E, 2>(gradient, &device)),
            }
        }
        // nothing that a panic leaves half done is used again
        let step = AssertUnwindSafe(|| self.optimizer.step(rate, model, of_module));
        self.model = panic::catch_unwind(step).ok();
    }
}

impl<R: Rule, E: Element> Optimizer for Subject<R, E> {
    fn build(config: &Config, _rate: f64, params: &[conformance::Tensor]) -> Result<Self, Unsupported> {
        Subject::new(config, params)
    }

    fn step(&mut self, rate: f64, gradients: &[Option<conformance::Tensor>]) -> Result<(), Unsupported> {
        self.update(rate.into(), gradients);
        Ok(())
    }

    fn read(&self, tensor: usize) -> Vec<f64> {
        match (&self.model, self.places[tensor]) {
            (Some(model), Place::Vector(i)) => numbers(model.0[i].val()),
            (Some(model), Place::Matrix(i)) => numbers(model.1[i].val()),
            (None, _) => vec![f64::NAN; self.sizes[tensor]],
        }
    }

    fn build_groups(
        config: &Config,
        groups: &[Group],
        _rates: &[f64],
        params: &[conformance::Tensor],
    ) -> Result<Self, Unsupported> {
        let mut subject = Self::new(config, params)?;
        for group in groups {
            let mut part = Model::default();
            for &tensor in &group.tensors {
                match (&subject.model, subject.places[tensor]) {
                    (Some(model), Place::Vector(i)) => part.0.push(model.0[i].clone()),
                    (Some(model), Place::Matrix(i)) => part.1.push(model.1[i].clone()),
                    (None, _) => {}
                }
            }
            let ids = ParamGroup::ids_from_module(part);
            let rule = R::with(config, group.weight_decay as f32)?;
            subject.optimizer = subject.optimizer.with_group(ids.clone(), rule, None);
            subject.groups.push(ids);
        }
        Ok(subject)
    }

    fn step_groups(&mut self, rates: &[f64], gradients: &[Option<conformance::Tensor>]) -> Result<(), Unsupported> {
        // rates by groups come from a scheduler alone
        let base = ModuleLrSchedulerConfig::new(LrSchedulerConfig::Constant(0.0));
        let with_rate = |scheduler: ModuleLrSchedulerConfig, (group, &rate): (&ParamGroup, &f64)| {
            scheduler.with_group(group.clone(), LrSchedulerConfig::Constant(rate))
        };
        let mut scheduler = self.groups.iter().zip(rates).fold(base, with_rate).init().map_err(Unsupported::new)?;
        self.update(scheduler.step(), gradients);
        Ok(())
    }

    fn saved_and_restored(self) -> Result<Self, Unsupported> {
        let refused = |error: burn_core::store::RecordError| Unsupported::new(error.to_string());
        let saved = self.optimizer.into_bytes().map_err(refused)?;
        let anew = ModuleOptimizer::from(R::with(&self.config, self.config.number("weight_decay")? as f32)?);
        Ok(Subject { optimizer: anew.from_bytes(saved).map_err(refused)?, ..self })
    }
}

fn tensor<E: Element, const D: usize>(of_case: &conformance::Tensor, device: &Device) -> Tensor<D> {
    let shape = if of_case.shape.is_empty() { vec![1] } else { of_case.shape.clone() };
    Tensor::from_data(TensorData::new(of_case.values.clone(), shape), (device, E::dtype()))
}

fn numbers<const D: usize>(param: Tensor<D>) -> Vec<f64> {
    param.inner().into_data().iter::<f64>().collect()
}
