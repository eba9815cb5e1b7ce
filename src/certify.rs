//! The oracle held to MPFR, bit for bit (feature `certify`): MPFR evaluates the definition's graph at
//! the same f64 inputs with more and more bits until one f64 is nearest, and the oracle must have given
//! that one.
//!
//! Where the definition's numbers leave MPFR's range (e^z of a logit of 1e308), the textbook's graph is
//! judged instead, which a claim of the formula says is equal in real numbers.

use crate::accuracy::{Certified, Covered, Difference, Hard, Open, Pinned, Pins, Report, Row, Run, output_of};
use crate::cases::regions::{Region, regions};
use crate::cases::{Conventions, case};
use crate::error::Result;
use crate::formula::{Defined, Formula};
use crate::json;
use crate::number::{By, Decided, Enclosure, Mpfr, Outcome, decide};
use rayon::prelude::*;
use serde_json::Value;
use std::collections::HashMap;
use std::time::Instant;

/// Cases that are judged side by side before what they came to is added up. Which cases a run has does
/// not depend on the threads.
const AT_ONCE: u64 = 256;

/// Hard cases that are pinned per output.
const HARDEST_PINNED: usize = 4;

/// An input in a report or a pinned case has at most so many bytes.
const SHORT: usize = 2000;

/// The pinned cases of a formula have at most so many bytes; those of 17 formulas stay below 1.5 MB.
const PINNED_BYTES: usize = 80_000;

/// One number of an output.
struct Component {
    place: String,
    found: f64,
    right: Outcome<Decided<Enclosure>>,
}

impl Component {
    /// Whether the bits are the right ones. Of a number that is 0 by rule the sign is not known.
    fn agrees(&self) -> bool {
        match &self.right {
            Ok(right) if right.by == By::RuleForZeros => self.found == 0.0,
            Ok(right) => self.found.to_bits() == right.value.to_bits(),
            Err(_) => false,
        }
    }
}

/// A case with what MPFR says of the oracle's output.
struct Judged {
    name: String,
    input: Value,
    /// Whether the input is short enough to be shown.
    short: bool,
    output: Value,
    components: Vec<Component>,
}

/// What the values of some graphs are, by their places.
fn decided(graphs: &[Defined]) -> impl Iterator<Item = (&str, Outcome<Decided<Enclosure>>)> {
    graphs.iter().flat_map(|defined| {
        let values = decide::<Mpfr>(&defined.graph, &defined.values().collect::<Vec<_>>());
        defined.places.iter().map(String::as_str).zip(values)
    })
}

fn judge(formula: &Formula, name: String, input: Value) -> Result<Judged> {
    let output = (formula.evaluate)(input.clone())?;
    let definition = (formula.definition)(&input, &output, None)?;
    let mut right: HashMap<&str, _> = decided(&definition).collect();
    let textbook = match right.values().any(Outcome::is_err) {
        true => (formula.textbook)(&input, &output)?,
        false => Vec::new(),
    };
    for (place, value) in decided(&textbook) {
        if right.get(place).is_some_and(Outcome::is_err) {
            right.insert(place, value);
        }
    }
    // a number of the output that the definition does not speak of is no component: a copy of the input
    let components = json::numbers(&output).into_iter().filter_map(|(place, found)| {
        let right = right.remove(place.as_str())?;
        Some(Component { place, found, right })
    });
    let (components, short) = (components.collect(), input.to_string().len() <= SHORT);
    Ok(Judged { name, input, short, output, components })
}

impl Judged {
    fn rows(&self) -> HashMap<String, Row> {
        let mut rows: HashMap<String, Row> = HashMap::new();
        for component in &self.components {
            rows.entry(output_of(&component.place)).or_default().merge(self.row(component));
        }
        rows
    }

    /// What one component comes to.
    fn row(&self, component: &Component) -> Row {
        let mut row = Row { components: 1, ..Row::default() };
        let (case, place) = (|| self.name.clone(), || component.place.clone());
        let input = || self.short.then(|| self.input.clone());
        match &component.right {
            Err(reason) => {
                row.open = 1;
                row.first_open =
                    Some(Open { case: case(), place: place(), reason: reason.to_string(), input: input() });
            }
            Ok(right) => {
                row.zeros_by_rule = u64::from(right.by == By::RuleForZeros);
                row.ties_by_rule = u64::from(right.by == By::RuleForTies);
                if right.by == By::Enclosure {
                    let distance = right.enclosure.from_the_middle();
                    row.hardest = distance.map(|distance| Hard { case: case(), place: place(), distance });
                }
                if !component.agrees() {
                    row.differ = 1;
                    let (found, right) = (component.found, right.value);
                    row.worst = Some(Difference { case: case(), place: place(), found, right, input: input() });
                }
            }
        }
        row
    }

    /// The case to be pinned, if it is short and all its components agree.
    fn pinned(&self) -> Option<Pinned> {
        let agrees = !self.components.is_empty() && self.components.iter().all(Component::agrees);
        let pinned = || Pinned { case: self.name.clone(), input: self.input.clone(), output: self.output.clone() };
        (agrees && self.short).then(pinned)
    }
}

/// What the cases of a formula came to so far.
struct Tally {
    certified: Certified,
    /// By output, the hardest first.
    hard: HashMap<String, Vec<(f64, Pinned)>>,
    /// From the regions, by the index in its region.
    of_regions: Vec<(u64, Pinned)>,
}

impl Tally {
    /// Judges cases of a region side by side, and gives the number of their components.
    fn add(
        &mut self,
        formula: &Formula,
        region: &str,
        indices: std::ops::Range<u64>,
        input: impl Fn(u64) -> Value + Sync,
    ) -> Result<u64> {
        let judged = |index: u64| {
            let judged = judge(formula, format!("{region}/{index}"), input(index))?;
            Ok((index, judged.components.len() as u64, judged.rows(), judged.pinned()))
        };
        let cases: Vec<_> = indices.into_par_iter().map(judged).collect::<Result<_>>()?;
        let mut components = 0;
        for (index, n, rows, pinned) in cases {
            components += n;
            for (output, row) in rows {
                if let (Some(pinned), Some(hardest)) = (&pinned, &row.hardest) {
                    let hard = self.hard.entry(output.clone()).or_default();
                    if hard.len() < HARDEST_PINNED || hard.iter().any(|(distance, _)| hardest.distance < *distance) {
                        hard.push((hardest.distance, pinned.clone()));
                        hard.sort_by(|a, b| a.0.total_cmp(&b.0));
                        hard.truncate(HARDEST_PINNED);
                    }
                }
                self.certified.outputs.entry(output).or_default().merge(row);
            }
            if region != RANDOM {
                self.of_regions.extend(pinned.map(|pinned| (index, pinned)));
            }
            self.cover(region, n);
        }
        Ok(components)
    }

    fn cover(&mut self, region: &str, components: u64) {
        let covered = &mut self.certified.regions;
        if covered.last().is_none_or(|last| last.region != region) {
            covered.push(Covered { region: region.into(), cases: 0, components: 0 });
        }
        if let Some(last) = covered.last_mut() {
            last.cases += 1;
            last.components += components;
        }
    }

    /// The hardest cases of every output, and the first ones of every region while there is room.
    fn pins(self) -> Pins {
        let mut of_regions = self.of_regions;
        of_regions.sort_by_key(|(index, _)| *index);
        let mut hard: Vec<_> = self.hard.into_iter().collect();
        hard.sort_by(|a, b| a.0.cmp(&b.0));
        let hard = hard.into_iter().flat_map(|(_, cases)| cases).map(|(_, pinned)| pinned);
        let (mut cases, mut bytes): (Vec<Pinned>, usize) = (Vec::new(), 0);
        for pinned in hard.chain(of_regions.into_iter().map(|(_, pinned)| pinned)) {
            let size = json::write(&pinned).to_string().len();
            if bytes + size <= PINNED_BYTES && cases.iter().all(|kept| kept.case != pinned.case) {
                bytes += size;
                cases.push(pinned);
            }
        }
        cases.sort_by(|a, b| a.case.cmp(&b.case));
        Pins { formula: self.certified.formula, cases }
    }
}

/// The name of the cases of [`case`] beside those of the regions.
const RANDOM: &str = "random";

/// Holds a formula's oracle to MPFR on its regions and on random cases under any conventions, until at
/// least so many components are compared. A region whose cases have more components than that is left
/// out. `done` is told how many more there are.
///
/// # Errors
/// If the oracle refuses an input of a region.
pub fn certify(formula: &Formula, components: u64, done: impl Fn(u64)) -> Result<(Certified, Pins)> {
    let certified = Certified { formula: formula.id.into(), regions: Vec::new(), outputs: Default::default() };
    let mut tally = Tally { certified, hard: HashMap::new(), of_regions: Vec::new() };
    let mut compared = 0;
    let fits = |region: &Region| region.components <= components;
    for region in regions(formula.id).into_iter().filter(fits) {
        for first in (0..region.cases).step_by(AT_ONCE as usize) {
            let last = region.cases.min(first + AT_ONCE);
            let n = tally.add(formula, region.name, first..last, |index| region.case(index))?;
            done(n);
            compared += n;
        }
    }
    for first in (0..).step_by(AT_ONCE as usize) {
        if compared >= components {
            break;
        }
        let random = |index| case(formula, index, Conventions::Any);
        let n = tally.add(formula, RANDOM, first..first + AT_ONCE, random)?;
        done(n);
        compared += n;
    }
    let certified = tally.certified.clone();
    Ok((certified, tally.pins()))
}

/// A report of formulas that were certified since `started`.
pub fn report(formulas: Vec<Certified>, components: u64, started: Instant) -> Report {
    Report {
        run: Run {
            gradproof: env!("CARGO_PKG_VERSION").into(),
            mpfr: mpfr_version(),
            components,
            platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
            seconds: started.elapsed().as_secs(),
        },
        formulas,
    }
}

/// The version of MPFR that is linked: "4.2.2".
fn mpfr_version() -> String {
    let [major, minor, patch] =
        [gmp_mpfr_sys::mpfr::VERSION_MAJOR, gmp_mpfr_sys::mpfr::VERSION_MINOR, gmp_mpfr_sys::mpfr::VERSION_PATCHLEVEL];
    format!("{major}.{minor}.{patch}")
}
