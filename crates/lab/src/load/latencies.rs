//! How long answers took, by what was asked for.
//!
//! It must not know: which client asked, or what the answer was.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::checker::history::Asked;

/// The longest time that is told exactly; a longer one counts as this long.
const MICROSECONDS_MAX: u64 = 60_000_000;

/// What a request was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// To take seats.
    Reserve,
    /// To confirm or extend what is held.
    Change,
    /// To give up a reservation.
    Cancel,
    /// To change what is sold.
    Terms,
    /// To look.
    Read,
}

impl Kind {
    /// Each kind, with its name.
    pub const ALL: [(Self, &str); 5] = [
        (Self::Reserve, "reserve"),
        (Self::Change, "change"),
        (Self::Cancel, "cancel"),
        (Self::Terms, "terms"),
        (Self::Read, "read"),
    ];

    /// What `asked` is for.
    pub fn of(asked: &Asked) -> Self {
        match asked {
            Asked::Reserve { .. } | Asked::Hold { .. } => Self::Reserve,
            Asked::Confirm { .. } | Asked::Extend { .. } => Self::Change,
            Asked::Cancel { .. } | Asked::CancelPart { .. } => Self::Cancel,
            Asked::Update { .. } | Asked::Block { .. } | Asked::Unblock { .. } => Self::Terms,
            Asked::Read => Self::Read,
        }
    }
}

/// How long answers took, in microseconds.
#[derive(Debug)]
pub struct Latencies {
    reserve: Histogram<u64>,
    change: Histogram<u64>,
    cancel: Histogram<u64>,
    terms: Histogram<u64>,
    read: Histogram<u64>,
}

impl Latencies {
    pub(super) fn new() -> Self {
        let empty = || Histogram::new_with_max(MICROSECONDS_MAX, 3).expect("the bounds are valid");
        Self { reserve: empty(), change: empty(), cancel: empty(), terms: empty(), read: empty() }
    }

    /// Those of one kind.
    pub fn of(&self, kind: Kind) -> &Histogram<u64> {
        match kind {
            Kind::Reserve => &self.reserve,
            Kind::Change => &self.change,
            Kind::Cancel => &self.cancel,
            Kind::Terms => &self.terms,
            Kind::Read => &self.read,
        }
    }

    pub(super) fn record(&mut self, kind: Kind, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(MICROSECONDS_MAX);
        self.of_mut(kind).saturating_record(micros);
    }

    /// Adds those of `other`.
    pub(super) fn add(&mut self, other: &Self) {
        for (kind, _) in Kind::ALL {
            self.of_mut(kind).add(other.of(kind)).expect("all have the same bounds");
        }
    }

    fn of_mut(&mut self, kind: Kind) -> &mut Histogram<u64> {
        match kind {
            Kind::Reserve => &mut self.reserve,
            Kind::Change => &mut self.change,
            Kind::Cancel => &mut self.cancel,
            Kind::Terms => &mut self.terms,
            Kind::Read => &mut self.read,
        }
    }
}
