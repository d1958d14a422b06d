//! The ledger, replayed: what the event was at each version, and when each change was asked for.
//!
//! It must not know: what any answer says.

use std::collections::HashMap;

use crate::checker::history::Stand;
use crate::checker::laws;
use crate::checker::verdict::Verdict;
use ticketboss_core::domain::{
    Change, Event, EventId, EventNumber, EventTerms, Fact, ReservationId, Timestamp, Version,
};

/// A ledger and what follows from it.
pub(super) struct Stored<'a> {
    pub(super) number: EventNumber,
    pub(super) ledger: &'a [Change],
    /// The event at the end, or before the first change that cannot be.
    event: Option<Event>,
    /// The event at each version, as far as the ledger replays.
    states: Vec<State>,
    /// The terms, by the version that made them, as far as the ledger replays.
    terms: Vec<(u64, &'a EventTerms)>,
    /// From which version on seats were out of sale, and which put them back.
    blocks: Blocks,
    /// The latest time at which one of the changes so far was asked for.
    asked_us_max: Vec<u64>,
}

/// The version that put each block back, by the version that took its seats out of sale.
type Blocks = HashMap<u64, Option<u64>>;

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
        let replayed = ledger.get(..states.len()).unwrap_or_default();
        let (terms, blocks) = terms_and_blocks(replayed);
        Self { number, ledger, event, terms, blocks, states, asked_us_max: Vec::new() }
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

    /// The terms at a version, and the version that made them.
    pub(super) fn terms_at(&self, version: u64) -> Option<(u64, &'a EventTerms)> {
        let count = self.terms.partition_point(|(since, _)| *since <= version);
        self.terms.get(count.checked_sub(1)?).copied()
    }

    /// The lowest version, from `known` on, at which one request may not take so many seats. What a
    /// ledger says behind its first fault is not known.
    pub(super) fn beyond_limits(&self, asked: u32, known: u64) -> Option<u64> {
        let until = self.terms.iter().skip(1).map(|(since, _)| Some(*since)).chain([None]);
        let is_beyond = |terms: &EventTerms| {
            let (least, most) = (terms.seats_per_request_min, terms.seats_per_request_max);
            !(least.get()..=most.get()).contains(&asked)
        };
        let stretches = self.terms.iter().zip(until);
        let mut beyond = stretches.filter(|((_, terms), until)| {
            is_beyond(terms) && until.is_none_or(|until| known < until)
        });
        beyond.next().map(|((since, _), _)| known.max(*since)).or_else(|| self.unknown_from(known))
    }

    /// The lowest version, from `known` on, at which there is no such block.
    pub(super) fn without_block(&self, block: u64, known: u64) -> Option<u64> {
        match self.blocks.get(&block) {
            None => Some(known),
            Some(_) if known < block => Some(known),
            Some(Some(back)) => Some(known.max(*back)),
            Some(None) => self.unknown_from(known),
        }
    }

    /// The lowest version, from `known` on, of which nothing is known as the ledger is broken before.
    fn unknown_from(&self, known: u64) -> Option<u64> {
        let replayed = self.states.len() as u64;
        (replayed < self.ledger.len() as u64).then(|| known.max(replayed + 1))
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
        let is_made_by = |change: &Change| {
            let (Fact::Reserved { nonce, .. } | Fact::Held { nonce, .. }) = &change.fact else {
                return false;
            };
            *nonce == id.nonce
        };
        id.event == self.number && self.changes_at(id.version.get()).iter().any(is_made_by)
    }

    /// The latest moment up to which the reservation that `made_by` made may be held.
    pub(super) fn held_until_max(&self, made_by: Version) -> Option<Timestamp> {
        let (_, reservation) = self.event.as_ref()?.reservation_made_by(made_by)?;
        Some(reservation.held_until_max())
    }

    /// How many seats the reservation that `made_by` made had at a version.
    pub(super) fn seats_at(&self, made_by: Version, version: u64) -> Option<u32> {
        let (id, _) = self.event.as_ref()?.reservation_made_by(made_by)?;
        let life = self.life_of(id)?;
        let stretch = life.iter().rev().find(|stretch| stretch.since <= version)?;
        stretch.how.map(|_| stretch.seats)
    }

    /// How the reservation of this id stood, one stretch of versions after the other, if it was ever made.
    pub(super) fn life_of(&self, id: ReservationId) -> Option<Vec<Stretch>> {
        let event = self.event.as_ref()?;
        let mut life: Vec<Stretch> = Vec::new();
        for version in event.reservation(id)?.versions(id.version, Version::ZERO) {
            let seats_before = life.last().map(|before| before.seats);
            let change = self.changes_at(version.get()).first()?;
            let (how, seats) = stand_after(&change.fact, seats_before)?;
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

/// The terms by the version that made them, and each block with the version that put it back.
fn terms_and_blocks(ledger: &[Change]) -> (Vec<(u64, &EventTerms)>, Blocks) {
    let (mut terms, mut blocks) = (Vec::new(), HashMap::new());
    for change in ledger {
        let version = change.version.get();
        match &change.fact {
            Fact::EventCreated(made) | Fact::EventUpdated(made) => terms.push((version, made)),
            Fact::SeatsBlocked { .. } => drop(blocks.insert(version, None)),
            Fact::SeatsUnblocked { block } => drop(blocks.insert(block.get(), Some(version))),
            Fact::Reserved { .. }
            | Fact::Held { .. }
            | Fact::Confirmed { .. }
            | Fact::ConfirmedLate { .. }
            | Fact::Extended { .. }
            | Fact::PartlyCancelled { .. }
            | Fact::Cancelled { .. }
            | Fact::Expired { .. } => {}
        }
    }
    (terms, blocks)
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

/// How a reservation stands after a change to it, and with how many seats; nothing where the change is
/// none to a reservation.
fn stand_after(fact: &Fact, seats_before: Option<u32>) -> Option<(Stand, u32)> {
    match fact {
        Fact::EventCreated(_)
        | Fact::EventUpdated(_)
        | Fact::SeatsBlocked { .. }
        | Fact::SeatsUnblocked { .. } => None,
        Fact::Reserved { seats, .. } => Some((Stand::Confirmed, seats.get())),
        Fact::Held { seats, .. } => Some((Stand::Held, seats.get())),
        Fact::Extended { .. } => Some((Stand::Held, seats_before?)),
        Fact::Confirmed { .. } | Fact::ConfirmedLate { .. } => {
            Some((Stand::Confirmed, seats_before?))
        }
        Fact::PartlyCancelled { seats, .. } => {
            Some((Stand::Confirmed, seats_before? - seats.get()))
        }
        Fact::Cancelled { .. } => Some((Stand::Cancelled, seats_before?)),
        Fact::Expired { .. } => Some((Stand::Expired, seats_before?)),
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
        // This is looked at when it is decided, and not again when it is replayed.
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
