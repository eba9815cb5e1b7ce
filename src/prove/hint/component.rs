//! Which components are right and which are not: the diagonal, one index at a value, one index at another.

use super::Looked;

/// The sentence, if a comparison of indices parts the pairs that are right from those that are wrong.
pub(super) fn hint(looked: &Looked) -> Option<String> {
    let wrong: Vec<bool> = looked.sample.pairs().map(|k| looked.sample.pair_is_wrong(k)).collect();
    if wrong.iter().all(|&w| w) || looked.at.components.len() != wrong.len() {
        return None;
    }
    let names: Vec<&String> = looked.at.components.first()?.iter().map(|(name, _)| name).collect();
    let parts = |holds: &dyn Fn(usize) -> Option<bool>| {
        // whether it is right exactly where this holds, or exactly where it does not
        let all: Option<Vec<bool>> = (0..wrong.len()).map(holds).collect();
        let all = all?;
        let right_where = all.iter().zip(&wrong).all(|(&holds, &wrong)| holds != wrong);
        let wrong_where = all.iter().zip(&wrong).all(|(&holds, &wrong)| holds == wrong);
        right_where.then_some(true).or(wrong_where.then_some(false))
    };
    for (i, a) in names.iter().enumerate() {
        for b in &names[i + 1..] {
            let equal = |k: usize| Some(looked.index(k, a)? == looked.index(k, b)?);
            match parts(&equal) {
                Some(true) => {
                    return Some(format!("the diagonal is right and the rest is not: right where {a} = {b}"));
                }
                Some(false) => {
                    return Some(format!("the diagonal is wrong and the rest is not: wrong where {a} = {b}"));
                }
                None => {}
            }
        }
    }
    for name in names {
        let values: std::collections::BTreeSet<i64> = (0..wrong.len()).filter_map(|k| looked.index(k, name)).collect();
        for value in values {
            let at = |k: usize| Some(looked.index(k, name)? == value);
            match parts(&at) {
                Some(true) => return Some(format!("right only where {name} = {value}")),
                Some(false) => return Some(format!("wrong only where {name} = {value}")),
                None => {}
            }
        }
    }
    None
}
