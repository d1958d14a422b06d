//! TicketBoss
pub mod clock;
pub mod domain;
pub mod office;
pub mod store;
