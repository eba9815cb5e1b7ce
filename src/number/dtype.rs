//! The floating-point formats that training runs in.

use super::ulp::ulp;
use std::fmt;

/// A floating-point format, or the f32 whose matrix products are taken in TF32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dtype {
    /// IEEE binary64.
    F64,
    /// IEEE binary32.
    F32,
    /// f32 in memory, with the factors of matrix products cut to the 11 bits of NVIDIA's TF32.
    Tf32,
    /// bfloat16: the range of f32 with 8 bits.
    Bf16,
    /// IEEE binary16.
    F16,
}

/// Whose arithmetic a number is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A number of a tensor: in the dtype of the tensor.
    Tensor,
    /// A scalar hyperparameter, and what is computed from such alone: on the host.
    Scalar,
}

impl Dtype {
    /// The formats that tensors are kept in.
    pub const STORED: [Dtype; 4] = [Dtype::F64, Dtype::F32, Dtype::Bf16, Dtype::F16];

    /// The format with this name: "f64", "f32", "tf32", "bf16", "f16".
    pub fn named(name: &str) -> Option<Dtype> {
        [Dtype::F64, Dtype::F32, Dtype::Tf32, Dtype::Bf16, Dtype::F16].into_iter().find(|d| d.name() == name)
    }

    /// Its short name.
    pub fn name(self) -> &'static str {
        match self {
            Dtype::F64 => "f64",
            Dtype::F32 => "f32",
            Dtype::Tf32 => "tf32",
            Dtype::Bf16 => "bf16",
            Dtype::F16 => "f16",
        }
    }

    /// The format in which its numbers are kept: f32 for TF32.
    pub fn stored(self) -> Dtype {
        if self == Dtype::Tf32 { Dtype::F32 } else { self }
    }

    /// The bits of a significand, the leading one included.
    fn digits(self) -> i32 {
        match self {
            Dtype::F64 => 53,
            Dtype::F32 => 24,
            Dtype::Tf32 | Dtype::F16 => 11,
            Dtype::Bf16 => 8,
        }
    }

    /// The exponent of the smallest normal number.
    fn smallest_exponent(self) -> i32 {
        match self {
            Dtype::F64 => -1022,
            Dtype::F32 | Dtype::Tf32 | Dtype::Bf16 => -126,
            Dtype::F16 => -14,
        }
    }

    /// The unit roundoff: 2^−digits, the largest relative error of a rounding to nearest.
    pub fn unit(self) -> f64 {
        libm::exp2(f64::from(-self.digits()))
    }

    /// The smallest positive normal number.
    pub fn smallest_normal(self) -> f64 {
        libm::exp2(f64::from(self.smallest_exponent()))
    }

    /// The smallest positive number.
    pub fn smallest(self) -> f64 {
        let stored = self.stored();
        libm::ldexp(1.0, stored.smallest_exponent() - stored.digits() + 1)
    }

    /// The largest finite number: (2 − 2^(1−digits))·2^emax, where emax = 1 − emin.
    pub fn largest(self) -> f64 {
        let stored = self.stored();
        libm::ldexp(2.0 - libm::exp2(f64::from(1 - stored.digits())), 1 - stored.smallest_exponent())
    }

    /// The number of the format nearest to x, ties to even; past the largest, an infinity.
    pub fn round(self, x: f64) -> f64 {
        let stored = self.stored();
        if stored == Dtype::F64 || !x.is_finite() || x == 0.0 {
            return x;
        }
        let gap = stored.ulp(x);
        // a gap is a power of two, by which the quotient is exact
        let rounded = libm::rint(x / gap) * gap;
        if rounded.abs() > stored.largest() { f64::INFINITY.copysign(x) } else { rounded }
    }

    /// The gap between neighbours of the format at |x|; NaN where x is not finite.
    pub fn ulp(self, x: f64) -> f64 {
        let stored = self.stored();
        let wider = libm::exp2(f64::from(53 - stored.digits()));
        (ulp(x) * wider).max(stored.smallest())
    }

    /// How far `found` is from `right`, in ulps of the format at `right`.
    pub fn ulps_between(self, found: f64, right: f64) -> f64 {
        if self.stored() == Dtype::F64 {
            return super::ulps_between(found, right);
        }
        if found == right || (found.is_nan() && right.is_nan()) {
            return 0.0;
        }
        if !found.is_finite() || !right.is_finite() {
            return f64::INFINITY;
        }
        (found - right).abs() / self.ulp(right)
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f32_rounds_as_the_hardware_does() {
        let mut x = 1.0e-46f64;
        while x < 1e39 {
            for y in [x, -x, x.next_up()] {
                assert_eq!(Dtype::F32.round(y), f64::from(y as f32), "{y:e}");
            }
            x *= 1.000_37 * 1.01;
        }
    }

    #[test]
    fn ties_go_to_even_and_the_ends_of_the_range_are_right() {
        assert_eq!(Dtype::Bf16.round(1.0 + 2f64.powi(-8)), 1.0);
        assert_eq!(Dtype::Bf16.round(1.0 + 3.0 * 2f64.powi(-8)), 1.0 + 2f64.powi(-6));
        assert_eq!(Dtype::F16.largest(), 65504.0);
        assert_eq!(Dtype::F16.round(65519.0), 65504.0);
        assert_eq!(Dtype::F16.round(65520.0), f64::INFINITY);
        assert_eq!(Dtype::F16.smallest(), 2f64.powi(-24));
        assert_eq!(Dtype::F16.round(2f64.powi(-25)), 0.0);
        assert_eq!(Dtype::F16.round(1.5 * 2f64.powi(-25)), 2f64.powi(-24));
        assert_eq!(Dtype::F32.largest(), f64::from(f32::MAX));
        assert_eq!(Dtype::F64.largest(), f64::MAX);
        assert_eq!(Dtype::F64.smallest(), f64::from_bits(1));
        assert_eq!(Dtype::Bf16.smallest(), 2f64.powi(-133));
        assert_eq!(Dtype::Tf32.round(0.1), f64::from(0.1f32));
    }

    #[test]
    fn distances_are_in_the_ulps_of_the_format() {
        assert_eq!(Dtype::F32.ulps_between(1.0 + 2f64.powi(-23), 1.0), 1.0);
        assert_eq!(Dtype::F16.ulps_between(1.0, 1.0 + 2f64.powi(-10)), 1.0);
        assert_eq!(Dtype::Bf16.ulps_between(f64::NAN, 0.0), f64::INFINITY);
    }
}
