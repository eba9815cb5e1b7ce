//! A text as tokens.

use super::unusable::{Span, Unusable};
use num_bigint::BigInt;
use num_rational::BigRational;

/// A word, a number or a sign.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Name(String),
    Number(BigRational),
    Sign(&'static str),
    /// "an option"
    Word(String),
    /// The end of a statement.
    End,
}

/// A token with its place.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub token: Token,
    pub at: Span,
}

/// Signs, longer ones first, with what they mean.
const SIGNS: &[(&str, &str)] = &[
    ("==", "=="),
    ("!=", "!="),
    ("<=", "<="),
    (">=", ">="),
    ("**", "^"),
    ("..", ".."),
    (".", "."),
    ("≤", "<="),
    ("≥", ">="),
    ("≠", "!="),
    ("−", "-"),
    ("·", "*"),
    ("<", "<"),
    (">", ">"),
    ("=", "="),
    ("+", "+"),
    ("-", "-"),
    ("*", "*"),
    ("/", "/"),
    ("^", "^"),
    ("(", "("),
    (")", ")"),
    ("[", "["),
    ("]", "]"),
    (",", ","),
    (":", ":"),
    ("~", "~"),
];

/// Longer texts are not read: the longest derivation that somebody wrote by hand is far below.
pub(super) const LONGEST_TEXT: usize = 1 << 16;

/// A number is at most this many digits long, and its exponent of ten at most this large.
const LONGEST_NUMBER: usize = 60;
const LARGEST_EXPONENT: u32 = 400;

/// The tokens of a text. A line ends a statement unless a bracket is open.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, Unusable> {
    if text.len() > LONGEST_TEXT {
        let label = format!("it has {} bytes", text.len());
        return Err(Unusable::new("the text is too long", 0..0, label).help(format!("at most {LONGEST_TEXT} bytes")));
    }
    let mut found = Vec::new();
    let mut open: Vec<Placed> = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let after = at + first.len_utf8();
        if first == '#' {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if first == '\n' || first == ';' {
            if first == ';' && !open.is_empty() {
                return Err(unclosed(&open, at..after));
            }
            if open.is_empty() {
                found.push(Placed { token: Token::End, at: at..after });
            }
            at = after;
        } else if first.is_whitespace() {
            at = after;
        } else if first.is_ascii_digit() {
            let (value, length) = number(rest, at)?;
            at += length;
            if let Some(next) = text[at..].chars().next().filter(|c| c.is_alphabetic() || *c == '_') {
                let label = format!("{next:?} follows a number");
                return Err(Unusable::new("a product needs its sign", at - length..at + next.len_utf8(), label)
                    .help("write `2 * x` for two times x"));
            }
            found.push(Placed { token: Token::Number(value), at: at - length..at });
        } else if first.is_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '\'')).unwrap_or(rest.len());
            found.push(Placed { token: Token::Name(rest[..length].to_string()), at: at..at + length });
            at += length;
        } else if first == '"' {
            let end = rest[1..].find(['"', '\n']).filter(|&end| rest[1 + end..].starts_with('"'));
            let Some(end) = end else {
                return Err(Unusable::new("an open word", at..after, "it is not closed in this line"));
            };
            found.push(Placed { token: Token::Word(rest[1..=end].to_string()), at: at..at + end + 2 });
            at += end + 2;
        } else {
            let Some((written, sign)) = SIGNS.iter().find(|(written, _)| rest.starts_with(written)) else {
                return Err(Unusable::new("an unknown character", at..after, format!("{first:?}"))
                    .help("names, numbers, and + - * / ^ ( ) [ ] == <= < >= > = : , ; ~ #"));
            };
            let placed = Placed { token: Token::Sign(sign), at: at..at + written.len() };
            match *sign {
                "(" | "[" => open.push(placed.clone()),
                ")" | "]" => {
                    let opened = if *sign == ")" { "(" } else { "[" };
                    if open.pop().is_none_or(|last| last.token != Token::Sign(opened)) {
                        let label = format!("no `{opened}` is open here");
                        return Err(Unusable::new("a bracket that does not fit", placed.at, label));
                    }
                }
                _ => {}
            }
            at += written.len();
            found.push(placed);
        }
    }
    if !open.is_empty() {
        return Err(unclosed(&open, text.len()..text.len()));
    }
    found.push(Placed { token: Token::End, at: text.len()..text.len() });
    Ok(found)
}

fn unclosed(open: &[Placed], end: Span) -> Unusable {
    let last = open.last().map_or(end, |last| last.at.clone());
    Unusable::new("an open bracket", last, "it is not closed")
}

/// The number that a text begins with, and its length. A decimal is the rational number that it spells.
fn number(text: &str, at: usize) -> Result<(BigRational, usize), Unusable> {
    let digits = |from: usize| text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(0);
    let mut length = whole;
    let mut fraction = 0;
    if text[length..].starts_with('.') && digits(length + 1) > 0 {
        fraction = digits(length + 1);
        length += 1 + fraction;
    }
    let mantissa = length;
    let mut exponent = Some(0i64);
    if text[length..].starts_with(['e', 'E']) {
        let signed = usize::from(text[length + 1..].starts_with(['+', '-']));
        let power = digits(length + 1 + signed);
        if power > 0 {
            let end = length + 1 + signed + power;
            exponent = text[length + 1..end].parse().ok();
            length = end;
        }
    }
    let large = || {
        let help = format!("at most {LONGEST_NUMBER} digits, and powers of ten up to {LARGEST_EXPONENT}");
        Unusable::new("a number that is too large", at..at + length, "it would be very long").help(help)
    };
    let exponent = exponent.filter(|e| e.unsigned_abs() <= u64::from(LARGEST_EXPONENT)).ok_or_else(large)?;
    if mantissa > LONGEST_NUMBER {
        return Err(large());
    }
    let written: String = text[..mantissa].chars().filter(char::is_ascii_digit).collect();
    let value: BigInt = written.parse().map_err(|_| large())?;
    let shift = exponent - fraction as i64;
    let power = num_traits::pow(BigInt::from(10), shift.unsigned_abs() as usize);
    let value = if shift < 0 { BigRational::new(value, power) } else { BigRational::from_integer(value * power) };
    Ok((value, length))
}
