//! A value as it is shown: its type, its limits, and the fields that it has.
//!
//! It must not know where the value stands.

use maud::{Markup, html};
use utoipa::openapi::schema::Schema;

use super::reader::{Field, Presence, Reader, SchemaOrRef, name_of};
use super::rules::Rules;
use crate::http::pages::html::paragraphs;

/// How deep fields of fields are shown before a link has to do.
const DEPTH_MAX: usize = 3;
/// The most words of a choice that are told where it is used.
const WORDS_MAX: usize = 12;

/// What is said of something.
pub(crate) fn prose(reader: Reader<'_>, text: &str) -> Markup {
    paragraphs(text, &|word| reader.place(word))
}

/// The fields of an object, those that are required first, each with the fields that it has itself down
/// to a depth.
pub(crate) fn fields(reader: Reader<'_>, schema: &SchemaOrRef) -> Markup {
    fields_at(reader, schema, DEPTH_MAX)
}

/// The same, without fields of fields.
pub(crate) fn own_fields(reader: Reader<'_>, schema: &SchemaOrRef) -> Markup {
    fields_at(reader, schema, 0)
}

fn fields_at(reader: Reader<'_>, schema: &SchemaOrRef, depth: usize) -> Markup {
    let mut all = reader.fields(schema);
    all.sort_by_key(|field| field.presence);
    html! {
        dl.fields {
            @for Field { name, schema, presence } in all {
                div {
                    (term(reader, name, schema, presence))
                    dd {
                        (explained(reader, schema))
                        @if depth > 0 { (inner(reader, schema, depth - 1)) }
                    }
                }
            }
        }
    }
}

/// The fields of a field, to be unfolded.
fn inner(reader: Reader<'_>, schema: &SchemaOrRef, depth: usize) -> Markup {
    let object = reader.items(schema).unwrap_or(schema);
    if reader.fields(object).is_empty() {
        return html! {};
    }
    html! {
        details {
            summary { "Fields" @if let Some(name) = name_of(object) { " of " code { (name) } } }
            (fields_at(reader, object, depth))
        }
    }
}

/// A name, its type, and whether it has to be there.
pub(crate) fn term(
    reader: Reader<'_>,
    name: &str,
    schema: &SchemaOrRef,
    presence: Presence,
) -> Markup {
    html! {
        dt {
            code.name { (name) } " "
            span.kind { (kind(reader, schema)) }
            @if presence == Presence::Required { " " span.required { "required" } }
        }
    }
}

/// What a value is, and its limits.
pub(crate) fn explained(reader: Reader<'_>, schema: &SchemaOrRef) -> Markup {
    html! {
        (prose(reader, reader.about(schema)))
        (limits(reader, schema))
    }
}

/// The type of a value, with a link to where it is described.
pub(crate) fn kind(reader: Reader<'_>, schema: &SchemaOrRef) -> Markup {
    let Some(name) = name_of(schema) else { return basic_kind(reader, schema) };
    let is_whole =
        !reader.fields(schema).is_empty() || matches!(reader.schema(schema), Schema::OneOf(_));
    html! {
        // Of an object the name says all; a number or a text is one, whatever it is called.
        @if !is_whole { (basic_kind(reader, schema)) " " }
        a href={ "#schema-" (name) } { (name) }
    }
}

/// The type of a value by its nature.
pub(crate) fn basic_kind(reader: Reader<'_>, schema: &SchemaOrRef) -> Markup {
    match reader.schema(schema) {
        Schema::Array(_) => html! {
            "list" @if let Some(items) = reader.items(schema) { " of " (kind(reader, items)) }
        },
        Schema::OneOf(one) => html! {
            @for (index, item) in one.items.iter().enumerate() {
                @if index > 0 { " or " } (kind(reader, item))
            }
        },
        Schema::AllOf(_) => html! { "object" },
        other => html! { (Rules::of(other).kind()) },
    }
}

/// What is not so by the type alone; of a long choice only where it is defined.
fn limits(reader: Reader<'_>, schema: &SchemaOrRef) -> Markup {
    let rules = Rules::of(reader.schema(schema));
    if rules.words() > WORDS_MAX && name_of(schema).is_some() {
        return html! {};
    }
    let limits = rules.limits();
    html! {
        @if !limits.is_empty() {
            p.limits {
                @for (index, limit) in limits.iter().enumerate() {
                    @if index > 0 { "; " } (limit)
                }
            }
        }
    }
}

/// What a schema says as a whole, besides its fields.
pub(crate) fn of_whole(reader: Reader<'_>, schema: &SchemaOrRef) -> Markup {
    html! {
        p.kind { (basic_kind(reader, schema)) }
        (limits(reader, schema))
        @if Rules::of(reader.schema(schema)).is_closed() {
            p.limits { "A field that is not known is refused." }
        }
    }
}
