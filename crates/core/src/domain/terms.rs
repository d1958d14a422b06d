//! What an event sells, on which terms, and when.

use std::fmt;

use super::names::{EventId, Seats, Timestamp};
use super::text::{Description, EventName, Venue, ZoneName};

/// How long seats are held where nobody says for how long, in seconds.
pub const HOLD_SECONDS_USUAL: u32 = 600;

/// What an event sells, and on which terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventTerms {
    /// The event's public id; it never changes.
    pub id: EventId,
    /// What it is called.
    pub name: EventName,
    /// What it is about.
    pub description: Option<Description>,
    /// Where it is.
    pub venue: Option<Venue>,
    /// When it begins.
    pub starts_at: Option<Timestamp>,
    /// The time zone in which that is told.
    pub zone: Option<ZoneName>,
    /// How many seats there are.
    pub capacity: Seats,
    /// The least seats that one request may take.
    pub seats_per_request_min: Seats,
    /// The most seats that one request may take.
    pub seats_per_request_max: Seats,
    /// How long seats are held where nobody says for how long, in seconds.
    pub hold_seconds: u32,
    /// Seats are sold from this moment on.
    pub on_sale_at: Option<Timestamp>,
    /// From this moment on they are not sold any more.
    pub off_sale_at: Option<Timestamp>,
    /// Whether they are sold at all.
    pub status: EventStatus,
}

impl EventTerms {
    /// An event that is on sale without an end, one seat at least and `seats_per_request_max` at most
    /// at a time.
    pub fn on_sale(
        id: EventId,
        name: EventName,
        capacity: Seats,
        seats_per_request_max: Seats,
    ) -> Self {
        Self {
            id,
            name,
            description: None,
            venue: None,
            starts_at: None,
            zone: None,
            capacity,
            seats_per_request_min: Seats::ONE,
            seats_per_request_max,
            hold_seconds: HOLD_SECONDS_USUAL,
            on_sale_at: None,
            off_sale_at: None,
            status: EventStatus::OnSale,
        }
    }

    /// Whether seats are sold at the time `now`, and if not, why.
    ///
    /// # Errors
    /// The first reason that applies.
    pub fn sells_at(&self, now: Timestamp) -> Result<(), NotOnSale> {
        match self.status {
            EventStatus::Draft => return Err(NotOnSale::Draft),
            EventStatus::Paused => return Err(NotOnSale::Paused),
            EventStatus::Closed => return Err(NotOnSale::Closed),
            EventStatus::Archived => return Err(NotOnSale::Archived),
            EventStatus::OnSale => {}
        }
        if let Some(from) = self.on_sale_at.filter(|from| now < *from) {
            return Err(NotOnSale::NotYet { from });
        }
        if let Some(since) = self.off_sale_at.filter(|until| now >= *until) {
            return Err(NotOnSale::Over { since });
        }
        Ok(())
    }
}

/// Whether the seats of an event are sold.
///
/// ```text
/// Draft ──▶ OnSale ◀──▶ Paused      each of them ──▶ Closed ◀──▶ Archived
///              ▲───────────────────────────────────────│
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventStatus {
    /// It is being prepared.
    Draft,
    /// They are sold within the sale window.
    OnSale,
    /// They are not sold for a while; what is held can be confirmed.
    Paused,
    /// They are not sold any more; what is held can be confirmed.
    Closed,
    /// It is over, and kept to be looked up.
    Archived,
}

impl EventStatus {
    /// Each status, with its name.
    pub const ALL: [(Self, &str); 5] = [
        (Self::Draft, "draft"),
        (Self::OnSale, "onSale"),
        (Self::Paused, "paused"),
        (Self::Closed, "closed"),
        (Self::Archived, "archived"),
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(status, _)| *status == self).map_or("", |(_, name)| name)
    }

    /// Whether an event of this status may come to be of that one.
    pub fn may_become(self, next: Self) -> bool {
        match (self, next) {
            (Self::Archived, Self::Closed) => true,
            (Self::Archived, _) | (_, Self::Draft) => self == next,
            (_, Self::Archived) => self == Self::Closed,
            _ => true,
        }
    }
}

/// Why seats are not sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotOnSale {
    /// The event is being prepared.
    Draft,
    /// The sale is paused.
    Paused,
    /// The sale is closed.
    Closed,
    /// The event is over.
    Archived,
    /// The sale has not begun.
    NotYet {
        /// When it begins.
        from: Timestamp,
    },
    /// The sale has ended.
    Over {
        /// When it ended.
        since: Timestamp,
    },
}

impl fmt::Display for NotOnSale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Draft => "the event is a draft",
            Self::Paused => "the sale is paused",
            Self::Closed => "the sale is closed",
            Self::Archived => "the event is archived",
            Self::NotYet { .. } => "the sale has not begun",
            Self::Over { .. } => "the sale has ended",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_sold_from_the_first_moment_until_before_the_last() {
        let (one, name) = (Seats::ONE, EventName::new("E").unwrap());
        let terms = EventTerms {
            on_sale_at: Some(Timestamp(10)),
            off_sale_at: Some(Timestamp(20)),
            ..EventTerms::on_sale(EventId::new("e").unwrap(), name, one, one)
        };
        let (from, since) = (Timestamp(10), Timestamp(20));
        for (now, expected) in [
            (9, Err(NotOnSale::NotYet { from })),
            (10, Ok(())),
            (19, Ok(())),
            (20, Err(NotOnSale::Over { since })),
        ] {
            assert_eq!(terms.sells_at(Timestamp(now)), expected, "{now}");
        }
        for (status, _) in EventStatus::ALL {
            let terms = EventTerms { status, ..terms.clone() };
            assert_eq!(terms.sells_at(from).is_ok(), status == EventStatus::OnSale);
        }
    }

    #[test]
    fn a_status_changes_in_these_ways_alone() {
        let ways = EventStatus::ALL.map(|(from, name)| {
            let to = EventStatus::ALL.into_iter().filter(|(to, _)| from.may_become(*to));
            format!("{name}: {}", to.map(|(_, name)| name).collect::<Vec<_>>().join(" "))
        });
        let expected = [
            "draft: draft onSale paused closed",
            "onSale: onSale paused closed",
            "paused: onSale paused closed",
            "closed: onSale paused closed archived",
            "archived: closed archived",
        ];
        assert_eq!(ways, expected);
    }
}
