//! Tokens as statements and expressions.
//!
//! A comparison binds loosest, then sums, then products, then a sign before, then powers, to the right.

use super::formulas::signature;
use super::functions::takes;
use super::token::{Placed, Token, tokens};
use super::tree::{Application, Bound, Comparison, Condition, Given, Kind, Node, Over, Sort, Statement, Total};
use super::unusable::{Span, Unusable};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::ToPrimitive;

/// Brackets within brackets, at most. Nothing that a person reads is deeper, and no stack overflows.
const DEEPEST: usize = 48;

/// The largest order of a derivative.
const LARGEST_ORDER: usize = 4;

/// The statements of a text.
pub(super) fn statements(text: &str) -> Result<Vec<Statement>, Unusable> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0 };
    let mut all = Vec::new();
    loop {
        while parser.peek() == &Token::End && parser.next + 1 < parser.tokens.len() {
            parser.next += 1;
        }
        if parser.next + 1 == parser.tokens.len() {
            return Ok(all);
        }
        all.push(parser.statement()?);
        if parser.peek() != &Token::End {
            return Err(parser.unexpected("the end of the statement, or an operator"));
        }
    }
}

struct Parser {
    tokens: Vec<Placed>,
    next: usize,
    depth: usize,
}

type Parsed<T> = Result<T, Unusable>;

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.next].token
    }

    fn peek_after(&self, n: usize) -> &Token {
        self.tokens.get(self.next + n).map_or(&Token::End, |placed| &placed.token)
    }

    fn at(&self) -> Span {
        self.tokens[self.next].at.clone()
    }

    /// The bytes from a place to the token before the next one.
    fn since(&self, start: usize) -> Span {
        start..self.tokens[self.next.saturating_sub(1)].at.end.max(start)
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(found) if *found == sign)
    }

    /// Goes past a sign, if it is next.
    fn took(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
        self.next += usize::from(found);
        found
    }

    fn need(&mut self, sign: &str) -> Parsed<()> {
        if self.took(sign) { Ok(()) } else { Err(self.unexpected(&format!("`{sign}`"))) }
    }

    fn unexpected(&self, allowed: &str) -> Unusable {
        let found = match self.peek() {
            Token::Name(name) => format!("the name `{name}`"),
            Token::Number(value) => format!("the number {value}"),
            Token::Sign(sign) => format!("`{sign}`"),
            Token::Word(word) => format!("the word {word:?}"),
            Token::End => "the end of the statement".into(),
        };
        let operand = matches!(self.peek(), Token::Name(_) | Token::Number(_)) || self.is("(");
        let before = self.next.checked_sub(1).map(|i| &self.tokens[i].token);
        let follows = matches!(before, Some(Token::Name(_) | Token::Number(_) | Token::Sign(")" | "]")));
        if operand && follows {
            return Unusable::new("a product needs its sign", self.at(), format!("{found} follows an operand"))
                .help(format!("write `2 * x` for two times x; allowed is {allowed}"));
        }
        Unusable::new("this cannot stand here", self.at(), format!("found {found}"))
            .help(format!("allowed is {allowed}"))
    }

    fn name(&mut self, what: &str) -> Parsed<(String, Span)> {
        let at = self.at();
        match self.peek().clone() {
            Token::Name(name) => {
                self.next += 1;
                Ok((name, at))
            }
            _ => Err(self.unexpected(what)),
        }
    }

    fn statement(&mut self) -> Parsed<Statement> {
        let start = self.at().start;
        if let Token::Name(word) = self.peek().clone() {
            let operand_next =
                matches!(self.peek_after(1), Token::Name(_) | Token::Number(_) | Token::Sign("(" | "-" | "["));
            if word == "assume" && operand_next {
                self.next += 1;
                let condition = self.condition()?;
                return Ok(Statement::Assumed { condition, at: self.since(start) });
            }
            if self.declares() {
                return self.declaration();
            }
            if matches!(self.peek_after(1), Token::Sign("=")) {
                let (name, at) = self.name("a name")?;
                self.next += 1;
                let body = self.expression()?;
                if self.took("..") {
                    let high = self.expression()?;
                    return Ok(Statement::Sized { name, at, low: body, high });
                }
                return Ok(Statement::Defined { name, at, indices: Vec::new(), body });
            }
            if let Some(defined) = self.definition_of_entries()? {
                return Ok(defined);
            }
        }
        self.comparison_statement(start)
    }

    /// Whether names with a colon are next.
    fn declares(&self) -> bool {
        let mut i = 0;
        while matches!(self.peek_after(i), Token::Name(_)) {
            match self.peek_after(i + 1) {
                Token::Sign(":") => return true,
                Token::Sign(",") => i += 2,
                _ => return false,
            }
        }
        false
    }

    fn declaration(&mut self) -> Parsed<Statement> {
        let mut names = vec![self.name("a name")?];
        while self.took(",") {
            names.push(self.name("a name")?);
        }
        self.need(":")?;
        let at = self.at();
        let (sort, _) = self.name("real, int, vec[n], mat[m, n], prob[n] or index[n]")?;
        let sort = match sort.as_str() {
            "real" => Sort::Real,
            "int" => Sort::Int,
            "vec" => Sort::Vector(self.sizes(1)?.remove(0)),
            "prob" => Sort::Probabilities(self.sizes(1)?.remove(0)),
            "mat" => {
                let mut sizes = self.sizes(2)?;
                let columns = sizes.remove(1);
                Sort::Matrix(sizes.remove(0), columns)
            }
            "index" => {
                let over = self.sizes(1)?.remove(0);
                let by = if self.is("[") { self.sizes(1)? } else { Vec::new() };
                Sort::Index(over, by)
            }
            other => {
                return Err(Unusable::new("an unknown sort", at, format!("found `{other}`"))
                    .help("allowed is real, int, vec[n], mat[m, n], prob[n] or index[n]"));
            }
        };
        let mut bounds: Vec<Bound> = Vec::new();
        while let Some(sign) = self.comparison() {
            bounds.push((sign, self.expression()?));
        }
        Ok(Statement::Declared { names, sort, bounds })
    }

    /// [n], [m, n]
    fn sizes(&mut self, count: usize) -> Parsed<Vec<Node>> {
        let start = self.at().start;
        self.need("[")?;
        let mut sizes = vec![self.expression()?];
        while self.took(",") {
            sizes.push(self.expression()?);
        }
        self.need("]")?;
        if sizes.len() != count {
            let label = format!("found {} sizes", sizes.len());
            return Err(Unusable::new("the wrong number of sizes", self.since(start), label)
                .help(format!("allowed is {count}")));
        }
        Ok(sizes)
    }

    /// s[j] = …, if that is next.
    fn definition_of_entries(&mut self) -> Parsed<Option<Statement>> {
        let start = self.next;
        let (name, at) = self.name("a name")?;
        let mut indices = Vec::new();
        let mut fits = self.took("[");
        while fits {
            match self.peek().clone() {
                Token::Name(index) => {
                    indices.push((index, self.at()));
                    self.next += 1;
                }
                _ => fits = false,
            }
            if !self.took(",") {
                break;
            }
        }
        if !(fits && self.took("]") && self.took("=")) {
            self.next = start;
            return Ok(None);
        }
        let body = self.expression()?;
        Ok(Some(Statement::Defined { name, at, indices, body }))
    }

    fn comparison_statement(&mut self, start: usize) -> Parsed<Statement> {
        let mut sides = vec![self.expression()?];
        let mut signs = Vec::new();
        while let Some(sign) = self.comparison() {
            signs.push(sign);
            sides.push(self.expression()?);
        }
        let at = self.since(start);
        if signs.is_empty() {
            if self.peek() != &Token::End {
                return Err(self.unexpected("a comparison, or an operator"));
            }
            return Err(Unusable::new("a statement without a comparison", at, "an expression claims nothing").help(
                "write a claim with ==, <=, <, >= or >, a definition `name = …`, or a declaration `name: real`",
            ));
        }
        if let Some(i) = signs.iter().position(|sign| *sign == Comparison::Unequal) {
            return Err(Unusable::new(
                "`!=` claims nothing that is decided",
                sides[i].at.start..sides[i + 1].at.end,
                "",
            )
            .help("allowed is ==, <=, <, >= or >; `!=` stands in brackets, as in [i != j]"));
        }
        Ok(Statement::Compared { sides, signs, at })
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let Token::Sign(sign) = self.peek() else { return None };
        let found = Comparison::of(sign);
        self.next += usize::from(found.is_some());
        found
    }

    fn condition(&mut self) -> Parsed<Condition> {
        let mut all = self.condition_of_both()?;
        let mut joined = 0;
        while matches!(self.peek(), Token::Name(word) if word == "or") {
            joined += 1;
            if joined > DEEPEST {
                return Err(self.too_deep());
            }
            self.next += 1;
            all = Condition::Either(Box::new(all), Box::new(self.condition_of_both()?));
        }
        Ok(all)
    }

    fn condition_of_both(&mut self) -> Parsed<Condition> {
        let mut all = self.compared()?;
        let mut joined = 0;
        while matches!(self.peek(), Token::Name(word) if word == "and") {
            joined += 1;
            if joined > DEEPEST {
                return Err(self.too_deep());
            }
            self.next += 1;
            all = Condition::Both(Box::new(all), Box::new(self.compared()?));
        }
        Ok(all)
    }

    fn compared(&mut self) -> Parsed<Condition> {
        let mut left = self.expression()?;
        let mut all: Option<Condition> = None;
        let mut joined = 0;
        while let Some(sign) = self.comparison() {
            joined += 1;
            if joined > DEEPEST {
                return Err(self.too_deep());
            }
            let right = self.expression()?;
            let one = Condition::Compared(sign, left, right.clone());
            all = Some(match all {
                None => one,
                Some(before) => Condition::Both(Box::new(before), Box::new(one)),
            });
            left = right;
        }
        all.ok_or_else(|| self.unexpected("a comparison, such as `i == y`"))
    }

    fn too_deep(&self) -> Unusable {
        Unusable::new("nesting that is too deep", self.at(), format!("more than {DEEPEST} levels"))
            .help("give parts of it a name")
    }

    /// A sum of terms.
    fn expression(&mut self) -> Parsed<Node> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.too_deep());
        }
        let start = self.at().start;
        let first = self.product()?;
        let mut terms = vec![(false, first)];
        loop {
            let minus = self.is("-");
            if !self.took("+") && !self.took("-") {
                break;
            }
            terms.push((minus, self.product()?));
        }
        self.depth -= 1;
        if terms.len() == 1 {
            return Ok(terms.remove(0).1);
        }
        Ok(Node { kind: Kind::Sum(terms), at: self.since(start) })
    }

    fn product(&mut self) -> Parsed<Node> {
        let start = self.at().start;
        let mut factors = vec![(false, self.signed()?)];
        loop {
            let divides = self.is("/");
            if !self.took("*") && !self.took("/") {
                break;
            }
            factors.push((divides, self.signed()?));
        }
        if factors.len() == 1 {
            return Ok(factors.remove(0).1);
        }
        Ok(Node { kind: Kind::Product(factors), at: self.since(start) })
    }

    fn signed(&mut self) -> Parsed<Node> {
        let start = self.at().start;
        let mut minus = false;
        while self.is("-") || self.is("+") {
            minus ^= self.is("-");
            self.next += 1;
        }
        let power = self.power()?;
        if !minus {
            return Ok(power);
        }
        Ok(Node { kind: Kind::Negation(Box::new(power)), at: self.since(start) })
    }

    fn power(&mut self) -> Parsed<Node> {
        let start = self.at().start;
        if let Some(order) = self.derivative_begins() {
            return self.derivative(order);
        }
        let base = self.entry()?;
        if !self.took("^") {
            return Ok(base);
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.too_deep());
        }
        let exponent = self.signed()?;
        self.depth -= 1;
        Ok(Node { kind: Kind::Power(Box::new(base), Box::new(exponent)), at: self.since(start) })
    }

    /// The order of the derivative that is next: `d f / d x` or `d^2 f / d x d y`, where `d` is followed by a
    /// space and an operand.
    fn derivative_begins(&self) -> Option<usize> {
        let is_d = matches!(self.peek(), Token::Name(name) if name == "d");
        let operand = |i: usize| matches!(self.peek_after(i), Token::Name(_) | Token::Sign("("));
        let spaced = |i: usize| self.tokens[self.next + i - 1].at.end < self.tokens[self.next + i].at.start;
        if !is_d {
            return None;
        }
        if operand(1) && spaced(1) {
            return Some(1);
        }
        match (self.peek_after(1), self.peek_after(2)) {
            (Token::Sign("^"), Token::Number(order)) if operand(3) && spaced(3) => whole(order),
            _ => None,
        }
    }

    fn derivative(&mut self, order: usize) -> Parsed<Node> {
        let start = self.at().start;
        self.next += if matches!(self.peek_after(1), Token::Sign("^")) { 3 } else { 1 };
        let of = Box::new(self.entry()?);
        self.need("/")?;
        let mut by = Vec::new();
        while by.is_empty() || self.derivative_begins() == Some(1) {
            if self.derivative_begins() != Some(1) {
                return Err(self.unexpected("`d` and what the derivative is by, as in `d f / d x`"));
            }
            self.next += 1;
            let variable = self.entry()?;
            let times = match (self.peek(), self.peek_after(1)) {
                (Token::Sign("^"), Token::Number(n)) => whole(n),
                _ => None,
            };
            self.next += if times.is_some() { 2 } else { 0 };
            let times = times.unwrap_or(1);
            if times + by.len() > LARGEST_ORDER {
                return Err(self.order(start, times + by.len()));
            }
            by.extend(std::iter::repeat_n(variable, times));
        }
        if by.len() != order || order > LARGEST_ORDER {
            return Err(self
                .order(start, order)
                .help(format!("`d^{order}` is by {order} variables, at most {LARGEST_ORDER}; found {}", by.len())));
        }
        Ok(Node { kind: Kind::Derivative { of, by }, at: self.since(start) })
    }

    fn order(&self, start: usize, order: usize) -> Unusable {
        Unusable::new("the orders of a derivative do not fit", self.since(start), format!("the order is {order}"))
            .help(format!("allowed are orders up to {LARGEST_ORDER}"))
    }

    /// An operand with its indices.
    fn entry(&mut self) -> Parsed<Node> {
        let start = self.at().start;
        let mut node = self.operand()?;
        while self.is("[") {
            self.next += 1;
            let mut at = vec![self.expression()?];
            while self.took(",") {
                at.push(self.expression()?);
            }
            self.need("]")?;
            // K[j][a] is K[j, a]
            node = match node.kind {
                Kind::Entry(base, mut before) => {
                    before.extend(at);
                    Node { kind: Kind::Entry(base, before), at: self.since(start) }
                }
                _ => Node { kind: Kind::Entry(Box::new(node), at), at: self.since(start) },
            };
        }
        Ok(node)
    }

    fn operand(&mut self) -> Parsed<Node> {
        let at = self.at();
        match self.peek().clone() {
            Token::Number(value) => {
                self.next += 1;
                Ok(Node { kind: Kind::Number(value), at })
            }
            Token::Name(name) => {
                self.next += 1;
                if self.is(".") {
                    return self.application(name, at);
                }
                if !self.is("(") {
                    return Ok(Node { kind: Kind::Name(name), at });
                }
                if takes(&name).is_none() && signature(&name).is_some() {
                    return self.application(name, at);
                }
                self.call(name, at)
            }
            Token::Sign("(") => {
                self.next += 1;
                let inside = self.expression()?;
                self.need(")")?;
                Ok(Node { kind: inside.kind, at: self.since(at.start) })
            }
            Token::Sign("[") => {
                self.next += 1;
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err(self.too_deep());
                }
                let condition = self.condition()?;
                self.depth -= 1;
                self.need("]")?;
                Ok(Node { kind: Kind::Bracket(Box::new(condition)), at: self.since(at.start) })
            }
            _ => Err(self.unexpected("a name, a number, a bracket or a function")),
        }
    }

    /// A formula of the catalog: its result, arguments and conventions.
    fn application(&mut self, name: String, at: Span) -> Parsed<Node> {
        let mut result: Vec<String> = Vec::new();
        while self.took(".") {
            result.push(self.name("a result of a formula, as in `dpo.weight(…)`")?.0);
        }
        let names = self.since(at.start);
        self.need("(")?;
        let (mut arguments, mut named) = (Vec::new(), Vec::new());
        while !self.is(")") {
            if matches!((self.peek(), self.peek_after(1)), (Token::Name(_), Token::Sign("="))) {
                let (name, at) = self.name("a name")?;
                self.need("=")?;
                let given = match self.peek().clone() {
                    Token::Word(word) => {
                        self.next += 1;
                        Given::Word(word)
                    }
                    _ => Given::Expression(self.expression()?),
                };
                named.push((name, at, given));
            } else if named.is_empty() {
                arguments.push(self.expression()?);
            } else {
                return Err(self.unexpected("a named argument, after another one"));
            }
            if !self.took(",") {
                break;
            }
        }
        self.need(")")?;
        let call = Application { name, result: result.join("."), at: names, arguments, named };
        Ok(Node { kind: Kind::Applied(Box::new(call)), at: self.since(at.start) })
    }

    /// The arguments of a function.
    fn call(&mut self, name: String, at: Span) -> Parsed<Node> {
        self.need("(")?;
        let total = match name.as_str() {
            "sum" => Some(Total::Sum),
            "mean" => Some(Total::Mean),
            "prod" => Some(Total::Product),
            _ => None,
        };
        let over_index = matches!((self.peek(), self.peek_after(1)), (Token::Name(_), Token::Sign("," | "<")));
        if let (Some(total), true) = (total, over_index) {
            let (index, _) = self.name("an index")?;
            let below = if self.took("<") { Some(Box::new(self.expression()?)) } else { None };
            self.need(",")?;
            let body = Box::new(self.expression()?);
            self.need(")")?;
            return Ok(Node { kind: Kind::Over(Over { total, index, below, body }), at: self.since(at.start) });
        }
        if name == "expect" {
            let (index, _) = self.name("an outcome, as in `expect(y ~ p, …)`")?;
            self.need("~")?;
            let over = Box::new(self.expression()?);
            self.need(",")?;
            let body = Box::new(self.expression()?);
            self.need(")")?;
            return Ok(Node { kind: Kind::Expect { index, over, body }, at: self.since(at.start) });
        }
        let mut arguments = Vec::new();
        while !self.is(")") {
            arguments.push(self.expression()?);
            if !self.took(",") {
                break;
            }
        }
        self.need(")")?;
        Ok(Node { kind: Kind::Call(name, arguments), at: self.since(at.start) })
    }
}

fn whole(number: &BigRational) -> Option<usize> {
    let is_whole = number.is_integer() && *number.numer() >= BigInt::from(0);
    if is_whole { number.to_usize() } else { None }
}
