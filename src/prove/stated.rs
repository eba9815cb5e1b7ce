//! A claim of a text at concrete sizes, as instances that the judges know.

use super::decide::AtSize;
use super::elaborate::{Elaboration, MOST_NODES, Stopped, Value, Watched, held_name};
use super::sampled::zero_everywhere;
use super::shapes::Dim;
use super::sizes::{self, Sizes};
use super::text::{Claim, Symbol, Text};
use super::tree::{Comparison, Condition, Kind, Node};
use super::unusable::{Span, Unusable};
use crate::claim::{self, Inputs, Instance, Relation};
use crate::expression::{Expr, constant, nodes_built};
use num_traits::Zero;
use std::collections::BTreeSet;

/// Pairs of sides in one instance, at most.
const MOST_PAIRS: usize = 6000;

/// Expressions of one instance that are looked at for being zero everywhere, at most.
const MOST_WATCHED: usize = 2000;

/// Combinations of declared indices in one instance, at most; more are sampled.
const MOST_COMBINATIONS: usize = 96;

/// What sort of statement a claim is.
pub(super) fn kind(text: &Text, claim: &Claim, used: &BTreeSet<String>) -> claim::Kind {
    let (mut derivative, mut expectation) = (false, false);
    let mut visit = |node: &Node| {
        node.walk(&mut |part| {
            derivative |= matches!(part.kind, Kind::Derivative { .. });
            expectation |= matches!(part.kind, Kind::Expect { .. });
            true
        });
    };
    visit(&claim.left);
    visit(&claim.right);
    for name in used {
        if let Some(Symbol::Defined { body, .. }) = text.symbols.get(name) {
            visit(body);
        }
    }
    match claim.sign {
        Comparison::Equal if derivative => claim::Kind::Gradient,
        Comparison::Equal if expectation => claim::Kind::Expectation,
        Comparison::Equal => claim::Kind::Identity,
        _ => claim::Kind::Inequality,
    }
}

/// Values of declared indices: an entry for each name, with its entries in order.
type Chosen = Vec<(String, Vec<usize>)>;

/// The combinations of values that declared indices take, and whether these are all.
fn combinations(text: &Text, sizes: &Sizes, used: &BTreeSet<String>) -> (Vec<Chosen>, bool) {
    let size = |dim: &Dim| match dim {
        Dim::Named(name) => sizes.get(name).copied().unwrap_or(1),
        Dim::Fixed(size) => *size,
        Dim::Unknown => 1,
    };
    // every entry of every index is a digit
    let digits: Vec<(&String, usize, usize)> = used
        .iter()
        .filter_map(|name| match text.symbols.get(name) {
            Some(Symbol::Index { over, by }) => Some((name, size(over), by.iter().map(size).product())),
            _ => None,
        })
        .collect();
    let count = digits.iter().try_fold(1usize, |all, (_, range, entries)| {
        let power = range.checked_pow(u32::try_from(*entries).ok()?)?;
        all.checked_mul(power)
    });
    let whole = count.filter(|&count| count <= MOST_COMBINATIONS);
    let all = (0..whole.unwrap_or(MOST_COMBINATIONS)).map(|number| {
        // of too many, ones whose digits differ, by a step that is prime to small ranges
        let mut left = if whole.is_some() { number } else { number.wrapping_mul(7_919) + number };
        let choose = |&(name, range, entries): &(&String, usize, usize)| {
            let entry = |_| {
                let digit = left % range.max(1);
                left /= range.max(1);
                if left == 0 && whole.is_none() {
                    left = number.wrapping_mul(104_729) + 1;
                }
                digit
            };
            (name.clone(), (0..entries).map(entry).collect())
        };
        digits.iter().map(choose).collect()
    });
    (all.collect(), whole.is_some())
}

/// The instances of a claim at some sizes.
pub(super) fn instances(text: &Text, claim: &Claim, sizes: &Sizes) -> Result<Vec<AtSize>, Stopped> {
    let used = sizes::used(text, claim);
    let (combinations, whole) = combinations(text, sizes, &used);
    let scope = if sizes.is_empty() { "all values".to_string() } else { sizes::in_words(sizes) };
    let mut all = Vec::new();
    let mut one_function = true;
    if let Some((of, by, claimed)) = as_gradient(text, claim) {
        one_function = free_inside(of, claim).is_empty();
        for chosen in first_and_last(&combinations) {
            if let Some(instance) = gradient(text, claim, sizes, &used, chosen, (of, by, claimed), &scope)? {
                all.push(instance);
            }
        }
    }
    let covered = !all.is_empty() && all.len() == combinations.len() && one_function;
    if !covered {
        all.push(comparison(text, claim, sizes, &used, &combinations, &scope)?);
    }
    if !whole {
        for at in &mut all {
            at.instance.scope.push_str(", at some of the indices");
        }
    }
    all.iter_mut().for_each(|at| at.instance.beyond = !whole);
    Ok(all)
}

fn first_and_last(all: &[Chosen]) -> impl Iterator<Item = &Chosen> {
    let last = if all.len() > 1 { all.last() } else { None };
    all.first().into_iter().chain(last)
}

/// A claim that is one derivative of the first order by a variable, beside an expression without any: f, x and
/// the expression.
fn as_gradient<'a>(text: &Text, claim: &'a Claim) -> Option<(&'a Node, &'a Node, &'a Node)> {
    if claim.sign != Comparison::Equal {
        return None;
    }
    let alone = |node: &Node| {
        let mut free = true;
        node.walk(&mut |part| {
            free &= !matches!(part.kind, Kind::Derivative { .. });
            free
        });
        free
    };
    let derivative = |node: &'_ Node| matches!(node.kind, Kind::Derivative { .. });
    let (side, other) = if derivative(&claim.left) { (&claim.left, &claim.right) } else { (&claim.right, &claim.left) };
    match &side.kind {
        Kind::Derivative { of, by }
            if by.len() == 1 && held_name(text, &by[0]).is_none() && alone(of) && alone(other) =>
        {
            Some((of, &by[0], other))
        }
        _ => None,
    }
}

/// The free indices that stand in an expression.
fn free_inside(node: &Node, claim: &Claim) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    node.walk(&mut |part| {
        let name = part.name().filter(|name| claim.free.iter().any(|(index, _)| index == name));
        found.extend(name.map(str::to_string));
        true
    });
    found
}

/// Every combination of values of the free indices.
fn places(elaboration: &Elaboration, claim: &Claim) -> Vec<Vec<(String, i64)>> {
    let mut all = vec![Vec::new()];
    for (index, range) in &claim.free {
        let size = elaboration.size(range);
        let with = |place: &Vec<(String, i64)>, i: usize| {
            let mut longer = place.clone();
            longer.push((index.clone(), i as i64));
            longer
        };
        all = all.iter().flat_map(|place| (0..size).map(move |i| with(place, i))).collect();
        if all.len() > MOST_PAIRS {
            break;
        }
    }
    all
}

/// Builds an instance by an elaboration that can stop.
fn build(
    text: &Text,
    sizes: &Sizes,
    scope: &str,
    mut act: impl FnMut(&mut Elaboration) -> Result<(Relation, Vec<Expr>), Stopped>,
) -> Result<(Instance, Vec<(Watched, Span)>), Stopped> {
    let mut stopped = None;
    let mut smooth = false;
    let mut watched = Vec::new();
    let mut instance = Instance::build(scope, |inputs: &Inputs| {
        let mut elaboration = Elaboration::new(text, sizes, inputs);
        let said = act(&mut elaboration);
        smooth = elaboration.differentiates;
        match said {
            Ok((relation, mut outputs)) => {
                if nodes_built() > MOST_NODES {
                    stopped = Some(Stopped::TooLarge);
                    return (Relation::Equal, Vec::new());
                }
                // carried along until they are looked at
                let mut seen = BTreeSet::new();
                for (x, why, at) in std::mem::take(&mut elaboration.watched) {
                    let may_be_zero = x.as_constant().is_none_or(|value| value.is_zero());
                    if may_be_zero && seen.insert((x.place(), at.start, at.end)) && watched.len() < MOST_WATCHED {
                        outputs.push(x);
                        watched.push((why, at));
                    }
                }
                (relation, outputs)
            }
            Err(why) => {
                stopped = Some(why);
                (Relation::Equal, Vec::new())
            }
        }
    });
    instance.smooth = smooth;
    match stopped {
        Some(why) => Err(why),
        None => Ok((instance, watched)),
    }
}

/// The instance without what was carried along to be looked at, if nothing of it is zero everywhere.
fn looked_at((mut instance, watched): (Instance, Vec<(Watched, Span)>)) -> Result<Instance, Stopped> {
    if watched.is_empty() {
        return Ok(instance);
    }
    let first = instance.graph.outputs().len() - watched.len();
    let Some(i) = zero_everywhere(&instance, first) else {
        instance.graph = instance.graph.clone().with_fewer_outputs(watched.len());
        return Ok(instance);
    };
    let (why, at) = watched[i].clone();
    Err(match why {
        Watched::Divisor => Unusable::new("a division by zero", at, "this is 0 at every point")
            .help("what is divided by must differ from 0 somewhere"),
        Watched::Kink => Unusable::new("a derivative at a kink", at, "every point is a kink of this")
            .help("what |x|, sign, max, min, clip, sqrt or a comparison is of must differ from the kink somewhere"),
    }
    .into())
}

fn prepare(
    elaboration: &mut Elaboration,
    text: &Text,
    used: &BTreeSet<String>,
    chosen: &Chosen,
) -> Result<(), Stopped> {
    for (name, entries) in chosen {
        let shape = text.symbols.get(name).map(Symbol::shape).unwrap_or_default();
        let value = match (shape.is_empty(), entries.first()) {
            (true, Some(&value)) => Value::Whole(value as i64),
            _ => Value::list(entries.iter().map(|&value| Value::Whole(value as i64)).collect()),
        };
        elaboration.values.insert(name.clone(), value);
    }
    for name in used {
        if !matches!(text.symbols.get(name), Some(Symbol::Defined { .. })) {
            elaboration.introduce(name)?;
        }
    }
    for name in text.defined.iter().filter(|name| used.contains(*name)) {
        elaboration.introduce(name)?;
    }
    Ok(())
}

/// Restricts the statement to where the assumptions hold that speak of names that it uses.
fn assume(elaboration: &mut Elaboration, text: &Text) -> Result<(), Stopped> {
    for condition in &text.assumptions {
        let mut foreign = false;
        condition.walk(&mut |node| {
            if let Some(name) = node.name() {
                foreign |= text.symbols.contains_key(name) && !elaboration.values.contains_key(name);
            }
            true
        });
        if !foreign {
            assume_one(elaboration, condition)?;
        }
    }
    Ok(())
}

fn assume_one(elaboration: &mut Elaboration, condition: &Condition) -> Result<(), Stopped> {
    match condition {
        Condition::Compared(sign, x, y) => {
            let (left, right) = (elaboration.value(x)?.real(&x.at)?, elaboration.value(y)?.real(&y.at)?);
            let above = if *sign == Comparison::Less { right - left } else { left - right };
            elaboration.inputs.assume_positive(above);
            Ok(())
        }
        Condition::Both(a, b) | Condition::Either(a, b) => {
            assume_one(elaboration, a)?;
            assume_one(elaboration, b)
        }
    }
}

/// The claim as derivatives of one f by many variables, which several autodiffs decide.
fn gradient(
    text: &Text,
    claim: &Claim,
    sizes: &Sizes,
    used: &BTreeSet<String>,
    chosen: &Chosen,
    (of, by, claimed): (&Node, &Node, &Node),
    scope: &str,
) -> Result<Option<AtSize>, Stopped> {
    let mut positions_fit = true;
    let mut components = Vec::new();
    let mut wrt_count = 0;
    let built = build(text, sizes, scope, |elaboration| {
        prepare(elaboration, text, used, chosen)?;
        assume(elaboration, text)?;
        let mut outputs: Vec<Expr> = Vec::new();
        let mut wrt: Vec<Expr> = Vec::new();
        let mut places = places(elaboration, claim);
        // f is one function: the indices inside it stay at their first values
        let inside = free_inside(of, claim);
        let first = places.first().cloned().unwrap_or_default();
        let stays = |place: &[(String, i64)]| place.iter().zip(&first).all(|(x, y)| x == y || !inside.contains(&x.0));
        places.retain(|place| stays(place));
        elaboration.locals = first.clone();
        let f = elaboration.value(of)?.real(&of.at)?;
        elaboration.watch_kinks(f, &of.at);
        for place in places {
            elaboration.locals = place;
            let x = elaboration.value(by)?.real(&by.at)?;
            positions_fit &= x.is_variable();
            if !wrt.contains(&x) {
                wrt.push(x);
                outputs.push(elaboration.value(claimed)?.real(&claimed.at)?);
                components.push(component(chosen, &elaboration.locals));
            }
        }
        elaboration.locals.clear();
        wrt_count = wrt.len();
        let mut all = vec![f];
        all.extend(outputs);
        all.extend(wrt);
        Ok((Relation::Equal, all))
    })?;
    if !positions_fit {
        return Ok(None);
    }
    // the variables are outputs until the graph is finished, when their positions are known
    let carried = built.1.len();
    let (mut instance, watched) = built;
    let outputs = instance.graph.outputs().to_vec();
    let variables = &outputs[outputs.len() - carried - wrt_count..outputs.len() - carried];
    let positions: Vec<usize> = variables
        .iter()
        .filter_map(|&id| match instance.graph.nodes()[id as usize] {
            crate::expression::Node::Variable(position) => Some(position),
            _ => None,
        })
        .collect();
    if positions.len() != wrt_count {
        return Ok(None);
    }
    let kept = outputs.len() - carried - wrt_count;
    instance.graph =
        instance.graph.continued(|all| all[..kept].iter().chain(&all[kept + wrt_count..]).copied().collect());
    instance.relation = Relation::Gradient(positions);
    let instance = looked_at((instance, watched))?;
    Ok(Some(AtSize { instance, sizes: of_sizes(sizes), components }))
}

/// The claim as pairs of sides, at all combinations of indices.
fn comparison(
    text: &Text,
    claim: &Claim,
    sizes: &Sizes,
    used: &BTreeSet<String>,
    combinations: &[Chosen],
    scope: &str,
) -> Result<AtSize, Stopped> {
    let mut components = Vec::new();
    let built = build(text, sizes, scope, |elaboration| {
        let mut outputs = Vec::new();
        let mut assumed = false;
        for chosen in combinations {
            // variables are declared once
            elaboration.forget();
            prepare(elaboration, text, used, chosen)?;
            if !assumed {
                assume(elaboration, text)?;
                assumed = true;
            }
            for place in places(elaboration, claim) {
                elaboration.locals = place;
                let left = elaboration.value(&claim.left)?;
                let right = elaboration.value(&claim.right)?;
                pair(&left, &right, claim, &mut outputs)?;
                components.resize(outputs.len() / 2, component(chosen, &elaboration.locals));
                if outputs.len() > 2 * MOST_PAIRS {
                    return Err(Stopped::TooLarge);
                }
            }
            elaboration.locals.clear();
        }
        let relation = match claim.sign {
            Comparison::AtLeast | Comparison::AtMost => Relation::AtLeast,
            Comparison::Greater | Comparison::Less => Relation::Greater,
            Comparison::Equal | Comparison::Unequal => Relation::Equal,
        };
        if outputs.is_empty() {
            outputs = vec![constant(0), constant(0)];
        }
        Ok((relation, outputs))
    })?;
    Ok(AtSize { instance: looked_at(built)?, sizes: of_sizes(sizes), components })
}

fn of_sizes(sizes: &Sizes) -> Vec<(String, i64)> {
    sizes.iter().map(|(name, size)| (name.clone(), *size as i64)).collect()
}

/// The values of the indices that a pair of sides is for.
fn component(chosen: &Chosen, place: &[(String, i64)]) -> Vec<(String, i64)> {
    let entries = |(name, values): &(String, Vec<usize>)| match values.as_slice() {
        [only] => vec![(name.clone(), *only as i64)],
        several => several.iter().enumerate().map(|(i, value)| (format!("{name}[{i}]"), *value as i64)).collect(),
    };
    chosen.iter().flat_map(entries).chain(place.iter().cloned()).collect()
}

/// The sides entry by entry; of an inequality the larger one first.
fn pair(left: &Value, right: &Value, claim: &Claim, outputs: &mut Vec<Expr>) -> Result<(), Unusable> {
    match (left, right) {
        (Value::List(xs), Value::List(ys)) => {
            xs.iter().zip(ys.iter()).try_for_each(|(x, y)| pair(x, y, claim, outputs))
        }
        (Value::List(xs), y) => xs.iter().try_for_each(|x| pair(x, y, claim, outputs)),
        (x, Value::List(ys)) => ys.iter().try_for_each(|y| pair(x, y, claim, outputs)),
        (x, y) => {
            let (x, y) = (x.real(&claim.left.at)?, y.real(&claim.right.at)?);
            let turned = matches!(claim.sign, Comparison::Less | Comparison::AtMost);
            outputs.extend(if turned { [y, x] } else { [x, y] });
            Ok(())
        }
    }
}
