//! How a response is described: what it says, its headers, its body, and what can be done next.
//!
//! It must not know: which operations there are.

use http::StatusCode;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::example::Example;
use utoipa::openapi::link::{Link, LinkBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};

use super::headers::{ALLOW, HeaderKey, REQUEST_ID, RETRY_AFTER};
use crate::http::kernel::kinds::{self, Schemas, add_schema};
use crate::http::kernel::problem::Code;
use crate::http::kernel::request::JSON;

/// An answer, described.
pub(crate) struct ResponseDoc {
    pub(crate) response: ResponseBuilder,
    pub(crate) schemas: Schemas,
}

impl ResponseDoc {
    /// An answer without a body.
    pub(crate) fn empty(about: &str) -> Self {
        let response = ResponseBuilder::new().description(about);
        Self { response, schemas: Schemas::new() }.with(REQUEST_ID)
    }

    /// An answer whose body is a `T` as JSON.
    pub(crate) fn json<T: ToSchema>(about: &str, example: Value) -> Self {
        let mut doc = Self::empty(about).mentions::<T>();
        let content = content(Ref::from_schema_name(T::name()), example);
        doc.response = doc.response.content(JSON, content);
        doc
    }

    /// With the schema of a `T`, which is mentioned by its name.
    pub(crate) fn mentions<T: ToSchema>(mut self) -> Self {
        add_schema::<T>(&mut self.schemas);
        self
    }

    /// With one more form of body.
    pub(crate) fn or(
        mut self,
        media_type: &str,
        schema: impl Into<RefOr<Schema>>,
        example: Value,
    ) -> Self {
        self.response = self.response.content(media_type, content(schema, example));
        self
    }

    /// With a header.
    pub(crate) fn with(mut self, header: HeaderKey) -> Self {
        let reference = Ref::new(format!("#/components/headers/{header}"));
        self.response = self.response.header_ref(header, reference);
        self
    }

    /// With what can be done next, and which part of the answer says where.
    pub(crate) fn leads_to(mut self, operation_id: &str, parameters: &[(&str, &str)]) -> Self {
        let mut link = LinkBuilder::new().operation_id(operation_id);
        for (name, expression) in parameters {
            link = link.parameter(*name, *expression);
        }
        self.response = self.response.link(operation_id, RefOr::<Link>::T(link.build()));
        self
    }
}

/// A problem of one of these codes, which have one status.
pub(crate) fn problem_response(codes: &[Code]) -> Response {
    let status = codes.first().map_or(StatusCode::OK, |code| code.status());
    let names = codes.iter().map(|code| code.as_str()).collect::<Vec<_>>();
    let told = codes.iter().map(|code| format!("`{}`: {}.", code.as_str(), code.title()));
    let narrowed = ObjectBuilder::new()
        .property("code", kinds::one_of(&names))
        .property("status", kinds::integer(status.as_u16().into(), status.as_u16().into()));
    let schema = AllOfBuilder::new().item(Ref::from_schema_name("Problem")).item(narrowed);
    let example = |name: &&str| {
        (
            (*name).to_owned(),
            RefOr::<Example>::Ref(Ref::new(format!("#/components/examples/{name}"))),
        )
    };
    let content = ContentBuilder::new()
        .schema(Some(Schema::from(schema)))
        .examples_from_iter(names.iter().map(example));
    let about = told.collect::<Vec<_>>().join(" ");
    let mut doc = ResponseDoc::empty(&about);
    doc.response = doc.response.content("application/problem+json", content.build());
    if status == Code::Unavailable.status() {
        doc = doc.with(RETRY_AFTER);
    }
    doc.response.build()
}

/// What every path answers to a method that it does not know.
pub(crate) fn method_not_allowed() -> Response {
    let mut response = problem_response(&[Code::MethodNotAllowed]);
    let reference = Ref::new(format!("#/components/headers/{ALLOW}"));
    response.headers.insert(ALLOW.to_owned(), RefOr::Ref(reference));
    response
}

/// A body, and an example of it.
pub(crate) fn content(schema: impl Into<RefOr<Schema>>, example: Value) -> Content {
    ContentBuilder::new().schema(Some(schema)).example(Some(example)).build()
}
