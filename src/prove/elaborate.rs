//! Expressions of a text at concrete sizes and indices, as expressions of a graph.

use super::formulas::Resolved;
use super::text::{Symbol, Text};
use super::tree::{Comparison, Condition, Kind, Node, Over, Total};
use super::unusable::{Span, Unusable};
use super::values::{LARGEST_CONSTANT, Value, both, combined, each, multiplied, total};
use super::variables;
use crate::claim::Inputs;
use crate::expression::derivative::Derivatives;
use crate::expression::{self, Expr, NodeId, by_sign, constant, larger, nodes_built, pi, rational};
use crate::number::Deadline;
use num_traits::ToPrimitive;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// Operations of one graph, at most.
pub(super) const MOST_NODES: usize = 400_000;

/// Numbers of one declared name, at most.
const MOST_VARIABLES: usize = MOST_NODES / 4;

/// Expressions between two looks at the clock.
const STEPS_BETWEEN_LOOKS: usize = 4096;

/// The largest whole exponent that is written out as a power.
const LARGEST_POWER: i64 = 1 << 20;

/// Why something must not be 0 at every point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    /// It is divided by.
    Divisor,
    /// What is differentiated has a kink there.
    Kink,
}

/// Why there is no graph at these sizes.
#[derive(Debug)]
pub(super) enum Stopped {
    Unusable(Unusable),
    /// It would be too large.
    TooLarge,
    /// The time is up.
    Late,
}

impl Stopped {
    /// Why nothing is decided, if the text is usable.
    pub fn reason(self) -> Result<String, Unusable> {
        match self {
            Stopped::Unusable(error) => Err(error),
            Stopped::TooLarge => Ok(format!("it takes more than {MOST_NODES} operations to write down")),
            Stopped::Late => Ok(Deadline::REASON.to_string()),
        }
    }
}

impl From<Unusable> for Stopped {
    fn from(error: Unusable) -> Stopped {
        Stopped::Unusable(error)
    }
}

pub(super) type Elaborated<T> = Result<T, Stopped>;

/// The state of elaborating one claim inside a graph that is being built.
pub(super) struct Elaboration<'a> {
    pub text: &'a Text,
    pub sizes: &'a BTreeMap<String, usize>,
    pub inputs: &'a Inputs,
    /// When to give up.
    pub end: Deadline,
    /// Expressions looked at.
    steps: usize,
    /// Declared names, and definitions at the indices of the moment.
    pub values: HashMap<String, Value>,
    pub locals: Vec<(String, i64)>,
    /// What must not be 0 at every point, why, and where it stands.
    pub watched: Vec<(Expr, Watched, Span)>,
    pub(super) derivatives: HashMap<NodeId, Derivatives>,
    /// The values beside a name that is a variable of its own.
    pub(super) held: HashMap<String, Rc<HashMap<String, Value>>>,
    /// Whether a derivative was taken.
    pub differentiates: bool,
}

impl<'a> Elaboration<'a> {
    pub fn new(
        text: &'a Text,
        sizes: &'a BTreeMap<String, usize>,
        inputs: &'a Inputs,
        end: Deadline,
    ) -> Elaboration<'a> {
        Elaboration {
            text,
            sizes,
            inputs,
            end,
            steps: 0,
            values: HashMap::new(),
            locals: Vec::new(),
            watched: Vec::new(),
            derivatives: HashMap::new(),
            held: HashMap::new(),
            differentiates: false,
        }
    }

    /// The size of a dimension.
    pub fn size(&self, dim: &super::shapes::Dim) -> usize {
        match dim {
            super::shapes::Dim::Named(name) => self.sizes.get(name).copied().unwrap_or(0),
            super::shapes::Dim::Fixed(size) => *size,
            super::shapes::Dim::Unknown => 0,
        }
    }

    /// Declares a name's variables, or evaluates its definition, once.
    pub fn introduce(&mut self, name: &str) -> Elaborated<()> {
        if self.values.contains_key(name) {
            return Ok(());
        }
        let text = self.text;
        if let Some(symbol @ (Symbol::Real { .. } | Symbol::Probabilities(_))) = text.symbols.get(name) {
            let count = symbol.shape().iter().try_fold(1usize, |all, dim| all.checked_mul(self.size(dim)));
            if count.is_none_or(|count| count > MOST_VARIABLES) {
                return Err(Stopped::TooLarge);
            }
        }
        let value = match text.symbols.get(name) {
            Some(Symbol::Real { shape, bounds }) => {
                let sizes: Vec<usize> = shape.iter().map(|dim| self.size(dim)).collect();
                variables::reals(self.inputs, name, &sizes, bounds)
            }
            Some(Symbol::Probabilities(dim)) => variables::probabilities(self.inputs, name, self.size(dim)),
            Some(Symbol::Int(bounds)) => variables::whole(self.inputs, name, bounds),
            Some(Symbol::Defined { indices, body, .. }) => self.for_every(indices, body)?,
            Some(Symbol::Index { .. }) | None => return Ok(()),
        };
        self.values.insert(name.to_string(), value);
        Ok(())
    }

    /// An expression at every value of some indices, as nested lists.
    fn for_every(&mut self, indices: &[(String, super::shapes::Dim)], body: &Node) -> Elaborated<Value> {
        let Some(((index, range), rest)) = indices.split_first() else { return self.value(body) };
        let size = self.size(range);
        let mut items = Vec::with_capacity(size);
        for i in 0..size {
            self.locals.push((index.clone(), i as i64));
            let item = self.for_every(rest, body);
            self.locals.pop();
            items.push(item?);
        }
        Ok(Value::list(items))
    }

    pub fn look_at_the_clock(&self) -> Elaborated<()> {
        if self.end.has_passed() { Err(Stopped::Late) } else { Ok(()) }
    }

    pub fn value(&mut self, node: &Node) -> Elaborated<Value> {
        if nodes_built() > MOST_NODES {
            return Err(Stopped::TooLarge);
        }
        self.steps += 1;
        if self.steps.is_multiple_of(STEPS_BETWEEN_LOOKS) {
            self.look_at_the_clock()?;
        }
        match &node.kind {
            Kind::Number(value) => Ok(match value.to_i64().filter(|_| value.is_integer()) {
                Some(whole) => Value::Whole(whole),
                None => Value::Real(rational(value.clone())),
            }),
            Kind::Name(name) => self.value_of_name(name, node),
            Kind::Entry(base, at) => {
                let mut value = self.value(base)?;
                for index in at {
                    let place = self.value(index)?;
                    let Value::List(items) = &value else {
                        return Err(Unusable::new("too many indices", node.at.clone(), "").into());
                    };
                    value = match &place {
                        Value::AnyOf(values) => {
                            let entries = values.iter().map(|&(place, is_it)| {
                                multiplied(&entry(items, place, &index.at)?, &Value::Real(is_it), &index.at)
                            });
                            total(&entries.collect::<Elaborated<Vec<_>>>()?, &index.at)?
                        }
                        place => entry(items, whole(place, &index.at)?, &index.at)?,
                    };
                }
                Ok(value)
            }
            Kind::Call(name, arguments) => {
                let values = arguments.iter().map(|x| self.value(x)).collect::<Elaborated<Vec<_>>>()?;
                Ok(super::calls::call(name, &values, &node.at)?)
            }
            Kind::Applied(call) => {
                let resolved = Resolved::of(call)?;
                let values = resolved.arguments.iter().map(|(_, x)| self.value(x)).collect::<Elaborated<Vec<_>>>()?;
                let led = resolved.is_led(&values.iter().map(Value::rank).collect::<Vec<_>>());
                resolved.at(&values, led, &node.at)
            }
            Kind::Over(over) => self.over(over, node),
            Kind::Expect { index, over, body } => {
                let Value::List(probabilities) = self.value(over)? else {
                    return Err(Unusable::new("a wrong shape", over.at.clone(), "this is a number").into());
                };
                let mut terms = Vec::new();
                for (y, p) in probabilities.iter().enumerate() {
                    self.locals.push((index.clone(), y as i64));
                    let value = self.value(body);
                    self.locals.pop();
                    terms.push(p.real(&over.at)? * value?.real(&body.at)?);
                }
                Ok(Value::Real(expression::sum(terms)))
            }
            Kind::Sum(terms) => self.sum(terms),
            Kind::Product(factors) => self.product(factors),
            Kind::Negation(x) => {
                let x = self.value(x)?;
                each(&x, &node.at, &|x| -x, &|n| n.checked_neg())
            }
            Kind::Power(x, n) => self.power(x, n),
            Kind::Bracket(condition) => self.condition(condition),
            Kind::Derivative { of, by } => Ok(Value::Real(self.differentiated(of, by)?)),
        }
    }

    fn value_of_name(&mut self, name: &str, node: &Node) -> Elaborated<Value> {
        if let Some((_, value)) = self.locals.iter().rev().find(|(local, _)| local == name) {
            return Ok(Value::Whole(*value));
        }
        if let Some(value) = self.values.get(name) {
            return Ok(value.clone());
        }
        if let Some(&size) = self.sizes.get(name) {
            return Ok(Value::Whole(size as i64));
        }
        if name == "pi" {
            return Ok(Value::Real(pi()));
        }
        Err(Unusable::new("an unknown name", node.at.clone(), format!("`{name}` has no value here")).into())
    }

    /// A whole number, such as an index.
    fn whole(&mut self, node: &Node) -> Elaborated<i64> {
        Ok(whole(&self.value(node)?, &node.at)?)
    }

    fn over(&mut self, over: &Over, node: &Node) -> Elaborated<Value> {
        let count = match &over.below {
            Some(below) => usize::try_from(self.whole(below)?).unwrap_or(0),
            None => {
                let look = super::shapes::Look { text: self.text, lenient: true };
                look.range(&over.index, &over.body).map_or(0, |range| self.size(&range))
            }
        };
        if count > MOST_NODES {
            return Err(Stopped::TooLarge);
        }
        let mut items = Vec::with_capacity(count);
        for i in 0..count {
            self.locals.push((over.index.clone(), i as i64));
            let item = self.value(&over.body);
            self.locals.pop();
            items.push(item?);
        }
        let at = &node.at;
        match over.total {
            Total::Sum => total(&items, at),
            Total::Mean if count == 0 => Err(Unusable::new("the mean of nothing", at.clone(), "").into()),
            Total::Mean => both(&total(&items, at)?, &Value::Whole(count as i64), at, &|x, n| x / n, &|_, _| None),
            Total::Product => items.iter().try_fold(Value::Whole(1), |all, item| multiplied(&all, item, at)),
        }
    }

    fn sum(&mut self, terms: &[(bool, Node)]) -> Elaborated<Value> {
        let mut values = Vec::with_capacity(terms.len());
        for (minus, term) in terms {
            let value = self.value(term)?;
            values.push(if *minus { each(&value, &term.at, &|x| -x, &|n| n.checked_neg())? } else { value });
        }
        total(&values, &terms[0].1.at)
    }

    fn product(&mut self, factors: &[(bool, Node)]) -> Elaborated<Value> {
        let mut all: Option<Value> = None;
        for (divides, factor) in factors {
            let value = self.value(factor)?;
            if *divides {
                for divisor in value.entries(&factor.at)? {
                    self.watched.push((divisor, Watched::Divisor, factor.at.clone()));
                }
            }
            let before = all.unwrap_or(Value::Whole(1));
            all = Some(if *divides {
                both(&before, &value, &factor.at, &|x, y| x / y, &|x, y| {
                    if y != 0 && x % y == 0 { x.checked_div(y) } else { None }
                })?
            } else {
                multiplied(&before, &value, &factor.at)?
            });
        }
        Ok(all.unwrap_or(Value::Whole(1)))
    }

    fn power(&mut self, base: &Node, exponent: &Node) -> Elaborated<Value> {
        let at = &exponent.at;
        let (base_value, exponent_value) = (self.value(base)?, self.value(exponent)?);
        let mut negative: Vec<Expr> = Vec::new();
        let result = combined(&base_value, &exponent_value, &mut |x, n| {
            let x_real = x.real(&base.at)?;
            let exact = match n {
                Value::Whole(n) => Some(num_rational::BigRational::from_integer((*n).into())),
                other => other.real(at)?.as_constant(),
            };
            let Some(exact) = exact else {
                // x^y = e^(y ln x), where x is above 0
                return Ok(Value::Real((n.real(at)? * x_real.ln()).exp()));
            };
            let large = || {
                Unusable::new("an exponent that is too large", at.clone(), format!("it comes to {exact}"))
                    .help(format!("allowed are exponents from -{LARGEST_POWER} to {LARGEST_POWER}"))
            };
            let numerator = exact.numer().to_i64().filter(|n| n.abs() <= LARGEST_POWER).ok_or_else(large)?;
            if let Some(value) = x_real.as_constant() {
                let bits = (value.numer().bits() + value.denom().bits()).saturating_mul(numerator.unsigned_abs());
                if bits > LARGEST_CONSTANT {
                    return Err(large());
                }
            }
            if exact.is_integer() {
                if numerator < 0 {
                    negative.push(x_real);
                }
                return Ok(Value::Real(x_real.powi(numerator)));
            }
            if *exact.denom() == 2.into() {
                return Ok(Value::Real(x_real.sqrt().powi(numerator)));
            }
            Ok(Value::Real((rational(exact) * x_real.ln()).exp()))
        })?;
        self.watched.extend(negative.into_iter().map(|x| (x, Watched::Divisor, base.at.clone())));
        Ok(result)
    }

    /// 1 where the condition holds, 0 elsewhere.
    pub fn condition(&mut self, condition: &Condition) -> Elaborated<Value> {
        match condition {
            Condition::Compared(sign, x, y) => {
                let (left, right) = (self.value(x)?, self.value(y)?);
                if let (Value::Whole(left), Value::Whole(right)) = (&left, &right) {
                    return Ok(Value::Whole(i64::from(holds(*sign, left.cmp(right)))));
                }
                if let Some(is_so) = any_of(*sign, &left, &right) {
                    return Ok(Value::Real(is_so));
                }
                let difference = left.real(&x.at)? - right.real(&y.at)?;
                let [below, equal, above] =
                    [std::cmp::Ordering::Less, std::cmp::Ordering::Equal, std::cmp::Ordering::Greater]
                        .map(|order| constant(i64::from(holds(*sign, order))));
                Ok(Value::Real(by_sign(difference, below, equal, above)))
            }
            Condition::Both(a, b) => {
                let (a, b) = (self.condition(a)?, self.condition(b)?);
                multiplied(&a, &b, &(0..0))
            }
            Condition::Either(a, b) => {
                let (a, b) = (self.condition(a)?, self.condition(b)?);
                both(&a, &b, &(0..0), &larger, &|a, b| Some(a.max(b)))
            }
        }
    }
}

/// A whole number, such as an index.
fn whole(value: &Value, at: &Span) -> Result<i64, Unusable> {
    match value {
        Value::Whole(n) => Ok(*n),
        _ => Err(Unusable::new("an index that is not a whole number", at.clone(), "this is real")
            .help("allowed are whole numbers, sizes and indices")),
    }
}

/// An entry of an array.
fn entry(items: &[Value], place: i64, at: &Span) -> Result<Value, Unusable> {
    usize::try_from(place).ok().and_then(|place| items.get(place)).cloned().ok_or_else(|| {
        let label = format!("it comes to {place}, of {} entries", items.len());
        Unusable::new("an index out of scope", at.clone(), label)
            .help(format!("indices start at 0: allowed are 0 to {} here", items.len().saturating_sub(1)))
    })
}

/// 1 where the comparison holds and 0 elsewhere, of an index that is not known and one beside it.
fn any_of(sign: Comparison, left: &Value, right: &Value) -> Option<Expr> {
    let values = |side: &Value| match side {
        Value::Whole(n) => Some(vec![(*n, constant(1))]),
        Value::AnyOf(values) => Some(values.to_vec()),
        _ => None,
    };
    let (left, right) = (values(left)?, values(right)?);
    let both = left.iter().flat_map(|&(x, is_x)| right.iter().map(move |&(y, is_y)| (x, y, is_x * is_y)));
    Some(expression::sum(both.filter(|(x, y, _)| holds(sign, x.cmp(y))).map(|(.., are_they)| are_they)))
}

fn holds(sign: Comparison, order: std::cmp::Ordering) -> bool {
    match sign {
        Comparison::Equal => order.is_eq(),
        Comparison::Unequal => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::AtMost => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::AtLeast => order.is_ge(),
    }
}
