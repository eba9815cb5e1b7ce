//! Arithmetic of a narrow dtype, every operation rounded, sums in a stated order: what a correct
//! implementation computes, in software.

use super::float::nearest;
use super::{Abstention, Arithmetic, Branches, Dtype, Outcome, Role, Sign, power_by_squaring};
use num_rational::BigRational;

/// The order in which a sum is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// From the first term to the last.
    Forward,
    /// From the last term to the first.
    Backward,
    /// Eight running sums over every eighth term, then these.
    EightLanes,
    /// Halves, halved again.
    Pairwise,
}

impl Order {
    /// Every order.
    pub const ALL: [Order; 4] = [Order::Forward, Order::Backward, Order::EightLanes, Order::Pairwise];
}

/// A number with its role.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Simulated {
    /// The value, which the dtype holds.
    pub value: f64,
    /// Whose arithmetic it is in.
    pub role: Role,
}

/// Arithmetic in a dtype, scalars in f64.
///
/// +, −, ·, / and √ are correctly rounded: an f64 result rounded once more is right for formats of
/// at most 25 bits (Figueroa 1995). Elementary functions are f64's, rounded.
#[derive(Clone, Copy, Debug)]
pub struct InDtype {
    /// The dtype of tensors.
    pub dtype: Dtype,
    /// The order of sums.
    pub order: Order,
}

impl InDtype {
    fn role(xs: &[&Simulated]) -> Role {
        if xs.iter().any(|x| x.role == Role::Tensor) { Role::Tensor } else { Role::Scalar }
    }

    fn rounded(&self, value: f64, role: Role) -> Simulated {
        Simulated { value: if role == Role::Tensor { self.dtype.round(value) } else { value }, role }
    }

    fn of(&self, x: &Simulated, function: fn(f64) -> f64) -> Outcome<Simulated> {
        Ok(self.rounded(function(x.value), x.role))
    }

    fn added(&self, terms: &[f64], role: Role) -> f64 {
        let add = |a: f64, b: f64| self.rounded(a + b, role).value;
        let run = |terms: &mut dyn Iterator<Item = f64>| terms.reduce(add).unwrap_or(0.0);
        match self.order {
            Order::Forward => run(&mut terms.iter().copied()),
            Order::Backward => run(&mut terms.iter().rev().copied()),
            Order::EightLanes => {
                let lane = |i: usize| run(&mut terms.iter().skip(i).step_by(8).copied());
                run(&mut (0..terms.len().min(8)).map(lane))
            }
            Order::Pairwise if terms.len() <= 2 => run(&mut terms.iter().copied()),
            Order::Pairwise => {
                let (left, right) = terms.split_at(terms.len() / 2);
                add(self.added(left, role), self.added(right, role))
            }
        }
    }
}

impl Arithmetic for InDtype {
    type Number = Simulated;

    fn name(&self) -> &'static str {
        "a dtype's arithmetic"
    }
    fn constant(&mut self, value: &BigRational) -> Outcome<Simulated> {
        Ok(Simulated { value: nearest(value)?, role: Role::Scalar })
    }
    fn pi(&mut self) -> Outcome<Simulated> {
        Ok(Simulated { value: std::f64::consts::PI, role: Role::Scalar })
    }
    fn negate(&mut self, x: &Simulated) -> Outcome<Simulated> {
        Ok(Simulated { value: -x.value, role: x.role })
    }
    fn sum(&mut self, terms: &[&Simulated]) -> Outcome<Simulated> {
        let role = InDtype::role(terms);
        let held: Vec<f64> = terms.iter().map(|x| self.rounded(x.value, role).value).collect();
        Ok(Simulated { value: self.added(&held, role), role })
    }
    fn product(&mut self, x: &Simulated, y: &Simulated) -> Outcome<Simulated> {
        let role = InDtype::role(&[x, y]);
        Ok(self.rounded(self.rounded(x.value, role).value * self.rounded(y.value, role).value, role))
    }
    fn quotient(&mut self, x: &Simulated, y: &Simulated) -> Outcome<Simulated> {
        let role = InDtype::role(&[x, y]);
        Ok(self.rounded(self.rounded(x.value, role).value / self.rounded(y.value, role).value, role))
    }
    fn power(&mut self, x: &Simulated, n: i64) -> Outcome<Simulated> {
        power_by_squaring(self, x, n)
    }
    fn exp(&mut self, x: &Simulated) -> Outcome<Simulated> {
        self.of(x, libm::exp)
    }
    fn ln(&mut self, x: &Simulated) -> Outcome<Simulated> {
        self.of(x, libm::log)
    }
    fn sqrt(&mut self, x: &Simulated) -> Outcome<Simulated> {
        self.of(x, f64::sqrt)
    }
    fn sin(&mut self, x: &Simulated) -> Outcome<Simulated> {
        self.of(x, libm::sin)
    }
    fn cos(&mut self, x: &Simulated) -> Outcome<Simulated> {
        self.of(x, libm::cos)
    }
    fn ln_1p(&mut self, x: &Simulated) -> Outcome<Simulated> {
        self.of(x, libm::log1p)
    }
    fn exp_m1(&mut self, x: &Simulated) -> Outcome<Simulated> {
        self.of(x, libm::expm1)
    }
    fn maximum(&mut self, values: &[&Simulated]) -> Outcome<Simulated> {
        let role = InDtype::role(values);
        Ok(self.rounded(values.iter().map(|x| x.value).fold(f64::NEG_INFINITY, f64::max), role))
    }
    fn select(&mut self, of: &Simulated, branches: Branches<Simulated>) -> Outcome<Simulated> {
        let sign = self.sign(of)?;
        let chosen = branches.at(sign).clone()?;
        // what is selected element by element is a tensor, also where it is a scalar for each
        let role = InDtype::role(&[&chosen, of]);
        Ok(self.rounded(chosen.value, role))
    }
    fn sign(&mut self, x: &Simulated) -> Outcome<Sign> {
        match x.value.partial_cmp(&0.0) {
            Some(std::cmp::Ordering::Less) => Ok(Sign::Negative),
            Some(std::cmp::Ordering::Equal) => Ok(Sign::Zero),
            Some(std::cmp::Ordering::Greater) => Ok(Sign::Positive),
            None => Err(Abstention::new("the sign of NaN")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::{Graph, constant, sum, variables};
    use crate::number::evaluate_all;

    fn summed(values: &[f64], dtype: Dtype, order: Order) -> f64 {
        let graph = Graph::build(|| vec![sum(variables("x", values.len()))]);
        let inputs: Vec<Simulated> = values.iter().map(|&value| Simulated { value, role: Role::Tensor }).collect();
        evaluate_all(&graph, &mut InDtype { dtype, order }, &inputs).unwrap()[0].value
    }

    #[test]
    fn sums_are_those_of_native_loops() {
        let values: Vec<f32> = (0..1000).map(|i| (i as f32 * 0.37).sin() * 3.0).collect();
        let wide: Vec<f64> = values.iter().map(|&x| f64::from(x)).collect();
        let forward: f32 = values.iter().copied().reduce(|a, b| a + b).unwrap();
        let backward: f32 = values.iter().rev().copied().reduce(|a, b| a + b).unwrap();
        let lane = |i: usize| values.iter().skip(i).step_by(8).copied().reduce(|a, b| a + b).unwrap();
        let lanes: f32 = (0..8).map(lane).reduce(|a, b| a + b).unwrap();
        assert_eq!(summed(&wide, Dtype::F32, Order::Forward), f64::from(forward));
        assert_eq!(summed(&wide, Dtype::F32, Order::Backward), f64::from(backward));
        assert_eq!(summed(&wide, Dtype::F32, Order::EightLanes), f64::from(lanes));
        assert_ne!(forward, backward);
    }

    #[test]
    fn bf16_loses_a_small_addend_and_a_scalar_stays_in_f64() {
        // 256 + 1 is not a bf16 number
        assert_eq!(summed(&[256.0, 1.0], Dtype::Bf16, Order::Forward), 256.0);
        let scalars = Graph::build(|| vec![constant(1) / 3 + 256]);
        let value = evaluate_all(&scalars, &mut InDtype { dtype: Dtype::Bf16, order: Order::Forward }, &[]).unwrap()[0];
        assert_eq!(value, Simulated { value: 256.0 + 1.0 / 3.0, role: Role::Scalar });
    }
}
