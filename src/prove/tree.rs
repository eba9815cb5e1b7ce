//! A text as statements and expressions, as they are written.

use super::unusable::Span;
use num_rational::BigRational;

/// An expression with its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub kind: Kind,
    pub at: Span,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Number(BigRational),
    Name(String),
    /// x[i], K[j, a]
    Entry(Box<Node>, Vec<Node>),
    /// A function of its arguments.
    Call(String, Vec<Node>),
    /// A formula of the catalog.
    Applied(Box<Application>),
    /// sum(j, …), sum(i < t, …)
    Over(Over),
    /// expect(y ~ p, …)
    Expect {
        index: String,
        over: Box<Node>,
        body: Box<Node>,
    },
    /// Terms, and whether they are subtracted.
    Sum(Vec<(bool, Node)>),
    /// Factors, and whether it is divided by them.
    Product(Vec<(bool, Node)>),
    Negation(Box<Node>),
    Power(Box<Node>, Box<Node>),
    /// 1 where the condition holds, 0 elsewhere.
    Bracket(Box<Condition>),
    /// d f / d x d y
    Derivative {
        of: Box<Node>,
        by: Vec<Node>,
    },
}

/// A call of a formula of the catalog: dpo.weight(lw, ll, rw, rl, beta = b, smoothing = "robust")
#[derive(Clone, Debug)]
pub(super) struct Application {
    pub name: String,
    /// What follows the name with a dot; empty for the first result.
    pub result: String,
    /// The names, without the arguments.
    pub at: Span,
    pub arguments: Vec<Node>,
    pub named: Vec<(String, Span, Given)>,
}

/// What a named argument is given.
#[derive(Clone, Debug)]
pub(super) enum Given {
    Expression(Node),
    /// An option of a convention.
    Word(String),
}

impl Application {
    /// The expressions that are given.
    pub fn expressions(&self) -> impl Iterator<Item = &Node> {
        let named = self.named.iter().filter_map(|(_, _, given)| match given {
            Given::Expression(node) => Some(node),
            Given::Word(_) => None,
        });
        self.arguments.iter().chain(named)
    }
}

/// What runs over an index.
#[derive(Clone, Debug)]
pub(super) struct Over {
    pub total: Total,
    pub index: String,
    /// sum(i < t, …): the index runs below this.
    pub below: Option<Box<Node>>,
    pub body: Box<Node>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Total {
    Sum,
    Mean,
    Product,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Comparison {
    pub fn of(sign: &str) -> Option<Comparison> {
        Some(match sign {
            "==" => Comparison::Equal,
            "!=" => Comparison::Unequal,
            "<" => Comparison::Less,
            "<=" => Comparison::AtMost,
            ">" => Comparison::Greater,
            ">=" => Comparison::AtLeast,
            _ => return None,
        })
    }

    /// With its sides exchanged.
    pub fn turned(self) -> Comparison {
        match self {
            Comparison::Less => Comparison::Greater,
            Comparison::AtMost => Comparison::AtLeast,
            Comparison::Greater => Comparison::Less,
            Comparison::AtLeast => Comparison::AtMost,
            same => same,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) enum Condition {
    Compared(Comparison, Node, Node),
    Both(Box<Condition>, Box<Condition>),
    Either(Box<Condition>, Box<Condition>),
}

/// What a declared name is.
#[derive(Clone, Debug)]
pub(super) enum Sort {
    Real,
    Int,
    Vector(Node),
    Matrix(Node, Node),
    Probabilities(Node),
    /// index[n], index[n][B]
    Index(Node, Vec<Node>),
}

/// A comparison with a constant.
pub(super) type Bound = (Comparison, Node);

#[derive(Clone, Debug)]
pub(super) enum Statement {
    Declared {
        names: Vec<(String, Span)>,
        sort: Sort,
        bounds: Vec<Bound>,
    },
    /// n = 2..6
    Sized {
        name: String,
        at: Span,
        low: Node,
        high: Node,
    },
    Defined {
        name: String,
        at: Span,
        indices: Vec<(String, Span)>,
        body: Node,
    },
    Assumed {
        condition: Condition,
        at: Span,
    },
    /// Sides and the comparisons between them: a claim, or the declaration of a name between constants.
    Compared {
        sides: Vec<Node>,
        signs: Vec<Comparison>,
        at: Span,
    },
}

impl Node {
    /// The name, if it is nothing else.
    pub fn name(&self) -> Option<&str> {
        match &self.kind {
            Kind::Name(name) => Some(name),
            _ => None,
        }
    }

    /// The name that it is, or is an entry of.
    pub fn base_name(&self) -> Option<&str> {
        match &self.kind {
            Kind::Entry(base, _) => base.name(),
            _ => self.name(),
        }
    }

    /// Calls `visit` with every expression inside, this one first, and whether it goes on into it.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Node) -> bool) {
        if !visit(self) {
            return;
        }
        match &self.kind {
            Kind::Number(_) | Kind::Name(_) => {}
            Kind::Entry(base, at) => {
                base.walk(visit);
                at.iter().for_each(|x| x.walk(visit));
            }
            Kind::Call(_, arguments) => arguments.iter().for_each(|x| x.walk(visit)),
            Kind::Applied(call) => call.expressions().for_each(|x| x.walk(visit)),
            Kind::Over(Over { below, body, .. }) => {
                if let Some(below) = below {
                    below.walk(visit);
                }
                body.walk(visit);
            }
            Kind::Expect { over, body, .. } => {
                over.walk(visit);
                body.walk(visit);
            }
            Kind::Sum(parts) | Kind::Product(parts) => parts.iter().for_each(|(_, x)| x.walk(visit)),
            Kind::Negation(x) => x.walk(visit),
            Kind::Power(x, n) => {
                x.walk(visit);
                n.walk(visit);
            }
            Kind::Bracket(condition) => condition.walk(visit),
            Kind::Derivative { of, by } => {
                of.walk(visit);
                by.iter().for_each(|x| x.walk(visit));
            }
        }
    }
}

impl Condition {
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Node) -> bool) {
        match self {
            Condition::Compared(_, x, y) => {
                x.walk(visit);
                y.walk(visit);
            }
            Condition::Both(a, b) | Condition::Either(a, b) => {
                a.walk(visit);
                b.walk(visit);
            }
        }
    }
}
