//! Examples: JSON in the order in which fields are described, and a command that asks for it.
//!
//! A test runs every command that is shown. It must not know how anything is shown.

use serde_json::{Map, Value};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::{RefOr, Required};

use super::reader::{Endpoint, Reader, SchemaOrRef};
use super::rules::Rules;
use crate::http::describe::parameters::IDEMPOTENCY_KEY;

/// Where a server listens if nobody says otherwise.
pub(crate) const SERVER: &str = "http://127.0.0.1:8000";
/// What asks for a WebSocket (RFC 6455, section 1.2).
const UPGRADE: [&str; 4] = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];
/// What is at most this long stays in one line.
const LINE_CHARS_MAX: usize = 60;
const INDENT: &str = "  ";

/// JSON as people read it.
pub(crate) fn pretty(reader: Reader<'_>, value: &Value, schema: Option<&SchemaOrRef>) -> String {
    let writer = Writer { reader, layout: Layout::Lines };
    writer.text(value, schema, 0)
}

/// JSON in one line.
fn compact(reader: Reader<'_>, value: &Value, schema: Option<&SchemaOrRef>) -> String {
    let writer = Writer { reader, layout: Layout::OneLine };
    writer.text(value, schema, 0)
}

#[derive(Clone, Copy)]
struct Writer<'a> {
    reader: Reader<'a>,
    layout: Layout,
}

#[derive(Clone, Copy)]
enum Layout {
    OneLine,
    Lines,
}

impl<'a> Writer<'a> {
    fn text(self, value: &Value, schema: Option<&'a SchemaOrRef>, depth: usize) -> String {
        let items = schema.and_then(|schema| self.reader.items(schema));
        let parts = match value {
            Value::Object(fields) => self.fields(fields, schema, depth),
            Value::Array(values) => {
                values.iter().map(|value| self.text(value, items, depth + 1)).collect::<Vec<_>>()
            }
            scalar => return scalar.to_string(),
        };
        let (open, close) = if value.is_object() { ('{', '}') } else { ('[', ']') };
        self.bracketed(open, &parts, close, depth)
    }

    fn fields(
        self,
        fields: &Map<String, Value>,
        schema: Option<&'a SchemaOrRef>,
        depth: usize,
    ) -> Vec<String> {
        let mut described = schema.map_or(Vec::new(), |schema| self.reader.fields(schema));
        described.sort_by_key(|field| field.presence);
        let place = |name: &str| described.iter().position(|field| field.name == name);
        let mut sorted = fields.iter().collect::<Vec<_>>();
        sorted.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
        let space = self.space();
        let text = |(name, value): (&String, &Value)| {
            let described = described.iter().find(|field| field.name == name);
            let inner = self.text(value, described.map(|field| field.schema), depth + 1);
            format!("{}:{space}{inner}", Value::from(name.as_str()))
        };
        sorted.into_iter().map(text).collect()
    }

    fn space(self) -> &'static str {
        match self.layout {
            Layout::OneLine => "",
            Layout::Lines => " ",
        }
    }

    fn bracketed(self, open: char, parts: &[String], close: char, depth: usize) -> String {
        let space = self.space();
        let inline = format!("{open}{}{close}", parts.join(&format!(",{space}")));
        let is_short = inline.chars().count() <= LINE_CHARS_MAX && !inline.contains('\n');
        if matches!(self.layout, Layout::OneLine) || (depth > 0 && is_short) || parts.is_empty() {
            return inline;
        }
        let indent = INDENT.repeat(depth);
        let lines = parts.join(&format!(",\n{indent}{INDENT}"));
        format!("{open}\n{indent}{INDENT}{lines}\n{indent}{close}")
    }
}

/// The command that does what is described.
pub(crate) fn curl(reader: Reader<'_>, endpoint: &Endpoint<'_>) -> String {
    let answers = &endpoint.operation.responses.responses;
    let answers_with = |media_type: &str| {
        answers.values().any(|answer| reader.response(answer).content.contains_key(media_type))
    };
    let mut words = vec!["curl".to_owned()];
    if answers.contains_key("101") || answers_with("text/event-stream") {
        words.push("-N".to_owned());
    }
    if answers.contains_key("101") || answers.contains_key("204") {
        words.push("-i".to_owned());
    }
    if endpoint.method != "GET" && endpoint.method != "POST" {
        words.push(format!("-X {}", endpoint.method));
    }
    words.push(format!("{SERVER}{}", path(reader, endpoint)));
    let mut lines = vec![words.join(" ")];
    lines.extend(headers(reader, endpoint).iter().map(|header| format!("-H {}", quoted(header))));
    lines.extend(body(reader, endpoint).map(|body| format!("-d {}", quoted(&body))));
    lines.join(" \\\n  ")
}

fn body(reader: Reader<'_>, endpoint: &Endpoint<'_>) -> Option<String> {
    let Some(RefOr::T(body)) = &endpoint.operation.request_body else { return None };
    let content = reader.content(body.content.get("application/json")?);
    let (example, schema) = (content.example.as_ref()?, content.schema.as_ref());
    let inline = compact(reader, example, schema);
    let is_short = inline.chars().count() <= LINE_CHARS_MAX;
    Some(if is_short { inline } else { pretty(reader, example, schema) })
}

/// The path with an example in the place of each variable.
fn path(reader: Reader<'_>, endpoint: &Endpoint<'_>) -> String {
    let mut path = endpoint.path.to_owned();
    for parameter in reader.parameters(endpoint.operation) {
        if parameter.parameter_in == ParameterIn::Path {
            path = path.replace(&format!("{{{}}}", parameter.name), &example(reader, parameter));
        }
    }
    path
}

fn headers(reader: Reader<'_>, endpoint: &Endpoint<'_>) -> Vec<String> {
    let mut headers = Vec::new();
    for parameter in reader.parameters(endpoint.operation) {
        let is_header = parameter.parameter_in == ParameterIn::Header;
        if parameter.name == IDEMPOTENCY_KEY.key {
            // A key is of one operation, so that each command has its own.
            headers.push(format!("{}: {}-1", parameter.name, endpoint.id()));
        } else if is_header && parameter.required == Required::True {
            headers.push(format!("{}: {}", parameter.name, example(reader, parameter)));
        }
    }
    if endpoint.operation.request_body.is_some() {
        headers.push("Content-Type: application/json".to_owned());
    }
    if endpoint.operation.responses.responses.contains_key("101") {
        headers.extend(UPGRADE.map(str::to_owned));
    }
    headers
}

/// The first example of a parameter, as it stands in a request.
fn example(reader: Reader<'_>, parameter: &Parameter) -> String {
    let rules = parameter.schema.as_ref().map(|schema| Rules::of(reader.schema(schema)));
    match rules.as_ref().and_then(|rules| rules.examples.first()) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => format!("{{{}}}", parameter.name),
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
