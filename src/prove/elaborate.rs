//! Expressions of a text at concrete sizes and indices, as expressions of a graph.

use super::formulas::Resolved;
use super::text::{Symbol, Text};
use super::tree::{Comparison, Condition, Kind, Node, Over, Total};
use super::unusable::{Span, Unusable};
use super::variables;
use crate::claim::Inputs;
use crate::expression::derivative::{Derivatives, kinks};
use crate::expression::{self, Expr, NodeId, by_sign, constant, larger, nodes_built, pi, rational, smaller};
use num_traits::ToPrimitive;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// Operations of one graph, at most.
pub(super) const MOST_NODES: usize = 400_000;

/// The largest whole exponent that is written out as a power.
const LARGEST_POWER: i64 = 1 << 20;

/// What an expression comes to.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A whole number: a size, an index, or what is computed from them.
    Whole(i64),
    Real(Expr),
    List(Rc<Vec<Value>>),
}

impl Value {
    pub fn list(items: Vec<Value>) -> Value {
        Value::List(Rc::new(items))
    }

    /// How many dimensions it has.
    pub fn rank(&self) -> usize {
        match self {
            Value::List(items) => 1 + items.first().map_or(0, Value::rank),
            _ => 0,
        }
    }

    /// The number as an expression.
    pub fn real(&self, at: &Span) -> Result<Expr, Unusable> {
        match self {
            Value::Whole(n) => Ok(constant(*n)),
            Value::Real(x) => Ok(*x),
            Value::List(_) => Err(Unusable::new("a wrong shape", at.clone(), "this is an array")),
        }
    }

    /// Every number of it, in order.
    pub fn entries(&self, at: &Span) -> Result<Vec<Expr>, Unusable> {
        match self {
            Value::List(items) => {
                let mut all = Vec::new();
                for item in items.iter() {
                    all.extend(item.entries(at)?);
                }
                Ok(all)
            }
            number => Ok(vec![number.real(at)?]),
        }
    }
}

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
}

impl From<Unusable> for Stopped {
    fn from(error: Unusable) -> Stopped {
        Stopped::Unusable(error)
    }
}

type Elaborated<T> = Result<T, Stopped>;

/// The state of elaborating one claim inside a graph that is being built.
pub(super) struct Elaboration<'a> {
    pub text: &'a Text,
    pub sizes: &'a BTreeMap<String, usize>,
    pub inputs: &'a Inputs,
    /// Declared names, and definitions at the indices of the moment.
    pub values: HashMap<String, Value>,
    pub locals: Vec<(String, i64)>,
    /// What must not be 0 at every point, why, and where it stands.
    pub watched: Vec<(Expr, Watched, Span)>,
    derivatives: HashMap<NodeId, Derivatives>,
    /// The values beside a name that is a variable of its own.
    held: HashMap<String, Rc<HashMap<String, Value>>>,
    /// Whether a derivative was taken.
    pub differentiates: bool,
}

impl<'a> Elaboration<'a> {
    pub fn new(text: &'a Text, sizes: &'a BTreeMap<String, usize>, inputs: &'a Inputs) -> Elaboration<'a> {
        Elaboration {
            text,
            sizes,
            inputs,
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

    pub fn value(&mut self, node: &Node) -> Elaborated<Value> {
        if nodes_built() > MOST_NODES {
            return Err(Stopped::TooLarge);
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
                    let place = self.whole(index)?;
                    let Value::List(items) = &value else {
                        return Err(Unusable::new("too many indices", node.at.clone(), "").into());
                    };
                    let item = usize::try_from(place).ok().and_then(|place| items.get(place));
                    value = item.cloned().ok_or_else(|| {
                        let label = format!("it comes to {place}, of {} entries", items.len());
                        Unusable::new("an index out of scope", index.at.clone(), label).help(format!(
                            "indices start at 0: allowed are 0 to {} here",
                            items.len().saturating_sub(1)
                        ))
                    })?;
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
            Kind::Derivative { of, by } => {
                let held = by.iter().find_map(|x| held_name(self.text, x));
                let before = match held {
                    Some(name) => Some(self.hold(name)?),
                    None => None,
                };
                let result = self.derivatives_of(of, by);
                if let Some(before) = before {
                    self.values = before;
                }
                Ok(Value::Real(result?))
            }
        }
    }

    fn derivatives_of(&mut self, of: &Node, by: &[Node]) -> Elaborated<Expr> {
        let mut result = self.value(of)?.real(&of.at)?;
        for x in by {
            let x = self.value(x)?.real(&x.at)?;
            result = self.derivative(result, x, &of.at);
        }
        Ok(result)
    }

    /// Lets a defined name be a variable of its own for everything that is defined by it: ∂f/∂s is that of f as it
    /// is written, with s as a number. Gives the values as they were.
    fn hold(&mut self, name: &str) -> Elaborated<HashMap<String, Value>> {
        let held = match self.held.get(name) {
            Some(held) => Rc::clone(held),
            None => {
                let before = self.values.clone();
                let locals = std::mem::take(&mut self.locals);
                let said = self.with_own(name);
                self.locals = locals;
                let held = Rc::new(std::mem::replace(&mut self.values, before));
                said?;
                self.held.insert(name.to_string(), Rc::clone(&held));
                held
            }
        };
        Ok(std::mem::replace(&mut self.values, HashMap::clone(&held)))
    }

    /// Gives a name nodes of its own, and makes anew what is defined after it.
    fn with_own(&mut self, name: &str) -> Elaborated<()> {
        let Some(value) = self.values.get(name) else { return Ok(()) };
        let own = each(value, &(0..0), &Expr::renamed, &|_| None)?;
        self.values.insert(name.to_string(), own);
        let text = self.text;
        let after = text.defined.iter().position(|defined| defined == name).map_or(0, |place| place + 1);
        let later: Vec<&String> =
            text.defined[after..].iter().filter(|defined| self.values.contains_key(*defined)).collect();
        for defined in &later {
            self.values.remove(*defined);
        }
        later.into_iter().try_for_each(|defined| self.introduce(defined))
    }

    /// Forgets definitions and indices, which are made anew for other values of the indices.
    pub fn forget(&mut self) {
        let text = self.text;
        let kept =
            |name: &String| !matches!(text.symbols.get(name), Some(Symbol::Defined { .. } | Symbol::Index { .. }));
        self.values.retain(|name, _| kept(name));
        self.held.clear();
    }

    /// ∂f/∂x
    fn derivative(&mut self, f: Expr, x: Expr, at: &Span) -> Expr {
        self.differentiates = true;
        if let Some(all) = self.derivatives.get(&f.place()) {
            return all.by(x);
        }
        self.watch_kinks(f, at);
        let all = Derivatives::of(f);
        let result = all.by(x);
        self.derivatives.insert(f.place(), all);
        result
    }

    /// Has the kinks of what is differentiated looked at.
    pub fn watch_kinks(&mut self, f: Expr, at: &Span) {
        self.watched.extend(kinks(f).into_iter().map(|kink| (kink, Watched::Kink, at.clone())));
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
        match self.value(node)? {
            Value::Whole(n) => Ok(n),
            _ => Err(Unusable::new("an index that is not a whole number", node.at.clone(), "this is real")
                .help("allowed are whole numbers, sizes and indices")
                .into()),
        }
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

/// The name that a derivative is by, where it is defined, or probabilities, and so no variable.
pub(super) fn held_name<'a>(text: &Text, by: &'a Node) -> Option<&'a str> {
    let name = by.base_name()?;
    matches!(text.symbols.get(name), Some(Symbol::Defined { .. } | Symbol::Probabilities(_))).then_some(name)
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

/// Two values entry by entry; a number goes with every entry of an array.
fn combined(
    x: &Value,
    y: &Value,
    act: &mut dyn FnMut(&Value, &Value) -> Result<Value, Unusable>,
) -> Result<Value, Unusable> {
    match (x, y) {
        (Value::List(xs), Value::List(ys)) => {
            let all = xs.iter().zip(ys.iter()).map(|(x, y)| combined(x, y, act)).collect::<Result<_, _>>()?;
            Ok(Value::list(all))
        }
        (Value::List(xs), y) => Ok(Value::list(xs.iter().map(|x| combined(x, y, act)).collect::<Result<_, _>>()?)),
        (x, Value::List(ys)) => Ok(Value::list(ys.iter().map(|y| combined(x, y, act)).collect::<Result<_, _>>()?)),
        (x, y) => act(x, y),
    }
}

/// An operation entry by entry: on whole numbers where its result is one.
fn both(
    x: &Value,
    y: &Value,
    at: &Span,
    real: &dyn Fn(Expr, Expr) -> Expr,
    whole: &dyn Fn(i64, i64) -> Option<i64>,
) -> Elaborated<Value> {
    Ok(combined(x, y, &mut |x, y| {
        if let (Value::Whole(x), Value::Whole(y)) = (x, y)
            && let Some(result) = whole(*x, *y)
        {
            return Ok(Value::Whole(result));
        }
        small(real(x.real(at)?, y.real(at)?), at).map(Value::Real)
    })?)
}

/// Constants with more bits are refused: they can only be meant to exhaust the memory.
const LARGEST_CONSTANT: u64 = 1 << 14;

/// The expression, unless it is an enormous constant.
fn small(x: Expr, at: &Span) -> Result<Expr, Unusable> {
    match x.as_constant() {
        Some(value) if value.numer().bits() + value.denom().bits() > LARGEST_CONSTANT => {
            Err(Unusable::new("a constant that is too large", at.clone(), "it would be very long"))
        }
        _ => Ok(x),
    }
}

/// The same for one operand.
pub(super) fn each(
    x: &Value,
    at: &Span,
    real: &dyn Fn(Expr) -> Expr,
    whole: &dyn Fn(i64) -> Option<i64>,
) -> Elaborated<Value> {
    match x {
        Value::List(items) => {
            Ok(Value::list(items.iter().map(|x| each(x, at, real, whole)).collect::<Elaborated<_>>()?))
        }
        Value::Whole(n) if whole(*n).is_some() => Ok(Value::Whole(whole(*n).unwrap_or_default())),
        number => Ok(Value::Real(real(number.real(at)?))),
    }
}

fn multiplied(x: &Value, y: &Value, at: &Span) -> Elaborated<Value> {
    both(x, y, at, &|x, y| x * y, &|x, y| x.checked_mul(y))
}

/// The sum of values of one shape, and of numbers beside them, as one node for each entry.
fn total(values: &[Value], at: &Span) -> Elaborated<Value> {
    let longest =
        values.iter().filter_map(|value| if let Value::List(items) = value { Some(items.len()) } else { None });
    if let Some(size) = longest.max() {
        let entry = |i: usize| {
            let parts: Option<Vec<Value>> = values
                .iter()
                .map(|value| match value {
                    Value::List(items) => items.get(i).cloned(),
                    number => Some(number.clone()),
                })
                .collect();
            let parts = parts.ok_or_else(|| Unusable::new("a wrong shape", at.clone(), "sizes differ"))?;
            total(&parts, at)
        };
        return Ok(Value::list((0..size).map(entry).collect::<Elaborated<_>>()?));
    }
    let wholes = values.iter().try_fold(0i64, |sum, value| match value {
        Value::Whole(n) => sum.checked_add(*n),
        _ => None,
    });
    if let Some(sum) = wholes {
        return Ok(Value::Whole(sum));
    }
    let terms = values.iter().map(|value| value.real(at)).collect::<Result<Vec<_>, _>>()?;
    Ok(Value::Real(expression::sum(terms)))
}

/// The largest, or the smallest, of some numbers.
pub(super) fn extreme(values: &[Expr], largest: bool) -> Option<Expr> {
    let (first, rest) = values.split_first()?;
    Some(rest.iter().fold(*first, |found, &x| if largest { larger(found, x) } else { smaller(found, x) }))
}
