//! What is said about Lion.

use super::{Conventions, MOMENTS, Stepped, Symbols, step, symbols, textbook, textbook_by_lerp, wrong_step};
use crate::claim::{Claim, Inputs, Instance, Kind::*, Source};
use crate::expression::{Expr, constant, ratio, sign};
use crate::optimizers::adam::{self, Amsgrad};
use crate::optimizers::average::average;
use num_rational::BigRational;

/// Steps over a list of gradients, each from the state before.
fn trajectory(start: Symbols, gradients: &[Expr], one: impl Fn(&Symbols) -> Stepped) -> Vec<Stepped> {
    let mut s = start;
    let mut steps = Vec::new();
    for &g in gradients {
        s.g = g;
        let after = one(&s);
        (s.theta, s.m) = (after.theta, after.m);
        steps.push(after);
    }
    steps
}

fn formula(s: &Symbols) -> Stepped {
    step(s, Conventions::default(), None)
}

fn pairs(left: &[Stepped], right: &[Stepped]) -> Vec<(Expr, Expr)> {
    left.iter().zip(right).flat_map(|(a, b)| [(a.theta, b.theta), (a.m, b.m)]).collect()
}

/// θ′ − θ, without decay.
fn moved(s: &Symbols) -> Expr {
    formula(&Symbols { lambda: constant(0), ..*s }).theta - s.theta
}

/// The same gradient and momentum such that c = 0.
fn at_the_kink(x: &Inputs) -> Symbols {
    let s = symbols(x);
    Symbols { g: -(s.beta1 * s.m) / (1 - s.beta1), ..s }
}

/// No gradient, and no momentum.
fn at_rest(x: &Inputs) -> Symbols {
    Symbols { g: constant(0), m: constant(0), ..symbols(x) }
}

/// θ after each of n steps from m = 0, with the gradients multiplied by s from step `from` on.
fn scaled(n: usize, from: usize) -> Instance {
    Instance::equal(format!("{n} steps from m = 0"), |x| {
        let start = Symbols { m: constant(0), ..symbols(x) };
        let (gradients, factor) = (x.reals("g", n), x.positive("s"));
        let larger: Vec<Expr> =
            gradients.iter().enumerate().map(|(i, &g)| if i >= from { factor * g } else { g }).collect();
        let (plain, scaled) = (trajectory(start, &gradients, formula), trajectory(start, &larger, formula));
        plain.iter().zip(&scaled).map(|(a, b)| (a.theta, b.theta)).collect()
    })
}

/// θ′ is that of signSGD with momentum: θ − η(sign(m′) + λθ).
fn sign_of_new_momentum(scope: &str, betas: impl Fn(&Inputs) -> (Expr, Expr)) -> Instance {
    Instance::equal(scope, |x| {
        let (beta1, beta2) = betas(x);
        let s = Symbols { beta1, beta2, ..symbols(x) };
        let after = formula(&s);
        vec![(after.theta, s.theta - s.eta * (sign(after.m) + s.lambda * s.theta))]
    })
}

fn fraction(numerator: usize, denominator: usize) -> BigRational {
    BigRational::new((numerator as i64).into(), (denominator as i64).into())
}

/// The part of the bytes per parameter that Lion saves where AdamW keeps its moments, of
/// `moment_bytes` each, and `other_bytes` more.
fn saved(moment_bytes: usize, other_bytes: usize) -> BigRational {
    let adamw = other_bytes + moment_bytes * adam::moments(Amsgrad::Off).len();
    let lion = other_bytes + moment_bytes * MOMENTS.len();
    fraction(adamw - lion, adamw)
}

const F32: usize = 4;
const BF16: usize = 2;

pub(super) fn claims() -> Vec<Claim> {
    let mut claims = step_claims();
    claims.extend(size_claims());
    claims.extend(memory_claims());
    claims
}

fn step_claims() -> Vec<Claim> {
    vec![
        Claim::proved(
            "lion/textbook",
            Identity,
            "the code computes the formula, step after step: sign of the interpolation with the old \
momentum, decay beside it, then the momentum by β2",
        )
        .source(Source::guide(
            "2.2",
            "update = torch.sign(self.beta1 * m + (1 - self.beta1) * grad) ... \
m.mul_(self.beta2).add_(grad, alpha=1 - self.beta2)",
        ))
        .at_all([1, 2].map(|n| {
            Instance::equal(format!("{n} steps"), |x| {
                let (s, gradients) = (symbols(x), x.reals("g_t", n));
                let code = |s: &Symbols| textbook(s, Conventions::default());
                let by_lerp = |s: &Symbols| textbook_by_lerp(s, Conventions::default(), constant(1));
                let right = trajectory(s, &gradients, formula);
                let both = [trajectory(s, &gradients, code), trajectory(s, &gradients, by_lerp)];
                both.iter().flat_map(|found| pairs(found, &right)).collect()
            })
        }))
        .control("new-momentum", wrong_step("new-momentum")),
        Claim::refuted(
            "lion/sign-sgd-with-momentum",
            Identity,
            "it is signSGD with momentum: the sign is that of the smoothed gradient m′",
            "lion/sign-sgd-with-equal-betas",
        )
        .source(Source::guide("4, Q4", "类似于 signSGD 但加了 momentum 平滑"))
        .at(sign_of_new_momentum("β1 = 9/10, β2 = 99/100", |_| (ratio(9, 10), ratio(99, 100)))),
        Claim::proved("lion/sign-sgd-with-equal-betas", Identity, "with β1 = β2 it is: then c = m′")
            .amends("lion/sign-sgd-with-momentum")
            .at(sign_of_new_momentum("β1 = β2", |x| {
                let beta = x.unit("beta");
                (beta, beta)
            }))
            .control("other-betas", sign_of_new_momentum("β1, β2", |x| (x.unit("b1"), x.unit("b2")))),
        Claim::proved("lion/first-step", Identity, "the first step from m = 0 is η sign(g), whatever β1")
            .at(Instance::equal("m = 0", |x| {
                let s = Symbols { m: constant(0), ..symbols(x) };
                vec![(moved(&s), -(s.eta * sign(s.g)))]
            }))
            .control(
                "any-momentum",
                Instance::equal("any m", |x| {
                    let s = symbols(x);
                    vec![(moved(&s), -(s.eta * sign(s.g)))]
                }),
            ),
        Claim::refuted(
            "lion/gradient-normalization",
            Identity,
            "the sign normalizes the gradient: its size at a step does not matter",
            "lion/scale-invariance",
        )
        .source(Source::guide("4, Q4", "sign 操作是一种隐式的梯度归一化"))
        .at(scaled(2, 1)),
        Claim::proved(
            "lion/scale-invariance",
            Identity,
            "multiplying the gradients of all steps by one s > 0 changes no θ",
        )
        .amends("lion/gradient-normalization")
        .at_all([1, 2, 3].map(|n| scaled(n, 0)))
        .control("from-the-second-step-on", scaled(2, 1)),
        Claim::refuted(
            "lion/weight-decay-range",
            Count,
            "10 times AdamW's 0.1, the most that 3 to 10 times larger allows, is a weight decay of 10",
            "lion/weight-decay-scales",
        )
        .source(Source::guide("2.2", "Weight decay | 0.1 | 通常需要更大（1.0~10.0）"))
        .at(Instance::count("10 · 1/10", fraction(10, 1) * fraction(1, 10), fraction(10, 1))),
        Claim::proved(
            "lion/weight-decay-scales",
            Identity,
            "a rate k times smaller with a decay k times larger leaves the shrinkage ηλ as it is",
        )
        .amends("lion/weight-decay-range")
        .source(Source::paper(
            "google/automl lion README",
            "Hyperparameter tuning",
            "the weight decay is 3-10x larger than that for AdamW in order to maintain a similar strength",
        ))
        .at(Instance::equal("m = g = 0, so that only the decay moves θ", |x| {
            let (s, k) = (at_rest(x), x.positive("k"));
            let other = Symbols { eta: s.eta / k, lambda: s.lambda * k, ..s };
            vec![(formula(&s).theta, formula(&other).theta)]
        }))
        .control(
            "same-decay",
            Instance::equal("m = g = 0", |x| {
                let (s, k) = (at_rest(x), x.positive("k"));
                vec![(formula(&s).theta, formula(&Symbols { eta: s.eta / k, ..s }).theta)]
            }),
        ),
    ]
}

fn size_claims() -> Vec<Claim> {
    vec![
        Claim::refuted(
            "lion/every-update-is-eta",
            Identity,
            "without decay every parameter moves by +η or −η: (θ′ − θ)² = η²",
            "lion/update-size",
        )
        .source(Source::guide("2.2", "只用 sign 更新——每个参数的更新幅度相同（+η 或 -η）"))
        .at(Instance::equal("one step", |x| {
            let s = symbols(x);
            vec![(moved(&s).squared(), s.eta.squared())]
        })),
        Claim::proved(
            "lion/update-size",
            Identity,
            "without decay θ′ − θ is −η, 0 or η: Δ(Δ − η)(Δ + η) = 0; it is 0 where c = 0",
        )
        .amends("lion/every-update-is-eta")
        .at(Instance::equal("one step", |x| {
            let s = symbols(x);
            let delta = moved(&s);
            vec![(delta * (delta - s.eta) * (delta + s.eta), constant(0))]
        }))
        .at(Instance::equal("c = 0", |x| vec![(moved(&at_the_kink(x)), constant(0))]))
        .control(
            "never-upward",
            Instance::equal("one step", |x| {
                let s = symbols(x);
                let delta = moved(&s);
                vec![(delta * (delta + s.eta), constant(0))]
            }),
        ),
        Claim::refuted(
            "lion/same-size-with-decay",
            Identity,
            "with decay too: |θ′ − θ| = η for every parameter with c ≠ 0",
            "lion/update-beside-decay",
        )
        .source(Source::guide("4, Q4", "每个参数更新幅度相同"))
        .at(Instance::equal("m, g > 0", |x| {
            let s = Symbols { m: x.positive("m₊"), g: x.positive("g₊"), ..symbols(x) };
            vec![((formula(&s).theta - s.theta).squared(), s.eta.squared())]
        })),
        Claim::proved("lion/update-beside-decay", Identity, "with decay it is θ′ − (1 − ηλ)θ that is −η, 0 or η")
            .amends("lion/same-size-with-decay")
            .at(Instance::equal("one step", |x| {
                let s = symbols(x);
                let delta = formula(&s).theta - (1 - s.eta * s.lambda) * s.theta;
                vec![(delta * (delta - s.eta) * (delta + s.eta), constant(0))]
            }))
            .control(
                "decay-forgotten",
                Instance::equal("one step", |x| {
                    let s = symbols(x);
                    let delta = formula(&s).theta - s.theta;
                    vec![(delta * (delta - s.eta) * (delta + s.eta), constant(0))]
                }),
            ),
        Claim::proved("lion/momentum", Identity, "from m = 0, m_t = (1 − β2) Σ_i β2^(t−i) g_i: β1 has no part in it")
            .source(Source::guide("2.2", "m_t = β_2 m_{t−1} + (1−β_2) g_t；注意用 beta2，不是 beta1"))
            .at_all([1, 3, 6].map(|n| momentum(n, |s| s.beta2)))
            .control("single-beta", momentum(2, |s| s.beta1)),
    ]
}

/// The momentum after n steps as a weighted sum of the gradients.
fn momentum(n: usize, beta: impl Fn(&Symbols) -> Expr) -> Instance {
    Instance::equal(format!("t = {n}"), |x| {
        let s = symbols(x);
        let beta = beta(&s);
        let gradients = x.reals("g_t", n);
        let kept = gradients.iter().fold(constant(0), |m, &g| average(s.beta2, m, g));
        let weighted = gradients.iter().zip((0..n as i64).rev()).map(|(&g, age)| beta.powi(age) * g);
        vec![(kept, (1 - beta) * crate::expression::sum(weighted))]
    })
}

fn memory_claims() -> Vec<Claim> {
    let half = || Instance::count("the moments that the two keep", saved(F32, 0), fraction(1, 2));
    let third = || Instance::count("the moments that the two keep", saved(F32, 0), fraction(1, 3));
    vec![
        Claim::proved("lion/memory-half", Count, "keeping m in place of m and v saves 1/2 of the optimizer's state")
            .source(Source::guide("2.2", "内存只需 1 份 momentum（Adam 需要 m + v = 2 份）→ 显存省约 50%"))
            .at(half())
            .control("a-third", third()),
        Claim::proved("lion/memory-table", Count, "AdamW keeps 2 numbers per parameter, Lion 1")
            .source(Source::guide("2.2", "内存 | 2× 参数（m, v） | 1× 参数（m）"))
            .at(Instance::count("AdamW", fraction(adam::moments(Amsgrad::Off).len(), 1), fraction(2, 1)))
            .at(Instance::count("Lion", fraction(MOMENTS.len(), 1), fraction(1, 1)))
            .control("two-for-lion", Instance::count("Lion", fraction(MOMENTS.len(), 1), fraction(2, 1))),
        Claim::refuted(
            "lion/memory-third",
            Count,
            "keeping m in place of m and v saves 1/3 of the optimizer's state",
            "lion/memory-third-with-master",
        )
        .source(Source::guide("4, Q4", "LION 只维护一阶矩 m（Adam 需要 m + v），节省约 1/3 优化器状态内存"))
        .at(third()),
        Claim::proved(
            "lion/memory-third-with-master",
            Count,
            "it saves 1/3 where an fp32 master copy of the parameters counts as state: 12 bytes become 8",
        )
        .amends("lion/memory-third")
        .at(Instance::count("fp32 master copy and moments", saved(F32, F32), fraction(1, 3)))
        .control("a-half", Instance::count("fp32 master copy and moments", saved(F32, F32), fraction(1, 2))),
        Claim::proved(
            "lion/memory-beside-parameters",
            Count,
            "counted with the parameters it saves 1/3 (θ, m, v become θ, m), with the gradients too 1/4",
        )
        .at(Instance::count("θ, m, v", saved(1, 1), fraction(1, 3)))
        .at(Instance::count("θ, g, m, v", saved(1, 2), fraction(1, 4)))
        .control("a-half", Instance::count("θ, m, v", saved(1, 1), fraction(1, 2))),
        Claim::proved(
            "lion/memory-quarter",
            Count,
            "of all of mixed precision (bf16 parameters and gradients, fp32 master copy and moments) it \
saves 1/4: 16 bytes become 12",
        )
        .at(Instance::count("per parameter", saved(F32, BF16 + BF16 + F32), fraction(1, 4)))
        .control("a-third", Instance::count("per parameter", saved(F32, BF16 + BF16 + F32), fraction(1, 3))),
    ]
}
