//! Properties of the oracle over intent-named strategies, with shrinking. A failure is kept in
//! tests/properties.proptest-regressions and tried first ever after.

mod common;

#[path = "common/strategies.rs"]
mod strategies;

use common::anchors;
use gradproof::catalog;
use gradproof::expression::{Graph, variables};
use gradproof::losses::cross_entropy;
use gradproof::number::{Rounded, Rounding, evaluate_all, ulp};
use proptest::prelude::*;
use serde_json::{Value, json};
use strategies::*;

fn cross_entropy_of(z: &[f64], y: usize, epsilon: f64) -> Value {
    let input = json!({ "logits": [z], "targets": [y], "label_smoothing": epsilon });
    catalog::evaluate("cross-entropy", input).unwrap()
}

fn list(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

proptest! {
    /// The textbook algorithm with its running error bound holds the oracle's loss.
    #[test]
    fn cross_entropy_lies_within_the_bound_of_the_textbook(z in logits(1..8), at in any::<prop::sample::Index>()) {
        let y = at.index(z.len());
        let graph = Graph::build(|| vec![cross_entropy::textbook(&variables("z", z.len()), y)]);
        let inputs: Vec<Rounded> = z.iter().map(|&z| Rounded::exact(z)).collect();
        let bound = evaluate_all(&graph, &mut { Rounding::F64 }, &inputs).unwrap()[0];
        let loss = cross_entropy_of(&z, y, 0.0)["loss"].as_f64().unwrap();
        prop_assert!((loss - bound.value).abs() <= bound.bound + ulp(loss) / 2.0, "{loss} against {bound:?}");
    }

    /// The gradient of a row lies in [−1, 1], sums to zero, and is negative at most at the target.
    #[test]
    fn cross_entropy_gradients_are_differences_of_distributions(
        z in logits(1..8), at in any::<prop::sample::Index>(), epsilon in prop_oneof![Just(0.0), probabilities()],
    ) {
        let y = at.index(z.len());
        let output = cross_entropy_of(&z, y, epsilon);
        let gradient = list(&output["gradient"][0]);
        prop_assert!(gradient.iter().all(|g| (-1.0..=1.0).contains(g)));
        // each component is at most 1, so rounded by a quarter of ε, and each addition by half of it
        prop_assert!(gradient.iter().sum::<f64>().abs() <= gradient.len() as f64 * f64::EPSILON);
        if epsilon == 0.0 {
            prop_assert!(gradient.iter().enumerate().all(|(i, &g)| (g <= 0.0) == (i == y) || g == 0.0));
            prop_assert!(output["loss"].as_f64().unwrap() >= 0.0);
        }
    }

    /// A first step from zero moments is η g/(|g| + ε), with the decay beside it.
    #[test]
    fn the_first_step_of_adamw_is_known(
        g in gradients(1..4), theta in -3.0..3.0f64, eta in learning_rates(), lambda in learning_rates(),
        beta1 in probabilities(), beta2 in probabilities(),
    ) {
        let params = vec![theta; g.len()];
        let input = json!({ "params": [params], "gradients": [[g]], "lr": eta, "beta1": beta1, "beta2": beta2,
                            "eps": 1e-8, "weight_decay": lambda });
        let output = catalog::evaluate("adamw", input).unwrap();
        let moved = list(&output["steps"][0]["params"][0]);
        for (g, moved) in g.iter().zip(moved) {
            let right = theta - eta * (g / (g.abs() + 1e-8) + lambda * theta);
            // `right` itself is six operations on terms of this size
            let scale = theta.abs().max(eta).max(right.abs());
            prop_assert!((moved - right).abs() <= 6.0 * ulp(scale), "{moved} and not {right}");
        }
    }

    /// Moments are means: m′ lies between m and g, v′ between v and g².
    #[test]
    fn moments_are_means(
        g in gradients(2..5), earlier in gradients(2..5), eta in learning_rates(), beta in probabilities(),
    ) {
        let n = g.len().min(earlier.len());
        let input = json!({ "params": [vec![0.5; n]], "gradients": [[earlier[..n]], [g[..n]]], "lr": eta,
                            "beta1": beta, "beta2": beta, "weight_decay": 0.0 });
        for formula in ["adamw", "adam-l2"] {
            let output = catalog::evaluate(formula, input.clone()).unwrap();
            for (name, power) in [("m", 1), ("v", 2)] {
                let before = list(&output["steps"][0][name][0]);
                let after = list(&output["steps"][1][name][0]);
                for i in 0..n {
                    let target = g[i].powi(power);
                    let (low, high) = (before[i].min(target), before[i].max(target));
                    // rounding is monotone
                    prop_assert!((low..=high).contains(&after[i]), "{formula} {name}");
                }
            }
        }
    }

    /// Without momentum and decay SGD is θ − ηg, and scaling everything by a power of two scales the outcome.
    #[test]
    fn sgd_is_linear(g in gradients(3), theta in gradients(3), eta in learning_rates(), k in -20i32..20) {
        let scale = 2f64.powi(k);
        let run = |factor: f64| {
            let scaled = |x: &[f64]| x.iter().map(|x| x * factor).collect::<Vec<_>>();
            let input = json!({ "params": [scaled(&theta)], "gradients": [[scaled(&g)], [scaled(&g)]], "lr": eta,
                                "momentum": 0.5, "weight_decay": 0.25 });
            list(&catalog::evaluate("sgd", input).unwrap()["steps"][1]["params"][0])
        };
        for (one, scaled) in run(1.0).into_iter().zip(run(scale)) {
            // exact but for the subnormal range
            prop_assert!((one * scale - scaled).abs() <= 4.0 * ulp(scaled), "{one} {scaled}");
        }
    }

    /// InfoNCE is not negative, its weights on similarities have the size 2(1 − p)/τ, and a positive factor on a
    /// vector changes nothing under the cosine.
    #[test]
    fn info_nce_sees_directions_alone(
        q in vectors(3), k in prop::collection::vec(vectors(3), 2..5), tau in temperatures(), power in -8i32..8,
    ) {
        let run = |factor: f64| {
            let scaled: Vec<f64> = q.iter().map(|x| x * factor).collect();
            let input = json!({ "query": [scaled], "positive": [k[0]], "negatives": [k[1..]], "temperature": tau });
            catalog::evaluate("info-nce", input).unwrap()
        };
        let (one, other) = (run(1.0), run(2f64.powi(power)));
        prop_assert_eq!(&one["loss"], &other["loss"]);
        prop_assert!(one["loss"].as_f64().unwrap() >= 0.0);
        // the gradient is orthogonal to its vector
        let g = list(&one["gradient"]["query"][0]);
        let size: f64 = g.iter().zip(&q).map(|(g, q)| (g * q).abs()).sum();
        let inner: f64 = g.iter().zip(&q).map(|(g, q)| g * q).sum();
        // three components and products are rounded once each, and two sums: 4u of the sizes, u = ε/2, and half
        // the smallest f64 where they underflow, of which q is less than 4
        prop_assert!(inner.abs() <= 2.1 * f64::EPSILON * size + 12.0 * f64::from_bits(1), "{inner:e} of {size:e}");
    }

    /// The symmetric in-batch loss does not care which side is which.
    #[test]
    fn the_symmetric_loss_is_symmetric(
        a in prop::collection::vec(vectors(2), 3), b in prop::collection::vec(vectors(2), 3), tau in temperatures(),
    ) {
        let run = |a: &[Vec<f64>], b: &[Vec<f64>]| {
            let input = json!({ "a": a, "b": b, "temperature": tau, "symmetric": true });
            catalog::evaluate("info-nce-in-batch", input).unwrap()
        };
        let (one, other) = (run(&a, &b), run(&b, &a));
        prop_assert_eq!(&one["loss"], &other["loss"]);
        prop_assert_eq!(&one["gradient"]["a"], &other["gradient"]["b"]);
        prop_assert_eq!(&one["gradient"]["temperature"], &other["gradient"]["temperature"]);
    }

    /// DPO's weight lies in [0, 1], is at least a half exactly where the rejected reward is at least the chosen,
    /// and the two derivatives are opposites.
    #[test]
    fn dpo_weighs_what_is_wrong(x in prop::collection::vec(-400.0..0.0f64, 4), beta in temperatures()) {
        let input = json!({ "policy_chosen": [x[0]], "policy_rejected": [x[1]], "reference_chosen": [x[2]],
                            "reference_rejected": [x[3]], "beta": beta });
        let output = catalog::evaluate("dpo", input).unwrap();
        let weight = output["weight"][0].as_f64().unwrap();
        let (chosen, rejected) = (list(&output["rewards_chosen"])[0], list(&output["rewards_rejected"])[0]);
        prop_assert!((0.0..=1.0).contains(&weight));
        prop_assert!(chosen <= rejected || weight <= 0.5);
        prop_assert!(chosen >= rejected || weight >= 0.5);
        prop_assert!(output["loss"].as_f64().unwrap() >= 0.0);
        let gradient = &output["gradient"];
        let (down, up) = (list(&gradient["policy_chosen"])[0], list(&gradient["policy_rejected"])[0]);
        prop_assert!(down == -up && (-beta..=0.0).contains(&down));
    }

    /// Schedules stay between their bounds, rise in the warm-up and fall after it.
    #[test]
    fn schedules_rise_and_then_fall(warmup in 0i64..20, rest in 2i64..60, tail in 1i64..60, max in learning_rates(), part in 0.0..1.0f64) {
        let (total, decay) = (warmup + rest, tail.min(rest));
        let steps: Vec<i64> = (0..=total + 5).collect();
        for id in ["cosine", "wsd", "linear"] {
            let mut input = json!({ "steps": steps, "max_lr": max, "min_lr": max * part, "warmup_steps": warmup,
                                    "total_steps": total });
            if id == "wsd" {
                input["decay_steps"] = json!(decay);
            }
            let lr = list(&catalog::evaluate(id, input).unwrap()["lr"]);
            prop_assert!(lr.iter().all(|&x| (0.0..=max).contains(&x)), "{id} {lr:?}");
            let (rising, falling) = lr.split_at(warmup as usize);
            prop_assert!(rising.is_sorted(), "{id} {rising:?}");
            prop_assert!(falling.iter().rev().is_sorted() && falling[0] == max, "{id} {falling:?}");
            prop_assert_eq!(falling[rest as usize], max * part);
        }
    }

    /// Lion moves by η or not at all, Sophia by at most ηρ, where nothing decays.
    #[test]
    fn sign_and_clip_bound_the_step(g in gradients(4), h in gradients(4), m in gradients(4), k in 0i32..12) {
        // powers of two, so that θ − η is exact
        let eta = 2f64.powi(-k);
        let state = json!([{ "step": 3, "m": m }]);
        let input = json!({ "params": [[0, 0, 0, 0]], "gradients": [[g]], "lr": eta, "state": state });
        for x in list(&catalog::evaluate("lion", input).unwrap()["steps"][0]["params"][0]) {
            prop_assert!(x == 0.0 || x.abs() == eta);
        }
        let state = json!([{ "step": 3, "m": m, "h": h }]);
        let input = json!({ "params": [[0, 0, 0, 0]], "gradients": [[g]], "hessians": [[h]], "lr": eta, "rho": 0.5,
                            "weight_decay": 0.0, "state": state });
        for x in list(&catalog::evaluate("sophia", input).unwrap()["steps"][0]["params"][0]) {
            prop_assert!(x.abs() <= eta * 0.5);
        }
    }

    /// Hutchinson's estimate is quadratic in the probe and linear in the Hessian.
    #[test]
    fn the_estimate_is_quadratic_in_the_probe(h in prop::collection::vec(gradients(3), 3), u in gradients(3), k in -10i32..10) {
        let scale = 2f64.powi(k);
        let run = |c: f64| {
            let probe: Vec<f64> = u.iter().map(|u| u * c).collect();
            list(&catalog::evaluate("hutchinson", json!({ "hessian": h, "probe": probe })).unwrap()["estimate"])
        };
        for (one, scaled) in run(1.0).into_iter().zip(run(scale)) {
            prop_assert!((one * scale * scale - scaled).abs() <= 64.0 * ulp(scaled), "{one} {scaled}");
        }
    }

    /// Whatever is done to an input, the answer is an output or an error.
    #[test]
    fn no_input_panics(seed in any::<prop::sample::Index>(), which in any::<prop::sample::Index>(),
                       place in any::<prop::sample::Index>(), wrong in 0..12usize) {
        let formula = &catalog::FORMULAS[seed.index(catalog::FORMULAS.len())];
        let anchors = anchors(formula);
        let mut input = anchors[which.index(anchors.len())].input.clone();
        let mut places = Vec::new();
        leaves(String::new(), &input, &mut places);
        let place = &places[place.index(places.len())];
        let values = [json!(0), json!(-1), json!(1e308), json!(-1e308), json!(5e-324), json!(1e17), json!(null),
                      json!("NaN"), json!("-Infinity"), json!([]), json!([[0.5]]), json!({})];
        *input.pointer_mut(place).unwrap() = values[wrong].clone();
        if let Ok(output) = catalog::evaluate(formula.id, input.clone()) {
            let allowed = input["conventions"]["all_ignored"] == json!("nan");
            prop_assert!(allowed || !output.to_string().contains("NaN"), "{} {input} gives {output}", formula.id);
        }
    }
}

/// The places of everything in a value that has no parts.
fn leaves(place: String, value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Array(list) if !list.is_empty() => {
            list.iter().enumerate().for_each(|(i, v)| leaves(format!("{place}/{i}"), v, out));
        }
        Value::Object(o) if !o.is_empty() => o.iter().for_each(|(k, v)| leaves(format!("{place}/{k}"), v, out)),
        _ => out.push(place),
    }
}
