//! Numbers to tensors and back, and the gradient of a loss.

use crate::torch::Placement;
use tch::{Device, Kind, TchError, Tensor};

type Result<T> = std::result::Result<T, TchError>;

impl Placement {
    /// A vector, rounded to the dtype as libtorch converts from f64.
    pub(super) fn vector(&self, x: &[f64]) -> Result<Tensor> {
        Tensor::f_from_slice(x)?.f_to_kind(self.kind)?.f_to_device(self.device)
    }

    /// A matrix with `columns` columns.
    pub(super) fn matrix<'a>(&self, rows: impl IntoIterator<Item = &'a Vec<f64>>, columns: usize) -> Result<Tensor> {
        let flat: Vec<f64> = rows.into_iter().flatten().copied().collect();
        let rows = flat.len() / columns.max(1);
        self.vector(&flat)?.f_reshape([rows as i64, columns as i64])
    }

    /// Whole numbers: classes, or indices.
    pub(super) fn wholes(&self, x: &[i64]) -> Result<Tensor> {
        Tensor::f_from_slice(x)?.f_to_device(self.device)
    }

    /// A number without a dimension.
    pub(super) fn number(&self, x: f64) -> Result<Tensor> {
        self.vector(&[x])?.f_reshape([0i64; 0])
    }
}

/// The same tensor as something that gradients are with respect to.
pub(super) fn leaf(x: Tensor) -> Result<Tensor> {
    x.f_set_requires_grad(true)
}

/// All numbers of a tensor in order, each exactly.
pub(super) fn numbers(x: &Tensor) -> Result<Vec<f64>> {
    let flat = x.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?.f_reshape([-1])?;
    Vec::<f64>::try_from(&flat)
}

/// The rows of a matrix.
pub(super) fn rows(x: &Tensor) -> Result<Vec<Vec<f64>>> {
    let columns = x.size().last().map_or(1, |&n| n.max(1) as usize);
    Ok(numbers(x)?.chunks(columns).map(<[f64]>::to_vec).collect())
}

/// The one number of a tensor.
pub(super) fn number(x: &Tensor) -> Result<f64> {
    x.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?.f_double_value(&[])
}

/// The gradients of a loss by autograd; zeros where the loss does not depend on a tensor.
pub(super) fn gradients(loss: &Tensor, of: &[&Tensor]) -> Result<Vec<Tensor>> {
    let found = Tensor::f_run_backward(&[loss], of, false, false)?;
    found.into_iter().zip(of).map(|(g, x)| if g.defined() { Ok(g) } else { x.f_zeros_like() }).collect()
}
