//! A gradient in numbers, as somebody computed it at one point, held to the derivatives of its loss: in every
//! component, or along one random direction where there are many.
//!
//! The derivatives are dual numbers over numbers of about 104 bits that carry a bound of their error, and where
//! these decide nothing, over enclosures of up to 4096 bits. Along a direction, a loss that does the same to many
//! numbers is first computed a vector at a time, with exponentials of 80 bits.
//!
//! What is claimed is that each component is within some ulps of the real derivative; the bound decides whether it is,
//! and there is no tolerance. A loss is written with functions that have a derivative: at a kink, and for a maximum,
//! the answer is [`Answer::Open`].

mod by_runs;

use super::point;
use crate::error::{Error, Result};
use crate::expression::{Graph, Node};
use crate::kernels::{Instructions, each, tangents::dot};
use crate::number::{
    Abstention, Enclosures, Forward, Intervals, MOST_BITS, Outcome, Partials, Sign, Tangent, Wides, evaluate_all, ulp,
};
use num_rational::BigRational;
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

/// The precisions that are tried after numbers of 104 bits, where a loss cancels or needs more operations.
const FURTHER: [usize; 3] = [256, 1024, MOST_BITS];

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
        let mut found = self.beside(Wides);
        for bits in FURTHER {
            if found.as_ref().is_ok_and(|all| all.iter().all(Beside::is_decided)) {
                break;
            }
            found = self.beside(Intervals { bits }).or(found);
        }
        Ok(match found {
            Ok(all) => self.components(&all),
            Err(reason) => Components {
                answer: Answer::Open(reason.to_string()),
                nearest: 0,
                worst_ulps: f64::NAN,
                worst: 0,
                right: f64::NAN,
            },
        })
    }

    /// Looks for an error along a random direction, in one pass over the loss.
    ///
    /// # Errors
    /// As for [`in_every_component`](Self::in_every_component).
    pub fn along_a_direction(&self, seed: u64) -> Result<Along> {
        self.checked()?;
        let direction = direction(self.at.len(), seed);
        let mut found = if self.loss.runs().is_empty() {
            self.along(Wides, &direction)
        } else {
            let in_runs = self.along_in_runs(&direction);
            if decides(&in_runs) { in_runs } else { self.along(Wides, &direction).or(in_runs) }
        };
        for bits in FURTHER {
            if decides(&found) {
                break;
            }
            found = self.along(Intervals { bits }, &direction).or(found);
        }
        Ok(found.unwrap_or_else(|reason| Along {
            answer: Answer::Open(reason.to_string()),
            difference: f64::NAN,
            allowed: f64::NAN,
        }))
    }

    /// Every component beside an enclosure of the derivative.
    fn beside<E: Enclosures>(&self, mut numbers: E) -> Outcome<Vec<Beside>> {
        let derivatives = self.derivatives(&mut numbers)?;
        let each = self.claimed.iter().zip(&derivatives);
        each.map(|(&claimed, derivative)| Beside::of(&mut numbers, claimed, self.ulps, derivative)).collect()
    }

    fn components(&self, all: &[Beside]) -> Components {
        let wrong = all.iter().any(|x| x.within == Some(false));
        let open = all.iter().position(|x| x.within.is_none());
        let furthest = (0..all.len()).max_by(|&i, &j| all[i].ulps.total_cmp(&all[j].ulps));
        Components {
            answer: match (wrong, open) {
                (true, _) => Answer::Wrong,
                (false, None) => Answer::Right,
                (false, Some(i)) => Answer::Open(format!("no precision tells whether component {i} is as claimed")),
            },
            nearest: all.iter().zip(self.claimed).filter(|(x, claimed)| x.nearest == Some(**claimed)).count(),
            worst_ulps: furthest.map_or(0.0, |i| all[i].ulps),
            worst: furthest.unwrap_or(0),
            right: furthest.and_then(|i| all[i].nearest).unwrap_or(f64::NAN),
        }
    }

    /// Every derivative of the loss.
    fn derivatives<E: Enclosures>(&self, numbers: &mut E) -> Outcome<Vec<E::Number>> {
        let at = exactly(numbers, self.at)?;
        self.away_from_kinks(numbers, &at)?;
        let mut duals = Partials(numbers);
        let variables = at.into_iter().enumerate().map(|(i, x)| duals.variable(i, x));
        let variables = variables.collect::<Outcome<Vec<_>>>()?;
        let loss = evaluate_all(self.loss, &mut duals, &variables)?;
        let mut derivatives = vec![numbers.constant(&BigRational::default())?; self.at.len()];
        loss.into_iter().flat_map(|loss| loss.slopes).for_each(|(i, slope)| derivatives[i] = slope);
        Ok(derivatives)
    }

    fn along<E: Enclosures>(&self, mut numbers: E, direction: &[f64]) -> Outcome<Along> {
        let at = exactly(&numbers, self.at)?;
        self.away_from_kinks(&mut numbers, &at)?;
        let direction = exactly(&numbers, direction)?;
        let variables = at.into_iter().zip(&direction).map(|(value, u)| Tangent { value, slope: u.clone() });
        let mut duals = Forward(numbers);
        let loss = evaluate_all(self.loss, &mut duals, &variables.collect::<Vec<_>>())?;
        let [Tangent { slope: derivative, .. }] = &loss[..] else { return Err(Abstention::new("a loss of no output")) };
        let mut numbers = duals.0;
        let zero = numbers.constant(&BigRational::default())?;
        let (mut claimed, mut allowed) = (zero.clone(), zero);
        for (&g, u) in self.claimed.iter().zip(&direction) {
            let part = numbers.product(&exact(&numbers, g)?, u)?;
            claimed = numbers.sum(&[&claimed, &part])?;
            let part = numbers.product(&exact(&numbers, ulp(g))?, u)?;
            let part = if numbers.sign(u)? == Sign::Negative { numbers.negate(&part)? } else { part };
            allowed = numbers.sum(&[&allowed, &part])?;
        }
        self.told(&mut numbers, derivative, &claimed, &allowed)
    }

    /// The same run by run, where 80 bits of each exponential may be enough.
    fn along_in_runs(&self, direction: &[f64]) -> Outcome<Along> {
        let derivative = by_runs::derivative(self.loss, self.at, direction)?.slope;
        let instructions = Instructions::widest();
        let ulps: Vec<f64> = self.claimed.iter().map(|&g| ulp(g)).collect();
        let sizes: Vec<f64> = direction.iter().map(|u| u.abs()).collect();
        let claimed = dot(instructions, self.claimed, direction);
        self.told(&mut Wides, &derivative, &claimed, &dot(instructions, &ulps, &sizes))
    }

    /// What the derivative along a direction, that of the claimed gradient and Σ |u_i| ulp(g_i) come to.
    fn told<E: Enclosures>(
        &self,
        numbers: &mut E,
        derivative: &E::Number,
        claimed: &E::Number,
        ulps: &E::Number,
    ) -> Outcome<Along> {
        let allowed = numbers.product(ulps, &exact(numbers, self.ulps)?)?;
        let minus = numbers.negate(derivative)?;
        let difference = numbers.sum(&[claimed, &minus])?;
        Ok(Along {
            answer: match within(numbers, &difference, &allowed)? {
                Some(true) => Answer::Right,
                Some(false) => Answer::Wrong,
                None => Answer::Open("no precision tells whether the direction shows an error".into()),
            },
            difference: size::<E>(&difference),
            allowed: size::<E>(&allowed),
        })
    }

    /// An abstention where the condition of a selection is zero.
    fn away_from_kinks<E: Enclosures>(&self, numbers: &mut E, at: &[E::Number]) -> Outcome<()> {
        if !self.loss.nodes().iter().any(|node| matches!(node, Node::BySign { .. })) {
            return Ok(());
        }
        for condition in evaluate_all(&self.loss.conditions(), numbers, at)? {
            off_a_kink(numbers, &condition)?;
        }
        Ok(())
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

/// A component beside its derivative, as far as an enclosure of that decides it.
struct Beside {
    /// Whether it is as claimed.
    within: Option<bool>,
    /// The f64 nearest to the derivative.
    nearest: Option<f64>,
    /// Their distance in ulps, at most.
    ulps: f64,
}

impl Beside {
    fn of<E: Enclosures>(numbers: &mut E, claimed: f64, ulps: f64, derivative: &E::Number) -> Outcome<Beside> {
        let unit = exact(numbers, ulp(claimed))?;
        let allowed = numbers.product(&exact(numbers, ulps)?, &unit)?;
        let minus = numbers.negate(derivative)?;
        let difference = numbers.sum(&[&exact(numbers, claimed)?, &minus])?;
        let distance = numbers.quotient(&difference, &unit)?;
        let [low, high] = E::ends_f64(derivative);
        Ok(Beside {
            within: within(numbers, &difference, &allowed)?,
            nearest: (low == high).then_some(low),
            ulps: size::<E>(&distance),
        })
    }

    fn is_decided(&self) -> bool {
        self.within.is_some() && self.nearest.is_some()
    }
}

/// An abstention where this, the condition of a selection, is zero.
fn off_a_kink<E: Enclosures>(numbers: &mut E, condition: &E::Number) -> Outcome<()> {
    match numbers.sign(condition)? {
        Sign::Zero => Err(Abstention::new("a kink, at which there is no derivative")),
        _ => Ok(()),
    }
}

/// A direction, uniform in [−1, 1] in every component.
fn direction(n: usize, seed: u64) -> Vec<f64> {
    // a stream for each part, so that threads can draw them
    let part = |(stream, count): (u64, usize)| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        (0..count).map(|_| 2.0 * point::uniform(&mut rng) - 1.0).collect::<Vec<f64>>()
    };
    let parts = (0..n).step_by(PART).zip(0..).map(|(start, stream)| (stream, PART.min(n - start))).collect();
    each(true, parts, part).concat()
}

/// How many components of a direction are of one stream.
const PART: usize = 16384;

/// Whether a direction was told.
fn decides(found: &Outcome<Along>) -> bool {
    found.as_ref().is_ok_and(|along| !matches!(along.answer, Answer::Open(_)))
}

/// Whether a difference of either sign is at most what is allowed.
fn within<E: Enclosures>(numbers: &mut E, difference: &E::Number, allowed: &E::Number) -> Outcome<Option<bool>> {
    let (minus, opposite) = (numbers.negate(allowed)?, numbers.negate(difference)?);
    let beyond = [numbers.sum(&[difference, &minus])?, numbers.sum(&[&opposite, &minus])?];
    let signs = [numbers.sign(&beyond[0]), numbers.sign(&beyond[1])];
    Ok(match signs {
        [Ok(Sign::Positive), _] | [_, Ok(Sign::Positive)] => Some(false),
        [Ok(_), Ok(_)] => Some(true),
        _ => None,
    })
}

/// The size of what is enclosed, at most, as an f64.
fn size<E: Enclosures>(x: &E::Number) -> f64 {
    let [low, high] = E::ends_f64(x);
    low.abs().max(high.abs())
}

fn exact<E: Enclosures>(numbers: &E, x: f64) -> Outcome<E::Number> {
    numbers.exactly(x).ok_or_else(|| Abstention::new("a number that is not finite"))
}

fn exactly<E: Enclosures>(numbers: &E, list: &[f64]) -> Outcome<Vec<E::Number>> {
    list.iter().map(|&x| exact(numbers, x)).collect()
}
