//! The `ticketboss` program.

fn main() {}
