//! A text whose names are resolved: sizes, declarations, definitions, assumptions and claims.

use super::functions::{in_words, takes};
use super::parser::statements;
use super::shapes::{Dim, Locals, Look, Shape, same};
use super::tree::{Bound, Comparison, Condition, Kind, Node, Sort, Statement};
use super::unusable::{Span, Unusable};
use num_rational::BigRational;
use num_traits::{ToPrimitive, Zero};
use std::collections::BTreeMap;

/// Statements past this number are not read.
const MOST_STATEMENTS: usize = 1000;

/// A size past this is not tried.
pub(super) const LARGEST_SIZE: usize = 4096;

/// A text that can be decided.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// Sizes by name, with the range that the text gives.
    pub sizes: BTreeMap<String, Option<(usize, usize)>>,
    pub symbols: BTreeMap<String, Symbol>,
    /// The names of definitions, in order.
    pub defined: Vec<String>,
    pub assumptions: Vec<Condition>,
    pub claims: Vec<Claim>,
}

/// What a name stands for.
#[derive(Debug)]
pub(super) enum Symbol {
    /// Real numbers within bounds.
    Real { shape: Shape, bounds: Bounds },
    /// Probabilities with the sum 1.
    Probabilities(Dim),
    /// A whole number within bounds.
    Int(Bounds),
    /// An index, or an array of them.
    Index { over: Dim, by: Shape },
    /// An expression, for every value of its indices.
    Defined { indices: Locals, shape: Shape, body: Node },
}

impl Symbol {
    pub fn shape(&self) -> Shape {
        match self {
            Symbol::Real { shape, .. } | Symbol::Defined { shape, .. } => shape.clone(),
            Symbol::Probabilities(dim) => vec![dim.clone()],
            Symbol::Int(_) => Vec::new(),
            Symbol::Index { by, .. } => by.clone(),
        }
    }
}

/// Bounds of a number, and whether they are left out.
#[derive(Clone, Debug, Default)]
pub(super) struct Bounds {
    pub low: Option<(BigRational, bool)>,
    pub high: Option<(BigRational, bool)>,
}

/// A claim with its free indices.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub left: Node,
    pub sign: Comparison,
    pub right: Node,
    pub free: Locals,
    pub at: Span,
}

impl Text {
    /// Reads a text.
    pub fn read(text: &str) -> Result<Text, Unusable> {
        let statements = statements(text)?;
        if statements.len() > MOST_STATEMENTS {
            let label = format!("it has {} statements", statements.len());
            return Err(Unusable::new("the text is too long", 0..0, label).help(format!("at most {MOST_STATEMENTS}")));
        }
        let mut read = Text::default();
        for name in statements.iter().flat_map(sizes_of).filter_map(Node::name) {
            read.sizes.insert(name.to_string(), None);
        }
        for statement in statements {
            read.add(statement)?;
        }
        if read.claims.is_empty() {
            return Err(Unusable::new("nothing to decide", text.len()..text.len(), "the text has no claim")
                .help("a claim is a comparison, such as `d (x*x) / d x == 2*x`"));
        }
        Ok(read)
    }

    fn add(&mut self, statement: Statement) -> Result<(), Unusable> {
        match statement {
            Statement::Declared { names, sort, bounds } => self.declare(names, &sort, &bounds),
            Statement::Sized { name, at, low, high } => self.fix(&name, at, &low, &high),
            Statement::Defined { name, at, indices, body } => {
                if indices.is_empty() && self.sizes.contains_key(&name) {
                    return self.fix(&name, at, &body, &body);
                }
                self.define(name, at, indices, body)
            }
            Statement::Assumed { condition, at } => {
                self.look().condition(&condition, &mut Vec::new())?;
                if !is_strict(&condition) {
                    return Err(Unusable::new("an assumption that is no strict inequality", at, "this leaves no room")
                        .help("allowed is < or >, joined by `and`; name what is equal by a definition"));
                }
                self.assumptions.push(condition);
                Ok(())
            }
            Statement::Compared { sides, signs, at } => match self.bounded_name(&sides) {
                Some(place) => {
                    let bound = |i: usize, sign: Comparison| (sign, sides[i].clone());
                    let mut bounds = Vec::new();
                    if place > 0 {
                        bounds.push(bound(place - 1, signs[place - 1].turned()));
                    }
                    if place < signs.len() {
                        bounds.push(bound(place + 1, signs[place]));
                    }
                    let name = sides[place].name().unwrap_or_default().to_string();
                    self.declare(vec![(name, sides[place].at.clone())], &Sort::Real, &bounds)
                }
                None => self.claim(sides, &signs, at),
            },
        }
    }

    fn look(&self) -> Look<'_> {
        Look { text: self, lenient: false }
    }

    /// The side that a comparison between constants declares: the only one that is a new name.
    fn bounded_name(&self, sides: &[Node]) -> Option<usize> {
        let new = |node: &Node| {
            node.name()
                .is_some_and(|name| name != "pi" && !self.symbols.contains_key(name) && !self.sizes.contains_key(name))
        };
        let place = sides.iter().position(new)?;
        let inside = sides.len() == 2 || (sides.len() == 3 && place == 1);
        let others = sides.iter().enumerate().all(|(i, side)| i == place || constant(side).is_some());
        (inside && others).then_some(place)
    }

    fn take(&self, name: &str, at: &Span) -> Result<(), Unusable> {
        let taken = if self.symbols.contains_key(name) {
            "declared or defined before"
        } else if self.sizes.contains_key(name) {
            "a size"
        } else if name == "pi" || takes(name).is_some() || name == "expect" {
            "a function or a constant"
        } else {
            return Ok(());
        };
        Err(Unusable::new("a name that is taken", at.clone(), format!("`{name}` is {taken}"))
            .help("choose another name"))
    }

    fn declare(&mut self, names: Vec<(String, Span)>, sort: &Sort, bounds: &[Bound]) -> Result<(), Unusable> {
        let bounds = bounds_of(bounds)?;
        for (name, at) in names {
            self.take(&name, &at)?;
            let bounded = bounds.low.is_some() || bounds.high.is_some();
            let symbol = match sort {
                Sort::Real => Symbol::Real { shape: Vec::new(), bounds: bounds.clone() },
                Sort::Vector(n) => Symbol::Real { shape: vec![dim(n)?], bounds: bounds.clone() },
                Sort::Matrix(m, n) => Symbol::Real { shape: vec![dim(m)?, dim(n)?], bounds: bounds.clone() },
                Sort::Int => Symbol::Int(bounds.clone()),
                Sort::Probabilities(_) | Sort::Index(..) if bounded => {
                    return Err(Unusable::new("bounds that cannot stand here", at, "of probabilities or an index")
                        .help("restrict them by `assume`"));
                }
                Sort::Probabilities(n) => Symbol::Probabilities(dim(n)?),
                Sort::Index(over, by) => {
                    Symbol::Index { over: dim(over)?, by: by.iter().map(dim).collect::<Result<_, _>>()? }
                }
            };
            self.symbols.insert(name, symbol);
        }
        Ok(())
    }

    /// n = 2..6
    fn fix(&mut self, name: &str, at: Span, low: &Node, high: &Node) -> Result<(), Unusable> {
        if !self.sizes.contains_key(name) {
            return Err(Unusable::new("a range of what is no size", at, format!("`{name}` is the size of nothing"))
                .help(format!("a size is declared with what has it: `z: vec[{name}]`")));
        }
        let size = |node: &Node| {
            let value = constant(node).filter(BigRational::is_integer).and_then(|value| value.to_usize());
            value.filter(|n| (1..=LARGEST_SIZE).contains(n)).ok_or_else(|| {
                Unusable::new("a size that cannot be", node.at.clone(), "")
                    .help(format!("allowed are whole numbers from 1 to {LARGEST_SIZE}"))
            })
        };
        let (low, high) = (size(low)?, size(high)?);
        if low > high || high - low > 16 {
            return Err(Unusable::new("a range of sizes that cannot be tried", at, format!("from {low} to {high}"))
                .help("allowed are up to 17 sizes, the smallest first"));
        }
        self.sizes.insert(name.to_string(), Some((low, high)));
        Ok(())
    }

    fn define(&mut self, name: String, at: Span, indices: Vec<(String, Span)>, body: Node) -> Result<(), Unusable> {
        self.take(&name, &at)?;
        let mut locals = Locals::new();
        for (index, at) in indices {
            if locals.iter().any(|(other, _)| *other == index) {
                return Err(Unusable::new("a name that is taken", at, format!("`{index}` is an index already")));
            }
            let range = self.look().range(&index, &body).ok_or_else(|| {
                Unusable::new("an index without a range", at, format!("`{index}` indexes nothing on the right"))
                    .help("its range follows from what it indexes, as in `s[j] = dot(q, K[j])`")
            })?;
            locals.push((index, range));
        }
        let inner = self.look().shape(&body, &mut locals.clone())?;
        let shape = locals.iter().map(|(_, range)| range.clone()).chain(inner).collect();
        self.defined.push(name.clone());
        self.symbols.insert(name, Symbol::Defined { indices: locals, shape, body });
        Ok(())
    }

    /// Adds a claim; a chain of comparisons is a claim for each.
    fn claim(&mut self, sides: Vec<Node>, signs: &[Comparison], at: Span) -> Result<(), Unusable> {
        let mut free = Locals::new();
        for index in self.unknown_names(&sides) {
            if let Some(range) = sides.iter().find_map(|side| self.look().range(&index, side)) {
                free.push((index, range));
            }
        }
        let shapes =
            sides.iter().map(|side| self.look().shape(side, &mut free.clone())).collect::<Result<Vec<_>, _>>()?;
        for (i, sign) in signs.iter().enumerate() {
            let (left, right) = (&shapes[i], &shapes[i + 1]);
            if !left.is_empty() && !right.is_empty() && !same(left, right) {
                let label = format!("{} and {}", in_words(left), in_words(right));
                let between = sides[i].at.start..sides[i + 1].at.end;
                return Err(Unusable::new("sides of different shapes", between, label)
                    .help("allowed are two of the same shape, or a number beside an array"));
            }
            let (left, right) = (sides[i].clone(), sides[i + 1].clone());
            self.claims.push(Claim { left, sign: *sign, right, free: free.clone(), at: at.clone() });
        }
        Ok(())
    }

    /// Names that are nowhere declared or bound, in order.
    fn unknown_names(&self, sides: &[Node]) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        let mut bound: Vec<&str> = Vec::new();
        for side in sides {
            side.walk(&mut |node| {
                match &node.kind {
                    Kind::Over(over) => bound.push(&over.index),
                    Kind::Expect { index, .. } => bound.push(index),
                    Kind::Name(name) => {
                        let known = self.symbols.contains_key(name) || self.sizes.contains_key(name) || name == "pi";
                        if !known && !all.contains(name) {
                            all.push(name.clone());
                        }
                    }
                    _ => {}
                }
                true
            });
        }
        // bound somewhere and free elsewhere: `range` looks only where it is free
        all.retain(|name| !bound.contains(&name.as_str()) || sides.iter().any(|side| is_free(name, side)));
        all
    }
}

/// Whether a name stands outside of what binds it.
fn is_free(name: &str, node: &Node) -> bool {
    let mut found = false;
    node.walk(&mut |part| match &part.kind {
        Kind::Over(over) if over.index == name => false,
        Kind::Expect { index, .. } if index == name => false,
        _ => {
            found |= part.name() == Some(name);
            true
        }
    });
    found
}

/// The sizes that a declaration names.
fn sizes_of(statement: &Statement) -> Vec<&Node> {
    match statement {
        Statement::Declared { sort, .. } => match sort {
            Sort::Real | Sort::Int => Vec::new(),
            Sort::Vector(n) | Sort::Probabilities(n) => vec![n],
            Sort::Matrix(m, n) => vec![m, n],
            Sort::Index(over, by) => std::iter::once(over).chain(by).collect(),
        },
        _ => Vec::new(),
    }
}

fn dim(node: &Node) -> Result<Dim, Unusable> {
    if let Some(name) = node.name() {
        return Ok(Dim::Named(name.to_string()));
    }
    let size = match &node.kind {
        Kind::Number(value) if value.is_integer() => value.to_usize(),
        _ => None,
    };
    match size.filter(|n| (1..=LARGEST_SIZE).contains(n)) {
        Some(size) => Ok(Dim::Fixed(size)),
        None => Err(Unusable::new("a size that cannot be", node.at.clone(), "")
            .help(format!("allowed is a name, or a whole number from 1 to {LARGEST_SIZE}"))),
    }
}

fn is_strict(condition: &Condition) -> bool {
    match condition {
        Condition::Compared(sign, ..) => matches!(sign, Comparison::Less | Comparison::Greater),
        Condition::Both(a, b) => is_strict(a) && is_strict(b),
        Condition::Either(..) => false,
    }
}

fn bounds_of(list: &[Bound]) -> Result<Bounds, Unusable> {
    let mut bounds = Bounds::default();
    for (sign, node) in list {
        let value = constant(node).ok_or_else(|| {
            Unusable::new("a bound that is no constant", node.at.clone(), "")
                .help("allowed are numbers; restrict by other names with `assume`")
        })?;
        let place = match sign {
            Comparison::Greater | Comparison::AtLeast => &mut bounds.low,
            Comparison::Less | Comparison::AtMost => &mut bounds.high,
            _ => {
                return Err(Unusable::new("a bound that is no inequality", node.at.clone(), "")
                    .help("allowed is <, <=, > or >="));
            }
        };
        if place.is_some() {
            return Err(Unusable::new("two bounds on one side", node.at.clone(), ""));
        }
        *place = Some((value, matches!(sign, Comparison::Greater | Comparison::Less)));
    }
    if let (Some((low, low_out)), Some((high, high_out))) = (&bounds.low, &bounds.high) {
        let met = low < high || (low == high && !low_out && !high_out);
        if !met {
            let at = list[0].1.at.start.min(list[1].1.at.start)..list[0].1.at.end.max(list[1].1.at.end);
            return Err(Unusable::new("bounds that no number meets", at, format!("between {low} and {high}")));
        }
    }
    Ok(bounds)
}

/// The value of an expression of numbers alone.
pub(super) fn constant(node: &Node) -> Option<BigRational> {
    match &node.kind {
        Kind::Number(value) => Some(value.clone()),
        Kind::Negation(x) => Some(-constant(x)?),
        Kind::Sum(terms) => terms.iter().try_fold(BigRational::zero(), |sum, (minus, term)| {
            let term = constant(term)?;
            Some(if *minus { sum - term } else { sum + term })
        }),
        Kind::Product(factors) => {
            let mut all = BigRational::from_integer(1.into());
            for (divides, factor) in factors {
                let factor = constant(factor)?;
                if *divides && factor.is_zero() {
                    return None;
                }
                all = if *divides { all / factor } else { all * factor };
                if all.numer().bits() + all.denom().bits() > 1 << 14 {
                    return None;
                }
            }
            Some(all)
        }
        _ => None,
    }
}
