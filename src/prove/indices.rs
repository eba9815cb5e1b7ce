//! Values of the indices of a claim: declared ones, which are part of the statement, and free ones.

use super::elaborate::{Elaboration, Stopped};
use super::shapes::Dim;
use super::sizes::Sizes;
use super::text::{Claim, Symbol, Text};
use std::collections::BTreeSet;

/// Combinations of declared indices in one instance, at most; more are sampled.
const MOST_COMBINATIONS: usize = 96;

/// Combinations of free indices in one instance, at most.
const MOST_PLACES: usize = 6000;

/// Indices by name with a value.
pub(super) type Place = Vec<(String, i64)>;

/// Values of declared indices: an entry for each name, with its entries in order.
pub(super) type Chosen = Vec<(String, Vec<usize>)>;

/// What the declared indices are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Indices<'a> {
    /// These values.
    Are(&'a Chosen),
    /// Any.
    Any,
}

/// The combinations of values that declared indices take, and whether these are all.
pub(super) fn combinations(text: &Text, sizes: &Sizes, used: &BTreeSet<String>) -> (Vec<Chosen>, bool) {
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

/// The first and the last of several.
pub(super) fn first_and_last(all: &[Chosen]) -> impl Iterator<Item = &Chosen> {
    let last = if all.len() > 1 { all.last() } else { None };
    all.first().into_iter().chain(last)
}

/// Every combination of values of the free indices.
pub(super) fn places(elaboration: &Elaboration, claim: &Claim) -> Result<Vec<Place>, Stopped> {
    let mut all = vec![Vec::new()];
    for (index, range) in &claim.free {
        let size = elaboration.size(range);
        if all.len().saturating_mul(size) > MOST_PLACES {
            return Err(Stopped::TooLarge);
        }
        let with = |place: &Place, i: usize| {
            let mut longer = place.clone();
            longer.push((index.clone(), i as i64));
            longer
        };
        all = all.iter().flat_map(|place| (0..size).map(move |i| with(place, i))).collect();
    }
    Ok(all)
}

/// The values of the indices that a pair of sides is for.
pub(super) fn component(indices: &Indices, place: &[(String, i64)]) -> Vec<(String, i64)> {
    let entries = |(name, values): &(String, Vec<usize>)| match values.as_slice() {
        [only] => vec![(name.clone(), *only as i64)],
        several => several.iter().enumerate().map(|(i, value)| (format!("{name}[{i}]"), *value as i64)).collect(),
    };
    let chosen = match indices {
        Indices::Are(chosen) => chosen.as_slice(),
        Indices::Any => &[],
    };
    chosen.iter().flat_map(entries).chain(place.iter().cloned()).collect()
}
