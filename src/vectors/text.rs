//! JSON that a person can read: what fits a line stands on one, and lists of numbers fill lines.

use serde_json::Value;

/// The longest line, in characters, unless a single item is longer.
const LINE: usize = 120;

/// The text of a value.
pub fn tidy(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, 0, &mut out);
    out.push('\n');
    out
}

/// On one line.
fn inline(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) if fields.is_empty() => "{}".into(),
        Value::Object(fields) => {
            let one = |(name, value): (&String, &Value)| format!("{}: {}", Value::from(name.as_str()), inline(value));
            format!("{{ {} }}", fields.iter().map(one).collect::<Vec<_>>().join(", "))
        }
        _ => value.to_string(),
    }
}

/// `indent` is where lines begin, `used` what stands before the value on its own.
fn write(value: &Value, indent: usize, used: usize, out: &mut String) {
    let line = inline(value);
    if indent + used + line.chars().count() < LINE {
        out.push_str(&line);
        return;
    }
    let inner = " ".repeat(indent + 2);
    match value {
        Value::Array(items) => {
            out.push('[');
            let plain = items.iter().all(|item| !item.is_array() && !item.is_object());
            if plain {
                fill(items, &inner, out)
            } else {
                lines(items, indent, &inner, out)
            }
            out.push_str(&format!("\n{}]", " ".repeat(indent)));
        }
        Value::Object(fields) => {
            out.push('{');
            for (i, (name, value)) in fields.iter().enumerate() {
                let name = format!("{}: ", Value::from(name.as_str()));
                out.push_str(&format!("{}\n{inner}{name}", if i > 0 { "," } else { "" }));
                write(value, indent + 2, name.chars().count(), out);
            }
            out.push_str(&format!("\n{}}}", " ".repeat(indent)));
        }
        _ => out.push_str(&line),
    }
}

/// Each item on lines of its own.
fn lines(items: &[Value], indent: usize, inner: &str, out: &mut String) {
    for (i, item) in items.iter().enumerate() {
        out.push_str(&format!("{}\n{inner}", if i > 0 { "," } else { "" }));
        write(item, indent + 2, 0, out);
    }
}

/// As many items to a line as fit.
fn fill(items: &[Value], inner: &str, out: &mut String) {
    let mut used = LINE;
    for (i, item) in items.iter().enumerate() {
        let word = item.to_string();
        let comma = if i > 0 { "," } else { "" };
        if used + word.chars().count() + 3 > LINE {
            out.push_str(&format!("{comma}\n{inner}"));
            used = inner.len();
        } else {
            out.push_str(&format!("{comma} "));
        }
        used += word.chars().count() + 2;
        out.push_str(&word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn short_values_stand_on_a_line_and_long_lists_fill_lines() {
        let value = json!({ "a": [1, 2.5], "b": (0..60).map(|x| f64::from(x) / 8.0).collect::<Vec<_>>(), "c": {} });
        let text = tidy(&value);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        assert!(text.starts_with("{\n  \"a\": [1, 2.5],\n  \"b\": [\n    0.0, 0.125,"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= LINE), "{text}");
        assert_eq!(tidy(&json!({ "a": [1, 2.5] })), "{ \"a\": [1, 2.5] }\n");
    }
}
