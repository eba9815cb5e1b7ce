//! Claims that span formulas.

use crate::claim::{Claim, Inputs, Instance, Kind::*, Source};
use crate::expression::{Expr, constant, ratio};
use crate::losses::{cross_entropy, info_nce, preference};
use crate::optimizers::{adam, adam_l2, adamw, sgd};
use crate::schedules::{cosine, decay, inverse_sqrt, linear, noam, wsd};

/// Adam's symbols with √ and all as they are.
fn adam_symbols(x: &Inputs, t: i64) -> adam::Symbols {
    adam::Symbols {
        g: x.real("g"),
        m: x.real("m"),
        v: x.positive("v"),
        v_max: constant(0),
        beta1: x.unit("beta1"),
        beta2: x.unit("beta2"),
        eps: x.rate("eps"),
        t,
    }
}

/// θ′ of AdamW and of Adam with L2 from the same state.
fn both_adams(x: &Inputs, t: i64, lambda: Expr) -> (Expr, Expr) {
    let (theta, eta, adam) = (x.real("theta"), x.rate("eta"), adam_symbols(x, t));
    let decoupled = adamw::Symbols { theta, eta, eta_1: eta, lambda, adam };
    let coupled = adam_l2::Symbols { theta, eta, lambda, previous_g: constant(0), adam };
    let decoupled = adamw::step(&decoupled, adamw::Conventions::default(), None).0;
    (decoupled, adam_l2::step(&coupled, adam_l2::Conventions::default(), None).0)
}

/// θ′ of SGD without momentum.
fn plain_sgd(theta: Expr, g: Expr, eta: Expr, lambda: Expr) -> Expr {
    let zero = constant(0);
    let symbols = sgd::Symbols { theta, g, buf: zero, eta, mu: zero, dampening: zero, lambda, first: true };
    sgd::step(&symbols, false, None).0
}

/// The first two moments of Adam at t, and what its ratio without ε comes to after a step from zero.
fn first_ratio_squared(x: &Inputs, t: i64) -> (Expr, Expr) {
    let (g, beta1, beta2) = (x.real("g"), x.unit("beta1"), x.unit("beta2"));
    let m_hat = (1 - beta1) * g / adam::bias(beta1, t);
    let v_hat = (1 - beta2) * g.squared() / adam::bias(beta2, t);
    (m_hat.squared(), v_hat)
}

/// The claims.
pub fn claims() -> Vec<Claim> {
    vec![
        Claim::proved("across/info-nce-is-cross-entropy", Identity, "InfoNCE is cross-entropy over s/τ with label 0")
            .source(Source::guide("1.2", "这是一个 (K+1)-way 分类问题"))
            .at_all([1, 4].map(|k| {
                Instance::equal(format!("K = {k}, d = 2, the dot product"), |x| {
                    let (q, tau) = (x.reals("q", 2), x.positive("tau"));
                    let keys: Vec<Vec<Expr>> = (0..=k).map(|j| x.reals(&format!("k{j}"), 2)).collect();
                    let kind = crate::losses::similarity::Similarity::Dot;
                    let s = info_nce::similarities(&q, &keys, kind);
                    let z: Vec<Expr> = s.iter().map(|&s| s / tau).collect();
                    vec![(info_nce::info_nce(&q, &keys, tau, kind), cross_entropy::cross_entropy(&z, 0))]
                })
            }))
            .control(
                "label-1",
                Instance::equal("K = 1, d = 1", |x| {
                    let (q, tau) = (x.reals("q", 1), x.positive("tau"));
                    let keys = [x.reals("k0", 1), x.reals("k1", 1)];
                    let kind = crate::losses::similarity::Similarity::Dot;
                    let z: Vec<Expr> = keys.iter().map(|k| q[0] * k[0] / tau).collect();
                    vec![(info_nce::info_nce(&q, &keys, tau, kind), cross_entropy::cross_entropy(&z, 1))]
                }),
            ),
        Claim::proved(
            "across/dpo-is-cross-entropy",
            Identity,
            "DPO is cross-entropy over the two rewards with the chosen one as the target",
        )
        .at(Instance::equal("one pair", |x| {
            let (w, l) = (x.real("reward_w"), x.real("reward_l"));
            vec![(preference::loss(w - l), cross_entropy::cross_entropy(&[w, l], 0))]
        }))
        .control(
            "the-rejected-as-target",
            Instance::equal("one pair", |x| {
                let (w, l) = (x.real("reward_w"), x.real("reward_l"));
                vec![(preference::loss(w - l), cross_entropy::cross_entropy(&[w, l], 1))]
            }),
        ),
        Claim::refuted(
            "across/l2-is-decay-for-adam",
            Identity,
            "L2 in the gradient and decoupled decay are the same for Adam",
            "across/without-decay-they-agree",
        )
        .source(Source::guide("2.1", "AdamW vs Adam + L2"))
        .at(Instance::equal("t = 2", |x| {
            let lambda = x.rate("lambda");
            vec![both_adams(x, 2, lambda)]
        })),
        Claim::proved("across/without-decay-they-agree", Identity, "with λ = 0 AdamW and Adam with L2 are one")
            .amends("across/l2-is-decay-for-adam")
            .at_all([1, 2, 10].map(|t| Instance::equal(format!("t = {t}"), |x| vec![both_adams(x, t, constant(0))])))
            .control(
                "with-decay",
                Instance::equal("t = 2", |x| {
                    let lambda = x.rate("lambda");
                    vec![both_adams(x, 2, lambda)]
                }),
            ),
        Claim::proved("across/l2-is-decay-for-sgd", Identity, "for plain SGD they are the same: (1 − ηλ)θ − ηg")
            .source(Source::paper(
                "Loshchilov & Hutter, Decoupled Weight Decay Regularization (2019)",
                "Proposition 1",
                "standard SGD with base learning rate α executes the same steps",
            ))
            .at(Instance::equal("one step", |x| {
                let (theta, g, eta, lambda) = (x.real("theta"), x.real("g"), x.rate("eta"), x.rate("lambda"));
                let decoupled = plain_sgd(theta, g, eta, constant(0)) - eta * lambda * theta;
                vec![(plain_sgd(theta, g, eta, lambda), decoupled)]
            }))
            .control(
                "twice",
                Instance::equal("one step", |x| {
                    let (theta, g, eta, lambda) = (x.real("theta"), x.real("g"), x.rate("eta"), x.rate("lambda"));
                    let decoupled = plain_sgd(theta, g, eta, constant(0)) - 2 * eta * lambda * theta;
                    vec![(plain_sgd(theta, g, eta, lambda), decoupled)]
                }),
            ),
        Claim::proved(
            "across/first-steps-are-signs",
            Identity,
            "without ε the first step of Adam has the size of Lion's: m̂² = v̂, so that |m̂|/√v̂ = 1",
        )
        .at(Instance::equal("t = 1 from zero", |x| vec![first_ratio_squared(x, 1)]))
        .control("second-step", Instance::equal("t = 2 from zero", |x| vec![first_ratio_squared(x, 2)])),
        Claim::proved(
            "across/wsd-without-a-stable-phase",
            Identity,
            "with D = T − W, WSD is the linear schedule, and with the cosine shape the cosine schedule",
        )
        .at(Instance::equal("every s from W on, as a variable", |x| {
            let (max, min, s) = (x.positive("max"), x.real("min"), x.real("s"));
            let (w, t) = (constant(3), constant(10));
            let p = wsd::progress(s, t, t - w);
            vec![
                (wsd::decayed(wsd::Shape::Linear, max, min, p), linear::linear(max, min, s, w, t)),
                (wsd::decayed(wsd::Shape::Cosine, max, min, p), cosine::cosine(max, min, cosine::progress(s, w, t))),
            ]
        }))
        .control(
            "shapes-exchanged",
            Instance::equal("W = 0, T = 3, s = 1", |x| {
                let (max, min) = (x.positive("max"), x.real("min"));
                let p = ratio(1, 3);
                vec![(wsd::decayed(wsd::Shape::Linear, max, min, p), cosine::cosine(max, min, p))]
            }),
        ),
        Claim::proved(
            "across/cosine-meets-the-line",
            Identity,
            "cosine and linear decay agree at both ends and in the middle",
        )
        .at(Instance::equal("p = 0, 1/2 and 1", |x| {
            let (max, min) = (x.positive("max"), x.real("min"));
            [ratio(0, 1), ratio(1, 2), ratio(1, 1)]
                .map(|p| (cosine::cosine(max, min, p), decay::between(max, min, decay::linear(p))))
                .to_vec()
        }))
        .control(
            "everywhere",
            Instance::equal("p = 1/4", |x| {
                let (max, min, p) = (x.positive("max"), x.real("min"), ratio(1, 4));
                vec![(cosine::cosine(max, min, p), decay::between(max, min, decay::linear(p)))]
            }),
        ),
        Claim::proved(
            "across/noam-is-inverse-sqrt",
            Identity,
            "Noam is the inverse square root with the peak factor/√(dW)",
        )
        .source(Source::guide("3.3", "Inverse Sqrt: Transformer 原版"))
        .at(Instance::equal("from W on, squared: the inverse square root", |x| {
            let (factor, d, w, s) = (x.positive("factor"), x.positive("d"), x.positive("W"), x.positive("s"));
            let peak = factor / (d * w).sqrt();
            vec![(inverse_sqrt::inverse_sqrt(peak, s, w).squared(), factor.squared() / (d * s))]
        }))
        .at(Instance::equal("from W on, squared: Noam", |x| {
            let (factor, d, w, s) = (x.positive("factor"), x.positive("d"), x.positive("W"), x.positive("s"));
            vec![(noam::falling(noam::Symbols { factor, d, w }, s).squared(), factor.squared() / (d * s))]
        }))
        .control(
            "another-peak",
            Instance::equal("from W on, squared", |x| {
                let (factor, d, w, s) = (x.positive("factor"), x.positive("d"), x.positive("W"), x.positive("s"));
                let peak = factor / d.sqrt();
                vec![(inverse_sqrt::inverse_sqrt(peak, s, w).squared(), factor.squared() / (d * s))]
            }),
        ),
        Claim::proved("across/noam-is-inverse-sqrt-as-defined", Identity, "the same, with the roots as defined")
            .at(Instance::equal("from W on", |x| {
                let (factor, d, w, s) = (x.positive("factor"), x.positive("d"), x.positive("W"), x.positive("s"));
                let peak = factor / (d * w).sqrt();
                vec![(inverse_sqrt::inverse_sqrt(peak, s, w), noam::falling(noam::Symbols { factor, d, w }, s))]
            }))
            .control(
                "another-peak",
                Instance::equal("from W on", |x| {
                    let (factor, d, w, s) = (x.positive("factor"), x.positive("d"), x.positive("W"), x.positive("s"));
                    let peak = factor / d.sqrt();
                    vec![(inverse_sqrt::inverse_sqrt(peak, s, w), noam::falling(noam::Symbols { factor, d, w }, s))]
                }),
            ),
    ]
}
