//! Cross-entropy on every region of logits.

use super::hold;
use gradproof::cases;
use gradproof::catalog;
use serde_json::{Value, json};

/// A batch of one row.
fn row(z: &[f64], target: usize, epsilon: f64) -> Value {
    let z: Value = z.iter().map(|&z| gradproof::json::number(z)).collect();
    json!({ "logits": [z], "targets": [target], "label_smoothing": epsilon })
}

/// Ordinary logits.
fn ordinary(name: &str, classes: usize) -> Vec<f64> {
    cases::numbers(name, classes, 3.0)
}

#[test]
fn cross_entropy_is_correctly_rounded_however_far_the_target_is_from_the_others() {
    for classes in [2, 3, 17, 40] {
        // where exponentials of a gap overflow, where probabilities become subnormal, and where they vanish
        for gap in [0.0, 20.0, 40.0, 300.0, 650.0, 700.0, 709.0, 725.0, 744.0, 745.5, 760.0, 800.0, 1e4, 1e9, 1e308] {
            for sign in [1.0, -1.0] {
                let mut z = ordinary("target", classes);
                z[1] = sign * gap;
                hold("cross-entropy", &row(&z, 1, 0.0));
            }
        }
    }
}

/// The logit of a class, from its index and an ordinary logit.
type Region = fn(usize, f64) -> f64;

#[test]
fn cross_entropy_is_correctly_rounded_on_every_region_of_logits() {
    let regions: [(&str, Region); 12] = [
        ("equal", |_, _| 0.3),
        ("at ±1e308", |i, _| if i % 3 == 0 { 1e308 } else { -1e308 }),
        ("near 1e308", |_, z| 1e308 * (1.0 + z * 1e-15)),
        ("subnormal", |_, z| z * 1e-310),
        ("near 1e6", |_, z| 1e6 + z),
        ("near −2e4", |_, z| z - 2e4),
        ("masked by −∞", |i, z| if i % 4 == 1 { f64::NEG_INFINITY } else { z }),
        ("all but the target masked", |i, z| if i > 0 { f64::NEG_INFINITY } else { z }),
        ("equal and masked", |i, _| if i % 4 == 1 { f64::NEG_INFINITY } else { -7.5 }),
        ("masked by −1e9", |i, z| if i % 4 == 1 { -1e9 } else { z }),
        ("of standard deviation 150", |_, z| 100.0 * z),
        ("of three values", |i, _| [0.0, 1.0, -700.0][i % 3]),
    ];
    for (name, region) in regions {
        for classes in [1, 2, 5, 18] {
            let z: Vec<f64> = ordinary(name, classes).into_iter().enumerate().map(|(i, z)| region(i, z)).collect();
            hold("cross-entropy", &row(&z, 0, 0.0));
            if z.iter().all(|z| z.is_finite()) {
                for epsilon in [0.1, 1.0, 1e-17] {
                    hold("cross-entropy", &row(&z, classes / 2, epsilon));
                }
            }
        }
    }
}

/// The classes before the target and those after it are rounded apart: what one side leaves open must not be
/// lost by the other, however short that is.
#[test]
fn cross_entropy_is_correctly_rounded_wherever_the_target_stands() {
    // p − q is open at the first level where 159 is not the target: p is 1 and e^−159 elsewhere
    let z = [159.47253341247773, 0.0, 0.0, 0.0, 1.0, 159.0, 2.0];
    for classes in [2, 4, 7] {
        for y in 0..classes {
            for epsilon in [0.5681420194236149, 0.0] {
                hold("cross-entropy", &row(&z[..classes], y, epsilon));
            }
        }
    }
}

#[test]
fn cross_entropy_of_two_thousand_classes_is_correctly_rounded() {
    hold("cross-entropy", &row(&ordinary("two thousand", 2000), 1234, 0.0));
}

#[test]
fn exact_results_of_cross_entropy_are_exact() {
    let cross_entropy = |input: Value| catalog::evaluate("cross-entropy", input).unwrap();
    // 1/V − 1 and 1/V; −ln(1/8) gives a perplexity of 8
    let uniform = cross_entropy(row(&[0.7; 8], 3, 0.0));
    assert_eq!(uniform["perplexity"], json!(8.0));
    assert_eq!(uniform["gradient"][0][3], json!(-0.875));
    assert_eq!(uniform["gradient"][0][4], json!(0.125));
    // of masked rows with 2 and 8 classes left, √16
    let masked = json!({ "logits": [[1, 1, "-Infinity", "-Infinity", "-Infinity", "-Infinity", "-Infinity", "-Infinity"],
        [-2, -2, -2, -2, -2, -2, -2, -2]], "targets": [0, 5] });
    assert_eq!(cross_entropy(masked)["perplexity"], json!(4.0));
    // p = q everywhere, also when 1/V is no f64
    for smoothing in ["uniform", "others"] {
        let epsilon = if smoothing == "uniform" { 1.0 } else { 0.5 };
        for classes in if smoothing == "uniform" { vec![1, 2, 3, 10, 1000] } else { vec![2] } {
            let mut input = row(&vec![-3.25; classes], 0, epsilon);
            input["conventions"] = json!({ "smoothing": smoothing });
            for g in cross_entropy(input)["gradient"][0].as_array().unwrap() {
                assert_eq!(g.as_f64().unwrap().to_bits(), 0, "{smoothing}, V {classes}");
            }
        }
    }
    // (1 − ε)/2 with 1 − ε half way between two f64, to the even one; twice 1/2 − q_y
    let tie = cross_entropy(row(&[4.0, 4.0], 0, 2f64.powi(-54)));
    assert_eq!(tie["gradient"][0], json!([-0.5, 0.5]));
    // one class is certain
    let certain = cross_entropy(row(&[5.0], 0, 0.0));
    assert_eq!(certain["loss"].as_f64().unwrap().to_bits(), 0);
    assert_eq!(certain["gradient"][0][0].as_f64().unwrap().to_bits(), 0);
}

#[test]
fn what_underflows_keeps_its_sign() {
    for gap in [760.0, 1e4, 1e9, 1e308] {
        let output = catalog::evaluate("cross-entropy", row(&[0.0, gap, 1.0], 1, 0.0)).unwrap();
        let bits: Vec<u64> =
            output["gradient"][0].as_array().unwrap().iter().map(|g| g.as_f64().unwrap().to_bits()).collect();
        assert_eq!(bits, [0.0, -0.0, 0.0].map(f64::to_bits), "{gap}");
        assert_eq!(output["loss"].as_f64().unwrap().to_bits(), 0, "{gap}");
    }
}

#[test]
fn a_mean_is_right_where_a_row_s_loss_is_past_the_range() {
    // −ln p is 2·10^308 and 0: their sum is past the range, their mean is 10^308
    let input = json!({ "logits": [[1e308, -1e308], [1e308, -1e308]], "targets": [1, 0] });
    let output = catalog::evaluate("cross-entropy", input).unwrap();
    assert_eq!(output["loss"], json!(1e308));
    assert_eq!(output["perplexity"], json!("Infinity"));
}
