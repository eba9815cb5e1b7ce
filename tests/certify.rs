//! The judge of the last bit: MPFR agrees with what others found, and a wrong bit is seen.

mod common;

use common::anchors;
use gradproof::cases::{Conventions, case};
use gradproof::certify::certify;
use gradproof::error::Result;
use gradproof::formula::Formula;
use gradproof::number::{Mpfr, decide, nearest};
use gradproof::schedules::linear;
use gradproof::{catalog, json};
use serde_json::Value;
use std::collections::BTreeSet;

/// mpmath's anchors are correctly rounded, by another program in another language.
#[test]
fn mpfr_rounds_every_definition_to_the_anchors() {
    let (mut same, mut undefined) = (0, 0);
    for formula in catalog::FORMULAS {
        for anchor in anchors(formula) {
            for defined in (formula.definition)(&anchor.input, &anchor.output, None).unwrap() {
                let values = decide::<Mpfr>(&defined.graph, &defined.values().collect::<Vec<_>>());
                for (place, value) in defined.places.iter().zip(values) {
                    let right = common::number(anchor.output.pointer(place).unwrap()).unwrap();
                    match value {
                        Ok(found) => {
                            assert!(found.value == right, "{}{place}: {:e}, {right:e}", anchor.id, found.value)
                        }
                        Err(_) => undefined += 1,
                    }
                    same += 1;
                }
            }
        }
    }
    println!("{same} values, {undefined} of them not defined");
    assert!(same > 50 * undefined);
}

#[test]
fn mpfr_and_dashu_round_alike() {
    let mut numbers = 0;
    for formula in catalog::FORMULAS {
        for index in 0..20 {
            let input = case(formula, index, Conventions::Any);
            let output = catalog::evaluate(formula.id, input.clone()).unwrap();
            for defined in (formula.definition)(&input, &output, None).unwrap() {
                let values: Vec<f64> = defined.values().collect();
                for (mpfr, dashu) in
                    decide::<Mpfr>(&defined.graph, &values).into_iter().zip(nearest(&defined.graph, &values))
                {
                    let bits = |x: f64| x.to_bits();
                    assert_eq!(mpfr.map(|x| bits(x.value)).ok(), dashu.map(bits).ok(), "{} {index}", formula.id);
                    numbers += 1;
                }
            }
        }
    }
    assert!(numbers > 3000, "{numbers}");
}

/// What the definition leaves out is copied from the input, and only optimizers copy.
#[test]
fn every_number_of_an_output_is_judged_or_copied() {
    let mut copied = 0;
    for formula in catalog::FORMULAS {
        for index in 0..60 {
            let input = case(formula, index, Conventions::Any);
            let output = catalog::evaluate(formula.id, input.clone()).unwrap();
            let defined = (formula.definition)(&input, &output, None).unwrap();
            let judged: BTreeSet<String> = defined.into_iter().flat_map(|defined| defined.places).collect();
            let given: BTreeSet<u64> = json::numbers(&input).into_iter().map(|(_, x)| x.to_bits()).collect();
            if judged.is_empty() && formula.id == "cross-entropy" {
                // no row counts, and the numbers are a convention's
                continue;
            }
            for (place, x) in json::numbers(&output).into_iter().filter(|(place, _)| !judged.contains(place)) {
                assert!(
                    place.starts_with("/steps/") && (x == 0.0 || given.contains(&x.to_bits())),
                    "{} {index}{place} = {x:e} is not in the definition",
                    formula.id
                );
                copied += 1;
            }
        }
    }
    assert!(copied > 0);
}

/// The linear schedule with a wrong bit in the first rate, which is otherwise correctly rounded.
fn with_a_wrong_bit(input: Value) -> Result<Value> {
    let mut output = catalog::evaluate("linear", input)?;
    let right = json::real_of(&output["lr"][0]).unwrap_or(f64::NAN);
    output["lr"][0] = json::number(f64::from_bits(right.to_bits() ^ 1));
    Ok(output)
}

#[test]
fn a_wrong_bit_is_counted_with_its_case_and_not_pinned() {
    let (right, kept) = certify(&linear::FORMULA, 2000, |_| ()).unwrap();
    assert!(right.is_correctly_rounded() && kept.cases.len() > 20);
    let wrong = Formula { evaluate: with_a_wrong_bit, ..linear::FORMULA };
    let (found, pins) = certify(&wrong, 2000, |_| ()).unwrap();
    let row = &found.outputs["lr"];
    assert_eq!(row.differ, found.regions.iter().map(|region| region.cases).sum::<u64>());
    assert_eq!(row.components, right.outputs["lr"].components);
    let worst = row.worst.as_ref().unwrap();
    assert!(worst.ulps() >= 0.5 && worst.place == "/lr/0" && worst.case.contains('/'));
    assert!(!row.is_correctly_rounded() && pins.cases.is_empty());
}

#[test]
fn a_run_does_not_depend_on_the_threads() {
    let formula = catalog::formula("linear").unwrap();
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let one = alone.install(|| certify(formula, 2000, |_| ()).unwrap());
    assert_eq!(certify(formula, 2000, |_| ()).unwrap(), one);
    assert!(one.0.components() >= 2000);
}
