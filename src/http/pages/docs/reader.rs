//! The description as it is read: operations in order, references followed, fields of objects.
//!
//! A reference that leads nowhere is a mistake in this program; `tests/it/openapi.rs` looks at each. It
//! must not know how anything is shown.

use utoipa::openapi::content::Content;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, Parameter, PathItem};
use utoipa::openapi::response::Response;
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Components, Schema};
use utoipa::openapi::{OpenApi, RefOr};

/// A schema, or where it stands.
pub(crate) type SchemaOrRef = RefOr<Schema>;

/// The description, to be read.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) document: &'a OpenApi,
}

/// An operation, and where it is.
pub(crate) struct Endpoint<'a> {
    pub(crate) method: &'static str,
    pub(crate) path: &'a str,
    pub(crate) operation: &'a Operation,
}

impl<'a> Endpoint<'a> {
    /// What it is called, here and in programs.
    pub(crate) fn id(&self) -> &'a str {
        self.operation.operation_id.as_deref().unwrap_or_default()
    }

    /// What it does, in a few words.
    pub(crate) fn summary(&self) -> &'a str {
        self.operation.summary.as_deref().unwrap_or_default()
    }
}

/// A field of an object.
pub(crate) struct Field<'a> {
    pub(crate) name: &'a str,
    pub(crate) schema: &'a SchemaOrRef,
    pub(crate) presence: Presence,
}

/// Whether something has to be there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Presence {
    Required,
    Optional,
}

impl<'a> Reader<'a> {
    /// What operations share.
    pub(crate) fn shared(self) -> &'a Components {
        self.document.components.as_ref().expect("the document has components")
    }

    /// The operations of a tag, in the order of the route table.
    pub(crate) fn operations(self, tag: &str) -> Vec<Endpoint<'a>> {
        let mut found = Vec::new();
        for (path, item) in &self.document.paths.paths {
            for (method, operation) in methods(item) {
                let is_tagged = |tags: &Vec<String>| tags.iter().any(|name| name == tag);
                if operation.tags.as_ref().is_some_and(is_tagged) {
                    found.push(Endpoint { method, path, operation });
                }
            }
        }
        found
    }

    /// An operation's parameters: of the path, of the query, and headers.
    pub(crate) fn parameters(self, operation: &'a Operation) -> Vec<&'a Parameter> {
        let all = operation.parameters.iter().flatten();
        let named = |name: &str| self.shared().parameters.get(name);
        all.map(|parameter| resolved(parameter, named)).collect()
    }

    /// A header of an answer.
    pub(crate) fn header(self, header: &'a RefOr<Header>) -> &'a Header {
        resolved(header, |name| self.shared().headers.get(name))
    }

    /// An answer.
    pub(crate) fn response(self, response: &'a RefOr<Response>) -> &'a Response {
        resolved(response, |name| self.shared().responses.get(name))
    }

    /// A body of one media type.
    pub(crate) fn content(self, content: &'a RefOr<Content>) -> &'a Content {
        resolved(content, |name| self.shared().media_types.get(name))
    }

    /// A schema.
    pub(crate) fn schema(self, schema: &'a SchemaOrRef) -> &'a Schema {
        resolved(schema, |name| self.shared().schemas.get(name))
    }

    /// The fields that an object has by a schema, those that it has from others included; none if it is
    /// no object, or one whose names are free.
    pub(crate) fn fields(self, schema: &'a SchemaOrRef) -> Vec<Field<'a>> {
        match self.schema(schema) {
            Schema::Object(object) => {
                let is_required = |name: &String| object.required.contains(name);
                let field = |(name, schema): (&'a String, &'a SchemaOrRef)| {
                    let required = is_required(name);
                    let presence = if required { Presence::Required } else { Presence::Optional };
                    Field { name, schema, presence }
                };
                object.properties.iter().map(field).collect()
            }
            Schema::AllOf(all) => {
                // What is taken in by name stands first there, and last in what is told.
                let mut parts = all.items.iter().collect::<Vec<_>>();
                parts.sort_by_key(|part| matches!(part, RefOr::Ref(_)));
                parts.into_iter().flat_map(|part| self.fields(part)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What a list is a list of, and what stands under the free names of an object.
    pub(crate) fn items(self, schema: &'a SchemaOrRef) -> Option<&'a SchemaOrRef> {
        match self.schema(schema) {
            Schema::Array(list) => match &list.items {
                ArrayItems::RefOrSchema(items) => Some(items),
                ArrayItems::False => None,
            },
            Schema::Object(object) => match object.additional_properties.as_deref() {
                Some(AdditionalProperties::RefOr(value)) => Some(value),
                _ => None,
            },
            _ => None,
        }
    }

    /// Where on the page, or beside it, a word is explained that is a name of something.
    pub(crate) fn place(self, word: &str) -> Option<String> {
        let shared = self.shared();
        if shared.schemas.contains_key(word) {
            return Some(format!("#schema-{word}"));
        }
        if shared.headers.contains_key(word) {
            return Some(format!("#header-{word}"));
        }
        shared.examples.contains_key(word).then(|| format!("/problems/{word}"))
    }

    /// What is said of a schema where it is used, or of it in general.
    pub(crate) fn about(self, schema: &'a SchemaOrRef) -> &'a str {
        match schema {
            RefOr::Ref(reference) if !reference.description.is_empty() => &reference.description,
            _ => description(self.schema(schema)),
        }
    }
}

/// The last part of where a reference leads: the name of what stands there.
pub(crate) fn name_of<T>(value: &RefOr<T>) -> Option<&str> {
    match value {
        RefOr::Ref(reference) => reference.ref_location.rsplit('/').next(),
        RefOr::T(_) => None,
    }
}

/// What is said of a schema in general.
pub(crate) fn description(schema: &Schema) -> &str {
    let about = match schema {
        Schema::Array(list) => &list.description,
        Schema::Object(object) => &object.description,
        Schema::OneOf(one) => &one.description,
        Schema::AllOf(all) => &all.description,
        Schema::AnyOf(any) => &any.description,
        _ => &None,
    };
    about.as_deref().unwrap_or_default()
}

fn resolved<'a, T>(value: &'a RefOr<T>, named: impl Fn(&str) -> Option<&'a RefOr<T>>) -> &'a T {
    match value {
        RefOr::T(value) => value,
        RefOr::Ref(_) => match name_of(value).and_then(named) {
            Some(RefOr::T(value)) => value,
            _ => unreachable!("what is shared is defined, and is no reference itself"),
        },
    }
}

fn methods(item: &PathItem) -> impl Iterator<Item = (&'static str, &Operation)> {
    let all = [
        ("GET", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}
