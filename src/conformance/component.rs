//! What of an optimizer's step is off, as far as the parameters before and after it show.

use super::repro::{Place, number, rate};
use crate::comparison::Compared;
use serde_json::Value;

/// The moments by their names in an output, in the order in which a step computes them.
const MOMENTS: [(&str, &str); 5] = [
    ("m", "the first moment m"),
    ("v", "the second moment v"),
    ("v_max", "the largest second moment"),
    ("h", "the Hessian estimate h"),
    ("buf", "the momentum buffer"),
];

/// How near a difference has to come to what would explain it.
const NEAR: f64 = 0.01;

/// What of the step at this place is off: a moment that the subject shows, the decay, the rate, or the
/// direction. `found` and `right` are the whole outputs, `exceeding` the numbers that are too far off.
pub(super) fn component(
    input: &Value,
    at: &Place,
    exceeding: &[Compared],
    found: &Value,
    right: &Value,
) -> &'static str {
    let of_moment = |(name, words): &(&str, &'static str)| {
        let place = format!("/steps/{}/{name}/{}/{}", at.step, at.tensor, at.element);
        exceeding.iter().any(|c| c.place == place).then_some(*words)
    };
    if let Some(words) = MOMENTS.iter().find_map(of_moment) {
        return words;
    }
    let moves: Vec<Move> =
        (0..).map_while(|element| Move::of(input, &Place { element, ..at.clone() }, found, right)).collect();
    let Some(one) = moves.get(at.element) else { return "the parameters" };
    let near = |x: f64, y: f64| y != 0.0 && (x - y).abs() <= NEAR * y.abs();
    let decay = rate(input, at.step) * input.get("weight_decay").map_or(0.0, number) * one.theta;
    // left out, taken twice, turned, or turned and doubled
    if [1.0, -1.0, 2.0, -2.0].iter().any(|&times| near(one.found - one.right, times * decay)) {
        return "the decay";
    }
    if moves.iter().all(|m| m.found == 0.0) {
        return "the rate, or the parameters are not written back";
    }
    // every element is moved in the same proportion, which is not 1
    let proportion = one.found / one.right;
    if moves.len() > 1 && proportion > 0.0 && moves.iter().all(|m| near(m.found, proportion * m.right)) {
        return "the rate";
    }
    "the direction"
}

/// How far an element is moved in a step.
struct Move {
    /// The parameter before the step.
    theta: f64,
    found: f64,
    right: f64,
}

impl Move {
    /// The move at a place; `None` past the tensor's end.
    fn of(input: &Value, at: &Place, found: &Value, right: &Value) -> Option<Move> {
        let Place { step, tensor, element, .. } = *at;
        let start = number(input["params"].get(tensor)?.get(element)?);
        let after = |output: &Value, step: usize| number(&output["steps"][step]["params"][tensor][element]);
        let before = |output: &Value| step.checked_sub(1).map_or(start, |earlier| after(output, earlier));
        let theta = before(right);
        Some(Move { theta, found: after(found, step) - before(found), right: after(right, step) - theta })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const DECAY: f64 = 0.5;
    const RATE: f64 = 0.25;

    /// Three steps of two parameters, of which the last is `last`; the right one moves by 1 and −2 and the
    /// decay.
    fn component_of(last: impl Fn(f64, f64) -> f64) -> &'static str {
        let input = json!({ "params": [[3.0, -5.0]], "lr": RATE, "weight_decay": DECAY });
        let stepped = |theta: &[f64; 2], to: &dyn Fn(f64, f64) -> f64| [to(theta[0], 1.0), to(theta[1], -2.0)];
        let right = |theta: f64, u: f64| theta - RATE * (u + DECAY * theta);
        let first = stepped(&[3.0, -5.0], &right);
        let second = stepped(&first, &right);
        let output = |third: [f64; 2]| {
            let steps = [first, second, third].map(|params| json!({ "params": [params] }));
            json!({ "steps": steps })
        };
        let (right, found) = (output(stepped(&second, &right)), output(stepped(&second, &last)));
        let at = Place { step: 2, field: "params".into(), tensor: 0, element: 0 };
        component(&input, &at, &[], &found, &right)
    }

    #[test]
    fn what_is_off_is_told_at_a_late_step() {
        assert_eq!(component_of(|theta, u| theta - RATE * u), "the decay");
        assert_eq!(component_of(|theta, u| theta - RATE * (u - DECAY * theta)), "the decay");
        assert_eq!(component_of(|theta, u| theta - 2.0 * RATE * (u + DECAY * theta)), "the rate");
        assert_eq!(component_of(|theta, u| theta - RATE * (u * u + DECAY * theta)), "the direction");
        assert!(component_of(|theta, _| theta).contains("not written back"));
    }

    #[test]
    fn a_moment_that_is_shown_and_off_comes_first() {
        let input = json!({ "params": [[3.0]], "lr": RATE });
        let output = |x: f64| json!({ "steps": [{ "params": [[x]], "v": [[x]] }] });
        let off = |place: &str| Compared { place: place.into(), found: 1.0, right: 2.0, allowed: Ok(0.1) };
        let at = Place { step: 0, field: "params".into(), tensor: 0, element: 0 };
        let exceeding = [off("/steps/0/params/0/0"), off("/steps/0/v/0/0")];
        assert_eq!(component(&input, &at, &exceeding, &output(1.0), &output(2.0)), "the second moment v");
    }
}
