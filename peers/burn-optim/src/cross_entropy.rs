//! burn-nn's cross-entropy, with the gradient that burn's autodiff gives.

use burn_core::tensor::{Device, Element, Int, Tensor, TensorData};
use burn_nn::loss::CrossEntropyLossConfig;
use gradproof::conformance::{Found, LossCase, Unsupported};
use std::panic;

/// burn-nn's cross-entropy on tensors of `E`. It has the mean only.
///
/// Rows that do not count are those whose target is a padding token, which is a class: one is taken that no
/// row has for a target. Where burn panics there is no number, and NaN is found.
///
/// # Errors
/// If the case asks for more.
pub fn cross_entropy<E: Element>(case: &LossCase<'_>) -> Result<Found, Unsupported> {
    let config = case.config();
    config.only(&["ignore_index", "label_smoothing"])?;
    let rows = case.rows("logits")?;
    let (classes, mut targets) = (rows.first().map_or(0, Vec::len), case.wholes("targets")?);
    let ignored = config.number("ignore_index")? as i64;
    let mut padding = None;
    if targets.contains(&ignored) {
        let unused = (0..classes).find(|&class| !targets.contains(&(class as i64)));
        let unused = unused.ok_or_else(|| Unsupported::new("a padding token beside classes that are all targets"))?;
        targets.iter_mut().filter(|target| **target == ignored).for_each(|target| *target = unused as i64);
        padding = Some(vec![unused]);
    }
    let smoothing = Some(config.number("label_smoothing")? as f32).filter(|&epsilon| epsilon != 0.0);
    let chosen = CrossEntropyLossConfig::new().with_pad_tokens(padding).with_smoothing(smoothing);
    // everything that a panic could leave half done is made inside
    let computed = panic::catch_unwind(|| {
        let device = Device::default().autodiff();
        let logits = TensorData::new(rows.concat(), [rows.len(), classes]);
        let logits = Tensor::<2>::from_data(logits, (&device, E::dtype())).require_grad();
        let targets = Tensor::<1, Int>::from_data(TensorData::new(targets.clone(), [targets.len()]), &device);
        let loss = chosen.init(&device).forward(logits.clone(), targets);
        let gradient = logits.grad(&loss.backward());
        (numbers(loss.inner()), gradient.map(numbers))
    });
    let (loss, gradient) = computed.unwrap_or_else(|_| (vec![f64::NAN], None));
    let mut found = Found::new().number("loss", loss[0]);
    if let Some(gradient) = gradient {
        found = found.rows("gradient", &gradient.chunks(classes).map(<[f64]>::to_vec).collect::<Vec<_>>());
    }
    Ok(found)
}

fn numbers<const D: usize>(x: Tensor<D>) -> Vec<f64> {
    x.into_data().iter::<f64>().collect()
}
