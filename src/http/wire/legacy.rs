//! What the legacy API responds with, as JSON: the names and the order of the fields are those of
//! TicketBossJS.
//!
//! It must not know: the shapes under `/v1`.

use serde::Serialize;
use utoipa::ToSchema;

use super::reservation::ReservationStatus;
use crate::http::kernel::kinds;
use ticketboss_core::domain::Event;

/// What the seed told of a reservation.
#[derive(Serialize, ToSchema)]
#[schema(as = Reserved)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReservedBody {
    #[schema(value_type = kinds::ReservationId)]
    pub(crate) reservation_id: String,
    #[schema(value_type = kinds::Seats)]
    pub(crate) seats: u32,
    #[schema(value_type = ReservationStatus)]
    pub(crate) status: &'static str,
    #[schema(value_type = kinds::Version)]
    pub(crate) version: u64,
}

/// What the seed told of its event.
#[derive(Serialize, ToSchema)]
#[schema(as = Summary)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SummaryBody<'a> {
    #[schema(value_type = kinds::EventId)]
    event_id: &'a str,
    #[schema(value_type = kinds::EventName)]
    name: &'a str,
    #[schema(value_type = kinds::Seats)]
    total_seats: u32,
    #[schema(value_type = kinds::SeatCount)]
    available_seats: u32,
    reservation_count: u64,
    #[schema(value_type = kinds::Version)]
    version: u64,
}

/// An event in numbers.
pub(crate) fn summary_body(event: &Event) -> SummaryBody<'_> {
    let seats = event.seats();
    SummaryBody {
        event_id: event.id().as_str(),
        name: event.name().as_str(),
        total_seats: seats.capacity,
        available_seats: seats.available,
        reservation_count: event.live_reservations(),
        version: event.version().get(),
    }
}
