//! Two vectors side by side: a processor waits for the result of an operation on one while it works on
//! the other.

use super::lanes::{Lanes, MOST_LANES, Table};

/// Twice the lanes of other instructions.
#[derive(Clone, Copy)]
pub(crate) struct Twice<L>(pub L);

macro_rules! both {
    ($($name:ident($($x:ident: $kind:ident),+) -> $result:ident;)+) => {
        $(
            #[inline(always)]
            fn $name(self, $($x: Self::$kind),+) -> Self::$result {
                [self.0.$name($($x[0]),+), self.0.$name($($x[1]),+)]
            }
        )+
    };
}

impl<L: Lanes> Lanes for Twice<L> {
    const LANES: usize = 2 * L::LANES;
    type F = [L::F; 2];
    type U = [L::U; 2];
    type M = [L::M; 2];

    both! {
        add(x: F, y: F) -> F;
        sub(x: F, y: F) -> F;
        mul(x: F, y: F) -> F;
        div(x: F, y: F) -> F;
        sqrt(x: F) -> F;
        abs(x: F) -> F;
        fma(x: F, y: F, z: F) -> F;
        negated_fma(x: F, y: F, z: F) -> F;
        max(x: F, y: F) -> F;
        min(x: F, y: F) -> F;
        less(x: F, y: F) -> M;
        equal(x: F, y: F) -> M;
        and(x: M, y: M) -> M;
        or(x: M, y: M) -> M;
        select(mask: M, yes: F, no: F) -> F;
        bits(x: F) -> U;
        high_digit(at: U) -> U;
        exponents(at: U) -> U;
        scale(x: F, exponents: U) -> F;
    }

    #[inline(always)]
    fn splat(self, x: f64) -> Self::F {
        [self.0.splat(x); 2]
    }
    #[inline(always)]
    fn all(self, x: Self::M) -> bool {
        self.0.all(self.0.and(x[0], x[1]))
    }
    #[inline(always)]
    fn low_entry(self, table: &Table, at: Self::U) -> (Self::F, Self::F) {
        let (first, second) = (self.0.low_entry(table, at[0]), self.0.low_entry(table, at[1]));
        ([first.0, second.0], [first.1, second.1])
    }
    #[inline(always)]
    fn split(self, x: &[f64]) -> (&[Self::F], &[f64]) {
        let (whole, rest) = x.split_at(x.len() / Self::LANES * Self::LANES);
        (self.0.split(whole).0.as_chunks().0, rest)
    }
    #[inline(always)]
    fn split_mut(self, x: &mut [f64]) -> (&mut [Self::F], &mut [f64]) {
        let (whole, rest) = x.split_at_mut(x.len() / Self::LANES * Self::LANES);
        (self.0.split_mut(whole).0.as_chunks_mut().0, rest)
    }
    #[inline(always)]
    fn padded(self, x: &[f64], fill: f64) -> Self::F {
        let (first, second) = x.split_at(x.len().min(L::LANES));
        [self.0.padded(first, fill), self.0.padded(second, fill)]
    }
    #[inline(always)]
    fn lanes(self, x: Self::F) -> [f64; MOST_LANES] {
        let mut lanes = self.0.lanes(x[0]);
        lanes[L::LANES..Self::LANES].copy_from_slice(&self.0.lanes(x[1])[..L::LANES]);
        lanes
    }
}
