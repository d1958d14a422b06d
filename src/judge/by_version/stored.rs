//! The ledger, replayed: what the event was at each version, and when each change was asked for.

use crate::domain::{Change, Event, EventId, EventNumber, Fact, ReservationId, Version};
use crate::judge::history::Stand;
use crate::judge::laws;
use crate::judge::verdict::Verdict;

/// A ledger and what follows from it.
pub(super) struct Stored<'a> {
    pub(super) number: EventNumber,
    pub(super) ledger: &'a [Change],
    /// The event at the end, or before the first change that cannot be.
    event: Option<Event>,
    /// The event at each version, as far as the ledger replays.
    states: Vec<State>,
    /// The latest time at which one of the changes so far was asked for.
    asked_us_max: Vec<u64>,
}

/// The event in numbers, at one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    pub(super) available: u32,
    pub(super) reservations: u64,
}

/// What is known of a version.
pub(super) enum At {
    /// The event in numbers.
    State(State),
    /// There is such a version, but the ledger is broken before it.
    BeyondReplay,
    /// The ledger has no such version.
    Missing,
}

impl<'a> Stored<'a> {
    pub(super) fn replay(number: EventNumber, ledger: &'a [Change], verdict: &mut Verdict) -> Self {
        let mut states = Vec::with_capacity(ledger.len());
        let event = replay(number, ledger, &mut states, verdict);
        if let Some(violation) = event.as_ref().and_then(|event| event.audit().err()) {
            verdict.convict(laws::LEDGER, || violation.to_string());
        }
        Self { number, ledger, event, states, asked_us_max: Vec::new() }
    }

    /// Takes the time at which each change was asked for, 0 where that is not known.
    pub(super) fn set_asked_us(&mut self, mut asked_us: Vec<u64>) {
        let mut latest = 0;
        for asked in &mut asked_us {
            latest = latest.max(*asked);
            *asked = latest;
        }
        self.asked_us_max = asked_us;
    }

    /// The first change that was asked for only after `time_us`.
    pub(super) fn first_asked_after(&self, time_us: u64) -> Option<&'a Change> {
        self.ledger.get(self.asked_us_max.partition_point(|asked| *asked <= time_us))
    }

    pub(super) fn id(&self) -> Option<&EventId> {
        self.event.as_ref().map(Event::id)
    }

    pub(super) fn seats_per_request_max(&self) -> Option<u32> {
        self.event.as_ref().map(|event| event.seats_per_request_max().get())
    }

    /// The changes at a version: one, unless the ledger is broken.
    pub(super) fn changes_at(&self, version: u64) -> &'a [Change] {
        let from = match usize::try_from(version) {
            // Where the ledger replays, a version is where it belongs.
            Ok(version) if (1..=self.states.len()).contains(&version) => version - 1,
            _ => self.ledger.partition_point(|change| change.version.get() < version),
        };
        let rest = self.ledger.get(from..).unwrap_or_default();
        let count = rest.iter().take_while(|change| change.version.get() == version).count();
        rest.get(..count).unwrap_or_default()
    }

    pub(super) fn at(&self, version: u64) -> At {
        let index = usize::try_from(version).unwrap_or(usize::MAX).wrapping_sub(1);
        match self.states.get(index) {
            Some(state) => At::State(*state),
            None if self.changes_at(version).is_empty() => At::Missing,
            None => At::BeyondReplay,
        }
    }

    /// Whether exactly this reservation was ever made.
    pub(super) fn has_made(&self, id: ReservationId) -> bool {
        let is_made_by = |change: &Change| match &change.fact {
            Fact::Reserved { nonce, .. } | Fact::Held { nonce, .. } => *nonce == id.nonce,
            _ => false,
        };
        id.event == self.number && self.changes_at(id.version.get()).iter().any(is_made_by)
    }

    /// How many seats the reservation that `made_by` made had at a version.
    pub(super) fn seats_at(&self, made_by: Version, version: u64) -> Option<u32> {
        let (id, _) = self.event.as_ref()?.reservation_made_by(made_by)?;
        let life = self.life_of(id)?;
        Some(life.iter().rev().find(|stretch| stretch.since <= version)?.seats)
    }

    /// How the reservation of this id stood, one stretch of versions after the other, if it was ever made.
    pub(super) fn life_of(&self, id: ReservationId) -> Option<Vec<Stretch>> {
        let event = self.event.as_ref()?;
        let mut life: Vec<Stretch> = Vec::new();
        for version in event.reservation(id)?.versions(id.version) {
            let before = life.last().copied();
            let change = self.changes_at(version.get()).first()?;
            let (how, seats) = match &change.fact {
                Fact::Reserved { seats, .. } => (Stand::Confirmed, seats.get()),
                Fact::Held { seats, .. } => (Stand::Held, seats.get()),
                other => (stand_after(other)?, before?.seats - seats_less(other)),
            };
            if let Some(before) = life.last_mut() {
                before.until = Some(version.get());
            }
            life.push(Stretch { since: version.get(), until: None, how: Some(how), seats });
        }
        if self.states.len() < self.ledger.len()
            && let Some(last) = life.last_mut()
        {
            // What the rest of a broken ledger did to it is not known.
            let since = event.version().next().get();
            last.until = Some(since);
            let seats = last.seats;
            life.push(Stretch { since, until: None, how: None, seats });
        }
        Some(life)
    }
}

/// A stretch of versions at which a reservation stood in one way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub(super) since: u64,
    /// The first version that is not of it, if there is one.
    pub(super) until: Option<u64>,
    /// Nothing where that is not known.
    pub(super) how: Option<Stand>,
    pub(super) seats: u32,
}

fn stand_after(fact: &Fact) -> Option<Stand> {
    match fact {
        Fact::EventCreated(_)
        | Fact::EventUpdated(_)
        | Fact::SeatsBlocked { .. }
        | Fact::SeatsUnblocked { .. } => None,
        Fact::Held { .. } | Fact::Extended { .. } => Some(Stand::Held),
        Fact::Reserved { .. }
        | Fact::Confirmed { .. }
        | Fact::ConfirmedLate { .. }
        | Fact::PartlyCancelled { .. } => Some(Stand::Confirmed),
        Fact::Cancelled { .. } => Some(Stand::Cancelled),
        Fact::Expired { .. } => Some(Stand::Expired),
    }
}

fn seats_less(fact: &Fact) -> u32 {
    match fact {
        Fact::PartlyCancelled { seats, .. } => seats.get(),
        _ => 0,
    }
}

fn replay(
    number: EventNumber,
    ledger: &[Change],
    states: &mut Vec<State>,
    verdict: &mut Verdict,
) -> Option<Event> {
    let Some((creation, rest)) = ledger.split_first() else {
        verdict.convict(laws::LEDGER, || "it is empty".to_owned());
        return None;
    };
    let mut event = match Event::create(number, creation) {
        Ok(event) => event,
        Err(violation) => {
            verdict.convict(laws::LEDGER, || violation.to_string());
            return None;
        }
    };
    states.push(state_of(&event));
    for change in rest {
        if let Err(violation) = event.follow(change) {
            verdict.convict(laws::LEDGER, || violation.to_string());
            return Some(event);
        }
        // A ledger is replayed under the terms of today; a history is of one time.
        if let Fact::Reserved { seats, .. } | Fact::Held { seats, .. } = &change.fact
            && *seats > event.seats_per_request_max()
        {
            let version = change.version;
            verdict.convict(laws::LEDGER, || format!("{seats} seats at once at version {version}"));
        }
        states.push(state_of(&event));
    }
    Some(event)
}

fn state_of(event: &Event) -> State {
    State { available: event.seats().available, reservations: event.live_reservations() }
}
