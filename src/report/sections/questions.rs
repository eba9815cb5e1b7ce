//! The interview questions, with what their answers come to.

use super::{anchor_of_claim, gallery};
use crate::report::Report;
use crate::report::document::{Block, Inline, Line, reference, strong, text, words};
use crate::report::questions::{Part, QUESTIONS, Question};

/// A section for every question.
pub fn sections(report: &Report) -> Vec<Block> {
    let mut blocks = vec![
        Block::Heading { level: 2, anchor: "questions".into(), text: "Five interview questions".into() },
        Block::Paragraph(words(
            "The guide that the catalog started from ends with five questions and their answers. Each is answered here from \
             what was decided, and the guide's answer is gone through part by part.",
        )),
    ];
    QUESTIONS.iter().for_each(|question| blocks.extend(section(question, report)));
    blocks
}

fn section(question: &Question, report: &Report) -> Vec<Block> {
    let mut blocks = vec![
        Block::Heading { level: 3, anchor: question.id.into(), text: format!("{}: {}", question.id, question.asked) },
        Block::Paragraph(vec![Inline::Foreign("zh", question.original.into())]),
        Block::Paragraph(vec![strong("Answer. "), text(question.answer)]),
        Block::List(question.parts.iter().map(|part| line(part, report)).collect()),
    ];
    blocks.extend(question.pictures.iter().filter_map(|name| gallery::one(name, report)));
    blocks
}

/// What was said, what it comes to, and the claims behind it.
fn line(part: &Part, report: &Report) -> Line {
    let mut line = vec![text(format!("“{}” ", part.said))];
    line.push(text(part.comes_to));
    for id in part.claims {
        let Some(claim) = report.evidence.claims.iter().find(|claim| claim.id == *id) else { continue };
        line.extend([
            text(" "),
            Inline::Verdict(claim.verdict),
            text(" "),
            reference(anchor_of_claim(id), *id),
            text(";"),
        ]);
    }
    if let Some(Inline::Text(end)) = line.last_mut()
        && end == ";"
    {
        *end = ".".into();
    }
    line
}
