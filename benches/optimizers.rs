//! The steps of the optimizers over flat lists: how long they take beside a pass over the same memory, on inputs that
//! a shortcut could be slow on, and, with the feature `torch`, beside libtorch's AdamW in the same process.
//!
//! Run as benches/README.md says.

mod common;

use common::{Normal, alternating, copy_bandwidth, nanoseconds};
use criterion::{Criterion, Throughput};
use gradproof::optimizers::flat::Flat;
use gradproof::optimizers::{adam_l2, adamw, lion, sgd, sophia};

const PARAMETERS: usize = 8_000_000;

const RATE: f64 = 1e-3;

/// A tensor with its gradient, its moments and an estimate of its curvature.
#[derive(Clone)]
struct Tensor {
    theta: Vec<f64>,
    g: Vec<f64>,
    moments: [Vec<f64>; 2],
    hessian: Vec<f64>,
}

impl Tensor {
    fn ordinary(n: usize) -> Tensor {
        let mut normal = Normal(88_172_645_463_325_252);
        let mut list = |size| normal.list(n, size);
        let (theta, g, m, v) = (list(0.02), list(1e-3), list(1e-4), list(1e-3));
        let square = |x: &f64| x * x;
        Tensor { theta, hessian: g.iter().map(square).collect(), g, moments: [m, v.iter().map(square).collect()] }
    }

    /// Moves the tensor as at its tenth step.
    fn step(&mut self, optimizer: &Optimizer) {
        let [m, v] = &mut self.moments;
        let moments: Vec<&mut [f64]> = match optimizer {
            Optimizer::Lion(_) | Optimizer::Sgd(_) => vec![m],
            _ => vec![m, v],
        };
        let (params, gradient) = (&mut self.theta, &self.g);
        let tensor = Flat { params, gradient, moments, t: 10, lr: RATE, first_lr: RATE };
        let moved = match optimizer {
            Optimizer::AdamW(hyper) => adamw::step_in_place(hyper, tensor),
            Optimizer::AdamL2(hyper) => adam_l2::step_in_place(hyper, tensor),
            Optimizer::Lion(hyper) => lion::step_in_place(hyper, tensor),
            Optimizer::Sophia(hyper) => sophia::step_in_place(hyper, None, tensor),
            Optimizer::SophiaRefreshed(hyper) => sophia::step_in_place(hyper, Some(&self.hessian), tensor),
            Optimizer::Sgd(hyper) => sgd::step_in_place(hyper, tensor),
        };
        moved.expect("the tensor is in the domain");
    }

    /// Reads and writes what a step of the optimizer does, with one operation for each number.
    fn pass(&mut self, optimizer: &Optimizer) {
        let [m, v] = &mut self.moments;
        let (theta, g, hessian) = (&mut self.theta[..], &self.g[..], &self.hessian[..]);
        match optimizer {
            Optimizer::AdamW(_) | Optimizer::AdamL2(_) | Optimizer::Sophia(_) => pass([theta, m, v], [g]),
            Optimizer::SophiaRefreshed(_) => pass([theta, m, v], [g, hessian]),
            Optimizer::Lion(_) | Optimizer::Sgd(_) => pass([theta, m], [g]),
        }
    }
}

/// Adds what is given to every list, on all threads, in pieces that stay in the caches.
fn pass<const S: usize, const G: usize>(state: [&mut [f64]; S], given: [&[f64]; G]) {
    const PIECE: usize = 1 << 12;
    let n = given[0].len();
    let mut state = state.map(|list| list.chunks_mut(PIECE));
    let mut given = given.map(|list| list.chunks(PIECE));
    let pieces: Vec<_> = (0..n.div_ceil(PIECE))
        .map(|_| (state.each_mut().map(|s| s.next().unwrap()), given.each_mut().map(|g| g.next().unwrap())))
        .collect();
    let over = |(state, given): ([&mut [f64]; S], [&[f64]; G])| {
        for list in state {
            for given in given {
                list.iter_mut().zip(given).for_each(|(x, y)| *x += y);
            }
        }
    };
    #[cfg(feature = "fast")]
    rayon::iter::ParallelIterator::for_each(rayon::iter::IntoParallelIterator::into_par_iter(pieces), over);
    #[cfg(not(feature = "fast"))]
    pieces.into_iter().for_each(over);
}

enum Optimizer {
    AdamW(adamw::Hyperparameters),
    AdamL2(adam_l2::Hyperparameters),
    Lion(lion::Hyperparameters),
    Sophia(sophia::Hyperparameters),
    SophiaRefreshed(sophia::Hyperparameters),
    Sgd(sgd::Hyperparameters),
}

fn optimizers() -> Vec<(&'static str, Optimizer)> {
    let sophia = || -> sophia::Hyperparameters {
        serde_json::from_value(serde_json::json!({ "hessians": [] })).expect("the other fields have defaults")
    };
    let momentum = sgd::Hyperparameters { momentum: 0.9, ..Default::default() };
    vec![
        ("adamw", Optimizer::AdamW(Default::default())),
        ("adam-l2", Optimizer::AdamL2(Default::default())),
        ("lion", Optimizer::Lion(lion::Hyperparameters { weight_decay: 0.1, ..Default::default() })),
        ("sophia", Optimizer::Sophia(sophia())),
        ("sophia, h refreshed", Optimizer::SophiaRefreshed(sophia())),
        ("sgd, momentum 0.9", Optimizer::Sgd(momentum)),
        ("sgd, without momentum", Optimizer::Sgd(Default::default())),
    ]
}

fn report_passes() {
    println!("{PARAMETERS} parameters: ns a parameter, a pass over the same memory, and the ratio");
    for (name, optimizer) in optimizers() {
        let (mut tensor, mut passed) = (Tensor::ordinary(PARAMETERS), Tensor::ordinary(PARAMETERS));
        let [step, pass] = alternating([&mut || tensor.step(&optimizer), &mut || passed.pass(&optimizer)]);
        let [ours, theirs] = [step, pass].map(|seconds| nanoseconds(seconds, PARAMETERS));
        println!("{name:24} {ours:8.3} {theirs:8.3} {:8.2}", step / pass);
    }
}

/// Inputs on which a shortcut could be slow.
fn regions() -> Vec<(&'static str, Tensor)> {
    let with = |change: fn(&mut Tensor)| {
        let mut tensor = Tensor::ordinary(PARAMETERS);
        change(&mut tensor);
        tensor
    };
    vec![
        ("gradients 0", with(|x| x.g.fill(0.0))),
        ("moments 0", with(|x| x.moments.iter_mut().for_each(|m| m.fill(0.0)))),
        (
            "gradients and moments 0",
            with(|x| {
                x.g.fill(0.0);
                x.moments.iter_mut().for_each(|m| m.fill(0.0));
            }),
        ),
        (
            "m subnormal, gradients 0",
            with(|x| {
                x.g.fill(0.0);
                x.moments[0].fill(2.5e-323);
            }),
        ),
        ("parameters 0", with(|x| x.theta.fill(0.0))),
    ]
}

fn report_regions() {
    for (name, optimizer) in optimizers() {
        println!("{name}: ns a parameter, and times the ordinary ones beside it");
        let mut ordinary = Tensor::ordinary(PARAMETERS);
        for (region, mut tensor) in regions() {
            let [right, this] = alternating([&mut || ordinary.step(&optimizer), &mut || tensor.step(&optimizer)]);
            println!("  {region:26} {:8.3} {:8.2}", nanoseconds(this, PARAMETERS), this / right);
        }
    }
}

fn report_sizes() {
    println!("adamw, sizes: ns a parameter");
    let optimizer = Optimizer::AdamW(Default::default());
    for n in [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 30_000_000] {
        let mut tensor = Tensor::ordinary(n);
        let repeats = (200_000 / n).max(1);
        let [seconds] = alternating([&mut || (0..repeats).for_each(|_| tensor.step(&optimizer))]);
        println!("{n:12} {:10.3}", nanoseconds(seconds, n * repeats));
    }
}

#[cfg(feature = "torch")]
fn report_beside_libtorch() {
    use tch::{CModule, IValue};
    let threads = rayon::current_num_threads();
    tch::set_num_threads(threads as i32);
    let path = std::env::temp_dir().join(format!("gradproof-steps-{}.pt", std::process::id()));
    let script = std::process::Command::new("python3").arg("benches/torch_steps.py").arg(&path).status();
    assert!(script.is_ok_and(|status| status.success()), "benches/torch_steps.py needs the Python of libtorch.sh");
    let steps = CModule::load(&path).expect("the script has written it");
    std::fs::remove_file(&path).expect("it is there");
    let h = adamw::Hyperparameters::default();
    let inputs = || -> Vec<IValue> {
        let x = Tensor::ordinary(PARAMETERS);
        let list = |x: &[f64]| IValue::TensorList(vec![tch::Tensor::from_slice(x)]);
        let mut inputs: Vec<IValue> = [&x.theta, &x.g, &x.moments[0], &x.moments[1]].map(|x| list(x)).into();
        inputs.push(IValue::TensorList(vec![tch::Tensor::from(10f32)]));
        inputs.extend([RATE, h.beta1, h.beta2, h.eps, h.weight_decay].map(IValue::Double));
        inputs
    };
    let (mut tensor, optimizer) = (Tensor::ordinary(PARAMETERS), Optimizer::AdamW(h));
    let mut passed = tensor.clone();
    let (fused, foreach, single) = (inputs(), inputs(), inputs());
    let run = |way: &str, inputs: &[IValue]| {
        std::hint::black_box(steps.method_is(way, inputs).expect("it runs"));
    };
    let seconds = alternating([
        &mut || tensor.step(&optimizer),
        &mut || run("fused", &fused),
        &mut || run("foreach", &foreach),
        &mut || run("single", &single),
        &mut || passed.pass(&optimizer),
    ]);
    println!("adamw, {PARAMETERS} parameters, {threads} threads each: ns a parameter and times this crate's");
    for (name, side) in ["this crate", "fused", "foreach", "single tensor", "a pass"].iter().zip(seconds) {
        println!("{name:16} {:8.3} {:8.2}", nanoseconds(side, PARAMETERS), side / seconds[0]);
    }
}

fn criterion(c: &mut Criterion) {
    let mut group = c.benchmark_group("optimizers");
    for (name, optimizer) in optimizers() {
        let mut tensor = Tensor::ordinary(100_000);
        group.throughput(Throughput::Elements(100_000));
        group.bench_function(name, |b| b.iter(|| tensor.step(&optimizer)));
    }
    group.finish();
}

fn main() {
    let mut c = Criterion::default().configure_from_args();
    criterion(&mut c);
    c.final_summary();
    if std::env::args().any(|argument| argument == "--bench") {
        println!("copying: {:.1} GB/s, read and written", copy_bandwidth(PARAMETERS));
        #[cfg(feature = "torch")]
        report_beside_libtorch();
        report_passes();
        report_regions();
        report_sizes();
    }
}
