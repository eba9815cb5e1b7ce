//! Claims: statements about formulas that can be false, and what they came to.

use crate::expression::{Expr, Graph, Node, constant, variable};
use num_rational::BigRational;
use std::cell::RefCell;
use std::rc::Rc;

/// What sort of statement a claim is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A derivative in closed form.
    Gradient,
    /// Two expressions are equal.
    Identity,
    /// One expression is at least another.
    Inequality,
    /// The mean over every outcome.
    Expectation,
    /// What an expression tends to.
    Limit,
    /// How many there are.
    Count,
}

/// What a claim came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Decided as a statement, within its scope.
    Proved,
    /// Held at every sampled case.
    Verified,
    /// False, with a counterexample.
    Refuted,
    /// No judge could decide.
    Undecided,
}

/// Where a claim was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Source {
    /// The document.
    pub document: &'static str,
    /// The section of it.
    pub section: &'static str,
    /// Its words.
    pub quote: &'static str,
}

impl Source {
    /// A place in the interview guide that this crate's catalog started from, an article in Chinese.
    pub const fn guide(section: &'static str, quote: &'static str) -> Source {
        Source { document: "损失函数与优化器 (2026-02-13)", section, quote }
    }

    /// A place in a paper or in public code.
    pub const fn paper(document: &'static str, section: &'static str, quote: &'static str) -> Source {
        Source { document, section, quote }
    }
}

/// A statement about formulas, with what decides it.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The id, which begins with the formula's: "cross-entropy/gradient".
    pub id: &'static str,
    /// What sort of statement it is.
    pub kind: Kind,
    /// The statement.
    pub statement: &'static str,
    /// Who said so.
    pub source: Option<Source>,
    /// What it should come to.
    pub expected: Verdict,
    /// The claim that this one puts right.
    pub amends: Option<&'static str>,
    /// The statement at concrete sizes.
    pub instances: Vec<Instance>,
    /// What shows that the judges can tell.
    pub control: Control,
}

/// A statement of the opposite truth, which every judge of the claim must decide the other way.
#[derive(Clone, Debug)]
pub enum Control {
    /// A false statement, beside a claim that holds.
    Mistake {
        /// Its id.
        id: &'static str,
        /// The statement.
        instance: Box<Instance>,
    },
    /// A true claim, by id, beside one that is refuted.
    Amendment(&'static str),
}

/// Which values a variable takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Domain {
    /// Any real number.
    Real,
    /// Above zero.
    Positive,
    /// At least zero.
    NonNegative,
    /// Strictly between 0 and 1.
    Unit,
    /// Strictly between the two.
    Between(f64, f64),
    /// Small positive numbers: learning rates.
    Rate,
    /// Between the two, which are values as well.
    Within(f64, f64),
    /// Whole numbers, from this one on where there is a first.
    Whole(Option<i32>),
}

impl Domain {
    /// The numbers that the values are above and below, where there are such.
    pub fn bounds(self) -> (Option<BigRational>, Option<BigRational>) {
        let whole = |n: i64| Some(BigRational::from_integer(n.into()));
        match self {
            Domain::Real | Domain::NonNegative | Domain::Within(..) | Domain::Whole(None) => (None, None),
            Domain::Whole(Some(first)) => (whole(i64::from(first) - 1), None),
            Domain::Positive | Domain::Rate => (whole(0), None),
            Domain::Unit => (whole(0), whole(1)),
            Domain::Between(low, high) => (BigRational::from_float(low), BigRational::from_float(high)),
        }
    }
}

impl Domain {
    /// Whether a number is one of the values.
    pub fn contains(self, x: &BigRational) -> bool {
        let (low, high) = self.bounds();
        let inside = low.is_none_or(|low| *x > low) && high.is_none_or(|high| *x < high);
        let at_least = |low: f64| BigRational::from_float(low).is_some_and(|low| *x >= low);
        let at_most = |high: f64| BigRational::from_float(high).is_some_and(|high| *x <= high);
        inside
            && match self {
                Domain::NonNegative => at_least(0.0),
                Domain::Within(low, high) => at_least(low) && at_most(high),
                Domain::Whole(_) => x.is_integer(),
                _ => true,
            }
    }
}

/// A variable of a statement.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its values.
    pub domain: Domain,
}

/// A statement at a concrete size: a graph, and the relation between its outputs.
#[derive(Clone, Debug)]
pub struct Instance {
    /// The size: "V = 4".
    pub scope: String,
    /// The inputs of the graph.
    pub variables: Vec<Variable>,
    /// The graph. Its first outputs are the assumptions, each above zero; then what the relation says.
    pub graph: Graph,
    /// How many of the outputs are assumptions.
    pub assumptions: usize,
    /// The relation between the other outputs.
    pub relation: Relation,
    /// Whether it is only to be sampled, being larger than what is proved.
    pub beyond: bool,
    /// Whether it is said away from the kinks alone, having derivatives inside its sides.
    pub smooth: bool,
}

/// What an instance says of its outputs.
#[derive(Clone, Debug, PartialEq)]
pub enum Relation {
    /// The first output is f, the others are ∂f/∂x for the variables at these positions.
    Gradient(Vec<usize>),
    /// The outputs are pairs of equals.
    Equal,
    /// The outputs are pairs, of which the first is at least the second.
    AtLeast,
    /// The outputs are pairs, of which the first is larger.
    Greater,
    /// This many probabilities, and for each mean the values at the outcomes and what it comes to.
    Expectation(usize),
    /// The outputs are pairs, of which the first tends to the second as the variable at this
    /// position does.
    Limit(usize, Toward),
}

/// Where a variable goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toward {
    /// Beyond every bound.
    Infinity,
    /// To zero from above.
    Zero,
}

/// The variables of a statement, as they are declared.
#[derive(Default)]
pub struct Inputs {
    variables: RefCell<Vec<Variable>>,
    assumptions: RefCell<Vec<Expr>>,
}

impl Inputs {
    /// Declares a variable.
    pub fn declare(&self, name: impl Into<String>, domain: Domain) -> Expr {
        let name = name.into();
        self.variables.borrow_mut().push(Variable { name: name.clone(), domain });
        variable(name)
    }

    /// Declares a list of variables.
    pub fn declare_all(&self, name: &str, n: usize, domain: Domain) -> Vec<Expr> {
        (0..n).map(|i| self.declare(format!("{name}[{i}]"), domain)).collect()
    }

    /// A real variable.
    pub fn real(&self, name: &str) -> Expr {
        self.declare(name, Domain::Real)
    }

    /// Real variables.
    pub fn reals(&self, name: &str, n: usize) -> Vec<Expr> {
        self.declare_all(name, n, Domain::Real)
    }

    /// A variable above zero.
    pub fn positive(&self, name: &str) -> Expr {
        self.declare(name, Domain::Positive)
    }

    /// A variable strictly between 0 and 1.
    pub fn unit(&self, name: &str) -> Expr {
        self.declare(name, Domain::Unit)
    }

    /// A learning rate or another small positive number.
    pub fn rate(&self, name: &str) -> Expr {
        self.declare(name, Domain::Rate)
    }

    /// Restricts the statement to where this is above zero.
    pub fn assume_positive(&self, condition: Expr) {
        self.assumptions.borrow_mut().push(condition);
    }
}

impl Instance {
    pub(crate) fn build(
        scope: impl Into<String>,
        statement: impl FnOnce(&Inputs) -> (Relation, Vec<Expr>),
    ) -> Instance {
        let inputs = Rc::new(Inputs::default());
        let mut relation = Relation::Equal;
        let mut assumptions = 0;
        let graph = Graph::build(|| {
            let (said, outputs) = statement(&inputs);
            relation = said;
            let mut all = inputs.assumptions.borrow().clone();
            assumptions = all.len();
            all.extend(outputs);
            all
        });
        let variables = inputs.variables.borrow().clone();
        Instance { scope: scope.into(), variables, graph, assumptions, relation, beyond: false, smooth: false }
    }

    /// ∂f/∂x = g for the variables x: `statement` gives f, the list of x and the list of g.
    ///
    /// # Panics
    /// If an x is not a variable, or the lists differ in length.
    pub fn gradient(
        scope: impl Into<String>,
        statement: impl FnOnce(&Inputs) -> (Expr, Vec<Expr>, Vec<Expr>),
    ) -> Instance {
        let mut wrt_outputs = 0;
        let mut instance = Instance::build(scope, |inputs| {
            let (f, wrt, claimed) = statement(inputs);
            assert_eq!(wrt.len(), claimed.len(), "one derivative per variable");
            wrt_outputs = wrt.len();
            let mut outputs = vec![f];
            outputs.extend(claimed);
            // carried as outputs until the graph is finished, when their positions are known
            outputs.extend(wrt);
            (Relation::Equal, outputs)
        });
        let outputs = instance.graph.outputs();
        let positions = outputs[outputs.len() - wrt_outputs..]
            .iter()
            .map(|&id| match instance.graph.nodes()[id as usize] {
                Node::Variable(position) => position,
                _ => panic!("a derivative is with respect to a variable"),
            })
            .collect();
        instance.graph = instance.graph.with_fewer_outputs(wrt_outputs);
        instance.relation = Relation::Gradient(positions);
        instance
    }

    /// Each left side equals its right side.
    pub fn equal(scope: impl Into<String>, statement: impl FnOnce(&Inputs) -> Vec<(Expr, Expr)>) -> Instance {
        Instance::build(scope, |inputs| (Relation::Equal, flat(statement(inputs))))
    }

    /// Each left side is at least its right side.
    pub fn at_least(scope: impl Into<String>, statement: impl FnOnce(&Inputs) -> Vec<(Expr, Expr)>) -> Instance {
        Instance::build(scope, |inputs| (Relation::AtLeast, flat(statement(inputs))))
    }

    /// Each left side is above its right side.
    pub fn greater(scope: impl Into<String>, statement: impl FnOnce(&Inputs) -> Vec<(Expr, Expr)>) -> Instance {
        Instance::build(scope, |inputs| (Relation::Greater, flat(statement(inputs))))
    }

    /// Each left side tends to its right side: `statement` also gives the variable that moves.
    pub fn limit(
        scope: impl Into<String>,
        toward: Toward,
        statement: impl FnOnce(&Inputs) -> (Expr, Vec<(Expr, Expr)>),
    ) -> Instance {
        let mut instance = Instance::build(scope, |inputs| {
            let (moving, pairs) = statement(inputs);
            let mut outputs = flat(pairs);
            outputs.push(moving);
            (Relation::Equal, outputs)
        });
        let moving = instance.graph.outputs().last().map(|&id| &instance.graph.nodes()[id as usize]);
        let Some(&Node::Variable(position)) = moving else { panic!("a limit is in a variable") };
        instance.graph = instance.graph.with_fewer_outputs(1);
        instance.relation = Relation::Limit(position, toward);
        instance
    }

    /// The mean over outcomes: `statement` gives their probabilities, and for each mean the values
    /// at the outcomes and what the mean should be.
    ///
    /// # Panics
    /// If there is not one value per outcome.
    pub fn expectation(
        scope: impl Into<String>,
        statement: impl FnOnce(&Inputs) -> (Vec<Expr>, Vec<(Vec<Expr>, Expr)>),
    ) -> Instance {
        Instance::build(scope, |inputs| {
            let (probabilities, means) = statement(inputs);
            let outcomes = probabilities.len();
            let mut outputs = probabilities;
            for (values, mean) in means {
                assert_eq!(values.len(), outcomes, "one value per outcome");
                outputs.extend(values);
                outputs.push(mean);
            }
            (Relation::Expectation(outcomes), outputs)
        })
    }

    /// A number that a program counted, and the number that was said.
    pub fn count(scope: impl Into<String>, counted: BigRational, said: BigRational) -> Instance {
        Instance::equal(scope, |_| vec![(crate::expression::rational(counted), crate::expression::rational(said))])
    }

    /// The same instance, only to be sampled.
    pub fn beyond(mut self) -> Instance {
        self.beyond = true;
        self
    }
}

fn flat(pairs: Vec<(Expr, Expr)>) -> Vec<Expr> {
    pairs.into_iter().flat_map(|(left, right)| [left, right]).collect()
}

impl Claim {
    /// A claim that holds: `control` is a mistake's id with the false statement.
    pub fn holds(id: &'static str, kind: Kind, statement: &'static str, expected: Verdict) -> Claim {
        Claim {
            id,
            kind,
            statement,
            source: None,
            expected,
            amends: None,
            instances: Vec::new(),
            control: Control::Amendment(""),
        }
    }

    /// A claim expected to be proved.
    pub fn proved(id: &'static str, kind: Kind, statement: &'static str) -> Claim {
        Claim::holds(id, kind, statement, Verdict::Proved)
    }

    /// A claim expected to hold at every sampled case.
    pub fn verified(id: &'static str, kind: Kind, statement: &'static str) -> Claim {
        Claim::holds(id, kind, statement, Verdict::Verified)
    }

    /// A claim expected to be false; `amended_by` is the claim that puts it right.
    pub fn refuted(id: &'static str, kind: Kind, statement: &'static str, amended_by: &'static str) -> Claim {
        Claim { control: Control::Amendment(amended_by), ..Claim::holds(id, kind, statement, Verdict::Refuted) }
    }

    /// With its source.
    pub fn source(mut self, source: Source) -> Claim {
        self.source = Some(source);
        self
    }

    /// As the amendment of another claim.
    pub fn amends(mut self, id: &'static str) -> Claim {
        self.amends = Some(id);
        self
    }

    /// With one more instance.
    pub fn at(mut self, instance: Instance) -> Claim {
        self.instances.push(instance);
        self
    }

    /// With more instances.
    pub fn at_all(mut self, instances: impl IntoIterator<Item = Instance>) -> Claim {
        self.instances.extend(instances);
        self
    }

    /// With the false statement that the judges must reject.
    pub fn control(mut self, id: &'static str, instance: Instance) -> Claim {
        self.control = Control::Mistake { id, instance: Box::new(instance) };
        self
    }

    /// The id of the formula, or "across" for a claim that spans formulas.
    pub fn formula(&self) -> &'static str {
        self.id.split('/').next().unwrap_or(self.id)
    }
}

/// [i = y] as a constant.
pub fn indicator(holds: bool) -> Expr {
    constant(i64::from(holds))
}
