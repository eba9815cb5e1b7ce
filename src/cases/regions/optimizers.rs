//! Regions of the optimizers: one step from a state, where numbers are zero, subnormal or cancel, and
//! trajectories.

use super::{Draw, Region, power_of_ten, small, turn};
use serde_json::{Value, json};

/// The smallest f64 above 0.
const TINY: f64 = f64::from_bits(1);

pub const ADAMW: &[Region] = &[
    small("adamw", "step-counts", 126, counts),
    small("adamw", "v-is-zero", 64, v_is_zero),
    small("adamw", "v-is-subnormal", 64, v_is_subnormal),
    small("adamw", "eps-is-zero", 64, eps_is_zero),
    small("adamw", "params-are-zero", 64, adam_from_zero),
    small("adamw", "gradients-are-zero", 64, adam_without_gradient),
    small("adamw", "first-steps-are-signs", 96, |draw, i| {
        let mut input = first_step(draw, i);
        input["weight_decay"] = 0.0.into();
        input
    }),
    small("adamw", "sizes", 192, adam_sizes),
    small("adamw", "decay-takes-all", 32, |draw, i| {
        // ηλ = 1, so that θ goes wholly
        let (params, gradient) = (draw.reals(3, 1.0), draw.reals(3, 1.0));
        step(params, gradient, json!({ "lr": 0.5, "weight_decay": 2.0, "eps": turn(&[1e-8, 1.0], i) }))
    }),
];

pub const ADAM_L2: &[Region] = &[
    small("adam-l2", "step-counts", 126, counts),
    small("adam-l2", "v-is-zero", 64, v_is_zero),
    small("adam-l2", "v-is-subnormal", 64, v_is_subnormal),
    small("adam-l2", "eps-is-zero", 64, eps_is_zero),
    small("adam-l2", "params-are-zero", 64, adam_from_zero),
    small("adam-l2", "gradients-are-zero", 64, adam_without_gradient),
    small("adam-l2", "first-steps-are-signs", 96, |draw, i| {
        let mut input = first_step(draw, i);
        input["weight_decay"] = 0.0.into();
        input
    }),
    small("adam-l2", "sizes", 192, adam_sizes),
    small("adam-l2", "decay-cancels", 64, |draw, i| {
        // g + λθ = 0, or an ulp beside it
        let params = draw.reals(4, 1.0);
        let gradient = params.iter().map(|&x| if i % 2 == 0 { -0.5 * x } else { (-0.5 * x).next_up() }).collect();
        step(params, gradient, json!({ "lr": 0.1, "weight_decay": 0.5 }))
    }),
];

pub const LION: &[Region] = &[
    small("lion", "nearly-cancelling", 1024, |draw, i| {
        let beta1 = turn(&[0.9, 0.95, 0.99, 0.1], i);
        let gradient = draw.reals(8, power_of_ten(-((i % 200) as i64)));
        // m within a few ulp of −(1 − β1) g/β1, where c is 0
        let m: Vec<f64> = gradient.iter().map(|g| beside(draw, -(1.0 - beta1) * g / beta1)).collect();
        with_moments(draw.reals(8, 1.0), gradient, json!({ "lr": 1e-3, "beta1": beta1 }), 7, json!({ "m": m }))
    }),
    small("lion", "cancelling", 96, |draw, i| {
        // β1 m = −(1 − β1) g in whole numbers
        let (beta1, times) = turn(&[(0.5, 1.0), (0.75, 3.0), (0.875, 7.0)], i);
        let m: Vec<f64> = (0..4).map(|_| f64::from(draw.whole(0, 200) as u32) - 100.0).collect();
        let gradient = m.iter().map(|m| -times * m).collect();
        with_moments(draw.reals(4, 1.0), gradient, json!({ "lr": 0.01, "beta1": beta1 }), 3, json!({ "m": m }))
    }),
    small("lion", "zeros", 32, |_, i| {
        let decay = turn(&[0.0, 0.1], i);
        step(vec![0.0; 3], vec![0.0; 3], json!({ "lr": 0.01, "weight_decay": decay }))
    }),
    small("lion", "moment-cancels", 64, |draw, i| {
        // β2 m + (1 − β2) g near 0
        let beta2 = turn(&[0.99, 0.5, 0.98], i);
        let gradient = draw.reals(4, 1.0);
        let m: Vec<f64> = gradient.iter().map(|g| beside(draw, -(1.0 - beta2) * g / beta2)).collect();
        with_moments(draw.reals(4, 1.0), gradient, json!({ "lr": 1e-4, "beta2": beta2 }), 9, json!({ "m": m }))
    }),
    small("lion", "sizes", 128, |draw, i| {
        let (size, other) = turn(&[(1e-310, 1e-310), (1e-160, 1e-300), (1e150, 1e-150), (1e300, 1e300)], i);
        let (params, gradient, m) = (draw.reals(4, other), draw.reals(4, size), draw.reals(4, size));
        let hyper = json!({ "lr": turn(&[1e-4, 1e-300, TINY], i), "weight_decay": turn(&[0.0, 0.1], i) });
        with_moments(params, gradient, hyper, 2, json!({ "m": m }))
    }),
];

pub const SOPHIA: &[Region] = &[
    small("sophia", "ratio-at-the-clip", 192, |draw, i| {
        // m′/(γh′) = ±ρ, exactly or an ulp beside it
        let rho = turn(&[0.5, 0.04, 1.0], i);
        let h: Vec<f64> = (0..4).map(|_| draw.power_of_two(-6.0, 2.0)).collect();
        let sign = turn(&[1.0, -1.0], i);
        let gradient: Vec<f64> = h.iter().map(|h| beside(draw, sign * rho * h)).collect();
        let hyper = json!({ "lr": 0.01, "beta1": 0.0, "rho": rho });
        let mut input = with_moments(draw.reals(4, 1.0), gradient, hyper, 5, json!({ "m": vec![0.0; 4], "h": h }));
        input["hessians"] = json!([[null]]);
        input
    }),
    small("sophia", "h-at-the-floor", 96, |draw, i| {
        let eps = turn(&[1e-12, 1e-8, 1.0], i);
        let h: Vec<f64> = (0..4).map(|_| draw.pick(&[0.0, eps, -1.0, -eps, TINY])).collect();
        let gradient = draw.reals(4, eps);
        let hyper = json!({ "lr": 0.01, "eps": eps, "rho": turn(&[0.04, 1e6], i) });
        let mut input = with_moments(draw.reals(4, 1.0), gradient, hyper, 5, json!({ "m": vec![0.0; 4], "h": h }));
        input["hessians"] = json!([[if i.is_multiple_of(2) { Value::Null } else { json!(draw.reals(4, eps)) }]]);
        input
    }),
    small("sophia", "gradients-are-zero", 32, |draw, i| {
        let mut input = step(draw.reals(3, 1.0), vec![0.0; 3], json!({ "lr": turn(&[0.1, 1e-5], i) }));
        input["hessians"] = json!([[draw.reals(3, 1.0)]]);
        input
    }),
    small("sophia", "params-are-zero", 32, |draw, _| {
        let mut input = step(vec![0.0; 3], draw.reals(3, 1.0), json!({ "lr": 0.1 }));
        input["hessians"] = json!([[draw.reals(3, 1.0)]]);
        input
    }),
    small("sophia", "sizes", 128, |draw, i| {
        let size = turn(&[1e-310, 1e-160, 1e150, 1e300], i);
        let (gradient, m, h) = (draw.reals(4, size), draw.reals(4, size), draw.reals(4, size));
        let hyper = json!({ "lr": turn(&[1e-4, 1e-300], i), "rho": turn(&[0.04, 1e300], i / 4) });
        let mut input = with_moments(draw.reals(4, 1.0), gradient, hyper, 5, json!({ "m": m, "h": h }));
        input["hessians"] = json!([[draw.reals(4, size)]]);
        input
    }),
];

pub const SGD: &[Region] = &[
    small("sgd", "comes-to-zero", 96, |draw, i| {
        // θ = ηg, exactly or an ulp beside it
        let gradient = draw.reals(4, 1.0);
        let lr = turn(&[0.5, 0.1, 0.25], i);
        let params = gradient.iter().map(|g| beside(draw, lr * g)).collect();
        step(params, gradient, json!({ "lr": lr }))
    }),
    small("sgd", "momentum-cancels", 128, |draw, i| {
        let (momentum, nesterov) = turn(&[(0.9, true), (0.9, false), (0.5, true), (0.5, false)], i);
        let gradient = draw.reals(4, 1.0);
        let buf: Vec<f64> = gradient.iter().map(|g| beside(draw, -g / momentum)).collect();
        let hyper = json!({ "lr": 0.1, "momentum": momentum, "nesterov": nesterov });
        with_moments(draw.reals(4, 1.0), gradient, hyper, 4, json!({ "buf": buf }))
    }),
    small("sgd", "decay-cancels", 64, |draw, i| {
        let params = draw.reals(4, 1.0);
        let decay = turn(&[0.5, 0.1], i);
        let gradient = params.iter().map(|x| beside(draw, -decay * x)).collect();
        step(params, gradient, json!({ "lr": 0.1, "weight_decay": decay }))
    }),
    small("sgd", "zeros", 16, |_, i| {
        let momentum = turn(&[0.0, 0.9], i);
        step(vec![0.0; 3], vec![0.0; 3], json!({ "lr": 0.1, "momentum": momentum, "weight_decay": 0.1 }))
    }),
    small("sgd", "sizes", 128, |draw, i| {
        let size = turn(&[1e-310, 1e-160, 1e150, 1e300], i);
        let (gradient, buf) = (draw.reals(4, size), draw.reals(4, size));
        let hyper = json!({ "lr": turn(&[1e-4, 1e-300], i), "momentum": 0.9, "dampening": turn(&[0.0, 0.1], i) });
        with_moments(draw.reals(4, size), gradient, hyper, 4, json!({ "buf": buf }))
    }),
];

/// The number, or one of its neighbours.
fn beside(draw: &mut Draw, x: f64) -> f64 {
    match draw.whole(0, 3) {
        0 => x.next_up(),
        1 => x.next_down(),
        _ => x,
    }
}

/// One tensor, one step from zero.
fn step(params: Vec<f64>, gradient: Vec<f64>, fields: Value) -> Value {
    let mut input = json!({ "params": [params], "gradients": [[gradient]] });
    input.as_object_mut().into_iter().for_each(|input| input.extend(fields.as_object().cloned().unwrap_or_default()));
    input
}

/// One step from moments after `taken` steps.
fn with_moments(params: Vec<f64>, gradient: Vec<f64>, fields: Value, taken: u64, moments: Value) -> Value {
    let mut input = step(params, gradient, fields);
    let mut state = moments;
    state["step"] = taken.into();
    input["state"] = json!([state]);
    input
}

/// Squares of numbers of a size.
fn squares(draw: &mut Draw, n: usize, size: f64) -> Vec<f64> {
    draw.reals(n, size).into_iter().map(|x| x * x).collect()
}

/// Step t = 1, 2, 3, 10, 1000, a million, with β2 from 0 to 0.999999.
fn counts(draw: &mut Draw, i: u64) -> Value {
    let beta2 = turn(&[0.0, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999], i);
    let taken = turn(&[0, 1, 2, 9, 999, 999_999], i / 7);
    let beta1 = turn(&[0.9, 0.0, 0.999], i / 42);
    let (params, gradient) = (draw.reals(4, 1.0), draw.reals(4, 1.0));
    let hyper = json!({ "lr": 1e-3, "beta1": beta1, "beta2": beta2 });
    match taken {
        0 => step(params, gradient, hyper),
        _ => {
            let moments = json!({ "m": draw.reals(4, 1.0), "v": squares(draw, 4, 1.0) });
            with_moments(params, gradient, hyper, taken, moments)
        }
    }
}

fn v_is_zero(draw: &mut Draw, i: u64) -> Value {
    let gradient = draw.reals(4, power_of_ten(-((i % 20) as i64)));
    let moments = json!({ "m": draw.reals(4, 1.0), "v": vec![0.0; 4] });
    with_moments(draw.reals(4, 1.0), gradient, json!({ "lr": 0.01, "eps": turn(&[1e-8, 1e-300, 1.0], i) }), 3, moments)
}

fn v_is_subnormal(draw: &mut Draw, i: u64) -> Value {
    // squares of such gradients are subnormal or below
    let gradient = draw.reals(4, turn(&[0.0, 1e-160, 1e-162, 1e-200], i));
    let v: Vec<f64> = (0..4).map(|_| f64::from_bits(draw.whole(0, 100) as u64)).collect();
    let moments = json!({ "m": draw.reals(4, 1e-160), "v": v });
    with_moments(draw.reals(4, 1.0), gradient, json!({ "lr": 0.01, "eps": turn(&[1e-8, 1e-162, 1.0], i) }), 3, moments)
}

fn eps_is_zero(draw: &mut Draw, i: u64) -> Value {
    let (gradient, v) = (draw.reals(4, 1.0), (0..4).map(|_| draw.power_of_two(-30.0, 4.0)).collect::<Vec<_>>());
    let moments = json!({ "m": draw.reals(4, 1.0), "v": v });
    with_moments(draw.reals(4, 1.0), gradient, json!({ "lr": turn(&[0.01, 1.0], i), "eps": 0.0 }), 12, moments)
}

fn adam_from_zero(draw: &mut Draw, i: u64) -> Value {
    step(vec![0.0; 4], draw.reals(4, 1.0), json!({ "lr": 0.01, "weight_decay": turn(&[0.0, 0.1], i) }))
}

fn adam_without_gradient(draw: &mut Draw, i: u64) -> Value {
    let params = draw.reals(4, 1.0);
    match i % 2 {
        0 => step(params, vec![0.0; 4], json!({ "lr": 0.01 })),
        _ => {
            let moments = json!({ "m": draw.reals(4, 1.0), "v": squares(draw, 4, 1.0) });
            with_moments(params, vec![0.0; 4], json!({ "lr": 0.01 }), 1 + i, moments)
        }
    }
}

/// Without ε the first step from zero is η in size: θ = ±η comes to 0, or an ulp beside it.
fn first_step(draw: &mut Draw, i: u64) -> Value {
    let lr = turn(&[0.5, 0.1, 1e-3], i);
    let gradient: Vec<f64> = draw.reals(4, 1.0).into_iter().map(|g| if g == 0.0 { 1.0 } else { g }).collect();
    let params = gradient.iter().map(|g| beside(draw, lr * g.signum())).collect();
    step(params, gradient, json!({ "lr": lr, "eps": 0.0, "beta2": turn(&[0.95, 0.999], i / 3) }))
}

fn adam_sizes(draw: &mut Draw, i: u64) -> Value {
    let size = turn(&[1e-310, 1e-160, 1e-80, 1e80, 1e150], i);
    let (gradient, m) = (draw.reals(4, size), draw.reals(4, size));
    let moments = json!({ "m": m, "v": squares(draw, 4, size) });
    let hyper = json!({
        "lr": turn(&[1e-4, 1e-300, TINY], i), "eps": turn(&[1e-8, 1e-310], i / 5),
        "weight_decay": turn(&[0.0, 0.1], i),
    });
    with_moments(draw.reals(4, turn(&[1.0, 1e-300, 1e150], i / 2)), gradient, hyper, 6, moments)
}
