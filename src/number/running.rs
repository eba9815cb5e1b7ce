//! Running error analysis: how far any correct implementation in a dtype can be from the real value.
//!
//! A [`Running`] number is a real number x, known to lie within `enclosure` of `value`, together with
//! `bound`: whatever a correct implementation computes for it, x̂, has |x̂ − x| ≤ bound. Every
//! operation adds what its operands bring along and what its own rounding may add, at the unit
//! roundoff u of the dtype (Higham, *Accuracy and Stability of Numerical Algorithms*, 3.3). A correct
//! implementation here is one that
//!
//! - rounds every operation on tensors once in their dtype, or less often (fused, or kept wider);
//! - sums in any order;
//! - keeps scalar hyperparameters, and what is computed from them alone, in a stated format, and
//!   rounds a scalar to the dtype where it meets a tensor;
//! - may divide by a scalar by multiplying with its rounded reciprocal, as PyTorch's CUDA kernels do;
//! - has elementary functions within [`ELEMENTARY_ULPS`], which may flush a result to zero that is not
//!   a normal number;
//! - takes the other branch of a selection only where rounding leaves the sign of its condition open.
//!
//! Where no finite bound follows, the number abstains: nothing is promised.

use super::float::nearest;
use super::{Abstention, Arithmetic, Branches, Dtype, Outcome, Role, Rounded, Rounding, Sign, power_by_squaring};
use num_rational::BigRational;

/// The largest error of exp, ln, sin and cos in ulps of the result. CUDA's libdevice states 2 for f32
/// (CUDA C++ Programming Guide, mathematical functions), SLEEF's u10 functions 1, glibc below 1;
/// PyTorch's vectorised `exp_u20` is meant to be within 2.
pub const ELEMENTARY_ULPS: f64 = 2.0;

/// A real number with how well it is known and how far an implementation may be from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Running {
    /// About the real number.
    pub value: f64,
    /// |real − value| ≤ enclosure
    pub enclosure: f64,
    /// |computed − real| ≤ bound
    pub bound: f64,
    /// Whose arithmetic it is in.
    pub role: Role,
}

impl Running {
    /// An input that implementations are given exactly.
    pub fn exact(value: f64, role: Role) -> Running {
        Running { value, enclosure: 0.0, bound: 0.0, role }
    }

    /// The largest size of the real number.
    fn size(&self) -> f64 {
        up(self.value.abs() + self.enclosure)
    }

    /// The largest size of what is computed.
    fn computed_size(&self) -> f64 {
        up(self.size() + self.bound)
    }

    /// The smallest size of the real number.
    fn least(&self) -> f64 {
        (self.value.abs() - self.enclosure).next_down()
    }

    fn enclosed(&self) -> Rounded {
        Rounded { value: self.value, bound: self.enclosure }
    }

    fn is_exactly(&self, value: f64) -> bool {
        self.value == value && self.enclosure == 0.0 && self.bound == 0.0
    }

    fn is_exactly_one(&self) -> bool {
        self.is_exactly(1.0) || self.is_exactly(-1.0)
    }
}

/// The running error at a dtype, with scalars in a format of their own.
#[derive(Clone, Copy, Debug)]
pub struct RunningError {
    /// The dtype of tensors.
    pub tensor: Dtype,
    /// The format of scalar hyperparameters: f64 in PyTorch.
    pub scalar: Dtype,
}

fn up(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.next_up() }
}

/// The sum of nonnegative numbers, rounded up.
fn up_sum(terms: impl IntoIterator<Item = f64>) -> f64 {
    terms.into_iter().fold(0.0, |sum, x| up(sum + x))
}

impl RunningError {
    /// PyTorch's: tensors in this dtype, scalars in f64.
    pub fn of(tensor: Dtype) -> RunningError {
        RunningError { tensor, scalar: Dtype::F64 }
    }

    fn format(&self, role: Role) -> Dtype {
        if role == Role::Tensor { self.tensor } else { self.scalar }
    }

    /// An input scalar: a format narrower than f64 rounds it.
    pub fn given(&self, value: f64, role: Role) -> Running {
        let exact = Running::exact(value, role);
        if role == Role::Scalar && self.scalar != Dtype::F64 {
            return Running { bound: (value - self.scalar.round(value)).abs(), ..exact };
        }
        exact
    }

    /// A result as it is kept in a tensor.
    pub fn stored(&self, x: &Running) -> Running {
        self.cast(x, Role::Tensor)
    }

    /// One rounding of a computed number of this size.
    fn rounding(&self, size: f64, role: Role) -> f64 {
        let format = self.format(role);
        // half of f64's smallest is no f64
        let underflow = (format.smallest() / 2.0).max(f64::from_bits(1));
        up(up(format.unit() * size) + underflow)
    }

    fn elementary(&self, size: f64, role: Role) -> f64 {
        let format = self.format(role);
        // an ulp is at most 2u relative
        up(up(ELEMENTARY_ULPS * 2.0 * format.unit() * size) + format.smallest_normal())
    }

    /// The operands with the role of their result: a scalar that meets a tensor is rounded to its
    /// dtype.
    fn met<const N: usize>(&self, operands: [&Running; N]) -> ([Running; N], Role) {
        let role = common(operands);
        (operands.map(|x| self.cast(x, role)), role)
    }

    fn cast(&self, x: &Running, role: Role) -> Running {
        let needed = x.role != role && !is_held(x, self.tensor);
        let bound = if needed { up(x.bound + self.rounding(x.computed_size(), role)) } else { x.bound };
        Running { bound, role, ..*x }
    }

    /// The number, if what is computed stays in the range of its format.
    fn checked(&self, enclosed: Rounded, bound: f64, role: Role) -> Outcome<Running> {
        let x = Running { value: enclosed.value, enclosure: enclosed.bound, bound, role };
        if x.computed_size() <= self.format(role).largest() {
            Ok(x)
        } else {
            Err(Abstention::new(format!("a result that may leave the range of {}", self.format(role))))
        }
    }
}

fn common<'a>(operands: impl IntoIterator<Item = &'a Running>) -> Role {
    if operands.into_iter().any(|x| x.role == Role::Tensor) { Role::Tensor } else { Role::Scalar }
}

/// Whether a number is one that the format holds, so that nothing is lost by a cast.
fn is_held(x: &Running, format: Dtype) -> bool {
    x.enclosure == 0.0 && x.bound == 0.0 && format.round(x.value) == x.value
}

impl Arithmetic for RunningError {
    type Number = Running;

    fn name(&self) -> &'static str {
        "numbers with a running error bound"
    }

    fn constant(&mut self, value: &BigRational) -> Outcome<Running> {
        let enclosed = { Rounding::F64 }.constant(value)?;
        let near = nearest(value)?;
        let exact = enclosed.bound == 0.0 && self.scalar.round(near) == near;
        let bound = if exact { 0.0 } else { self.rounding(near.abs(), Role::Scalar) };
        self.checked(enclosed, bound, Role::Scalar)
    }

    fn pi(&mut self) -> Outcome<Running> {
        let enclosed = { Rounding::F64 }.pi()?;
        self.checked(enclosed, self.rounding(enclosed.value, Role::Scalar), Role::Scalar)
    }

    fn negate(&mut self, x: &Running) -> Outcome<Running> {
        Ok(Running { value: -x.value, ..*x })
    }

    fn sum(&mut self, terms: &[&Running]) -> Outcome<Running> {
        let role = common(terms.iter().copied());
        let terms: Vec<Running> = terms.iter().map(|x| self.cast(x, role)).collect();
        let enclosed: Vec<Rounded> = terms.iter().map(Running::enclosed).collect();
        let enclosed = { Rounding::F64 }.sum(&enclosed.iter().collect::<Vec<_>>())?;
        let carried = up_sum(terms.iter().map(|x| x.bound));
        let added: Vec<&Running> = terms.iter().filter(|x| !x.is_exactly(0.0)).collect();
        let unit = self.format(role).unit();
        let roundoff = match added.len() {
            0 | 1 => 0.0,
            // a single addition is within half an ulp, and exact where it underflows
            2 => up(unit * up_sum([enclosed.value.abs(), enclosed.bound, carried])),
            // any order of n − 1 additions: (n−1)u/(1 − (n−1)u) Σ|x̂|
            n => {
                let steps = (n - 1) as f64 * unit;
                if steps >= 0.5 {
                    return Err(Abstention::new(format!("a sum of {n} terms in {}", self.format(role))));
                }
                up(up(steps / (1.0 - steps)) * up_sum(added.iter().map(|x| x.computed_size())))
            }
        };
        self.checked(enclosed, up_sum([carried, roundoff]), role)
    }

    fn product(&mut self, x: &Running, y: &Running) -> Outcome<Running> {
        let ([x, y], role) = self.met([x, y]);
        if x.is_exactly(0.0) || y.is_exactly(0.0) {
            return Ok(Running::exact(0.0, role));
        }
        let enclosed = { Rounding::F64 }.product(&x.enclosed(), &y.enclosed())?;
        let carried = up_sum([up(x.size() * y.bound), up(y.size() * x.bound), up(x.bound * y.bound)]);
        let exact = x.is_exactly_one() || y.is_exactly_one();
        let roundoff = if exact { 0.0 } else { self.rounding(up(x.computed_size() * y.computed_size()), role) };
        self.checked(enclosed, up_sum([carried, roundoff]), role)
    }

    fn quotient(&mut self, x: &Running, y: &Running) -> Outcome<Running> {
        let by_scalar = x.role == Role::Tensor && y.role == Role::Scalar;
        let ([x, y], role) = self.met([x, y]);
        let least = (y.least() - y.bound).next_down();
        if least <= 0.0 {
            return Err(Abstention::new("a division by what may be computed as zero"));
        }
        if x.is_exactly(0.0) {
            return Ok(Running::exact(0.0, role));
        }
        let enclosed = { Rounding::F64 }.quotient(&x.enclosed(), &y.enclosed())?;
        let size = up(enclosed.value.abs() + enclosed.bound);
        // x̂/ŷ − x/y = ((x̂ − x) − (x/y)(ŷ − y))/ŷ
        let carried = up(up_sum([x.bound, up(size * y.bound)]) / least);
        let mut roundoff = if y.is_exactly_one() { 0.0 } else { self.rounding(up_sum([size, carried]), role) };
        if by_scalar {
            // twice, and a second time of what the first has added
            roundoff = up(up(2.0 * roundoff) * (1.0 + self.format(role).unit()));
        }
        self.checked(enclosed, up_sum([carried, roundoff]), role)
    }

    fn power(&mut self, x: &Running, n: i64) -> Outcome<Running> {
        power_by_squaring(self, x, n)
    }

    fn exp(&mut self, x: &Running) -> Outcome<Running> {
        if x.is_exactly(0.0) {
            return Ok(Running::exact(1.0, x.role));
        }
        let enclosed = { Rounding::F64 }.exp(&x.enclosed())?;
        let size = up(enclosed.value + enclosed.bound);
        // e^x̂ is within e^x (e^|x̂ − x| − 1) of e^x; 4 ulps cover expm1 and the product
        let carried = up(size * libm::expm1(x.bound) * (1.0 + 4.0 * f64::EPSILON));
        let own = self.elementary(up_sum([size, carried]), x.role);
        self.checked(enclosed, up_sum([carried, own]), x.role)
    }

    fn ln(&mut self, x: &Running) -> Outcome<Running> {
        let least = (x.value - x.enclosure).next_down() - x.bound;
        if least <= 0.0 {
            return Err(Abstention::new("the logarithm of what may be computed as zero or less"));
        }
        if x.is_exactly(1.0) {
            return Ok(Running::exact(0.0, x.role));
        }
        let enclosed = { Rounding::F64 }.ln(&x.enclosed())?;
        let carried = up(x.bound / least.next_down());
        let own = self.elementary(up_sum([enclosed.value.abs(), enclosed.bound, carried]), x.role);
        self.checked(enclosed, up_sum([carried, own]), x.role)
    }

    fn sqrt(&mut self, x: &Running) -> Outcome<Running> {
        if x.is_exactly(0.0) {
            return Ok(*x);
        }
        let least = (x.value - x.enclosure).next_down();
        if least - x.bound < 0.0 {
            return Err(Abstention::new("the square root of what may be computed as negative"));
        }
        let enclosed = { Rounding::F64 }.sqrt(&x.enclosed())?;
        // |√x̂ − √x| = |x̂ − x|/(√x̂ + √x)
        let carried = if x.bound == 0.0 { 0.0 } else { up(x.bound / least.max(0.0).sqrt().next_down()) };
        let own = self.rounding(up_sum([enclosed.value, enclosed.bound, carried]), x.role);
        self.checked(enclosed, up_sum([carried, own]), x.role)
    }

    fn sin(&mut self, x: &Running) -> Outcome<Running> {
        let enclosed = { Rounding::F64 }.sin(&x.enclosed())?;
        let own = self.elementary(up_sum([enclosed.value.abs(), enclosed.bound, x.bound]), x.role);
        self.checked(enclosed, up_sum([x.bound, own]), x.role)
    }

    fn cos(&mut self, x: &Running) -> Outcome<Running> {
        let enclosed = { Rounding::F64 }.cos(&x.enclosed())?;
        let own = self.elementary(up_sum([enclosed.value.abs(), enclosed.bound, x.bound]), x.role);
        self.checked(enclosed, up_sum([x.bound, own]), x.role)
    }

    fn ln_1p(&mut self, x: &Running) -> Outcome<Running> {
        let least = ((1.0 + x.value).next_down() - x.enclosure).next_down() - x.bound;
        if least <= 0.0 {
            return Err(Abstention::new("ln(1 + x) of what may be computed as −1 or less"));
        }
        let enclosed = { Rounding::F64 }.ln_1p(&x.enclosed())?;
        let carried = up(x.bound / least.next_down());
        let own = self.elementary(up_sum([enclosed.value.abs(), enclosed.bound, carried]), x.role);
        self.checked(enclosed, up_sum([carried, own]), x.role)
    }

    fn exp_m1(&mut self, x: &Running) -> Outcome<Running> {
        let enclosed = { Rounding::F64 }.exp_m1(&x.enclosed())?;
        let size = up(enclosed.value.abs() + enclosed.bound);
        let carried = up((size + 1.0) * libm::expm1(x.bound) * (1.0 + 4.0 * f64::EPSILON));
        let own = self.elementary(up_sum([size, carried]), x.role);
        self.checked(enclosed, up_sum([carried, own]), x.role)
    }

    fn maximum(&mut self, values: &[&Running]) -> Outcome<Running> {
        let role = common(values.iter().copied());
        let values: Vec<Running> = values.iter().map(|x| self.cast(x, role)).collect();
        let enclosed: Vec<Rounded> = values.iter().map(Running::enclosed).collect();
        let enclosed = { Rounding::F64 }.maximum(&enclosed.iter().collect::<Vec<_>>())?;
        // max is 1-Lipschitz in the largest change of an operand
        self.checked(enclosed, values.iter().map(|x| x.bound).fold(0.0, f64::max), role)
    }

    fn sign(&mut self, x: &Running) -> Outcome<Sign> {
        match possible_signs(x.value, up(x.enclosure + x.bound))[..] {
            [sign] => Ok(sign),
            _ => Err(Abstention::new("a sign that rounding leaves open")),
        }
    }

    /// Where the sign is open, what is computed may be any branch that it can select.
    fn select(&mut self, of: &Running, branches: Branches<Running>) -> Outcome<Running> {
        let reals = possible_signs(of.value, of.enclosure);
        let computed = possible_signs(of.value, up(of.enclosure + of.bound));
        let taken: Vec<Running> = computed.iter().map(|&sign| branches.at(sign).clone()).collect::<Outcome<_>>()?;
        // what is selected element by element is a tensor, also where it is a scalar for each
        let role = common(taken.iter().chain([of]));
        let first = branches.at(reals[0]).clone()?;
        let from_first = |x: &Running| if x.value == first.value { 0.0 } else { up((x.value - first.value).abs()) };
        let mut enclosure = first.enclosure;
        for sign in reals {
            let real = branches.at(sign).clone()?;
            enclosure = enclosure.max(up_sum([from_first(&real), real.enclosure]));
        }
        // x̂ is near its own branch, and the real number near the first
        let bound = match taken[..] {
            [only] => self.cast(&only, role).bound,
            _ => {
                let apart = |x: &Running| up_sum([from_first(x), x.enclosure, self.cast(x, role).bound]);
                up_sum([taken.iter().map(apart).fold(0.0, f64::max), enclosure])
            }
        };
        self.checked(Rounded { value: first.value, bound: enclosure }, bound, role)
    }
}

/// The signs of the numbers within `radius` of `value`.
fn possible_signs(value: f64, radius: f64) -> Vec<Sign> {
    if value > radius {
        vec![Sign::Positive]
    } else if -value > radius {
        vec![Sign::Negative]
    } else if radius == 0.0 {
        vec![Sign::Zero]
    } else {
        vec![Sign::Negative, Sign::Zero, Sign::Positive]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::{Expr, Graph, ratio, sign, softmax, variable, variables};
    use crate::number::evaluate_all;

    fn tensor(values: &[f64]) -> Vec<Running> {
        values.iter().map(|&x| Running::exact(x, Role::Tensor)).collect()
    }

    fn bounds(dtype: Dtype, inputs: &[Running], formula: impl FnOnce() -> Vec<Expr>) -> Outcome<Vec<Running>> {
        evaluate_all(&Graph::build(formula), &mut RunningError::of(dtype), inputs)
    }

    #[test]
    fn a_single_product_has_half_an_ulp() {
        let x = bounds(Dtype::Bf16, &tensor(&[1.5, 1.0078125]), || {
            let x = variables("x", 2);
            vec![x[0] * x[1]]
        });
        let product = x.unwrap()[0];
        assert_eq!(product.value, 1.51171875);
        assert!(product.bound <= 1.001 * 2f64.powi(-8) * 1.52 && product.bound >= 2f64.powi(-8) * 1.51);
    }

    #[test]
    fn scalars_are_computed_in_f64_and_rounded_where_they_meet_a_tensor() {
        let scalar = Running::exact(0.1, Role::Scalar);
        let inputs = [tensor(&[1.0]), vec![scalar]].concat();
        let [alone, met] = bounds(Dtype::F32, &inputs, || {
            let (x, s) = (variable("x"), variable("s"));
            vec![1 - s * s, x + s]
        })
        .unwrap()[..] else {
            panic!("two outputs")
        };
        assert!(alone.bound < 1e-15 && alone.role == Role::Scalar);
        assert!(met.bound > 6e-9 && met.bound < 1e-7 && met.role == Role::Tensor);
    }

    #[test]
    fn a_sum_that_is_too_long_for_the_dtype_promises_nothing() {
        let long = tensor(&vec![1.0; 200]);
        let summed = || vec![crate::expression::sum(variables("x", 200))];
        assert!(bounds(Dtype::Bf16, &long, summed).is_err());
        assert!(bounds(Dtype::F32, &long, summed).is_ok());
    }

    #[test]
    fn an_open_sign_allows_every_branch() {
        let open = Running { bound: 0.5, ..Running::exact(0.25, Role::Tensor) };
        let chosen = bounds(Dtype::F32, &[open], || vec![sign(variable("x"))]).unwrap()[0];
        assert_eq!(chosen.value, 1.0);
        assert!(chosen.bound >= 2.0 && chosen.bound < 2.001);
        let closed = bounds(Dtype::F32, &tensor(&[0.25]), || vec![sign(variable("x"))]).unwrap()[0];
        assert_eq!(closed.bound, 0.0);
    }

    #[test]
    fn what_leaves_the_range_of_f16_is_not_promised() {
        let squared = |x: f64, dtype| bounds(dtype, &tensor(&[x]), || vec![variable("x").squared()]);
        assert!(squared(300.0, Dtype::F16).is_err());
        assert!(squared(200.0, Dtype::F16).is_ok() && squared(300.0, Dtype::Bf16).is_ok());
        assert!(bounds(Dtype::F16, &tensor(&[-1000.0, 1000.0]), || softmax(&variables("x", 2))).is_err());
    }

    #[test]
    fn f32_hyperparameters_bring_their_own_error() {
        let arithmetic = RunningError { tensor: Dtype::F32, scalar: Dtype::F32 };
        let beta = arithmetic.given(0.999, Role::Scalar);
        assert_eq!(beta.bound, (0.999 - f64::from(0.999f32)).abs());
        let graph = Graph::build(|| vec![1 - variable("beta"), ratio(1, 10) + 0]);
        let outputs = evaluate_all(&graph, &mut { arithmetic }, &[beta]).unwrap();
        // 1 − β is a thousandth, with β's error: some 1e-5 of it
        assert!(outputs[0].bound / outputs[0].value > 1e-6);
        assert!(outputs[1].bound >= (0.1 - f64::from(0.1f32)).abs());
    }
}
