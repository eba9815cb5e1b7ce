//! What is said about the Gauss-Newton-Bartlett estimator.

use super::{
    Input, batch, estimate, gauss_newton_diagonal, gradient, logits, mean_loss, oracle, textbook, wrong_estimate,
};
use crate::claim::{Claim, Instance, Kind::*, Source, indicator};
use crate::expression::{Expr, constant, log_sum_exp, product, sigmoid, softmax, sum};
use crate::formula::NoConventions;
use num_rational::BigRational;

/// Every list of labels of `examples` examples.
fn all_labels(examples: usize, classes: usize) -> Vec<Vec<usize>> {
    let one_more = |lists: Vec<Vec<usize>>, _| {
        lists.iter().flat_map(|list| (0..classes).map(move |y| [&list[..], &[y]].concat())).collect()
    };
    (0..examples).fold(vec![Vec::new()], one_more)
}

/// The mean of a form of the estimate, over labels drawn from the model, is the Gauss-Newton diagonal.
fn mean_over_labels(examples: usize, d: usize, classes: usize, wrong: Option<&'static str>) -> Instance {
    let outcomes = all_labels(examples, classes);
    let scope = format!("B = {examples}, d = {d}, V = {classes}, all {} lists of labels", outcomes.len());
    Instance::expectation(scope, |x| {
        let (features, weights) = batch(x, examples, d, classes);
        let p: Vec<Vec<Expr>> = features.iter().map(|x| softmax(&logits(x, &weights))).collect();
        let probability = |labels: &Vec<usize>| product(labels.iter().enumerate().map(|(b, &y)| p[b][y]));
        let estimates: Vec<Vec<Expr>> =
            outcomes.iter().map(|labels| estimate(&features, &weights, labels, wrong).concat()).collect();
        let means = gauss_newton_diagonal(&features, &weights).concat().into_iter().enumerate();
        let means = means.map(|(k, mean)| (estimates.iter().map(|e| e[k]).collect(), mean)).collect();
        (outcomes.iter().map(probability).collect(), means)
    })
}

fn textbook_against_definition(wrong: Option<&'static str>) -> Instance {
    Instance::equal("B = 2, d = 2, V = 2, the shift as a free variable", |x| {
        let ((features, weights), shift) = (batch(x, 2, 2, 2), x.real("M"));
        let right = [estimate(&features, &weights, &[0, 1], wrong), gauss_newton_diagonal(&features, &weights)];
        let right = right.concat().concat();
        let against = |autograd| {
            let found = textbook(&features, &weights, &[0, 1], autograd, |_| shift).concat().concat();
            found.into_iter().zip(right.clone()).collect::<Vec<_>>()
        };
        [true, false].into_iter().flat_map(against).collect()
    })
}

/// A component of the gradient differentiated once more by its own weight.
fn second_derivative(examples: usize, d: usize, classes: usize) -> Instance {
    Instance::gradient(format!("B = {examples}, d = {d}, V = {classes}"), |x| {
        let (features, weights) = batch(x, examples, d, classes);
        let labels: Vec<usize> = (0..examples).map(|b| b % classes).collect();
        let first = gradient(&features, &weights, &labels)[d - 1][0];
        (first, vec![weights[d - 1][0]], vec![gauss_newton_diagonal(&features, &weights)[d - 1][0]])
    })
}

fn first_derivative(examples: usize, d: usize, classes: usize) -> Instance {
    Instance::gradient(format!("B = {examples}, d = {d}, V = {classes}"), |x| {
        let (features, weights) = batch(x, examples, d, classes);
        let labels: Vec<usize> = (0..examples).map(|b| b % classes).collect();
        let loss = mean_loss(&features, &weights, &labels);
        (loss, weights.concat(), gradient(&features, &weights, &labels).concat())
    })
}

/// One example with logits z_v = w_v²: the second derivative of the loss against p(1 − p)(∂z/∂w)².
fn squared_weights(residual_term: bool) -> Instance {
    Instance::gradient("B = 1, V = 2, logits w²", |x| {
        let w = x.reals("w", 2);
        let z: Vec<Expr> = w.iter().map(|w| w.squared()).collect();
        let p = softmax(&z)[0];
        let first = (p - 1) * 2 * w[0];
        let gauss_newton = p * (1 - p) * (2 * w[0]).squared();
        let residual = if residual_term { (p - 1) * 2 } else { constant(0) };
        (first, vec![w[0]], vec![gauss_newton + residual])
    })
}

/// How many weights there are with d = 2 and V = 3, and how many numbers the estimate has.
fn counted() -> (usize, usize) {
    let input = Input {
        features: vec![vec![1.0, 2.0]],
        weights: vec![vec![0.0; 3]; 2],
        labels: vec![0],
        conventions: NoConventions::default(),
    };
    let numbers = |rows: &[Vec<f64>]| rows.iter().map(Vec::len).sum();
    (numbers(&input.weights), oracle(&input).map_or(0, |output| numbers(&output.estimate)))
}

fn count(counted: usize, said: usize) -> Instance {
    let whole = |n: usize| BigRational::from_integer((n as i64).into());
    Instance::count("d = 2, V = 3", whole(counted), whole(said))
}

pub(super) fn claims() -> Vec<Claim> {
    let (weights, estimated) = counted();
    let outer_product = weights * weights;
    vec![
        Claim::proved(
            "gauss-newton-bartlett/textbook",
            Identity,
            "max-shifted, with ĝ backward through the mean loss or from p − [v = y], they are the estimate and \
its mean, whatever the shift",
        )
        .at(textbook_against_definition(None))
        .control("unsquared", textbook_against_definition(Some("unsquared"))),
        Claim::proved(
            "gauss-newton-bartlett/gradient",
            Gradient,
            "∂(mean loss)/∂W_iv = (1/B) Σ_b x_bi (p_bv − [v = y_b])",
        )
        .at_all([(1, 1, 2), (2, 2, 3), (3, 2, 4)].map(|(b, d, v)| first_derivative(b, d, v)))
        .at(first_derivative(6, 4, 8).beyond())
        .control(
            "batch-mean-missing",
            Instance::gradient("B = 2, d = 1, V = 2", |x| {
                let (features, weights) = batch(x, 2, 1, 2);
                let labels = [0, 1];
                let summed = gradient(&features, &weights, &labels).concat().into_iter().map(|g| 2 * g);
                (mean_loss(&features, &weights, &labels), weights.concat(), summed.collect())
            }),
        ),
        Claim::refuted(
            "gauss-newton-bartlett/outer-product",
            Count,
            "the estimate is the outer product of the mini-batch gradient, a number for every pair of weights",
            "gauss-newton-bartlett/one-number-per-weight",
        )
        .source(Source::guide("2.3", "用 Gauss-Newton-Bartlett 估计（mini-batch gradient 的外积）"))
        .at(count(estimated, outer_product)),
        Claim::proved(
            "gauss-newton-bartlett/one-number-per-weight",
            Count,
            "the estimate has one number per weight: it is the elementwise square, times B",
        )
        .amends("gauss-newton-bartlett/outer-product")
        .at(count(estimated, weights))
        .control("outer-product", count(estimated, outer_product)),
        Claim::refuted(
            "gauss-newton-bartlett/own-labels",
            Identity,
            "with the data's own labels, B times the square of the mini-batch gradient is the Gauss-Newton diagonal",
            "gauss-newton-bartlett/unbiased",
        )
        .source(Source::guide("2.3", "用 Gauss-Newton-Bartlett 估计（mini-batch gradient 的外积）"))
        .at(Instance::equal("B = 2, d = 1, V = 2, both labels 0", |x| {
            let (features, weights) = batch(x, 2, 1, 2);
            let found = estimate(&features, &weights, &[0, 0], None)[0][0];
            vec![(found, gauss_newton_diagonal(&features, &weights)[0][0])]
        })),
        Claim::proved(
            "gauss-newton-bartlett/unbiased",
            Expectation,
            "with labels drawn from the model, E[B ĝ∘ĝ] = (1/B) Σ_b x_bi² p_bv (1 − p_bv), the Gauss-Newton diagonal",
        )
        .amends("gauss-newton-bartlett/own-labels")
        .at_all([(1, 1, 2), (2, 1, 3), (2, 2, 2), (3, 1, 2)].map(|(b, d, v)| mean_over_labels(b, d, v, None)))
        .control("batch-factor-missing", mean_over_labels(2, 1, 2, Some("batch-factor-missing"))),
        Claim::proved(
            "gauss-newton-bartlett/mean-gradient",
            Expectation,
            "E[ĝ] = 0 over labels drawn from the model (Bartlett's first identity), so that the mean of a \
square is a variance",
        )
        .at_all([(1, 3), (2, 2)].map(|(examples, classes)| {
            Instance::expectation(format!("B = {examples}, d = 1, V = {classes}"), |x| {
                let (features, weights) = batch(x, examples, 1, classes);
                let p: Vec<Vec<Expr>> = features.iter().map(|x| softmax(&logits(x, &weights))).collect();
                let outcomes = all_labels(examples, classes);
                let probability = |labels: &Vec<usize>| product(labels.iter().enumerate().map(|(b, &y)| p[b][y]));
                let first = |labels: &Vec<usize>| gradient(&features, &weights, labels)[0][0];
                let values = outcomes.iter().map(first).collect();
                (outcomes.iter().map(probability).collect(), vec![(values, constant(0))])
            })
        }))
        .control("unsquared", mean_over_labels(1, 1, 2, Some("unsquared"))),
        Claim::proved(
            "gauss-newton-bartlett/hessian-diagonal",
            Gradient,
            "where logits are linear in the weights the Gauss-Newton diagonal is the Hessian's, whatever the \
labels: ∂²(mean loss)/∂W_iv² = (1/B) Σ_b x_bi² p_bv (1 − p_bv)",
        )
        .at_all([(1, 1, 2), (2, 2, 3), (3, 2, 4)].map(|(b, d, v)| second_derivative(b, d, v)))
        .at(second_derivative(6, 4, 8).beyond())
        .control(
            "features-unsquared",
            Instance::gradient("B = 1, d = 1, V = 2", |x| {
                let (features, weights) = batch(x, 1, 1, 2);
                let p = softmax(&logits(&features[0], &weights))[0];
                (gradient(&features, &weights, &[0])[0][0], vec![weights[0][0]], vec![features[0][0] * p * (1 - p)])
            }),
        ),
        Claim::refuted(
            "gauss-newton-bartlett/hessian-of-any-model",
            Gradient,
            "h is the Hessian's diagonal, whatever the model",
            "gauss-newton-bartlett/residual-term",
        )
        .source(Source::guide("2.3", "h_t：Hessian 对角线的 EMA 估计"))
        .at(squared_weights(false)),
        Claim::proved(
            "gauss-newton-bartlett/residual-term",
            Gradient,
            "where logits are not linear in the weights the Hessian has the term Σ_v (p_v − [v = y]) ∂²z_v/∂w² \
besides the Gauss-Newton one",
        )
        .amends("gauss-newton-bartlett/hessian-of-any-model")
        .at(squared_weights(true))
        .control("without-it", squared_weights(false)),
        Claim::proved(
            "gauss-newton-bartlett/binary",
            Identity,
            "for V = 2 both classes have the same diagonal, x² σ(z_0 − z_1) σ(z_1 − z_0)",
        )
        .at(Instance::equal("B = 1, d = 1", |x| {
            let (features, weights) = batch(x, 1, 1, 2);
            let (x, z) = (features[0][0], logits(&features[0], &weights));
            let both = gauss_newton_diagonal(&features, &weights);
            let gap = z[0] - z[1];
            let right = x.squared() * sigmoid(gap) * sigmoid(-gap);
            vec![(both[0][0], right), (both[0][1], right)]
        }))
        .control("factor-missing", wrong_estimate("batch-factor-missing")),
        Claim::proved(
            "gauss-newton-bartlett/labels-do-not-matter",
            Identity,
            "two label lists give losses whose difference is linear in W, so their Hessians are one",
        )
        .at(Instance::equal("B = 1, d = 1, V = 3", |x| {
            let (features, weights) = batch(x, 1, 1, 3);
            let z = logits(&features[0], &weights);
            let loss = |y: usize| log_sum_exp(&z) - z[y];
            let linear = sum((0..3).map(|v| (indicator(v == 1) - indicator(v == 0)) * features[0][0] * weights[0][v]));
            vec![(loss(0) - loss(1), linear)]
        }))
        .control(
            "same-loss",
            Instance::equal("B = 1, d = 1, V = 2", |x| {
                let (features, weights) = batch(x, 1, 1, 2);
                vec![(mean_loss(&features, &weights, &[0]), mean_loss(&features, &weights, &[1]))]
            }),
        ),
    ]
}
