//! One tensor in flat lists, moved in place: by the loops over vectors, and where their bounds leave a rounding open,
//! by the update rule on wide numbers.

use crate::domain;
use crate::error::{Error, Result};
use crate::kernels::{Instructions, Rule, each, step};
use crate::optimizers::element::{Element, MOST_MOMENTS, Place, Site, Updated};

/// One tensor at one step, for data of real size: what is moved, in place, and by what.
#[derive(Debug)]
pub struct Flat<'a> {
    /// θ, `[n]`, finite.
    pub params: &'a mut [f64],
    /// g, `[n]`, finite.
    pub gradient: &'a [f64],
    /// `[moment][n]`, in the order of the formula's names, finite; zeros to start from. Second moments are not
    /// negative.
    pub moments: Vec<&'a mut [f64]>,
    /// t, counted from 1.
    pub t: u64,
    /// η, at least 0.
    pub lr: f64,
    /// η_1, the rate of the run's first step, which the decay of the convention "schedule" is relative to.
    pub first_lr: f64,
}

impl Flat<'_> {
    /// Every length agrees, and every scalar is in its domain.
    pub(crate) fn check(&self, names: &[&str]) -> Result<()> {
        let n = self.params.len();
        domain::same_length("gradient", self.gradient.len(), n, "params has elements")?;
        domain::same_length("moments", self.moments.len(), names.len(), "the formula has moments")?;
        for (name, moment) in names.iter().zip(&self.moments) {
            domain::same_length(name, moment.len(), n, "params has elements")?;
        }
        if self.t == 0 {
            return Err(Error::domain("t", 0, "a step of at least 1"));
        }
        domain::non_negative("lr", self.lr)?;
        domain::non_negative("first_lr", self.first_lr)?;
        Ok(())
    }
}

/// How a tensor is gone through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Engine {
    /// The instructions of the loops; `None` for wide numbers alone.
    pub loops: Option<Instructions>,
    pub parallel: bool,
}

impl Engine {
    /// As fast as this processor can.
    pub fn best() -> Engine {
        Engine { loops: Some(Instructions::widest()), parallel: cfg!(feature = "fast") }
    }
}

/// A tensor with how and where it is moved.
pub(crate) struct Work<'a> {
    pub engine: Engine,
    pub tensor: Flat<'a>,
    /// ĥ, where the formula takes one and it was made.
    pub estimate: Option<&'a [f64]>,
    /// The names of the moments.
    pub names: &'a [&'static str],
    pub site: Option<Site>,
}

/// As many parameters are moved at a time, so that their lists stay in the second cache of a processor.
const PIECE: usize = 1 << 13;

/// Moves a tensor whose lengths agree: by the rule, if there is one for these scalars, and by `update`.
///
/// # Errors
/// Where a number is outside its domain, `update` fails, or a moment leaves the range. What is in the lists then is
/// not a step's state.
pub(crate) fn advance<const S: usize, const G: usize, R: Rule<S, G>>(
    work: Work,
    rule: Option<R>,
    update: impl Fn(&Element) -> Result<Updated> + Sync,
) -> Result<()> {
    let Work { engine, tensor, estimate, names, site } = work;
    let scalars = Scalars { t: tensor.t, eta: tensor.lr, eta_1: tensor.first_lr, names, site };
    let (n, mut pieces) = (tensor.params.len(), Vec::new());
    let mut state: Vec<_> =
        std::iter::once(tensor.params).chain(tensor.moments).map(|list| list.chunks_mut(PIECE)).collect();
    let mut given: Vec<_> = std::iter::once(tensor.gradient).chain(estimate).map(|list| list.chunks(PIECE)).collect();
    for start in (0..n).step_by(PIECE) {
        let state: Vec<&mut [f64]> = state.iter_mut().filter_map(Iterator::next).collect();
        let given: Vec<&[f64]> = given.iter_mut().filter_map(Iterator::next).collect();
        pieces.push(Piece { start, state, given });
    }
    each(engine.parallel, pieces, |mut piece| {
        let open = match (engine.loops, &rule) {
            (Some(instructions), Some(rule)) => piece.by_rule(instructions, rule),
            _ => None,
        };
        let open = open.unwrap_or_else(|| (0..piece.state[0].len()).collect());
        open.into_iter().try_for_each(|i| piece.update(i, &scalars, &update))
    })
    .into_iter()
    .collect()
}

/// What all parameters of a tensor share.
struct Scalars<'a> {
    t: u64,
    eta: f64,
    eta_1: f64,
    names: &'a [&'static str],
    site: Option<Site>,
}

/// Parameters that follow each other.
struct Piece<'a> {
    start: usize,
    /// θ and the moments
    state: Vec<&'a mut [f64]>,
    /// g, and ĥ
    given: Vec<&'a [f64]>,
}

impl Piece<'_> {
    /// What a rule leaves open; `None` if it is one for other lists.
    fn by_rule<const S: usize, const G: usize, R: Rule<S, G>>(
        &mut self,
        instructions: Instructions,
        rule: &R,
    ) -> Option<Vec<usize>> {
        let state = self.state.as_mut_slice().try_into().ok()?;
        Some(step(instructions, rule, state, self.given.as_slice().try_into().ok()?))
    }

    /// Moves one parameter.
    fn update(&mut self, i: usize, of: &Scalars, update: impl Fn(&Element) -> Result<Updated>) -> Result<()> {
        let place = Place { site: of.site, element: self.start + i };
        // an exact zero is +0
        let theta = self.state[0][i] + 0.0;
        let mut moments = [0.0; MOST_MOMENTS];
        moments.iter_mut().zip(&self.state[1..]).for_each(|(moment, list)| *moment = list[i] + 0.0);
        let (g, estimate) = (self.given[0][i], self.given.get(1).map(|list| list[i]));
        in_domain(&place, theta.is_finite(), "params", |field| domain::finite(field, theta))?;
        in_domain(&place, g.is_finite(), "gradient", |field| domain::finite(field, g))?;
        if let Some(estimate) = estimate {
            in_domain(&place, estimate.is_finite(), "hessian", |field| domain::finite(field, estimate))?;
        }
        for (name, &x) in of.names.iter().zip(&moments) {
            // second moments are means of squares
            let square = name.starts_with('v');
            in_domain(&place, x.is_finite() && !(square && x < 0.0), name, |field| match square {
                true => domain::non_negative(field, x),
                false => domain::finite(field, x),
            })?;
        }
        let Scalars { t, eta, eta_1, .. } = *of;
        let x = Element { theta, g, previous_g: 0.0, moments, t, first: t == 1, eta, eta_1, estimate, place };
        let updated = update(&x)?;
        if updated.theta.is_nan() {
            return Err(Error::Overflow { place: place.of("params") });
        }
        self.state[0][i] = updated.theta;
        for ((list, x), name) in self.state[1..].iter_mut().zip(updated.moments).zip(of.names) {
            if !x.is_finite() {
                return Err(Error::Overflow { place: place.of(name) });
            }
            list[i] = x;
        }
        Ok(())
    }
}

/// Names the place only where something is wrong there.
fn in_domain(place: &Place, holds: bool, field: &str, check: impl FnOnce(&str) -> Result<f64>) -> Result<()> {
    if holds { Ok(()) } else { check(&place.of(field)).map(|_| ()) }
}
