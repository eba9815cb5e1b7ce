//! libtorch's pointwise operations that take a scalar factor (`add` with alpha, `addcmul` and
//! `addcdiv` with value), which the bindings offer without it.
//!
//! Each is composed so that it rounds as libtorch's own kernel does, which computes bf16 and f16 in
//! f32 and rounds once at the end. One difference is left: at the elements that do not fill a vector
//! register of the CPU, `add` in bf16 and f16 rounds alpha·y to the dtype before it adds.

use tch::{Device, Kind, TchError, Tensor};

type Result<T> = std::result::Result<T, TchError>;

/// In the kind that libtorch computes in.
fn wide(x: &Tensor) -> Result<Tensor> {
    match x.f_kind()? {
        Kind::Half | Kind::BFloat16 => x.f_to_kind(Kind::Float),
        _ => Ok(x.shallow_clone()),
    }
}

/// x + alpha·y, in one fused multiply-add per element, as `addcmul` has it with alpha as a tensor.
pub(super) fn add(x: &Tensor, y: &Tensor, alpha: f64) -> Result<Tensor> {
    let scalar = |like: &Tensor| {
        Tensor::f_from_slice(&[alpha])?.f_reshape([0i64; 0])?.f_to_kind(like.f_kind()?)?.f_to_device(like.device())
    };
    if x.device() == Device::Cpu {
        // the CPU's kernel rounds alpha to the dtype, a GPU's does not
        return x.f_addcmul(y, &scalar(x)?);
    }
    let wide_x = wide(x)?;
    wide_x.f_addcmul(&wide(y)?, &scalar(&wide_x)?)?.f_to_kind(x.f_kind()?)
}

/// x + value·a·b
pub(super) fn addcmul(x: &Tensor, a: &Tensor, b: &Tensor, value: f64) -> Result<Tensor> {
    wide(x)?.f_addcmul(&wide(a)?.f_mul_scalar(value)?, &wide(b)?)?.f_to_kind(x.f_kind()?)
}

/// x + value·a/b
pub(super) fn addcdiv(x: &Tensor, a: &Tensor, b: &Tensor, value: f64) -> Result<Tensor> {
    wide(x)?.f_addcdiv(&wide(a)?.f_mul_scalar(value)?, &wide(b)?)?.f_to_kind(x.f_kind()?)
}
