//! libtorch's pointwise operations that take a scalar factor (`add` with alpha, `addcmul` and
//! `addcdiv` with value), which the bindings offer without it.
//!
//! They are composed of two operations in the order that libtorch's CPU kernels have. As in those
//! kernels, bf16 and f16 are computed in f32 and rounded once at the end. What a kernel may contract
//! into a fused multiply-add is rounded twice here.

use tch::{Kind, TchError, Tensor};

type Result<T> = std::result::Result<T, TchError>;

/// The kind that libtorch computes in.
fn wide(x: &Tensor) -> Result<Tensor> {
    match x.f_kind()? {
        Kind::Half | Kind::BFloat16 => x.f_to_kind(Kind::Float),
        _ => Ok(x.shallow_clone()),
    }
}

/// x + alpha·y
pub(super) fn add(x: &Tensor, y: &Tensor, alpha: f64) -> Result<Tensor> {
    wide(x)?.f_add(&wide(y)?.f_mul_scalar(alpha)?)?.f_to_kind(x.f_kind()?)
}

/// x + value·a·b
pub(super) fn addcmul(x: &Tensor, a: &Tensor, b: &Tensor, value: f64) -> Result<Tensor> {
    wide(x)?.f_addcmul(&wide(a)?.f_mul_scalar(value)?, &wide(b)?)?.f_to_kind(x.f_kind()?)
}

/// x + value·a/b
pub(super) fn addcdiv(x: &Tensor, a: &Tensor, b: &Tensor, value: f64) -> Result<Tensor> {
    wide(x)?.f_addcdiv(&wide(a)?.f_mul_scalar(value)?, &wide(b)?)?.f_to_kind(x.f_kind()?)
}
