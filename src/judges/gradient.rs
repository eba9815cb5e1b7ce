//! A gradient in numbers, as somebody computed it at one point, held to the derivatives of its loss: in every
//! component, or along one random direction where there are many.
//!
//! The derivatives are dual numbers over numbers of about 104 bits that carry a bound of their error. What is
//! claimed is that each component is within some ulps of the real derivative; the bound decides whether it is,
//! and there is no tolerance. A loss is written with functions that have a derivative: at a kink, and for a
//! maximum, the answer is [`Answer::Open`].

use super::point;
use crate::error::{Error, Result};
use crate::expression::{Graph, Node};
use crate::number::{Forward, Outcome, Partials, Sign, Tangent, Wide, Wides, evaluate_all, ulp};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// A gradient in numbers, with what is claimed of it.
///
/// ```
/// use gradproof::expression::{Graph, variables};
/// use gradproof::judges::gradient::{Answer, Gradient};
/// use gradproof::losses::cross_entropy::cross_entropy;
///
/// let loss = Graph::build(|| vec![cross_entropy(&variables("z", 3), 0)]);
/// let (at, mut claimed) = ([2.0, 1.0, 0.0], [-0.3347590442251781, 0.24472847105479764, 0.09003057317038046]);
/// let checked = Gradient { loss: &loss, at: &at, claimed: &claimed, ulps: 0.5 }.in_every_component()?;
/// assert_eq!((checked.answer, checked.nearest), (Answer::Right, 3));
///
/// claimed[2] = claimed[2].next_up();
/// let wrong = Gradient { loss: &loss, at: &at, claimed: &claimed, ulps: 0.5 };
/// assert_eq!(wrong.in_every_component()?.answer, Answer::Wrong);
/// # Ok::<(), gradproof::error::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Gradient<'a> {
    /// The loss: a graph with one output.
    pub loss: &'a Graph,
    /// A finite number for each variable of the graph.
    pub at: &'a [f64],
    /// ∂loss/∂x for each variable x, finite.
    pub claimed: &'a [f64],
    /// How far from the real derivative each component may be, in ulps of the component: 0.5 for the nearest
    /// f64, as this crate's oracles give it. Finite, not negative.
    pub ulps: f64,
}

/// What a check came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// As claimed; along a direction: nothing shows that it is not.
    Right,
    /// Not as claimed.
    Wrong,
    /// Neither could be decided, and why.
    Open(String),
}

/// Every component beside the real derivative.
#[derive(Clone, Debug, PartialEq)]
pub struct Components {
    /// Whether each is as claimed.
    pub answer: Answer,
    /// How many are the f64 nearest to the derivative.
    pub nearest: usize,
    /// The largest distance, in ulps of the component.
    pub worst_ulps: f64,
    /// The component with that distance.
    pub worst: usize,
    /// The f64 nearest to the derivative there.
    pub right: f64,
}

/// The derivative along a direction beside the claimed gradient's part in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Along {
    /// Whether a gradient as claimed can differ by this much.
    pub answer: Answer,
    /// How far the two are apart.
    pub difference: f64,
    /// How far they may be, Σ |u_i| ulps·ulp(g_i). The direction u is uniform in [−1, 1] in every component, so
    /// that an error e of one component is overlooked with a probability of at most this over |e|.
    pub allowed: f64,
}

impl Gradient<'_> {
    /// Decides about every component.
    ///
    /// Takes time in the number of operations of the loss and of variables that each depends on; a loss of V
    /// classes takes time in V.
    ///
    /// # Errors
    /// Where lengths disagree, a number is not finite, the loss has other than one output, or `ulps` is outside
    /// its domain.
    pub fn in_every_component(&self) -> Result<Components> {
        self.checked()?;
        let none = Components { answer: Answer::Right, nearest: 0, worst_ulps: 0.0, worst: 0, right: f64::NAN };
        let derivatives = match self.derivatives() {
            Ok(derivatives) => derivatives,
            Err(reason) => return Ok(Components { answer: Answer::Open(reason.to_string()), ..none }),
        };
        let mut found = none;
        for (i, (&claimed, &derivative)) in self.claimed.iter().zip(&derivatives).enumerate() {
            let unit = Wide::from(ulp(claimed));
            let distance = ((Wide::from(claimed) - derivative) / unit).abs();
            found.nearest += usize::from(derivative.nearest().is_some_and(|right| right == claimed));
            let within = within(distance, Wide::from(self.ulps), || format!("component {i}"));
            let ulps = distance.to_f64().abs();
            if i == 0 || ulps > found.worst_ulps {
                (found.worst_ulps, found.worst, found.right) = (ulps, i, derivative.to_f64());
            }
            found.answer = found.answer.and(within);
        }
        Ok(found)
    }

    /// Looks for an error along a random direction, in one pass over the loss.
    ///
    /// # Errors
    /// As for [`in_every_component`](Self::in_every_component).
    pub fn along_a_direction(&self, seed: u64) -> Result<Along> {
        self.checked()?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let direction: Vec<f64> = self.at.iter().map(|_| 2.0 * point::uniform(&mut rng) - 1.0).collect();
        let of =
            |f: &dyn Fn(f64, f64) -> Wide| self.claimed.iter().zip(&direction).map(|(&g, &u)| f(g, u)).sum::<Wide>();
        let claimed = of(&|g, u| Wide::from(g) * Wide::from(u));
        let allowed = of(&|g, u| Wide::from(ulp(g)) * Wide::from(u.abs())) * Wide::from(self.ulps);
        let derivative = match self.derivative_along(&direction) {
            Ok(derivative) => derivative,
            Err(reason) => {
                let answer = Answer::Open(reason.to_string());
                return Ok(Along { answer, difference: f64::NAN, allowed: allowed.to_f64() });
            }
        };
        let difference = (claimed - derivative).abs();
        let answer = within(difference, allowed, || "the direction".into());
        Ok(Along { answer, difference: difference.to_f64().abs(), allowed: allowed.to_f64() })
    }

    /// Every derivative of the loss.
    fn derivatives(&self) -> Outcome<Vec<Wide>> {
        self.away_from_kinks()?;
        let mut duals = Partials(Wides);
        let at = self.at.iter().enumerate().map(|(i, &x)| duals.variable(i, Wide::from(x)));
        let at = at.collect::<Outcome<Vec<_>>>()?;
        let loss = evaluate_all(self.loss, &mut duals, &at)?;
        let mut derivatives = vec![Wide::ZERO; self.at.len()];
        loss.into_iter().flat_map(|loss| loss.slopes).for_each(|(i, slope)| derivatives[i] = slope);
        Ok(derivatives)
    }

    /// The derivative of the loss along a direction.
    fn derivative_along(&self, direction: &[f64]) -> Outcome<Wide> {
        self.away_from_kinks()?;
        let variable = |(&x, &u)| Tangent { value: Wide::from(x), slope: Wide::from(u) };
        let at: Vec<_> = self.at.iter().zip(direction).map(variable).collect();
        let loss = evaluate_all(self.loss, &mut Forward(Wides), &at)?;
        Ok(loss.into_iter().map(|loss| loss.slope).sum())
    }

    /// An abstention where the condition of a selection is zero.
    fn away_from_kinks(&self) -> Outcome<()> {
        if !self.loss.nodes().iter().any(|node| matches!(node, Node::BySign { .. })) {
            return Ok(());
        }
        let at: Vec<Wide> = self.at.iter().map(|&x| Wide::from(x)).collect();
        let conditions = evaluate_all(&self.loss.conditions(), &mut Wides, &at)?;
        match conditions.iter().all(|x| matches!(x.sign(), Some(Sign::Negative | Sign::Positive))) {
            true => Ok(()),
            false => Err(crate::number::Abstention::new("a kink, at which there is no derivative")),
        }
    }

    fn checked(&self) -> Result<()> {
        let variables = self.loss.variables().len();
        let outputs = self.loss.outputs().len();
        if outputs != 1 {
            return Err(Error::shape("loss", outputs, "1 output"));
        }
        for (name, list) in [("at", self.at), ("claimed", self.claimed)] {
            if list.len() != variables {
                return Err(Error::shape(name, list.len(), format!("{variables}, one for each variable of the loss")));
            }
            if let Some(i) = list.iter().position(|x| !x.is_finite()) {
                return Err(Error::domain(format!("{name}[{i}]"), list[i], "a finite number"));
            }
        }
        if !(self.ulps.is_finite() && self.ulps >= 0.0) {
            return Err(Error::domain("ulps", self.ulps, "a finite number that is not negative"));
        }
        Ok(())
    }
}

/// Whether a distance is within what is allowed.
fn within(distance: Wide, allowed: Wide, place: impl Fn() -> String) -> Answer {
    match (distance - allowed).sign() {
        Some(Sign::Positive) => Answer::Wrong,
        Some(_) => Answer::Right,
        None => Answer::Open(format!("{}: the error bound leaves open whether it is as claimed", place())),
    }
}

impl Answer {
    /// Of two parts: one wrong part is enough.
    fn and(self, other: Answer) -> Answer {
        match (self, other) {
            (Answer::Wrong, _) | (_, Answer::Wrong) => Answer::Wrong,
            (Answer::Right, other) => other,
            (open, _) => open,
        }
    }
}
