//! A claim of a text at concrete sizes, as instances that the judges know.

use super::decide::AtSize;
use super::differentiate::held_name;
use super::elaborate::{Elaboration, MOST_NODES, Stopped, Watched};
use super::indices::{Indices, Place, combinations, component, first_and_last, places};
use super::sampled::zero_everywhere;
use super::sizes::{self, Sizes};
use super::text::{Claim, Symbol, Text};
use super::tree::{Comparison, Condition, Kind, Node};
use super::unusable::{Span, Unusable};
use super::values::Value;
use super::variables;
use crate::claim::{self, Inputs, Instance, Relation};
use crate::expression::{Expr, NodeId, constant, nodes_built};
use crate::judges::{Run, algebra};
use num_traits::Zero;
use std::collections::BTreeSet;

/// Pairs of sides in one instance, at most.
const MOST_PAIRS: usize = 6000;

/// Numbers that stand for unknown indices in one instance, at most.
const MOST_WEIGHTS: usize = 2000;

/// Expressions of one instance that are looked at for being zero everywhere, at most.
const MOST_WATCHED: usize = 2000;

/// So many combinations of indices are gone through one by one.
const FEW_COMBINATIONS: usize = 6;

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

/// A claim at some sizes.
struct Setting<'a> {
    text: &'a Text,
    claim: &'a Claim,
    sizes: &'a Sizes,
    /// The names that it uses.
    used: BTreeSet<String>,
    /// The sizes in words.
    scope: String,
    run: &'a Run,
}

/// The instances of a claim at some sizes.
pub(super) fn instances(text: &Text, claim: &Claim, sizes: &Sizes, run: &Run) -> Result<Vec<AtSize>, Stopped> {
    let scope = if sizes.is_empty() { "all values".to_string() } else { sizes::in_words(sizes) };
    let setting = Setting { text, claim, sizes, used: sizes::used(text, claim), scope, run };
    let (combinations, whole) = combinations(text, sizes, &setting.used);
    let mut all = Vec::new();
    let mut one_function = true;
    if let Some(parts) = as_gradient(text, claim) {
        one_function = free_inside(parts.0, claim).is_empty();
        for chosen in first_and_last(&combinations) {
            all.extend(setting.gradient(&Indices::Are(chosen), parts)?);
        }
    }
    let covered = !all.is_empty() && all.len() == combinations.len() && one_function;
    if covered {
        return Ok(all);
    }
    if combinations.len() > FEW_COMBINATIONS
        && let Some(at) = setting.whatever_the_indices()
    {
        // some known indices beside it, at which a counterexample would be one
        if all.is_empty() {
            all.push(setting.comparison(&first_and_last(&combinations).map(Indices::Are).collect::<Vec<_>>())?);
        }
        all.push(at);
        return Ok(all);
    }
    all.push(setting.comparison(&combinations.iter().map(Indices::Are).collect::<Vec<_>>())?);
    for at in &mut all {
        at.instance.beyond = !whole;
        if !whole {
            at.instance.scope.push_str(", at some of the indices");
        }
    }
    Ok(all)
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

impl Setting<'_> {
    /// Builds an instance by an elaboration that can stop.
    fn build(
        &self,
        mut act: impl FnMut(&mut Elaboration) -> Result<(Relation, Vec<Expr>), Stopped>,
    ) -> Result<(Instance, Vec<(Watched, Span)>), Stopped> {
        let mut stopped = None;
        let mut smooth = false;
        let mut watched = Vec::new();
        let mut instance = Instance::build(self.scope.as_str(), |inputs: &Inputs| {
            let mut elaboration = Elaboration::new(self.text, self.sizes, inputs, self.run.deadline);
            let said = act(&mut elaboration);
            smooth = elaboration.differentiates;
            let said = if nodes_built() > MOST_NODES { said.and(Err(Stopped::TooLarge)) } else { said };
            match said {
                Ok((relation, mut outputs)) => {
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

    /// An equality for all values of the declared indices at once: what is 1 for the value of an index and 0 for the
    /// others becomes any real numbers whose sum is 1. It is more than the claim says, and may be false where the
    /// claim is true; then there is none.
    fn whatever_the_indices(&self) -> Option<AtSize> {
        if self.claim.sign != Comparison::Equal {
            return None;
        }
        let by_variables = as_gradient(self.text, self.claim)
            .filter(|(of, ..)| free_inside(of, self.claim).is_empty())
            .and_then(|parts| self.gradient(&Indices::Any, parts).ok().flatten());
        let at = by_variables.or_else(|| self.comparison(&[Indices::Any]).ok())?;
        algebra::holds_at_a_point_of_one_cell(&at.instance, self.run).then_some(at)
    }

    /// Gives the names their values, for some values of the declared indices.
    fn prepare(&self, elaboration: &mut Elaboration, indices: &Indices) -> Result<(), Stopped> {
        let text = self.text;
        match indices {
            Indices::Are(chosen) => {
                for (name, entries) in *chosen {
                    let known = entries.iter().map(|&value| Value::Whole(value as i64)).collect();
                    elaboration.values.insert(name.clone(), of_shape(text.symbols.get(name), known));
                }
            }
            Indices::Any => {
                for name in &self.used {
                    let Some(symbol @ Symbol::Index { over, by }) = text.symbols.get(name) else { continue };
                    let range = elaboration.size(over);
                    let entries = by.iter().map(|dim| elaboration.size(dim)).product::<usize>();
                    if entries.saturating_mul(range) > MOST_WEIGHTS {
                        return Err(Stopped::TooLarge);
                    }
                    let any = (0..entries).map(|i| {
                        let entry = if by.is_empty() { name.clone() } else { format!("{name}[{i}]") };
                        variables::any_index(elaboration.inputs, &entry, range)
                    });
                    elaboration.values.insert(name.clone(), of_shape(Some(symbol), any.collect()));
                }
            }
        }
        let defined = |name: &String| matches!(text.symbols.get(name), Some(Symbol::Defined { .. }));
        for name in self.used.iter().filter(|name| !defined(name)) {
            elaboration.introduce(name)?;
        }
        for name in text.defined.iter().filter(|name| self.used.contains(*name)) {
            elaboration.introduce(name)?;
        }
        Ok(())
    }

    /// The claim as derivatives of one f by many variables, which several autodiffs decide; nothing where it is by
    /// something else than variables.
    fn gradient(&self, indices: &Indices, parts: (&Node, &Node, &Node)) -> Result<Option<AtSize>, Stopped> {
        let (of, by, claimed) = parts;
        let mut components = Vec::new();
        let mut by_variables = true;
        let mut wrt_count = 0;
        let (mut instance, watched) = self.build(|elaboration| {
            self.prepare(elaboration, indices)?;
            assume(elaboration, self.text)?;
            let mut outputs: Vec<Expr> = Vec::new();
            let mut wrt: Vec<Expr> = Vec::new();
            let mut places = places(elaboration, self.claim)?;
            // f is one function: the indices inside it stay at their first values
            let inside = free_inside(of, self.claim);
            let first = places.first().cloned().unwrap_or_default();
            let stays = |place: &Place| place.iter().zip(&first).all(|(x, y)| x == y || !inside.contains(&x.0));
            places.retain(stays);
            elaboration.locals = first.clone();
            let f = elaboration.value(of)?.real(&of.at)?;
            elaboration.watch_kinks(f, &of.at);
            for place in places {
                elaboration.locals = place;
                let x = elaboration.value(by)?.real(&by.at)?;
                by_variables &= x.is_variable();
                if !wrt.contains(&x) {
                    wrt.push(x);
                    outputs.push(elaboration.value(claimed)?.real(&claimed.at)?);
                    components.push(component(indices, &elaboration.locals));
                }
            }
            elaboration.locals.clear();
            wrt_count = wrt.len();
            let mut all = vec![f];
            all.extend(outputs);
            all.extend(wrt);
            Ok((Relation::Equal, all))
        })?;
        if !by_variables {
            return Ok(None);
        }
        // the variables are outputs until the graph is finished, when their positions are known
        let outputs = instance.graph.outputs().to_vec();
        let kept = outputs.len() - watched.len() - wrt_count;
        let position = |&id: &NodeId| match instance.graph.nodes()[id as usize] {
            crate::expression::Node::Variable(position) => Some(position),
            _ => None,
        };
        let positions: Option<Vec<usize>> = outputs[kept..kept + wrt_count].iter().map(position).collect();
        let Some(positions) = positions else { return Ok(None) };
        instance.graph =
            instance.graph.continued(|all| all[..kept].iter().chain(&all[kept + wrt_count..]).copied().collect());
        instance.relation = Relation::Gradient(positions);
        let instance = looked_at((instance, watched))?;
        Ok(Some(AtSize { instance, sizes: of_sizes(self.sizes), components }))
    }

    /// The claim as pairs of sides, at all combinations of indices.
    fn comparison(&self, combinations: &[Indices]) -> Result<AtSize, Stopped> {
        let claim = self.claim;
        let mut components = Vec::new();
        let built = self.build(|elaboration| {
            let mut outputs = Vec::new();
            for (i, indices) in combinations.iter().enumerate() {
                // variables are declared once
                elaboration.forget();
                self.prepare(elaboration, indices)?;
                if i == 0 {
                    assume(elaboration, self.text)?;
                }
                for place in places(elaboration, claim)? {
                    elaboration.locals = place;
                    let left = elaboration.value(&claim.left)?;
                    let right = elaboration.value(&claim.right)?;
                    pair(&left, &right, claim, &mut outputs)?;
                    components.resize(outputs.len() / 2, component(indices, &elaboration.locals));
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
        Ok(AtSize { instance: looked_at(built)?, sizes: of_sizes(self.sizes), components })
    }
}

/// The entries of an index: itself, or a list of them.
fn of_shape(symbol: Option<&Symbol>, mut entries: Vec<Value>) -> Value {
    match symbol.map(Symbol::shape) {
        Some(shape) if shape.is_empty() && entries.len() == 1 => entries.remove(0),
        _ => Value::list(entries),
    }
}

fn of_sizes(sizes: &Sizes) -> Vec<(String, i64)> {
    sizes.iter().map(|(name, size)| (name.clone(), *size as i64)).collect()
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
