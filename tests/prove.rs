//! The language of `prove`: what it reads, what it refuses and where, and that no text does harm.

mod common;

use gradproof::claim::Verdict;
use gradproof::prove::{Limits, Unusable, prove};
use proptest::prelude::*;
use std::time::Duration;

fn limits() -> Limits {
    Limits { cases: 20, ..Limits::default() }
}

fn verdicts(text: &str) -> Vec<Verdict> {
    let proof = prove(text, &limits()).unwrap_or_else(|e| panic!("{text}: {e} {:?}", e.help));
    proof.claims.iter().map(|claim| claim.verdict).collect()
}

fn holds(text: &str) {
    assert!(verdicts(text).iter().all(|&verdict| verdict == Verdict::Proved), "{text}");
}

fn fails(text: &str) {
    assert!(verdicts(text).iter().all(|&verdict| verdict == Verdict::Refuted), "{text}");
}

#[test]
fn operators_bind_as_in_mathematics() {
    holds("x: real; -x^2 == -(x^2)");
    fails("x: real; -x^2 == (-x)^2");
    holds("2^3^2 == 512");
    holds("x: real; x^-2 * x^2 == 1");
    holds("a, b, c: real; a / b * c == (a / b) * c");
    fails("a, b, c: real; a / b * c == a / (b * c)");
    holds("x: real; 1 - x - 1 == -x");
    holds("x: real; x ** 2 == x * x");
    holds("0.1 + 0.2 == 0.3");
    holds("1e-3 == 1/1000");
}

#[test]
fn no_letter_is_taken() {
    holds("d, e, lambda, gamma: real; d * e == e * d\nd (d * e) / d e == d\nlambda - gamma == -(gamma - lambda)");
    // a size may be called d as well
    holds("z: vec[d]\nsum(z) / d == mean(z)");
}

#[test]
fn derivatives_are_what_they_are() {
    holds("x: real; d (x^3) / d x == 3 * x^2");
    holds("x, y: real; d^2 (x^2 * y^3) / d x d y == 6 * x * y^2");
    holds("x: real; d^3 (x^4) / d x^3 == 24 * x");
    holds("x: real; f = exp(2 * x); d f / d x == 2 * f");
    holds("z: vec[n]; d dot(z, z) / d z[i] == 2 * z[i]");
    holds("A: mat[m, n]; x: vec[n]; d sum(i, sum(j, A[i, j] * x[j])) / d x[j] == sum(i, A[i, j])");
    holds("x > 0; t: real; d (x^t) / d t == x^t * log(x)");
    // inside an expression
    holds("x: real; x * d (x^2) / d x == 2 * x^2");
    // the same derivative, named on the right
    holds("x: real; 2 * x == d (x^2) / d x");
    fails("x: real; d (x^3) / d x == 2 * x^2");
    // by a bounded number, which is kept as its distance from the bound
    holds("x > 3; d (x^2) / d x == 2 * x");
    holds("x < 3; d (x^2) / d x == 2 * x");
    holds("p: prob[n]; H = sum(i, p[i]^2); d H / d p[i] == 2 * p[i]");
}

#[test]
fn indices_run_over_what_they_index() {
    holds("z: vec[n]; y: index[n]; sum(i, z[i] * [i == y]) == z[y]");
    holds("z: vec[n]; sum(i, z[i]) - z[0] == sum(i, [i != 0] * z[i])");
    holds("z: vec[5]; sum(i < 3, z[i]) == z[0] + z[1] + z[2]");
    holds("n = 2..4; z: vec[n]; sum(i < n, 1) == n");
    holds("ys: index[n][B]; Z: mat[B, n]; sum(b, Z[b, ys[b]]) == sum(b, sum(i, [i == ys[b]] * Z[b, i]))");
    // an inner index of the same name hides the outer one
    holds("z: vec[n]; z[i] * sum(i, z[i]) == z[i] * sum(z)");
    holds("z: vec[n]; a[i] = 2 * z[i]; a[j] == 2 * z[j]; sum(a) == 2 * sum(z)");
    holds("K: mat[m, n]; q: vec[n]; s[j] = dot(q, K[j]); s[j] == sum(a, q[a] * K[j, a])");
    holds("K: mat[m, n]; K[i][j] == K[i, j]");
    holds("p: prob[n]; sum(p) == 1; expect(y ~ p, [y == k]) == p[k]");
    fails("z: vec[n]; sum(i, z[i]) == n * z[0]");
}

#[test]
fn brackets_compare() {
    holds("x: real; [x > 0] + [x <= 0] == 1");
    holds("x: real; [x > 0 and x > 1] == [x > 1] * [x > 0]");
    holds("z: vec[n]; sum(i < n, sum(j < n, [i == j])) == n");
    holds("z: vec[n]; sum(i < n, [0 < i < 2 or i == 0] * 1) == sum(i < n, [i < 2])");
}

#[test]
fn domains_are_used() {
    holds("x > 0; abs(x) == x");
    fails("x: real; abs(x) == x");
    holds("x >= 0; sqrt(x)^2 == x");
    holds("0 < p < 1; log(p / (1 - p)) == log(p) - log(1 - p)");
    holds("x > 2; abs(x - 2) == x - 2");
    holds("x, y: real; assume x < y; abs(x - y) == y - x");
    fails("x, y: real; abs(x - y) == y - x");
    holds("t: int >= 1; 0 < b < 1; b^t * b == b^(t + 1)");
    // true of whole numbers from 1 alone, and never refuted by others
    assert_ne!(verdicts("t: int >= 1; (t - 1/2)^2 > 1/5"), [Verdict::Refuted]);
    fails("t: int >= 1; t^2 > 1");
}

#[test]
fn a_chain_is_several_claims() {
    let proof = prove("x: real\n0 <= sigmoid(x) <= 1", &limits()).unwrap();
    assert_eq!(
        proof.claims.iter().map(|claim| claim.id.as_ref()).collect::<Vec<_>>(),
        ["line 2, claim 1", "line 2, claim 2"]
    );
    assert!(proof.claims.iter().all(|claim| claim.verdict != Verdict::Refuted));
}

#[test]
fn sizes_are_part_of_the_statement() {
    let scope = |text: &str| prove(text, &limits()).unwrap().claims[0].scope.to_string();
    assert!(scope("z: vec[n]; sum(z) == n * mean(z)").contains("n = 2; n = 3"));
    assert!(scope("n = 5; z: vec[n]; sum(z) == n * mean(z)").starts_with("n = 5 "));
    // a literal index needs its place
    assert!(scope("z: vec[n]; z[4] + z[0] == z[0] + z[4]").starts_with("n = 5"));
    // true of two, false of three
    fails("z: vec[n]; sum(i, z[i]) == z[0] + z[1]");
}

#[test]
fn a_counterexample_is_small_and_checked() {
    let proof = prove("x, y: real; (x + y)^2 == x^2 + y^2", &limits()).unwrap();
    let found = proof.claims[0].counterexample.clone().unwrap();
    let point: Vec<(&str, &str)> = found.point.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(point, [("x", "1"), ("y", "1")]);
    assert_eq!((found.left.as_str(), found.right.as_str()), ("4", "2"));
}

/// Texts that cannot be used, each for another reason.
const UNUSABLE: &[&str] = &[
    "",
    "# nothing but a comment",
    "x: real",
    "x + 1",
    "x: real\nx + y == y + x",
    "z: vec[n]\nsofmax(z)[0] == 1",
    "z: vec[n]\nsoftmax(z) == lse(z)",
    "x: real\n2x == x + x",
    "x: real\n2(x + 1) == 2 * x + 2",
    "x: real\nx(x + 1) == x * x + x",
    "x, y: real\nx y == y x",
    "z: vec[n]\nw: vec[m]\nz + w == w + z",
    "z: vec[n]\nz == 1\nsoftmax(z) == z[0]\nK: mat[m, n]\nK == z",
    "z: vec[n]\nK: mat[m, n]\nsum(j, z[j] * K[j, j]) == 0",
    "z: vec[3]\nz[3] == z[0]",
    "z: vec[n]\nz[-1] == z[0]",
    "z: vec[n]\nx: real\nz[x] == z[0]",
    "z: vec[n]\nz[i + 1] == z[i]",
    "x: real\nx[0] == x",
    "z: vec[n]\nsum(j, 1) == n",
    "z: vec[n]\nd z / d z[0] == 1",
    "x: real\nd x / d (x + 1) == 1",
    "x: real\nd x / d == 1",
    "x, y: real\nd^2 x / d y == 0",
    "x: real\nx: real\nx == x",
    "exp: real\nexp == exp",
    "x: real\n(x + 1 == x",
    "x: real\nx + 1) == x",
    "x: real\nx == x; [",
    "x: real\n1 / (x - x) == 1",
    "x: complex\nx == x",
    "0 < x < 0\nx == x",
    "x > y\nx == x",
    "x: real\nassume x^2 < 0\nx == x",
    "x: real\nassume x == 1\nx == x",
    "x: real\nx != 1",
    "x: real\nx^(10^9) == 1",
    "x: real\nx == 1e999",
    "n = 0\nz: vec[n]\nsum(z) == 0",
    "n = 2..1000000\nz: vec[n]\nsum(z) == 0",
    "z: vec[1000000000]\nsum(z) == 0",
    "x: real\nclip(x, 1) == x",
    "x: real\nx == 1 $ 2",
    "x: real\nx == \u{1f600}",
    "z: vec[n]\ns[j] = z[0]\ns[0] == 1",
];

/// What is wrong with a text that cannot be used.
fn refused(text: &str) -> Unusable {
    match prove(text, &limits()) {
        Err(error) => error,
        Ok(proof) => panic!("{text:?} came out as {:?}", proof.claims[0].verdict),
    }
}

#[test]
fn errors_have_a_place_in_the_text() {
    for text in UNUSABLE {
        let at = refused(text).at;
        assert!(at.start <= at.end && at.end <= text.len(), "{text:?}: {at:?}");
    }
}

#[cfg(feature = "cli")]
#[test]
fn errors_point_into_the_text() {
    let shown: String = UNUSABLE.iter().map(|text| refused(text).rendered(text, "text") + "\n\n").collect();
    common::assert_snapshot("prove-errors", "what prove says of texts that it cannot use", &shown);
}

/// Decides a hostile text: any error and any verdict is right, in little time.
fn survives(text: &str) -> Result<(), Unusable> {
    let short = Limits { time: Duration::from_millis(300), cases: 10, seed: 1 };
    let started = std::time::Instant::now();
    let result = prove(text, &short).map(|_| ());
    // generous: what is bounded is work, and other tests run beside this one
    assert!(started.elapsed() < Duration::from_secs(30), "{:?} for {:.60}…", started.elapsed(), text);
    result
}

#[test]
fn hostile_texts_do_no_harm() {
    let deep = |open: &str, close: &str| format!("x: real\n{}x{} == x", open.repeat(10_000), close.repeat(10_000));
    for text in [
        deep("(", ")"),
        deep("exp(", ")"),
        deep("[x == ", "]"),
        deep("-", ""),
        deep("x^", ""),
        "x".repeat(1 << 20),
        format!("x: real\n{} == 1", vec!["x"; 20_000].join("+")),
        format!("x: real\n{} == 1", vec!["x"; 20_000].join("*")),
        format!("x: real\n{} == 1", vec!["x"; 5_000].join(" / ")),
        format!("x: real\n[{}] == 1", vec!["x > 0"; 5_000].join(" or ")),
        format!("x: real\n[{}] == 1", vec!["x > 0"; 5_000].join(" and ")),
        format!("x: real\n[{}] == 1", vec!["x"; 5_000].join(" < ")),
        // doubled again and again
        format!(
            "x: real\na0 = x + x^2\n{}a60 == x",
            (0..60).map(|i| format!("a{} = a{i} * a{i} + a{i}\n", i + 1)).collect::<String>()
        ),
        format!(
            "{}a200 == 1",
            (0..200)
                .map(|i| if i == 0 { "a1 = 3\n".into() } else { format!("a{} = a{i} * a{i}\n", i + 1) })
                .collect::<String>()
        ),
        "x: real\nd^2 f / d x == 1".into(),
        "Z: mat[4096, 4096]\nsum(Z) == 0".into(),
        "n = 4096\nz: vec[n]\nsum(i, sum(j, sum(k, z[i] * z[j] * z[k]))) == 0".into(),
        "ys: index[n][B]; n = 8; B = 16; Z: mat[B, n]; sum(b, Z[b, ys[b]]) == 0".into(),
        "x: real\nsum(i < 1000000000, x) == 0".into(),
        "x: real\n(x + 1)^1000000 == x".into(),
        "x: real\nexp(exp(exp(exp(exp(exp(x)))))) == x".into(),
        "x: real\nexp(x)^1000000 == exp(1000000 * x)".into(),
        "x: real\nx^1048577 == x".into(),
        "x: real\n((((x^1000000)^1000000)^1000000)^1000000) == x".into(),
        "a = 99^400; b = a^400; b == 1".into(),
        "p: prob[n]; expect(y ~ p, expect(z ~ p, expect(w ~ p, [y == z] * [z == w]))) == 1".into(),
        "x: real\nx/0 == x".into(),
        "\u{0}\u{1}x".into(),
    ] {
        let _ = survives(&text);
    }
}

/// Words that a text is made of.
fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "x",
        "y",
        "z",
        "n",
        "d",
        "i",
        "sum",
        "exp",
        "softmax",
        "real",
        "vec",
        "index",
        "prob",
        "mat",
        "assume",
        "and",
        "or",
        "(",
        ")",
        "[",
        "]",
        "[n]",
        "==",
        "<=",
        "<",
        "=",
        "+",
        "-",
        "*",
        "/",
        "^",
        ",",
        ":",
        ";",
        "\n",
        "~",
        "..",
        "0",
        "1",
        "2.5",
        "1e9",
        " ",
        "d x / d y",
        "x: real",
        "z: vec[n]",
        "expect(",
        "sum(i, ",
        "#",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_panic(text in "\\PC{0,80}") {
        let _ = survives(&text);
    }

    #[test]
    fn no_words_panic(words in prop::collection::vec(word(), 0..40)) {
        let _ = survives(&format!("x: real\nz: vec[n]\n{}", words.join(" ")));
    }
}
