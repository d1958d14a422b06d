//! What a sale is, as pure values: an [`Event`], the [`Command`]s it is asked for, the [`Change`]s
//! it goes through and the [`Refusal`]s it answers with.
//!
//! The whole machine is two functions. [`Event::decide`] looks at a command and either refuses, in
//! documented order, or states the one change that would follow; it touches nothing.
//! [`Event::apply`] makes that change and cannot fail. The state of an event is therefore the fold
//! of `apply` over its ledger, and everything above may decide the same command twice, on a clone,
//! or on another node, and come to the same result.
//!
//! It must not know: clocks, random numbers, files, JSON, HTTP, async, logs, or how a change is
//! written down. Those come in as arguments or live on a higher floor.

pub mod change;
pub mod command;
pub mod event;
pub mod key;
pub mod names;
pub mod note;
pub mod refusal_count;
pub mod refused;
pub mod reservation;
pub mod statistics;
pub mod terms;
pub mod text;

pub use change::{Actor, Change, Fact};
pub use command::{Command, Decision, Intent, Refusal, Shortage};
pub use event::{Block, Event, PartnerTotals, SeatCounts, Violation};
pub use key::{Done, Key, KeyName};
pub use names::{
    EVENT_ID_BYTES_MAX, EventId, EventNumber, Nonce, RequestId, ReservationId, Seats, Timestamp,
    Version,
};
pub use note::{METADATA_ENTRIES_MAX, Note};
pub use refusal_count::{REFUSED_BY_NAME_MAX, RefusedCount};
pub use refused::{RefusalKind, Refused};
pub use reservation::{
    EXTENSIONS_MAX, HOLD_SECONDS_MAX, HOLD_SECONDS_MIN, Hold, Reservation, Status, Step, Steps,
    Turn,
};
pub use statistics::{Bucket, Count, Outcome, Statistics, Tally};
pub use terms::{EventStatus, EventTerms, HOLD_SECONDS_USUAL, NotOnSale};
pub use text::{
    Description, EventName, InvalidName, MetadataKey, MetadataValue, PartnerId, Reason, Reference,
    Venue, ZoneName,
};
