//! How an operation is described, and its answers: in a few words each, without what all of them have.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::link::{Link, LinkBuilder};
use utoipa::openapi::path::{Operation, OperationBuilder};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Schema};
use utoipa::openapi::{Ref, RefOr, Required};

use super::parameters::{self, ALLOW, Carried, HeaderName, REQUEST_ID, RETRY_AFTER};
use super::{Schemas, kinds, problem_example};
use crate::http::input::{JSON, MERGE_PATCH};
use crate::http::problem::Code;

/// What can be wrong with an event that is looked at.
pub(super) const OF_EVENT: &[Code] = &[Code::EventNotFound, Code::EventDamaged];
/// What can be wrong with a reservation that is looked at.
pub(super) const OF_RESERVATION: &[Code] =
    &[Code::EventNotFound, Code::EventDamaged, Code::ReservationNotFound];
/// What can be wrong with a body.
pub(super) const OF_BODY: &[Code] =
    &[Code::InvalidRequest, Code::RequestTimeout, Code::BodyTooLarge, Code::UnsupportedMediaType];
/// What can keep an event from being changed, whatever the change.
pub(super) const OF_CHANGE: &[Code] =
    &[Code::EventDamaged, Code::Overloaded, Code::StorageFull, Code::Unavailable];

/// What an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Tag {
    Seed,
    Events,
    Reservations,
    Feeds,
    Ledger,
    Service,
}

impl Tag {
    /// All of them, in the order in which they are to be read.
    pub(super) const ALL: [Self; 6] =
        [Self::Seed, Self::Events, Self::Reservations, Self::Feeds, Self::Ledger, Self::Service];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Seed => "TicketBossJS",
            Self::Events => "Events",
            Self::Reservations => "Reservations",
            Self::Feeds => "Changes and feeds",
            Self::Ledger => "Ledger",
            Self::Service => "Service",
        }
    }

    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Seed => "The three operations of TicketBossJS, for the first event.",
            Self::Events => "What is sold, on which terms, and what is taken out of sale.",
            Self::Reservations => "Seats that are taken at once, or held and confirmed.",
            Self::Feeds => "What happened, and what happens.",
            Self::Ledger => "What proves the past, and what it comes to.",
            Self::Service => "How the server is, and what it says about itself.",
        }
    }
}

/// An operation, described.
pub(in crate::http) struct Entry {
    operation: OperationBuilder,
    pub(super) parameters: Vec<Carried>,
    pub(super) schemas: Schemas,
    problems: Vec<Code>,
}

impl Entry {
    /// An operation that is called `id`, summed up in a few words and told in a few sentences.
    pub(super) fn new(tag: Tag, id: &str, summary: &str, about: &str) -> Self {
        let operation = OperationBuilder::new()
            .tag(tag.name())
            .operation_id(Some(id))
            .summary(Some(summary))
            .description(Some(about));
        let (parameters, schemas, problems) = (Vec::new(), Schemas::new(), Vec::new());
        Self { operation, parameters, schemas, problems }
    }

    /// With these parameters.
    pub(super) fn takes(mut self, parameters: &[Carried]) -> Self {
        self.parameters.extend(parameters);
        self
    }

    /// With the parameters of the path, which come first, and the one that all have, which comes last.
    pub(super) fn completed(mut self, template: &str) -> Self {
        let names =
            template.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        self.parameters.splice(0..0, names.map(|name| parameters::of_path(template, name)));
        self.parameters.push(parameters::GIVEN_REQUEST_ID);
        self
    }

    /// With a body of a schema that is called `name`.
    pub(super) fn body(mut self, name: &str, schema: ObjectBuilder, example: Value) -> Self {
        let body = body(name, example).required(Some(Required::True));
        self.operation = self.operation.request_body(Some(body.build()));
        self.schemas.push((name.to_owned(), schema.into()));
        self
    }

    /// The same, where the body changes what it names and may be called that.
    pub(super) fn patch(mut self, name: &str, schema: ObjectBuilder, example: Value) -> Self {
        let as_patch = content(Ref::from_schema_name(name), example.clone());
        let body = body(name, example).content(MERGE_PATCH, as_patch);
        self.operation =
            self.operation.request_body(Some(body.required(Some(Required::True)).build()));
        self.schemas.push((name.to_owned(), schema.into()));
        self
    }

    /// The same, where the body may be left out.
    pub(super) fn body_if_any(mut self, name: &str, schema: ObjectBuilder, example: Value) -> Self {
        let body: RequestBody = body(name, example).required(Some(Required::False)).build();
        self.operation = self.operation.request_body(Some(body));
        self.schemas.push((name.to_owned(), schema.into()));
        self
    }

    /// With an answer that is no problem.
    pub(super) fn answers(mut self, status: StatusCode, answer: Answer) -> Self {
        self.schemas.extend(answer.schemas);
        self.operation = self.operation.response(status.as_str(), answer.response.build());
        self
    }

    /// With 304 for a caller who has that state already.
    pub(super) fn answers_not_modified(self) -> Self {
        let known = Answer::empty("The caller has it as it is.").with(parameters::ETAG);
        self.takes(&[parameters::IF_NONE_MATCH]).answers(StatusCode::NOT_MODIFIED, known)
    }

    /// With these problems, each under the status that it has.
    pub(super) fn problems(mut self, codes: &[Code]) -> Self {
        self.problems.extend(codes);
        self
    }

    /// The operation as it stands in the document.
    pub(super) fn operation(self) -> Operation {
        let mut by_status = BTreeMap::<u16, Vec<Code>>::new();
        for code in self.problems {
            let codes = by_status.entry(code.status().as_u16()).or_default();
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        let mut operation = self.operation;
        for (status, codes) in by_status {
            operation = operation.response(status.to_string(), problem_of(&codes));
        }
        for parameter in self.parameters {
            operation = operation.parameter_ref(parameter.reference());
        }
        operation.build()
    }
}

/// An answer, described.
pub(super) struct Answer {
    response: ResponseBuilder,
    schemas: Schemas,
}

impl Answer {
    /// An answer without a body.
    pub(super) fn empty(about: &str) -> Self {
        let response = ResponseBuilder::new().description(about);
        Self { response, schemas: Schemas::new() }.with(REQUEST_ID)
    }

    /// An answer whose body is a `T` as JSON.
    pub(super) fn json<T: ToSchema>(about: &str, example: Value) -> Self {
        let mut answer = Self::empty(about);
        T::schemas(&mut answer.schemas);
        answer.schemas.push(schema_of::<T>());
        let content = content(Ref::from_schema_name(T::name()), example);
        answer.response = answer.response.content(JSON, content);
        answer
    }

    /// With one more form of body.
    pub(super) fn or(
        mut self,
        media_type: &str,
        schema: impl Into<RefOr<Schema>>,
        example: Value,
    ) -> Self {
        self.response = self.response.content(media_type, content(schema, example));
        self
    }

    /// With a header.
    pub(super) fn with(mut self, header: HeaderName) -> Self {
        let reference = Ref::new(format!("#/components/headers/{header}"));
        self.response = self.response.header_ref(header, reference);
        self
    }

    /// With what can be done next, and which part of the answer says where.
    pub(super) fn leads_to(mut self, operation_id: &str, parameters: &[(&str, &str)]) -> Self {
        let mut link = LinkBuilder::new().operation_id(operation_id);
        for (name, expression) in parameters {
            link = link.parameter(*name, *expression);
        }
        self.response = self.response.link(operation_id, RefOr::<Link>::T(link.build()));
        self
    }
}

/// The name of a type's schema, and the schema.
pub(super) fn schema_of<T: ToSchema>() -> (String, RefOr<Schema>) {
    (T::name().into_owned(), T::schema())
}

/// A problem of one of these codes, which have one status.
fn problem_of(codes: &[Code]) -> Response {
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
    let mut answer = Answer::empty(&about);
    answer.response = answer.response.content("application/problem+json", content.build());
    if status == Code::Unavailable.status() {
        answer = answer.with(RETRY_AFTER);
    }
    answer.response.build()
}

/// What every path answers to a method that it does not know.
pub(super) fn method_not_allowed() -> Response {
    let mut response = problem_of(&[Code::MethodNotAllowed]);
    let reference = Ref::new(format!("#/components/headers/{ALLOW}"));
    response.headers.insert(ALLOW.to_owned(), RefOr::Ref(reference));
    response
}

/// A problem of a code.
pub(super) fn example_of(code: Code) -> Example {
    let value = problem_example(code);
    ExampleBuilder::new().summary(code.title()).value(Some(value)).build()
}

fn body(name: &str, example: Value) -> RequestBodyBuilder {
    let content = content(Ref::from_schema_name(name), example);
    RequestBodyBuilder::new().content(JSON, content)
}

fn content(schema: impl Into<RefOr<Schema>>, example: Value) -> Content {
    ContentBuilder::new().schema(Some(schema)).example(Some(example)).build()
}
