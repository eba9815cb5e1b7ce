//! How a value was made, which the exponents of exponentials are told by.

use crate::number::atoms::{Atom, Laurent};
use crate::number::modulus::Complex;
use num_rational::BigRational;
use std::cell::OnceCell;
use std::rc::Rc;

/// How a value was made, as far as an exponent needs to know, with its polynomial once that was asked for.
#[derive(Debug)]
pub(super) struct Form {
    pub made: Made,
    pub depth: u32,
    pub polynomial: OnceCell<Option<Rc<Laurent>>>,
}

#[derive(Debug)]
pub(super) enum Made {
    Atom(Atom),
    Constant(BigRational),
    Negation(Rc<Form>),
    Sum(Vec<Rc<Form>>),
    Product(Rc<Form>, Rc<Form>),
    Quotient(Rc<Form>, Rc<Form>),
    /// Known by its value alone.
    Opaque(Complex),
}

/// What is made in more steps from the last opaque values is known by its value alone, which keeps recursions
/// shallow.
const DEEPEST: u32 = 300;

impl Form {
    /// The form of something with this value.
    pub fn of(made: Made, value: Complex) -> Rc<Form> {
        let deepest = |forms: &[&Rc<Form>]| forms.iter().map(|form| form.depth).max().unwrap_or(0);
        let depth = 1 + match &made {
            Made::Atom(_) | Made::Constant(_) | Made::Opaque(_) => 0,
            Made::Negation(x) => x.depth,
            Made::Sum(terms) => terms.iter().map(|form| form.depth).max().unwrap_or(0),
            Made::Product(x, y) | Made::Quotient(x, y) => deepest(&[x, y]),
        };
        if depth > DEEPEST {
            return Form::of(Made::Opaque(value), value);
        }
        Rc::new(Form { made, depth, polynomial: OnceCell::new() })
    }
}
