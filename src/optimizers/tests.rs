//! The loops over vectors against the update rules on wide numbers, bit for bit.

use crate::error::{Error, Result};
use crate::kernels::Instructions;
use crate::optimizers::adam::{Amsgrad, BiasCorrection, Epsilon};
use crate::optimizers::decay::Decay;
use crate::optimizers::flat::{Engine, Flat};
use crate::optimizers::{adam_l2, adamw, lion, sgd, sophia};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The same numbers on every run.
struct Draw(ChaCha8Rng);

impl Draw {
    fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    /// A number of some kind.
    fn of(&mut self, kind: usize) -> f64 {
        let x = self.unit();
        match kind {
            ORDINARY => x,
            ZEROS => 0.0,
            SUBNORMAL => x * 1e-310,
            TINY => x * 1e-160,
            HUGE => x * 1e150,
            WHOLE => (8.0 * x).round(),
            STUCK => f64::from_bits((self.0.next_u64() % 8) | (self.0.next_u64() << 63)),
            _ => {
                let kind = self.0.next_u64() % 7;
                self.of(kind as usize)
            }
        }
    }

    fn list(&mut self, n: usize, kind: usize) -> Vec<f64> {
        (0..n).map(|_| self.of(kind)).collect()
    }
}

const ORDINARY: usize = 0;
const ZEROS: usize = 1;
const SUBNORMAL: usize = 2;
const TINY: usize = 3;
const HUGE: usize = 4;
/// Numbers of few digits, of which averages and differences are often half way between two f64.
const WHOLE: usize = 5;
/// The few smallest subnormal numbers, where the moments of a parameter without gradients come to rest.
const STUCK: usize = 6;
const ANY: usize = 7;

/// The kinds of θ, the moments and g that are tried together.
const KINDS: [[usize; 3]; 12] = [
    [ORDINARY, ORDINARY, ORDINARY],
    [ORDINARY, ZEROS, ORDINARY],
    [ORDINARY, ORDINARY, ZEROS],
    [ORDINARY, ZEROS, ZEROS],
    [ZEROS, ZEROS, ZEROS],
    [ZEROS, ORDINARY, ORDINARY],
    [ORDINARY, STUCK, ZEROS],
    [ORDINARY, TINY, TINY],
    [SUBNORMAL, SUBNORMAL, SUBNORMAL],
    [WHOLE, WHOLE, WHOLE],
    [HUGE, HUGE, HUGE],
    [ANY, ANY, ANY],
];

/// A tensor to be moved.
#[derive(Clone)]
struct Tensor {
    theta: Vec<f64>,
    g: Vec<f64>,
    moments: Vec<Vec<f64>>,
    estimate: Option<Vec<f64>>,
    t: u64,
    lr: f64,
}

impl Tensor {
    fn of(n: usize, [theta, moments, g]: [usize; 3], squares: &[bool]) -> Tensor {
        let mut draw = Draw(ChaCha8Rng::seed_from_u64((theta * 64 + moments * 8 + g) as u64));
        let moment = |draw: &mut Draw, square: bool| {
            let list = draw.list(n, moments).into_iter();
            if square { list.map(|x| (x * x).max(x.abs().min(1e-300))).collect() } else { list.collect() }
        };
        Tensor {
            moments: squares.iter().map(|square| moment(&mut draw, *square)).collect(),
            theta: draw.list(n, theta),
            g: draw.list(n, g),
            estimate: None,
            t: 3,
            lr: 1e-3,
        }
    }

    fn step(&mut self, of: impl Fn(Flat, Option<&[f64]>) -> Result<()>) -> Result<()> {
        let flat = Flat {
            params: &mut self.theta,
            gradient: &self.g,
            moments: self.moments.iter_mut().map(Vec::as_mut_slice).collect(),
            t: self.t,
            lr: self.lr,
            first_lr: 2e-3,
        };
        of(flat, self.estimate.as_deref())
    }

    fn bits(&self) -> Vec<u64> {
        self.moments.iter().chain([&self.theta]).flatten().map(|x| x.to_bits()).collect()
    }
}

/// Every width, on one thread and on all, moves the tensor as wide numbers do, or fails as they do.
fn check(tensor: &Tensor, what: &str, advance: impl Fn(Engine, Flat, Option<&[f64]>) -> Result<()>) {
    let step = |engine: Engine| {
        let mut moved = tensor.clone();
        let outcome = moved.step(|flat, estimate| advance(engine, flat, estimate));
        outcome.map(|()| moved.bits())
    };
    let right = step(Engine { loops: None, parallel: false });
    for instructions in Instructions::all() {
        for parallel in [false, true] {
            let found = step(Engine { loops: Some(instructions), parallel });
            assert!(found == right, "{instructions:?}, parallel {parallel}: {what}: {}", difference(&found, &right));
        }
    }
}

fn difference(found: &Result<Vec<u64>>, right: &Result<Vec<u64>>) -> String {
    let (Ok(found), Ok(right)) = (found, right) else {
        return format!("{:?} and not {:?}", found.as_ref().err(), right.as_ref().err());
    };
    let at = (0..right.len()).find(|&i| found[i] != right[i]);
    let values = at.map(|i| [found[i], right[i]].map(f64::from_bits));
    format!("number {at:?} is {values:?}")
}

#[test]
fn adamw_is_the_same_at_every_width() {
    let plain = adamw::Hyperparameters::default();
    let with = |change: fn(&mut adamw::Hyperparameters)| {
        let mut hyper = plain;
        change(&mut hyper);
        hyper
    };
    let hypers = [
        (plain, 3, 1e-3),
        (with(|h| h.eps = 0.0), 1, 0.5),
        (with(|h| (h.beta1, h.beta2, h.weight_decay) = (0.5, 0.5, 0.0)), 2, 0.25),
        (with(|h| (h.beta1, h.beta2, h.eps) = (0.0, 0.999_999, 1.0)), 1_000_000, 1e-300),
        (with(|h| h.weight_decay = 3000.0), 7, 1e-3),
        (with(|h| h.conventions.decay = Decay::After), 5, 0.0),
        (with(|h| (h.conventions.decay, h.weight_decay) = (Decay::After, 5e3)), 5, 1e-3),
        (with(|h| h.conventions.decay = Decay::Proximal), 5, 1e-3),
        (with(|h| h.conventions.decay = Decay::Schedule), 5, 1e-3),
        (with(|h| h.conventions.decay = Decay::Absolute), 5, 1e-3),
        (with(|h| h.conventions.epsilon = Epsilon::Hat), 5, 1e-3),
        (with(|h| h.conventions.bias_correction = BiasCorrection::None), 5, 1e-3),
    ];
    for kinds in KINDS {
        for (hyper, t, lr) in &hypers {
            let tensor = Tensor { t: *t, lr: *lr, ..Tensor::of(37, kinds, &[false, true]) };
            check(&tensor, &format!("{kinds:?} {hyper:?}"), |engine, flat, _| {
                adamw::advance(engine, hyper, flat, None)
            });
        }
    }
    let large = Tensor::of(20_000, [ORDINARY; 3], &[false, true]);
    check(&large, "20,000 parameters", |engine, flat, _| adamw::advance(engine, &plain, flat, None));
    // no loop is for these
    let slow = with(|h| (h.conventions.epsilon, h.conventions.amsgrad) = (Epsilon::Max, Amsgrad::Raw));
    let tensor = Tensor::of(5, [ORDINARY; 3], &[false, true, true]);
    check(&tensor, "amsgrad", |engine, flat, _| adamw::advance(engine, &slow, flat, None));
}

#[test]
fn adam_with_l2_is_the_same_at_every_width() {
    let plain = adam_l2::Hyperparameters::default();
    for kinds in KINDS {
        for (weight_decay, eps, t, lr) in
            [(0.1, 1e-8, 3, 1e-3), (0.0, 1e-8, 4, 1e-2), (0.5, 0.0, 1, 0.5), (1.0, 1.0, 2, 1.0)]
        {
            let hyper = adam_l2::Hyperparameters { weight_decay, eps, ..plain };
            let mut tensor = Tensor { t, lr, ..Tensor::of(37, kinds, &[false, true]) };
            let step = |engine, flat: Flat, _: Option<&[f64]>| adam_l2::advance(engine, &hyper, flat, None);
            check(&tensor, &format!("{kinds:?} {hyper:?}"), step);
            // g + λθ = 0, or an ulp beside it, with and without a second moment
            tensor.g = tensor.theta.iter().map(|x| -weight_decay * x).collect();
            tensor.g.iter_mut().step_by(2).for_each(|g| *g = g.next_up());
            check(&tensor, &format!("cancelling {kinds:?} {hyper:?}"), step);
            tensor.moments[1].fill(0.0);
            check(&tensor, &format!("cancelling without v {kinds:?} {hyper:?}"), step);
        }
    }
}

#[test]
fn lion_is_the_same_at_every_width() {
    for kinds in KINDS {
        for (beta1, beta2, weight_decay, lr) in [(0.9, 0.99, 0.1, 1e-4), (0.5, 0.75, 0.0, 0.5), (0.0, 0.3, 2.0, 1.0)] {
            let hyper = lion::Hyperparameters { beta1, beta2, weight_decay, ..lion::Hyperparameters::default() };
            let mut tensor = Tensor { lr, ..Tensor::of(37, kinds, &[false]) };
            let step = |engine, flat: Flat, _: Option<&[f64]>| lion::advance(engine, &hyper, flat, None);
            check(&tensor, &format!("{kinds:?} {hyper:?}"), step);
            // c is 0 within its rounding
            if beta1 > 0.0 {
                tensor.moments[0] = tensor.g.iter().map(|g| -(1.0 - beta1) * g / beta1).collect();
                check(&tensor, &format!("cancelling {kinds:?} {hyper:?}"), step);
            }
        }
    }
    let large = Tensor::of(20_000, [ORDINARY; 3], &[false]);
    let hyper = lion::Hyperparameters::default();
    check(&large, "20,000 parameters", |engine, flat, _| lion::advance(engine, &hyper, flat, None));
}

#[test]
fn sgd_is_the_same_at_every_width() {
    let hypers = [
        (0.0, 0.0, false, 0.0, 0.1),
        (0.0, 0.0, false, 0.0, 0.5),
        (0.9, 0.0, true, 0.1, 0.1),
        (0.5, 0.5, false, 0.5, 0.5),
        (1.0, 1.0, false, 0.0, 1.0),
    ];
    for kinds in KINDS {
        for (momentum, dampening, nesterov, weight_decay, lr) in hypers {
            let hyper =
                sgd::Hyperparameters { momentum, dampening, nesterov, weight_decay, ..sgd::Hyperparameters::default() };
            for t in [1, 2] {
                let tensor = Tensor { t, lr, ..Tensor::of(37, kinds, &[false]) };
                check(&tensor, &format!("{kinds:?} {hyper:?}"), |engine, flat, _| {
                    sgd::advance(engine, &hyper, flat, None)
                });
            }
        }
    }
    let large = Tensor::of(20_000, [ORDINARY; 3], &[false]);
    let hyper = sgd::Hyperparameters { momentum: 0.9, ..sgd::Hyperparameters::default() };
    check(&large, "20,000 parameters", |engine, flat, _| sgd::advance(engine, &hyper, flat, None));
}

#[test]
fn sophia_is_the_same_at_every_width() {
    let read = |fields: serde_json::Value| -> sophia::Hyperparameters { serde_json::from_value(fields).unwrap() };
    let hypers = [
        serde_json::json!({ "hessians": [] }),
        serde_json::json!({ "hessians": [], "beta1": 0.0, "rho": 0.5, "eps": 1.0, "weight_decay": 0.0 }),
        serde_json::json!({ "hessians": [], "gamma": 0.01, "rho": 1.0, "eps": 0.0, "beta2": 0.5 }),
        serde_json::json!({ "hessians": [], "rho": 1e6, "conventions": { "momentum": "corrected" } }),
        serde_json::json!({ "hessians": [], "conventions": { "floor": "sum", "refresh": "after" } }),
    ]
    .map(read);
    for kinds in KINDS {
        for (i, hyper) in hypers.iter().enumerate() {
            let mut tensor = Tensor::of(37, kinds, &[false, false]);
            let step =
                |engine, flat: Flat, estimate: Option<&[f64]>| sophia::advance(engine, hyper, flat, estimate, None);
            for estimate in [None, Some(tensor.g.iter().rev().copied().collect())] {
                tensor.estimate = estimate;
                check(&tensor, &format!("{kinds:?} {hyper:?}"), step);
            }
            // m′/h′ is ρ, or an ulp beside it
            if i == 1 {
                tensor.estimate = None;
                tensor.g = tensor.moments[1].iter().map(|h| 0.5 * h.max(1.0)).collect();
                tensor.g.iter_mut().step_by(3).for_each(|g| *g = -g.next_up());
                check(&tensor, &format!("at the clip {kinds:?} {hyper:?}"), step);
            }
        }
    }
    let large = Tensor { estimate: Some(vec![0.25; 20_000]), ..Tensor::of(20_000, [ORDINARY; 3], &[false, false]) };
    check(&large, "20,000 parameters", |engine, flat, estimate| {
        sophia::advance(engine, &hypers[0], flat, estimate, None)
    });
}

#[test]
fn bad_lists_are_named() {
    let hyper = adamw::Hyperparameters::default();
    let good = || Tensor::of(100, [ORDINARY; 3], &[false, true]);
    let message =
        |tensor: &mut Tensor| tensor.step(|flat, _| adamw::step_in_place(&hyper, flat)).unwrap_err().to_string();
    let bad = |change: fn(&mut Tensor)| {
        let mut tensor = good();
        change(&mut tensor);
        message(&mut tensor)
    };
    assert!(bad(|x| x.g[99] = f64::NAN).starts_with("gradient[99]: found NaN"));
    assert!(bad(|x| x.theta[3] = f64::INFINITY).starts_with("params[3]: found inf"));
    assert!(bad(|x| x.moments[0][64] = f64::NEG_INFINITY).starts_with("m[64]: found -inf"));
    assert!(bad(|x| x.moments[1][1] = -1e-9).starts_with("v[1]: found -0.000000001"));
    assert!(bad(|x| x.g.truncate(99)).starts_with("gradient: found length 99, allowed is 100"));
    assert!(bad(|x| x.moments.truncate(1)).starts_with("moments: found length 1, allowed is 2"));
    assert!(bad(|x| x.moments[1].truncate(1)).starts_with("v: found length 1, allowed is 100"));
    assert!(bad(|x| x.t = 0).starts_with("t: found 0"));
    assert!(bad(|x| x.lr = -1.0).starts_with("lr: found -1"));
    // the first in order is named: what divides by zero, and what leaves the range
    let mut zero = good();
    (zero.g[70], zero.moments[0][70], zero.moments[1][70]) = (0.0, 0.0, 0.0);
    (zero.g[90], zero.moments[0][90], zero.moments[1][90]) = (0.0, 0.0, 0.0);
    let hyper = adamw::Hyperparameters { eps: 0.0, ..hyper };
    let found = zero.step(|flat, _| adamw::step_in_place(&hyper, flat));
    assert_eq!(found, Err(Error::zero("params[70]", "√v̂ + ε is 0")));
    zero.g[10] = 1e300;
    let found = zero.step(|flat, _| adamw::step_in_place(&hyper, flat));
    assert_eq!(found, Err(Error::Overflow { place: "v[10]".into() }));
    // nothing is a tensor too
    assert_eq!(Tensor::of(0, [ORDINARY; 3], &[false, true]).step(|flat, _| adamw::step_in_place(&hyper, flat)), Ok(()));
}
