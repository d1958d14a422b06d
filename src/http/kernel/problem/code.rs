//! The codes of problems, and the one status table.
//!
//! It must not know: why there is a problem, or how it is serialized.

use http::StatusCode;
use utoipa::openapi::schema::ObjectBuilder;

use crate::http::kernel::kinds::{integer, kinds, one_of, string};

kinds! {
    ProblemCode: "What went wrong, in a word that does not change.", problem_code();
    ProblemType: "Where the code is explained.", string().pattern(Some("^/problems/[a-z_]+$"));
    ProblemStatus: "The status of the answer.", integer(400, 599);
}

/// Returns the schema of a code: one of the words that there are.
pub(crate) fn problem_code() -> ObjectBuilder {
    one_of(&Code::ALL.map(Code::as_str))
}

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

    /// The one status table: status, code, and the title, which is the `error` text of the legacy API or
    /// of its kind.
    #[rustfmt::skip]
    pub(super) fn row(self) -> (StatusCode, &'static str, &'static str) {
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
