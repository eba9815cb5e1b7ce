//! Regions of DPO.

use super::{Draw, Region, power_of_ten, small, turn};
use serde_json::{Value, json};

const ID: &str = "dpo";
const FROM: &str = "dpo-from-logits";

pub const DPO: &[Region] = &[
    small(ID, "margins", 610, |_, i| margin(power_of_ten(i as i64 / 2 - 300), i)),
    small(ID, "margins-between", 400, |draw, i| margin(draw.between(1.0, 10_000.0), i)),
    small(ID, "policy-is-reference", 64, |draw, i| {
        let (w, l) = (draw.reals(3, 100.0), draw.reals(3, 100.0));
        pairs([w.clone(), l.clone(), w, l], i)
    }),
    small(ID, "shifted-alike", 64, |draw, i| {
        // whole numbers: the margin cancels exactly, and no log-ratio is 0
        let whole = |draw: &mut Draw| -f64::from(draw.whole(1, 1000) as u32);
        let (w, l, shift) = (whole(draw), whole(draw), whole(draw));
        pairs([vec![w], vec![l], vec![w + shift], vec![l + shift]], i)
    }),
    small(ID, "an-ulp-apart", 256, |draw, i| {
        let (w, l) = (-1000.0 * draw.unit(), -1000.0 * draw.unit());
        pairs([vec![w], vec![l], vec![w.next_up()], vec![if i % 2 == 0 { l } else { l.next_down() }]], i)
    }),
    small(ID, "sizes-apart", 256, |draw, i| {
        let size = |draw: &mut Draw| draw.pick(&[-1.0, 1.0]) * draw.power_of_two(-400.0, 60.0);
        pairs([vec![size(draw)], vec![size(draw)], vec![size(draw)], vec![size(draw)]], i)
    }),
];

pub const FROM_LOGITS: &[Region] = &[
    small(FROM, "policy-is-reference", 64, |draw, i| {
        let mut side = |tokens: usize| {
            let rows: Vec<_> = (0..tokens).map(|_| draw.reals(4, 3.0)).collect();
            json!({ "policy_logits": rows, "reference_logits": rows, "tokens": vec![1; tokens] })
        };
        let (chosen, rejected) = (side(2), side(1));
        judged(chosen, rejected, i)
    }),
    small(FROM, "permuted", 64, |draw, i| {
        let mut side = || {
            let row = draw.reals(4, 3.0);
            let turned = vec![row[3], row[1], row[0], row[2]];
            json!({ "policy_logits": [row], "reference_logits": [turned], "tokens": [1] })
        };
        let (chosen, rejected) = (side(), side());
        judged(chosen, rejected, i)
    }),
    small(FROM, "shifted", 64, |draw, i| {
        let mut side = || {
            let row: Vec<f64> = (0..4).map(|_| f64::from(draw.whole(0, 40) as u32) / 8.0).collect();
            let moved: Vec<f64> = row.iter().map(|z| z + 16.0).collect();
            json!({ "policy_logits": [row], "reference_logits": [moved], "tokens": [2] })
        };
        let (chosen, rejected) = (side(), side());
        judged(chosen, rejected, i)
    }),
    small(FROM, "token-above", 401, |draw, i| gap(draw, i, 2.0 * i as f64)),
    small(FROM, "token-below", 401, |draw, i| gap(draw, i, -2.0 * i as f64)),
    small(FROM, "policy-near-reference", 256, |draw, i| {
        let size = power_of_ten(-((i % 17) as i64));
        let mut side = || {
            let row = draw.reals(5, 3.0);
            let near: Vec<f64> = row.iter().map(|z| z + draw.real(size)).collect();
            json!({ "policy_logits": [row], "reference_logits": [near], "tokens": [draw.whole(0, 4)] })
        };
        let (chosen, rejected) = (side(), side());
        judged(chosen, rejected, i)
    }),
];

/// A margin h = ±size with β = 1, or nearly that.
fn margin(size: f64, i: u64) -> Value {
    let signed = if i.is_multiple_of(2) { size } else { -size };
    let mut input = pairs([vec![signed], vec![0.0], vec![0.0], vec![0.0]], i);
    input["beta"] = turn(&[1.0, 1.0, 0.1, 0.1], i).into();
    input
}

fn pairs([policy_chosen, policy_rejected, reference_chosen, reference_rejected]: [Vec<f64>; 4], i: u64) -> Value {
    json!({
        "policy_chosen": policy_chosen, "policy_rejected": policy_rejected,
        "reference_chosen": reference_chosen, "reference_rejected": reference_rejected,
        "label_smoothing": turn(&[0.0, 0.0, 0.0, 0.0, 0.1], i),
    })
}

fn judged(chosen: Value, rejected: Value, i: u64) -> Value {
    json!({
        "chosen": chosen, "rejected": rejected, "beta": turn(&[0.1, 1.0], i),
        "label_smoothing": turn(&[0.0, 0.0, 0.1], i),
    })
}

/// The policy's logit of the token this far above the rest.
fn gap(draw: &mut Draw, i: u64, above: f64) -> Value {
    let mut side = |above: f64| {
        let (mut policy, reference, token) = (draw.reals(4, 1.0), draw.reals(4, 1.0), draw.whole(0, 3));
        policy[token] += above;
        json!({ "policy_logits": [policy], "reference_logits": [reference], "tokens": [token] })
    };
    let (chosen, rejected) = (side(above), side(0.0));
    judged(chosen, rejected, i)
}
