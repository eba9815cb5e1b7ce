use super::*;
use crate::number::{Arithmetic, Interval, Intervals, Outcome};
use num_bigint::BigInt;
use num_rational::BigRational;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const JUDGE: Intervals = Intervals { bits: 256 };

/// (hi + lo)·2^exponent, exactly
fn interval(hi: f64, lo: f64, exponent: i64) -> Interval {
    let [hi, lo] = [hi, lo].map(|x| JUDGE.exactly(x).unwrap());
    let power = if exponent == 0 {
        JUDGE.exactly(1.0).unwrap()
    } else {
        { JUDGE }.power(&JUDGE.exactly(2.0).unwrap(), exponent).unwrap()
    };
    let sum = { JUDGE }.sum(&[&hi, &lo]).unwrap();
    { JUDGE }.product(&sum, &power).unwrap()
}

/// Whether the bound of x holds: error − |x − right| ≥ 0, where the judge can tell.
fn holds(x: Wide, right: &Interval) -> bool {
    if x.error.is_infinite() {
        return true;
    }
    let mut judge = JUDGE;
    let (value, error) = (interval(x.hi, x.lo, x.exponent), interval(x.error, 0.0, x.exponent));
    let minus = judge.negate(right).unwrap();
    let difference = judge.sum(&[&value, &minus]).unwrap();
    let other = judge.negate(&difference).unwrap();
    [difference, other].iter().all(|d| judge.sum(&[&error, d]).and_then(|s| judge.sign(&s)) != Ok(Sign::Negative))
}

#[test]
fn quick() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut j = JUDGE;
    let mut draw = || {
        let bits = random.next_u64();
        let m = 1.0 + (bits >> 12) as f64 * f64::EPSILON;
        let e = (random.next_u64() % 40) as i64 - 20;
        let w = Wide::normal(if bits & 1 == 1 { -m } else { m }, 0.0, e, 0.0);
        let l = Wide::from((random.next_u64() as f64 / 2f64.powi(65) - 0.25) * 2f64.powi(-53)).scaled(e);
        if bits & 2 == 0 { w + l } else { w }
    };
    let mut worst = [-1000.0f64; 12];
    let mut check = |i: usize, x: Wide, right: Outcome<Interval>, what: String| {
        let right = right.unwrap();
        assert!(holds(x, &right), "{what}: {x:?} {:?}", right.ends_f64());
        worst[i] = worst[i].max(libm::log2(x.error / x.hi.abs()));
        if let Some(n) = x.nearest() {
            assert_eq!(Some(n), right.nearest_f64(), "{what} {x:?}");
        }
    };
    for _ in 0..2000 {
        let (x, y) = (draw(), draw());
        assert!(x.error == 0.0, "{x:?}");
        let (a, b) = (interval(x.hi, x.lo, x.exponent), interval(y.hi, y.lo, y.exponent));
        let what = format!("{x:?} {y:?}");
        check(0, x + y, j.sum(&[&a, &b]), format!("+ {what}"));
        check(1, x * y, j.product(&a, &b), format!("* {what}"));
        check(2, x / y, j.quotient(&a, &b), format!("/ {what}"));
        let (p, c) = (x.abs(), interval(x.abs().hi, x.abs().lo, x.exponent));
        check(3, p.sqrt(), j.sqrt(&c), format!("sqrt {what}"));
        check(4, x.exp(), j.exp(&a), format!("exp {what}"));
        check(5, x.exp_m1(), j.exp_m1(&a), format!("expm1 {what}"));
        check(6, p.ln(), j.ln(&c), format!("ln {what}"));
        check(7, p.ln_1p(), j.ln_1p(&c), format!("ln1p {what}"));
        let (s, t) = (x.scaled(-30).exp(), j.exp(&interval(x.hi, x.lo, x.exponent - 30)).unwrap());
        check(8, s, Ok(t.clone()), format!("ln1p {what}"));
        if let Ok(r) = j.ln(&t) {
            check(9, s.ln(), Ok(r), format!("ln1p {what}"));
        }
    }
    let mut r = ChaCha8Rng::seed_from_u64(1);
    for i in 0..2000 {
        let q = r.next_u64() >> (11 + r.next_u64() % 50);
        let q = q.max(1);
        let p = r.next_u64() % (3 * q);
        let a = BigRational::new(BigInt::from(p), BigInt::from(q));
        let mut j = Intervals { bits: 256 };
        let a = j.constant(&a).unwrap();
        let pi = j.pi().unwrap();
        let a = j.product(&a, &pi).unwrap();
        let x = Wide::cos_of_half_turns(p, q);
        if x.is_exact() {
            println!("{i} {p} {q} {x:?}");
            continue;
        }
        check(10, x, j.cos(&a), format!("cos {p} {q}"));
    }
    println!("{worst:?}");
}
