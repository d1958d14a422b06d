//! What a client is told when it does not get what it asked for (RFC 9457), and the one status table.
//!
//! A problem carries a stable `code` for programs, texts for people, and the `error` string of the
//! seed, so that the seed's own clients work unchanged. It never carries what only the log may know.

use std::time::Duration;

use http::header::{self, HeaderValue};
use http::{Method, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::openapi::kinds;
use super::reply::{Response, json_as};
use ticketboss_core::domain::RequestId;
use ticketboss_engine::EngineError;

mod guide;
mod refusal;

/// When to try again after the server had too much to do or no room on its disk.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What the seed says of every body that it cannot take.
const SEED_INVALID_BODY: &str = "Invalid request body";

/// What went wrong, in a word that does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The body, a parameter or a header is not what the operation takes.
    InvalidRequest,
    /// More or fewer seats than one request may take.
    SeatsPerRequest,
    /// Seats cannot be held for such a time.
    HoldSeconds,
    /// All seats of a reservation are to be given up, or more than it has, where a part was expected.
    NotAPart,
    /// There is nothing at this path.
    NotFound,
    /// There is no such event.
    EventNotFound,
    /// There is no such reservation, or it is cancelled.
    ReservationNotFound,
    /// The event was never at that version, or is not there yet.
    VersionNotFound,
    /// The path does not know this method.
    MethodNotAllowed,
    /// The body did not arrive in time.
    RequestTimeout,
    /// Fewer seats are available than were asked for.
    NotEnoughSeats,
    /// The time of the hold is up, and somebody else has taken its seats.
    HoldExpired,
    /// The hold cannot be extended any more.
    HoldLimit,
    /// The reservation is confirmed already, and what was asked for is for one that is held.
    AlreadyConfirmed,
    /// The reservation is only held, and what was asked for is for one that is confirmed.
    NotConfirmed,
    /// The reservation was given up.
    ReservationCancelled,
    /// The time of the hold is up.
    ReservationExpired,
    /// Seats of the event are not sold now.
    NotOnSale,
    /// The capacity would be less than what is taken.
    CapacityTaken,
    /// The event does not go from its status to that one.
    StatusChange,
    /// Somebody may still confirm what is held.
    SeatsHeld,
    /// There is no such block.
    BlockNotFound,
    /// Something else was done under the same `Idempotency-Key`.
    IdempotencyKeyReused,
    /// The body is said to be of a kind that the operation does not take.
    UnsupportedMediaType,
    /// The terms of the event are not those that `If-Match` names.
    PreconditionFailed,
    /// What is to be changed must be named by its version.
    PreconditionRequired,
    /// There is such an event already.
    EventExists,
    /// The path speaks WebSocket.
    UpgradeRequired,
    /// The body is longer than any that the operation takes.
    BodyTooLarge,
    /// What is stored of the event does not hold together.
    EventDamaged,
    /// Too many requests wait.
    Overloaded,
    /// The disk is nearly full.
    StorageFull,
    /// The store has failed, or the server is stopping.
    Unavailable,
}

impl Code {
    /// Every code, in the order in which they are declared.
    #[rustfmt::skip]
    pub const ALL: [Self; Self::Unavailable as usize + 1] = [
        Self::InvalidRequest, Self::SeatsPerRequest, Self::HoldSeconds, Self::NotAPart,
        Self::NotFound, Self::EventNotFound, Self::ReservationNotFound, Self::VersionNotFound,
        Self::MethodNotAllowed, Self::RequestTimeout, Self::NotEnoughSeats, Self::HoldExpired,
        Self::HoldLimit, Self::AlreadyConfirmed, Self::NotConfirmed, Self::ReservationCancelled,
        Self::ReservationExpired, Self::NotOnSale, Self::CapacityTaken, Self::StatusChange,
        Self::SeatsHeld, Self::BlockNotFound, Self::IdempotencyKeyReused, Self::UnsupportedMediaType,
        Self::PreconditionFailed, Self::PreconditionRequired, Self::EventExists, Self::UpgradeRequired, Self::BodyTooLarge,
        Self::EventDamaged, Self::Overloaded, Self::StorageFull, Self::Unavailable,
    ];

    /// The code as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        self.row().1
    }

    /// What it is called.
    pub fn title(self) -> &'static str {
        self.row().2
    }

    /// The status that goes with it.
    pub fn status(self) -> StatusCode {
        self.row().0
    }

    /// The one status table: status, code, and the title, which is the seed's `error` text or of its
    /// kind.
    #[rustfmt::skip]
    fn row(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::InvalidRequest => (S::BAD_REQUEST, "invalid_request", "Invalid request"),
            Self::SeatsPerRequest => (S::BAD_REQUEST, "seats_per_request", "Seats per request out of range"),
            Self::HoldSeconds => (S::BAD_REQUEST, "hold_seconds", "Hold time out of range"),
            Self::NotAPart => (S::BAD_REQUEST, "not_a_part", "Not a part of the reservation"),
            Self::NotFound => (S::NOT_FOUND, "not_found", "Not found"),
            Self::EventNotFound => (S::NOT_FOUND, "event_not_found", "Event not found"),
            Self::ReservationNotFound => (S::NOT_FOUND, "reservation_not_found", "Reservation not found"),
            Self::VersionNotFound => (S::NOT_FOUND, "version_not_found", "Version not found"),
            Self::MethodNotAllowed => (S::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed"),
            Self::RequestTimeout => (S::REQUEST_TIMEOUT, "request_timeout", "Request timeout"),
            Self::NotEnoughSeats => (S::CONFLICT, "not_enough_seats", "Not enough seats left"),
            Self::HoldExpired => (S::CONFLICT, "hold_expired", "Hold has expired"),
            Self::HoldLimit => (S::CONFLICT, "hold_limit", "Hold cannot be extended"),
            Self::AlreadyConfirmed => (S::CONFLICT, "already_confirmed", "Reservation is confirmed already"),
            Self::NotConfirmed => (S::CONFLICT, "not_confirmed", "Reservation is not confirmed"),
            Self::ReservationCancelled => (S::CONFLICT, "reservation_cancelled", "Reservation is cancelled"),
            Self::ReservationExpired => (S::CONFLICT, "reservation_expired", "Reservation has expired"),
            Self::NotOnSale => (S::CONFLICT, "not_on_sale", "Event is not on sale"),
            Self::CapacityTaken => (S::CONFLICT, "capacity_taken", "More seats are taken"),
            Self::StatusChange => (S::CONFLICT, "status_change", "Status cannot change like that"),
            Self::SeatsHeld => (S::CONFLICT, "seats_held", "Seats are held"),
            Self::BlockNotFound => (S::NOT_FOUND, "block_not_found", "Block not found"),
            Self::IdempotencyKeyReused => (S::UNPROCESSABLE_ENTITY, "idempotency_key_reused", "Key or id was used for something else"),
            Self::UnsupportedMediaType => (S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Unsupported media type"),
            Self::PreconditionFailed => (S::PRECONDITION_FAILED, "precondition_failed", "Event was changed meanwhile"),
            Self::PreconditionRequired => (S::PRECONDITION_REQUIRED, "precondition_required", "If-Match is required"),
            Self::EventExists => (S::CONFLICT, "event_exists", "Event exists already"),
            Self::UpgradeRequired => (S::UPGRADE_REQUIRED, "upgrade_required", "WebSocket required"),
            Self::BodyTooLarge => (S::PAYLOAD_TOO_LARGE, "body_too_large", "Request body too large"),
            Self::EventDamaged => (S::SERVICE_UNAVAILABLE, "event_damaged", "Event is damaged"),
            Self::Overloaded => (S::SERVICE_UNAVAILABLE, "overloaded", "Too many requests at once"),
            Self::StorageFull => (S::SERVICE_UNAVAILABLE, "storage_full", "Storage is full"),
            Self::Unavailable => (S::SERVICE_UNAVAILABLE, "unavailable", "Service unavailable"),
        }
    }
}

/// None of them is missing.
const _: () = {
    let (mut left, mut index) = (Code::ALL.as_slice(), 0);
    while let [code, rest @ ..] = left {
        assert!(*code as usize == index, "ALL has the codes as they are declared");
        (left, index) = (rest, index + 1);
    }
};

/// One thing that is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Fault {
    /// Where, as a JSON pointer (RFC 6901), empty for the body as a whole; of a query, `?` and the
    /// parameter.
    pub pointer: String,
    /// What is wrong there.
    pub detail: String,
}

impl Fault {
    /// Something that is wrong with a body as a whole.
    pub(super) fn of_whole(detail: String) -> Self {
        Self { pointer: String::new(), detail }
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
    /// The seed's text, where it is not the title.
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
pub(super) struct Body<'a> {
    error: &'a str,
    #[schema(value_type = kinds::ProblemType)]
    r#type: String,
    title: &'static str,
    #[schema(value_type = kinds::ProblemStatus)]
    status: u16,
    #[schema(value_type = kinds::ProblemCode)]
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

    /// A body that is not what the operation takes, and every reason why.
    pub(super) fn invalid_body(faults: Vec<Fault>) -> Self {
        let mut problem = Self::invalid_query(faults);
        problem.0.error = Some(SEED_INVALID_BODY.to_owned());
        problem
    }

    /// A query that is not what the operation takes, and every reason why.
    pub(super) fn invalid_query(faults: Vec<Fault>) -> Self {
        let told = faults.iter().map(|fault| match fault.pointer.as_str() {
            "" => fault.detail.clone(),
            pointer => format!("{pointer} {}", fault.detail),
        });
        let mut problem = Self::new(Code::InvalidRequest, told.collect::<Vec<_>>().join("; "));
        problem.0.faults = faults;
        problem
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
    pub(super) fn pointing_at(mut self, pointer: &str) -> Self {
        for fault in &mut self.0.faults {
            if fault.pointer == "/holdSeconds" {
                pointer.clone_into(&mut fault.pointer);
            }
        }
        self
    }

    /// The same where the key was the id that a client has chosen.
    #[must_use]
    pub(super) fn of_chosen_id(mut self) -> Self {
        if self.0.code == Code::IdempotencyKeyReused {
            "there is another reservation of that id, which was asked for otherwise"
                .clone_into(&mut self.0.detail);
        }
        self
    }

    /// What this problem is.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What is told.
    fn body(&self, request_id: RequestId) -> Body<'_> {
        let Parts { code, detail, error, faults, grounds, .. } = &*self.0;
        let (status, code, title) = code.row();
        Body {
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
    pub(super) fn retry_later(mut self) -> Self {
        self.0.retry_after = Some(RETRY_AFTER);
        self
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let detail = error.to_string();
        match error {
            EngineError::Refused(refusal) => refusal.into(),
            EngineError::EventNotFound => Self::new(Code::EventNotFound, detail),
            EngineError::NoSuchVersion { newest, .. } => {
                let mut problem = Self::new(Code::VersionNotFound, detail);
                problem.0.grounds.version = Some(newest.get());
                problem
            }
            EngineError::EventExists(_) => Self::new(Code::EventExists, detail),
            EngineError::EventDamaged(damage) => {
                let detail = format!("event {} does not sell until it is repaired", damage.event);
                Self::new(Code::EventDamaged, detail)
            }
            EngineError::TooManyEvents | EngineError::Overloaded => {
                Self::new(Code::Overloaded, detail).retry_later()
            }
            EngineError::DiskFull => Self::new(Code::StorageFull, detail).retry_later(),
            EngineError::Unavailable => Self::new(Code::Unavailable, detail).retry_later(),
        }
    }
}
