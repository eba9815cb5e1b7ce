//! A gradient verified by dual numbers: every component at 1,000 classes, and along one direction at 151,936,
//! where `benches/gradcheck.py` times PyTorch's gradcheck on the same work.

use criterion::Criterion;
use gradproof::expression::{Graph, variables};
use gradproof::judges::gradient::{Answer, Gradient};
use gradproof::losses::cross_entropy::{Conventions, Flat, Reduction, cross_entropy};
use std::hint::black_box;

const TARGET: usize = 3;

/// Logits of ordinary size, the same on every run.
fn logits(classes: usize) -> Vec<f64> {
    (0..classes).map(|i| (i as f64 * 0.754_877_666).fract() * 6.0 - 3.0).collect()
}

/// The loss of one row as a graph.
fn loss(classes: usize) -> Graph {
    Graph::build(|| vec![cross_entropy(&variables("z", classes), TARGET)])
}

/// The gradient that is verified: the oracle's.
fn gradient(logits: &[f64]) -> Vec<f64> {
    let mut gradient = vec![0.0; logits.len()];
    let flat = Flat {
        logits,
        classes: logits.len(),
        targets: &[TARGET as i64],
        ignore_index: -100,
        reduction: Reduction::Mean,
        label_smoothing: 0.0,
        conventions: Conventions::default(),
    };
    flat.oracle(&mut gradient).expect("the batch is in the domain");
    gradient
}

/// Computes the gradient and verifies every component to be the nearest f64.
fn in_every_component(loss: &Graph, z: &[f64]) {
    let gradient = gradient(z);
    let checked = Gradient { loss, at: z, claimed: &gradient, ulps: 0.5 }.in_every_component().expect("a gradient");
    assert_eq!((checked.answer, checked.nearest), (Answer::Right, z.len()));
}

/// Computes the gradient and looks for an error along a direction.
fn along_a_direction(loss: &Graph, z: &[f64], seed: u64) {
    let gradient = gradient(z);
    let checked = Gradient { loss, at: z, claimed: &gradient, ulps: 0.5 }.along_a_direction(seed).expect("a gradient");
    assert_eq!(checked.answer, Answer::Right);
}

fn main() {
    let mut c = Criterion::default().configure_from_args().sample_size(10);
    for classes in [1000, 151_936] {
        let (z, graph) = (logits(classes), loss(classes));
        let mut group = c.benchmark_group(format!("{classes} classes"));
        group.bench_function("the loss written as a graph", |b| b.iter(|| black_box(loss(classes))));
        group.bench_function("every component", |b| b.iter(|| in_every_component(&graph, &z)));
        let mut seed = 0;
        group.bench_function("along a direction", |b| {
            b.iter(|| {
                seed += 1;
                along_a_direction(&graph, &z, seed);
            })
        });
        group.finish();
    }
    c.final_summary();
}
