//! The sections of the evidence, as parts of a document.

pub mod claims;
pub mod first;
pub mod formula;
pub mod gallery;
pub mod questions;

use crate::report::document::{Inline, Picture, anchor_of_picture, reference};

/// The anchor of a claim.
fn anchor_of_claim(id: &str) -> String {
    format!("claim-{}", id.replace('/', "-"))
}

/// The anchor of a formula's section.
fn anchor_of_formula(id: &str) -> String {
    format!("formula-{id}")
}

/// A link to a picture.
pub fn to_picture(picture: &Picture) -> Inline {
    reference(anchor_of_picture(&picture.name), picture.alternative.clone())
}

/// A distance in few characters: "0.5", "12", "3.9e15".
fn distance(ulps: f64) -> String {
    match ulps {
        0.0 => "0".into(),
        x if x < 10.0 => format!("{x:.1}"),
        x if x < 1e5 => format!("{x:.0}"),
        x => format!("{x:.1e}"),
    }
}
