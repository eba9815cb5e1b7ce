//! The steps of the optimizers on vectors, under every convention.

use super::divisor::Loss;
use super::sifted::{Kept, OWN_ERROR, Scalar, Sifted, average, product, scaled};
use super::{MOST_OUTPUTS, Steps};
use crate::kernels::{Lanes, Vector};
use crate::optimizers::adam::{self, Amsgrad, BiasCorrection, Epsilon};
use crate::optimizers::decay::Decay;
use crate::optimizers::{adam_l2, adamw, lion, sgd};

/// β and 1 − β, which is rounded where it is computed or where it meets a tensor, and as a product
pub(super) fn weights(beta: f64, kept: Kept) -> [Scalar; 2] {
    [Scalar::kept(beta, kept), Scalar::exact(1.0 - beta).twice()]
}

/// Whether both numbers take part in each average.
fn averages(weights: [[Scalar; 2]; 2]) -> bool {
    weights.as_flattened().iter().all(|weight| weight.value != 0.0)
}

/// 1 − β^t
pub(super) fn bias(beta: f64, t: u64) -> f64 {
    -libm::expm1(t as f64 * libm::log(beta))
}

/// What a decay beside the gradient makes of θ and of what is subtracted from it.
#[derive(Clone, Copy)]
pub(super) enum Decayed {
    /// aθ − moved
    First(Scalar),
    /// a(θ − moved)
    Last(Scalar),
    /// (θ − moved)/a
    Divided(f64),
}

impl Decayed {
    /// One rate is all that an audit knows of: the schedule's first is this one.
    pub fn of(decay: Decay, eta: f64, lambda: f64, kept: Kept) -> Decayed {
        let left = Scalar::kept(1.0 - eta * lambda, kept);
        match decay {
            Decay::Joint => Decayed::First(left),
            Decay::After => Decayed::Last(left),
            Decay::Proximal => Decayed::Divided(1.0 + eta * lambda),
            Decay::Schedule | Decay::Absolute => Decayed::First(Scalar::kept(1.0 - lambda, kept)),
        }
    }

    /// Whether something is left of θ, from which something is subtracted.
    fn is_a_difference(self) -> bool {
        matches!(self, Decayed::First(left) if left.value != 0.0)
    }

    /// θ′
    #[inline(always)]
    pub fn step<L: Lanes, const CARE: bool>(self, theta: Vector<L>, moved: Sifted<L, CARE>) -> Sifted<L, CARE> {
        let difference = Sifted::given(theta).plus(moved.negated());
        match self {
            Decayed::First(left) => scaled(left, theta).plus(moved.negated()),
            Decayed::Last(left) => {
                let size = Vector::all(theta.0, left.value.abs());
                scaled(left, difference.value).with_those_of(difference, size)
            }
            Decayed::Divided(1.0) => difference,
            Decayed::Divided(by) => {
                let by = Vector::all(theta.0, by);
                let value = difference.value / by;
                let (terms, products) = (difference.terms / by + value.abs(), difference.products / by);
                Sifted { value, terms, products, ..difference }
            }
        }
    }
}

/// Adam's ratio, and a decay in the gradient or beside it.
pub(in crate::audit) struct Adam {
    beta1: [Scalar; 2],
    beta2: [Scalar; 2],
    /// η/(1 − β1^t)
    rate: f64,
    /// 1/(1 − β2^t)
    correction: f64,
    /// ε as it stands beside √v̂
    eps: f64,
    epsilon: Epsilon,
    amsgrad: Amsgrad,
    decayed: Decayed,
    /// λ, into the gradient
    l2: Scalar,
    /// What θ′ may lose.
    loss: Loss,
    /// What ε loses where it meets a tensor.
    eps_loss: f64,
}

impl Adam {
    fn new(hyper: adam::Hyper, choices: adam::Choices, eta: f64, t: u64, kept: Kept, loss: Loss) -> Adam {
        let adam::Hyper { beta1, beta2, eps } = hyper;
        let (bias1, bias2) = match choices.bias_correction {
            BiasCorrection::Both => (bias(beta1, t), bias(beta2, t)),
            BiasCorrection::None => (1.0, 1.0),
        };
        Adam {
            beta1: weights(beta1, kept),
            beta2: weights(beta2, kept),
            rate: eta / bias1,
            correction: 1.0 / bias2,
            eps: if choices.epsilon == Epsilon::Hat { eps / libm::sqrt(bias2) } else { eps },
            epsilon: choices.epsilon,
            amsgrad: choices.amsgrad,
            decayed: Decayed::First(Scalar::exact(1.0)),
            l2: Scalar::exact(0.0),
            loss,
            eps_loss: loss.of_scalar(eps),
        }
    }

    /// AdamW.
    pub fn decoupled(h: &adamw::Hyperparameters, eta: f64, t: u64, kept: Kept, loss: Loss) -> Adam {
        let decayed = Decayed::of(h.conventions.decay, eta, h.weight_decay, kept);
        Adam { decayed, ..Adam::new(h.adam(), h.conventions.choices(), eta, t, kept, loss) }
    }

    /// Adam with L2.
    pub fn with_l2(h: &adam_l2::Hyperparameters, eta: f64, t: u64, kept: Kept, loss: Loss) -> Adam {
        let l2 = Scalar::kept(h.weight_decay, kept);
        Adam { l2, ..Adam::new(h.adam(), h.conventions.choices(), eta, t, kept, loss) }
    }
}

/// The larger of a number that was given and one that was computed.
#[inline(always)]
fn larger<L: Lanes, const CARE: bool>(given: Vector<L>, computed: Sifted<L, CARE>) -> Sifted<L, CARE> {
    let zero = Vector::all(given.0, 0.0);
    let is_given = computed.value.less(given);
    Sifted {
        value: given.max(computed.value),
        terms: zero.or_where_not(is_given, computed.terms),
        products: zero.or_where_not(is_given, computed.products),
        ..computed
    }
}

/// 2^−8
const CANCELLED: f64 = 1.0 / 256.0;

impl Steps for Adam {
    fn needs_no_care(&self) -> bool {
        let plain = self.l2.value == 0.0 && self.amsgrad == Amsgrad::Off && self.decayed.is_a_difference();
        plain && self.rate > 0.0 && self.rate.is_finite() && averages([self.beta1, self.beta2])
    }

    #[inline(always)]
    fn step<L: Lanes, const CARE: bool>(
        &self,
        l: L,
        state: [Vector<L>; MOST_OUTPUTS],
        [gradient, _]: [Vector<L>; 2],
    ) -> [Sifted<L, CARE>; MOST_OUTPUTS] {
        let [theta, m, v, v_max] = state;
        let zero = Vector::all(l, 0.0);
        let given = Sifted::given(gradient);
        let g = if self.l2.value == 0.0 { given } else { given.plus(scaled(self.l2, theta)) };
        let m = average(self.beta1, m, g);
        let new_v = average(self.beta2, v, product(g.value, g.value));
        let correction = Vector::all(l, self.correction);
        let (v_hat, largest) = match self.amsgrad {
            Amsgrad::Off => (new_v.value * correction, Sifted::open(l)),
            // the larger one brings its own roundings along: none where it is the one that was given
            Amsgrad::Raw => {
                let largest = larger(v_max, new_v);
                (largest.value * correction, largest)
            }
            Amsgrad::Corrected => {
                let corrected = Sifted {
                    value: new_v.value * correction,
                    terms: new_v.terms * correction,
                    products: new_v.products * correction,
                    ..new_v
                };
                let largest = larger(v_max, corrected);
                (largest.value, largest)
            }
        };
        // what v̂ is off by, without what its correction adds
        let off = match self.amsgrad {
            Amsgrad::Off => self.loss.error(new_v) * correction,
            Amsgrad::Raw => self.loss.error(largest) * correction,
            Amsgrad::Corrected => self.loss.error(largest),
        };
        let denominator = match self.epsilon {
            Epsilon::Outside => self.loss.root(v_hat, off).plus(self.eps, self.eps_loss),
            Epsilon::Hat => self.loss.root(v_hat, off).plus(self.eps, 0.0),
            Epsilon::Root => self.loss.root(v_hat + Vector::all(l, self.eps), off),
            Epsilon::Max => self.loss.root(v_hat, off).or_larger(self.eps, 0.0),
        };
        let factor = Vector::all(l, self.rate) / denominator.value;
        let moved = self.loss.quotient(m, factor, denominator, self.rate);
        let new_theta = self.decayed.step(theta, moved);
        // of a gradient that λθ nearly cancels, plain f64 knows the square only roughly; and there is no step from
        // means of squares below 0
        let least = Vector::all(l, CANCELLED) * gradient.abs();
        let (cancelled, negative) = (g.value.abs().less(least), v.min(v_max).less(zero));
        let mut told = [new_theta, m, new_v, largest];
        if !CARE {
            let (nothing, one) = (m.value.equal(zero), Vector::all(l, 1.0));
            told[0] = told[0].open_where(nothing).open_where(denominator.value.equal(one)).open_where(v.less(zero));
            return told;
        }
        for k in [0, 2, 3] {
            told[k] = told[k].open_where(cancelled).open_where(negative);
        }
        told
    }
}

/// Lion.
pub(in crate::audit) struct Lion {
    beta1: [Scalar; 2],
    beta2: [Scalar; 2],
    eta: f64,
    decayed: Decayed,
}

impl Lion {
    pub fn new(h: &lion::Hyperparameters, eta: f64, kept: Kept) -> Lion {
        Lion {
            beta1: weights(h.beta1, kept),
            beta2: weights(h.beta2, kept),
            eta,
            decayed: Decayed::of(h.conventions.decay, eta, h.weight_decay, kept),
        }
    }
}

impl Steps for Lion {
    fn needs_no_care(&self) -> bool {
        self.eta > 0.0 && self.decayed.is_a_difference() && averages([self.beta1, self.beta2])
    }

    #[inline(always)]
    fn step<L: Lanes, const CARE: bool>(
        &self,
        l: L,
        state: [Vector<L>; MOST_OUTPUTS],
        [gradient, _]: [Vector<L>; 2],
    ) -> [Sifted<L, CARE>; MOST_OUTPUTS] {
        let [theta, m, ..] = state;
        let (zero, eta) = (Vector::all(l, 0.0), Vector::all(l, self.eta));
        let c: Sifted<L, CARE> = average(self.beta1, m, Sifted::given(gradient));
        let moved = eta.or_where_not(zero.less(c.value), (-eta).or_where_not(c.value.less(zero), zero));
        let new_theta = self.decayed.step(theta, Sifted::given(moved));
        // the sign of a sum is known where it is large beside what was added, and where nothing was rounded
        let unsure = c.value.abs() - c.terms * Vector::all(l, OWN_ERROR);
        let unsure = Vector::all(l, 1.0).or_where_not(c.terms.equal(zero), unsure);
        let new_theta = new_theta.open_where(unsure.less(Vector::all(l, f64::MIN_POSITIVE)));
        [new_theta, average(self.beta2, m, Sifted::given(gradient)), Sifted::open(l), Sifted::open(l)]
    }
}

/// SGD with momentum.
pub(in crate::audit) struct Sgd {
    momentum: Scalar,
    /// 1 − dampening
    rest: Scalar,
    nesterov: bool,
    l2: Scalar,
    eta: f64,
    first: bool,
}

impl Sgd {
    /// A step of rate η, the t-th.
    pub fn new(h: &sgd::Hyperparameters, eta: f64, t: u64, kept: Kept) -> Sgd {
        Sgd {
            momentum: Scalar::kept(h.momentum, kept),
            rest: Scalar::kept(1.0 - h.dampening, kept),
            nesterov: h.nesterov,
            l2: Scalar::kept(h.weight_decay, kept),
            eta,
            first: t == 1 || h.momentum == 0.0,
        }
    }
}

impl Steps for Sgd {
    #[inline(always)]
    fn step<L: Lanes, const CARE: bool>(
        &self,
        l: L,
        state: [Vector<L>; MOST_OUTPUTS],
        [gradient, _]: [Vector<L>; 2],
    ) -> [Sifted<L, CARE>; MOST_OUTPUTS] {
        let [theta, buf, ..] = state;
        let g = Sifted::given(gradient).plus(scaled(self.l2, theta));
        let new = scaled(self.rest, g.value).with_those_of(g, Vector::all(l, self.rest.value.abs()));
        // a state that takes no part must be one all the same
        let given = Sifted { value: g.value + buf * Vector::all(l, 0.0), ..g };
        let buf = if self.first { given } else { scaled(self.momentum, buf).plus(new) };
        let ahead = scaled(self.momentum, buf.value).with_those_of(buf, Vector::all(l, self.momentum.value.abs()));
        let direction = if self.nesterov { g.plus(ahead) } else { buf };
        let eta = Vector::all(l, self.eta);
        let moved = product(eta, direction.value).with_those_of(direction, eta);
        [Sifted::given(theta).plus(moved.negated()), buf, Sifted::open(l), Sifted::open(l)]
    }
}
