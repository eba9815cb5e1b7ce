//! A document before it has a form: what the page, the Markdown and the terminal show alike.

pub mod html;
pub mod markdown;
#[cfg(feature = "cli")]
pub mod plain;

use crate::claim::Verdict;

/// A piece of a line.
#[derive(Clone, Debug, PartialEq)]
pub enum Inline {
    /// Words.
    Text(String),
    /// Words that carry weight.
    Strong(String),
    /// Words in another language than English: its tag and the words.
    Foreign(&'static str, String),
    /// Something that is typed or stored as it stands.
    Code(String),
    /// What a claim came to.
    Verdict(Verdict),
    /// A place in this document, by its anchor.
    Reference {
        /// The anchor.
        anchor: String,
        /// The words.
        text: String,
    },
    /// An address outside.
    Address {
        /// The address.
        to: String,
        /// The words.
        text: String,
    },
}

/// A line of text.
pub type Line = Vec<Inline>;

/// Words, from anything that is text.
pub fn text(words: impl Into<String>) -> Inline {
    Inline::Text(words.into())
}

/// Words that carry weight.
pub fn strong(words: impl Into<String>) -> Inline {
    Inline::Strong(words.into())
}

/// Something that is typed or stored as it stands.
pub fn code(words: impl Into<String>) -> Inline {
    Inline::Code(words.into())
}

/// A place in this document.
pub fn reference(anchor: impl Into<String>, text: impl Into<String>) -> Inline {
    Inline::Reference { anchor: anchor.into(), text: text.into() }
}

/// A line of words.
pub fn words(words: impl Into<String>) -> Line {
    vec![text(words)]
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// The heading of a section: 1 for the title.
    Heading {
        /// 1 to 4.
        level: u8,
        /// Where links lead.
        anchor: String,
        /// The words.
        text: String,
    },
    /// A paragraph.
    Paragraph(Line),
    /// An equation set as mathematics; the plain form is for where there is no LaTeX.
    Equations {
        /// In LaTeX, an equation to a line.
        latex: Vec<String>,
        /// In Unicode text; empty where a terminal needs none.
        plain: String,
    },
    /// Text as it stands.
    Listing(String),
    /// Points without an order.
    List(Vec<Line>),
    /// Steps in their order.
    Steps(Vec<Vec<Block>>),
    /// A table.
    Table(Table),
    /// A picture.
    Picture(Picture),
    /// What is shown when it is asked for.
    Fold(Fold),
    /// Numbers with what they count, side by side.
    Figures(Vec<Figure>),
}

/// A table; the first column names its row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The names of the columns.
    pub head: Vec<String>,
    /// Whether the column is of numbers.
    pub numeric: Vec<bool>,
    /// The rows.
    pub rows: Vec<Vec<Line>>,
}

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// The name of its file.
    pub name: String,
    /// The picture, as SVG.
    pub svg: String,
    /// What it shows, for who cannot see it.
    pub alternative: String,
    /// What is said under it.
    pub caption: Line,
}

/// What is shown when it is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Fold {
    /// Where links lead.
    pub anchor: Option<String>,
    /// What is always shown.
    pub summary: Line,
    /// The rest.
    pub inside: Vec<Block>,
}

/// A number with what it counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The number.
    pub number: usize,
    /// What it counts.
    pub of: Line,
}

/// The name of a verdict.
pub fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Proved => "proved",
        Verdict::Verified => "verified",
        Verdict::Refuted => "refuted",
        Verdict::Undecided => "undecided",
    }
}

/// The line without its form.
pub fn bare(line: &[Inline]) -> String {
    line.iter()
        .map(|part| match part {
            Inline::Text(words) | Inline::Strong(words) | Inline::Code(words) | Inline::Foreign(_, words) => words,
            Inline::Verdict(verdict) => verdict_name(*verdict),
            Inline::Reference { text, .. } | Inline::Address { text, .. } => text,
        })
        .collect()
}

/// Where links to a picture lead.
pub fn anchor_of_picture(name: &str) -> String {
    format!("picture-{name}")
}
