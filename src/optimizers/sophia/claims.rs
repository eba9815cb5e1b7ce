//! What is said about Sophia.

use super::{
    Conventions, Floor, Momentum, Refresh, Symbols, direction, larger, smaller, step, symbols, textbook,
    without_lower_clamp, wrong_step,
};
use crate::claim::{Claim, Inputs, Instance, Kind::*, Source};
use crate::expression::{Expr, clip, constant, ratio, sign, sum};
use crate::optimizers::adam::bias;
use crate::optimizers::average::average;
use crate::optimizers::decay::Decay;

/// The update of the guide: clip(m/h, ρ).
fn plain(m: Expr, h: Expr, rho: Expr) -> Expr {
    clip(m / h, rho)
}

/// θ′ − θ of the formula without decay and with γ = 1, for averages m and h that no step has changed.
fn moved(x: &Symbols) -> Expr {
    let s = Symbols { lambda: constant(0), ..*x };
    step(&s, Conventions::default(), None).theta - s.theta
}

/// g and ĥ such that the averages stay m and h.
fn at_rest(x: &Symbols) -> Symbols {
    Symbols { g: x.m, estimate: None, gamma: constant(1), ..*x }
}

/// The γ form with ρ = 1 and the rate ηρ against the ρ form: `floor` gives the floors of both.
fn reparametrization(scope: &str, floors: impl Fn(Expr, Expr) -> (Expr, Expr)) -> Instance {
    Instance::equal(scope, |x| {
        let (m, h, eta, rho, eps) = (x.real("m"), x.positive("h"), x.rate("eta"), x.positive("rho"), x.rate("eps"));
        let (first, later) = floors(eps, rho);
        let one = constant(1);
        vec![(eta * direction(m, h, one, rho, first), eta * rho * direction(m, h, rho, one, later))]
    })
}

/// The official code's form with γ = ρ·bs against the paper's: sign(m) min(|m|/(ρh), 1) at the rate ηρ.
fn official(scope: &str, m: impl Fn(&Inputs) -> Expr, rate: impl Fn(Expr, Expr) -> Expr) -> Instance {
    Instance::equal(scope, |x| {
        let (m, h, eta, rho) = (m(x), x.positive("h"), x.rate("eta"), x.positive("rho"));
        let ratio = smaller(sign(m) * m / (rho * h), constant(1));
        vec![(eta * plain(m, h, rho), rate(eta, rho) * (sign(m) * ratio))]
    })
}

/// The momentum after n steps from zero, the same as a weighted sum of the gradients, and 1 − β1^n.
fn momentum(x: &Inputs, n: usize) -> (Expr, Expr, Expr) {
    let (beta, gradients) = (x.unit("beta1"), x.reals("g", n));
    let m = gradients.iter().fold(constant(0), |m, &g| average(beta, m, g));
    let weights = (0..n as i64).rev().map(|age| (1 - beta) * beta.powi(age));
    let weighted = sum(gradients.iter().zip(weights).map(|(&g, w)| w * g));
    (m, weighted, bias(beta, n as i64))
}

/// The step with the corrected momentum against the raw one with γ, and perhaps ε, multiplied by 1 − β1^t.
fn corrected_against_raw(t: i64, floor_too: bool) -> Instance {
    Instance::equal(format!("t = {t}"), |x| {
        let s = Symbols { t, ..symbols(x) };
        let factor = bias(s.beta1, t);
        let other = Symbols { gamma: s.gamma * factor, eps: if floor_too { s.eps * factor } else { s.eps }, ..s };
        let with = |s: &Symbols, momentum| step(s, Conventions { momentum, ..Conventions::default() }, None).theta;
        vec![(with(&s, Momentum::Corrected), with(&other, Momentum::Raw))]
    })
}

/// The average of equal estimates after n refreshments from zero is `part` of them.
fn average_of_equals(n: usize, part: impl Fn(Expr, i64) -> Expr) -> Instance {
    Instance::equal(format!("{n} refreshments"), |x| {
        let (beta, estimate) = (x.unit("beta2"), x.real("h_hat"));
        let h = (0..n).fold(constant(0), |h, _| average(beta, h, estimate));
        vec![(h, part(beta, n as i64) * estimate)]
    })
}

/// The mean cost of a step, that of a gradient being 1 and that of an estimate c, made at t = 1, k + 1, …
fn cost(k: i64, steps: i64, mean: impl Fn(Expr) -> Expr) -> Instance {
    Instance::equal(format!("k = {k}, {steps} steps"), |x| {
        let c = x.positive("c");
        let costs = (1..=steps).map(|t| if (t - 1) % k == 0 { 1 + c } else { constant(1) });
        vec![(sum(costs) / steps, mean(c))]
    })
}

/// The step −ηu is downhill along m: u·m ≥ 0.
fn downhill(scope: &str, u: impl Fn(&Symbols) -> Expr) -> Instance {
    Instance::at_least(scope, |x| {
        let s = symbols(x);
        vec![(u(&s) * s.m, constant(0))]
    })
}

/// |θ′ − θ| ≤ ηρ
fn bounded(decayed: bool, wrong: Option<&'static str>) -> Instance {
    Instance::at_least("one step", |x| {
        let mut s = symbols(x);
        if !decayed {
            s.lambda = constant(0);
        }
        let delta = step(&s, Conventions::default(), wrong).theta - s.theta;
        vec![(s.eta * s.rho, delta), (s.eta * s.rho, -delta)]
    })
}

pub(super) fn claims() -> Vec<Claim> {
    let mut claims = update_claims();
    claims.extend(form_claims());
    claims.extend(moment_claims());
    claims
}

fn update_claims() -> Vec<Claim> {
    vec![
        Claim::refuted(
            "sophia/guide-form",
            Identity,
            "the update is clip(m/h, ρ), whatever the sign of h",
            "sophia/guide-form-above-the-floor",
        )
        .source(Source::guide("2.3", "θ_t = θ_{t−1} − η · clip(m_t/h_t, ρ)"))
        .at(Instance::equal("γ = 1, λ = 0", |x| {
            let s = at_rest(&symbols(x));
            x.assume_positive(s.h.squared() - s.eps.squared());
            vec![(moved(&s), -(s.eta * plain(s.m, s.h, s.rho)))]
        })),
        Claim::proved(
            "sophia/guide-form-above-the-floor",
            Identity,
            "where h > ε, with γ = 1 and λ = 0, the update is clip(m/h, ρ)",
        )
        .amends("sophia/guide-form")
        .at(Instance::equal("h = ε + a, a > 0", |x| {
            let s = symbols(x);
            let s = at_rest(&Symbols { h: s.eps + x.positive("a"), ..s });
            vec![(moved(&s), -(s.eta * plain(s.m, s.h, s.rho)))]
        }))
        .control("gamma-missing", wrong_step("gamma-missing")),
        Claim::verified(
            "sophia/update-bound",
            Inequality,
            "without decay the clip bounds a step: |θ′ − θ| ≤ ηρ, whatever g, ĥ and the state",
        )
        .amends("sophia/update-bound-with-decay")
        .source(Source::guide("2.3", "clip 到 [−ρ, ρ] 防止极端更新"))
        .at(bounded(false, None))
        .control("no-clip", bounded(false, Some("no-clip"))),
        Claim::refuted(
            "sophia/update-bound-with-decay",
            Inequality,
            "with decay too the step is at most ηρ",
            "sophia/update-bound",
        )
        .at(bounded(true, None)),
        Claim::refuted(
            "sophia/downhill-without-lower-clamp",
            Inequality,
            "sign(m) min(|m|/(γh + ε), ρ) goes downhill along m for every h",
            "sophia/downhill",
        )
        .source(Source::paper(
            "Liuhong99/Sophia",
            "#34",
            "ratio = (exp_avg.abs() / (rho * bs * hess + 1e-15)).clamp(None, 1)",
        ))
        .at(downhill("any h", |s| without_lower_clamp(s.m, s.h, s.gamma, s.rho, s.eps))),
        Claim::verified(
            "sophia/downhill",
            Inequality,
            "with max(γh, ε) the step goes downhill along m for every h, negative ones too: u·m ≥ 0",
        )
        .amends("sophia/downhill-without-lower-clamp")
        .at(downhill("any h", |s| direction(s.m, s.h, s.gamma, s.rho, s.eps)))
        .control("no-lower-clamp", downhill("any h", |s| without_lower_clamp(s.m, s.h, s.gamma, s.rho, s.eps))),
        Claim::proved(
            "sophia/negative-curvature",
            Identity,
            "where h < 0 the floor leaves clip(m/ε, ρ), which is signed descent of size ρ once |m| > ρε",
        )
        .at(Instance::equal("h = −a, m = ±(ρε + b); a, b > 0", |x| {
            let s = symbols(x);
            let (h, size) = (-x.positive("a"), s.rho * s.eps + x.positive("b"));
            let u = |m: Expr| direction(m, h, s.gamma, s.rho, s.eps);
            vec![(u(size), s.rho), (u(-size), -s.rho)]
        }))
        .at(Instance::equal("h = −a, a > 0", |x| {
            let s = symbols(x);
            let h = -x.positive("a");
            vec![(direction(s.m, h, s.gamma, s.rho, s.eps), clip(s.m / s.eps, s.rho))]
        }))
        .control(
            "no-lower-clamp",
            Instance::equal("h = −a, m = ρε + b; a, b > 0", |x| {
                let s = symbols(x);
                let (h, m) = (-x.positive("a"), s.rho * s.eps + x.positive("b"));
                vec![(without_lower_clamp(m, h, s.gamma, s.rho, s.eps), s.rho)]
            }),
        ),
    ]
}

fn form_claims() -> Vec<Claim> {
    vec![
        Claim::proved("sophia/textbook", Identity, "with the decay first, as one factor, θ′ is the same")
            .at_all([Decay::Joint, Decay::After, Decay::Proximal, Decay::Schedule, Decay::Absolute].map(|decay| {
                Instance::equal(format!("t = 2, {decay:?}"), |x| {
                    let (s, conventions) = (symbols(x), Conventions { decay, ..Conventions::default() });
                    let (found, right) = (textbook(&s, conventions), step(&s, conventions, None));
                    vec![(found.theta, right.theta), (found.m, right.m), (found.h, right.h)]
                })
            }))
            .control("no-clip", wrong_step("no-clip")),
        Claim::proved(
            "sophia/reparametrization",
            Identity,
            "for h > 0, clipping at ρ is the later form with γ = ρ and rate ηρ: η clip(m/h, ρ) = (ηρ) clip(m/(ρh), 1)",
        )
        .source(Source::guide("2.3", "η · clip(m_t/h_t, ρ)"))
        .at(Instance::equal("h > 0", |x| {
            let (m, h, eta, rho) = (x.real("m"), x.positive("h"), x.rate("eta"), x.positive("rho"));
            vec![(eta * plain(m, h, rho), eta * rho * clip(m / (rho * h), constant(1)))]
        }))
        .control(
            "same-rate",
            Instance::equal("h > 0", |x| {
                let (m, h, eta, rho) = (x.real("m"), x.positive("h"), x.rate("eta"), x.positive("rho"));
                vec![(eta * plain(m, h, rho), eta * clip(m / (rho * h), constant(1)))]
            }),
        ),
        Claim::refuted(
            "sophia/reparametrization-with-floor",
            Identity,
            "the two forms are one with the floor too, at the same ε",
            "sophia/reparametrization-with-scaled-floor",
        )
        .at(reparametrization("h > 0", |eps, _| (eps, eps))),
        Claim::proved(
            "sophia/reparametrization-with-scaled-floor",
            Identity,
            "with the floor the two forms are one if the later form's is ρε",
        )
        .amends("sophia/reparametrization-with-floor")
        .at(reparametrization("h > 0", |eps, rho| (eps, rho * eps)))
        .control("same-floor", reparametrization("h > 0", |eps, _| (eps, eps))),
        Claim::proved(
            "sophia/official-form",
            Identity,
            "for h > 0 the official code's sign(m) min(|m|/(ρh), 1) at the rate ηρ is the paper's clip",
        )
        .source(Source::paper(
            "Liuhong99/Sophia",
            "sophia.py @a7e1572",
            "ratio = (exp_avg.abs() / (rho * bs * hess + 1e-15)).clamp(None, 1)",
        ))
        .at(official("m > 0", |x| x.positive("a"), |eta, rho| eta * rho))
        .at(official("m < 0", |x| -x.positive("a"), |eta, rho| eta * rho))
        .at(official("m = 0", |_| constant(0), |eta, rho| eta * rho))
        .control("same-rate", official("m > 0", |x| x.positive("a"), |eta, _| eta)),
        Claim::proved(
            "sophia/floor-sum",
            Identity,
            "above the floor, the reciprocals of max(γh, ε) and γh + ε differ by ε/(γh(γh + ε)); \
at h = 0 the two are one",
        )
        .at(Instance::equal("γh > ε", |x| {
            let (eps, a) = (x.rate("eps"), x.positive("a"));
            let scaled = eps + a;
            vec![(1 / larger(scaled, eps) - 1 / (scaled + eps), eps / (scaled * (scaled + eps)))]
        }))
        .at(Instance::equal("h = 0", |x| {
            let (s, none) = (symbols(x), constant(0));
            let with = |floor| {
                let at_zero = Symbols { h: none, estimate: None, ..s };
                step(&at_zero, Conventions { floor, ..Conventions::default() }, None).theta
            };
            vec![(with(Floor::Max), with(Floor::Sum))]
        }))
        .control(
            "one-form",
            Instance::equal("one step", |x| {
                let s = symbols(x);
                let with = |floor| step(&s, Conventions { floor, ..Conventions::default() }, None).theta;
                vec![(with(Floor::Max), with(Floor::Sum))]
            }),
        ),
        Claim::proved("sophia/refresh", Identity, "whether θ′ uses h or h′ matters only in steps that refresh h")
            .at(Instance::equal("no new estimate", |x| {
                let s = Symbols { estimate: None, ..symbols(x) };
                let with = |refresh| step(&s, Conventions { refresh, ..Conventions::default() }, None).theta;
                vec![(with(Refresh::Before), with(Refresh::After))]
            }))
            .control(
                "with-a-new-estimate",
                Instance::equal("a new estimate", |x| {
                    let s = symbols(x);
                    let with = |refresh| step(&s, Conventions { refresh, ..Conventions::default() }, None).theta;
                    vec![(with(Refresh::Before), with(Refresh::After))]
                }),
            ),
    ]
}

fn moment_claims() -> Vec<Claim> {
    vec![
        Claim::refuted(
            "sophia/momentum-as-adams",
            Identity,
            "m_t is Adam's first moment m̂_t, corrected for its start from zero",
            "sophia/momentum",
        )
        .source(Source::guide("2.3", "m_t：一阶矩（同 Adam）"))
        .at(Instance::equal("t = 1", |x| {
            let (m, _, bias) = momentum(x, 1);
            vec![(m, m / bias)]
        })),
        Claim::proved(
            "sophia/momentum",
            Identity,
            "m_t = (1 − β1) Σ_i β1^(t−i) g_i is Adam's m_t before correction: with equal gradients it is \
(1 − β1^t) g",
        )
        .amends("sophia/momentum-as-adams")
        .at_all([1, 2, 5].map(|t| {
            Instance::equal(format!("t = {t}"), |x| {
                let (m, weighted, _) = momentum(x, t);
                let (beta, g) = (x.unit("beta"), x.real("g"));
                let equal = (0..t).fold(constant(0), |m, _| average(beta, m, g));
                vec![(m, weighted), (equal, bias(beta, t as i64) * g)]
            })
        }))
        .control(
            "corrected",
            Instance::equal("t = 2", |x| {
                let (m, weighted, bias) = momentum(x, 2);
                vec![(m, weighted / bias)]
            }),
        ),
        Claim::proved("sophia/corrected-momentum", Identity, "correcting m is multiplying γ and ε by 1 − β1^t")
            .at(corrected_against_raw(1, true))
            .at(corrected_against_raw(7, true).beyond())
            .control("gamma-alone", corrected_against_raw(1, false)),
        Claim::refuted(
            "sophia/hessian-estimate",
            Identity,
            "h_n estimates the Hessian's diagonal: equal estimates ĥ average to ĥ",
            "sophia/hessian-average",
        )
        .source(Source::guide("2.3", "h_t：Hessian 对角线的 EMA 估计"))
        .at(average_of_equals(1, |_, _| constant(1))),
        Claim::proved(
            "sophia/hessian-average",
            Identity,
            "h starts from zero and is not corrected: n refreshments with the same ĥ come to (1 − β2^n) ĥ",
        )
        .amends("sophia/hessian-estimate")
        .at_all([1, 2, 5].map(|n| average_of_equals(n, bias)))
        .control("one-step-late", average_of_equals(2, |beta, n| bias(beta, n + 1))),
        Claim::proved(
            "sophia/amortized-cost",
            Identity,
            "an estimate of c gradients' cost every k steps makes the mean cost of a step 1 + c/k",
        )
        .amends("sophia/cost-of-the-first-steps")
        .source(Source::guide("2.3", "每隔 k 步估计一次来摊薄"))
        .at_all([(1, 5), (10, 100), (7, 21)].map(|(k, steps)| cost(k, steps, |c| 1 + c / k)))
        .control("every-step", cost(10, 100, |c| 1 + c)),
        Claim::refuted(
            "sophia/cost-of-the-first-steps",
            Identity,
            "that holds after every number of steps",
            "sophia/amortized-cost",
        )
        .at(cost(10, 15, |c| 1 + c * ratio(1, 10))),
    ]
}
