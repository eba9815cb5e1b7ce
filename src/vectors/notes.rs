//! What the flags of a file mean.

use super::links;
use super::shown::Wrong;
use super::{Kind, Note};
use crate::error::Error;
use crate::formula::Formula;
use std::collections::BTreeMap;

/// The note of every flag that a case of the formula may have.
pub(super) fn all(formula: &'static Formula) -> BTreeMap<String, Note> {
    let own_page = links::of_formula(formula.id).to_string();
    let mut notes = BTreeMap::new();
    for wrong in Wrong::all(formula) {
        let note = match wrong {
            Wrong::Mistake(mistake) => Note {
                kind: Kind::Mistake,
                meaning: format!("Whoever fails this may have: {}", mistake.meaning),
                source: Some(mistake.source.into()),
                link: links::of_source(mistake.source).unwrap_or_else(|| own_page.clone()),
            },
            Wrong::Handling(handling) => Note {
                kind: Kind::Handling,
                meaning: format!("Whoever fails this may have the formula right, but {}", handling.meaning()),
                source: None,
                link: links::of_handling(handling).map_or_else(|| own_page.clone(), String::from),
            },
        };
        notes.insert(wrong.flag(), note);
    }
    for axis in formula.axes {
        let options: Vec<String> = axis.options.iter().map(|o| format!("{} ({})", o.id, o.meaning)).collect();
        let meaning = format!(
            "Implementations differ in {}, and the case tells which they follow; whoever gives none of the answers \
             follows none: {}",
            axis.id,
            options.join("; ")
        );
        let link = links::of_axis(axis.id).map_or_else(|| own_page.clone(), String::from);
        notes.insert(axis.id.into(), Note { kind: Kind::Convention, meaning, source: None, link });
    }
    for (flag, meaning, link) in REFUSALS {
        let note = Note { kind: Kind::Refusal, meaning: (*meaning).into(), source: None, link: (*link).into() };
        notes.insert((*flag).into(), note);
    }
    notes
}

/// The sorts of input that are refused: what goes wrong for whoever takes them, and where it did.
const REFUSALS: &[(&str, &str, &str)] = &[
    (
        "not-finite",
        "Whoever takes a NaN or an infinity gives it back in everything that depends on it, and in an optimizer's \
         state it stays for ever",
        "https://github.com/pytorch/pytorch/issues/31829",
    ),
    (
        "out-of-domain",
        "Whoever takes a number outside its domain gives numbers that mean nothing, or divides by zero: the formula \
         has no value there",
        "https://github.com/tracel-ai/burn/issues/614",
    ),
    (
        "shapes-disagree",
        "Whoever takes shapes that do not agree pairs numbers that do not belong together, and may not notice",
        "https://github.com/tracel-ai/burn/commit/237ef8e",
    ),
    (
        "division-by-zero",
        "Whoever divides by this zero gives NaN or an infinity, with which training goes on",
        "https://github.com/huggingface/transformers/issues/28835",
    ),
    (
        "overflow",
        "Whoever lets a result leave the range of f64 keeps an infinity in its place",
        "https://github.com/huggingface/candle/issues/2561",
    ),
];

/// The flag of an error that refuses an input for what it says; `None` for one of form.
pub(super) fn refusal(error: &Error) -> Option<&'static str> {
    match error {
        Error::Domain { found, .. } if ["NaN", "inf", "-inf"].contains(&found.as_str()) => Some("not-finite"),
        Error::Domain { .. } => Some("out-of-domain"),
        Error::Shape { .. } => Some("shapes-disagree"),
        Error::DivisionByZero { .. } => Some("division-by-zero"),
        Error::Overflow { .. } => Some("overflow"),
        _ => None,
    }
}
