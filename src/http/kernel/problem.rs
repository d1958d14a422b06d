//! What a client is told when it does not get what it asked for (RFC 9457).
//!
//! A problem carries a stable `code` for programs, texts for people, and the `error` string of the
//! legacy API, so that its own clients work unchanged. It never carries what only the log may know.
//!
//! It must not know: which operation has the problem.

use std::time::Duration;

use http::Method;
use http::header::{self, HeaderValue};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub use self::code::Code;
use self::code::{ProblemCode, ProblemStatus, ProblemType};
use super::kinds;
use super::reply::{Response, json_as};
use ticketboss_core::domain::RequestId;

pub(crate) mod code;
mod guide;
mod refusal;

/// When to try again after the server had too much to do or no room on its disk.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What the legacy API says of every body that it cannot take.
const LEGACY_INVALID_BODY: &str = "Invalid request body";

/// One thing that is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Fault {
    /// Where, as a JSON pointer (RFC 6901), empty for the body as a whole; of a query, `?` and the
    /// parameter.
    pub pointer: String,
    /// What is wrong there.
    pub detail: String,
}

impl Fault {
    /// Something that is wrong with a body as a whole.
    pub(crate) fn of_whole(detail: String) -> Self {
        Self { pointer: String::new(), detail }
    }

    /// Something that is wrong at a pointer.
    pub(crate) fn at(pointer: &str, detail: String) -> Self {
        Self { pointer: pointer.to_owned(), detail }
    }
}

/// Numbers that a refusal rested on.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Grounds {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::SeatCount)]
    asked: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::SeatCount)]
    available: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::SeatCount)]
    held: Option<u32>,
    /// The least and the most seats that one request may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Seats)]
    seats_per_request_min: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Seats)]
    seats_per_request_max: Option<u32>,
    /// How many seats the reservation has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::SeatCount)]
    has: Option<u32>,
    /// How many seats are held, sold or blocked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::SeatCount)]
    taken: Option<u32>,
    /// When the sale begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Moment)]
    on_sale_at: Option<String>,
    /// When the sale ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Moment)]
    off_sale_at: Option<String>,
    /// When the hold is over, and when it will be at the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Moment)]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Moment)]
    expires_at_max: Option<String>,
    /// When the next of the holds is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Moment)]
    next_expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Version)]
    version: Option<u64>,
}

/// What a client is told instead of what it asked for.
#[derive(Debug, Clone)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    code: Code,
    detail: String,
    /// The text of the legacy API, where it is not the title.
    error: Option<String>,
    faults: Vec<Fault>,
    grounds: Grounds,
    allow: Option<HeaderValue>,
    retry_after: Option<Duration>,
}

/// What a client is told instead of what it asked for (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProblemBody<'a> {
    error: &'a str,
    #[schema(value_type = ProblemType)]
    r#type: String,
    title: &'static str,
    #[schema(value_type = ProblemStatus)]
    status: u16,
    #[schema(value_type = ProblemCode)]
    code: &'static str,
    detail: &'a str,
    #[schema(value_type = kinds::RequestId)]
    request_id: String,
    #[serde(flatten)]
    grounds: &'a Grounds,
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    errors: &'a [Fault],
}

impl Problem {
    /// A problem of `code`, told in `detail` to a person.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            code,
            detail: detail.into(),
            error: None,
            faults: Vec::new(),
            grounds: Grounds::default(),
            allow: None,
            retry_after: None,
        }))
    }

    /// Attaches the numbers and times that the problem rests on.
    #[must_use]
    fn with(mut self, grounds: Grounds) -> Self {
        self.0.grounds = grounds;
        self
    }

    /// Attaches what is wrong in the request, in the order given.
    #[must_use]
    fn with_faults(mut self, faults: Vec<Fault>) -> Self {
        self.0.faults = faults;
        self
    }

    /// Replaces the `error` text, which is the title otherwise.
    #[must_use]
    fn with_error(mut self, error: impl Into<String>) -> Self {
        self.0.error = Some(error.into());
        self
    }

    /// Replaces the text for people.
    #[must_use]
    fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// A body that is not what the operation takes, and every reason why.
    pub(crate) fn invalid_body(faults: Vec<Fault>) -> Self {
        Self::invalid_query(faults).with_error(LEGACY_INVALID_BODY)
    }

    /// A query that is not what the operation takes, and every reason why.
    pub(crate) fn invalid_query(faults: Vec<Fault>) -> Self {
        let told = faults.iter().map(|fault| match fault.pointer.as_str() {
            "" => fault.detail.clone(),
            pointer => format!("{pointer} {}", fault.detail),
        });
        let detail = told.collect::<Vec<_>>().join("; ");
        Self::new(Code::InvalidRequest, detail).with_faults(faults)
    }

    /// A method that the path does not know, and those that it does.
    pub fn method_not_allowed(asked: &Method, allowed: &[Method]) -> Self {
        let names = allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        let detail = format!("{asked} is not possible here; possible are {names}");
        let mut problem = Self::new(Code::MethodNotAllowed, detail);
        problem.0.allow = HeaderValue::from_str(&names).ok();
        problem
    }

    /// The same of another place: what a refusal calls `holdSeconds` is `hold` where seats are taken.
    #[must_use]
    pub(crate) fn pointing_at(mut self, pointer: &str) -> Self {
        for fault in &mut self.0.faults {
            if fault.pointer == "/holdSeconds" {
                pointer.clone_into(&mut fault.pointer);
            }
        }
        self
    }

    /// The same where the key was the id that a client has chosen.
    #[must_use]
    pub(crate) fn of_chosen_id(self) -> Self {
        if self.0.code != Code::IdempotencyKeyReused {
            return self;
        }
        self.with_detail("there is another reservation of that id, which was asked for otherwise")
    }

    /// What this problem is.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What is told.
    fn body(&self, request_id: RequestId) -> ProblemBody<'_> {
        let Parts { code, detail, error, faults, grounds, .. } = &*self.0;
        let (status, code, title) = code.row();
        ProblemBody {
            error: error.as_deref().unwrap_or(title),
            r#type: format!("/problems/{code}"),
            title,
            status: status.as_u16(),
            code,
            detail,
            request_id: Uuid::from_u128(request_id.0).to_string(),
            grounds,
            errors: faults,
        }
    }

    /// The answer.
    pub fn into_response(self, request_id: RequestId) -> Response {
        let content_type = HeaderValue::from_static("application/problem+json");
        let mut response = json_as(self.0.code.status(), content_type, &self.body(request_id));
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(allow) = self.0.allow {
            headers.insert(header::ALLOW, allow);
        }
        if self.0.code == Code::UpgradeRequired {
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        if let Some(wait) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, wait.as_secs().into());
        }
        response
    }

    /// The same, with the advice to try it again in a while.
    #[must_use]
    pub(crate) fn retry_later(mut self) -> Self {
        self.0.retry_after = Some(RETRY_AFTER);
        self
    }
}
