//! Judges that a statement tries to deceive.

use gradproof::claim::{Claim, Control, Instance, Kind, Toward, Verdict};
use gradproof::expression::{absolute, constant, ratio, sum};
use gradproof::judges::{Judge, Opinion, Run};
use gradproof::verify;

fn run() -> Run {
    Run::new(200, 11)
}

fn opinion(judge: Judge, instance: &Instance) -> Opinion {
    judge.decide(instance, &run(), "deceived").opinion
}

fn claim(kind: Kind, instance: Instance, control: Instance) -> Verdict {
    let claim = Claim::proved("test/claim", kind, "a statement").at(instance).control("control", control);
    assert!(matches!(claim.control, Control::Mistake { .. }));
    verify::decide(&claim, &[], &run()).verdict
}

fn square() -> Instance {
    Instance::equal("x", |inputs| {
        let x = inputs.real("x");
        vec![((x + 1).squared(), x * x + 2 * x + 1)]
    })
}

fn no_square() -> Instance {
    Instance::equal("x", |inputs| {
        let x = inputs.real("x");
        vec![((x + 1).squared(), x * x + 1)]
    })
}

#[test]
fn a_judge_that_accepts_its_control_is_not_heard() {
    assert_eq!(claim(Kind::Identity, square(), no_square()), Verdict::Proved);
    assert_eq!(claim(Kind::Identity, square(), square()), Verdict::Undecided);
}

/// Only the prime field knows this derivative: e^(e^100) is past every range, and the graph is too large to be
/// written out.
#[test]
fn a_gradient_needs_two_independent_judges() {
    let instance = |factor: i64| {
        Instance::gradient("150 variables", |inputs| {
            let x = inputs.reals("x", 150);
            let large = constant(100).exp();
            let f = sum(x.iter().map(|&x| (large * x * x).exp()));
            let gradient = x.iter().map(|&x| factor * large * x * (large * x * x).exp()).collect();
            (f, x, gradient)
        })
    };
    assert!(matches!(opinion(Judge::PrimeField, &instance(2)), Opinion::Proves { .. }));
    assert_eq!(claim(Kind::Gradient, instance(2), instance(3)), Verdict::Undecided);
}

#[test]
fn roots_whose_branches_depend_on_each_other_are_not_proved() {
    let of_a_square = Instance::equal("√x² and x", |inputs| {
        let x = inputs.real("x");
        vec![((x * x).sqrt(), x)]
    });
    let of_a_product = Instance::equal("√x√y and √xy", |inputs| {
        let (x, y) = (inputs.real("x"), inputs.real("y"));
        vec![(x.sqrt() * y.sqrt(), (x * y).sqrt())]
    });
    for instance in [of_a_square, of_a_product] {
        for judge in [Judge::Algebra, Judge::PrimeField] {
            assert!(!matches!(opinion(judge, &instance), Opinion::Proves { .. }), "{}", judge.name());
        }
    }
}

/// Two logarithms of a degree past the size of the prime may have been taken for one.
#[test]
fn the_degree_of_what_is_named_counts() {
    let instance = Instance::equal("u of degree 2^124", |inputs| {
        let (a, b) = (inputs.positive("a"), inputs.positive("b"));
        let u = a.powi(1 << 62).powi(1 << 62) + b;
        vec![(2 * u.ln() - u.ln(), u.ln())]
    });
    assert!(!matches!(opinion(Judge::PrimeField, &instance), Opinion::Proves { .. }));
}

#[test]
fn duals_say_nothing_where_no_digit_is_left() {
    let instance = Instance::gradient("a lost in 10^40", |inputs| {
        let a = inputs.real("a");
        let lost = (a + constant(10).powi(40)) - constant(10).powi(40);
        (lost.squared(), vec![a], vec![7 * a + (lost - lost)])
    });
    assert!(matches!(opinion(Judge::Dual, &instance), Opinion::Abstains(_)));
}

#[test]
fn a_limit_that_is_not_reached_is_none() {
    let tends_to = |limit: (i64, i64)| {
        Instance::limit("t → ∞", Toward::Infinity, |inputs| {
            let t = inputs.positive("t");
            (t, vec![(1 / t + ratio(1, 2000), ratio(limit.0, limit.1))])
        })
    };
    assert!(matches!(opinion(Judge::Limit, &tends_to((1, 2000))), Opinion::Agrees));
    assert!(matches!(opinion(Judge::Limit, &tends_to((0, 1))), Opinion::Differs(_)));
}

/// |a| has no derivative at 0, so nothing is refuted there.
#[test]
fn a_gradient_is_not_refuted_at_a_kink() {
    let instance = Instance::gradient("|a|", |inputs| {
        let a = inputs.real("a");
        (absolute(a), vec![a], vec![a / absolute(a)])
    });
    let wrong_at_zero = Instance::gradient("|a|", |inputs| {
        let a = inputs.real("a");
        (absolute(a), vec![a], vec![gradproof::expression::by_sign(a, constant(-1), constant(1), constant(1))])
    });
    for instance in [instance, wrong_at_zero] {
        for judge in [Judge::Search, Judge::Enclosure] {
            assert!(!matches!(opinion(judge, &instance), Opinion::Refutes(_)), "{}", judge.name());
        }
    }
}

/// True on every branch, but x² is always a square: its branch cannot be drawn, so nothing is proved.
#[test]
fn branches_that_cannot_be_drawn_prove_nothing() {
    let instance = Instance::equal("(√x²)² and x²", |inputs| {
        let x = inputs.real("x");
        let root = (x * x).sqrt();
        vec![(root * root, x * x)]
    });
    assert!(matches!(opinion(Judge::PrimeField, &instance), Opinion::Abstains(_)));
}
