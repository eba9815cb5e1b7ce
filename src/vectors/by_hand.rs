//! Cases of formulas for which the kit has no groups, made by hand: small, in numbers whose answers can be followed
//! on paper, each with what a wrong implementation shows in it.

use crate::formula::Formula;
use serde_json::{Value, json};

/// A case: its name, what it is about, its input.
pub(super) type ByHand = (&'static str, &'static str, Value);

/// The cases of a formula.
pub(super) fn inputs(formula: &Formula) -> Vec<ByHand> {
    match formula.id {
        "gauss-newton-bartlett" => gauss_newton_bartlett(),
        "hutchinson" => hutchinson(),
        _ => Vec::new(),
    }
}

fn gauss_newton_bartlett() -> Vec<ByHand> {
    vec![
        (
            "uniform/0",
            "weights of zero: every class has the probability 1/4, and the estimate of two examples can be followed on paper",
            json!({ "features": [[1.0, -2.0], [0.5, 4.0]], "weights": [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]], "labels": [0, 3] }),
        ),
        (
            "single-example/0",
            "a batch of one, in which the factor B cannot be seen",
            json!({ "features": [[2.0]], "weights": [[0.5, -0.25, 1.0]], "labels": [2] }),
        ),
        (
            "opposite-examples/0",
            "two examples whose gradients cancel: the square of the mean is 0, where the mean of the squares is not",
            json!({ "features": [[3.0], [-3.0]], "weights": [[0.0, 0.0]], "labels": [1, 1] }),
        ),
        (
            "equal-examples/0",
            "the same example four times: the estimate is four times that of one of them",
            json!({ "features": [[1.5], [1.5], [1.5], [1.5]], "weights": [[0.25, -0.75]], "labels": [0, 0, 0, 0] }),
        ),
        (
            "unused-feature/0",
            "a feature that is 0 in every example: its row of the estimate is 0",
            json!({ "features": [[0.0, 1.0], [0.0, -0.5]], "weights": [[7.0, -7.0], [0.5, 0.25]], "labels": [0, 1] }),
        ),
        (
            "certain/0",
            "logits 80 apart: the label is nearly certain, and its 1 − p is lost where p is subtracted from 1",
            json!({ "features": [[4.0], [2.0]], "weights": [[10.0, -10.0]], "labels": [0, 0] }),
        ),
        (
            "unlikely/0",
            "labels that the model holds for impossible: the gradient is nearly the whole feature",
            json!({ "features": [[4.0], [2.0]], "weights": [[10.0, -10.0]], "labels": [1, 1] }),
        ),
    ]
}

fn hutchinson() -> Vec<ByHand> {
    vec![
        (
            "diagonal/0",
            "a diagonal matrix and a probe of signs: the estimate is the diagonal itself",
            json!({ "hessian": [[2.0, 0.0, 0.0], [0.0, -3.0, 0.0], [0.0, 0.0, 0.5]], "probe": [1.0, -1.0, -1.0] }),
        ),
        (
            "off-diagonal/0",
            "what stands beside the diagonal comes in with the signs of the probe",
            json!({ "hessian": [[2.0, 1.0], [1.0, 4.0]], "probe": [1.0, -1.0] }),
        ),
        (
            "empty-diagonal/0",
            "a diagonal of zeros: the estimate is not, and only its mean is",
            json!({ "hessian": [[0.0, 1.5], [1.5, 0.0]], "probe": [-1.0, 1.0] }),
        ),
        (
            "negative/0",
            "curvature below zero: the estimate is negative, and is neither cut off nor made positive",
            json!({ "hessian": [[-2.0, 0.25], [0.25, -1.0]], "probe": [1.0, 1.0] }),
        ),
        (
            "not-of-signs/0",
            "a probe of other numbers than ±1: the estimate has its square on the diagonal",
            json!({ "hessian": [[2.0, 0.5], [0.5, 4.0]], "probe": [0.5, -3.0] }),
        ),
        (
            "not-symmetric/0",
            "rows and columns that differ: H u takes rows",
            json!({ "hessian": [[1.0, 8.0], [2.0, 1.0]], "probe": [1.0, -2.0] }),
        ),
        (
            "cancelling/0",
            "large numbers that cancel in H u: what is left is lost where sums are rounded on the way",
            json!({ "hessian": [[1e16, 1.0, -1e16], [1.0, 1.0, 1.0], [-1e16, 1.0, 1e16]], "probe": [1.0, 1.0, 1.0] }),
        ),
    ]
}
