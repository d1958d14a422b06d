//! What an answer of the server comes to, for whoever asked.
//!
//! It must not know: whether the request deserves it; that is for the judge to say.

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::checker::history::{Asked, Outcome, Stand, Telling};

/// How much of an answer is kept that nobody expected.
const STRANGE_CHARS_MAX: usize = 300;

/// The event in numbers, as the server tells it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Which event.
    pub event_id: String,
    /// How many seats it has.
    pub total_seats: u32,
    /// How many of them anybody may take.
    pub available_seats: u32,
    /// How many reservations are not cancelled.
    pub reservation_count: u64,
    /// The version that the numbers are of.
    pub version: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReservedBody {
    reservation_id: Uuid,
    seats: u32,
    version: u64,
}

/// A reservation under `/v1`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeldBody {
    reservation_id: Uuid,
    seats: u32,
    version: u64,
    status: String,
    expires_at: Option<jiff::Timestamp>,
}

#[derive(Deserialize)]
struct BlockBody {
    seats: u32,
}

#[derive(Deserialize)]
struct ProblemBody {
    code: String,
    available: Option<u32>,
    has: Option<u32>,
    taken: Option<u32>,
    version: Option<u64>,
}

/// A status, the version in the `ETag`, whether it was told before, and the body.
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) version: Option<u64>,
    pub(super) telling: Telling,
    pub(super) body: Bytes,
}

/// What an answer comes to.
pub(super) fn outcome(asked: &Asked, response: &Response) -> Outcome {
    understood(asked, response).unwrap_or_else(|| Outcome::Unexpected { what: in_short(response) })
}

fn understood(asked: &Asked, response: &Response) -> Option<Outcome> {
    match response.status {
        StatusCode::CREATED if matches!(asked, Asked::Hold { .. }) => {
            let HeldBody { reservation_id, seats, version, expires_at, .. } = read(response)?;
            let expires_at_ms = expires_at?.as_millisecond();
            Some(Outcome::Held { reservation: reservation_id, seats, version, expires_at_ms })
        }
        StatusCode::CREATED if matches!(asked, Asked::Block { .. }) => {
            let BlockBody { seats } = read(response)?;
            Some(Outcome::Blocked { version: response.version?, seats })
        }
        StatusCode::CREATED => {
            let ReservedBody { reservation_id, seats, version } = read(response)?;
            Some(Outcome::Reserved { reservation: reservation_id, seats, version })
        }
        StatusCode::NO_CONTENT if matches!(asked, Asked::Unblock { .. }) => {
            Some(Outcome::Unblocked { version: response.version? })
        }
        StatusCode::NO_CONTENT => Some(Outcome::Cancelled { version: response.version? }),
        StatusCode::OK => shown(asked, response),
        _ => refused(response, &read(response)?),
    }
}

fn shown(asked: &Asked, response: &Response) -> Option<Outcome> {
    if let Asked::Read = asked {
        let Summary { version, available_seats, reservation_count, .. } = read(response)?;
        let (available, reservations) = (available_seats, reservation_count);
        return Some(Outcome::Read { version, available, reservations });
    }
    if let Asked::Update { .. } = asked {
        let Summary { version, total_seats, available_seats, .. } = read(response)?;
        let (capacity, available) = (total_seats, available_seats);
        return Some(Outcome::Updated { version, capacity, available });
    }
    let HeldBody { seats, version, status, expires_at, .. } = read(response)?;
    match (asked, status.as_str()) {
        (Asked::Confirm { .. }, "confirmed") => Some(Outcome::Confirmed { version }),
        // It was confirmed already, and has been given up since then.
        (Asked::Confirm { .. }, "cancelled") => Some(Outcome::Stands { how: Stand::Cancelled }),
        (Asked::Extend { .. }, "held") => {
            Some(Outcome::Extended { version, expires_at_ms: expires_at?.as_millisecond() })
        }
        (Asked::CancelPart { .. }, "confirmed") => {
            Some(Outcome::PartlyCancelled { version, seats })
        }
        _ => None,
    }
}

/// The codes that leave no doubt whether something was done, and the one that does.
fn refused(response: &Response, problem: &ProblemBody) -> Option<Outcome> {
    let what = || in_short(response);
    match (response.status.as_u16(), problem.code.as_str()) {
        (409, "not_enough_seats") => Some(Outcome::NotEnoughSeats {
            available: problem.available?,
            version: problem.version?,
        }),
        (409, "hold_expired") => {
            Some(Outcome::HoldExpired { available: problem.available?, version: problem.version? })
        }
        (409, "already_confirmed") => Some(Outcome::Stands { how: Stand::Confirmed }),
        (409, "not_confirmed") => Some(Outcome::Stands { how: Stand::Held }),
        (409, "reservation_cancelled") => Some(Outcome::Stands { how: Stand::Cancelled }),
        (409, "reservation_expired") => Some(Outcome::Stands { how: Stand::Expired }),
        (409, "hold_limit") => Some(Outcome::HoldLimit),
        (400, "hold_seconds") => Some(Outcome::HoldSeconds),
        (400, "not_a_part") => Some(Outcome::NotAPart { has: problem.has? }),
        (400, "seats_per_request") => Some(Outcome::SeatsPerRequest),
        (409, "capacity_taken") => {
            Some(Outcome::CapacityTaken { taken: problem.taken?, version: problem.version? })
        }
        (412, "precondition_failed") => Some(Outcome::OtherTerms { version: problem.version? }),
        (404, "block_not_found") => Some(Outcome::BlockNotFound),
        (422, "idempotency_key_reused") => Some(Outcome::KeyReused),
        (404, "reservation_not_found") => Some(Outcome::ReservationNotFound),
        (503, "overloaded" | "storage_full") => Some(Outcome::NotDone { what: what() }),
        (503, "unavailable") => Some(Outcome::Unknown { what: what() }),
        _ => None,
    }
}

fn read<T: DeserializeOwned>(response: &Response) -> Option<T> {
    serde_json::from_slice(&response.body).ok()
}

fn in_short(response: &Response) -> String {
    let body = String::from_utf8_lossy(&response.body);
    let body = body.chars().take(STRANGE_CHARS_MAX).collect::<String>();
    format!("{}: {body}", response.status.as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ticketboss_core::domain::PartnerId;

    fn of(asked: &Asked, status: u16, version: Option<u64>, body: &str) -> String {
        let status = StatusCode::from_u16(status).unwrap();
        let telling = Telling::First;
        let response =
            Response { status, version, telling, body: Bytes::copy_from_slice(body.as_bytes()) };
        let outcome = format!("{:?}", outcome(asked, &response));
        outcome.split(' ').next().unwrap().to_owned()
    }

    #[test]
    fn an_answer_counts_for_what_it_surely_says() {
        let reserved =
            r#"{"reservationId":"00000001-0000-8000-8009-61b42a322344","seats":3,"version":2}"#;
        let read =
            r#"{"eventId":"e","totalSeats":5,"availableSeats":2,"reservationCount":1,"version":2}"#;
        let code = |code: &str| format!(r#"{{"code":"{code}","available":1,"version":2}}"#);
        for (status, version, body, expected) in [
            (201, None, reserved.to_owned(), "Reserved"),
            (201, Some(2), "{}".to_owned(), "Unexpected"),
            (201, None, "[]".to_owned(), "Unexpected"),
            (204, Some(3), String::new(), "Cancelled"),
            (204, None, String::new(), "Unexpected"),
            (200, Some(2), read.to_owned(), "Read"),
            (409, None, code("not_enough_seats"), "NotEnoughSeats"),
            (409, None, r#"{"code":"not_enough_seats"}"#.to_owned(), "Unexpected"),
            (400, None, code("seats_per_request"), "SeatsPerRequest"),
            (400, None, code("invalid_request"), "Unexpected"),
            (404, None, code("reservation_not_found"), "ReservationNotFound"),
            (404, None, code("event_not_found"), "Unexpected"),
            (503, None, code("overloaded"), "NotDone"),
            (503, None, code("storage_full"), "NotDone"),
            (503, None, code("unavailable"), "Unknown"),
            (503, None, code("event_damaged"), "Unexpected"),
            (500, None, String::new(), "Unexpected"),
        ] {
            assert_eq!(of(&Asked::Read, status, version, &body), expected, "{status} {body}");
        }
    }

    #[test]
    fn an_answer_about_a_hold_counts_for_what_it_surely_says() {
        let reservation = Uuid::nil();
        let (partner, seats, hold_seconds) = (PartnerId::new("p").unwrap(), 3, 60);
        let hold = Asked::Hold { partner, seats, hold_seconds };
        let confirm = Asked::Confirm { reservation };
        let extend = Asked::Extend { reservation, hold_seconds };
        let part = Asked::CancelPart { reservation, seats };
        let confirmed = r#"{"reservationId":"00000001-0000-8000-8009-61b42a322344","seats":3,"version":2,"status":"confirmed"}"#;
        let cancelled = confirmed.replace("confirmed", "cancelled");
        let until = r#"held","expiresAt":"2026-01-01T00:00:00.500Z"}"#;
        let kept = confirmed.replace(r#"confirmed"}"#, until);
        let code = |code: &str| format!(r#"{{"code":"{code}","available":1,"has":3,"version":2}}"#);
        for (asked, status, body, expected) in [
            (&hold, 201, kept.clone(), "Held"),
            (&hold, 201, confirmed.to_owned(), "Unexpected"),
            (&confirm, 200, confirmed.to_owned(), "Confirmed"),
            (&confirm, 200, cancelled.clone(), "Stands"),
            (&confirm, 200, kept.clone(), "Unexpected"),
            (&extend, 200, kept, "Extended"),
            (&extend, 200, confirmed.to_owned(), "Unexpected"),
            (&part, 200, confirmed.to_owned(), "PartlyCancelled"),
            (&part, 200, cancelled, "Unexpected"),
            (&confirm, 409, code("hold_expired"), "HoldExpired"),
            (&confirm, 409, code("reservation_cancelled"), "Stands"),
            (&extend, 409, code("hold_limit"), "HoldLimit"),
            (&extend, 400, code("hold_seconds"), "HoldSeconds"),
            (&part, 400, code("not_a_part"), "NotAPart"),
            (&part, 409, code("not_confirmed"), "Stands"),
        ] {
            assert_eq!(of(asked, status, None, &body), expected, "{status} {body}");
        }
    }

    #[test]
    fn an_answer_about_terms_counts_for_what_it_surely_says() {
        let update = Asked::Update { capacity: Some(5), seats_per_request_max: None, expected: 1 };
        let (block, unblock) = (Asked::Block { seats: 3 }, Asked::Unblock { block: 2 });
        let terms =
            r#"{"eventId":"e","totalSeats":5,"availableSeats":2,"reservationCount":1,"version":2}"#;
        let blocked = r#"{"blockId":2,"seats":3}"#;
        let code = |code: &str| format!(r#"{{"code":"{code}","taken":3,"version":2}}"#);
        for (asked, status, version, body, expected) in [
            (&update, 200, Some(2), terms.to_owned(), "Updated"),
            (&update, 200, Some(2), "{}".to_owned(), "Unexpected"),
            (&update, 409, None, code("capacity_taken"), "CapacityTaken"),
            (&update, 412, None, code("precondition_failed"), "OtherTerms"),
            (&update, 412, None, r#"{"code":"precondition_failed"}"#.to_owned(), "Unexpected"),
            (&block, 201, Some(2), blocked.to_owned(), "Blocked"),
            (&block, 201, None, blocked.to_owned(), "Unexpected"),
            (&unblock, 204, Some(3), String::new(), "Unblocked"),
            (&unblock, 404, None, code("block_not_found"), "BlockNotFound"),
            (&update, 422, None, code("idempotency_key_reused"), "KeyReused"),
        ] {
            assert_eq!(of(asked, status, version, &body), expected, "{status} {body}");
        }
    }
}
