//! Inequalities over boxes: enclosures on ever smaller ones, until each shows the inequality or is too small.

use super::Pairs;
use super::search::{Tried, try_point};
use crate::claim::{Domain, Relation, Variable};
use crate::number::{Deadline, Rounded};

/// More boxes are not tried: about a second for a graph of 100 operations.
const MOST_BOXES: u64 = 100_000;

/// And no more where a whole domain cannot be covered.
const MOST_BOXES_IN_WINDOW: u64 = 20_000;

/// A side that is this part of the first one is not halved where something may be left over.
const SMALLEST: f64 = 1.0 / 1024.0;

/// Of a domain without bounds so much is looked at.
const WINDOW: f64 = 16.0;

/// With more variables most of a window is near where the sides touch.
const MOST_VARIABLES: usize = 3;

/// How far enclosures prove an inequality.
#[derive(Debug, PartialEq)]
pub(super) enum Covered {
    /// Everywhere, with so many boxes.
    Everywhere(u64),
    /// In a box but for a smaller one around what is left over, in words.
    But(String),
}

/// A range for each variable.
type Cell = Vec<(f64, f64)>;

/// Where an inequality is proved; `None` where nothing is said, or it is false somewhere.
pub(super) fn cover(pairs: &Pairs, deadline: Deadline) -> Option<Covered> {
    if pairs.assumptions > 0 || !matches!(pairs.relation, Relation::AtLeast | Relation::Greater) {
        return None;
    }
    let bounded: Option<Cell> = pairs.variables.iter().map(|v| bounds(v.domain)).collect();
    if let Some(whole) = bounded
        && let Some(boxes) = everywhere(pairs, whole, deadline)
    {
        return Some(Covered::Everywhere(boxes));
    }
    if pairs.variables.is_empty() || pairs.variables.len() > MOST_VARIABLES {
        return None;
    }
    let window: Cell = pairs.variables.iter().map(|v| window(v.domain)).collect::<Option<_>>()?;
    let left = left_over(pairs, &window, deadline)?;
    let inside = ranges(&pairs.variables, &window);
    Some(Covered::But(match hull(&left) {
        None => format!("proved for {inside}, and sampled beyond"),
        Some(hull) => {
            format!("proved for {inside} but for {}, where it is sampled", ranges(&pairs.variables, &hull))
        }
    }))
}

fn bounds(domain: Domain) -> Option<(f64, f64)> {
    match domain {
        Domain::Between(low, high) | Domain::Within(low, high) => Some((low, high)),
        _ => None,
    }
}

/// What is looked at of a domain.
fn window(domain: Domain) -> Option<(f64, f64)> {
    match domain {
        Domain::Real => Some((-WINDOW, WINDOW)),
        Domain::Positive | Domain::NonNegative => Some((0.0, WINDOW)),
        Domain::Unit | Domain::Rate => Some((0.0, 1.0)),
        Domain::Between(low, high) | Domain::Within(low, high) => Some((low, high)),
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

/// The small boxes of a window in which nothing is shown; `None` where it is false, or that is too much of it.
fn left_over(pairs: &Pairs, window: &Cell, deadline: Deadline) -> Option<Vec<Cell>> {
    let part = |i: usize| 1.0 / width(window[i]);
    let mut open = vec![window.clone()];
    let mut left: Vec<Cell> = Vec::new();
    let mut boxes = 0;
    while let Some(cell) = open.pop() {
        boxes += 1;
        match tried(pairs, &cell) {
            Tried::Holds(_) => continue,
            Tried::Violates => return None,
            _ => {}
        }
        if boxes > MOST_BOXES_IN_WINDOW || deadline.has_passed() {
            return None;
        }
        let longest = widest(&cell, part)?;
        if width(cell[longest]) * part(longest) <= SMALLEST {
            left.push(cell);
        } else {
            open.extend(halves(&cell, longest)?);
        }
    }
    // a box around what is left over says little where it is as large as the window
    let small = |hull: Cell| hull.iter().zip(window).any(|(h, w)| width(*h) <= 0.5 * width(*w));
    hull(&left).is_none_or(small).then_some(left)
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

    #[test]
    fn what_is_left_over_is_around_where_the_sides_touch() {
        // 1/4 at 0
        let Some(Covered::But(words)) = over(Domain::Between(-20.0, 20.0), product((25, 100))) else { panic!() };
        let (inside, left) = words.split_once(" but for ").unwrap();
        assert_eq!(inside, "proved for -20 <= x <= 20");
        let ends: Vec<f64> =
            left.split(" <= x <= ").map(|end| end.split(',').next().unwrap().parse().unwrap()).collect();
        assert!(ends[0] < 0.0 && ends[0] > -0.5 && ends[1] > 0.0 && ends[1] < 0.5, "{left}");
    }

    #[test]
    fn beyond_a_window_there_are_samples() {
        let above_zero = over(Domain::Real, |x| (x.exp() + 1, constant(0)));
        assert_eq!(above_zero, Some(Covered::But("proved for -16 <= x <= 16, and sampled beyond".into())));
        assert_eq!(over(Domain::Real, |x| (x, constant(0))), None);
    }
}
