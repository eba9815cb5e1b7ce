//! dfdx's Adam, SGD and cross-entropy, each with its adapter.
//!
//! Nothing but `backward` can make gradients, so that of the linear loss Σ g·θ is taken, which is g to the
//! last bit. A model's shapes are known to the compiler: every tensor of a case lies at the beginning of
//! one of a fixed size, whose other numbers are zero and get zero for a gradient. The rate is a public
//! field of the optimizer.

use dfdx::losses::cross_entropy_with_logits_loss;
use dfdx::nn::modules::Repeated;
use dfdx::optim::{self, AdamConfig, Momentum, Optimizer as _, OptimizerUpdateError, SgdConfig, WeightDecay};
use dfdx::shapes::Rank1;
use dfdx::tensor::{AsArray, Cpu, Gradients, OwnedTape, Tensor, TensorFromVec, Trace};
use dfdx::tensor_ops::{Backward, SumTo};
use gradproof::conformance::{self, Config, Found, LossCase, Optimizer, Unsupported};

/// The most tensors of a case, and the most numbers of one.
const TENSORS: usize = 4;
const NUMBERS: usize = 16;

type Slot = Tensor<Rank1<NUMBERS>, f64, Cpu>;

/// The parameters, as a model.
struct Model {
    slots: Repeated<Slot, TENSORS>,
    sizes: Vec<usize>,
    device: Cpu,
}

impl Model {
    fn new(params: &[conformance::Tensor]) -> Result<Model, Unsupported> {
        if params.len() > TENSORS || params.iter().any(|param| param.values.len() > NUMBERS) {
            return Err(Unsupported::new(format!("more than {TENSORS} tensors of {NUMBERS} numbers in this adapter")));
        }
        if params.iter().any(|param| param.shape.is_empty() || param.values.is_empty()) {
            return Err(Unsupported::new("tensors of no elements or dimensions in this adapter"));
        }
        let device = Cpu::default();
        let slot = |i: usize| slot(&device, params.get(i).map_or(&[], |param| &param.values));
        let slots = Repeated { modules: (0..TENSORS).map(slot).collect() };
        Ok(Model { slots, sizes: params.iter().map(|param| param.values.len()).collect(), device })
    }

    /// What `backward` gives where these are the gradients.
    fn gradients(&self, gradients: &[Option<conformance::Tensor>]) -> Gradients<f64, Cpu> {
        let terms = gradients.iter().enumerate().filter_map(|(i, gradient)| {
            let gradient = slot(&self.device, &gradient.as_ref()?.values);
            Some((self.slots[i].leaky_trace() * gradient).sum::<(), _>())
        });
        let loss: Option<Tensor<(), f64, Cpu, OwnedTape<f64, Cpu>>> = terms.reduce(|sum, term| sum + term);
        loss.map_or_else(Gradients::leaky, |loss| loss.backward())
    }

    fn read(&self, tensor: usize) -> Vec<f64> {
        self.slots[tensor].array()[..self.sizes[tensor]].to_vec()
    }
}

fn slot(device: &Cpu, values: &[f64]) -> Slot {
    let mut all = values.to_vec();
    all.resize(NUMBERS, 0.0);
    device.tensor_from_vec(all, Rank1::default())
}

/// dfdx tells of parameters without a gradient, after it has updated the others.
fn only_unused<E>(result: Result<(), OptimizerUpdateError<E>>) -> Result<(), Unsupported> {
    match result {
        Ok(()) | Err(OptimizerUpdateError::UnusedParams(_)) => Ok(()),
        Err(OptimizerUpdateError::DeviceError(_)) => Err(Unsupported::new("an error of the device")),
    }
}

/// AdamW in f64, or Adam with L2 regularization.
pub struct Adam<const DECOUPLED: bool> {
    optimizer: optim::Adam<Repeated<Slot, TENSORS>, f64, Cpu>,
    model: Model,
}

impl<const DECOUPLED: bool> Optimizer for Adam<DECOUPLED> {
    fn build(config: &Config, rate: f64, params: &[conformance::Tensor]) -> Result<Self, Unsupported> {
        let decay = if DECOUPLED { WeightDecay::Decoupled } else { WeightDecay::L2 };
        let chosen = AdamConfig {
            lr: rate,
            betas: [config.number("beta1")?, config.number("beta2")?],
            eps: config.number("eps")?,
            weight_decay: Some(config.number("weight_decay")?).filter(|&lambda| lambda != 0.0).map(decay),
        };
        let model = Model::new(params)?;
        Ok(Adam { optimizer: optim::Adam::new(&model.slots, chosen), model })
    }

    fn step(&mut self, rate: f64, gradients: &[Option<conformance::Tensor>]) -> Result<(), Unsupported> {
        self.optimizer.cfg.lr = rate;
        let gradients = self.model.gradients(gradients);
        only_unused(self.optimizer.update(&mut self.model.slots, &gradients))
    }

    fn read(&self, tensor: usize) -> Vec<f64> {
        self.model.read(tensor)
    }
}

/// SGD in f64. It has no dampening.
pub struct Sgd {
    optimizer: optim::Sgd<Repeated<Slot, TENSORS>, f64, Cpu>,
    model: Model,
}

impl Optimizer for Sgd {
    fn build(config: &Config, rate: f64, params: &[conformance::Tensor]) -> Result<Self, Unsupported> {
        config.only(&["momentum", "nesterov", "weight_decay"])?;
        let momentum = if config.flag("nesterov")? { Momentum::Nesterov } else { Momentum::Classic };
        let chosen = SgdConfig {
            lr: rate,
            momentum: Some(config.number("momentum")?).filter(|&mu| mu != 0.0).map(momentum),
            weight_decay: Some(config.number("weight_decay")?).filter(|&lambda| lambda != 0.0).map(WeightDecay::L2),
        };
        let model = Model::new(params)?;
        Ok(Sgd { optimizer: optim::Sgd::new(&model.slots, chosen), model })
    }

    fn step(&mut self, rate: f64, gradients: &[Option<conformance::Tensor>]) -> Result<(), Unsupported> {
        self.optimizer.cfg.lr = rate;
        let gradients = self.model.gradients(gradients);
        only_unused(self.optimizer.update(&mut self.model.slots, &gradients))
    }

    fn read(&self, tensor: usize) -> Vec<f64> {
        self.model.read(tensor)
    }
}

/// dfdx's cross-entropy in f64, with its gradient. Targets are probabilities, and so carry the smoothing.
/// It has the mean only, and every row counts.
///
/// # Errors
/// If the case asks for more.
pub fn cross_entropy(case: &LossCase<'_>) -> Result<Found, Unsupported> {
    case.config().only(&["label_smoothing"])?;
    let smoothing = case.config().number("label_smoothing")?;
    let rows = case.rows("logits")?;
    let shape = (rows.len(), rows.first().map_or(0, Vec::len));
    let mut probabilities = vec![smoothing / shape.1 as f64; shape.0 * shape.1];
    for (row, target) in case.wholes("targets")?.into_iter().enumerate() {
        let target = usize::try_from(target).map_err(|_| Unsupported::new("rows that do not count"))?;
        probabilities[row * shape.1 + target] += 1.0 - smoothing;
    }
    let device = Cpu::default();
    let logits: Tensor<(usize, usize), f64, Cpu> = device.tensor_from_vec(rows.concat(), shape);
    let loss = cross_entropy_with_logits_loss(logits.leaky_trace(), device.tensor_from_vec(probabilities, shape));
    let value = loss.array();
    let gradient = loss.backward().get(&logits).as_vec();
    let gradient: Vec<Vec<f64>> = gradient.chunks(shape.1).map(<[f64]>::to_vec).collect();
    Ok(Found::new().number("loss", value).rows("gradient", &gradient))
}
