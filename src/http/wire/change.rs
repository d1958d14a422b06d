//! A change as JSON: the frames of which everything that tells of changes is made.
//!
//! It must not know: who reads changes, or how they are read from the ledger.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::event::TermsBody;
use super::reservation::id_text_of;
use crate::http::kernel::kinds::{self, kinds, one_of};
use crate::http::kernel::list_page::ListPage;
use crate::http::kernel::text::time_text;
use ticketboss_core::domain::{self, Change, Event, EventTerms, Fact, ReservationId};

/// What a change can be.
const TYPES: [&str; 12] = [
    "eventCreated",
    "eventUpdated",
    "seatsBlocked",
    "seatsUnblocked",
    "reserved",
    "held",
    "confirmed",
    "confirmedLate",
    "extended",
    "cancelled",
    "expired",
    "partlyCancelled",
];

kinds! {
    ChangeType: "What happened.", one_of(&TYPES);
    Actor: "Who made a change.", one_of(&["anonymous", "system"]);
}

/// One change. What is not of its kind is left out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Change)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangeBody {
    #[schema(value_type = kinds::EventId)]
    event_id: String,
    /// The version of the event after it.
    #[schema(value_type = kinds::Version)]
    version: u64,
    #[schema(value_type = ChangeType)]
    r#type: &'static str,
    #[schema(value_type = kinds::Moment)]
    at: String,
    #[schema(value_type = Actor)]
    by: &'static str,
    #[schema(value_type = kinds::RequestId)]
    request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::ReservationId)]
    reservation_id: Option<String>,
    #[serde(flatten)]
    what: ChangeDetails,
}

/// What a change is about, besides a reservation.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = ChangeDetails)]
#[serde(rename_all = "camelCase")]
struct ChangeDetails {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::PartnerId)]
    partner_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Seats)]
    seats: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Moment)]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::BlockId)]
    block_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::EventName)]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Seats)]
    total_seats: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::EventStatus)]
    status: Option<&'static str>,
    /// What else the terms say since.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = TermsBody)]
    terms: Option<TermsBody>,
}

/// Changes in order, or a part of more.
#[derive(Serialize, ToSchema)]
#[schema(as = ChangeList)]
pub(crate) struct ChangeListBody {
    #[schema(value_type = Vec<ChangeBody>)]
    pub(crate) items: ListPage,
    /// Where it goes on, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = kinds::Address)]
    pub(crate) next: Option<String>,
}

/// A change as it is told; `event` is as it is now, or was since.
pub(crate) fn change_body(event: &Event, change: &Change) -> ChangeBody {
    let made_by = change.fact.reservation().unwrap_or(change.version);
    let about: Option<(ReservationId, _)> = event.reservation_made_by(made_by);
    let (r#type, mut what) = type_and_details(&change.fact);
    if let Some((_, reservation)) = &about {
        // So that nobody has to have heard of it before to keep count.
        what.partner_id = Some(reservation.partner.to_string());
        what.seats.get_or_insert(reservation.seats_at(change.version).get());
    }
    match change.fact {
        Fact::SeatsBlocked { .. } => what.block_id = Some(change.version.get()),
        Fact::SeatsUnblocked { block } => {
            what.seats = event.block_made_by(block).map(|block| block.seats.get());
        }
        Fact::EventCreated(_)
        | Fact::EventUpdated(_)
        | Fact::Reserved { .. }
        | Fact::Held { .. }
        | Fact::Confirmed { .. }
        | Fact::ConfirmedLate { .. }
        | Fact::Extended { .. }
        | Fact::Cancelled { .. }
        | Fact::PartlyCancelled { .. }
        | Fact::Expired { .. } => {}
    }
    ChangeBody {
        event_id: event.id().to_string(),
        version: change.version.get(),
        r#type,
        at: time_text(change.at),
        by: match change.by {
            domain::Actor::Anonymous => "anonymous",
            domain::Actor::System => "system",
        },
        request_id: Uuid::from_u128(change.request.0).to_string(),
        reservation_id: about.map(|(id, reservation)| id_text_of(id, &reservation)),
        what,
    }
}

fn type_and_details(fact: &Fact) -> (&'static str, ChangeDetails) {
    let none = ChangeDetails::default();
    match fact {
        Fact::EventCreated(terms) => ("eventCreated", details_of_terms(terms)),
        Fact::EventUpdated(terms) => ("eventUpdated", details_of_terms(terms)),
        Fact::SeatsBlocked { seats, reason } => {
            let reason = Some(reason.to_string());
            ("seatsBlocked", ChangeDetails { seats: Some(seats.get()), reason, ..none })
        }
        Fact::SeatsUnblocked { block } => {
            ("seatsUnblocked", ChangeDetails { block_id: Some(block.get()), ..none })
        }
        Fact::Reserved { partner, seats, .. } => {
            let partner_id = Some(partner.to_string());
            ("reserved", ChangeDetails { partner_id, seats: Some(seats.get()), ..none })
        }
        Fact::Held { partner, seats, expires_at, .. } => {
            let (partner_id, expires_at) =
                (Some(partner.to_string()), Some(time_text(*expires_at)));
            ("held", ChangeDetails { partner_id, seats: Some(seats.get()), expires_at, ..none })
        }
        Fact::Confirmed { .. } => ("confirmed", none),
        Fact::ConfirmedLate { .. } => ("confirmedLate", none),
        Fact::Extended { expires_at, .. } => {
            ("extended", ChangeDetails { expires_at: Some(time_text(*expires_at)), ..none })
        }
        Fact::Cancelled { .. } => ("cancelled", none),
        Fact::Expired { .. } => ("expired", none),
        Fact::PartlyCancelled { seats, .. } => {
            ("partlyCancelled", ChangeDetails { seats: Some(seats.get()), ..none })
        }
    }
}

fn details_of_terms(terms: &EventTerms) -> ChangeDetails {
    ChangeDetails {
        name: Some(terms.name.to_string()),
        total_seats: Some(terms.capacity.get()),
        status: Some(terms.status.as_str()),
        terms: Some(TermsBody::of(terms)),
        ..ChangeDetails::default()
    }
}
