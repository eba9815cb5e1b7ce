//! The losses in the regions where f64 arithmetic loses its digits.

use super::hold;
use crate::common::pairs;
use gradproof::cases::numbers;
use gradproof::catalog;
use serde_json::{Value, json};

/// Label smoothing with conventions: every option of every axis, and an ε whose 1/2 − ε and 1 − ε lie
/// halfway between two f64.
fn preferences() -> [(f64, Value); 4] {
    let of = |smoothing, reference| json!({ "smoothing": smoothing, "reference": reference });
    [
        (0.0, of("conservative", "given")),
        (0.1, of("robust", "free")),
        (0.499, of("robust", "given")),
        (2f64.powi(-54), of("conservative", "free")),
    ]
}

/// Margins from 1e-300 to 1e4 of both signs, and 0 by terms that cancel.
#[test]
fn margins_of_every_size() {
    let mut inputs = Vec::new();
    for (epsilon, conventions) in preferences() {
        let margins = [1e-300, 1e-20, 1e-8, 0.3, 1.0, 36.7, 40.0, 700.0, 745.2, 800.0, 1e4, 1e300];
        for margin in margins.into_iter().flat_map(|m| [m, -m]) {
            for beta in [1.0, 0.1] {
                inputs.push(json!({
                    "policy_chosen": [margin, -7.25], "policy_rejected": [0.0, -3.5],
                    "reference_chosen": [0.0, -7.5], "reference_rejected": [0.0, -3.0],
                    "beta": beta, "label_smoothing": epsilon, "conventions": conventions,
                }));
            }
        }
        let same = json!([-12.3, -0.1, 5e-324]);
        inputs.push(json!({
            "policy_chosen": same, "policy_rejected": [-3.7, -0.3, 1e300], "reference_chosen": same,
            "reference_rejected": [-3.7, -0.3, 1e300], "label_smoothing": epsilon, "conventions": conventions,
        }));
        // losses and margins past the range on the way, and a weight that underflows but for β
        inputs.push(json!({
            "policy_chosen": [1.7e308, -1.7e308], "policy_rejected": [-1e300, 1e308], "reference_chosen": [-1.7e308, 1e308],
            "reference_rejected": [0.0, 0.0], "label_smoothing": epsilon, "conventions": conventions,
        }));
        inputs.push(json!({
            "policy_chosen": [8e-298], "policy_rejected": [0.0], "reference_chosen": [0.0], "reference_rejected": [0.0],
            "beta": 1e300, "label_smoothing": epsilon, "conventions": conventions,
        }));
        // 1e16 + 1 and 1e16 + 3 are halfway between two f64
        inputs.push(json!({
            "policy_chosen": [1e16, 1e16, -5e-324], "policy_rejected": [0.0, 0.0, 0.0],
            "reference_chosen": [-1.0, -3.0, 5e-324], "reference_rejected": [0.0, 0.0, 0.0],
            "beta": 0.25, "label_smoothing": epsilon, "conventions": conventions,
        }));
    }
    inputs.iter().for_each(|input| assert!(hold("dpo", input) > 0));
}

/// Rows that are equal, shifted, permuted, masked, uniform or far from uniform.
#[test]
fn rows_of_every_kind() {
    let masked = json!(["-Infinity", 2.5, "-Infinity"]);
    let rows = [
        (json!([0.1, 0.7, -1.3]), json!([0.1, 0.7, -1.3])),
        // shifted by a power of two, and permuted beside the token
        (json!([0.5, 0.75, -1.25]), json!([8.5, 8.75, 6.75])),
        (json!([0.1, 0.7, -1.3]), json!([-1.3, 0.7, 0.1])),
        (json!([0.0, 0.0, 0.0]), json!([1.0, 1.0, "-Infinity"])),
        (json!([800.0, 0.0, -800.0]), json!([0.1, 0.2, 0.1])),
        (json!([-60.0, 0.0, -60.0]), json!([-70.0, 0.0, -70.0])),
        (masked.clone(), masked),
        (json!([1e300, 1e300, -1e300]), json!([0.0, 3.0, 1e-300])),
        // one ulp from the reference, in a class that counts and in one that hardly does
        (json!([0.1, 0.7, -1.3]), json!([0.1, 0.7000000000000001, -1.3])),
        (json!([0.0, 0.0, -100.0]), json!([0.0, 0.0, -100.00000000000001])),
        (json!([0.0, 0.0, -100.0]), json!([-100.00000000000001, 0.0, 0.0])),
        // nearly a shift, with a class that either has alone
        (json!([1.0, 2.0, -90.0]), json!([1.5, 2.5000000000000004, "-Infinity"])),
        (json!([1.0, 2.0, "-Infinity"]), json!([1.5, 2.5, -95.0])),
    ];
    let mut inputs = Vec::new();
    for (k, (epsilon, conventions)) in preferences().into_iter().enumerate() {
        for (i, (policy, reference)) in rows.iter().enumerate().filter(|(i, _)| i % 2 == k % 2) {
            let (other_policy, other_reference) = &rows[(i + 5) % rows.len()];
            inputs.push(json!({
                "chosen": { "policy_logits": [policy, other_policy], "reference_logits": [other_reference, reference],
                            "tokens": [1, 1] },
                "rejected": { "policy_logits": [policy], "reference_logits": [reference], "tokens": [1] },
                "beta": 0.5, "label_smoothing": epsilon, "conventions": conventions,
            }));
        }
    }
    inputs.iter().for_each(|input| assert!(hold("dpo-from-logits", input) > 0));
}

#[test]
fn a_large_vocabulary() {
    let row = |name: &str| numbers(name, 2000, 8.0);
    let side = |name: &str| {
        let [policy, reference] = ["policy", "reference"].map(|model| row(&format!("{name} {model}")));
        json!({ "policy_logits": [policy], "reference_logits": [reference], "tokens": [17] })
    };
    let input = json!({ "chosen": side("chosen"), "rejected": side("rejected"), "label_smoothing": 0.1 });
    assert_eq!(hold("dpo-from-logits", &input), 4 + 2 * 2000);
}

const SIMILARITIES: [&str; 4] = ["cosine", "cosine-clamp-each", "cosine-clamp-product", "dot"];

/// Lists of vectors: orthogonal, parallel, opposite, equal, mirrored, nearly parallel, and of norms from
/// 1e-150 to 1e150.
fn vectors() -> Vec<Vec<[f64; 3]>> {
    let scaled = |x: [f64; 3], c: f64| x.map(|x| x * c);
    let (x, y) = ([0.3, -0.7, 0.2], [0.9, 0.1, -0.4]);
    vec![
        vec![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0]],
        vec![x, x, x],
        vec![x, scaled(x, 2.0), scaled(x, -4.0)],
        vec![x, y, y],
        vec![[1.0, 0.0, 0.0], [0.5, 0.25, 0.0], [0.5, -0.25, 0.0]],
        vec![scaled(x, 1e-150), y, scaled(y, 1e150)],
        vec![scaled(x, 1e-9), scaled(y, 1e-9), scaled(x, 1e-8)],
        vec![x, [0.3, -0.7, 0.200_000_000_000_000_04], [0.3, -0.699_999_999_999_999_9, 0.2]],
        // similarities that differ by 1e-40
        vec![[1.0, 0.0, 0.0], [1.0, 1e-20, 0.0], [1.0, 2e-20, 0.0]],
        // the norm is the clamp itself, and a little more than 2^−113 of it above
        vec![[1e-8, 0.0, 0.0], [0.0, -1e-8, 0.0], [1.0, 1.0, 1.0]],
        vec![[1e-8, 1e-25, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 0.0]],
        vec![x, [0.0, 0.0, 0.0], y],
    ]
}

/// Whether a similarity has values at these vectors.
fn allows(kind: &str, vectors: &[[f64; 3]]) -> bool {
    kind != "cosine" || vectors.iter().all(|x| x.iter().any(|&x| x != 0.0))
}

/// Every list of vectors with every similarity that has values there, at temperatures in turn.
fn positions() -> impl Iterator<Item = (&'static str, Vec<[f64; 3]>, f64)> {
    let all = SIMILARITIES.into_iter().flat_map(|kind| vectors().into_iter().map(move |v| (kind, v)));
    let temperatures = [1e-3, 0.07, 1.0, 100.0, 0.07].into_iter().cycle();
    all.filter(|(kind, v)| allows(kind, v)).zip(temperatures).map(|((kind, v), temperature)| (kind, v, temperature))
}

#[test]
fn vectors_in_every_position() {
    let input = |(kind, v, temperature): (&str, Vec<[f64; 3]>, f64)| {
        json!({
            "query": [v[0], v[0], v[1]], "positive": [v[1], v[2], v[2]],
            "negatives": [[v[2]], [v[1], v[0], v[2], v[1]], []],
            "temperature": temperature, "conventions": { "similarity": kind },
        })
    };
    positions().map(input).for_each(|input| assert!(hold("info-nce", &input) > 0));
}

#[test]
fn batches_in_every_position() {
    let input = |(i, (kind, v, temperature)): (usize, (&str, Vec<[f64; 3]>, f64))| {
        json!({
            "a": v, "b": [v[1], v[0], v[2]], "temperature": temperature, "symmetric": i % 3 != 0,
            "conventions": { "similarity": kind },
        })
    };
    positions().enumerate().map(input).for_each(|input| assert!(hold("info-nce-in-batch", &input) > 0));
}

/// A zero that is no underflow is +0: of parallel vectors, of a pair that the policy has not moved, and of
/// a class that is masked.
#[test]
fn exact_zeros_are_positive() {
    let parallel = json!({ "query": [[0.3, -0.7]], "positive": [[0.6, -1.4]], "negatives": [[[-0.3, 0.7]]] });
    let equal = json!({ "a": vec![[0.1, 0.7]; 3], "b": vec![[0.3, -0.9]; 3], "symmetric": true });
    let same = json!({
        "policy_chosen": [-1.5], "reference_chosen": [-1.5], "policy_rejected": [-2.5], "reference_rejected": [-2.5],
    });
    let row = json!([[0.25, "-Infinity", 1.5]]);
    let side = json!({ "policy_logits": row, "reference_logits": row, "tokens": [0] });
    let unmoved = json!({ "chosen": side, "rejected": side });
    for (id, input, zeros) in [
        ("info-nce", parallel, 6),
        ("info-nce-in-batch", equal, 1 + 12),
        ("dpo", same, 2),
        ("dpo-from-logits", unmoved, 2 + 2),
    ] {
        let output = catalog::evaluate(id, input).unwrap();
        let found: Vec<f64> = pairs(&output, &output).into_iter().map(|(_, x, _)| x).filter(|&x| x == 0.0).collect();
        assert_eq!(found.len(), zeros, "{id}: {output}");
        assert!(found.iter().all(|x| x.is_sign_positive()), "{id}: {output}");
    }
}
