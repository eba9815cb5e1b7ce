//! Gradients in numbers, held to the derivatives of their loss.

use gradproof::catalog;
use gradproof::expression::derivative::with_gradient;
use gradproof::expression::{Expr, Graph, absolute, constant, maximum, ratio, sum, variable, variables};
use gradproof::judges::gradient::{Answer, Components, Gradient};
use gradproof::losses::cross_entropy::{cross_entropy, gradient};
use gradproof::number::nearest;
use serde_json::json;

fn in_every_component(loss: &Graph, at: &[f64], claimed: &[f64], ulps: f64) -> Components {
    Gradient { loss, at, claimed, ulps }.in_every_component().unwrap()
}

fn along(loss: &Graph, at: &[f64], claimed: &[f64], seed: u64) -> Answer {
    Gradient { loss, at, claimed, ulps: 0.5 }.along_a_direction(seed).unwrap().answer
}

/// Logits, and the oracle's gradient of cross-entropy with the second class as the target.
fn row(classes: usize, target: f64) -> (Vec<f64>, Vec<f64>) {
    let mut z: Vec<f64> = (0..classes).map(|i| (i * i % 101) as f64 / 17.0 - 3.0).collect();
    z[1] = target;
    let output = catalog::evaluate("cross-entropy", json!({ "logits": [z], "targets": [1] })).unwrap();
    let gradient = output["gradient"][0].as_array().unwrap().iter().map(|g| g.as_f64().unwrap()).collect();
    (z, gradient)
}

fn loss(classes: usize) -> Graph {
    Graph::build(|| vec![cross_entropy(&variables("z", classes), 1)])
}

#[test]
fn the_oracle_s_gradient_is_the_nearest_f64_in_every_component() {
    for (classes, target) in [(2, 0.0), (1000, 0.5), (50, 40.0), (50, 300.0), (50, -300.0)] {
        let (z, gradient) = row(classes, target);
        let found = in_every_component(&loss(classes), &z, &gradient, 0.5);
        assert_eq!((&found.answer, found.nearest), (&Answer::Right, classes), "{found:?}");
        assert_eq!(along(&loss(classes), &z, &gradient, 5), Answer::Right);
        assert!(found.worst_ulps <= 0.5, "{found:?}");
    }
}

#[test]
fn one_component_that_is_an_ulp_off_is_found() {
    let (z, right) = row(300, 2.0);
    let graph = loss(300);
    for i in [0, 1, 299] {
        let mut claimed = right.clone();
        claimed[i] = right[i].next_up();
        let found = in_every_component(&graph, &z, &claimed, 0.5);
        assert_eq!((found.answer, found.nearest, found.worst), (Answer::Wrong, 299, i));
        assert_eq!(found.right, right[i]);
        assert!((0.5..=1.5).contains(&found.worst_ulps));
        assert_eq!(in_every_component(&graph, &z, &claimed, 1.5).answer, Answer::Right);
    }
}

#[test]
fn a_direction_shows_an_error_in_one_component_of_many() {
    let classes = 5000;
    let (z, right) = row(classes, 2.0);
    let graph = loss(classes);
    for seed in 0..10 {
        assert_eq!(along(&graph, &z, &right, seed), Answer::Right);
        // of what is allowed, Σ |u_i| ulp(g_i)/2 is about 10^−17: this error is overlooked once in 10^4 seeds
        let mut claimed = right.clone();
        claimed[seed as usize * 500] += 1e-13;
        assert_eq!(along(&graph, &z, &claimed, seed), Answer::Wrong, "seed {seed}");
    }
    let without_one_hot: Vec<f64> = right.iter().enumerate().map(|(i, g)| if i == 1 { g + 1.0 } else { *g }).collect();
    assert_eq!(along(&graph, &z, &without_one_hot, 7), Answer::Wrong);
}

/// Every operation of graphs that has a derivative here, each of several variables.
fn all_operations(x: &[Expr]) -> Expr {
    let [a, b, c] = [x[0], x[1], x[2]];
    let s = a * b + b / c - (a + b * c).exp() * ratio(1, 7);
    let t = (1 + s.squared()).ln() + (a * a + c * c).sqrt() + (b / 3).ln_1p() + (a * c).exp_m1();
    t.powi(3) / (1 + c.powi(-2)) + absolute(b - 5) * a + t
}

/// The judge's duals beside the graph's reverse derivative by enclosures of any precision, which share no code.
#[test]
fn derivatives_are_those_of_the_reverse_graph() {
    let loss = Graph::build(|| vec![all_operations(&variables("x", 3))]);
    let reverse = with_gradient(&loss, 0, &[0, 1, 2]);
    for at in [[0.3, 1.25, -0.7], [-2.0, 0.1, 0.4], [1e-3, 6.5, 1.1], [0.0, 2.0, 1.0]] {
        let claimed: Vec<f64> = nearest(&reverse, &at).into_iter().skip(1).map(|g| g.unwrap()).collect();
        let found = in_every_component(&loss, &at, &claimed, 0.5);
        assert_eq!((&found.answer, found.nearest), (&Answer::Right, 3), "{at:?}: {found:?}");
        assert_eq!(along(&loss, &at, &claimed, 1), Answer::Right, "{at:?}");
        let turned: Vec<f64> = claimed.iter().map(|g| -g).collect();
        assert_eq!(along(&loss, &at, &turned, 1), Answer::Wrong, "{at:?}");
    }
}

/// A loss over many numbers, element by element with every operation that is computed run by run, and others.
fn of_many(x: &[Expr]) -> Expr {
    let largest = x[7];
    let terms = x.iter().enumerate().map(|(i, &x)| {
        let near = (x - largest).exp() / (2 + x * x);
        if i % 100 == 3 { (1 + near).ln() - absolute(x) } else { (near + 1).sqrt() - x }
    });
    (sum(terms) + x[0].exp_m1()) / 3 + (x[1] * x[2]).squared()
}

#[test]
fn a_loss_computed_run_by_run_has_the_derivatives_of_the_reverse_graph() {
    let many = 700;
    let loss = Graph::build(|| vec![of_many(&variables("x", many))]);
    let at: Vec<f64> = (0..many).map(|i| (i * i % 97) as f64 / 31.0 - 1.5).collect();
    let reverse = with_gradient(&loss, 0, &(0..many).collect::<Vec<_>>());
    let right: Vec<f64> = nearest(&reverse, &at).into_iter().skip(1).map(|g| g.unwrap()).collect();
    for seed in 0..4 {
        assert_eq!(along(&loss, &at, &right, seed), Answer::Right);
        for i in [0, 1, 3, 7, 100, 699] {
            let mut claimed = right.clone();
            claimed[i] *= 1.0 - 1e-10;
            assert_eq!(along(&loss, &at, &claimed, seed), Answer::Wrong, "component {i}, seed {seed}");
        }
    }
}

#[test]
fn errors_that_cancel_in_a_sum_are_found_however_far_apart() {
    let many = 40_000;
    let loss = Graph::build(|| vec![sum(variables("x", many).into_iter().map(|x| x * x))]);
    let at: Vec<f64> = (0..many).map(|i| (i % 89) as f64 / 8.0 - 5.0).collect();
    let right: Vec<f64> = at.iter().map(|x| 2.0 * x).collect();
    assert_eq!(along(&loss, &at, &right, 1), Answer::Right);
    for apart in [1, 4096, 16_384, 32_768] {
        let mut claimed = right.clone();
        claimed[5] += 1e-7;
        claimed[5 + apart] -= 1e-7;
        assert_eq!(along(&loss, &at, &claimed, 1), Answer::Wrong, "{apart} apart");
    }
}

#[test]
fn a_kink_among_many_terms_leaves_a_direction_open() {
    let loss = Graph::build(|| vec![sum(variables("x", 200).into_iter().map(|x| absolute(x - 1) * x))]);
    let (mut at, claimed) = (vec![2.0; 200], vec![3.0; 200]);
    assert_eq!(along(&loss, &at, &claimed, 1), Answer::Right);
    at[150] = 1.0;
    assert!(matches!(along(&loss, &at, &claimed, 1), Answer::Open(reason) if reason.contains("kink")));
}

/// Logits past what exponentials are taken of in vectors.
#[test]
fn logits_far_apart_are_decided_too() {
    for (target, masked) in [(0.5, -1e9), (650.0, -3.0), (-650.0, 2.0), (705.0, -1e308)] {
        let (mut z, _) = row(500, target);
        z.iter_mut().skip(2).step_by(3).for_each(|z| *z = masked);
        let output = catalog::evaluate("cross-entropy", json!({ "logits": [z], "targets": [1] })).unwrap();
        let right: Vec<f64> = output["gradient"][0].as_array().unwrap().iter().map(|g| g.as_f64().unwrap()).collect();
        for seed in 0..3 {
            assert_eq!(along(&loss(500), &z, &right, seed), Answer::Right, "{target} {masked}");
            let mut claimed = right.clone();
            claimed[0] += 1e-9;
            assert_eq!(along(&loss(500), &z, &claimed, seed), Answer::Wrong, "{target} {masked}");
        }
    }
}

#[test]
fn where_there_is_no_derivative_nothing_is_said() {
    let kink = Graph::build(|| vec![absolute(variable("x"))]);
    assert!(
        matches!(in_every_component(&kink, &[0.0], &[0.0], 0.5).answer, Answer::Open(reason) if reason.contains("kink"))
    );
    assert!(matches!(along(&kink, &[0.0], &[0.0], 1), Answer::Open(_)));
    assert_eq!(in_every_component(&kink, &[-2.0], &[-1.0], 0.0).answer, Answer::Right);
    let largest = Graph::build(|| vec![maximum(&variables("x", 2))]);
    assert!(matches!(in_every_component(&largest, &[0.0, 1.0], &[0.0, 1.0], 0.5).answer, Answer::Open(_)));
    let root = Graph::build(|| vec![variable("x").sqrt()]);
    assert!(matches!(in_every_component(&root, &[0.0], &[0.0], 0.5).answer, Answer::Open(_)));
    // a variable that the loss does not use has the derivative 0
    let unused = Graph::build(|| {
        variables("x", 2);
        vec![constant(3)]
    });
    assert_eq!(in_every_component(&unused, &[1.0, 2.0], &[0.0, 0.0], 0.0).answer, Answer::Right);
}

#[test]
fn what_numbers_of_104_bits_lack_is_decided_by_enclosures() {
    let loss = Graph::build(|| vec![variable("x").sin() + variable("y") * variable("z").cos()]);
    let at: [f64; 3] = [0.5, 2.0, 3.0];
    let reverse = with_gradient(&loss, 0, &[0, 1, 2]);
    let claimed: Vec<f64> = nearest(&reverse, &at).into_iter().skip(1).map(|g| g.unwrap()).collect();
    let found = in_every_component(&loss, &at, &claimed, 0.5);
    assert_eq!((&found.answer, found.nearest), (&Answer::Right, 3), "{found:?}");
    assert_eq!(along(&loss, &at, &claimed, 3), Answer::Right);
    assert_eq!(along(&loss, &at, &[claimed[0], claimed[1], -claimed[2]], 3), Answer::Wrong);
}

#[test]
fn a_claim_in_symbols_and_one_in_numbers_agree() {
    // the closed form by enclosures is the oracle's answer
    let (z, right) = row(40, 1.0);
    let closed = Graph::build(|| gradient(&variables("z", 40), 1));
    let closed: Vec<f64> = nearest(&closed, &z).into_iter().map(|g| g.unwrap()).collect();
    assert_eq!(closed, right);
    assert_eq!(in_every_component(&loss(40), &z, &closed, 0.5).answer, Answer::Right);
}

#[test]
fn what_cannot_be_a_gradient_is_named() {
    let loss = loss(2);
    let two = Graph::build(|| variables("x", 2));
    let (at, claimed): (&[f64], &[f64]) = (&[1.0, 2.0], &[0.3, -0.3]);
    let whole = Gradient { loss: &loss, at, claimed, ulps: 0.5 };
    let bad = [
        (Gradient { loss: &two, ..whole }, "loss: found length 2, allowed is 1 output"),
        (Gradient { at: &at[..1], ..whole }, "at: found length 1, allowed is 2, one for each variable of the loss"),
        (Gradient { claimed: &[0.0, f64::NAN], ..whole }, "claimed[1]: found NaN, allowed is a finite number"),
        (Gradient { ulps: -1.0, ..whole }, "ulps: found -1, allowed is a finite number that is not negative"),
        (Gradient { ulps: f64::INFINITY, ..whole }, "ulps: found inf, allowed is a finite number that is not negative"),
    ];
    for (gradient, message) in bad {
        assert_eq!(gradient.in_every_component().unwrap_err().to_string(), message);
        assert_eq!(gradient.along_a_direction(1).unwrap_err().to_string(), message);
    }
}
