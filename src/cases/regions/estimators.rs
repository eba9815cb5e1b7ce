//! Regions of the curvature estimators.

use super::{Region, small, turn};
use serde_json::json;

const GNB: &str = "gauss-newton-bartlett";
const HUTCH: &str = "hutchinson";

pub const GAUSS_NEWTON_BARTLETT: &[Region] = &[
    small(GNB, "label-above", 401, |draw, i| {
        let weights: Vec<f64> = draw.reals(3, 1.0).into_iter().chain([2.0 * i as f64]).collect();
        json!({ "features": [[1.0]], "weights": [weights], "labels": [3] })
    }),
    small(GNB, "label-below", 401, |draw, i| {
        let weights: Vec<f64> = draw.reals(3, 1.0).into_iter().chain([-2.0 * i as f64]).collect();
        json!({ "features": [[1.0]], "weights": [weights], "labels": [3] })
    }),
    small(GNB, "equal-logits", 64, |_, i| {
        let classes = 1 + i as usize % 16;
        json!({ "features": [[1.0], [-3.0]], "weights": [vec![0.25; classes]], "labels": [0, classes - 1] })
    }),
    small(GNB, "examples-that-cancel", 128, |draw, i| {
        // the same example under every label: Σ_b (p − [v = y_b]) x nearly vanishes where p is uniform
        let size = turn(&[1e-9, 1e-5, 1e-2, 1e-16], i);
        let weights = draw.reals(3, size);
        json!({ "features": [[1.5], [1.5], [1.5]], "weights": [weights], "labels": [0, 1, 2] })
    }),
    small(GNB, "sizes", 128, |draw, i| {
        let size = turn(&[1e-150, 1e-80, 1e-20, 1e5], i);
        let (features, weights) = (draw.reals(2, size), [draw.reals(3, 1.0), draw.reals(3, 1.0)]);
        json!({ "features": [features], "weights": weights, "labels": [1] })
    }),
];

pub const HUTCHINSON: &[Region] = &[
    small(HUTCH, "rows-that-cancel", 256, |draw, i| {
        let n = 3 + i as usize % 4;
        let large = draw.power_of_two(0.0, 60.0);
        let mut hessian: Vec<Vec<f64>> = vec![vec![0.0; n]; n];
        for (at, row) in hessian.iter_mut().enumerate() {
            row[at] = draw.real(1.0);
        }
        for (at, x) in [(1, large), (2, -large)] {
            hessian[0][at] = x;
            hessian[at][0] = x;
        }
        json!({ "hessian": hessian, "probe": vec![1.0; n] })
    }),
    small(HUTCH, "sizes", 256, |draw, i| {
        let size = turn(&[1e-160, 1e-300, 1e150, 1e-320], i);
        let x = draw.reals(3, size);
        let hessian = [[x[0], x[1]], [x[1], x[2]]];
        json!({ "hessian": hessian, "probe": draw.reals(2, turn(&[1.0, 1e-10, 1e10], i)) })
    }),
];
