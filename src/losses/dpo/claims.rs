//! The claims about DPO.

use super::*;
use crate::claim::{Claim, Kind::*, Source};
use crate::expression::{absolute, dot, log_softmax, positive_part, ratio, softmax};
use crate::losses::preference::{log_sigmoid_slope, textbook, ways};

const EVERY_CONVENTION: [Conventions; 4] = {
    const fn of(smoothing: Smoothing, reference: Reference) -> Conventions {
        Conventions { smoothing, reference }
    }
    [
        of(Smoothing::Conservative, Reference::Given),
        of(Smoothing::Conservative, Reference::Free),
        of(Smoothing::Robust, Reference::Given),
        of(Smoothing::Robust, Reference::Free),
    ]
};

/// The pairs of a batch, which share β.
fn batch(x: &Inputs, size: usize) -> Vec<Pair> {
    let beta = x.positive("beta");
    (0..size).map(|b| Pair { beta, ..pair_named(x, &format!("pair_{b}")) }).collect()
}

fn batch_gradient(size: usize) -> Instance {
    Instance::gradient(format!("B = {size}"), |x| {
        let pairs = batch(x, size);
        let wrt = pairs.iter().flat_map(|p| [p.policy_chosen, p.policy_rejected]).collect();
        let claimed = pairs.iter().flat_map(gradient).map(|g| g / size as i64).collect();
        (batch_mean(&pairs), wrt, claimed)
    })
}

fn smoothed_gradient_under(conventions: Conventions) -> Instance {
    let scope = format!("one pair, {:?}, {:?}", conventions.smoothing, conventions.reference);
    Instance::gradient(scope, |x| {
        let (p, epsilon) = (pair(x), noise(x));
        let claimed = smoothed_gradient(&p, epsilon, conventions).to_vec();
        (smoothed(&p, epsilon, conventions), vec![p.policy_chosen, p.policy_rejected], claimed)
    })
}

/// Two rewards, and σ(r̂_l − r̂_w).
fn weight_of_rewards(x: &Inputs) -> (Expr, Expr, Expr) {
    let (chosen, rejected) = (x.real("r_w"), x.real("r_l"));
    (chosen, rejected, sigmoid(rejected - chosen))
}

/// A model with one parameter θ: the log-probability of response i among three is that of
/// softmax(θ·f), with features f, whose derivative is f_i − Σ p f. Gives the derivatives of
/// ln π(y_w) and ln π(y_l) along −∇ℓ, for y_w the first and y_l the second response.
fn rates_with_shared_features(x: &Inputs, features: [Expr; 3]) -> [Expr; 2] {
    let (theta, beta) = (x.real("theta"), x.positive("beta"));
    let p = softmax(&features.map(|f| theta * f));
    let mean = sum((0..3).map(|i| p[i] * features[i]));
    let slopes = [features[0] - mean, features[1] - mean];
    let w = weight(beta * theta * (features[0] - features[1]));
    let descent = beta * w * (slopes[0] - slopes[1]);
    slopes.map(|slope| descent * slope)
}

/// Log-probabilities of `n` responses, each with a logit of its own: the loss of the first against
/// the second, with the others' logits and the reference's as they are.
fn tabular(x: &Inputs, n: usize) -> (Vec<Expr>, Pair) {
    let z = x.reals("z", n);
    let log_p: Vec<Expr> = log_softmax(&z);
    let pair = Pair {
        policy_chosen: log_p[0],
        policy_rejected: log_p[1],
        reference_chosen: x.real("reference_chosen"),
        reference_rejected: x.real("reference_rejected"),
        beta: x.positive("beta"),
    };
    (z, pair)
}

/// −∇ℓ is β·weight at the chosen response's logit, its opposite at the rejected one's, and 0 at the
/// others': nothing pushes a third response.
fn tabular_descent(n: usize) -> Instance {
    Instance::gradient(format!("{n} responses, −∇ℓ"), |x| {
        let (z, pair) = tabular(x, n);
        let claimed = gradient(&pair).into_iter().chain((2..n).map(|_| constant(0))).collect();
        (dpo(&pair), z, claimed)
    })
}

/// The derivatives of the two log-probabilities along e_w − e_l.
fn tabular_rate(n: usize, of: usize, form: fn(Expr, Expr) -> Expr) -> Instance {
    Instance::gradient(format!("{n} responses, ln π of the {}", ["chosen", "rejected"][of]), |x| {
        let (mut z, t) = (x.reals("z", n), x.real("t"));
        z[0] = z[0] + t;
        z[1] = z[1] - t;
        let p = softmax(&z);
        (p[of].ln(), vec![t], vec![form(p[0], p[1])])
    })
}

fn chosen_rate(p_w: Expr, p_l: Expr) -> Expr {
    (1 - p_w) + p_l
}

fn rejected_rate(p_w: Expr, p_l: Expr) -> Expr {
    -((1 - p_l) + p_w)
}

/// The mean of a smoothed loss over a label that is flipped with probability ε, against the clean
/// loss.
fn mean_over_flips(smoothing: Smoothing) -> Instance {
    Instance::expectation(format!("{smoothing:?}, flipped or not"), |x| {
        let (h, epsilon) = (x.real("h"), noise(x));
        let under = |h| smoothed_loss(h, epsilon, smoothing);
        (vec![1 - epsilon, epsilon], vec![(vec![under(h), under(-h)], loss(h))])
    })
}

/// −ln σ(h) = −ln(1/(1 + e^{−h})) as written needs e^{−h} < 2^1024.
fn log_of_sigmoid() -> Instance {
    Instance::at_least("e^{−h} < 2^1024 as −h < 1024 ln 2", |x| vec![(1024 * constant(2).ln(), -x.real("h"))])
}

/// Everything but the loss, of a mean over two pairs.
fn textbook_values(smoothing: Smoothing) -> Instance {
    Instance::equal(format!("one pair, {smoothing:?}: weight, gradient and rewards"), |x| {
        let (pair, epsilon) = (pair(x), noise(x));
        let conventions = Conventions { smoothing, ..Conventions::default() };
        let right = pair.judged(epsilon, conventions, None);
        let against = |way| {
            let found = pair.textbook(way, epsilon, conventions, 2, constant(1));
            [
                (found.weight, right.weight),
                (2 * found.slope, right.slope),
                (found.reward_chosen, right.reward_chosen),
                (found.reward_rejected, right.reward_rejected),
            ]
        };
        ways(Reference::Given).into_iter().flat_map(against).collect()
    })
}

/// Losses times 4, whose exponentials are rational.
fn textbook_losses(smoothing: Smoothing) -> Instance {
    Instance::equal(format!("one pair, {smoothing:?}, ε = 1/4: the loss"), |x| {
        let (pair, epsilon) = (pair(x), ratio(1, 4));
        let conventions = Conventions { smoothing, ..Conventions::default() };
        let right = 4 * pair.judged(epsilon, conventions, None).loss;
        let ways = ways(Reference::Given).into_iter();
        ways.map(|way| (4 * pair.textbook(way, epsilon, conventions, 1, constant(1)).loss, right)).collect()
    })
}

pub(super) fn claims() -> Vec<Claim> {
    let mut all = about_the_gradient();
    all.extend(about_the_loss());
    all.extend(about_label_noise());
    all
}

fn about_the_gradient() -> Vec<Claim> {
    vec![
        Claim::proved(
            "dpo/gradient",
            Gradient,
            "∂ℓ/∂ln π_w = −β σ(r̂_l − r̂_w), ∂ℓ/∂ln π_l = +β σ(r̂_l − r̂_w): so ∇_θ ℓ = \
−β σ(r̂_l − r̂_w) [∇_θ ln π_w − ∇_θ ln π_l] by the chain rule",
        )
        .source(Source::guide("1.3", "∇_θ L_DPO = −β·σ(r̂_l − r̂_w) [∇_θ log π_θ(y_w|x) − ∇_θ log π_θ(y_l|x)]"))
        .at(Instance::gradient("one pair", |x| {
            let p = pair(x);
            (dpo(&p), vec![p.policy_chosen, p.policy_rejected], gradient(&p).to_vec())
        }))
        .control("sign", sign()),
        Claim::proved(
            "dpo/gradient-of-a-batch",
            Gradient,
            "the gradient of the mean over B pairs is each pair's, divided by B",
        )
        .source(Source::guide("1.3", "L_DPO = −E[log σ(…)]"))
        .at_all([2, 3, 16].map(batch_gradient))
        .at(batch_gradient(64).beyond())
        .control("batch-mean-missing", batch_mean_missing()),
        Claim::proved(
            "dpo/smoothed-gradient",
            Gradient,
            "∂ℓ/∂ln π_w = −β·weight and ∂ℓ/∂ln π_l = +β·weight, with the weight σ(−h) − ε \
(conservative) or ((1 − ε)σ(−h) + εσ(h))/(1 − 2ε) (robust), with or without the reference",
        )
        .at_all(EVERY_CONVENTION.map(smoothed_gradient_under))
        .control(
            "smoothing-ignored",
            Instance::gradient("one pair", |x| {
                let (p, epsilon) = (pair(x), noise(x));
                let loss = smoothed(&p, epsilon, Conventions::default());
                (loss, vec![p.policy_chosen, p.policy_rejected], gradient(&p).to_vec())
            }),
        ),
        Claim::proved(
            "dpo/chain-rule",
            Gradient,
            "with ln π_w = a·θ and ln π_l = b·θ, ∇_θ ℓ = −β σ(r̂_l − r̂_w) [a − b]: r̂ contains β \
already, and the reference has no gradient",
        )
        .source(Source::guide("1.3", "r̂ = β log(π_θ(y|x)/π_ref(y|x))"))
        .at_all([1, 3].map(shared_parameters))
        .control(
            "beta-twice",
            Instance::gradient("one pair", |x| {
                let p = pair(x);
                let slope = p.beta * weight(p.beta * p.margin(Reference::Given));
                (dpo(&p), vec![p.policy_chosen], vec![-slope])
            }),
        ),
        Claim::proved("dpo/weight-range", Inequality, "0 < σ(r̂_l − r̂_w) < 1")
            .source(Source::guide("1.3", "权重：错得越多学越多"))
            .at(Instance::greater("h from −30 to 30", |x| {
                let w = weight(x.declare("h", Domain::Between(-30.0, 30.0)));
                vec![(w, constant(0)), (constant(1), w)]
            }))
            .at(Instance::greater("two rewards", |x| {
                let (_, _, w) = weight_of_rewards(x);
                vec![(w, constant(0)), (constant(1), w)]
            })
            .beyond())
            .control(
                "at-most-a-half",
                Instance::greater("two rewards", |x| {
                    let (_, _, w) = weight_of_rewards(x);
                    vec![(w, constant(0)), (ratio(1, 2), w)]
                }),
            ),
        Claim::proved(
            "dpo/weight-increases",
            Gradient,
            "the weight w = σ(r̂_l − r̂_w) rises with r̂_l − r̂_w: ∂w/∂r̂_l = w(1 − w) > 0 and \
∂w/∂r̂_w = −w(1 − w)",
        )
        .source(Source::guide("1.3", "权重：错得越多学越多"))
        .at(Instance::gradient("two rewards", |x| {
            let (chosen, rejected, w) = weight_of_rewards(x);
            (w, vec![rejected, chosen], vec![w * (1 - w), -(w * (1 - w))])
        }))
        .control(
            "weight-of-margin",
            Instance::gradient("two rewards", |x| {
                let (chosen, rejected, w) = weight_of_rewards(x);
                (1 - w, vec![rejected, chosen], vec![w * (1 - w), -(w * (1 - w))])
            }),
        ),
        Claim::verified(
            "dpo/weight-above-half",
            Inequality,
            "the weight is above 1/2 where r̂_l > r̂_w, and below where r̂_l < r̂_w",
        )
        .source(Source::guide(
            "1.3",
            "当模型对 rejected 的隐式 reward 高于 chosen 时（即\"判断错误\"），梯度权重大，学得更多",
        ))
        .at(Instance::greater("r̂_l > r̂_w", |x| {
            let (chosen, rejected, w) = weight_of_rewards(x);
            x.assume_positive(rejected - chosen);
            vec![(w, ratio(1, 2))]
        }))
        .at(Instance::greater("r̂_l < r̂_w", |x| {
            let (chosen, rejected, w) = weight_of_rewards(x);
            x.assume_positive(chosen - rejected);
            vec![(ratio(1, 2), w)]
        }))
        .control(
            "weight-of-margin",
            Instance::greater("r̂_l > r̂_w", |x| {
                let (chosen, rejected, w) = weight_of_rewards(x);
                x.assume_positive(rejected - chosen);
                vec![(1 - w, ratio(1, 2))]
            }),
        ),
        Claim::proved(
            "dpo/weight-less-a-half",
            Identity,
            "w − 1/2 = (w/2)(1 − e^{r̂_w − r̂_l}), whose sign is that of r̂_l − r̂_w; 1/2 where they are equal",
        )
        .source(Source::guide(
            "1.3",
            "当模型对 rejected 的隐式 reward 高于 chosen 时（即\"判断错误\"），梯度权重大，学得更多",
        ))
        .at(Instance::equal("two rewards", |x| {
            let (chosen, rejected, w) = weight_of_rewards(x);
            vec![(w - ratio(1, 2), w / 2 * (1 - (chosen - rejected).exp()))]
        }))
        .control(
            "weight-of-margin",
            Instance::equal("two rewards", |x| {
                let (chosen, rejected, w) = weight_of_rewards(x);
                vec![((1 - w) - ratio(1, 2), w / 2 * (1 - (chosen - rejected).exp()))]
            }),
        ),
        Claim::verified("dpo/gradient-range", Inequality, "−β < ∂ℓ/∂ln π_w < 0 < ∂ℓ/∂ln π_l < β")
            .at(Instance::greater("one pair", |x| {
                let p = pair(x);
                let [chosen, rejected] = gradient(&p);
                vec![(chosen, -p.beta), (constant(0), chosen), (rejected, constant(0)), (p.beta, rejected)]
            }))
            .control(
                "at-most-half-of-beta",
                Instance::greater("one pair", |x| {
                    let p = pair(x);
                    vec![(gradient(&p)[0], -p.beta / 2)]
                }),
            ),
        Claim::refuted(
            "dpo/raises-chosen-lowers-rejected",
            Inequality,
            "a small step along −∇ℓ raises the probability of the chosen response and lowers that of \
the rejected one, whatever the model",
            "dpo/raises-chosen-lowers-rejected-tabular",
        )
        .source(Source::guide("1.3", "增加 chosen 概率 … 降低 rejected 概率"))
        .at(Instance::at_least("one parameter, three responses with features 1, 1/2, 3", |x| {
            let features = [constant(1), ratio(1, 2), constant(3)];
            let [chosen, rejected] = rates_with_shared_features(x, features);
            vec![(chosen, constant(0)), (constant(0), rejected)]
        })),
        Claim::proved(
            "dpo/raises-chosen-lowers-rejected-tabular",
            Gradient,
            "where every response has a logit of its own, −∇ℓ = β·weight (e_w − e_l), along which \
ln π_w rises at the rate (1 − p_w) + p_l > 0 and ln π_l falls at the rate (1 − p_l) + p_w > 0",
        )
        .amends("dpo/raises-chosen-lowers-rejected")
        .at_all([2, 3, 8].map(tabular_descent))
        .at_all([2, 3, 8].map(|n| tabular_rate(n, 0, chosen_rate)))
        .at_all([2, 3, 8].map(|n| tabular_rate(n, 1, rejected_rate)))
        .control("others-unmoved", tabular_rate(3, 0, |p_w, _| 1 - p_w)),
    ]
}

/// ln π_w = a·θ and ln π_l = b·θ with parameters θ.
fn shared_parameters(n: usize) -> Instance {
    Instance::gradient(format!("{n} parameters"), |x| {
        let (theta, a, b) = (x.reals("theta", n), x.reals("a", n), x.reals("b", n));
        let p = Pair {
            policy_chosen: dot(&a, &theta),
            policy_rejected: dot(&b, &theta),
            reference_chosen: x.real("reference_chosen"),
            reference_rejected: x.real("reference_rejected"),
            beta: x.positive("beta"),
        };
        let w = sigmoid(p.reward_rejected() - p.reward_chosen());
        let claimed = (0..n).map(|i| -(p.beta * w * (a[i] - b[i]))).collect();
        (dpo(&p), theta, claimed)
    })
}

fn about_the_loss() -> Vec<Claim> {
    vec![
        Claim::proved(
            "dpo/bradley-terry",
            Identity,
            "ℓ is the cross-entropy of the two rewards with the chosen one as target: \
e^{−ℓ} = e^{r̂_w}/(e^{r̂_w} + e^{r̂_l})",
        )
        .source(Source::guide("1.3", "L_DPO = −E[log σ(β(log π_θ(y_w|x)/π_ref(y_w|x) − log π_θ(y_l|x)/π_ref(y_l|x)))]"))
        .at(Instance::equal("one pair", |x| {
            let p = pair(x);
            vec![((-dpo(&p)).exp(), softmax(&[p.reward_chosen(), p.reward_rejected()])[0])]
        }))
        .control(
            "chosen-rejected-swapped",
            Instance::equal("one pair", |x| {
                let p = pair(x);
                vec![((-dpo(&p)).exp(), softmax(&[p.reward_chosen(), p.reward_rejected()])[1])]
            }),
        ),
        Claim::proved("dpo/at-zero", Identity, "at h = 0 the loss is ln 2 and the weight 1/2")
            .at(Instance::equal("policy = reference", |x| {
                let p = pair(x);
                let equal = Pair { reference_chosen: p.policy_chosen, reference_rejected: p.policy_rejected, ..p };
                vec![(dpo(&equal), constant(2).ln()), (gradient(&equal)[0], -p.beta / 2)]
            }))
            .control(
                "one-nat",
                Instance::equal("policy = reference", |x| {
                    let p = pair(x);
                    let equal = Pair { reference_chosen: p.policy_chosen, reference_rejected: p.policy_rejected, ..p };
                    vec![(dpo(&equal), constant(1))]
                }),
            ),
        Claim::proved("dpo/antisymmetry", Identity, "ℓ(h) − ℓ(−h) = −h")
            .at(Instance::equal("any h", |x| {
                let h = x.real("h");
                vec![(loss(h) - loss(-h), -h)]
            }))
            .control(
                "sign",
                Instance::equal("any h", |x| {
                    let h = x.real("h");
                    vec![(loss(h) - loss(-h), h)]
                }),
            ),
        Claim::proved(
            "dpo/convex",
            Gradient,
            "∂ℓ/∂h = −σ(−h) and ∂²ℓ/∂h² = σ(h)σ(−h) > 0: the loss is strictly convex in the margin",
        )
        .at(Instance::gradient("ℓ′", |x| {
            let h = x.real("h");
            (loss(h), vec![h], vec![-weight(h)])
        }))
        .at(Instance::gradient("ℓ″", |x| {
            let h = x.real("h");
            (-weight(h), vec![h], vec![sigmoid(h) * sigmoid(-h)])
        }))
        .control(
            "sigmoid-squared",
            Instance::gradient("ℓ″", |x| {
                let h = x.real("h");
                (-weight(h), vec![h], vec![sigmoid(-h).squared()])
            }),
        ),
        Claim::proved("dpo/loss-bounds", Inequality, "ℓ > 0 and ℓ > −h, and ℓ ≤ ln 2 + max(−h, 0)")
            .at(Instance::greater("any h", |x| {
                let h = x.real("h");
                vec![(textbook(h), constant(0)), (textbook(h) + h, constant(0))]
            }))
            .at(Instance::at_least("any h", |x| {
                let h = x.real("h");
                vec![(constant(2).ln() + positive_part(-h), textbook(h))]
            }))
            .control("at-most-ln-2", Instance::at_least("any h", |x| vec![(constant(2).ln(), textbook(x.real("h")))])),
        Claim::proved(
            "dpo/textbook",
            Identity,
            "max(−h, 0) + ln1p(e^{−|h|}) computes ℓ; h in every order of its terms, and the derivative \
backward through log-sigmoid or in closed form, give the definition's loss, weight, rewards and gradient",
        )
        .at(Instance::equal("any h", |x| {
            let h = x.real("h");
            vec![(textbook(h), loss(h)), (log_sigmoid_slope(h), sigmoid(-h))]
        }))
        .at_all([Smoothing::Conservative, Smoothing::Robust].map(textbook_values))
        .at_all([Smoothing::Conservative, Smoothing::Robust].map(textbook_losses))
        .control(
            "without-the-maximum",
            Instance::equal("any h", |x| {
                let h = x.real("h");
                vec![((-absolute(h)).exp().ln_1p(), loss(h))]
            }),
        ),
        Claim::refuted(
            "dpo/log-of-sigmoid",
            Inequality,
            "−ln σ(h), evaluated as written, stays within the range of f64: e^{−h} < 2^1024",
            "dpo/log-of-sigmoid-shifted",
        )
        .source(Source::paper("thinking-machines-lab/tinker-cookbook", "PR #188", "−log(sigmoid(x))"))
        .at(log_of_sigmoid()),
        Claim::verified("dpo/log-of-sigmoid-shifted", Inequality, "in the textbook form the exponential is at most 1")
            .amends("dpo/log-of-sigmoid")
            .at(Instance::at_least("any h", |x| vec![(constant(1), (-absolute(x.real("h"))).exp())]))
            .control(
                "at-most-a-half",
                Instance::at_least("any h", |x| vec![(ratio(1, 2), (-absolute(x.real("h"))).exp())]),
            ),
        Claim::proved(
            "dpo/normalizer-cancels",
            Identity,
            "a constant added to the policy's and the reference's log-probability of a response, or to both \
responses of the policy, changes nothing: the normalizer Z(x) cancels",
        )
        .at(Instance::equal("one pair", |x| {
            let (p, c, d) = (pair(x), x.real("c"), x.real("d"));
            let both_models =
                Pair { policy_chosen: p.policy_chosen + c, reference_chosen: p.reference_chosen + c, ..p };
            let both_responses =
                Pair { policy_chosen: p.policy_chosen + d, policy_rejected: p.policy_rejected + d, ..p };
            vec![(dpo(&both_models), dpo(&p)), (dpo(&both_responses), dpo(&p))]
        }))
        .control(
            "one-log-probability",
            Instance::equal("one pair", |x| {
                let (p, c) = (pair(x), x.real("c"));
                vec![(dpo(&Pair { policy_chosen: p.policy_chosen + c, ..p }), dpo(&p))]
            }),
        ),
        Claim::refuted(
            "dpo/free-margin",
            Identity,
            "the margin in the loss is the difference of the reported rewards, with and without the reference",
            "dpo/free-margin-equal-references",
        )
        .source(Source::paper("eric-mitchell/direct-preference-optimization", "trainers.py", "reference_free"))
        .at(Instance::equal("reference-free", |x| {
            let p = pair(x);
            vec![(p.margin(Reference::Free), p.reward_chosen() - p.reward_rejected())]
        })),
        Claim::proved(
            "dpo/free-margin-equal-references",
            Identity,
            "without the reference the margin is r̂_w − r̂_l + β (ln π_ref,w − ln π_ref,l), which is the \
difference of the rewards where the reference likes both responses alike",
        )
        .amends("dpo/free-margin")
        .at(Instance::equal("reference-free", |x| {
            let p = pair(x);
            let offset = p.beta * (p.reference_chosen - p.reference_rejected);
            vec![(p.margin(Reference::Free), p.reward_chosen() - p.reward_rejected() + offset)]
        }))
        .control(
            "offset-sign",
            Instance::equal("reference-free", |x| {
                let p = pair(x);
                let offset = p.beta * (p.reference_chosen - p.reference_rejected);
                vec![(p.margin(Reference::Free), p.reward_chosen() - p.reward_rejected() - offset)]
            }),
        ),
    ]
}

fn about_label_noise() -> Vec<Claim> {
    let weight_under = |smoothing| {
        Instance::greater(format!("{smoothing:?}"), move |x| {
            let (h, epsilon) = (x.real("h"), noise(x));
            vec![(smoothed_weight(h, epsilon, smoothing), constant(0))]
        })
    };
    vec![
        Claim::refuted(
            "dpo/smoothed-weight-positive",
            Inequality,
            "with label smoothing the weight stays positive, so that every pair is pushed apart",
            "dpo/conservative-weight-sign",
        )
        .source(Source::guide("1.3", "权重：错得越多学越多"))
        .at(weight_under(Smoothing::Conservative)),
        Claim::proved(
            "dpo/conservative-weight-sign",
            Identity,
            "at h = ln((1 − ε)/ε) + d the conservative weight is ε(1 − ε)(1 − e^d)/(ε + (1 − ε)e^d): \
0 at d = 0, positive below, negative above",
        )
        .amends("dpo/smoothed-weight-positive")
        .at(Instance::equal("any d", |x| {
            let (d, epsilon) = (x.real("d"), noise(x));
            let h = ((1 - epsilon) / epsilon).ln() + d;
            let form = epsilon * (1 - epsilon) * (1 - d.exp()) / (epsilon + (1 - epsilon) * d.exp());
            vec![(smoothed_weight(h, epsilon, Smoothing::Conservative), form)]
        }))
        .control(
            "zero-at-h-0",
            Instance::equal("any d", |x| {
                let (d, epsilon) = (x.real("d"), noise(x));
                let form = epsilon * (1 - epsilon) * (1 - d.exp()) / (epsilon + (1 - epsilon) * d.exp());
                vec![(smoothed_weight(d, epsilon, Smoothing::Conservative), form)]
            }),
        ),
        Claim::proved(
            "dpo/robust-weight-positive",
            Identity,
            "the robust weight is σ(−h) + ε/(1 − 2ε), a sum of positive terms: it never changes sign",
        )
        .amends("dpo/smoothed-weight-positive")
        .at(Instance::equal("any h", |x| {
            let (h, epsilon) = (x.real("h"), noise(x));
            vec![(smoothed_weight(h, epsilon, Smoothing::Robust), weight(h) + epsilon / (1 - 2 * epsilon))]
        }))
        .control(
            "smoothing-ignored",
            Instance::equal("any h", |x| {
                let (h, epsilon) = (x.real("h"), noise(x));
                vec![(smoothed_weight(h, epsilon, Smoothing::Robust), weight(h))]
            }),
        ),
        Claim::proved(
            "dpo/robust-unbiased",
            Expectation,
            "over a label that is flipped with probability ε the mean of the robust loss is the clean loss: \
(1 − ε)R(h) + εR(−h) = −ln σ(h)",
        )
        .amends("dpo/conservative-unbiased")
        .source(Source::paper(
            "Chowdhury et al., Provably Robust DPO (2024)",
            "abstract",
            "de-bias the effect of noise on average",
        ))
        .at(mean_over_flips(Smoothing::Robust))
        .control(
            "robust-undivided",
            Instance::expectation("flipped or not", |x| {
                let (h, epsilon) = (x.real("h"), noise(x));
                let under = |h| (1 - epsilon) * loss(h) - epsilon * loss(-h);
                (vec![1 - epsilon, epsilon], vec![(vec![under(h), under(-h)], loss(h))])
            }),
        ),
        Claim::refuted(
            "dpo/conservative-unbiased",
            Expectation,
            "over a label that is flipped with probability ε the mean of the conservative loss is the clean loss",
            "dpo/robust-unbiased",
        )
        .at(mean_over_flips(Smoothing::Conservative)),
        Claim::proved(
            "dpo/noise-is-a-tilt",
            Gradient,
            "the conservative loss is −ln σ(h) + εh, the robust one −ln σ(h) − εh/(1 − 2ε): the slope of \
the difference is that constant, and at h = 0 there is none",
        )
        .at_all(SMOOTHINGS.map(|smoothing| {
            Instance::gradient(format!("{smoothing:?}, the slope"), |x| {
                let (h, epsilon) = (x.real("h"), noise(x));
                (smoothed_loss(h, epsilon, smoothing) - loss(h), vec![h], vec![tilt(epsilon, smoothing)])
            })
        }))
        .at(Instance::equal("h = 0", |x| {
            let (h, epsilon) = (constant(0), noise(x));
            SMOOTHINGS.map(|smoothing| (smoothed_loss(h, epsilon, smoothing), loss(h))).to_vec()
        }))
        .control(
            "smoothing-ignored",
            Instance::gradient("conservative", |x| {
                let (h, epsilon) = (x.real("h"), noise(x));
                (smoothed_loss(h, epsilon, Smoothing::Conservative) - loss(h), vec![h], vec![constant(0)])
            }),
        ),
    ]
}

const SMOOTHINGS: [Smoothing; 2] = [Smoothing::Conservative, Smoothing::Robust];

/// What label noise adds to the loss, per h.
fn tilt(epsilon: Expr, smoothing: Smoothing) -> Expr {
    match smoothing {
        Smoothing::Conservative => epsilon,
        Smoothing::Robust => -(epsilon / (1 - 2 * epsilon)),
    }
}
