//! The connection that a request arrives on, as far as the server passes it on.
//!
//! It must not know: sockets, or how many connections there are.

use std::net::SocketAddr;

use super::long_poll::LongWait;

/// What the server attaches to each request of a connection.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The address of the other side.
    pub peer: SocketAddr,
    /// Set while a response may take long.
    pub long_wait: LongWait,
}

impl Connection {
    /// A connection from `peer`, on which nothing is awaited.
    pub fn from_peer(peer: SocketAddr) -> Self {
        Self { peer, long_wait: LongWait::default() }
    }
}
