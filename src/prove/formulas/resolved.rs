//! A call of a formula whose arguments, settings and result have been found in its signature.

use super::super::functions::in_words;
use super::super::shapes::{Dim, Shape};
use super::super::tree::{Application, Given, Node};
use super::super::unusable::{Span, Unusable, nearest};
use super::signatures::{Output, Parameter, Signature, signature};
use crate::catalog;
use crate::formula::Formula;
use std::collections::BTreeMap;

/// A call whose names are all known.
pub(in super::super) struct Resolved<'a> {
    pub signature: &'static Signature,
    pub formula: &'static Formula,
    pub result: &'static Output,
    /// For every parameter what is given.
    pub arguments: Vec<(&'static Parameter, &'a Node)>,
    /// JSON pointers with words.
    pub settings: Vec<(String, String)>,
    /// A wrong form in the place of the formula.
    pub mistake: Option<&'a str>,
}

impl<'a> Resolved<'a> {
    /// Finds what a call names.
    pub fn of(call: &'a Application) -> Result<Resolved<'a>, Unusable> {
        let signature = signature(&call.name).ok_or_else(|| {
            let label = format!("`{}` is no formula of the catalog", call.name);
            Unusable::new("an unknown formula", call.at.clone(), label)
        })?;
        let formula = catalog::formula(signature.id)
            .map_err(|error| Unusable::new("an unknown formula", call.at.clone(), error.to_string()))?;
        let result = signature.result(&call.result).ok_or_else(|| {
            let known: Vec<&str> = signature.results.iter().map(|result| result.name).collect();
            unknown("result", &call.result, call.at.clone(), &known, signature)
        })?;
        let mut resolved =
            Resolved { signature, formula, result, arguments: Vec::new(), settings: Vec::new(), mistake: None };
        let mut parameters = signature.parameters.iter();
        for argument in &call.arguments {
            let Some(parameter) = parameters.next() else {
                let label = format!("found {} arguments", call.arguments.len());
                return Err(Unusable::new("too many arguments", argument.at.clone(), label).help(usage(signature)));
            };
            resolved.arguments.push((parameter, argument));
        }
        for (name, at, given) in &call.named {
            match given {
                Given::Expression(node) => resolved.argument(name, at, node)?,
                Given::Word(word) => resolved.setting(name, at, word)?,
            }
        }
        let missing = signature.parameters.iter().find(|parameter| {
            !parameter.optional && !resolved.arguments.iter().any(|(given, _)| given.name == parameter.name)
        });
        match missing {
            Some(parameter) => {
                let label = format!("`{parameter}` is not given");
                Err(Unusable::new("an argument is missing", call.at.clone(), label).help(usage(signature)))
            }
            None => Ok(resolved),
        }
    }

    fn argument(&mut self, name: &str, at: &Span, node: &'a Node) -> Result<(), Unusable> {
        let parameter = self.signature.parameters.iter().find(|parameter| parameter.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.signature.parameters.iter().map(|parameter| parameter.name).collect();
            unknown("argument", name, at.clone(), &known, self.signature)
        })?;
        if self.arguments.iter().any(|(given, _)| given.name == name) {
            let label = format!("`{name}` is given before");
            return Err(Unusable::new("an argument that is given twice", at.clone(), label));
        }
        self.arguments.push((parameter, node));
        Ok(())
    }

    /// epsilon = "hat", symmetric = "true", mistake = "decay-flipped"
    fn setting(&mut self, name: &str, at: &Span, word: &'a str) -> Result<(), Unusable> {
        let wrong = |known: &[&str]| {
            let label = format!("{word:?} is none of `{name}`");
            Unusable::new("an unknown option", at.clone(), label).help(format!("allowed is one of {}", listed(known)))
        };
        if name == "mistake" {
            let known: Vec<&str> = self.formula.mistakes.iter().map(|mistake| mistake.id).collect();
            if !known.contains(&word) {
                return Err(wrong(&known));
            }
            self.mistake = Some(word);
            return Ok(());
        }
        if let Some((_, known)) = self.signature.settings.iter().find(|(setting, _)| *setting == name) {
            if !known.contains(&word) {
                return Err(wrong(known));
            }
            self.settings.push((format!("/{name}"), word.to_string()));
            return Ok(());
        }
        let Some(axis) = self.formula.axes.iter().find(|axis| axis.id == name) else {
            let axes = self.formula.axes.iter().map(|axis| axis.id);
            let settings = self.signature.settings.iter().map(|(setting, _)| *setting);
            let known: Vec<&str> = axes.chain(settings).chain(["mistake"]).collect();
            return Err(unknown("convention", name, at.clone(), &known, self.signature));
        };
        let known: Vec<&str> = axis.options.iter().map(|option| option.id).collect();
        if !known.contains(&word) {
            return Err(wrong(&known));
        }
        self.settings.push((format!("/conventions/{name}"), word.to_string()));
        Ok(())
    }

    /// Whether the leading dimension is there, for arguments of these ranks.
    pub fn is_led(&self, ranks: &[usize]) -> bool {
        let Some(leading) = self.signature.leading else { return true };
        let led = |((parameter, _), rank): (&(&Parameter, &Node), &usize)| {
            parameter.shape.first() == Some(&leading) && *rank == parameter.shape.len()
        };
        self.arguments.iter().zip(ranks).any(led)
    }

    /// The shape of the result, for arguments of these shapes.
    pub fn shape(&self, shapes: &[Shape]) -> Result<Shape, Unusable> {
        let led = self.is_led(&shapes.iter().map(Vec::len).collect::<Vec<_>>());
        let dimensions = |shape: &'static [&'static str]| match shape.split_first() {
            Some((first, rest)) if !led && Some(*first) == self.signature.leading => rest,
            _ => shape,
        };
        let mut known: BTreeMap<&str, Dim> = BTreeMap::new();
        for ((parameter, node), shape) in self.arguments.iter().zip(shapes) {
            let wanted = dimensions(parameter.shape);
            let mut fits = wanted.len() == shape.len();
            for (name, dim) in wanted.iter().zip(shape) {
                let before = known.entry(name).or_insert_with(|| dim.clone());
                fits &= before.fits(dim);
            }
            if !fits {
                let allowed: Vec<Dim> = wanted
                    .iter()
                    .map(|name| known.get(name).cloned().unwrap_or_else(|| Dim::Named((*name).to_string())))
                    .collect();
                let label = format!("this is {}", in_words(shape));
                let help = format!("`{}` is {} here; {}", parameter.name, in_words(&allowed), usage(self.signature));
                return Err(Unusable::new("a wrong shape", node.at.clone(), label).help(help));
            }
        }
        let result = dimensions(self.result.shape).iter();
        Ok(result.map(|name| known.get(name).cloned().unwrap_or(Dim::Unknown)).collect())
    }
}

fn unknown(what: &str, name: &str, at: Span, known: &[&str], signature: &Signature) -> Unusable {
    let error = Unusable::new(format!("an unknown {what}"), at, format!("`{}` has no {what} `{name}`", signature.name));
    match nearest(name, known.iter().copied()) {
        Some(meant) => error.help(format!("was `{meant}` meant?")),
        None => error.help(format!("allowed is one of {}", listed(known))),
    }
}

fn listed(known: &[&str]) -> String {
    known.join(", ")
}

/// How the formula is called.
fn usage(signature: &Signature) -> String {
    let without = signature.leading.map(|leading| format!("; {leading} may be left out everywhere"));
    format!("it is called as `{signature}`{}", without.unwrap_or_default())
}
