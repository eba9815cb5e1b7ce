//! The shapes of expressions, with sizes as names: whether what is written fits together.

use super::differentiate::held_name;
use super::formulas::{Resolved, SIGNATURES};
use super::functions::{FUNCTIONS, in_words, takes};
use super::text::{Symbol, Text};
use super::tree::{Application, Condition, Kind, Node};
use super::unusable::{Unusable, nearest};
use num_traits::ToPrimitive;
use std::fmt;

/// The size of a dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Dim {
    Named(String),
    Fixed(usize),
    /// While a range is still looked for.
    Unknown,
}

/// The dimensions; none for a number.
pub(super) type Shape = Vec<Dim>;

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dim::Named(name) => f.write_str(name),
            Dim::Fixed(size) => write!(f, "{size}"),
            Dim::Unknown => f.write_str("?"),
        }
    }
}

impl Dim {
    pub fn fits(&self, other: &Dim) -> bool {
        self == other || *self == Dim::Unknown || *other == Dim::Unknown
    }
}

/// Whether two shapes are the same.
pub(super) fn same(x: &[Dim], y: &[Dim]) -> bool {
    x.len() == y.len() && x.iter().zip(y).all(|(a, b)| a.fits(b))
}

/// Indices that are bound, or free, with their ranges.
pub(super) type Locals = Vec<(String, Dim)>;

/// Looks at expressions of a text. A lenient look takes unknown names for numbers.
pub(super) struct Look<'a> {
    pub text: &'a Text,
    pub lenient: bool,
}

impl Look<'_> {
    /// The shape of an expression.
    pub fn shape(&self, node: &Node, locals: &mut Locals) -> Result<Shape, Unusable> {
        match &node.kind {
            Kind::Number(_) => Ok(Vec::new()),
            Kind::Name(name) => self.shape_of_name(name, node, locals),
            Kind::Entry(base, at) => self.shape_of_entry(node, base, at, locals),
            Kind::Call(name, arguments) => self.shape_of_call(node, name, arguments, locals),
            Kind::Applied(call) => self.shape_of_application(call, locals),
            Kind::Over(over) => {
                let range = match &over.below {
                    Some(below) => {
                        self.number(below, locals)?;
                        Dim::Unknown
                    }
                    None => self.range_or_error(&over.index, &over.body, node, locals)?,
                };
                self.inside(&over.index, range, &over.body, locals)
            }
            Kind::Expect { index, over, body } => {
                let shape = self.shape(over, locals)?;
                let [dim] = shape.as_slice() else {
                    return Err(self.wrong(over, &shape, "a vector of probabilities"));
                };
                self.inside(index, dim.clone(), body, locals)
            }
            Kind::Sum(parts) => self.together(parts, locals),
            Kind::Product(parts) => self.together(parts, locals),
            Kind::Negation(x) => self.shape(x, locals),
            Kind::Power(x, n) => {
                let shape = self.shape(x, locals)?;
                let exponent = self.shape(n, locals)?;
                if exponent.is_empty() || same(&shape, &exponent) {
                    return Ok(shape);
                }
                Err(self.wrong(n, &exponent, "a number, or the shape of what is raised"))
            }
            Kind::Bracket(condition) => {
                self.condition(condition, locals)?;
                Ok(Vec::new())
            }
            Kind::Derivative { of, by } => {
                self.number(of, locals)?;
                by.iter().try_for_each(|x| self.number(x, locals))?;
                self.differentiated_by(by)?;
                Ok(Vec::new())
            }
        }
    }

    /// The conditions of a bracket compare numbers.
    pub fn condition(&self, condition: &Condition, locals: &mut Locals) -> Result<(), Unusable> {
        match condition {
            Condition::Compared(_, x, y) => {
                self.number(x, locals)?;
                self.number(y, locals)
            }
            Condition::Both(a, b) | Condition::Either(a, b) => {
                self.condition(a, locals)?;
                self.condition(b, locals)
            }
        }
    }

    fn inside(&self, index: &str, range: Dim, body: &Node, locals: &mut Locals) -> Result<Shape, Unusable> {
        locals.push((index.to_string(), range));
        let shape = self.shape(body, locals);
        locals.pop();
        shape
    }

    fn number(&self, node: &Node, locals: &mut Locals) -> Result<(), Unusable> {
        let shape = self.shape(node, locals)?;
        if shape.is_empty() { Ok(()) } else { Err(self.wrong(node, &shape, "a number")) }
    }

    fn wrong(&self, node: &Node, found: &[Dim], allowed: &str) -> Unusable {
        let label = format!("this is {}", in_words(found));
        Unusable::new("a wrong shape", node.at.clone(), label).help(format!("allowed is {allowed}"))
    }

    fn together(&self, parts: &[(bool, Node)], locals: &mut Locals) -> Result<Shape, Unusable> {
        let mut all = Vec::new();
        for (_, part) in parts {
            let shape = self.shape(part, locals)?;
            if all.is_empty() {
                all = shape;
            } else if !shape.is_empty() && !same(&all, &shape) {
                return Err(self.wrong(part, &shape, &format!("{}, as before it, or a number", in_words(&all))));
            }
        }
        Ok(all)
    }

    fn shape_of_name(&self, name: &str, node: &Node, locals: &Locals) -> Result<Shape, Unusable> {
        if locals.iter().any(|(local, _)| local == name) || name == "pi" || self.text.sizes.contains_key(name) {
            return Ok(Vec::new());
        }
        match self.text.symbols.get(name) {
            Some(symbol) => Ok(symbol.shape()),
            None if self.lenient => Ok(Vec::new()),
            None => Err(self.unknown(name, node, locals)),
        }
    }

    fn unknown(&self, name: &str, node: &Node, locals: &Locals) -> Unusable {
        let names = self.text.symbols.keys().chain(self.text.sizes.keys()).map(String::as_str);
        let known = names.chain(locals.iter().map(|(local, _)| local.as_str()));
        let functions = FUNCTIONS.iter().map(|(known, ..)| *known);
        let label = format!("`{name}` is neither declared nor a free index");
        let error = Unusable::new("an unknown name", node.at.clone(), label);
        match nearest(name, known.chain(functions)) {
            Some(meant) => error.help(format!("was `{meant}` meant? A declaration is `{name}: real`")),
            None => error.help(format!(
                "a declaration is `{name}: real`; a free index stands in brackets after a name, as in z[{name}]"
            )),
        }
    }

    fn shape_of_entry(&self, node: &Node, base: &Node, at: &[Node], locals: &mut Locals) -> Result<Shape, Unusable> {
        let shape = self.shape(base, locals)?;
        if at.len() > shape.len() {
            let label = format!("{} indices for {}", at.len(), in_words(&shape));
            return Err(Unusable::new("too many indices", node.at.clone(), label));
        }
        for (index, dim) in at.iter().zip(&shape) {
            self.index(index, dim, locals)?;
        }
        Ok(shape[at.len()..].to_vec())
    }

    /// Whether an expression is an index into a dimension.
    fn index(&self, node: &Node, dim: &Dim, locals: &mut Locals) -> Result<(), Unusable> {
        self.number(node, locals)?;
        if let Some(range) = self.range_of_index(node, locals) {
            if !range.fits(dim) {
                let label = format!("this index runs over {range}");
                return Err(Unusable::new("an index out of scope", node.at.clone(), label)
                    .help(format!("allowed is an index over {dim}")));
            }
            return Ok(());
        }
        if let Kind::Number(value) = &node.kind {
            let place = if value.is_integer() { value.to_usize() } else { None };
            let inside = match (place, dim) {
                (Some(place), Dim::Fixed(size)) => place < *size,
                (place, _) => place.is_some(),
            };
            if !inside {
                let allowed = match dim {
                    Dim::Fixed(size) => format!("allowed are 0 to {}", size.saturating_sub(1)),
                    _ => "allowed are whole numbers from 0".into(),
                };
                return Err(
                    Unusable::new("an index out of scope", node.at.clone(), format!("found {value}")).help(allowed)
                );
            }
            return Ok(());
        }
        let mut real = None;
        node.walk(&mut |part| {
            let is_real = part.name().is_some_and(|name| {
                let bound = locals.iter().any(|(local, _)| local == name);
                !bound && matches!(self.text.symbols.get(name), Some(Symbol::Real { .. } | Symbol::Defined { .. }))
            });
            let indexed = matches!(&part.kind, Kind::Entry(..));
            if is_real || matches!(part.kind, Kind::Call(..)) {
                real = real.take().or(Some(part));
            }
            !indexed
        });
        match real {
            Some(part) => Err(Unusable::new("an index that is not a whole number", part.at.clone(), "this is real")
                .help("allowed are whole numbers, sizes and indices")),
            None => Ok(()),
        }
    }

    /// The range of an index, where the expression is one.
    fn range_of_index(&self, node: &Node, locals: &Locals) -> Option<Dim> {
        let name = match &node.kind {
            Kind::Name(name) => name,
            Kind::Entry(base, _) => base.name()?,
            _ => return None,
        };
        if let Some((_, range)) = locals.iter().rev().find(|(local, _)| local == name) {
            return Some(range.clone());
        }
        match self.text.symbols.get(name) {
            Some(Symbol::Index { over, .. }) => Some(over.clone()),
            _ => None,
        }
    }

    fn shape_of_call(
        &self,
        node: &Node,
        name: &str,
        arguments: &[Node],
        locals: &mut Locals,
    ) -> Result<Shape, Unusable> {
        let shapes = arguments.iter().map(|x| self.shape(x, locals)).collect::<Result<Vec<_>, _>>()?;
        if let Some(takes) = takes(name) {
            return takes.result(&shapes).map_err(|allowed| {
                let found: Vec<String> = shapes.iter().map(|shape| in_words(shape)).collect();
                let found = if found.is_empty() { "nothing".into() } else { found.join(", ") };
                Unusable::new("wrong arguments", node.at.clone(), format!("found {found}"))
                    .help(format!("`{name}` takes {allowed}"))
            });
        }
        let at = node.at.start..node.at.start + name.len();
        let known = locals.iter().any(|(local, _)| local == name)
            || self.text.symbols.contains_key(name)
            || self.text.sizes.contains_key(name);
        if known {
            return Err(Unusable::new("a product needs its sign", at, format!("`{name}` is no function"))
                .help(format!("write `{name} * (…)`")));
        }
        let formulas = SIGNATURES.iter().map(|signature| signature.name);
        let all: Vec<&str> = FUNCTIONS.iter().map(|(known, ..)| *known).chain(formulas).collect();
        let error = Unusable::new("an unknown function", at, format!("found `{name}`"));
        match nearest(name, all.iter().copied()) {
            Some(meant) => Err(error.help(format!("was `{meant}` meant?"))),
            None => Err(error.help(format!("allowed is one of {}", all.join(", ")))),
        }
    }

    fn shape_of_application(&self, call: &Application, locals: &mut Locals) -> Result<Shape, Unusable> {
        if self.text.symbols.contains_key(&call.name) || locals.iter().any(|(local, _)| *local == call.name) {
            let label = format!("`{}` is no formula here", call.name);
            return Err(Unusable::new("a name that is taken", call.at.clone(), label)
                .help("the text has declared or defined it; another name leaves it to the formula"));
        }
        let resolved = Resolved::of(call)?;
        let shapes = resolved.arguments.iter().map(|(_, x)| self.shape(x, locals)).collect::<Result<Vec<_>, _>>()?;
        resolved.shape(&shapes)
    }

    /// A derivative is by declared numbers, or by the entries of one definition.
    fn differentiated_by(&self, by: &[Node]) -> Result<(), Unusable> {
        for x in by {
            let name = x.base_name();
            let symbol = name.and_then(|name| self.text.symbols.get(name));
            if matches!(symbol, Some(Symbol::Real { .. } | Symbol::Probabilities(_) | Symbol::Defined { .. })) {
                continue;
            }
            let label = match (name, symbol) {
                (Some(name), Some(_)) => format!("`{name}` is a whole number"),
                _ => "this is no name".into(),
            };
            return Err(Unusable::new("a derivative by something else than a variable", x.at.clone(), label)
                .help("allowed is a real name that is declared or defined, with indices for one entry"));
        }
        let held = by.iter().find(|x| held_name(self.text, x).is_some());
        match held.and_then(|held| by.iter().find(|x| x.base_name() != held.base_name())) {
            Some(other) => Err(Unusable::new("a derivative by a definition and something else", other.at.clone(), "")
                .help("by a definition the others are held fixed, and they may be what it is made of")),
            None => Ok(()),
        }
    }

    /// The range of an index, from where it stands in an expression.
    pub fn range(&self, index: &str, node: &Node) -> Option<Dim> {
        let look = Look { text: self.text, lenient: true };
        let mut found: Option<Dim> = None;
        let mut compared: Option<Dim> = None;
        node.walk(&mut |part| {
            match &part.kind {
                // an inner index of the same name hides this one
                Kind::Over(over) if over.index == index => return false,
                Kind::Expect { index: inner, .. } if inner == index => return false,
                Kind::Entry(base, at) => {
                    if let Ok(shape) = look.shape(base, &mut Vec::new()) {
                        let here =
                            at.iter().zip(shape).find(|(x, dim)| x.name() == Some(index) && *dim != Dim::Unknown);
                        found = found.take().or(here.map(|(_, dim)| dim));
                    }
                }
                Kind::Bracket(condition) => compared = compared.take().or(look.compared_with(index, condition)),
                _ => {}
            }
            true
        });
        found.or(compared)
    }

    /// The range of an index that a condition compares this one with.
    fn compared_with(&self, index: &str, condition: &Condition) -> Option<Dim> {
        match condition {
            Condition::Compared(_, x, y) if x.name() == Some(index) => self.range_of_index(y, &Vec::new()),
            Condition::Compared(_, x, y) if y.name() == Some(index) => self.range_of_index(x, &Vec::new()),
            Condition::Compared(..) => None,
            Condition::Both(a, b) | Condition::Either(a, b) => {
                self.compared_with(index, a).or_else(|| self.compared_with(index, b))
            }
        }
    }

    fn range_or_error(&self, index: &str, body: &Node, node: &Node, locals: &Locals) -> Result<Dim, Unusable> {
        if let Some(range) = self.range(index, body) {
            return Ok(range);
        }
        if self.lenient {
            return Ok(Dim::Unknown);
        }
        let _ = locals;
        Err(Unusable::new("an index without a range", node.at.clone(), format!("`{index}` indexes nothing here"))
            .help(format!("write `sum({index} < n, …)` to run over 0 to n - 1")))
    }
}
