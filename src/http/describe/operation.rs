//! How an operation is described: in a few words, without what all of them have.
//!
//! It must not know: which operations there are, or what a handler does.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::Value;
use utoipa::openapi::path::{Operation, OperationBuilder};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::ObjectBuilder;
use utoipa::openapi::{Ref, Required};

use super::headers;
use super::parameters::{self, ParameterDoc};
use super::response::{ResponseDoc, content, problem_response};
use crate::http::kernel::kinds::Schemas;
use crate::http::kernel::problem::Code;
use crate::http::kernel::request::{JSON, MERGE_PATCH};

/// What can be wrong with an event that is looked at.
pub(crate) const OF_EVENT: &[Code] = &[Code::EventNotFound, Code::EventDamaged];
/// What can be wrong with a reservation that is looked at.
pub(crate) const OF_RESERVATION: &[Code] =
    &[Code::EventNotFound, Code::EventDamaged, Code::ReservationNotFound];
/// What can be wrong with a body.
pub(crate) const OF_BODY: &[Code] =
    &[Code::InvalidRequest, Code::RequestTimeout, Code::BodyTooLarge, Code::UnsupportedMediaType];
/// What can keep an event from being changed, whatever the change.
pub(crate) const OF_CHANGE: &[Code] =
    &[Code::EventDamaged, Code::Overloaded, Code::StorageFull, Code::Unavailable];

/// What an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    Legacy,
    Events,
    Reservations,
    Feeds,
    Ledger,
    Service,
}

impl Tag {
    /// All of them, in the order in which they are to be read.
    pub(crate) const ALL: [Self; 6] =
        [Self::Legacy, Self::Events, Self::Reservations, Self::Feeds, Self::Ledger, Self::Service];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Legacy => "TicketBossJS",
            Self::Events => "Events",
            Self::Reservations => "Reservations",
            Self::Feeds => "Changes and feeds",
            Self::Ledger => "Ledger",
            Self::Service => "Service",
        }
    }

    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Legacy => "The three operations of TicketBossJS, for the first event.",
            Self::Events => "What is sold, on which terms, and what is taken out of sale.",
            Self::Reservations => "Seats that are taken at once, or held and confirmed.",
            Self::Feeds => "What happened, and what happens.",
            Self::Ledger => "What proves the past, and what it comes to.",
            Self::Service => "How the server is, and what it says about itself.",
        }
    }
}

/// An operation, described.
pub(crate) struct OperationDoc {
    operation: OperationBuilder,
    pub(crate) parameters: Vec<ParameterDoc>,
    pub(crate) schemas: Schemas,
    problems: Vec<Code>,
}

impl OperationDoc {
    /// An operation that is called `id`, summed up in a few words and told in a few sentences.
    pub(crate) fn new(tag: Tag, id: &str, summary: &str, about: &str) -> Self {
        let operation = OperationBuilder::new()
            .tag(tag.name())
            .operation_id(Some(id))
            .summary(Some(summary))
            .description(Some(about));
        let (parameters, schemas, problems) = (Vec::new(), Schemas::new(), Vec::new());
        Self { operation, parameters, schemas, problems }
    }

    /// With these parameters.
    pub(crate) fn takes(mut self, parameters: &[ParameterDoc]) -> Self {
        self.parameters.extend(parameters);
        self
    }

    /// With the parameters of the path, which come first, and the one that all have, which comes last.
    pub(crate) fn completed(mut self, template: &str) -> Self {
        let names =
            template.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        self.parameters.splice(0..0, names.map(|name| parameters::of_path(template, name)));
        self.parameters.push(parameters::GIVEN_REQUEST_ID);
        self
    }

    /// With a body of a schema that is called `name`.
    pub(crate) fn body(mut self, name: &str, schema: ObjectBuilder, example: Value) -> Self {
        let body = body(name, example).required(Some(Required::True));
        self.operation = self.operation.request_body(Some(body.build()));
        self.schemas.push((name.to_owned(), schema.into()));
        self
    }

    /// The same, where the body changes what it names and may be called that.
    pub(crate) fn patch(mut self, name: &str, schema: ObjectBuilder, example: Value) -> Self {
        let as_patch = content(Ref::from_schema_name(name), example.clone());
        let body = body(name, example).content(MERGE_PATCH, as_patch);
        self.operation =
            self.operation.request_body(Some(body.required(Some(Required::True)).build()));
        self.schemas.push((name.to_owned(), schema.into()));
        self
    }

    /// The same, where the body may be left out.
    pub(crate) fn body_if_any(mut self, name: &str, schema: ObjectBuilder, example: Value) -> Self {
        let body: RequestBody = body(name, example).required(Some(Required::False)).build();
        self.operation = self.operation.request_body(Some(body));
        self.schemas.push((name.to_owned(), schema.into()));
        self
    }

    /// With an answer that is no problem.
    pub(crate) fn responds(mut self, status: StatusCode, response: ResponseDoc) -> Self {
        self.schemas.extend(response.schemas);
        self.operation = self.operation.response(status.as_str(), response.response.build());
        self
    }

    /// With 304 for a caller who has that state already.
    pub(crate) fn responds_not_modified(self) -> Self {
        let known = ResponseDoc::empty("The caller has it as it is.").with(headers::ETAG);
        self.takes(&[parameters::IF_NONE_MATCH]).responds(StatusCode::NOT_MODIFIED, known)
    }

    /// With these problems, each under the status that it has.
    pub(crate) fn problems(mut self, codes: &[Code]) -> Self {
        self.problems.extend(codes);
        self
    }

    /// The operation as it stands in the document.
    pub(crate) fn operation(self) -> Operation {
        let mut by_status = BTreeMap::<u16, Vec<Code>>::new();
        for code in self.problems {
            let codes = by_status.entry(code.status().as_u16()).or_default();
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        let mut operation = self.operation;
        for (status, codes) in by_status {
            operation = operation.response(status.to_string(), problem_response(&codes));
        }
        for parameter in self.parameters {
            operation = operation.parameter_ref(parameter.reference());
        }
        operation.build()
    }
}

fn body(name: &str, example: Value) -> RequestBodyBuilder {
    let content = content(Ref::from_schema_name(name), example);
    RequestBodyBuilder::new().content(JSON, content)
}
