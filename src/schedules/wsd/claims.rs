//! The claims about WSD.

use super::*;
use crate::claim::{Claim, Domain, Inputs, Kind::*, Source};
use num_rational::BigRational;

const SHAPES: [Shape; 3] = [Shape::Linear, Shape::Cosine, Shape::OneMinusSqrt];

/// The decay with T and D as symbols.
struct Decay {
    max: Expr,
    min: Expr,
    t: Expr,
    d: Expr,
}

impl Decay {
    fn of(x: &Inputs) -> Decay {
        let (max, min) = ends(x);
        Decay { max, min, t: x.positive("T"), d: x.positive("D") }
    }

    fn at(&self, shape: Shape, s: Expr) -> Expr {
        decayed(shape, self.max, self.min, progress(s, self.t, self.d))
    }
}

/// max above min, both at least 0.
fn ends(x: &Inputs) -> (Expr, Expr) {
    let min = x.declare("min", Domain::NonNegative);
    (min + x.positive("max − min"), min)
}

/// Pairs about a decay with T and D as symbols.
fn decay_of(pairs: impl Fn(&Decay) -> Vec<(Expr, Expr)>) -> Instance {
    Instance::equal("T and D as symbols", |x| pairs(&Decay::of(x)))
}

fn last_step(said: impl Fn(&Decay) -> Expr) -> Instance {
    decay_of(|decay| vec![(decay.at(Shape::Linear, decay.t - 1), said(decay))])
}

/// The guide's code in the decay: min_lr + (max_lr − min_lr)·(1 − decay_progress).
fn code(max: Expr, min: Expr, s: Expr, t: Expr, d: Expr) -> Expr {
    let decay_progress = (s - (t - d)) / d;
    min + (max - min) * (1 - decay_progress)
}

/// Two runs of different lengths, with the same W and D, at the steps below `until`.
fn prefix(w: i64, d: i64, [t1, t2]: [i64; 2], until: i64) -> Instance {
    Instance::equal(format!("W = {w}, D = {d}, T = {t1} and {t2}, s below {until}"), |x| {
        let (max, min) = ends(x);
        same_rates(max, min, w, d, [t1, t2], until)
    })
}

fn same_rates(max: Expr, min: Expr, w: i64, d: i64, ends: [i64; 2], until: i64) -> Vec<(Expr, Expr)> {
    let lr = |t, s| at(Timing::new(w, t), d, Shape::Linear, s, max, min, None);
    (0..until).map(|s| (lr(ends[0], s), lr(ends[1], s))).collect()
}

/// Every W and D up to 4 and stable phase up to 3 steps, against runs up to 5 steps longer.
fn prefixes() -> Instance {
    Instance::equal("every W ≤ 4, D ≤ 4, T1 ≤ W + D + 3 and T2 ≤ T1 + 5", |x| {
        let (max, min) = ends(x);
        let sizes = (0..=4).flat_map(|w| (1..=4).flat_map(move |d| (0..=3).map(move |stable| (w, d, w + stable + d))));
        let runs = sizes.flat_map(|(w, d, t1)| (1..=5).map(move |longer| (w, d, t1, t1 + longer)));
        runs.flat_map(|(w, d, t1, t2)| same_rates(max, min, w, d, [t1, t2], t1 - d)).collect()
    })
}

/// How many of the steps of a run are at the peak, by the oracle.
fn steps_at_peak(said: i64) -> Instance {
    let steps = (0..100).collect();
    let (warmup_steps, total_steps, decay_steps, conventions) = (10, 100, 20, Conventions::default());
    let input = Input { steps, max_lr: 1.0, min_lr: 0.0, warmup_steps, total_steps, decay_steps, conventions };
    let counted = oracle(&input).map_or(0, |lr| lr.iter().filter(|&&lr| lr == 1.0).count());
    let whole = |n: i64| BigRational::from_integer(n.into());
    Instance::count("W = 10, T = 100, D = 20", whole(counted as i64), whole(said))
}

/// Three shapes at a progress strictly inside the decay.
fn shapes(x: &Inputs) -> [Expr; 3] {
    let ((max, min), p) = (ends(x), x.declare("p", Domain::Between(0.0, 0.5)));
    SHAPES.map(|shape| decayed(shape, max, min, p))
}

pub(super) fn claims() -> Vec<Claim> {
    vec![
        Claim::proved("wsd/code", Identity, "the guide's code computes the formula with f(p) = 1 − p")
            .source(Source::guide("3.2", "min_lr + (max_lr - min_lr) * (1 - decay_progress)"))
            .at(Instance::equal("s, T and D as symbols", |x| {
                let (decay, s) = (Decay::of(x), x.real("s"));
                vec![(code(decay.max, decay.min, s, decay.t, decay.d), decay.at(Shape::Linear, s))]
            }))
            .control(
                "decay-from-warmup-end",
                Instance::equal("s, W, T and D as symbols", |x| {
                    let (decay, s, w) = (Decay::of(x), x.real("s"), x.real("W"));
                    let wrong = decayed(Shape::Linear, decay.max, decay.min, (s - w) / (decay.t - w));
                    vec![(code(decay.max, decay.min, s, decay.t, decay.d), wrong)]
                }),
            ),
        Claim::proved(
            "wsd/ends",
            Identity,
            "every shape leaves max at s = T − D without a jump and is at min at s = T",
        )
        .source(Source::guide("3.2", "快速衰减到 min LR"))
        .at_all(SHAPES.map(|shape| {
            Instance::equal(format!("{shape:?}, T and D as symbols"), |x| {
                let decay = Decay::of(x);
                vec![(decay.at(shape, decay.t - decay.d), decay.max), (decay.at(shape, decay.t), decay.min)]
            })
        }))
        .control("a-step-early", last_step(|decay| decay.min)),
        Claim::refuted(
            "wsd/ends-within-the-run",
            Identity,
            "the rate comes down to min within the T steps 0 … T − 1 of the run: lr(T − 1) = min",
            "wsd/last-step",
        )
        .source(Source::guide("3.2", "快速衰减到 min LR（最后 ~10% steps）"))
        .at(last_step(|decay| decay.min)),
        Claim::proved(
            "wsd/last-step",
            Identity,
            "the last step of the run is at min + (max − min)/D; min comes at s = T",
        )
        .amends("wsd/ends-within-the-run")
        .at(last_step(|decay| decay.min + (decay.max - decay.min) / decay.d))
        .control("at-min", last_step(|decay| decay.min)),
        Claim::refuted(
            "wsd/lengthened-at-any-step",
            Identity,
            "a run can be lengthened at any step: until T1 the schedule to T2 > T1 is the schedule to T1",
            "wsd/prefix",
        )
        .source(Source::guide("3.2", "支持任意停止点 (anytime stopping)"))
        .at(prefix(2, 3, [8, 10], 8)),
        Claim::proved(
            "wsd/prefix",
            Identity,
            "with the same W and D, runs to T1 < T2 have the same schedule at every s < T1 − D: before its decay \
a run can still become a longer one",
        )
        .source(Source::guide("3.2", "stable 阶段的任何 checkpoint"))
        .amends("wsd/lengthened-at-any-step")
        .at(prefixes())
        .control("into-the-decay", prefix(2, 3, [8, 10], 7)),
        Claim::refuted(
            "wsd/never-negative",
            Inequality,
            "past the end the guide's code, which does not clamp its progress, is at least 0",
            "wsd/past-the-end",
        )
        .source(Source::guide("3.2", "decay_progress = (step - (total_steps - decay_steps)) / decay_steps"))
        .at(Instance::at_least("s = T + k, T and D as symbols", |x| {
            let (max, d, t, k) = (x.positive("max"), x.positive("D"), x.positive("T"), x.positive("k"));
            vec![(code(max, constant(0), t + k, t, d), constant(0))]
        })),
        Claim::proved(
            "wsd/past-the-end",
            Identity,
            "k steps past the end it is at min − (max − min) k/D, so at T + D it is 2 min − max",
        )
        .amends("wsd/never-negative")
        .at(Instance::equal("k, T and D as symbols", |x| {
            let (decay, k) = (Decay::of(x), x.positive("k"));
            let lr = |s| code(decay.max, decay.min, s, decay.t, decay.d);
            let below = decay.min - (decay.max - decay.min) * k / decay.d;
            vec![(lr(decay.t + k), below), (lr(decay.t + decay.d), 2 * decay.min - decay.max)]
        }))
        .control(
            "held",
            Instance::equal("k, T and D as symbols", |x| {
                let (decay, k) = (Decay::of(x), x.positive("k"));
                vec![(code(decay.max, decay.min, decay.t + k, decay.t, decay.d), decay.min)]
            }),
        ),
        Claim::proved("wsd/slope", Gradient, "∂lr/∂p is −(max − min), −π/2·(max − min) sin πp or −(max − min)/(2√p)")
            .at_all(SHAPES.map(|shape| {
                Instance::gradient(format!("{shape:?}, p as a symbol"), |x| {
                    let (max, min, p) = (x.real("max"), x.real("min"), x.unit("p"));
                    (decayed(shape, max, min, p), vec![p], vec![slope(shape, max, min, p)])
                })
            }))
            .control(
                "of-another-shape",
                Instance::gradient("p as a symbol", |x| {
                    let (max, min, p) = (x.real("max"), x.real("min"), x.unit("p"));
                    (decayed(Shape::OneMinusSqrt, max, min, p), vec![p], vec![slope(Shape::Linear, max, min, p)])
                }),
            ),
        Claim::proved(
            "wsd/one-minus-sqrt-drops-first",
            Identity,
            "with f = 1 − √p the first k steps of the decay take the part √(k/D) of max − min: the square of what they \
take is (max − min)² k/D",
        )
        .at(Instance::equal("k, T and D as symbols", |x| {
            let (decay, k) = (Decay::of(x), x.positive("k"));
            let taken = decay.max - decay.at(Shape::OneMinusSqrt, decay.t - decay.d + k);
            vec![(taken.squared(), (decay.max - decay.min).squared() * k / decay.d)]
        }))
        .control(
            "as-a-line",
            Instance::equal("k, T and D as symbols", |x| {
                let (decay, k) = (Decay::of(x), x.positive("k"));
                let taken = decay.max - decay.at(Shape::Linear, decay.t - decay.d + k);
                vec![(taken.squared(), (decay.max - decay.min).squared() * k / decay.d)]
            }),
        ),
        Claim::proved(
            "wsd/one-minus-sqrt-below-the-line",
            Identity,
            "1 − √p lies below 1 − p by √p(1 − √p), which is above 0 inside the decay",
        )
        .at(Instance::equal("p as a symbol", |x| {
            let p = x.unit("p");
            vec![(decay::linear(p) - decay::one_minus_sqrt(p), p.sqrt() * (1 - p.sqrt()))]
        }))
        .control(
            "one-minus-sqrt-reversed",
            Instance::equal("p as a symbol", |x| {
                let p = x.unit("p");
                vec![(decay::linear(p) - (1 - p).sqrt(), p.sqrt() * (1 - p.sqrt()))]
            }),
        ),
        Claim::verified(
            "wsd/shapes-in-order",
            Inequality,
            "in the first half of the decay the cosine is highest, then the line, then 1 − √p",
        )
        .at(Instance::greater("p below 1/2 as a symbol", |x| {
            let [linear, cosine, one_minus_sqrt] = shapes(x);
            vec![(cosine, linear), (linear, one_minus_sqrt)]
        }))
        .control(
            "the-other-way",
            Instance::greater("p below 1/2 as a symbol", |x| {
                let [linear, cosine, _] = shapes(x);
                vec![(linear, cosine)]
            }),
        ),
        Claim::proved("wsd/steps-at-the-peak", Count, "T − D − W + 1 steps are at the peak, from W to T − D inclusive")
            .source(Source::guide("3.2", "保持 peak LR 不变"))
            .at(steps_at_peak(71))
            .control("without-the-last", steps_at_peak(70)),
    ]
}
