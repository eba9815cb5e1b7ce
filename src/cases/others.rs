//! Cases of the curvature estimators and of the schedules.

use super::draw::Draw;
use serde_json::{Value, json};

pub fn gauss_newton_bartlett(draw: &mut Draw) -> Value {
    let (rows, d, classes) = (draw.whole(1, 4), draw.whole(1, 3), draw.whole(2, 5));
    let features: Vec<_> = (0..rows).map(|_| draw.reals(d, 2.0)).collect();
    let weights: Vec<_> = (0..d).map(|_| draw.reals(classes, 1.5)).collect();
    let labels: Vec<usize> = (0..rows).map(|_| draw.whole(0, classes - 1)).collect();
    json!({ "features": features, "weights": weights, "labels": labels })
}

pub fn hutchinson(draw: &mut Draw) -> Value {
    let n = draw.whole(1, 5);
    let drawn: Vec<_> = (0..n).map(|_| draw.reals(n, 2.0)).collect();
    // the part above the diagonal, mirrored
    let hessian: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| drawn[i.min(j)][i.max(j)]).collect()).collect();
    let rademacher = draw.chance(0.5);
    let probe: Vec<f64> = (0..n).map(|_| if rademacher { draw.pick(&[-1.0, 1.0]) } else { draw.real(2.0) }).collect();
    json!({ "hessian": hessian, "probe": probe })
}

pub fn schedule(formula: &str, draw: &mut Draw) -> Value {
    let total = draw.pick(&[10, 100, 1000, 50_000]);
    let warmup = draw.whole(0, total / 4);
    let max_lr = draw.power_of_two(-14.0, 0.0);
    let min_lr = if draw.chance(0.5) { 0.0 } else { max_lr * draw.pick(&[0.1, 0.01, 0.5]) };
    let mut steps: Vec<usize> = (0..4).map(|_| draw.whole(0, total)).collect();
    steps.extend([warmup, total, total + 1 + warmup]);
    match formula {
        "wsd" => {
            let decay = draw.whole(1, total - warmup);
            json!({
                "steps": steps, "max_lr": max_lr, "min_lr": min_lr, "warmup_steps": warmup, "total_steps": total,
                "decay_steps": decay,
            })
        }
        "inverse-sqrt" => json!({ "steps": steps, "max_lr": max_lr, "warmup_steps": warmup.max(1) }),
        "noam" => {
            let steps: Vec<usize> = steps.into_iter().map(|s| s.max(1)).collect();
            json!({
                "steps": steps, "d_model": draw.pick(&[64, 512, 768]), "warmup_steps": warmup.max(1),
                "factor": draw.pick(&[1.0, 2.0, 0.3]),
            })
        }
        _ => json!({
            "steps": steps, "max_lr": max_lr, "min_lr": min_lr, "warmup_steps": warmup, "total_steps": total,
        }),
    }
}
