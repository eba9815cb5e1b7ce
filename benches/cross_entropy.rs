//! Cross-entropy, value, perplexity and gradient: how long it takes on every region of inputs, and, with the
//! feature `torch`, beside libtorch on the same numbers in the same process.
//!
//! Run as benches/README.md says.

mod common;

use common::{Normal, alternating, copy_bandwidth, nanoseconds};
use criterion::{Criterion, Throughput};
use gradproof::losses::cross_entropy::{Conventions, Flat, Reduction};
use std::hint::black_box;

const ROWS: usize = 32;
const CLASSES: usize = 128_000;

/// The numbers that a vector may have: GRADPROOF_LANES, or as many as this processor's can.
fn lanes() -> usize {
    let given = std::env::var("GRADPROOF_LANES").ok();
    given.map_or(usize::MAX, |lanes| lanes.parse().expect("GRADPROOF_LANES is a number of lanes: 8, 4 or 1"))
}

/// A batch with room for its gradient.
struct Batch {
    classes: usize,
    lanes: usize,
    logits: Vec<f64>,
    targets: Vec<i64>,
    gradient: Vec<f64>,
}

impl Batch {
    fn of(classes: usize, logits: Vec<f64>) -> Batch {
        let rows = logits.len() / classes;
        let targets = (0..rows).map(|b| ((b * 7919 + 17) % classes) as i64).collect();
        Batch { classes, lanes: lanes(), gradient: vec![0.0; logits.len()], logits, targets }
    }

    fn ordinary(rows: usize, classes: usize) -> Batch {
        Batch::of(classes, Normal(88_172_645_463_325_252).list(rows * classes, 1.0))
    }

    /// The same with another logit at each target.
    fn with_target(mut self, logit: f64) -> Batch {
        for (row, &y) in self.logits.chunks_mut(self.classes).zip(&self.targets) {
            row[y as usize] = logit;
        }
        self
    }

    fn evaluate(&mut self) -> f64 {
        let flat = Flat {
            logits: &self.logits,
            classes: self.classes,
            targets: &self.targets,
            ignore_index: -100,
            reduction: Reduction::Mean,
            label_smoothing: 0.0,
            conventions: Conventions::default(),
        };
        flat.oracle_with_lanes(self.lanes, &mut self.gradient).expect("the batch is in the domain").loss[0]
    }
}

/// Every region of inputs that a shortcut could be slow on.
fn regions() -> Vec<(String, Batch)> {
    let normal = |size: f64| Normal(42).list(ROWS * CLASSES, size);
    let map = |f: fn(usize, f64) -> f64| {
        Batch::of(CLASSES, normal(1.0).into_iter().enumerate().map(|(i, z)| f(i, z)).collect())
    };
    let mut regions = vec![
        ("standard deviation 150".to_string(), Batch::of(CLASSES, normal(150.0))),
        ("all equal".into(), map(|_, _| 0.5)),
        ("near 1e6".into(), map(|_, z| 1e6 + z)),
        ("at ±1e308".into(), map(|_, z| 1e308f64.copysign(z))),
        ("subnormal".into(), map(|_, z| z * 1e-310)),
        ("a third masked by −∞".into(), map(|i, z| if i % 3 == 0 { f64::NEG_INFINITY } else { z }).with_target(0.0)),
        ("a third masked by −1e9".into(), map(|i, z| if i % 3 == 0 { -1e9 } else { z }).with_target(0.0)),
    ];
    for gap in [20.0, 40.0, 300.0, 690.0, 740.0, 800.0] {
        regions.push((format!("target {gap} above"), Batch::ordinary(ROWS, CLASSES).with_target(gap)));
        regions.push((format!("target {gap} below"), Batch::ordinary(ROWS, CLASSES).with_target(-gap)));
    }
    regions
}

fn report_regions() {
    println!("{ROWS} × {CLASSES} logits: ns a logit, and times the ordinary ones beside it");
    let mut ordinary = Batch::ordinary(ROWS, CLASSES);
    for (name, mut batch) in regions() {
        let n = batch.logits.len();
        let [right, this] = alternating([
            &mut || {
                black_box(ordinary.evaluate());
            },
            &mut || {
                black_box(batch.evaluate());
            },
        ]);
        println!("{name:28} {:8.3} {:8.2}", nanoseconds(this, n), this / right);
    }
}

fn report_sizes() {
    println!("sizes: ns a logit");
    let sizes = [(1, 1), (1, 10), (1, 100), (1, 1000), (1, 10_000), (8, 1000), (1, 151_936), (8, 151_936)];
    for (rows, classes) in sizes.into_iter().chain([(80, 128_000), (781, 128_000), (1, 100_000_000)]) {
        let mut batch = Batch::ordinary(rows, classes);
        let n = rows * classes;
        let repeats = (200_000 / n).max(1);
        let [seconds] = alternating([&mut || {
            for _ in 0..repeats {
                black_box(batch.evaluate());
            }
        }]);
        println!("{rows:6} × {classes:9} {:10.3}", nanoseconds(seconds, n * repeats));
    }
}

#[cfg(feature = "torch")]
fn report_beside_libtorch() {
    let threads = rayon::current_num_threads();
    tch::set_num_threads(threads as i32);
    println!("beside libtorch, {threads} threads each: ns a logit and the ratio");
    for (rows, classes) in [(ROWS, CLASSES), (ROWS, 32_000), (512, 1000)] {
        let mut batch = Batch::ordinary(rows, classes);
        let n = rows * classes;
        let logits = tch::Tensor::from_slice(&batch.logits).view([rows as i64, classes as i64]).set_requires_grad(true);
        let targets = tch::Tensor::from_slice(&batch.targets);
        let [ours, theirs] = alternating([
            &mut || {
                black_box(batch.evaluate());
            },
            &mut || {
                let loss = logits.cross_entropy_for_logits(&targets);
                black_box(tch::Tensor::run_backward(&[&loss], &[&logits], false, false));
            },
        ]);
        println!(
            "{rows:6} × {classes:7}  {:.3}  {:.3}  {:.2}",
            nanoseconds(ours, n),
            nanoseconds(theirs, n),
            theirs / ours
        );
    }
}

fn criterion(c: &mut Criterion) {
    let mut group = c.benchmark_group("cross-entropy");
    for (rows, classes) in [(1, 1000), (8, 32_000)] {
        let mut batch = Batch::ordinary(rows, classes);
        group.throughput(Throughput::Elements((rows * classes) as u64));
        group.bench_function(format!("{rows} × {classes}"), |b| b.iter(|| batch.evaluate()));
    }
    group.finish();
}

fn main() {
    let mut c = Criterion::default().configure_from_args();
    criterion(&mut c);
    c.final_summary();
    if std::env::args().any(|argument| argument == "--bench") {
        println!("copying: {:.1} GB/s, read and written", copy_bandwidth(ROWS * CLASSES));
        #[cfg(feature = "torch")]
        report_beside_libtorch();
        report_regions();
        report_sizes();
    }
}
