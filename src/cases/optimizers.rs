//! Cases of the optimizers: one step from some state, or several steps from zero.

use super::draw::Draw;
use serde_json::{Map, Value, json};

/// The rate and hyperparameters of a formula, and what it keeps per parameter.
struct Rule {
    moments: &'static [&'static str],
    hyper: Value,
    rate: f64,
}

fn decay_rate(draw: &mut Draw, usual: &[f64]) -> f64 {
    if draw.chance(0.7) { draw.pick(usual) } else { draw.between(0.0, 0.999) }
}

fn weight_decay(draw: &mut Draw) -> f64 {
    draw.pick(&[0.0, 0.1, 0.01, 0.5])
}

fn rule(formula: &str, draw: &mut Draw) -> Rule {
    let rate = if draw.chance(0.05) { 0.0 } else { draw.power_of_two(-14.0, -1.0) };
    let weight_decay = weight_decay(draw);
    match formula {
        "lion" => {
            let beta1 = decay_rate(draw, &[0.9, 0.95]);
            let beta2 = decay_rate(draw, &[0.99, 0.98]);
            Rule {
                moments: &["m"],
                hyper: json!({ "beta1": beta1, "beta2": beta2, "weight_decay": weight_decay }),
                rate,
            }
        }
        "sophia" => {
            let hyper = json!({
                "beta1": decay_rate(draw, &[0.965, 0.9]), "beta2": decay_rate(draw, &[0.99]),
                "gamma": draw.pick(&[1.0, 0.01, 0.05]), "rho": draw.pick(&[0.04, 0.1, 1.0]),
                "eps": draw.pick(&[1e-12, 1e-8]), "weight_decay": weight_decay,
            });
            Rule { moments: &["m", "h"], hyper, rate }
        }
        "sgd" => {
            let momentum = if draw.chance(0.3) { 0.0 } else { draw.pick(&[0.9, 0.5, 0.99]) };
            let nesterov = momentum > 0.0 && draw.chance(0.3);
            let dampening = if nesterov || draw.chance(0.7) { 0.0 } else { draw.pick(&[0.1, 0.5]) };
            let hyper = json!({
                "momentum": momentum, "dampening": dampening, "nesterov": nesterov, "weight_decay": weight_decay,
            });
            Rule { moments: &["buf"], hyper, rate }
        }
        _ => {
            let hyper = json!({
                "beta1": decay_rate(draw, &[0.9, 0.8]), "beta2": decay_rate(draw, &[0.95, 0.999, 0.99]),
                "eps": draw.pick(&[1e-8, 1e-6, 1e-4, 0.1]), "weight_decay": weight_decay,
            });
            Rule { moments: &["m", "v"], hyper, rate }
        }
    }
}

/// A case of `steps` steps; with `state`, from a state of some step, else from zero.
pub fn case(formula: &str, draw: &mut Draw, conventions: &Map<String, Value>, steps: usize, state: bool) -> Value {
    let rule = rule(formula, draw);
    let sizes: Vec<usize> = (0..draw.whole(1, 3)).map(|_| draw.whole(1, 4)).collect();
    let scale = draw.power_of_two(-8.0, 2.0);
    let size = draw.power_of_two(-3.0, 2.0);
    let tensors = |draw: &mut Draw, size: f64| sizes.iter().map(|&n| draw.reals(n, size)).collect::<Vec<_>>();
    let params = tensors(draw, size);
    let list = |draw: &mut Draw, size: f64, missing: f64| -> Vec<Value> {
        sizes.iter().map(|&n| if draw.chance(missing) { Value::Null } else { json!(draw.reals(n, size)) }).collect()
    };
    let gradients: Vec<Vec<Value>> = (0..steps).map(|_| list(draw, scale, 0.1)).collect();
    let mut input = json!({ "params": params, "gradients": gradients, "lr": rule.rate });
    input
        .as_object_mut()
        .into_iter()
        .for_each(|fields| fields.extend(rule.hyper.as_object().cloned().unwrap_or_default()));
    if formula == "sophia" {
        input["hessians"] = (0..steps).map(|_| list(draw, scale * scale, 0.3)).collect();
    }
    if steps > 1 && draw.chance(0.3) {
        input["lr"] = (0..steps).map(|k| rule.rate / (k + 1) as f64).collect();
    }
    if state {
        let keeps_maximum = conventions.get("amsgrad").is_some_and(|option| option != "off");
        let moments = rule.moments.iter().chain(keeps_maximum.then_some(&"v_max"));
        let of_tensor = |n: usize, draw: &mut Draw| {
            let mut fields =
                Map::from_iter([("step".to_string(), json!(draw.pick(&[1, 2, 5, 20, 100, 1000, 10_000])))]);
            for &moment in moments.clone() {
                let squares = moment.starts_with('v') || moment == "h";
                let value = |x: f64| if squares { x * x } else { x };
                fields.insert(moment.into(), draw.reals(n, scale).into_iter().map(value).collect());
            }
            Value::Object(fields)
        };
        input["state"] = sizes.iter().map(|&n| of_tensor(n, draw)).collect();
    }
    input
}
