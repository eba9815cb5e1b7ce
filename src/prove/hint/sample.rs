//! The points at which hints are guessed, with the value of every node.

use crate::claim::Variable;
use crate::expression::Graph;
use crate::judges::{Pairs, Run, point};
use crate::number::{Float, Rounded, Rounding, evaluate, evaluate_nodes};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// A guess that fits at so many points by chance does not occur: each leaves one in 10^9.
const POINTS: usize = 6;

/// Draws for them.
const DRAWS: usize = 400;

/// What two numbers that are equal differ by at most, relatively, when each is the result of some hundred
/// operations that cancel up to five digits. A guess that this lets pass is still to be confirmed.
const NEAR: f64 = 1e-9;

/// Sides count where they are known to this part of them, and are of an ordinary size or nothing beside one.
const KNOWN: f64 = 1e-11;
const SMALLEST: f64 = 1e-8;
const NOTHING: f64 = 1e-13;

/// Where all points agree, so many more are drawn for one that does not.
const MORE_DRAWS: usize = 3000;

/// Whether two numbers are equal as far as f64 tells.
pub(super) fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= NEAR * a.abs().max(b.abs())
}

/// A point with all values there.
pub(super) struct Point {
    /// The variables.
    pub inputs: Vec<f64>,
    /// Every node of the pairs' graph; NaN where it has no value.
    pub nodes: Vec<f64>,
    /// The sides of every pair.
    pub sides: Vec<(f64, f64)>,
}

/// Points that say something.
pub(super) struct Sample {
    /// The points.
    pub points: Vec<Point>,
    /// Every point's pairs that differ for certain.
    wrong: Vec<Vec<bool>>,
}

impl Sample {
    /// Points at which every side is known well; `None` where there are not enough.
    pub(super) fn of(pairs: &Pairs, graph: &Graph, run: &Run) -> Option<Sample> {
        let mut rng = ChaCha8Rng::seed_from_u64(run.seed);
        let (mut points, mut wrong) = (Vec::new(), Vec::new());
        for draw in 0..MORE_DRAWS {
            let enough = points.len() >= POINTS && wrong.iter().flatten().any(|&wrong| wrong);
            if enough || draw > DRAWS && points.len() < POINTS || run.deadline.has_passed() {
                break;
            }
            let x = point::random(&pairs.variables, &mut rng);
            // at zeros too much is equal
            if x.contains(&0.0) {
                continue;
            }
            if let Some((seen, differ)) = look(pairs, graph, x)
                && (points.len() < POINTS || differ.contains(&true))
            {
                points.push(seen);
                wrong.push(differ);
            }
        }
        (points.len() >= POINTS / 2).then_some(Sample { points, wrong })
    }

    /// Whether any pair differs at any of the points.
    pub(super) fn is_wrong_somewhere(&self) -> bool {
        self.wrong.iter().flatten().any(|&wrong| wrong)
    }

    /// Whether a pair differs at some point.
    pub(super) fn pair_is_wrong(&self, pair: usize) -> bool {
        self.wrong.iter().any(|point| point[pair])
    }

    /// The pairs.
    pub(super) fn pairs(&self) -> std::ops::Range<usize> {
        0..self.points.first().map_or(0, |point| point.sides.len())
    }
}

/// Some hundred points, with whether all pairs agree there.
pub(super) fn right_or_wrong(pairs: &Pairs, graph: &Graph, run: &Run) -> Vec<(Vec<f64>, bool)> {
    let mut rng = ChaCha8Rng::seed_from_u64(run.seed);
    (0..DRAWS)
        .take_while(|_| !run.deadline.has_passed())
        .map(|_| point::random(&pairs.variables, &mut rng))
        .filter(|x| !x.contains(&0.0))
        .filter_map(|x| look(pairs, graph, x).map(|(seen, differ)| (seen.inputs, !differ.contains(&true))))
        .collect()
}

/// A point, if the assumptions hold there and every side is known well, with the pairs that differ.
fn look(pairs: &Pairs, graph: &Graph, inputs: Vec<f64>) -> Option<(Point, Vec<bool>)> {
    let exact: Vec<Rounded> = inputs.iter().map(|&x| Rounded::exact(x)).collect();
    let outputs = evaluate(&pairs.graph, &mut { Rounding::F64 }, &exact);
    let met = pairs.assumed().all(|i| matches!(&outputs[i], Ok(condition) if condition.low() > 0.0));
    let at_kink = pairs.kinks.as_ref().is_some_and(|conditions| {
        let conditions = evaluate(conditions, &mut { Rounding::F64 }, &exact);
        conditions.iter().any(|condition| !matches!(condition, Ok(x) if x.excludes_zero()))
    });
    if !met || at_kink {
        return None;
    }
    let known = |x: &Rounded| {
        if x.value.abs() + x.bound <= NOTHING {
            return Some(0.0);
        }
        (x.bound <= KNOWN * x.value.abs() && x.value.abs() >= SMALLEST).then_some(x.value)
    };
    let (mut sides, mut differ) = (Vec::new(), Vec::new());
    for (l, r) in pairs.sides() {
        let (Ok(left), Ok(right)) = (&outputs[l], &outputs[r]) else { return None };
        sides.push((known(left)?, known(right)?));
        differ.push((left.value - right.value).abs() > left.bound + right.bound);
    }
    let nodes = evaluate_nodes(graph, &mut Float, &inputs);
    let nodes = nodes.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect();
    Some((Point { inputs, nodes, sides }, differ))
}

/// The scalar variables: those that are not an entry of an array.
pub(super) fn scalars(variables: &[Variable]) -> impl Iterator<Item = (usize, &str)> {
    variables.iter().enumerate().filter(|(_, v)| !v.name.contains('[')).map(|(i, v)| (i, v.name.as_str()))
}

/// The arrays among the variables: the name before the bracket, with what stands in it and the position.
pub(super) fn arrays(variables: &[Variable]) -> Vec<(&str, Vec<(&str, usize)>)> {
    let mut all: Vec<(&str, Vec<(&str, usize)>)> = Vec::new();
    for (i, variable) in variables.iter().enumerate() {
        let Some((name, rest)) = variable.name.split_once('[') else { continue };
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, entries)) => entries.push((rest, i)),
            None => all.push((name, vec![(rest, i)])),
        }
    }
    all
}
