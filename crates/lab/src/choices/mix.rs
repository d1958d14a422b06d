//! How the choices of one kind of client differ from those of another: shares, limits and extremes.
//!
//! It must not know: how a choice is made.

/// What clients ask for, and how often.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mix {
    /// How many of a hundred requests read.
    pub(crate) read_percent: u64,
    /// How many of a hundred other requests change the terms, or take seats out of sale and put them back,
    /// where the capacity of the event is known.
    pub(crate) terms_percent: u64,
    /// How many of a hundred requests change a reservation, if one is known.
    pub(crate) cancel_percent: u64,
    /// How many of a hundred reservations are held first, and of a hundred changes of a reservation do
    /// something else than cancel it.
    pub(crate) hold_percent: u64,
    /// How many of a hundred changes have a key.
    pub(crate) key_percent: u64,
    /// The most seats of a usual reservation.
    pub(crate) seats_max: u32,
    /// What is beyond the usual.
    pub(crate) extremes: Extremes,
}

/// What is beyond the usual, and how far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extremes {
    /// Numbers of seats that no request may take.
    pub(crate) seats: &'static [u32],
    /// Lengths of holds that are at a limit or beyond it.
    pub(crate) hold_seconds: &'static [u32],
    /// How many seconds the other holds are longer than the shortest, at most.
    pub(crate) hold_spread_seconds: u32,
    /// A new capacity, in percent of the first one.
    pub(crate) capacity_percent: (u64, u64),
    /// The least and the most that the limit of seats for each request is changed to.
    pub(crate) seats_per_request: (u32, u32),
    /// One of so many reservations is made known to all clients, and one of so many changes is of one that
    /// all know: some are changed by several clients at once, and again after they are gone.
    pub(crate) shared_one_in: u64,
    /// How many of a hundred known reservations are forgotten when they are to be cancelled.
    pub(crate) forgotten_percent: u64,
    /// How many of a hundred changes of a reservation that all know name an id that never was.
    pub(crate) guess_percent: u64,
}
