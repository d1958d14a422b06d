//! What a schema says of a value besides its fields: its type and its limits, in words.
//!
//! It must not know where the value stands.

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;
use ticketboss_runtime::text::grouped;
use utoipa::openapi::schema::Schema;

use crate::http::kernel::kinds::NOT_BLANK;

/// The keywords of a schema that say something of one value.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Rules {
    r#type: Option<OneOrMore>,
    format: Option<String>,
    #[serde(rename = "enum")]
    choice: Vec<Value>,
    minimum: Option<u64>,
    maximum: Option<u64>,
    min_length: Option<u64>,
    max_length: Option<u64>,
    pattern: Option<String>,
    max_properties: Option<u64>,
    property_names: Option<Box<Rules>>,
    additional_properties: Option<Others>,
    content_encoding: Option<String>,
    default: Option<Value>,
    pub(crate) examples: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// What else an object may have.
#[derive(Deserialize)]
#[serde(untagged)]
enum Others {
    Any(bool),
    Of(Box<Rules>),
}

impl Rules {
    /// The rules of a schema.
    pub(crate) fn of(schema: &Schema) -> Self {
        let told = serde_json::to_value(schema).and_then(serde_json::from_value);
        told.expect("the keywords of a schema are those of JSON Schema")
    }

    /// `string`, `integer or null`, `string, date-time`.
    pub(crate) fn kind(&self) -> String {
        let words = match &self.r#type {
            Some(OneOrMore::One(word)) => word.clone(),
            Some(OneOrMore::More(words)) => words.join(" or "),
            None => "anything".to_owned(),
        };
        match &self.format {
            // How many bits somebody else would need says nothing of a number in JSON.
            Some(format) if !format.starts_with("int") => format!("{words}, {format}"),
            _ => words,
        }
    }

    /// Whether a field that is not described is refused.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.additional_properties, Some(Others::Any(false)))
    }

    /// How many words there are to choose from, if it is a choice.
    pub(crate) fn words(&self) -> usize {
        self.choice.len()
    }

    /// What is not so by the type alone.
    pub(crate) fn limits(&self) -> Vec<Markup> {
        let mut limits = Vec::new();
        match self.choice.as_slice() {
            [] => {}
            [word] => limits.push(html! { "always " (code(word)) }),
            words => limits.push(html! { "one of " (listed(words)) }),
        }
        limits.extend(range(self.minimum, self.maximum, ""));
        limits.extend(range(self.min_length, self.max_length, " characters"));
        match self.pattern.as_deref() {
            None => {}
            Some(NOT_BLANK) => limits.push(html! { "not blank" }),
            Some(pattern) => limits.push(html! { "matches " code { (pattern) } }),
        }
        limits.extend(range(None, self.max_properties, " entries"));
        limits.extend(self.free_names());
        limits.extend(self.content_encoding.as_ref().map(|encoding| html! { (encoding) }));
        if let Some(value) = &self.default {
            limits.push(html! { (code(value)) " where it is missing" });
        }
        if !self.examples.is_empty() {
            limits.push(html! { "such as " (listed(&self.examples)) });
        }
        limits
    }

    /// How long names and texts may be in an object whose names are free.
    fn free_names(&self) -> Option<Markup> {
        let Some(Others::Of(values)) = &self.additional_properties else { return None };
        let names = self.property_names.as_ref()?;
        let names = range(names.min_length, names.max_length, " characters")?;
        let values = range(values.min_length, values.max_length, " characters")?;
        Some(html! { "names of " (names) ", values of " (values) })
    }
}

fn listed(values: &[Value]) -> Markup {
    html! {
        @for (index, value) in values.iter().enumerate() {
            @if index > 0 { ", " }
            (code(value))
        }
    }
}

fn code(value: &Value) -> Markup {
    html! { code { @if let Some(text) = value.as_str() { (text) } @else { (value) } } }
}

fn range(least: Option<u64>, most: Option<u64>, unit: &str) -> Option<Markup> {
    let (least, most) = (least.map(grouped), most.map(grouped));
    match (least, most) {
        (Some(least), Some(most)) if least == most => Some(html! { (least) (unit) }),
        (Some(least), Some(most)) => Some(html! { (least) " to " (most) (unit) }),
        (Some(least), None) => Some(html! { "at least " (least) (unit) }),
        (None, Some(most)) => Some(html! { "at most " (most) (unit) }),
        (None, None) => None,
    }
}
