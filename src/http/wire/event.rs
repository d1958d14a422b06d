//! An event as JSON.
//!
//! It must not know: which operation responds with it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::http::kernel::kinds;
use crate::http::kernel::list_page::ListPage;
use crate::http::kernel::text::time_text;
use crate::http::kernel::times::local_text;
use ticketboss_core::domain::{Event, EventTerms, Timestamp};

/// An event; it begins with what the seed told of its one.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventBody<'a> {
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
    #[schema(value_type = kinds::SeatCount)]
    held_seats: u32,
    #[schema(value_type = kinds::SeatCount)]
    confirmed_seats: u32,
    #[schema(value_type = kinds::SeatCount)]
    blocked_seats: u32,
    #[schema(value_type = kinds::EventStatus)]
    status: &'static str,
    /// Whether a seat could be had now, if there is one.
    is_selling: bool,
    #[schema(value_type = kinds::Moment)]
    created_at: String,
    #[schema(value_type = kinds::Moment)]
    updated_at: String,
    #[serde(flatten)]
    terms: TermsBody,
}

/// The terms of an event, besides its name, its seats and its status.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventTerms)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TermsBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    venue: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Moment)]
    starts_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    time_zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Moment)]
    on_sale_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Moment)]
    off_sale_at: Option<String>,
    #[schema(value_type = kinds::Seats)]
    seats_per_request_min: u32,
    #[schema(value_type = kinds::Seats)]
    seats_per_request_max: u32,
    #[schema(value_type = kinds::HoldSeconds)]
    hold_seconds: u32,
}

/// Events, or a part of a longer list.
#[derive(Serialize, ToSchema)]
#[schema(as = EventList)]
pub(crate) struct EventListBody {
    #[schema(value_type = Vec<EventBody<'_>>)]
    pub(crate) items: ListPage,
    /// Where the list goes on, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Address)]
    pub(crate) next: Option<String>,
}

impl TermsBody {
    pub(crate) fn of(terms: &EventTerms) -> Self {
        Self {
            description: terms.description.as_ref().map(ToString::to_string),
            venue: terms.venue.as_ref().map(ToString::to_string),
            starts_at: terms.starts_at.map(|at| local_text(at, terms.zone.as_ref())),
            time_zone: terms.zone.as_ref().map(ToString::to_string),
            on_sale_at: terms.on_sale_at.map(time_text),
            off_sale_at: terms.off_sale_at.map(time_text),
            seats_per_request_min: terms.seats_per_request_min.get(),
            seats_per_request_max: terms.seats_per_request_max.get(),
            hold_seconds: terms.hold_seconds,
        }
    }
}

/// An event as it is told.
pub(crate) fn event_body(event: &Event, now: Timestamp) -> EventBody<'_> {
    let (seats, terms) = (event.seats(), event.terms());
    EventBody {
        event_id: terms.id.as_str(),
        name: terms.name.as_str(),
        total_seats: seats.capacity,
        available_seats: seats.available,
        reservation_count: event.live_reservations(),
        version: event.version().get(),
        held_seats: seats.held,
        confirmed_seats: seats.confirmed,
        blocked_seats: seats.blocked,
        status: terms.status.as_str(),
        is_selling: terms.sells_at(now).is_ok(),
        created_at: time_text(event.created_at()),
        updated_at: time_text(event.updated_at()),
        terms: TermsBody::of(terms),
    }
}
