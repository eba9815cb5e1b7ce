//! What FINDINGS.md says of burn, without gradproof.

use burn_core::module::Param;
use burn_core::tensor::{DType, Device, Int, Tensor};
use burn_nn::loss::CrossEntropyLossConfig;
use burn_optim::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn_optim::lr_scheduler::linear::LinearLrSchedulerConfig;
use burn_optim::{AdamConfig, AdamWConfig, GradientsParams, Optimizer};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn a_state_of_f64_is_restored_as_f32_and_the_next_step_panics() {
    let one = |device: &Device| Tensor::<1>::from_data([1.0], (device, DType::F64));
    let param = Param::from_tensor(one(&Device::default().autodiff()));
    let gradients = || {
        let mut gradients = GradientsParams::new();
        gradients.register(param.id, one(&Device::default()));
        gradients
    };
    let mut adam = AdamConfig::new().init();
    let stepped = adam.step(0.1, param.clone(), gradients());
    let mut restored = AdamConfig::new().init().from_bytes(adam.into_bytes().unwrap()).unwrap();
    adam.step(0.1, stepped.clone(), gradients());
    // binary_op: dtype mismatch, left: F32, right: F64
    assert!(catch_unwind(AssertUnwindSafe(|| restored.step(0.1, stepped, gradients()))).is_err());
}

#[test]
fn hyperparameters_are_f32_beside_tensors_of_f64() {
    let number = |x: f64| Tensor::<1>::from_data([x], (&Device::default(), DType::F64));
    let adamw = AdamWConfig::new().with_weight_decay(0.1).build();
    let (decayed, _) = adamw.step(1.0, number(1.0), number(0.0), None);
    assert_eq!(decayed.into_data().try_to_vec::<f64>().unwrap(), [1.0 - f64::from(0.1_f32)]);
    assert_ne!(1.0 - f64::from(0.1_f32), 1.0 - 0.1);
}

#[test]
fn the_cosine_schedule_rises_again_after_its_end() {
    let mut cosine = CosineAnnealingLrSchedulerConfig::new(0.5, 10).init().unwrap();
    let rates: Vec<f64> = (0..=20).map(|_| cosine.step().base()).collect();
    assert!(rates[10] < 1e-16);
    assert!((rates[15] - 0.25).abs() < 1e-15 && rates[20] == 0.5);
}

#[test]
fn the_linear_schedule_does_not_begin_at_its_first_rate() {
    let mut linear = LinearLrSchedulerConfig::new(1e-4, 1e-3, 9).init().unwrap();
    assert_eq!(linear.step().base(), 1.0000000000000005e-4);
}

#[test]
fn label_smoothing_panics_on_f64() {
    let device = Device::default();
    let logits = || Tensor::<2>::from_data([[1.0, 2.0, 3.0]], (&device, DType::F64));
    let targets = || Tensor::<1, Int>::from_data([2], &device);
    CrossEntropyLossConfig::new().init(&device).forward(logits(), targets());
    let smoothed = CrossEntropyLossConfig::new().with_smoothing(Some(0.1)).init(&device);
    // binary_op: dtype mismatch, left: F64, right: F32
    assert!(catch_unwind(AssertUnwindSafe(|| smoothed.forward(logits(), targets()))).is_err());
}
