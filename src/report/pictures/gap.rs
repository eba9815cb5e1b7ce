//! How many ulps of the cross-entropy are wrong, by how far the target's logit is above the others.

use super::chart::{Axis, Chart, Curve};
use crate::catalog;
use crate::error::{Error, Result};
use crate::number::{Dtype, Wide, ulp};
use crate::report::known;
use serde_json::json;

/// What is no error, or less than this, stands here: a hundredth of an ulp.
const LEAST: f64 = 0.01;

/// ln(1 + (V − 1)e^−gap) to about 30 digits: the loss of a row whose other logits are 0.
fn real(gap: f64, classes: u64) -> Wide {
    (Wide::from((classes - 1) as f64) * (-Wide::from(gap)).exp()).ln_1p()
}

/// The oracle's error at a gap, in ulps of f64.
fn oracle(gap: f64, classes: u64) -> Result<f64> {
    let mut logits = vec![0.0; classes as usize];
    logits[0] = gap;
    let output = catalog::evaluate("cross-entropy", json!({ "logits": [logits], "targets": [0] }))?;
    let loss = crate::json::real_of(&output["loss"]).unwrap_or(f64::NAN);
    let right = real(gap, classes);
    Ok((Wide::from(loss) - right).to_f64().abs() / ulp(right.to_f64()))
}

/// The error of a number in a dtype, in its ulps.
fn error(found: f64, gap: f64, classes: u64, dtype: Dtype) -> f64 {
    let right = real(gap, classes);
    (Wide::from(found) - right).to_f64().abs() / dtype.ulp(right.to_f64())
}

/// The log-sum-exp minus the target's logit, max-shifted, every operation rounded to the dtype.
fn textbook(gap: f64, classes: u64, dtype: Dtype) -> f64 {
    let round = |x: f64| dtype.round(x);
    let others = (0..classes - 1).fold(1.0, |sum, _| round(sum + round((-gap).exp())));
    round(round(gap + round(others.ln())) - gap)
}

fn clamped(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    points.map(|(gap, error)| (gap, error.max(LEAST))).collect()
}

fn chart(curves: Vec<Curve>, most: f64) -> Result<String> {
    let high = curves.iter().flat_map(|curve| curve.points.iter().map(|(_, error)| *error)).fold(10.0, f64::max);
    let x = Axis::linear("gap between the target's logit and the others, in nats", 0.0, most);
    Chart { x, y: Axis::log("error of the loss, in ulps of the dtype (at least 0.01)", LEAST, 10.0 * high), curves }
        .svg()
}

/// The oracle beside libtorch as it was recorded.
pub fn recorded() -> Result<String> {
    let recorded = known::gaps();
    let of = |name: &str, rows: &[known::Gap], dtype| Curve {
        name: name.into(),
        points: clamped(rows.iter().map(|row| (row.gap, error(row.loss, row.gap, recorded.classes, dtype)))),
    };
    let gaps: Vec<f64> = recorded.f64.iter().map(|row| row.gap).collect();
    let right = gaps.iter().map(|&gap| Ok((gap, oracle(gap, recorded.classes)?))).collect::<Result<Vec<_>>>()?;
    let curves = vec![
        Curve { name: "oracle (f64)".into(), points: clamped(right.into_iter()) },
        of("libtorch f64", &recorded.f64, Dtype::F64),
        of("libtorch f32", &recorded.f32, Dtype::F32),
    ];
    chart(curves, gaps.last().copied().unwrap_or(1.0))
}

/// The oracle beside the textbook's algorithm in f64 and f32, for so many classes and gaps up to this.
///
/// # Errors
/// If there are less than 2 classes or more than 100000, or the gap is not above 0 and at most 80.
pub fn svg(classes: u64, most: f64) -> Result<String> {
    if !(2..=100_000).contains(&classes) {
        return Err(Error::domain("classes", classes, "2 to 100000"));
    }
    if !(most > 0.0 && most <= 80.0) {
        // past e^−80 the loss is a subnormal number of f32
        return Err(Error::domain("gap", most, "above 0, up to 80"));
    }
    // whole quarters are numbers of every dtype
    let gaps: Vec<f64> = (0..).map(|i| f64::from(i) / 4.0).take_while(|gap| *gap <= most).collect();
    let of = |name: &str, dtype: Dtype| Curve {
        name: name.into(),
        points: clamped(gaps.iter().map(|&gap| (gap, error(textbook(gap, classes, dtype), gap, classes, dtype)))),
    };
    let right = gaps.iter().map(|&gap| Ok((gap, oracle(gap, classes)?))).collect::<Result<Vec<_>>>()?;
    let curves = vec![
        Curve { name: "oracle (f64)".into(), points: clamped(right.into_iter()) },
        of("textbook in f64", Dtype::F64),
        of("textbook in f32", Dtype::F32),
    ];
    chart(curves, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oracle_is_the_nearest_and_libtorch_loses_its_digits() {
        let recorded = known::gaps();
        for row in &recorded.f64 {
            assert!(oracle(row.gap, recorded.classes).unwrap() <= 0.5, "{}", row.gap);
        }
        let at = |gap| recorded.f64.iter().find(|row| row.gap == gap).unwrap().loss;
        assert!(error(at(20.0), 20.0, recorded.classes, Dtype::F64) > 1e6);
        assert!(error(at(40.0), 40.0, recorded.classes, Dtype::F64) > 1e15);
    }

    #[test]
    fn the_textbook_is_about_as_wrong_as_libtorch() {
        let recorded = known::gaps();
        for (rows, dtype) in [(&recorded.f64, Dtype::F64), (&recorded.f32, Dtype::F32)] {
            for row in rows.iter().filter(|row| row.gap > 0.0 && row.gap <= 80.0) {
                let theirs = error(row.loss, row.gap, recorded.classes, dtype);
                let ours = error(textbook(row.gap, recorded.classes, dtype), row.gap, recorded.classes, dtype);
                // both lose what the gap's ulp is beside the loss; an order of the sum more or less
                let most = dtype.ulp(row.gap) / dtype.ulp(real(row.gap, recorded.classes).to_f64());
                assert!(theirs <= 2.0 * most + 2.0 && ours <= 2.0 * most + 2.0, "{dtype} {}: {theirs} {ours}", row.gap);
            }
        }
    }

    #[test]
    fn parameters_out_of_their_domain_are_told() {
        assert!(svg(4, 10.0).is_ok());
        for (classes, gap) in [(1, 10.0), (1_000_000, 10.0), (4, 0.0), (4, f64::NAN), (4, 81.0)] {
            assert!(svg(classes, gap).is_err());
        }
    }
}
