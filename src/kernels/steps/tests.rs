use super::*;
use crate::expression::{Expr, Graph, clip, larger, sign, variable};
use crate::kernels::lanes::MOST_LANES;
use crate::number::{Arithmetic, Enclosures, Interval, Intervals, evaluate};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Bits that hold the sum of 1 and the smallest product.
const BITS: usize = 2500;

/// Uniform numbers in [−1, 1), the same on every run.
struct Draw(ChaCha8Rng);

impl Draw {
    fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * two_to(-52) - 1.0
    }

    fn of(&mut self, sizes: &[f64]) -> f64 {
        sizes[(self.0.next_u64() % sizes.len() as u64) as usize] * self.unit()
    }
}

fn draw() -> Draw {
    Draw(ChaCha8Rng::seed_from_u64(20_261_127))
}

/// A coefficient of all its digits.
fn coefficient(hi: f64, draw: &mut Draw) -> Coefficient {
    Coefficient { hi, lo: hi * draw.unit() * two_to(-54), error: 0.0 }
}

/// Vectors of one kind of input: how large θ, the moments and what is given are.
struct Region {
    state: &'static [&'static [f64]],
    given: &'static [&'static [f64]],
    /// Whether the last of the state is not negative.
    square: bool,
}

const ORDINARY: &[f64] = &[1.0, 1e-3];
const SMALL: &[f64] = &[1e-170, 1e-200, 1e-309, 3e-323, 0.0];
const ANY: &[f64] = &[1e60, 1.0, 1e-8, 1e-100, 1e-320, 0.0];

/// The definition of a rule at symbols for its coefficients and numbers.
struct Definition {
    graph: Graph,
}

impl Definition {
    fn of(build: impl FnOnce() -> Vec<Expr>) -> Definition {
        Definition { graph: Graph::build(build) }
    }

    /// Its outputs where each name has this value, hi + lo.
    fn at(&self, value: impl Fn(&str) -> [f64; 2]) -> Vec<Interval> {
        let mut a = Intervals { bits: BITS };
        let inputs: Vec<Interval> = self
            .graph
            .variables()
            .iter()
            .map(|name| {
                let [hi, lo] = value(name).map(|x| a.exactly(x).unwrap());
                a.sum(&[&hi, &lo]).unwrap()
            })
            .collect();
        evaluate(&self.graph, &mut a, &inputs).into_iter().map(Result::unwrap).collect()
    }
}

/// The unrounded numbers of a vector: hi, lo and the bound of each output, and the doubt.
struct Probe<'a, const S: usize, const G: usize, R> {
    rule: &'a R,
    level: bool,
    state: [f64; S],
    given: [f64; G],
}

type Found<const S: usize> = ([[f64; 3]; S], f64);

impl<const S: usize, const G: usize, R: Rule<S, G>> Kernel for Probe<'_, S, G, R> {
    type Output = Found<S>;

    fn run<L: Lanes>(self, l: L) -> Found<S> {
        let vector = |x: f64| Vector(l, l.splat(x));
        let (state, given) = (self.state.map(vector), self.given.map(vector));
        let first = |x: Vector<L>| -> f64 {
            let lanes: [f64; MOST_LANES] = l.lanes(x.1);
            lanes[0]
        };
        if self.level == FAST {
            let estimates = self.rule.fast(l, state, given);
            let doubt = estimates.iter().map(|x| nearest(*x).1).fold(vector(0.0), |a, b| a + b);
            return (estimates.map(|x| [first(x.hi), first(x.lo), first(x.size) * ERROR]), first(doubt));
        }
        let unrounded = self.rule.careful(l, state, given);
        let doubt = (0..S).map(|k| unrounded.state[k].nearest(R::RAISED[k]).1).fold(unrounded.doubt, |a, b| a + b);
        (unrounded.state.map(|x| [first(x.hi), first(x.lo), first(x.error)]), first(doubt))
    }
}

/// Every number of every region is within its bound of the definition wherever its rounding is decided, the bound is
/// far below an ulp on ordinary numbers, and what is decided rounds as the definition does, at every width.
fn check<const S: usize, const G: usize, R: Rule<S, G>>(
    rules: &[R],
    regions: &[Region],
    definition: &Definition,
    value: impl Fn(&R, &[f64; S], &[f64; G], &str) -> [f64; 2],
) {
    let mut draw = draw();
    for (which, region) in regions.iter().enumerate() {
        for rule in rules {
            let mut cases = Vec::new();
            for _ in 0..23 {
                let mut state: [f64; S] = std::array::from_fn(|k| draw.of(region.state[k]));
                if region.square {
                    state[S - 1] = state[S - 1].abs();
                }
                let given: [f64; G] = std::array::from_fn(|k| draw.of(region.given[k]));
                let right = definition.at(|name| value(rule, &state, &given, name));
                for instructions in Instructions::all() {
                    for level in [FAST, CAREFUL] {
                        let raised = if level == CAREFUL { R::RAISED } else { [0; S] };
                        let (found, doubt) = instructions.run_singly(Probe { rule, level, state, given });
                        let place = || format!("{instructions:?}, fast: {level}, region {which}: {state:?} {given:?}");
                        if doubt == 0.0 {
                            (0..S).for_each(|k| within(found[k], &right[k], raised[k], &place));
                        }
                        let ordinary = region.state.iter().chain(region.given).all(|sizes| *sizes == ORDINARY);
                        assert!(!ordinary || doubt == 0.0, "{} is open", place());
                    }
                }
                cases.push((state, given, right));
            }
            rounded(rule, &cases, which);
        }
    }
}

/// |hi + lo − right·2^raised| ≤ error
fn within([hi, lo, error]: [f64; 3], right: &Interval, raised: i32, place: &impl Fn() -> String) {
    let mut a = Intervals { bits: BITS };
    let up = a.exactly(two_to(raised)).unwrap();
    let right = a.product(right, &up).unwrap();
    let [hi, lo] = [hi, lo].map(|x| a.exactly(x).unwrap());
    let minus = a.negate(&right).unwrap();
    let off = a.sum(&[&hi, &lo, &minus]).unwrap();
    let off = off.ends_f64().map(f64::abs).into_iter().fold(0.0, f64::max);
    assert!(off <= error, "{}: {off:e} off, {error:e} is allowed", place());
}

/// The lists of these cases after a step are the nearest f64 wherever they are decided.
fn rounded<const S: usize, const G: usize, R: Rule<S, G>>(
    rule: &R,
    cases: &[([f64; S], [f64; G], Vec<Interval>)],
    which: usize,
) {
    for instructions in Instructions::all() {
        let old: [Vec<f64>; S] = std::array::from_fn(|k| cases.iter().map(|c| c.0[k]).collect());
        let mut state = old.clone();
        let given: [Vec<f64>; G] = std::array::from_fn(|k| cases.iter().map(|c| c.1[k]).collect());
        let mut lists = state.each_mut().map(Vec::as_mut_slice);
        let open = step(instructions, rule, &mut lists, &given.each_ref().map(Vec::as_slice));
        for (i, (_, _, right)) in cases.iter().enumerate() {
            for k in 0..S {
                let right = match right[k].nearest_f64() {
                    _ if open.contains(&i) => Some(old[k][i]),
                    right => right,
                };
                if let Some(right) = right {
                    let found = state[k][i];
                    assert!(
                        found.to_bits() == right.to_bits(),
                        "{instructions:?}, region {which}, {k}: {found:e} {right:e}"
                    );
                }
            }
        }
    }
}

fn pair(c: Coefficient) -> [f64; 2] {
    [c.hi, c.lo]
}

#[test]
fn the_sums_of_sgd_are_within_their_bounds() {
    let mut draw = draw();
    let mut three = |sizes: [f64; 3]| sizes.map(|size| coefficient(size, &mut draw));
    let rules = [
        Sgd { theta: three([0.999, -9e-4, -1e-3]), buf: three([0.01, 0.9, 0.1]) },
        Sgd { theta: three([1.0, 0.0, -0.5]), buf: three([0.0, 0.0, 1.0]) },
    ];
    let regions = [
        Region { state: &[ORDINARY, ORDINARY], given: &[ORDINARY], square: false },
        Region { state: &[SMALL, SMALL], given: &[SMALL], square: false },
        Region { state: &[ANY, ANY], given: &[ANY], square: false },
    ];
    let definition = Definition::of(|| {
        let [theta, buf, g] = ["theta", "buf", "g"].map(variable);
        let sum = |of: &str| {
            variable(format!("{of}0")) * theta + variable(format!("{of}1")) * buf + variable(format!("{of}2")) * g
        };
        vec![sum("a"), sum("b")]
    });
    check(&rules, &regions, &definition, |rule: &Sgd, state, given, name| match name {
        "theta" => [state[0], 0.0],
        "buf" => [state[1], 0.0],
        "g" => [given[0], 0.0],
        _ => {
            let list = if name.starts_with('a') { rule.theta } else { rule.buf };
            pair(list[name[1..].parse::<usize>().unwrap()])
        }
    });
}

#[test]
fn lions_numbers_are_within_their_bounds() {
    let mut draw = draw();
    let mut c = |x: f64| coefficient(x, &mut draw);
    let rules = [(0.9, 0.99, 0.999, 1e-3), (0.25, 0.5, 1.0, 0.125)].map(|(beta1, beta2, kept, moved)| Lion {
        update: [c(beta1), c(1.0 - beta1)],
        momentum: [c(beta2), c(1.0 - beta2)],
        kept: c(kept),
        moved: c(moved),
    });
    let regions = [
        Region { state: &[ORDINARY, ORDINARY], given: &[ORDINARY], square: false },
        Region { state: &[ORDINARY, SMALL], given: &[SMALL], square: false },
        Region { state: &[ANY, ANY], given: &[ANY], square: false },
    ];
    let definition = Definition::of(|| {
        let [theta, m, g, kept, moved] = ["theta", "m", "g", "kept", "moved"].map(variable);
        let [u0, u1, b0, b1] = ["u0", "u1", "b0", "b1"].map(variable);
        vec![kept * theta - moved * sign(u0 * m + u1 * g), b0 * m + b1 * g]
    });
    check(&rules, &regions, &definition, |rule: &Lion, state, given, name| match name {
        "theta" => [state[0], 0.0],
        "m" => [state[1], 0.0],
        "g" => [given[0], 0.0],
        "kept" => pair(rule.kept),
        "moved" => pair(rule.moved),
        "u0" => pair(rule.update[0]),
        "u1" => pair(rule.update[1]),
        "b0" => pair(rule.momentum[0]),
        _ => pair(rule.momentum[1]),
    });
}

/// θ′, m′ and v′ as `Adam` defines them.
fn adam(l2: bool) -> Definition {
    Definition::of(|| {
        let [theta, m, v, g] = ["theta", "m", "v", "g"].map(variable);
        let [b0, b1, c0, c1] = ["b0", "b1", "c0", "c1"].map(variable);
        let [eps, kept, moved, lambda] = ["eps", "kept", "moved", "lambda"].map(variable);
        let g = if l2 { g + lambda * theta } else { g };
        let (m, v) = (b0 * m + b1 * g, c0 * v + c1 * g.squared());
        vec![kept * theta - moved * (m / (v.sqrt() + eps)), m, v]
    })
}

fn adam_rules<const L2: bool>() -> Vec<Adam<L2>> {
    let mut draw = draw();
    let scalars = [(0.9, 0.95, 1e-8, 0.999, 1e-3), (0.5, 0.999, 1e-3, 1.0, 0.5), (0.9, 0.5, 1e-40, 0.5, -1e-5)];
    scalars
        .map(|(beta1, beta2, eps, kept, moved)| {
            let mut c = |x: f64| coefficient(x, &mut draw);
            // what λ is multiplied with is in the definition once: as the exact product it has no third part
            let (weight, lambda) = (c(1.0 - beta1), Coefficient { hi: 0.125, lo: 0.0, error: 0.0 });
            let both = Coefficient { hi: weight.hi * 0.125, lo: weight.lo * 0.125, error: 0.0 };
            let (beta1, beta2) = ([c(beta1), weight], [c(beta2), c(1.0 - beta2)]);
            Adam { beta1, beta2, lambda: [lambda, both], eps: c(eps), kept: c(kept), moved: c(moved) }
        })
        .to_vec()
}

fn adam_value<const L2: bool>(rule: &Adam<L2>, state: &[f64; 3], given: &[f64; 1], name: &str) -> [f64; 2] {
    match name {
        "theta" => [state[0], 0.0],
        "m" => [state[1], 0.0],
        "v" => [state[2], 0.0],
        "g" => [given[0], 0.0],
        "b0" => pair(rule.beta1[0]),
        "b1" => pair(rule.beta1[1]),
        "c0" => pair(rule.beta2[0]),
        "c1" => pair(rule.beta2[1]),
        "eps" => pair(rule.eps),
        "kept" => pair(rule.kept),
        "moved" => pair(rule.moved),
        _ => pair(rule.lambda[0]),
    }
}

const ADAM_REGIONS: &[Region] = &[
    Region { state: &[ORDINARY, ORDINARY, ORDINARY], given: &[ORDINARY], square: true },
    Region { state: &[ORDINARY, SMALL, SMALL], given: &[SMALL], square: true },
    Region { state: &[ORDINARY, SMALL, ORDINARY], given: &[&[0.0]], square: true },
    Region { state: &[ANY, ANY, ANY], given: &[ANY], square: true },
];

#[test]
fn adams_numbers_are_within_their_bounds() {
    check(&adam_rules::<false>(), ADAM_REGIONS, &adam(false), adam_value);
}

#[test]
fn adams_numbers_with_the_decay_in_the_gradient_are_within_their_bounds() {
    check(&adam_rules::<true>(), ADAM_REGIONS, &adam(true), adam_value);
}

fn sophia_rules() -> Vec<Sophia> {
    let mut draw = draw();
    let scalars = [(0.965, 0.99, 1.0, 0.04, 1e-12), (0.5, 0.5, 0.01, 1.0, 1e-3), (0.9, 0.75, 1.0, 1e6, 0.5)];
    scalars
        .map(|(beta1, beta2, gamma, rho, eps)| {
            let mut c = |x: f64| coefficient(x, &mut draw);
            let exact = |x: f64| Coefficient { hi: x, lo: 0.0, error: 0.0 };
            // kρ is the exact product
            let (beta1, beta2) = ([c(beta1), c(1.0 - beta1)], [c(beta2), c(1.0 - beta2)]);
            let clipped = Coefficient { hi: rho * two_to(-10), lo: 0.0, error: 0.0 };
            let (gamma, eps, kept) = (c(gamma), c(eps), c(0.999));
            Sophia { beta1, beta2, gamma, eps, rho: exact(rho), kept, moved: exact(two_to(-10)), clipped }
        })
        .to_vec()
}

fn sophia(refreshed: bool) -> Definition {
    Definition::of(|| {
        let [theta, m, h, g] = ["theta", "m", "h", "g"].map(variable);
        let [b0, b1, gamma, eps, rho] = ["b0", "b1", "gamma", "eps", "rho"].map(variable);
        let m = b0 * m + b1 * g;
        let h = if refreshed { variable("c0") * h + variable("c1") * variable("estimate") } else { h };
        let ratio = clip(m / larger(gamma * h, eps), rho);
        vec![variable("kept") * theta - variable("moved") * ratio, m, h]
    })
}

fn sophia_value(rule: &Sophia, state: &[f64; 3], given: &[f64], name: &str) -> [f64; 2] {
    match name {
        "theta" => [state[0], 0.0],
        "m" => [state[1], 0.0],
        "h" => [state[2], 0.0],
        "g" => [given[0], 0.0],
        "estimate" => [given[1], 0.0],
        "b0" => pair(rule.beta1[0]),
        "b1" => pair(rule.beta1[1]),
        "c0" => pair(rule.beta2[0]),
        "c1" => pair(rule.beta2[1]),
        "gamma" => pair(rule.gamma),
        "eps" => pair(rule.eps),
        "rho" => pair(rule.rho),
        "kept" => pair(rule.kept),
        _ => pair(rule.moved),
    }
}

#[test]
fn sophias_numbers_are_within_their_bounds() {
    let refreshed = [
        Region { state: &[ORDINARY, ORDINARY, ORDINARY], given: &[ORDINARY, ORDINARY], square: false },
        Region { state: &[ORDINARY, SMALL, SMALL], given: &[SMALL, SMALL], square: false },
        Region { state: &[ORDINARY, ANY, ANY], given: &[ANY, ANY], square: false },
    ];
    check(&sophia_rules(), &refreshed, &sophia(true), |rule, state, given: &[f64; 2], name| {
        sophia_value(rule, state, given, name)
    });
    let kept = [
        Region { state: &[ORDINARY, ORDINARY, ORDINARY], given: &[ORDINARY], square: false },
        Region { state: &[ORDINARY, SMALL, SMALL], given: &[SMALL], square: false },
        Region { state: &[ORDINARY, ANY, ANY], given: &[ANY], square: false },
    ];
    check(&sophia_rules(), &kept, &sophia(false), |rule, state, given: &[f64; 1], name| {
        sophia_value(rule, state, given, name)
    });
}

#[test]
fn sophias_ratio_is_within_its_bound_where_the_momentum_cancels() {
    let (rules, definition, mut draw) = (sophia_rules(), sophia(false), draw());
    for rule in &rules {
        for case in 0..60 {
            // m′ is 2^−40 of its terms or less, h large enough that nothing is clipped, and nothing else moves θ
            let g = draw.unit();
            let near = -g * rule.beta1[1].hi / rule.beta1[0].hi;
            let m = near * (1.0 + draw.unit() * two_to(-40));
            let (state, given) = ([0.0, m, 1.0 + draw.unit().abs()], [g]);
            let right = definition.at(|name| sophia_value(rule, &state, &given, name));
            for instructions in Instructions::all() {
                let (found, doubt) = instructions.run_singly(Probe { rule, level: FAST, state, given });
                let place = || format!("{instructions:?}, case {case}: {state:?} {given:?}");
                // its rounding may be open; the bound has to hold all the same, unless the divisor is hardly known
                if doubt.is_finite() {
                    within(found[0], &right[0], 0, &place);
                }
            }
        }
    }
}

/// What a step of a list of one kind leaves open.
fn open<const S: usize, const G: usize, R: Rule<S, G>>(rule: &R, state: [f64; S], given: [f64; G]) -> usize {
    let mut state = state.map(|x| vec![x; 100]);
    let given = given.map(|x| vec![x; 100]);
    let mut lists = state.each_mut().map(Vec::as_mut_slice);
    step(Instructions::widest(), rule, &mut lists, &given.each_ref().map(Vec::as_slice)).len()
}

/// Moments that have faded as far as they do: β times such a number rounds to it.
const STUCK: f64 = f64::from_bits(5);

#[test]
fn parameters_without_gradients_are_decided() {
    for mut rule in adam_rules::<false>() {
        // β is an f64
        rule.beta1.iter_mut().chain(&mut rule.beta2).for_each(|c| c.lo = 0.0);
        for state in [[0.5, 0.0, 0.0], [0.0, 0.0, 0.0], [0.5, STUCK, 1e-9], [0.5, STUCK, STUCK], [0.5, 1e-9, 1e-5]] {
            assert_eq!(open(&rule, state, [0.0]), 0, "{state:?}, {rule:?}");
        }
    }
}

/// What the loop that is tried first leaves open of a list of one kind.
fn open_at_first<const S: usize, const G: usize, R: Rule<S, G>>(rule: &R, state: [f64; S], given: [f64; G]) -> usize {
    let mut state = state.map(|x| vec![x; 100]);
    let given = given.map(|x| vec![x; 100]);
    let mut lists = state.each_mut().map(Vec::as_mut_slice);
    let given = given.each_ref().map(Vec::as_slice);
    run::<FAST, S, G, R>(Instructions::widest(), rule, &mut lists, &given).len()
}

/// The same with coefficients that are one f64.
fn exact<const N: usize>(coefficients: [Coefficient; N]) -> [Coefficient; N] {
    coefficients.map(|c| Coefficient { lo: 0.0, ..c })
}

#[test]
fn what_is_at_rest_takes_no_longer() {
    for mut rule in adam_rules::<false>() {
        (rule.beta1, rule.beta2) = (exact(rule.beta1), exact(rule.beta2));
        for state in [[0.5, 0.0, 0.0], [-0.5, -0.0, 0.0], [0.0, 0.0, 0.0], [0.5, STUCK, 1e-9], [0.5, -STUCK, STUCK]] {
            assert_eq!(open_at_first(&rule, state, [0.0]), 0, "{state:?}, {rule:?}");
        }
        // what is out of the domain is told to the caller
        for state in [[0.5, 0.0, -1.0], [0.5, 0.0, -STUCK], [0.5, f64::NAN, 0.0], [f64::INFINITY, 0.0, 0.0]] {
            assert_eq!(open_at_first(&rule, state, [0.0]), 100, "{state:?}, {rule:?}");
        }
        // 0/0 is none
        rule.eps = Coefficient { hi: 0.0, lo: 0.0, error: 0.0 };
        assert_eq!(open_at_first(&rule, [0.5, 0.0, 0.0], [0.0]), 100);
    }
    for mut rule in sophia_rules() {
        (rule.beta1, rule.beta2) = (exact(rule.beta1), exact(rule.beta2));
        for state in [[0.5, 0.0, 0.0], [0.5, STUCK, 0.25]] {
            assert_eq!(open_at_first(&rule, state, [0.0]), 0, "{state:?}, {rule:?}");
            assert_eq!(open_at_first(&rule, state, [0.0; 2]), 0, "{state:?}, {rule:?}");
            // an estimate moves h alone
            assert_eq!(open_at_first(&rule, [state[0], state[1], 0.0], [0.0, 0.5]), 0, "{state:?}, {rule:?}");
        }
        assert_eq!(open_at_first(&rule, [0.5, f64::INFINITY, 0.3], [0.0]), 100);
    }
}

/// A step of one number.
fn stepped<const S: usize, const G: usize, R: Rule<S, G>>(rule: &R, state: [f64; S], given: [f64; G]) -> [f64; S] {
    let (mut state, given) = (state.map(|x| vec![x]), given.map(|x| vec![x]));
    let mut lists = state.each_mut().map(Vec::as_mut_slice);
    let open = step(Instructions::widest(), rule, &mut lists, &given.each_ref().map(Vec::as_slice));
    assert!(open.is_empty());
    state.map(|list| list[0])
}

#[test]
fn what_is_at_rest_keeps_the_sign_of_what_underflows() {
    let mut rule = adam_rules::<false>()[1];
    (rule.beta1, rule.beta2) = (exact([rule.beta1[1]; 2]), exact(rule.beta2));
    // half of the smallest number is a tie, which goes to the even zero
    let least = f64::from_bits(1);
    let bits = |state: [f64; 3]| stepped(&rule, state, [0.0]).map(f64::to_bits);
    assert_eq!(bits([0.5, -least, 1.0])[1], (-0.0f64).to_bits());
    assert_eq!(bits([0.5, -0.0, -0.0])[1..], [0, 0], "an exact zero is +0");
}

/// At rest the vectors of pairs decide what those with a running bound decide as well.
fn as_carefully<const S: usize, const G: usize, R: Rule<S, G>>(rule: &R, state: [f64; S], given: [f64; G]) {
    let after = |fast: bool| {
        let mut lists = state.map(|x| vec![x; 3]);
        let given = given.map(|x| vec![x; 3]);
        let given = given.each_ref().map(Vec::as_slice);
        let mut slices = lists.each_mut().map(Vec::as_mut_slice);
        let open = if fast {
            run::<FAST, S, G, R>(Instructions::widest(), rule, &mut slices, &given)
        } else {
            run::<CAREFUL, S, G, R>(Instructions::widest(), rule, &mut slices, &given)
        };
        assert!(open.is_empty(), "{state:?} {given:?} fast: {fast}");
        lists.map(|list| list[0].to_bits())
    };
    assert_eq!(after(true), after(false), "{state:?} {given:?}");
}

#[test]
fn what_is_at_rest_comes_to_what_is_left_of_it() {
    for mut rule in adam_rules::<false>() {
        (rule.beta1, rule.beta2) = (exact(rule.beta1), exact(rule.beta2));
        for state in [[0.5, 0.0, 0.0], [-0.3, 0.0, 1e-3], [0.0, 0.0, 1e-300], [0.7, -0.0, 0.2]] {
            as_carefully(&rule, state, [0.0]);
        }
    }
    for mut rule in sophia_rules() {
        (rule.beta1, rule.beta2) = (exact(rule.beta1), exact(rule.beta2));
        for state in [[0.5, 0.0, 0.0], [-0.3, 0.0, 0.75], [0.0, 0.0, -0.125]] {
            as_carefully(&rule, state, [0.0]);
            as_carefully(&rule, state, [0.0, 0.0]);
            // h is no sum that may be halfway between two numbers
            as_carefully(&rule, [state[0], state[1], 0.0], [0.0, 0.5]);
        }
    }
}
