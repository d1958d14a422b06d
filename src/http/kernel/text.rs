//! Values of the domain as text, where JSON, headers and paths have them.
//!
//! It must not know: where a text stands.

use uuid::Uuid;

use ticketboss_core::domain::{ReservationId, Timestamp};

/// A moment as in RFC 3339, in UTC and to the millisecond.
pub(crate) fn time_text(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    format!("{at:.3}")
}

/// A reservation id as it stands in JSON.
pub(crate) fn id_text(id: ReservationId) -> String {
    Uuid::from_u128(id.to_bits()).to_string()
}
