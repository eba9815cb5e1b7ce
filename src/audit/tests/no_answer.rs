//! NaN and infinity, before the step and after it: counted, located and named.

use super::*;
use crate::audit::report::NotJudged;

/// Puts a number somewhere in what an element starts from.
type Set = fn(&mut Before, f64);

const ODD: [f64; 3] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

/// Every optimizer with a tensor of ordinary elements that it stepped rightly.
fn right_steps(dtype: Dtype) -> Vec<(Optimizer, Stepped, Vec<Element>)> {
    let one = |optimizer: &&str| {
        let named = Optimizer::of(&Step { optimizer: (*optimizer).into(), ..Step::default() }).unwrap();
        let tensor = stepped(&named, json!({ "lr": 1e-3 }), 3, dtype);
        let elements = (0..40).map(|i| {
            let x: Vec<f64> =
                numbers(&format!("odd/{optimizer}/{i}"), 6, 0.7).into_iter().map(|x| dtype.round(x)).collect();
            let mut moments = [x[2], x[3].abs() + 0.5, x[4].abs() + 0.5];
            moments[tensor.outputs.len() - 1..].fill(0.0);
            let estimate = if tensor.estimate.is_some() { x[5] } else { 0.0 };
            let before = Before { theta: x[0], g: x[1], estimate, moments };
            let right = tensor.stepper.right(&[Element { index: i, before, after: [0.0; MOST_OUTPUTS] }]).unwrap()[0];
            Element { index: i, before, after: right.map(|x| dtype.round(x)) }
        });
        let elements = elements.collect();
        (named, tensor, elements)
    };
    ["adamw", "adam-l2", "lion", "sophia", "sgd"].iter().map(one).collect()
}

#[test]
fn what_has_no_right_answer_is_counted_located_and_named() {
    for dtype in [Dtype::F32, Dtype::F16, Dtype::F64] {
        for (named, tensor, elements) in right_steps(dtype) {
            let mut places: Vec<(&str, Set)> = vec![
                ("NaN or infinity in the parameter before the step", |x, odd| x.theta = odd),
                ("NaN or infinity in the gradient", |x, odd| x.g = odd),
                ("NaN or infinity in the state before the step", |x, odd| x.moments[0] = odd),
            ];
            if tensor.outputs.len() > 2 {
                places.push(("NaN or infinity in the state before the step", |x, odd| x.moments[1] = odd));
            }
            if tensor.estimate.is_some() {
                places.push(("NaN or infinity in the estimate of the Hessian", |x, odd| x.estimate = odd));
            }
            if tensor.outputs.iter().any(|output| output.name == "v") {
                let what = "a negative second moment in the state before the step";
                places.push((what, |x, odd| x.moments[1] = if odd.is_finite() { odd } else { -1.0 }));
            }
            for (what, set) in places {
                for odd in ODD {
                    let mut elements = elements.clone();
                    // what the step made of them does not matter
                    for (i, after) in [(9, odd), (11, 0.0), (30, f64::NAN)] {
                        set(&mut elements[i].before, odd);
                        elements[i].after = [after; MOST_OUTPUTS];
                    }
                    let found = of_columns(named.formula, &tensor, columns(&tensor, &elements));
                    let place = format!("{} {dtype}, {odd} as {what}", named.formula.id);
                    let expected = NotJudged { what: what.into(), count: 3, first: 9 };
                    assert_eq!(found.not_judged, [expected], "{place}");
                    assert_eq!((found.differing, found.unexamined), (0, 0), "{place}: {:?}", found.worst);
                }
            }
        }
    }
}

#[test]
fn what_is_not_finite_after_a_step_differs_and_is_located() {
    for dtype in [Dtype::F32, Dtype::F16, Dtype::F64] {
        for (named, tensor, elements) in right_steps(dtype) {
            let found = of_columns(named.formula, &tensor, columns(&tensor, &elements));
            assert_eq!((found.differing, found.not_judged.len()), (0, 0), "{} {dtype}", named.formula.id);
            for output in 0..tensor.outputs.len() {
                for odd in ODD {
                    let mut elements = elements.clone();
                    elements[17].after[output] = odd;
                    elements[29].after[output] = odd;
                    let found = of_columns(named.formula, &tensor, columns(&tensor, &elements));
                    let place = format!("{} {dtype}, {odd} in output {output}", named.formula.id);
                    assert_eq!((found.differing, found.unexamined), (2, 0), "{place}");
                    let worst = found.worst.unwrap();
                    assert_eq!((worst.index, worst.output), (17, output), "{place}");
                    assert_eq!(worst.got.to_bits(), odd.to_bits(), "{place}");
                    assert!(worst.over_budget == f64::INFINITY && worst.expected.is_finite(), "{place}: {worst:?}");
                    assert!(found.not_judged.is_empty(), "{place}");
                    let examples: Vec<u64> = found.examples.iter().map(|x| x.index).collect();
                    assert_eq!(examples, [17, 29], "{place}");
                }
            }
        }
    }
}
