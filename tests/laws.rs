//! Algebraic laws, on types of our own: quickcheck's f64 is never between 0 and 1.

use gradproof::catalog;
use gradproof::number::ulps_between;
use quickcheck::{Arbitrary, Gen, quickcheck};
use serde_json::{Value, json};

/// A whole number from low to high.
fn whole(g: &mut Gen, low: i64, high: i64) -> i64 {
    low + (u64::arbitrary(g) % (high - low + 1) as u64) as i64
}

/// A multiple of 2^−10 up to 64 in size: sums and differences of a few are exact.
fn dyadic(g: &mut Gen) -> f64 {
    whole(g, -65_536, 65_536) as f64 / 1024.0
}

/// A batch of rows with targets, at least one of which counts.
#[derive(Clone, Debug)]
struct Batch {
    logits: Vec<Vec<f64>>,
    targets: Vec<i64>,
}

impl Arbitrary for Batch {
    fn arbitrary(g: &mut Gen) -> Batch {
        let (rows, classes) = (whole(g, 1, 6), whole(g, 1, 5));
        let mut targets: Vec<i64> =
            (0..rows).map(|_| if whole(g, 0, 3) == 0 { -100 } else { whole(g, 0, classes - 1) }).collect();
        targets[0] = whole(g, 0, classes - 1);
        Batch { logits: (0..rows).map(|_| (0..classes).map(|_| dyadic(g)).collect()).collect(), targets }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Batch>> {
        let batch = self.clone();
        Box::new(
            (1..self.targets.len()).map(move |rows| Batch {
                logits: batch.logits[..rows].to_vec(),
                targets: batch.targets[..rows].to_vec(),
            }),
        )
    }
}

impl Batch {
    fn evaluate(&self, reduction: &str) -> Value {
        let input = json!({ "logits": self.logits, "targets": self.targets, "reduction": reduction,
                            "conventions": { "all_ignored": "zero" } });
        catalog::evaluate("cross-entropy", input).unwrap()
    }

    fn rows(&self, keep: impl Fn(usize) -> bool) -> Batch {
        let kept: Vec<usize> = (0..self.targets.len()).filter(|&i| keep(i)).collect();
        Batch {
            logits: kept.iter().map(|&i| self.logits[i].clone()).collect(),
            targets: kept.iter().map(|&i| self.targets[i]).collect(),
        }
    }
}

/// Log-probabilities: policy and reference of the chosen and the rejected response.
#[derive(Clone, Debug)]
struct Pair([f64; 4]);

impl Arbitrary for Pair {
    fn arbitrary(g: &mut Gen) -> Pair {
        Pair(std::array::from_fn(|_| dyadic(g)))
    }
}

impl Pair {
    fn evaluate(&self) -> Value {
        let [w, l, rw, rl] = self.0;
        let input = json!({ "policy_chosen": [w], "policy_rejected": [l], "reference_chosen": [rw],
                            "reference_rejected": [rl], "beta": 0.5 });
        catalog::evaluate("dpo", input).unwrap()
    }
}

/// Two sums of the same positive terms in another order or grouping.
fn near(a: &Value, b: &Value) -> bool {
    ulps_between(a.as_f64().unwrap(), b.as_f64().unwrap()) <= 32.0
}

quickcheck! {
    /// ℓ(z + c) = ℓ(z): the differences of the logits are exact, so the bits are the same.
    fn cross_entropy_ignores_a_shift(batch: Batch, shift: i16) -> bool {
        let mut shifted = batch.clone();
        shifted.logits.iter_mut().flatten().for_each(|z| *z += f64::from(shift));
        shifted.evaluate("mean") == batch.evaluate("mean")
    }

    /// The order of the rows is the order of the gradient, and no more.
    fn cross_entropy_follows_a_permutation(batch: Batch) -> bool {
        let mut reversed = batch.clone();
        reversed.logits.reverse();
        reversed.targets.reverse();
        let (one, mut other) = (batch.evaluate("mean"), reversed.evaluate("mean"));
        other["gradient"].as_array_mut().unwrap().reverse();
        one["gradient"] == other["gradient"] && near(&one["loss"], &other["loss"])
    }

    /// An ignored row is as good as an absent one.
    fn an_ignored_row_is_absent(batch: Batch) -> bool {
        let counted = batch.rows(|i| batch.targets[i] != -100);
        let (all, counted) = (batch.evaluate("mean"), counted.evaluate("mean"));
        all["loss"] == counted["loss"] && all["perplexity"] == counted["perplexity"]
    }

    /// The sums of micro-batches sum to the batch's.
    fn micro_batches_sum_to_the_batch(batch: Batch, cut: u8) -> bool {
        let cut = usize::from(cut) % batch.targets.len();
        if cut == 0 {
            return true;
        }
        let part = |b: Batch| b.evaluate("sum")["loss"].as_f64().unwrap();
        let parts = part(batch.rows(|i| i < cut)) + part(batch.rows(|i| i >= cut));
        near(&json!(parts), &batch.evaluate("sum")["loss"])
    }

    /// "sum" is N times "mean", and the gradient with it.
    fn the_sum_is_the_mean_times_n(batch: Batch) -> bool {
        let n = batch.targets.iter().filter(|&&t| t != -100).count() as f64;
        let (sum, mean) = (batch.evaluate("sum"), batch.evaluate("mean"));
        near(&sum["loss"], &json!(mean["loss"].as_f64().unwrap() * n))
    }

    /// WSD runs of different length share their stable phase.
    fn wsd_has_the_prefix_property(warmup: u8, stable: u8, decay: u8, longer: u8) -> bool {
        let (warmup, decay) = (i64::from(warmup % 20), i64::from(decay % 20) + 1);
        let total = warmup + i64::from(stable) + decay;
        let steps: Vec<i64> = (0..total - decay).collect();
        let run = |total: i64| {
            let input = json!({ "steps": steps, "max_lr": 0.3, "min_lr": 0.01, "warmup_steps": warmup,
                                "total_steps": total, "decay_steps": decay });
            catalog::evaluate("wsd", input).unwrap()
        };
        run(total) == run(total + i64::from(longer))
    }

    /// DPO sees differences alone: a constant on a response's log-probabilities under both models is none.
    fn dpo_ignores_what_both_models_share(pair: Pair, shift: i16) -> bool {
        let mut shifted = pair.clone();
        shifted.0[0] += f64::from(shift);
        shifted.0[2] += f64::from(shift);
        let (one, other) = (pair.evaluate(), shifted.evaluate());
        one["loss"] == other["loss"] && one["gradient"] == other["gradient"]
    }

    /// Exchanging chosen and rejected turns the margin: ℓ(h) + h = ℓ(−h).
    fn dpo_turns_with_the_pair(pair: Pair) -> bool {
        let [w, l, rw, rl] = pair.0;
        let (one, other) = (pair.evaluate(), Pair([l, w, rl, rw]).evaluate());
        let h = 0.5 * ((w - rw) - (l - rl));
        let (sum, turned) = (one["loss"].as_f64().unwrap() + h, other["loss"].as_f64().unwrap());
        // the sum of two terms of which h may be the larger
        (sum - turned).abs() <= 8.0 * f64::EPSILON * (h.abs() + turned) && one["weight"][0].as_f64().unwrap() + other["weight"][0].as_f64().unwrap() >= 1.0 - 1e-15
    }

    /// Without momentum the order of two optimizers' tensors does not matter.
    fn tensors_are_independent(a: i8, b: i8) -> bool {
        let (a, b) = (f64::from(a) / 16.0, f64::from(b) / 16.0);
        ["adamw", "adam-l2", "sgd"].iter().all(|id| {
            let run = |x: f64, y: f64| {
                let input = json!({ "params": [[x], [y]], "gradients": [[[y + 0.25], [x - 0.25]], [[0.5], null]],
                                    "lr": 0.125 });
                catalog::evaluate(id, input).unwrap()
            };
            let alone = json!({ "params": [[a]], "gradients": [[[b + 0.25]], [[0.5]]], "lr": 0.125 });
            run(a, b)["steps"][1]["params"][0] == catalog::evaluate(id, alone).unwrap()["steps"][1]["params"][0]
        })
    }
}
