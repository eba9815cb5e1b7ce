//! Jacobians and Hessians in closed form against num-dual's second-order numbers, with nalgebra.

use gradproof::expression::{Graph, softmax, variables};
use gradproof::losses::cross_entropy;
use gradproof::number::{HyperDual, SecondOrder, evaluate_all};
use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// Rows of logits of ordinary size, and one that is nearly certain.
fn rows() -> Vec<Vec<f64>> {
    vec![vec![0.0, 0.0], vec![0.5, -1.25, 2.0], vec![3.0, 3.0, -1.0, 0.25, 1.5], vec![12.0, 0.0, -2.0, 1.0]]
}

/// The second derivatives of the outputs of a graph, one matrix per output.
fn second_derivatives(graph: &Graph, x: &[f64]) -> Vec<DMatrix<f64>> {
    let n = x.len();
    let mut matrices = vec![DMatrix::zeros(n, n); graph.outputs().len()];
    for i in 0..n {
        for j in 0..n {
            let along = |k: usize, axis: usize| if k == axis { 1.0 } else { 0.0 };
            let inputs: Vec<HyperDual> =
                x.iter().enumerate().map(|(k, &x)| HyperDual::new(x, along(k, i), along(k, j), 0.0)).collect();
            let values = evaluate_all(graph, &mut SecondOrder::new(), &inputs).unwrap();
            matrices.iter_mut().zip(values).for_each(|(matrix, value)| matrix[(i, j)] = value.eps1eps2);
        }
    }
    matrices
}

#[test]
fn the_hessian_of_cross_entropy_is_diag_p_minus_p_pt() {
    for z in rows() {
        let graph = Graph::build(|| vec![cross_entropy::cross_entropy(&variables("z", z.len()), 0)]);
        let dual = &second_derivatives(&graph, &z)[0];
        let closed = cross_entropy::hessian_matrix(&z).unwrap();
        // entries are at most 1/4 and sums of products of a few terms below 1: 100 roundings
        assert!((dual - &closed).amax() <= 100.0 * f64::EPSILON, "cross-entropy at {z:?}: {dual} and not {closed}");
    }
}

#[test]
fn the_hessian_is_symmetric_positive_semidefinite_and_kills_ones() {
    for z in rows() {
        let h = cross_entropy::hessian_matrix(&z).unwrap();
        assert_eq!(h, h.transpose());
        let ones = DVector::from_element(z.len(), 1.0);
        assert!((&h * &ones).amax() <= 10.0 * f64::EPSILON, "cross-entropy at {z:?}");
        let eigenvalues = SymmetricEigen::new(h).eigenvalues;
        assert!(eigenvalues.min() >= -10.0 * f64::EPSILON, "cross-entropy at {z:?}: {eigenvalues}");
        // exactly one direction is flat
        let flat = eigenvalues.iter().filter(|x| x.abs() < 1e-12).count();
        assert_eq!(flat, 1, "cross-entropy at {z:?}: {eigenvalues}");
    }
}

#[test]
fn the_gradient_is_the_hessian_s_integral() {
    // ∇ℓ(z + h) − ∇ℓ(z) = H h to first order: with steps of 2^−20 the rest is of order 2^−40
    for z in rows() {
        let gradient = |z: &[f64]| {
            let input = serde_json::json!({ "logits": [z], "targets": [0] });
            let output = gradproof::catalog::evaluate("cross-entropy", input).unwrap();
            DVector::from_iterator(
                z.len(),
                output["gradient"][0].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()),
            )
        };
        let step = DVector::from_fn(z.len(), |i, _| (i as f64 - 0.5) * 2f64.powi(-20));
        let moved: Vec<f64> = z.iter().zip(step.iter()).map(|(z, h)| z + h).collect();
        let difference = gradient(&moved) - gradient(&z);
        let predicted = cross_entropy::hessian_matrix(&z).unwrap() * &step;
        assert!((difference - predicted).amax() <= 20.0 * 2f64.powi(-40), "cross-entropy at {z:?}");
    }
}

#[test]
fn the_jacobian_of_softmax_is_the_hessian() {
    for z in rows() {
        let graph = Graph::build(|| softmax(&variables("z", z.len())));
        let closed = cross_entropy::hessian_matrix(&z).unwrap();
        for i in 0..z.len() {
            let inputs: Vec<HyperDual> = z
                .iter()
                .enumerate()
                .map(|(k, &z)| HyperDual::new(z, if k == i { 1.0 } else { 0.0 }, 0.0, 0.0))
                .collect();
            let values = evaluate_all(&graph, &mut SecondOrder::new(), &inputs).unwrap();
            for (j, value) in values.iter().enumerate() {
                assert!((value.eps1 - closed[(j, i)]).abs() <= 20.0 * f64::EPSILON, "softmax at {z:?}");
            }
        }
    }
}
