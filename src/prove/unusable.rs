//! What is wrong with a text, and where.

use std::ops::Range;

/// A place in a text, in bytes.
pub type Span = Range<usize>;

/// Why a text cannot be decided.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}: {label}")]
pub struct Unusable {
    /// What is wrong.
    pub problem: String,
    /// The bytes of the text that it is about.
    pub at: Span,
    /// What was found there.
    pub label: String,
    /// What would be allowed.
    pub help: Option<String>,
}

impl Unusable {
    /// An error at a place.
    pub(super) fn new(problem: impl Into<String>, at: Span, label: impl Into<String>) -> Unusable {
        Unusable { problem: problem.into(), at, label: label.into(), help: None }
    }

    /// With what would be allowed.
    pub(super) fn help(mut self, help: impl Into<String>) -> Unusable {
        self.help = Some(help.into());
        self
    }

    /// The line of the text, from 1, and the character in it, from 1, at which the place begins.
    pub fn line_and_column(&self, text: &str) -> (usize, usize) {
        let before = text.get(..self.at.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }

    /// The message with the line of the text and a caret under the place. `origin` names the text.
    #[cfg(feature = "cli")]
    pub fn rendered(&self, text: &str, origin: &str) -> String {
        use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
        let snippet = Snippet::source(text)
            .path(origin)
            .annotation(AnnotationKind::Primary.span(self.at.clone()).label(self.label.as_str()));
        let mut group = Level::ERROR.primary_title(self.problem.as_str()).element(snippet);
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        Renderer::plain().render(&[group])
    }
}

/// Of the known names the one that was probably meant.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    // a name of which nothing is left is another name
    let close = |other: &&str| distance(name, other) <= (1 + length / 4).min(length.saturating_sub(1));
    known.filter(close).min_by_key(|other| distance(name, other))
}

/// Characters to insert, remove or replace (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
