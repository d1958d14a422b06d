//! The problems that refusals of the rules and errors of the engine are, with what they rest on.
//!
//! It must not know: which operation was refused.

use super::{Code, Fault, Grounds, Problem};
use crate::http::kernel::text::time_text;
use ticketboss_core::domain::{
    HOLD_SECONDS_MAX, HOLD_SECONDS_MIN, NotOnSale, Refusal, RefusalKind, Shortage, Version,
};
use ticketboss_engine::EngineError;

impl Code {
    /// What a client is told of a refusal of that kind, under `/v1`.
    pub(crate) fn of(kind: RefusalKind) -> Self {
        match kind {
            RefusalKind::SeatsPerRequest => Self::SeatsPerRequest,
            RefusalKind::HoldSeconds => Self::HoldSeconds,
            RefusalKind::NotOnSale => Self::NotOnSale,
            RefusalKind::NotEnoughSeats => Self::NotEnoughSeats,
            RefusalKind::HoldExpired => Self::HoldExpired,
            RefusalKind::HoldLimit => Self::HoldLimit,
            RefusalKind::ReservationNotFound => Self::ReservationNotFound,
            RefusalKind::AlreadyCancelled => Self::ReservationCancelled,
            RefusalKind::AlreadyExpired => Self::ReservationExpired,
            RefusalKind::AlreadyConfirmed => Self::AlreadyConfirmed,
            RefusalKind::NotConfirmed => Self::NotConfirmed,
            RefusalKind::NotAPart => Self::NotAPart,
            RefusalKind::KeyReused => Self::IdempotencyKeyReused,
            RefusalKind::OtherTerms => Self::PreconditionFailed,
            RefusalKind::CapacityTaken => Self::CapacityTaken,
            RefusalKind::StatusChange => Self::StatusChange,
            RefusalKind::SeatsHeld => Self::SeatsHeld,
            RefusalKind::BlockNotFound => Self::BlockNotFound,
        }
    }
}

impl Problem {
    /// Returns the problem that a refusal is. A reservation that is over is reported as that; `DELETE` and the
    /// legacy API take it for not found, as `From<Refusal>` does.
    ///
    /// Each refusal is named here, so that a new one does not compile until it has its problem.
    pub(crate) fn of_refusal(refusal: &Refusal) -> Self {
        let problem = Self::new(Code::of(refusal.kind()), refusal.to_string());
        match *refusal {
            Refusal::KeyReused { .. }
            | Refusal::ReservationNotFound
            | Refusal::NotConfirmed
            | Refusal::TooManyExtensions
            | Refusal::StatusChange { .. }
            | Refusal::BlockNotFound => problem,
            Refusal::OtherTerms { version, .. }
            | Refusal::AlreadyConfirmed { since: version }
            | Refusal::AlreadyCancelled { since: version }
            | Refusal::AlreadyExpired { since: version } => problem.with(Grounds::at(version)),
            Refusal::NotEnoughSeats(shortage) | Refusal::HoldExpired(shortage) => {
                problem.with(Grounds::of_shortage(shortage))
            }
            Refusal::NotOnSale { why, version } => {
                problem.with(Grounds { version: Some(version.get()), ..Grounds::of_sale(why) })
            }
            Refusal::CapacityTaken { asked, taken, version } => {
                let (asked, taken) = (Some(asked), Some(taken));
                problem.with(Grounds { asked, taken, ..Grounds::at(version) })
            }
            Refusal::SeatsHeld { held } => {
                problem.with(Grounds { held: Some(held), ..Grounds::default() })
            }
            Refusal::SeatsPerRequest { asked, least, most } => {
                let range = format!("must be between {least} and {most}");
                let grounds = Grounds {
                    asked: Some(asked),
                    seats_per_request_min: Some(least),
                    seats_per_request_max: Some(most),
                    ..Grounds::default()
                };
                let error = format!("Seats per request {range}");
                problem
                    .with(grounds)
                    .with_error(error)
                    .with_faults(vec![Fault::at("/seats", range)])
            }
            Refusal::HoldSeconds { .. } => {
                let range = format!("must be between {HOLD_SECONDS_MIN} and {HOLD_SECONDS_MAX}");
                problem.with_faults(vec![Fault::at("/holdSeconds", range)])
            }
            Refusal::NotAPart { asked, has } => {
                let range = match has {
                    1 => "must be left out: a single seat has no parts".to_owned(),
                    has => format!("must be less than {has}, or be left out"),
                };
                let (asked, has) = (Some(asked), Some(has));
                let grounds = Grounds { asked, has, ..Grounds::default() };
                problem.with(grounds).with_faults(vec![Fault::at("/seats", range)])
            }
            Refusal::HeldLongEnough { expires_at, until_max } => {
                let [until, at_most] = [expires_at, until_max].map(time_text);
                let detail =
                    format!("it is held until {until} already, and until {at_most} at most");
                let (expires_at, expires_at_max) = (Some(until), Some(at_most));
                let grounds = Grounds { expires_at, expires_at_max, ..Grounds::default() };
                problem.with(grounds).with_detail(detail)
            }
        }
    }
}

impl Grounds {
    /// The version at which something was so.
    fn at(version: Version) -> Self {
        Self { version: Some(version.get()), ..Self::default() }
    }

    /// How few seats there were.
    fn of_shortage(shortage: Shortage) -> Self {
        Self {
            asked: Some(shortage.asked),
            available: Some(shortage.available),
            held: Some(shortage.held),
            next_expires_at: shortage.next_expires_at.map(time_text),
            ..Self::at(shortage.version)
        }
    }

    /// When the sale begins, or when it ended.
    fn of_sale(why: NotOnSale) -> Self {
        match why {
            NotOnSale::NotYet { from } => {
                Self { on_sale_at: Some(time_text(from)), ..Self::default() }
            }
            NotOnSale::Over { since } => {
                Self { off_sale_at: Some(time_text(since)), ..Self::default() }
            }
            NotOnSale::Draft | NotOnSale::Paused | NotOnSale::Closed | NotOnSale::Archived => {
                Self::default()
            }
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let is_over =
            matches!(refusal, Refusal::AlreadyCancelled { .. } | Refusal::AlreadyExpired { .. });
        if is_over {
            Self::new(Code::ReservationNotFound, refusal.to_string())
        } else {
            Self::of_refusal(&refusal)
        }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let detail = error.to_string();
        match error {
            EngineError::Refused(refusal) => refusal.into(),
            EngineError::EventNotFound => Self::new(Code::EventNotFound, detail),
            EngineError::NoSuchVersion { newest, .. } => {
                Self::new(Code::VersionNotFound, detail).with(Grounds::at(newest))
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
