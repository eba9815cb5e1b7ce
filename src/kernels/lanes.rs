//! Vectors of f64 as numbers with operators, so that a kernel is written once and reads like its
//! formula: one lane without the feature `fast`, and the widths of the processor with it.
//!
//! Every operation is exact IEEE arithmetic, so a kernel gives the same bits per lane at any width.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// How many lanes the widest vector has.
pub(crate) const MOST_LANES: usize = 16;

/// Sixteen pairs, once together and once apart: as different instructions look them up.
// only AVX-512 wants them apart
#[cfg_attr(not(all(feature = "fast", target_arch = "x86_64")), allow(dead_code))]
pub(crate) struct Table {
    pub pairs: [[f64; 2]; 16],
    pub his: [f64; 16],
    pub los: [f64; 16],
}

impl Table {
    pub const fn new(pairs: [[f64; 2]; 16]) -> Table {
        let (mut his, mut los) = ([0.0; 16], [0.0; 16]);
        let mut i = 0;
        while i < 16 {
            [his[i], los[i]] = pairs[i];
            i += 1;
        }
        Table { pairs, his, los }
    }
}

/// A set of instructions on vectors of f64.
pub(crate) trait Lanes: Copy {
    /// How many numbers a vector has.
    const LANES: usize;
    /// A vector of numbers.
    type F: Copy;
    /// The bits of a vector.
    type U: Copy;
    /// Yes or no for each lane.
    type M: Copy;

    fn splat(self, x: f64) -> Self::F;
    fn add(self, x: Self::F, y: Self::F) -> Self::F;
    fn sub(self, x: Self::F, y: Self::F) -> Self::F;
    fn mul(self, x: Self::F, y: Self::F) -> Self::F;
    fn div(self, x: Self::F, y: Self::F) -> Self::F;
    fn sqrt(self, x: Self::F) -> Self::F;
    fn abs(self, x: Self::F) -> Self::F;
    /// xy + z, rounded once
    fn fma(self, x: Self::F, y: Self::F, z: Self::F) -> Self::F;
    /// −xy + z, rounded once
    fn negated_fma(self, x: Self::F, y: Self::F, z: Self::F) -> Self::F;
    fn max(self, x: Self::F, y: Self::F) -> Self::F;
    fn min(self, x: Self::F, y: Self::F) -> Self::F;
    fn less(self, x: Self::F, y: Self::F) -> Self::M;
    fn equal(self, x: Self::F, y: Self::F) -> Self::M;
    fn and(self, x: Self::M, y: Self::M) -> Self::M;
    fn or(self, x: Self::M, y: Self::M) -> Self::M;
    fn all(self, x: Self::M) -> bool;
    fn select(self, mask: Self::M, yes: Self::F, no: Self::F) -> Self::F;

    /// The bits of each number.
    fn bits(self, x: Self::F) -> Self::U;
    /// The entry at bits 0 to 3 of each lane.
    fn low_entry(self, table: &Table, at: Self::U) -> (Self::F, Self::F);
    /// Bits 4 and up, moved to 0 and up.
    fn high_digit(self, at: Self::U) -> Self::U;
    /// Bits 8 to 19 as a change of exponent, −2048 to 2047.
    fn exponents(self, at: Self::U) -> Self::U;
    /// x·2^n for normal x and x·2^n, with n from `exponents`.
    fn scale(self, x: Self::F, exponents: Self::U) -> Self::F;

    /// The whole vectors of a list, and what is left.
    fn split(self, x: &[f64]) -> (&[Self::F], &[f64]);
    /// The whole vectors of a list, and what is left.
    fn split_mut(self, x: &mut [f64]) -> (&mut [Self::F], &mut [f64]);
    /// The first lanes from a list that is shorter than a vector, the others filled.
    fn padded(self, x: &[f64], fill: f64) -> Self::F;
    /// The numbers of a vector, in its first lanes.
    fn lanes(self, x: Self::F) -> [f64; MOST_LANES];
}

/// A vector that can be computed with.
#[derive(Clone, Copy)]
pub(crate) struct Vector<L: Lanes>(pub L, pub L::F);

impl<L: Lanes> Vector<L> {
    /// The same number in all lanes.
    #[inline(always)]
    pub fn all(l: L, x: f64) -> Self {
        Vector(l, l.splat(x))
    }

    /// self·y + z, rounded once
    #[inline(always)]
    pub fn fma(self, y: Self, z: Self) -> Self {
        Vector(self.0, self.0.fma(self.1, y.1, z.1))
    }

    /// z − self·y, rounded once
    #[inline(always)]
    pub fn fma_from(self, y: Self, z: Self) -> Self {
        Vector(self.0, self.0.negated_fma(self.1, y.1, z.1))
    }

    #[inline(always)]
    pub fn sqrt(self) -> Self {
        Vector(self.0, self.0.sqrt(self.1))
    }

    #[inline(always)]
    pub fn abs(self) -> Self {
        Vector(self.0, self.0.abs(self.1))
    }

    #[inline(always)]
    pub fn max(self, y: Self) -> Self {
        Vector(self.0, self.0.max(self.1, y.1))
    }

    #[inline(always)]
    pub fn min(self, y: Self) -> Self {
        Vector(self.0, self.0.min(self.1, y.1))
    }

    #[inline(always)]
    pub fn less(self, y: Self) -> L::M {
        self.0.less(self.1, y.1)
    }

    #[inline(always)]
    pub fn equal(self, y: Self) -> L::M {
        self.0.equal(self.1, y.1)
    }

    /// Lanes of self where the mask says yes, of `no` elsewhere.
    #[inline(always)]
    pub fn or_where_not(self, mask: L::M, no: Self) -> Self {
        Vector(self.0, self.0.select(mask, self.1, no.1))
    }
}

impl<L: Lanes> Add for Vector<L> {
    type Output = Self;
    #[inline(always)]
    fn add(self, y: Self) -> Self {
        Vector(self.0, self.0.add(self.1, y.1))
    }
}

impl<L: Lanes> Sub for Vector<L> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, y: Self) -> Self {
        Vector(self.0, self.0.sub(self.1, y.1))
    }
}

impl<L: Lanes> Mul for Vector<L> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, y: Self) -> Self {
        Vector(self.0, self.0.mul(self.1, y.1))
    }
}

impl<L: Lanes> Div for Vector<L> {
    type Output = Self;
    #[inline(always)]
    fn div(self, y: Self) -> Self {
        Vector(self.0, self.0.div(self.1, y.1))
    }
}

impl<L: Lanes> Neg for Vector<L> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Vector(self.0, self.0.negated_fma(self.1, self.0.splat(1.0), self.0.splat(-0.0)))
    }
}

/// One lane, on any processor.
#[derive(Clone, Copy)]
pub(crate) struct One;

impl Lanes for One {
    const LANES: usize = 1;
    type F = f64;
    type U = u64;
    type M = bool;

    #[inline(always)]
    fn splat(self, x: f64) -> f64 {
        x
    }
    #[inline(always)]
    fn add(self, x: f64, y: f64) -> f64 {
        x + y
    }
    #[inline(always)]
    fn sub(self, x: f64, y: f64) -> f64 {
        x - y
    }
    #[inline(always)]
    fn mul(self, x: f64, y: f64) -> f64 {
        x * y
    }
    #[inline(always)]
    fn div(self, x: f64, y: f64) -> f64 {
        x / y
    }
    #[inline(always)]
    fn sqrt(self, x: f64) -> f64 {
        x.sqrt()
    }
    #[inline(always)]
    fn abs(self, x: f64) -> f64 {
        x.abs()
    }
    #[inline(always)]
    fn fma(self, x: f64, y: f64, z: f64) -> f64 {
        x.mul_add(y, z)
    }
    #[inline(always)]
    fn negated_fma(self, x: f64, y: f64, z: f64) -> f64 {
        (-x).mul_add(y, z)
    }
    #[inline(always)]
    fn max(self, x: f64, y: f64) -> f64 {
        if x > y { x } else { y }
    }
    #[inline(always)]
    fn min(self, x: f64, y: f64) -> f64 {
        if x < y { x } else { y }
    }
    #[inline(always)]
    fn less(self, x: f64, y: f64) -> bool {
        x < y
    }
    #[inline(always)]
    fn equal(self, x: f64, y: f64) -> bool {
        x == y
    }
    #[inline(always)]
    fn and(self, x: bool, y: bool) -> bool {
        x & y
    }
    #[inline(always)]
    fn or(self, x: bool, y: bool) -> bool {
        x | y
    }
    #[inline(always)]
    fn all(self, x: bool) -> bool {
        x
    }
    #[inline(always)]
    fn select(self, mask: bool, yes: f64, no: f64) -> f64 {
        if mask { yes } else { no }
    }
    #[inline(always)]
    fn bits(self, x: f64) -> u64 {
        x.to_bits()
    }
    #[inline(always)]
    fn low_entry(self, table: &Table, at: u64) -> (f64, f64) {
        table.pairs[(at & 15) as usize].into()
    }
    #[inline(always)]
    fn high_digit(self, at: u64) -> u64 {
        at >> 4
    }
    #[inline(always)]
    fn exponents(self, at: u64) -> u64 {
        (at >> 8) << 52
    }
    #[inline(always)]
    fn scale(self, x: f64, exponents: u64) -> f64 {
        f64::from_bits(x.to_bits().wrapping_add(exponents))
    }
    #[inline(always)]
    fn split(self, x: &[f64]) -> (&[f64], &[f64]) {
        (x, &[])
    }
    #[inline(always)]
    fn split_mut(self, x: &mut [f64]) -> (&mut [f64], &mut [f64]) {
        (x, &mut [])
    }
    #[inline(always)]
    fn padded(self, x: &[f64], fill: f64) -> f64 {
        x.first().copied().unwrap_or(fill)
    }
    #[inline(always)]
    fn lanes(self, x: f64) -> [f64; MOST_LANES] {
        let mut lanes = [0.0; MOST_LANES];
        lanes[0] = x;
        lanes
    }
}
