//! A document as one page that needs nothing beside it: no network and no script.

use super::{Block, Figure, Fold, Inline, Picture, Table, anchor_of_picture, verdict_name};
use crate::report::mathematics::mathml;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The page's only style.
const STYLE: &str = include_str!("style.css");

/// A page.
pub fn page(title: &str, blocks: &[Block]) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // without it a browser asks for one
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { @for part in blocks { (block(part)) } } }
        }
    };
    markup.into_string()
}

fn block(part: &Block) -> Markup {
    match part {
        Block::Heading { level, anchor, text } => heading(*level, anchor, text),
        Block::Paragraph(words) => html! { p { (line(words)) } },
        Block::Equations { latex, .. } => html! {
            div.equations { @for equation in latex { div.scroll tabindex="0" { (PreEscaped(mathml(equation))) } } }
        },
        Block::Listing(text) => html! { pre tabindex="0" { code { (text) } } },
        Block::List(lines) => html! { ul { @for words in lines { li { (line(words)) } } } },
        Block::Steps(steps) => html! {
            ol.steps { @for step in steps { li { @for part in step { (block(part)) } } } }
        },
        Block::Table(content) => table(content),
        Block::Picture(content) => picture(content),
        Block::Fold(content) => fold(content),
        Block::Figures(figures) => html! {
            ul.figures { @for Figure { number, of } in figures { li { strong { (number) } " " span { (line(of)) } } } }
        },
    }
}

fn heading(level: u8, anchor: &str, text: &str) -> Markup {
    match level {
        1 => html! { h1 id=(anchor) { (text) } },
        2 => html! { h2 id=(anchor) { (text) } },
        3 => html! { h3 id=(anchor) { (text) } },
        _ => html! { h4 id=(anchor) { (text) } },
    }
}

fn table(Table { head, numeric, rows }: &Table) -> Markup {
    let class = |i: usize| numeric.get(i).copied().unwrap_or_default().then_some("number");
    html! {
        div.scroll tabindex="0" {
            table {
                thead { tr { @for (i, name) in head.iter().enumerate() { th scope="col" class=[class(i)] { (name) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (i, cell) in row.iter().enumerate() {
                                @if i == 0 { th scope="row" { (line(cell)) } }
                                @else { td class=[class(i)] { (line(cell)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn picture(Picture { name, svg, alternative, caption }: &Picture) -> Markup {
    html! {
        figure id=(anchor_of_picture(name)) {
            div.picture role="img" tabindex="0" aria-label=(alternative) { (PreEscaped(svg)) }
            figcaption { (line(caption)) }
        }
    }
}

fn fold(Fold { anchor, summary, inside }: &Fold) -> Markup {
    html! {
        details id=[anchor.as_ref()] {
            summary { (line(summary)) }
            div { @for part in inside { (block(part)) } }
        }
    }
}

fn line(words: &[Inline]) -> Markup {
    html! {
        @for part in words {
            @match part {
                Inline::Text(words) => (words),
                Inline::Strong(words) => strong { (words) },
                Inline::Foreign(tag, words) => span lang=(tag) { (words) },
                Inline::Code(words) => code { (words) },
                Inline::Verdict(verdict) => span class={ "verdict " (verdict_name(*verdict)) } { (verdict_name(*verdict)) },
                Inline::Reference { anchor, text } => a href={ "#" (anchor) } { (text) },
                Inline::Address { to, text } => a href=(to) { (text) },
            }
        }
    }
}
