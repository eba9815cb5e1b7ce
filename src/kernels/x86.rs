//! The vectors of x86-64: four lanes with AVX2, eight with AVX-512.

use super::lanes::{Lanes, MOST_LANES, Table};
use pulp::bytemuck::{cast, cast_slice};
use pulp::x86::{V3, V4};
use pulp::{Simd, f64x4, f64x8, u64x4, u64x8};
use std::arch::x86_64::{__m128d, __m512d, __m512i};

macro_rules! arithmetic {
    ($width:ident, $vector:ident, $bits:ident, $lanes:literal) => {
        const LANES: usize = $lanes;
        type F = $vector;
        type U = $bits;
        type M = <$width as Simd>::m64s;

        #[inline(always)]
        fn splat(self, x: f64) -> Self::F {
            self.splat_f64s(x)
        }
        #[inline(always)]
        fn add(self, x: Self::F, y: Self::F) -> Self::F {
            self.add_f64s(x, y)
        }
        #[inline(always)]
        fn sub(self, x: Self::F, y: Self::F) -> Self::F {
            self.sub_f64s(x, y)
        }
        #[inline(always)]
        fn mul(self, x: Self::F, y: Self::F) -> Self::F {
            self.mul_f64s(x, y)
        }
        #[inline(always)]
        fn div(self, x: Self::F, y: Self::F) -> Self::F {
            self.div_f64s(x, y)
        }
        #[inline(always)]
        fn sqrt(self, x: Self::F) -> Self::F {
            self.sqrt_f64s(x)
        }
        #[inline(always)]
        fn abs(self, x: Self::F) -> Self::F {
            self.abs_f64s(x)
        }
        #[inline(always)]
        fn fma(self, x: Self::F, y: Self::F, z: Self::F) -> Self::F {
            self.mul_add_f64s(x, y, z)
        }
        #[inline(always)]
        fn max(self, x: Self::F, y: Self::F) -> Self::F {
            self.max_f64s(x, y)
        }
        #[inline(always)]
        fn min(self, x: Self::F, y: Self::F) -> Self::F {
            self.min_f64s(x, y)
        }
        #[inline(always)]
        fn less(self, x: Self::F, y: Self::F) -> Self::M {
            self.less_than_f64s(x, y)
        }
        #[inline(always)]
        fn equal(self, x: Self::F, y: Self::F) -> Self::M {
            self.equal_f64s(x, y)
        }
        #[inline(always)]
        fn and(self, x: Self::M, y: Self::M) -> Self::M {
            self.and_m64s(x, y)
        }
        #[inline(always)]
        fn or(self, x: Self::M, y: Self::M) -> Self::M {
            self.or_m64s(x, y)
        }
        #[inline(always)]
        fn select(self, mask: Self::M, yes: Self::F, no: Self::F) -> Self::F {
            self.select_f64s(mask, yes, no)
        }
        #[inline(always)]
        fn bits(self, x: Self::F) -> Self::U {
            cast(x)
        }
        #[inline(always)]
        fn scale(self, x: Self::F, exponents: Self::U) -> Self::F {
            cast(self.add_u64s(cast(x), exponents))
        }
        #[inline(always)]
        fn split(self, x: &[f64]) -> (&[Self::F], &[f64]) {
            $width::as_simd_f64s(x)
        }
        #[inline(always)]
        fn split_mut(self, x: &mut [f64]) -> (&mut [Self::F], &mut [f64]) {
            $width::as_mut_simd_f64s(x)
        }
        #[inline(always)]
        fn padded(self, x: &[f64], fill: f64) -> Self::F {
            let mut lanes = [fill; $lanes];
            lanes.iter_mut().zip(x).for_each(|(lane, x)| *lane = *x);
            cast(lanes)
        }
        #[inline(always)]
        fn lanes(self, x: Self::F) -> [f64; MOST_LANES] {
            let mut lanes = [0.0; MOST_LANES];
            lanes[..$lanes].copy_from_slice(cast_slice(std::slice::from_ref(&x)));
            lanes
        }
    };
}

impl Lanes for V3 {
    arithmetic!(V3, f64x4, u64x4, 4);

    #[inline(always)]
    fn negated_fma(self, x: f64x4, y: f64x4, z: f64x4) -> f64x4 {
        cast(self.fma._mm256_fnmadd_pd(cast(x), cast(y), cast(z)))
    }
    #[inline(always)]
    fn all(self, x: Self::M) -> bool {
        self.avx._mm256_movemask_pd(cast(self.transmute_u64s_m64s(x))) == 15
    }
    #[inline(always)]
    fn low_entry(self, table: &Table, at: u64x4) -> (f64x4, f64x4) {
        let pair = |at: u64| cast::<[f64; 2], __m128d>(table.pairs[(at & 15) as usize]);
        let two = |low: u64, high: u64| {
            let low = self.avx._mm256_castpd128_pd256(pair(low));
            self.avx._mm256_insertf128_pd::<1>(low, pair(high))
        };
        let (even, odd) = (two(at.0, at.2), two(at.1, at.3));
        (cast(self.avx._mm256_unpacklo_pd(even, odd)), cast(self.avx._mm256_unpackhi_pd(even, odd)))
    }
    #[inline(always)]
    fn high_digit(self, at: u64x4) -> u64x4 {
        self.shr_const_u64x4::<4>(at)
    }
    #[inline(always)]
    fn exponents(self, at: u64x4) -> u64x4 {
        self.shl_const_u64x4::<52>(self.shr_const_u64x4::<8>(at))
    }
}

impl Lanes for V4 {
    arithmetic!(V4, f64x8, u64x8, 8);

    #[inline(always)]
    fn negated_fma(self, x: f64x8, y: f64x8, z: f64x8) -> f64x8 {
        cast(self.avx512f._mm512_fnmadd_pd(cast(x), cast(y), cast(z)))
    }
    #[inline(always)]
    fn all(self, x: Self::M) -> bool {
        x.0 == 0xff
    }
    #[inline(always)]
    fn low_entry(self, table: &Table, at: u64x8) -> (f64x8, f64x8) {
        let at: __m512i = cast(at);
        let entry = |table: [f64; 16]| {
            let [low, high]: [__m512d; 2] = cast(table);
            cast(self.avx512f._mm512_permutex2var_pd(low, at, high))
        };
        (entry(table.his), entry(table.los))
    }
    #[inline(always)]
    fn high_digit(self, at: u64x8) -> u64x8 {
        self.shr_const_u64x8::<4>(at)
    }
    #[inline(always)]
    fn exponents(self, at: u64x8) -> u64x8 {
        self.shl_const_u64x8::<52>(self.shr_const_u64x8::<8>(at))
    }
}
