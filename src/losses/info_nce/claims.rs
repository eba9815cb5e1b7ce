//! The claims about InfoNCE.

use super::*;
use crate::claim::{Claim, Domain, Kind::*, Source, Toward};
use crate::expression::{constant, ratio, softmax};

const COSINE: Similarity = Similarity::Cosine;

/// Every component: query, keys and temperature.
fn whole_gradient(x: &Inputs, d: usize, k: usize) -> (Expr, Vec<Expr>, Vec<Expr>) {
    let (q, keys, tau) = vectors(x, d, k);
    let mut claimed = query_gradient(&q, &keys, tau, COSINE);
    claimed.extend(key_gradients(&q, &keys, tau, COSINE).concat());
    claimed.push(temperature_gradient(&q, &keys, tau, COSINE));
    let variables = [q.clone(), keys.concat(), vec![tau]].concat();
    (info_nce(&q, &keys, tau, COSINE), variables, claimed)
}

fn gradient_at(d: usize, k: usize) -> Instance {
    Instance::gradient(format!("d = {d}, K = {k}"), |x| whole_gradient(x, d, k))
}

/// The clamp is a variable, so that both of its sides are met.
fn clamped_gradient_at(kind: Similarity) -> Instance {
    Instance::gradient(format!("d = 2, K = 1, {kind:?}, any clamp above zero"), |x| {
        let (q, keys, tau) = vectors(x, 2, 1);
        let low = x.positive("clamp");
        let s: Vec<Expr> = keys.iter().map(|k| similarity::similarity(&q, k, kind, low)).collect();
        let weights = similarity_weights(&s, 0, tau);
        let to_q: Vec<Vec<Expr>> = keys.iter().map(|k| similarity_gradient(&q, k, kind, low)).collect();
        let of_q = (0..2).map(|i| sum(weights.iter().zip(&to_q).map(|(&w, slope)| w * slope[i])));
        let of_keys = weights
            .iter()
            .zip(&keys)
            .flat_map(|(&w, k)| similarity_gradient(k, &q, kind, low).into_iter().map(move |slope| w * slope));
        let claimed: Vec<Expr> = of_q.chain(of_keys).collect();
        (contrast_of(&s, 0, tau), [q.clone(), keys.concat()].concat(), claimed)
    })
}

/// Σ_j |∂ℓ/∂s_j|, with the signs that the derivatives have: only the positive's is below zero.
fn l1_norm(s: &[Expr], tau: Expr) -> Expr {
    let weights = similarity_weights(s, 0, tau);
    sum(weights[1..].iter().copied()) - weights[0]
}

/// The shares of the negatives: softmax over the negatives alone.
fn shares(s: &[Expr], tau: Expr) -> Vec<Expr> {
    softmax(&logits(s, tau))
}

/// K gaps above zero, for similarities relative to the largest, to which ℓ does not change
/// ("info-nce/shift-invariance").
fn gaps(x: &Inputs, k: usize) -> Vec<Expr> {
    x.declare_all("gap", k, Domain::Positive).into_iter().map(|gap| -gap).collect()
}

/// The hardest negative at 0; the positive and K − 1 negatives below it.
fn hard(x: &Inputs, k: usize) -> (Vec<Expr>, Expr) {
    let below = gaps(x, k);
    ([&below[..1], &[constant(0)], &below[1..]].concat(), x.positive("tau"))
}

/// The positive at 0, K negatives below it.
fn easy(x: &Inputs, k: usize) -> (Vec<Expr>, Expr) {
    ([&[constant(0)], &gaps(x, k)[..]].concat(), x.positive("tau"))
}

fn textbook_similarity(kind: Similarity) -> Instance {
    Instance::equal(format!("d = 2, {kind:?}, the clamp as a free variable: one similarity"), |x| {
        let (q, k, low) = (x.reals("q", 2), x.reals("k", 2), x.positive("low"));
        let right = [similarity_gradient(&q, &k, kind, low), similarity_gradient(&k, &q, kind, low)].concat();
        let against = |&way: &Way| {
            let one = |x: &Vec<Expr>| std::slice::from_ref(x).to_vec();
            let compared = Compared::of(&one(&q), &one(&k), kind, way, low);
            let (d_q, d_k) = compared.backward(&[vec![constant(1)]]);
            let pairs = [d_q, d_k].concat().concat().into_iter().zip(right.clone());
            pairs.chain([(compared.s[0][0], similarity::similarity(&q, &k, kind, low))]).collect::<Vec<_>>()
        };
        Way::all(kind).iter().flat_map(against).collect()
    })
}

fn textbook_row(kind: Similarity) -> Instance {
    Instance::equal(format!("d = 2, K = 1, {kind:?}, the shift as a free variable"), |x| {
        let ((q, keys, tau), shift) = (vectors(x, 2, 1), x.real("M"));
        let query = [(q.clone(), keys.clone())];
        let right = row(&q, &keys, tau, kind, None);
        let against = |&way: &Way| {
            let found = textbook(&query, tau, kind, way, |_| shift);
            let (d_q, d_keys) = &found.rows[0];
            let pairs = d_q.iter().copied().zip(right.query.clone());
            let pairs = pairs.chain(d_keys.concat().into_iter().zip(right.keys.concat()));
            pairs.chain([(found.loss, right.loss), (found.temperature, right.temperature)]).collect::<Vec<_>>()
        };
        Way::all(kind).iter().flat_map(against).collect()
    })
}

pub(super) fn claims() -> Vec<Claim> {
    [values(), gradients(), temperature_claims()].concat()
}

fn values() -> Vec<Claim> {
    vec![
        Claim::proved(
            "info-nce/cross-entropy",
            Identity,
            "ℓ is the cross-entropy of the K + 1 logits sim(q, k_j)/τ with label 0: ln Σ_j e^{s_j/τ} − s_0/τ",
        )
        .source(Source::guide("1.2", "这是一个 (K+1)-way 分类问题"))
        .at_all([1, 2, 5, 32].map(|k| {
            Instance::equal(format!("K = {k}"), |x| {
                let (s, tau) = free_similarities(x, k);
                vec![(contrast_of(&s, 0, tau), contrast::contrast_as_difference(&s, 0, tau))]
            })
        }))
        .control("temperature-on-negatives-only", temperature_on_negatives_only()),
        Claim::proved(
            "info-nce/code",
            Identity,
            "the code, with the positive first, unit vectors and the max-shifted cross-entropy with label 0, \
computes ℓ",
        )
        .source(Source::guide("1.2", "logits = torch.cat([pos_sim.unsqueeze(1), neg_sim], dim=1) / temperature"))
        .at_all([(2, 1), (3, 2), (4, 5)].map(|(d, k)| {
            Instance::equal(format!("d = {d}, K = {k}, the shift as a free variable"), |x| {
                let ((q, keys, tau), shift) = (vectors(x, d, k), x.real("M"));
                let query = [(q.clone(), keys.clone())];
                let found = textbook(&query, tau, COSINE, Way::Units, |_| shift).loss;
                vec![(found, info_nce(&q, &keys, tau, COSINE))]
            })
        }))
        .control("norms-of-one", norms_of_one()),
        Claim::proved(
            "info-nce/textbook",
            Identity,
            "unit vectors or the quotient by the norms, with the derivatives of autograd or in closed form, \
compute ℓ and its gradient under every similarity",
        )
        .at_all([COSINE, Similarity::Dot].map(textbook_row))
        .at_all([Similarity::ClampEach, Similarity::ClampProduct].map(textbook_similarity))
        .control("cosine-projection-missing", cosine_projection_missing()),
        Claim::proved("info-nce/no-negatives", Identity, "without negatives ℓ = 0 and its gradient is 0")
            .at(Instance::equal("K = 0", |x| {
                let (s, tau) = free_similarities(x, 0);
                vec![
                    (contrast_of(&s, 0, tau), constant(0)),
                    (similarity_weights(&s, 0, tau)[0], constant(0)),
                    (contrast::temperature_gradient(&s, 0, tau), constant(0)),
                ]
            }))
            .control(
                "one-negative",
                Instance::equal("K = 1", |x| {
                    let (s, tau) = free_similarities(x, 1);
                    vec![(contrast_of(&s, 0, tau), constant(0))]
                }),
            ),
        Claim::refuted(
            "info-nce/non-negative-without-the-positive",
            Inequality,
            "with the sum in the denominator over the negatives alone, the loss is at least 0",
            "info-nce/non-negative",
        )
        .source(Source::guide("1.2", "Σ_{i=0}^{K} exp(sim(q, k_i)/τ)"))
        .at(Instance::at_least("K = 1", |x| {
            let (s, tau) = free_similarities(x, 1);
            let z = logits(&s, tau);
            vec![(log_sum_exp(&z[1..]) - z[0], constant(0))]
        })),
        Claim::proved(
            "info-nce/non-negative",
            Identity,
            "with the positive in the denominator ℓ = ln(1 + Σ_{j>0} e^{(s_j − s_0)/τ}), above 0 for K > 0",
        )
        .amends("info-nce/non-negative-without-the-positive")
        .at_all([1, 2, 8].map(|k| {
            Instance::equal(format!("K = {k}"), |x| {
                let (s, tau) = free_similarities(x, k);
                let odds = sum(s[1..].iter().map(|&s_j| ((s_j - s[0]) / tau).exp()));
                vec![(contrast_of(&s, 0, tau), (1 + odds).ln())]
            })
        }))
        .control("positive-missing-from-denominator", positive_missing_from_denominator()),
        Claim::proved(
            "info-nce/adding-a-negative",
            Identity,
            "one more negative raises ℓ by ln(1 + e^{s/τ}/Σ_j e^{s_j/τ}) > 0",
        )
        .at_all([1, 2, 8].map(|k| {
            Instance::equal(format!("K = {k} and one more"), |x| {
                let (s, tau) = free_similarities(x, k);
                let added = x.real("s_new");
                let all = [s.clone(), vec![added]].concat();
                let total = sum(logits(&s, tau).iter().map(|z| z.exp()));
                let rise = (1 + (added / tau).exp() / total).ln();
                vec![(contrast_of(&all, 0, tau), contrast_of(&s, 0, tau) + rise)]
            })
        }))
        .control(
            "nothing-changes",
            Instance::equal("K = 1 and one more", |x| {
                let (s, tau) = free_similarities(x, 2);
                vec![(contrast_of(&s, 0, tau), contrast_of(&s[..2], 0, tau))]
            }),
        ),
        Claim::proved(
            "info-nce/shift-invariance",
            Identity,
            "ℓ depends on differences of similarities alone: adding c to all of them changes nothing",
        )
        .at_all([1, 4].map(|k| {
            Instance::equal(format!("K = {k}"), |x| {
                let ((s, tau), c) = (free_similarities(x, k), x.real("c"));
                let moved: Vec<Expr> = s.iter().map(|&s| s + c).collect();
                vec![(contrast_of(&moved, 0, tau), contrast_of(&s, 0, tau))]
            })
        }))
        .control(
            "negatives-alone",
            Instance::equal("K = 1", |x| {
                let ((s, tau), c) = (free_similarities(x, 1), x.real("c"));
                vec![(contrast_of(&[s[0], s[1] + c], 0, tau), contrast_of(&s, 0, tau))]
            }),
        ),
    ]
}

fn gradients() -> Vec<Claim> {
    vec![
        Claim::proved(
            "info-nce/gradient",
            Gradient,
            "∂ℓ/∂q = Σ_j (p_j − [j=0])/τ (k̂_j − s_j q̂)/‖q‖, ∂ℓ/∂k_j = (p_j − [j=0])/τ (q̂ − s_j k̂_j)/‖k_j‖ and \
∂ℓ/∂τ = Σ_j p_j (s_0 − s_j)/τ², through the cosines",
        )
        .source(Source::guide("1.2", "sim = 相似度函数（通常是 cosine similarity）"))
        .at_all([(1, 1), (2, 1), (2, 2), (3, 2), (4, 5)].map(|(d, k)| gradient_at(d, k)))
        .control("cosine-projection-missing", cosine_projection_missing()),
        Claim::proved(
            "info-nce/gradient-at-size",
            Gradient,
            "the same gradient, all 545 components of it, at d = 16 and K = 32",
        )
        .at(gradient_at(16, 32))
        .control("cosine-projection-missing", cosine_projection_missing()),
        Claim::proved(
            "info-nce/clamped-gradient",
            Gradient,
            "with the norms, or their product, clamped from below, the derivative loses its part along the vector \
where the clamp acts",
        )
        .at_all([Similarity::ClampEach, Similarity::ClampProduct].map(clamped_gradient_at))
        .control(
            "clamp-ignored",
            Instance::gradient("d = 2, K = 1, the gradient of the cosine below the clamp", |x| {
                let ((q, keys, tau), low) = (vectors(x, 2, 1), x.positive("clamp"));
                let s: Vec<Expr> =
                    keys.iter().map(|k| similarity::similarity(&q, k, Similarity::ClampEach, low)).collect();
                (contrast_of(&s, 0, tau), q.clone(), query_gradient(&q, &keys, tau, COSINE))
            }),
        ),
        Claim::proved("info-nce/dot-gradient", Gradient, "with sim = q·k, ∂ℓ/∂q = Σ_j (p_j − [j=0])/τ k_j")
            .at_all([(2, 1), (4, 8)].map(|(d, k)| {
                Instance::gradient(format!("d = {d}, K = {k}"), |x| {
                    let (q, keys, tau) = vectors(x, d, k);
                    let mut claimed = query_gradient(&q, &keys, tau, Similarity::Dot);
                    claimed.extend(key_gradients(&q, &keys, tau, Similarity::Dot).concat());
                    (info_nce(&q, &keys, tau, Similarity::Dot), [q.clone(), keys.concat()].concat(), claimed)
                })
            }))
            .control(
                "cosine-gradient",
                Instance::gradient("d = 2, K = 1", |x| {
                    let (q, keys, tau) = vectors(x, 2, 1);
                    (info_nce(&q, &keys, tau, Similarity::Dot), q.clone(), query_gradient(&q, &keys, tau, COSINE))
                }),
            ),
        Claim::proved(
            "info-nce/similarity-gradient",
            Gradient,
            "∂ℓ/∂s_j = (p_j − [j=0])/τ: the positive is pulled, every negative pushed by its probability",
        )
        .at_all([1, 2, 8, 64].map(|k| {
            Instance::gradient(format!("K = {k}"), |x| {
                let (s, tau) = free_similarities(x, k);
                (contrast_of(&s, 0, tau), s.clone(), similarity_weights(&s, 0, tau))
            })
        }))
        .control("gradient-without-1-over-tau", gradient_without_1_over_tau()),
        Claim::proved(
            "info-nce/gradient-of-a-batch",
            Gradient,
            "of the mean over B rows: each row's gradient divided by B",
        )
        .at(Instance::gradient("B = 2, K = 2", |x| {
            let (rows, tau) = two_rows(x);
            let of_row = |s: &Vec<Expr>| similarity_weights(s, 0, tau).into_iter().map(|w| w / 2).collect();
            let claimed: Vec<Vec<Expr>> = rows.iter().map(of_row).collect();
            (batch_mean(&rows, tau), rows.concat(), claimed.concat())
        }))
        .control("batch-mean-missing", batch_mean_missing()),
        Claim::proved(
            "info-nce/orthogonality",
            Identity,
            "the gradient of each vector is orthogonal to it: Σ_i q_i ∂ℓ/∂q_i = 0 and Σ_i k_i ∂ℓ/∂k_i = 0",
        )
        .at_all([(2, 1), (3, 2), (4, 5)].map(|(d, k)| {
            Instance::equal(format!("d = {d}, K = {k}"), |x| {
                let (q, keys, tau) = vectors(x, d, k);
                let of_query = dot(&q, &query_gradient(&q, &keys, tau, COSINE));
                let slopes = key_gradients(&q, &keys, tau, COSINE);
                let of_keys = keys.iter().zip(&slopes).map(|(k, slope)| dot(k, slope));
                std::iter::once(of_query).chain(of_keys).map(|x| (x, constant(0))).collect()
            })
        }))
        .control(
            "not-normalized",
            Instance::equal("d = 2, K = 1, of the dot product", |x| {
                let (q, keys, tau) = vectors(x, 2, 1);
                vec![(dot(&q, &query_gradient(&q, &keys, tau, Similarity::Dot)), constant(0))]
            }),
        ),
        Claim::proved(
            "info-nce/scale-invariance",
            Gradient,
            "multiplying q or a key by c > 0 changes nothing: ∂ℓ(c q, k)/∂c = 0 and ∂ℓ(q, c k_j)/∂c = 0",
        )
        .at_all([(2, 1), (3, 2)].map(|(d, k)| {
            Instance::gradient(format!("d = {d}, K = {k}"), |x| {
                let (q, keys, tau) = vectors(x, d, k);
                let scales: Vec<Expr> = x.declare_all("c", k + 2, Domain::Positive);
                let scaled = |v: &Vec<Expr>, c: Expr| v.iter().map(|&v| c * v).collect::<Vec<_>>();
                let keys: Vec<Vec<Expr>> = keys.iter().zip(&scales[1..]).map(|(k, &c)| scaled(k, c)).collect();
                let loss = info_nce(&scaled(&q, scales[0]), &keys, tau, COSINE);
                (loss, scales, vec![constant(0); k + 2])
            })
        }))
        .control(
            "not-normalized",
            Instance::gradient("d = 2, K = 1, of the dot product", |x| {
                let ((q, keys, tau), c) = (vectors(x, 2, 1), x.positive("c"));
                let scaled: Vec<Expr> = q.iter().map(|&q| c * q).collect();
                (info_nce(&scaled, &keys, tau, Similarity::Dot), vec![c], vec![constant(0)])
            }),
        ),
    ]
}

fn temperature_claims() -> Vec<Claim> {
    vec![
        Claim::proved(
            "info-nce/temperature-gradient",
            Gradient,
            "for a learned temperature ∂ℓ/∂τ = Σ_j p_j (s_0 − s_j)/τ²",
        )
        .source(Source::guide("4, Q3", "可以设为可学习参数（CLIP 中初始 τ=0.07，训练时自动调整）"))
        .at_all([1, 2, 8, 64].map(|k| {
            Instance::gradient(format!("K = {k}"), |x| {
                let (s, tau) = free_similarities(x, k);
                (contrast_of(&s, 0, tau), vec![tau], vec![contrast::temperature_gradient(&s, 0, tau)])
            })
        }))
        .control("temperature-gradient-sign", temperature_gradient_sign()),
        Claim::proved(
            "info-nce/logit-scale-gradient",
            Gradient,
            "with τ = e^{−u}, as CLIP learns it, ∂ℓ/∂u = e^u Σ_j p_j (s_j − s_0)",
        )
        .source(Source::paper(
            "Radford et al., Learning Transferable Visual Models From Natural Language Supervision (2021)",
            "figure 3",
            "np.dot(I_e, T_e.T) * np.exp(t)",
        ))
        .at_all([1, 2, 8].map(|k| {
            Instance::gradient(format!("K = {k}"), |x| {
                let (s, u) = (x.reals("s", k + 1), x.declare("u", Domain::Between(-2.0, 5.0)));
                let tau = (-u).exp();
                let p = shares(&s, tau);
                let slope = u.exp() * sum(p.iter().zip(&s).map(|(&p, &s_j)| p * (s_j - s[0])));
                (contrast_of(&s, 0, tau), vec![u], vec![slope])
            })
        }))
        .control(
            "of-the-temperature",
            Instance::gradient("K = 1", |x| {
                let (s, u) = (x.reals("s", 2), x.declare("u", Domain::Between(-2.0, 5.0)));
                let tau = (-u).exp();
                (contrast_of(&s, 0, tau), vec![u], vec![contrast::temperature_gradient(&s, 0, tau)])
            }),
        ),
        Claim::proved(
            "info-nce/hard-negative-share",
            Gradient,
            "among the negatives the share w_h of one moves with the temperature by \
∂w_h/∂τ = −w_h Σ_j w_j (s_h − s_j)/τ², \
which is at most 0 for the hardest, of the largest s: a smaller τ gives it more weight",
        )
        .source(Source::guide("1.2", "τ 小 → 分布更尖锐，hard negatives 权重更高"))
        .at_all([2, 3, 8].map(|k| {
            Instance::gradient(format!("K = {k}"), |x| {
                let (s, tau) = (x.reals("s", k), x.positive("tau"));
                let w = shares(&s, tau);
                let spread = sum(w.iter().zip(&s).map(|(&w, &s_j)| w * (s[0] - s_j)));
                (w[0], vec![tau], vec![-(w[0] * spread / tau.squared())])
            })
        }))
        .control(
            "sign",
            Instance::gradient("K = 2", |x| {
                let (s, tau) = (x.reals("s", 2), x.positive("tau"));
                let w = shares(&s, tau);
                let spread = sum(w.iter().zip(&s).map(|(&w, &s_j)| w * (s[0] - s_j)));
                (w[0], vec![tau], vec![w[0] * spread / tau.squared()])
            }),
        ),
        Claim::verified(
            "info-nce/hard-negative-share-falls",
            Inequality,
            "the hardest negative's share falls as τ rises: ∂w_h/∂τ ≤ 0 where s_h is the largest",
        )
        .at_all([1, 3].map(|k| {
            Instance::at_least(format!("K = {}", k + 1), |x| {
                let hardest = x.real("s");
                let others = x.declare_all("gap", k, Domain::NonNegative).into_iter().map(|gap| hardest - gap);
                let s: Vec<Expr> = std::iter::once(hardest).chain(others).collect();
                let tau = x.positive("tau");
                let w = shares(&s.iter().map(|&s_j| s_j - hardest).collect::<Vec<_>>(), tau);
                let spread = sum(w.iter().zip(&s).map(|(&w, &s_j)| w * (hardest - s_j)));
                vec![(constant(0), -(w[0] * spread / tau.squared()))]
            })
        }))
        .control(
            "any-negative",
            Instance::at_least("K = 2, whichever is harder", |x| {
                let (s, tau) = (x.reals("s", 2), x.positive("tau"));
                let w = shares(&s, tau);
                vec![(constant(0), -(w[0] * (w[1] * (s[0] - s[1])) / tau.squared()))]
            }),
        ),
        Claim::refuted(
            "info-nce/small-temperature-explodes",
            Inequality,
            "a smaller temperature makes the gradient larger: Σ_j |∂ℓ/∂s_j| falls as τ rises",
            "info-nce/gradient-size",
        )
        .source(Source::guide("1.2", "τ 小 → 分布更尖锐，hard negatives 权重更高，但梯度可能爆炸"))
        .at(Instance::at_least("K = 1, two temperatures", |x| {
            let (s, tau, larger) = (x.reals("s", 2), x.positive("tau"), x.positive("tau_larger"));
            x.assume_positive(larger - tau);
            vec![(l1_norm(&s, tau), l1_norm(&s, larger))]
        })),
        Claim::proved(
            "info-nce/gradient-size",
            Identity,
            "Σ_j |∂ℓ/∂s_j| = 2(1 − p_0)/τ: 1/τ times what is missing from the positive's share",
        )
        .amends("info-nce/small-temperature-explodes")
        .at_all([1, 2, 8].map(|k| {
            Instance::equal(format!("K = {k}"), |x| {
                let (s, tau) = free_similarities(x, k);
                let p = shares(&s, tau)[0];
                vec![(l1_norm(&s, tau), 2 * (1 - p) / tau)]
            })
        }))
        .control(
            "of-the-positive-alone",
            Instance::equal("K = 1", |x| {
                let (s, tau) = free_similarities(x, 1);
                vec![(l1_norm(&s, tau), (1 - shares(&s, tau)[0]) / tau)]
            }),
        ),
        Claim::verified(
            "info-nce/small-temperature-hard",
            Limit,
            "where a negative is more similar than the positive, τ Σ_j |∂ℓ/∂s_j| → 2 as τ → 0: \
the gradient explodes as 1/τ",
        )
        .amends("info-nce/small-temperature-explodes")
        .at_all([1, 3].map(|k| {
            Instance::limit(format!("K = {k}, similarities relative to the largest"), Toward::Zero, |x| {
                let (s, tau) = hard(x, k);
                (tau, vec![(tau * l1_norm(&s, tau), constant(2))])
            })
        }))
        .control(
            "to-1",
            Instance::limit("K = 1", Toward::Zero, |x| {
                let (s, tau) = hard(x, 1);
                (tau, vec![(tau * l1_norm(&s, tau), constant(1))])
            }),
        ),
        Claim::verified(
            "info-nce/small-temperature-easy",
            Limit,
            "where the positive is the most similar, Σ_j |∂ℓ/∂s_j| → 0 and ℓ → 0 as τ → 0: nothing explodes",
        )
        .amends("info-nce/small-temperature-explodes")
        .at_all([1, 3].map(|k| {
            Instance::limit(format!("K = {k}, similarities relative to the largest"), Toward::Zero, |x| {
                let (s, tau) = easy(x, k);
                (tau, vec![(l1_norm(&s, tau), constant(0)), (contrast_of(&s, 0, tau), constant(0))])
            })
        }))
        .control(
            "the-negative-largest",
            Instance::limit("K = 1", Toward::Zero, |x| {
                let (s, tau) = hard(x, 1);
                (tau, vec![(l1_norm(&s, tau), constant(0))])
            }),
        ),
        Claim::verified(
            "info-nce/large-temperature",
            Limit,
            "as τ → ∞ all weights become equal, ℓ → ln(K + 1), and the gradient with respect to the similarities → 0",
        )
        .source(Source::guide("1.2", "τ 大 → 分布更平滑，所有负样本权重相近，训练更稳定但可能效率低"))
        .at_all([1, 2, 5].map(|k| {
            Instance::limit(format!("K = {k}"), Toward::Infinity, |x| {
                let (s, tau) = free_similarities(x, k);
                let n = k as i64 + 1;
                let p = shares(&s, tau);
                let mut pairs: Vec<(Expr, Expr)> = p.into_iter().map(|p| (p, ratio(1, n))).collect();
                pairs.push((contrast_of(&s, 0, tau), constant(n).ln()));
                pairs.extend(similarity_weights(&s, 0, tau).into_iter().map(|w| (w, constant(0))));
                (tau, pairs)
            })
        }))
        .control(
            "ln-k",
            Instance::limit("K = 2", Toward::Infinity, |x| {
                let (s, tau) = free_similarities(x, 2);
                (tau, vec![(contrast_of(&s, 0, tau), constant(2).ln())])
            }),
        ),
        Claim::refuted(
            "info-nce/temperature-multiplied",
            Identity,
            "multiplying the similarities by τ is dividing them by it",
            "info-nce/temperature-is-a-scale",
        )
        .source(Source::paper(
            "bowang-lab/BLEEP",
            "#5",
            "While logits are divided by it, targets are multiplied by this value.",
        ))
        .at(temperature_multiplied()),
        Claim::proved(
            "info-nce/temperature-is-a-scale",
            Identity,
            "ℓ depends on s/τ alone: scaling similarities and temperature by c changes nothing",
        )
        .amends("info-nce/temperature-multiplied")
        .at_all([1, 4].map(|k| {
            Instance::equal(format!("K = {k}"), |x| {
                let ((s, tau), c) = (free_similarities(x, k), x.positive("c"));
                let scaled: Vec<Expr> = s.iter().map(|&s| c * s).collect();
                vec![(contrast_of(&scaled, 0, c * tau), contrast_of(&s, 0, tau))]
            })
        }))
        .control("temperature-multiplied", temperature_multiplied()),
    ]
}
