//! Inequalities over boxes: enclosures on ever smaller ones, until each shows the inequality or is too small.

use super::Pairs;
use super::search::{Tried, try_point};
use crate::claim::{Domain, Relation, Variable};
use crate::number::{Deadline, Rounded};
use std::collections::VecDeque;

/// More boxes are not tried: about a second for a graph of 100 operations.
const MOST_BOXES: u64 = 100_000;

/// And no more where a whole domain cannot be covered.
const MOST_BOXES_IN_WINDOW: u64 = 20_000;

/// A side that is this part of the first one is not halved where something may be left over.
const SMALLEST: f64 = 1.0 / 1024.0;

/// Of a domain without bounds so much is looked at.
const WINDOW: f64 = 16.0;

/// With more variables so many boxes show next to nothing.
const MOST_VARIABLES: usize = 3;

/// What is left over is told as so many ranges of one variable at most.
const MOST_RANGES: usize = 3;

/// Where enclosures prove an inequality that they do not prove everywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// How much of the box that was looked at.
    pub share: f64,
    /// The box, and what of it is left over.
    pub words: String,
}

/// How far enclosures prove an inequality.
#[derive(Debug, PartialEq)]
pub(super) enum Covered {
    /// Everywhere, with so many boxes.
    Everywhere(u64),
    /// In a part.
    Part(Part),
}

/// A range for each variable.
type Cell = Vec<(f64, f64)>;

/// Where an inequality is proved; `None` where it is none, or is false somewhere.
pub(super) fn cover(pairs: &Pairs, deadline: Deadline) -> Option<Covered> {
    if !matches!(pairs.relation, Relation::AtLeast | Relation::Greater) {
        return None;
    }
    let nowhere = || Some(Covered::Part(Part { share: 0.0, words: "sampled everywhere".into() }));
    let variables = &pairs.variables;
    if pairs.assumptions > 0 {
        return nowhere();
    }
    let bounded: Option<Cell> = variables.iter().map(|v| bounds(v.domain)).collect();
    if let Some(whole) = bounded
        && let Some(boxes) = everywhere(pairs, whole, deadline)
    {
        return Some(Covered::Everywhere(boxes));
    }
    let window: Option<Cell> = variables.iter().map(|v| window(v.domain)).collect();
    let Some(window) = window.filter(|w| (1..=MOST_VARIABLES).contains(&w.len())) else {
        return nowhere();
    };
    let left = left_over(pairs, &window, deadline)?;
    let inside = ranges(variables, &window);
    let hull = hull(&left);
    let small = hull.as_ref().is_none_or(|hull| hull.iter().zip(&window).all(|(h, w)| width(*h) <= 0.5 * width(*w)));
    let share = 1.0 - left.iter().map(|cell| volume(cell)).sum::<f64>() / volume(&window);
    let joined = (variables.len() == 1).then(|| joined(&left)).filter(|ranges| ranges.len() <= MOST_RANGES);
    let words = match (hull, joined) {
        (None, _) => format!("proved for {inside}, sampled beyond"),
        (_, Some(parts)) if share > 0.0 => {
            let parts: Vec<String> = parts.iter().map(|&part| ranges(variables, &[part])).collect();
            format!("proved for {inside} but for {}, where it is sampled", parts.join(" and "))
        }
        (Some(hull), _) if small => {
            format!("proved for {inside} but for {}, where it is sampled", ranges(variables, &hull))
        }
        // rounded down: what is said to be proved is
        _ if share >= 0.01 => {
            format!("proved for {} % of {inside}, sampled in the rest", (100.0 * share).floor())
        }
        _ => return nowhere(),
    };
    Some(Covered::Part(Part { share, words }))
}

fn bounds(domain: Domain) -> Option<(f64, f64)> {
    match domain {
        Domain::Between(low, high) | Domain::Within(low, high) => Some((low, high)),
        Domain::Unit => Some((0.0, 1.0)),
        Domain::Real | Domain::Positive | Domain::NonNegative | Domain::Rate | Domain::Whole(_) => None,
    }
}

/// What is looked at of a domain.
fn window(domain: Domain) -> Option<(f64, f64)> {
    match domain {
        Domain::Real => Some((-WINDOW, WINDOW)),
        Domain::Positive | Domain::NonNegative | Domain::Rate => Some((0.0, WINDOW)),
        Domain::Unit | Domain::Between(..) | Domain::Within(..) => bounds(domain),
        Domain::Whole(_) => None,
    }
}

/// What a cell shows.
fn tried(pairs: &Pairs, cell: &[(f64, f64)]) -> Tried {
    let inputs: Vec<Rounded> = cell.iter().map(|&(low, high)| Rounded::between(low, high)).collect();
    try_point(pairs, &inputs)
}

/// The boxes that prove it over all of a cell.
fn everywhere(pairs: &Pairs, whole: Cell, deadline: Deadline) -> Option<u64> {
    let mut open = vec![whole];
    let mut boxes = 0;
    while let Some(cell) = open.pop() {
        boxes += 1;
        match tried(pairs, &cell) {
            Tried::Holds(_) => continue,
            Tried::Violates => return None,
            _ if boxes > MOST_BOXES || deadline.has_passed() => return None,
            _ => open.extend(halves(&cell, widest(&cell, |_| 1.0)?)?),
        }
    }
    Some(boxes)
}

/// The boxes of a window in which nothing is shown, the largest first halved; `None` where it is false.
fn left_over(pairs: &Pairs, window: &Cell, deadline: Deadline) -> Option<Vec<Cell>> {
    let part = |i: usize| 1.0 / width(window[i]);
    let mut open = VecDeque::from([window.clone()]);
    let mut left: Vec<Cell> = Vec::new();
    let mut boxes = 0;
    while let Some(cell) = open.pop_front() {
        boxes += 1;
        match tried(pairs, &cell) {
            Tried::Holds(_) => continue,
            Tried::Violates => return None,
            _ => {}
        }
        let longest = widest(&cell, part)?;
        if width(cell[longest]) * part(longest) <= SMALLEST {
            left.push(cell);
        } else if boxes >= MOST_BOXES_IN_WINDOW || deadline.has_passed() {
            left.push(cell);
            left.extend(open);
            break;
        } else {
            open.extend(halves(&cell, longest)?);
        }
    }
    Some(left)
}

/// The side that is the longest, each times a weight.
fn widest(cell: &[(f64, f64)], weight: impl Fn(usize) -> f64) -> Option<usize> {
    let size = |i: usize| width(cell[i]) * weight(i);
    (0..cell.len()).max_by(|&i, &j| size(i).total_cmp(&size(j)))
}

fn halves(cell: &Cell, side: usize) -> Option<[Cell; 2]> {
    let (low, high) = cell[side];
    let middle = low * 0.5 + high * 0.5;
    (low < middle && middle < high).then(|| {
        [(low, middle), (middle, high)].map(|half| {
            let mut finer = cell.clone();
            finer[side] = half;
            finer
        })
    })
}

fn width((low, high): (f64, f64)) -> f64 {
    high - low
}

fn volume(cell: &[(f64, f64)]) -> f64 {
    cell.iter().map(|&side| width(side)).product()
}

/// Ranges of one variable, with those that touch made one.
fn joined(cells: &[Cell]) -> Cell {
    let mut sorted: Cell = cells.iter().map(|cell| cell[0]).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut parts: Cell = Vec::new();
    for (low, high) in sorted {
        match parts.last_mut() {
            Some(last) if low <= last.1 => last.1 = high.max(last.1),
            _ => parts.push((low, high)),
        }
    }
    parts
}

/// The box around some.
fn hull(cells: &[Cell]) -> Option<Cell> {
    let around = |a: Cell, b: &Cell| a.iter().zip(b).map(|(a, b)| (a.0.min(b.0), a.1.max(b.1))).collect();
    let (first, rest) = cells.split_first()?;
    Some(rest.iter().fold(first.clone(), around))
}

/// Ranges in words: -16 <= x <= 16.
fn ranges(variables: &[Variable], cell: &[(f64, f64)]) -> String {
    let range = |(v, (low, high)): (&Variable, &(f64, f64))| format!("{low} <= {} <= {high}", v.name);
    variables.iter().zip(cell).map(range).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::Instance;
    use crate::expression::{Expr, constant, ratio, sigmoid};

    fn over(domain: Domain, sides: impl Fn(Expr) -> (Expr, Expr)) -> Option<Covered> {
        let instance = Instance::greater("x", |inputs| vec![sides(inputs.declare("x", domain))]);
        cover(&Pairs::of(&instance), Deadline::NEVER)
    }

    fn product(bound: (i64, i64)) -> impl Fn(Expr) -> (Expr, Expr) {
        move |x| (ratio(bound.0, bound.1), sigmoid(x) * sigmoid(-x))
    }

    #[test]
    fn an_inequality_is_proved_over_a_box_and_a_false_one_is_not() {
        let wide = Domain::Between(-20.0, 20.0);
        assert!(matches!(over(wide, product((26, 100))), Some(Covered::Everywhere(boxes)) if boxes > 1));
        assert_eq!(over(wide, product((24, 100))), None);
        assert!(matches!(over(Domain::Between(3.0, 20.0), product((24, 100))), Some(Covered::Everywhere(_))));
    }

    fn words(covered: Option<Covered>) -> String {
        let Some(Covered::Part(part)) = covered else { panic!("{covered:?}") };
        part.words
    }

    #[test]
    fn what_is_left_over_is_around_where_the_sides_touch() {
        // 1/4 at 0
        let words = words(over(Domain::Between(-20.0, 20.0), product((25, 100))));
        let (inside, left) = words.split_once(" but for ").unwrap();
        assert_eq!(inside, "proved for -20 <= x <= 20");
        let ends: Vec<f64> =
            left.split(" <= x <= ").map(|end| end.split(',').next().unwrap().parse().unwrap()).collect();
        assert!(ends[0] < 0.0 && ends[0] > -0.5 && ends[1] > 0.0 && ends[1] < 0.5, "{left}");
    }

    #[test]
    fn places_apart_are_told_apart() {
        // equal at -1 and 1
        let words = words(over(Domain::Real, |x| ((x * x - 1).powi(2), constant(0))));
        assert_eq!(words.matches("<= x <=").count(), 3, "{words}");
        let (_, left) = words.split_once(" but for ").unwrap();
        assert!(left.starts_with('-') && left.contains(" and 0."), "{left}");
    }

    #[test]
    fn sides_that_touch_along_a_line_leave_a_share_over() {
        let instance = Instance::at_least("x and y", |inputs| {
            let (x, y) = (inputs.declare("x", Domain::Real), inputs.declare("y", Domain::Real));
            vec![((x - y).exp(), x - y + 1)]
        });
        let words = words(cover(&Pairs::of(&instance), Deadline::NEVER));
        let share = words.strip_prefix("proved for ").and_then(|w| w.split_once(" % of ")).unwrap().0;
        let share: f64 = share.parse().unwrap();
        assert!(share > 80.0 && share < 100.0, "{words}");
        assert!(words.ends_with("% of -16 <= x <= 16, -16 <= y <= 16, sampled in the rest"), "{words}");
    }

    #[test]
    fn beyond_a_window_there_are_samples() {
        let above_zero = over(Domain::Real, |x| (x.exp() + 1, constant(0)));
        assert_eq!(words(above_zero), "proved for -16 <= x <= 16, sampled beyond");
        assert_eq!(over(Domain::Real, |x| (x, constant(0))), None);
    }

    #[test]
    fn many_variables_are_sampled_everywhere() {
        let instance = Instance::at_least("four", |inputs| {
            let x: Vec<Expr> = ["a", "b", "c", "d"].map(|name| inputs.declare(name, Domain::Real)).to_vec();
            vec![((x[0] + x[1]).exp() + (x[2] - x[3]).exp(), constant(0))]
        });
        assert_eq!(words(cover(&Pairs::of(&instance), Deadline::NEVER)), "sampled everywhere");
    }
}
