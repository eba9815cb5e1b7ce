//! The claims about InfoNCE with in-batch negatives.

use super::*;
use crate::claim::{Claim, Domain, Kind::*, Source};
use crate::expression::{Graph, Node, constant};
use num_rational::BigRational;

const COSINE: Similarity = Similarity::Cosine;

/// Every component: a, b and the temperature.
fn gradient_at(n: usize, d: usize, symmetric: bool) -> Instance {
    Instance::gradient(format!("B = {n}, d = {d}"), |x| {
        let (a, b, tau) = vectors(x, n, d);
        let (d_a, d_b) = gradients(&a, &b, tau, symmetric, COSINE);
        let d_tau = temperature_gradient(&similarities(&a, &b, COSINE), tau, symmetric);
        let variables = [a.concat(), b.concat(), vec![tau]].concat();
        (in_batch(&a, &b, tau, symmetric, COSINE), variables, [d_a.concat(), d_b.concat(), vec![d_tau]].concat())
    })
}

/// Similarities of a batch in which the first m of b's n rows are the same.
fn with_duplicates(x: &Inputs, n: usize, m: usize) -> (Vec<Vec<Expr>>, Expr) {
    let row = |i: usize| {
        let different = x.reals(&format!("s{i}"), n - m + 1);
        (0..n).map(|j| different[j.saturating_sub(m - 1)]).collect()
    };
    ((0..n).map(row).collect(), x.positive("tau"))
}

/// How many vectors and how many similarities a loss takes, counted in its graph.
fn counted(d: usize, loss: impl FnOnce() -> Expr) -> (usize, usize) {
    let graph = Graph::build(|| vec![loss()]);
    let similarities = graph.nodes().iter().filter(|node| matches!(node, Node::Exp(_))).count();
    // all variables but the temperature are components
    ((graph.variables().len() - 1) / d, similarities)
}

fn in_batch_counts(n: usize, d: usize) -> (usize, usize) {
    counted(d, || {
        let (a, b, tau) = vectors(&Inputs::default(), n, d);
        in_batch(&a, &b, tau, false, COSINE)
    })
}

/// The same number of negatives for every query, each with a vector of its own.
fn explicit_counts(n: usize, d: usize) -> (usize, usize) {
    counted(d, || {
        let x = Inputs::default();
        let tau = x.positive("tau");
        let row = |i: usize| {
            let q = x.reals(&format!("q{i}"), d);
            let keys = (0..n).map(|j| x.reals(&format!("k{i},{j}"), d));
            let s: Vec<Expr> = keys.map(|k| similarity::similarity(&q, &k, COSINE, clamp())).collect();
            contrast_of(&s, 0, tau)
        };
        sum((0..n).map(row)) / n as i64
    })
}

fn whole(n: usize) -> BigRational {
    BigRational::from_integer(n.into())
}

pub(super) fn claims() -> Vec<Claim> {
    [values(), gradient_claims()].concat()
}

fn values() -> Vec<Claim> {
    vec![
        Claim::proved(
            "info-nce-in-batch/code",
            Identity,
            "the code, with unit vectors and the max-shifted cross-entropy with label i in row i, \
computes B ℓ, the sum before its mean",
        )
        .source(Source::guide("1.2", "labels = torch.arange(sim_matrix.size(0))"))
        .at_all([(2, 2), (3, 2)].map(|(n, d)| {
            Instance::equal(format!("B = {n}, d = {d}, the shift as a free variable"), |x| {
                let ((a, b, tau), shift) = (vectors(x, n, d), x.real("M"));
                let found = textbook((&a, &b), tau, false, COSINE, Way::Units, |_| shift).loss;
                // the sums: their exponentials are rational, those of means are not
                vec![(n as i64 * found, n as i64 * in_batch(&a, &b, tau, false, COSINE))]
            })
        }))
        .control("norms-of-one", norms_of_one()),
        Claim::proved(
            "info-nce-in-batch/textbook",
            Identity,
            "unit vectors or the quotient by the norms, with the derivatives of autograd or in closed form, \
compute the gradient over rows, and over rows and columns",
        )
        .at_all([(COSINE, false), (COSINE, true), (Similarity::Dot, true)].map(|(kind, symmetric)| {
            let scope = format!("B = 2, d = 2, {kind:?}, symmetric {symmetric}, the shift as a free variable");
            Instance::equal(scope, |x| {
                let ((a, b, tau), shift) = (vectors(x, 2, 2), x.real("M"));
                let (d_a, d_b) = gradients(&a, &b, tau, symmetric, kind);
                let d_tau = temperature_gradient(&similarities(&a, &b, kind), tau, symmetric);
                let right = [d_a.concat(), d_b.concat(), vec![d_tau]].concat();
                let against = |&way: &Way| {
                    let found = textbook((&a, &b), tau, symmetric, kind, way, |_| shift);
                    let found = [found.a.concat(), found.b.concat(), vec![found.temperature]].concat();
                    found.into_iter().zip(right.clone()).collect::<Vec<_>>()
                };
                Way::all(kind).iter().flat_map(against).collect()
            })
        }))
        .control("cosine-projection-missing", cosine_projection_missing()),
        Claim::proved("info-nce-in-batch/one-pair", Identity, "for B = 1 the loss and its gradient are 0")
            .at(Instance::equal("B = 1", |x| {
                let (s, tau) = free_similarities(x, 1);
                [false, true]
                    .iter()
                    .flat_map(|&symmetric| {
                        let weights = weights(&s, tau, symmetric).concat();
                        let slope = temperature_gradient(&s, tau, symmetric);
                        [of_similarities(&s, tau, symmetric), weights[0], slope]
                    })
                    .map(|x| (x, constant(0)))
                    .collect()
            }))
            .control(
                "two-pairs",
                Instance::equal("B = 2", |x| {
                    let (s, tau) = free_similarities(x, 2);
                    vec![(over_rows(&s, tau), constant(0))]
                }),
            ),
        Claim::proved("info-nce-in-batch/swap", Identity, "the symmetric loss is the same with a and b exchanged")
            .source(Source::paper(
                "Radford et al., Learning Transferable Visual Models From Natural Language Supervision (2021)",
                "figure 3",
                "loss = (loss_i + loss_t)/2",
            ))
            .at_all([(2, 2), (3, 4)].map(|(n, d)| {
                Instance::equal(format!("B = {n}, d = {d}"), |x| {
                    let (a, b, tau) = vectors(x, n, d);
                    vec![(in_batch(&a, &b, tau, true, COSINE), in_batch(&b, &a, tau, true, COSINE))]
                })
            }))
            .control(
                "one-direction",
                Instance::equal("B = 2, d = 2, rows alone", |x| {
                    let (a, b, tau) = vectors(x, 2, 2);
                    vec![(in_batch(&a, &b, tau, false, COSINE), in_batch(&b, &a, tau, false, COSINE))]
                }),
            ),
        Claim::refuted(
            "info-nce-in-batch/columns-along-rows",
            Identity,
            "the symmetric loss is the loss over rows",
            "info-nce-in-batch/columns",
        )
        .source(Source::paper(
            "moein-shariatnia/OpenAI-CLIP",
            "#24",
            "images_loss = cross_entropy(logits.T, targets.T, reduction='none')",
        ))
        .at(columns_along_rows()),
        Claim::proved(
            "info-nce-in-batch/columns",
            Identity,
            "the two are equal where the matrix of similarities is symmetric",
        )
        .amends("info-nce-in-batch/columns-along-rows")
        .at_all([2, 3].map(|n| {
            Instance::equal(format!("B = {n}, sim_ij = sim_ji"), |x| {
                let (free, tau) = free_similarities(x, n);
                let s: Vec<Vec<Expr>> = (0..n).map(|i| (0..n).map(|j| free[i.min(j)][i.max(j)]).collect()).collect();
                vec![(of_similarities(&s, tau, true), over_rows(&s, tau))]
            })
        }))
        .control("columns-along-rows", columns_along_rows()),
        Claim::refuted(
            "info-nce-in-batch/duplicates-bound",
            Inequality,
            "if m of b's rows are the same, ℓ ≥ ln m",
            "info-nce-in-batch/duplicates",
        )
        .at(Instance::at_least("B = 3, m = 2", |x| {
            let (s, tau) = with_duplicates(x, 3, 2);
            vec![(over_rows(&s, tau), constant(2).ln())]
        })),
        Claim::proved(
            "info-nce-in-batch/duplicates",
            Identity,
            "a row whose positive is there m times has the loss ln m + ln(1 + Σ_{others} e^{S_ij}/(m e^{S_ii})) \
≥ ln m, so if m of b's B rows are the same, ℓ ≥ (m/B) ln m",
        )
        .amends("info-nce-in-batch/duplicates-bound")
        .at_all([(2, 2), (3, 2), (5, 3)].map(|(n, m)| {
            Instance::equal(format!("B = {n}, m = {m}"), |x| {
                let (s, tau) = with_duplicates(x, n, m);
                let others = sum(s[0][m..].iter().map(|&s_j| ((s_j - s[0][0]) / tau).exp()));
                let m = m as i64;
                vec![(contrast_of(&s[0], 0, tau), constant(m).ln() + (1 + others / m).ln())]
            })
        }))
        .control(
            "no-duplicates",
            Instance::equal("B = 3, m = 1", |x| {
                let (s, tau) = free_similarities(x, 3);
                let others = ((s[0][2] - s[0][0]) / tau).exp();
                vec![(contrast_of(&s[0], 0, tau), constant(2).ln() + (1 + others / 2).ln())]
            }),
        ),
        Claim::refuted(
            "info-nce-in-batch/fewer-similarities",
            Count,
            "with as many negatives, K = B − 1, the in-batch loss takes fewer similarities than explicit negatives",
            "info-nce-in-batch/fewer-encodings",
        )
        .source(Source::guide("1.2", "In-batch negatives 变体（更高效）"))
        .at(Instance::greater("B = 4, d = 3: explicit against in-batch", |_| {
            vec![(constant(explicit_counts(4, 3).1 as i64), constant(in_batch_counts(4, 3).1 as i64))]
        })),
        Claim::proved(
            "info-nce-in-batch/fewer-encodings",
            Count,
            "with K = B − 1 both take B² similarities; in-batch they come from 2B encodings, with explicit negatives \
from B(K + 2) = B(B + 1)",
        )
        .amends("info-nce-in-batch/fewer-similarities")
        .at_all([2, 4, 7].into_iter().flat_map(|n| {
            let ((own, own_pairs), (explicit, explicit_pairs)) = (in_batch_counts(n, 2), explicit_counts(n, 2));
            let count =
                |what: &str, counted, said| Instance::count(format!("B = {n}: {what}"), whole(counted), whole(said));
            [
                count("in-batch encodings", own, 2 * n),
                count("in-batch similarities", own_pairs, n * n),
                count("explicit encodings", explicit, n * (n + 1)),
                count("explicit similarities", explicit_pairs, n * n),
            ]
        }))
        .control("b-encodings", Instance::count("B = 4", whole(in_batch_counts(4, 2).0), whole(4))),
    ]
}

fn gradient_claims() -> Vec<Claim> {
    vec![
        Claim::proved(
            "info-nce-in-batch/gradient",
            Gradient,
            "∂ℓ/∂a_i = Σ_j (P_ij − [i=j])/(Bτ) (b̂_j − sim_ij â_i)/‖a_i‖, the same for b, and ∂ℓ/∂τ = \
Σ_ij P_ij (sim_ii − sim_ij)/(Bτ²), through the cosines",
        )
        .at_all([(2, 2), (3, 4)].map(|(n, d)| gradient_at(n, d, false)))
        .control("cosine-projection-missing", cosine_projection_missing()),
        Claim::proved(
            "info-nce-in-batch/symmetric-gradient",
            Gradient,
            "with rows and columns, ∂ℓ/∂a, ∂ℓ/∂b and ∂ℓ/∂τ through the cosines",
        )
        .at_all([(2, 2), (3, 4)].map(|(n, d)| gradient_at(n, d, true)))
        .control(
            "rows-alone",
            Instance::gradient("B = 2, d = 2", |x| {
                let (a, b, tau) = vectors(x, 2, 2);
                let (d_a, _) = gradients(&a, &b, tau, false, COSINE);
                (in_batch(&a, &b, tau, true, COSINE), a.concat(), d_a.concat())
            }),
        ),
        Claim::proved(
            "info-nce-in-batch/similarity-gradient",
            Gradient,
            "∂ℓ/∂sim_ij = (P_ij − [i=j])/(Bτ), and (P_ij + C_ij − 2[i=j])/(2Bτ) with the columns",
        )
        .at_all([(3, false), (8, false), (3, true), (8, true)].map(|(n, symmetric)| {
            Instance::gradient(format!("B = {n}, symmetric = {symmetric}"), |x| {
                let (s, tau) = free_similarities(x, n);
                (of_similarities(&s, tau, symmetric), s.concat(), weights(&s, tau, symmetric).concat())
            })
        }))
        .control("batch-mean-missing", batch_mean_missing()),
        Claim::proved(
            "info-nce-in-batch/temperature-gradient",
            Gradient,
            "∂ℓ/∂τ is the mean of Σ_j P_ij (sim_ii − sim_ij)/τ² over rows, and over columns in the symmetric form",
        )
        .at_all([(3, false), (8, false), (3, true), (8, true)].map(|(n, symmetric)| {
            Instance::gradient(format!("B = {n}, symmetric = {symmetric}"), |x| {
                let (s, tau) = free_similarities(x, n);
                (of_similarities(&s, tau, symmetric), vec![tau], vec![temperature_gradient(&s, tau, symmetric)])
            })
        }))
        .control("temperature-gradient-sign", temperature_gradient_sign()),
        Claim::proved(
            "info-nce-in-batch/orthogonality",
            Identity,
            "the gradient of each vector is orthogonal to it: a_i·∂ℓ/∂a_i = 0 and b_j·∂ℓ/∂b_j = 0",
        )
        .at_all([(2, 2), (3, 3)].map(|(n, d)| {
            Instance::equal(format!("B = {n}, d = {d}, symmetric"), |x| {
                let (a, b, tau) = vectors(x, n, d);
                let (d_a, d_b) = gradients(&a, &b, tau, true, COSINE);
                let products = a.iter().zip(&d_a).chain(b.iter().zip(&d_b)).map(|(x, slope)| dot(x, slope));
                products.map(|x| (x, constant(0))).collect()
            })
        }))
        .control(
            "not-normalized",
            Instance::equal("B = 2, d = 2, of the dot product", |x| {
                let (a, b, tau) = vectors(x, 2, 2);
                let (d_a, _) = gradients(&a, &b, tau, true, Similarity::Dot);
                vec![(dot(&a[0], &d_a[0]), constant(0))]
            }),
        ),
        Claim::proved(
            "info-nce-in-batch/scale-invariance",
            Gradient,
            "multiplying any of the vectors by c > 0 changes nothing: the derivative with respect to c is 0",
        )
        .at(Instance::gradient("B = 2, d = 3, symmetric", |x| {
            let (a, b, tau) = vectors(x, 2, 3);
            let scales = x.declare_all("c", 4, Domain::Positive);
            let scaled = |rows: &[Vec<Expr>], scales: &[Expr]| -> Vec<Vec<Expr>> {
                rows.iter().zip(scales).map(|(row, &c)| row.iter().map(|&x| c * x).collect()).collect()
            };
            let loss = in_batch(&scaled(&a, &scales[..2]), &scaled(&b, &scales[2..]), tau, true, COSINE);
            (loss, scales, vec![constant(0); 4])
        }))
        .control(
            "not-normalized",
            Instance::gradient("B = 2, d = 2, of the dot product", |x| {
                let ((a, b, tau), c) = (vectors(x, 2, 2), x.positive("c"));
                let a: Vec<Vec<Expr>> = a.iter().map(|row| row.iter().map(|&x| c * x).collect()).collect();
                (in_batch(&a, &b, tau, true, Similarity::Dot), vec![c], vec![constant(0)])
            }),
        ),
    ]
}
