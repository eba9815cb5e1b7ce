//! The definitions and the textbook algorithms, as graphs on numbers with an error bound, against the
//! anchors: every value must lie within the bound, and for every mistake one must not.

mod common;

use common::{Anchor, anchors};
use gradproof::catalog;
use gradproof::error::Result;
use gradproof::formula::{Defined, Formula, Wrong};
use gradproof::number::{Rounded, Rounding, evaluate, nearest, ulp};
use serde_json::Value;
use std::collections::BTreeSet;

/// What graphs of a formula say of the anchors' values.
#[derive(Default)]
struct Compared {
    /// Values within a bound that is narrower than a thousandth of the value.
    agree: usize,
    /// Values that some bound excludes.
    differ: Vec<String>,
}

fn definition(formula: &Formula, anchor: &Anchor, wrong: Wrong) -> Result<Vec<Defined>> {
    (formula.definition)(&anchor.input, &anchor.output, wrong)
}

fn textbook(formula: &Formula, anchor: &Anchor) -> Result<Vec<Defined>> {
    (formula.textbook)(&anchor.input, &anchor.output)
}

fn compare(anchor: &Anchor, defined: Result<Vec<Defined>>, compared: &mut Compared) {
    for defined in defined.unwrap_or_else(|e| panic!("{}: {e}", anchor.id)) {
        let inputs: Vec<Rounded> = defined.values().map(Rounded::exact).collect();
        let outputs = evaluate(&defined.graph, &mut { Rounding::F64 }, &inputs);
        assert_eq!(outputs.len(), defined.places.len());
        for (place, value) in defined.places.iter().zip(outputs) {
            let anchored = anchor.output.pointer(place).unwrap_or_else(|| panic!("{}: no {place}", anchor.id));
            // no value in the range of f64, or none that the bound can hold
            let (Some(right), Ok(value)) = (anchored.as_f64(), value) else { continue };
            if (value.value - right).abs() > value.bound + ulp(right) {
                let which = format!("{}{place}", anchor.id);
                compared.differ.push(format!("{which}: {right:e} is not {:e} ± {:e}", value.value, value.bound));
            } else if value.bound <= 1e-3 * right.abs() || value.bound == 0.0 {
                compared.agree += 1;
            }
        }
    }
}

/// Every anchored value of every formula lies within the bounds of the graphs that `graphs` gives, and
/// these say something of enough of them.
fn all_hold_the_anchors(what: &str, graphs: impl Fn(&Formula, &Anchor) -> Result<Vec<Defined>>) {
    for formula in catalog::FORMULAS {
        let (mut compared, all) = (Compared::default(), anchors(formula));
        for anchor in &all {
            compare(anchor, graphs(formula, anchor), &mut compared);
        }
        assert!(compared.differ.is_empty(), "the {what} of {}:\n{}", formula.id, compared.differ.join("\n"));
        println!("{}: {} values", formula.id, compared.agree);
        // one value per anchor, on the average, is where the enclosures begin to say something
        assert!(
            compared.agree >= all.len(),
            "the {what} of {} says something of {} values only",
            formula.id,
            compared.agree
        );
    }
}

/// Every anchored value is the one nearest to that of the graphs.
fn all_round_to_the_anchors(graphs: impl Fn(&Formula, &Anchor) -> Result<Vec<Defined>>) {
    let (mut same, mut undefined) = (0, 0);
    for formula in catalog::FORMULAS {
        for anchor in anchors(formula) {
            for defined in graphs(formula, &anchor).unwrap() {
                let values = nearest(&defined.graph, &defined.values().collect::<Vec<_>>());
                for (place, value) in defined.places.iter().zip(values) {
                    let right = common::number(anchor.output.pointer(place).unwrap()).unwrap();
                    match &value {
                        Ok(value) => assert!(*value == right, "{}{place}: {value:e}, by mpmath {right:e}", anchor.id),
                        Err(_) => undefined += 1,
                    }
                    same += usize::from(value.is_ok());
                }
            }
        }
    }
    println!("{same} values are those of mpmath, {undefined} are not defined");
    assert!(same > 50 * undefined);
}

#[test]
fn every_definition_holds_the_anchors() {
    all_hold_the_anchors("definition", |formula, anchor| definition(formula, anchor, None));
}

#[test]
fn every_textbook_algorithm_holds_the_anchors() {
    all_hold_the_anchors("textbook", textbook);
}

#[test]
fn every_definition_rounds_to_the_anchors() {
    all_round_to_the_anchors(|formula, anchor| definition(formula, anchor, None));
}

#[test]
fn every_textbook_algorithm_rounds_to_the_anchors() {
    all_round_to_the_anchors(textbook);
}

/// A budget is found by place: what the textbook leaves out would be promised nothing.
#[test]
fn every_textbook_algorithm_has_the_places_of_the_definition() {
    for formula in catalog::FORMULAS {
        for anchor in anchors(formula) {
            let places = |defined: Vec<Defined>| -> BTreeSet<String> {
                defined.into_iter().flat_map(|defined| defined.places).collect()
            };
            let defined = places(definition(formula, &anchor, None).unwrap());
            assert_eq!(places(textbook(formula, &anchor).unwrap()), defined, "{}", anchor.id);
        }
    }
}

#[test]
fn every_mistake_shows_at_an_anchor() {
    for formula in catalog::FORMULAS {
        for mistake in formula.mistakes {
            let mut compared = Compared::default();
            for anchor in anchors(formula) {
                compare(&anchor, definition(formula, &anchor, Some(mistake.id)), &mut compared);
            }
            assert!(!compared.differ.is_empty(), "no anchor of {} shows the mistake {}", formula.id, mistake.id);
        }
    }
}

#[test]
fn every_convention_changes_the_value_of_an_anchor() {
    let without = |input: &Value, axis: &str| {
        let mut input = input.clone();
        input["conventions"].as_object_mut().map(|c| c.remove(axis));
        input
    };
    for formula in catalog::FORMULAS {
        let anchors = anchors(formula);
        for axis in formula.axes {
            for option in &axis.options[1..] {
                let chosen = |a: &&Anchor| a.input["conventions"][axis.id].as_str() == Some(option.id);
                let changes = |a: &Anchor| {
                    let with = catalog::evaluate(formula.id, a.input.clone());
                    with != catalog::evaluate(formula.id, without(&a.input, axis.id))
                };
                assert!(
                    anchors.iter().filter(chosen).any(changes),
                    "no anchor of {} shows {} = {:?}",
                    formula.id,
                    axis.id,
                    option.id
                );
            }
        }
    }
}
