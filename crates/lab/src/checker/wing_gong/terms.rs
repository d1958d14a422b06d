//! What is known of an event before its history begins.
//!
//! It must not know: the model, or the search.

use ticketboss_core::domain::EventNumber;

/// What an event sells. It is new when the history begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The number of the event, which is part of its reservations' ids.
    pub number: EventNumber,
    /// How many seats there are.
    pub capacity: u32,
    /// The most seats that one request may take.
    pub seats_per_request_max: u32,
}
