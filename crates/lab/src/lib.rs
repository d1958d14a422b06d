//! What shows that the program keeps its promises: two checkers of histories, a load generator, the
//! commands `prove` and `stress`, and, behind the feature `sim`, whole simulated runs.
//!
//! It must not know: `http`. A server is reached as its clients reach it, over a socket.

pub mod checker;
mod choices;
pub mod client;
pub mod histories;
pub mod judging;
pub mod load;
mod own_server;
pub mod prove;
pub mod replays;
#[cfg(feature = "sim")]
pub mod simulation;
pub mod stress;
