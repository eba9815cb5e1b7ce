//! What a formula is to the rest of the crate: its identity, its conventions and mistakes, its
//! oracle, and the claims about it.

use crate::claim::{Claim, Instance};
use crate::error::{Error, Result};
use crate::expression::{Expr, Graph, variable};
use crate::number::{Outcome, Role, Wide, nearest};
use serde_json::Value;
use std::cell::{Cell, RefCell};

/// A named mathematical object of the field: a loss, an optimizer's update rule, a schedule.
#[derive(Debug)]
pub struct Formula {
    /// The id that commands take.
    pub id: &'static str,
    /// The name in the field's words.
    pub name: &'static str,
    /// The equation, in Unicode text.
    pub equation: &'static str,
    /// The same in LaTeX, an equation to a line.
    pub latex: &'static [&'static str],
    /// The paper, code or document the equation is from.
    pub source: &'static str,
    /// The input fields with shapes and defaults.
    pub input: &'static str,
    /// The domain of the input.
    pub domain: &'static str,
    /// The output fields with shapes.
    pub output: &'static str,
    /// The legitimate choices.
    pub axes: &'static [Axis],
    /// The wrong forms.
    pub mistakes: &'static [Mistake],
    /// The oracle: evaluates a JSON input.
    pub evaluate: fn(Value) -> Result<Value>,
    /// The definition at a JSON input. An optimizer's steps start from the states in the second
    /// value, an output. A mistake's id selects the wrong form.
    pub definition: fn(&Value, &Value, Wrong) -> Result<Vec<Defined>>,
    /// The algorithm that implementations use, at a JSON input, with the steps as in `definition`.
    /// Where implementations go several ways, a place has several values; every way is equal to the
    /// definition in real numbers, and a budget allows for the worst.
    pub textbook: fn(&Value, &Value) -> Result<Vec<Defined>>,
    /// The claims about this formula.
    pub claims: fn() -> Vec<Claim>,
}

impl Formula {
    /// Whether it is an optimizer, with steps that each move every parameter by itself.
    pub fn has_steps(&self) -> bool {
        self.input.contains("gradients")
    }

    /// Conventions, each an axis with its option, as the catalog has them and without those at their default.
    ///
    /// # Errors
    /// If the formula has no such axis or option.
    pub fn chosen<'a>(
        &self,
        conventions: impl IntoIterator<Item = (&'a String, &'a String)>,
    ) -> Result<Vec<(&'static str, &'static str)>> {
        let mut chosen = Vec::new();
        for (axis_id, option_id) in conventions {
            let axis = self.axes.iter().find(|axis| axis.id == axis_id).ok_or_else(|| {
                let known: Vec<&str> = self.axes.iter().map(|axis| axis.id).collect();
                Error::domain("conventions", axis_id, format!("an axis of {}: {}", self.id, known.join(", ")))
            })?;
            let at = axis.options.iter().position(|option| option.id == option_id).ok_or_else(|| {
                let known: Vec<&str> = axis.options.iter().map(|option| option.id).collect();
                Error::domain(format!("conventions.{axis_id}"), option_id, known.join(", "))
            })?;
            if at > 0 {
                chosen.push((axis.id, axis.options[at].id));
            }
        }
        Ok(chosen)
    }
}

/// Which wrong form to write down; `None` is the right one.
pub type Wrong<'a> = Option<&'a str>;

/// A definition at concrete numbers.
#[derive(Clone, Debug)]
pub struct Defined {
    /// The graph.
    pub graph: Graph,
    /// What its variables stand for.
    pub inputs: Vec<Given>,
    /// Where its outputs stand in the formula's output, as JSON pointers: "/gradient/0/1".
    pub places: Vec<String>,
}

/// The value of a variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// The value.
    pub value: f64,
    /// Whose arithmetic it is in.
    pub role: Role,
    /// The output of an earlier step that it is, as a JSON pointer.
    pub from: Option<String>,
}

/// The numbers of a definition, as they are declared.
#[derive(Default)]
pub struct Numbers {
    given: RefCell<Vec<Given>>,
    one: Cell<Option<Expr>>,
}

impl Numbers {
    /// Declares a number of a tensor with its value.
    pub fn number(&self, name: impl Into<String>, value: f64) -> Expr {
        self.declare(name, Given { value, role: Role::Tensor, from: None })
    }

    /// Declares a scalar hyperparameter with its value: implementations keep these in f64.
    pub fn scalar(&self, name: impl Into<String>, value: f64) -> Expr {
        self.declare(name, Given { value, role: Role::Scalar, from: None })
    }

    /// The number 1 in the dtype of tensors, declared once: what autograd starts from, and what makes a
    /// scalar a number of a tensor.
    pub fn one(&self) -> Expr {
        let one = self.one.get().unwrap_or_else(|| self.number("one", 1.0));
        self.one.set(Some(one));
        one
    }

    fn declare(&self, name: impl Into<String>, given: Given) -> Expr {
        self.given.borrow_mut().push(given);
        variable(name)
    }

    /// Declares a list of variables with their values.
    pub fn list(&self, name: &str, values: &[f64]) -> Vec<Expr> {
        values.iter().enumerate().map(|(i, &x)| self.number(format!("{name}[{i}]"), x)).collect()
    }
}

impl Defined {
    /// Builds a definition: `formula` declares its numbers and gives places with their expressions.
    pub fn build(formula: impl FnOnce(&Numbers) -> Vec<(String, Expr)>) -> Defined {
        let numbers = Numbers::default();
        let mut places = Vec::new();
        let graph = Graph::build(|| {
            let (at, outputs): (Vec<_>, Vec<_>) = formula(&numbers).into_iter().unzip();
            places = at;
            outputs
        });
        Defined { graph, inputs: numbers.given.into_inner(), places }
    }

    /// The outputs of the definition, correctly rounded.
    pub(crate) fn nearest(&self) -> Vec<Outcome<f64>> {
        nearest(&self.graph, &self.values().collect::<Vec<_>>())
    }

    /// The values of the variables.
    pub fn values(&self) -> impl Iterator<Item = f64> {
        self.inputs.iter().map(|given| given.value)
    }
}

/// The f64 nearest to the real number that `value` is close to; where its bound leaves the rounding open,
/// by enclosures of the definition.
pub(crate) fn rounded(value: Wide, definition: impl FnOnce(&Numbers) -> Expr) -> f64 {
    value.nearest().unwrap_or_else(|| {
        let defined = Defined::build(|numbers| vec![(String::new(), definition(numbers))]);
        // a definition has no value where a selection's condition is not told from 0; there what it selects
        // from is equal, and is what the wide number is close to
        defined.nearest().into_iter().find_map(|x| x.ok()).unwrap_or_else(|| value.to_f64())
    })
}

/// A choice that changes the real value on some input, with its options; the first is the default.
#[derive(Debug)]
pub struct Axis {
    /// The axis.
    pub id: &'static str,
    /// Its options.
    pub options: &'static [Choice],
}

/// One option of an axis.
#[derive(Debug)]
pub struct Choice {
    /// The option.
    pub id: &'static str,
    /// What it computes.
    pub meaning: &'static str,
}

/// A wrong form that somebody really wrote, or could.
#[derive(Debug)]
pub struct Mistake {
    /// The mistake.
    pub id: &'static str,
    /// What is wrong, and what would be right.
    pub meaning: &'static str,
    /// Who made it.
    pub source: &'static str,
    /// The false statement that the wrong form is the right one.
    pub statement: fn() -> Instance,
}

impl Mistake {
    /// The address of the public issue or change in which somebody made it, where the source names one as
    /// "owner/repository #12" or "owner/repository PR #12". GitHub leads from an issue's address to a
    /// change's.
    pub fn seen(&self) -> Option<String> {
        let words: Vec<&str> = self.source.split([' ', ',', ';']).filter(|word| !matches!(*word, "" | "PR")).collect();
        words.windows(2).find_map(|pair| {
            let number = pair[1].strip_prefix('#')?;
            let (owner, repository) = pair[0].split_once('/')?;
            let plain = |name: &str| !name.is_empty() && !name.contains('/');
            let is_number = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
            let named = plain(owner) && plain(repository) && is_number;
            named.then(|| format!("https://github.com/{owner}/{repository}/issues/{number}"))
        })
    }
}

/// The conventions of a formula that has none: an empty object.
#[derive(Clone, Copy, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoConventions {}

/// An axis of conventions as an enum: its options with their meaning, in JSON and as a table.
macro_rules! axis {
    ($(#[$doc:meta])* $name:ident $id:literal { $($option:ident $text:literal $(| $alias:literal)* : $meaning:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $(
                #[doc = $meaning]
                $option,
            )+
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
                match $crate::json::word(d)?.as_str() {
                    $($text $(| $alias)* => Ok($name::$option),)+
                    other => Err(serde::de::Error::unknown_variant(other, &[$($text $(, $alias)*),+])),
                }
            }
        }
        impl $name {
            /// The axis with its options.
            pub const AXIS: $crate::formula::Axis = $crate::formula::Axis {
                id: $id,
                options: &[$($crate::formula::Choice { id: $text, meaning: $meaning }),+],
            };
        }
        impl Default for $name {
            fn default() -> Self {
                const ALL: &[$name] = &[$($name::$option),+];
                ALL[0]
            }
        }
    };
}
pub(crate) use axis;
