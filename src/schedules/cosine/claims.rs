//! The claims about the cosine schedule.

use super::*;
use crate::claim::{Claim, Domain, Inputs, Kind::*, Source};
use crate::expression::sum;
use num_rational::BigRational;

/// lr(s) with W and N = T − W as symbols.
struct Curve {
    max: Expr,
    min: Expr,
    w: Expr,
    n: Expr,
}

impl Curve {
    fn of(x: &Inputs) -> Curve {
        let (max, min) = ends(x);
        Curve { max, min, w: x.positive("W"), n: x.positive("N") }
    }

    fn end(&self) -> Expr {
        self.w + self.n
    }

    fn at(&self, s: Expr) -> Expr {
        cosine(self.max, self.min, progress(s, self.w, self.end()))
    }
}

/// Pairs about a curve with W and N = T − W as symbols.
fn curve(pairs: impl Fn(&Curve) -> Vec<(Expr, Expr)>) -> Instance {
    Instance::equal("W and N = T − W as symbols", |x| pairs(&Curve::of(x)))
}

/// max, min and the progress p.
fn at_progress(pairs: impl Fn(Expr, Expr, Expr) -> Vec<(Expr, Expr)>) -> Instance {
    Instance::equal("p as a symbol", |x| pairs(x.real("max"), x.real("min"), x.real("p")))
}

/// max above min, both at least 0.
fn ends(x: &Inputs) -> (Expr, Expr) {
    let min = x.declare("min", Domain::NonNegative);
    (min + x.positive("max − min"), min)
}

/// The guide's code, after the warm-up: min_lr + 0.5·(max_lr − min_lr)·(1 + cos(π·progress)).
fn code(max: Expr, min: Expr, s: Expr, w: Expr, t: Expr) -> Expr {
    min + ratio(1, 2) * (max - min) * (1 + (pi() * ((s - w) / (t - w))).cos())
}

/// The mean over the steps W … T − 1 of a decay of n steps, against what it should be.
fn mean_at(n: i64, said: fn(Expr, Expr, i64) -> Expr) -> Instance {
    Instance::equal(format!("T − W = {n}"), |x| {
        let (max, min) = (x.real("max"), x.real("min"));
        let rates = (0..n).map(|s| at(Timing::new(0, n), s, max, min, None));
        vec![(sum(rates) / n, said(max, min, n))]
    })
}

/// How many of the steps of a run are at the peak, by the oracle.
fn steps_at_peak(warmup: Warmup, said: i64) -> Instance {
    let conventions = Conventions { warmup, ..Conventions::default() };
    let (steps, warmup_steps, total_steps) = ((0..100).collect(), 10, 100);
    let input = Input { steps, max_lr: 1.0, min_lr: 0.0, warmup_steps, total_steps, conventions };
    let counted = oracle(&input).map_or(0, |lr| lr.iter().filter(|&&lr| lr == 1.0).count());
    let whole = |n: i64| BigRational::from_integer(n.into());
    Instance::count(format!("W = 10, T = 100, {warmup:?}"), whole(counted as i64), whole(said))
}

/// The rate of one step above that of the next, at every step from `from` up to T.
fn decreasing(from: i64, w: i64, t: i64) -> Instance {
    Instance::greater(format!("W = {w}, T = {t}, from step {from} on"), |x| {
        let (max, min) = ends(x);
        let lr = |s| at(Timing::new(w, t), s, max, min, None);
        (from..t).map(|s| (lr(s), lr(s + 1))).collect()
    })
}

/// The steps between W and T1 of a run to T1 against those of a run to T2: p = k/N1 against k/N2.
fn two_ends(x: &Inputs) -> (Expr, Expr) {
    let (max, min) = ends(x);
    let (p, shorter) = (x.unit("p"), x.unit("(T1 − W)/(T2 − W)"));
    (cosine(max, min, p * shorter), cosine(max, min, p))
}

pub(super) fn claims() -> Vec<Claim> {
    vec![
        Claim::proved(
            "cosine/code",
            Identity,
            "the guide's code computes its formula, warm-up included, at W ≤ s ≤ T and beyond",
        )
        .source(Source::guide("3.1", "min_lr + 0.5 * (max_lr - min_lr) * (1 + math.cos(math.pi * progress))"))
        .at(Instance::equal("s, W and T as symbols", |x| {
            let (max, min) = (x.real("max"), x.real("min"));
            let (s, w, t) = (x.real("s"), x.real("W"), x.real("T"));
            let formula = min + ratio(1, 2) * (max - min) * (1 + ((s - w) / (t - w) * pi()).cos());
            let warm_up = max * warmup::multiplier(Warmup::Step, s, w);
            vec![
                (code(max, min, s, w, t), cosine(max, min, progress(s, w, t))),
                (formula, cosine(max, min, progress(s, w, t))),
                (max * s / w, warm_up),
            ]
        }))
        .at(at_progress(|max, min, p| vec![(decay::between(max, min, decay::cosine(p)), cosine(max, min, p))]))
        .control(
            "warmup-not-subtracted",
            Instance::equal("s, W and T as symbols", |x| {
                let (max, min) = (x.real("max"), x.real("min"));
                let (s, w, t) = (x.positive("s"), x.positive("W"), x.positive("T"));
                vec![(code(max, min, s, w, t), cosine(max, min, s / t))]
            }),
        ),
        Claim::proved("cosine/ends", Identity, "lr(W) = max and lr(T) = min, exactly")
            .source(Source::guide("4, Q5", "Cosine 从 peak LR 平滑衰减到 min LR"))
            .at(curve(|c| vec![(c.at(c.w), c.max), (c.at(c.end()), c.min)]))
            .control("half-period-missing", at_progress(|max, min, _| vec![(cosine(max, min, constant(2)), min)])),
        Claim::refuted(
            "cosine/ends-within-the-run",
            Identity,
            "the rate comes down to min within the T steps 0 … T − 1 of the run: lr(T − 1) = min",
            "cosine/last-step",
        )
        .source(Source::guide("3.3", "Cosine | 末尾: 趋近 min_lr"))
        .at(curve(|c| vec![(c.at(c.end() - 1), c.min)])),
        Claim::proved(
            "cosine/last-step",
            Identity,
            "the last step of the run is at min + (max − min)(1 − cos(π/(T − W)))/2; min comes at s = T",
        )
        .amends("cosine/ends-within-the-run")
        .at(curve(|c| {
            let above = (c.max - c.min) * (1 - (pi() / c.n).cos()) / 2;
            vec![(c.at(c.end() - 1), c.min + above)]
        }))
        .control("at-min", curve(|c| vec![(c.at(c.end() - 1), c.min)])),
        Claim::verified("cosine/last-step-above-min", Inequality, "that is above min at every length of the run")
            .at_all([1, 2, 10, 1000, 1_000_000].map(|n| {
                Instance::greater(format!("T − W = {n}"), |x| {
                    let (max, min) = ends(x);
                    vec![(at(Timing::new(0, n), n - 1, max, min, None), min)]
                })
            }))
            .control(
                "above-a-tenth",
                Instance::greater("T − W = 10", |x| {
                    let (max, min) = ends(x);
                    vec![(at(Timing::new(0, 10), 9, max, min, None), min + (max - min) / 10)]
                }),
            ),
        Claim::refuted(
            "cosine/stays-down",
            Identity,
            "past the end the guide's code, which does not clamp its progress, stays at min",
            "cosine/rises-again",
        )
        .source(Source::guide("3.1", "progress = (step - warmup_steps) / (total_steps - warmup_steps)"))
        .at(curve(|c| vec![(c.at(c.end() + 1), c.min)])),
        Claim::proved(
            "cosine/rises-again",
            Identity,
            "past the end it mirrors the way down, lr(T + k) = lr(T − k), back to max at 2T − W",
        )
        .amends("cosine/stays-down")
        .at(Instance::equal("W, N = T − W and k as symbols", |x| {
            let (c, k) = (Curve::of(x), x.positive("k"));
            vec![(c.at(c.end() + k), c.at(c.end() - k)), (c.at(c.end() + c.n), c.max)]
        }))
        .control("at-min", curve(|c| vec![(c.at(c.end() + c.n), c.min)])),
        Claim::proved("cosine/restarts", Identity, "restarted, lr(T + k) is lr(W + k)")
            .source(Source::paper("Loshchilov & Hutter, SGDR (2017)", "3", "warm restarts"))
            .at_all([(0, 4), (2, 6), (3, 8)].map(|(w, t)| {
                Instance::equal(format!("W = {w}, T = {t}, every k below 3(T − W)"), |x| {
                    let (max, min) = (x.real("max"), x.real("min"));
                    let timing = Timing { after_end: AfterEnd::Restart, ..Timing::new(w, t) };
                    let lr = |s| at(timing, s, max, min, None);
                    (0..3 * (t - w)).map(|k| (lr(t + k), lr(w + k % (t - w)))).collect()
                })
            }))
            .control(
                "restart-off-by-one",
                Instance::equal("W = 2, T = 6", |x| {
                    let (max, min) = (x.real("max"), x.real("min"));
                    let timing = Timing { after_end: AfterEnd::Restart, ..Timing::new(2, 6) };
                    vec![(at(timing, 7, max, min, None), at(timing, 7, max, min, Some("restart-off-by-one")))]
                }),
            ),
        Claim::proved("cosine/midpoint", Identity, "half way down the rate is (max + min)/2")
            .at(curve(|c| vec![(c.at(c.w + c.n / 2), (c.max + c.min) / 2)]))
            .control("a-third-down", curve(|c| vec![(c.at(c.w + c.n / 3), (c.max + c.min) / 2)])),
        Claim::proved("cosine/point-symmetry", Identity, "f(p) + f(1 − p) = max + min")
            .at(at_progress(|max, min, p| vec![(cosine(max, min, p) + cosine(max, min, 1 - p), max + min)]))
            .control("even", at_progress(|max, min, p| vec![(cosine(max, min, p), cosine(max, min, 1 - p))])),
        Claim::proved("cosine/slope", Gradient, "∂lr/∂p = −π/2·(max − min) sin πp")
            .at(Instance::gradient("p as a symbol", |x| {
                let (max, min, p) = (x.real("max"), x.real("min"), x.unit("p"));
                (cosine(max, min, p), vec![p], vec![slope(max, min, p)])
            }))
            .at(Instance::gradient("every input, p as a symbol", |x| {
                let (max, min, p) = (x.real("max"), x.real("min"), x.unit("p"));
                let f = decay::cosine(p);
                (cosine(max, min, p), vec![max, min, p], vec![f, 1 - f, slope(max, min, p)])
            }))
            .at(Instance::gradient("s as a symbol, W = 100, T = 1000", |x| {
                let (max, min, s) = (x.real("max"), x.real("min"), x.declare("s", Domain::Between(100.0, 1000.0)));
                let p = progress(s, constant(100), constant(1000));
                (cosine(max, min, p), vec![s], vec![slope(max, min, p) / 900])
            }))
            .control(
                "pi-missing",
                Instance::gradient("p as a symbol", |x| {
                    let (max, min, p) = (x.real("max"), x.real("min"), x.unit("p"));
                    (cosine(max, min, p), vec![p], vec![-((max - min) / 2 * (pi() * p).sin())])
                }),
            ),
        Claim::proved("cosine/flat-ends", Identity, "the slope is 0 at both ends: it leaves max and nears min slowly")
            .source(Source::guide("3.3", "Cosine | 缓慢衰减 | 趋近 min_lr"))
            .at(at_progress(|max, min, _| {
                let zero = constant(0);
                vec![(slope(max, min, zero), zero), (slope(max, min, constant(1)), zero)]
            }))
            .control("flat-middle", at_progress(|max, min, _| vec![(slope(max, min, ratio(1, 2)), constant(0))])),
        Claim::refuted(
            "cosine/slow-middle",
            Inequality,
            "in the middle cosine decays slowly: at p = 1/2 no faster than the straight line from max to min",
            "cosine/middle-slope",
        )
        .source(Source::guide("3.3", "Cosine | 中间: 缓慢衰减"))
        .at(Instance::at_least("p = 1/2", |x| {
            let (max, min) = ends(x);
            vec![(max - min, -slope(max, min, ratio(1, 2)))]
        })),
        Claim::proved("cosine/middle-slope", Identity, "there it decays π/2 times as fast as the line")
            .amends("cosine/slow-middle")
            .at(at_progress(|max, min, _| vec![(slope(max, min, ratio(1, 2)), -(pi() / 2 * (max - min)))]))
            .control(
                "as-fast-as-the-line",
                at_progress(|max, min, _| vec![(slope(max, min, ratio(1, 2)), -(max - min))]),
            ),
        Claim::proved(
            "cosine/against-the-line",
            Inequality,
            "above the straight line in the first half, below it in the second",
        )
        .source(Source::guide("3.3", "Cosine | 缓慢衰减;  Linear Decay | 线性衰减"))
        .at(Instance::greater("max = 1, min = 0, p from 1/1000 to 499/1000, and 1 − p", |x| {
            let p = x.declare("p", Domain::Between(0.001, 0.499));
            let curve = |p| cosine(constant(1), constant(0), p);
            vec![(curve(p), decay::linear(p)), (decay::linear(1 - p), curve(1 - p))]
        }))
        .at(Instance::greater("p below 1/2 as a symbol, and 1 − p", |x| {
            let (max, min) = ends(x);
            let p = x.declare("p", Domain::Between(0.0, 0.5));
            let line = |p| decay::between(max, min, decay::linear(p));
            vec![(cosine(max, min, p), line(p)), (line(1 - p), cosine(max, min, 1 - p))]
        })
        .beyond())
        .control(
            "above-throughout",
            Instance::greater("p as a symbol", |x| {
                let ((max, min), p) = (ends(x), x.unit("p"));
                vec![(cosine(max, min, p), decay::between(max, min, decay::linear(p)))]
            }),
        ),
        Claim::refuted(
            "cosine/decreasing-throughout",
            Inequality,
            "the rate falls at every step of the whole run",
            "cosine/decreasing",
        )
        .source(Source::guide("4, Q5", "整个训练期间 LR 持续降低"))
        .at(decreasing(0, 10, 20)),
        Claim::verified(
            "cosine/decreasing",
            Inequality,
            "it rises in the warm-up, and falls at every step from W to T",
        )
        .amends("cosine/decreasing-throughout")
        .at_all([(10, 20), (0, 1), (3, 50)].map(|(w, t)| decreasing(w, w, t)))
        .at(Instance::greater("the slope, p as a symbol", |x| {
            let ((max, min), p) = (ends(x), x.unit("p"));
            vec![(constant(0), slope(max, min, p))]
        }))
        .at(Instance::greater("the warm-up, s and W as symbols", |x| {
            let (max, s, w) = (x.positive("max"), x.positive("s"), x.positive("W"));
            let rate = |s| max * warmup::multiplier(Warmup::Step, s, w);
            vec![(rate(s + 1), rate(s))]
        }))
        .control("in-the-warm-up", decreasing(9, 10, 20)),
        Claim::refuted(
            "cosine/prefix",
            Identity,
            "a run can be lengthened on the way: until T1 the schedule to T2 > T1 is the schedule to T1",
            "cosine/needs-its-end",
        )
        .source(Source::guide("4, Q5", "Cosine 需要预先确定总步数"))
        .at(Instance::equal("p = (s − W)/(T1 − W) as a symbol", |x| vec![two_ends(x)])),
        Claim::verified(
            "cosine/needs-its-end",
            Inequality,
            "with T2 > T1 the two differ at every step between W and T1: the longer run's rate is higher",
        )
        .amends("cosine/prefix")
        .at(Instance::greater("p = (s − W)/(T1 − W) as a symbol", |x| vec![two_ends(x)]))
        .control(
            "lower",
            Instance::greater("p = (s − W)/(T1 − W) as a symbol", |x| {
                let (longer, shorter) = two_ends(x);
                vec![(shorter, longer)]
            }),
        ),
        Claim::proved(
            "cosine/mean",
            Identity,
            "over the steps W … T − 1 the mean rate is (max + min)/2 + (max − min)/(2(T − W)), as a straight line's is",
        )
        .at_all([1, 2, 3, 10, 50].map(|n| mean_at(n, |max, min, n| (max + min) / 2 + (max - min) / (2 * n))))
        .control("the-middle", mean_at(3, |max, min, _| (max + min) / 2)),
        Claim::verified(
            "cosine/half-angle",
            Identity,
            "(1 + cos πp)/2 = cos²(πp/2) = sin²(π(1 − p)/2), which do not cancel near p = 1",
        )
        .at(at_progress(|_, _, p| {
            let (near, far) = ((pi() * p / 2).cos().squared(), (pi() * (1 - p) / 2).sin().squared());
            vec![(decay::cosine(p), near), (decay::cosine(p), far)]
        }))
        .control("whole-angle", at_progress(|_, _, p| vec![(decay::cosine(p), (pi() * p).cos().squared())])),
        Claim::proved(
            "cosine/steps-at-the-peak",
            Count,
            "a run has one step at the peak with the warm-ups s/W and (s+1)/(W+1), and two with (s+1)/W",
        )
        .at(steps_at_peak(Warmup::Step, 1))
        .at(steps_at_peak(Warmup::Next, 2))
        .at(steps_at_peak(Warmup::NextOfNext, 1))
        .control("one-for-all", steps_at_peak(Warmup::Next, 1)),
    ]
}
