use super::super::{Conventions, Flat, Losses, Smoothing};
use super::*;
use crate::kernels::Instructions;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Several rows of some kind, and their targets, some of which do not count.
fn batch(kind: usize, rows: usize, classes: usize) -> (Vec<f64>, Vec<i64>) {
    let mut rng = ChaCha8Rng::seed_from_u64(kind as u64);
    let mut unit = || (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let mut z: Vec<f64> = (0..rows * classes).map(|_| 6.0 * unit() - 3.0).collect();
    let targets: Vec<i64> = (0..rows).map(|b| if b % 5 == 4 { -100 } else { (b * 31 % classes) as i64 }).collect();
    for (row, &y) in z.chunks_mut(classes).zip(&targets) {
        for (i, z) in row.iter_mut().enumerate() {
            match kind {
                0 => {}
                1 => *z *= 120.0,
                2 => *z += 1e6,
                3 if i % 3 == 0 && i as i64 != y => *z = f64::NEG_INFINITY,
                4 if i % 3 == 0 => *z = -1e9,
                5 => *z *= 1e-310,
                6 => *z *= 5e307,
                _ => {}
            }
            // seven probabilities in eight are subnormal or vanish
            if kind == 7 && i as i64 == y {
                *z += 735.0;
            }
        }
    }
    (z, targets)
}

fn evaluate(engine: Engine, z: &[f64], classes: usize, targets: &[i64], epsilon: f64) -> (Vec<u64>, Losses) {
    let mut gradient = vec![f64::NAN; z.len()];
    let flat = Flat {
        logits: z,
        classes,
        targets,
        ignore_index: -100,
        reduction: Reduction::Mean,
        label_smoothing: epsilon,
        conventions: Conventions { smoothing: Smoothing::Others, ..Conventions::default() },
    };
    let losses = flat.with(engine, &mut gradient).unwrap();
    (gradient.into_iter().map(f64::to_bits).collect(), losses)
}

#[test]
fn every_width_one_thread_and_all_give_the_same_bits() {
    for kind in 0..8 {
        for (rows, classes) in [(6, 2), (5, 37), (3, 1500)] {
            let (z, targets) = batch(kind, rows, classes);
            for epsilon in if kind == 3 { vec![0.0] } else { vec![0.0, 0.1] } {
                let engine = Engine { instructions: Instructions::One, parallel: false, longest_kept: usize::MAX };
                let right = evaluate(engine, &z, classes, &targets, epsilon);
                for instructions in Instructions::all() {
                    for parallel in [false, true] {
                        // kept, and taken twice
                        for longest_kept in [usize::MAX, 0] {
                            let engine = Engine { instructions, parallel, longest_kept };
                            let found = evaluate(engine, &z, classes, &targets, epsilon);
                            assert!(found == right, "{engine:?}, kind {kind}, {rows} × {classes}, ε {epsilon}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn the_first_level_leaves_few_roundings_open() {
    // 2^−79 of error leaves a rounding open once in 2^25 components
    let classes = 30_000;
    let (z, _) = batch(0, 1, classes);
    let engine = Engine::best();
    let others = extremes_of_others(engine, &z, 7);
    let (mut out, mut lo) = (vec![0.0; classes], vec![0.0; classes]);
    let mut open = Vec::new();
    let row = Row::new(engine, &z, 7, others, &mut out, &mut Some(&mut lo));
    row.components(Wide::ONE / Wide::from(3.0), Wide::ZERO, &mut out, &mut Some(&mut lo), &mut open);
    assert!(open.len() <= 1, "{} are open", open.len());
}
