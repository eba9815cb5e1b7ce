//! Operations on lists of numbers that carry their derivative along a direction, and sums over such lists: forward
//! duals over numbers of about 104 bits, exponentials over 80, each with a bound of its error.

use super::bounded::Bounded;
use super::lanes::{Lanes, Vector};
use super::{Instructions, Kernel, each};
use crate::number::{Tangent, Wide};
use std::ops::Range;

/// A number is within its error of hi + lo, and so is its derivative.
const PARTS: usize = 6;

/// A list of numbers with their derivatives.
pub(crate) struct Tangents([Vec<f64>; PARTS]);

/// What the numbers of a list are made from.
#[derive(Clone, Copy)]
pub(crate) enum Operand<'a> {
    /// Numbers and their derivatives as they are.
    Exact([&'a [f64]; 2]),
    /// A part of a list.
    List([&'a [f64]; PARTS]),
    /// The same number for all.
    Same([f64; PARTS]),
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operation {
    /// −x
    Negation,
    /// The sum of all operands.
    Sum,
    /// xy
    Product,
    /// x/y
    Quotient,
    /// e^x
    Exp,
    /// √x
    Sqrt,
}

/// So many numbers are made by one thread at a time.
const CHUNK: usize = 4096;

impl Tangents {
    /// These numbers, one after the other.
    pub fn of(numbers: impl IntoIterator<Item = Tangent<Wide>>) -> Tangents {
        let mut list = Tangents(Default::default());
        for number in numbers {
            list.0.iter_mut().zip(in_parts(number)).for_each(|(part, x)| part.push(x));
        }
        list
    }

    /// A part of the list.
    pub fn part(&self, range: Range<usize>) -> Operand<'_> {
        Operand::List(self.0.each_ref().map(|part| &part[range.clone()]))
    }
}

impl Operand<'_> {
    /// The operand of a part of the work.
    fn part(&self, range: Range<usize>) -> Self {
        match *self {
            Operand::Exact(lists) => Operand::Exact(lists.map(|list| &list[range.clone()])),
            Operand::List(lists) => Operand::List(lists.map(|list| &list[range.clone()])),
            same @ Operand::Same(_) => same,
        }
    }

    /// One of its numbers.
    pub fn number(&self, i: usize) -> Tangent<Wide> {
        match *self {
            Operand::Exact([value, slope]) => Tangent { value: Wide::from(value[i]), slope: Wide::from(slope[i]) },
            Operand::List(lists) => from_parts(lists.map(|list| list[i])),
            Operand::Same(parts) => from_parts(parts),
        }
    }
}

/// The same number for all.
pub(crate) fn same(number: Tangent<Wide>) -> Operand<'static> {
    Operand::Same(in_parts(number))
}

fn in_parts(Tangent { value, slope }: Tangent<Wide>) -> [f64; PARTS] {
    let ([a, b, c], [d, e, f]) = (value.to_f64s(), slope.to_f64s());
    [a, b, c, d, e, f]
}

fn from_parts([a, b, c, d, e, f]: [f64; PARTS]) -> Tangent<Wide> {
    Tangent { value: Wide::from_f64s([a, b, c]), slope: Wide::from_f64s([d, e, f]) }
}

/// A list of so many numbers, each made from those of the operands.
pub(crate) fn made(instructions: Instructions, operation: Operation, operands: &[Operand], count: usize) -> Tangents {
    let mut list = Tangents([(); PARTS].map(|()| vec![0.0; count]));
    let mut chunks = list.0.each_mut().map(|part| part.chunks_mut(CHUNK));
    let mut work = Vec::new();
    for start in (0..count).step_by(CHUNK) {
        let range = start..count.min(start + CHUNK);
        let out = chunks.each_mut().map(|part| part.next().expect("as many chunks as steps"));
        let operands: Vec<Operand> = operands.iter().map(|operand| operand.part(range.clone())).collect();
        work.push((operands, out));
    }
    each(true, work, |(operands, out)| match operation {
        Operation::Negation => instructions.run_singly(Made::<NEGATION> { operands, out }),
        Operation::Sum => instructions.run_singly(Made::<SUM> { operands, out }),
        Operation::Product => instructions.run_singly(Made::<PRODUCT> { operands, out }),
        Operation::Quotient => instructions.run_singly(Made::<QUOTIENT> { operands, out }),
        Operation::Exp => instructions.run_singly(Made::<EXP> { operands, out }),
        Operation::Sqrt => instructions.run_singly(Made::<SQRT> { operands, out }),
    });
    list
}

/// The sum of so many numbers of an operand.
pub(crate) fn total(instructions: Instructions, of: Operand, count: usize) -> Tangent<Wide> {
    let parts = (0..count).step_by(CHUNK).map(|start| start..count.min(start + CHUNK)).collect();
    let sums = each(true, parts, |range: Range<usize>| {
        let count = range.len();
        instructions.run(Total { of: of.part(range), count })
    });
    sums.into_iter().fold(Tangent { value: Wide::ZERO, slope: Wide::ZERO }, |sum, part| Tangent {
        value: sum.value + part.value,
        slope: sum.slope + part.slope,
    })
}

const NEGATION: u8 = 0;
const SUM: u8 = 1;
const PRODUCT: u8 = 2;
const QUOTIENT: u8 = 3;
const EXP: u8 = 4;
const SQRT: u8 = 5;

/// x with x′ in vectors.
#[derive(Clone, Copy)]
struct Dual<L: Lanes> {
    value: Bounded<L>,
    slope: Bounded<L>,
}

impl<L: Lanes> Dual<L> {
    #[inline(always)]
    fn of(parts: [Vector<L>; PARTS]) -> Self {
        let [a, b, c, d, e, f] = parts;
        Dual { value: Bounded { hi: a, lo: b, error: c }, slope: Bounded { hi: d, lo: e, error: f } }
    }

    #[inline(always)]
    fn parts(self) -> [Vector<L>; PARTS] {
        let (value, slope) = (self.value, self.slope);
        [value.hi, value.lo, value.error, slope.hi, slope.lo, slope.error]
    }

    #[inline(always)]
    fn plus(self, y: Self) -> Self {
        Dual { value: self.value + y.value, slope: self.slope + y.slope }
    }

    /// The i-th vector of an operand; past its end numbers are 0.
    #[inline(always)]
    fn at(l: L, operand: &Operand, i: usize) -> Self {
        let zero = Vector::all(l, 0.0);
        let mut parts = [zero; PARTS];
        match operand {
            Operand::Exact([value, slope]) => {
                parts[0] = vector(l, value, i);
                parts[3] = vector(l, slope, i);
            }
            // loops, since closures are not compiled for these instructions
            Operand::List(lists) => {
                for (part, list) in parts.iter_mut().zip(lists) {
                    *part = vector(l, list, i);
                }
            }
            Operand::Same(numbers) => {
                for (part, &x) in parts.iter_mut().zip(numbers) {
                    *part = Vector::all(l, x);
                }
            }
        }
        Dual::of(parts)
    }
}

/// The i-th vector of a list, filled up with 0.
#[inline(always)]
fn vector<L: Lanes>(l: L, list: &[f64], i: usize) -> Vector<L> {
    let (whole, rest) = l.split(list);
    Vector(l, if i < whole.len() { whole[i] } else { l.padded(rest, 0.0) })
}

/// The loop of [`made`].
struct Made<'a, const OPERATION: u8> {
    operands: Vec<Operand<'a>>,
    out: [&'a mut [f64]; PARTS],
}

impl<const OPERATION: u8> Kernel for Made<'_, OPERATION> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let Made { operands, mut out } = self;
        let count = out[0].len();
        for i in 0..count.div_ceil(L::LANES) {
            let x = Dual::at(l, &operands[0], i);
            let made = match OPERATION {
                NEGATION => Dual { value: -x.value, slope: -x.slope },
                SUM => {
                    let mut sum = x;
                    for operand in &operands[1..] {
                        sum = sum.plus(Dual::at(l, operand, i));
                    }
                    sum
                }
                PRODUCT => {
                    let y = Dual::at(l, &operands[1], i);
                    Dual { value: x.value * y.value, slope: x.slope * y.value + x.value * y.slope }
                }
                QUOTIENT => {
                    let y = Dual::at(l, &operands[1], i);
                    let value = x.value / y.value;
                    // (x/y)′ = (x′ − (x/y) y′)/y
                    Dual { value, slope: (x.slope - value * y.slope) / y.value }
                }
                EXP => {
                    let value = x.value.exp();
                    Dual { value, slope: value * x.slope }
                }
                _ => {
                    let value = x.value.sqrt();
                    Dual { value, slope: x.slope / (value + value) }
                }
            };
            let first = i * L::LANES;
            let room = (count - first).min(L::LANES);
            for (out, part) in out.iter_mut().zip(made.parts()) {
                let out = &mut out[first..first + room];
                if room == L::LANES {
                    l.split_mut(out).0[0] = part.1;
                } else {
                    out.copy_from_slice(&l.lanes(part.1)[..room]);
                }
            }
        }
    }
}

/// The loop of [`total`].
struct Total<'a> {
    of: Operand<'a>,
    count: usize,
}

impl Kernel for Total<'_> {
    type Output = Tangent<Wide>;

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) -> Tangent<Wide> {
        let mut sum = Dual::of([Vector::all(l, 0.0); PARTS]);
        for i in 0..self.count.div_ceil(L::LANES) {
            sum = sum.plus(Dual::at(l, &self.of, i));
        }
        let parts = sum.parts().map(|part| l.lanes(part.1));
        let (mut value, mut slope) = (Wide::ZERO, Wide::ZERO);
        for lane in 0..L::LANES {
            let of_lane = from_parts(parts.map(|part| part[lane]));
            (value, slope) = (value + of_lane.value, slope + of_lane.slope);
        }
        Tangent { value, slope }
    }
}

/// Σ x_i y_i
pub(crate) fn dot(instructions: Instructions, x: &[f64], y: &[f64]) -> Wide {
    let sums = each(true, x.chunks(CHUNK).zip(y.chunks(CHUNK)).collect(), |(x, y)| instructions.run(Dot { x, y }));
    sums.into_iter().sum()
}

/// The loop of [`dot`].
struct Dot<'a> {
    x: &'a [f64],
    y: &'a [f64],
}

impl Kernel for Dot<'_> {
    type Output = Wide;

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) -> Wide {
        let mut sum = Bounded::exactly(Vector::all(l, 0.0));
        for i in 0..self.x.len().div_ceil(L::LANES) {
            let (x, y) = (vector(l, self.x, i), vector(l, self.y, i));
            sum = sum + Bounded::exactly(x) * Bounded::exactly(y);
        }
        let parts = [sum.hi, sum.lo, sum.error].map(|part| l.lanes(part.1));
        (0..L::LANES).map(|lane| Wide::from_f64s(parts.map(|part| part[lane]))).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::{Arithmetic, Enclosures, Forward, Outcome, Wides};

    fn numbers() -> Vec<Tangent<Wide>> {
        let mut x = 0.3f64;
        let mut next = || {
            x = (x * 1103.7 + 0.719).fract();
            x
        };
        let mut number = || {
            let hi = 10.0 * next() - 5.0;
            Wide::from_f64s([hi, hi * next() * 2f64.powi(-54), next() * 2f64.powi(-100)])
        };
        (0..2 * CHUNK + 13).map(|_| Tangent { value: number(), slope: number() }).collect()
    }

    /// Whether two enclosures can be of one number.
    fn meet(x: Wide, y: Wide) -> bool {
        !matches!((x - y).sign(), Some(crate::number::Sign::Positive | crate::number::Sign::Negative))
    }

    type Scalar = fn(&mut Forward<Wides>, &[&Tangent<Wide>]) -> Outcome<Tangent<Wide>>;

    const OPERATIONS: [(Operation, Scalar); 6] = [
        (Operation::Negation, |duals, x| duals.negate(x[0])),
        (Operation::Sum, |duals, x| duals.sum(x)),
        (Operation::Product, |duals, x| duals.product(x[0], x[1])),
        (Operation::Quotient, |duals, x| duals.quotient(x[0], x[1])),
        (Operation::Exp, |duals, x| duals.exp(x[0])),
        (Operation::Sqrt, |duals, x| duals.sqrt(x[0])),
    ];

    #[test]
    fn every_operation_encloses_what_wide_numbers_do_and_with_any_vectors() {
        let numbers = numbers();
        let list = Tangents::of(numbers.iter().cloned());
        let count = numbers.len() - 1;
        let same_number = Tangent { value: Wide::from(0.7), slope: Wide::from(-1.5) };
        for second in [list.part(1..count + 1), same(same_number.clone())] {
            for (operation, by_wide) in OPERATIONS {
                let operands = [list.part(0..count), second];
                let made_by = |instructions| made(instructions, operation, &operands, count);
                let widest = made_by(Instructions::widest());
                for instructions in Instructions::all() {
                    let bits = |list: &Tangents| {
                        list.0.each_ref().map(|part| part.iter().map(|x| x.to_bits()).collect::<Vec<_>>())
                    };
                    // what is not a number has many bits
                    if operation != Operation::Sqrt {
                        assert_eq!(bits(&made_by(instructions)), bits(&widest), "{operation:?}");
                    }
                }
                let mut known = 0;
                for i in 0..count {
                    let found = widest.part(0..count).number(i);
                    let x = [operands[0].number(i), operands[1].number(i)];
                    let Ok(right) = by_wide(&mut Forward(Wides), &[&x[0], &x[1]]) else { continue };
                    assert!(meet(found.value, right.value) && meet(found.slope, right.slope), "{operation:?} {i}");
                    let digits = [found.value, found.slope].map(|x| x.relative_error());
                    known += usize::from(digits.iter().all(|&error| error < 2f64.powi(-76)));
                }
                // half of the roots are of negative numbers; sums and divisors come near 0
                assert!(known > count * 2 / 5, "{operation:?}: {known} of {count}");
            }
        }
    }

    #[test]
    fn sums_are_those_of_wide_numbers_and_exact_where_these_are() {
        let numbers = numbers();
        let list = Tangents::of(numbers.iter().cloned());
        let right: Wide = numbers.iter().map(|x| x.slope).sum();
        for instructions in Instructions::all() {
            let found = total(instructions, list.part(0..numbers.len()), numbers.len());
            assert!(meet(found.slope, right) && found.slope.relative_error() < 2f64.powi(-90));
        }
        let whole: Vec<f64> = (0..5000).map(f64::from).collect();
        let found = dot(Instructions::widest(), &whole, &whole);
        assert!(found.is_exact() && found.to_f64() == 4999.0 * 5000.0 * 9999.0 / 6.0);
    }

    #[test]
    fn exponentials_past_the_range_are_unknown_above_and_next_to_nothing_below() {
        let at = [-1e9, -800.0, -621.0, -619.0, 0.0, 619.0, 700.0, 1e9];
        let slopes = [1.0; 8];
        let list = made(Instructions::widest(), Operation::Exp, &[Operand::Exact([&at, &slopes])], at.len());
        let found: Vec<Wide> = (0..at.len()).map(|i| list.part(0..at.len()).number(i).value).collect();
        assert!(found[..3].iter().all(|x| x.sign().is_none() && Wides::ends_f64(x)[1] < 1e-260));
        assert!(found[3..6].iter().zip([-619.0f64, 0.0, 619.0]).all(|(x, at)| meet(*x, Wide::from(at).exp())));
        assert!(found[3..6].iter().all(|x| x.relative_error() < 2f64.powi(-78)));
        assert!(found[6..].iter().all(|x| x.to_f64().is_nan()));
    }
}
