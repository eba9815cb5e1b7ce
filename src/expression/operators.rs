//! Ordinary operators on handles, with whole numbers on either side.
//!
//! Building simplifies what is true in every field (x + 0, 1·x, 0·x, −(−x), constants), so that
//! derivatives stay readable; it never reorders or cancels.

use super::graph::{Builder, Expr, Node, NodeId, constant, with_builder};
use num_rational::BigRational;
use num_traits::{One, Zero};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// Constants with more bits are left to whoever interprets the graph, so that no chain of products exhausts the
/// memory while it is written down.
const LARGEST_BITS: u64 = 1 << 12;

fn bits(value: &BigRational) -> u64 {
    value.numer().bits() + value.denom().bits()
}

impl Expr {
    /// e^x
    pub fn exp(self) -> Expr {
        Expr::made(Node::Exp(self.in_this_build()), |_| None)
    }

    /// The natural logarithm.
    pub fn ln(self) -> Expr {
        Expr::made(Node::Ln(self.in_this_build()), |_| None)
    }

    /// √x
    pub fn sqrt(self) -> Expr {
        Expr::made(Node::Sqrt(self.in_this_build()), |_| None)
    }

    /// sin x
    pub fn sin(self) -> Expr {
        Expr::made(Node::Sin(self.in_this_build()), |_| None)
    }

    /// cos x
    pub fn cos(self) -> Expr {
        Expr::made(Node::Cos(self.in_this_build()), |_| None)
    }

    /// ln(1 + x) as one operation of an algorithm.
    pub fn ln_1p(self) -> Expr {
        Expr::made(Node::Ln1p(self.in_this_build()), |_| None)
    }

    /// e^x − 1 as one operation of an algorithm.
    pub fn exp_m1(self) -> Expr {
        Expr::made(Node::ExpM1(self.in_this_build()), |_| None)
    }

    /// xⁿ for a whole n; x⁰ is 1.
    pub fn powi(self, n: i64) -> Expr {
        let id = self.in_this_build();
        match n {
            0 => constant(1),
            1 => self,
            _ => Expr::made(Node::Power(id, n), |b| {
                let value = b.constant(id)?;
                // larger powers are left to whoever interprets the graph
                let small = i32::try_from(n).ok().filter(|n| n.unsigned_abs() <= 64)?;
                if value.is_zero() && n < 0 || bits(value).saturating_mul(n.unsigned_abs()) > LARGEST_BITS {
                    return None;
                }
                let value = value.pow(small);
                Some(b.constant_id(value))
            }),
        }
    }

    /// The same number as a node of its own, by which one can differentiate.
    pub(crate) fn renamed(self) -> Expr {
        Expr::made(Node::Sum(vec![self.in_this_build()]), |_| None)
    }

    /// x²
    pub fn squared(self) -> Expr {
        self.powi(2)
    }
}

/// The n-ary sum behind `+` and `sum`.
pub(super) fn sum_of(terms: Vec<NodeId>) -> Expr {
    with_builder(|b| {
        let mut constants = BigRational::zero();
        let mut rest = Vec::with_capacity(terms.len());
        for id in terms {
            match b.constant(id) {
                Some(value) if bits(&constants) + bits(value) <= LARGEST_BITS => constants += value,
                _ => rest.push(id),
            }
        }
        if !constants.is_zero() || rest.is_empty() {
            rest.push(b.constant_id(constants));
        }
        match rest[..] {
            [only] => b.handle(only),
            _ => b.intern(Node::Sum(rest)),
        }
    })
}

/// The two constants, where both are and what comes of them has a moderate size.
fn small_constants(b: &Builder, x: NodeId, y: NodeId) -> Option<(&BigRational, &BigRational)> {
    let (a, c) = (b.constant(x)?, b.constant(y)?);
    (bits(a) + bits(c) <= LARGEST_BITS).then_some((a, c))
}

impl Add for Expr {
    type Output = Expr;
    fn add(self, other: Expr) -> Expr {
        sum_of(vec![self.in_this_build(), other.in_this_build()])
    }
}

impl Neg for Expr {
    type Output = Expr;
    fn neg(self) -> Expr {
        let id = self.in_this_build();
        Expr::made(Node::Negation(id), |b| {
            if let Some(value) = b.constant(id) {
                let value = -value.clone();
                return Some(b.constant_id(value));
            }
            b.negated(id)
        })
    }
}

impl Sub for Expr {
    type Output = Expr;
    fn sub(self, other: Expr) -> Expr {
        self + -other
    }
}

impl Mul for Expr {
    type Output = Expr;
    fn mul(self, other: Expr) -> Expr {
        let (x, y) = (self.in_this_build(), other.in_this_build());
        Expr::made(Node::Product(x, y), |b| {
            if let Some((a, c)) = small_constants(b, x, y) {
                let value = a * c;
                return Some(b.constant_id(value));
            }
            if b.is_zero(x) || b.is_one(y) {
                return Some(x);
            }
            (b.is_zero(y) || b.is_one(x)).then_some(y)
        })
    }
}

impl Div for Expr {
    type Output = Expr;
    fn div(self, other: Expr) -> Expr {
        let (x, y) = (self.in_this_build(), other.in_this_build());
        Expr::made(Node::Quotient(x, y), |b| {
            if b.is_zero(y) {
                return None;
            }
            if let Some((a, c)) = small_constants(b, x, y) {
                let value = if c.is_one() { a.clone() } else { a / c };
                return Some(b.constant_id(value));
            }
            (b.is_zero(x) || b.is_one(y)).then_some(x)
        })
    }
}

macro_rules! with_whole_numbers {
    ($($operator:ident $method:ident),*) => {$(
        impl $operator<i64> for Expr {
            type Output = Expr;
            fn $method(self, other: i64) -> Expr {
                self.$method(constant(other))
            }
        }
        impl $operator<Expr> for i64 {
            type Output = Expr;
            fn $method(self, other: Expr) -> Expr {
                constant(self).$method(other)
            }
        }
    )*};
}
with_whole_numbers!(Add add, Sub sub, Mul mul, Div div);
