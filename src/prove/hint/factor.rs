//! The sign is flipped, or a factor is missing: the quotient of the sides against products of powers of the names,
//! of the sizes, of what the sides are made of, and of small fractions.

use super::sample::{Point, arrays, near, scalars};
use super::{Looked, confirmed, simple_ratio};
use crate::claim::Domain;
use crate::expression::{Expr, NodeId, constant, ratio, variable_at};
use crate::judges::Run;

/// Nodes that are tried as factors, at most; those that come first are the simplest.
const MOST_NODES: usize = 300;

/// And in products and quotients of two.
const MOST_IN_TWOS: usize = 80;

/// What a factor is made of.
#[derive(Clone, Debug, PartialEq)]
enum Atom {
    /// A scalar variable.
    Variable(String),
    /// 1 − x for a variable between 0 and 1.
    Complement(String),
    /// A size.
    Size(String),
    /// n − 1 for a size.
    SizeLess(String),
    /// gain[i], with the index of the pair.
    Entry(String, String),
    /// A node of the first size's graph.
    Node(NodeId, String),
    /// 1 less a node.
    OneLess(NodeId, String),
}

/// A power of an atom, in halves.
type Power = (Atom, i32);

struct Factor {
    numerator: i64,
    denominator: i64,
    powers: Vec<Power>,
}

/// The sentence, if a fraction and powers of names and sizes are missing.
pub(super) fn of_names(looked: &[&Looked], run: &Run) -> Option<String> {
    hint(looked, names(looked.first()?), run)
}

/// The sentence, if something that the sides are made of is missing.
pub(super) fn of_parts(looked: &[&Looked], run: &Run) -> Option<String> {
    hint(looked, parts(looked.first()?), run)
}

fn hint(looked: &[&Looked], candidates: impl Iterator<Item = Vec<Power>>, run: &Run) -> Option<String> {
    let first = looked.first()?;
    let quotients = quotients(first)?;
    let mut candidates = candidates.take_while(|_| !run.deadline.has_passed());
    let tried = |powers: Vec<Power>| {
        let (numerator, denominator) = coefficient(first, &quotients, &powers)?;
        let factor = Factor { numerator, denominator, powers };
        let fits = factor.sizes(looked).all(|more| factor.fits(more) == Some(true));
        fits.then(|| factor.sentence(looked, run)).flatten()
    };
    candidates.find_map(tried)
}

/// left/right for every pair at every point, or nothing where both are zero; no quotients where one is.
fn quotients(looked: &Looked) -> Option<Vec<Vec<Option<f64>>>> {
    let of = |&(l, r): &(f64, f64)| match (l == 0.0, r == 0.0) {
        (true, true) => Some(None),
        (false, false) => Some(Some(l / r)),
        _ => None,
    };
    looked.sample.points.iter().map(|point| point.sides.iter().map(of).collect()).collect()
}

/// The fraction that is left of the quotients after the powers, if it is the same everywhere and simple.
fn coefficient(looked: &Looked, quotients: &[Vec<Option<f64>>], powers: &[Power]) -> Option<(i64, i64)> {
    let mut first = None;
    for (point, row) in looked.sample.points.iter().zip(quotients) {
        for (k, quotient) in row.iter().enumerate() {
            let Some(quotient) = quotient else { continue };
            let left = quotient / value(looked, powers, point, k)?;
            match first {
                None => {
                    simple_ratio(left)?;
                    first = Some(left);
                }
                Some(expected) if !near(left, expected) => return None,
                Some(_) => {}
            }
        }
    }
    simple_ratio(first?)
}

/// The product of the powers at a point, for a pair.
fn value(looked: &Looked, powers: &[Power], point: &Point, pair: usize) -> Option<f64> {
    powers.iter().try_fold(1.0, |product, (atom, halves)| {
        let base = match atom {
            Atom::Variable(name) => point.inputs[variable(looked, name)?],
            Atom::Complement(name) => 1.0 - point.inputs[variable(looked, name)?],
            Atom::Size(name) => size(looked, name)? as f64,
            Atom::SizeLess(name) => (size(looked, name)? - 1) as f64,
            Atom::Entry(name, index) => point.inputs[entry(looked, name, index, pair)?],
            Atom::Node(id, _) => *point.nodes.get(*id as usize)?,
            Atom::OneLess(id, _) => 1.0 - point.nodes.get(*id as usize)?,
        };
        let power = if halves % 2 == 0 { base.powi(halves / 2) } else { base.sqrt().powi(*halves) };
        (power.is_finite() && power != 0.0).then_some(product * power)
    })
}

fn size(looked: &Looked, name: &str) -> Option<i64> {
    looked.at.sizes.iter().find(|(size, _)| size == name).map(|(_, n)| *n)
}

/// The position of the array's entry for the pair's index.
fn entry(looked: &Looked, name: &str, index: &str, pair: usize) -> Option<usize> {
    variable(looked, &format!("{name}[{}]", looked.index(pair, index)?))
}

/// The position of a variable, which another size may have elsewhere.
fn variable(looked: &Looked, name: &str) -> Option<usize> {
    looked.pairs.variables.iter().position(|v| v.name == name)
}

/// Powers of the names and sizes, alone and in twos, simplest first.
fn names(looked: &Looked) -> impl Iterator<Item = Vec<Power>> {
    let variables = &looked.pairs.variables;
    let mut names: Vec<Atom> = scalars(variables).map(|(_, name)| Atom::Variable(name.to_string())).collect();
    let between = |position: usize| matches!(variables[position].domain, Domain::Unit);
    let complements = scalars(variables).filter(|&(position, _)| between(position));
    names.extend(complements.map(|(_, name)| Atom::Complement(name.to_string())));
    let sizes = &looked.at.sizes;
    names.extend(sizes.iter().map(|(name, _)| Atom::Size(name.clone())));
    names.extend(sizes.iter().filter(|(_, n)| *n > 2).map(|(name, _)| Atom::SizeLess(name.clone())));
    for (name, _) in arrays(variables) {
        let indices = looked.at.components.first().into_iter().flatten();
        names.extend(indices.map(|(index, _)| Atom::Entry(name.to_string(), index.clone())));
    }
    names.truncate(MOST_IN_TWOS);
    let one = powers(&names, &[2, -2, 4, -4, 1, -1]);
    let two =
        in_twos(&names, &[(2, 2), (2, -2), (-2, 2), (-2, -2), (2, -4), (-4, 2), (1, -2), (-2, 1), (2, -1), (-1, 2)]);
    // with no power at all: the sign and small fractions
    std::iter::once(Vec::new()).chain(one).chain(two)
}

/// Powers of what the sides are made of.
fn parts(looked: &Looked) -> impl Iterator<Item = Vec<Power>> {
    let nodes = nodes(looked);
    let one = powers(&nodes, &[2, -2, 4, -4]);
    let with_complement = nodes.iter().filter_map(|atom| match atom {
        Atom::Node(id, text) => Some(vec![(atom.clone(), 2), (Atom::OneLess(*id, format!("1 - {text}")), 2)]),
        _ => None,
    });
    let with_complement: Vec<Vec<Power>> = with_complement.collect();
    let two = in_twos(&nodes[..nodes.len().min(MOST_IN_TWOS)], &[(2, 2), (2, -2), (-2, 2)]);
    one.into_iter().chain(with_complement).chain(two)
}

fn powers(atoms: &[Atom], halves: &[i32]) -> Vec<Vec<Power>> {
    atoms.iter().flat_map(|atom| halves.iter().map(|&h| vec![(atom.clone(), h)])).collect()
}

fn in_twos(atoms: &[Atom], halves: &[(i32, i32)]) -> Vec<Vec<Power>> {
    let mut all = Vec::new();
    for (i, a) in atoms.iter().enumerate() {
        for b in &atoms[i + 1..] {
            all.extend(halves.iter().map(|&(p, q)| vec![(a.clone(), p), (b.clone(), q)]));
        }
    }
    all
}

/// Nodes that can be written shortly, and are neither constants nor variables nor a multiple of a side, which would
/// be a factor of everything.
fn nodes(looked: &Looked) -> Vec<Atom> {
    use crate::expression::Node;
    let is_side = |id: usize| {
        looked.sample.pairs().any(|pair| {
            let ratio = |side: fn(&(f64, f64)) -> f64| {
                let mut all = looked.sample.points.iter().map(move |p| p.nodes[id] / side(&p.sides[pair]));
                let first = all.next().unwrap_or(f64::NAN);
                all.all(|ratio| near(ratio, first))
            };
            ratio(|sides| sides.0) || ratio(|sides| sides.1)
        })
    };
    let named = |id: usize| match looked.graph.nodes()[id] {
        Node::Constant(_) | Node::Variable(_) | Node::Negation(_) => None,
        _ if is_side(id) => None,
        _ => looked.written_inside(id as NodeId).map(|text| Atom::Node(id as NodeId, text)),
    };
    let mut all: Vec<Atom> = (0..looked.graph.nodes().len()).filter_map(named).take(MOST_NODES).collect();
    let length = |atom: &Atom| if let Atom::Node(_, text) = atom { text.len() } else { 0 };
    all.sort_by_key(length);
    all
}

impl Factor {
    /// The sizes that it means something at: nodes belong to the first.
    fn sizes<'a>(&self, looked: &'a [&'a Looked<'a>]) -> impl Iterator<Item = &'a Looked<'a>> {
        let of_graph = self.powers.iter().any(|(atom, _)| matches!(atom, Atom::Node(..) | Atom::OneLess(..)));
        looked.iter().copied().take(if of_graph { 1 } else { usize::MAX })
    }

    /// Whether left = factor · right everywhere; `None` where it has no value.
    fn fits(&self, looked: &Looked) -> Option<bool> {
        let coefficient = self.numerator as f64 / self.denominator as f64;
        for point in &looked.sample.points {
            for (k, &(l, r)) in point.sides.iter().enumerate() {
                if !near(l, r * coefficient * value(looked, &self.powers, point, k)?) {
                    return Some(false);
                }
            }
        }
        Some(true)
    }

    fn expression(&self, looked: &Looked, nodes: &[Expr], pair: usize) -> Option<Expr> {
        self.powers.iter().try_fold(ratio(self.numerator, self.denominator), |product, (atom, halves)| {
            let base = match atom {
                Atom::Variable(name) => variable_at(variable(looked, name)?),
                Atom::Complement(name) => 1 - variable_at(variable(looked, name)?),
                Atom::Size(name) => constant(size(looked, name)?),
                Atom::SizeLess(name) => constant(size(looked, name)? - 1),
                Atom::Entry(name, index) => variable_at(entry(looked, name, index, pair)?),
                Atom::Node(id, _) => *nodes.get(*id as usize)?,
                Atom::OneLess(id, _) => 1 - *nodes.get(*id as usize)?,
            };
            let power =
                if halves % 2 == 0 { base.powi(i64::from(halves / 2)) } else { base.sqrt().powi(i64::from(*halves)) };
            Some(product * power)
        })
    }

    fn sentence(&self, looked: &[&Looked], run: &Run) -> Option<String> {
        let amended = |more: &Looked| more.amended(|nodes, k, right| Some(self.expression(more, nodes, k)? * right));
        let amended: Vec<_> = self.sizes(looked).map(amended).collect::<Option<_>>()?;
        let sure = confirmed(&amended, run)?;
        if self.powers.is_empty() && (self.numerator, self.denominator) == (-1, 1) {
            return Some(format!("the sign is flipped{sure}"));
        }
        let [left, right] = looked[0].sides();
        let text = self.written();
        Some(format!("a factor is missing: {text}; {left} is {text} times {right}{sure}"))
    }

    /// The factor in the notation of the language, numerators first.
    fn written(&self) -> String {
        let one = |(atom, halves): &Power| {
            let text = match atom {
                Atom::Variable(text) | Atom::Size(text) => text.clone(),
                Atom::Complement(name) => format!("(1 - {name})"),
                Atom::Entry(name, index) => format!("{name}[{index}]"),
                Atom::SizeLess(name) => format!("({name} - 1)"),
                Atom::OneLess(_, text) => format!("({text})"),
                Atom::Node(_, text) => text.clone(),
            };
            let bare = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')).unwrap_or(&text);
            match halves.abs() {
                1 => format!("sqrt({bare})"),
                2 => text,
                h => format!("{text}^{}", h / 2),
            }
        };
        let side = |positive: bool, whole: i64| {
            let mut all: Vec<String> = if whole == 1 { Vec::new() } else { vec![whole.to_string()] };
            all.extend(self.powers.iter().filter(|(_, halves)| (*halves > 0) == positive).map(one));
            all
        };
        let (mut above, below) = (side(true, self.numerator), side(false, self.denominator));
        let minus = above.first().is_some_and(|first| first == "-1") && above.len() > 1;
        if minus {
            above.remove(0);
        }
        let above = if above.is_empty() { "1".to_string() } else { above.join("*") };
        let above = if minus { format!("-{above}") } else { above };
        match &below[..] {
            [] => above,
            [one] => format!("{above}/{one}"),
            _ => format!("{above}/({})", below.join("*")),
        }
    }
}
