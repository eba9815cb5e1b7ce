//! A document as Markdown, with mathematics between `$$` and folds as HTML, as GitHub shows them.

use super::{Block, Figure, Fold, Inline, Picture, Table, anchor_of_picture, verdict_name};

/// A document; `pictures` is the folder that its pictures are in.
pub fn markdown(blocks: &[Block], pictures: &str) -> String {
    let mut out = String::new();
    for part in blocks {
        block(&mut out, part, pictures);
    }
    // one empty line between parts, one line end at the end
    while out.contains("\n\n\n") {
        out = out.replace("\n\n\n", "\n\n");
    }
    format!("{}\n", out.trim())
}

fn block(out: &mut String, part: &Block, pictures: &str) {
    match part {
        Block::Heading { level, anchor, text } => {
            let marks = "#".repeat(usize::from(*level));
            *out += &format!("\n<a id=\"{}\"></a>\n\n{marks} {}\n\n", attribute(anchor), plain(text));
        }
        Block::Paragraph(words) => *out += &format!("\n{}\n\n", line(words)),
        Block::Equations { latex, .. } => latex.iter().for_each(|x| *out += &format!("\n$$\n{x}\n$$\n\n")),
        Block::Listing(text) => *out += &format!("\n{}\n\n", fenced(text)),
        Block::List(lines) => {
            out.push('\n');
            lines.iter().for_each(|words| *out += &format!("- {}\n", line(words)));
            out.push('\n');
        }
        Block::Steps(steps) => {
            for (i, step) in steps.iter().enumerate() {
                let inside = markdown(step, pictures);
                let mark = format!("{}. ", i + 1);
                *out +=
                    &format!("\n{mark}{}\n", inside.trim_end().replace('\n', &format!("\n{}", " ".repeat(mark.len()))));
            }
            out.push('\n');
        }
        Block::Table(content) => table(out, content),
        Block::Picture(Picture { name, alternative, caption, .. }) => {
            *out += &format!(
                "\n<a id=\"{}\"></a>\n\n![{}]({pictures}/{name}.svg)\n\n{}\n\n",
                anchor_of_picture(name),
                plain(alternative),
                line(caption)
            );
        }
        Block::Fold(Fold { anchor, summary, inside }) => {
            let id = anchor.as_ref().map(|anchor| format!(" id=\"{}\"", attribute(anchor))).unwrap_or_default();
            let summary: String = summary.iter().map(in_html).collect();
            *out += &format!(
                "\n<details{id}><summary>{summary}</summary>\n\n{}\n</details>\n\n",
                markdown(inside, pictures)
            );
        }
        Block::Figures(figures) => {
            let figures: Vec<String> =
                figures.iter().map(|Figure { number, of }| format!("**{number}** {}", line(of))).collect();
            *out += &format!("\n{}\n\n", figures.join(" · "));
        }
    }
}

/// A listing between more backticks than it has in a row.
fn fenced(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}", text.trim_end())
}

fn table(out: &mut String, Table { head, numeric, rows }: &Table) {
    let rule = |i: usize| if numeric.get(i).copied().unwrap_or_default() { "---:" } else { "---" };
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let cell = |words: &super::Line| line(words).replace('|', "\\|");
    out.push('\n');
    *out += &row(&head.iter().map(|name| plain(name)).collect::<Vec<_>>());
    *out += &row(&(0..head.len()).map(|i| rule(i).to_string()).collect::<Vec<_>>());
    rows.iter().for_each(|cells| *out += &row(&cells.iter().map(cell).collect::<Vec<_>>()));
    out.push('\n');
}

fn line(words: &[Inline]) -> String {
    words.iter().map(inline).collect::<String>().replace('\n', " ")
}

fn inline(part: &Inline) -> String {
    match part {
        Inline::Text(words) | Inline::Foreign(_, words) => plain(words),
        Inline::Strong(words) => format!("**{}**", plain(words)),
        Inline::Code(words) => match words.contains('`') {
            true => format!("`` {words} ``"),
            false => format!("`{words}`"),
        },
        Inline::Verdict(verdict) => format!("**{}**", verdict_name(*verdict)),
        Inline::Reference { anchor, text } => format!("[{}](#{})", plain(text), attribute(anchor)),
        Inline::Address { to, text } => format!("[{}]({})", plain(text), to.replace(')', "%29")),
    }
}

/// Words without a meaning in Markdown.
fn plain(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '*' | '_' | '[' | ']' | '`' | '\\' | '$' | '~' | '#' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

/// The same in HTML, where Markdown has no meaning.
fn in_html(part: &Inline) -> String {
    let escaped = |words: &str| words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    match part {
        Inline::Text(words) | Inline::Foreign(_, words) => escaped(words),
        Inline::Strong(words) => format!("<b>{}</b>", escaped(words)),
        Inline::Code(words) => format!("<code>{}</code>", escaped(words)),
        Inline::Verdict(verdict) => format!("<b>{}</b>", verdict_name(*verdict)),
        Inline::Reference { anchor, text } => format!("<a href=\"#{}\">{}</a>", attribute(anchor), escaped(text)),
        Inline::Address { to, text } => format!("<a href=\"{}\">{}</a>", attribute(to), escaped(text)),
    }
}

fn attribute(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::document::{code, text, words};

    #[test]
    fn words_keep_their_meaning() {
        let blocks = [Block::Paragraph(vec![text("a_b * [i = y] < 1 & |x| $"), code("z[i]")])];
        assert_eq!(markdown(&blocks, "."), "a\\_b \\* \\[i = y\\] &lt; 1 &amp; |x| \\$`z[i]`\n");
    }

    #[test]
    fn a_bar_does_not_end_a_cell() {
        let content = Table { head: vec!["x".into()], numeric: vec![true], rows: vec![vec![words("|g|")]] };
        assert_eq!(markdown(&[Block::Table(content)], "."), "| x |\n| ---: |\n| \\|g\\| |\n");
    }

    #[test]
    fn a_listing_cannot_leave_its_fence() {
        let text = markdown(&[Block::Listing("```\nx".into())], ".");
        assert_eq!(text, "````text\n```\nx\n````\n");
    }

    #[test]
    fn a_step_is_indented_under_its_number() {
        let step = vec![Block::Paragraph(words("why")), Block::Listing("a == b".into())];
        assert_eq!(markdown(&[Block::Steps(vec![step])], "."), "1. why\n   \n   ```text\n   a == b\n   ```\n");
    }
}
