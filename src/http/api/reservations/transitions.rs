//! What becomes of a reservation: confirmed, extended, given up.
//!
//! What is so already is no failure here: to confirm what is confirmed, or to give up what is given up, is
//! answered like the first time, so a client that has lost an answer asks again.
//!
//! It must not know: how a reservation is made.

use http::StatusCode;
use serde_json::json;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::{as_it_is, described, respond};
use crate::http::api::lookup::reservation_in_path;
use crate::http::context::Context;
use crate::http::describe::headers::{ETAG, REPLAYED};
use crate::http::describe::operation::{OF_BODY, OF_CHANGE, OF_RESERVATION, OperationDoc, Tag};
use crate::http::describe::parameters::IDEMPOTENCY_KEY;
use crate::http::describe::response::ResponseDoc;
use crate::http::kernel::body::{Fields, Unknown, seats, whole_number};
use crate::http::kernel::idempotency::{marked, request_context_about};
use crate::http::kernel::kinds::{closed, hold_seconds, or_null, seats_from_one};
use crate::http::kernel::problem::{Code, Problem};
use crate::http::kernel::reply::{Response, empty, with_version};
use crate::http::kernel::request::Request;
use ticketboss_core::domain::{EventId, Refusal, ReservationId, Version};
use ticketboss_engine::{EngineError, Receipt, ReservationReceipt};

/// `POST …/{id}/confirm`: takes for good what is held, or was until its time was up, if the seats are
/// still there. 200 with the reservation, also where it is confirmed already; 404; 409 `hold_expired`,
/// `reservation_cancelled`; 503.
pub(crate) async fn confirm(context: Context, request: Request) -> Result<Response, Problem> {
    let (event, id) = reservation_in_path(&context, &request)?;
    Fields::read_if_any(&request)?.finish(Unknown::Refused)?;
    let confirmed =
        context.engine.confirm(id, request_context_about(&request, "confirm", id)?).await;
    respond_changed(confirmed, &event, id, &context, |refusal| match refusal {
        Refusal::AlreadyConfirmed { since } => Some(since),
        _ => None,
    })
}

/// Describes [`confirm`].
pub(crate) fn describe_confirm() -> OperationDoc {
    let about = "Takes for good what is held, or was until its time was up, if the seats are still there. \
        What is confirmed already is answered alike.";
    changing("confirmReservation", "Confirm what is held", about)
        .body_if_any("Confirmation", confirmation_schema(), json!({}))
        .problems(&[Code::HoldExpired, Code::NotOnSale, Code::ReservationCancelled])
}

/// `POST …/{id}/extend`: keeps what is held for `holdSeconds` from now on. 200 with the reservation; 400
/// `hold_seconds`; 404; 409 `already_confirmed`, `reservation_cancelled`, `reservation_expired`,
/// `hold_limit`; 503.
pub(crate) async fn extend(context: Context, request: Request) -> Result<Response, Problem> {
    let (event, id) = reservation_in_path(&context, &request)?;
    let mut fields = Fields::read_if_any(&request)?;
    let seconds = fields.optional("holdSeconds", whole_number);
    fields.finish(Unknown::Refused)?;
    let seconds = match seconds {
        Some(seconds) => seconds,
        None => context.engine.event(&event)?.terms().hold_seconds,
    };
    let extended =
        context.engine.extend(id, seconds, request_context_about(&request, "extend", id)?).await;
    respond_changed(extended, &event, id, &context, |_| None)
}

/// Describes [`extend`].
pub(crate) fn describe_extend() -> OperationDoc {
    let about = "Holds the seats for so long from now on: 30 minutes in all and ten times at most. A hold that ends \
        no sooner than that already is not shortened: 409 `hold_limit`.";
    changing("extendReservation", "Hold longer", about)
        .body_if_any("Extension", extension_schema(), json!({ "holdSeconds": 600 }))
        .problems(&[Code::HoldSeconds, Code::NotOnSale, Code::HoldLimit, Code::AlreadyConfirmed])
        .problems(&[Code::ReservationCancelled, Code::ReservationExpired])
        .problems(&[Code::IdempotencyKeyReused])
}

/// `POST …/{id}/cancel`: gives up a reservation, or so many `seats` of a confirmed one. 200 with the
/// reservation, also where all of it is given up already; 400 `not_a_part`; 404; 409 `not_confirmed`,
/// and where a part is to be given up, `reservation_cancelled`, `reservation_expired`; 503.
pub(crate) async fn cancel(context: Context, request: Request) -> Result<Response, Problem> {
    let (event, id) = reservation_in_path(&context, &request)?;
    let mut fields = Fields::read_if_any(&request)?;
    let part = fields.optional("seats", seats);
    fields.finish(Unknown::Refused)?;
    let engine = &context.engine;
    let request_context = request_context_about(&request, "cancel", id)?;
    let cancelled = match part {
        None => engine.cancel(id, request_context).await,
        Some(seats) => engine.cancel_part(id, seats, request_context).await,
    };
    respond_changed(cancelled, &event, id, &context, |refusal| match refusal {
        Refusal::AlreadyCancelled { since } | Refusal::AlreadyExpired { since } => {
            Some(since).filter(|_| part.is_none())
        }
        _ => None,
    })
}

/// Describes [`cancel`].
pub(crate) fn describe_cancel() -> OperationDoc {
    let about = "Gives it up, or so many `seats` of what is confirmed. What is given up already is answered \
        alike.";
    changing("cancelPartOrAll", "Give up a reservation, or a part", about)
        .body_if_any("Cancellation", cancellation_schema(), json!({ "seats": 1 }))
        .problems(&[Code::NotAPart, Code::NotConfirmed, Code::IdempotencyKeyReused])
        .problems(&[Code::ReservationCancelled, Code::ReservationExpired])
}

/// `DELETE …/{id}`: gives up a reservation. 204; 404 also where it is given up already; 503.
pub(crate) async fn delete(context: Context, request: Request) -> Result<Response, Problem> {
    let (_, id) = reservation_in_path(&context, &request)?;
    let cancelled =
        context.engine.cancel(id, request_context_about(&request, "delete", id)?).await?;
    let response = with_version(empty(StatusCode::NO_CONTENT), cancelled.version);
    Ok(marked(response, cancelled.replay))
}

/// Describes [`delete`].
pub(crate) fn describe_delete() -> OperationDoc {
    let about = "Gives it up. The second time it is not found; `cancel` answers alike.";
    let given_up = ResponseDoc::empty("The seats are given back.").with(ETAG).with(REPLAYED);
    OperationDoc::new(Tag::Reservations, "deleteReservation", "Give up a reservation", about)
        .takes(&[IDEMPOTENCY_KEY])
        .responds(StatusCode::NO_CONTENT, given_up)
        .problems(&[Code::InvalidRequest])
        .problems(OF_RESERVATION)
        .problems(OF_CHANGE)
}

/// Tells what came of a change, or, where that is `so_since` a version, what is so since then. More may
/// have become of it while this is told; that is not what was decided.
fn respond_changed(
    changed: Result<ReservationReceipt, EngineError>,
    event: &EventId,
    id: ReservationId,
    context: &Context,
    so_since: impl FnOnce(&Refusal) -> Option<&Version>,
) -> Result<Response, Problem> {
    let reserved = match changed {
        Ok(reserved) => reserved,
        Err(EngineError::Refused(refusal)) => match so_since(&refusal) {
            Some(since) => {
                let (id, newest) = as_it_is(context, id)?.result;
                Receipt::first(*since, (id, newest.as_of(*since)))
            }
            None => return Err(Problem::of_refusal(&refusal)),
        },
        Err(error) => return Err(error.into()),
    };
    Ok(respond(StatusCode::OK, event, &reserved, context))
}

/// What changes a reservation that there is.
fn changing(id: &str, summary: &str, about: &str) -> OperationDoc {
    OperationDoc::new(Tag::Reservations, id, summary, about)
        .takes(&[IDEMPOTENCY_KEY])
        .responds(StatusCode::OK, described().with(ETAG).with(REPLAYED))
        .problems(OF_BODY)
        .problems(OF_RESERVATION)
        .problems(OF_CHANGE)
}

/// What a confirmation says: nothing.
fn confirmation_schema() -> ObjectBuilder {
    closed("Nothing, yet.")
}

/// For how long a hold is to go on.
fn extension_schema() -> ObjectBuilder {
    let about = "From now on; where it is missing, as long as the event says.";
    let seconds = or_null(hold_seconds(), Type::Integer).description(Some(about));
    closed("For how long seats are to be held.").property("holdSeconds", seconds)
}

/// What is given up.
fn cancellation_schema() -> ObjectBuilder {
    let about = "So many seats of a confirmed reservation; where it is missing, all of it.";
    let seats = or_null(seats_from_one(), Type::Integer).description(Some(about));
    closed("What is given up.").property("seats", seats)
}
