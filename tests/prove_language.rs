//! The language of `prove`: the examples that are its contract, the catalog's formulas by name, derivatives by
//! what is defined, and the command.
#![cfg(feature = "cli")]

#[path = "common/command.rs"]
mod command;
mod common;

use command::gradproof;
use common::assert_snapshot;
use gradproof::claim::Verdict::{self, Proved, Refuted};
use gradproof::prove::{Limits, prove, signatures};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

fn verdicts(text: &str) -> Vec<Verdict> {
    let proof = prove(text, &Limits { cases: 20, ..Limits::default() }).unwrap_or_else(|e| panic!("{text}: {e}"));
    proof.claims.iter().map(|claim| claim.verdict).collect()
}

/// What is said of a text that cannot be used, as it is shown.
fn refused(text: &str) -> String {
    match prove(text, &Limits::default()) {
        Err(error) => error.rendered(text, "text"),
        Ok(proof) => panic!("{text:?} came out as {:?}", proof.claims[0].verdict),
    }
}

#[test]
fn people_type_this() {
    let cross_entropy = "z: vec[n]; y: index[n]
        loss = logsumexp(z) - z[y]
        d loss / d z[i] == softmax(z)[i] - [i == y]";
    assert_eq!(verdicts(cross_entropy), [Proved]);
    let dpo = "lw, ll, rw, rl: real; beta > 0
        u = beta * ((lw - rw) - (ll - rl));  loss = -log(sigmoid(u))
        d loss / d lw == -beta * sigmoid(-u)";
    assert_eq!(verdicts(dpo), [Proved]);
    assert_eq!(verdicts("x: real\nlog(1 + exp(x)) == x + log(1 + exp(-x))"), [Proved]);
    let kl = "a, b: vec[n];  P = softmax(a);  Q = softmax(b)
        kl = sum(i, P[i] * log(P[i] / Q[i]))
        d kl / d a[i] == P[i] * (log(P[i] / Q[i]) - kl)
        d kl / d b[i] == Q[i] - P[i]";
    assert_eq!(verdicts(kl), [Proved, Proved]);
}

#[test]
fn info_nce_through_cosines() {
    let text = "q: vec[d]; K: mat[m, d]; p: index[m]; tau > 0; d = 2; m = 2
        s[j] = dot(q, K[j]) / (norm(q) * norm(K[j]))
        loss = logsumexp(s / tau) - s[p] / tau
        d loss / d q[a] == sum(j, (softmax(s / tau)[j] - [j == p]) * (K[j, a] / norm(K[j]) - s[j] * q[a] / norm(q))) / (tau * norm(q))";
    assert_eq!(verdicts(text), [Proved]);
}

/// Formulas of the catalog beside what a reader would write, and beside their mistakes.
const FORMULAS: &[(&str, &[Verdict])] = &[
    (
        "z: vec[n]; y: index[n]; 0 < eps < 1
         cross_entropy(z, y) == logsumexp(z) - z[y]
         d cross_entropy(z, y, eps) / d z[i] == cross_entropy.gradient(z, y, eps)[i]
         cross_entropy.gradient(z, y)[i] == softmax(z)[i] - [i == y]
         cross_entropy.gradient(z, y, mistake = \"one-hot-missing\")[i] == softmax(z)[i] - [i == y]",
        &[Proved, Proved, Proved, Refuted],
    ),
    (
        "B = 2; n = 2; Z: mat[B, n]; ys: index[n][B]
         cross_entropy(Z, ys) == mean(b, cross_entropy(Z[b], ys[b]))
         cross_entropy(Z, ys, reduction = \"sum\") == sum(b, cross_entropy(Z[b], ys[b]))
         d cross_entropy(Z, ys) / d Z[b, i] == cross_entropy.gradient(Z, ys)[b, i]",
        &[Proved, Proved, Proved],
    ),
    (
        "lw, ll, rw, rl: real; beta > 0; 0 < eps < 1/2
         d dpo(lw, ll, rw, rl, beta) / d lw == -beta * dpo.weight(lw, ll, rw, rl, beta)
         dpo(lw, ll, rw, rl, beta, label_smoothing = eps) == dpo(lw, ll, rw, rl, beta, label_smoothing = 0)
         dpo(lw, ll, 0, 0, beta) == dpo(lw, ll, rw, rl, beta, reference = \"free\")
         dpo(lw, ll, rw, rl, beta, mistake = \"chosen-rejected-swapped\") == dpo(lw, ll, rw, rl, beta)",
        &[Proved, Refuted, Proved, Refuted],
    ),
    (
        "theta, m, g: real; v > 0; t: int >= 1; lr > 0; 0 < b1 < 1; 0 < b2 < 1; eps > 0; wd > 0
         mhat = (b1 * m + (1 - b1) * g) / (1 - b1^t)
         vhat = (b2 * v + (1 - b2) * g^2) / (1 - b2^t)
         adamw(theta, m, v, g, t, lr, b1, b2, eps, wd) == theta - lr * (mhat / (sqrt(vhat) + eps) + wd * theta)
         adamw.v(theta, m, v, g, t, lr, b1, b2, eps, wd) == b2 * v + (1 - b2) * g^2
         adamw(theta, m, v, g, 1, lr, b1, b2, eps, wd) == adamw(theta, m, v, g, t, lr, b1, b2, eps, wd)
         adamw(theta, m, v, g, t, lr, b1, b2, eps, wd, epsilon = \"hat\") == adamw(theta, m, v, g, t, lr, b1, b2, eps / sqrt(1 - b2^t), wd)
         d adamw(theta, m, v, g, t, lr, b1, b2, eps, wd) / d theta == 1 - lr * wd",
        &[Proved, Proved, Refuted, Proved, Proved],
    ),
    (
        "x, g, buf: vec[n]; mu, lr, wd: real
         sgd(x, buf, g, 2, lr, mu, 0, wd)[i] == x[i] - lr * (mu * buf[i] + g[i] + wd * x[i])
         sgd(x, buf, g, 1, lr, mu, 0, wd)[i] == x[i] - lr * (g[i] + wd * x[i])
         lion(x, buf, g, lr, 1/2, mu, wd)[i] == x[i] - lr * (sign(buf[i] / 2 + g[i] / 2) + wd * x[i])",
        &[Proved, Proved, Proved],
    ),
    (
        "hi, lo: real; s: index[9]
         cosine_lr(5, hi, lo, 2, 8) == (hi + lo) / 2
         cosine_lr(s, hi, lo, 2, 8) == linear_lr(s, hi, lo, 2, 8)
         linear_lr(s, hi, lo, 2, 8) == [s < 2] * hi * s / 2 + [s >= 2] * (lo + (hi - lo) * (8 - s) / 6)",
        &[Proved, Refuted, Proved],
    ),
    (
        "H: mat[n, n]; u: vec[n]
         hutchinson(H, u)[i] == u[i] * sum(j, H[i, j] * u[j])",
        &[Proved],
    ),
];

#[test]
fn formulas_of_the_catalog_by_name() {
    for (text, expected) in FORMULAS {
        assert_eq!(verdicts(text), *expected, "{text}");
    }
}

#[test]
fn a_derivative_is_by_what_is_defined_as_well() {
    let text = "z: vec[n]; y: index[n]
        p = softmax(z);  loss = -log(p[y])
        d loss / d p[i] == -[i == y] / p[y]
        d loss / d z[i] == sum(j, d loss / d p[j] * d p[j] / d z[i])
        d loss / d p[i] == 0";
    assert_eq!(verdicts(text), [Proved, Proved, Refuted]);
    // as it is written: f is x^2 + u, whatever u is made of
    assert_eq!(verdicts("x: real; u = x^2; f = x^2 + u; d f / d u == 1; d f / d x == 4 * x"), [Proved, Proved]);
    // the other definitions that u is in go with it
    assert_eq!(verdicts("x: real; u = 3 * x; v = u^2; f = v * u; d f / d u == 3 * u^2"), [Proved]);
    assert_eq!(verdicts("x: real; u = 3 * x; f = u^3; d^2 f / d u d u == 6 * u"), [Proved]);
    assert_eq!(verdicts("p: prob[n]; H = sum(i, p[i] * log(p[i])); d H / d p[i] == log(p[i]) + 1"), [Proved]);
}

#[test]
fn assumptions_reach_as_far_as_they_are_connected() {
    let chained = "x, y, z: real; assume x < y; assume y < z; z - x > 0";
    assert_ne!(verdicts(chained), [Refuted]);
    assert_eq!(verdicts("x, y, z: real; assume x < y; z - x > 0"), [Refuted]);
}

/// Texts that cannot be used.
const UNUSABLE: &[&str] = &[
    "x: real\nd abs(x - x) / d x == 0",
    "x: real\nd sqrt(x^2 - x*x) / d x == 0",
    "x: real\n2(x + 1) == 2 * x + 2",
    "x: real\nb = x^2\na = x * b\nd a / d b + d^2 a / d b d x == 1",
    "x: real\nt: int\nd (x * t) / d t == x",
    "x: real\nx[\"word\"] == 1",
    "x: real\ndpo(x, x, x) == 1",
    "x: real\ndpo(x, x, x, x, x, x, x) == 1",
    "x: real\ndpo(x, x, x, x, beta = x, betta = x) == 1",
    "x: real\ndpo(x, x, x, x, beta = x, beta = x) == 1",
    "x: real\ndpo(x, x, x, x, beta = x, x) == 1",
    "x: real\ndpo.weigth(x, x, x, x, x) == 1",
    "x: real\ndpo(x, x, x, x, -1) == 1",
    "x: real\ndpo(x, x, x, x, x, smoothing = \"robust",
    "x: real\ndpo(x, x, x, x, x, smoothing = \"cautious\") == 1",
    "x: real\ndpo(x, x, x, x, x, mistake = \"none\") == 1",
    "x: real\ndpo(x, x, x, x, x, epsilon = \"hat\") == 1",
    "x: real\ndpo_loss(x, x, x, x, x) == 1",
    "x: real\ndpo.loss.of(x, x, x, x, x) == 1",
    "x: real\nx.gradient == 1",
    "z: vec[n]\nw: vec[m]\nhutchinson(z, w) == w",
    "z, w: vec[n]\ncross_entropy(z, 7) == 1",
    "z: vec[n]\nt: real\ncross_entropy(z, t) == 1",
    "hi, lo: real\ncosine_lr(3, hi, lo, 8, 8) == 1",
    "x: real\nadamw(x, x, x, x, 0, x, x, x, x, x) == 1",
    "lion = 3\nx: real\nlion(x, x, x, x, x, x, x) == x",
];

#[test]
fn errors_of_formulas_point_into_the_text() {
    let shown: Vec<String> = UNUSABLE.iter().map(|text| refused(text)).collect();
    let description = "what prove says of formulas and derivatives that it cannot use";
    assert_snapshot("prove-formula-errors", description, &shown.join("\n\n"));
}

#[test]
fn what_is_too_large_is_undecided_and_says_why() {
    for text in [
        "Z: mat[4096, 4096]; sum(Z) == 0",
        "n = 4096; z: vec[n]; z[i] * z[j] * z[k] == z[k] * z[j] * z[i]",
        "n = 4096; z: vec[n]; sum(i, sum(j, z[i] * z[j])) == sum(z)^2",
    ] {
        let started = Instant::now();
        let proof = prove(text, &Limits { time: Duration::from_secs(2), ..Limits::default() }).unwrap();
        assert_eq!(proof.claims[0].verdict, Verdict::Undecided, "{text}");
        assert!(proof.claims[0].scope.contains("operations") || proof.claims[0].scope.contains("time"), "{text}");
        // other tests run beside this one
        assert!(started.elapsed() < Duration::from_secs(20), "{text}: {:?}", started.elapsed());
    }
}

#[test]
fn the_manual_lists_what_can_be_called() {
    let manual = std::fs::read_to_string(format!("{}/docs/prove.md", env!("CARGO_MANIFEST_DIR"))).unwrap();
    for (call, gives) in signatures() {
        let name = call.split('(').next().unwrap();
        assert!(manual.contains(name), "{name}");
        if call != name {
            assert!(manual.contains(&format!("| `{call}` | {gives} |")), "docs/prove.md lacks | `{call}` | {gives} |");
        }
    }
}

#[test]
fn the_command_prints_the_object_that_verify_prints() {
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let json = |arguments: &[&str]| -> Value {
        serde_json::from_slice(&gradproof(arguments, "x: real; d (x^2) / d x == 2 * x; x^2 == x").stdout).unwrap()
    };
    let proof = json(&["prove", "-", "--format", "json", "--rng-seed", "1"]);
    let evidence = json(&["verify", "adamw/decay", "--format", "json", "--cases", "5"]);
    assert_eq!(keys(&proof), keys(&evidence));
    let (mine, theirs) = (keys(&proof["claims"][0]), keys(&evidence["claims"][0]));
    assert!(mine.is_superset(&theirs), "{theirs:?} against {mine:?}");
    for nothing in ["expected", "source", "amends"] {
        assert_eq!(proof["claims"][0][nothing], Value::Null);
    }
    assert_eq!(proof["claims"][0]["verdict"], "proved");
    assert_eq!(proof["claims"][1]["verdict"], "refuted");
    assert_eq!(proof["claims"][1]["counterexample"]["left"], "1");
    // the same seed, the same evidence
    let again = json(&["prove", "-", "--format", "json", "--rng-seed", "1"]);
    assert_eq!(proof["claims"], again["claims"]);
}

#[test]
fn the_command_ends_as_its_claims_do() {
    let status = |arguments: &[&str]| gradproof(&[&["prove"], arguments].concat(), "").status.code();
    assert_eq!(status(&["-e", "x: real; x == x"]), Some(0));
    assert_eq!(status(&["-e", "x: real; x == x; x == 1"]), Some(1));
    let undecided = "Z: mat[4096, 4096]; sum(Z) == 0";
    assert_eq!(status(&["-e", undecided]), Some(0));
    assert_eq!(status(&["-e", undecided, "--require", "proved"]), Some(1));
    assert_eq!(status(&["-e", "x: real; x == x", "--require", "proved"]), Some(0));
    for unusable in [&["-e", "x == y"][..], &["-e", ""], &[], &["no such file"], &["-e", "1 == 1", "--timeout", "0"]] {
        assert_eq!(status(unusable), Some(2), "{unusable:?}");
    }
    let shown = gradproof(&["prove", "-e", "x: real\nd (x * x) / d x == 2x"], "");
    let message = String::from_utf8(shown.stderr).unwrap();
    assert!(shown.stdout.is_empty() && message.contains("-e:2:20") && message.contains("2 * x"), "{message}");
}

#[test]
fn the_text_shows_each_fact() {
    let output = gradproof(&["prove", "-e", "x: real; x^2 == x * x; abs(x) == x", "--rng-seed", "1"], "");
    let text = String::from_utf8(output.stdout).unwrap();
    for part in [
        "proved     line 1, claim 1: x^2 == x * x",
        "all values (exactly)",
        "counterexample  x = -1",
        "left 1, right -1",
    ] {
        assert!(text.contains(part), "{part} in:\n{text}");
    }
    let help = String::from_utf8(gradproof(&["prove", "--help"], "").stdout).unwrap();
    assert!(help.contains("softmax") && help.contains("adamw(params[n], m[n]") && help.contains("--timeout"));
}

#[test]
fn a_side_that_is_a_form_of_the_catalog_is_named() {
    let names = "theta, m, g: real;  v > 0;  t: int >= 1;  lr > 0;  0 < b1 < 1;  0 < b2 < 1;  eps > 0;  wd > 0
        mhat = (b1 * m + (1 - b1) * g) / (1 - b1^t)
        root = sqrt(b2 * v + (1 - b2) * g^2)
        adamw = theta - lr * (mhat / (root / sqrt(1 - b2^t) + eps) + wd * theta)
        ";
    let hint = |text: &str| prove(text, &Limits::default()).unwrap().claims[0].hint.clone().unwrap_or_default();
    let hat = hint(&format!("{names} theta - lr * (mhat / ((root + eps) / sqrt(1 - b2^t)) + wd * theta) == adamw"));
    assert!(hat.contains("the left side is AdamW with epsilon = \"hat\""), "{hat}");
    assert!(hat.contains("the right side is AdamW (at every point tried)"), "{hat}");
    let after =
        hint(&format!("{names} (1 - lr * wd) * (theta - lr * (theta - adamw - lr * wd * theta) / lr) == adamw"));
    assert!(after.contains("the left side is AdamW with decay = \"after\""), "{after}");
    let swapped = hint(
        "lw, ll, rw, rl: real; beta > 0
        d (-log(sigmoid(beta * ((lw - rw) - (ll - rl))))) / d lw == -beta * sigmoid(beta * ((lw - rw) - (ll - rl)))",
    );
    assert!(swapped.contains("with the mistake weight-of-margin"), "{swapped}");
    // what is one at n = 2 alone is none
    let at_two = hint("z: vec[n]; y: index[n]; d (logsumexp(z) - z[y]) / d z[i] == (softmax(z)[i] - [i == y]) * n / 2");
    assert!(!at_two.is_empty() && !at_two.contains("is Cross-entropy"), "{at_two}");
    // what is nothing of the kind is not called so
    let other = hint(&format!("{names} theta - lr * mhat == adamw"));
    assert!(!other.contains("the left side is"), "{other}");
}

#[test]
fn an_index_that_is_not_known_stands_for_all_of_its_values() {
    let decided = |text: &str| {
        let claim = prove(text, &Limits::default()).unwrap().claims.remove(0);
        (claim.verdict, claim.scope)
    };
    // 5^6 values of the indices
    let rows = "T = 3; V = 5; Z, X: mat[T, V]; a, b: index[V][T]
        f = exp(sum(t, Z[t, a[t]] - logsumexp(Z[t])) - sum(t, X[t, b[t]] - logsumexp(X[t])))
        d f / d Z[t, v] == f * ([v == a[t]] - softmax(Z[t])[v])";
    let (verdict, scope) = decided(rows);
    assert!(verdict == Proved && !scope.contains("some of the indices"), "{verdict:?}: {scope}");
    // true of all numbers but 1, which the index at 3 makes of its bracket: an index and no number refutes it
    let kink = prove("n = 8; y: index[n]; [[y == 3] == 1] == 0", &Limits::default()).unwrap().claims.remove(0);
    assert_eq!((kink.verdict, kink.counterexample.unwrap().point), (Refuted, Vec::new()));
    // true of 0 and 1 alone: the values are gone through, as far as they are few
    assert_eq!(decided("n = 8; y: index[n]; [y == 3]^2 == [y == 3]").0, Proved);
    let (verdict, scope) = decided("n = 200; y: index[n]; [y == 3]^2 == [y == 3]");
    assert!(verdict == Verdict::Verified && scope.contains("some of the indices"), "{verdict:?}: {scope}");
}
