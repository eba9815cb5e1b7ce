//! What FINDINGS.md says of dfdx, without gradproof.

use dfdx::losses::cross_entropy_with_logits_loss;
use dfdx::optim::{Adam, AdamConfig, Optimizer};
use dfdx::prelude::*;

#[test]
fn a_first_gradient_that_comes_late_is_corrected_for_the_wrong_step() {
    let device = Cpu::default();
    let one = || -> Tensor<Rank0, f64, Cpu> { device.tensor(1.0) };
    let mut model = (one(), one());
    let mut adam = Adam::new(&model, AdamConfig { lr: 0.1, ..Default::default() });
    // the loss of the first step has the first parameter alone, that of the second the second
    let gradients = (model.0.leaky_trace() * 1.0).backward();
    adam.update(&mut model, &gradients).unwrap_err();
    let gradients = (model.1.leaky_trace() * 1.0).backward();
    adam.update(&mut model, &gradients).unwrap_err();
    // a first step is the rate, whatever the gradient
    assert!((1.0 - model.0.array() - 0.1).abs() < 1e-8);
    assert!((1.0 - model.1.array() - 0.0744).abs() < 1e-4);
}

#[test]
fn cross_entropy_is_nan_where_a_class_is_masked() {
    let device = Cpu::default();
    let logits: Tensor<Rank2<1, 2>, f64, Cpu> = device.tensor([[0.0, f64::NEG_INFINITY]]);
    let target = device.tensor([[1.0, 0.0]]);
    // the target has all of the probability: the loss is 0
    assert!(cross_entropy_with_logits_loss(logits, target).array().is_nan());
}
