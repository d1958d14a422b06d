//! Texts and numbers in the form in which the page and the terminal show them.
//!
//! It must not know: what a text or a number is about.

use std::fmt::{Display, Write};

/// Text as it may stand between tags and in quoted attributes.
pub(super) fn escaped(text: impl Display) -> String {
    let mut safe = String::new();
    for character in text.to_string().chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// A template with each `{{name}}` replaced by its value. What a value has of `{{` stays as it is.
pub(super) fn filled(template: &str, values: &[(&str, String)]) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, following)) = after.split_once("}}") else { break };
        let value = values.iter().find(|(known, _)| *known == name);
        let (_, value) = value.unwrap_or_else(|| panic!("the template has a place for {name}"));
        filled.push_str(before);
        filled.push_str(value);
        rest = following;
    }
    filled + rest
}

/// A row of a table; the first cell is its heading.
pub(super) fn row(class: &str, cells: &[String]) -> String {
    let mut row = format!("<tr class=\"{class}\">");
    for (place, cell) in cells.iter().enumerate() {
        let cell = escaped(cell);
        // Writing to a string does not fail.
        let _ = match place {
            0 => write!(row, "<th scope=\"row\">{cell}</th>"),
            _ => write!(row, "<td>{cell}</td>"),
        };
    }
    row + "</tr>\n"
}

pub(super) fn milliseconds(time_us: u64) -> String {
    format!("{}.{}", time_us / 1_000, time_us % 1_000 / 100)
}

pub(super) fn seconds(time_us: u64) -> String {
    format!("{}.{}", time_us / 1_000_000, time_us % 1_000_000 / 100_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        assert_eq!(escaped(r#"<a b="c">&'"#), "&lt;a b=&quot;c&quot;&gt;&amp;&#39;");
        let values = [("a", "{{b}}".to_owned()), ("b", "x".to_owned())];
        assert_eq!(filled("{{a}}-{{b}}-{{a}}{", &values), "{{b}}-x-{{b}}{");
    }
}
