//! The functions of the field, written once from the operators.

use super::graph::{Expr, Node, by_sign, constant};
use super::operators::sum_of;

/// Σ x; the empty sum is 0.
pub fn sum(terms: impl IntoIterator<Item = Expr>) -> Expr {
    sum_of(terms.into_iter().map(Expr::in_this_build).collect())
}

/// Π x; the empty product is 1.
pub fn product(factors: impl IntoIterator<Item = Expr>) -> Expr {
    factors.into_iter().fold(constant(1), |all, x| all * x)
}

/// The largest of one or more values.
///
/// # Panics
/// If there is none.
pub fn maximum(values: &[Expr]) -> Expr {
    match values {
        [] => panic!("the maximum of no values"),
        [only] => *only,
        _ => Expr::made(Node::Maximum(values.iter().map(|x| x.in_this_build()).collect()), |_| None),
    }
}

/// The smallest of one or more values: −max(−x).
///
/// # Panics
/// If there is none.
pub fn minimum(values: &[Expr]) -> Expr {
    -maximum(&values.iter().map(|&x| -x).collect::<Vec<_>>())
}

/// max(a, b) as a selection by the sign of a − b, which has a meaning in every kind of number.
pub fn larger(a: Expr, b: Expr) -> Expr {
    by_sign(a - b, b, b, a)
}

/// min(a, b) as a selection by the sign of a − b.
pub fn smaller(a: Expr, b: Expr) -> Expr {
    by_sign(a - b, a, a, b)
}

/// sign(x) ∈ {−1, 0, 1}
pub fn sign(x: Expr) -> Expr {
    by_sign(x, constant(-1), constant(0), constant(1))
}

/// |x|
pub fn absolute(x: Expr) -> Expr {
    by_sign(x, -x, constant(0), x)
}

/// max(x, 0)
pub fn positive_part(x: Expr) -> Expr {
    by_sign(x, constant(0), constant(0), x)
}

/// x limited to [−bound, bound].
pub fn clip(x: Expr, bound: Expr) -> Expr {
    let below_upper = by_sign(x - bound, x, x, bound);
    by_sign(x + bound, -bound, x, below_upper)
}

/// ln Σ e^z
pub fn log_sum_exp(z: &[Expr]) -> Expr {
    sum(z.iter().map(|z| z.exp())).ln()
}

/// e^{z_i} / Σ e^z
pub fn softmax(z: &[Expr]) -> Vec<Expr> {
    let total = sum(z.iter().map(|z| z.exp()));
    z.iter().map(|z| z.exp() / total).collect()
}

/// z_i − ln Σ e^z
pub fn log_softmax(z: &[Expr]) -> Vec<Expr> {
    z.iter().map(|&z_i| z_i - log_sum_exp(z)).collect()
}

/// σ(x) = 1/(1 + e^{−x})
pub fn sigmoid(x: Expr) -> Expr {
    1 / (1 + (-x).exp())
}

/// ln(1 + e^x), which is −ln σ(−x)
pub fn softplus(x: Expr) -> Expr {
    (1 + x.exp()).ln()
}

/// Σ x_i y_i
pub fn dot(x: &[Expr], y: &[Expr]) -> Expr {
    sum(x.iter().zip(y).map(|(&x, &y)| x * y))
}

/// √Σ x²
pub fn norm(x: &[Expr]) -> Expr {
    sum(x.iter().map(|x| x.squared())).sqrt()
}

/// x·y / (‖x‖‖y‖)
pub fn cosine(x: &[Expr], y: &[Expr]) -> Expr {
    dot(x, y) / (norm(x) * norm(y))
}
