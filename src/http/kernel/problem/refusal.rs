//! What a client is told when the rules say no, with the numbers that this rests on.

use super::{Code, Fault, Grounds, Problem};
use crate::http::kernel::text::time_text;
use ticketboss_core::domain::{
    HOLD_SECONDS_MAX, HOLD_SECONDS_MIN, NotOnSale, Refusal, RefusalKind, Shortage, Version,
};

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
    /// Why a reservation that is there is not changed. TicketBossJS called one that is given up not found;
    /// here it is told what became of it.
    pub(crate) fn of_reservation(refusal: Refusal) -> Self {
        let (code, since) = match refusal {
            Refusal::AlreadyCancelled { since } => (Code::ReservationCancelled, since),
            Refusal::AlreadyExpired { since } => (Code::ReservationExpired, since),
            other => return other.into(),
        };
        Self::since(code, refusal.to_string(), since)
    }

    /// A problem that is one since a version.
    fn since(code: Code, detail: String, version: Version) -> Self {
        let mut problem = Self::new(code, detail);
        problem.0.grounds.version = Some(version.get());
        problem
    }

    fn short(code: Code, detail: String, shortage: Shortage) -> Self {
        let mut problem = Self::new(code, detail);
        problem.0.grounds = Grounds {
            asked: Some(shortage.asked),
            available: Some(shortage.available),
            held: Some(shortage.held),
            next_expires_at: shortage.next_expires_at.map(time_text),
            version: Some(shortage.version.get()),
            ..Grounds::default()
        };
        problem
    }

    fn of_terms(refusal: &Refusal, detail: String) -> Self {
        match refusal {
            &Refusal::NotOnSale { why, version } => {
                let mut problem = Self::new(Code::NotOnSale, detail);
                problem.0.grounds.version = Some(version.get());
                match why {
                    NotOnSale::NotYet { from } => {
                        problem.0.grounds.on_sale_at = Some(time_text(from));
                    }
                    NotOnSale::Over { since } => {
                        problem.0.grounds.off_sale_at = Some(time_text(since));
                    }
                    _ => {}
                }
                problem
            }
            &Refusal::OtherTerms { version, .. } => {
                let mut problem = Self::new(Code::PreconditionFailed, detail);
                problem.0.grounds.version = Some(version.get());
                problem
            }
            &Refusal::CapacityTaken { asked, taken, version } => {
                let mut problem = Self::new(Code::CapacityTaken, detail);
                problem.0.grounds.asked = Some(asked);
                problem.0.grounds.taken = Some(taken);
                problem.0.grounds.version = Some(version.get());
                problem
            }
            Refusal::StatusChange { .. } => Self::new(Code::StatusChange, detail),
            &Refusal::SeatsHeld { held } => {
                let mut problem = Self::new(Code::SeatsHeld, detail);
                problem.0.grounds.held = Some(held);
                problem
            }
            _ => Self::new(Code::BlockNotFound, detail),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            // The engine gives the first answer again, where it can.
            Refusal::KeyReused { .. } => Self::new(Code::IdempotencyKeyReused, detail),
            Refusal::SeatsPerRequest { asked, least, most } => {
                let range = format!("must be between {least} and {most}");
                let mut problem = Self::new(Code::SeatsPerRequest, detail);
                problem.0.grounds.asked = Some(asked);
                problem.0.grounds.seats_per_request_min = Some(least);
                problem.0.grounds.seats_per_request_max = Some(most);
                problem.0.error = Some(format!("Seats per request {range}"));
                problem.0.faults = vec![Fault { pointer: "/seats".to_owned(), detail: range }];
                problem
            }
            Refusal::NotEnoughSeats(shortage) => {
                Self::short(Code::NotEnoughSeats, detail, shortage)
            }
            Refusal::HoldExpired(shortage) => Self::short(Code::HoldExpired, detail, shortage),
            Refusal::HoldSeconds { .. } => {
                let range = format!("must be between {HOLD_SECONDS_MIN} and {HOLD_SECONDS_MAX}");
                let mut problem = Self::new(Code::HoldSeconds, detail);
                problem.0.faults =
                    vec![Fault { pointer: "/holdSeconds".to_owned(), detail: range }];
                problem
            }
            Refusal::NotAPart { has, asked } => {
                let range = match has {
                    1 => "must be left out: a single seat has no parts".to_owned(),
                    has => format!("must be less than {has}, or be left out"),
                };
                let mut problem = Self::new(Code::NotAPart, detail);
                problem.0.grounds.asked = Some(asked);
                problem.0.grounds.has = Some(has);
                problem.0.faults = vec![Fault { pointer: "/seats".to_owned(), detail: range }];
                problem
            }
            Refusal::AlreadyConfirmed { since } => {
                Self::since(Code::AlreadyConfirmed, detail, since)
            }
            Refusal::NotConfirmed => Self::new(Code::NotConfirmed, detail),
            Refusal::TooManyExtensions => Self::new(Code::HoldLimit, detail),
            Refusal::HeldLongEnough { expires_at, until_max } => {
                let [until, at_most] = [expires_at, until_max].map(time_text);
                let detail =
                    format!("it is held until {until} already, and until {at_most} at most");
                let mut problem = Self::new(Code::HoldLimit, detail);
                problem.0.grounds.expires_at = Some(until);
                problem.0.grounds.expires_at_max = Some(at_most);
                problem
            }
            Refusal::ReservationNotFound
            | Refusal::AlreadyCancelled { .. }
            | Refusal::AlreadyExpired { .. } => Self::new(Code::ReservationNotFound, detail),
            Refusal::NotOnSale { .. }
            | Refusal::OtherTerms { .. }
            | Refusal::CapacityTaken { .. }
            | Refusal::StatusChange { .. }
            | Refusal::SeatsHeld { .. }
            | Refusal::BlockNotFound => Self::of_terms(&refusal, detail),
        }
    }
}
