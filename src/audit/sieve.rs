//! A quick look at an element: the step in plain f64, and a part of the budget that is certain.
//!
//! Nearly every element of a right step is told by it. What it does not let through is judged by the
//! oracle and the whole budget, so that a verdict never rests on the sieve alone: it may only let through
//! what the budget allows, and a test holds it to that.

use crate::kernels::{Instructions, Kernel, Lanes};
use crate::number::Dtype;
use crate::optimizers::adam::{BiasCorrection, Epsilon};
use crate::optimizers::decay::Decay;
use crate::optimizers::{adam, adam_l2, adamw, lion, sgd};

/// The most numbers that a step changes: θ and its moments.
pub(super) const MOST_OUTPUTS: usize = 4;

/// One element before a step, with its gradient.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    pub theta: f64,
    pub g: f64,
    pub moments: [f64; MOST_OUTPUTS - 1],
}

/// A number after the step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sifted {
    /// In plain f64, with an error of at most 2^−40 `terms`: exact where they are 0.
    pub value: f64,
    /// A sum of sizes of which every correct implementation may lose the unit roundoff once: the budget
    /// is at least u·`terms`.
    pub terms: f64,
    /// Whether a product is among what is rounded, which may underflow by half of the smallest number.
    pub products: bool,
}

/// Nothing is certain: the budget decides.
const OPEN: Sifted = Sifted { value: f64::NAN, terms: 0.0, products: false };

/// A step of an optimizer in plain f64.
pub(super) trait Rule: Send + Sync {
    /// θ′ and the new moments.
    fn step(&self, x: &Before) -> [Sifted; MOST_OUTPUTS];

    /// How far off every element of a block is, at the number where it is furthest, as [`Sifted::off`] says it.
    fn sift(&self, columns: &Columns, off: &mut [f64]);
}

/// The numbers of a block, each list as long as the block.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub gradient: Vec<f64>,
    /// θ and the moments; zeros where a state is missing.
    pub before: [Vec<f64>; MOST_OUTPUTS],
    /// θ′ and the new moments; anything where the files have none.
    pub after: [Vec<f64>; MOST_OUTPUTS],
    /// The dtypes of what the files have after the step.
    pub dtypes: [Option<Dtype>; MOST_OUTPUTS],
}

impl Columns {
    /// What one element starts from.
    pub fn before(&self, i: usize) -> Before {
        let [theta, m, v, v_max] = &self.before;
        Before { theta: theta[i], g: self.gradient[i], moments: [m[i], v[i], v_max[i]] }
    }
}

/// The loop of [`Rule::sift`], for whatever vectors the processor has.
struct Sift<'a, R> {
    rule: &'a R,
    columns: &'a Columns,
    off: &'a mut [f64],
}

impl<R: Rule> Kernel for Sift<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let (n, columns) = (self.off.len(), self.columns);
        let [theta, m, v, v_max] = columns.before.each_ref().map(|list| &list[..n]);
        let (g, after) = (&columns.gradient[..n], columns.after.each_ref().map(|list| &list[..n]));
        let scales = columns.dtypes.map(|dtype| dtype.map(Scale::of));
        for i in 0..n {
            let before = Before { theta: theta[i], g: g[i], moments: [m[i], v[i], v_max[i]] };
            let sifted = self.rule.step(&before);
            let mut furthest = 0.0;
            for k in 0..MOST_OUTPUTS {
                let off = scales[k].map_or(0.0, |scale| sifted[k].off(after[k][i], scale));
                furthest = if off > furthest { off } else { furthest };
            }
            self.off[i] = furthest;
        }
    }
}

/// What a dtype may lose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    unit: f64,
    /// Half of the smallest number.
    underflow: f64,
}

impl Scale {
    /// That of a dtype; of f64 nothing can be told.
    pub fn of(dtype: Dtype) -> Scale {
        match dtype.stored() {
            Dtype::F64 => Scale { unit: f64::NAN, underflow: 0.0 },
            _ => Scale { unit: dtype.unit(), underflow: 0.5 * dtype.smallest() },
        }
    }
}

impl Sifted {
    /// How far a found number is from this one, in parts of what is certainly allowed: at most 1 is
    /// within the budget.
    #[inline(always)]
    pub fn off(&self, found: f64, scale: Scale) -> f64 {
        let error = (found - self.value).abs();
        let underflow = if self.products { scale.underflow } else { 0.0 };
        let off = error / ((scale.unit - OWN_ERROR) * self.terms + underflow);
        // with NaN nothing is certain, but where nothing is rounded and nothing is off
        let off = if off <= f64::MAX { off } else { f64::INFINITY };
        if error == 0.0 && scale.unit > 0.0 { 0.0 } else { off }
    }
}

/// The sieve's own error in parts of the terms.
const OWN_ERROR: f64 = 1.0 / (1u64 << 40) as f64;

/// x + y, each with sizes that are certainly rounded; a zero is added without a rounding.
#[inline(always)]
fn sum(x: Sifted, y: Sifted) -> Sifted {
    let value = x.value + y.value;
    let own = if x.value == 0.0 || y.value == 0.0 { 0.0 } else { value.abs() };
    Sifted { value, terms: own + x.terms + y.terms, products: x.products || y.products }
}

/// xy, rounded once, but where one of them is ±1
#[inline(always)]
fn product(x: f64, y: f64) -> Sifted {
    let value = x * y;
    let products = value != 0.0 && x.abs() != 1.0 && y.abs() != 1.0;
    Sifted { value, terms: if products { value.abs() } else { 0.0 }, products }
}

/// A hyperparameter times a number: where no dtype below f64 holds the hyperparameter, it is rounded as well.
#[inline(always)]
fn scaled(scalar: f64, x: f64) -> Sifted {
    let product = product(scalar, x);
    let inexact = f64::from(scalar as f32) != scalar;
    Sifted { terms: if inexact { 2.0 * product.terms } else { product.terms }, ..product }
}

/// β·x + (1 − β)·y, of which y brings its own roundings along
#[inline(always)]
fn average(beta: f64, x: f64, y: Sifted) -> Sifted {
    let new = scaled(1.0 - beta, y.value);
    sum(scaled(beta, x), Sifted { terms: new.terms + (1.0 - beta) * y.terms, ..new })
}

#[inline(always)]
fn given(x: f64) -> Sifted {
    Sifted { value: x, terms: 0.0, products: false }
}

/// Whether a sum is large enough beside what was added that plain f64 knows its sign.
#[inline(always)]
fn is_told(sum: &Sifted) -> bool {
    sum.value.abs() > OWN_ERROR * sum.terms
}

/// θ(1 − ηλ) − moved
#[inline(always)]
fn decayed(theta: f64, decay: f64, moved: Sifted) -> Sifted {
    sum(scaled(1.0 - decay, theta), Sifted { value: -moved.value, ..moved })
}

/// Adam's ratio with plain averages, and a decay by the joint form.
pub(super) struct Adam {
    beta1: f64,
    beta2: f64,
    eps: f64,
    /// η/(1 − β1^t)
    rate: f64,
    /// 1 − β2^t
    bias2: f64,
    epsilon: Epsilon,
    /// ηλ, decoupled
    decay: f64,
    /// λ, into the gradient
    l2: f64,
}

/// 1 − β^t
fn bias(beta: f64, t: u64) -> f64 {
    -libm::expm1(t as f64 * libm::log(beta))
}

impl Adam {
    fn new(hyper: adam::Hyper, epsilon: Epsilon, correction: BiasCorrection, eta: f64, t: u64) -> Adam {
        let adam::Hyper { beta1, beta2, eps } = hyper;
        let (bias1, bias2) = match correction {
            BiasCorrection::Both => (bias(beta1, t), bias(beta2, t)),
            BiasCorrection::None => (1.0, 1.0),
        };
        Adam { beta1, beta2, eps, rate: eta / bias1, bias2, epsilon, decay: 0.0, l2: 0.0 }
    }

    /// AdamW, under conventions that the sieve knows.
    pub fn decoupled(h: &adamw::Hyperparameters, eta: f64, t: u64) -> Option<Adam> {
        let c = h.conventions;
        let known = c.decay == Decay::Joint && c.amsgrad == adam::Amsgrad::Off;
        let adam = Adam::new(h.adam(), c.epsilon, c.bias_correction, eta, t);
        known.then_some(Adam { decay: eta * h.weight_decay, ..adam })
    }

    /// Adam with L2, under conventions that the sieve knows.
    pub fn with_l2(h: &adam_l2::Hyperparameters, eta: f64, t: u64) -> Option<Adam> {
        let c = h.conventions;
        let known = c.amsgrad == adam::Amsgrad::Off;
        let adam = Adam::new(h.adam(), c.epsilon, c.bias_correction, eta, t);
        known.then_some(Adam { l2: h.weight_decay, ..adam })
    }
}

impl Rule for Adam {
    fn sift(&self, columns: &Columns, off: &mut [f64]) {
        Instructions::widest().run(Sift { rule: self, columns, off });
    }

    #[inline(always)]
    fn step(&self, x: &Before) -> [Sifted; MOST_OUTPUTS] {
        let g = sum(given(x.g), scaled(self.l2, x.theta));
        let square = product(g.value, g.value);
        let m = average(self.beta1, x.moments[0], g);
        let v = average(self.beta2, x.moments[1], square);
        let v_hat = v.value / self.bias2;
        let denominator = match self.epsilon {
            Epsilon::Outside => v_hat.sqrt() + self.eps,
            Epsilon::Hat => v_hat.sqrt() + self.eps / self.bias2.sqrt(),
            Epsilon::Root => (v_hat + self.eps).sqrt(),
            Epsilon::Max => v_hat.sqrt().max(self.eps),
        };
        // the quotient and the product with the rate are rounded, and m′ brings its roundings along
        let factor = self.rate / denominator;
        let moved = factor * m.value;
        let terms = factor * m.terms + 2.0 * moved.abs();
        let theta = decayed(x.theta, self.decay, Sifted { value: moved, terms, products: terms > 0.0 });
        // of a gradient that λθ nearly cancels, plain f64 knows the square only roughly
        let told = g.value.abs() >= CANCELLED * x.g.abs() && x.moments[1] >= 0.0;
        if told { [theta, m, v, OPEN] } else { [OPEN, m, OPEN, OPEN] }
    }
}

/// 2^−8
const CANCELLED: f64 = 1.0 / 256.0;

/// Lion.
pub(super) struct Lion {
    beta1: f64,
    beta2: f64,
    eta: f64,
    decay: f64,
}

impl Lion {
    /// Lion, under conventions that the sieve knows.
    pub fn new(h: &lion::Hyperparameters, eta: f64) -> Option<Lion> {
        let known = h.conventions.decay == Decay::Joint;
        known.then_some(Lion { beta1: h.beta1, beta2: h.beta2, eta, decay: eta * h.weight_decay })
    }
}

impl Rule for Lion {
    fn sift(&self, columns: &Columns, off: &mut [f64]) {
        Instructions::widest().run(Sift { rule: self, columns, off });
    }

    #[inline(always)]
    fn step(&self, x: &Before) -> [Sifted; MOST_OUTPUTS] {
        let c = average(self.beta1, x.moments[0], given(x.g));
        let theta = decayed(x.theta, self.decay, given(self.eta * c.value.signum()));
        let m = average(self.beta2, x.moments[0], given(x.g));
        [if is_told(&c) { theta } else { OPEN }, m, OPEN, OPEN]
    }
}

/// SGD with momentum.
pub(super) struct Sgd {
    h: sgd::Hyperparameters,
    eta: f64,
    first: bool,
}

impl Sgd {
    /// A step of rate η, the t-th.
    pub fn new(h: &sgd::Hyperparameters, eta: f64, t: u64) -> Sgd {
        Sgd { h: *h, eta, first: t == 1 || h.momentum == 0.0 }
    }
}

impl Rule for Sgd {
    fn sift(&self, columns: &Columns, off: &mut [f64]) {
        Instructions::widest().run(Sift { rule: self, columns, off });
    }

    #[inline(always)]
    fn step(&self, x: &Before) -> [Sifted; MOST_OUTPUTS] {
        let sgd::Hyperparameters { momentum, dampening, nesterov, weight_decay, .. } = self.h;
        let g = sum(given(x.g), scaled(weight_decay, x.theta));
        let new = scaled(1.0 - dampening, g.value);
        let new = Sifted { terms: new.terms + (1.0 - dampening) * g.terms, ..new };
        let buf = if self.first { g } else { sum(scaled(momentum, x.moments[0]), new) };
        let ahead = scaled(momentum, buf.value);
        let ahead = Sifted { terms: ahead.terms + momentum * buf.terms, ..ahead };
        let direction = if nesterov { sum(g, ahead) } else { buf };
        let moved = product(self.eta, direction.value);
        let moved = Sifted { terms: moved.terms + self.eta * direction.terms, ..moved };
        [decayed(x.theta, 0.0, moved), buf, OPEN, OPEN]
    }
}
