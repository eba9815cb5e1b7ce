//! The claims about cross-entropy.

use super::*;
use crate::claim::{Claim, Domain, Kind::*, Source};
use crate::expression::{constant, maximum, ratio};

fn gradient_at(v: usize, y: usize) -> Instance {
    Instance::gradient(format!("V = {v}, y = {y}"), |x| {
        let z = x.reals("z", v);
        (cross_entropy(&z, y), z.clone(), gradient(&z, y))
    })
}

/// All other classes enter through the sum of their e^z alone: one variable stands for all of them.
fn gradient_at_every_size() -> Instance {
    Instance::gradient("every V ≥ 3, the sum of the remaining e^z as one variable", |x| {
        let (target, other, rest) = (x.real("z_y"), x.real("z_i"), x.positive("R"));
        let total = target.exp() + other.exp() + rest;
        (total.ln() - target, vec![target, other], vec![target.exp() / total - 1, other.exp() / total])
    })
}

const WAYS: [Way; 2] = [Way::Autograd, Way::Weights];

/// Sums, and multiples of means, whose exponentials are rational.
fn textbook_loss(smoothing: Smoothing) -> Instance {
    Instance::equal(format!("B = 3 with one row ignored, V = 2, ε = 1/2, {smoothing:?}, the sum"), |x| {
        let batch = Batch {
            logits: ["a", "b", "c"].map(|name| x.reals(name, 2)).to_vec(),
            targets: vec![Some(0), None, Some(1)],
            epsilon: ratio(1, 2),
            reduction: Reduction::Sum,
            conventions: Conventions { smoothing, ..Conventions::default() },
        };
        let shift = x.real("M");
        let right = batch.reduce(None);
        let pair = |way| {
            let found = batch.textbook(way, constant(1), |_| shift);
            let mean = |reduced: &Reduced| 2 * reduced.perplexity.ln();
            [(4 * found.loss[0], 4 * right.loss[0]), (mean(&found), mean(&right))]
        };
        WAYS.into_iter().flat_map(pair).collect()
    })
}

fn textbook_gradient(smoothing: Smoothing) -> Instance {
    Instance::equal(format!("B = 2, V = 3, {smoothing:?}, the mean: its gradient"), |x| {
        let mut batch = Batch::plain(["a", "b"].map(|name| x.reals(name, 3)).to_vec(), &[Some(0), Some(2)]);
        batch.epsilon = x.unit("epsilon");
        batch.conventions.smoothing = smoothing;
        let (shift, right) = (x.real("M"), batch.reduce(None).gradient.concat());
        let pairs = |way| {
            let found = batch.textbook(way, constant(1), |_| shift).gradient.concat();
            found.into_iter().zip(right.clone()).collect::<Vec<_>>()
        };
        WAYS.into_iter().flat_map(pairs).collect()
    })
}

fn smoothed_gradient_at(v: usize, smoothing: Smoothing) -> Instance {
    Instance::gradient(format!("V = {v}, {smoothing:?}"), |x| {
        let (z, epsilon) = (x.reals("z", v), x.unit("epsilon"));
        let q = target_weights(v, 1, epsilon, smoothing);
        (smoothed(&z, &q), z.clone(), smoothed_gradient(&z, &q))
    })
}

fn hessian_at(v: usize) -> impl Iterator<Item = Instance> {
    (0..v).map(move |row| {
        Instance::gradient(format!("V = {v}, row {row}"), |x| {
            let z = x.reals("z", v);
            (gradient(&z, 0)[row], z.clone(), hessian(&z)[row].clone())
        })
    })
}

/// The mean over the rows that count.
fn batch_mean(logits: &[Vec<Expr>], targets: &[Option<usize>]) -> Expr {
    Batch::plain(logits.to_vec(), targets).reduce(None).loss[0]
}

/// The mean over these targets against the mean of −ln p of the next of the tokens 0, 1, 0.
fn next_token(targets: &'static [Option<usize>]) -> Instance {
    Instance::equal("T = 3, V = 2, the tokens 0, 1, 0", |x| {
        let rows: Vec<Vec<Expr>> = ["a", "b", "c"].map(|name| x.reals(name, 2)).to_vec();
        let formula = (cross_entropy(&rows[0], 1) + cross_entropy(&rows[1], 0)) / 2;
        vec![(batch_mean(&rows, targets), formula)]
    })
}

/// Two rows of three logits.
fn two_rows(x: &Inputs) -> Vec<Vec<Expr>> {
    vec![x.reals("a", 3), x.reals("b", 3)]
}

/// exp of the mean against the mean of exp.
fn mean_of_two_perplexities() -> Instance {
    Instance::equal("two tokens", |x| {
        let (a, b) = (x.positive("nll_a"), x.positive("nll_b"));
        vec![(((a + b) / 2).exp(), (a.exp() + b.exp()) / 2)]
    })
}

/// The mean of three rows against a weighted mean of the means of the first and of the other two.
fn micro_batches(weight_of_one: i64, weight_of_two: i64) -> Instance {
    Instance::equal("micro-batches of 1 and 2 rows, V = 2", |x| {
        let rows: Vec<Vec<Expr>> = ["a", "b", "c"].map(|name| x.reals(name, 2)).to_vec();
        let targets = [Some(0), Some(1), Some(0)];
        let one = weight_of_one * batch_mean(&rows[..1], &targets[..1]);
        let two = weight_of_two * batch_mean(&rows[1..], &targets[1..]);
        vec![(batch_mean(&rows, &targets), (one + two) / (weight_of_one + weight_of_two))]
    })
}

/// −ln p of the first of two classes: max(−d, 0) + ln(1 + e^{−|d|}), d = z_0 − z_1.
fn nll_of_difference(d: Expr) -> Expr {
    maximum(&[-d, constant(0)]) + (-maximum(&[d, -d])).exp().ln_1p()
}

fn entropy(p: &[Expr]) -> Expr {
    -sum(p.iter().map(|&p| p * p.ln()))
}

pub(super) fn claims() -> Vec<Claim> {
    vec![
        Claim::proved("cross-entropy/gradient", Gradient, "∂ℓ/∂z_i = p_i − [i = y]")
            .source(Source::guide("4, Q1", "∂L/∂z_i = p_i − 𝟙[i=y]"))
            .at_all([(2, 0), (2, 1), (3, 1), (4, 2), (16, 3), (64, 63)].map(|(v, y)| gradient_at(v, y)))
            .at(gradient_at_every_size())
            .at(gradient_at(1000, 17).beyond())
            .control("one-hot-missing", wrong_gradient("one-hot-missing")),
        Claim::proved(
            "cross-entropy/gradient-of-a-batch",
            Gradient,
            "∂(mean ℓ)/∂z_bi = (p_bi − [i = y_b])/N, 0 in ignored rows",
        )
        .source(Source::guide("1.1", "L_CE = −(1/T) Σ_t log p_θ(x_t | x_<t)"))
        .at(Instance::gradient("B = 3, V = 4, one row ignored", |x| {
            let rows: Vec<_> = ["a", "b", "c"].map(|name| x.reals(name, 4)).to_vec();
            let of_row = |z: &[Expr], y| gradient(z, y).into_iter().map(|g| g / 2).collect::<Vec<_>>();
            let claimed = [of_row(&rows[0], 2), vec![constant(0); 4], of_row(&rows[2], 0)].concat();
            (batch_mean(&rows, &[Some(2), None, Some(0)]), rows.concat(), claimed)
        }))
        .control("batch-mean-missing", wrong_gradient("batch-mean-missing")),
        Claim::proved("cross-entropy/smoothed-gradient", Gradient, "with target weights q, ∂ℓ/∂z_i = p_i − q_i")
            .source(Source::paper("Szegedy et al., Rethinking the Inception Architecture (2016)", "7", "p(k) − q(k)"))
            .at_all([3, 8].map(|v| smoothed_gradient_at(v, Smoothing::Uniform)))
            .at_all([3, 8].map(|v| smoothed_gradient_at(v, Smoothing::Others)))
            .control(
                "one-hot-missing",
                Instance::gradient("V = 3", |x| {
                    let (z, epsilon) = (x.reals("z", 3), x.unit("epsilon"));
                    (smoothed(&z, &target_weights(3, 1, epsilon, Smoothing::Uniform)), z.clone(), softmax(&z))
                }),
            ),
        Claim::proved("cross-entropy/hessian", Gradient, "∂²ℓ/∂z_i∂z_j = p_i([i = j] − p_j), which is diag(p) − ppᵀ")
            .at_all(hessian_at(3).chain(hessian_at(8)))
            .control(
                "jacobian-diagonal",
                Instance::gradient("V = 3", |x| {
                    let z = x.reals("z", 3);
                    let p = softmax(&z);
                    (gradient(&z, 0)[0], z, vec![p[0] * (1 - p[0]), constant(0), constant(0)])
                }),
            ),
        Claim::proved(
            "cross-entropy/hessian-is-a-variance",
            Identity,
            "xᵀ(diag(p) − ppᵀ)x = Σ_{i<j} p_i p_j (x_i − x_j)² ≥ 0, and 0 for equal x",
        )
        .at_all([2, 3, 5].map(|v| {
            Instance::equal(format!("V = {v}"), |x| {
                let (z, u) = (x.reals("z", v), x.reals("x", v));
                let (p, h) = (softmax(&z), hessian(&z));
                let quadratic =
                    sum((0..v).flat_map(|i| (0..v).map(move |j| (i, j))).map(|(i, j)| u[i] * h[i][j] * u[j]));
                let pairs = (0..v).flat_map(|i| (i + 1..v).map(move |j| (i, j)));
                let row_sums = h.iter().map(|row| (sum(row.iter().copied()), constant(0)));
                let squares = sum(pairs.map(|(i, j)| p[i] * p[j] * (u[i] - u[j]).squared()));
                row_sums.chain([(quadratic, squares)]).collect()
            })
        }))
        .control(
            "unweighted-variance",
            Instance::equal("V = 2", |x| {
                let (z, u) = (x.reals("z", 2), x.reals("x", 2));
                let h = hessian(&z);
                let quadratic = sum((0..4).map(|k| u[k / 2] * h[k / 2][k % 2] * u[k % 2]));
                vec![(quadratic, (u[0] - u[1]).squared() / 4)]
            }),
        ),
        Claim::proved("cross-entropy/log-softmax", Identity, "ln(e^{z_y}/Σ e^z) = z_y − ln Σ e^z")
            .source(Source::guide("1.1", "log p = log(exp(z_x)/Σ exp(z_v)) = z_x − log Σ exp(z_v)"))
            .at_all([2, 3, 64].map(|v| {
                Instance::equal(format!("V = {v}"), |x| {
                    let z = x.reals("z", v);
                    vec![(softmax(&z)[0].ln(), -cross_entropy(&z, 0))]
                })
            }))
            .control(
                "log-of-sum",
                Instance::equal("V = 2", |x| {
                    let z = x.reals("z", 2);
                    vec![(softmax(&z)[0].ln(), z[0] - sum(z.iter().copied()))]
                }),
            ),
        Claim::proved(
            "cross-entropy/textbook",
            Identity,
            "the max-shifted algorithms compute ℓ with its gradient, whatever the shift: with PyTorch's \
label smoothing and backward through log-softmax, and with weights q and p − q",
        )
        .at_all([2, 3, 16].map(|v| {
            Instance::equal(format!("V = {v}, the shift as a free variable"), |x| {
                let (z, shift) = (x.reals("z", v), x.real("M"));
                vec![(-Shifted::by(&z, shift).ln_p(0), cross_entropy(&z, 0))]
            })
        }))
        .at_all([Smoothing::Uniform, Smoothing::Others].map(textbook_loss))
        .at_all([Smoothing::Uniform, Smoothing::Others].map(textbook_gradient))
        .control(
            "shift-forgotten",
            Instance::equal("V = 2", |x| {
                let (z, shift) = (x.reals("z", 2), x.real("M"));
                vec![(-Shifted::by(&z, shift).ln_p(0) - shift, cross_entropy(&z, 0))]
            }),
        ),
        Claim::proved("cross-entropy/shift-invariance", Identity, "ℓ(z + c, y) = ℓ(z, y)")
            .at_all([2, 5].map(|v| {
                Instance::equal(format!("V = {v}"), |x| {
                    let (z, c) = (x.reals("z", v), x.real("c"));
                    vec![(cross_entropy(&z.iter().map(|&z| z + c).collect::<Vec<_>>(), 1), cross_entropy(&z, 1))]
                })
            }))
            .control(
                "scale-invariance",
                Instance::equal("V = 2", |x| {
                    let (z, c) = (x.reals("z", 2), x.positive("c"));
                    vec![(cross_entropy(&z.iter().map(|&z| z * c).collect::<Vec<_>>(), 1), cross_entropy(&z, 1))]
                }),
            ),
        Claim::proved("cross-entropy/gradient-sums-to-zero", Identity, "Σ_i ∂ℓ/∂z_i = 0")
            .at_all([2, 3, 64].map(|v| {
                Instance::equal(format!("V = {v}"), |x| {
                    let z = x.reals("z", v);
                    vec![(sum(gradient(&z, 0)), constant(0))]
                })
            }))
            .control(
                "one-hot-missing",
                Instance::equal("V = 2", |x| vec![(sum(softmax(&x.reals("z", 2))), constant(0))]),
            ),
        Claim::proved(
            "cross-entropy/non-negative",
            Inequality,
            "ℓ > 0: each e^{z_i − z_y} adds to the 1 under ln(1 + Σ)",
        )
        .at(Instance::greater("V = 3, the differences z_i − z_y from −20 to 20", |x| {
            let others = x.declare_all("z", 2, Domain::Between(-20.0, 20.0));
            vec![(sum(others.iter().map(|z| z.exp())).ln_1p(), constant(0))]
        }))
        .at_all([2, 5].map(|v| {
            let textbook_is_positive = |x: &Inputs| vec![(textbook(&x.reals("z", v), 0), constant(0))];
            Instance::greater(format!("V = {v}"), textbook_is_positive).beyond()
        }))
        .control(
            "at-least-a-tenth",
            Instance::greater("V = 2", |x| vec![(textbook(&x.reals("z", 2), 0), ratio(1, 10))]),
        ),
        Claim::refuted(
            "cross-entropy/uncertainty",
            Inequality,
            "the more uncertain the model, the larger the target's gradient: of two \
predictions the one of higher entropy has the larger |∂ℓ/∂z_y|",
            "cross-entropy/target-gradient",
        )
        .source(Source::guide("4, Q1", "模型越不确定，梯度越大"))
        .at(Instance::at_least("V = 3, two logit vectors", |x| {
            let (a, b) = (softmax(&x.reals("a", 3)), softmax(&x.reals("b", 3)));
            x.assume_positive(entropy(&a) - entropy(&b));
            vec![(1 - a[0], 1 - b[0])]
        })),
        Claim::proved(
            "cross-entropy/target-gradient",
            Gradient,
            "∂ℓ/∂z_y = −(1 − p_y), which depends on p_y alone, and its size falls as z_y \
rises: ∂(1 − p_y)/∂z_y = −p_y(1 − p_y) < 0",
        )
        .amends("cross-entropy/uncertainty")
        .at_all([2, 3, 8].map(|v| {
            Instance::gradient(format!("V = {v}"), |x| {
                let z = x.reals("z", v);
                let p = softmax(&z)[0];
                (-gradient(&z, 0)[0], vec![z[0]], vec![-(p * (1 - p))])
            })
        }))
        .control(
            "sign",
            Instance::gradient("V = 2", |x| {
                let z = x.reals("z", 2);
                let p = softmax(&z)[0];
                (-gradient(&z, 0)[0], vec![z[0]], vec![p * (1 - p)])
            }),
        ),
        Claim::refuted(
            "cross-entropy/unshifted-targets",
            Identity,
            "the code computes ln p(x_t | x_<t) when the targets are the inputs",
            "cross-entropy/shifted-targets",
        )
        .source(Source::guide("1.1", "targets: (batch, seq_len)"))
        .at(next_token(&[Some(0), Some(1), Some(0)])),
        Claim::proved(
            "cross-entropy/shifted-targets",
            Identity,
            "it does when they are shifted by one and the last is ignored: position t predicts token t + 1",
        )
        .amends("cross-entropy/unshifted-targets")
        .at(next_token(&[Some(1), Some(0), None]))
        .control("unshifted", next_token(&[Some(0), Some(1), Some(0)])),
        Claim::proved(
            "cross-entropy/other-gradient",
            Gradient,
            "for i ≠ y, ∂ℓ/∂z_i = p_i, which grows with the model's confidence in i: \
∂p_i/∂z_i = p_i(1 − p_i) > 0",
        )
        .source(Source::guide("4, Q1", "模型越错误地自信，梯度越大"))
        .at_all([2, 3, 8].map(|v| {
            Instance::gradient(format!("V = {v}"), |x| {
                let z = x.reals("z", v);
                let p = softmax(&z)[1];
                (gradient(&z, 0)[1], vec![z[1]], vec![p * (1 - p)])
            })
        }))
        .control(
            "jacobian-squared",
            Instance::gradient("V = 2", |x| {
                let z = x.reals("z", 2);
                let p = softmax(&z)[1];
                (gradient(&z, 0)[1], vec![z[1]], vec![p * p])
            }),
        ),
        Claim::refuted(
            "cross-entropy/mean-over-all",
            Identity,
            "the code computes (1/T) Σ_t of the formula when a row is ignored",
            "cross-entropy/ignored-row",
        )
        .source(Source::guide("1.1", "−(1/T) Σ_{t=1}^{T}, ignore_index=-100"))
        .at(Instance::equal("T = 2, one row ignored", |x| {
            let rows = two_rows(x);
            let formula = (cross_entropy(&rows[0], 0) + cross_entropy(&rows[1], 1)) / 2;
            vec![(batch_mean(&rows, &[Some(0), None]), formula)]
        })),
        Claim::proved(
            "cross-entropy/ignored-row",
            Identity,
            "an ignored row counts as an absent one: the mean divides by the rows that count",
        )
        .amends("cross-entropy/mean-over-all")
        .at(Instance::equal("B = 3, V = 3", |x| {
            let mut rows = two_rows(x);
            rows.push(x.reals("c", 3));
            let all = batch_mean(&rows, &[Some(0), Some(1), None]);
            vec![(all, (cross_entropy(&rows[0], 0) + cross_entropy(&rows[1], 1)) / 2)]
        }))
        .control("ignore-inverted", wrong_batch("ignore-inverted")),
        Claim::refuted(
            "cross-entropy/perplexity-of-batches",
            Identity,
            "the perplexity of two batches is the mean of their perplexities",
            "cross-entropy/perplexity",
        )
        .source(Source::guide("1.1", "PPL = exp(L_CE)"))
        .at(mean_of_two_perplexities()),
        Claim::proved(
            "cross-entropy/perplexity",
            Identity,
            "exp of the mean of −ln p over all tokens is Π p^(−1/N): batches are pooled by \
their token counts",
        )
        .amends("cross-entropy/perplexity-of-batches")
        .at(Instance::equal("batches of 2 and 1 tokens, V = 2", |x| {
            let rows: Vec<_> = ["a", "b", "c"].map(|name| x.reals(name, 2)).to_vec();
            let nll: Vec<Expr> = rows.iter().map(|z| cross_entropy(z, 0)).collect();
            let pooled = (2 * ((nll[0] + nll[1]) / 2) + nll[2]) / 3;
            let product = rows.iter().fold(constant(1), |product, z| product / softmax(z)[0]);
            vec![(pooled, batch_mean(&rows, &[Some(0); 3])), ((3 * pooled).exp(), product)]
        }))
        .control("mean-of-perplexities", mean_of_two_perplexities()),
        Claim::verified(
            "cross-entropy/perplexity-jensen",
            Inequality,
            "the mean of perplexities is at least the perplexity of the pooled tokens",
        )
        .at(Instance::at_least("two tokens", |x| {
            let (a, b) = (x.positive("nll_a"), x.positive("nll_b"));
            vec![((a.exp() + b.exp()) / 2, ((a + b) / 2).exp())]
        }))
        .control(
            "reversed",
            Instance::at_least("two tokens", |x| {
                let (a, b) = (x.positive("nll_a"), x.positive("nll_b"));
                vec![(((a + b) / 2).exp(), (a.exp() + b.exp()) / 2)]
            }),
        ),
        Claim::refuted(
            "cross-entropy/no-overflow",
            Inequality,
            "z_y − logsumexp(z) avoids overflow: its exponentials stay within the range of f64",
            "cross-entropy/no-overflow-shifted",
        )
        .source(Source::guide("1.1", "log_softmax 实现了 x - logsumexp(x)，避免了大数溢出"))
        .at(Instance::at_least("V = 2, e^z < 2^1024 as z < 1024 ln 2", |x| {
            x.reals("z", 2).into_iter().map(|z| (1024 * constant(2).ln(), z)).collect()
        })),
        Claim::verified(
            "cross-entropy/no-overflow-shifted",
            Inequality,
            "after the largest logit is subtracted every exponential is at most 1",
        )
        .amends("cross-entropy/no-overflow")
        .at(Instance::at_least("V = 3", |x| {
            let z = x.reals("z", 3);
            let shift = maximum(&z);
            z.iter().map(|&z| (constant(1), (z - shift).exp())).collect()
        }))
        .control(
            "at-most-a-half",
            Instance::at_least("V = 2", |x| {
                let z = x.reals("z", 2);
                let shift = maximum(&z);
                z.iter().map(|&z| (ratio(1, 2), (z - shift).exp())).collect()
            }),
        ),
        Claim::refuted(
            "cross-entropy/log-of-softmax",
            Inequality,
            "softmax first and then the logarithm fails only by overflow: no p is below the smallest f64, 2^−1074",
            "cross-entropy/log-of-softmax-shifted",
        )
        .source(Source::guide("1.1", "log(softmax(x)) 直接计算会有 exp 溢出风险"))
        .at(Instance::at_least("V = 2, ln p against −1074 ln 2", |x| {
            let z = x.reals("z", 2);
            vec![(-textbook(&z, 0), -(1074 * constant(2).ln()))]
        })),
        Claim::proved(
            "cross-entropy/log-of-softmax-shifted",
            Inequality,
            "within 700 of the largest logit no p is lost: ln p is above −1074 ln 2",
        )
        .amends("cross-entropy/log-of-softmax")
        .at(Instance::greater("V = 2, z_y − z from −700 to 700", |x| {
            let difference = x.declare("z_y − z", Domain::Between(-700.0, 700.0));
            vec![(1074 * constant(2).ln(), nll_of_difference(difference))]
        }))
        .control(
            "within-800",
            Instance::greater("V = 2", |x| {
                let difference = x.declare("z_y − z", Domain::Between(-800.0, 800.0));
                vec![(1074 * constant(2).ln(), nll_of_difference(difference))]
            }),
        ),
        Claim::proved(
            "cross-entropy/smoothing-forms",
            Identity,
            "smoothing the others by ε is smoothing uniformly by εV/(V − 1)",
        )
        .at_all([2, 5].map(|v| {
            Instance::equal(format!("V = {v}"), |x| {
                let (z, epsilon) = (x.reals("z", v), x.unit("epsilon"));
                let (n, smoothing) = (v as i64, Smoothing::Uniform);
                let others = target_weights(v, 0, epsilon, Smoothing::Others);
                let uniform = target_weights(v, 0, epsilon * n / (n - 1), smoothing);
                vec![(smoothed(&z, &others), smoothed(&z, &uniform))]
            })
        }))
        .control(
            "same-epsilon",
            Instance::equal("V = 3", |x| {
                let (z, epsilon) = (x.reals("z", 3), x.unit("epsilon"));
                let with = |smoothing| smoothed(&z, &target_weights(3, 0, epsilon, smoothing));
                vec![(with(Smoothing::Others), with(Smoothing::Uniform))]
            }),
        ),
        Claim::refuted(
            "cross-entropy/micro-batches",
            Identity,
            "the mean of the micro-batches' means is the mean of the batch",
            "cross-entropy/micro-batches-weighted",
        )
        .source(Source::paper("huggingface/transformers", "#34191", "gradient accumulation"))
        .at(micro_batches(1, 1)),
        Claim::proved(
            "cross-entropy/micro-batches-weighted",
            Identity,
            "weighted by their counts, the micro-batches' means are the mean of the batch",
        )
        .amends("cross-entropy/micro-batches")
        .at(micro_batches(1, 2))
        .control("micro-batch-means", micro_batches(1, 1)),
    ]
}
