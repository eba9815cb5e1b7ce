//! Similarities and their derivatives without rounding, for deciding whether two are equal.

use super::CLAMP;
use super::pair::{Divisor, Pair, Side};
use crate::number::Dyadic;

/// n/√m, exactly: what similarities and their derivatives are.
#[derive(Clone, Debug)]
pub(in crate::losses) struct Surd {
    n: Dyadic,
    m: Dyadic,
}

impl Surd {
    /// Whether this is 0.
    pub fn is_zero(&self) -> bool {
        self.n.is_zero()
    }

    /// −n/√m
    pub fn negated(&self) -> Surd {
        Surd { n: -&self.n, m: self.m.clone() }
    }
}

impl PartialEq for Surd {
    /// Of one sign, and n²m' = n'²m.
    fn eq(&self, other: &Surd) -> bool {
        let squared = |x: &Dyadic| x * x;
        self.n.sign() == other.n.sign() && &squared(&self.n) * &other.m == &squared(&other.n) * &self.m
    }
}

/// The products of a pair, without rounding.
#[derive(Clone, Debug)]
pub(super) struct Products {
    inner: Dyadic,
    xx: Dyadic,
    yy: Dyadic,
    /// m_x m_y
    divisor: Dyadic,
}

impl Pair<'_> {
    fn products(&self) -> &Products {
        self.exact.get_or_init(|| {
            let (x, y) = (self.x.own, self.y.own);
            let (inner, xx, yy) = (Dyadic::dot(x, y), Dyadic::dot(x, x), Dyadic::dot(y, y));
            let square = |side: &Side, square: &Dyadic| match side.divisor {
                Divisor::One => Dyadic::of(1.0),
                Divisor::Norm => square.clone(),
                Divisor::Clamp => &Dyadic::of(CLAMP) * &Dyadic::of(CLAMP),
            };
            let divisor = &square(&self.x, &xx) * &square(&self.y, &yy);
            Products { inner, xx, yy, divisor }
        })
    }

    /// sim(x, y)
    pub fn exactly(&self) -> Surd {
        Surd { n: self.products().inner.clone(), m: self.products().divisor.clone() }
    }

    /// ∂sim/∂x_i
    pub fn d_x_exactly(&self, i: usize) -> Surd {
        self.slope_exactly(&self.x, &self.y, &self.products().xx, i)
    }

    /// ∂sim/∂y_i
    pub fn d_y_exactly(&self, i: usize) -> Surd {
        self.slope_exactly(&self.y, &self.x, &self.products().yy, i)
    }

    /// other_i/√(m_x m_y), or (‖own‖² other_i − (x·y) own_i)/(‖own‖² √(m_x m_y))
    fn slope_exactly(&self, own: &Side, other: &Side, square: &Dyadic, i: usize) -> Surd {
        let Products { inner, divisor, .. } = self.products();
        let other_i = Dyadic::of(other.own[i]);
        if own.divisor != Divisor::Norm {
            return Surd { n: other_i, m: divisor.clone() };
        }
        let n = &(square * &other_i) - &(inner * &Dyadic::of(own.own[i]));
        Surd { n, m: &(square * square) * divisor }
    }
}
