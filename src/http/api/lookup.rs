//! What a path names: an event, perhaps at a version that is waited for, or a reservation.
//!
//! It must not know: what is done with it.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::http::context::Context;
use crate::http::kernel::idempotency::name_of;
use crate::http::kernel::long_poll::LongWait;
use crate::http::kernel::problem::Problem;
use crate::http::kernel::request::Request;
use ticketboss_core::domain::{Event, EventId, Refusal, ReservationId, Version};
use ticketboss_engine::EngineError;

/// What is no event id is no event's.
pub(crate) fn event_in_path(request: &Request) -> Result<EventId, EngineError> {
    EventId::new(request.segment(0)).map_err(|_| EngineError::EventNotFound)
}

/// An event, once it is at the version that is waited for, or as it is when that takes too long.
pub(crate) async fn event_after(
    context: &Context,
    long_wait: &LongWait,
    id: &EventId,
    wait: Option<(Version, Duration)>,
) -> Result<Arc<Event>, Problem> {
    let event = context.engine.event(id)?;
    let Some((version, patience)) = wait.filter(|(version, _)| *version > event.version()) else {
        return Ok(event);
    };
    let (_permit, _waiting) = (context.feeds.permit()?, long_wait.begin());
    let mut following = context.engine.follow(id)?;
    tokio::select! {
        event = following.until(version) => Ok(event?),
        () = tokio::time::sleep(patience) => Ok(context.engine.event(id)?),
        () = context.readiness.stopping().cancelled_owned() => Ok(context.engine.event(id)?),
    }
}

/// The event and the reservation of the path, by our id or by the one that the client has chosen; one of
/// another event is not there.
pub(crate) fn reservation_in_path(
    context: &Context,
    request: &Request,
) -> Result<(EventId, ReservationId), Problem> {
    let event = context.engine.event(&event_in_path(request)?)?;
    let uuid = Uuid::try_parse(request.segment(1)).map_err(|_| Refusal::ReservationNotFound)?;
    let ours = ReservationId::from_bits(uuid.as_u128());
    let ours = ours.filter(|id| event.reservation(*id).is_some());
    let id = ours.or_else(|| id_of_chosen(&event, uuid)).ok_or(Refusal::ReservationNotFound)?;
    Ok((event.id().clone(), id))
}

/// Our id of the reservation for which a client has chosen that one.
pub(crate) fn id_of_chosen(event: &Event, chosen: Uuid) -> Option<ReservationId> {
    let done = event.done_by(name_of(chosen))?;
    event.reservation_made_by(done.reservation?).map(|(id, _)| id)
}
