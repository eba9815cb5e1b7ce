//! Derivatives inside an expression: by variables, and by what is defined.

use super::elaborate::{Elaborated, Elaboration, Watched};
use super::text::{Symbol, Text};
use super::tree::Node;
use super::unusable::Span;
use super::values::{Value, each};
use crate::expression::Expr;
use crate::expression::derivative::{Derivatives, kinks};
use std::collections::HashMap;
use std::rc::Rc;

/// The name that a derivative is by, where it is defined, or probabilities, and so no variable.
pub(super) fn held_name<'a>(text: &Text, by: &'a Node) -> Option<&'a str> {
    let name = by.base_name()?;
    matches!(text.symbols.get(name), Some(Symbol::Defined { .. } | Symbol::Probabilities(_))).then_some(name)
}

impl Elaboration<'_> {
    /// ∂f/∂x, or of a higher order.
    pub(super) fn differentiated(&mut self, of: &Node, by: &[Node]) -> Elaborated<Expr> {
        let before = match by.iter().find_map(|x| held_name(self.text, x)) {
            Some(name) => Some(self.hold(name)?),
            None => None,
        };
        let result = self.derivatives_of(of, by);
        if let Some(before) = before {
            self.values = before;
        }
        result
    }

    fn derivatives_of(&mut self, of: &Node, by: &[Node]) -> Elaborated<Expr> {
        let mut result = self.value(of)?.real(&of.at)?;
        for x in by {
            let x = self.value(x)?.real(&x.at)?;
            result = self.derivative(result, x, &of.at)?;
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
    fn derivative(&mut self, f: Expr, x: Expr, at: &Span) -> Elaborated<Expr> {
        self.differentiates = true;
        if let Some(all) = self.derivatives.get(&f.place()) {
            return Ok(all.by(x));
        }
        self.look_at_the_clock()?;
        self.watch_kinks(f, at);
        let all = Derivatives::of(f);
        let result = all.by(x);
        self.derivatives.insert(f.place(), all);
        Ok(result)
    }

    /// Has the kinks of what is differentiated looked at.
    pub fn watch_kinks(&mut self, f: Expr, at: &Span) {
        self.watched.extend(kinks(f).into_iter().map(|kink| (kink, Watched::Kink, at.clone())));
    }
}
