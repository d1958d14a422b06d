//! A naive model that predicts every answer to any sequence of commands.

use std::collections::BTreeMap;

use proptest::prelude::*;
use ticketboss_core::domain::{
    Change, Event, Hold, Intent, Nonce, PartnerTotals, Refusal, ReservationId, SeatCounts, Seats,
    Shortage, Status, Timestamp, Version,
};

use super::{NUMBER, assert_follow_refuses, foreign_ids, reservation_id};
use crate::support::{SEATS_PER_REQUEST_MAX, command, created, partner, portrait, terms, version};

/// One command of a random sequence. An index picks one of the reservations made so far.
#[derive(Debug, Clone)]
enum Step {
    Reserve { partner: usize, seats: u32 },
    Hold { partner: usize, seats: u32, hold_seconds: u32 },
    Confirm { index: prop::sample::Index },
    Extend { index: prop::sample::Index, hold_seconds: u32 },
    Cancel { index: prop::sample::Index },
    CancelPart { index: prop::sample::Index, seats: u32 },
    CancelForeign { index: prop::sample::Index, which: usize },
    Clock { by_ms: i64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = any::<prop::sample::Index>;
    let seconds = || prop_oneof![1 => 0..12_u32, 3 => 10..40_u32, 2 => 500..1900_u32];
    let step = prop_oneof![
        4 => (0..4_usize, 0..13_u32).prop_map(|(partner, seats)| Step::Reserve { partner, seats }),
        5 => (0..4_usize, 0..13_u32, seconds())
            .prop_map(|(partner, seats, hold_seconds)| Step::Hold { partner, seats, hold_seconds }),
        4 => index().prop_map(|index| Step::Confirm { index }),
        4 => (index(), seconds())
            .prop_map(|(index, hold_seconds)| Step::Extend { index, hold_seconds }),
        3 => index().prop_map(|index| Step::Cancel { index }),
        2 => (index(), 1..9_u32).prop_map(|(index, seats)| Step::CancelPart { index, seats }),
        1 => (index(), 0..3_usize).prop_map(|(index, which)| Step::CancelForeign { index, which }),
        3 => prop_oneof![-1000..1000_i64, -900_000..-1000_i64, 1000..900_000_i64].prop_map(|by_ms| Step::Clock { by_ms }),
    ];
    prop::collection::vec(step, 0..100)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Made {
    partner: usize,
    seats: u32,
    nonce: u64,
    at_ms: i64,
    status: Status,
    /// The version that made it what it is.
    since: u64,
}

/// What is sold, kept in the simplest way there is: every question is answered by counting.
struct Model {
    capacity: u32,
    version: u64,
    /// What time holds go by.
    now_ms: i64,
    /// What a change is dated now.
    dated_ms: i64,
    made: BTreeMap<u64, Made>,
}

impl Model {
    fn seats(&self, is_counted: impl Fn(&Made) -> bool) -> u32 {
        self.made.values().filter(|made| is_counted(made)).map(|made| made.seats).sum()
    }

    fn available(&self) -> u32 {
        let taken = self.seats(|made| made.status.has_seats());
        self.capacity.checked_sub(taken).expect("oversold")
    }

    fn holds(&self) -> impl Iterator<Item = (i64, u64)> {
        let held = |(made_by, made): (&u64, &Made)| match made.status {
            Status::Held(hold) => Some((hold.expires_at.0, *made_by)),
            _ => None,
        };
        self.made.iter().filter_map(held)
    }

    fn short_of(&self, asked: u32) -> Option<Shortage> {
        (asked > self.available()).then(|| Shortage {
            asked,
            available: self.available(),
            held: self.seats(|made| matches!(made.status, Status::Held(_))),
            next_expires_at: self.holds().min().map(|(at, _)| Timestamp(at)),
            version: version(self.version),
        })
    }

    fn until(&self, hold_seconds: u32) -> Timestamp {
        Timestamp(self.now_ms + i64::from(hold_seconds) * 1000)
    }

    /// One version later.
    fn next(&mut self) -> Version {
        self.version += 1;
        version(self.version)
    }

    fn make(
        &mut self,
        partner: usize,
        seats: u32,
        nonce: u64,
        hold_seconds: Option<u32>,
    ) -> Result<u64, Refusal> {
        if !(1..=SEATS_PER_REQUEST_MAX).contains(&seats) {
            let most = SEATS_PER_REQUEST_MAX;
            return Err(Refusal::SeatsPerRequest { asked: seats, least: 1, most });
        }
        if let Some(asked) = hold_seconds.filter(|asked| !(10..=1800).contains(asked)) {
            return Err(Refusal::HoldSeconds { asked });
        }
        if let Some(shortage) = self.short_of(seats) {
            return Err(Refusal::NotEnoughSeats(shortage));
        }
        let status = hold_seconds.map_or(Status::Confirmed, |seconds| {
            Status::Held(Hold { expires_at: self.until(seconds), extensions: 0 })
        });
        let made_by = self.next().get();
        let made = Made { partner, seats, nonce, at_ms: self.dated_ms, status, since: made_by };
        self.made.insert(made_by, made);
        Ok(made_by)
    }

    fn confirm(&mut self, made: Made) -> Result<Made, Refusal> {
        match made.status {
            Status::Confirmed => {
                return Err(Refusal::AlreadyConfirmed { since: version(made.since) });
            }
            Status::Cancelled { since } => return Err(Refusal::AlreadyCancelled { since }),
            Status::Expired { .. } => {
                if let Some(shortage) = self.short_of(made.seats) {
                    return Err(Refusal::HoldExpired(shortage));
                }
            }
            Status::Held(_) => {}
        }
        let since = self.next().get();
        Ok(Made { status: Status::Confirmed, since, ..made })
    }

    fn extend(&mut self, made: Made, hold_seconds: u32) -> Result<Made, Refusal> {
        if !(10..=1800).contains(&hold_seconds) {
            return Err(Refusal::HoldSeconds { asked: hold_seconds });
        }
        let hold = match made.status {
            Status::Confirmed => {
                return Err(Refusal::AlreadyConfirmed { since: version(made.since) });
            }
            Status::Cancelled { since } => return Err(Refusal::AlreadyCancelled { since }),
            Status::Expired { since } => return Err(Refusal::AlreadyExpired { since }),
            Status::Held(hold) if hold.extensions == 10 => return Err(Refusal::TooManyExtensions),
            Status::Held(hold) => hold,
        };
        let until_max = Timestamp(made.at_ms + 1_800_000);
        let expires_at = self.until(hold_seconds).min(until_max);
        if expires_at <= hold.expires_at {
            return Err(Refusal::HeldLongEnough { expires_at: hold.expires_at, until_max });
        }
        let since = self.next().get();
        let extensions = hold.extensions + 1;
        Ok(Made { status: Status::Held(Hold { expires_at, extensions }), since, ..made })
    }

    fn cancel(&mut self, made: Made) -> Result<Made, Refusal> {
        match made.status {
            Status::Cancelled { since } => return Err(Refusal::AlreadyCancelled { since }),
            Status::Expired { since } => return Err(Refusal::AlreadyExpired { since }),
            Status::Held(_) | Status::Confirmed => {}
        }
        let since = self.next();
        Ok(Made { status: Status::Cancelled { since }, since: since.get(), ..made })
    }

    fn cancel_part(&mut self, made: Made, seats: u32) -> Result<Made, Refusal> {
        match made.status {
            Status::Held(_) => return Err(Refusal::NotConfirmed),
            Status::Cancelled { since } => return Err(Refusal::AlreadyCancelled { since }),
            Status::Expired { since } => return Err(Refusal::AlreadyExpired { since }),
            Status::Confirmed if seats >= made.seats => {
                return Err(Refusal::NotAPart { asked: seats, has: made.seats });
            }
            Status::Confirmed => {}
        }
        let since = self.next().get();
        Ok(Made { seats: made.seats - seats, since, ..made })
    }

    fn pick(&self, index: prop::sample::Index) -> Option<ReservationId> {
        let made = self.made.iter().collect::<Vec<_>>();
        let (made_by, made) = made.get(index.index(made.len().max(1)))?;
        Some(reservation_id(version(**made_by), made.nonce))
    }

    /// Gives back what is over by now, the earliest first, and says what that was.
    fn expire(&mut self) -> Vec<u64> {
        let mut over = self.holds().filter(|(at, _)| *at <= self.now_ms).collect::<Vec<_>>();
        over.sort_unstable();
        for (_, made_by) in &over {
            let since = self.next();
            let made = self.made.get_mut(made_by).unwrap();
            (made.status, made.since) = (Status::Expired { since }, since.get());
        }
        over.into_iter().map(|(_, made_by)| made_by).collect()
    }

    fn assert_tells_the_same(&self, event: &Event) {
        assert_eq!(event.version().get(), self.version);
        let held = self.seats(|made| matches!(made.status, Status::Held(_)));
        let confirmed = self.seats(|made| made.status == Status::Confirmed);
        let (capacity, available) = (self.capacity, self.available());
        let seats = SeatCounts { capacity, available, held, confirmed, blocked: 0 };
        assert_eq!(event.seats(), seats);
        let mut live = 0;
        let mut partners = BTreeMap::new();
        for made in self.made.values() {
            let totals = partners
                .entry(format!("partner-{}", made.partner))
                .or_insert_with(PartnerTotals::default);
            match made.status {
                Status::Held(_) => totals.held += u64::from(made.seats),
                Status::Confirmed => totals.confirmed += u64::from(made.seats),
                _ => continue,
            }
            totals.reservations += 1;
            live += 1;
        }
        assert_eq!(event.live_reservations(), live);
        let told = event.partners().map(|(who, totals)| (who.as_str().to_owned(), *totals));
        assert_eq!(told.collect::<BTreeMap<_, _>>(), partners);
        let listed = event.reservations().map(|(id, kept)| {
            let partner = kept.partner.as_str().strip_prefix("partner-").unwrap();
            let made = Made {
                partner: partner.parse().unwrap(),
                seats: kept.seats.get(),
                nonce: id.nonce.get(),
                at_ms: kept.made_at.0,
                status: kept.status,
                since: kept.since(id.version).get(),
            };
            (id.version.get(), made)
        });
        assert_eq!(listed.collect::<BTreeMap<_, _>>(), self.made);
        assert_eq!(
            event.next_to_expire(),
            self.holds().min().map(|(at, made_by)| (Timestamp(at), version(made_by)))
        );
    }
}

/// An event beside its model, and every change so far.
struct Pair {
    event: Event,
    model: Model,
    changes: Vec<Change>,
    clock_ms: i64,
    goes_by: GoesBy,
}

/// What holds go by, where the clock is behind the last change.
#[derive(Debug, Clone, Copy)]
enum GoesBy {
    Dates,
    Clock,
}

impl Pair {
    fn new(capacity: u32, goes_by: GoesBy) -> Self {
        let (event, creation) = created(NUMBER, terms("node-meetup", capacity), 0);
        let model = Model { capacity, version: 1, now_ms: 0, dated_ms: 0, made: BTreeMap::new() };
        Self { event, model, changes: vec![creation], clock_ms: 0, goes_by }
    }

    /// Does `step` to both, compares the outcomes, and checks everything that holds at any time.
    fn run(&mut self, step: &Step, nonce: u64) {
        if let Step::Clock { by_ms } = step {
            self.clock_ms += by_ms;
            return;
        }
        // No change is dated before the last one, whatever the clock says.
        self.model.dated_ms = self.clock_ms.max(self.event.updated_at().0);
        self.model.now_ms = match self.goes_by {
            GoesBy::Dates => self.model.dated_ms,
            GoesBy::Clock => self.clock_ms,
        };
        for made_by in self.model.expire() {
            let (_, next) = self.event.next_to_expire().unwrap();
            assert_eq!(next.get(), made_by);
            self.decide(Intent::Expire { reservation: next }).unwrap();
        }
        let Some((intent, expected)) = self.expect(step, nonce) else {
            return;
        };
        let decided = self.decide(intent);
        assert_eq!(decided.map(|()| self.event.version().get()), expected);
        self.event.check().unwrap();
        self.event.audit().unwrap();
        self.model.assert_tells_the_same(&self.event);
    }

    fn decide(&mut self, intent: Intent) -> Result<(), Refusal> {
        let before = portrait(&self.event);
        let (asked, now) = (command(intent), Timestamp(self.clock_ms));
        let decided = match self.goes_by {
            GoesBy::Dates => self.event.decide(&asked, now),
            GoesBy::Clock => self.event.decide_by_clock(&asked, now),
        };
        assert_eq!(portrait(&self.event), before);
        let change = decided?.into_change().unwrap();
        assert!(change.at >= self.event.updated_at());
        assert!(change.at >= Timestamp(self.clock_ms));
        self.event.apply(&change);
        self.changes.push(change);
        Ok(())
    }

    /// What a step asks for, and the version that it makes by the model.
    fn expect(&mut self, step: &Step, nonce: u64) -> Option<(Intent, Result<u64, Refusal>)> {
        let name = |who: &usize| partner(&format!("partner-{who}"));
        let bits = Nonce::from_bits(nonce);
        match step {
            Step::Clock { .. } => None,
            Step::Reserve { partner: who, seats } => {
                let intent = Intent::Reserve { partner: name(who), seats: *seats, nonce: bits };
                Some((intent, self.model.make(*who, *seats, nonce, None)))
            }
            Step::Hold { partner: who, seats, hold_seconds } => {
                let (partner, seats, hold_seconds) = (name(who), *seats, *hold_seconds);
                let intent = Intent::Hold { partner, seats, nonce: bits, hold_seconds };
                Some((intent, self.model.make(*who, seats, nonce, Some(hold_seconds))))
            }
            Step::CancelForeign { index, which } => {
                let reservation = foreign_ids(self.model.pick(*index)?)[*which];
                Some((Intent::Cancel { reservation }, Err(Refusal::ReservationNotFound)))
            }
            Step::Confirm { index } => self.expect_of(
                *index,
                |reservation| Intent::Confirm { reservation },
                Model::confirm,
            ),
            Step::Extend { index, hold_seconds } => {
                let hold_seconds = *hold_seconds;
                self.expect_of(
                    *index,
                    |reservation| Intent::Extend { reservation, hold_seconds },
                    |model, made| model.extend(made, hold_seconds),
                )
            }
            Step::Cancel { index } => {
                self.expect_of(*index, |reservation| Intent::Cancel { reservation }, Model::cancel)
            }
            Step::CancelPart { index, seats } => {
                let part = Seats::new(*seats).unwrap();
                self.expect_of(
                    *index,
                    |reservation| Intent::CancelPart { reservation, seats: part },
                    |model, made| model.cancel_part(made, *seats),
                )
            }
        }
    }

    fn expect_of(
        &mut self,
        index: prop::sample::Index,
        intent: impl FnOnce(ReservationId) -> Intent,
        turn: impl FnOnce(&mut Model, Made) -> Result<Made, Refusal>,
    ) -> Option<(Intent, Result<u64, Refusal>)> {
        let id = self.model.pick(index)?;
        let made_by = id.version.get();
        let made = self.model.made[&made_by];
        let turned = turn(&mut self.model, made);
        let expected = turned.map(|made| {
            self.model.made.insert(made_by, made);
            self.model.version
        });
        Some((intent(id), expected))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_sequence_of_commands_ends_as_the_model_says(
        capacity in 1..60_u32,
        goes_by in prop_oneof![Just(GoesBy::Dates), Just(GoesBy::Clock)],
        steps in steps(),
    ) {
        let mut pair = Pair::new(capacity, goes_by);
        for (nonce, step) in (100..).zip(&steps) {
            pair.run(step, nonce);
        }
        assert_follow_refuses(&pair.event);

        let (creation, others) = pair.changes.split_first().unwrap();
        let mut refolded = Event::create(NUMBER, creation).unwrap();
        for change in others {
            refolded.follow(change).unwrap();
        }
        prop_assert_eq!(portrait(&refolded), portrait(&pair.event));
    }
}
