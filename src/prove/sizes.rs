//! Which sizes a claim is decided at: small ones first, then growing ones.

use super::shapes::Dim;
use super::text::{Claim, Symbol, Text};
use super::tree::{Kind, Node};
use num_traits::ToPrimitive;
use std::collections::{BTreeMap, BTreeSet};

/// Sizes by name.
pub(super) type Sizes = BTreeMap<String, usize>;

/// The smallest size that is tried where none is fixed.
const SMALLEST: usize = 2;

/// A size that is always tried where none is fixed.
const ALWAYS: usize = 3;

/// The names that a claim uses: directly, by definitions, and by assumptions that connect them with others.
pub(super) fn used(text: &Text, claim: &Claim) -> BTreeSet<String> {
    let mut used = names_in(&claim.left);
    used.extend(names_in(&claim.right));
    loop {
        let before = used.len();
        // a definition uses earlier ones alone
        for name in text.defined.iter().rev() {
            if let Some(Symbol::Defined { body, .. }) = text.symbols.get(name)
                && used.contains(name)
            {
                used.extend(names_in(body));
            }
        }
        for assumption in &text.assumptions {
            let mut names = BTreeSet::new();
            assumption.walk(&mut |part| {
                names.extend(part.name().map(str::to_string));
                true
            });
            if names.iter().any(|name| used.contains(name) && text.symbols.contains_key(name)) {
                used.extend(names);
            }
        }
        if used.len() == before {
            return used;
        }
    }
}

fn names_in(node: &Node) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    node.walk(&mut |part| {
        names.extend(part.name().map(str::to_string));
        true
    });
    names
}

/// The sizes that some used names have.
pub(super) fn sizes_of(text: &Text, claim: &Claim, used: &BTreeSet<String>) -> BTreeSet<String> {
    let mut sizes: BTreeSet<String> = used.iter().filter(|name| text.sizes.contains_key(*name)).cloned().collect();
    let mut add = |dims: &[Dim]| {
        for dim in dims {
            if let Dim::Named(name) = dim {
                sizes.insert(name.clone());
            }
        }
    };
    for name in used {
        match text.symbols.get(name) {
            Some(Symbol::Real { shape, .. }) => add(shape),
            Some(Symbol::Probabilities(dim)) => add(std::slice::from_ref(dim)),
            Some(Symbol::Index { over, by }) => {
                add(std::slice::from_ref(over));
                add(by);
            }
            Some(Symbol::Defined { indices, shape, .. }) => {
                add(shape);
                indices.iter().for_each(|(_, dim)| add(std::slice::from_ref(dim)));
            }
            _ => {}
        }
    }
    claim.free.iter().for_each(|(_, dim)| add(std::slice::from_ref(dim)));
    sizes
}

/// What to try for some sizes, in order, and whether it may be left out when graphs become large.
pub(super) fn tried(text: &Text, names: &BTreeSet<String>) -> Vec<(Sizes, bool)> {
    let literal = largest_literal_index(text);
    let smallest = |name: &str| SMALLEST.max(literal.get(name).map_or(0, |index| index + 1));
    let free: Vec<&String> = names.iter().filter(|name| matches!(text.sizes.get(*name), Some(None))).collect();
    let fixed: Vec<(&String, usize, usize)> = names
        .iter()
        .filter_map(|name| text.sizes.get(name).copied().flatten().map(|(low, high)| (name, low, high)))
        .collect();
    // free sizes: all small, all one larger, all different, and larger ones
    let levels: Vec<(Vec<usize>, bool)> = if free.is_empty() {
        vec![(Vec::new(), false)]
    } else {
        let at = |more: &dyn Fn(usize) -> usize| -> Vec<usize> {
            free.iter().enumerate().map(|(i, name)| smallest(name) + more(i)).collect()
        };
        let always: Vec<usize> = free.iter().map(|name| smallest(name).max(ALWAYS)).collect();
        let mut levels = vec![(at(&|_| 0), false), (always, false)];
        if free.len() > 1 {
            levels.push((at(&|i| i % 3), true));
        }
        levels.push((at(&|_| 2), true));
        levels.push((at(&|i| 4 + i % 2), true));
        levels.dedup();
        levels
    };
    let widest = fixed.iter().map(|(_, low, high)| high - low).max().unwrap_or(0);
    let mut all = Vec::new();
    for step in 0..=widest {
        for (level, optional) in &levels {
            let mut sizes: Sizes = free.iter().zip(level).map(|(name, size)| ((*name).clone(), *size)).collect();
            sizes.extend(fixed.iter().map(|(name, low, high)| ((*name).clone(), (low + step).min(*high))));
            if !all.iter().any(|(other, _)| *other == sizes) {
                all.push((sizes, *optional));
            }
        }
    }
    all
}

/// The largest literal index into each named size.
fn largest_literal_index(text: &Text) -> BTreeMap<String, usize> {
    let mut largest: BTreeMap<String, usize> = BTreeMap::new();
    let look = super::shapes::Look { text, lenient: true };
    let mut visit = |node: &Node| {
        node.walk(&mut |part| {
            if let Kind::Entry(base, at) = &part.kind
                && let Ok(shape) = look.shape(base, &mut Vec::new())
            {
                for (index, dim) in at.iter().zip(shape) {
                    if let (Kind::Number(value), Dim::Named(name)) = (&index.kind, dim) {
                        let place = value.to_usize().unwrap_or(0).min(super::text::LARGEST_SIZE);
                        let known = largest.entry(name).or_insert(0);
                        *known = (*known).max(place);
                    }
                }
            }
            true
        });
    };
    for symbol in text.symbols.values() {
        if let Symbol::Defined { body, .. } = symbol {
            visit(body);
        }
    }
    for claim in &text.claims {
        visit(&claim.left);
        visit(&claim.right);
    }
    largest
}

/// Sizes in words: "m = 2, n = 3".
pub(super) fn in_words(sizes: &Sizes) -> String {
    sizes.iter().map(|(name, size)| format!("{name} = {size}")).collect::<Vec<_>>().join(", ")
}
