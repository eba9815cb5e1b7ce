//! A document for a terminal.

use super::{Block, Figure, Fold, Inline, Line, Table, bare};
use comfy_table::{CellAlignment, ContentArrangement, presets};

/// A document in lines of at most so many characters; words that are longer stand alone.
pub fn plain(blocks: &[Block], width: u16) -> String {
    let mut out = String::new();
    blocks.iter().for_each(|part| block(&mut out, part, usize::from(width), 0));
    out
}

fn block(out: &mut String, part: &Block, width: usize, indent: usize) {
    match part {
        Block::Heading { level, text, .. } => {
            let rule = if *level <= 2 { "=" } else { "-" };
            let heading = format!("\n{text}\n{}", rule.repeat(text.chars().count().min(width)));
            put(out, &heading, indent);
            out.push('\n');
        }
        Block::Paragraph(words) => {
            put(out, &wrapped(&shown(words), width.saturating_sub(indent)), indent);
            out.push('\n');
        }
        Block::Equations { plain, .. } if plain.is_empty() => {}
        Block::Equations { plain, .. } => {
            plain.split(";  ").for_each(|equation| put(out, equation.trim(), indent + 4));
            out.push('\n');
        }
        Block::Listing(text) => {
            put(out, text.trim_end(), indent + 4);
            out.push('\n');
        }
        Block::List(lines) => {
            lines.iter().for_each(|words| item(out, "- ", &shown(words), width, indent));
            out.push('\n');
        }
        Block::Steps(steps) => {
            for (i, step) in steps.iter().enumerate() {
                let mut inside = String::new();
                step.iter().for_each(|part| block(&mut inside, part, width.saturating_sub(indent + 4), 0));
                let mark = format!("{:>2}. ", i + 1);
                let text = inside.trim_end().replace('\n', "\n    ");
                put(out, &format!("{mark}{text}"), indent);
                out.push('\n');
            }
        }
        Block::Table(content) => put(out, &table(content, width.saturating_sub(indent)), indent),
        Block::Picture(picture) => {
            let said = format!("Picture: {} (gradproof plot {})", picture.alternative, picture.name);
            item(out, "", &said, width, indent);
            out.push('\n');
        }
        Block::Fold(Fold { summary, inside, .. }) => {
            item(out, "* ", &shown(summary), width, indent);
            inside.iter().for_each(|part| block(out, part, width, indent + 4));
        }
        Block::Figures(figures) => {
            let figures: Vec<String> =
                figures.iter().map(|Figure { number, of }| format!("{number} {}", bare(of))).collect();
            put(out, &wrapped(&figures.join(", "), width.saturating_sub(indent)), indent);
            out.push('\n');
        }
    }
}

/// A line with the addresses that a terminal cannot hide behind words.
fn shown(words: &Line) -> String {
    let part = |part: &Inline| match part {
        Inline::Address { to, text } if to != text => format!("{text} <{to}>"),
        other => bare(std::slice::from_ref(other)),
    };
    words.iter().map(part).collect()
}

fn item(out: &mut String, mark: &str, text: &str, width: usize, indent: usize) {
    let lines = wrapped(text, width.saturating_sub(indent + mark.len()));
    put(out, &format!("{mark}{}", lines.replace('\n', &format!("\n{}", " ".repeat(mark.len())))), indent);
}

fn put(out: &mut String, text: &str, indent: usize) {
    for line in text.split('\n') {
        out.push_str(format!("{}{line}", " ".repeat(indent)).trim_end());
        out.push('\n');
    }
}

fn wrapped(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("there is a line from the start");
        if last.is_empty() {
            last.push_str(word);
        } else if last.chars().count() + 1 + word.chars().count() <= width {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_string());
        }
    }
    lines.join("\n")
}

fn table(Table { head, numeric, rows }: &Table, width: usize) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX)).set_header(head);
    rows.iter().for_each(|row| {
        table.add_row(row.iter().map(shown));
    });
    for (i, column) in table.column_iter_mut().enumerate() {
        if numeric.get(i).copied().unwrap_or_default() {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}
