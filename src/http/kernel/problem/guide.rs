//! What each code means and what to do about it, for people, and an example of it.
//!
//! The README's table says the same; a test compares them.
//!
//! It must not know: where the texts are shown.

use serde_json::Value;

use super::{Code, Fault, Problem};
use ticketboss_core::domain::{NotOnSale, Refusal, RequestId, Shortage, Timestamp, Version};
use ticketboss_engine::EngineError;

/// A moment for examples: 2026-01-07T09:40:00Z.
const MOMENT: Timestamp = Timestamp(1_767_778_800_000);

impl Code {
    /// What it means, in a sentence or two.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::InvalidRequest => {
                "The body, a parameter or a header is not what the operation takes."
            }
            Self::SeatsPerRequest => {
                "One request may not take so many seats of this event, or so few."
            }
            Self::HoldSeconds => "Seats cannot be held for so long, or so briefly.",
            Self::NotAPart => "As many seats were to be given up as the reservation has, or more.",
            Self::NotFound => "There is nothing at this path.",
            Self::EventNotFound => "There is no event of that id.",
            Self::ReservationNotFound => {
                "The event has no such reservation, or it is given up and is not answered for any more."
            }
            Self::VersionNotFound => "The event was never at that version, or is not there yet.",
            Self::MethodNotAllowed => "The path does not know this method.",
            Self::RequestTimeout => "The body took too long to arrive.",
            Self::NotEnoughSeats => {
                "Fewer seats are available than were asked for. That is a fact, and no collision."
            }
            Self::HoldExpired => {
                "The time of the hold is up, and too few seats are left to sell it even so."
            }
            Self::HoldLimit => {
                "The hold was extended ten times, or lasts 30 minutes in all, or ends no sooner than was asked for."
            }
            Self::AlreadyConfirmed => {
                "The reservation is confirmed, and what was asked for is for one that is held."
            }
            Self::NotConfirmed => {
                "The reservation is only held, and what was asked for is for one that is confirmed."
            }
            Self::ReservationCancelled => "The reservation was given up.",
            Self::ReservationExpired => "The reservation was only held, and its time is up.",
            Self::NotOnSale => "Seats of the event are not sold now.",
            Self::CapacityTaken => {
                "More seats are held, sold or blocked than the event was to have."
            }
            Self::StatusChange => "The event does not go from its status to that one.",
            Self::SeatsHeld => {
                "Seats are held that somebody may still confirm; the event cannot be archived."
            }
            Self::BlockNotFound => "The event has no such block, or its seats are back on sale.",
            Self::IdempotencyKeyReused => {
                "Something else was done under the same `Idempotency-Key`, or under the same id."
            }
            Self::UnsupportedMediaType => "The body is not said to be JSON, by its `Content-Type`.",
            Self::PreconditionFailed => {
                "The terms of the event are not those of the version that `If-Match` names."
            }
            Self::PreconditionRequired => {
                "Whoever changes an event must say which version of it he has looked at."
            }
            Self::EventExists => "There is an event of that id already.",
            Self::UpgradeRequired => "The path speaks WebSocket, and none was asked for.",
            Self::BodyTooLarge => "The body is longer than any that an operation takes.",
            Self::EventDamaged => {
                "What is stored of the event does not hold together, so it is not sold from."
            }
            Self::Overloaded => "Too many requests wait, or too many follow. Nothing was done.",
            Self::StorageFull => {
                "The disk is nearly full. Nothing was done; it can be read meanwhile."
            }
            Self::Unavailable => {
                "The store has failed, or the server is stopping. Whether it was done is not known."
            }
        }
    }

    /// What to do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::InvalidRequest | Self::SeatsPerRequest | Self::HoldSeconds | Self::NotAPart => {
                "correct the request; `detail` says what, and `errors` where in the body or the query"
            }
            Self::ReservationNotFound
            | Self::EventNotFound
            | Self::BlockNotFound
            | Self::VersionNotFound
            | Self::NotFound => "nothing: it is not there",
            Self::MethodNotAllowed => "use one of `Allow`",
            Self::RequestTimeout => "send the body within 10 s",
            Self::NotEnoughSeats => {
                "ask for at most `available`; `version` says when that was so. `held` may come free, the next at `nextExpiresAt`"
            }
            Self::HoldExpired => {
                "confirm it again once so many seats are `available`, the next perhaps at `nextExpiresAt`"
            }
            Self::HoldLimit => {
                "`detail` says why: ask for more `holdSeconds`, or confirm it by its `expiresAt`"
            }
            Self::AlreadyConfirmed
            | Self::NotConfirmed
            | Self::ReservationCancelled
            | Self::ReservationExpired => "look at it: it stands otherwise",
            Self::NotOnSale => {
                "`detail` says why: wait for `onSaleAt`, or until the organiser sells it; after `offSaleAt` it is over"
            }
            Self::EventExists => "take another id, or change the event that there is",
            Self::CapacityTaken | Self::StatusChange | Self::SeatsHeld => {
                "correct the change: it does not fit what there is"
            }
            Self::PreconditionFailed => "read the event again, somebody has changed its terms",
            Self::BodyTooLarge => "a body has at most 16 KiB",
            Self::IdempotencyKeyReused => {
                "take another key, or another id: something else was done under this one"
            }
            Self::UnsupportedMediaType => "send JSON, with `Content-Type: application/json`",
            Self::UpgradeRequired => "speak WebSocket, or take `…/feed`",
            Self::PreconditionRequired => "say `If-Match`",
            Self::Overloaded | Self::StorageFull => "try again after `Retry-After`",
            Self::Unavailable => {
                "ask again after `Retry-After` under the same `Idempotency-Key`; without one, look first whether it was done"
            }
            Self::EventDamaged => "nothing: the operator has to look; other events are sold from",
        }
    }
}

impl Problem {
    /// A problem of a code, made as those are that are met.
    fn example(code: Code) -> Self {
        let version = Version::FIRST.next();
        let next_expires_at = Some(MOMENT);
        let shortage = Shortage { asked: 4, available: 2, held: 6, next_expires_at, version };
        match code {
            Code::InvalidRequest => {
                Self::invalid_body(vec![Fault::at("/partnerId", "must not be blank".to_owned())])
            }
            Code::SeatsPerRequest => {
                Refusal::SeatsPerRequest { asked: 12, least: 1, most: 10 }.into()
            }
            Code::HoldSeconds => Refusal::HoldSeconds { asked: 5 }.into(),
            Code::NotAPart => Refusal::NotAPart { asked: 3, has: 3 }.into(),
            Code::EventNotFound => EngineError::EventNotFound.into(),
            Code::ReservationNotFound => Refusal::ReservationNotFound.into(),
            Code::VersionNotFound => {
                EngineError::NoSuchVersion { version: Version::MAX, newest: version }.into()
            }
            Code::NotEnoughSeats => Refusal::NotEnoughSeats(shortage).into(),
            Code::HoldExpired => Refusal::HoldExpired(shortage).into(),
            Code::HoldLimit => {
                let until_max = MOMENT.plus_seconds(1_200);
                Refusal::HeldLongEnough { expires_at: MOMENT, until_max }.into()
            }
            Code::AlreadyConfirmed => Refusal::AlreadyConfirmed { since: version }.into(),
            Code::NotConfirmed => Refusal::NotConfirmed.into(),
            Code::NotOnSale => {
                Refusal::NotOnSale { why: NotOnSale::NotYet { from: MOMENT }, version }.into()
            }
            Code::CapacityTaken => Refusal::CapacityTaken { asked: 2, taken: 6, version }.into(),
            Code::SeatsHeld => Refusal::SeatsHeld { held: 6 }.into(),
            Code::BlockNotFound => Refusal::BlockNotFound.into(),
            Code::IdempotencyKeyReused => Refusal::KeyReused { version }.into(),
            Code::Overloaded => EngineError::Overloaded.into(),
            Code::StorageFull => EngineError::DiskFull.into(),
            Code::Unavailable => EngineError::Unavailable.into(),
            other => Self::new(other, other.title().to_lowercase()),
        }
    }

    /// The body of such a problem as a value, under the id of no request.
    pub(crate) fn example_json(code: Code) -> Value {
        let problem = Self::example(code);
        serde_json::to_value(problem.body(RequestId::NOBODY)).unwrap_or_default()
    }

    /// The same as text for people, its fields in the order in which they are sent.
    pub(crate) fn example_text(code: Code) -> String {
        let problem = Self::example(code);
        serde_json::to_string_pretty(&problem.body(RequestId::NOBODY)).unwrap_or_default()
    }
}
