//! The oracle's levels: vectors of pairs with a bound; where the bound leaves a rounding open, precise
//! sums and wide numbers; at last enclosures of any precision.

use super::enclosed::{EnclosedRow, uniform_component};
use super::weights::Weights;
use super::{Conventions, Denominator, Losses, Reduction, check_target};
use crate::error::{Error, Result};
use crate::kernels::{Extremes, each, extremes};
use crate::losses::rows::check_logits;
use crate::losses::softmax::{Engine, Row, extremes_of_others, with_room};
use crate::number::{Abstention, Arithmetic, Interval, Intervals, Outcome, Wide, nearest_enclosed};
use num_rational::BigRational;

/// A batch whose shapes agree.
pub(super) struct Rows<'a> {
    pub logits: Vec<&'a [f64]>,
    pub targets: &'a [i64],
    pub ignore_index: i64,
    pub reduction: Reduction,
    pub label_smoothing: f64,
    pub conventions: Conventions,
}

/// What a row that counts adds to the batch.
#[derive(Clone, Copy)]
struct Term {
    loss: Wide,
    nll: Wide,
}

impl Term {
    fn of(row: &Row, weights: &Weights) -> Term {
        let nll = row.nll();
        Term { loss: weights.loss(row, nll, || row.below()), nll }
    }

    fn precise(engine: Engine, z: &[f64], y: usize, weights: &Weights) -> Term {
        let row = Row::precise(engine, z, y);
        let nll = row.nll();
        Term { loss: weights.loss(&row, nll, || row.precise_below()), nll }
    }
}

impl Rows<'_> {
    /// Loss and perplexity; the gradient goes into `gradient`, row by row.
    pub fn evaluate(&self, engine: Engine, gradient: Vec<&mut [f64]>) -> Result<Losses> {
        let targets = self.checked_targets()?;
        let counted = targets.iter().flatten().count();
        let weights = self.weights(counted);
        let rows = self.logits.iter().zip(&targets).zip(gradient).enumerate();
        let work = rows.map(|(b, ((&z, &target), gradient))| Work { b, z, target, gradient }).collect();
        let terms = each(engine.parallel, work, |work| self.row(engine, &weights, work));
        let terms: Vec<Term> = terms.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
        if counted == 0 {
            return all_ignored(self);
        }
        Ok(Losses {
            loss: self.loss(engine, &weights, &targets, &terms)?,
            perplexity: self.perplexity(engine, &weights, &targets, &terms)?,
        })
    }

    fn checked_targets(&self) -> Result<Vec<Option<usize>>> {
        let classes = self.logits.first().map_or(0, |z| z.len());
        let targets = self.targets.iter().enumerate();
        targets.map(|(b, &t)| check_target(b, t, classes, self.ignore_index)).collect()
    }

    fn weights(&self, counted: usize) -> Weights {
        let divisor = match (self.reduction, self.conventions.denominator) {
            (Reduction::Mean, Denominator::Counted) => counted.max(1),
            (Reduction::Mean, Denominator::Rows) => self.logits.len(),
            _ => 1,
        };
        Weights {
            smoothing: self.conventions.smoothing,
            classes: self.logits[0].len(),
            epsilon: self.label_smoothing,
            divisor,
        }
    }

    /// Writes the gradient of a row; what it adds, if it counts.
    fn row(&self, engine: Engine, weights: &Weights, work: Work) -> Result<Option<Term>> {
        let Work { b, z, target, gradient } = work;
        let Some(y) = target else {
            if !in_domain(extremes(engine.instructions, z), weights) {
                check_logits(&format!("logits[{b}]"), z, None, weights.epsilon)?;
            }
            gradient.fill(0.0);
            return Ok(None);
        };
        let others = extremes_of_others(engine, z, y);
        if !in_domain(others, weights) || !z[y].is_finite() {
            check_logits(&format!("logits[{b}]"), z, target, weights.epsilon)?;
        }
        let mut open = Vec::new();
        let row = with_room(engine, z.len(), |mut lo| {
            let row = Row::new(engine, z, y, others, gradient, &mut lo);
            row.components(weights.scale(), weights.less(), gradient, &mut lo, &mut open);
            row
        });
        match weights.target_component(&row).nearest() {
            Some(nearest) => gradient[y] = nearest,
            None => open.push(y),
        }
        if !open.is_empty() {
            open_components(&row, b, weights, &open, gradient)?;
        }
        Ok(Some(Term::of(&row, weights)))
    }

    fn rows_that_count<'s>(&'s self, targets: &'s [Option<usize>]) -> impl Iterator<Item = (&'s [f64], usize)> {
        self.logits.iter().zip(targets).filter_map(|(z, y)| Some((*z, (*y)?)))
    }

    /// The terms of the rows that count from precise sums.
    fn precise_terms(&self, engine: Engine, weights: &Weights, targets: &[Option<usize>]) -> Vec<Term> {
        let rows: Vec<_> = self.rows_that_count(targets).collect();
        each(engine.parallel, rows, |(z, y)| Term::precise(engine, z, y, weights))
    }

    fn loss(&self, engine: Engine, weights: &Weights, targets: &[Option<usize>], terms: &[Term]) -> Result<Vec<f64>> {
        if self.reduction == Reduction::None {
            let mut terms = terms.iter();
            let rows = targets.iter().enumerate().map(|(b, y)| {
                let (Some(y), Some(term)) = (y, y.and_then(|_| terms.next())) else { return Ok(0.0) };
                let (z, y) = (self.logits[b], *y);
                decide(
                    &format!("loss[{b}]"),
                    term.loss,
                    || Term::precise(engine, z, y, weights).loss,
                    |a| EnclosedRow::of(z, a)?.loss(y, weights, a),
                )
            });
            return rows.collect();
        }
        let divisor = Wide::from_whole(weights.divisor as u64);
        let reduced = |terms: &[Term]| terms.iter().map(|term| term.loss).sum::<Wide>() / divisor;
        let loss = decide(
            "loss",
            reduced(terms),
            || reduced(&self.precise_terms(engine, weights, targets)),
            |a| {
                let losses = |a: &mut Intervals, z: &[f64], y| EnclosedRow::of(z, a)?.loss(y, weights, a);
                enclosed_mean(self.rows_that_count(targets), weights.divisor, losses, a)
            },
        )?;
        Ok(vec![loss])
    }

    /// exp of the mean of −ln p_y
    fn perplexity(&self, engine: Engine, weights: &Weights, targets: &[Option<usize>], terms: &[Term]) -> Result<f64> {
        let counted = Wide::from_whole(terms.len() as u64);
        let mean = |terms: &[Term]| terms.iter().map(|term| term.nll).sum::<Wide>() / counted;
        if Wide::from(PAST_THE_RANGE).is_below(mean(terms)) {
            return Ok(f64::INFINITY);
        }
        decide(
            "perplexity",
            mean(terms).exp(),
            || mean(&self.precise_terms(engine, weights, targets)).exp(),
            |a| {
                let nll = |a: &mut Intervals, z: &[f64], y| EnclosedRow::of(z, a)?.nll(y, a);
                let mean = enclosed_mean(self.rows_that_count(targets), terms.len(), nll, a)?;
                a.exp(&mean)
            },
        )
    }
}

/// e^710 is past the range of f64.
const PAST_THE_RANGE: f64 = 720.0;

/// A row with its place, target and the room for its gradient.
struct Work<'a> {
    b: usize,
    z: &'a [f64],
    target: Option<usize>,
    gradient: &'a mut [f64],
}

/// Whether these may be the extremes of logits other than the target's.
fn in_domain(z: Extremes, weights: &Weights) -> bool {
    z.below_infinity && (weights.epsilon == 0.0 || z.smallest > f64::NEG_INFINITY)
}

/// The components that the first level left open.
fn open_components(row: &Row, b: usize, weights: &Weights, open: &[usize], gradient: &mut [f64]) -> Result<()> {
    let (z, y) = (row.z, row.y);
    let precise = if row.precise { *row } else { Row::precise(row.engine, z, y) };
    let mut left = Vec::new();
    for &i in open {
        let component = if i == y { weights.target_component(&precise) } else { weights.component(&precise, i) };
        match component.nearest() {
            Some(nearest) => gradient[i] = nearest,
            None => left.push(i),
        }
    }
    for i in left {
        let place = format!("gradient[{b}][{i}]");
        gradient[i] = if row.is_uniform() {
            let exact = uniform_component(weights, i == y);
            enclosed(&place, |a| a.constant(&exact))?
        } else {
            enclosed(&place, |a| EnclosedRow::of(z, a)?.component(i, y, weights, a))?
        };
    }
    Ok(())
}

/// The f64 nearest to a number, by the first level that decides it.
fn decide(
    place: &str,
    first: Wide,
    second: impl FnOnce() -> Wide,
    last: impl FnMut(&mut Intervals) -> Outcome<Interval>,
) -> Result<f64> {
    match first.nearest().or_else(|| second().nearest()) {
        Some(nearest) => Ok(nearest),
        None => enclosed(place, last),
    }
}

fn enclosed(place: &str, enclose: impl FnMut(&mut Intervals) -> Outcome<Interval>) -> Result<f64> {
    nearest_enclosed(enclose)
        .map_err(|reason: Abstention| Error::Undecided { place: place.into(), reason: reason.to_string() })
}

fn enclosed_mean<'a>(
    rows: impl Iterator<Item = (&'a [f64], usize)>,
    divisor: usize,
    of: impl Fn(&mut Intervals, &[f64], usize) -> Outcome<Interval>,
    a: &mut Intervals,
) -> Outcome<Interval> {
    let mut total = a.constant(&BigRational::default())?;
    for (z, y) in rows {
        let term = of(a, z, y)?;
        total = a.sum(&[&total, &term])?;
    }
    let divisor = a.constant(&BigRational::from_integer(divisor.into()))?;
    a.quotient(&total, &divisor)
}

/// What is said of a batch in which no row counts.
fn all_ignored(rows: &Rows) -> Result<Losses> {
    let [loss, perplexity] = rows.conventions.all_ignored.outcome(rows.ignore_index, rows.reduction)?;
    let count = if rows.reduction == Reduction::None { rows.logits.len() } else { 1 };
    Ok(Losses { loss: vec![loss; count], perplexity })
}

#[cfg(test)]
mod tests;
