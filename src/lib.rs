//! TicketBoss
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod http;
pub mod lines;
pub mod office;
pub mod server;
pub mod shutdown;
pub mod store;
