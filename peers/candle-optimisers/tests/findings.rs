//! What FINDINGS.md says of candle-optimisers, without gradproof.

use candle_core::{DType, Device, Tensor, Var};
use candle_nn::optim::Optimizer;
use candle_optimisers::adam::{Adam, ParamsAdam};

#[test]
fn a_first_gradient_that_comes_late_is_corrected_for_the_wrong_step() {
    let (early, late) = (Var::new(1.0, &Device::Cpu).unwrap(), Var::new(1.0, &Device::Cpu).unwrap());
    let params = ParamsAdam { lr: 0.1, ..Default::default() };
    let mut adam = Adam::new(vec![early.clone(), late.clone()], params).unwrap();
    // the loss of the first step is `early` itself, that of the second is `late`
    adam.backward_step(&early).unwrap();
    adam.backward_step(&late).unwrap();
    let moved = |var: &Var| 1.0 - var.to_scalar::<f64>().unwrap();
    // a first step is the rate, whatever the gradient
    assert!((moved(&early) - 0.1).abs() < 1e-8);
    assert!((moved(&late) - 0.0744).abs() < 1e-4);
}

#[test]
fn a_step_fails_on_a_tensor_of_no_elements() {
    let empty = Var::zeros(0, DType::F64, &Device::Cpu).unwrap();
    let mut adam = Adam::new(vec![empty.clone()], ParamsAdam::default()).unwrap();
    let mut gradients = Tensor::zeros((), DType::F64, &Device::Cpu).unwrap().backward().unwrap();
    gradients.insert(&empty, Tensor::zeros(0, DType::F64, &Device::Cpu).unwrap());
    let error = adam.step(&gradients).unwrap_err().to_string();
    assert!(error.contains("cannot set a variable to a tensor that is derived from its value"));
}
