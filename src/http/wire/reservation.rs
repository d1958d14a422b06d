//! A reservation as JSON.
//!
//! It must not know: which operation responds with it.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::kernel::kinds::{self, kinds, one_of};
use crate::http::kernel::list_page::ListPage;
use crate::http::kernel::text::{id_text, time_text};
use ticketboss_core::domain::{
    EventId, Note, Reference, Reservation, ReservationId, Status, Timestamp, Version,
};

/// What a reservation can be.
pub(crate) const STATUSES: [&str; 4] = ["held", "confirmed", "cancelled", "expired"];

kinds! {
    ReservationStatus: "What a reservation is.", one_of(&STATUSES);
}

/// A reservation, at one version of its event.
#[derive(Serialize, ToSchema)]
#[schema(as = Reservation)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReservationBody<'a> {
    #[schema(value_type = kinds::ReservationId)]
    reservation_id: String,
    #[schema(value_type = kinds::EventId)]
    event_id: &'a str,
    #[schema(value_type = kinds::PartnerId)]
    partner_id: &'a str,
    #[schema(value_type = kinds::Seats)]
    seats: u32,
    #[schema(value_type = ReservationStatus)]
    status: &'static str,
    /// The version of the event that made the reservation what it is.
    #[schema(value_type = kinds::Version)]
    version: u64,
    #[schema(value_type = kinds::Moment)]
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = kinds::Metadata)]
    metadata: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Moment)]
    expires_at: Option<String>,
    /// The same as a time from now on, for those whose clocks are wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64)]
    expires_in_seconds: Option<i64>,
}

/// Reservations, or a part of a longer list.
#[derive(Serialize, ToSchema)]
#[schema(as = ReservationList)]
pub(crate) struct ReservationListBody {
    #[schema(value_type = Vec<ReservationBody<'_>>)]
    pub(crate) items: ListPage,
    /// Where the list goes on, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Address)]
    pub(crate) next: Option<String>,
}

/// A reservation as it is told.
pub(crate) fn reservation_body<'a>(
    event: &'a EventId,
    id: ReservationId,
    reservation: &'a Reservation,
    version: Version,
    now: Timestamp,
) -> ReservationBody<'a> {
    let hold = match reservation.status {
        Status::Held(hold) => Some(hold),
        Status::Confirmed | Status::Cancelled { .. } | Status::Expired { .. } => None,
    };
    let note = reservation.note.as_deref();
    ReservationBody {
        reservation_id: id_text_of(id, reservation),
        event_id: event.as_str(),
        partner_id: reservation.partner.as_str(),
        seats: reservation.seats.get(),
        status: status_name(reservation.status),
        version: version.get(),
        created_at: time_text(reservation.made_at),
        reference: note.and_then(|note| note.reference.as_ref()).map(Reference::as_str),
        metadata: note.map(|note| entries(note).collect()).unwrap_or_default(),
        expires_at: hold.map(|hold| time_text(hold.expires_at)),
        // Rounded down: whoever goes by it is rather too early.
        expires_in_seconds: hold.map(|hold| (hold.expires_at.0 - now.0).max(0) / 1_000),
    }
}

/// The id under which its partner knows a reservation.
pub(crate) fn id_text_of(id: ReservationId, reservation: &Reservation) -> String {
    let chosen = reservation.note.as_ref().and_then(|note| note.chosen_id);
    chosen.map_or_else(|| id_text(id), |chosen| Uuid::from_u128(chosen).to_string())
}

pub(crate) fn status_name(status: Status) -> &'static str {
    match status {
        Status::Held(_) => "held",
        Status::Confirmed => "confirmed",
        Status::Cancelled { .. } => "cancelled",
        Status::Expired { .. } => "expired",
    }
}

fn entries(note: &Note) -> impl Iterator<Item = (&str, &str)> {
    note.metadata.iter().map(|(name, text)| (name.as_str(), text.as_str()))
}
