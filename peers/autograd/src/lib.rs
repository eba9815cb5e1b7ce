//! autograd's Adam and SGD, each with its adapter.
//!
//! Parameters are arrays behind `Arc<RwLock<_>>`; Adam finds their state by their address. A step is a
//! graph whose evaluation updates the arrays, and gradients come into it as constants. The rate belongs to
//! the graph's operators, which are made anew for every step.

use autograd::ndarray::{Array, IxDyn};
use autograd::optimizers::adam::{self, AdamState, StaticParams};
use autograd::optimizers::sgd::SGD;
use autograd::tensor::Variable;
use autograd::{Graph, NdArray, Tensor};
use gradproof::conformance::{self, Config, Optimizer, Unsupported};
use std::sync::{Arc, RwLock};

type Shared = Arc<RwLock<NdArray<f64>>>;

/// Adam in f64. It has no decay.
pub struct Adam {
    params: Vec<Shared>,
    state: AdamState<f64>,
    beta1: f64,
    beta2: f64,
    eps: f64,
}

impl Optimizer for Adam {
    fn build(config: &Config, _rate: f64, params: &[conformance::Tensor]) -> Result<Self, Unsupported> {
        config.only(&["beta1", "beta2", "eps"])?;
        let params = params.iter().map(shared).collect::<Result<Vec<Shared>, Unsupported>>()?;
        let state = AdamState::new(&params.iter().collect::<Vec<_>>());
        let (beta1, beta2, eps) = (config.number("beta1")?, config.number("beta2")?, config.number("eps")?);
        Ok(Adam { params, state, beta1, beta2, eps })
    }

    fn step(&mut self, rate: f64, gradients: &[Option<conformance::Tensor>]) -> Result<(), Unsupported> {
        let optimizer = adam::Adam::new(StaticParams { alpha: rate, eps: self.eps, b1: self.beta1, b2: self.beta2 });
        autograd::run(|graph| {
            let graph = &*graph;
            let (params, gradients) = with_gradients(graph, &self.params, gradients)?;
            graph.eval(&optimizer.compute_updates(&params, &gradients, &self.state, graph), &[]);
            Ok(())
        })
    }

    fn read(&self, tensor: usize) -> Vec<f64> {
        numbers(&self.params[tensor])
    }
}

/// SGD in f64, which has neither momentum nor decay.
pub struct Sgd {
    params: Vec<Shared>,
}

impl Optimizer for Sgd {
    fn build(config: &Config, _rate: f64, params: &[conformance::Tensor]) -> Result<Self, Unsupported> {
        config.only(&[])?;
        Ok(Sgd { params: params.iter().map(shared).collect::<Result<_, _>>()? })
    }

    fn step(&mut self, rate: f64, gradients: &[Option<conformance::Tensor>]) -> Result<(), Unsupported> {
        autograd::run(|graph| {
            let graph = &*graph;
            let (params, gradients) = with_gradients(graph, &self.params, gradients)?;
            graph.eval(&SGD { lr: rate }.compute_updates(params, gradients, graph), &[]);
            Ok(())
        })
    }

    fn read(&self, tensor: usize) -> Vec<f64> {
        numbers(&self.params[tensor])
    }
}

type InGraph<'g> = (Vec<Tensor<'g, f64>>, Vec<Tensor<'g, f64>>);

/// The parameters that have a gradient, with it, in a graph.
fn with_gradients<'g>(
    graph: &'g Graph<f64>,
    params: &[Shared],
    gradients: &[Option<conformance::Tensor>],
) -> Result<InGraph<'g>, Unsupported> {
    let given = params.iter().zip(gradients).filter_map(|(param, gradient)| Some((param, gradient.as_ref()?)));
    let in_graph = |(param, gradient): (&Shared, &conformance::Tensor)| {
        Ok((graph.variable(param.clone()), graph.convert_to_tensor(array(gradient)?)))
    };
    given.map(in_graph).collect()
}

fn array(of_case: &conformance::Tensor) -> Result<NdArray<f64>, Unsupported> {
    let refused = |error: autograd::ndarray::ShapeError| Unsupported::new(error.to_string());
    Array::from_shape_vec(IxDyn(&of_case.shape), of_case.values.clone()).map_err(refused)
}

fn shared(of_case: &conformance::Tensor) -> Result<Shared, Unsupported> {
    Ok(Arc::new(RwLock::new(array(of_case)?)))
}

/// The numbers of a parameter; none where a step panicked while it held the lock.
fn numbers(param: &Shared) -> Vec<f64> {
    param.read().map_or_else(|_| Vec::new(), |array| array.iter().copied().collect())
}
