//! The use cases: create an event, reserve, hold, confirm, extend, cancel, look.
//!
//! The engine gives each event one writer, who decides and commits; readers take the last committed
//! event and wait for nobody. Work is done by the writer, not by the task of whoever asks: a caller
//! that goes away stops nothing.
//!
//! It must not know: HTTP, JSON, status codes, sled, or where the time and the random numbers come
//! from.

mod engine;
mod error;
mod event_creation;
mod event_handle;
mod events;
mod history;
mod moves;
mod open;
mod published;
mod read_backs;
mod receipt;
mod request;
mod reservations;
mod subscriptions;
mod writer;

pub use engine::Engine;
pub use error::{EVENTS_MAX, EngineError};
pub use history::SealedPage;
pub use receipt::{Receipt, Replay, ReservationReceipt};
pub use request::RequestContext;
pub use subscriptions::{Added, Following, FollowingAll, Missed};
