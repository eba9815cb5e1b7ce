//! A side is a formula of the catalog, under a convention or with a mistake: "the right side is AdamW with
//! epsilon = "hat"".
//!
//! The formula is called with the names that the text declares, where they are those that people use for its
//! arguments, and a claim that the side is this call is decided as any other.

use super::confirmed;
use crate::catalog;
use crate::claim::Instance;
use crate::judges::Run;
use crate::prove::formulas::{SIGNATURES, Signature};
use crate::prove::parser::statements;
use crate::prove::sizes::{self, Sizes};
use crate::prove::stated;
use crate::prove::text::{Claim, Symbol, Text};
use crate::prove::tree::{Comparison, Kind, Node, Statement};

/// What people call the arguments of formulas.
const ALSO_CALLED: &[(&str, &[&str])] = &[
    ("params", &["theta", "w", "x"]),
    ("gradient", &["g", "grad"]),
    ("t", &["step"]),
    ("lr", &["eta", "alpha", "learning_rate"]),
    ("beta1", &["b1"]),
    ("beta2", &["b2"]),
    ("eps", &["epsilon"]),
    ("weight_decay", &["wd", "lambda", "lam"]),
    ("momentum", &["mu"]),
    ("logits", &["z"]),
    ("targets", &["y", "target"]),
    ("query", &["q"]),
    ("temperature", &["tau"]),
    ("policy_chosen", &["lw", "pw"]),
    ("policy_rejected", &["ll", "pl"]),
    ("reference_chosen", &["rw"]),
    ("reference_rejected", &["rl"]),
];

/// A formula's call with what it is, in words.
struct Form {
    call: String,
    words: String,
}

/// What the sides of a refuted equality are, as far as they are forms of a formula.
pub(in crate::prove) fn hint(text: &str, read: &Text, claim: &Claim, sizes: &[Sizes], run: &Run) -> Option<String> {
    if claim.sign != Comparison::Equal {
        return None;
    }
    let differentiated = [&claim.left, &claim.right].into_iter().find_map(derivative_by);
    let forms = forms(text, read, differentiated);
    // most of what is tried is refuted, and by which point is of no interest
    let run = &Run { simplest: false, ..run.clone() };
    let mut said = Vec::new();
    for (name, side) in [("the left side", &claim.left), ("the right side", &claim.right)] {
        // a derivative is what it is
        if derivative_by(side).is_some() {
            continue;
        }
        said.extend(forms.iter().find_map(|form| {
            let sure = is_form(read, claim, side, &form.call, sizes, run)?;
            Some(format!("{name} is {}{sure}", form.words))
        }));
    }
    (!said.is_empty()).then(|| said.join(", "))
}

/// By what a side is the derivative, if it is one.
fn derivative_by(side: &Node) -> Option<&Node> {
    match &side.kind {
        Kind::Derivative { by, .. } => by.first(),
        _ => None,
    }
}

/// Every form of the formulas whose arguments the text declares: first as they are by default, then under each other
/// option, and then with each mistake.
fn forms(text: &str, read: &Text, differentiated: Option<&Node>) -> Vec<Form> {
    let (mut defaults, mut options, mut mistakes) = (Vec::new(), Vec::new(), Vec::new());
    for signature in SIGNATURES {
        let Ok(formula) = catalog::formula(signature.id) else { continue };
        let Some(arguments) = arguments(signature, read) else { continue };
        for (result, entry) in results(signature, &arguments, text, differentiated) {
            let given: Vec<String> = arguments.iter().map(|(name, given)| format!("{name} = {given}")).collect();
            let form = |changed: Option<(&str, &str)>, words: String| {
                let changed = changed.map(|(name, word)| format!(", {name} = \"{word}\"")).unwrap_or_default();
                let name = signature.name;
                Form { call: format!("{name}.{result}({}{changed}){entry}", given.join(", ")), words }
            };
            // the first result goes without its name
            let first = signature.results.first().is_some_and(|first| first.name == result);
            let of_result = if first { String::new() } else { format!("'s {result}") };
            let of = |words: &str| format!("{}{of_result}{words}", formula.name);
            defaults.push(form(None, of("")));
            for axis in formula.axes {
                for option in axis.options.iter().skip(1) {
                    let words = of(&format!(" with {} = {:?}: {}", axis.id, option.id, option.meaning));
                    options.push(form(Some((axis.id, option.id)), words));
                }
            }
            for mistake in formula.mistakes {
                let words = of(&format!(" with the mistake {}: {}", mistake.id, mistake.meaning));
                mistakes.push(form(Some(("mistake", mistake.id)), words));
            }
        }
    }
    defaults.into_iter().chain(options).chain(mistakes).collect()
}

/// The declared name for every argument that must be given.
fn arguments(signature: &Signature, read: &Text) -> Option<Vec<(&'static str, String)>> {
    let named = |name: &str| {
        let also = ALSO_CALLED.iter().find(|(known, _)| *known == name).map_or(&[][..], |(_, also)| also);
        let declared =
            |name: &&str| matches!(read.symbols.get(*name), Some(symbol) if !matches!(symbol, Symbol::Defined { .. }));
        std::iter::once(name).chain(also.iter().copied()).find(declared).map(String::from)
    };
    let needed = signature.parameters.iter().filter(|parameter| !parameter.optional);
    needed.map(|parameter| Some((parameter.name, named(parameter.name)?))).collect()
}

/// The results to look for, with the entry of each: the derivative by an argument, or the numbers.
fn results(
    signature: &Signature,
    arguments: &[(&'static str, String)],
    text: &str,
    differentiated: Option<&Node>,
) -> Vec<(&'static str, String)> {
    let Some(by) = differentiated else {
        let numbers = signature.results.iter().filter(|result| !result.name.starts_with("gradient"));
        return numbers.map(|result| (result.name, String::new())).collect();
    };
    let parameter = arguments.iter().find(|(_, given)| by.base_name() == Some(given)).map(|(name, _)| *name);
    let entry = by.base_name().and_then(|name| text.get(by.at.clone())?.strip_prefix(name)).unwrap_or_default();
    let of_parameter = |name: &str| name == "gradient" || name.strip_prefix("gradient.") == parameter;
    let found = signature.results.iter().filter(|result| parameter.is_some() && of_parameter(result.name));
    found.map(|result| (result.name, entry.to_string())).collect()
}

/// How sure it is, if it is so, that a side is what a call gives, at all of some sizes.
fn is_form(read: &Text, claim: &Claim, side: &Node, call: &str, sizes: &[Sizes], run: &Run) -> Option<&'static str> {
    let call = expression(call)?;
    let claim = Claim { left: side.clone(), sign: Comparison::Equal, right: call, ..claim.clone() };
    let wanted = sizes::sizes_of(read, &claim, &sizes::used(read, &claim));
    let mut instances: Vec<Instance> = Vec::new();
    for sizes in sizes {
        if !wanted.iter().all(|name| sizes.contains_key(name)) {
            return None;
        }
        instances.extend(stated::instances(read, &claim, sizes, run).ok()?.into_iter().map(|at| at.instance));
    }
    if instances.is_empty() { None } else { confirmed(&instances, run) }
}

/// A text of one expression.
fn expression(text: &str) -> Option<Node> {
    match statements(&format!("{text} == 0")).ok()?.pop()? {
        Statement::Compared { mut sides, .. } if !sides.is_empty() => Some(sides.remove(0)),
        _ => None,
    }
}
