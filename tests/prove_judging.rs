//! Statements of strangers, on graphs: verdicts, hints, and what would take too long.

use gradproof::claim::{Domain, Inputs, Instance, Verdict};
use gradproof::expression::{Expr, absolute, constant, larger, ratio, sigmoid, softmax, sum};
use gradproof::prove::{AtSize, Decided, that};
use std::time::Duration;

fn equal(sides: impl FnOnce(&Inputs) -> (Expr, Expr)) -> Decided {
    that("a statement").at(Instance::equal("", |inputs| vec![sides(inputs)])).cases(50).decide()
}

fn hint(decided: &Decided) -> &str {
    decided.must_be(Verdict::Refuted);
    decided.hint.as_deref().unwrap_or_default()
}

fn says(decided: Decided, wanted: &str) {
    assert!(hint(&decided).starts_with(wanted), "{wanted:?} expected: {decided:#?}");
}

#[test]
fn what_is_wrong_is_said() {
    let sides = |wrong: fn(Expr, Expr) -> (Expr, Expr)| {
        equal(|inputs| {
            let (a, b) = (inputs.real("a"), inputs.positive("b"));
            wrong(a.exp(), b)
        })
    };
    says(sides(|power, _| (power, -power)), "the sign is flipped");
    says(sides(|power, b| (b * power, power)), "a factor is missing: b");
    says(sides(|power, b| (power / (2 * b), power)), "a factor is missing: 1/(2*b)");
    says(sides(|power, b| (power + b, power)), "a term is missing: b in the right side");
    says(sides(|power, b| (power - b.ln(), power + b.ln())), "the sign of a term is flipped: log(b)");
}

#[test]
fn sizes_and_indices_have_names() {
    let mean = |n: usize| AtSize {
        instance: Instance::equal(format!("n = {n}"), |inputs| {
            let x = inputs.reals("x", n);
            vec![(sum(x.iter().copied()) / n as i64, sum(x.iter().copied()))]
        }),
        sizes: vec![("n".into(), n as i64)],
        components: vec![Vec::new()],
    };
    says(that("the mean is the sum").at_size(mean(2)).at_size(mean(3)).decide(), "a factor is missing: 1/n");
    let jacobian = AtSize {
        instance: Instance::equal("n = 2", |inputs| {
            let p = softmax(&inputs.reals("z", 2));
            let entry = |i: usize, j: usize| p[i] * (i64::from(i == j) - p[j]);
            let claimed = |i: usize, j: usize| if i == j { p[i] * (1 - p[i]) } else { constant(0) };
            [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(i, j)| (entry(i, j), claimed(i, j))).to_vec()
        }),
        sizes: vec![("n".into(), 2)],
        components: [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(i, j)| vec![("i".into(), i), ("j".into(), j)]).to_vec(),
    };
    says(that("only the diagonal").at_size(jacobian).decide(), "the diagonal is right and the rest is not");
}

#[test]
fn names_and_parts_are_put_right() {
    says(
        equal(|i| {
            let (x, y, tau) = (i.real("x"), i.real("y"), i.positive("tau"));
            ((x / tau).exp() + (y / tau).exp(), (x / tau).exp() + y.exp())
        }),
        "right only for tau = 1",
    );
    says(
        equal(|i| {
            let (x, y) = (i.real("x"), i.real("y"));
            (x - y * y, y - x * x)
        }),
        "right once x and y are swapped",
    );
    says(
        equal(|i| {
            let (u, c) = (i.real("u"), i.positive("c"));
            ((1 + c) * sigmoid(-u) + c, (1 + c) * sigmoid(u) + c)
        }),
        "right with -u in the place of u",
    );
}

#[test]
fn where_it_is_wrong_is_said() {
    says(
        equal(|i| {
            let x = i.real("x");
            (absolute(x), larger(x, -x) + absolute(absolute(gradproof::expression::sign(x)) - 1))
        }),
        "right away from the kink and wrong at it: where x = 0",
    );
    says(
        equal(|i| {
            let x = i.real("x");
            ((x * x).sqrt(), x)
        }),
        "right where x > 0",
    );
    // right at r = 1 whatever the others are, and in a region around it
    let decided = equal(|i| {
        let (r, a, eps) = (i.real("r"), i.real("a"), i.positive("eps"));
        (a * (1 + gradproof::expression::sign(eps - absolute(r - 1))) / 2, a)
    });
    decided.must_be(Verdict::Refuted);
    assert!(!hint(&decided).contains("right only for r"), "{}", hint(&decided));
}

#[test]
fn small_differences_are_found_by_more_bits() {
    // 10^−30 beside 1
    let decided = equal(|i| {
        let x = i.unit("x");
        (1 + x / 2, 1 + x / 2 + constant(10).powi(-30))
    });
    decided.must_be(Verdict::Refuted);
    // e^1000 is past the range of f64
    equal(|i| {
        let x = i.declare("x", Domain::Between(1000.0, 1001.0));
        (x.exp(), x.exp() + x)
    })
    .must_be(Verdict::Refuted);
}

#[test]
fn inequalities_are_proved_without_a_box() {
    let at_least = |sides: fn(&Inputs) -> (Expr, Expr)| {
        that("an inequality").at(Instance::at_least("", |i| vec![sides(i)])).cases(50).decide()
    };
    at_least(|i| {
        let x = i.real("x");
        (ratio(1, 4), sigmoid(x) * sigmoid(-x))
    })
    .must_be(Verdict::Proved);
    let wrong = at_least(|i| {
        let x = i.real("x");
        (ratio(1, 5), sigmoid(x) * sigmoid(-x))
    });
    wrong.must_be(Verdict::Refuted);
}

#[test]
fn relations_of_logarithms_and_roots_are_known() {
    equal(|i| {
        let (a, b) = (i.positive("a"), i.positive("b"));
        ((a * b).ln() + (a / b).sqrt(), a.ln() + b.ln() + a.sqrt() / b.sqrt())
    })
    .must_be(Verdict::Proved);
    equal(|i| {
        let x = i.real("x");
        ((x * x).sqrt(), absolute(x))
    })
    .must_be(Verdict::Proved);
}

/// Statements that would take the memory or the time of anything that wrote them out.
#[test]
fn what_is_too_large_comes_to_an_end() {
    type Sides = fn(&Inputs) -> (Expr, Expr);
    let decide = |sides: Sides| {
        that("large").at(Instance::equal("", |i| vec![sides(i)])).cases(20).within(Duration::from_secs(2)).decide()
    };
    let statements: [Sides; 8] = [
        |i| ((i.real("x") + 1).powi(1_000_000_000), i.real("y")),
        |i| (constant(10).powi(1_000_000_000) * i.real("x"), constant(10).powi(1_000_000_001)),
        |_| (constant(2).powi(i64::MAX).powi(i64::MAX), constant(3)),
        |i| ((0..60).fold(i.real("x"), |x, _| x * x), constant(1)),
        |_| ((0..60).fold(constant(3), |x, _| x * x), (0..59).fold(constant(3), |x, _| x * x)),
        |i| ((0..60).fold(i.real("x"), |x, _| x + x).exp(), constant(1)),
        |i| ((0..20).fold(i.real("x"), |x, _| x.exp()), constant(1)),
        |i| ((0..5_000).fold(i.real("x"), |x, _| 1 + 1 / (2 + x * x)).exp(), constant(1)),
    ];
    for statement in statements {
        assert_ne!(decide(statement).verdict, Verdict::Proved);
    }
    // and 20 nested powers have a degree past the range of f64, which is no bound
    let nested = equal(|i| {
        let x = (0..20).fold(i.real("x"), |x, _| x.powi(1 << 62)) + i.real("y");
        (2 * x.exp() - x.exp(), x.exp())
    });
    assert_ne!(nested.verdict, Verdict::Refuted);
}
