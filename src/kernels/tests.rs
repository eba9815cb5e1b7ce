use super::exp::{EXP_ERROR, EXP_PRECISE_ERROR, LARGEST_ARGUMENT, exp, exp_of_number, exp_precise};
use super::lanes::{Lanes, Vector};
use super::pairs::Pair;
use super::*;
use crate::number::{Arithmetic, Enclosures, Interval, Intervals};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Bits that the kernels' 2^−100 is far above.
const BITS: usize = 256;

/// Uniform numbers in [−1, 1), the same on every run.
fn numbers(n: usize) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(20_261_126);
    (0..n).map(|_| (rng.next_u64() >> 11) as f64 * two_to(-52) - 1.0).collect()
}

fn exactly(x: f64) -> Interval {
    Intervals { bits: BITS }.exactly(x).unwrap()
}

fn sum(terms: &[&Interval]) -> Interval {
    Intervals { bits: BITS }.sum(terms).unwrap()
}

/// (hi + lo)·2^−scale
fn pair([hi, lo]: [f64; 2], scale: i32) -> Interval {
    let mut a = Intervals { bits: BITS };
    let two = a.exactly(2.0).unwrap();
    let power = a.power(&two, i64::from(-scale)).unwrap();
    a.product(&sum(&[&exactly(hi), &exactly(lo)]), &power).unwrap()
}

/// The largest size of found − right, over `right` where that is asked for.
fn distance(found: &Interval, right: &Interval, relative: bool) -> f64 {
    let mut a = Intervals { bits: BITS };
    let minus = a.negate(right).unwrap();
    let difference = sum(&[found, &minus]);
    let difference = if relative { a.quotient(&difference, right).unwrap() } else { difference };
    difference.ends_f64().map(f64::abs).into_iter().fold(0.0, f64::max)
}

#[derive(Clone, Copy)]
enum Which {
    Exp,
    OfNumber,
    Precise,
}

struct Exponentials<'a> {
    d: &'a [[f64; 2]],
    scale: i32,
    which: Which,
}

impl Kernel for Exponentials<'_> {
    type Output = Vec<[f64; 2]>;

    fn run<L: Lanes>(self, l: L) -> Vec<[f64; 2]> {
        let mut all = Vec::new();
        for d in self.d.chunks(L::LANES) {
            let part = |i: usize| d.iter().map(|d| d[i]).collect::<Vec<_>>();
            let hi = Vector(l, l.padded(&part(0), 0.0));
            let d_pair = Pair { hi, lo: Vector(l, l.padded(&part(1), 0.0)) };
            let e = match self.which {
                Which::Exp => exp(l, d_pair, self.scale),
                Which::OfNumber => exp_of_number(l, hi, self.scale),
                Which::Precise => exp_precise(l, d_pair, self.scale),
            };
            let (hi, lo) = (l.lanes(e.hi.1), l.lanes(e.lo.1));
            all.extend((0..d.len()).map(|i| [hi[i], lo[i]]));
        }
        all
    }
}

/// Arguments of every size, with low parts of up to half an ulp, and those at which k changes.
fn arguments() -> Vec<[f64; 2]> {
    let mut d = vec![[0.0, 0.0], [-0.0, 0.0], [5e-324, 0.0], [-1e-300, 0.0], [LARGEST_ARGUMENT, 0.0]];
    let draws = numbers(4000);
    for (i, x) in draws.iter().enumerate() {
        let size = [1e-9, 1e-3, 0.1, 3.0, 30.0, 700.0, LARGEST_ARGUMENT][i % 7];
        let hi = x * size;
        d.push([hi, hi * draws[(i + 1) % draws.len()] * two_to(-54)]);
    }
    let half_steps = (-400..400).map(|k| (f64::from(k) + 0.5) * std::f64::consts::LN_2 / 256.0);
    d.extend(half_steps.flat_map(|d| [[d.next_down(), 0.0], [d, 0.0], [d.next_up(), 0.0]]));
    d
}

#[test]
fn exponentials_are_within_their_bounds_at_every_width() {
    let arguments = arguments();
    for (which, bound, low_parts) in
        [(Which::Exp, EXP_ERROR, true), (Which::OfNumber, EXP_ERROR, false), (Which::Precise, EXP_PRECISE_ERROR, true)]
    {
        // positive ones, and those whose results are held times a power of two
        for (scale, within) in [(-900, [0.0, LARGEST_ARGUMENT]), (900, [-LARGEST_ARGUMENT, 0.0]), (0, [-600.0, 700.0])]
        {
            // in the range of f64 after the scale
            let fits = |d: f64| (-580.0..690.0).contains(&(d + f64::from(scale) * std::f64::consts::LN_2));
            let d: Vec<[f64; 2]> =
                arguments.iter().copied().filter(|d| fits(d[0]) && (within[0]..=within[1]).contains(&d[0])).collect();
            assert!(d.len() > 300);
            let right: Vec<Interval> = d
                .iter()
                .map(|&[hi, lo]| sum(&[&exactly(hi), &exactly(if low_parts { lo } else { 0.0 })]))
                .map(|d| Intervals { bits: BITS }.exp(&d).unwrap())
                .collect();
            let mut bits: Vec<Vec<[u64; 2]>> = Vec::new();
            for instructions in Instructions::all() {
                let found = instructions.run(Exponentials { d: &d, scale, which });
                bits.push(found.iter().map(|e| e.map(f64::to_bits)).collect());
                if bits.len() > 1 {
                    continue;
                }
                for ((found, right), d) in found.iter().zip(&right).zip(&d) {
                    let error = distance(&pair(*found, scale), right, true);
                    assert!(error < bound, "{instructions:?}: e^{d:?} is {error:e} off, {bound:e} is allowed");
                }
            }
            assert!(bits.windows(2).all(|pair| pair[0] == pair[1]), "the widths differ");
        }
    }
}

/// Logits of one of several kinds, of which the largest is the first.
fn logits(kind: usize, n: usize) -> Vec<f64> {
    let mut z: Vec<f64> = match kind {
        0 => numbers(n).iter().map(|x| 3.0 * x).collect(),
        1 => numbers(n).iter().map(|x| 1e6 + x).collect(),
        2 => numbers(n).iter().map(|x| 900.0 * x).collect(),
        3 => numbers(n).iter().map(|x| if *x > 0.3 { f64::NEG_INFINITY } else { 2000.0 + x }).collect(),
        // on both sides of what is next to 0
        4 => numbers(n).iter().map(|x| x * two_to(-60)).collect(),
        5 => numbers(n).iter().map(|x| x * two_to(-100)).collect(),
        6 => numbers(n).iter().map(|x| x * 1e-310).collect(),
        _ => numbers(n).iter().map(|x| x * 1e308).collect(),
    };
    if kind == 3 {
        z[0] = 2000.5;
    }
    let at = (0..n).fold(0, |best, i| if z[i] > z[best] { i } else { best });
    z.swap(0, at);
    z
}

#[test]
fn sums_of_exponentials_are_within_their_bounds_at_every_width() {
    for kind in 0..8 {
        for n in [1, 2, 15, 16, 17, 700] {
            let z = logits(kind, n);
            for instructions in Instructions::all() {
                let found = extremes(instructions, &z);
                assert_eq!(found.largest, z[0]);
                assert!(found.below_infinity);
                let reference = Reference::of(found);
                // the terms that are left out are below 2^−1076 of the largest
                let terms: Vec<Interval> = z
                    .iter()
                    .filter(|z| **z - found.largest >= NOTHING)
                    .map(|&z| sum(&[&exactly(z), &exactly(-reference.origin)]))
                    .map(|d| Intervals { bits: BITS }.exp(&d).unwrap())
                    .collect();
                let right = sum(&terms.iter().collect::<Vec<_>>());
                let (mut hi, mut lo) = (vec![0.0; n], vec![0.0; n]);
                let fast = exponentials(instructions, &z, reference, Kept { hi: &mut hi, lo: &mut lo });
                let precise = precise_sum(instructions, &z, reference);
                for (found, promised) in [(fast, two_to(-79)), (precise, two_to(-89))] {
                    let relative = found.error / found.hi;
                    let error = distance(&pair([found.hi, found.lo], reference.scale), &right, true);
                    assert!(
                        error <= relative,
                        "{instructions:?}, kind {kind}, {n} logits: {error:e} and not {relative:e}"
                    );
                    assert!(relative < promised, "{instructions:?}, kind {kind}, {n} logits: {relative:e} is promised");
                }
                let kept: Vec<Interval> = hi.iter().zip(&lo).map(|(h, l)| pair([*h, *l], reference.scale)).collect();
                assert!(distance(&sum(&kept.iter().collect::<Vec<_>>()), &right, true) < EXP_ERROR);
            }
        }
    }
}

#[test]
fn sums_of_differences_are_within_their_bounds() {
    for (origin, down, size) in [(0.0, 0, 1000.0), (1e6, 0, 1e6), (1.6e308, 128, 1.7e308)] {
        let z: Vec<f64> = numbers(1003).iter().map(|x| x * size).collect();
        let terms: Vec<Interval> = z.iter().flat_map(|&z| [exactly(z), exactly(-origin)]).collect();
        let right = sum(&terms.iter().collect::<Vec<_>>());
        for instructions in Instructions::all() {
            let largest = size * two_to(-down) + origin * two_to(-down);
            let found = sum_of_differences(instructions, &z, origin, down, largest);
            let error = distance(&pair([found.hi, found.lo], -down), &right, false);
            assert!(error <= found.error * two_to(down), "{instructions:?}: {error:e} and not {:e}", found.error);
        }
    }
}

#[test]
fn what_is_not_below_infinity_is_seen_anywhere() {
    for instructions in Instructions::all() {
        for n in [1, 16, 64, 65, 200] {
            for bad in [f64::NAN, f64::INFINITY] {
                for at in 0..n {
                    let mut z = vec![f64::NEG_INFINITY; n];
                    assert!(extremes(instructions, &z).below_infinity);
                    z[at] = bad;
                    assert!(!extremes(instructions, &z).below_infinity, "{instructions:?}: {bad} at {at} of {n}");
                }
            }
        }
    }
}

#[test]
fn a_product_is_rounded_where_its_bound_decides_it_and_left_open_elsewhere() {
    let mut draws = numbers(4000).into_iter();
    let mut draw = || draws.next().unwrap();
    let e: Vec<[f64; 2]> = (0..1001).map(|_| [2.0 + draw(), draw() * two_to(-54)]).collect();
    // a factor known within 2^−58, and 2^−59 off
    let (hi, lo, error) = (0.7 + 0.1 * draw(), draw() * two_to(-55), two_to(-58));
    let off = hi * two_to(-59);
    for (form, power) in [
        (Form::Normal, 0),
        (Form::Subnormal, RAISED - 1060),
        // where subnormal results meet normal ones
        (Form::Subnormal, RAISED - 1022),
        (Form::Less { hi: 0.2 * two_to(-300), lo: 0.0, error: two_to(-361) }, -300),
    ] {
        let scale = two_to(power);
        let raised = if form == Form::Normal { 0 } else { RAISED };
        let factor = Factor { hi: hi * scale, lo: (lo + off) * scale, error, form };
        let right: Vec<f64> = e
            .iter()
            .map(|e| {
                let mut a = Intervals { bits: BITS };
                let product = a.product(&pair(*e, 0), &pair([hi, lo], -power)).unwrap();
                let less = match form {
                    Form::Less { hi, .. } => exactly(-hi),
                    _ => exactly(0.0),
                };
                a.product(&sum(&[&product, &less]), &pair([1.0, 0.0], raised))
            })
            .map(|x| x.unwrap().nearest_f64().unwrap())
            .collect();
        for instructions in Instructions::all() {
            let mut out: Vec<f64> = e.iter().map(|e| e[0]).collect();
            let low: Vec<f64> = e.iter().map(|e| e[1]).collect();
            let open = products(instructions, factor, &mut out, &low);
            for i in (0..e.len()).filter(|i| !open.contains(i)) {
                assert_eq!(
                    out[i].to_bits(),
                    right[i].to_bits(),
                    "{instructions:?}, {form:?}: {:e}, {:e}",
                    out[i],
                    right[i]
                );
            }
            // 2^−58 on both sides of the middle between two f64 is a sixteenth of a step and more, and a
            // step of the subnormal ones is longer
            let allowed = if power == RAISED - 1060 { 0..e.len() / 20 } else { e.len() / 40..e.len() / 4 };
            assert!(allowed.contains(&open.len()), "{instructions:?}, {form:?}: {} are open", open.len());
        }
    }
}
