//! The numbers that bytes stand for, as f64: every format's numbers are among them.

use crate::kernels::{Instructions, Kernel, Lanes};
use crate::number::Dtype;

/// The bytes that a number of a dtype takes.
pub(super) fn size(dtype: Dtype) -> usize {
    match dtype.stored() {
        Dtype::F64 => 8,
        Dtype::F32 | Dtype::Tf32 => 4,
        Dtype::Bf16 | Dtype::F16 => 2,
    }
}

/// The numbers of a dtype, little-endian, in place of what `out` held.
pub(super) fn decode(dtype: Dtype, bytes: &[u8], out: &mut Vec<f64>) {
    out.resize(bytes.len() / size(dtype), 0.0);
    Instructions::widest().run_singly(Decode { dtype, bytes, out });
}

struct Decode<'a> {
    dtype: Dtype,
    bytes: &'a [u8],
    out: &'a mut [f64],
}

impl Kernel for Decode<'_> {
    type Output = ();

    /// Loops that the compiler makes vectors of; inside closures it does not know of the instructions.
    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let Decode { dtype, bytes, out } = self;
        match dtype.stored() {
            Dtype::F64 => {
                for (x, bytes) in out.iter_mut().zip(bytes.as_chunks::<8>().0) {
                    *x = f64::from_le_bytes(*bytes);
                }
            }
            Dtype::F32 | Dtype::Tf32 => {
                for (x, bytes) in out.iter_mut().zip(bytes.as_chunks::<4>().0) {
                    *x = f64::from(f32::from_le_bytes(*bytes));
                }
            }
            Dtype::Bf16 => {
                for (x, bytes) in out.iter_mut().zip(bytes.as_chunks::<2>().0) {
                    *x = of_bf16(u16::from_le_bytes(*bytes));
                }
            }
            Dtype::F16 => {
                for (x, bytes) in out.iter_mut().zip(bytes.as_chunks::<2>().0) {
                    *x = of_f16(u16::from_le_bytes(*bytes));
                }
            }
        }
    }
}

/// The upper half of an f32.
#[inline(always)]
fn of_bf16(bits: u16) -> f64 {
    f64::from(f32::from_bits(u32::from(bits) << 16))
}

/// The exponent and fraction moved to where f32 has them, and the bias corrected by a product, which is exact and
/// makes normal numbers of those that are not.
#[inline(always)]
fn of_f16(bits: u16) -> f64 {
    // 2^(127 − 15)
    const BIAS: f32 = f32::from_bits(0x7780_0000);
    let size = f32::from_bits((u32::from(bits) & 0x7fff) << 13) * BIAS;
    // the largest exponent is infinity and NaN; their fraction is kept
    let special = if size >= 65536.0 { 0x7f80_0000 } else { 0 };
    f64::from(f32::from_bits(size.to_bits() | special | (u32::from(bits) & 0x8000) << 16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_two_bytes_is_the_one_that_half_reads() {
        let bytes: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
        for dtype in [Dtype::Bf16, Dtype::F16] {
            let mut out = vec![7.0; 3];
            decode(dtype, &bytes, &mut out);
            assert_eq!(out.len(), 1 << 16);
            for (bits, x) in (0..=u16::MAX).zip(out) {
                let right = match dtype {
                    Dtype::F16 => half::f16::from_bits(bits).to_f64(),
                    _ => half::bf16::from_bits(bits).to_f64(),
                };
                let alike = x.to_bits() == right.to_bits() || (x.is_nan() && right.is_nan());
                assert!(alike, "{dtype} {bits:#x}: {x} in place of {right}");
            }
        }
    }

    #[test]
    fn wider_numbers_keep_their_bits() {
        let numbers = [1.5, -0.0, 5e-324, f64::INFINITY, 0.1];
        let mut out = Vec::new();
        decode(Dtype::F64, &numbers.map(f64::to_le_bytes).concat(), &mut out);
        assert_eq!(out.iter().map(|x| x.to_bits()).collect::<Vec<_>>(), numbers.map(f64::to_bits));
        decode(Dtype::F32, &[1.5f32, -0.0, 1e-45, f32::INFINITY, 0.1].map(f32::to_le_bytes).concat(), &mut out);
        assert_eq!(out, [1.5, -0.0, f64::from(1e-45f32), f64::INFINITY, f64::from(0.1f32)]);
        assert!(out[1].is_sign_negative());
    }
}
