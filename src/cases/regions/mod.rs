//! Regions: hard inputs of every formula by name, beside the random ones. Where formulas cancel, where
//! numbers are as large or as small as they can be, where a result is exactly zero or a tie, and runs
//! from their first step to their last.
//!
//! A region's case is determined by its formula, name and index, like a random case.

mod contrast;
mod cross_entropy;
mod estimators;
mod optimizers;
mod preference;
mod schedules;

use super::draw::Draw;
use serde_json::Value;

/// Hard inputs of one kind.
#[derive(Clone, Copy)]
pub struct Region {
    /// Its name, which is its formula's own.
    pub name: &'static str,
    /// How many cases it has.
    pub cases: u64,
    /// About how many numbers an output of it has, at most.
    pub components: u64,
    formula: &'static str,
    make: Make,
}

/// Makes the case of an index, with numbers of its own to draw.
type Make = fn(&mut Draw, u64) -> Value;

impl Region {
    /// The case with this index.
    pub fn case(&self, index: u64) -> Value {
        (self.make)(&mut Draw::of(&format!("{}/{}", self.name, self.formula), index, 0), index)
    }
}

/// The regions of a formula; none for one that no regions were written for.
pub fn regions(formula: &str) -> Vec<Region> {
    let all = [
        cross_entropy::REGIONS,
        contrast::INFO_NCE,
        contrast::IN_BATCH,
        preference::DPO,
        preference::FROM_LOGITS,
        optimizers::ADAMW,
        optimizers::ADAM_L2,
        optimizers::LION,
        optimizers::SOPHIA,
        optimizers::SGD,
        estimators::GAUSS_NEWTON_BARTLETT,
        estimators::HUTCHINSON,
        schedules::COSINE,
        schedules::WSD,
        schedules::LINEAR,
        schedules::INVERSE_SQRT,
        schedules::NOAM,
    ];
    all.into_iter().flatten().copied().filter(|region| region.formula == formula).collect()
}

/// A region whose outputs have few numbers.
const fn small(formula: &'static str, name: &'static str, cases: u64, make: Make) -> Region {
    Region { name, cases, components: 200, formula, make }
}

/// One of some, in turn.
fn turn<T: Copy>(of: &[T], index: u64) -> T {
    of[index as usize % of.len()]
}

/// 10^n, as near as f64 has it, on every platform.
fn power_of_ten(n: i64) -> f64 {
    format!("1e{n}").parse().unwrap_or(f64::NAN)
}
