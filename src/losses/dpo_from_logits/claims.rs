//! The claims about DPO from logits.

use super::*;
use crate::claim::{Claim, Kind::*, Source};
use crate::expression::{constant, product};
use crate::losses::preference::Derivative;

/// Lengths of the chosen and the rejected response, and the number of classes.
type Size = (usize, usize, usize);

fn scope((chosen, rejected, classes): Size) -> String {
    format!("T = {chosen} and {rejected}, V = {classes}")
}

fn pair_of(x: &Inputs, (chosen, rejected, classes): Size) -> (Response, Response, Expr) {
    (response(x, "chosen", chosen, classes), response(x, "rejected", rejected, classes), x.positive("beta"))
}

/// The policy's logits of both responses.
fn policy_logits(chosen: &Response, rejected: &Response) -> Vec<Expr> {
    [chosen.policy.concat(), rejected.policy.concat()].concat()
}

fn gradient_at(size: Size) -> Instance {
    Instance::gradient(scope(size), |x| {
        let (w, l, beta) = pair_of(x, size);
        let claimed = gradient(&w, &l, beta).concat().concat();
        (dpo_from_logits(&w, &l, beta), policy_logits(&w, &l), claimed)
    })
}

fn smoothed_gradient_at(size: Size, smoothing: Smoothing, reference: Reference) -> Instance {
    Instance::gradient(format!("{}, {smoothing:?}, {reference:?}", scope(size)), |x| {
        let ((w, l, beta), epsilon) = (pair_of(x, size), x.declare("epsilon", Domain::Between(0.0, 0.5)));
        let conventions = Conventions { smoothing, reference };
        let claimed = smoothed_gradient(&w, &l, beta, epsilon, conventions).concat().concat();
        (smoothed(&w, &l, beta, epsilon, conventions), policy_logits(&w, &l), claimed)
    })
}

/// Parameters θ ∈ R^V that both responses share: they are added to the logits of every token.
/// ∇_θ ln π(y) = Σ_t ([v = y_t] − p_tv).
fn shared_parameters(size: Size, form: fn(Expr, Expr, Expr, Expr) -> Expr) -> Instance {
    Instance::gradient(format!("{}, θ ∈ R^V in every token's logits", scope(size)), |x| {
        let (mut w, mut l, beta) = pair_of(x, size);
        let theta = x.reals("theta", size.2);
        for row in w.policy.iter_mut().chain(&mut l.policy) {
            row.iter_mut().zip(&theta).for_each(|(z, &theta)| *z = *z + theta);
        }
        let p = pair(&w, &l, beta);
        let weight = sigmoid(p.reward_rejected() - p.reward_chosen());
        let nabla = |side: &Response, v: usize| {
            sum(log_probability_gradient(&side.policy, &side.tokens).into_iter().map(|row| row[v]))
        };
        let claimed = (0..size.2).map(|v| form(beta, weight, nabla(&w, v), nabla(&l, v))).collect();
        (dpo_from_logits(&w, &l, beta), theta, claimed)
    })
}

/// The margin of two responses that begin with the same rows and tokens, and of what follows.
fn common_prefix(prefix: usize, kept: impl Fn(&Response) -> Response) -> Instance {
    Instance::equal(format!("a prefix of {prefix} and one more token, V = 3"), |x| {
        let shared = response(x, "prefix", prefix, 3);
        let (w, l, beta) = pair_of(x, (1, 1, 3));
        let after = |end: &Response| Response {
            policy: [shared.policy.clone(), end.policy.clone()].concat(),
            reference: [shared.reference.clone(), end.reference.clone()].concat(),
            tokens: [shared.tokens.clone(), end.tokens.clone()].concat(),
        };
        vec![(margin(&after(&w), &kept(&after(&l)), beta), margin(&w, &l, beta))]
    })
}

pub(super) fn claims() -> Vec<Claim> {
    vec![
        Claim::proved(
            "dpo-from-logits/gradient",
            Gradient,
            "∂ℓ/∂z_tv = −β σ(r̂_l − r̂_w)([v = y_t] − p_tv) at the chosen response and \
+β σ(r̂_l − r̂_w)([v = y_t] − p_tv) at the rejected one",
        )
        .source(Source::guide("1.3", "∇_θ L_DPO = −β·σ(r̂_l − r̂_w) [∇_θ log π_θ(y_w|x) − ∇_θ log π_θ(y_l|x)]"))
        .at_all([(1, 1, 2), (2, 1, 3), (3, 2, 4), (4, 4, 8)].map(gradient_at))
        .at(gradient_at((8, 6, 32)).beyond())
        .control("one-hot-missing", one_hot_missing()),
        Claim::proved(
            "dpo-from-logits/gradient-in-parameters",
            Gradient,
            "∇_θ ℓ = −β σ(r̂_l − r̂_w) [∇_θ ln π_w − ∇_θ ln π_l] for parameters that both responses share, \
with ∇_θ ln π(y) = Σ_t ([v = y_t] − p_tv)",
        )
        .source(Source::guide("1.3", "∇_θ L_DPO = −β·σ(r̂_l − r̂_w) [∇_θ log π_θ(y_w|x) − ∇_θ log π_θ(y_l|x)]"))
        .at_all([(1, 1, 2), (2, 1, 3), (4, 4, 8)].map(|size| {
            shared_parameters(size, |beta, weight, chosen, rejected| -(beta * weight * (chosen - rejected)))
        }))
        .control(
            "weight-of-margin",
            shared_parameters((2, 1, 3), |beta, weight, chosen, rejected| -(beta * (1 - weight) * (chosen - rejected))),
        ),
        Claim::proved(
            "dpo-from-logits/smoothed-gradient",
            Gradient,
            "under label smoothing, and without the reference, σ(r̂_l − r̂_w) gives way to the weight of \
those conventions and nothing else changes",
        )
        .at_all(
            [
                (Smoothing::Conservative, Reference::Given),
                (Smoothing::Conservative, Reference::Free),
                (Smoothing::Robust, Reference::Given),
                (Smoothing::Robust, Reference::Free),
            ]
            .map(|(smoothing, reference)| smoothed_gradient_at((2, 1, 3), smoothing, reference)),
        )
        .control(
            "smoothing-ignored",
            Instance::gradient(scope((2, 1, 2)), |x| {
                let ((w, l, beta), epsilon) = (small(x), x.declare("epsilon", Domain::Between(0.0, 0.5)));
                let claimed = gradient(&w, &l, beta).concat().concat();
                (smoothed(&w, &l, beta, epsilon, Conventions::default()), policy_logits(&w, &l), claimed)
            }),
        ),
        Claim::proved("dpo-from-logits/log-probability-gradient", Gradient, "∂ln π(y)/∂z_tv = [v = y_t] − p_tv")
            .at_all([(1, 2), (2, 3), (4, 8)].map(|(length, classes)| {
                Instance::gradient(format!("T = {length}, V = {classes}"), |x| {
                    let side = response(x, "chosen", length, classes);
                    let claimed = log_probability_gradient(&side.policy, &side.tokens).concat();
                    (log_probability(&side.policy, &side.tokens), side.policy.concat(), claimed)
                })
            }))
            .control(
                "length-normalized",
                Instance::gradient("T = 2, V = 3", |x| {
                    let side = response(x, "chosen", 2, 3);
                    let claimed = log_probability_gradient(&side.policy, &side.tokens).concat();
                    let claimed = claimed.into_iter().map(|g| g / 2).collect();
                    (log_probability(&side.policy, &side.tokens), side.policy.concat(), claimed)
                }),
            ),
        Claim::proved(
            "dpo-from-logits/sum-over-tokens",
            Identity,
            "the probability of a response is the product of its tokens': e^{ln π(y)} = Π_t softmax(z_t)[y_t]",
        )
        .source(Source::guide("1.3", "log π_θ(y_w|x)"))
        .at_all([(1, 2), (2, 3), (4, 8)].map(|(length, classes)| {
            Instance::equal(format!("T = {length}, V = {classes}"), |x| {
                let side = response(x, "chosen", length, classes);
                let tokens = side.policy.iter().zip(&side.tokens).map(|(z, &y)| softmax(z)[y]);
                vec![(log_probability(&side.policy, &side.tokens).exp(), product(tokens))]
            })
        }))
        .control(
            "length-normalized",
            Instance::equal("T = 2, V = 2", |x| {
                let side = response(x, "chosen", 2, 2);
                let tokens = side.policy.iter().zip(&side.tokens).map(|(z, &y)| softmax(z)[y]);
                vec![((log_probability(&side.policy, &side.tokens) / 2).exp(), product(tokens))]
            }),
        ),
        Claim::refuted(
            "dpo-from-logits/mean-over-tokens",
            Identity,
            "a mean over the tokens serves as well as the sum: the margin is the same",
            "dpo-from-logits/mean-over-tokens-one-length",
        )
        .source(Source::paper("modelscope/ms-swift", "PR #9925", "the mean of the log-probabilities in DPO"))
        .at(length_normalized()),
        Claim::proved(
            "dpo-from-logits/mean-over-tokens-one-length",
            Identity,
            "where both responses have T tokens the mean is the sum with β/T in place of β",
        )
        .amends("dpo-from-logits/mean-over-tokens")
        .at_all([1, 2, 3].map(|length| {
            Instance::equal(scope((length, length, 3)), |x| {
                let (w, l, beta) = pair_of(x, (length, length, 3));
                let t = length as i64;
                let p = pair(&w, &l, beta);
                let normalized = p.reward_chosen() / t - p.reward_rejected() / t;
                vec![(normalized, margin(&w, &l, beta / t))]
            })
        }))
        .control("length-normalized", length_normalized()),
        Claim::proved(
            "dpo-from-logits/gradient-sums-to-zero",
            Identity,
            "Σ_v ∂ℓ/∂z_tv = 0 at every token, as a shift of a row's logits changes nothing",
        )
        .at_all([(1, 1, 2), (2, 1, 3)].map(|size| {
            Instance::equal(scope(size), |x| {
                let (w, l, beta) = pair_of(x, size);
                let rows = gradient(&w, &l, beta).concat();
                rows.into_iter().map(|row| (sum(row), constant(0))).collect()
            })
        }))
        .control("one-hot-missing", Instance::equal("V = 2", |x| vec![(sum(softmax(&x.reals("z", 2))), constant(0))])),
        Claim::proved(
            "dpo-from-logits/shift-invariance",
            Identity,
            "adding a constant to all logits of a token changes no ln π(y), and so nothing",
        )
        .at_all([(1, 2), (2, 3), (4, 8)].map(|(length, classes)| {
            Instance::equal(format!("T = {length}, V = {classes}"), |x| {
                let (side, c) = (response(x, "chosen", length, classes), x.reals("c", length));
                let shift = |(z, &c): (&Vec<Expr>, &Expr)| z.iter().map(|&z| z + c).collect();
                let shifted: Vec<Vec<Expr>> = side.policy.iter().zip(&c).map(shift).collect();
                vec![(log_probability(&shifted, &side.tokens), log_probability(&side.policy, &side.tokens))]
            })
        }))
        .control(
            "one-logit",
            Instance::equal("T = 1, V = 2", |x| {
                let (side, c) = (response(x, "chosen", 1, 2), x.real("c"));
                let shifted = vec![vec![side.policy[0][0] + c, side.policy[0][1]]];
                vec![(log_probability(&shifted, &side.tokens), log_probability(&side.policy, &side.tokens))]
            }),
        ),
        Claim::proved(
            "dpo-from-logits/textbook",
            Identity,
            "the max-shifted algorithm computes ln π(y), and its gradient backward through log-softmax or in \
closed form, whatever the shifts",
        )
        .at_all([(1, 2), (2, 3), (4, 8)].map(|(length, classes)| {
            Instance::equal(format!("T = {length}, V = {classes}, the shifts as free variables"), |x| {
                let (side, shifts) = (response(x, "chosen", length, classes), x.reals("M", length));
                let shifted = textbook_log_probability(&side.policy, &side.tokens, |t, _| shifts[t]);
                vec![(shifted, log_probability(&side.policy, &side.tokens))]
            })
        }))
        .at_all([Derivative::Autograd, Derivative::Closed].map(|derivative| {
            Instance::equal(format!("T = 2, V = 3, {derivative:?}: the gradient"), |x| {
                let (side, shifts, slope) = (response(x, "chosen", 2, 3), x.reals("M", 2), x.real("slope"));
                let right = log_probability_gradient(&side.policy, &side.tokens).concat();
                let found = textbook_gradient(&side.policy, &side.tokens, slope, derivative, |t, _| shifts[t]);
                found.concat().into_iter().zip(right).map(|(found, right)| (found, slope * right)).collect()
            })
        }))
        .control(
            "shift-forgotten",
            Instance::equal("T = 1, V = 2", |x| {
                let (side, shift) = (response(x, "chosen", 1, 2), x.real("M"));
                let shifted = textbook_log_probability(&side.policy, &side.tokens, |_, _| shift);
                vec![(shifted + shift, log_probability(&side.policy, &side.tokens))]
            }),
        ),
        Claim::proved(
            "dpo-from-logits/common-prefix",
            Identity,
            "tokens that both responses share, up to where they part, cancel from the margin",
        )
        .at_all([1, 2].map(|prefix| common_prefix(prefix, Response::clone)))
        .control(
            "prefix-masked-for-one",
            common_prefix(1, |side| Response {
                policy: side.policy[1..].to_vec(),
                reference: side.reference[1..].to_vec(),
                tokens: side.tokens[1..].to_vec(),
            }),
        ),
        Claim::proved(
            "dpo-from-logits/policy-is-reference",
            Identity,
            "where the policy is the reference both rewards are 0 and the loss is ln 2",
        )
        .at(Instance::equal("T = 2 and 1, V = 2", |x| {
            let (mut w, mut l, beta) = small(x);
            (w.reference, l.reference) = (w.policy.clone(), l.policy.clone());
            let p = pair(&w, &l, beta);
            let ln_2 = constant(2).ln();
            vec![
                (p.reward_chosen(), constant(0)),
                (p.reward_rejected(), constant(0)),
                (dpo_from_logits(&w, &l, beta), ln_2),
            ]
        }))
        .control(
            "reference-missing",
            Instance::equal("T = 2 and 1, V = 2", |x| {
                let (w, l, beta) = small(x);
                vec![(pair(&w, &l, beta).margin(Reference::Free), constant(0))]
            }),
        ),
    ]
}
