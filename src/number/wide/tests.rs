use super::tables::*;
use super::*;
use crate::number::{Arithmetic, Interval, Intervals, Outcome};
use num_bigint::BigInt;
use num_rational::BigRational;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What judges: enclosures that are 2^150 times narrower than a wide number's bound.
const JUDGE: Intervals = Intervals { bits: 256 };

/// (hi + lo)·2^exponent, exactly.
fn exactly(hi: f64, lo: f64, exponent: i64) -> Interval {
    let mut judge = JUDGE;
    let [hi, lo, two] = [hi, lo, 2.0].map(|x| judge.exactly(x).unwrap());
    let sum = judge.sum(&[&hi, &lo]).unwrap();
    if exponent == 0 {
        return sum;
    }
    let power = judge.power(&two, exponent).unwrap();
    judge.product(&sum, &power).unwrap()
}

/// What a wide number without its bound is.
fn center(x: Wide) -> Interval {
    exactly(x.hi, x.lo, x.exponent)
}

/// Whether |x − right| ≤ error, as far as the judge can tell.
fn holds(x: Wide, right: &Interval) -> bool {
    if x.error.is_infinite() {
        return true;
    }
    let mut judge = JUDGE;
    let error = exactly(x.error, 0.0, x.exponent);
    let minus = judge.negate(right).unwrap();
    let difference = judge.sum(&[&center(x), &minus]).unwrap();
    let opposite = judge.negate(&difference).unwrap();
    [difference, opposite].iter().all(|d| {
        let left = judge.sum(&[&error, d]).unwrap();
        judge.sign(&left) != Ok(Sign::Negative)
    })
}

/// The bound in units of the number's size, as a power of two.
fn log2_error(x: Wide) -> f64 {
    libm::log2(x.error / x.hi.abs())
}

/// What an operation's results came to.
#[derive(Debug)]
struct Tally {
    what: &'static str,
    results: usize,
    open: usize,
    /// The largest bound relative to the result.
    loosest: f64,
}

impl Tally {
    fn new(what: &'static str) -> Tally {
        Tally { what, results: 0, open: 0, loosest: f64::NEG_INFINITY }
    }

    /// A result's bound holds, and its rounding is right where it is decided.
    fn hold(&mut self, found: Wide, right: Outcome<Interval>, at: &str) {
        let right = right.unwrap();
        assert!(holds(found, &right), "{} at {at}: {found:?}, right is {:?}", self.what, right.ends_f64());
        self.results += 1;
        match found.nearest() {
            Some(nearest) => assert_eq!(Some(nearest), right.nearest_f64(), "{} at {at}: {found:?}", self.what),
            None => self.open += 1,
        }
        self.loosest = self.loosest.max(log2_error(found));
    }

    /// Every rounding was decided, as but one in 2^40 is, and no bound is loose.
    fn finish(&self, bits: f64) {
        assert!(self.results > 0 && self.open == 0 && self.loosest <= -bits, "{self:?}, stated is 2^−{bits}");
    }
}

/// Random wide numbers with full low words, and f64 among them.
struct Random(ChaCha8Rng);

impl Random {
    fn new(seed: u64) -> Random {
        Random(ChaCha8Rng::seed_from_u64(seed))
    }

    fn whole(&mut self, below: u64) -> u64 {
        self.0.next_u64() % below
    }

    /// A number of either sign with an exponent of at most this size; every third is an f64.
    fn wide(&mut self, largest_exponent: i64) -> Wide {
        let bits = self.0.next_u64();
        let size = f64::from_bits(bits >> 12 | 1023 << 52);
        let exponent = self.whole(2 * largest_exponent as u64 + 1) as i64 - largest_exponent;
        // less than half an ulp of size
        let low = (self.whole(1 << 53) as f64 - power_of_two(52)) * power_of_two(-107);
        let lo = if self.whole(3) == 0 { 0.0 } else { low };
        let x = Wide::normal(size, lo, exponent, 0.0);
        if bits & 1 == 1 { -x } else { x }
    }
}

#[test]
fn operations_keep_their_bounds() {
    let (mut random, mut judge) = (Random::new(1), JUDGE);
    let [mut sums, mut products, mut quotients, mut roots] = ["+", "×", "÷", "√"].map(Tally::new);
    for _ in 0..2000 {
        let (x, y) = (random.wide(30), random.wide(30));
        let (a, b, size) = (center(x), center(y), center(x.abs()));
        let at = format!("{x:?}, {y:?}");
        sums.hold(x + y, judge.sum(&[&a, &b]), &at);
        products.hold(x * y, judge.product(&a, &b), &at);
        quotients.hold(x / y, judge.quotient(&a, &b), &at);
        roots.hold(x.abs().sqrt(), judge.sqrt(&size), &at);
    }
    sums.finish(104.0);
    products.finish(102.5);
    quotients.finish(102.5);
    roots.finish(102.5);
}

#[test]
fn functions_keep_their_bounds() {
    let (mut random, mut judge) = (Random::new(2), JUDGE);
    let [mut exp, mut exp_m1, mut ln, mut ln_1p] = ["exp", "exp_m1", "ln", "ln_1p"].map(Tally::new);
    for i in 0..1000 {
        // ordinary, tiny and large arguments, and ones near whole multiples of ln 2 and of 1/64
        let x = match i % 5 {
            0 => random.wide(9),
            1 => random.wide(60).scaled(-60),
            2 => Wide::from(random.whole(2000) as f64 - 1000.0) * Wide::from(2.0).ln() + random.wide(20).scaled(-70),
            3 => Wide::from(random.whole(64) as f64 / 64.0 - 0.5) + random.wide(20).scaled(-50),
            _ => random.wide(17),
        };
        // known exactly at what it is close to
        let x = Wide { error: 0.0, ..x };
        let (a, size, at) = (center(x), center(x.abs()), format!("{x:?}"));
        exp.hold(x.exp(), judge.exp(&a), &at);
        exp_m1.hold(x.exp_m1(), judge.exp_m1(&a), &at);
        ln.hold(x.abs().ln(), judge.ln(&size), &at);
        ln_1p.hold(x.abs().ln_1p(), judge.ln_1p(&size), &at);
        // near 1, and between −1 and 0
        let near = Wide { error: 0.0, ..Wide::ONE + random.wide(40).scaled(-45) };
        ln.hold(near.ln(), judge.ln(&center(near)), &format!("{near:?}"));
        let below = Wide { error: 0.0, ..-(x.abs() / (x.abs() + Wide::ONE)) };
        if i % 5 != 1 && below.hi > -0.999 * power_of_two(-below.exponent) {
            ln_1p.hold(below.ln_1p(), judge.ln_1p(&center(below)), &format!("{below:?}"));
        }
    }
    exp.finish(101.5);
    exp_m1.finish(97.0);
    ln.finish(94.0);
    ln_1p.finish(94.0);
}

#[test]
fn cosines_of_fractions_of_a_turn_keep_their_bounds() {
    let (mut random, mut judge) = (Random::new(3), JUDGE);
    let mut cosines = Tally::new("cos");
    let mut fractions: Vec<(u64, u64)> = (0..300)
        .map(|_| {
            let q = (random.whole(1 << 54) >> random.whole(50)).max(1);
            (random.whole(3 * q), q)
        })
        .collect();
    // next to where it is 0, 1/2, 1 and −1
    let q = 3 << 52;
    fractions.extend([0, q / 3, q / 2, q].into_iter().flat_map(|p: u64| [(p + 1, q), (p.max(1) - 1, q)]));
    for (p, q) in fractions {
        let fraction = judge.constant(&BigRational::new(BigInt::from(p), BigInt::from(q))).unwrap();
        let pi = judge.pi().unwrap();
        let angle = judge.product(&fraction, &pi).unwrap();
        let (found, right) = (Wide::cos_of_half_turns(p, q), judge.cos(&angle).unwrap());
        if found.is_exact() {
            assert!(holds(found, &right), "{p}/{q}");
        } else {
            cosines.hold(found, Ok(right), &format!("{p}/{q}"));
        }
    }
    cosines.finish(100.0);
    let rational = [(0, 7, 1.0), (7, 7, -1.0), (3, 9, 0.5), (6, 9, -0.5), (5, 10, 0.0), (35, 10, 0.0), (14, 7, 1.0)];
    for (p, q, right) in rational {
        let found = Wide::cos_of_half_turns(p, q);
        assert!(found.is_exact() && found.to_f64() == right, "cos π {p}/{q}: {found:?}");
    }
}

#[test]
fn bounds_of_operands_are_carried() {
    let (mut random, mut judge) = (Random::new(4), JUDGE);
    type Operation = fn(Wide, Wide) -> Wide;
    type Judged = fn(&mut Intervals, &Interval, &Interval) -> Outcome<Interval>;
    let operations: [(Operation, Judged); 8] = [
        (|x, y| x + y, |j, a, b| j.sum(&[a, b])),
        (|x, y| x * y, |j, a, b| j.product(a, b)),
        (|x, y| x / y, |j, a, b| j.quotient(a, b)),
        (|x, _| x.sqrt(), |j, a, _| j.sqrt(a)),
        (|x, _| x.ln(), |j, a, _| j.ln(a)),
        (|x, _| x.ln_1p(), |j, a, _| j.ln_1p(a)),
        (|x, _| x.exp(), |j, a, _| j.exp(a)),
        (|x, _| x.exp_m1(), |j, a, _| j.exp_m1(a)),
    ];
    for i in 0..200 {
        let (x, y) = (random.wide(8).abs(), random.wide(8));
        let blur = |x: Wide, bits: u64| Wide { error: power_of_two(-(bits as i64)), ..x };
        let (bits, other) = (20 + random.whole(90), 20 + random.whole(90));
        let (wide_x, wide_y) = (blur(x, bits), blur(y, other));
        // the true numbers at the ends of their bounds are as true as any
        let end = |x: Wide, side: f64| {
            let mut judge = JUDGE;
            judge.sum(&[&center(x), &exactly(x.error * side, 0.0, x.exponent)]).unwrap()
        };
        for (operation, judged) in operations {
            let found = operation(wide_x, wide_y);
            for (a, b) in [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0), (0.3, 0.0)] {
                let right = judged(&mut judge, &end(wide_x, a), &end(wide_y, b)).unwrap();
                assert!(holds(found, &right), "{i}: {wide_x:?} {wide_y:?}: {found:?}");
            }
        }
    }
}

#[test]
fn what_comes_out_exactly_is_known_to_be_exact() {
    let wide = Wide::from;
    let square = wide(1.0 + f64::EPSILON) * wide(1.0 + f64::EPSILON);
    let exact = [
        (wide(0.1) + wide(0.2), 0.1 + 0.2),
        (wide(1e16) + wide(1.0) - wide(1e16), 1.0),
        (square.sqrt(), 1.0 + f64::EPSILON),
        (square / wide(1.0 + f64::EPSILON), 1.0 + f64::EPSILON),
        (wide(0.3) * wide(7.0) / wide(7.0), 0.3),
        (
            Wide::from_whole(1u64 << 53) * Wide::from_whole((1i64 << 53) - 1) / Wide::from_whole(1 << 20),
            power_of_two(86) - power_of_two(33),
        ),
        (wide(0.75).powi(40), libm::ldexp(12_157_665_459_056_928_801.0, -80)),
        (wide(-2.0).powi(-3), -0.125),
        ((wide(3.0) * wide(3.0)).sqrt() - wide(3.0), 0.0),
        (wide_dot(&[1e30, 1.0, -1e30], &[1.0, 3.0, 1.0]), 3.0),
        (Wide::from_whole(i64::MIN), i64::MIN as f64),
        (Wide::from_whole(u64::MAX) - Wide::from_whole(u64::MAX - 3), 3.0),
    ];
    for (found, right) in exact {
        assert!(found.is_exact(), "{found:?}");
        assert_eq!(found.nearest(), Some(right));
    }
    // and 1/3 is not
    assert!(!(Wide::ONE / wide(3.0)).is_exact() && !wide(2.0).sqrt().is_exact() && !wide(0.1).powi(3).is_exact());
    assert_eq!((Wide::ONE - Wide::ONE / wide(3.0) * wide(3.0)).sign(), None);
    assert_eq!((wide(3.0) - square).sign(), Some(Sign::Positive));
}

#[test]
fn f64_in_and_out() {
    let wide = Wide::from;
    let smallest = f64::from_bits(1);
    for x in [0.0, 1.0, -0.1, smallest, -2.5e-310, f64::MAX, f64::MIN_POSITIVE, 1e-300] {
        assert_eq!(wide(x).nearest(), Some(x));
    }
    assert_eq!((wide(f64::MAX) * wide(2.0)).nearest(), Some(f64::INFINITY));
    assert!((wide(-smallest) * wide(0.25)).nearest().is_some_and(|x| x == 0.0 && x.is_sign_negative()));
    assert_eq!(wide(f64::NAN).nearest(), None);
    // half way between two subnormal numbers the low word decides, however few bits go
    let quarters = [(0.5, 0.0), (0.75, 1.0), (1.25, 1.0), (1.5, 2.0), (2.5, 2.0), (3.5, 4.0)];
    for (multiple, right) in quarters {
        for scale in [1.0, power_of_two(20), power_of_two(50)] {
            for (tail, step) in [(0.0, 0.0), (1e-20, 1.0), (-1e-20, -1.0)] {
                let x = wide(smallest) * (wide(scale) + wide(multiple) + wide(tail));
                let whole = scale + libm::floor(multiple);
                let tie = multiple - libm::floor(multiple) == 0.5;
                let expected = match tie {
                    true if step == 0.0 => whole + (whole % 2.0),
                    true => whole + f64::from(u8::from(step > 0.0)),
                    false => scale + right,
                };
                assert_eq!(x.nearest(), Some(expected * smallest), "{scale} + {multiple} + {tail}");
            }
        }
    }
    // a tie that is only close is open
    let third = Wide::ONE / wide(3.0);
    assert_eq!((Wide::ONE + third * wide(3.0) * wide(f64::EPSILON / 2.0)).nearest(), None);
}

#[test]
fn what_is_below_any_size_keeps_its_sign() {
    let far = Wide::from(-1e300).exp();
    assert_eq!((far.nearest(), far.sign()), (Some(0.0), Some(Sign::Positive)));
    let product = far * Wide::from(-1e300) * Wide::from(-1e-300).exp();
    assert!(product.nearest().is_some_and(|x| x == 0.0 && x.is_sign_negative()));
    assert_eq!((far - Wide::from(-2e300).exp()).sign(), None);
    assert_eq!((far + far).sign(), Some(Sign::Positive));
    assert_eq!((Wide::ONE + far).nearest(), Some(1.0));
    // what has grown from such a number is not known
    for unknown in [Wide::ONE / far, far.sqrt(), far.ln(), Wide::from(1e300).exp(), Wide::ONE / Wide::ZERO] {
        assert_eq!((unknown.nearest(), unknown.sign()), (None, None));
    }
    assert!((Wide::ZERO * Wide::from(1e300).exp()).is_zero());
}

#[test]
fn the_tables_are_the_constants() {
    let mut judge = JUDGE;
    let whole = |n: i64| JUDGE.exactly(n as f64).unwrap();
    let mut hold = |(hi, lo): (f64, f64), right: Interval| {
        let hi_exactly = JUDGE.exactly(-hi).unwrap();
        let rest = judge.sum(&[&right, &hi_exactly]).unwrap();
        assert_eq!((Some(hi), Some(lo)), (right.nearest_f64(), rest.nearest_f64()));
    };
    for (i, &pair) in ODD_RECIPROCALS.iter().enumerate() {
        hold(pair, { JUDGE }.quotient(&whole(1), &whole(2 * i as i64 + 3)).unwrap());
    }
    for (i, &pair) in RECIPROCALS_OF_FACTORIALS.iter().enumerate() {
        let factorial: i64 = (1..=i as i64 + 2).product();
        hold(pair, { JUDGE }.quotient(&whole(1), &whole(factorial)).unwrap());
    }
    for (j, &pair) in (-24..).zip(&EXPONENTIALS) {
        hold(pair, { JUDGE }.exp(&JUDGE.exactly(f64::from(j) / 64.0).unwrap()).unwrap());
    }
    hold(PI, { JUDGE }.pi().unwrap());
    let [first, second, third] = LN_2;
    assert_eq!(first.to_bits() << 38, 0, "more than 27 bits");
    let first = JUDGE.exactly(-first).unwrap();
    let ln_2 = { JUDGE }.ln(&whole(2)).unwrap();
    hold((second, third), { JUDGE }.sum(&[&ln_2, &first]).unwrap());
}
