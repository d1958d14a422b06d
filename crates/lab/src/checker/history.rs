//! What clients asked for, when, and what they were told: one [`Operation`] for each request.
//!
//! A history is written as one JSON object a line. Its times are microseconds by one clock that is
//! never set back: all that matters is whether an answer came before another request began.
//!
//! It must not know: how a request is sent, or whether its answer can be true.

mod outcome;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::outcome::{Outcome, OutcomeName, Stand, Telling};
use ticketboss_core::domain::{EventId, PartnerId};

/// One request and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// Who asked. A client asks for one thing at a time.
    pub client: u32,
    /// The id of the request, which its change carries in the ledger.
    pub request: Uuid,
    /// The key under which he asked, if he had one: he may ask for the same again under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Uuid>,
    /// The event that it was about.
    #[serde(with = "event_id")]
    pub event: EventId,
    /// What was asked for.
    pub asked: Asked,
    /// When the client began to ask.
    pub began_us: u64,
    /// When the client had the whole answer, or gave up waiting for it.
    pub ended_us: u64,
    /// What the client was told.
    pub outcome: Outcome,
    /// Whether that was told for the first time.
    #[serde(default, skip_serializing_if = "Telling::is_first")]
    pub telling: Telling,
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "ask")]
pub enum Asked {
    /// Seats for a partner.
    Reserve {
        /// Who is to have them.
        #[serde(with = "partner_id")]
        partner: PartnerId,
        /// How many.
        seats: u32,
    },
    /// To give up a reservation.
    Cancel {
        /// Which one.
        reservation: Uuid,
    },
    /// Seats for a partner, kept for a while.
    Hold {
        /// Who is to have them.
        #[serde(with = "partner_id")]
        partner: PartnerId,
        /// How many.
        seats: u32,
        /// For how long.
        hold_seconds: u32,
    },
    /// To take for good what is held.
    Confirm {
        /// Which one.
        reservation: Uuid,
    },
    /// To have kept longer what is held.
    Extend {
        /// Which one.
        reservation: Uuid,
        /// For how long from then on.
        hold_seconds: u32,
    },
    /// To give up some seats of a reservation.
    CancelPart {
        /// Which one.
        reservation: Uuid,
        /// How many.
        seats: u32,
    },
    /// To sell the event on other terms, if they are still as when it was at a version.
    Update {
        /// How many seats it is to have, if another number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        capacity: Option<u32>,
        /// The most seats that one request may take, if another number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seats_per_request_max: Option<u32>,
        /// The version at which its terms were looked at.
        expected: u64,
    },
    /// To take seats out of sale.
    Block {
        /// How many.
        seats: u32,
    },
    /// To put seats back.
    Unblock {
        /// The version that took them out of sale.
        block: u64,
    },
    /// The event in numbers.
    Read,
}

/// What a key is of: the same key of another scope is another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyScope<'a> {
    /// Seats of an event, at once or for a while, for a partner.
    Place(&'a PartnerId),
    /// The confirmation of a reservation.
    Confirm(Uuid),
    /// The extension of a hold.
    Extend(Uuid),
    /// The end of a reservation.
    Cancel(Uuid),
    /// The end of a part of a reservation.
    CancelPart(Uuid),
    /// Other terms.
    Update,
    /// Seats out of sale.
    Block,
    /// The end of a block.
    Unblock(u64),
}

impl Asked {
    /// What a key is of under which this is asked for; nothing where it has no keys.
    pub fn key_scope(&self) -> Option<KeyScope<'_>> {
        match self {
            Self::Reserve { partner, .. } | Self::Hold { partner, .. } => {
                Some(KeyScope::Place(partner))
            }
            Self::Confirm { reservation } => Some(KeyScope::Confirm(*reservation)),
            Self::Extend { reservation, .. } => Some(KeyScope::Extend(*reservation)),
            Self::Cancel { reservation } => Some(KeyScope::Cancel(*reservation)),
            Self::CancelPart { reservation, .. } => Some(KeyScope::CancelPart(*reservation)),
            Self::Update { .. } => Some(KeyScope::Update),
            Self::Block { .. } => Some(KeyScope::Block),
            Self::Unblock { block } => Some(KeyScope::Unblock(*block)),
            Self::Read => None,
        }
    }

    /// What a key is used for: all but the version that was looked at, which may be another one when it
    /// is asked again.
    #[must_use]
    pub fn body(&self) -> Self {
        let mut body = self.clone();
        if let Self::Update { expected, .. } = &mut body {
            *expected = 0;
        }
        body
    }

    /// Something else that the same key could be used for, if there is anything.
    #[must_use]
    pub fn with_another_body(&self) -> Option<Self> {
        let mut other = self.clone();
        match &mut other {
            Self::Reserve { seats, .. }
            | Self::Hold { seats, .. }
            | Self::CancelPart { seats, .. }
            | Self::Block { seats }
            | Self::Update { capacity: Some(seats), .. } => *seats = another(*seats),
            Self::Extend { hold_seconds, .. } => *hold_seconds = another(*hold_seconds),
            Self::Cancel { .. }
            | Self::Confirm { .. }
            | Self::Update { capacity: None, .. }
            | Self::Unblock { .. }
            | Self::Read => return None,
        }
        Some(other)
    }
}

impl Operation {
    /// What its outcome is called.
    pub fn outcome_name(&self) -> OutcomeName {
        self.outcome.name(self.telling)
    }

    /// The version that it made, where it was done and that was told, for the first time.
    pub fn version_made(&self) -> Option<u64> {
        self.outcome.version_made().filter(|_| self.telling.is_first())
    }

    /// The version that the event surely had at a moment between question and answer, where the answer
    /// tells it. What is told again may be long ago, and so may be a confirmation: of a reservation that
    /// was confirmed before, it tells the same.
    pub fn version_reached(&self) -> Option<u64> {
        let may_be_old = !self.telling.is_first() || self.is_confirmed();
        self.outcome.version_told().filter(|_| !may_be_old)
    }

    fn is_confirmed(&self) -> bool {
        matches!(self.outcome, Outcome::Confirmed { .. })
    }
}

/// The changes that clients were told of. Each counts once: of a reservation that was confirmed before,
/// a confirmation tells the version that did it, without a word that this was before.
#[derive(Debug, Default)]
pub struct Acknowledged {
    confirmed: HashSet<(EventId, u64)>,
}

impl Acknowledged {
    /// Whether an operation was told of a change that none was told of before it.
    pub fn take(&mut self, operation: &Operation) -> bool {
        operation.version_made().is_some_and(|version| {
            !operation.is_confirmed() || self.confirmed.insert((operation.event.clone(), version))
        })
    }
}

/// Event ids as text.
mod event_id {
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    use ticketboss_core::domain::EventId;

    pub(super) fn serialize<S: Serializer>(id: &EventId, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(id.as_str())
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<EventId, D::Error> {
        EventId::new(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// Partner ids as text.
mod partner_id {
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    use ticketboss_core::domain::PartnerId;

    pub(super) fn serialize<S: Serializer>(id: &PartnerId, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(id.as_str())
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<PartnerId, D::Error> {
        PartnerId::new(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// Another number than that one: the next, or the one before the largest.
fn another(number: u32) -> u32 {
    number.checked_add(1).unwrap_or(u32::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_a_line_that_reads_back() {
        let operation = Operation {
            client: 3,
            request: Uuid::from_u128(5),
            key: None,
            event: EventId::new("node-meetup").unwrap(),
            asked: Asked::Reserve { partner: PartnerId::new("acme").unwrap(), seats: 2 },
            began_us: 10,
            ended_us: 20,
            outcome: Outcome::NotEnoughSeats { available: 1, version: 7 },
            telling: Telling::First,
        };
        let line = serde_json::to_string(&operation).unwrap();
        assert_eq!(
            line,
            concat!(
                r#"{"client":3,"request":"00000000-0000-0000-0000-000000000005","#,
                r#""event":"node-meetup","asked":{"ask":"reserve","partner":"acme","seats":2},"#,
                r#""beganUs":10,"endedUs":20,"#,
                r#""outcome":{"answer":"notEnoughSeats","available":1,"version":7}}"#,
            )
        );
        assert_eq!(serde_json::from_str::<Operation>(&line).unwrap(), operation);
        let retried = Operation {
            key: Some(Uuid::from_u128(6)),
            outcome: Outcome::Cancelled { version: 7 },
            telling: Telling::Again,
            ..operation
        };
        let again = serde_json::to_string(&retried).unwrap();
        assert!(again.ends_with(r#","telling":"again"}"#), "{again}");
        assert_eq!(serde_json::from_str::<Operation>(&again).unwrap(), retried);
        let nameless = line.replace("node-meetup", "");
        assert!(serde_json::from_str::<Operation>(&nameless).is_err());
    }

    #[test]
    fn a_confirmation_that_is_told_once_more_is_one_change() {
        let confirmed = |event: &str, version, telling| Operation {
            client: 0,
            request: Uuid::nil(),
            key: None,
            event: EventId::new(event).unwrap(),
            asked: Asked::Confirm { reservation: Uuid::nil() },
            began_us: 10,
            ended_us: 20,
            outcome: Outcome::Confirmed { version },
            telling,
        };
        let first = confirmed("a", 7, Telling::First);
        let mut acknowledged = Acknowledged::default();
        let told = [
            first.clone(),
            first.clone(),
            confirmed("a", 7, Telling::Again),
            confirmed("b", 7, Telling::First),
            confirmed("a", 8, Telling::First),
        ];
        let counted = told.iter().map(|told| acknowledged.take(told)).collect::<Vec<_>>();
        assert_eq!(counted, [true, false, false, true, true]);
        assert_eq!((first.version_made(), first.version_reached()), (Some(7), None));
    }

    #[test]
    fn of_the_largest_capacity_there_is_another_body() {
        for seats in [1, u32::MAX - 1, u32::MAX] {
            let asked = |capacity| Asked::Update {
                capacity: Some(capacity),
                seats_per_request_max: None,
                expected: 1,
            };
            let other = asked(seats).with_another_body().unwrap();
            let Asked::Update { capacity: Some(capacity), .. } = other else { unreachable!() };
            assert_ne!(capacity, seats);
            assert_ne!(capacity, 0);
        }
    }
}
