//! Valid values in few words.

use ticketboss_core::domain::{EventId, EventName, EventTerms, PartnerId, Seats, Version};

/// The most seats that one request may take of an event made by [`terms`].
pub(crate) const SEATS_PER_REQUEST_MAX: u32 = 10;

pub(crate) fn event_id(text: &str) -> EventId {
    EventId::new(text).unwrap()
}

pub(crate) fn partner(text: &str) -> PartnerId {
    PartnerId::new(text).unwrap()
}

pub(crate) fn version(number: u64) -> Version {
    Version::new(number).unwrap()
}

pub(crate) fn terms(id: &str, capacity: u32) -> EventTerms {
    EventTerms::on_sale(
        event_id(id),
        EventName::new("Node Meetup").unwrap(),
        Seats::new(capacity).unwrap(),
        Seats::new(SEATS_PER_REQUEST_MAX).unwrap(),
    )
}
